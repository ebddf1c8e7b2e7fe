"""TYPICLUST: the most typical sample of each cluster that has none yet."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...progress import Progress
from ...vectors import checked
from ..engine.gains import Floats, Gains
from ..parts.clusters import ClusterGains, k_means
from ..parts.neighbors import nearest_neighbors
from ..strategy import Pool, Strategy
from ..values import Takes

# Clusters of no more rows than this, and than this share of the mean, hold outliers: they come after all others.
_SMALL, _SMALL_SHARE = 5, 0.25
# In clusters beyond this size, nearest neighbours are found by cells: nearly all of them, much sooner.
_LARGE, _RECALL = 20_000, 0.9


class TypiClust(Strategy):
    """Picks the most typical sample of each of as many clusters as there are samples picked, the largest cluster first."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = "Hacohen et al., Active Learning on a Budget (TypiClust), 2022"
    gain_means: ClassVar[str] = (
        "1 for the most typical of a cluster without a pick, less for others and with every pick"
    )
    by_chance: ClassVar[bool] = True

    type: Literal["TYPICLUST"]
    num_nearest_neighbors: int = Field(
        20, ge=1, description="Over how many nearest neighbours within the cluster a sample's typicality is taken."
    )
    max_clusters: int = Field(
        500, ge=1, description="At most so many clusters, however many samples are picked and in the datapool."
    )

    def words(self, source: str) -> str:
        if self.strength < 0:
            return f"avoids what is typical of its cluster in {source}"
        return f"takes the most typical of each cluster in {source}"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        vectors = checked(values)
        rows = np.union1d(pool.eligible, pool.preselected)
        clusters, worth = np.full(len(vectors), -1), np.zeros(len(vectors))
        if not len(rows):
            return ClusterGains(clusters, worth, np.zeros(0), np.zeros(0, np.int64), pool.eligible)
        n_clusters = min(pool.n + len(pool.preselected), self.max_clusters)
        clusters[rows], _ = k_means(vectors[rows], n_clusters, pool.seed, progress=pool.progress)
        return typical(vectors, clusters, self.num_nearest_neighbors, pool)


def typical(vectors: NDArray, clusters: NDArray[np.int64], n_neighbors: int, pool: Pool) -> ClusterGains:
    """The gains of given clusters, by how typical rows are within them.

    Args:
        vectors: (n, d) float
        clusters: (n,) int from 0, -1 for rows of none
        n_neighbors: of the typicality
        pool: the rest of the run
    """
    sizes = np.bincount(clusters[clusters >= 0])
    worth = np.zeros(len(vectors))
    order = np.argsort(clusters, kind="stable")
    ends = np.searchsorted(clusters[order], np.arange(len(sizes) + 1))
    for cluster in range(len(sizes)):
        rows = order[ends[cluster] : ends[cluster + 1]]
        worth[rows] = typicality(vectors[rows], n_neighbors, pool.progress)
        pool.progress(cluster + 1, len(sizes), "measuring typicality")
    small = sizes <= min(_SMALL, _SMALL_SHARE * sizes.mean())
    used = np.bincount(clusters[pool.preselected], minlength=len(sizes)) + small
    return ClusterGains(clusters, worth, sizes.astype(np.float64), used, pool.eligible)


def typicality(vectors: NDArray, n_neighbors: int, progress: Progress) -> Floats:
    """(m,) one over the mean distance to the nearest neighbours; of copies, more than of anything else."""
    if len(vectors) < 2:
        return np.ones(len(vectors))
    recall = 1.0 if len(vectors) <= _LARGE else _RECALL
    distances = nearest_neighbors(vectors, n_neighbors, recall=recall, progress=progress)[0].astype(np.float64)
    mean = np.where(np.isfinite(distances), distances, distances[np.isfinite(distances)].max(initial=0)).mean(axis=1)
    return 1 / np.maximum(mean, max(1e-6 * mean.mean(), 1e-30))
