"""How much two selections have in common, beside what chance would give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Rows = NDArray[np.int64]
Verdict = Literal["more", "as by chance", "fewer"]

# Fewer shared items say nothing of an order.
_FEWEST_RANKED = 3


@dataclass(frozen=True)
class Chance:
    """How many items two random sets of the same sizes share.

    Args:
        expected: the mean
        low: where the 95 % interval begins
        high: where it ends; with whole numbers it holds at least 95 %
    """

    expected: float
    low: int
    high: int


def by_chance(n_items: int, first: int, second: int) -> Chance:
    """How many items two random sets share.

    Args:
        n_items: how many items there are to draw from
        first: the size of the one set, at most ``n_items``
        second: the size of the other

    >>> by_chance(100, 20, 20)
    Chance(expected=4.0, low=1, high=7)

    Source: the hypergeometric distribution, which Fisher's exact test rests on (Fisher 1935).
    """
    if not n_items:
        return Chance(0.0, 0, 0)
    draws = stats.hypergeom(n_items, first, second)
    low, high = draws.interval(0.95)
    return Chance(first * second / n_items, int(low), int(high))


@dataclass(frozen=True)
class Shared:
    """What two sets have in common.

    Args:
        count: how many items they share
        jaccard: shared items over items in either, in [0, 1]; None where both are empty
        of_smaller: shared items over those of the smaller set, in [0, 1]; None where one is empty
        both_could: how many items either set could have held
        chance: how many items random sets would share that hold as many of these as the two do
    """

    count: int
    jaccard: float | None
    of_smaller: float | None
    both_could: int
    chance: Chance

    @property
    def verdict(self) -> Verdict:
        """Whether they share more or fewer items than 95 % of random sets would."""
        if self.chance.low <= self.count <= self.chance.high:
            return "as by chance"
        return "more" if self.count > self.chance.high else "fewer"


def shared_of(first: Rows, second: Rows, could_first: Rows, could_second: Rows) -> Shared:
    """What two sets have in common, and what they would have by chance.

    Chance only works on items that either could hold: a selection that was made on top of another cannot share anything with
    it, and is not said to avoid it.

    Args:
        first: (a,) rows of the one, each once
        second: (b,) rows of the other
        could_first: (m,) rows that the one could have held; those that it holds are added
        could_second: (k,) rows that the other could have held
    """
    common = np.intersect1d(first, second, assume_unique=True)
    both = np.intersect1d(np.union1d(could_first, first), np.union1d(could_second, second), assume_unique=True)
    free_first, free_second = (len(np.intersect1d(rows, both, assume_unique=True)) for rows in (first, second))
    either, smaller = len(first) + len(second) - len(common), min(len(first), len(second))
    return Shared(
        len(common),
        len(common) / either if either else None,
        len(common) / smaller if smaller else None,
        len(both),
        by_chance(len(both), free_first, free_second),
    )


def rank_agreement(first: NDArray[np.integer], second: NDArray[np.integer]) -> float | None:
    """How far two selections agree in which of their shared items come first.

    Args:
        first: (c,) the rank of each shared item in the one
        second: (c,) its rank in the other

    Returns:
        Spearman's correlation of the ranks in [-1, 1]: 1 = the same order; None for fewer than three items

    >>> rank_agreement(np.array([1, 2, 5, 9]), np.array([3, 4, 8, 20]))
    1.0

    Source: Spearman 1904.
    """
    if len(first) < _FEWEST_RANKED:
        return None
    return float(np.clip(stats.spearmanr(first, second).statistic, -1, 1))


def alone(sets: list[Rows], n_rows: int) -> list[Rows]:
    """The rows that each set has and no other one.

    Args:
        sets: rows of each, every row once
        n_rows: greater than any row
    """
    times = np.zeros(n_rows, np.int64)
    for rows in sets:
        times[rows] += 1
    return [rows[times[rows] == 1] for rows in sets]
