"""Which objects of a batch of samples overlap, as flat lists of pairs; and who comes first among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError
from ..scores.losses import Boxes

Side: TypeAlias = Literal["given", "predicted"]
#: overlap(sample, first, second): (n, m) float in [0, 1], of all objects of one side of a sample with all of another's
Overlap: TypeAlias = Callable[[int, Side, Side], NDArray[np.floating]]

#: overlaps below this are no evidence of anything
LOW = 0.1
#: from here on two objects count as the same
HIT = 0.5
# Pairs that are looked at together: fewer cost more calls, more leave the cache.
_CHUNK = 200_000


@dataclass(frozen=True)
class Pairs:
    """Pairs of overlapping objects of one sample.

    Args:
        rows: (k,) int64, ascending, objects of the first set
        columns: (k,) int64, objects of the second set
        iou: (k,) float64 in [LOW, 1]
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    iou: NDArray[np.float64]

    def where(self, keep: NDArray[np.bool_]) -> Pairs:
        """Some of the pairs."""
        return Pairs(self.rows[keep], self.columns[keep], self.iou[keep])


@dataclass(frozen=True)
class TopTwo:
    """The two greatest values of every item, and whose the greatest is.

    Args:
        first: (n,) float64, 0 where there is none
        owner: (n,) int64, -1 where there is none
        second: (n,) float64, 0 where there is none
    """

    first: NDArray[np.float64]
    owner: NDArray[np.int64]
    second: NDArray[np.float64]

    def without(self, items: NDArray[np.int64], owners: NDArray[np.int64]) -> NDArray[np.float64]:
        """(k,) the greatest value of some items, if one owner each is left out; owner -1 leaves out none."""
        return np.where((owners >= 0) & (self.owner[items] == owners), self.second[items], self.first[items])


def box_pairs(first: Boxes, second: Boxes, low: float = LOW, owners: NDArray[np.int64] | None = None) -> Pairs:
    """The overlapping pairs of two sets of boxes of the same samples.

    Args:
        first: boxes of n samples
        second: boxes of the same samples
        low: the least overlap
        owners: (m,) int64, for each of the first boxes one of the second that it is not paired with, -1 for none

    Returns:
        the pairs; work and memory grow with the boxes of a sample, never with those of two

    >>> one = Boxes(np.array([0, 1]), np.array([[0, 0, 2, 2.0]]), np.array([0]))
    >>> box_pairs(one, one).iou
    array([1.])
    """
    edges = _edges(first), _edges(second)
    areas = [_area(one) for one in edges]
    found = []
    for rows, columns in all_pairs(first.offsets, second.offsets):
        both = _shared(*edges, rows, columns)
        either = areas[0][rows] + areas[1][columns] - both
        with np.errstate(invalid="ignore", divide="ignore"):
            iou = np.minimum(both / either, 1)
        kept = iou >= low
        if owners is not None:
            kept &= owners[rows] != columns
        found.append(Pairs(rows[kept], columns[kept], iou[kept]))
    return _joined(found)


def _edges(boxes: Boxes) -> NDArray[np.float64]:
    """(4, n) left, top, right, bottom, each in one piece."""
    xywh = np.asarray(boxes.boxes_xywh, np.float64).T
    return np.concatenate([xywh[:2], xywh[:2] + xywh[2:]])


