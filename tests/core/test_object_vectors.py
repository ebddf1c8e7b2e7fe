"""Strategies and distances over the objects of samples, against plain scans of all objects at every step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from shortlist.core.errors import Cancelled, ShortlistError
from shortlist.core.selection.constraints.minimum_distance import MinimumDistance
from shortlist.core.selection.engine.greedy import calibrated
from shortlist.core.selection.engine.run import Run, Term
from shortlist.core.selection.parts.distances import DistanceGains
from shortlist.core.selection.parts.objects import max_over_objects, mean_over_objects, objects_of
from shortlist.core.selection.select import Rule, select
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.similarity import Similarity
from shortlist.core.selection.strategies.typicality import Typicality, typicality
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool, Strategy
from shortlist.core.selection.values import ObjectVectors, Values


def scenes(n: int, d: int, seed: int = 0, most: int = 6, least: int = 1) -> ObjectVectors:
    rng = np.random.default_rng(seed)
    counts = rng.integers(least, most + 1, n)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return ObjectVectors(rng.normal(size=(int(offsets[-1]), d)).astype(np.float32), offsets)


def of(strategy: Strategy, values: ObjectVectors, present=None, **beside) -> Values:
    present = np.ones(len(values), bool) if present is None else present
    return Values(type(strategy).__name__, strategy, values, present, beside)


def diversity(values: ObjectVectors, strength: float = 1.0, **parameters) -> Values:
    return of(Diversity(type="DIVERSITY", strength=strength, **parameters), values)


def typical(values: ObjectVectors, strength: float = 1.0, **parameters) -> Values:
    return of(Typicality(type="TYPICALITY", strength=strength, **parameters), values)


def similar(values: ObjectVectors, query: np.ndarray, strength: float = 1.0) -> Values:
    return of(Similarity(type="SIMILARITY", strength=strength), values, query=query)


def weights(values, strength: float = 1.0) -> Values:
    return Values("WEIGHTS", Weights(type="WEIGHTS", strength=strength), values, np.ones(len(values), bool))


def mask(n: int, rows) -> np.ndarray:
    return np.isin(np.arange(n), rows)


def objects(values: ObjectVectors, row: int) -> np.ndarray:
    return values.vectors[values.offsets[row] : values.offsets[row + 1]].astype(np.float64)


def farthest_object(values: ObjectVectors, picked: list[int]) -> np.ndarray:
    """(n,) the distance of every sample's farthest object to the picked samples' objects; -1 where picked, 0 without any."""
    chosen = np.concatenate([objects(values, row) for row in picked])
    found = [cdist(objects(values, row), chosen).min(axis=1).max(initial=0) for row in range(len(values))]
    return np.where(mask(len(values), picked), -1, found)


def farthest_first(values: ObjectVectors, n: int, start: list[int]) -> list[int]:
    picked = list(start)
    while len(picked) < n + len(start):
        picked.append(int(farthest_object(values, picked).argmax()))
    return picked[len(start) :]


# DIVERSITY ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d", "k"), [(60, 2, 60), (300, 8, 40), (2500, 5, 30)])
def test_the_sample_with_the_farthest_object_is_next(n, d, k):
    values = scenes(n, d)
    selection = select([diversity(values)], k)
    assert selection.rows[1:].tolist() == farthest_first(values, k - 1, selection.rows[:1].tolist())
    assert np.isnan(selection.gains[0, 0])
    expected = [
        farthest_object(values, selection.rows[:place].tolist())[selection.rows[place]] for place in range(1, k)
    ]
    np.testing.assert_allclose(selection.gains[1:, 0], expected, rtol=1e-3, atol=1e-5)


def test_with_one_object_each_it_is_the_diversity_of_samples():
    values = scenes(3000, 8, most=1)
    whole = Values("DIVERSITY", Diversity(type="DIVERSITY"), values.vectors, np.ones(3000, bool))
    np.testing.assert_array_equal(select([diversity(values)], 200).rows, select([whole], 200).rows)


def test_the_objects_of_the_datapool_count():
    values = scenes(400, 4)
    datapool = [3, 250, 399]
    selection = select([diversity(values)], 30, preselected=mask(400, datapool))
    assert selection.rows.tolist() == farthest_first(values, 30, datapool)


def test_the_start_does_not_depend_on_the_order_of_samples_or_objects():
    values, order = scenes(200, 4), np.random.default_rng(1).permutation(200)
    shuffled = np.concatenate([values.vectors[values.offsets[row] : values.offsets[row + 1]][::-1] for row in order])
    counts = np.diff(values.offsets)[order]
    other = ObjectVectors(shuffled, np.concatenate([[0], np.cumsum(counts)]))
    np.testing.assert_array_equal(order[select([diversity(other)], 20).rows], select([diversity(values)], 20).rows)


@given(n=st.integers(1, 30), seed=st.integers(0, 300), share=st.sampled_from([0.2, 1.0]))
def test_samples_without_objects_come_last(n, seed, share):
    values = scenes(n, 3, seed, most=2, least=0)
    there = np.diff(values.offsets) > 0
    k = max(0, round(share * n))
    for strength in (1.0, -1.0):
        for entries in (
            [diversity(values, strength)],
            [typical(values, strength)],
            [similar(values, np.ones((2, 3)), strength)],
        ):
            rows = select(entries, k).rows
            assert len(set(rows.tolist())) == k
            assert there[rows].sum() == min(k, there.sum())


def test_a_pool_without_any_object_is_picked_in_its_order():
    values = ObjectVectors(np.zeros((0, 3), np.float32), np.zeros(6, np.int64))
    for entries in ([diversity(values)], [typical(values)], [similar(values, np.ones((1, 3)))]):
        assert select(entries, 3).rows.tolist() == [0, 1, 2]


def test_a_negative_strength_keeps_close_together():
    values = scenes(200, 3)
    rows = select([diversity(values, -1.0)], 20).rows.tolist()
    for place in range(1, 20):
        near = farthest_object(values, rows[:place])
        near[rows[:place]] = np.inf
        assert near[rows[place]] == pytest.approx(near.min(), rel=1e-3)


def full_scan(values: ObjectVectors, numbers: np.ndarray, strength: float, n: int) -> list[int]:
    """Every gain of every sample at every step, on the engine's scales."""
    entries, eligible = [diversity(values), weights(numbers, strength)], np.arange(len(values))
    pool = Pool(eligible, n=n)
    terms = [Term(entry.strategy.gains(entry.values, pool), entry.strategy.strength) for entry in entries]
    far, high = (term.scale for term in calibrated(terms, eligible, n))
    rows: list[int] = []
    start = terms[0].gains.natural(entries[0].strategy.gains(values, pool).upper)
    while len(rows) < n:
        gaps = farthest_object(values, rows) if rows else start
        total = far.scaled(np.maximum(gaps, 0)) + strength * high.scaled(numbers)
        total[rows] = -np.inf
        rows.append(int(total.argmax()))
    return rows


