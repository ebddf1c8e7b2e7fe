"""Where a label is in its image, as a box."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ...core.review.items import Box


def box_of(label: Mapping[str, Any]) -> Box | None:
    """The box of a raw label document; of polylines and keypoints that around their points.

    Args:
        label: the document

    Returns:
        (x, y, width, height) relative to the image; None for what has no place, or none that can be read

    >>> box_of({"points": [[[0.25, 0.5], [0.75, 0.5]]]})
    (0.25, 0.5, 0.5, 0.0)
    """
    box = label.get("bounding_box")
    if isinstance(box, list):
        if len(box) != 4 or not all(map(_is_number, box)):
            return None
        x, y, width, height = map(float, box)
        return x, y, width, height
    points = list(_points(label.get("points")))
    if not points:
        return None
    (left, right), (top, bottom) = ((min(sides), max(sides)) for sides in zip(*points, strict=True))
    return left, top, right - left, bottom - top


def _points(raw: Any) -> Iterator[tuple[float, float]]:
    """The points in lists of points, however deep, that are visible."""
    if not isinstance(raw, (list, tuple)):
        return
    if len(raw) == 2 and all(map(_is_number, raw)):
        yield float(raw[0]), float(raw[1])
        return
    for one in raw:
        yield from _points(one)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
