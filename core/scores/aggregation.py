"""From the scores of a sample's objects to one score of the sample."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Aggregation = Literal["max", "mean", "sum", "top_m"]


def aggregate(
    scores: NDArray[np.floating],
    offsets: NDArray[np.int64],
    aggregation: Aggregation,
    top_m: int = 3,
    empty: float = 0,
) -> NDArray[np.floating]:
    """One score a sample from one score an object.

    Args:
        scores: (m,) float, NaN where an object is unscoreable
        offsets: (n + 1,) int64; the objects of sample i are the rows ``offsets[i]:offsets[i + 1]``
        aggregation: how objects are combined; ``top_m`` is the mean of the highest few
        top_m: how many; a sample with fewer takes the mean of those it has
        empty: the score of a sample without objects

    Returns:
        (n,) float64: ``empty`` for a sample without objects, NaN for one whose objects are all unscoreable

    >>> aggregate(np.array([0.9, 0.5]), np.array([0, 2, 2]), "max")
    array([0.9, 0. ])
    >>> aggregate(np.array([0.25, 1.0, 0.5]), np.array([0, 3]), "top_m", top_m=2)
    array([0.75])
    """
    counts = np.diff(offsets)
    owners = np.repeat(np.arange(len(counts)), counts)
    known = ~np.isnan(scores)
    scored = np.bincount(owners[known], minlength=len(counts))
    result = _COMBINED[aggregation](scores[known].astype(np.float64), owners[known], scored, top_m)
    result[(counts > 0) & (scored == 0)] = np.nan
    result[counts == 0] = empty
    return result


def _sum(
    scores: NDArray[np.float64], owners: NDArray[np.int64], scored: NDArray[np.int64], _: int
) -> NDArray[np.float64]:
    return np.bincount(owners, weights=scores, minlength=len(scored)).astype(np.float64)


def _mean(
    scores: NDArray[np.float64], owners: NDArray[np.int64], scored: NDArray[np.int64], _: int
) -> NDArray[np.float64]:
    return _sum(scores, owners, scored, 0) / np.maximum(scored, 1)


def _max(
    scores: NDArray[np.float64], owners: NDArray[np.int64], scored: NDArray[np.int64], _: int
) -> NDArray[np.float64]:
    result = np.full(len(scored), -np.inf)
    np.maximum.at(result, owners, scores)
    return result


def _top_m(
    scores: NDArray[np.float64], owners: NDArray[np.int64], scored: NDArray[np.int64], top_m: int
) -> NDArray[np.float64]:
    order = np.lexsort((-scores, owners))
    places = np.arange(len(order)) - np.repeat(np.cumsum(scored) - scored, scored)
    kept = order[places < top_m]
    return _mean(scores[kept], owners[kept], np.minimum(scored, top_m), 0)


_COMBINED = {"max": _max, "mean": _mean, "sum": _sum, "top_m": _top_m}
