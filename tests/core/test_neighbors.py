"""Nearest neighbours against scikit-learn's and against distances computed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from shortlist.core.errors import Cancelled
from shortlist.core.selection.parts import neighbors as module
from shortlist.core.selection.parts.cells import cells, halved
from shortlist.core.selection.parts.neighbor_lists import NeighborLists, augmented, swapped, threshold
from shortlist.core.selection.parts.neighbors import nearest_neighbors, neighbor_graph


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def clusters(n: int, d: int, n_clusters: int = 40, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (4 * rng.normal(size=(n_clusters, d))[rng.integers(0, n_clusters, n)] + rng.normal(size=(n, d))).astype(
        np.float32
    )


def true_distances(points: np.ndarray, k: int) -> np.ndarray:
    found = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points.astype(np.float64))
    return found.kneighbors()[0]


@pytest.mark.parametrize(("n", "d", "k"), [(2, 3, 1), (30, 1, 29), (300, 2, 20), (1024, 16, 5), (2500, 33, 20)])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_all_pairs_give_the_true_neighbours(n, d, k, offset):
    points = cloud(n, d) + np.float32(offset)
    distances, rows = nearest_neighbors(points, k)
    assert distances.shape == rows.shape == (n, k)
    np.testing.assert_allclose(distances, true_distances(points, k), rtol=1e-4, atol=1e-5 * max(1, offset))
    gaps = np.linalg.norm(points[rows].astype(np.float64) - points[:, None], axis=2)
    np.testing.assert_allclose(distances, gaps, rtol=1e-4, atol=1e-5 * max(1, offset))
    assert (rows != np.arange(n)[:, None]).all()
    assert all(len(set(near)) == k for near in rows.tolist())


@given(n=st.integers(1, 40), d=st.integers(1, 4), k=st.integers(1, 50), seed=st.integers(0, 99), copies=st.booleans())
def test_any_small_pool_gives_the_true_distances(n, d, k, seed, copies):
    points = cloud(n, d, seed)
    points = np.repeat(points, 3, axis=0) if copies else points
    distances, rows = nearest_neighbors(points, k)
    k = min(k, len(points) - 1)
    gaps = cdist(points.astype(np.float64), points.astype(np.float64))
    np.fill_diagonal(gaps, np.inf)
    np.testing.assert_allclose(distances, np.sort(gaps, axis=1)[:, :k], rtol=1e-4, atol=1e-6)
    assert rows.shape == (len(points), k)


@pytest.mark.parametrize("make", [cloud, clusters])
def test_all_pairs_do_so_over_many_tiles(monkeypatch, make):
    monkeypatch.setattr(module, "_TILE", 64)
    points = make(1500, 8)
    np.testing.assert_allclose(nearest_neighbors(points, 10)[0], true_distances(points, 10), rtol=1e-4)


@pytest.mark.parametrize("surplus", [0, 1])
def test_sorting_out_often_changes_nothing(monkeypatch, surplus):
    points = clusters(1500, 8)
    expected = nearest_neighbors(points, 10)[1]
    monkeypatch.setattr(module, "_TILE", 64)
    monkeypatch.setattr(module, "_SURPLUS", surplus)
    np.testing.assert_array_equal(nearest_neighbors(points, 10)[1], expected)


@pytest.mark.parametrize("recall", [1.0, 0.9])
def test_duplicates_are_at_distance_zero_and_cost_no_more(recall):
    points = np.repeat(cloud(20, 6), 150, axis=0)
    distances, _ = nearest_neighbors(points, 20, recall=recall)
    np.testing.assert_array_equal(distances, 0)
    np.testing.assert_array_equal(nearest_neighbors(np.ones((3000, 4)), 7, recall=recall)[0], 0)


def test_distances_of_near_duplicates_far_from_the_mean_are_not_rounded_away():
    points = np.array([[0.0, 0.0], [1000.0, 0.0], [1000.0, 0.001], [1000.0, 0.003]], np.float32)
    expected = [[0.001, 0.003], [0.001, 0.002], [0.002, 0.003]]
    np.testing.assert_allclose(nearest_neighbors(points, 2)[0][1:], expected, rtol=1e-3)


@pytest.mark.parametrize("recall", [0.9, 0.98])
def test_near_cells_find_the_share_that_is_asked_for(recall):
    points = clusters(6000, 24, 150)
    distances, rows = nearest_neighbors(points, 15, recall=recall)
    farthest = true_distances(points, 15)[:, -1:]
    assert (distances <= farthest * (1 + 1e-5)).mean() > recall - 0.02
    assert (rows != np.arange(6000)[:, None]).all()
    found = np.isfinite(distances)
    gaps = np.linalg.norm(points[rows].astype(np.float64) - points[:, None], axis=2)
    np.testing.assert_allclose(distances[found], gaps[found], rtol=1e-4)


def test_near_cells_look_at_few_pairs(monkeypatch):
    points, seen = clusters(6000, 24, 150), []
    look = NeighborLists.look
    monkeypatch.setattr(NeighborLists, "look", lambda *given: seen.append(given[3].size) or look(*given))
    nearest_neighbors(points, 15, recall=0.95)
    assert sum(seen) < 0.4 * 6000 * 6000


def test_where_cells_do_not_help_all_pairs_are_compared(monkeypatch):
    # In so many dimensions without structure neighbours are everywhere.
    points, called = cloud(3000, 100), []
    all_pairs = module._all_pairs
    monkeypatch.setattr(module, "_all_pairs", lambda *given: called.append(True) or all_pairs(*given))
    distances, _ = nearest_neighbors(points, 5, recall=0.95)
    assert called
    np.testing.assert_allclose(distances, true_distances(points, 5), rtol=1e-4)


@pytest.mark.parametrize("recall", [1.0, 0.95])
def test_neighbours_do_not_depend_on_the_order_of_the_points(recall):
    points = clusters(3000, 12)
    order = np.random.default_rng(5).permutation(3000)
    expected = nearest_neighbors(points, 10, recall=recall)[0]
    same = nearest_neighbors(points[order], 10, recall=recall)[0]
    # Near cells differ only where rounding decides on which side of a cut a point lies.
    share = (np.abs(same - expected[order]) <= 1e-5 * expected[order]).mean()
    assert share == 1 if recall == 1 else share > 0.97


@pytest.mark.parametrize("recall", [1.0, 0.95])
def test_neighbours_are_the_same_twice(recall):
    points = clusters(3000, 12)
    for first, second in zip(*(nearest_neighbors(points, 10, recall=recall) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("recall", [1.0, 0.95])
def test_finding_neighbours_tells_how_far_it_is_and_stops_when_cancelled(recall):
    points, told = clusters(5000, 12), []
    nearest_neighbors(points, 10, recall=recall, progress=lambda done, total, label: told.append((label, done / total)))
    finding = [share for label, share in told if label == "finding neighbours"]
    assert finding == sorted(finding)
    assert finding[-1] == 1

    def cancel(done: int, total: int, label: str) -> None:
        if label == "finding neighbours":
            raise Cancelled

    with pytest.raises(Cancelled):
        nearest_neighbors(points, 10, recall=recall, progress=cancel)


def test_the_points_are_left_as_they_were():
    points = clusters(2000, 12)
    untouched = points.copy()
    nearest_neighbors(points, 10, recall=0.9)
    np.testing.assert_array_equal(points, untouched)


def test_halves_lie_on_two_sides_and_keep_their_size():
    points = np.concatenate([cloud(96, 3), cloud(32, 3) + np.float32(50)])
    order = halved(points, 32)
    assert sorted(order.tolist()) == list(range(128))
    pieces = [set(order[start : start + 32].tolist()) for start in range(0, 128, 32)]
    assert set(range(96, 128)) in pieces


def test_cells_hold_every_row_once_and_the_rows_nearest_to_their_centres():
    points = clusters(2000, 6, 20)
    points -= points.mean(axis=0)
    found = cells(points, 100, steps=10)
    assert sorted(found.order.tolist()) == list(range(2000))
    assert (np.diff(found.bounds) > 0).all()
    for cell in range(len(found)):
        inside = points[found.order[found.bounds[cell] : found.bounds[cell + 1]]]
        np.testing.assert_allclose(found.centres[cell], inside.mean(axis=0), atol=1e-4)
    nearest = cdist(points[found.order], found.centres).argmin(axis=1)
    assert (nearest == found.owners).mean() > 0.95


@pytest.mark.parametrize("count", [1, 4, 100])
def test_the_nearest_cells_begin_with_the_own_one_and_go_outwards(count):
    points = cloud(1000, 4)
    found = cells(points, 50)
    count = min(count, len(found))
    order = found.nearest(points[found.order], found.owners, count)
    np.testing.assert_array_equal(order[:, 0], found.owners)
    gaps = cdist(points[found.order], found.centres)
    far = np.take_along_axis(gaps, order.astype(int), axis=1)[:, 1:]
    assert (np.diff(far, axis=1) >= -1e-4).all()
    assert all(len(set(row)) == count for row in order.tolist())


def test_a_product_of_augmented_points_is_minus_half_their_squared_distance():
    points = cloud(40, 5)
    order = np.random.default_rng(1).permutation(40)
    rows = augmented(points, order)
    np.testing.assert_allclose(-2 * rows @ swapped(rows), cdist(points[order], points[order]) ** 2, atol=1e-4)


@given(n=st.integers(1, 400), k=st.integers(1, 30), seed=st.integers(0, 99))
def test_at_least_k_products_of_each_row_reach_the_threshold(n, k, seed):
    products = cloud(5, n, seed)
    assert ((products >= threshold(products, k)[:, None]).sum(axis=1) >= min(k, n)).all()


@pytest.mark.parametrize(("m", "n", "k"), [(7, 5, 5), (300, 2000, 8), (0, 10, 3)])
def test_the_graph_holds_the_nearest_points_of_every_query(m, n, k):
    queries, points = cloud(m, 6, 1), cloud(n, 6, 2)
    graph = neighbor_graph(queries, points, k)
    assert graph.shape == (m, n)
    squares = cdist(queries, points, "sqeuclidean") if m else np.zeros((0, n))
    for row in range(m):
        columns = graph.indices[graph.indptr[row] : graph.indptr[row + 1]]
        assert set(np.argsort(squares[row])[:k]) <= set(columns.tolist())
        np.testing.assert_allclose(
            graph.data[graph.indptr[row] : graph.indptr[row + 1]], squares[row, columns], atol=1e-4
        )
