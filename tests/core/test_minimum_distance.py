"""MINIMUM_DISTANCE and DIVERSITY's stopping condition: what is too near is passed over, and the run goes on."""

from __future__ import annotations

import lightly_mundig
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from shortlist.core.selection.constraints.minimum_distance import MinimumDistance
from shortlist.core.selection.parts.apart import ApartGains
from shortlist.core.selection.select import Rule, Selection, select
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.threshold import Threshold
from shortlist.core.selection.strategies.typicality import Typicality
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.values import Values


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def scores(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(n)


def of(strategy, values) -> Values:
    return Values(type(strategy).__name__, strategy, values, np.ones(len(values), bool))


def weights(values, strength: float = 1.0) -> Values:
    return of(Weights(type="WEIGHTS", strength=strength), np.asarray(values, float))


def apart(vectors, distance: float, present=None) -> Rule:
    present = np.ones(len(vectors), bool) if present is None else present
    return Rule(MinimumDistance(type="MINIMUM_DISTANCE", distance=distance), vectors, present)


def mask(n: int, rows) -> np.ndarray:
    return np.isin(np.arange(n), rows)


def gaps(vectors: np.ndarray) -> np.ndarray:
    found = cdist(vectors.astype(np.float64), vectors.astype(np.float64))
    np.fill_diagonal(found, np.inf)
    return found


MIXTURES = {
    "WEIGHTS": lambda vectors: [weights(scores(len(vectors)))],
    "nothing that ranks": lambda vectors: [
        of(Threshold(type="THRESHOLD", threshold=-1.0, operation="BIGGER"), scores(len(vectors)))
    ],
    "DIVERSITY": lambda vectors: [of(Diversity(type="DIVERSITY"), vectors)],
    "DIVERSITY inverted": lambda vectors: [of(Diversity(type="DIVERSITY", strength=-1.0), vectors)],
    "COVERAGE": lambda vectors: [of(Coverage(type="COVERAGE"), vectors)],
    "TYPICALITY": lambda vectors: [of(Typicality(type="TYPICALITY"), vectors)],
    "DIVERSITY + WEIGHTS": lambda vectors: [
        of(Diversity(type="DIVERSITY"), vectors), weights(scores(len(vectors)), 3.0)
    ],
    "COVERAGE + WEIGHTS": lambda vectors: [of(Coverage(type="COVERAGE"), vectors), weights(scores(len(vectors)), -1.0)],
}  # fmt: skip


def assert_apart_and_complete(vectors: np.ndarray, selection: Selection, distance: float, datapool=()) -> None:
    """No pick is nearer than the distance to an earlier one or the datapool, and every row left over would be."""
    near = gaps(vectors)
    taken = [*datapool, *selection.rows.tolist()]
    among = near[np.ix_(taken, taken)]
    among[: len(datapool), : len(datapool)] = np.inf
    assert among.min(initial=np.inf) >= distance * (1 - 1e-5)
    left = np.setdiff1d(np.arange(len(vectors)), taken)
    assert (near[np.ix_(left, taken)].min(axis=1) < distance * (1 + 1e-5)).all()


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("datapool", [[], [5, 100]])
@pytest.mark.parametrize("distance", [0.4, 1.5])
def test_no_two_picks_are_nearer_and_the_run_goes_on_while_anything_is_left(name, distance, datapool):
    vectors = cloud(300, 3)
    selection = select(MIXTURES[name](vectors), 298, rules=[apart(vectors, distance)], preselected=mask(300, datapool))
    assert len(selection.rows) < 290
    assert_apart_and_complete(vectors, selection, distance, datapool)


@given(seed=st.integers(0, 500), n=st.integers(1, 60), distance=st.floats(0.05, 3), share=st.floats(0.1, 1))
def test_weights_take_the_best_that_are_apart(seed, n, distance, share):
    vectors, values = cloud(n, 2, seed), scores(n, seed)
    budget = max(1, round(share * n))
    near, expected = gaps(vectors), []
    for row in np.argsort(-values):
        if len(expected) < budget and (near[row, expected] >= distance).all():
            expected.append(int(row))
    assert select([weights(values)], budget, rules=[apart(vectors, distance)]).rows.tolist() == expected


def test_over_many_windows():
    vectors = cloud(30_000, 2)
    selection = select([weights(scores(30_000))], None, rules=[apart(vectors, 0.25)])
    near = cdist(vectors[selection.rows], vectors[selection.rows])
    np.fill_diagonal(near, np.inf)
    assert near.min() >= 0.25 * (1 - 1e-5)
    assert (cdist(vectors, vectors[selection.rows]).min(axis=1) < 0.25 * (1 + 1e-5)).all()


@pytest.mark.parametrize("distance", [1e-3, 1.0, 1e3, 1e30])
def test_the_first_pick_is_allowed_whatever_the_distance(distance):
    selection = select([weights([1.0, 5.0, 3.0])], 3, rules=[apart(cloud(3, 4), distance)])
    assert selection.rows[0] == 1
    alone = select([weights([1.0])], 1, rules=[apart(cloud(1, 4), distance)])
    assert alone.rows.tolist() == [0]
    assert select([weights([1.0, 2.0])], 2, rules=[apart(np.ones((2, 3)), distance)]).rows.tolist() == [1]


def test_a_datapool_that_is_near_everything_leaves_nothing():
    vectors = cloud(50, 3)
    assert not len(select([weights(scores(50))], 10, rules=[apart(vectors, 100.0)], preselected=mask(50, [7])).rows)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("step", [1.0, 0.25, 0.1])
def test_what_is_exactly_as_far_on_paper_is_allowed(step, offset):
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(12)), axis=-1).reshape(-1, 2)
    vectors = (grid * step + offset).astype(np.float64 if offset else np.float32)
    values = scores(144)
    assert len(select([weights(values)], 144, rules=[apart(vectors, step)]).rows) == 144
    closer = select([weights(values)], 144, rules=[apart(vectors, step * 1.001)])
    assert len(closer.rows) < 144
    assert_apart_and_complete(vectors, closer, step * 1.001)


