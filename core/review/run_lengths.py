"""Masks as run lengths, as COCO files hold them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def counts_of(runs: Sequence[int] | str | bytes) -> list[int]:
    """The run lengths, of a list or of the text that COCO packs them in.

    A text holds each number in parts of five bits, the lowest first, as characters from ``0``; the sixth bit says that more
    follow. From the third on, a number is the difference from the one two before it.

    Args:
        runs: a list, or the text

    Returns:
        how many pixels of 0, then of 1, then of 0 again, and so on

    Source: the COCO API (Lin et al. 2014, cocodataset.org)

    >>> counts_of("52203"), counts_of([5, 2, 7, 2, 9])
    ([5, 2, 2, 2, 5], [5, 2, 7, 2, 9])
    """
    if isinstance(runs, str):
        runs = runs.encode()
    if not isinstance(runs, bytes):
        return [int(one) for one in runs]
    found: list[int] = []
    number = shift = 0
    for character in runs:
        part = character - 48
        number |= (part & 31) << shift
        shift += 5
        if part & 32:
            continue
        if part & 16:
            number -= 1 << shift
        found.append(number + found[-2] if len(found) > 2 else number)
        number = shift = 0
    return found


def pixels_of(counts: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """The mask that run lengths describe, column by column.

    Args:
        counts: how many pixels of 0, then of 1, and so on
        height: of the image
        width: of the image

    Returns:
        (height, width) bool

    >>> pixels_of([1, 2, 3], 3, 2).astype(int).tolist()
    [[0, 0], [1, 0], [1, 0]]
    """
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return np.ascontiguousarray(values.reshape(width, height).T)
