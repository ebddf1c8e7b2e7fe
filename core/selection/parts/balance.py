"""How far a selection's classes lag behind a target: the gains of BALANCE, and the target that the pool allows."""

from __future__ import annotations

from copy import copy

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..engine.drifting import DriftingGains, on_grid
from ..engine.gains import Floats, Linear, Picks, Rows, Scale

# How much of what a row drawn from the target would overshoot on the average is forgiven. Less makes rows of few objects
# win, more those of many; half of it reaches what the plain greedy on ``|n / sum(n) - target|`` reaches, or better.
_FORGIVEN = 0.5
# Amounts and targets are kept on grids (see ``drifting``), those of categories on a finer one.
_AMOUNT_GRID, _STEADY_GRID, _WHOLE_GRID = 2.0**18, 2.0**30, 2.0**44


class BalanceGains(DriftingGains):
    """How far the classes of a row lag behind the target, in objects.

    With ``e = n - target * sum(n)`` for the amounts n of the picks and the datapool, the best row is the one that makes
    ``|e|^2 / 2`` least. A row of s objects with shares w changes it by ``s (w - target).e + s^2 |w - target|^2 / 2``. A row
    that is drawn at random changes it by about the root of s, so that rows are compared by their change over the root of s:
    then rows of many objects neither win nor lose by being big. For categories (s = 1) it is the row of the class that
    lags most.

    A row with less than one object in all (sums of probabilities) counts as that part of an object, and for the rest as
    nothing, which is worse by one than the least wanted object: else what hardly changes anything would be picked again and
    again. A row without objects is picked when no other is left.

    Args:
        amounts: (n, C) sparse float, >= 0
        target: (C,) shares, of which the sum is 1 (or 0, where there is nothing to balance)
        preselected: rows that count as picked from the start
        eligible: rows that may be picked
        n: the budget
        inverted: whether the least gain is picked, by a negative strength
    """

    rows_a_pick = 50

    def __init__(
        self,
        amounts: sparse.csr_array,
        target: NDArray[np.float64],
        preselected: Rows,
        eligible: Rows,
        n: int,
        inverted: bool = False,
    ):
        self.amounts = amounts = _gridded(amounts)
        self.inverted = inverted
        self._start = held_by(amounts, preselected)
        self.sizes = np.asarray(amounts.sum(axis=1), np.float64).ravel()
        self.target = attainable(amounts, target, self._start, eligible, n)
        filled = eligible[self.sizes[eligible] > 0]
        self._mean_size = float(self.sizes[filled].mean()) if len(filled) else 1.0
        shares, own = self._parts()
        self._most = float(np.sqrt(self.sizes.max(initial=1.0)))
        self._most_own = float(np.abs(own).max(initial=0.0))
        # What does not move of the gain of one object of each class.
        squares = float(self.target @ self.target)
        self._single = (1 - 2 * self.target + squares - _FORGIVEN * (1 - squares)) / 2
        whole = bool((amounts.data == 1).all() and (np.diff(amounts.indptr) <= 1).all())
        self._steady = on_grid(self.target, _WHOLE_GRID if whole else _STEADY_GRID)
        # The tides: how much all classes are wanted, with every object each by its share more; nothing; and emptiness.
        directions = np.zeros((4, len(target) + 2))
        directions[0, :-2], directions[1, :-2], directions[2, -2], directions[3, -1] = 1, self._steady, 1, 1
        super().__init__(shares, own, directions)
        self._begin()

    def _parts(self) -> tuple[sparse.csr_array, Floats]:
        """What moves with the levels of the classes, of nothing and of emptiness; and what does not move."""
        n, held = len(self.sizes), self.amounts
        counted, whole = np.maximum(self.sizes, 1), np.minimum(self.sizes, 1)
        part = np.divide(1.0, self.sizes, out=np.zeros(n), where=self.sizes > 0)
        scale = whole * np.sqrt(counted)
        squares = sparse.csr_array((held.data**2, held.indices, held.indptr), shape=held.shape).sum(axis=1)
        self._squares = squares * part**2 - 2 * part * (held @ self.target) + self.target @ self.target
        spread = 1 - float(self.target @ self.target)
        own = scale * (counted * self._squares - _FORGIVEN * spread) / 2
        data = np.repeat(scale * part, np.diff(held.indptr))
        data *= held.data
        shares = sparse.csr_array((data, held.indices, held.indptr), shape=(n, held.shape[1] + 2))
        short = np.flatnonzero(whole < 1)
        if len(short):
            at = held.shape[1] + (whole[short] == 0)
            shares = shares + sparse.csr_array((1 - whole[short], (short, at)), shape=shares.shape)
        return shares, own

    def _begin(self) -> None:
        self.held, self.total = self._start.copy(), float(self._start.sum())
        self._update()

    def restart(self) -> BalanceGains:
        other = copy(self)
        other._begin()
        return other

    def alone(self) -> BalanceGains:
        other = self.restart()
        other.inverted = False
        other._update()
        return other

    def pick(self, row: int) -> None:
        span = slice(*self.amounts.indptr[row : row + 2])
        amounts = self.amounts.data[span]
        self.held[self.amounts.indices[span]] += amounts
        self.total += float(amounts.sum())
        self._update()

    def _update(self) -> None:
        surplus = self.held - self._steady * self.total
        high = float(on_grid(surplus @ self.target))
        wanted = high - surplus
        # Nothing is worse by one than an object of the least wanted class; a row of nothing is worse than any other.
        sign = -1.0 if self.inverted else 1.0
        nothing = float((sign * (wanted - self._single)).min()) - 1 if len(wanted) else 0.0
        least = self._most * min(0.0, float((sign * wanted).min(initial=0.0))) - self._most_own
        empty = min(least, nothing) - 1
        self.move(np.append(-self.held, [0.0, 0.0]), np.array([high, self.total, sign * nothing, sign * empty]))

    def due(self, picks: int) -> Floats:
        surplus = self.held - self.target * (self.held.sum() + picks * self._mean_size)
        return np.concatenate([np.maximum(-surplus, 0) / self._mean_size, [0.0, 0.0]])

    def ahead(self, picks: int, held: NDArray[np.bool_]) -> Floats:
        if self.inverted or not held[:-2].any():
            return self.levels
        # With every object that is picked each class lags by its share more, until it lags as far as any: then it is picked.
        objects = picks * self._mean_size
        wanted = self.levels[:-2]
        top = float(wanted[held[:-2]].max()) + objects / np.count_nonzero(held[:-2])
        rise = np.clip(np.minimum(objects * self.target, top - wanted), 0, None)
        return self.levels + np.concatenate([rise, [0.0, 0.0]])

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From what random picks would gain on the average, one after the other, to what the solo run gains.

        Beyond half of the pool any selection is like the pool, so both are taken at half of it.
        """
        rows = eligible[self.sizes[eligible] > 0]
        n = min(len(solo.rows), len(rows) // 2)
        own = solo.gains[self.sizes[solo.rows] > 0][:n, 0]
        if not len(own):
            return Linear(0.0, 0.0)
        shares, sizes = self.shares[rows][:, :-2], self.sizes[rows]
        weights = np.asarray(shares.sum(axis=1)).ravel()
        moves = np.asarray(shares.mean(axis=0)).ravel() - weights.mean() * self.target
        drift = np.asarray(self.amounts[rows].mean(axis=0)).ravel() - sizes.mean() * self.target
        at_start = self._start - self._start.sum() * self.target
        # Drawn without replacement: a row is not among those that the drift is made of.
        itself = float((weights * sizes * self._squares[rows]).mean())
        met = (len(rows) * float(moves @ drift) - itself) / (len(rows) - 1)
        chance = -float(moves @ at_start) - (n - 1) / 2 * met - float(self.own[rows].mean())
        return Linear(chance, max(0.0, float(own.mean()) - chance))


def _gridded(amounts: sparse.csr_array) -> sparse.csr_array:
    """The amounts on their grid, without zeros; those that are so already are not copied."""
    if amounts.data.dtype == np.float64 and (amounts.data >= 1).all() and (amounts.data == np.rint(amounts.data)).all():
        return amounts
    found = amounts.astype(np.float64)
    found.data = on_grid(found.data, _AMOUNT_GRID)
    found.eliminate_zeros()
    return found


def held_by(amounts: sparse.csr_array, rows: Rows) -> NDArray[np.float64]:
    """(C,) how much of each class some rows hold together."""
    if 16 * len(rows) < amounts.shape[0]:
        return np.asarray(amounts[rows].sum(axis=0), np.float64).ravel()
    mask = np.zeros(amounts.shape[0])
    mask[rows] = 1
    return amounts.T @ mask


def attainable(
    amounts: sparse.csr_array, target: NDArray[np.float64], held: Floats, eligible: Rows, n: int
) -> NDArray[np.float64]:
    """The shares nearest to a target that whole rows can reach, where every row is of one category.

    Steering by the target itself, a class can end up to 1.5 rows away from it, since several may lag at the same time. By
    shares that ``n`` more rows reach exactly, none exceeds its number by a whole row at any time, so that all end at it.

    Args:
        amounts: (n, C) sparse
        target: (C,) shares
        held: (C,) amounts that are there from the start
        eligible: rows that may be picked
        n: the budget

    Returns:
        (C,) shares; the target itself where rows hold more than one object
    """
    lengths = np.diff(amounts.indptr)[eligible]
    filled = lengths > 0
    if not n or not filled.any() or (lengths > 1).any() or not target.sum():
        return target
    part = amounts[eligible]
    if not (part.data == 1).all():
        return target
    supply = np.bincount(part.indices, minlength=len(target))
    n = min(n, int(filled.sum()))
    total = held.sum() + n
    lacking = target * total - held
    # One more of a class is worth what the class lacks then; the n worthiest of all are taken.
    low, high = float(lacking.min()) - n - 1, float(lacking.max())
    for _ in range(100):
        middle = (low + high) / 2
        enough = np.clip(np.ceil(lacking - middle), 0, supply).sum() >= n
        low, high = (middle, high) if enough else (low, middle)
    taken = np.clip(np.ceil(lacking - high), 0, supply)
    # Of classes that lack as much, those of the first rows.
    first = np.full(len(target), len(eligible))
    np.minimum.at(first, part.indices, np.flatnonzero(filled))
    more = np.lexsort([first, -np.round(lacking - taken, 9)])
    taken[more[taken[more] < supply[more]][: n - int(taken.sum())]] += 1
    return (held + taken) / total
