"""One greedy run: windows of rows that are kept exact, while bounds show that no other can win."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .drifting import DriftingGains
from .gains import Floats, Gains, Linear, Picks, Rows, Scale
from .limits import Limit
from .sweep import Moving, Sweep
from .window import Drift, Outside, look

# Where bounds are compared with exact values, single precision may differ by this much.
_SLACK = 1e-6
# Windows on gains that rise are made to last at least so many picks, and twice as many as the last one did.
_FEWEST_PICKS = 32


@dataclass(frozen=True)
class Term:
    """One strategy of a mixture: its gains, its strength and the scale of its gains."""

    gains: Gains
    strength: float = 1.0
    scale: Scale | None = None

    def value(self, internal: Floats) -> Floats:
        """What internal gains are worth to the mixture; without a scale, only their order counts."""
        if self.scale is None:
            return internal if self.strength > 0 else -internal
        return self.strength * self.scale.scaled(self.gains.natural(internal))

    @property
    def slope(self) -> float:
        """What one unit of gain is worth, where that is the same for all."""
        if self.scale is None:
            return 1.0 if self.strength > 0 else -1.0
        assert isinstance(self.scale, Linear)
        return self.strength / self.scale.unit if self.scale.unit > 0 else 0.0

    def floor(self, value: Floats) -> Floats:
        """The internal gain that is worth ``value``."""
        if self.scale is None:
            return value
        return self.gains.internal(self.scale.needed(value / self.strength))


class Run:
    """The state of one greedy run."""

    def __init__(
        self,
        terms: Sequence[Term],
        eligible: Rows,
        n: int,
        progress: Callable[[int, int], None],
        limits: Sequence[Limit] = (),
    ):
        self.terms, self.n, self.progress, self.limits = list(terms), n, progress, list(limits)
        self.alive = np.array(eligible, dtype=np.int64)
        self.rows = np.empty(n, np.int64)
        self.internal = np.empty((n, len(self.terms)))
        self.done, self.stuck = 0, False
        self.phases = [limit.phase for limit in self.limits]
        self.picked = np.zeros(int(eligible[-1]) + 1 if len(eligible) else 0, bool)
        self.drifts = [Drift(term.gains, term.slope) for term in terms if isinstance(term.gains, DriftingGains)]
        # A falling gain with negative strength makes values rise, where old values are no bounds: then every row is
        # kept exact.
        moving = [term for term in terms if not term.gains.static and not isinstance(term.gains, DriftingGains)]
        self.everything = any(term.strength < 0 for term in moving)
        size = int(np.clip(len(eligible) // 8, 2048, 32768))
        self.window_size = self.first_size = len(eligible) if self.everything else size
        # Without falling gains and limits, rows that drift alike are picked in a fixed order and need not all be looked at.
        self.sweeps = bool(self.drifts) and not moving and not self.limits and n >= _FEWEST_PICKS
        self.lasting = _FEWEST_PICKS
        self.reach: Rows | None = None
        self.beyond: Outside

    def sort(self) -> None:
        """All gains static: the greedy order is the sorted order, ties by row."""
        total = self._bound(self.alive)
        order = self.alive[np.argsort(-total, kind="stable")[: self.n]]
        for column, term in enumerate(self.terms):
            self.internal[:, column] = term.gains.upper[order]
        self.rows[:] = order
        self.done = self.n
        self.progress(self.n, self.n)

    def sweep(self) -> None:
        """All gains static or drifting: see ``Sweep``."""
        parts: list[Floats | Moving] = []
        for term in self.terms:
            found: Floats | Moving = term.value(term.gains.bound(self.alive))
            if isinstance(term.gains, DriftingGains):
                found = Moving(term.gains, term.slope, term.value)
            parts.append(found)
        sweep = Sweep(self.alive, parts)
        while self.done < self.n and (row := sweep.best()) >= 0:
            self._record(row, [term.gains.of(row) for term in self.terms])
            sweep.pass_on()

    def epoch(self) -> None:
        """One window: choose it, make it exact, pick in it while its winner beats every bound outside."""
        rows, outside = self._window()
        if not len(rows):
            # What holds picks back for something that no row can give lets them go.
            self.stuck = not sum(limit.give_up() for limit in self.limits)
            self._reopened()
            return
        exact = np.ones(len(rows), bool)
        bounds = [term.value(term.gains.bound(rows)) for term in self.terms]
        total = _sum(bounds)
        least = outside.least(rows)
        # Where there is nothing outside to fall below, every row counts.
        floor = least - _SLACK * np.maximum(1.0, np.abs(np.where(np.isfinite(least), least, 0.0)))
        for term, bound in zip(self.terms, bounds, strict=True):
            needed = np.full(len(rows), -np.inf)
            some = np.isfinite(floor)
            if some.all():
                needed = term.floor(floor - (total - bound))
            elif some.any():
                needed[some] = term.floor((floor - (total - bound))[some])
            exact &= term.gains.tighten(rows, needed)
        before = self.done
        self._pick_within(rows[exact], outside, least[exact])
        self._fit(self.done - before)

    def _fit(self, picked: int) -> None:
        """Fits the windows to how many picks the last one was good for."""
        self.lasting = int(np.clip(2 * picked, _FEWEST_PICKS, max(_FEWEST_PICKS, self.window_size // 4)))
        if not picked:
            # All bounds anew; and where too many rows outside are as good, only a wider window can tell which comes first.
            if self.fresh:
                self.window_size = min(4 * self.window_size, len(self.alive))
            self.reach = None
        elif self.window_size > self.first_size:
            self.window_size, self.reach = self.first_size, None

    def _pick_within(self, rows: Rows, outside: Outside, least: Floats) -> None:
        """Picks in the window; rows that are worth less than their ``least``, by the levels of now, are out."""
        for term in self.terms:
            term.gains.open(rows)
        if self.drifts:
            least = least - self._drift([term.gains.current() for term in self.terms])
        gone: list[int] = []
        while self.done < self.n and len(rows):
            current = [term.gains.current() for term in self.terms]
            total = _sum([term.value(gain) for term, gain in zip(self.terms, current, strict=True)])
            total[gone] = -np.inf
            winner = int(total.argmax())
            value = float(total[winner])
            if value == -np.inf or not outside.beaten_by(value, int(rows[winner])):
                break
            if not self._allowed(rows[winner : winner + 1])[0]:
                keep = self._allowed(rows)
                keep[gone] = False
                rows, gone, least = *self._narrowed(rows, keep), least[keep]
                continue
            self._record(int(rows[winner]), [float(gain[winner]) for gain in current])
            gone.append(winner)
            if self._reopened():
                break
            if self.done % 16 == 0:
                keep = (total - self._drift(current) if self.drifts else total) >= least
                keep[gone] = False
                if np.count_nonzero(keep) < 0.7 * len(keep):
                    rows, gone, least = *self._narrowed(rows, keep), least[keep]
        for term in self.terms:
            term.gains.close()

    def _drift(self, current: Sequence[Floats]) -> Floats:
        """(m,) what the drifting ones among the terms' gains are worth."""
        pairs = zip(self.terms, current, strict=True)
        return _sum([term.value(gain) for term, gain in pairs if isinstance(term.gains, DriftingGains)])

    def _record(self, row: int, internal: list[float]) -> None:
        self.rows[self.done] = row
        self.internal[self.done] = internal
        self.picked[row] = True
        self.done += 1
        for term in self.terms:
            term.gains.pick(row)
        for limit in self.limits:
            limit.pick(row)
        self.progress(self.done, self.n)

    def _narrowed(self, rows: Rows, keep: NDArray[np.bool_]) -> tuple[Rows, list[int]]:
        """Drops rows from the open window; what is left of it, and which of that is gone (nothing)."""
        for term in self.terms:
            term.gains.narrow(keep)
        return rows[keep], []

    def _allowed(self, rows: Rows) -> NDArray[np.bool_]:
        """(m,) bool, which rows no limit refuses."""
        allowed = np.ones(len(rows), bool)
        for limit in self.limits:
            allowed &= limit.allows(rows)
        return allowed

    def _reopened(self) -> bool:
        """Whether rows that were refused may be allowed again: then bounds of all rows must be looked at anew."""
        phases = [limit.phase for limit in self.limits]
        changed, self.phases = phases != self.phases, phases
        if changed:
            self.reach = None
        return changed

    def _bound(self, rows: Rows) -> Floats:
        """(m,) upper bounds of the rows' values."""
        return _sum([term.value(term.gains.bound(rows)) for term in self.terms])

    def _window(self) -> tuple[Rows, Outside]:
        """The best rows by bound, ascending, and what is known of all others.

        Bounds of all rows are looked at only once in many windows: in between, the window is taken from a larger
        ``reach``, for as long as its best rows beat all beyond it.
        """
        self.fresh = False
        if self.reach is not None:
            self.reach, bound = self._possible(self.reach)
            if len(bound):
                top = int(bound.argmax())
                if self.beyond.beaten_by(float(bound[top]), int(self.reach[top])):
                    chosen, outside = look(self.reach, bound, self.window_size, self.drifts, self.lasting)
                    return self.reach[chosen], self.beyond.joined(outside)
        self.fresh = True
        self.alive = self.alive[~self.picked[self.alive]]
        rows, bound = self._possible(self.alive)
        for drift in self.drifts:
            drift.see(rows)
        chosen, self.beyond = look(rows, bound, 8 * self.window_size, self.drifts, 8 * self.lasting)
        self.reach, bound = rows[chosen], bound[chosen]
        chosen, outside = look(self.reach, bound, self.window_size, self.drifts, self.lasting)
        return self.reach[chosen], self.beyond.joined(outside)

    def _possible(self, rows: Rows) -> tuple[Rows, Floats]:
        """Those of the rows that may still be picked, with their bounds."""
        rows = rows[~self.picked[rows]]
        if self.limits:
            rows = rows[self._allowed(rows)]
        bound = self._bound(rows)
        open_to = bound > -np.inf
        return (rows, bound) if open_to.all() else (rows[open_to], bound[open_to])

    def picks(self) -> Picks:
        """The outcome in natural units; without a scale a pick is worth its gain."""
        rows, internal = self.rows[: self.done], self.internal[: self.done]
        columns = list(zip(self.terms, internal.T, strict=True))
        natural = [term.gains.natural(column) for term, column in columns]
        values = [
            term.value(column) if term.scale else np.sign(term.strength) * gain
            for (term, column), gain in zip(columns, natural, strict=True)
        ]
        return Picks(rows, np.stack(natural, axis=1), np.stack(values, axis=1))


def _sum(values: Sequence[Floats]) -> Floats:
    """The sum of the terms' values, in an array of its own."""
    total = np.array(values[0])
    for value in values[1:]:
        total = total + value
    return total
