"""Runs on gains that are static or drifting: what rows that drift alike save, and keeping all others exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from .alike import alike
from .drifting import DriftingGains
from .gains import Floats, Rows

# Rows of a block, blocks that are looked at in one go, and kinds that rows are told apart in by each tide.
_WIDTH, _AT_ONCE, _KINDS = 64, 256, 12


@dataclass(frozen=True)
class Moving:
    """A strategy whose gains drift.

    Args:
        gains: of the strategy
        slope: what one unit of gain is worth
        value: what gains are worth
    """

    gains: DriftingGains
    slope: float
    value: Callable[[Floats], Floats]


class Sweep:
    """The best of all rows, pick after pick.

    Rows that hold the same rise and fall as one, so that only the first of them that is left can win. Of those first ones,
    what picked classes take from them is kept up to date; it only ever falls, and tides lift rows of about the same make
    alike. So they lie in blocks of such rows, and only blocks are looked at whose bound is not beaten.

    Args:
        rows: (m,) ascending
        parts: what makes up their worth: (m,) numbers that do not move, or what does
    """

    def __init__(self, rows: Rows, parts: Sequence[Floats | Moving]):
        self._rows = rows
        moving = [part for part in parts if isinstance(part, Moving)]
        fixed = [part for part in parts if not isinstance(part, Moving)]
        values = np.sum([np.zeros(len(rows)), *fixed], axis=0)
        place, self._heirs = alike([part.gains for part in moving], rows, values)
        firsts = rows[place]
        rests = [(part.gains.shares @ part.gains.ebb - part.gains.own)[firsts] for part in moving]
        lifts = [(part.gains.shares @ part.gains.directions.T)[firsts] for part in moving]
        falling = values[place] + sum(part.slope * rest for part, rest in zip(moving, rests, strict=True))
        order, self._flat = _blocks(falling, [lift for found in lifts for lift in found.T])
        self._size = int(self._flat[-1]) // _WIDTH + 1
        self._place = self._block(place[order], -1)
        self._gone = self._place < 0
        self._top = self._block(falling[order], -np.inf).max(axis=1)
        self._winner, self._last = (0, 0), np.inf
        self._parts: list[_Fixed | _Kept] = []
        for part in parts:
            if isinstance(part, Moving):
                rest, lift = rests.pop(0), lifts.pop(0)
                tides = [_Lift(self._block(found[order], np.nan)) for found in lift.T]
                columns = self._columns(part.gains.shares[firsts[order]])
                self._parts.append(_Kept(part, self._block(rest[order], 0.0), tides, columns))
            else:
                self._parts.append(_Fixed(part, self._block(part[place[order]], 0.0)))

    def _block(self, values: NDArray, fill: float) -> NDArray:
        """(B, width) values in their places."""
        found = np.full(self._size * _WIDTH, fill, values.dtype)
        found[self._flat] = values
        return found.reshape(self._size, _WIDTH)

    def _columns(self, shares: sparse.csr_array) -> sparse.csc_array:
        """(B * width, C) the shares of rows in their places."""
        columns = shares.tocsc()
        size = (self._size * _WIDTH, shares.shape[1])
        return sparse.csc_array((columns.data, self._flat[columns.indices], columns.indptr), shape=size)

    def best(self) -> int:
        """The row of the greatest value, of several the first; -1 if none is above minus infinity."""
        bound, off = self._bounds()
        # The best is worth about as much as the last was: what may be is looked at first.
        most, row, likely = -np.inf, -1, self._last
        while True:
            blocks = np.flatnonzero((bound + off >= max(most, likely)) & (bound > -np.inf))
            if not len(blocks):
                if likely == -np.inf:
                    self._last = most
                    return row
                likely = -np.inf if row >= 0 else self._likely(bound)
                continue
            total, self._top[blocks] = self._look(blocks)
            bound[blocks] = -np.inf
            here = float(total.max())
            if here < most or here == -np.inf:
                continue
            at, within = np.divmod(np.flatnonzero(total.reshape(-1) == here), _WIDTH)
            places = self._place[blocks[at], within]
            first = int(places.argmin())
            if here > most or places[first] < self._place[self._winner]:
                most, row = here, int(self._rows[places[first]])
                self._winner = (int(blocks[at[first]]), int(within[first]))

    def _likely(self, bound: Floats) -> float:
        """What the bounds of the best blocks that are left reach."""
        left = bound[bound > -np.inf]
        return -np.inf if len(left) <= _AT_ONCE else float(np.partition(left, -_AT_ONCE)[-_AT_ONCE])

    def _look(self, blocks: Rows) -> tuple[Floats, Floats]:
        """(b, width) what the rows of some blocks are worth, and (b,) the most of each without the tides."""
        total, falling = (np.array(found) for found in self._parts[0].at(blocks))
        for part in self._parts[1:]:
            value, rest = part.at(blocks)
            total += value
            falling += rest
        total[self._gone[blocks]] = -np.inf
        falling[self._gone[blocks]] = -np.inf
        return total, falling.max(axis=1)

    def _bounds(self) -> tuple[Floats, float]:
        """(B,) no row of a block is worth more (by some constant), and by how much that can be off."""
        bound = self._top.copy()
        size = float(np.abs(bound[np.isfinite(bound)]).max(initial=0.0))
        rising = False
        for part in self._parts:
            if isinstance(part, _Kept):
                part.catch_up()
                size += part.lift(bound)
                rising |= part.moving.slope < 0
        # With a strength below 0 what a pick takes from a class raises its rows: then bounds of old hold nothing.
        if rising:
            bound[bound > -np.inf] = np.inf
        return bound, 4e-15 * size

    def pass_on(self) -> None:
        """Leaves the best row's place to the next of its kind."""
        heir = int(self._heirs[int(self._place[self._winner])])
        self._place[self._winner] = heir
        self._gone[self._winner] = heir < 0
        for part in self._parts:
            if isinstance(part, _Fixed) and heir >= 0:
                part.blocks[self._winner] = part.values[heir]


