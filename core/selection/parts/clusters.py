"""Gains by cluster: one pick from each, the best of the most important clusters first, and what k-means makes of vectors."""

from __future__ import annotations

import warnings
from copy import copy

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from ...errors import must_be
from ...progress import Progress, silent
from ...vectors import blocks, mean_of, own_order
from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale
from ..strategy import Pool
from ..values import numbers

# Lloyd's iterations cost rows x clusters; beyond this many products each, batches of rows do nearly as well.
_PRODUCTS = 5_000_000
# Rows a batch, the least number of batches, and how often every row is looked at where there are more rows than that.
_BATCH, _BATCHES, _PASSES = 4096, 20, 3
# Beyond so many clusters, first centres that are spread out cost more than they bring.
_SPREAD = 2000
# Of a cluster's worth, what its importance may decide: enough to break ties.
_IMPORTANCE = 1e-3


class ClusterGains(Gains):
    """What a row adds that stands for a cluster: less, the more picks the cluster has.

    With ``u`` picks in its cluster the gain of a row lies between ``1 / (u + 2)`` and ``1 / (u + 1)``: at the upper end for
    the cluster's best row that is left. So the strategy alone goes round the clusters, the best row of each at a time,
    in the order of their importance. A row of no cluster comes after all of these.

    Args:
        clusters: (n,) int, the cluster of each row; -1 for none
        worth: (n,) float, >= 0: how well each row stands for its cluster, on a ratio scale
        importance: (C,) float, which clusters come first
        used: (C,) int, the picks that each cluster has from the start
        eligible: rows that may be picked
        beyond: (n,) float in [-1, 0], the order among the rows of no cluster; none by default
    """

    def __init__(
        self,
        clusters: NDArray[np.int64],
        worth: Floats,
        importance: Floats,
        used: NDArray[np.int64],
        eligible: Rows,
        beyond: Floats | None = None,
    ):
        self.clusters, self.worth = clusters, np.asarray(worth, dtype=np.float64)
        # Among equals the first cluster: k-means numbers them the same in whatever order rows are.
        order = np.argsort(-np.asarray(importance, dtype=np.float64), kind="stable")
        inside = eligible[clusters[eligible] >= 0]
        self.place = np.empty(len(order))
        self.place[order] = 1 - np.arange(len(order)) / max(1, len(order))
        members = inside[np.argsort(clusters[inside], kind="stable")]
        bounds = np.searchsorted(clusters[members], np.arange(len(importance) + 1))
        self.members = [members[bounds[c] : bounds[c + 1]] for c in range(len(importance))]
        self._start_used = used
        self._start = np.zeros(len(clusters)) if beyond is None else _IMPORTANCE * beyond
        for cluster, rows in enumerate(self.members):
            self._start[rows] = self._within(cluster, rows, int(used[cluster]))
        self._begin()

    def _begin(self) -> None:
        self.upper, self.used = self._start.copy(), self._start_used.copy()
        self._left = list(self.members)

    def restart(self) -> ClusterGains:
        other = copy(self)
        other._begin()
        return other

    def _within(self, cluster: int, rows: Rows, used: int) -> Floats:
        """(m,) the gains of the rows that a cluster has left."""
        if not len(rows):
            return np.zeros(0)
        best = self.worth[rows].max()
        share = self.worth[rows] / best if best > 0 else np.ones(len(rows))
        share = (1 - _IMPORTANCE) * share + _IMPORTANCE * self.place[cluster]
        return 1 / (used + 2) + (1 / (used + 1) - 1 / (used + 2)) * share

    def pick(self, row: int) -> None:
        cluster = int(self.clusters[row])
        if cluster < 0:
            return
        rows = self._left[cluster]
        self._left[cluster] = rows = rows[rows != row]
        self.used[cluster] += 1
        self.upper[rows] = self._within(cluster, rows, int(self.used[cluster]))

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean gain of random picks, each after those before, to that of the solo run's."""
        other = self.restart()
        gains = []
        for row in np.random.default_rng(len(random)).permutation(random):
            gains.append(float(other.upper[row]))
            other.pick(int(row))
        chance = float(np.mean(gains)) if gains else 0.0
        return Linear(chance, float(solo.gains.mean()) - chance if len(solo.gains) else 0.0)


