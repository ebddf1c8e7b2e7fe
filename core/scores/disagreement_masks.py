"""How far the semantic segmentations of a committee's members differ. Members are compared two by two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..geometry import nearest, resized
from .disagreement import Disagreement, Pairs, Votes, bald
from .probabilities import normalized
from .segmentation import Planes

# Values up to here are counted in a table of all pairs of values, without sorting pixels.
_SMALL = 1024
# Probabilities of all members a band of rows.
_BAND_VALUES = 1_000_000


@dataclass(frozen=True)
class Overlaps(Pairs):
    """How the masks of pairs of members overlap.

    Args:
        iou: (p,) float in [0, 1], the mean IoU of the classes that either of the two shows; pairs without a pixel that counts
            are left out
    """

    iou: NDArray[np.floating]


def compare_masks(samples: Sequence[Sequence[NDArray[np.integer] | None]], ignored: Collection[int] = ()) -> Overlaps:
    """Compares the masks of the members of a committee, two members at a time.

    Args:
        samples: for each of n samples the masks (h, w) of its M members, None for a member that was not there; of masks of
            several sizes, the pixels of the largest are compared
        ignored: the values that say nothing of a pixel, such as 255; a pixel where one of the two has it does not count
    """
    owners, ious = [], []
    for row, members in enumerate(samples):
        there = [mask for mask in members if mask is not None and mask.size]
        shape = tuple(max(sides) for sides in zip(*(mask.shape for mask in there), strict=True))
        masks = [resized(mask, (shape[0], shape[1])) for mask in there]
        for first, second in combinations(masks, 2):
            iou = mean_iou(first, second, ignored)
            if not np.isnan(iou):
                owners.append(row)
                ious.append(iou)
    return Overlaps(len(samples), np.array(owners, np.int64), np.array(ious, np.float64))


def mean_iou(first: NDArray[np.integer], second: NDArray[np.integer], ignored: Collection[int] = ()) -> float:
    """Mean over classes of the intersection over union of two masks; classes that neither shows do not count.

    Args:
        first: (h, w) int, the class of every pixel
        second: (h, w) int
        ignored: the values that say nothing; a pixel where one of the two has it does not count

    Returns:
        a number in [0, 1]; NaN where no pixel counts

    Source: Everingham et al., The Pascal Visual Object Classes Challenge: A Retrospective (2015), section 4.2.

    >>> mean_iou(np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]]))
    0.5833333333333333
    """
    values, table = _confusion(first, second)
    kept = ~np.isin(values, list(ignored))
    table = table[np.ix_(kept, kept)]
    shared = np.diagonal(table)
    either = table.sum(axis=0) + table.sum(axis=1) - shared
    shown = either > 0
    return float((shared[shown] / either[shown]).mean()) if shown.any() else float("nan")


def _confusion(first: NDArray[np.integer], second: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(c,) the values of two masks, and (c, c) how many pixels have which in the first and which in the second."""
    low = min(int(first.min()), int(second.min()))
    high = max(int(first.max()), int(second.max()))
    if low >= 0 and high < _SMALL:
        values, places = np.arange(high + 1), (first, second)
    else:
        values, inverse = np.unique(np.stack([first, second]), return_inverse=True)
        places = tuple(inverse.reshape(2, *first.shape))
    size = len(values)
    codes = places[0].astype(np.int32) * size + places[1]
    return values.astype(np.int64), np.bincount(codes.ravel(), minlength=size * size).reshape(size, size)


def pixel_bald(members: Sequence[Planes]) -> float:
    """The mean of ``bald`` over the pixels of the members' masks.

    Bands of rows are read, so no member's probabilities are ever held whole.

    Args:
        members: the probabilities (K, h, w) of each member; of several sizes, the pixels of the largest are compared

    Returns:
        a number in [0, log min(M, K)]; NaN where no pixel has the probabilities of two members

    Raises:
        BadRow: probabilities that are no distribution
    """
    if len(members) < 2:
        return float("nan")
    n_classes = members[0].shape[0]
    height, width = (max(planes.shape[side] for planes in members) for side in (1, 2))
    size = max(1, _BAND_VALUES // (n_classes * width * len(members)))
    total, count = 0.0, 0
    for start in range(0, height, size):
        stop = min(height, start + size)
        bands = np.stack([_band(planes, start, stop, height, width) for planes in members])
        # Classes before pixels in memory, pixels before members and classes for the formula.
        probabilities = bands.transpose(2, 0, 1)
        values = bald(Votes(np.zeros((len(probabilities), 0), np.int64), probabilities, n_classes))
        known = ~np.isnan(values)
        total, count = total + float(values[known].sum()), count + int(known.sum())
    return total / count if count else float("nan")


def _band(planes: Planes, start: int, stop: int, height: int, width: int) -> NDArray[np.floating]:
    """(K, pixels) the probabilities of some rows of a mask that is stretched to a height and a width."""
    rows = nearest(planes.shape[1], height)[start:stop]
    band = planes.rows(int(rows[0]), int(rows[-1]) + 1)
    band = normalized(band.reshape(len(band), -1).T, planes.rounding).T.reshape(band.shape)
    if planes.shape[1:] != (height, width):
        band = band[:, (rows - rows[0])[:, None], nearest(planes.shape[2], width)]
    return band.reshape(len(band), -1)


def miou_distance(overlaps: Overlaps) -> NDArray[np.float64]:
    """One minus the mean IoU of two members' masks over the classes that either shows; the mean over pairs of members.

    Args:
        overlaps: how the masks of pairs of members overlap

    Returns:
        (n,) float in [0, 1], NaN for a sample with fewer than two masks to compare

    Source: Everingham et al., The Pascal Visual Object Classes Challenge: A Retrospective (2015), section 4.2.
    """
    return overlaps.mean(1 - overlaps.iou)


MIOU_DISTANCE = Disagreement(
    "miou_distance",
    0,
    1,
    "the members see different regions",
    "Everingham et al., The Pascal Visual Object Classes Challenge: A Retrospective, 2015",
    miou_distance,
    tasks=("segmentation",),
    reads="masks",
)