@dataclass(frozen=True)
class _Fixed:
    """Numbers that do not move: (m,) of all rows, and (B, width) in their places."""

    values: Floats
    blocks: Floats

    def at(self, blocks: Rows) -> tuple[Floats, Floats]:
        """(b, width) what the rows of some blocks are worth, twice."""
        found = self.blocks[blocks]
        return found, found


class _Kept:
    """Gains that drift, kept exact.

    Args:
        moving: the gains
        rest: (B, width) the gains without the tides
        lifts: how far each tide lifts the rows
        columns: (B * width, C) the shares of the rows
    """

    def __init__(self, moving: Moving, rest: Floats, lifts: list[_Lift], columns: sparse.csc_array):
        self.moving, self.rest, self.lifts, self.columns = moving, rest, lifts, columns
        self._ebb = moving.gains.ebb
        self._places = columns.indices.astype(np.intp)
        self._constant = float(moving.value(np.zeros(1))[0])

    def at(self, blocks: Rows) -> tuple[Floats, Floats]:
        """(b, width) what the rows of some blocks are worth, and without the tides."""
        rest = self.rest[blocks]
        gain = rest.copy()
        for tide, lift in zip(self.moving.gains.tides, self.lifts, strict=True):
            if lift.size:
                gain += tide * lift.values[blocks]
        return self.moving.value(gain), self.moving.slope * rest

    def lift(self, bound: Floats) -> float:
        """Adds to the bounds of blocks what the tides lift their rows by at most; returns how large that can be."""
        bound += self._constant
        size = abs(self._constant)
        for tide, lift in zip(self.moving.gains.tides, self.lifts, strict=True):
            factor = self.moving.slope * tide
            bound += factor * (lift.most if factor > 0 else lift.least)
            size += abs(factor) * lift.size
        return size

    def catch_up(self) -> None:
        """Takes from the rows what the last pick changed."""
        change, columns = self.moving.gains.ebb - self._ebb, self.columns
        self._ebb = self.moving.gains.ebb
        rest = self.rest.reshape(-1)
        changed = np.flatnonzero(change)
        if 8 * int(np.diff(columns.indptr)[changed].sum()) > columns.nnz:
            rest += columns @ change
            return
        for cls in changed:
            span = slice(*columns.indptr[cls : cls + 2])
            rest[self._places[span]] += change[cls] * columns.data[span]


class _Lift:
    """(B, width) how far a tide lifts rows, and the least and the most of it in each block."""

    def __init__(self, values: Floats):
        self.least, self.most = np.nanmin(values, axis=1), np.nanmax(values, axis=1)
        self.values = np.nan_to_num(values)
        self.size = float(np.abs(self.values).max())


def _blocks(falling: Floats, makes: Sequence[Floats]) -> tuple[Rows, Rows]:
    """Rows in blocks of about the same make, the greatest values first: their order, and the place of each."""
    kind = np.zeros(len(falling), np.int64)
    for make in makes:
        if make.min() == make.max():
            continue
        edges = np.unique(np.quantile(make, np.linspace(0, 1, _KINDS + 1)))
        kind = kind * (len(edges) + 1) + np.searchsorted(edges, make)
    order = np.lexsort((-falling, kind))
    starts = np.flatnonzero(np.diff(kind[order], prepend=-1))
    lengths = np.diff(starts, append=len(order))
    # Every kind begins with a block of its own.
    padded = -(-lengths // _WIDTH) * _WIDTH
    shift = np.concatenate([[0], np.cumsum(padded)[:-1]]) - starts
    return order, np.arange(len(order)) + np.repeat(shift, lengths)
