"""SIMILARITY against distances computed one by one, and beside lightly-mundig."""

from __future__ import annotations

import lightly_mundig
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.similarity import Similarity
from shortlist.core.selection.values import Values


def entry(vectors, query, strength: float = 1.0, present=None) -> Values:
    strategy = Similarity(type="SIMILARITY", strength=strength)
    present = np.ones(len(vectors), bool) if present is None else present
    return Values("SIMILARITY", strategy, np.asarray(vectors), present, {"query": np.asarray(query)})


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_by_hand():
    # Distances to the nearest of 0 and 10: 1, 3, 4, 0.
    selection = select([entry([[1.0], [7.0], [14.0], [10.0]], [[0.0], [10.0]])], 4)
    assert selection.rows.tolist() == [3, 0, 1, 2]
    np.testing.assert_allclose(selection.gains[:, 0], [0, -1, -3, -4])


@given(n=st.integers(1, 50), d=st.integers(1, 5), q=st.integers(1, 10), seed=st.integers(0, 200))
def test_the_nearest_query_sample_counts(n, d, q, seed):
    vectors, query = cloud(n, d, seed), cloud(q, d, seed + 1)
    selection = select([entry(vectors, query)], n)
    gaps = cdist(vectors.astype(np.float64), query.astype(np.float64)).min(axis=1)
    np.testing.assert_allclose(selection.gains[:, 0], -np.sort(gaps), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gaps[selection.rows], np.sort(gaps), rtol=1e-4, atol=1e-5)


def test_a_negative_strength_picks_the_least_similar():
    vectors, query = cloud(300, 4), cloud(3, 4, 1)
    expected = np.argsort(-cdist(vectors, query).min(axis=1))[:20]
    assert select([entry(vectors, query, -1.0)], 20).rows.tolist() == expected.tolist()


@pytest.mark.parametrize("factor", [1e-5, 1e5])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_unit_of_the_vectors_changes_no_pick(factor, mixed):
    vectors, query = cloud(400, 6), cloud(5, 6, 1)

    def picks(scale: float) -> list[int]:
        scaled = vectors * np.float32(scale)
        spread = Values("DIVERSITY", Diversity(type="DIVERSITY"), scaled, np.ones(400, bool))
        return select([entry(scaled, query * np.float32(scale)), *([spread] if mixed else [])], 30).rows.tolist()

    assert picks(factor) == picks(1.0)


def test_on_vectors_of_length_one_the_order_is_that_of_the_cosine():
    vectors, query = cloud(300, 6), cloud(4, 6, 1)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query /= np.linalg.norm(query, axis=1, keepdims=True)
    expected = np.argsort(-(vectors @ query.T).max(axis=1))
    assert select([entry(vectors, query)], 300).rows.tolist() == expected.tolist()


def test_a_query_sample_of_the_pool_is_the_first_pick():
    vectors = cloud(200, 8)
    selection = select([entry(vectors, vectors[[17, 120]])], 5)
    assert selection.rows[:2].tolist() == [17, 120]
    np.testing.assert_allclose(selection.gains[:2, 0], 0, atol=1e-6)


def test_far_from_the_origin_and_from_the_pool():
    vectors = cloud(200, 8) + np.float32(300)
    query = cloud(2, 8, 1) - np.float32(300)
    gaps = cdist(vectors.astype(np.float64), query.astype(np.float64)).min(axis=1)
    np.testing.assert_allclose(select([entry(vectors, query)], 200).gains[:, 0], -np.sort(gaps), rtol=1e-5)


def test_only_candidates_are_compared_and_values_of_others_do_not_matter():
    vectors, query = cloud(100, 4), cloud(2, 4, 1)
    present = np.arange(100) % 4 > 0
    spoiled = vectors.copy()
    spoiled[~present] = np.nan
    rows = np.flatnonzero(present)
    expected = rows[np.argsort(cdist(vectors[rows], query).min(axis=1))][:20]
    assert select([entry(spoiled, query, present=present)], 20).rows.tolist() == expected.tolist()


def test_similarity_and_diversity_pick_near_the_query_without_picking_the_same():
    vectors = np.concatenate([np.repeat(cloud(30, 4), 10, axis=0), cloud(300, 4, 2) + np.float32(8)])
    query = cloud(2, 4, 3)
    spread = Values("DIVERSITY", Diversity(type="DIVERSITY"), vectors, np.ones(600, bool))
    rows = select([entry(vectors, query, 3.0), spread], 12).rows
    gaps = cdist(vectors[rows], vectors[rows])[~np.eye(12, dtype=bool)]
    assert gaps.min() > 0
    assert (rows < 300).all()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (np.zeros((2, 5)), "SIMILARITY: the embeddings of the query set must be of 4 dimensions.*Got 5 instead"),
        (np.zeros((0, 4)), "the query set must be at least one sample with embeddings. Got none instead"),
        (np.full((2, 4), np.nan), "query embeddings must be finite numbers"),
        (np.zeros(4), "query embeddings must be one vector a sample"),
    ],
)
def test_a_query_set_that_cannot_be_compared_with_is_refused(query, problem):
    with pytest.raises(ShortlistError, match=problem):
        select([entry(cloud(10, 4), query)], 2)


def test_lightly_mundig_orders_alike():
    vectors, query = cloud(400, 8), cloud(6, 8, 1)
    found = np.array(lightly_mundig.Similarity(vectors).calculate_similarity(query))
    np.testing.assert_array_equal(select([entry(vectors, query)], 400).rows, np.argsort(-found, kind="stable"))
