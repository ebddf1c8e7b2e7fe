"""What part of an image to show of an item: the object with some of what is around it."""

from __future__ import annotations

from collections.abc import Sequence

from .items import Box

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
# How much of what is around is shown on each side, as a share of the object's longer side.
_AROUND = 0.6
# Pixels that are shown at least, a side: fewer would be blocks of colour that nobody recognises.
_LEAST = 160
# How much wider than high the part may be, and how much narrower.
_WIDEST, _NARROWEST = 1.8, 0.8
# A part that is nearly all of the image is all of it.
_NEARLY = 0.75


def frame_of(boxes: Sequence[Box], width: int, height: int) -> Box:
    """The part of an image to show.

    Args:
        boxes: what must be seen: (x, y, width, height), relative to the image
        width: of the image in pixels
        height: of the image in pixels

    Returns:
        (x, y, width, height), relative to the image and inside of it; the whole image where there is no box

    >>> frame_of([], 640, 480)
    (0.0, 0.0, 1.0, 1.0)
    >>> frame_of([(0.4, 0.4, 0.2, 0.2)], 1000, 1000)
    (0.28, 0.28, 0.44, 0.44)
    """
    if not boxes or width < 1 or height < 1:
        return WHOLE
    left = min(x for x, _, _, _ in boxes) * width
    top = min(y for _, y, _, _ in boxes) * height
    right = max(x + w for x, _, w, _ in boxes) * width
    bottom = max(y + h for _, y, _, h in boxes) * height
    around = _AROUND * max(right - left, bottom - top, 1)
    wide, high = max(right - left + 2 * around, _LEAST), max(bottom - top + 2 * around, _LEAST)
    wide, high = max(wide, high * _NARROWEST), max(high, wide / _WIDEST)
    x, w = _inside((left + right) / 2, wide, width)
    y, h = _inside((top + bottom) / 2, high, height)
    return WHOLE if w * h > _NEARLY else (x, y, w, h)


def _inside(centre: float, length: float, limit: int) -> tuple[float, float]:
    """A stretch around a centre, moved where it would reach out: where it begins and how long it is, as shares."""
    length = min(length, limit)
    start = min(max(centre - length / 2, 0), limit - length)
    return round(start / limit, 6), round(length / limit, 6)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in [0, 1].

    >>> overlap((0, 0, 1, 1), (0.5, 0, 1, 1))
    0.3333333333333333
    """
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(wide, 0) * max(high, 0)
    union = one[2] * one[3] + other[2] * other[3] - shared
    return shared / union if union > 0 else 0.0
