"""Small pictures of samples, for reports and panels."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

import cv2
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.scores.picture import Picture
from .arrays import Unreadable
from .image_quality import File, files
from .images import decoded, in_threads, read_bytes
from .samples import Samples, dataset_of, every_sample

Thumbnail = NDArray[np.uint8]


def thumbnails_of(samples: Samples, ids: Iterable[str], side: int = 160) -> dict[str, Thumbnail]:
    """Small pictures of some samples, as they are shown: upright, transparent parts on white.

    Args:
        samples: a dataset or a view of it; the ids may be of any of the dataset's samples
        ids: sample ids; those that the dataset does not have are left out
        side: the longer side in pixels; smaller images are taken as they are

    Returns:
        (h, w, 3) RGB by sample id, in the order of the ids; without videos and other media that are no images, and without
        files that cannot be read
    """
    wanted = [one for one in dict.fromkeys(ids) if ObjectId.is_valid(one)]
    if not wanted:
        return {}
    found = files(every_sample(dataset_of(samples)).select(wanted))
    images = [file for file in found if file.skipped is None]
    with closing(in_threads(lambda file: _thumbnail(file, side), images)) as made:
        by_id = {str(file.sample_id): small for file, small in zip(images, made, strict=True) if small is not None}
    return {one: by_id[one] for one in wanted if one in by_id}


def _thumbnail(file: File, side: int) -> Thumbnail | None:
    """The small picture of a file; None where it cannot be read."""

    def reduction(width: int, height: int) -> int:
        """At least twice as large as is needed, so that averaging hides the decoder's own filter."""
        return max(one for one in (1, 2, 4, 8) if one == 1 or max(width, height) >= 2 * side * one)

    try:
        return _small(decoded(read_bytes(file.path), reduction), side)
    except Unreadable:
        return None


def _small(picture: Picture, side: int) -> Thumbnail:
    pixels = picture.pixels
    height, width = pixels.shape[:2]
    factor = side / max(height, width)
    if factor < 1:
        size = max(1, round(width * factor)), max(1, round(height * factor))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if pixels.dtype != np.uint8:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if pixels.ndim == 2 else cv2.COLOR_BGR2RGB), np.uint8)
