"""TYPICALITY against distances computed one by one, and beside lightly-mundig."""

from __future__ import annotations

import lightly_mundig
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.engine.gains import Linear
from shortlist.core.selection.select import Selection, select
from shortlist.core.selection.strategies import typicality as module
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.typicality import Inverse, Typicality, typicality
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.values import Values


def entry(vectors, strength: float = 1.0, **parameters) -> Values:
    strategy = Typicality(type="TYPICALITY", strength=strength, **parameters)
    return Values("TYPICALITY", strategy, np.asarray(vectors), np.ones(len(vectors), bool))


def diversity(vectors, strength: float = 1.0) -> Values:
    return Values("DIVERSITY", Diversity(type="DIVERSITY", strength=strength), vectors, np.ones(len(vectors), bool))


def weights(values) -> Values:
    return Values("WEIGHTS", Weights(type="WEIGHTS", strength=1.0), values, np.ones(len(values), bool))


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def mask(n: int, rows) -> np.ndarray:
    return np.isin(np.arange(n), rows)


def neighbor_distances(vectors: np.ndarray, k: int) -> np.ndarray:
    gaps = cdist(vectors.astype(np.float64), vectors.astype(np.float64))
    np.fill_diagonal(gaps, np.inf)
    return np.sort(gaps, axis=1)[:, : min(k, len(vectors) - 1)]


def test_by_hand():
    # 0 and 1 are next to each other, 3 is 2 from 1; with two neighbours: (1 + 3) / 2, (1 + 2) / 2, (2 + 3) / 2.
    np.testing.assert_allclose(typicality(np.array([[0.0], [1.0], [3.0]]), 2), [1 / 2, 1 / 1.5, 1 / 2.5])
    selection = select([entry([[0.0], [1.0], [3.0]], num_nearest_neighbors=2)], 3)
    assert selection.rows.tolist() == [1, 0, 2]
    np.testing.assert_allclose(selection.gains[:, 0], [1 / 1.5, 1 / 2, 1 / 2.5])


@given(n=st.integers(2, 60), d=st.integers(1, 5), k=st.integers(1, 80), seed=st.integers(0, 200))
def test_it_is_the_inverse_of_the_mean_distance_to_the_nearest_neighbours(n, d, k, seed):
    vectors = cloud(n, d, seed)
    np.testing.assert_allclose(typicality(vectors, k), 1 / neighbor_distances(vectors, k).mean(axis=1), rtol=1e-4)


def test_by_default_there_are_twenty_neighbours():
    vectors = cloud(300, 8)
    gains = select([entry(vectors)], 300)
    expected = 1 / neighbor_distances(vectors, 20).mean(axis=1)
    np.testing.assert_array_equal(gains.rows, np.argsort(-expected))
    np.testing.assert_allclose(gains.gains[:, 0], np.sort(expected)[::-1], rtol=1e-5)


def test_only_candidates_are_neighbours():
    vectors = cloud(200, 4)
    candidates = np.arange(200) % 3 > 0
    rows = np.flatnonzero(candidates)
    expected = rows[np.argsort(-1 / neighbor_distances(vectors[rows], 5).mean(axis=1))]
    selection = select([entry(vectors, num_nearest_neighbors=5)], 30, candidates=candidates)
    assert selection.rows.tolist() == expected[:30].tolist()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("value", [0.0, 2.5])
def test_duplicates_only_are_all_equally_typical_and_finite(scale, value):
    found = typicality(np.full((40, 3), value * scale), 20)
    assert np.isfinite(found).all()
    assert (found == found[0]).all()
    assert found[0] > 0


def test_duplicates_among_others_are_the_most_typical_and_finite():
    vectors = np.concatenate([cloud(100, 4), np.full((30, 4), 3.0, np.float32)])
    found = typicality(vectors, 20)
    assert np.isfinite(found).all()
    assert found[100:].min() > found[:100].max()
    assert (found[100:] == found[100]).all()


def test_one_vector_has_none_near_it():
    np.testing.assert_array_equal(typicality(np.ones((1, 3)), 20), [0])
    assert select([entry(np.ones((1, 3)))], 1).rows.tolist() == [0]


