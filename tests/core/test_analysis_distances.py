"""Diversity and coverage of sets, beside SciPy and scikit-learn and on cases with known answers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist, pdist
from sklearn.metrics import pairwise_distances_argmin_min

from shortlist.core.analysis.distances import Space, affordable, coverage_of, diversity_of
from shortlist.core.analysis.parts import lots_of, part_of
from shortlist.core.analysis.sets import Sets
from shortlist.core.analysis.stages import Stages
from shortlist.core.progress import silent


def ids_of(n: int) -> np.ndarray:
    return np.array([f"{row:024x}" for row in range(n)], "S24")


def space(vectors, selected, datapool=(), *, input=None, draws=4, seed=0, **more) -> Space:
    """Sets in vectors, everything the input by default."""
    vectors = np.asarray(vectors)
    rows = np.arange(len(vectors)) if input is None else np.asarray(input)
    sets = Sets.of(rows, np.asarray(selected, int), np.asarray(datapool, int), draws, seed)
    return Space(vectors, sets, lots_of(ids_of(len(vectors)), seed), Stages(silent), **more)


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


GRID = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)


def test_a_grid_is_covered_as_can_be_counted():
    """Every other point of every other row: of four points one is selected, two are next to one, one is across."""
    selected = np.flatnonzero((GRID % 2 == 0).all(axis=1))
    found, _ = coverage_of(space(GRID, selected))
    assert found.sets["selected"].mean == pytest.approx((0 + 1 + 1 + 2**0.5) / 4)
    assert found.sets["selected"].max == pytest.approx(2**0.5)
    assert found.sets["selected"].histogram[0] == 25


def test_a_grid_is_as_diverse_as_it_is_wide():
    selected = np.flatnonzero((GRID % 2 == 0).all(axis=1))
    found, (rows, apart) = diversity_of(space(GRID, selected))
    assert (found.sets["input"].min, found.sets["input"].max) == (1, 1)
    assert (found.sets["selected"].min, found.sets["selected"].max) == (2, 2)
    np.testing.assert_array_equal(rows, selected)
    np.testing.assert_array_equal(apart, np.full(25, 2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_distances_are_those_of_other_libraries(dtype):
    vectors = cloud(600, 6).astype(dtype)
    wide, own = vectors.astype(np.float64), space(vectors, range(60), range(60, 100), input=range(500))
    diversity, _ = diversity_of(own)
    coverage, covered = coverage_of(own)
    for name, rows in own.sets.named().items():
        apart = cKDTree(wide[rows]).query(wide[rows], 2)[0][:, 1]
        assert diversity.sets[name].mean == pytest.approx(apart.mean(), rel=1e-4)
        assert diversity.sets[name].p95 == pytest.approx(np.percentile(apart, 95), rel=1e-4)
        if name != "input":
            away = pairwise_distances_argmin_min(wide[own.sets.input], wide[rows])[1]
            assert coverage.sets[name].mean == pytest.approx(away.mean(), rel=1e-4)
            assert coverage.sets[name].max == pytest.approx(away.max(), rel=1e-4)
    for name, draws in own.sets.drawn().items():
        apart = [cKDTree(wide[rows]).query(wide[rows], 2)[0][:, 1].mean() for rows in draws]
        away = [cdist(wide[own.sets.input], wide[rows]).min(axis=1).mean() for rows in draws]
        assert diversity.random[name].mean.draws == pytest.approx(apart, rel=1e-4)
        assert coverage.random[name].mean.draws == pytest.approx(away, rel=1e-4)
    there = np.union1d(own.sets.datapool, own.sets.selected)
    nearest = there[cdist(wide[own.sets.input], wide[there]).argmin(axis=1)]
    if dtype != np.float16:
        np.testing.assert_array_equal(covered.row, nearest)


def test_the_input_is_no_set_that_covers_it():
    found, _ = coverage_of(space(cloud(20, 2), [0], [1]))
    assert set(found.sets) == {"selected", "datapool", "datapool_and_selected"}
    assert set(found.random) == {"random", "datapool_and_random"}


def test_one_alone_has_no_diversity_but_covers():
    own = space(cloud(20, 2), [3])
    diversity, _ = diversity_of(own)
    assert diversity.sets["selected"].count == 0
    assert diversity.sets["selected"].mean is None
    assert diversity.random == {}
    coverage, _ = coverage_of(own)
    assert coverage.sets["selected"].count == 20
    assert coverage.random["random"].count == 20


def test_where_all_points_are_equal_every_draw_is_like_the_selection():
    own = space(np.ones((50, 3)), range(5), draws=7)
    for found in (diversity_of(own)[0], coverage_of(own)[0]):
        interval = found.random["random"].mean
        assert (interval.mean, interval.low, interval.high) == (0, 0, 0)
        assert interval.draws == [0] * 7
        assert (found.sets["selected"].mean, found.edges[0], found.edges[-1]) == (0, 0, 1)


def test_draws_from_two_places_fall_as_chance_has_it():
    """Of ten points at 0 and ten at 1 two are drawn: both in one place in 2 C(10, 2) / C(20, 2) = 9 / 19 of the draws."""
    vectors = np.repeat([[0.0], [1.0]], 10, axis=0)
    found, _ = coverage_of(space(vectors, [0, 19], draws=1000, seed=3))
    assert found.sets["selected"].mean == 0
    draws = np.array(found.random["random"].mean.draws)
    assert set(draws.tolist()) == {0, 0.5}
    assert (draws == 0.5).mean() == pytest.approx(9 / 19, abs=3 * (9 / 19 * 10 / 19 / 1000) ** 0.5)
    assert (found.random["random"].mean.low, found.random["random"].mean.high) == (0, 0.5)


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-1000, 1000), st.integers(2, 90))
def test_distances_scale_and_do_not_depend_on_where_or_in_which_order_items_are(seed, scale, offset, n):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-50, 50, (n, 3)).astype(np.float64)
    order, k = rng.permutation(n), int(rng.integers(1, n))
    place = np.argsort(order)
    rows = rng.permutation(n)
    selected, datapool = rows[:k], rows[k : k + int(rng.integers(0, n))]
    before, moved = (
        [found(space(values, mine, there, draws=0))[0].sets for found in (diversity_of, coverage_of)]
        for values, mine, there in (
            (vectors, selected, datapool),
            (vectors[order] * scale + offset, place[selected], place[datapool]),
        )
    )
    for was, now in zip(before, moved, strict=True):
        assert was.keys() == now.keys()
        for name, spread in was.items():
            assert now[name].count == spread.count
            if spread.count:
                assert now[name].mean == pytest.approx(spread.mean * scale, rel=1e-5, abs=1e-5 * scale)
                assert now[name].max == pytest.approx(spread.max * scale, rel=1e-5, abs=1e-5 * scale)


def test_what_is_selected_covers_itself_even_where_another_is_equal():
    vectors = np.array([[0.0], [0.0], [5.0], [0.0]])
    _, covered = coverage_of(space(vectors, [1, 2], [3]))
    assert covered.row.tolist() == [1, 1, 2]
    assert covered.distance.tolist() == [0, 0, 0]


def test_of_one_datapool_sample_and_one_selected_alike_the_selected_counts():
    _, covered = coverage_of(space(np.array([[0.0], [1.0], [2.0]]), [2], [0]))
    assert covered.row.tolist() == [2, 2]


@pytest.mark.parametrize("datapool", [[], [4]])
def test_where_nothing_is_selected_only_the_datapool_covers(datapool):
    own = space(cloud(20, 2), [], datapool)
    coverage, covered = coverage_of(own)
    assert coverage.sets["selected"].count == 0
    assert (covered.row == (4 if datapool else -1)).all()
    assert np.isfinite(covered.distance).all() == bool(datapool)


def test_more_than_is_affordable_is_measured_on_a_random_part_the_same_for_all_sets(monkeypatch):
    monkeypatch.setattr("shortlist.core.analysis.distances._LEAST", 50)
    vectors = cloud(3000, 4)
    own = space(vectors, range(200), range(200, 250), draws=2, work=200 * 16 * 300)
    assert own.n_measured == 300
    measured = own.measured_for(own.sets.selected)
    # 200 of 2950 are selected.
    assert (len(measured), np.isin(measured, own.sets.selected).sum()) == (300, 20)
    coverage, covered = coverage_of(own)
    assert {found.count for found in coverage.sets.values()} == {300}
    assert coverage.random["datapool_and_random"].count == 300
    away = cdist(vectors[measured], vectors[:200]).min(axis=1)
    assert coverage.sets["selected"].mean == pytest.approx(away.mean(), rel=1e-5)
    # What is kept by row is of all items nevertheless.
    assert len(covered.distance) == 2950
    diversity, _ = diversity_of(own)
    assert diversity.sets["input"].count == affordable(2950, 4, own.work)
    assert diversity.sets["selected"].count == 200
    whole = cKDTree(vectors[own.sets.input]).query(vectors[own.sets.input], 2)[0][:, 1]
    assert diversity.sets["input"].mean == pytest.approx(whole.mean(), rel=0.2)


def test_how_many_of_a_part_cover_themselves_is_not_left_to_chance(monkeypatch):
    monkeypatch.setattr("shortlist.core.analysis.distances._LEAST", 50)
    own = space(cloud(4000, 3), range(400), draws=20, work=400 * 16 * 1000)
    assert own.n_measured == 200
    for rows in own.sets.random:
        measured = own.measured_for(rows)
        assert (len(measured), np.isin(measured, rows).sum()) == (200, 20)
    whole = cdist(own.vectors, own.vectors[:400]).min(axis=1)
    coverage, _ = coverage_of(own)
    assert coverage.sets["selected"].mean == pytest.approx(whole.mean(), rel=0.1)


def test_random_selections_together_cost_no_more_than_some_sets(monkeypatch):
    monkeypatch.setattr("shortlist.core.analysis.distances._LEAST", 10)
    own = space(cloud(4000, 3), range(1000), draws=40, work=1000 * 16 * 1000)
    assert own.n_measured == 100
    found, _ = diversity_of(own)
    assert found.random["random"].count == found.sets["selected"].count == 100
    assert found.sets["input"].count == 250


def test_what_is_affordable_falls_with_the_references_and_their_length():
    assert affordable(10_000, 128) == 78_125
    assert affordable(100_000, 128) == pytest.approx(affordable(10_000, 128) / 10, rel=1e-3)
    assert affordable(10_000, 1024) == pytest.approx(affordable(10_000, 128) / 8, rel=1e-3)
    assert affordable(10**9, 4096) == 1000


def test_the_typical_distance_is_the_median_of_all_pairs_where_they_are_few():
    vectors = cloud(60, 5)
    assert space(vectors, [0]).typical() == pytest.approx(np.median(pdist(vectors)))


def test_the_typical_distance_of_many_is_that_of_random_pairs():
    vectors = cloud(2000, 5)
    assert space(vectors, [0]).typical() == pytest.approx(np.median(pdist(vectors)), rel=0.02)


def test_only_the_input_tells_the_typical_distance_and_one_item_has_none():
    vectors = np.array([[0.0], [1.0], [1000.0]])
    assert space(vectors, [0], [2]).typical() == 1
    assert space(vectors, [0], input=[0]).typical() == 0


def test_a_random_part_depends_on_the_ids_alone():
    ids = ids_of(100)
    order = np.random.default_rng(0).permutation(100)
    part, moved = (part_of(np.arange(100), 20, lots_of(known, 7)) for known in (ids, ids[order]))
    assert set(ids[part].tolist()) == set(ids[order][moved].tolist())
    assert (np.diff(part) > 0).all()
    other = part_of(np.arange(100), 20, lots_of(ids, 8))
    assert set(other.tolist()) != set(part.tolist())
    assert set(part_of(np.arange(100), 10, lots_of(ids, 7)).tolist()) < set(part.tolist())


def test_every_row_has_the_same_chance_to_be_in_a_part():
    counts = np.zeros(20)
    for seed in range(2000):
        counts[part_of(np.arange(20), 5, lots_of(ids_of(20), seed))] += 1
    np.testing.assert_allclose(counts, 500, atol=4 * (2000 * 0.25 * 0.75) ** 0.5)


def test_the_sizes_of_the_stages_are_what_is_then_done():
    told: list[int] = []
    stages = Stages(lambda done, total, label="": told.append(done))
    own = space(cloud(1500, 3), range(100), range(100, 150))
    own.stages = stages
    stages.expect(own.cost())
    diversity_of(own)
    coverage_of(own)
    assert told == sorted(told)
    assert told[-1] == 999
    assert max(np.diff(told)) < 500
    assert len(set(told)) > 3
    assert len(list(itertools.groupby(told))) == len(set(told))
