"""How far several predictions of the same thing differ: query by committee, Monte Carlo dropout, one model against another.

A committee has M members. They may be models, checkpoints, or stochastic passes of one model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, rel_entr

from ..vectors import blocks
from .base import Score

Task = Literal["classification", "detection", "segmentation"]

# Values a block: the members' probabilities and their logarithms stay inside the second-level cache.
_BLOCK_VALUES = 100_000


@dataclass(frozen=True, kw_only=True)
class Disagreement(Score):
    """A score of how far the members of a committee differ.

    Args:
        tasks: the kinds of predictions that it can compare
        reads: what ``compute`` is given: ``votes`` and ``probabilities`` of ``Votes``, ``matches`` of objects, or ``masks``
    """

    tasks: tuple[Task, ...]
    reads: Literal["votes", "probabilities", "matches", "masks"]


@dataclass(frozen=True)
class Votes:
    """What M members say of m things: samples, objects or pixels.

    Args:
        classes: (m, M) int64, the class that each member votes for as an index of the class list, -1 where it does not vote
        probabilities: (m, M, K) float, rows sum to 1, NaN rows where a member has none
        n_classes: K, the size of the class list
    """

    classes: NDArray[np.int64]
    probabilities: NDArray[np.floating]
    n_classes: int


@dataclass(frozen=True)
class Pairs:
    """Pairs of members that were compared on n samples, one row a pair.

    Args:
        n_samples: n
        samples: (p,) int64, the sample of each pair
    """

    n_samples: int
    samples: NDArray[np.int64]

    def total(self, values: NDArray[np.number]) -> NDArray[np.float64]:
        """(n,) the sum over each sample's pairs; NaN for a sample without a pair."""
        total = np.bincount(self.samples, weights=values, minlength=self.n_samples)
        return np.where(self.counts > 0, total, np.nan)

    def mean(self, values: NDArray[np.number]) -> NDArray[np.float64]:
        """(n,) the mean over each sample's pairs; NaN for a sample without a pair."""
        return self.total(values) / np.maximum(self.counts, 1)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n,) how many pairs each sample has."""
        return np.bincount(self.samples, minlength=self.n_samples)


def vote_entropy(votes: Votes) -> NDArray[np.float64]:
    """Entropy of the members' votes, divided by the greatest that so many members and classes allow.

    ``-sum v log v / log min(M, K)`` with v the share of the votes for each class.

    Args:
        votes: what the members say of m things

    Returns:
        (m,) float in [0, 1]: 0 where all vote alike, NaN where fewer than two vote

    Source: Engelson & Dagan, Minimizing Manual Annotation Cost in Supervised Training from Corpora (1996); Settles,
        Active Learning Literature Survey (2010), section 3.2.

    >>> vote_entropy(Votes(np.array([[0, 1], [2, 2]]), np.zeros((2, 2, 0)), 3))
    array([1., 0.])
    """
    alike, voters = _alike(votes.classes)
    shares = alike / np.maximum(voters, 1)[:, None]
    # Every voter brings the logarithm of its class's share, so a class with v of the votes brings v times it.
    total = 0 - np.log(shares, out=np.zeros(shares.shape), where=alike > 0).sum(axis=1) / np.maximum(voters, 1)
    greatest = np.log(np.clip(np.minimum(voters, votes.n_classes), 2, None))
    return np.where(voters >= 2, np.clip(total / greatest, 0, 1), np.nan)


def variation_ratio(votes: Votes) -> NDArray[np.float64]:
    """The share of the members that do not vote for the class that most vote for.

    Args:
        votes: what the members say of m things

    Returns:
        (m,) float in [0, 1 - 1/M]: 0 where all vote alike, NaN where fewer than two vote

    Source: Freeman, Elementary Applied Statistics (1965); Gal, Islam & Ghahramani, Deep Bayesian Active Learning with Image
        Data (2017), section 4.

    >>> variation_ratio(Votes(np.array([[0, 1, 1, 1]]), np.zeros((1, 4, 0)), 3))
    array([0.25])
    """
    alike, voters = _alike(votes.classes)
    most = alike.max(axis=1, initial=0)
    return np.where(voters >= 2, 1 - most / np.maximum(voters, 1), np.nan)


def _alike(classes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(m, M) how many vote like each member, 0 for one that does not vote; and (m,) how many vote.

    Members are few and classes may be thousands, so votes are compared with one another, not counted a class.
    """
    voting = classes >= 0
    alike = np.zeros(classes.shape, np.int64)
    for member in range(classes.shape[1]):
        alike += (classes == classes[:, [member]]) & voting[:, [member]]
    return alike * voting, voting.sum(axis=1)


