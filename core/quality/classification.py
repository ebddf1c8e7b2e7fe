"""How likely the given class of a sample is right, from its class probabilities. All in [0, 1], low = likely wrong."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..errors import must_be
from ..registry import instances_in
from ..scores.base import Score
from ..scores.uncertainty import entropy

# Rows a block: a block of a thousand classes stays inside the second-level cache.
_BLOCK_VALUES = 200_000
# Below this probability the entropy-weighted score is held, as long as the entropy says something by itself.
_CLIP = 1e-6
_ENTROPY = 1e-3


@dataclass(frozen=True, kw_only=True)
class LabelQuality(Score):
    """A score of how likely given labels are right: ``compute(probabilities (n, K), labels (n,)) -> (n,)``.

    Args:
        fitted: whether it learns something from all given rows, so that rows score together and not each alone; scoring
            by batches then needs what was learned (:class:`~shortlist.core.quality.channel.Channel`)
    """

    fitted: bool = False


@cache
def label_scores() -> dict[str, LabelQuality]:
    """Every score of class labels by name."""
    return {score.name: score for score in instances_in(__package__, LabelQuality)}


def self_confidence(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.floating]:
    """The probability of the given class.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows are unscoreable
        labels: (n,) int in [0, K), the given classes; -1 where there is none

    Returns:
        (n,) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, section 3.

    >>> self_confidence(np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]]), np.array([0, 2]))
    array([0.7, 0.1])
    """
    return np.clip(own_and_best_other(probabilities, labels)[0], 0, 1)


def normalized_margin(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.floating]:
    """The lead of the given class over the most probable other one, moved to [0, 1].

    ``(p(given) - max p(other) + 1) / 2``

    Args:
        probabilities: (n, K) float with K >= 2, rows sum to 1; NaN rows are unscoreable
        labels: (n,) int in [0, K), the given classes; -1 where there is none

    Returns:
        (n,) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, section 3.

    >>> normalized_margin(np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]]), np.array([0, 2])).round(3)
    array([0.75, 0.2 ])
    """
    own, other = own_and_best_other(probabilities, labels)
    return np.clip((own - other + 1) / 2, 0, 1)


def log_odds_margin(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.floating]:
    """How the given class stands against the most probable other one alone.

    ``p(given) / (p(given) + max p(other))``, which orders as the log odds of the two do.

    Args:
        probabilities: (n, K) float with K >= 2, rows sum to 1; NaN rows are unscoreable
        labels: (n,) int in [0, K), the given classes; -1 where there is none

    Returns:
        (n,) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Bradley and Terry, Rank Analysis of Incomplete Block Designs, 1952.

    >>> log_odds_margin(np.array([[0.6, 0.2, 0.2], [0.6, 0.2, 0.2]]), np.array([0, 2]))
    array([0.75, 0.25])
    """
    own, other = own_and_best_other(probabilities, labels)
    return np.clip(own / (own + other), 0, 1)


def confidence_weighted_entropy(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> NDArray[np.floating]:
    """The entropy over the probability of the given class, turned so that an unsure or contrary prediction is low.

    ``log(1 + e) / e`` with ``e = entropy / p(given)``; its limits are 1 for a certain prediction of the given class and 0
    for a certain prediction of another.

    Args:
        probabilities: (n, K) float with K >= 2, rows sum to 1; NaN rows are unscoreable
        labels: (n,) int in [0, K), the given classes; -1 where there is none

    Returns:
        (n,) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Kuan and Mueller, Model-agnostic label quality scoring, 2022, section 2.

    >>> confidence_weighted_entropy(np.array([[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]), np.array([0, 0, 1])).round(3)
    array([0.549, 1.   , 0.   ])
    """
    own = self_confidence(probabilities, labels).astype(np.float64)
    spread = np.asarray(entropy(probabilities), np.float64)
    # A probability far below what a model means is held, or its last digits would order the worst rows. Where nearly all is
    # on another class, holding it would call the label good.
    held = np.where(spread < _ENTROPY, own, np.maximum(own, _CLIP))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = spread / held
        score = np.log1p(ratio) / ratio
    score = np.where(ratio == 0, 1.0, score)
    score = np.where((held == 0) | np.isinf(ratio), 0.0, score)
    return np.where(np.isnan(own) | np.isnan(spread), np.nan, np.clip(score, 0, 1))


def own_and_best_other(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The probability of the given class and that of the most probable other class.

    Args:
        probabilities: (n, K) float; NaN rows are unscoreable
        labels: (n,) int in [0, K), -1 where there is none

    Returns:
        (n,) and (n,) float, both NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes
    """
    labels = checked(probabilities, labels)
    own = np.full(len(labels), np.nan, probabilities.dtype)
    other = own.copy()
    size = max(1, _BLOCK_VALUES // max(1, probabilities.shape[1]))
    for start in range(0, len(labels), size):
        block = slice(start, start + size)
        rows, given = np.array(probabilities[block]), labels[block]
        every = np.arange(len(rows))
        found = rows[every, given]
        rows[every, given] = -1
        own[block], other[block] = found, rows.max(axis=1, initial=-1)
    # A row that is NaN in part is unscoreable as a whole; a single class has no other.
    unscoreable = (labels < 0) | np.isnan(own) | np.isnan(other)
    own[unscoreable] = other[unscoreable] = np.nan
    return own, np.maximum(other, 0)


def checked(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Labels as int64, if they belong to the probabilities.

    Args:
        probabilities: (n, K) float
        labels: (n,) int in [0, K), -1 where there is none

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes
    """
    if probabilities.ndim != 2:
        raise must_be("probabilities", "an array of rows and classes", f"shape {probabilities.shape}")
    n_rows, n_classes = probabilities.shape
    if labels.shape != (n_rows,) or (n_rows and labels.dtype.kind not in "iu"):
        raise must_be("labels", f"{n_rows} integers, one a row of probabilities", f"{labels.dtype} {labels.shape}")
    given = labels.astype(np.int64)
    if n_rows and not (given.min() >= -1 and given.max() < n_classes):
        wrong = given[(given < -1) | (given >= n_classes)]
        hint = "Each is a place in the class list of the predictions; a label that is not in it has none."
        raise must_be("labels", f"-1 (unknown) or in [0, {n_classes})", int(wrong[0]), hint)
    return given


_NORTHCUTT = "Northcutt et al., Confident Learning, 2021, section 3"
_KUAN = "Kuan and Mueller, Model-agnostic label quality scoring, 2022, section 2"
_RIGHT = "the given label is right"

SELF_CONFIDENCE = LabelQuality("self_confidence", 0, 1, _RIGHT, _NORTHCUTT, self_confidence)
NORMALIZED_MARGIN = LabelQuality("normalized_margin", 0, 1, _RIGHT, _NORTHCUTT, normalized_margin)
ENTROPY = LabelQuality("confidence_weighted_entropy", 0, 1, _RIGHT, _KUAN, confidence_weighted_entropy)
LOG_ODDS_MARGIN = LabelQuality(
    "log_odds_margin",
    0,
    1,
    _RIGHT,
    "Bradley and Terry, Rank Analysis of Incomplete Block Designs, 1952",
    log_odds_margin,
)
