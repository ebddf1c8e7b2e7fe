"""Distances to the nearest pick, as gains that fall."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np
from numpy.typing import NDArray

from ...vectors import blocks, centred, mean_of, nearest
from ..engine.gains import Floats, Gains, Picks, Repulsion, Rows, Scale

# One block of products, so many rows by so many picks, stays in the second-level cache.
_ROWS, _PICKS = 1024, 256


class DistanceGains(Gains):
    """The distance of every row to the nearest picked one, kept squared.

    A row's distance only falls, so what was measured against the first picks is an upper bound. Most rows are never
    near winning and are hardly ever measured again; those that are, are measured against many picks at a time in one
    matrix product. Squares are kept in single precision, so that distances below about a thousandth of the width of the
    data are told apart no longer. Vectors are centred as they are read (see ``mean_of``) and never copied whole.

    Args:
        vectors: (n, d) float, all finite
        preselected: rows that count as picked from the start
        eligible: rows that may be picked, among which the start is; all by default
    """

    def __init__(self, vectors: NDArray[np.floating], preselected: Rows, eligible: Rows | None = None):
        every = eligible is None or len(eligible) == len(vectors)
        self.vectors = vectors
        self.centre = mean_of(vectors if every else vectors[eligible])
        self.squares = np.empty(len(vectors), np.float32)
        for block in blocks(*vectors.shape):
            rows = self._read(block)
            self.squares[block] = np.einsum("ij,ij->i", rows, rows)
        self.first_is_free = not len(preselected)
        if len(preselected):
            self._start = nearest(vectors, vectors[preselected])[0] ** 2
        else:
            # Before the first pick nothing is near: a distance beyond all real ones, greatest next to the mean.
            self._start = 8 * self.squares.max(initial=0) + np.float32(1e-30) - self.squares
        self._begin()

    def _begin(self) -> None:
        self.upper = self._start.copy()
        self._seen = np.zeros(len(self.upper), np.int32)  # how many picks a row's bound accounts for
        self._picked = np.empty((64, self.vectors.shape[1]), np.float32)
        self._halves = np.empty(64, np.float32)
        self._count = 0
        self._window = np.zeros(0, np.int64)

    @property
    def far(self) -> float:
        """At least the greatest distance between two rows, and less than what is given before the first pick."""
        return float(np.sqrt(6 * self.squares.max(initial=0) + np.float32(5e-31)))

    @property
    def anything_picked(self) -> bool:
        """Whether there is something to be far from."""
        return bool(self._count) or not self.first_is_free

    def restart(self) -> DistanceGains:
        other = copy(self)
        other._begin()
        return other

    def natural(self, gain: Floats) -> Floats:
        return np.sqrt(np.maximum(gain, 0))

    def internal(self, gain: Floats) -> Floats:
        return np.square(np.maximum(gain, 0))

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """The radius of the solo run, and the median distance to as many random picks.

        Beyond half of the pool any selection is dense and the two meet, so both are taken at half of it.
        """

        def to_nearest(rows: Rows, chosen: Rows) -> Floats:
            return nearest(self.vectors[rows], self.vectors[chosen])[0]

        return repulsion(solo, random, eligible, self.far, to_nearest)

    def tighten(self, rows: Rows, floor: Floats) -> NDArray[np.bool_]:
        stale = np.flatnonzero(self._seen[rows] < self._count)
        stale = stale[np.argsort(self._seen[rows[stale]], kind="stable")]
        if len(stale):
            self._catch_up(rows[stale], np.asarray(floor)[stale])
        return self.is_exact(rows) & (self.upper[rows] >= floor)

    def is_exact(self, rows: Rows) -> NDArray[np.bool_]:
        """(m,) bool, which rows have been measured against all picks."""
        return self._seen[rows] == self._count

    def _catch_up(self, rows: Rows, floor: Floats) -> None:
        """Measures rows against the picks that they have not seen; drops a row as soon as it is under its floor.

        Args:
            rows: (m,) ordered by how many picks they have seen
            floor: (m,)
        """
        seen, upper = self._seen[rows], self.upper[rows]
        for start in range(0, len(rows), _ROWS):
            live = np.arange(start, min(start + _ROWS, len(rows)))
            vectors, squares = self._read(rows[live]), self.squares[rows[live]]
            first = int(seen[start])
            while first < self._count and len(live):
                last = min(first + _PICKS, self._count)
                behind = int(np.searchsorted(seen[live], last))
                now = live[:behind]
                products = vectors[:behind] @ self._picked[first:last].T
                found = self._nearest(products, rows[now], squares[:behind], slice(first, last))
                bound = np.minimum(upper[now], found)
                upper[now], seen[now] = bound, last
                keep = np.ones(len(live), bool)
                keep[:behind] = bound >= floor[now]
                if not keep.all():
                    live, vectors, squares = live[keep], vectors[keep], squares[keep]
                first = last
        self.upper[rows], self._seen[rows] = upper, seen

    def open(self, rows: Rows) -> None:
        self._window, self._inside = rows, self._read(rows)
        self._current = self.upper[rows]
        self._own_squares = self.squares[rows]

    def current(self) -> Floats:
        return self._current

    def narrow(self, keep: NDArray[np.bool_]) -> None:
        dropped = self._window[~keep]
        self.upper[dropped], self._seen[dropped] = self._current[~keep], self._count
        self._window, self._inside = self._window[keep], self._inside[keep]
        self._current, self._own_squares = self._current[keep], self._own_squares[keep]

    def pick(self, row: int) -> None:
        self.pick_all(np.array([row]))

    def pick_all(self, rows: Rows) -> None:
        """Accounts for picks, in one product with the window."""
        nothing_yet = len(rows) and not self.anything_picked
        first, self._count = self._count, self._count + len(rows)
        while self._count > len(self._picked):
            self._picked = np.concatenate([self._picked, np.empty_like(self._picked)])
            self._halves = np.concatenate([self._halves, np.empty_like(self._halves)])
        new = slice(first, self._count)
        self._picked[new], self._halves[new] = self._read(rows), self.squares[rows] / 2
        self._remember(rows)
        for start in range(first, self._count, _PICKS) if len(self._window) else ():
            part = slice(start, min(start + _PICKS, self._count))
            # A product with one vector is another, and faster, routine than one with a matrix of one column.
            alone = part.stop == part.start + 1
            products = self._inside @ (self._picked[start] if alone else self._picked[part].T)
            found = self._nearest(products, self._window, self._own_squares, part)
            np.minimum(self._current, found, out=self._current)
        if nothing_yet:
            # What stood for a distance until now bounds none: every row must be measured once before it is known to be near.
            everything = np.arange(len(self.upper))
            self._catch_up(everything, np.full(len(everything), -np.inf, np.float32))

    def _nearest(self, products: NDArray[np.float32], rows: Rows, squares: NDArray[np.float32], picks: slice) -> Floats:
        """(m,) the squared distances of rows to the nearest of some picks.

        Args:
            products: (m, p) or (m,) of the rows' vectors with those of the picks; overwritten
            rows: (m,)
            squares: (m,) of the rows' vectors
            picks: which, by their place
        """
        if products.ndim == 1:
            products -= self._halves[picks.start]
        else:
            products -= self._halves[picks]
            products = products.max(axis=1)
        products *= -2
        products += squares
        return products

    def _remember(self, rows: Rows) -> None:
        """Told the rows that are picked."""

    def close(self) -> None:
        self.upper[self._window], self._seen[self._window] = self._current, self._count
        self._window = np.zeros(0, np.int64)

    def _read(self, rows: Rows | slice) -> NDArray[np.float32]:
        return centred(self.vectors[rows], self.centre)


def repulsion(
    solo: Picks,
    random: Rows,
    eligible: Rows,
    far: float,
    to_nearest: Callable[[Rows, Rows], Floats],
) -> Repulsion:
    """The common scale of distances, see ``DistanceGains.scale``.

    Args:
        solo: what distance alone picks
        random: as many random picks
        eligible: all rows that may be picked
        far: a first gain beyond it is no distance
        to_nearest: the distances of rows to the nearest of some picks
    """
    n = max(1, min(len(solo.rows), len(eligible) // 2))
    gains = solo.gains[:n, 0]
    radius = float(gains[(gains > 0) & (gains <= far)].min(initial=np.inf))
    if not np.isfinite(radius):
        return Repulsion(0.0, 0.0)
    chosen = random[:: max(1, len(random) // n)][:n]
    sample = np.setdiff1d(eligible[:: max(1, len(eligible) // 2000)], chosen)
    chance = to_nearest(sample, chosen) if len(sample) else np.zeros(1)
    return Repulsion(radius, float(np.clip(np.median(chance), 0.1 * radius, 0.98 * radius)), far)
