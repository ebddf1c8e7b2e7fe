"""How unsure a model is of a mask, from its class probabilities a pixel: by segment, or by pixel.

A mask is read in bands of rows, twice: for the predicted classes, and for the probabilities of the segments that these
make. So neither the whole array nor what a noisy mask has of segments is ever held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from .apply import How
from .base import Uncertainty
from .calibration import tempered
from .probabilities import BadRow, normalized

Unit = Literal["segment", "pixel", "class_balanced"]
# Probabilities a band: fewer cost more calls, more leave the cache.
_BAND_VALUES = 1_000_000


class Planes(Protocol):
    """The class probabilities of a mask, a plane a class.

    Args:
        shape: (K, h, w)
        rounding: how far off 1 the sum of a pixel's probabilities may be
        predicted: (h, w) int, the predicted class of each pixel, -1 where there is none; None: the most probable
    """

    shape: tuple[int, int, int]
    rounding: float
    predicted: NDArray[np.integer] | None

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """(K, stop - start, w) the probabilities of some rows."""
        ...

    def ranks(self, start: int, stop: int) -> NDArray:
        """(K, stop - start, w) numbers that are in the order of the probabilities, which may cost less to get."""
        ...


@dataclass(frozen=True)
class MaskScores:
    """The scores of one mask.

    Args:
        values: its scores by name, NaN where it has no pixel that can be scored
        n_segments: how many segments it has; 0 where pixels were scored
    """

    values: dict[str, float]
    n_segments: int


def mask_scores(planes: Planes, scores: Sequence[Uncertainty], unit: Unit, how: How) -> MaskScores:
    """Scores one mask.

    Args:
        planes: its probabilities
        scores: which, all of level ``object``
        unit: ``segment``: each connected region of one predicted class is an object with the mean probabilities of its
            pixels, and they are combined as ``how`` says; ``pixel``: the mean over pixels; ``class_balanced``: the mean over
            pixels weighted by ``1 / sqrt(share of their predicted class + 0.001)``, so that rare classes count
        how: aggregation, temperature and normalization

    Raises:
        BadRow: probabilities that are no distribution
    """
    return _by_segment(planes, scores, how) if unit == "segment" else _by_pixel(planes, scores, unit, how)


def predicted_classes(planes: Planes) -> NDArray[np.integer]:
    """(h, w) the class of each pixel, -1 where there is none.

    Raises:
        BadRow: a pixel with probabilities of some classes only
    """
    if planes.predicted is not None:
        return planes.predicted
    n_classes, height, width = planes.shape
    classes = np.empty((height, width), np.min_scalar_type(-n_classes))
    for start, stop in _bands(planes.shape):
        # A running maximum over planes is several times faster than argmax along an axis that is not contiguous.
        band = planes.ranks(start, stop)
        best, own = band[0].copy(), classes[start:stop]
        own[:] = 0
        for index in range(1, n_classes):
            better = (band[index] > best).view(np.int8)
            np.maximum(own, better * own.dtype.type(index), out=own)
            np.maximum(best, band[index], out=best)
        if best.dtype.kind == "f" and (absent := np.isnan(best)).any():
            if not np.isnan(band[:, absent]).all():
                raise BadRow(0, "probabilities must be numbers >= 0 that sum to 1. Got NaN for some classes instead.")
            own[absent] = -1
    return classes


@dataclass(frozen=True)
class Regions:
    """The connected regions of one class of a mask (four neighbours), as the runs of pixels along rows that they consist of.

    Args:
        starts: (r,) int32, the first pixel of each run, row by row
        owners: (r,) int, the region of each run; regions are numbered in the order of their first runs
        last: (s,) int32, the last run of each region
        pixels: (s,) int32, the size of each region; 0 where its class is none
    """

    starts: NDArray[np.int32]
    owners: NDArray[np.integer]
    last: NDArray[np.int32]
    pixels: NDArray[np.int32]


def regions_of(classes: NDArray[np.integer]) -> Regions:
    """The connected regions of a mask.

    Args:
        classes: (h, w) the class of each pixel, -1 where it has none

    >>> regions_of(np.array([[0, 1, 0], [1, 1, 0]])).pixels
    array([1, 3, 2], dtype=int32)
    """
    begins = np.ones(classes.shape, bool)
    np.not_equal(classes[:, 1:], classes[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins).astype(np.int32)
    touching = _touching(classes, begins)
    graph = sparse.coo_array((np.ones(len(touching[0])), touching), shape=(len(starts), len(starts)))
    count, owners = connected_components(graph, directed=False)
    last = np.zeros(count, np.int32)
    last[owners] = np.arange(len(owners), dtype=np.int32)
    lengths = np.diff(starts, append=np.int32(classes.size))
    lengths[classes.ravel()[starts] < 0] = 0
    pixels = np.bincount(owners, weights=lengths, minlength=count).astype(np.int32)
    return Regions(starts, owners, last, pixels)


def _touching(classes: NDArray[np.integer], begins: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Pairs of runs of one class, one of which begins above or below the other."""
    places = np.flatnonzero((classes[1:] == classes[:-1]) & (begins[1:] | begins[:-1]))
    runs = np.cumsum(begins, dtype=np.int32)
    runs -= 1
    return runs[places], runs[places + classes.shape[1]]


