"""Where objects are: overlap of boxes and of instance masks, and which objects of two sets are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from .errors import ShortlistError

#: an instance mask that fills its object's box, True where the object is; None for an object that is only a box
Mask: TypeAlias = "NDArray[np.bool_] | None"

# Pixels a side that a pair of masks is compared on at most; finer masks are thinned out to it.
_FINEST = 2048


def box_iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union of every box of one set with every box of another.

    Args:
        first: (n, 4) float, ``(x, y, width, height)`` with the top left corner at x, y, in any unit that both share
        second: (m, 4) float

    Returns:
        (n, m) float64 in [0, 1]; 0 where a box has no area or is NaN

    Raises:
        ShortlistError: what is given is not (n, 4)

    >>> box_iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 2, 2], [5, 5, 1, 1]])).round(3)
    array([[0.333, 0.   ]])
    """
    (low, high), (other_low, other_high) = _corners(first), _corners(second)
    both = _area(np.minimum(high[:, None], other_high) - np.maximum(low[:, None], other_low))
    # Areas from the corners, so that equal boxes overlap by exactly 1.
    either = _area(high - low)[:, None] + _area(other_high - other_low) - both
    result = np.zeros(both.shape)
    np.divide(both, either, out=result, where=(both > 0) & (either > 0))
    return np.minimum(result, 1, out=result)


def _corners(boxes: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) and (n, 2): the low and the high corners of boxes."""
    boxes = _boxes(boxes)
    return boxes[:, :2], boxes[:, :2] + boxes[:, 2:]


def _area(sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) the areas of (..., 2) sides, of which those below 0 are none."""
    sides = np.maximum(sides, 0)
    return sides[..., 0] * sides[..., 1]


