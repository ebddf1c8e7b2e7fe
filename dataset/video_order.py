"""Which video a sample is a frame of, and where in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.progress import Progress, silent
from ..core.selection.config import SelectionConfig
from ..core.selection.sequences import Sequences, ranks, sequences
from .input_fields import as_number, category_field, category_name
from .rows import Rows
from .samples import stored_path
from .sources import NUMBERS


def read_sequences(
    config: SelectionConfig,
    rows: Rows,
    candidates: NDArray[np.bool_],
    preselected: NDArray[np.bool_],
    progress: Progress = silent,
) -> Sequences:
    """The sequences of consecutive frames that a config asks for.

    Args:
        config: with ``selected_sequence_length``
        rows: the samples
        candidates: (n,) bool, which may be picked
        preselected: (n,) bool, the datapool
        progress: told the samples read

    Raises:
        ShortlistError: no such field, one of another type, or no sequence of that length
    """
    length = config.selected_sequence_length
    assert length is not None
    if config.sequence_of is None:
        videos = _ranks("filepath", os.path.dirname, rows, progress)
    else:
        category_field(config.sequence_of, "sequence_of", rows.samples)
        videos = _ranks(config.sequence_of, category_name, rows, progress)
    if config.sequence_order is None:
        order = _ranks("filepath", natural, rows, progress)
    else:
        field = category_field(config.sequence_order, "sequence_order", rows.samples)
        order = _ranks(config.sequence_order, as_number if isinstance(field, NUMBERS) else natural, rows, progress)
    found = sequences(np.where(order >= 0, videos, -1), order, length, candidates, preselected)
    if not found.candidates.any():
        raise ShortlistError(
            f"selected_sequence_length must be at most as many candidates as a video has next to each other. Got {length} "
            f"instead; no video has that many."
        )
    return found


def natural(text: Any) -> str:
    """A text that sorts as people count: ``frame_9`` before ``frame_10``.

    >>> sorted(["frame_10.png", "frame_9.png"], key=natural)
    ['frame_9.png', 'frame_10.png']
    """
    return re.sub(r"\d+", lambda number: number.group().zfill(20), str(text))


def _ranks(path: str, key: Callable[[Any], Any], rows: Rows, progress: Progress) -> NDArray[np.int64]:
    """(n,) the rank of every row's value at a path, -1 where there is none."""
    keys: list[Any] = [None] * len(rows)
    for places, found in rows.values_at(stored_path(path, rows.samples), progress):
        for place, value in zip(places, found, strict=True):
            keys[place] = None if value is None else key(value)
    return ranks(keys)
