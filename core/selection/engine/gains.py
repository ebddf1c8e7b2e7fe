"""Marginal gains as upper bounds that are made exact on demand: what a strategy gives the engine."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Picks:
    """The ordered outcome of a greedy run.

    Args:
        rows: (n,) the picked rows in order
        gains: (n, s) each strategy's gain at the pick, in natural units
        values: (n, s) what that was worth: strength times the scaled gain; without a scale, the gain
    """

    rows: Rows
    gains: Floats
    values: Floats


class Scale(ABC):
    """Puts a strategy's gains on the common scale: 0 is what a random pick gains, 1 what the strategy alone attains."""

    @abstractmethod
    def scaled(self, gain: Floats) -> Floats:
        """The worth of natural gains; it never falls as the gain rises."""

    @abstractmethod
    def needed(self, scaled: Floats) -> Floats:
        """The least natural gain that is worth ``scaled``; infinity where none is."""


@dataclass(frozen=True)
class Linear(Scale):
    """Gains that add up, such as values: the worth is their share of the way from chance to the strategy's own.

    Args:
        chance: what a random pick gains
        unit: how much more the strategy's own pick gains; 0 where the pool gives it no choice, then all are worth 0
    """

    chance: float
    unit: float

    def scaled(self, gain: Floats) -> Floats:
        return (gain - self.chance) / self.unit if self.unit > 0 else np.zeros_like(gain)

    def needed(self, scaled: Floats) -> Floats:
        return scaled * self.unit + self.chance if self.unit > 0 else np.where(scaled > 0, np.inf, -np.inf)


@dataclass(frozen=True)
class Repulsion(Scale):
    """Distances: picks repel each other, the nearer the stronger.

    With ``x = distance / radius`` the worth is ``(1 - x**-2) / 2``, divided so that the typical distance to a random
    selection is worth one less than the radius. Near-duplicates cost without bound, and far beyond the radius nothing is
    left to gain: the strategy alone cannot keep all its picks farther apart than that. A linear worth lets mixtures with
    scores take near-duplicates early on and ignore the score where everything is far away; a logarithm (a product of
    gains) does so to a lesser degree. Weaker and stronger powers, and a kink at the radius, were measured: this one comes
    nearest to being at least as good in both of least distance and mean score everywhere (see ``bench/fronts.py``).

    Args:
        radius: the distance at which the strategy alone places its last pick
        chance: the typical distance to the nearest of as many random picks, below the radius
        far: at least the greatest distance that there is; what is said to be farther (since nothing is picked yet to be near)
            is worth no more, but for an order among equals
    """

    radius: float
    chance: float
    far: float = math.inf

    _NEAREST = 0.01
    _ORDER = 1e-6

    @property
    def _drop(self) -> float:
        """How much the worth falls from the radius to chance, before division."""
        return ((self.radius / self.chance) ** 2 - 1) / 2

    def scaled(self, gain: Floats) -> Floats:
        if self.radius <= 0:
            return np.zeros_like(gain)
        # In double precision: what is left of an order in single precision would be rounded away beside a 1.
        x = np.maximum(np.asarray(gain, np.float64) / self.radius, self._NEAREST)
        most = self.far / self.radius
        near = np.minimum(x, most)
        return 1 + (self._worth(near) + self._ORDER * (x - near)) / self._drop

    def needed(self, scaled: Floats) -> Floats:
        if self.radius <= 0:
            return np.where(scaled > 0, np.inf, -np.inf)
        worth, most = (scaled - 1) * self._drop, self.far / self.radius
        beyond = worth - self._worth(most)
        with np.errstate(divide="ignore"):
            near = 1 / np.sqrt(np.maximum(1 - 2 * worth, 0))
        x = np.where(beyond <= 0, near, most + beyond / self._ORDER)
        return np.where(x <= self._NEAREST, -np.inf, x * self.radius)

    def _worth(self, x: Any) -> Any:
        return (1 - 1 / (x * x)) / 2


