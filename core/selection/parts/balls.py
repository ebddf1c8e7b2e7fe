"""Balls of one radius around candidates: who is within, and what a further ball would cover."""

from __future__ import annotations

from copy import copy

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ...progress import Progress, silent
from ...vectors import blocks
from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale
from .covering import edges_of

# Products held at a time.
_BLOCK = 16_000_000
# What the radius shrinks by each time that everything is covered, and how often it does.
_SHRINKS_BY, _SHRINKS = 0.8, 10


class BallGains(Gains):
    """The share of the pool that each row's ball would newly cover; once all is covered, the radius shrinks.

    Did it not, there would be nothing left to choose by. What is covered at a smaller radius counts far less than at a larger
    one: all of it together less than a single row.

    Args:
        balls: (r, n) sparse, the distances of r rows that stand for the pool to the candidates within the radius
        near: (r,) how near the datapool is to each of them; infinity without one
        radius: of the balls
        lots: (n,) float in [0, 1), who comes first among equals
    """

    def __init__(self, balls: sparse.csr_array, near: NDArray[np.floating], radius: float, lots: Floats):
        self.lots = lots
        self.balls, self.by_candidate, self.radius = balls, balls.tocsc(), radius
        self._start_near = np.asarray(near, dtype=np.float32)
        # A power of two, so that sums stay exact; what decides among equals is less than a thousandth of a row.
        self._step = 2.0 ** -np.ceil(np.log2(2000 * balls.shape[0] + 4000))
        self._begin()

    def _begin(self) -> None:
        self.near, self.shrinks = self._start_near.copy(), 0
        self._enter()

    def restart(self) -> BallGains:
        other = copy(self)
        other._begin()
        return other

    def _enter(self) -> None:
        """Counts anew at the radius of now, or at the first smaller one that leaves something to cover."""
        while self.shrinks < _SHRINKS and (self.near <= self._radius).all():
            self.shrinks += 1
        inside = self.balls.data <= self._radius
        self._columns = self.balls.indices[inside]
        self._ends = np.concatenate([[0], np.cumsum(inside)])[self.balls.indptr]
        self.covered, n = self.near <= self._radius, self.balls.shape[1]
        fresh = np.repeat(~self.covered, np.diff(self._ends))
        most = np.bincount(self._columns, minlength=n).max(initial=0)
        # The second part decides among equals, and is a bound of what smaller radii will bring.
        self.upper = self._worth * np.bincount(self._columns, weights=fresh, minlength=n)
        self.upper += 2 * self._step * self._worth * (most + self.lots)

    @property
    def _radius(self) -> np.float32:
        return np.float32(self.radius * _SHRINKS_BY**self.shrinks)

    @property
    def _worth(self) -> float:
        """Of one row covered at the radius of now."""
        return float(self._step**self.shrinks)

    def natural(self, gain: Floats) -> Floats:
        return np.maximum(gain, 0) / self.balls.shape[0]

    def internal(self, gain: Floats) -> Floats:
        return gain * self.balls.shape[0]

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean gain of a random pick to that of the solo run's."""

        def mean_gain(rows: Rows) -> float:
            reached = np.unique(self.by_candidate.indices[edges_of(self.by_candidate.indptr, rows)[0]])
            new = np.count_nonzero(self._start_near[reached] > self.radius)
            return new / self.balls.shape[0] / len(rows)

        chance = mean_gain(random)
        return Linear(chance, mean_gain(solo.rows) - chance)

    def pick(self, row: int) -> None:
        column = slice(*self.by_candidate.indptr[row : row + 2])
        rows, distance = self.by_candidate.indices[column], self.by_candidate.data[column]
        self.near[rows] = np.minimum(self.near[rows], distance)
        new = rows[(distance <= self._radius) & ~self.covered[rows]]
        if not len(new):
            return
        self.covered[new] = True
        lost = self._columns[edges_of(self._ends, new)[0]]
        # Adding up in place costs more an edge; over all candidates it costs once.
        if len(lost) * 20 > len(self.upper):
            self.upper -= self._worth * np.bincount(lost, minlength=len(self.upper))
        else:
            np.subtract.at(self.upper, lost, self._worth)
        if self.shrinks < _SHRINKS and self.covered.all():
            self._enter()


def balls_of(
    queries: NDArray[np.float32], points: NDArray[np.float32], radius: float, progress: Progress = silent
) -> sparse.csr_array:
    """The points within a radius of every query.

    Args:
        queries: (m, d) float, of length one
        points: (n, d) float, of length one
        radius: as a Euclidean distance
        progress: told the queries done

    Returns:
        (m, n) sparse array of distances; zeros are stored
    """
    limit = np.float32(1 - radius**2 / 2)
    data, indices, counts = [np.zeros(0, np.float32)], [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    for block in blocks(len(queries), len(points), _BLOCK):
        products = queries[block] @ points.T
        row, column = np.nonzero(products >= limit)
        data.append(np.sqrt(np.clip(2 - 2 * products[row, column], 0, radius**2)))
        indices.append(column.astype(np.int32))
        counts.append(np.bincount(row, minlength=len(products)))
        progress(block.stop, len(queries), "finding what is near")
    ends = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return sparse.csr_array((np.concatenate(data), np.concatenate(indices), ends), shape=(len(queries), len(points)))
