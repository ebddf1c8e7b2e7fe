"""The engine: a greedy loop over the gains of any mixture of strategies, exact and lazy.

At each step the candidate with the greatest ``sum of strength * scaled gain`` is picked.

**The common scale.** A distance, an entropy and a kernel sum cannot be added as they are. Each strategy is therefore
run alone on the same pool with the same budget, and its gains are measured on the way from a random pick (0) to its own
(1). Strength 1 beside strength 1 then means: to give up all that one strategy gains over chance is worth as much as to
give up all that the other does. Units and offsets of a score cancel; so do the dimension of embeddings and the width of
a kernel. How the worth bends in between is each strategy's own (see ``gains.Linear`` and ``gains.Repulsion``). The scale
is fixed for the run, so the worth is a monotone function of the gain, and

**Laziness** stays exact: gains only fall as items are picked, so an old gain is an upper bound of the new one. The engine
keeps bounds for all rows, makes only the best of them exact (a window), and picks inside the window for as long as the
winner beats every bound outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, silent
from .gains import Floats, Gains, Picks, Rows, Scale

# Where bounds are compared with exact values, single precision may differ by this much.
_SLACK = 1e-6


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

    def floor(self, value: Floats) -> Floats:
        """The internal gain that is worth ``value``."""
        if self.scale is None:
            return value
        return self.gains.internal(self.scale.needed(value / self.strength))


def calibrated(terms: Sequence[Term], eligible: Rows, n: int, seed: int = 0, progress: Progress = silent) -> list[Term]:
    """The terms with the common scale of this pool and budget.

    Args:
        terms: the strategies; one alone needs no scale
        eligible: rows that may be picked, ascending
        n: the budget
        seed: of the random picks that mark the scale's zero
        progress: told the picks done
    """
    if len(terms) < 2 or not n:
        return list(terms)
    random = np.sort(np.random.default_rng(seed).choice(eligible, size=n, replace=False))

    def scaled(term: Term) -> Term:
        # What a static gain attains when inverted is the other end of its values; of a moving one the way is the same.
        sign = float(np.sign(term.strength)) if term.gains.static else 1.0
        solo = greedy([Term(term.gains.restart(), sign)], eligible, n, progress, "calibrating")
        return Term(term.gains, term.strength, term.gains.scale(solo, random, eligible))

    return [scaled(term) for term in terms]


def greedy(
    terms: Sequence[Term], eligible: Rows, n: int, progress: Progress = silent, label: str = "selecting"
) -> Picks:
    """Picks ``n`` of the eligible rows, one after the other, each with the greatest value given those before.

    Args:
        terms: the strategies with their scales; their gains are used up
        eligible: rows that may be picked, ascending; among equals the first is picked
        n: at most ``len(eligible)``
        progress: told the picks done
        label: what the progress is of
    """
    run = _Run(terms, eligible, n, lambda done, total: progress(done, total, label))
    if all(term.gains.static for term in terms):
        run.sort()
    else:
        while run.done < n:
            run.epoch()
    return run.picks()


class _Run:
    """The state of one greedy run."""

    def __init__(self, terms: Sequence[Term], eligible: Rows, n: int, progress: Callable[[int, int], None]):
        self.terms, self.n, self.progress = list(terms), n, progress
        self.alive = np.array(eligible, dtype=np.int64)
        self.rows = np.empty(n, np.int64)
        self.internal = np.empty((n, len(self.terms)))
        self.done = 0
        self.picked = np.zeros(int(eligible[-1]) + 1 if len(eligible) else 0, bool)
        # A moving gain with negative strength makes values rise, where old values are no bounds: then every row is
        # kept exact.
        self.everything = any(term.strength < 0 and not term.gains.static for term in terms)
        self.window_size = len(eligible) if self.everything else int(np.clip(len(eligible) // 8, 2048, 32768))
        self.reach: Rows | None = None
        self.beyond_reach = -np.inf

    def sort(self) -> None:
        """All gains static: the greedy order is the sorted order, ties by row."""
        total = self._bound(self.alive)
        order = self.alive[np.argsort(-total, kind="stable")[: self.n]]
        for column, term in enumerate(self.terms):
            self.internal[:, column] = term.gains.upper[order]
        self.rows[:] = order
        self.done = self.n
        self.progress(self.n, self.n)

    def epoch(self) -> None:
        """One window: choose it, make it exact, pick in it while its winner beats every bound outside."""
        rows, outside = self._window()
        exact = np.ones(len(rows), bool)
        bounds = [term.value(term.gains.upper[rows]) for term in self.terms]
        total = _sum(bounds)
        for term, bound in zip(self.terms, bounds, strict=True):
            spare = _SLACK * max(1.0, abs(outside)) if np.isfinite(outside) else 0.0
            floor = (
                term.floor(outside - spare - (total - bound)) if np.isfinite(outside) else np.full(len(rows), -np.inf)
            )
            exact &= term.gains.tighten(rows, floor)
        before = self.done
        best = self._pick_within(rows[exact], outside)
        if self.done == before and best == outside:
            # Ties with rows outside: only a wider window can tell which comes first.
            self.window_size = min(4 * self.window_size, len(self.alive))
            self.reach = None

    def _pick_within(self, rows: Rows, outside: float) -> float:
        """Picks in the window; returns the value of its best row at the end."""
        for term in self.terms:
            term.gains.open(rows)
        gone: list[int] = []
        best = -np.inf
        while self.done < self.n and len(rows):
            current = [term.gains.current() for term in self.terms]
            total = _sum([term.value(gain) for term, gain in zip(self.terms, current, strict=True)])
            total[gone] = -np.inf
            winner = int(total.argmax())
            best = float(total[winner])
            if best == -np.inf or (best <= outside and np.isfinite(outside)):
                break
            self._record(int(rows[winner]), [float(gain[winner]) for gain in current])
            gone.append(winner)
            if self.done % 16 == 0 and np.isfinite(outside):
                keep = total >= outside
                keep[gone] = False
                if np.count_nonzero(keep) < 0.7 * len(keep):
                    rows, gone = rows[keep], []
                    for term in self.terms:
                        term.gains.narrow(keep)
        for term in self.terms:
            term.gains.close()
        return best

    def _record(self, row: int, internal: list[float]) -> None:
        self.rows[self.done] = row
        self.internal[self.done] = internal
        self.picked[row] = True
        self.done += 1
        for term in self.terms:
            term.gains.pick(row)
        self.progress(self.done, self.n)

    def _bound(self, rows: Rows) -> Floats:
        """(m,) upper bounds of the rows' values."""
        return _sum([term.value(term.gains.upper[rows]) for term in self.terms])

    def _window(self) -> tuple[Rows, float]:
        """The best rows by bound, ascending, and the greatest bound outside.

        Bounds of all rows are looked at only once in many windows: in between, the window is taken from a larger
        ``reach``, for as long as its best rows beat all beyond it.
        """
        if self.reach is not None:
            self.reach = self._unpicked(self.reach)
            bound = self._bound(self.reach)
            best, outside = _top(bound, self.window_size)
            if len(best) and bound[best].max() > self.beyond_reach:
                return self.reach[best], max(outside, self.beyond_reach)
        self.alive = self._unpicked(self.alive)
        kept, self.beyond_reach = _top(self._bound(self.alive), 8 * self.window_size)
        self.reach = self.alive[kept]
        best, outside = _top(self._bound(self.reach), self.window_size)
        return self.reach[best], max(outside, self.beyond_reach)

    def _unpicked(self, rows: Rows) -> Rows:
        return rows[~self.picked[rows]]

    def picks(self) -> Picks:
        """The outcome in natural units; without a scale a pick is worth its gain."""
        columns = list(zip(self.terms, self.internal.T, strict=True))
        natural = [term.gains.natural(column) for term, column in columns]
        values = [
            term.value(column) if term.scale else np.sign(term.strength) * gain
            for (term, column), gain in zip(columns, natural, strict=True)
        ]
        return Picks(self.rows, np.stack(natural, axis=1), np.stack(values, axis=1))


def _sum(values: Sequence[Floats]) -> Floats:
    """The sum of the terms' values, in an array of its own."""
    total = np.array(values[0])
    for value in values[1:]:
        total = total + value
    return total


def _top(values: Floats, count: int) -> tuple[NDArray[np.int64], float]:
    """The positions of the greatest values, ascending, and the greatest value left out (minus infinity if none)."""
    if count >= len(values):
        return np.arange(len(values)), -np.inf
    order = np.argpartition(values, len(values) - count - 1)
    return np.sort(order[len(values) - count :]), float(values[order[len(values) - count - 1]])
