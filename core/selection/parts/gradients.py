"""Gains of BADGE: D^2 sampling in gradient space, lazily and without ever writing a gradient down."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...vectors import blocks
from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale
from ..strategy import Pool

# One block of products, so many rows by so many picks, stays in the second-level cache.
_ROWS, _PICKS = 1024, 256
# Squared distances below this share of the squared lengths are rounding: the gradients are the same.
_SAME = 1e-6
# The gain of what no draw ever reaches, such as a copy of a pick; it comes last, and first among its like.
_NEVER = 1e-300
# A lot this far overdue (their mean is 1) was passed over, not rounded.
_OVERDUE = -1e-4
# How many picks of a run are looked at for the scale.
_MEASURED = 2000


@dataclass(frozen=True)
class Logarithmic(Linear):
    """Gains that multiply, such as chances: their logarithm is put on a linear scale."""

    def scaled(self, gain: Floats) -> Floats:
        return super().scaled(np.log(np.maximum(gain, _NEVER)))

    def needed(self, scaled: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.exp(super().needed(scaled))


class GradientGains(Gains):
    """How early each row's lot comes up in D^2 sampling (k-means++ seeding) of gradients.

    The gradient of a row is the outer product of ``p - onehot(argmax p)`` and its vector; products of two gradients
    are products of products, ``<a, a'> <h, h'>``, so that none is ever written down.

    **A race.** Drawing rows one after the other in proportion to weights that fall in between is a race of clocks: each
    row has an exponential lot, uses it up at the rate of its current weight, and is picked when nothing is left. Since an
    exponential has no memory, who comes next is distributed exactly as the next draw. A row's arrival only moves back as
    its weight falls, so an old arrival is a bound and most rows are hardly ever measured. Time is counted in draws at the
    weights of the start.

    In a mixture, or with a negative strength, picks do not come in the order of arrivals and there is no common time: then
    each row keeps its lot, and ``log(weight / lot)``, the logarithm of its weight plus Gumbel noise, is what it is worth
    (the perturbed maximum that draws in proportion to weights).

    Gains are kept as minus the logarithm of the arrival.

    Args:
        vectors: (n, d) float, all finite
        probabilities: (n, K) float; finite where a row is eligible or preselected
        pool: the run
        racing: False where picks do not come in the order of arrivals from the start
    """

    def __init__(
        self, vectors: NDArray[np.floating], probabilities: NDArray[np.floating], pool: Pool, racing: bool = True
    ):
        self.vectors, self.probabilities, self.racing, self.seed = vectors, probabilities, racing, pool.seed
        self.eligible, n = pool.eligible, len(vectors)
        self.labels, self.squares = np.zeros(n, np.int64), np.zeros(n, np.float32)
        used = np.union1d(pool.eligible, pool.preselected)
        for block in blocks(len(used), vectors.shape[1] + probabilities.shape[1]):
            rows = used[block]
            self.labels[rows] = probabilities[rows].argmax(axis=1)
            outer, inner = self._read(rows)
            self.squares[rows] = np.einsum("ij,ij->i", outer, outer) * np.einsum("ij,ij->i", inner, inner)
        self.lots = np.random.default_rng(pool.seed).standard_exponential(n)
        self.first_is_free = not len(pool.preselected)
        self._start_weights = np.full(n, np.finfo(np.float32).max)
        if len(pool.preselected):
            self._start_weights[pool.eligible] = self._to_datapool(pool)
        of_start = self.squares if self.first_is_free else self._start_weights
        self.total = float(of_start[pool.eligible].sum(dtype=np.float64)) or 1.0
        self._begin()
        self._start = self._gain(self.lots, self._start_weights, 0.0)
        if self.first_is_free and n:
            # The official code starts with the longest gradient: a gain beyond all later ones, greatest there.
            longest = float(self.squares[pool.eligible].max(initial=0)) or 1.0
            beyond = np.log(4 * longest / self.total) - np.log(self.lots.min())
            self._start = beyond + self.squares.astype(np.float64) / longest
        self.upper = self._start.copy()

    def _to_datapool(self, pool: Pool) -> NDArray[np.float32]:
        """(e,) squared distances of the eligible rows to the nearest preselected one."""
        nearest = np.full(len(pool.eligible), np.finfo(np.float32).max)
        for one in blocks(len(pool.preselected), 1, _PICKS):
            earlier = (*self._read(pool.preselected[one]), self.squares[pool.preselected[one]])
            for block in blocks(len(pool.eligible), 1, _ROWS):
                rows = pool.eligible[block]
                found = _distances(*self._read(rows), self.squares[rows], *earlier)
                np.minimum(nearest[block], found.min(axis=1), out=nearest[block])
            pool.progress(one.stop, len(pool.preselected), "measuring gradients")
        return nearest

    def _begin(self) -> None:
        self._remaining, self._weights = self.lots.copy(), self._start_weights.copy()
        self._seen = np.zeros(len(self.lots), np.int32)  # how many picks a row's bound accounts for
        self._picked: tuple[NDArray[np.float32], ...] = (
            np.empty((64, self.probabilities.shape[1]), np.float32),
            np.empty((64, self.vectors.shape[1]), np.float32),
            np.empty(64, np.float32),
        )
        self._times = np.zeros(65)  # of the start and of each pick
        self._count = 0
        self._window = np.zeros(0, np.int64)

    def restart(self) -> GradientGains:
        other = copy(self)
        other._begin()
        other.upper = self._start.copy()
        return other

    def natural(self, gain: Floats) -> Floats:
        return np.exp(gain)

    def internal(self, gain: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.log(np.maximum(gain, _NEVER))

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the median gain of as many random picks to that of the solo run's, as logarithms.

        A run that is put on a scale is one of a mixture: from here on there is no race.
        """
        self.racing = False
        own, chance = self._median_gain(solo.rows), self._median_gain(random)
        return Logarithmic(chance, max(0.0, own - chance))

    def _median_gain(self, rows: Rows) -> float:
        """The median gain of picks in this order, each by its lot and its distance to those before."""
        places = np.arange(int(self.first_is_free), len(rows))
        places = places[:: max(1, -(-len(places) // _MEASURED))]
        weights = self._start_weights[rows[places]].copy()
        for start in range(0, len(rows), _PICKS):
            earlier = rows[start : start + _PICKS]
            later = np.flatnonzero(places > start)
            found = _distances(
                *self._read(rows[places[later]]), self.squares[rows[places[later]]],
                *self._read(earlier), self.squares[earlier],
            )  # fmt: skip
            found[places[later][:, None] <= start + np.arange(len(earlier))] = np.inf
            weights[later] = np.minimum(weights[later], found.min(axis=1))
        gains = np.log(np.maximum(weights / self.total / self.lots[rows[places]], _NEVER))
        return float(np.median(gains)) if len(gains) else 0.0

    def tighten(self, rows: Rows, floor: Floats) -> NDArray[np.bool_]:
        stale = np.flatnonzero(self._seen[rows] < self._count)
        stale = stale[np.argsort(self._seen[rows[stale]], kind="stable")]
        for start in range(0, len(stale), _ROWS):
            block = stale[start : start + _ROWS]
            self._catch_up(rows[block], np.asarray(floor)[block])
        return (self._seen[rows] == self._count) & (self.upper[rows] >= floor)

    def _catch_up(self, rows: Rows, floor: Floats) -> None:
        """Measures rows against the picks that they have not seen; drops a row as soon as it is under its floor.

        Args:
            rows: (m,) ordered by how many picks they have seen
            floor: (m,)
        """
        (outer, inner), squares = self._read(rows), self.squares[rows]
        first = int(self._seen[rows[0]])
        while first < self._count and len(rows):
            last = min(first + _PICKS, self._count)
            behind = int(np.searchsorted(self._seen[rows], last))
            now, seen = rows[:behind], self._seen[rows[:behind]]
            found = _distances(
                outer[:behind], inner[:behind], squares[:behind], *(picked[first:last] for picked in self._picked)
            )
            # What a row has seen already changes nothing: its weight is at most the distance to that.
            weights = np.concatenate([self._weights[now][:, None], found], axis=1)
            np.minimum.accumulate(weights, axis=1, out=weights)
            # A lot is used up at the rate of the weight before each pick, from the first pick that the row has not seen.
            elapsed = (np.diff(self._times[first : last + 1]) / self.total).astype(np.float32)
            if seen[-1] > first:
                used = (weights[:, :-1] * (np.arange(first, last) >= seen[:, None])) @ elapsed
            else:
                used = weights[:, :-1] @ elapsed
            self._weights[now], self._remaining[now] = weights[:, -1], self._remaining[now] - used
            self._renew(now, last)
            arrivals = self._gain(self._remaining[now], self._weights[now], self._times[last])
            self.upper[now] = np.minimum(self.upper[now], arrivals)
            self._seen[now] = last
            keep = np.ones(len(rows), bool)
            keep[:behind] = self.upper[now] >= floor[:behind]
            if not keep.all():
                rows, floor, outer, inner, squares = rows[keep], floor[keep], outer[keep], inner[keep], squares[keep]
            first = last

    def open(self, rows: Rows) -> None:
        self._window = rows
        self._inside: tuple[NDArray[np.float32], ...] = (*self._read(rows), self.squares[rows])
        self._current = self.upper[rows]

    def current(self) -> Floats:
        return self._current

    def narrow(self, keep: NDArray[np.bool_]) -> None:
        self._leave(~keep)
        self._window, self._current = self._window[keep], self._current[keep]
        self._inside = tuple(part[keep] for part in self._inside)

    def close(self) -> None:
        self._leave(np.ones(len(self._window), bool))
        self._window = np.zeros(0, np.int64)

    def _leave(self, gone: NDArray[np.bool_]) -> None:
        """Keeps what is known of rows that leave the window."""
        self.upper[self._window[gone]], self._seen[self._window[gone]] = self._current[gone], self._count

    def pick(self, row: int) -> None:
        now = self._times[self._count]
        if self.racing and (self._count or not self.first_is_free):
            gain = self._current[np.searchsorted(self._window, row)]
            # What no draw ever reaches is picked only when there is nothing else: no time passes then.
            now = max(now, float(np.exp(-gain))) if gain > np.log(_NEVER) / 2 else now
        self._append(row, now)
        if self._count == 1 and self.first_is_free:
            # The gains of a start that is free say nothing of those after it: all are measured once.
            self._measure_all()
        inside = self._window
        found = _distances(*self._inside, *(picked[self._count - 1 : self._count] for picked in self._picked))[:, 0]
        before = self._weights[inside]
        self._remaining[inside] -= before * (np.diff(self._times[self._count - 1 : self._count + 1]) / self.total)
        self._weights[inside] = np.minimum(before, found)
        self._renew(inside, self._count)
        gain = self._gain(self._remaining[inside], self._weights[inside], now)
        np.minimum(self._current, gain, out=self._current)

    def _measure_all(self) -> None:
        """Brings all rows outside of the window up to the first pick."""
        outside = np.setdiff1d(self.eligible, self._window, assume_unique=True)
        for block in blocks(len(outside), 1, _ROWS):
            self._catch_up(outside[block], np.full(len(outside[block]), -np.inf))

    def _append(self, row: int, now: float) -> None:
        """Keeps the gradient and the time of a pick."""
        if self._count == len(self._picked[2]):
            self._picked = tuple(np.concatenate([part, np.empty_like(part)]) for part in self._picked)
            self._times = np.concatenate([self._times, np.empty(self._count)])
        outer, inner = self._read(np.array([row]))
        for part, value in zip(self._picked, (outer[0], inner[0], self.squares[row]), strict=True):
            part[self._count] = value
        self._count += 1
        self._times[self._count] = now

    def _renew(self, rows: Rows, count: int) -> None:
        """Rows that a rule passed over when their lot came up draw a new one: an exponential has no memory."""
        late = rows[self._remaining[rows] < _OVERDUE]
        if len(late):
            fresh = np.random.default_rng([self.seed, count]).standard_exponential(len(self.lots))
            self._remaining[late] = fresh[late]

    def _gain(self, remaining: Floats, weights: Floats, clock: float) -> Floats:
        """Minus the logarithm of the arrival of rows with so much of their lots left at a time."""
        arrival = np.full(len(weights), 1 / _NEVER)
        some = weights > 0
        arrival[some] = clock + np.maximum(remaining[some], 0) * self.total / weights[some]
        return -np.log(np.clip(arrival, _NEVER, 1 / _NEVER))

    def _read(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(m, K) and (m, d) the two factors of the rows' gradients."""
        outer = self.probabilities[rows].astype(np.float32, copy=False)  # indexing by rows has copied them already
        outer[np.arange(len(rows)), self.labels[rows]] -= 1
        return outer, self.vectors[rows].astype(np.float32, copy=False)


def _distances(
    outer: NDArray[np.float32], inner: NDArray[np.float32], squares: NDArray[np.float32],
    outer_of: NDArray[np.float32], inner_of: NDArray[np.float32], squares_of: NDArray[np.float32],
) -> NDArray[np.float32]:  # fmt: skip
    """(m, c) squared distances between the gradients of m rows and c others, 0 where they are the same."""
    found = outer @ outer_of.T
    found *= inner @ inner_of.T
    found *= -2
    lengths = squares[:, None] + squares_of
    found += lengths
    lengths *= np.float32(_SAME)
    found[found <= lengths] = 0
    return found
