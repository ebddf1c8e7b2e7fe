"""Distances, neighbours and checks of vectors."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from shortlist.core.errors import Cancelled, ShortlistError
from shortlist.core.selection.parts.neighbors import neighbor_graph
from shortlist.core.vectors import blocks, checked, mean_of, nearest, own_order, unit


def cloud(n: int, d: int, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    """Vectors in single precision, as they are stored."""
    return (np.random.default_rng(seed).normal(size=(n, d)) + offset).astype(np.float32)


@pytest.mark.parametrize("offset", [0.0, 1e3, -1e3])
@pytest.mark.parametrize(("n", "m", "d"), [(1, 1, 1), (50, 7, 3), (2500, 1300, 16), (10, 2100, 64)])
def test_the_nearest_is_that_of_scipy(n, m, d, offset):
    queries, references = cloud(n, d, 0, offset), cloud(m, d, 1, offset)
    exact = cdist(queries.astype(np.float64), references.astype(np.float64))
    distances, indices = nearest(queries, references)
    np.testing.assert_allclose(distances, exact.min(axis=1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(exact[np.arange(n), indices], exact.min(axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [2, 40, 2300])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_the_query_itself_does_not_count(n, offset):
    vectors = cloud(n, 8, 0, offset)
    exact = cdist(vectors.astype(np.float64), vectors.astype(np.float64))
    np.fill_diagonal(exact, np.inf)
    distances, indices = nearest(vectors, vectors, own=np.arange(n))
    np.testing.assert_allclose(distances, exact.min(axis=1), rtol=1e-4)
    assert (indices != np.arange(n)).all()


def test_only_queries_that_are_references_leave_one_out():
    vectors = cloud(5, 3)
    own = np.array([-1, 1, -1, 3, -1])
    distances, indices = nearest(vectors, vectors, own=own)
    np.testing.assert_array_equal(distances == 0, own < 0)
    np.testing.assert_array_equal(indices == np.arange(5), own < 0)


def test_without_a_reference_that_counts_the_distance_is_infinite():
    distances, indices = nearest(np.zeros((2, 2)), np.zeros((1, 2)), own=np.array([0, -1]))
    np.testing.assert_array_equal(distances, [np.inf, 0])
    np.testing.assert_array_equal(indices, [-1, 0])


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_duplicate_is_at_exactly_zero(offset, dtype):
    vectors = cloud(1500, 12, 0, offset).astype(dtype)
    distances, indices = nearest(vectors, np.concatenate([vectors, vectors]))
    np.testing.assert_array_equal(distances, np.zeros(1500))
    if dtype != np.float16:
        np.testing.assert_array_equal(indices, np.arange(1500))


@pytest.mark.parametrize("d", [3, 100, 128])
@pytest.mark.parametrize("m", [3, 517, 1500])
def test_of_references_that_are_alike_the_first_is_the_nearest(m, d):
    """Wherever the tiles that references are looked at in begin and end."""
    references = cloud(m, d)
    indices = nearest(cloud(300, d, 1), np.concatenate([references] * 3))[1]
    np.testing.assert_array_equal(indices, nearest(cloud(300, d, 1), references)[1])
    assert indices.max() < m


def test_much_work_is_shared_by_threads_with_the_same_result():
    """5 500 x 1 600 x 64 is beyond where threads begin; each half of the queries is not."""
    queries, references, own = cloud(5500, 64), cloud(1600, 64, 1), np.random.default_rng(2).integers(-1, 1600, 5500)
    distances, indices = nearest(queries, references, own=own)
    halves = [nearest(queries[part::2], references, own=own[part::2]) for part in (0, 1)]
    for part, (half_distances, half_indices) in enumerate(halves):
        np.testing.assert_array_equal(distances[part::2], half_distances)
        np.testing.assert_array_equal(indices[part::2], half_indices)
    assert (indices != own).all()


def test_threads_end_when_progress_stops_them():
    told, before = [], threading.active_count()

    def progress(done, total, label=""):
        told.append(done)
        raise Cancelled()

    with pytest.raises(Cancelled):
        nearest(cloud(20_000, 64), cloud(1600, 64, 1), progress=progress)
    assert len(told) == 1
    assert threading.active_count() == before


def test_vectors_far_off_the_origin_are_told_apart_before_they_are_rounded():
    queries, references = (cloud(n, 3, seed).astype(np.float64) + 1e8 for n, seed in ((200, 0), (50, 1)))
    distances, indices = nearest(queries, references)
    np.testing.assert_array_equal(indices, cdist(queries, references).argmin(axis=1))
    np.testing.assert_allclose(distances, cdist(queries, references).min(axis=1), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n_alike", [0, 10, 30])
def test_rows_have_an_order_of_their_own(dtype, n_alike):
    vectors = np.random.default_rng(0).integers(-3, 4, (200, 40)).astype(dtype)
    vectors[:, :n_alike] = 0
    moved = vectors[np.random.default_rng(1).permutation(200)]
    moved[moved == 0] = -0.0
    np.testing.assert_array_equal(moved[own_order(moved)], vectors[own_order(vectors)])


def test_progress_ends_with_all_queries():
    told = []
    nearest(cloud(5000, 2), cloud(3, 2), progress=lambda done, total, label="": told.append((done, total)))
    assert told[-1] == (5000, 5000)
    assert told == sorted(told)


@pytest.mark.parametrize("offset", [0.0, 300.0])
@pytest.mark.parametrize(
    ("m", "n", "k"), [(20, 400, 1), (20, 400, 5), (20, 400, 20), (50, 60, 60), (30, 100, 12), (30, 100, 99), (1, 1, 1)]
)
def test_a_neighbour_graph_holds_the_true_neighbours(m, n, k, offset):
    queries, points = cloud(m, 6, 0, offset), cloud(n, 6, 1, offset)
    graph = neighbor_graph(queries, points, k)
    true = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points.astype(np.float64))
    distances, neighbors = true.kneighbors(queries.astype(np.float64))
    assert graph.shape == (m, n)
    for row in range(m):
        held = slice(*graph.indptr[row : row + 2])
        assert set(neighbors[row]) <= set(graph.indices[held].tolist())
        found = dict(zip(graph.indices[held].tolist(), graph.data[held].tolist(), strict=True))
        expected = distances[row] ** 2
        np.testing.assert_allclose([found[at] for at in neighbors[row]], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("n", "k"), [(2000, 5), (100, 99), (100, 12)])
def test_a_neighbour_graph_holds_few_beyond_what_was_asked(n, k):
    counts = np.diff(neighbor_graph(cloud(40, 6), cloud(n, 6, 1), k).indptr)
    assert (counts >= k).all()
    assert counts.mean() <= 1.5 * k


def test_a_neighbour_graph_of_all_points_is_the_distance_matrix():
    queries, points = cloud(30, 4), cloud(25, 4, 1)
    expected = cdist(queries, points, "sqeuclidean")
    np.testing.assert_allclose(neighbor_graph(queries, points, 25).toarray(), expected, atol=1e-4)


def test_distances_of_zero_are_stored():
    assert neighbor_graph(np.ones((2, 3)), np.ones((4, 3)), 4).nnz == 8


def test_no_queries_have_no_neighbours():
    assert neighbor_graph(np.zeros((0, 3)), cloud(5, 3), 2).shape == (0, 5)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_the_mean_is_that_of_double_precision(offset):
    vectors = cloud(70_000, 40, 0, offset)
    np.testing.assert_allclose(mean_of(vectors), vectors.mean(axis=0, dtype=np.float64), rtol=1e-6, atol=1e-7)
    assert mean_of(vectors).dtype == np.float32


def test_the_mean_of_nothing_is_zero():
    np.testing.assert_array_equal(mean_of(np.zeros((0, 3))), [0, 0, 0])


def test_unit_vectors_have_length_one_and_zero_stays_zero():
    np.testing.assert_allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0], [-2.0, 0.0]])), [[0.6, 0.8], [0, 0], [-1, 0]])


@given(st.integers(0, 200), st.integers(0, 50), st.integers(1, 500))
def test_blocks_cover_every_row_once(n_rows, n_columns, n_values):
    covered = [row for block in blocks(n_rows, n_columns, n_values) for row in range(block.start, block.stop)]
    assert covered == list(range(n_rows))


@given(st.integers(1, 200), st.integers(1, 50), st.integers(50, 500))
def test_blocks_hold_no_more_than_they_may(n_rows, n_columns, n_values):
    assert max((block.stop - block.start) * n_columns for block in blocks(n_rows, n_columns, n_values)) <= n_values


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_finite_vectors_are_accepted_as_they_are(dtype):
    vectors = np.arange(6).reshape(3, 2).astype(dtype)
    np.testing.assert_array_equal(checked(vectors), vectors)


def test_no_vectors_are_accepted():
    assert checked(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("shape", [(4,), (4, 0), (2, 3, 4), ()])
def test_what_is_no_matrix_is_refused_with_its_shape(shape):
    with pytest.raises(ShortlistError) as caught:
        checked(np.zeros(shape), "crops")
    assert str(caught.value) == f"crops must be one vector a sample, (n, d). Got an array of shape {shape} instead."


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vectors_that_are_not_finite_are_counted_and_the_first_named(bad):
    vectors = np.zeros((30, 3))
    vectors[[4, 9, 10, 20], 1] = bad
    with pytest.raises(ShortlistError) as caught:
        checked(vectors)
    assert str(caught.value) == (
        "embeddings must be finite numbers up to 1e+17. Got others in 4 of 30 vectors (first rows: 4, 9, 10) instead."
    )


def test_infinity_in_half_precision_is_refused():
    with pytest.raises(ShortlistError, match="embeddings must be finite numbers"):
        checked(np.array([[1.0, np.inf]], np.float16))
