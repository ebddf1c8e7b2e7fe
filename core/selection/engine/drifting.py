"""Gains that rise as well as fall: what a row holds of each class, times how much the class is wanted now."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from .gains import Floats, Gains, Rows

# What gains are made of is kept on grids of powers of two, so that rows that are equally good on paper are so in floating
# point, in whatever order their classes are added up.
LEVEL_GRID = 2.0**30
SHARE_GRID = 2.0**18
# Strata tell rows of one class only from others, and sums of shares by halves, up to so many.
_HALVES = 16


def on_grid(values: Floats, grid: float = LEVEL_GRID, out: Floats | None = None) -> Floats:
    """The values, rounded to multiples of one part in ``grid``."""
    found = np.asarray(np.multiply(values, grid, out=out))
    np.rint(found, out=found)
    found /= grid
    return found


class DriftingGains(Gains):
    """Gains of the form ``sum_c shares[i, c] * levels[c] - own[i]``, of which picks move the levels up and down.

    ``levels = ebb + tides @ directions``: a pick lowers the ebb of the classes that it holds, and the tides move all. No row's
    gain rises by more than its shares times the rise of the classes that it holds. So the engine keeps a bound for each
    stratum of rows, and a window on the best rows lasts although the wanted class changes with every pick.

    Args:
        shares: (n, C) sparse float, >= 0, for these gains alone
        own: (n,) what does not move
        directions: (K, C) which way each tide moves the levels
    """

    ebb: Floats
    tides: Floats
    levels: Floats

    def __init__(self, shares: sparse.csr_array, own: Floats, directions: Floats):
        on_grid(shares.data, SHARE_GRID, out=shares.data)
        self.shares, self.own = shares, on_grid(own)
        self.directions = directions
        self._all: Floats | None = None

    @abstractmethod
    def due(self, picks: int) -> Floats:
        """(C,) about how many of the next picks this strategy alone would take of each class."""

    @abstractmethod
    def ahead(self, picks: int, held: NDArray[np.bool_]) -> Floats:
        """(C,) about how high the levels may rise within so many picks, never below those of now.

        Args:
            picks: how many
            held: (C,) bool, the classes that can still be picked
        """

    @cached_property
    def strata(self) -> Strata:
        """The rows in groups that rise and fall about alike."""
        return Strata(self.shares)

    @cached_property
    def _by_class(self) -> sparse.csc_array:
        return self.shares.T

    def move(self, ebb: Floats, tides: Floats) -> None:
        """Moves the levels; the gains of all rows follow.

        Args:
            ebb: (C,) nowhere above what it was
            tides: (K,)
        """
        self.ebb, self.tides = ebb, tides
        self.levels = ebb + tides @ self.directions
        self._all = None

    @property
    def upper(self) -> Floats:  # type: ignore[override]
        """(n,) the exact gains of all rows."""
        if self._all is None:
            self._all = self.shares @ self.levels - self.own
        return self._all

    def bound(self, rows: Rows) -> Floats:
        if self._all is None and len(rows) * 16 < len(self.own):
            return self.shares[rows] @ self.levels - self.own[rows]
        return self.upper[rows]

    def of(self, row: int) -> float:
        """The exact gain of one row."""
        span = slice(*self.shares.indptr[row : row + 2])
        return float(self.shares.data[span] @ self.levels[self.shares.indices[span]] - self.own[row])

    def held_by(self, rows: Rows) -> NDArray[np.bool_]:
        """(C,) which classes any of the rows holds."""
        mask = np.zeros(len(self.own))
        mask[rows] = 1
        return self._by_class @ mask > 0

    def open(self, rows: Rows) -> None:
        self._inside, self._inside_own = self.shares[rows], self.own[rows]

    def current(self) -> Floats:
        return self._inside @ self.levels - self._inside_own

    def narrow(self, keep: NDArray[np.bool_]) -> None:
        self._inside, self._inside_own = self._inside[np.flatnonzero(keep)], self._inside_own[keep]


class Strata:
    """Rows in groups that rise and fall about alike: by the class that they hold most of, alone or not, and by how much.

    Args:
        shares: (n, C) sparse float, >= 0

    ``main`` (n,) is the class that a row holds most of, ``of`` (n,) its stratum; ``classes`` (G,) is a stratum's main class,
    ``least`` (G,) the least part of a row's shares that is in it, and ``low`` and ``high`` (G,) bound the sum of shares.
    """

    def __init__(self, shares: sparse.csr_array):
        n, n_classes = shares.shape
        mass = np.asarray(shares.sum(axis=1)).ravel()
        main, most = main_classes(shares)
        self.main = main.astype(np.uint16 if n_classes < 2**16 else np.int32)
        part = np.divide(most, mass, out=np.ones(n), where=mass > 0)
        kind = 2 * np.minimum(np.rint(2 * mass).astype(np.int64), _HALVES - 1) + (part >= 1)
        n_kinds = 2 * _HALVES
        found, of = np.unique(self.main.astype(np.int64) * n_kinds + kind, return_inverse=True)
        self.of = of.astype(np.int32)
        self.classes = found // n_kinds
        self.least, self.low, self.high = (np.full(len(found), start) for start in (1.0, np.inf, 0.0))
        np.minimum.at(self.least, self.of, part)
        np.minimum.at(self.low, self.of, mass)
        np.maximum.at(self.high, self.of, mass)


def main_classes(shares: sparse.csr_array) -> tuple[NDArray[np.int64], Floats]:
    """(n,) the class that each row holds most of, of several the first, and (n,) how much; 0 where it holds none."""
    main, most = np.zeros(shares.shape[0], np.int64), np.zeros(shares.shape[0])
    filled = np.diff(shares.indptr) > 0
    if filled.any():
        most[filled] = np.maximum.reduceat(shares.data, shares.indptr[:-1][filled])
        top = np.flatnonzero(shares.data == np.repeat(most, np.diff(shares.indptr)))[::-1]
        main[np.repeat(np.arange(len(main)), np.diff(shares.indptr))[top]] = shares.indices[top]
    return main, most