def k_means(
    vectors: NDArray[np.floating],
    n_clusters: int,
    seed: int,
    weights: NDArray[np.floating] | None = None,
    progress: Progress = silent,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Clusters of vectors, the same whatever their order.

    Args:
        vectors: (n, d) float, all finite
        n_clusters: at most this many; fewer where fewer vectors differ
        seed: of the first centres
        weights: (n,) float, >= 0: how much each vector draws its centre; all alike by default
        progress: told the passes done

    Returns:
        (n,) the cluster of each vector, (C, d) the centres

    Source: Lloyd 1982; in batches Sculley, Web-Scale K-Means Clustering, 2010; first centres by k-means++.
    """
    # What is random must not depend on how the rows are ordered.
    order = own_order(vectors)
    centred = np.asarray(vectors[order], dtype=np.float32)
    centre = mean_of(centred)
    centred -= centre
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float64)[order] if np.any(weights) else None
    n_clusters = max(1, min(n_clusters, len(vectors)))
    with warnings.catch_warnings():
        # Fewer clusters than asked for, where fewer vectors differ, are no cause for concern.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if len(vectors) * n_clusters <= _PRODUCTS:
            model = KMeans(n_clusters, n_init=1, max_iter=100, random_state=seed).fit(centred, sample_weight=weights)
        else:
            model = _in_batches(centred, n_clusters, seed, weights, progress)
    labels = np.empty(len(vectors), np.int64)
    for block in blocks(len(vectors), n_clusters, _PRODUCTS):
        labels[order[block]] = model.predict(centred[block])
        progress(block.stop, len(vectors), "assigning clusters")
    found, labels = np.unique(labels, return_inverse=True)
    return labels.astype(np.int64), model.cluster_centers_[found] + centre


def _in_batches(
    vectors: NDArray[np.float32], n_clusters: int, seed: int, weights: NDArray | None, progress: Progress
) -> MiniBatchKMeans:
    """The centres of many rows, moved by a batch of rows at a time."""
    rng, n = np.random.default_rng(seed), len(vectors)
    size = min(n, max(_BATCH, 3 * n_clusters))
    start = "k-means++" if n_clusters <= _SPREAD else "random"
    model = MiniBatchKMeans(n_clusters, init=start, n_init=1, random_state=seed, batch_size=size)
    total = max(_BATCHES, _PASSES * -(-n // size))
    done = 0
    while done < total:
        order = rng.permutation(n)
        for batch in np.array_split(order, max(1, n // size)):
            model.partial_fit(vectors[batch], sample_weight=None if weights is None else weights[batch])
            done += 1
            progress(done, total, "clustering")
            if done == total:
                break
    return model


def distances_to(vectors: NDArray[np.floating], centres: NDArray[np.floating], clusters: NDArray[np.int64]) -> Floats:
    """(n,) the distance of each vector to the centre of its cluster."""
    distances = np.empty(len(vectors))
    for block in blocks(*vectors.shape):
        gap = np.asarray(vectors[block], dtype=np.float32) - centres[clusters[block]]
        distances[block] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
    return distances


def weights_of(pool: Pool, whose: str) -> Floats:
    """(n,) the values of a strategy's own input ``weight``; those of rows that may not be picked mean nothing.

    Raises:
        ShortlistError: some that count are negative
    """
    weights = numbers(pool.beside["weight"])
    if (weights[pool.eligible] < 0).any():
        raise must_be(f"the weight of {whose}", ">= 0 for every sample", float(weights[pool.eligible].min()))
    return weights


def most_weighty(weights: Floats, pool: Pool, per_pick: int) -> Rows:
    """The eligible rows of the highest weights, so many a pick, ascending; among equals the first."""
    order = np.argsort(-weights[pool.eligible], kind="stable")
    return np.sort(pool.eligible[order[: per_pick * pool.n]])
