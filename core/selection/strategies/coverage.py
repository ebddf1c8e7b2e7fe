"""COVERAGE: have something similar to everything. Greedy kernel herding (MaxHerding)."""

from __future__ import annotations

from copy import copy
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from pydantic import Field

from ...vectors import checked, nearest, unit
from ..gains import Floats, Gains, Linear, Picks, Rows, Scale
from ..neighbors import neighbor_graph
from ..strategy import Pool, Strategy, Takes

# Rows that stand for the pool in the objective: with this many a pick, the picks reach more than 99 % of what they
# would if all rows were looked at.
_ROWS_A_PICK = 20
_MIN_ROWS = 4096
# Neighbours of a row, as a multiple of the rows that one pick covers: 1.5 keeps 99.5 % of the dense objective.
_NEIGHBORS_A_SHARE = 1.5
_MIN_NEIGHBORS = 16
# A graph of up to this many edges is kept (8 bytes each): small pools get all neighbours, the dense objective itself.
_EDGES = 20_000_000
# More rows than that are looked at while their distances to all candidates stay below this many, and the graph has
# room for this many times the rows that one pick covers: few picks reach far, and need neighbours more than rows.
_PRODUCTS = 400_000_000
_NEIGHBORS_BEFORE_ROWS = 4


class Coverage(Strategy):
    """Picks what is similar to the most samples that nothing picked so far is similar to; ignores outliers."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = (
        "Bae et al., Generalized Coverage for More Robust Low-Budget Active Learning (MaxHerding), 2024"
    )
    gain_means: ClassVar[str] = "share of the pool newly covered"

    type: Literal["COVERAGE"]
    kernel_width: float = Field(
        1.0,
        gt=0,
        le=100,
        description="How far a pick reaches: the width of the Gaussian kernel, as a distance of unit vectors.",
    )

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        vectors = checked(values)
        centred_off = unit(vectors)
        rng = np.random.default_rng(pool.seed)
        share = _NEIGHBORS_A_SHARE * max(1, len(pool.eligible)) / max(1, pool.n)
        room = _EDGES / (share / _NEIGHBORS_A_SHARE * _NEIGHBORS_BEFORE_ROWS)
        affordable = int(min(room, _PRODUCTS / max(1, len(pool.eligible))))
        n_rows = min(len(pool.eligible), max(_MIN_ROWS, _ROWS_A_PICK * pool.n, affordable))
        rows = np.sort(rng.choice(pool.eligible, n_rows, replace=False))
        n_neighbors = int(min(len(pool.eligible), max(_MIN_NEIGHBORS, share, _EDGES // max(1, n_rows))))
        graph = neighbor_graph(centred_off[rows], centred_off[pool.eligible], n_neighbors, progress=pool.progress)
        graph.data = np.exp(-graph.data / np.float32(self.kernel_width**2))
        columns = pool.eligible[graph.indices]
        kernel = sparse.csr_array((graph.data, columns, graph.indptr), shape=(n_rows, len(vectors)))
        covered = np.zeros(n_rows, np.float32)
        if len(pool.preselected):
            distance = nearest(centred_off[rows], centred_off[pool.preselected])[0]
            covered = np.exp(-np.square(distance) / np.float32(self.kernel_width**2))
        return CoverageGains(kernel, covered)


class CoverageGains(Gains):
    """How much more of the pool each row would cover: ``mean_n max(0, k(n, x) - covered_n)``.

    On a graph of the nearest neighbours the gains of all rows are kept exact: a pick changes how well its neighbours
    are covered, and that changes the gains of their neighbours only.

    Args:
        kernel: (r, n) sparse, the similarity in [0, 1] of r rows that stand for the pool to n candidates
        covered: (r,) how well each of them is covered from the start
    """

    def __init__(self, kernel: sparse.csr_array, covered: NDArray[np.float32]):
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
        return np.maximum(gain, 0) / self.kernel.shape[0]

    def internal(self, gain: Floats) -> Floats:
        return gain * self.kernel.shape[0]

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean gain of a random pick to that of the solo run's."""

        def mean_gain(rows: Rows) -> float:
            best = self.by_candidate[:, rows].max(axis=1).toarray().ravel()
            return float(np.maximum(best - self._start_covered, 0).mean() / len(rows))

        chance = mean_gain(random)
        return Linear(chance, mean_gain(solo.rows) - chance)

    def pick(self, row: int) -> None:
        column = slice(*self.by_candidate.indptr[row : row + 2])
        rows, similarity = self.by_candidate.indices[column], self.by_candidate.data[column]
        better = similarity > self.covered[rows]
        rows, similarity = rows[better], similarity[better]
        if not len(rows):
            return
        starts, lengths = self.kernel.indptr[rows], np.diff(self.kernel.indptr)[rows]
        edges = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
        candidates, data = self.kernel.indices[edges], self.kernel.data[edges]
        before, after = np.repeat(self.covered[rows], lengths), np.repeat(similarity, lengths)
        loss = np.maximum(data - before, 0) - np.maximum(data - after, 0)
        # Adding up in place costs more an edge; over all candidates it costs once.
        if len(edges) * 20 > len(self.upper):
            self.upper -= np.bincount(candidates, weights=loss, minlength=len(self.upper))
        else:
            np.subtract.at(self.upper, candidates, loss)
        self.covered[rows] = similarity