@pytest.mark.parametrize("distance", [1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("datapool", [[], [0]])
def test_distances_far_below_the_width_of_the_data_are_kept(distance, datapool):
    # Pairs half the distance and twice the distance apart, anywhere within a width of a thousand.
    rng = np.random.default_rng(0)
    first = rng.uniform(-500, 500, size=(200, 4))
    directions = rng.normal(size=(200, 4))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    factor = np.where(np.arange(200) % 2, 2.0, 0.5)
    vectors = np.concatenate([first, first + directions * (factor * distance)[:, None]])
    selection = select(
        [weights(np.arange(400)[::-1])], 400 - len(datapool), rules=[apart(vectors, distance)],
        preselected=mask(400, datapool),
    )  # fmt: skip
    expected = [row for row in range(400) if row < 200 or row % 2]
    assert sorted([*selection.rows.tolist(), *datapool]) == expected


def test_duplicates_are_picked_once_however_small_the_distance():
    vectors = np.repeat(cloud(40, 8) * np.float32(100), 3, axis=0)
    selection = select([weights(scores(120))], 120, rules=[apart(vectors, 1e-6)])
    assert sorted((selection.rows // 3).tolist()) == list(range(40))


def test_what_has_no_vector_is_left_out():
    vectors, present = cloud(20, 2), np.arange(20) % 2 > 0
    vectors[~present] = np.nan
    vectors[present] += np.float32(50) * np.arange(20)[present][:, None]
    selection = select([weights(scores(20))], 10, rules=[apart(vectors, 0.5, present)])
    assert sorted(selection.rows.tolist()) == np.flatnonzero(present).tolist()


def test_gains_about_the_limit_are_exact():
    vectors = np.array([[0.0, 0.0], [3.0, 4.0], [300.0, 400.0], [3.0, 4.000001]], np.float64)
    found = ApartGains(vectors, np.array([0]), np.arange(1, 4), 5.0)
    allowed = found.natural(found.upper) >= 5.0
    assert allowed.tolist() == [False, True, True, True]
    below = ApartGains(vectors, np.array([0]), np.arange(1, 4), 5.0001)
    assert (below.natural(below.upper) >= 5.0001).tolist() == [False, False, True, False]


# The stopping condition of DIVERSITY, and lightly-mundig --------------------------------------------------------------


def test_the_stopping_condition_of_diversity_is_the_same_rule():
    vectors = cloud(300, 3)
    strategy = Diversity(type="DIVERSITY", stopping_condition_minimum_distance=0.8)
    by_rule = select([of(Diversity(type="DIVERSITY"), vectors)], 300, rules=[apart(vectors, 0.8)])
    np.testing.assert_array_equal(select([of(strategy, vectors)], 300).rows, by_rule.rows)
    assert_apart_and_complete(vectors, by_rule, 0.8)


def test_lightly_mundig_ends_at_the_first_pick_that_is_too_near_and_we_go_on():
    vectors, values = cloud(300, 3), scores(300)
    engine = lightly_mundig.Selection()
    engine.add_diversifying_strategy(vectors, 1e-3, 0.5)
    engine.add_weighting_strategy(values.tolist(), 1.0)
    theirs = engine.run_selection([], 300, 100)
    strategy = Diversity(type="DIVERSITY", strength=1e-3, stopping_condition_minimum_distance=0.5)
    ours = select([of(strategy, vectors), weights(values)], 100).rows
    assert len(theirs) < len(ours) == 100 or len(theirs) < len(ours) < 100
    assert gaps(vectors[ours]).min() >= 0.5