def _boxes(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    exact = np.asarray(boxes, np.float64)
    if exact.ndim != 2 or exact.shape[1] != 4:
        raise ShortlistError(f"boxes_xywh must be an array of shape (n, 4). Got shape {exact.shape} instead.")
    return exact


def object_iou(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    masks: tuple[Sequence[Mask], Sequence[Mask]] | None = None,
) -> NDArray[np.float64]:
    """Intersection over union of objects: of their instance masks where both have one, else of their boxes.

    Args:
        first: (n, 4) float, boxes ``(x, y, width, height)`` relative to the image
        second: (m, 4) float
        masks: n and m instance masks, each filling its box, of any resolution; nothing given: there are none

    Returns:
        (n, m) float64 in [0, 1]
    """
    result = box_iou(first, second)
    if masks is not None:
        # Masks can only meet where their boxes do.
        for row, column in np.argwhere(result > 0):
            mine, other = masks[0][row], masks[1][column]
            if mine is not None and other is not None:
                result[row, column] = mask_iou(first[row], mine, second[column], other)
    return result


def mask_iou(
    box: NDArray[np.floating], mask: NDArray[np.bool_], other_box: NDArray[np.floating], other: NDArray[np.bool_]
) -> float:
    """Intersection over union of two instance masks, on the finer of their two pixel grids.

    Masks of the image's own resolution, as FiftyOne keeps them, are compared pixel by pixel; of a coarser mask the nearest
    value counts.

    Args:
        box: (4,) float, ``(x, y, width, height)`` relative to the image
        mask: (h, w) bool, fills the box
        other_box: (4,) float
        other: (h, w) bool

    Returns:
        a number in [0, 1]; 0 where one of the two is empty

    >>> left, right = np.array([0, 0, 0.5, 0.5]), np.array([0.25, 0, 0.5, 0.5])
    >>> round(mask_iou(left, np.ones((2, 2), bool), right, np.ones((2, 2), bool)), 3)
    0.333
    """
    first, second = (_boxes(np.asarray(one)[None])[0] for one in (box, other_box))
    if not (mask.size and other.size and min(*first[2:], *second[2:]) > 0):
        return 0.0
    # Pixels of the image by x and y.
    fineness = np.maximum(np.array(mask.shape[::-1]) / first[2:], np.array(other.shape[::-1]) / second[2:])
    low, high = np.minimum(first[:2], second[:2]), np.maximum(first[:2] + first[2:], second[:2] + second[2:])
    fineness = np.minimum(fineness, _FINEST / (high - low))
    places = [_placed(one, fineness) for one in (first, second)]
    corner = np.minimum(places[0][0], places[1][0])
    size = np.maximum(places[0][1], places[1][1]) - corner
    canvases = [_drawn(one, place, corner, size) for one, place in zip((mask, other), places, strict=True)]
    either = np.count_nonzero(canvases[0] | canvases[1])
    return float(np.count_nonzero(canvases[0] & canvases[1]) / either) if either else 0.0


def _placed(box: NDArray[np.float64], fineness: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pixels ``[low, high)`` of a box, by x and y; never none, so that no object vanishes."""
    low = np.rint(box[:2] * fineness).astype(np.int64)
    sides = np.rint(box[2:] * fineness).astype(np.int64)
    return low, low + np.maximum(sides, 1)


def _drawn(
    mask: NDArray[np.bool_],
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    corner: NDArray[np.int64],
    size: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """The mask at its place on an empty canvas."""
    canvas = np.zeros(tuple(size[::-1]), bool)
    (left, top), (right, bottom) = place[0] - corner, place[1] - corner
    canvas[top:bottom, left:right] = resized(mask, (int(bottom - top), int(right - left)))
    return canvas


def resized(pixels: NDArray, shape: tuple[int, int]) -> NDArray:
    """An image of values in another size: the nearest value counts, nothing is blended.

    Args:
        pixels: (..., h, w) of any type, with at least one pixel
        shape: height and width

    Returns:
        (..., height, width); the same array where the size is right already

    >>> resized(np.array([[1, 2]]), (2, 4))
    array([[1, 1, 2, 2],
           [1, 1, 2, 2]])
    """
    if pixels.shape[-2:] == tuple(shape):
        return pixels
    rows, columns = (nearest(old, new) for old, new in zip(pixels.shape[-2:], shape, strict=True))
    return pixels[..., rows[:, None], columns]


def nearest(old: int, new: int) -> NDArray[np.int64]:
    """(new,) int64: which of ``old`` places each of ``new`` places lies in, when both fill the same length."""
    return (np.arange(new) * 2 + 1) * old // (2 * new)


def matched(
    iou: NDArray[np.floating], threshold: float, agree: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which objects of two sets are the same: one to one, and overlapping by at least the threshold.

    Of all such matchings it is one with the most matches, among these one with the most that agree, and among these the one
    with the greatest overlap. So the counts and the overlap are the same whatever the order of the objects, and whichever
    set comes first.

    Args:
        iou: (n, m) float in [0, 1]
        threshold: the least overlap of a match
        agree: (n, m) bool, pairs to prefer, such as those of one class

    Returns:
        (k,) and (k,) int64: the rows, ascending, and the column of each

    Source: Kuhn, The Hungarian Method for the Assignment Problem (1955).

    >>> matched(np.array([[0.9, 0.6], [0.8, 0.0]]), 0.5)
    (array([0, 1]), array([1, 0]))
    """
    # An overlap that is the threshold but for rounding is a match.
    possible = iou >= threshold - 1e-9
    possible &= iou > 0
    if max(np.count_nonzero(possible, axis=side).max(initial=0) for side in (0, 1)) <= 1:
        rows, columns = np.nonzero(possible)
        return rows, columns
    # Each of the goals outweighs all that those after it can add up to.
    base = min(iou.shape) + 1.0
    worth = iou / base if agree is None else agree + iou / base
    rows, columns = linear_sum_assignment(np.where(possible, 1 + worth / base, 0), maximize=True)
    kept = possible[rows, columns]
    return rows[kept], columns[kept]
