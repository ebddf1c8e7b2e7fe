"""Reading and measuring the image files of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed
from ..core.progress import Progress
from ..core.scores import scores
from ..core.scores.duplicates import fingerprint, perceptual_hashes
from ..core.scores.image_quality import ImageMetric, colored_share
from ..core.scores.picture import Picture, reduction
from ..dataset import image_quality, images
from ..dataset.arrays import Unreadable
from ..dataset.samples import Samples

#: what can be measured of an image: the metrics, and what only flags need
FORMULAS = {name: metric.compute for name, metric in scores(ImageMetric).items()} | {"colored_share": colored_share}

# Bytes of decoded images that a thread holds at a time, unless one alone has more.
_TOGETHER = 8 << 20


@dataclass
class Table:
    """What was measured of n images, in the order they were read.

    Args:
        ids: (n,) the samples
        read: (n,) which could be read
        values: (n,) a value, NaN where the image could not be read
        hashes: (n,) perceptual hashes
        hashed: (n,) which have one
        fingerprints: (n,) see ``fingerprint``
        reduced: (n,) which were decoded at a reduced scale
        unreadable: path and reason of those that could not be read
        skipped: the samples that hold no image file to read
        reasons: how many were skipped for which reason
    """

    ids: list[ObjectId]
    read: NDArray[np.bool_]
    values: dict[str, NDArray[np.float64]]
    hashes: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    fingerprints: NDArray[np.int64]
    reduced: NDArray[np.bool_]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[ObjectId] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Measured:
    """What was measured of one image; nothing but a reason where it could not be read."""

    file: image_quality.File
    reason: str | None = None
    values: tuple[float, ...] = ()
    hash: np.uint64 | None = None
    fingerprint: int = 0
    reduced: bool = False


def measured(samples: Samples, names: Sequence[str], progress: Progress) -> Table:
    """Reads and measures all image files, with all cores.

    Args:
        samples: whose
        names: the values, of ``FORMULAS``
        progress: told the images done

    Raises:
        ShortlistError: none of the samples holds an image
    """
    total = len(samples)
    ids: list[ObjectId] = []
    columns = np.full((total, len(names)), np.nan)
    read, hashed, reduced = (np.zeros(total, bool) for _ in range(3))
    hashes, fingerprints = np.zeros(total, np.uint64), np.zeros(total, np.int64)
    table = Table(ids, read, {}, hashes, hashed, fingerprints, reduced)

    def measure(lot: Sequence[image_quality.File]) -> Iterator[_Measured]:
        return _measured(lot, names)

    with closing(images.in_lots(measure, islice(image_quality.files(samples), total))) as found:
        for done, one in enumerate(found, start=1):
            progress(done, total, "reading images")
            if one.file.skipped:
                table.skipped.append(one.file.sample_id)
                table.reasons[one.file.skipped] += 1
                continue
            row = len(ids)
            ids.append(one.file.sample_id)
            if one.reason is not None:
                table.unreadable.append((one.file.path, one.reason))
                continue
            read[row], columns[row], reduced[row], fingerprints[row] = True, one.values, one.reduced, one.fingerprint
            hashes[row], hashed[row] = one.hash or 0, one.hash is not None
    n = len(ids)
    if not n:
        raise ShortlistError(f"the samples must hold images. Got none instead: {listed(_counted(table.reasons))}.")
    table.read, table.hashes, table.hashed = read[:n], hashes[:n], hashed[:n]
    table.fingerprints, table.reduced = fingerprints[:n], reduced[:n]
    table.values = {name: columns[:n, place] for place, name in enumerate(names)}
    return table


def _measured(lot: Sequence[image_quality.File], names: Sequence[str]) -> Iterator[_Measured]:
    """Reads and measures some images.

    All are decoded first, then a value is computed of all, then the next: code that has just run is in the processor's cache.
    """
    held: list[tuple[image_quality.File, Picture | str]] = []
    size = 0
    for file in lot:
        picture = _opened(file)
        held.append((file, picture))
        size += 0 if isinstance(picture, str) else picture.pixels.nbytes
        if size > _TOGETHER:
            yield from _values(held, names)
            held, size = [], 0
    yield from _values(held, names)


def _opened(file: image_quality.File) -> Picture | str:
    """The image, or why there is none."""
    if file.skipped:
        return file.skipped
    try:
        return images.decoded(images.read_bytes(file.path), reduction)
    except Unreadable as reason:
        return str(reason)


def _values(held: Sequence[tuple[image_quality.File, Picture | str]], names: Sequence[str]) -> Iterator[_Measured]:
    """What is measured of some images at hand."""
    pictures = [one for _, one in held if not isinstance(one, str)]
    columns = [[FORMULAS[name](picture) for picture in pictures] for name in names]
    rows = zip(zip(*columns, strict=True), perceptual_hashes(pictures), map(fingerprint, pictures), strict=True)
    for file, picture in held:
        if isinstance(picture, str):
            yield _Measured(file, picture)
        else:
            reduced = picture.pixels.shape[:2] != (picture.height, picture.width)
            yield _Measured(file, None, *next(rows), reduced)


def _counted(reasons: Counter[str]) -> list[str]:
    return [f"{count} {'sample' if count == 1 else 'samples'} {reason}" for reason, count in reasons.items()]
