"""Close pairs and their groups, beside a k-d tree and on cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from shortlist.core.analysis.near_duplicates import close_vectors
from shortlist.core.errors import Cancelled


def by_tree(vectors: np.ndarray, threshold: float) -> tuple[int, list[set[int]]]:
    """The number of close pairs and the groups of more than one, by SciPy."""
    n = len(vectors)
    pairs = cKDTree(vectors.astype(np.float64)).query_pairs(threshold, output_type="ndarray")
    graph = sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    groups = [set(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    return len(pairs), sorted((group for group in groups if len(group) > 1), key=min)


def groups_of(group: np.ndarray) -> list[set[int]]:
    """The rows of each group, by number."""
    return [set(np.flatnonzero(group == number).tolist()) for number in range(1, group.max(initial=0) + 1)]


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize(
    ("n", "d", "threshold"), [(3, 1, 0.5), (300, 2, 0.05), (2500, 3, 0.1), (1500, 2, 0.5), (1200, 8, 1.5)]
)
def test_pairs_and_groups_are_those_of_a_tree(n, d, threshold, offset):
    vectors = np.random.default_rng(n).normal(size=(n, d)) + offset
    vectors[n // 2 : n // 2 + 20] = vectors[0]
    n_pairs, groups = by_tree(vectors, threshold)
    found = close_vectors(vectors, threshold)
    assert found.n_pairs == n_pairs
    assert groups_of(found.group) == groups


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 3), st.integers(0, 3))
def test_on_whole_numbers_pairs_at_the_threshold_itself_are_close(seed, n, d, threshold):
    vectors = np.random.default_rng(seed).integers(0, 12, (n, d)).astype(np.float32)
    found = close_vectors(vectors, float(threshold))
    if n:
        assert (found.n_pairs, groups_of(found.group)) == by_tree(vectors, threshold)
    else:
        assert found.n_pairs == 0


def test_a_chain_is_one_group():
    found = close_vectors(np.array([[0.0], [5.0], [1.0], [2.0], [6.0], [9.0]]), 1.0)
    assert found.n_pairs == 3
    assert found.group.tolist() == [1, 2, 1, 1, 2, 0]


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_thousands_of_equal_vectors_are_one_group(threshold):
    vectors = np.concatenate([np.ones((10_000, 16), np.float32), np.full((1, 16), 50, np.float32)])
    found = close_vectors(vectors, threshold)
    assert found.n_pairs == 10_000 * 9_999 // 2
    assert found.group.tolist() == [1] * 10_000 + [0]


def test_thousands_of_nearly_equal_vectors_are_counted_without_being_listed():
    vectors = 1 + 1e-5 * np.random.default_rng(0).normal(size=(3000, 8))
    found = close_vectors(vectors, 1.0)
    assert found.n_pairs == 3000 * 2999 // 2
    assert (found.group == 1).all()


def test_equal_vectors_of_many_groups_are_counted_by_their_numbers():
    vectors = np.repeat(np.arange(700.0)[:, None] * 10, [1 + row % 3 for row in range(700)], axis=0)
    found = close_vectors(vectors, 1.0)
    assert found.n_pairs == 233 * 1 + 233 * 3
    assert found.group.max() == 466


def test_a_negative_zero_is_a_zero():
    assert close_vectors(np.array([[0.0, 1.0], [-0.0, 1.0]]), 0.0).n_pairs == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_far_outliers_do_not_blur_what_is_close(dtype):
    """Squares seen from the common mean would round the threshold away."""
    vectors = np.array([[0, 0], [1, 0], [0, 3], [30000, 0], [30016, 0], [30000, 32]], dtype)
    found = close_vectors(vectors, 16.0)
    assert found.n_pairs == 3 + 1
    assert found.group.tolist() == [1, 1, 1, 2, 2, 0]


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_have_no_pair(n):
    found = close_vectors(np.zeros((n, 3)), 1.0)
    assert (found.n_pairs, found.group.tolist()) == (0, [0] * n)


def test_progress_can_stop_it():
    def progress(done, total, label=""):
        raise Cancelled()

    with pytest.raises(Cancelled):
        close_vectors(np.random.default_rng(0).normal(size=(2000, 4)), 0.1, progress)
