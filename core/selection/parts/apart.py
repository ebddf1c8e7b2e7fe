"""Distances that a rule must keep, exact where it matters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...vectors import blocks
from ..engine.gains import Floats, Rows
from .distances import DistanceGains


class ApartGains(DistanceGains):
    """The same for a rule that distances must keep: about the least distance they are exact.

    Single precision cannot say whether points far from the mean are just as far apart as the rule wants, or whether points
    much closer together than the width of the data are apart at all. Pairs for which it cannot are measured in double
    precision, and what lacks less than a millionth is not too near.

    Args:
        vectors: (n, d) float, all finite
        preselected: rows that count as picked from the start
        eligible: rows that may be picked
        distance: the least one that is allowed
    """

    _TOLERANCE = 1e-6

    def __init__(self, vectors: NDArray[np.floating], preselected: Rows, eligible: Rows, distance: float):
        super().__init__(vectors, preselected, eligible)
        # More than all real distances is as good as infinity.
        self.limit = min(float(distance), 2 * self.far) ** 2
        self.doubt = max(4e-6 * float(self.squares.max(initial=0)), 4e-6 * self.limit)
        if len(preselected):
            # These were measured without being centred first.
            rounding = 2.4e-7 * float(np.sqrt(vectors.shape[1]) * np.abs(vectors).max())
            doubt = self.doubt + 2 * distance * rounding + rounding**2
            doubtful = np.flatnonzero(np.abs(self._start - self.limit) <= doubt)
            for block in blocks(len(doubtful), len(preselected)):
                some = doubtful[block]
                pairs = np.repeat(some, len(preselected)), np.tile(preselected, len(some))
                self._start[some] = self._exact(*pairs).reshape(len(some), -1).min(axis=1)
            self._begin()

    def _begin(self) -> None:
        super()._begin()
        self._rows = np.empty(64, np.int64)

    def _remember(self, rows: Rows) -> None:
        while self._count > len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count - len(rows) : self._count] = rows

    def _nearest(self, products: NDArray[np.float32], rows: Rows, squares: NDArray[np.float32], picks: slice) -> Floats:
        products = products.reshape(len(rows), -1)
        products -= self._halves[picks]
        products *= -2
        products += squares[:, None]
        at, pick = np.nonzero(np.abs(products - np.float32(self.limit)) <= self.doubt)
        if len(at):
            products[at, pick] = self._exact(rows[at], self._rows[picks][pick])
        return products.min(axis=1)

    def _exact(self, rows: Rows, picks: Rows) -> NDArray[np.float64]:
        """(m,) squared distances of pairs, those about the limit moved clear of it."""
        squares = np.empty(len(rows))
        for block in blocks(len(rows), self.vectors.shape[1]):
            gaps = self.vectors[rows[block]].astype(np.float64) - self.vectors[picks[block]]
            squares[block] = np.einsum("ij,ij->i", gaps, gaps)
        apart = squares >= self.limit * (1 - self._TOLERANCE) ** 2
        clear = self.limit * np.where(apart, 1 + self._TOLERANCE, 1 - self._TOLERANCE)
        return np.where(apart, np.maximum(squares, clear), np.minimum(squares, clear))
