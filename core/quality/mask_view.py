"""A given mask beside what a model says of it, on a grid that is small enough to hold and to look at many times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import must_be
from ..geometry import nearest, resized
from ..scores.probabilities import normalized
from ..scores.segmentation import Planes, regions_of

# Cells of the longer side: a model's own resolution is seldom finer, and an error that a person would mend is larger.
_SIDE = 128
#: below this a probability says no more than that it is small; whole numbers of one byte resolve no less
FLOOR = 1 / 512


def checked(given: NDArray[np.integer], planes: Planes) -> NDArray[np.integer]:
    """A mask at the resolution of its probabilities: of a finer mask the nearest pixel counts, a coarser one is repeated.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: K x h' x w' probabilities

    Returns:
        (h', w') of the same type

    Raises:
        ShortlistError: no mask of classes below K
    """
    if given.ndim != 2 or not given.size or given.dtype.kind not in "iu":
        raise must_be("a mask", "whole numbers of shape (height, width)", f"{given.dtype} of shape {given.shape}")
    low, high = int(given.min()), int(given.max())
    if low < -1 or high >= planes.shape[0]:
        hint = "Pixels without a class are -1."
        raise must_be("a mask", f"classes from 0 to {planes.shape[0] - 1}", high if high > 0 else low, hint)
    return resized(given, planes.shape[1:])


@dataclass(frozen=True)
class Parts:
    """The connected parts of one class of a mask (four neighbours).

    Args:
        labels: (h, w) int32, the part of each cell
        areas: (s,) int64, its cells; 0 where the class is none
    """

    labels: NDArray[np.int32]
    areas: NDArray[np.int64]

    @cached_property
    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(s,) and (s,): the sums of the rows and of the columns of each part's cells."""
        height, width = self.labels.shape
        rows, columns = np.repeat(np.arange(height), width), np.tile(np.arange(width), height)
        flat = self.labels.ravel()
        n = len(self.areas)
        by_row, by_column = (np.bincount(flat, weights=places, minlength=n) for places in (rows, columns))
        return by_row.astype(np.float64), by_column.astype(np.float64)


def parts_of(classes: NDArray[np.integer]) -> Parts:
    """The connected parts of a mask.

    >>> parts_of(np.array([[0, 1, 0], [1, 1, -1]])).areas
    array([1, 3, 1, 0])
    """
    regions = regions_of(classes)
    lengths = np.diff(regions.starts, append=np.int32(classes.size))
    labels = np.repeat(regions.owners.astype(np.int32), lengths).reshape(classes.shape)
    return Parts(labels, regions.pixels.astype(np.int64))


def edges_of(classes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(h, w) bool: whether one of the four neighbours is of another class."""
    edges = np.zeros(classes.shape, bool)
    for own, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differs = classes[own] != classes[other]
        edges[own] |= differs
        edges[other] |= differs
    return edges


def depths_of(classes: NDArray[np.integer]) -> NDArray[np.float32]:
    """(h, w) float32: how far each cell is from the nearest cell at an edge between classes, in shares of the diagonal."""
    edges = edges_of(classes)
    if not edges.any():
        return np.ones(classes.shape, np.float32)
    depths = cv2.distanceTransform((~edges).view(np.uint8), cv2.DIST_L2, 3)
    return depths / np.float32(np.hypot(*classes.shape))


@dataclass(frozen=True)
class View:
    """One sample on the grid.

    Args:
        given: (h, w) int32, the class of each cell, -1 where it or its probabilities are unknown
        predicted: (h, w) int32, the most probable class
        probabilities: (K, h, w) float32
    """

    given: NDArray[np.int32]
    predicted: NDArray[np.int32]
    probabilities: NDArray[np.float32]

    @cached_property
    def best(self) -> NDArray[np.float32]:
        """(h, w) the probability of the predicted class."""
        return self.of(self.predicted)

    @cached_property
    def depths(self) -> NDArray[np.float32]:
        """(h, w) how far inside what is predicted."""
        return depths_of(self.predicted)

    @cached_property
    def parts(self) -> Parts:
        """The connected parts of what is predicted."""
        return parts_of(self.predicted)

    def of(self, classes: NDArray[np.integer]) -> NDArray[np.float32]:
        """(h, w) the probability of a class a cell, of class 0 where there is none."""
        return np.take_along_axis(self.probabilities, np.maximum(classes, 0)[None], axis=0)[0]


def view_of(given: NDArray[np.integer], planes: Planes) -> View:
    """A sample on the grid: of what is finer the nearest pixel counts, coarser probabilities are blended.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: its probabilities, of any resolution

    Raises:
        ShortlistError: no mask of classes below K
        BadRow: probabilities that are no distribution
    """
    checked(given, planes)
    scale = min(1.0, _SIDE / max(given.shape))
    shape = (max(1, round(given.shape[0] * scale)), max(1, round(given.shape[1] * scale)))
    probabilities = _thinned(planes, shape)
    n_classes = len(probabilities)
    rows = normalized(probabilities.reshape(n_classes, -1).T, planes.rounding)
    probabilities = np.ascontiguousarray(rows.T, np.float32).reshape(probabilities.shape)
    if probabilities.shape[1:] != shape:
        size = shape[::-1]
        probabilities = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in probabilities])
    known = ~np.isnan(probabilities[0])
    cells = np.where(known, resized(given, shape), -1).astype(np.int32)
    return View(cells, _likeliest(probabilities, known), probabilities)


def _likeliest(probabilities: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(h, w) the most probable class, -1 where it is unknown: a running maximum is faster than argmax along planes."""
    best, classes = probabilities[0].copy(), np.zeros(known.shape, np.int32)
    for index in range(1, len(probabilities)):
        np.copyto(classes, index, where=probabilities[index] > best)
        np.maximum(best, probabilities[index], out=best)
    classes[~known] = -1
    return classes


def _thinned(planes: Planes, shape: tuple[int, int]) -> NDArray[np.float32]:
    """(K, h, w) probabilities no finer than the grid, of which no more is read than that."""
    n_classes, height, width = planes.shape
    rows = nearest(height, min(height, shape[0]))
    columns = nearest(width, min(width, shape[1]))
    found = np.empty((n_classes, len(rows), len(columns)), np.float32)
    for index, row in enumerate(rows):
        found[:, index] = planes.rows(int(row), int(row) + 1)[:, 0, columns]
    return found
