"""PROBCOVER against scikit-activeml and against balls counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from shortlist.core.selection.parts.clusters import k_means
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies import probcover as module
from shortlist.core.selection.strategies.probcover import ProbCover, pure_radius
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Values
from shortlist.core.vectors import unit


def entry(vectors: np.ndarray, **parameters) -> Values:
    return Values("it", ProbCover(type="PROBCOVER", **parameters), vectors, np.ones(len(vectors), bool))


def directions(n: int, d: int = 4, n_groups: int = 6, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_groups, d))
    return unit(centres[rng.integers(0, n_groups, n)] + 0.3 * rng.normal(size=(n, d)))


def degrees(vectors: np.ndarray, radius: float, picked: list[int]) -> np.ndarray:
    """How many rows that nothing picked covers each row would cover."""
    near = cdist(vectors, vectors) <= radius
    return near[:, ~near[picked].any(axis=0)].sum(axis=1)


@pytest.mark.parametrize("datapool", [[], [3, 90]])
@pytest.mark.parametrize("radius", [0.2, 0.45])
def test_every_pick_covers_the_most_that_any_does(radius, datapool):
    vectors = directions(300)
    selection = select([entry(vectors, radius=radius)], 25, preselected=np.isin(np.arange(300), datapool))
    for place, row in enumerate(selection.rows):
        open_to = degrees(vectors, radius, [*datapool, *selection.rows[:place]])
        assert open_to[row] == open_to.max()
        # What is in the datapool is among the rows that scikit-activeml covers; we count only what may be picked.
        assert selection.gains[place, 0] == pytest.approx(open_to[row] / (300 - len(datapool)), abs=1e-4)


@pytest.mark.filterwarnings("ignore:The maximum purity")
def test_every_pick_is_one_that_scikit_activeml_might_pick_next():
    from skactiveml.pool import ProbCover as Theirs

    vectors = directions(300).astype(np.float64)
    labels = np.full(300, np.nan)
    picks = select([entry(vectors, radius=0.3)], 20).rows
    unique = 0
    for row in picks:
        query = Theirs(n_classes=2, deltas=[0.3], random_state=0)
        _, utilities = query.query(vectors, labels, batch_size=1, return_utilities=True)
        assert utilities[0][row] == np.nanmax(utilities[0])
        unique += int(np.nansum(utilities[0] == np.nanmax(utilities[0])) == 1)
        labels[row] = 0
    assert unique > 3  # otherwise this would say little


def arc(*degrees: float) -> np.ndarray:
    angles = np.deg2rad(np.array(degrees, float))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_among_equals_chance_decides_and_among_copies_the_first_row():
    vectors = arc(0, 0, 60, 60, 120, 120)
    rows = {tuple(select([entry(vectors, radius=0.2)], 3, seed=seed).rows) for seed in range(20)}
    assert len(rows) > 3
    assert all(sorted(picks) == [0, 2, 4] for picks in rows)


def test_once_all_is_covered_the_radius_shrinks():
    # The middle covers all 41; at four fifths of the radius the ends are open.
    vectors = arc(*range(41))
    for seed in range(5):
        selection = select([entry(vectors, radius=2 * np.sin(np.deg2rad(20.5 / 2)))], 3, seed=seed)
        assert selection.rows[0] == 20
        np.testing.assert_allclose(selection.gains[:, 0], [1, 0, 0], atol=1e-4)
        low, high = sorted(selection.rows[1:])
        assert low <= 16 + 3
        assert high >= 37 - 16
        left = np.setdiff1d(np.arange(41), np.arange(4, 37))
        near = cdist(vectors, vectors) <= 0.8 * 2 * np.sin(np.deg2rad(20.5 / 2))
        assert near[selection.rows][:, left].any(axis=0).all()


@given(st.integers(0, 10_000), st.booleans())
def test_gains_only_fall(seed, with_datapool):
    rng = np.random.default_rng(seed)
    vectors = directions(int(rng.integers(2, 40)), d=3, seed=seed)
    n = len(vectors)
    datapool = np.sort(rng.choice(n, n // 3, replace=False)) if with_datapool else np.zeros(0, np.int64)
    free = np.setdiff1d(np.arange(n), datapool)
    strategy = ProbCover(type="PROBCOVER", radius=float(rng.uniform(0.05, 1.5)))
    gains = strategy.gains(vectors, Pool(free, datapool, n=len(free)))
    fresh = gains.upper.copy()
    for row in rng.permutation(free):
        before = gains.upper.copy()
        gains.pick(row)
        assert (gains.upper[free] <= before[free]).all()
    np.testing.assert_array_equal(gains.restart().upper, fresh)


def test_the_lengths_and_the_order_of_vectors_do_not_matter():
    vectors, order = directions(400), np.random.default_rng(1).permutation(400)
    lengths = np.random.default_rng(2).uniform(0.1, 9, (400, 1)).astype(np.float32)
    for parameters in ({}, {"radius": 0.3}):
        picks = select([entry(vectors, **parameters)], 20).rows
        np.testing.assert_array_equal(order[select([entry((vectors * lengths)[order], **parameters)], 20).rows], picks)


@pytest.mark.parametrize("purity", [0.8, 0.95])
def test_the_radius_is_the_greatest_at_which_so_many_balls_are_pure(purity):
    vectors = directions(400, n_groups=12)
    vectors = vectors[np.lexsort(vectors.T[::-1])]
    radius = pure_radius(vectors, 8, purity, 5, lambda *_: None)
    clusters = k_means(vectors, 8, 5)[0]
    other = clusters[:, None] != clusters

    def pure(at: float) -> float:
        return float(1 - ((cdist(vectors, vectors) < at) & other).any(axis=1).mean())

    assert pure(0.999 * radius) >= purity
    assert pure(radius + 0.02) < purity


def test_clear_groups_have_balls_as_wide_as_the_gaps_between_them():
    angles = np.deg2rad(np.concatenate([np.linspace(0, 10, 30), np.linspace(120, 130, 30), np.linspace(240, 250, 30)]))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    radius = pure_radius(vectors, 3, 0.95, 0, lambda *_: None)
    assert 2 * np.sin(np.deg2rad(110 / 2)) <= radius + 1e-6 < 2 * np.sin(np.deg2rad(120 / 2))
    assert sorted(select([entry(vectors, n_clusters=3)], 3).rows // 30) == [0, 1, 2]


def test_one_direction_only_is_covered_by_one_ball():
    assert pure_radius(unit(np.ones((20, 3))), 5, 0.95, 0, lambda *_: None) == 2
    selection = select([entry(np.ones((20, 3)))], 3)
    assert selection.rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(selection.gains[:, 0], [1, 0, 0], atol=1e-4)


def test_in_a_large_pool_some_rows_stand_for_all(monkeypatch):
    vectors = directions(4000, d=8, n_groups=40)
    expected = select([entry(vectors, radius=0.3)], 20).rows
    monkeypatch.setattr(module, "_EDGES", 60_000)
    seen = []
    balls = module.balls_of
    monkeypatch.setattr(module, "balls_of", lambda *args: seen.append(len(args[0])) or balls(*args))
    picks = select([entry(vectors, radius=0.3)], 20).rows
    assert seen[0] == 256
    assert 1000 <= seen[1] < 3000

    def covered(rows: np.ndarray) -> float:
        return float((cdist(vectors, vectors[rows]) <= 0.3).any(axis=1).mean())

    assert covered(picks) >= 0.97 * covered(expected)


def test_in_words():
    assert ProbCover(type="PROBCOVER").words("`clip`") == "covers the most of `clip`"
    assert ProbCover(type="PROBCOVER", radius=0.5).words("`clip`") == "covers the most of `clip` within 0.5"
