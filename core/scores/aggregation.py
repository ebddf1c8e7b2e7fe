"""From the scores of a sample's objects to one score of the sample."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Aggregation = Literal["max", "mean", "sum"]


def aggregate(
    scores: NDArray[np.floating], offsets: NDArray[np.int64], aggregation: Aggregation
) -> NDArray[np.floating]:
    """One score a sample from one score an object.

    Args:
        scores: (m,) float, NaN where an object is unscoreable
        offsets: (n + 1,) int64; the objects of sample i are the rows ``offsets[i]:offsets[i + 1]``
        aggregation: how objects are combined

    Returns:
        (n,) float64: 0 for a sample without objects, NaN for one whose objects are all unscoreable

    >>> aggregate(np.array([0.9, 0.5]), np.array([0, 2, 2]), "max")
    array([0.9, 0. ])
    """
    counts = np.diff(offsets)
    owners = np.repeat(np.arange(len(counts)), counts)
    known = ~np.isnan(scores)
    scored = np.bincount(owners[known], minlength=len(counts))
    if aggregation == "max":
        result = np.full(len(counts), -np.inf)
        np.maximum.at(result, owners[known], scores[known])
    else:
        result = np.bincount(owners[known], weights=scores[known], minlength=len(counts)).astype(np.float64)
        if aggregation == "mean":
            result = result / np.maximum(scored, 1)
    result[(counts > 0) & (scored == 0)] = np.nan
    result[counts == 0] = 0
    return result