@pytest.mark.parametrize("strength", [0.3, 1.0, -2.0])
def test_a_mixture_over_objects_is_a_full_scan(strength):
    values, numbers = scenes(2600, 4), np.random.default_rng(5).random(2600)
    expected = full_scan(values, numbers, strength, 25)
    assert select([diversity(values), weights(numbers, strength)], 25).rows.tolist() == expected


@pytest.mark.parametrize("window", [1, 3, 10])
@given(seed=st.integers(0, 1000), least=st.sampled_from([0, 1]))
def test_the_size_of_the_window_changes_no_pick(window, seed, least):
    values, numbers, eligible = scenes(80, 2, seed, least=least), np.random.default_rng(seed).random(80), np.arange(80)
    entries, pool = [diversity(values), weights(numbers)], Pool(eligible, n=40)
    terms = [Term(entry.strategy.gains(entry.values, pool), entry.strategy.strength) for entry in entries]
    run = Run(calibrated(terms, eligible, 40), eligible, 40, lambda *_: None)
    run.window_size = window
    while run.done < 40:
        run.epoch()
    np.testing.assert_array_equal(run.rows, select(entries, 40).rows)


def test_only_few_objects_are_measured(monkeypatch):
    values, seen = scenes(20_000, 16, most=3), []
    nearest = DistanceGains._nearest
    monkeypatch.setattr(
        DistanceGains,
        "_nearest",
        lambda self, products, *more: seen.append(products.size) or nearest(self, products, *more),
    )
    select([diversity(values)], 100)
    assert 0 < sum(seen) < 0.5 * len(values.vectors) * 200


def test_a_run_over_objects_is_cancelled():
    def cancel(done: int, total: int, label: str = "") -> None:
        if done == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        select([diversity(scenes(100, 3))], 20, progress=cancel)


# TYPICALITY and SIMILARITY --------------------------------------------------------------------------------------------


