"""What strategies by cluster share: the gains, and k-means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans as Lloyd

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts import clusters as module
from shortlist.core.selection.parts.clusters import ClusterGains, k_means


def blobs(sizes: list[int], spread: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated groups of so many rows, and which group each row is of."""
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = 20 * np.eye(len(sizes))
    return (centres[owner] + spread * rng.normal(size=(len(owner), len(sizes)))).astype(np.float32), owner


# Gains ----------------------------------------------------------------------------------------------------------------


def gains_of(clusters: list[int], worth: list[float], importance: list[float], used: list[int]) -> ClusterGains:
    return ClusterGains(
        np.array(clusters), np.array(worth), np.array(importance), np.array(used), np.arange(len(clusters))
    )


def test_picks_go_round_the_clusters_the_best_row_and_the_most_important_cluster_first():
    gains = gains_of([0, 0, 1, 1, 1, 2, -1], [1, 5, 3, 2, 1, 9, 9], [1, 3, 2], [0, 0, 0])
    picks = greedy([Term(gains)], np.arange(7), 7)
    assert picks.rows.tolist() == [2, 5, 1, 3, 0, 4, 6]
    np.testing.assert_allclose(picks.gains[:, 0], [1, 1, 1, 1 / 2, 1 / 2, 1 / 3, 0], atol=1e-3)


def test_clusters_with_picks_from_the_start_come_later():
    gains = gains_of([0, 0, 1, 2], [1, 2, 1, 1], [3, 2, 1], [2, 1, 0])
    assert greedy([Term(gains)], np.arange(4), 4).rows.tolist() == [3, 2, 1, 0]


@given(st.data())
def test_gains_only_fall(data):
    n, n_clusters = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 5))
    clusters = data.draw(st.lists(st.integers(-1, n_clusters - 1), min_size=n, max_size=n))
    worth = data.draw(st.lists(st.floats(0, 1e6), min_size=n, max_size=n))
    gains = gains_of(clusters, worth, list(range(n_clusters)), [0] * n_clusters)
    fresh = gains.upper.copy()
    for row in data.draw(st.permutations(range(n))):
        before = gains.upper.copy()
        gains.pick(row)
        left = np.arange(n) != row
        assert (gains.upper[left] <= before[left] + 1e-12).all()
    np.testing.assert_array_equal(gains.restart().upper, fresh)
    np.testing.assert_array_equal(greedy([Term(gains.restart())], np.arange(n), n).rows.size, n)


# k-means --------------------------------------------------------------------------------------------------------------


def spread_of(vectors: np.ndarray, labels: np.ndarray) -> float:
    return float(sum(((vectors[labels == c] - vectors[labels == c].mean(axis=0)) ** 2).sum() for c in set(labels)))


@pytest.mark.parametrize("products", [10**9, 1000])
def test_k_means_finds_what_scikit_learn_finds_and_does_not_mind_the_order(monkeypatch, products):
    monkeypatch.setattr(module, "_PRODUCTS", products)
    monkeypatch.setattr(module, "_BATCH", 200)
    vectors, _ = blobs([200, 150, 150, 100, 100], spread=2.0)
    labels, centres = k_means(vectors, 5, seed=3)
    best = Lloyd(5, n_init=10, random_state=0).fit(vectors)
    assert spread_of(vectors, labels) <= 1.05 * best.inertia_
    np.testing.assert_array_equal(cdist(vectors, centres).argmin(axis=1), labels)
    order = np.random.default_rng(1).permutation(len(vectors))
    np.testing.assert_array_equal(k_means(vectors[order], 5, seed=3)[0], labels[order])


def test_k_means_of_copies_has_as_many_clusters_as_differ():
    labels, centres = k_means(np.repeat(np.eye(3, dtype=np.float32), [5, 2, 1], axis=0), 7, seed=0)
    assert sorted(np.bincount(labels).tolist()) == [1, 2, 5]
    np.testing.assert_allclose(np.sort(centres.max(axis=1)), 1, rtol=1e-6)


def test_k_means_in_batches_can_be_cancelled(monkeypatch):
    monkeypatch.setattr(module, "_PRODUCTS", 1000)
    monkeypatch.setattr(module, "_BATCH", 50)

    class Cancelled(Exception):
        pass

    def stop(done: int, total: int, label: str = "") -> None:
        assert 0 < done <= total
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        k_means(blobs([300, 300])[0], 2, seed=0, progress=stop)
