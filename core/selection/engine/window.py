"""Which rows the engine looks at closely, and what is known of all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .drifting import DriftingGains
from .gains import Floats, Rows

_NONE = np.iinfo(np.int64).max
# Classes are given rows of their own in a window up to this many at a time: those most due.
_MOST_CLASSES = 512
# ... and so many times as many as are due.
_SPARE_ROWS = 3
# Where more rows than this are wanted, they are counted on a sample with this many of them.
_SAMPLED = 1024
_GOLDEN = 0.6180339887498949


@dataclass
class Drift:
    """A strategy of the mixture whose gains may rise.

    Args:
        gains: of the strategy
        slope: what one unit of its gain is worth
        held: (C,) bool, the classes that any row holds that may still be picked
    """

    gains: DriftingGains
    slope: float
    held: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def see(self, rows: Rows) -> None:
        """Looks at which rows may still be picked."""
        self.held = self.gains.held_by(rows)

    def later(self, picks: int) -> Floats:
        """(C,) the levels that the classes may rise to within so many picks."""
        return self.gains.ahead(picks, self.held) if self.slope > 0 else self.gains.levels

    def worth_more(self, levels: Floats, rows: Rows) -> Floats:
        """(m,) how much more the rows would be worth at other levels than they are now."""
        rise = levels - self.gains.levels
        if len(rows) * 16 < len(self.gains.own):
            return self.slope * (self.gains.shares[rows] @ rise)
        return self.slope * (self.gains.shares @ rise)[rows]


@dataclass
class _Base:
    """Bounds of what is outside, by stratum, at some levels of the drifting strategies.

    Args:
        levels: of each
        worth: (G,) the greatest bound in each stratum, minus infinity where it has no rows outside
        first: (G,) the first row that attains it
        exact: whether the bounds are right to the last bit
    """

    levels: list[Floats]
    worth: Floats
    first: Rows
    exact: bool = True

    def moved(self, drifts: Sequence[Drift], levels: Sequence[Floats]) -> tuple[Floats, Floats | float]:
        """(G,) the bounds at other levels, and how exact they are."""
        size = np.where(np.isfinite(self.worth), np.abs(self.worth), 0.0)
        if all(new is old for new, old in zip(levels, self.levels, strict=True)):
            return self.worth, 0.0 if self.exact else 1e-14 * size
        worth = self.worth
        for place, (drift, new, old) in enumerate(zip(drifts, levels, self.levels, strict=True)):
            rise = drift.slope * (new - old)
            most = float(rise[drift.held].max()) if drift.held.any() else 0.0
            strata = drift.gains.strata
            if place:
                worth = worth + most * (strata.high.max() if most > 0 else strata.low.min())
                size = size + abs(drift.slope) * np.abs(new).max()
                continue
            # The part that is in the main class rises with it, the rest by no more than any class.
            rise = strata.least * rise[strata.classes] + np.where(strata.least < 1, (1 - strata.least) * most, 0)
            worth = worth + rise * np.where(rise > 0, strata.high, strata.low)
            size = size + abs(drift.slope) * np.abs(new[strata.classes]) * strata.high
        return worth, 4e-15 * size


class Outside:
    """What is known of the rows outside of a window: none is worth more than its stratum's bound.

    Without drifting strategies there is one stratum. With them, bounds are known at the levels of now and at those that are
    expected later: the one holds best at first and the other in the end, and both are always right.

    Args:
        drifts: the strategies whose gains may rise; the strata are those of the first
        bases: the bounds
    """

    def __init__(self, drifts: Sequence[Drift], bases: list[_Base]):
        self.drifts, self.bases = drifts, bases

    def bounds(self, levels: Sequence[Floats] | None = None) -> tuple[Floats, Floats | float, Rows]:
        """(G,) the bounds at some levels (of now by default), how exact they are, and the first row that may attain each."""
        if levels is None:
            levels = [drift.gains.levels for drift in self.drifts]
        worth, off = self.bases[0].moved(self.drifts, levels)
        first = self.bases[0].first
        for base in self.bases[1:]:
            other, other_off = base.moved(self.drifts, levels)
            less = other < worth
            worth, first = np.where(less, other, worth), np.where(less, base.first, first)
            # What is right to the last bit stays so: another bound below it can only be off itself.
            off = np.where(less, np.maximum(off, other_off), off)
        return worth, off, first

    def beaten_by(self, value: float, row: int) -> bool:
        """Whether a row of this worth is to be picked before all outside: it is worth more, or as much and comes first."""
        worth, off, first = self.bounds()
        if np.any(off):
            off = off + 1e-15 * abs(value)
        near = worth + off >= value
        if not near.any():
            return True
        return bool((worth - off <= value).all() and row < first[near].min())

    def least(self, rows: Rows) -> Floats:
        """(m,) what a row must be worth, at the levels of now, not to fall below the bounds of its stratum."""
        if not self.drifts:
            return np.full(len(rows), self.bases[0].worth[0])
        stratum = self.drifts[0].gains.strata.of[rows]
        least = [self.bases[0].worth[stratum]]
        for base in self.bases[1:]:
            rise = [drift.worth_more(new, rows) for drift, new in zip(self.drifts, base.levels, strict=True)]
            least.append(base.worth[stratum] - np.sum(rise, axis=0))
        return np.min(least, axis=0)

    def joined(self, other: Outside) -> Outside:
        """Both together, at the levels of the other."""
        bases = []
        for base in other.bases:
            worth, off, first = self.bounds(base.levels)
            above, below = worth - off > base.worth, worth + off < base.worth
            nearest = np.where(above, first, np.where(below, base.first, np.minimum(first, base.first)))
            bases.append(_Base(base.levels, np.maximum(worth, base.worth), nearest, base.exact and not np.any(off)))
        return Outside(self.drifts, bases)


def look(rows: Rows, values: Floats, count: int, drifts: Sequence[Drift], picks: int) -> tuple[Rows, Outside]:
    """The best rows by value, and what is known of the others.

    Where gains may rise, those that may be best at the end of the window are taken too, and the best of every class that
    is due among the next picks.

    Args:
        rows: (m,) ascending
        values: (m,) upper bounds of their worth, above minus infinity
        count: how many rows to take, more or less
        drifts: the strategies whose gains may rise
        picks: how many picks the rows are to last

    Returns:
        the positions of the best rows, ascending, and the others
    """
    inside = best(values, count)
    levels = [[drift.gains.levels for drift in drifts]]
    worth = [values]
    if drifts:
        levels.append([drift.later(picks) for drift in drifts])
        rise = [drift.worth_more(new, rows) for drift, new in zip(drifts, levels[1], strict=True)]
        worth.append(np.sum([values, *rise], axis=0))
        inside |= best(worth[1], count)
        for drift in drifts:
            _add_due(inside, drift, rows, values, picks)
    out = np.flatnonzero(~inside)
    strata = drifts[0].gains.strata if drifts else None
    stratum = None if strata is None else strata.of[rows[out]]
    n_strata = 1 if strata is None else len(strata.classes)
    bases = [
        _Base(at, *_greatest(rows[out], found[out], stratum, n_strata)) for at, found in zip(levels, worth, strict=True)
    ]
    return np.flatnonzero(inside), Outside(drifts, bases)


def _greatest(rows: Rows, values: Floats, stratum: NDArray | None, n_strata: int) -> tuple[Floats, Rows]:
    """(G,) the greatest value in each stratum, and the first row that has it."""
    worth, first = np.full(n_strata, -np.inf), np.full(n_strata, _NONE)
    if stratum is None:
        if len(rows):
            place = int(values.argmax())
            worth[0], first[0] = values[place], rows[place]
        return worth, first
    np.maximum.at(worth, stratum, values)
    top = np.flatnonzero(values == worth[stratum])[::-1]
    first[stratum[top]] = rows[top]
    return worth, first


def best(values: Floats, count: int) -> NDArray[np.bool_]:
    """(m,) bool, the ``count`` greatest values, of equal ones the first; of very many values about so many."""
    if count >= len(values):
        return np.ones(len(values), bool)
    step = max(1, count // _SAMPLED)
    some = values
    if step > 1:
        # Steps by the golden ratio meet no pattern that rows come in, as left and right in turn.
        some = values[((np.arange(len(values) // step) * _GOLDEN) % 1 * len(values)).astype(np.int64)]
    place = len(some) - max(1, count // step)
    least = np.partition(some, place)[place]
    inside = values > least
    inside[np.flatnonzero(values == least)[: max(0, count - int(np.count_nonzero(inside)))]] = True
    return inside


def _add_due(inside: NDArray[np.bool_], drift: Drift, rows: Rows, values: Floats, picks: int) -> None:
    """Adds the best rows of every class that is due and has too few inside."""
    due = drift.gains.due(picks)
    wanted = np.where(due >= 0.5, np.ceil(_SPARE_ROWS * due), 0).astype(np.int64)
    main = drift.gains.strata.main[rows]
    lacking = wanted - np.bincount(main[inside], minlength=len(wanted))
    if np.count_nonzero(lacking > 0) > _MOST_CLASSES:
        lacking[np.argsort(-due, kind="stable")[_MOST_CLASSES:]] = 0
    places = np.flatnonzero((lacking > 0)[main] & ~inside)
    places = places[np.argsort(main[places], kind="stable")]
    bounds = np.searchsorted(main[places], np.arange(len(wanted) + 1))
    for cls in np.flatnonzero(np.diff(bounds)):
        own = places[bounds[cls] : bounds[cls + 1]]
        inside[own[best(values[own], int(lacking[cls]))]] = True
