"""KMEANS: one sample for each of as many clusters as there are picks, the one nearest to the centre."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...vectors import checked
from ..engine.gains import Floats, Gains, Rows
from ..inputs import Scores
from ..parts.clusters import ClusterGains, distances_to, k_means, most_weighty, weights_of
from ..strategy import Pool, Strategy
from ..values import Takes

# The datapool has clusters of its own, up to this many or the number of picks: more would only be finer than the picks.
_OWN_CLUSTERS = 500


class KMeans(Strategy):
    """Picks the sample nearest to the centre of each of as many clusters as there are picks, the largest cluster first."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = (
        "Lloyd 1982; weighted: Zhdanov, Diverse Mini-Batch Active Learning, 2019 (uncertainty-weighted k-means)"
    )
    gain_means: ClassVar[str] = "1 at the centre of a cluster without a pick, less off the centre and with every pick"
    by_chance: ClassVar[bool] = True
    beside: ClassVar[Mapping[str, Takes]] = {"weight": "numbers"}

    type: Literal["KMEANS"]
    weight: Scores | None = Field(
        None,
        description="How much every sample draws the centres, such as its uncertainty: only the samples of the highest weight "
        "are clustered; nothing given: all samples, all alike.",
    )
    candidates_per_pick: int = Field(
        10, ge=1, description="With a weight: how many samples of the highest weight are clustered, a pick."
    )

    def words(self, source: str) -> str:
        many = f", weighted by {self.weight.words()}" if self.weight else ""
        return f"{'takes' if self.strength > 0 else 'avoids'} the centres of clusters of {source}{many}"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        vectors = checked(values)
        if self.weight is None:
            # Clusters that hold samples of the datapool have picks already.
            rows = np.union1d(pool.eligible, pool.preselected)
            n_clusters = pool.n + min(len(pool.preselected), max(pool.n, _OWN_CLUSTERS))
            return _centred(vectors, rows, n_clusters, pool, np.ones(len(vectors)))
        weights = weights_of(pool, "KMEANS")
        rows = most_weighty(weights, pool, self.candidates_per_pick)
        # The weights know of the datapool: what it taught is certain.
        beyond = weights / max(weights[pool.eligible].max(initial=0), 1e-300) - 1
        return _centred(vectors, rows, pool.n, pool, weights, np.minimum(beyond, 0))


def _centred(
    vectors: NDArray, rows: Rows, n_clusters: int, pool: Pool, weights: Floats, beyond: Floats | None = None
) -> Gains:
    """The gains of clusters of some rows, by how near rows are to their centres."""
    if not len(rows):
        return ClusterGains(np.full(len(vectors), -1), weights, np.zeros(0), np.zeros(0, np.int64), pool.eligible)
    found, centres = k_means(vectors[rows], n_clusters, pool.seed, weights[rows], pool.progress)
    clusters = np.full(len(vectors), -1)
    clusters[rows] = found
    squares = distances_to(vectors[rows], centres, found) ** 2
    worth = np.zeros(len(vectors))
    worth[rows] = 1 / (1 + squares / max(squares.mean(), 1e-30))
    held = clusters[pool.preselected]
    used = np.bincount(held[held >= 0], minlength=len(centres))
    importance: Floats = np.bincount(found, weights=weights[rows], minlength=len(centres)).astype(float)
    return ClusterGains(clusters, worth, importance, used, pool.eligible, beyond)