class Gains(ABC):
    """What one more item would add for one strategy, given those picked so far, for every row of a pool.

    ``upper`` never lies below the current gain. Gains only fall as items are picked, so a bound once right stays right
    and the engine need not recompute what cannot win (those that rise too are ``drifting.DriftingGains``). The engine
    works in *windows*: it has the best rows ``tighten``ed, ``open``s a window on them in which gains are exact, picks
    there, and ``close``s it.

    Gains may be kept in any unit that preserves order (squared distances, say): ``natural`` turns them into the unit
    that people read, ``internal`` back.
    """

    upper: Floats
    #: gains that picks do not change
    static: bool = False
    #: whether the first pick is measured against nothing, so that its gain is no number to show
    first_is_free: bool = False
    #: how many rows for each pick are enough to be run alone on when the scale is measured; None for all
    rows_a_pick: int | None = None

    @abstractmethod
    def restart(self) -> Gains:
        """The same gains before any pick, sharing what does not change."""

    def alone(self) -> Gains:
        """What the strategy is run by alone, with a strength above 0, for the common scale."""
        return self.restart()

    @abstractmethod
    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """The common scale of this pool and budget.

        Args:
            solo: what this strategy alone picks
            random: as many random picks, ascending
            eligible: all rows that may be picked
        """

    @abstractmethod
    def pick(self, row: int) -> None:
        """Accounts for a pick; the gains of an open window are exact again afterwards."""

    def bound(self, rows: Rows) -> Floats:
        """(m,) upper bounds of the rows' internal gains."""
        return self.upper[rows]

    def of(self, row: int) -> float:
        """The upper bound of one row's internal gain."""
        return float(self.upper[row])

    def natural(self, gain: Floats) -> Floats:
        """Gains in the unit that people read."""
        return gain

    def internal(self, gain: Floats) -> Floats:
        """The inverse of ``natural``."""
        return gain

    def tighten(self, rows: Rows, floor: Floats) -> NDArray[np.bool_]:
        """Makes the bounds of rows exact, or shows that they lie below their floor.

        Args:
            rows: (m,) ascending
            floor: (m,) internal gains below which a row cannot win

        Returns:
            (m,) bool, whether the row's bound is exact now
        """
        return np.ones(len(rows), bool)

    def open(self, rows: Rows) -> None:
        """Opens the window on rows whose bounds are exact."""
        self._window = rows

    def current(self) -> Floats:
        """(m,) the exact internal gains of the window's rows."""
        return self.upper[self._window]

    def narrow(self, keep: NDArray[np.bool_]) -> None:
        """Drops rows from the window."""
        self._window = self._window[keep]

    def close(self) -> None:  # noqa: B027 - gains that keep nothing of a window have nothing to do
        """Closes the window."""


class StaticGains(Gains):
    """Gains that picks do not change: a number an item has.

    Args:
        values: (n,) float
    """

    static = True

    def __init__(self, values: Floats):
        self.upper = np.asarray(values, dtype=np.float64)

    def restart(self) -> StaticGains:
        return self

    def pick(self, row: int) -> None:
        pass

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean of the pool to the mean of what is picked, both cut at the tenth extremest of as many.

        The cut keeps one outlier from stretching the unit so far that all other values look alike. Where the extremest tenth
        is all that stands out (a score that is nearly always 0) nothing is cut.
        """
        best, pool = self.upper[solo.rows], self.upper[eligible]
        tenth = math.ceil(len(best) / 10)
        low, high = np.partition(pool, tenth - 1)[tenth - 1], np.partition(pool, len(pool) - tenth)[len(pool) - tenth]
        chance = float(np.clip(pool, low, high).mean())
        unit = abs(float(np.clip(best, low, high).mean()) - chance)
        if unit <= 1e-12 * max(1.0, abs(low), abs(high)):
            chance = float(pool.mean())
            unit = abs(float(best.mean()) - chance)
        return Linear(chance, unit)