def consensus_kl(votes: Votes) -> NDArray[np.float64]:
    """Mean Kullback-Leibler divergence of the members' probabilities from their mean, in nats (the same number as bald).

    Args:
        votes: what the members say of m things

    Returns:
        (m,) float in [0, log min(M, K)]: 0 where all are the same, NaN where fewer than two have probabilities

    Source: McCallum & Nigam, Employing EM and Pool-Based Active Learning for Text Classification (1998).

    >>> consensus_kl(Votes(np.zeros((1, 2), int), np.array([[[1.0, 0.0], [0.0, 1.0]]]), 2)).round(3)
    array([0.693])
    """
    # The mean of numbers near the least that there is can be 0 where they are not.
    least = np.finfo(np.float64).tiny
    return _over_members(
        votes.probabilities,
        lambda given, mean, count: rel_entr(given, np.maximum(mean, least)[:, None]).sum(axis=(1, 2)),
    )


def bald(votes: Votes) -> NDArray[np.float64]:
    """Entropy of the mean of the members' probabilities less their mean entropy, in nats: what knowing the right member tells.

    The same number as ``consensus_kl``, under the name that it has where members are stochastic passes of one model. For
    segmentation it is the mean over pixels.

    Args:
        votes: what the members say of m things

    Returns:
        (m,) float in [0, log min(M, K)]: 0 where all are the same, NaN where fewer than two have probabilities

    Source: Houlsby et al., Bayesian Active Learning for Classification and Preference Learning (2011); Gal, Islam &
        Ghahramani, Deep Bayesian Active Learning with Image Data (2017).

    >>> bald(Votes(np.zeros((1, 2), int), np.array([[[0.5, 0.5], [0.5, 0.5]]]), 2))
    array([0.])
    """
    return _over_members(
        votes.probabilities,
        lambda given, mean, count: count * entr(mean).sum(axis=1) - entr(given).sum(axis=(1, 2)),
    )


def _over_members(
    probabilities: NDArray[np.floating],
    summed: Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The mean over members of what is summed over them, computed in double precision a block at a time.

    Args:
        probabilities: (m, M, K) float, NaN rows where a member has none
        summed: of (b, M, K) probabilities, 0 where a member has none, (b, K) their mean and (b,) how many there are
    """
    size, members, n_classes = probabilities.shape
    result = np.empty(size)
    for block in blocks(size, members * n_classes, _BLOCK_VALUES):
        given = probabilities[block].astype(np.float64)
        absent = np.isnan(given).any(axis=2)
        given[absent] = 0
        count = members - absent.sum(axis=1)
        some = np.maximum(count, 1)
        # Rounding may leave less than nothing where all are the same.
        value = np.maximum(summed(given, given.sum(axis=1) / some[:, None], count) / some, 0)
        result[block] = np.where(count >= 2, value, np.nan)
    return result


VOTE_ENTROPY = Disagreement(
    "vote_entropy",
    0,
    1,
    "the members vote for many classes",
    "Engelson & Dagan 1996; Settles, Active Learning Literature Survey, 2010, section 3.2",
    vote_entropy,
    tasks=("classification",),
    reads="votes",
)
VARIATION_RATIO = Disagreement(
    "variation_ratio",
    0,
    1,
    "many members vote against the most frequent class",
    "Freeman 1965; Gal, Islam & Ghahramani 2017",
    variation_ratio,
    tasks=("classification",),
    reads="votes",
)
CONSENSUS_KL = Disagreement(
    "consensus_kl",
    0,
    np.inf,
    "the members' probabilities differ",
    "McCallum & Nigam 1998",
    consensus_kl,
    tasks=("classification",),
    reads="probabilities",
)
BALD = Disagreement(
    "bald",
    0,
    np.inf,
    "each member is sure of something else",
    "Houlsby et al. 2011; Gal, Islam & Ghahramani 2017",
    bald,
    tasks=("classification", "segmentation"),
    reads="probabilities",
)