@pytest.mark.parametrize("factor", [1e-4, 8.0])
def test_it_is_measured_in_the_unit_of_the_vectors(factor):
    vectors = cloud(200, 6)
    np.testing.assert_allclose(typicality(vectors * np.float32(factor)), typicality(vectors) / factor, rtol=1e-4)


def test_a_negative_strength_picks_outliers():
    vectors = np.concatenate([cloud(100, 4), np.float32([[30, 0, 0, 0], [0, 50, 0, 0]])])
    assert sorted(select([entry(vectors, -1.0)], 2).rows.tolist()) == [100, 101]


def test_large_pools_are_looked_at_in_near_cells(monkeypatch):
    rng = np.random.default_rng(0)
    vectors = (4 * rng.normal(size=(60, 12))[rng.integers(0, 60, 4000)] + rng.normal(size=(4000, 12))).astype(
        np.float32
    )
    exact = typicality(vectors)
    asked = []
    neighbors = module.nearest_neighbors
    monkeypatch.setattr(
        module, "nearest_neighbors", lambda *given, **more: asked.append(more["recall"]) or neighbors(*given, **more)
    )
    monkeypatch.setattr(module, "_EXACT", 3999)
    found = typicality(vectors)
    monkeypatch.setattr(module, "_EXACT", 4000)
    np.testing.assert_array_equal(typicality(vectors), exact)
    assert asked == [0.98, 1.0]
    assert np.abs(found / exact - 1).mean() < 0.01
    assert (found <= exact * (1 + 1e-6)).all()


def test_rows_that_found_no_neighbour_are_not_typical(monkeypatch):
    distances = np.array([[1.0, 3.0], [2.0, np.inf], [np.inf, np.inf]], np.float32)
    monkeypatch.setattr(module, "nearest_neighbors", lambda *given, **more: (distances, None))
    np.testing.assert_allclose(typicality(cloud(3, 2), 2), [1 / 2, 1 / 2, 1 / 3])


# Stopping condition ---------------------------------------------------------------------------------------------------


def test_what_is_less_typical_is_passed_over():
    vectors = cloud(300, 4)
    found = typicality(vectors)
    least = float(np.sort(found)[-40])
    selection = select([entry(vectors, stopping_condition_minimum_typicality=least)], 300)
    np.testing.assert_array_equal(selection.rows, np.argsort(-found, kind="stable")[:40])


def test_it_is_passed_over_in_a_mixture_too():
    vectors, values = cloud(300, 4), np.random.default_rng(1).random(300)
    found = typicality(vectors)
    least = float(np.median(found))
    mixed = [entry(vectors, 1e-9, stopping_condition_minimum_typicality=least), weights(values)]
    kept = np.flatnonzero(found >= least)
    np.testing.assert_array_equal(select(mixed, 30).rows, kept[np.argsort(-values[kept])][:30])


def test_gains_and_rules_of_a_run_are_computed_once(monkeypatch):
    calls = []
    neighbors = module.nearest_neighbors
    monkeypatch.setattr(
        module, "nearest_neighbors", lambda *given, **more: calls.append(given) or neighbors(*given, **more)
    )
    vectors = cloud(100, 4)
    ruled = entry(vectors, stopping_condition_minimum_typicality=0.01)
    first = select([ruled], 10).rows
    assert len(calls) == 1
    # Another run, other candidates or another number of neighbours are computed anew.
    np.testing.assert_array_equal(select([ruled], 10).rows, first)
    select([entry(vectors, num_nearest_neighbors=3, stopping_condition_minimum_typicality=0.01)], 10)
    assert len(calls) == 3
    assert [given[1] for given in calls] == [20, 20, 3]


# Mixtures -------------------------------------------------------------------------------------------------------------


def spaced(n: int, twins: int) -> np.ndarray:
    """Clusters, and on top of them some rows that are nearly the same."""
    rng = np.random.default_rng(0)
    vectors = 6 * rng.normal(size=(20, 8))[rng.integers(0, 20, n)] + rng.normal(size=(n, 8))
    vectors[n - twins :] = vectors[0] + 1e-4 * rng.normal(size=(twins, 8))
    return vectors.astype(np.float32)