def _area(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the areas between edges."""
    sides = np.maximum(edges[2:] - edges[:2], 0)
    return sides[0] * sides[1]


def _shared(
    first: NDArray[np.float64], second: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(k,) the area that pairs of boxes, given by their edges, share."""
    sides = []
    for low, high in ((0, 2), (1, 3)):
        side = np.minimum(first[high].take(rows), second[high].take(columns))
        side -= np.maximum(first[low].take(rows), second[low].take(columns))
        sides.append(np.maximum(side, 0, out=side))
    sides[0] *= sides[1]
    return sides[0]


def all_pairs(
    first: NDArray[np.int64], second: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Every pair of objects of one sample, some samples at a time.

    Args:
        first: (n + 1,) offsets of one set
        second: (n + 1,) offsets of another

    Yields:
        (k,) rows, ascending, and (k,) columns; a few hundred thousand at a time
    """
    widths = np.repeat(np.diff(second), np.diff(first))
    starts = np.repeat(second[:-1], np.diff(first))
    ends = np.concatenate([[0], np.cumsum(widths)])
    cuts = np.unique(np.searchsorted(ends, np.arange(_CHUNK, ends[-1] + _CHUNK, _CHUNK)).clip(0, len(widths)))
    low = 0
    for high in cuts.tolist():
        if high > low:
            width = widths[low:high]
            rows = np.repeat(np.arange(low, high), width)
            within = np.arange(ends[low], ends[high]) - np.repeat(ends[low:high], width)
            yield rows, np.repeat(starts[low:high], width) + within
        low = high


def shape_pairs(
    first: NDArray[np.int64], second: NDArray[np.int64], sides: tuple[Side, Side], overlap: Overlap
) -> Pairs:
    """The overlapping pairs of two sets of any shapes, sample by sample.

    Args:
        first: (n + 1,) offsets of one set
        second: (n + 1,) offsets of the other
        sides: which sets these are
        overlap: of all objects of a sample

    Raises:
        ShortlistError: an overlap that is not of one row and one column an object
    """
    found = []
    for sample in np.flatnonzero((np.diff(first) > 0) & (np.diff(second) > 0)).tolist():
        iou = np.asarray(overlap(sample, *sides), np.float64)
        expected = (int(first[sample + 1] - first[sample]), int(second[sample + 1] - second[sample]))
        if iou.shape != expected:
            raise ShortlistError(f"overlap of sample {sample} must be of shape {expected}. Got {iou.shape} instead.")
        rows, columns = np.nonzero(iou >= LOW)
        found.append(Pairs(rows + first[sample], columns + second[sample], np.minimum(iou[rows, columns], 1)))
    return _joined(found)


def _joined(parts: list[Pairs]) -> Pairs:
    none = np.zeros(0, np.int64)
    parts = [Pairs(none, none, np.zeros(0)), *parts]
    columns = zip(*((part.rows, part.columns, part.iou) for part in parts), strict=True)
    return Pairs(*(np.concatenate(values) for values in columns))


def contained(first: Boxes, second: Boxes) -> tuple[Pairs, NDArray[np.float64]]:
    """Pairs of boxes of one class that share some area, with the share of it in the first and in the second.

    Args:
        first: boxes of n samples
        second: boxes of the same samples

    Returns:
        the pairs, with the share of the first box as ``iou``; and (k,) float64 the share of the second
    """
    edges = _edges(first), _edges(second)
    areas = [_area(one) for one in edges]
    found, shares = [], []
    for rows, columns in all_pairs(first.offsets, second.offsets):
        same = first.classes[rows] == second.classes[columns]
        rows, columns = rows[same], columns[same]
        both = _shared(*edges, rows, columns)
        kept = both > 0
        rows, columns, both = rows[kept], columns[kept], both[kept]
        found.append(Pairs(rows, columns, both / areas[0][rows]))
        shares.append(both / areas[1][columns])
    return _joined(found), np.concatenate([*shares, np.zeros(0)])


def greatest(values: NDArray[np.floating], owners: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """(n,) the greatest value of every owner, 0 where it has none; values are >= 0.

    >>> greatest(np.array([0.5, 0.2]), np.array([1, 1]), 2)
    array([0. , 0.5])
    """
    result = np.zeros(n)
    np.maximum.at(result, owners, values)
    return result


def first_of(values: NDArray[np.floating], owners: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """(n,) the place of every owner's greatest value, of equal ones the first; -1 where it has none.

    >>> first_of(np.array([0.5, 0.7]), np.array([1, 1]), 2)
    array([-1,  1])
    """
    most = np.full(n, -np.inf)
    np.maximum.at(most, owners, values)
    places = np.flatnonzero(values == most[owners])[::-1]
    result = np.full(n, -1)
    result[owners[places]] = places
    return result


def top_two(values: NDArray[np.floating], items: NDArray[np.int64], owners: NDArray[np.int64], n: int) -> TopTwo:
    """The two greatest values of each of n items.

    Args:
        values: (k,) float >= 0
        items: (k,) int64 in [0, n)
        owners: (k,) int64, whose each value is
        n: how many items

    Returns:
        n rows
    """
    place = first_of(values, items, n)
    has = place >= 0
    first, owner = np.zeros(n), np.full(n, -1)
    first[has], owner[has] = values[place[has]], owners[place[has]]
    rest = np.ones(len(values), bool)
    rest[place[has]] = False
    return TopTwo(first, owner, greatest(values[rest], items[rest], n))
