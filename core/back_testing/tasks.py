"""What strategies are replayed on, and how it is split into a pool to label and a test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from ..errors import must_be
from ..vectors import own_order
from .truths import Rows, Truth

#: fewer labelled samples than this say nothing of strategies
MINIMUM = 20
# Wider vectors are reduced to this many principal components for the model; strategies see them as they are.
_COMPONENTS = 128


@dataclass(frozen=True)
class Task:
    """Labelled rows.

    Args:
        vectors: (n, d) float, what strategies see
        truth: of each row
        groups: (n,) int64, the same for rows that are never split between pool and test
    """

    vectors: NDArray[np.floating]
    truth: Truth
    groups: Rows

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Trial:
    """A pool to label and a test set.

    Args:
        vectors: (p, d) float, those of the pool as strategies see them
        features: (p, c) float, the same as the model sees them
        truth: of the pool
        test: (t, c) float, the features of the test set
        test_truth: of the test set
        rows: (p,) of the task
        seed: of everything random
    """

    vectors: NDArray[np.floating]
    features: NDArray[np.floating]
    truth: Truth
    test: NDArray[np.floating]
    test_truth: Truth
    rows: Rows
    seed: int

    def seeded(self, draw: int) -> Trial:
        """The same with other chance."""
        return replace(self, seed=self.seed + 1_000_003 * draw)


def ordered(task: Task) -> Rows:
    """(n,) an order of the rows that depends on their vectors and labels alone."""
    marks = task.truth.presence @ (1.0 + np.arange(len(task.truth.names)))
    return own_order(np.column_stack([task.vectors, marks.astype(task.vectors.dtype)]))


def features_of(vectors: NDArray[np.floating], seed: int = 0) -> NDArray[np.float32]:
    """Vectors as the model sees them: centred, of at most 128 dimensions, and of variance one on average.

    One scale for all dimensions, since scales of their own would blow up what hardly varies.
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    if vectors.shape[1] > _COMPONENTS and len(vectors) > _COMPONENTS and centred.any():
        centred = PCA(_COMPONENTS, random_state=seed).fit_transform(centred)
    scale = np.sqrt(np.square(centred).mean())
    return (centred / (scale if scale > 0 else 1)).astype(np.float32)


def trials(task: Task, seeds: Sequence[int], test_share: float) -> list[Trial]:
    """A split for each seed.

    Args:
        task: the labelled rows
        seeds: one a split
        test_share: which share of the rows is for testing, in (0, 1)

    Raises:
        ShortlistError: groups that leave nothing to pick from or to test on
    """
    order = ordered(task)
    features = features_of(task.vectors[order])
    own = Task(task.vectors[order], task.truth.at(order), task.groups[order])
    found = []
    for seed in seeds:
        test = split(own, test_share, seed)
        if test.all() or not test.any():
            raise must_be(
                "keep_together",
                "a field by which the labelled samples fall into groups of which some can be kept for the test",
                f"{len(np.unique(own.groups))} group(s)",
            )
        pool, held_out = np.flatnonzero(~test), np.flatnonzero(test)
        truths = own.truth.at(pool), own.truth.at(held_out)
        found.append(
            Trial(own.vectors[pool], features[pool], truths[0], features[held_out], truths[1], order[pool], seed)
        )
    return found


def split(task: Task, test_share: float, seed: int) -> NDArray[np.bool_]:
    """(n,) bool, which rows are for testing: with about the same share of every class, and every group whole.

    Groups are dealt class by class, the rarest first, each to the side that lacks most of the class.

    Source: Sechidis et al., On the Stratification of Multi-Label Data, 2011 (iterative stratification).
    """
    rng = np.random.default_rng(seed)
    _, first, group = np.unique(task.groups, return_index=True, return_inverse=True)
    # Groups are numbered as their first rows come, whatever they are called.
    group = np.argsort(np.argsort(first))[group]
    presence = task.truth.presence
    counts = np.zeros((len(first), presence.shape[1]))
    np.add.at(counts, group, presence)
    sizes = np.bincount(group)
    shares = np.array([1 - test_share, test_share])
    wanted, room = shares[:, None] * counts.sum(axis=0), shares * len(task)
    side, shuffled = np.full(len(first), -1), rng.permutation(len(first))

    def deal(one: int, lacking: NDArray[np.floating]) -> None:
        to = int(np.lexsort((-room, -lacking))[0])
        side[one] = to
        wanted[to] -= counts[one]
        room[to] -= sizes[one]

    while (left := side < 0).any():
        remaining = (counts[left] > 0).sum(axis=0)
        if not remaining.any():
            break
        rarest = int(np.where(remaining > 0, remaining, remaining.max() + 1).argmin())
        for one in shuffled[left[shuffled] & (counts[shuffled, rarest] > 0)]:
            deal(int(one), wanted[:, rarest])
    for one in shuffled[side[shuffled] < 0]:
        deal(int(one), room)
    return (side == 1)[group]


def sampled(task: Task, most: int, seed: int) -> Rows:
    """(m,) ascending rows of a random part of a task that is too large, whole groups of it."""
    if len(task) <= most:
        return np.arange(len(task))
    order = ordered(task)
    groups = task.groups[order]
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    chance = np.random.default_rng(seed).random(len(first))[np.argsort(np.argsort(first))]
    kept = np.argsort(chance[group], kind="stable")[:most]
    return np.sort(order[kept])


def default_budgets(pool: int, n_classes: int, count: int = 6) -> list[int]:
    """Round numbers of labels in about equal ratios, from two a class to three quarters of the pool.

    >>> default_budgets(1258, 10)
    [20, 45, 95, 200, 440, 940]
    """
    most = max(2, 3 * pool // 4)
    least = min(max(2 * n_classes, 10), max(2, most // 4))
    return list(dict.fromkeys(_rounded(value, most) for value in np.geomspace(least, most, max(count, 2))))


def _rounded(value: float, most: int) -> int:
    """A number of labels that is easy to read."""
    unit = 1 if value < 20 else 5 if value < 100 else 10 if value < 500 else 20 if value < 1000 else 100
    return int(min(most, max(2, unit * round(value / unit))))
