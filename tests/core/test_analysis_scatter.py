"""The items in two dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from shortlist.core.analysis.parts import lots_of
from shortlist.core.analysis.scatter import scatter_of
from shortlist.core.analysis.sets import Sets


def ids_of(n: int) -> np.ndarray:
    return np.array([f"{row:024x}" for row in range(n)], "S24")


def scatter(vectors, selected, datapool=(), *, input=None, ids=None, **more):
    n = len(vectors)
    rows, ids = np.arange(n) if input is None else np.asarray(input), ids_of(n) if ids is None else ids
    sets = Sets.of(rows, np.asarray(selected, int), np.asarray(datapool, int), 0, 0)
    return scatter_of(np.asarray(vectors), sets, ids, lots_of(ids, 0), **more)


def long_cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Vectors whose directions differ in how far they reach."""
    return np.random.default_rng(seed).normal(size=(n, d)) * np.arange(d, 0, -1) ** 2 + 30


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_without_positions_it_is_the_pca_of_scikit_learn(dtype):
    vectors = long_cloud(200, 6).astype(dtype)
    found = scatter(vectors, [1, 2])
    expected = PCA(2).fit_transform(vectors.astype(np.float64))
    points = np.column_stack([found.x, found.y])
    tolerance = 2e-2 if dtype == np.float16 else 1e-3
    np.testing.assert_allclose(np.abs(points), np.abs(expected), rtol=tolerance, atol=tolerance)
    assert (found.method, found.brain_key, found.n_items) == ("pca", None, 200)


@pytest.mark.parametrize("d", [257, 600])
def test_the_directions_of_long_vectors_are_the_same(d):
    vectors = np.random.default_rng(0).normal(size=(300, d)) + 30
    vectors[:, :2] *= [30, 20]
    found = scatter(vectors, [1])
    expected = PCA(2, svd_solver="full").fit_transform(vectors)
    np.testing.assert_allclose(np.abs([found.x, found.y]), np.abs(expected.T), rtol=1e-2, atol=1e-1)


def test_the_greatest_part_of_a_direction_is_positive():
    vectors = np.array([[0.0, 0], [10, 0], [0, 3], [10, 3]])
    for flipped in (vectors, -vectors):
        found = scatter(flipped, [0])
        np.testing.assert_allclose(np.column_stack([found.x, found.y]), flipped - flipped.mean(axis=0), atol=1e-6)


def test_every_point_has_the_set_of_its_item():
    found = scatter(long_cloud(10, 3), [1, 4], [5], input=range(8))
    assert found.ids == ids_of(10)[[0, 1, 2, 3, 4, 5, 6, 7]].astype(str).tolist()
    assert found.sets == ["input", "selected", "input", "input", "selected", "datapool", "input", "input"]


def test_positions_are_shown_as_they_are_and_items_without_one_are_not():
    positions = np.array([[0.0, 1], [np.nan, 2], [3, 4], [5, np.inf]])
    found = scatter(long_cloud(4, 3), [2], positions=positions, method="umap", brain_key="points")
    assert (found.x, found.y, found.sets) == ([0, 3], [1, 4], ["input", "selected"])
    assert (found.method, found.brain_key, found.n_items) == ("umap", "points", 2)


@pytest.mark.parametrize(
    ("n_selected", "n_datapool", "expected"),
    [(30, 100, 30), (50, 100, 50), (300, 100, 50), (950, 0, 50), (960, 0, 60), (1000, 0, 100)],
)
def test_of_many_items_the_selected_have_half_of_the_points_or_what_others_leave(n_selected, n_datapool, expected):
    """960 of 1000 are selected: the 40 others leave 60 points."""
    found = scatter(long_cloud(1000, 3), range(n_selected), range(n_selected, n_selected + n_datapool), limit=100)
    assert len(found.ids) == len(set(found.ids)) == min(100, 1000)
    assert found.sets.count("selected") == expected
    assert found.n_items == 1000
    if n_selected == 30:
        assert 2 <= found.sets.count("datapool") <= 20


def test_the_same_samples_are_shown_whatever_the_order_of_the_rows():
    vectors, ids = long_cloud(500, 4), ids_of(500)
    order = np.random.default_rng(0).permutation(500)
    place = np.argsort(order)
    found = scatter(vectors, range(40), range(40, 90), limit=100)
    moved = scatter(vectors[order], place[:40], place[40:90], ids=ids[order], limit=100)
    assert moved.ids == found.ids
    assert moved.sets == found.sets
    np.testing.assert_allclose(moved.x, found.x, atol=1e-3)
    np.testing.assert_allclose(moved.y, found.y, atol=1e-3)


@pytest.mark.parametrize(("n", "d"), [(1, 3), (5, 1), (1, 1), (3, 300), (2, 300), (1, 300)])
def test_few_items_and_few_dimensions(n, d):
    vectors = np.random.default_rng(0).normal(size=(n, d))
    found = scatter(vectors, [0])
    assert len(found.x) == len(found.y) == n
    assert np.isfinite([*found.x, *found.y]).all()
    if d == 1:
        assert found.y == [0] * n
        np.testing.assert_allclose(found.x, vectors[:, 0] - vectors.mean(), atol=1e-6)


@pytest.mark.parametrize("d", [4, 300])
def test_items_that_are_all_alike_are_in_one_point(d):
    found = scatter(np.full((20, d), 7.5), [3])
    assert {*found.x, *found.y} == {0}


def test_nothing_has_no_points():
    found = scatter(np.zeros((0, 4)), [])
    assert (found.n_items, found.ids, found.x) == (0, [], [])
