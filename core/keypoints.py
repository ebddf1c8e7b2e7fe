"""How far two skeletons of keypoints are the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Twice the mean of the standard deviations with which people place the points of COCO, in shares of the object's size.
_FALLOFF = 0.16


def keypoint_similarity(
    first: Sequence[NDArray[np.floating]], second: Sequence[NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Object keypoint similarity of every skeleton of one set with every skeleton of another.

    The mean over points of ``exp(-d^2 / (2 s^2 k^2))``, with d the distance of the two, s the square root of the mean area
    of the two skeletons' boxes and k = 0.16 for every point. Points that only one of the two shows count 0.

    Args:
        first: n arrays (p, 2) of points in one order, NaN where a point is not visible
        second: m arrays (p, 2)

    Returns:
        (n, m) float64 in [0, 1]; 0 where the numbers of points differ or no point is visible

    Source: Lin et al., Microsoft COCO, 2014 (keypoint evaluation).

    >>> skeleton = np.array([[0.1, 0.1], [0.5, 0.9]])
    >>> keypoint_similarity([skeleton], [skeleton, skeleton + 0.05, skeleton[:1]]).round(2)
    array([[1.  , 0.74, 0.  ]])
    """
    areas, others = (np.array([_area(one) for one in side], np.float64) for side in (first, second))
    result = np.zeros((len(first), len(second)))
    for row, mine in enumerate(first):
        for column, other in enumerate(second):
            if mine.shape == other.shape:
                size = (areas[row] + others[column]) / 2
                squares = ((mine - other) ** 2).sum(axis=1)
                near = np.exp(-squares / (2 * max(size, 1e-9) * _FALLOFF**2))
                shown = np.isfinite(mine).all(axis=1) | np.isfinite(other).all(axis=1)
                result[row, column] = np.nan_to_num(near).sum() / max(np.count_nonzero(shown), 1)
    return result


def _area(points: NDArray[np.floating]) -> float:
    shown = points[np.isfinite(points).all(axis=1)]
    return float(np.prod(np.ptp(shown, axis=0))) if len(shown) else 0.0
