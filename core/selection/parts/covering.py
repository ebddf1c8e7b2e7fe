"""Covering: gains on a sparse graph of who is similar to whom, and the rows that stand for a large pool."""

from __future__ import annotations

from copy import copy

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale


class CoverageGains(Gains):
    """How much more of the pool each row would cover: ``sum_r w_r max(0, k(r, x) - covered_r) / sum_r w_r``.

    On a graph of the nearest neighbours the gains of all rows are kept exact: a pick changes how well its neighbours
    are covered, and that changes the gains of their neighbours only. A weight stretches a row's similarities and how well
    it is covered alike, so it is multiplied in once.

    Args:
        kernel: (r, n) sparse, the similarity in [0, 1] of r rows that stand for the pool to n candidates
        covered: (r,) how well each of them is covered from the start
        weights: (r,) float, >= 0 and not all 0: how much each of them counts; all alike by default
    """

    def __init__(
        self,
        kernel: sparse.csr_array,
        covered: NDArray[np.float32],
        weights: NDArray[np.floating] | None = None,
    ):
        self.total = float(kernel.shape[0])
        if weights is not None:
            self.total = float(weights.sum())
            weights = np.asarray(weights, dtype=np.float32)
            stretched = kernel.data * np.repeat(weights, np.diff(kernel.indptr))
            kernel = sparse.csr_array((stretched, kernel.indices, kernel.indptr), shape=kernel.shape)
            covered = covered * weights
        self.kernel, self.by_candidate = kernel, kernel.tocsc()
        self._start_covered = covered
        excess = kernel.data - np.repeat(covered, np.diff(kernel.indptr))
        self._start: Floats = np.bincount(
            kernel.indices, weights=np.maximum(excess, 0), minlength=kernel.shape[1]
        ).astype(np.float64)
        self._begin()

    def _begin(self) -> None:
        self.covered, self.upper = self._start_covered.copy(), self._start.copy()

    def restart(self) -> CoverageGains:
        other = copy(self)
        other._begin()
        return other

    def natural(self, gain: Floats) -> Floats:
        return np.maximum(gain, 0) / self.total

    def internal(self, gain: Floats) -> Floats:
        return gain * self.total

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean gain of a random pick to that of the solo run's."""

        def mean_gain(rows: Rows) -> float:
            best = self.by_candidate[:, rows].max(axis=1).toarray().ravel()
            return float(np.maximum(best - self._start_covered, 0).sum() / self.total / len(rows))

        chance = mean_gain(random)
        return Linear(chance, mean_gain(solo.rows) - chance)

    def pick(self, row: int) -> None:
        column = slice(*self.by_candidate.indptr[row : row + 2])
        rows, similarity = self.by_candidate.indices[column], self.by_candidate.data[column]
        better = similarity > self.covered[rows]
        rows, similarity = rows[better], similarity[better]
        if not len(rows):
            return
        edges, lengths = edges_of(self.kernel.indptr, rows)
        candidates, data = self.kernel.indices[edges], self.kernel.data[edges]
        before, after = np.repeat(self.covered[rows], lengths), np.repeat(similarity, lengths)
        loss = np.maximum(data - before, 0) - np.maximum(data - after, 0)
        # Adding up in place costs more an edge; over all candidates it costs once.
        if len(edges) * 20 > len(self.upper):
            self.upper -= np.bincount(candidates, weights=loss, minlength=len(self.upper))
        else:
            np.subtract.at(self.upper, candidates, loss)
        self.covered[rows] = similarity


def edges_of(indptr: NDArray[np.integer], rows: Rows) -> tuple[Rows, NDArray[np.integer]]:
    """Where in a sparse array the entries of some rows are, row after row, and how many each row has."""
    lengths = np.diff(indptr)[rows]
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return np.repeat(indptr[rows] - before, lengths) + np.arange(lengths.sum()), lengths


def stand_ins(
    weights: NDArray[np.floating] | None, n: int, n_rows: int, seed: int
) -> tuple[Rows, NDArray[np.floating] | None]:
    """Rows that stand for ``n``: with weights, the heavier are the likelier and count the less for it.

    A row is drawn with a chance in proportion to its weight (the heaviest for certain), and its weight divided by that chance,
    so that any weighted sum over the drawn rows is right on average.

    Args:
        weights: (n,) float, >= 0 and not all 0, or None for all alike
        n: how many rows there are
        n_rows: how many to draw, at most ``n``
        seed: of the draw

    Returns:
        (r,) ascending, r at most ``n_rows``, and their weights
    """
    rng = np.random.default_rng(seed)
    if weights is None:
        return np.sort(rng.choice(n, n_rows, replace=False)), None
    heavy = np.flatnonzero(weights)
    if len(heavy) <= n_rows:
        return heavy, weights[heavy]
    chance = _chances(weights[heavy], n_rows)
    # Systematic: in random order, one draw in every unit of the summed chances.
    order = rng.permutation(len(heavy))
    steps = np.floor(np.cumsum(chance[order]) + rng.random())
    drawn = np.sort(order[np.diff(steps, prepend=0.0) > 0])
    return heavy[drawn], weights[heavy[drawn]] / chance[drawn]


def _chances(weights: NDArray[np.floating], n_rows: int) -> NDArray[np.floating]:
    """(m,) in (0, 1], in proportion to the weights as far as none exceeds 1, which sum to ``n_rows``."""
    certain = np.zeros(len(weights), bool)
    while True:
        left = n_rows - int(certain.sum())
        chance = np.where(certain, 1.0, weights * left / weights[~certain].sum())
        beyond = ~certain & (chance >= 1)
        if not beyond.any():
            return chance
        certain |= beyond
