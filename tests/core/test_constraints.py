"""Constraints beside a naive reference: a loop over the rows in order of worth that asks the rule of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.constraint import constraints
from shortlist.core.selection.select import Rule, Selection, select
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.values import Amounts, Values

NUMBER = {"type": "METADATA", "key": "cost"}
CLASSES = {"type": "PREDICTIONS", "task": "objects"}


def rule(values, present=None, **written) -> Rule:
    """A constraint, parsed as a config is, with its values."""
    config = {"n_samples": 0, "strategies": [{"input": NUMBER, "strategy": {"type": "WEIGHTS"}}]}
    (constraint,) = parse(SelectionConfig, {**config, "constraints": [written]}).constraints
    size = values.matrix.shape[0] if isinstance(values, Amounts) else len(values)
    return Rule(constraint, values, np.ones(size, bool) if present is None else present)


def by(worth: np.ndarray) -> Values:
    return Values("worth", Weights(type="WEIGHTS"), worth, np.ones(len(worth), bool))


def categories(codes) -> Amounts:
    """One category a row; none for -1."""
    codes = np.asarray(codes)
    dense = np.zeros((len(codes), max(int(codes.max(initial=0)) + 1, 1)))
    dense[np.flatnonzero(codes >= 0), codes[codes >= 0]] = 1
    return Amounts(tuple(f"c{column}" for column in range(dense.shape[1])), sparse.csr_array(dense))


def naive(worth: np.ndarray, n: int, allows: Callable[[list[int], int], bool], datapool=()) -> list[int]:
    """Takes row after row, the most worth first, whatever the rule allows beside those taken."""
    taken: list[int] = []
    for row in np.argsort(-worth, kind="stable").tolist():
        if row not in datapool and len(taken) < n and allows(taken, row):
            taken.append(row)
    return taken


def picked(worth, n, *rules: Rule, **more) -> Selection:
    return select([by(worth)], n, rules=rules, **more)


worths = st.integers(3, 40).flatmap(lambda n: st.lists(st.integers(0, 9), min_size=n, max_size=n))


def of_rows(worth: list[int], seed: int, high: int, low: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, len(worth))


class TestMaxPerGroup:
    @given(worths, st.integers(0, 99), st.integers(1, 4))
    @settings(deadline=None)
    def test_is_what_a_naive_loop_takes(self, worth, seed, maximum):
        groups, worth = of_rows(worth, seed, 5, -1), np.array(worth, float)

        def allows(taken, row):
            return groups[row] < 0 or sum(groups[one] == groups[row] for one in taken) < maximum

        found = picked(worth, len(worth), rule(categories(groups), type="MAX_PER_GROUP", key="g", maximum=maximum))
        assert found.rows.tolist() == naive(worth, len(worth), allows)

    def test_the_datapool_is_counted(self):
        datapool = np.array([True, False, False, False])
        limit = rule(categories([0, 0, 1, 1]), type="MAX_PER_GROUP", key="g", maximum=1)
        assert picked(np.array([1.0, 4, 3, 2]), 3, limit, preselected=datapool).rows.tolist() == [2]

    def test_a_row_may_be_in_several_groups(self):
        tags = Amounts(("a", "b"), sparse.csr_array([[1, 1], [1, 0], [0, 1], [0, 0]]))
        limit = rule(tags, type="MAX_PER_GROUP", key="tags", maximum=1)
        assert picked(np.array([4.0, 3, 2, 1]), 4, limit).rows.tolist() == [0, 3]


class TestBudget:
    @given(worths, st.integers(0, 99), st.integers(1, 30))
    @settings(deadline=None)
    def test_is_what_a_naive_loop_takes(self, worth, seed, maximum):
        costs, worth = of_rows(worth, seed, 8).astype(float), np.array(worth, float)

        def allows(taken, row):
            return costs[taken].sum() + costs[row] <= maximum

        limit = rule(costs, type="BUDGET", input=NUMBER, maximum=maximum + 0.0)
        assert picked(worth, None, limit).rows.tolist() == naive(worth, len(worth), allows)
        assert picked(worth, 3, limit).rows.tolist() == naive(worth, 3, allows)

    def test_the_datapool_costs_nothing_any_more(self):
        costs, datapool = np.array([9.0, 2, 2]), np.array([True, False, False])
        limit = rule(costs, type="BUDGET", input=NUMBER, maximum=4.0)
        assert picked(np.ones(3), None, limit, preselected=datapool).rows.tolist() == [1, 2]

    def test_what_has_no_costs_costs_nothing(self):
        limit = rule(
            np.array([3.0, np.nan, 3.0]), np.array([True, False, True]), type="BUDGET", input=NUMBER, maximum=4.0
        )
        assert picked(np.ones(3), None, limit).rows.tolist() == [0, 1]

    def test_sums_of_floats_fit_as_on_paper(self):
        limit = rule(np.full(10, 0.1), type="BUDGET", input=NUMBER, maximum=1.0)
        assert len(picked(np.ones(10), None, limit).rows) == 10

    def test_negative_costs_are_refused(self):
        limit = rule(np.array([1.0, -1.0]), type="BUDGET", input=NUMBER, maximum=1.0)
        with pytest.raises(ShortlistError, match=r"the BUDGET of cost must be over values >= 0\. Got -1\.0 instead"):
            picked(np.ones(2), None, limit)

    def test_diversity_of_a_budget_is_on_the_scale_of_what_it_leaves_room_for(self):
        """With nothing but a BUDGET to say how many, a mixture still weighs both."""
        rng = np.random.default_rng(0)
        vectors, worth = rng.normal(size=(200, 4)), rng.random(200)
        spread = Values("spread", Diversity(type="DIVERSITY"), vectors, np.ones(200, bool))
        limit = rule(np.ones(200), type="BUDGET", input=NUMBER, maximum=20.0)
        free = select([spread, by(worth)], None, rules=[limit])
        np.testing.assert_array_equal(free.rows, select([spread, by(worth)], 20).rows)


class TestMinimumDistance:
    @given(worths, st.integers(0, 99), st.floats(0.05, 3.0))
    @settings(deadline=None)
    def test_is_what_a_naive_loop_takes(self, worth, seed, distance):
        vectors = np.random.default_rng(seed).integers(0, 4, (len(worth), 2)).astype(float)
        worth = np.array(worth, float)
        gaps = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
        # What lies on the very edge is decided by rounding.
        if np.isclose(gaps, distance, rtol=1e-3).any():
            return

        def allows(taken, row):
            return not taken or gaps[row][taken].min() >= distance

        limit = rule(vectors, type="MINIMUM_DISTANCE", distance=distance)
        assert picked(worth, len(worth), limit).rows.tolist() == naive(worth, len(worth), allows)

    def test_the_datapool_is_kept_away_from(self):
        datapool = np.array([True, False, False])
        limit = rule(np.array([[0.0], [0.5], [2]]), type="MINIMUM_DISTANCE", distance=1.0)
        assert picked(np.array([1.0, 3, 2]), 2, limit, preselected=datapool).rows.tolist() == [2]

    def test_what_has_no_vector_is_left_out(self):
        limit = rule(np.array([[0.0], [5], [9]]), np.array([True, False, True]), type="MINIMUM_DISTANCE", distance=1.0)
        found = picked(np.array([1.0, 3, 2]), 2, limit)
        assert found.rows.tolist() == [2, 0]
        assert list(found.left_out.values()) == [1]

    def test_gains_are_those_of_the_strategies_alone(self):
        limit = rule(np.arange(6.0)[:, None], type="MINIMUM_DISTANCE", distance=1.5)
        found = picked(np.arange(6.0), 3, limit)
        assert found.rows.tolist() == [5, 3, 1]
        assert found.labels == ["worth"]
        assert found.gains.tolist() == [[5], [3], [1]]
        assert found.values.shape == (3, 1)


class TestPerClass:
    @given(worths, st.integers(0, 99), st.integers(0, 12))
    @settings(deadline=None)
    def test_a_maximum_is_what_a_naive_loop_keeps(self, worth, seed, maximum):
        counts = np.random.default_rng(seed).integers(0, 3, (len(worth), 2)).astype(float)
        worth = np.array(worth, float)

        def allows(taken, row):
            return not counts[row, 0] or counts[taken, 0].sum() + counts[row, 0] <= maximum

        amounts = Amounts(("cat", "dog"), sparse.csr_array(counts))
        limit = rule(amounts, type="PER_CLASS", input=CLASSES, maximum={"cat": maximum + 0.0})
        assert picked(worth, len(worth), limit).rows.tolist() == naive(worth, len(worth), allows)

    @given(worths, st.integers(0, 99), st.integers(0, 6), st.integers(0, 6), st.integers(0, 40))
    @settings(deadline=None)
    def test_minima_of_categories_are_met_wherever_the_pool_and_the_number_can(self, worth, seed, first, second, n):
        codes, worth, n = of_rows(worth, seed, 3), np.array(worth, float), min(n, len(worth))
        # All three are known, whether or not a row has them.
        amounts = categories([*codes, 0, 1, 2])
        amounts = Amounts(amounts.names, amounts.matrix[: len(codes)])
        minimum = {"c0": first + 0.0, "c1": second + 0.0}
        limit = rule(amounts, type="PER_CLASS", input={"type": "METADATA", "key": "g"}, minimum=minimum)
        found = picked(worth, n, limit)
        held, there = np.bincount(codes[found.rows], minlength=3), np.bincount(codes, minlength=3)
        wanted = np.minimum([first, second], there[:2])
        assert len(found.rows) == n
        if wanted.sum() <= n and wanted.tolist() == [first, second]:
            assert (held[:2] >= wanted).all()

    def test_a_minimum_that_another_rule_makes_unreachable_does_not_end_the_run(self):
        """Both of the class are in one group, of which only one may be picked."""
        quota = rule(categories([0, 0, 1, 1]), type="PER_CLASS", input=CLASSES, minimum={"c0": 2.0})
        groups = rule(categories([0, 0, 1, 2]), type="MAX_PER_GROUP", key="g", maximum=1)
        assert sorted(picked(np.arange(4.0), 3, quota, groups).rows.tolist()) == [1, 2, 3]

    def test_what_the_pool_cannot_give_is_said_and_the_run_goes_on(self):
        limit = rule(categories([0, 0, 1, 1]), type="PER_CLASS", input=CLASSES, minimum={"c0": 5.0})
        found = picked(np.array([1.0, 2, 3, 4]), 4, limit)
        assert sorted(found.rows.tolist()) == [0, 1, 2, 3]
        assert found.shortages == ["at least 5 c0 in objects asks for 5 of 'c0', and there are 2"]

    def test_a_class_that_is_not_known(self):
        limit = rule(categories([0, 1]), type="PER_CLASS", input=CLASSES, minimum={"c3": 1.0})
        with pytest.raises(
            ShortlistError,
            match=r"in objects: a class must be one of the classes of objects \(c0, c1\)\. Got 'c3' instead",
        ):
            picked(np.ones(2), 1, limit)


class TestTogether:
    @given(worths, st.integers(0, 99))
    @settings(deadline=None)
    def test_no_rule_ends_the_run_while_all_of_them_allow_another(self, worth, seed):
        rng = np.random.default_rng(seed)
        n, worth = len(worth), np.array(worth, float)
        groups, costs = rng.integers(0, 4, n), rng.integers(0, 5, n).astype(float)
        vectors = rng.normal(size=(n, 2))
        gaps = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)

        def allows(taken, row):
            return (
                sum(groups[one] == groups[row] for one in taken) < 3
                and costs[taken].sum() + costs[row] <= 11
                and (not taken or gaps[row][taken].min() >= 0.3)
            )

        found = picked(
            worth,
            n,
            rule(categories(groups), type="MAX_PER_GROUP", key="g", maximum=3),
            rule(costs, type="BUDGET", input=NUMBER, maximum=11.0),
            rule(vectors, type="MINIMUM_DISTANCE", distance=0.3),
        )
        assert found.rows.tolist() == naive(worth, n, allows)

    def test_rules_hold_within_a_mixture_over_many_windows(self):
        rng = np.random.default_rng(1)
        n = 9000
        groups, vectors = rng.integers(0, 40, n), rng.normal(size=(n, 3))
        spread = Values("spread", Diversity(type="DIVERSITY"), vectors, np.ones(n, bool))
        limit = rule(categories(groups), type="MAX_PER_GROUP", key="g", maximum=2)
        found = select([spread, by(rng.random(n))], 100, rules=[limit])
        # Forty groups of two leave room for eighty.
        assert len(found.rows) == 80
        assert np.bincount(groups[found.rows]).tolist() == [2] * 40


def test_every_constraint_is_tried_here():
    assert set(constraints()) == {"BUDGET", "MAX_PER_GROUP", "MINIMUM_DISTANCE", "PER_CLASS"}


@pytest.mark.parametrize("model", constraints().values(), ids=list(constraints()))
def test_a_constraint_describes_itself_and_its_parameters(model):
    assert len(model.__doc__.split()) > 5
    for name, field in model.model_fields.items():
        assert name == "type" or field.description.endswith(".")