def least_gap(vectors: np.ndarray, rows: np.ndarray) -> float:
    gaps = cdist(vectors[rows], vectors[rows])
    np.fill_diagonal(gaps, np.inf)
    return float(gaps.min())


def theirs(vectors: np.ndarray, n: int, strength: float) -> np.ndarray:
    found = lightly_mundig.Typicality(vectors).calculate_typicality(20)
    engine = lightly_mundig.Selection()
    engine.add_diversifying_strategy(vectors, 1.0)
    engine.add_weighting_strategy(found, strength)
    return np.array(engine.run_selection([], len(vectors), n))


@pytest.mark.parametrize("strength", [0.3, 1.0, 3.0])
def test_diversity_and_typicality_pick_no_near_duplicates_and_lightly_mundig_does(strength):
    vectors = spaced(600, 25)
    ours = select([diversity(vectors), entry(vectors, strength)], 40)
    spread = np.median(cdist(vectors, vectors))
    assert least_gap(vectors, ours.rows) > 0.1 * spread
    # 25 of the 600 rows, and row 0, are nearly the same.
    assert np.isin(ours.rows, [0, *range(575, 600)]).sum() <= 1
    picked_by_theirs = theirs(vectors, 40, strength)
    assert least_gap(vectors, picked_by_theirs) < 0.001 * spread
    assert np.isin(picked_by_theirs, range(575, 600)).sum() > 10


@pytest.mark.parametrize("twins", [0, 25, 60])
def test_a_few_duplicates_do_not_make_the_other_typicalities_alike(twins):
    vectors, values = spaced(600, twins), np.random.default_rng(2).random(600)
    chosen = select([entry(vectors), weights(values)], 60).rows
    others = np.setdiff1d(np.arange(600 - twins), [0])
    found = typicality(vectors)
    there = np.intersect1d(chosen, others)
    assert found[there].mean() > 1.1 * found[others].mean()
    assert values[chosen].mean() > 0.6


def test_the_worth_falls_with_the_mean_distance():
    scale = Inverse(chance=-2.0, unit=1.0)
    np.testing.assert_allclose(scale.scaled(np.array([0.5, 1.0, 1e9])), [0.0, 1.0, 2.0])
    np.testing.assert_allclose(scale.needed(np.array([0.0, 1.0])), [0.5, 1.0])
    assert scale.needed(np.array([2.0, 3.0])).tolist() == [np.inf, np.inf]
    assert isinstance(scale, Linear)


def mixture(vectors: np.ndarray, strength: float) -> Selection:
    return select([diversity(vectors), entry(vectors, strength)], 40)


def test_more_strength_gives_more_typical_picks_that_lie_closer():
    vectors = cloud(1000, 6)
    found = typicality(vectors)
    runs = [mixture(vectors, strength).rows for strength in (0.1, 1.0, 10.0)]
    means = [found[rows].mean() for rows in runs]
    gaps = [least_gap(vectors, rows) for rows in runs]
    assert means == sorted(means)
    assert gaps == sorted(gaps, reverse=True)


# lightly-mundig -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [5, 20])
def test_lightly_mundig_orders_by_the_mean_similarity_to_the_same_neighbours(k):
    # Theirs is the mean of exp(-distance / the mean of all these distances); ours is the paper's inverse mean distance.
    vectors = cloud(400, 8)
    near = neighbor_distances(vectors, k)
    found = np.array(lightly_mundig.Typicality(vectors).calculate_typicality(k))
    np.testing.assert_allclose(found, np.exp(-near / near.mean()).mean(axis=1), rtol=1e-4)
    assert spearmanr(found, typicality(vectors, k)).statistic > 0.999


def test_lightly_mundig_has_no_typicality_of_duplicates_only():
    assert np.isnan(lightly_mundig.Typicality(np.zeros((6, 3), np.float32)).calculate_typicality(3)).all()
    assert np.isfinite(typicality(np.zeros((6, 3)), 3)).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_must_be_finite(bad):
    vectors = cloud(10, 3)
    vectors[4] = bad
    with pytest.raises(ShortlistError, match="embeddings must be finite numbers"):
        select([entry(vectors)], 2)
