"""The nine truths of every selection, held against all strategies and constraints that there are, alone and together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.special import softmax

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.select import Rule, Selection, select
from shortlist.core.selection.strategy import strategies
from shortlist.core.selection.values import Amounts, ObjectVectors, Values

STRATEGIES = strategies()
RANKING = [name for name, found in STRATEGIES.items() if not found.filters]
FILTERING = [name for name in STRATEGIES if name not in RANKING]
#: strategies that draw by the row; the picks of all others are those of the items, in whatever order they come
DRAWING = {"STOCHASTIC", "BADGE", "BATCHBALD"}
REQUIRED: dict[str, dict[str, Any]] = {
    "THRESHOLD": {"threshold": -1e9},
    "CLUSTER_MARGIN": {"weight": {"type": "SCORES", "field": "a"}},
}
NUMBER = {"type": "METADATA", "key": "cost"}
CLASSES = {"type": "PREDICTIONS", "task": "objects"}

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
every_ranking = pytest.mark.parametrize("name", RANKING)


# What strategies are given --------------------------------------------------------------------------------------------


class Items:
    """Items with a value of every kind.

    Args:
        vectors: (n, d)
        numbers: (n,) above 0
        categories: (n,) int, -1 for none
    """

    def __init__(self, vectors: np.ndarray, numbers: np.ndarray, categories: np.ndarray):
        self.vectors, self.numbers, self.categories = vectors, numbers, categories

    @classmethod
    def of(cls, n: int, seed: int = 0) -> Items:
        rng = np.random.default_rng(seed)
        return cls(rng.normal(size=(n, 5)), 0.1 + rng.random(n), rng.integers(0, 3, n))

    def __len__(self) -> int:
        return len(self.numbers)

    def taken(self, rows: np.ndarray) -> Items:
        return Items(self.vectors[rows], self.numbers[rows], self.categories[rows])

    def values(self, takes: str) -> Any:
        """The values of a kind; those of models are made of the vectors, so that they follow their item."""
        if takes == "vectors":
            return self.vectors
        if takes == "amounts":
            return amounts(self.categories)
        if takes == "probabilities":
            return softmax(self.vectors, axis=1)
        if takes == "committee":
            return np.stack([softmax(k * self.vectors, axis=1) for k in (-1.0, 1.0, 3.0)], axis=1)
        return self.numbers

    def entry(self, name: str, present: np.ndarray | None = None, **parameters: Any) -> Values:
        """A strategy over these items."""
        strategy = STRATEGIES[name](type=name, **{**REQUIRED.get(name, {}), **parameters})
        beside = {own: self.values(takes) for own, takes in strategy.beside.items()}
        if strategy.queries:
            beside["query"] = np.full((1, self.vectors.shape[1]), 0.5)
        there = np.ones(len(self), bool) if present is None else present
        return Values(f"{name} of a", strategy, self.values(strategy.takes), there, beside)

    def mixture(self, strength: float = 1.0) -> list[Values]:
        """Every strategy that there is, at once."""
        return [self.entry(name, strength=strength) for name in STRATEGIES]


def amounts(categories: np.ndarray, n_classes: int = 3) -> Amounts:
    """One category a row; none for -1."""
    n_classes = max(n_classes, int(categories.max()) + 1)
    dense = np.zeros((len(categories), n_classes))
    rows = np.flatnonzero(categories >= 0)
    dense[rows, categories[rows]] = 1
    return Amounts(tuple("abcdefgh"[:n_classes]), sparse.csr_array(dense))


def mask(n: int, rows: Any) -> np.ndarray:
    return np.isin(np.arange(n), rows)


def rule(values: Any, **written: Any) -> Rule:
    """A constraint, parsed as a config is, with its values."""
    config = {"n_samples": 0, "strategies": [{"input": NUMBER, "strategy": {"type": "WEIGHTS"}}]}
    (constraint,) = parse(SelectionConfig, {**config, "constraints": [written]}).constraints
    return Rule(constraint, values, np.ones(len(values), bool))


def same(first: Selection, second: Selection) -> None:
    np.testing.assert_array_equal(first.rows, second.rows)


# 1 and 2: picks are those of the items, whatever their order ----------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in RANKING if name not in DRAWING])
@pytest.mark.parametrize("datapool", [(), (3, 50)])
def test_the_order_of_the_items_does_not_matter(name, datapool):
    items, order, pool = Items.of(400), np.random.default_rng(3).permutation(400), mask(400, datapool)
    given = select([items.entry(name)], 12, preselected=pool, seed=5)
    moved = select([items.taken(order).entry(name)], 12, preselected=pool[order], seed=5)
    if name == "BALANCE":
        # Items of a category are alike, and of categories that lack as much the first comes first.
        held = items.categories[pool].tolist()
        counts = [
            np.bincount([*held, *items.categories[rows]], minlength=3) for rows in (given.rows, order[moved.rows])
        ]
        np.testing.assert_array_equal(*map(np.sort, counts))
    else:
        np.testing.assert_array_equal(order[moved.rows], given.rows)


@pytest.mark.parametrize("name", ["KMEANS", "TYPICLUST", "PROBCOVER"])
def test_the_order_of_items_that_begin_alike_does_not_matter(name):
    """Such as features of which the first are nearly always 0."""
    items, order = Items.of(300), np.random.default_rng(3).permutation(300)
    items.vectors = np.concatenate([np.zeros((300, 20)), items.vectors], axis=1)
    given, moved = (select([one.entry(name)], 12, seed=5) for one in (items, items.taken(order)))
    np.testing.assert_array_equal(order[moved.rows], given.rows)


# 3: units and zeros of scores, strength 0, negative strength ----------------------------------------------------------

UNITS = [(1.0, 2.0**20), (1024.0, 0.0), (2.0**-12, 5.0), (3.7, 1.3)]
#: every way to take numbers, and whether they have a zero of their own, so that only their unit means nothing
NUMERIC: dict[str, tuple[str, dict[str, Any], bool]] = {
    "WEIGHTS": ("WEIGHTS", {}, False),
    "-WEIGHTS": ("WEIGHTS", {"strength": -1.0}, False),
    "STOCHASTIC of RANK": ("STOCHASTIC", {"of": "RANK"}, False),
    "-STOCHASTIC of RANK": ("STOCHASTIC", {"of": "RANK", "strength": -1.0}, False),
    "STOCHASTIC of VALUE": ("STOCHASTIC", {"of": "VALUE"}, True),
    "TOP": ("TOP", {}, False),
    "-TOP": ("TOP", {"strength": -1.0}, False),
}


@pytest.mark.parametrize("case", NUMERIC)
@pytest.mark.parametrize(
    "beside", [[], ["DIVERSITY"], ["COVERAGE", "BALANCE"]], ids=lambda names: "+".join(names) or "alone"
)
@pytest.mark.parametrize(("unit", "zero"), UNITS)
def test_the_unit_and_the_zero_of_a_number_change_no_pick(case, beside, unit, zero):
    name, parameters, ratio = NUMERIC[case]
    items = Items.of(150)
    items.numbers = items.numbers.round(4)
    moved = Items(items.vectors, items.numbers * unit + (0 if ratio else zero), items.categories)
    rest = [items.entry(one) for one in beside]
    same(*(select([one.entry(name, **parameters), *rest], 25) for one in (items, moved)))


@pytest.mark.parametrize("name", [name for name, found in STRATEGIES.items() if "numbers" in found.beside.values()])
@pytest.mark.parametrize(("unit", "zero"), UNITS)
def test_the_unit_of_a_strategys_own_weight_changes_no_pick(name, unit, zero):
    items = Items.of(150)
    # Only CLUSTER_MARGIN orders by its weight; in others it is a mass, which has a zero.
    moved = Items(items.vectors, items.numbers * unit + (zero if name == "CLUSTER_MARGIN" else 0), items.categories)
    weight = {"weight": {"type": "SCORES", "field": "a"}}
    same(*(select([one.entry(name, **weight)], 25) for one in (items, moved)))


def test_the_unit_of_a_wanted_range_changes_no_pick_if_the_range_has_it_too():
    items = Items.of(150)
    far = Items(items.vectors, items.numbers * 1024 - 4096, items.categories)
    first = items.entry("WEIGHTS", target_range=[0.4, 0.5])
    second = far.entry("WEIGHTS", target_range=[0.4 * 1024 - 4096, 0.5 * 1024 - 4096])
    same(*(select([one, items.entry("DIVERSITY")], 25) for one in (first, second)))


@every_strategy
def test_a_strength_of_zero_is_as_if_the_strategy_were_absent(name):
    items = Items.of(80)
    off = items.entry(name, present=np.zeros(80, bool), strength=0.0)
    same(
        select([off, items.entry("WEIGHTS"), items.entry("DIVERSITY")], 20),
        select([items.entry("WEIGHTS"), items.entry("DIVERSITY")], 20),
    )


@pytest.mark.parametrize("name", ["WEIGHTS", "TYPICALITY", "SIMILARITY"])
def test_a_negative_strength_picks_from_the_other_end(name):
    items = Items.of(60)
    first, last = (select([items.entry(name, strength=sign)], 60).rows for sign in (1.0, -1.0))
    np.testing.assert_array_equal(first, last[::-1])


@pytest.mark.parametrize("name", [name for name in RANKING if name not in ("WEIGHTS", "TYPICALITY", "SIMILARITY")])
def test_a_negative_strength_picks_otherwise(name):
    items = Items.of(60)
    items.categories[:40] = 0
    first, last = (select([items.entry(name, strength=sign)], 12).rows for sign in (1.0, -1.0))
    assert len(np.intersect1d(first, last)) < 12


# 4: BALANCE in a mixture ----------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(seed=st.integers(0, 200), n_videos=st.integers(2, 8), n=st.integers(1, 40))
def test_a_great_strength_on_a_category_gives_each_as_many_beside_all_other_strategies(seed, n_videos, n):
    items = Items.of(8 * 12, seed)
    items.categories = np.arange(len(items)) % n_videos
    rest = [items.entry(name) for name in ("DIVERSITY", "TYPICALITY", "COVERAGE", "WEIGHTS")]
    rows = select([*rest, items.entry("BALANCE", strength=1e9)], n).rows
    counts = np.bincount(items.categories[rows], minlength=n_videos)
    assert counts.max() - counts.min() <= 1


# 5: constraints -------------------------------------------------------------------------------------------------------


class Rules:
    """All constraints and stopping conditions at once, over random items, and what they mean in plain Python."""

    def __init__(self, seed: int, n: int = 40, minimum: float = 0):
        rng = np.random.default_rng(seed)
        self.items = Items(rng.normal(size=(n, 2)), rng.permutation(n) / 8 + 0.125, rng.integers(-1, 3, n))
        self.groups, self.costs = rng.integers(-1, 6, n), rng.integers(0, 5, n).astype(float)
        self.per_group, self.budget = int(rng.integers(1, 5)), float(rng.integers(3, 60))
        self.distance, self.most_of_a = float(rng.uniform(0.05, 0.8)), int(rng.integers(0, 5))
        self.minimum, self.most_in_all = minimum, float(rng.uniform(2, 80))
        self.datapool = np.flatnonzero(rng.random(n) < 0.08)

    def rules(self) -> list[Rule]:
        classes = {"maximum": {"a": self.most_of_a}, "minimum": {"b": self.minimum} if self.minimum else {}}
        return [
            rule(amounts(self.groups, 6), type="MAX_PER_GROUP", key="g", maximum=self.per_group),
            rule(self.costs, type="BUDGET", input=NUMBER, maximum=self.budget),
            rule(self.items.vectors, type="MINIMUM_DISTANCE", distance=self.distance),
            rule(amounts(self.items.categories), type="PER_CLASS", input=CLASSES, **classes),
        ]

    def allows(self, taken: list[int], row: int) -> bool:
        """Whether a row may be picked beside those taken."""
        there, items = [*self.datapool.tolist(), *taken], self.items
        return bool(
            row not in there
            and (self.groups[row] < 0 or (self.groups[there] == self.groups[row]).sum() < self.per_group)
            and self.costs[[*taken, row]].sum() <= self.budget
            and (not there or cdist(items.vectors[[row]], items.vectors[there]).min() >= self.distance)
            and (items.categories[row] != 0 or (items.categories[there] == 0).sum() < self.most_of_a)
            and items.numbers[[*taken, row]].sum() <= self.most_in_all
        )

    def select(self, entries: list[Values], n: int | None) -> list[int]:
        pool = mask(len(self.items), self.datapool)
        return select(entries, n, rules=self.rules(), preselected=pool).rows.tolist()


@settings(max_examples=60)
@given(seed=st.integers(0, 100_000), n=st.sampled_from([None, 3, 25]))
def test_with_all_constraints_at_once_picks_are_those_of_a_plain_loop(seed, n):
    case = Rules(seed)
    expected: list[int] = []
    for row in np.argsort(-case.items.numbers, kind="stable").tolist():
        if (n is None or len(expected) < n) and case.allows(expected, row):
            expected.append(row)
    assert case.select([case.items.entry("WEIGHTS", stopping_condition_max_sum=case.most_in_all)], n) == expected


@settings(max_examples=15)
@given(seed=st.integers(0, 100_000), minimum=st.integers(0, 4), strength=st.sampled_from([1.0, -1.0]))
def test_no_constraint_ends_the_run_of_any_mixture_while_an_eligible_candidate_is_left(seed, minimum, strength):
    case = Rules(seed, minimum=minimum)
    capped = case.items.entry("WEIGHTS", stopping_condition_max_sum=case.most_in_all)
    others = ("DIVERSITY", "COVERAGE", "TYPICALITY", "BALANCE", "KMEANS", "BADGE", "STOCHASTIC")
    rows = case.select([capped, *(case.items.entry(name, strength=strength) for name in others)], 20)
    for place, row in enumerate(rows):
        assert case.allows(rows[:place], row)
    assert len(rows) == 20 or not any(case.allows(rows, row) for row in range(len(case.items)))


# 6: the datapool ------------------------------------------------------------------------------------------------------


@every_strategy
@pytest.mark.parametrize("strength", [1.0, -1.0])
def test_what_is_in_the_datapool_is_not_picked_and_not_part_of_the_number(name, strength):
    items, datapool = Items.of(40), mask(40, [0, 1, 7, 39])
    entry = items.entry(name, strength=strength)
    expected = 36 if name != "TOP" else 9
    selection = select([entry], expected, preselected=datapool)
    assert len(set(selection.rows.tolist())) == expected
    assert not datapool[selection.rows].any()


@settings(max_examples=6)
@given(seed=st.integers(0, 1000), share=st.floats(0, 0.9))
def test_the_datapool_holds_in_every_mixture(seed, share):
    items = Items.of(40, seed)
    datapool = np.random.default_rng(seed).random(40) < share
    n = int((~datapool).sum()) // 2
    rows = select(items.mixture(), n, preselected=datapool, seed=seed).rows
    assert len(set(rows.tolist())) == n
    assert not datapool[rows].any()


@pytest.mark.parametrize("name", ["DIVERSITY", "COVERAGE", "KMEANS", "TYPICLUST", "PROBCOVER", "BADGE"])
def test_the_datapool_counts_where_picks_depend_on_one_another(name):
    rng = np.random.default_rng(0)
    centres = 10 * np.eye(5)[:3]
    items = Items(np.repeat(centres, 20, axis=0) + 0.01 * rng.normal(size=(60, 5)), np.ones(60), np.zeros(60, int))
    parameters = {"n_clusters": 3} if name == "PROBCOVER" else {}
    # Two of three heaps are in the datapool: the next pick is of the third.
    for heaps in ([0, 1], [0, 2], [1, 2]):
        selection = select(
            [items.entry(name, **parameters)], 1, preselected=mask(60, [20 * heap + 3 for heap in heaps])
        )
        assert selection.rows[0] // 20 not in heaps


def test_the_datapool_counts_for_balance():
    items = Items.of(30)
    items.categories = np.arange(30) % 3
    selection = select([items.entry("BALANCE")], 1, preselected=np.isin(items.categories, [0, 2]) & (np.arange(30) < 9))
    assert items.categories[selection.rows].tolist() == [1]


# 7: the edges ---------------------------------------------------------------------------------------------------------


@every_strategy
def test_of_nothing_of_one_and_of_all(name):
    for n in (1, 2, 30):
        items = Items.of(n)
        assert select([items.entry(name)], 0).rows.tolist() == []
        assert sorted(select([items.entry(name)], n).rows.tolist()) == list(range(n))
        nothing = select([items.entry(name)], 0, candidates=np.zeros(n, bool))
        assert (nothing.rows.tolist(), nothing.eligible) == ([], 0)


@every_strategy
def test_more_than_there_are_is_one_clear_error(name):
    for n, candidates in ((31, np.ones(30, bool)), (1, np.zeros(30, bool))):
        with pytest.raises(ShortlistError, match=rf"^n_samples must be at most {n - 1}, the eligible candidates"):
            select([Items.of(30).entry(name)], n, candidates=candidates)


@every_strategy
def test_of_duplicates_only_any_number_can_be_picked(name):
    items = Items.of(1).taken(np.zeros(12, int))
    for n in (1, 5, 12):
        selection = select([items.entry(name)], n)
        assert len(set(selection.rows.tolist())) == n
        assert np.isfinite(selection.values).all()


def test_all_strategies_at_once_of_duplicates_only():
    items = Items.of(1).taken(np.zeros(12, int))
    assert len(set(select(items.mixture(), 4).rows.tolist())) == 4


@pytest.mark.parametrize("name", [name for name, found in STRATEGIES.items() if found.takes != "amounts"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_one_clear_error(name, bad):
    entry = Items.of(12).entry(name)
    entry.values[4] = bad
    with pytest.raises(ShortlistError, match=rf"(?s)^{name} of a.* must be .*Got "):
        select([entry], 3)


@pytest.mark.parametrize("name", [name for name, found in STRATEGIES.items() if found.takes == "vectors"])
@pytest.mark.parametrize("shape", [(12,), (12, 0), (12, 2, 2)])
def test_vectors_of_another_shape_are_one_clear_error(name, shape):
    entry = Items.of(12).entry(name)
    wrong = Values(entry.label, entry.strategy, np.ones(shape), entry.present, entry.beside)
    with pytest.raises(ShortlistError, match=rf"^{name} of a: embeddings must be one vector a sample"):
        select([wrong], 3)


@every_strategy
def test_items_without_a_value_are_left_out_and_counted(name):
    present = ~mask(20, [2, 5, 6])
    n = 17 if name != "TOP" else 4
    selection = select([Items.of(20).entry(name, present)], n)
    assert not np.isin([2, 5, 6], selection.rows).any()
    assert selection.left_out[f"without a value for {name} of a"] == 3


@pytest.mark.parametrize("name", [name for name, found in STRATEGIES.items() if found.of_objects])
def test_samples_whose_objects_are_none_or_all_the_same(name):
    for counts in ([0, 2, 0, 1, 3], [1, 1, 1], [0, 0, 1], [0, 0]):
        vectors = np.ones((sum(counts), 3))
        objects = ObjectVectors(vectors, np.concatenate([[0], np.cumsum(counts)]))
        beside = {"query": np.ones((1, 3))}
        entry = Values(name, STRATEGIES[name](type=name), objects, np.ones(len(counts), bool), beside)
        for n in range(len(counts) + 1):
            selection = select([entry], n)
            assert len(set(selection.rows.tolist())) == n


@pytest.mark.parametrize("seed", [-1, 2**32, 2**64])
def test_a_seed_that_not_every_generator_takes_is_one_clear_error(seed):
    written = {"n_samples": 1, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
    with pytest.raises(ShortlistError, match=rf"^seed must be .*Got {seed} instead"):
        parse(SelectionConfig, {**written, "seed": seed})
    last = 2**32 - 1
    assert parse(SelectionConfig, {**written, "seed": last}).seed == last
    # Every strategy runs with the last that is taken.
    items = Items.of(30)
    assert len(select([items.entry(name) for name in RANKING], 3, seed=last).rows) == 3


# 8: where LightlyOne's engine is wrong is documented in test_typicality, test_balance and test_minimum_distance ---------


@pytest.mark.parametrize("name", ["WEIGHTS", "TYPICALITY", "SIMILARITY"])
def test_a_mixture_trades_off_smoothly(name):
    """From one end to the other, each strength gives at least as much of what it is for and no more of the other."""
    items = Items.of(300, seed=2)
    runs = [
        select([items.entry(name, strength=strength), items.entry("DIVERSITY")], 30)
        for strength in (1e-9, 0.1, 0.5, 2.0, 10.0, 1e9)
    ]
    values = np.array([one.gains[:, 0].mean() for one in runs])
    spreads = np.array([np.nanmin(one.gains[:, 1]) for one in runs])
    assert (np.diff(values) >= -0.02 * np.ptp(values)).all()
    assert (np.diff(spreads) <= 0.05 * np.ptp(spreads)).all()
    # Smoothly: in between lie picks that are neither end's.
    assert len(np.unique(values.round(6))) >= 5


# 9: every pick says why -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("datapool", [(), (4, 9)])
def test_every_pick_of_all_strategies_at_once_says_why(datapool):
    items = Items.of(120)
    entries = [items.entry(name) for name in RANKING]
    selection = select(entries, 20, preselected=mask(120, datapool), seed=1)
    assert selection.labels == [entry.label for entry in entries]
    assert selection.gains.shape == selection.values.shape == (20, len(RANKING))
    assert np.isfinite(selection.values).all()
    assert np.isfinite(selection.gains[1:]).all()
    spoke = np.where(np.isnan(selection.gains), -np.inf, selection.values)
    np.testing.assert_array_equal(selection.deciding, spoke.argmax(axis=1))
    for place, row in enumerate(selection.rows):
        earlier = np.concatenate([np.array(datapool, int), selection.rows[:place]])
        if not len(earlier):
            assert selection.neighbors[place] == -1
            continue
        far = cdist(items.vectors[[row]], items.vectors[earlier])[0]
        assert selection.neighbors[place] == earlier[far.argmin()]
        assert selection.distances[place] == pytest.approx(far.min(), rel=1e-4)
