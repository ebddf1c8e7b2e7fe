"""COVERAGE: have something similar to everything. Greedy kernel herding (MaxHerding), weighted (UHerding)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ...vectors import checked, nearest, unit
from ..engine.gains import Floats, Gains, Rows
from ..inputs import Predictions, Scores
from ..parts.clusters import weights_of
from ..parts.covering import CoverageGains, stand_ins
from ..parts.neighbors import neighbor_graph
from ..strategy import Pool, Strategy
from ..values import Amounts, Takes

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
# Samples of the datapool whose distances to one another are measured for the width, and below which two are copies. UHerding
# takes the least distance; of all samples' distances to their nearest, the lower quartile is as good, and one pair of
# near-duplicates does not make it tiny (which would leave the weight alone to decide).
_MEASURED = 10_000
_COPIES = 1e-3
_QUARTILE = 0.25


class Coverage(Strategy):
    """Picks what is similar to the most samples that nothing picked so far is similar to; ignores outliers."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = (
        "Bae et al., Generalized Coverage for More Robust Low-Budget Active Learning (MaxHerding), 2024; weighted: Bae et al., "
        "Uncertainty Herding: One Active Learning Method for All Label Budgets, 2025"
    )
    gain_means: ClassVar[str] = "share of the pool newly covered"
    beside: ClassVar[Mapping[str, Takes]] = {"weight": "numbers", "class_weight": "amounts"}
    everyday: ClassVar[bool] = True

    type: Literal["COVERAGE"]
    kernel_width: float | None = Field(
        None,
        gt=0,
        le=100,
        description="How far a pick reaches: width of the Gaussian kernel, as a distance of unit vectors; nothing given: 1, "
        "or with a weight and a datapool how near its samples are to one another, if that is less.",
    )
    weight: Scores | None = Field(
        None,
        description="How much every sample counts among those to be covered, such as one minus the margin of its prediction; "
        "nothing given: all alike.",
    )
    class_weight: Predictions | None = Field(
        None,
        description="For a long tail: the label field whose classes count the less, the more of them the datapool holds.",
    )

    @model_validator(mode="after")
    def _classes_weigh(self) -> Coverage:
        if self.class_weight and "amounts" not in self.class_weight.given():
            raise ValueError(f"class_weight must name CLASS_DISTRIBUTION. Got {self.class_weight.name} instead.")
        return self

    def words(self, source: str) -> str:
        weights = [self.weight.words()] if self.weight else []
        if self.class_weight:
            weights.append(f"how rare in the datapool {self.class_weight.words()} are")
        weighted = f", weighted by {' and by '.join(weights)}" if weights else ""
        return f"{'covers' if self.strength > 0 else 'avoids what is common in'} {source}{weighted}"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        directions = unit(checked(values))
        rows, weights, n_neighbors = _extent(pool, self._weights(pool))
        width = np.float32(self._width(directions, pool) ** 2)
        graph = neighbor_graph(directions[rows], directions[pool.eligible], n_neighbors, progress=pool.progress)
        graph.data = np.exp(-graph.data / width)
        columns = pool.eligible[graph.indices]
        kernel = sparse.csr_array((graph.data, columns, graph.indptr), shape=(len(rows), len(directions)))
        covered = np.zeros(len(rows), np.float32)
        if len(pool.preselected):
            distance = nearest(directions[rows], directions[pool.preselected], progress=pool.progress)[0]
            covered = np.exp(-np.square(distance) / width)
        return CoverageGains(kernel, covered, weights)

    def _weights(self, pool: Pool) -> Floats | None:
        """(e,) how much each eligible row counts, 1 on average; None where all count alike."""
        weights: Floats = np.ones(len(pool.eligible))
        if self.weight:
            weights = weights_of(pool, "COVERAGE")[pool.eligible]
        if self.class_weight:
            weights = weights * _rarity(pool.beside["class_weight"], pool)
        # Nothing that counts at all: then everything counts alike.
        if not weights.any() or (weights == weights[0]).all():
            return None
        return weights / weights.mean()

    def _width(self, directions: NDArray[np.float32], pool: Pool) -> float:
        if self.kernel_width is not None:
            return self.kernel_width
        if not self.weight or len(pool.preselected) < 2:
            return 1.0
        return min(1.0, _closeness(directions[pool.preselected], pool))


def _extent(pool: Pool, weights: NDArray[np.floating] | None) -> tuple[Rows, NDArray[np.floating] | None, int]:
    """Which rows stand for the pool, how much each counts, and how many neighbours of each are looked at."""
    n = len(pool.eligible)
    reach = max(1, n) / max(1, pool.n)
    room = _EDGES / (reach * _NEIGHBORS_BEFORE_ROWS)
    affordable = int(min(room, _PRODUCTS / max(1, n)))
    n_rows = min(n, max(_MIN_ROWS, _ROWS_A_PICK * pool.n, affordable))
    rows, weights = stand_ins(weights, n, n_rows, pool.seed)
    n_neighbors = int(min(n, max(_MIN_NEIGHBORS, _NEIGHBORS_A_SHARE * reach, _EDGES // max(1, len(rows)))))
    return pool.eligible[rows], weights, n_neighbors


def _rarity(amounts: Amounts, pool: Pool) -> NDArray[np.float64]:
    """(e,) ``sum_c p_c (N_c + 1)^-1/2`` of each eligible row: p_c its share of class c, N_c what the datapool holds of it.

    A row without any class is worth what one of the most frequent class is.
    """
    held = np.asarray(amounts.matrix[pool.preselected].sum(axis=0), dtype=np.float64).ravel()
    factor = 1 / np.sqrt(held + 1)
    own = amounts.matrix[pool.eligible]
    sums = np.asarray(own.sum(axis=1), dtype=np.float64).ravel()
    shares = np.asarray(own @ factor).ravel() / np.where(sums > 0, sums, 1)
    return np.where(sums > 0, shares, factor.min(initial=1.0))


def _closeness(directions: NDArray[np.float32], pool: Pool) -> float:
    """The lower quartile of the distances to the nearest other that is no copy; infinity where there is none."""
    own = np.arange(0, len(directions), max(1, -(-len(directions) // _MEASURED)))
    distance = nearest(directions[own], directions, own=own, progress=pool.progress)[0]
    apart = distance[distance > _COPIES]
    return float(np.quantile(apart, _QUARTILE)) if len(apart) else np.inf