def test_the_typicality_of_a_sample_is_the_mean_of_its_objects():
    values = scenes(150, 4)
    each = typicality(values.vectors)
    expected = [each[values.offsets[row] : values.offsets[row + 1]].mean() for row in range(150)]
    selection = select([typical(values)], 150)
    np.testing.assert_array_equal(selection.rows, np.argsort(-np.array(expected), kind="stable"))
    np.testing.assert_allclose(selection.gains[:, 0], np.sort(expected)[::-1])


def test_only_the_objects_of_candidates_are_neighbours():
    values, candidates = scenes(150, 4), np.arange(150) % 2 > 0
    rows = np.flatnonzero(candidates)
    counts = np.diff(values.offsets)[rows]
    alone = ObjectVectors(
        np.concatenate([objects(values, row) for row in rows]), np.concatenate([[0], np.cumsum(counts)])
    )
    expected = rows[select([typical(alone)], 20).rows]
    assert select([typical(values)], 20, candidates=candidates).rows.tolist() == expected.tolist()


def test_a_sample_without_objects_is_below_any_least_typicality():
    values = scenes(60, 3, least=0)
    there = np.diff(values.offsets) > 0
    assert not there.all()
    selection = select([typical(values, stopping_condition_minimum_typicality=1e-6)], 60)
    assert sorted(selection.rows.tolist()) == np.flatnonzero(there).tolist()


def test_a_sample_is_as_similar_as_its_most_similar_object():
    values, query = scenes(150, 4), np.random.default_rng(3).normal(size=(3, 4))
    expected = np.array([cdist(objects(values, row), query).min() for row in range(150)])
    selection = select([similar(values, query)], 150)
    np.testing.assert_allclose(expected[selection.rows], np.sort(expected), rtol=1e-5)
    np.testing.assert_allclose(selection.gains[:, 0], -np.sort(expected), rtol=1e-4)


# Least distances ------------------------------------------------------------------------------------------------------


def all_near(values: ObjectVectors, picked: list[int], distance: float) -> np.ndarray:
    """(n,) bool, samples all of whose objects are nearer than this to an object of a pick; none of those without any."""
    return (farthest_object(values, picked) < distance) & (np.diff(values.offsets) > 0)


@pytest.mark.parametrize("least", [0, 1])
@pytest.mark.parametrize("by", ["stopping condition", "constraint"])
@pytest.mark.parametrize("datapool", [[], [3, 40]])
def test_samples_whose_objects_are_all_near_are_passed_over(least, by, datapool):
    values, numbers, distance = scenes(120, 2, least=least), np.random.default_rng(1).random(120), 0.8
    everyone, rules = np.ones(120, bool), []
    entries = [weights(numbers)]
    if by == "constraint":
        rules = [Rule(MinimumDistance(type="MINIMUM_DISTANCE", distance=distance), values, everyone)]
    else:
        entries.append(diversity(values, 1e-9, stopping_condition_minimum_distance=distance))
    selection = select(entries, None, rules=rules, preselected=mask(120, datapool))
    picked = list(datapool)
    for row in selection.rows.tolist():
        if picked and any(len(objects(values, one)) for one in picked):
            assert not all_near(values, picked, distance)[row]
        picked.append(row)
    left = np.setdiff1d(np.arange(120), picked)
    assert len(left) > 10
    assert all_near(values, picked, distance)[left].all()


# Helpers --------------------------------------------------------------------------------------------------------------


def test_means_and_maxima_of_owners():
    values, owners = np.array([1.0, 3.0, 5.0]), np.array([0, 0, 2])
    np.testing.assert_array_equal(mean_over_objects(values, owners, 4), [2, np.nan, 5, np.nan])
    np.testing.assert_array_equal(max_over_objects(values, owners, 4), [3, np.nan, 5, np.nan])
    np.testing.assert_array_equal(max_over_objects(np.zeros(0), np.zeros(0, np.int64), 2), [np.nan, np.nan])


@given(n=st.integers(1, 20), seed=st.integers(0, 100))
def test_the_objects_of_rows_follow_the_rows(n, seed):
    values = scenes(n, 1, seed, most=3, least=0)
    rows = np.random.default_rng(seed).permutation(n)[: n // 2]
    found, owners = objects_of(values.offsets, rows)
    expected = [(one, place) for place, row in enumerate(rows) for one in range(*values.offsets[row : row + 2])]
    assert list(zip(found.tolist(), owners.tolist(), strict=True)) == expected


@pytest.mark.parametrize("make", [diversity, typical, lambda values: similar(values, np.ones((1, 3)))])
def test_vectors_of_objects_must_be_finite(make):
    values = scenes(20, 3)
    values.vectors[7] = np.nan
    with pytest.raises(ShortlistError, match="must be finite numbers"):
        select([make(values)], 2)
