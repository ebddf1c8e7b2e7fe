"""What selections share, against SciPy and hand-worked cases; and several of them in one embedding space."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist

from shortlist.core.analysis.overlap import alone, by_chance, rank_agreement, shared_of
from shortlist.core.analysis.side_by_side import in_space, sets_of

NONE = np.zeros(0, np.int64)


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@given(st.integers(1, 200), st.data())
def test_chance_is_the_hypergeometric_distribution(n_items, data):
    first, second = data.draw(st.integers(0, n_items)), data.draw(st.integers(0, n_items))
    chance = by_chance(n_items, first, second)
    counts = np.arange(n_items + 1)
    mass = stats.hypergeom(n_items, first, second).pmf(counts)
    inside = (counts >= chance.low) & (counts <= chance.high)

    assert chance.expected == pytest.approx(float(counts @ mass))
    assert mass[inside].sum() >= 0.95 - 1e-9
    assert mass[counts < chance.low].sum() <= 0.025 + 1e-9
    assert mass[counts > chance.high].sum() <= 0.025 + 1e-9


def test_chance_as_drawn():
    rng = np.random.default_rng(0)
    drawn = [len(np.intersect1d(rng.choice(100, 20, False), rng.choice(100, 30, False))) for _ in range(4000)]
    chance = by_chance(100, 20, 30)

    assert np.mean(drawn) == pytest.approx(chance.expected, abs=0.1)
    assert (chance.low, chance.high) == tuple(np.percentile(drawn, [2.5, 97.5]))


def test_two_sets_by_hand():
    shared = shared_of(rows(1, 2, 3, 4), rows(3, 4, 5), np.arange(10), np.arange(10))

    assert (shared.count, shared.jaccard, shared.of_smaller, shared.both_could) == (2, 2 / 5, 2 / 3, 10)
    assert shared.chance.expected == pytest.approx(4 * 3 / 10)
    assert shared.verdict == "as by chance"


@pytest.mark.parametrize(
    ("second", "verdict"), [(range(20), "more"), (range(20, 40), "fewer"), (range(16, 36), "as by chance")]
)
def test_more_or_fewer_than_chance(second, verdict):
    # Of 100 items 4 of two random twenties are shared, from 1 to 7.
    assert shared_of(np.arange(20), np.array(second), np.arange(100), np.arange(100)).verdict == verdict


def test_a_selection_on_top_of_another_does_not_avoid_it():
    first, second = np.arange(50), np.arange(50, 100)
    shared = shared_of(first, second, np.arange(1000), np.arange(50, 1000))

    assert (shared.count, shared.both_could, shared.chance.expected) == (0, 950, 0)
    assert shared.verdict == "as by chance"


def test_chance_counts_only_what_both_could_hold():
    # Ten of the first and all of the second are among the 40 that both could hold.
    shared = shared_of(np.arange(20), np.arange(10, 30), np.arange(50), np.arange(10, 60))

    assert shared.both_could == 40
    assert shared.chance.expected == pytest.approx(10 * 20 / 40)


def test_what_is_held_could_be_held():
    assert shared_of(rows(1), rows(1), NONE, NONE).both_could == 1


def test_nothing_to_share():
    shared = shared_of(NONE, rows(1, 2), np.arange(5), np.arange(5))
    assert (shared.count, shared.jaccard, shared.of_smaller) == (0, 0, None)
    assert shared_of(NONE, NONE, NONE, NONE).jaccard is None


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=30, unique=True), st.integers(0, 2**32 - 1))
def test_agreement_of_ranks_is_spearman_s(first, seed):
    second = np.random.default_rng(seed).permutation(len(first))
    expected = stats.spearmanr(first, second).statistic

    assert rank_agreement(np.array(first), second) == pytest.approx(expected)
    assert rank_agreement(np.array(first), np.array(first)) == pytest.approx(1)
    assert rank_agreement(np.array(first), -np.array(first)) == pytest.approx(-1)


def test_two_items_have_no_order_to_speak_of():
    assert rank_agreement(rows(1, 2), rows(1, 2)) is None


def test_alone():
    found = alone([rows(0, 1, 2), rows(2, 3), rows(3, 2, 5)], 6)
    assert [one.tolist() for one in found] == [[0, 1], [], [5]]


# In one embedding space


def grid() -> np.ndarray:
    """A hundred points, ten by ten."""
    return np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), axis=-1).reshape(-1, 2)


def space_of(members, input=None, datapool=NONE, present=None, **more):
    vectors = grid()
    present = np.ones(100, bool) if present is None else present
    input = np.arange(100) if input is None else input
    return in_space(vectors, present, members, input, datapool, source="grid", draws=8, **more)


def test_distances_by_hand():
    corner, spread = rows(0, 1, 10, 11), rows(22, 27, 72, 77)
    space = space_of({"corner": corner, "spread": spread})

    for name, chosen in {"corner": corner, "spread": spread}.items():
        to_input = cdist(grid(), grid()[chosen]).min(axis=1)
        own = cdist(grid()[chosen], grid()[chosen]) + np.diag([np.inf] * 4)
        assert space.coverage.members[name].mean == pytest.approx(to_input.mean(), rel=1e-6)
        assert space.coverage.members[name].max == pytest.approx(to_input.max(), rel=1e-6)
        assert space.diversity.members[name].mean == pytest.approx(own.min(axis=1).mean(), rel=1e-6)
        assert space.coverage.members[name].count == 100
        assert space.diversity.members[name].count == 4
    assert space.coverage.gain("spread") > 0 > space.coverage.gain("corner")
    assert space.diversity.gain("spread") < 0 < space.diversity.gain("corner")
    assert (space.input, space.left_out, space.measured_on, space.dimensions) == (100, 0, 100, 2)


def test_random_selections_are_those_of_the_sets():
    members = {"a": rows(0, 1, 2), "b": rows(3, 4, 5), "c": np.arange(20)}
    space, sets = space_of(members), sets_of(members, np.arange(100), NONE, 8, 51)

    assert space.coverage.random["a"] == space.coverage.random["b"]
    for name in ("a", "c"):
        means = [cdist(grid(), grid()[drawn]).min(axis=1).mean() for drawn in sets[name].random]
        assert space.coverage.random[name].mean.draws == pytest.approx(means, rel=1e-6)
        assert {len(drawn) for drawn in sets[name].random} == {len(members[name])}


def test_the_datapool_counts_as_there_for_all():
    space = space_of({"a": rows(0, 1), "b": rows(98, 99)}, datapool=rows(44, 55))
    with_pool = cdist(np.delete(grid(), [44, 55], axis=0), grid()[[0, 1, 44, 55]]).min(axis=1)

    assert space.input == 98
    assert space.coverage.members["a"].mean == pytest.approx(with_pool.mean(), rel=1e-6)
    # How different the picks are does not depend on what was there before.
    assert space.diversity.members["a"].mean == 1


def test_what_one_of_them_holds_is_no_datapool():
    sets = sets_of({"a": rows(0, 1), "b": rows(2)}, np.arange(5), rows(1, 4), 2, 0)
    assert {name: one.datapool.tolist() for name, one in sets.items()} == {"a": [4], "b": [4]}
    assert all(one.input.tolist() == [0, 1, 2, 3] for one in sets.values())


def test_rows_without_a_vector_have_no_part():
    present = np.ones(100, bool)
    present[[0, 50, 51]] = False
    space = space_of({"a": rows(0, 1, 2), "b": rows(5)}, present=present)

    assert (space.input, space.left_out) == (97, 3)
    assert space.diversity.members["a"].count == 2
    # A single item has no other one.
    assert space.diversity.members["b"].mean is None
    assert space.diversity.gain("b") is None
    assert "b" not in space.diversity.random


def test_a_selection_without_any_vector_covers_nothing():
    present = np.ones(100, bool)
    present[:2] = False
    space = space_of({"a": rows(0, 1), "b": rows(5)}, present=present)
    assert (space.coverage.members["a"].count, space.coverage.members["a"].mean) == (0, None)
    assert space.coverage.members["b"].count == 98


def test_the_same_seed_measures_the_same_and_steps_are_told():
    told = []
    members = {"a": rows(0, 1), "b": rows(7, 8)}
    first = space_of(members, seed=3, progress=lambda done, total, label="": told.append((done, total)))

    assert first == space_of(members, seed=3)
    assert first.coverage.random != space_of(members, seed=4).coverage.random
    assert told == [(number, 10) for number in range(1, 11)]


def test_large_inputs_are_measured_on_a_random_part(monkeypatch):
    monkeypatch.setattr("shortlist.core.analysis.side_by_side._MOST_DISTANCES", 100)
    monkeypatch.setattr("shortlist.core.analysis.side_by_side._FEWEST_AND_MOST", (30, 60))
    space = space_of({"a": rows(0, 1), "b": rows(50, 51)})

    assert (space.measured_on, space.input) == (50, 100)
    assert space.coverage.members["a"].count == 50
