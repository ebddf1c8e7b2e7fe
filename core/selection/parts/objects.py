"""Samples valued over the vectors of their objects."""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from ...vectors import nearest
from ..engine.gains import Floats, Gains, Picks, Rows, Scale
from .distances import DistanceGains, repulsion


def objects_of(offsets: NDArray[np.int64], rows: Rows) -> tuple[Rows, Rows]:
    """The objects of some rows, and the place in ``rows`` of each one's owner.

    >>> objects_of(np.array([0, 2, 2, 5]), np.array([2, 1, 0]))
    (array([2, 3, 4, 0, 1]), array([0, 0, 0, 2, 2]))
    """
    counts = np.diff(offsets)[rows]
    owners = np.repeat(np.arange(len(rows)), counts)
    before = np.cumsum(counts) - counts
    return np.arange(len(owners)) + np.repeat(offsets[rows] - before, counts), owners


def mean_over_objects(values: Floats, owners: Rows, n: int) -> NDArray[np.float64]:
    """(n,) the mean of each owner's values, NaN without any."""
    counts = np.bincount(owners, minlength=n)
    sums = np.bincount(owners, weights=values, minlength=n)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def max_over_objects(values: Floats, owners: Rows, n: int) -> NDArray[np.float64]:
    """(n,) the greatest of each owner's values, NaN without any.

    Args:
        values: (m,) float
        owners: (m,) ascending
        n: how many owners
    """
    found = np.full(n, np.nan)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(starts):
        found[owners[starts]] = np.maximum.reduceat(values, starts)
    return found


def last_resort(values: Floats, eligible: Rows, strength: float) -> Floats:
    """Values in which a row without one has the worst of the eligible rows, so that it is not preferred either way.

    >>> last_resort(np.array([2.0, np.nan, 5.0]), np.arange(3), -1.0).tolist()
    [2.0, 5.0, 5.0]
    """
    there = values[eligible]
    there = there[~np.isnan(there)]
    worst = 0.0 if not len(there) else there.min() if strength > 0 else there.max()
    return np.where(np.isnan(values), worst, values)


class ObjectDistanceGains(Gains):
    """The distance of every sample's farthest object to the nearest object of a picked sample, kept squared.

    As lazy as the distances of the objects: an object whose bound is below what its sample needs to win cannot be the one
    that wins, so it is neither measured nor looked at in a window.

    Args:
        inner: the distances of all objects
        offsets: (n + 1,) the objects of sample i are ``offsets[i]`` to ``offsets[i + 1]``
        no_objects_first: whether a sample without objects is as far as can be, and not as near
    """

    def __init__(self, inner: DistanceGains, offsets: NDArray[np.int64], *, no_objects_first: bool):
        self.inner, self.offsets = inner, offsets
        self.first_is_free = inner.first_is_free
        self._start = np.full(len(offsets) - 1, inner.upper.max(initial=0) if no_objects_first else 0, np.float32)
        self._refresh_from(self._start, np.arange(len(self._start)))
        self._begin()

    def _begin(self) -> None:
        self.upper = self._start.copy()
        self._window = np.zeros(0, np.int64)

    def restart(self) -> ObjectDistanceGains:
        other = copy(self)
        other.inner = self.inner.restart()
        other._begin()
        return other

    def natural(self, gain: Floats) -> Floats:
        return self.inner.natural(gain)

    def internal(self, gain: Floats) -> Floats:
        return self.inner.internal(gain)

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """As for the distances of samples."""

        def to_nearest(rows: Rows, chosen: Rows) -> Floats:
            objects, owners = objects_of(self.offsets, rows)
            vectors, references = self.inner.vectors, objects_of(self.offsets, chosen)[0]
            if not len(references) or not len(objects):
                return np.zeros(1)
            found = max_over_objects(nearest(vectors[objects], vectors[references])[0], owners, len(rows))
            return found[~np.isnan(found)]

        return repulsion(solo, random, eligible, self.inner.far, to_nearest)

    def tighten(self, rows: Rows, floor: Floats) -> NDArray[np.bool_]:
        objects, owners = objects_of(self.offsets, rows)
        exact = self.inner.tighten(objects, np.asarray(floor)[owners])
        self._refresh_from(self.upper, rows)
        return (np.bincount(owners[exact], minlength=len(rows)) > 0) | (np.diff(self.offsets)[rows] == 0)

    def _refresh_from(self, upper: Floats, rows: Rows) -> None:
        """Takes the bounds of rows from those of their objects."""
        objects, owners = objects_of(self.offsets, rows)
        found = max_over_objects(self.inner.upper[objects], owners, len(rows))
        there = ~np.isnan(found)
        upper[rows[there]] = found[there]

    def open(self, rows: Rows) -> None:
        objects, owners = objects_of(self.offsets, rows)
        measured = self.inner.is_exact(objects)
        self._window, self._owners = rows, owners[measured]
        self.inner.open(objects[measured])

    def current(self) -> Floats:
        found = max_over_objects(self.inner.current(), self._owners, len(self._window))
        return np.where(np.isnan(found), self.upper[self._window], found)

    def narrow(self, keep: NDArray[np.bool_]) -> None:
        self.inner.narrow(keep[self._owners])
        self._refresh_from(self.upper, self._window[~keep])
        self._window = self._window[keep]
        self._owners = (np.cumsum(keep) - 1)[self._owners[keep[self._owners]]]

    def pick(self, row: int) -> None:
        objects = np.arange(self.offsets[row], self.offsets[row + 1])
        before = self.inner.anything_picked
        self.inner.pick_all(objects)
        if len(objects) and not before:
            self._refresh_from(self.upper, np.arange(len(self.upper)))

    def close(self) -> None:
        self.inner.close()
        self._refresh_from(self.upper, self._window)
        self._window = np.zeros(0, np.int64)
