"""Bounding boxes as documents hold them, to arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import must_be


def boxes_xywh(boxes: Sequence[Any], where: object) -> NDArray[np.float64]:
    """The boxes of some objects.

    Args:
        boxes: n raw values
        where: what holds them, for the error

    Returns:
        (n, 4) float64, top left corner, width and height, relative to the image

    Raises:
        ShortlistError: a value that is no box
    """
    try:
        array = np.array(boxes, np.float64).reshape(len(boxes), 4)
    except (TypeError, ValueError):
        array = np.full((len(boxes), 4), np.nan)
    if np.isfinite(array).all():
        return array
    wrong = next(box for box in boxes if not _is_box(box))
    raise must_be(f"{where}: bounding_box", "four finite numbers (x, y, width, height)", wrong)


def _is_box(box: Any) -> bool:
    is_list = isinstance(box, list) and len(box) == 4 and all(isinstance(side, (int, float)) for side in box)
    return is_list and bool(np.isfinite(box).all())
