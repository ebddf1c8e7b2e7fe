"""Lists of the nearest neighbours found so far, filled from blocks of products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...vectors import blocks
from ..engine.gains import Rows

Floats32 = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """Neighbours that a block of products showed.

    Args:
        rows: (m,) whose neighbour
        columns: (m,) which point
        products: (m,) minus half the squared distance
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    products: Floats32


def augmented(centred: Floats32, order: Rows) -> Floats32:
    """(n, d + 2) the points in order, each with minus half its square and a 1.

    The product of one such row with another whose last two columns are swapped is minus half their squared distance.
    """
    points = np.empty((len(order), centred.shape[1] + 2), np.float32)
    for block in blocks(len(order), centred.shape[1]):
        rows = centred[order[block]]
        points[block, :-2] = rows
        points[block, -2] = -np.einsum("ij,ij->i", rows, rows) / 2
    points[:, -1] = 1
    return points


def swapped(points: Floats32) -> Floats32:
    """(d + 2, m) the right-hand side of a product."""
    other = points.copy()
    other[:, -2], other[:, -1] = 1, points[:, -2]
    return other.T


class NeighborLists:
    """The nearest neighbours of every row so far, and what another one must exceed to be among them.

    Blocks of products are looked at with the limits of the last ``settle``, by any thread and in any order; what they
    show is only put aside, so that nearly all of the work is one comparison with a limit.

    Args:
        n: rows
        k: neighbours to keep for each
    """

    def __init__(self, n: int, k: int):
        self.n, self.k = n, k
        self.limit = np.full(n, -np.inf, np.float32)
        self._parts = [Found(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))]
        self.count = 0

    def look(self, rows: Rows | slice, start: int, products: Floats32) -> Found | None:
        """What exceeds the limits of the rows; the columns are the points from ``start`` on."""
        limit = self.limit[rows]
        better = np.flatnonzero(products.max(axis=1) > limit)
        if not len(better):
            return None
        few = len(better) < 0.7 * len(products)
        inside, limit = (products[better], limit[better]) if few else (products, limit.copy())
        fresh = np.flatnonzero(limit == -np.inf)
        if len(fresh):
            reached = threshold(inside if len(fresh) == len(inside) else inside[fresh], self.k)
            limit[fresh] = np.nextafter(reached, np.float32(-np.inf))
        row, column = _exceeding(inside, limit, self.k)
        values = inside[row, column]
        row = better[row] if few else row
        row = row + rows.start if isinstance(rows, slice) else rows[row]
        return Found(row.astype(np.int32), (column + start).astype(np.int32), values)

    def add(self, found: Sequence[Found | None]) -> None:
        """Puts aside what blocks showed."""
        for part in found:
            if part is not None:
                self._parts.append(part)
                self.count += len(part.rows)

    def settle(self) -> None:
        """Keeps the nearest, and raises the limits to the farthest of them."""
        rows = np.concatenate([part.rows for part in self._parts])
        columns = np.concatenate([part.columns for part in self._parts])
        products = np.concatenate([part.products for part in self._parts])
        # By row, and within a row by distance: the bits of floats >= 0 are in the order of the floats.
        keys = (rows.astype(np.int64) << 32) | np.maximum(-products, 0).view(np.int32)
        order = np.argsort(keys, kind="stable")
        counts = np.bincount(rows, minlength=self.n)
        order = order[_places(counts) < self.k]
        self._parts = [Found(rows[order], columns[order], products[order])]
        self.count = len(order)
        kept = np.minimum(counts, self.k)
        full = kept == self.k
        self.limit[full] = products[order][np.cumsum(kept)[full] - 1]

    def table(self) -> NDArray[np.int32]:
        """(n, k) the neighbours of each row, nearest first, -1 where there are fewer."""
        self.settle()
        found = self._parts[0]
        table = np.full((self.n, self.k), -1, np.int32)
        table[found.rows, _places(np.bincount(found.rows, minlength=self.n))] = found.columns
        return table


def _places(counts: NDArray[np.int64]) -> Rows:
    """0, 1, ... within each of consecutive runs of so many."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def threshold(products: Floats32, k: int) -> Floats32:
    """(m,) a value that at least ``k`` of each row's products reach.

    The k-th greatest of the maxima of groups of columns is such a value, and the maxima of strided groups cost one
    vectorised pass where a partition of the row would cost twenty.
    """
    n = products.shape[1]
    if k >= n:
        return np.full(len(products), -np.inf, np.float32)
    n_groups = 8 * k
    depth = n // n_groups
    if depth < 2:
        return np.partition(products, n - k, axis=1)[:, n - k]
    grouped = products[:, : depth * n_groups].reshape(len(products), depth, n_groups).max(axis=1)
    return np.partition(grouped, n_groups - k, axis=1)[:, n_groups - k]


def _exceeding(products: Floats32, limit: Floats32, k: int) -> tuple[Rows, Rows]:
    """The places beyond the rows' limits; where many are equal, ``k`` a row will do."""
    width = products.shape[1]
    flat = np.flatnonzero(products > limit[:, None])
    if len(flat) <= 8 * k * len(products) or k >= width:
        row = flat // width
        return row, flat - row * width
    row = np.repeat(np.arange(len(products)), k)
    column = np.argpartition(products, width - k, axis=1)[:, width - k :].ravel()
    passing = products[row, column] > limit[row]
    return row[passing], column[passing]
