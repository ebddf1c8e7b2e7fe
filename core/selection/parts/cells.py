"""Cutting a cloud of vectors into cells of about the same size, by what the vectors are and not by the order of their rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, silent
from ...vectors import blocks
from ..engine.gains import Rows

# A block of products with all centres stays in the last-level cache.
_PRODUCTS = 2_000_000
_LABEL = "cutting into cells"


@dataclass(frozen=True)
class Cells:
    """Rows in cells.

    Args:
        order: (n,) the rows, cell by cell
        bounds: (c + 1,) the rows of cell i are ``order[bounds[i]:bounds[i + 1]]``; none is empty
        centres: (c, d) the means of the cells
    """

    order: Rows
    bounds: NDArray[np.int64]
    centres: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def owners(self) -> NDArray[np.int64]:
        """(n,) the cell of each place in ``order``."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    def nearest(self, vectors: NDArray[np.float32], owners: NDArray[np.int64], count: int) -> NDArray[np.int32]:
        """(m, count) the cells with the nearest centres, ascending, each vector's own first."""
        products = vectors @ self.centres.T - _halves(self.centres)
        products[np.arange(len(vectors)), owners] = np.inf
        if count >= len(self):
            return np.argsort(-products, axis=1, kind="stable").astype(np.int32)
        near = np.sort(np.argpartition(-products, count - 1, axis=1)[:, :count], axis=1)
        order = np.argsort(-np.take_along_axis(products, near, axis=1), axis=1, kind="stable")
        return np.take_along_axis(near, order, axis=1).astype(np.int32)


def halved(vectors: NDArray[np.float32], size: int, progress: Progress = silent) -> Rows:
    """The rows in such an order that every ``size`` consecutive ones lie close together.

    They are halved again and again across the direction in which they are widest.

    Args:
        vectors: (n, d) float32
        size: of a last piece, a multiple of which every piece but the last one has
        progress: told the rows done
    """
    order = np.arange(len(vectors))
    pieces, done = [(0, len(vectors))], 0
    while pieces:
        start, stop = pieces.pop()
        count = -(-(stop - start) // size)
        if count < 2:
            done += stop - start
            progress(done, len(vectors), _LABEL)
            continue
        middle = count // 2 * size
        inside = vectors[order[start:stop]]
        side = np.argpartition(inside @ _widest(inside), middle)
        order[start:stop] = order[start:stop][side]
        pieces += [(start, start + middle), (start + middle, stop)]
    return order


def _widest(vectors: NDArray[np.float32], steps: int = 3) -> NDArray[np.float32]:
    """(d,) about the first principal direction, from some power steps that begin at the row farthest from the mean."""
    mean = vectors.mean(axis=0)
    gaps = np.einsum("ij,ij->i", vectors, vectors) - 2 * (vectors @ mean)
    direction = vectors[gaps.argmax()] - mean
    for _ in range(steps):
        length = np.linalg.norm(direction)
        if length == 0:
            break
        direction = direction / length
        along = vectors @ direction - mean @ direction
        direction = along @ vectors - along.sum() * mean
    return np.asarray(direction, dtype=np.float32)


def cells(vectors: NDArray[np.float32], size: int, *, steps: int = 3, progress: Progress = silent) -> Cells:
    """Cells of about ``size`` vectors: k-means from the centres of a repeated halving, so that no chance is in it.

    Args:
        vectors: (n, d) float32, n >= 1, with the mean at the origin
        size: the mean size of a cell
        steps: of k-means
        progress: told the rows done
    """
    order = halved(vectors, size, progress)
    bounds = np.append(np.arange(0, len(vectors), size), len(vectors))
    centres = _means(vectors, order, bounds)
    for _ in range(steps):
        owners = np.empty(len(vectors), np.int64)
        halves = _halves(centres)
        for block in blocks(len(vectors), len(centres), _PRODUCTS):
            owners[block] = (vectors[block] @ centres.T - halves).argmax(axis=1)
            progress(block.stop, len(vectors), _LABEL)
        order = np.argsort(owners, kind="stable")
        counts = np.bincount(owners)
        bounds = np.concatenate([[0], np.cumsum(counts[counts > 0])])
        centres = _means(vectors, order, bounds)
    return Cells(order, bounds, centres)


def _means(vectors: NDArray[np.float32], order: Rows, bounds: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.stack([vectors[order[start:stop]].mean(axis=0) for start, stop in pairwise(bounds)])


def _halves(centres: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("ij,ij->i", centres, centres) / 2)