def segments(planes: Planes, temperature: float = 1) -> Iterator[NDArray[np.floating]]:
    """The mean probabilities of the connected regions of one predicted class (four neighbours).

    Yields:
        (s, K) of those that end in the next band of rows, in the order of their first pixels

    Raises:
        BadRow: probabilities that are no distribution
    """
    regions, (n_classes, _, width) = regions_of(predicted_classes(planes)), planes.shape
    # Totals are held of the regions that have begun and not ended: a noisy mask has millions.
    ids, totals = np.zeros(0, np.int64), np.zeros((n_classes, 0))
    places, n_begun = np.zeros(len(regions.last), np.int32), 0
    for start, stop in _bands(planes.shape):
        band = planes.rows(start, stop).reshape(n_classes, -1)
        if temperature != 1:
            # Checked before: a temperature makes a distribution of anything.
            band = tempered(normalized(band.T, planes.rounding), temperature).T
        first, end = np.searchsorted(regions.starts, [start * width, stop * width])
        sums = np.add.reduceat(band, regions.starts[first:end] - start * width, axis=1)
        owners = regions.owners[first:end]
        ids = np.append(ids, np.arange(n_begun, max(n_begun, owners.max() + 1)))
        n_begun = max(n_begun, owners.max() + 1)
        places[ids] = np.arange(len(ids))
        own, before = places[owners].astype(np.intp), totals
        totals = np.stack([np.bincount(own, weights=plane, minlength=len(ids)) for plane in sums])
        totals[:, : before.shape[1]] += before
        has_ended = regions.last[ids] < end
        ended = has_ended & (regions.pixels[ids] > 0)
        if ended.any():
            yield normalized((totals[:, ended] / regions.pixels[ids[ended]]).T, planes.rounding)
        ids, totals = ids[~has_ended], totals[:, ~has_ended]


def _by_segment(planes: Planes, scores: Sequence[Uncertainty], how: How) -> MaskScores:
    found: dict[str, list[NDArray[np.floating]]] = {score.name: [np.zeros(0, np.float32)] for score in scores}
    n_segments = 0
    for probabilities in segments(planes, how.temperature):
        n_segments += len(probabilities)
        for score in scores:
            # Single precision: a noisy mask has millions of segments.
            found[score.name].append(how.of(score, probabilities).astype(np.float32))
    offsets = np.array([0, n_segments])
    values = {name: float(how.combined(np.concatenate(parts), offsets)[0]) for name, parts in found.items()}
    return MaskScores(values if n_segments else dict.fromkeys(found, np.nan), n_segments)


def _by_pixel(planes: Planes, scores: Sequence[Uncertainty], unit: Unit, how: How) -> MaskScores:
    n_classes = planes.shape[0]
    classes = predicted_classes(planes)
    counts = {score.name: np.zeros(n_classes) for score in scores}
    sums = {score.name: np.zeros(n_classes) for score in scores}
    for start, stop in _bands(planes.shape):
        band = planes.rows(start, stop).reshape(n_classes, -1).T
        own = classes[start:stop].ravel().astype(np.int64)
        kept = own >= 0
        if not kept.all():
            band, own = band[kept], own[kept]
        probabilities = tempered(normalized(band, planes.rounding), how.temperature)
        for score in scores:
            values = how.of(score, probabilities)
            known = ~np.isnan(values)
            counts[score.name] += np.bincount(own[known], minlength=n_classes)
            sums[score.name] += np.bincount(own[known], weights=values[known], minlength=n_classes)
    return MaskScores({name: _weighted(sums[name], counts[name], unit) for name in sums}, 0)


def _weighted(sums: NDArray[np.float64], counts: NDArray[np.float64], unit: Unit) -> float:
    """The mean over pixels from sums and counts a predicted class."""
    if not counts.sum():
        return float("nan")
    weights = np.ones(len(counts))
    if unit == "class_balanced":
        weights = 1 / np.sqrt(counts / counts.sum() + 1e-3)
    return float((weights * sums).sum() / (weights * counts).sum())


def _bands(shape: tuple[int, int, int]) -> Iterator[tuple[int, int]]:
    """The first and last row of every band."""
    n_classes, height, width = shape
    size = max(1, _BAND_VALUES // (n_classes * width))
    return ((start, min(height, start + size)) for start in range(0, height, size))
