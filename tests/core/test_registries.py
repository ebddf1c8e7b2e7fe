"""What every score, strategy and input must show; a new one is held to it by being found."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, get_args

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax

from shortlist.core.registry import instances_in, subclasses_in
from shortlist.core.schema import described, first_sentence, parse, tag_of
from shortlist.core.scores import Objects, Score, Uncertainty, scores
from shortlist.core.scores.aggregation import aggregate
from shortlist.core.scores.apply import How, apply
from shortlist.core.selection import config, inputs, strategy
from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.explain import why_not
from shortlist.core.selection.select import Selection, prepare, select
from shortlist.core.selection.values import Amounts, Takes, Values

SCORES = scores(Uncertainty)
STRATEGIES = strategy.strategies()
INPUTS = inputs.inputs()
RANKING = [name for name, found in STRATEGIES.items() if not found.filters]
FILTERING = [name for name, found in STRATEGIES.items() if found.filters]

every_score = pytest.mark.parametrize("score", SCORES.values(), ids=list(SCORES))
every_model = pytest.mark.parametrize("model", [*STRATEGIES.values(), *INPUTS.values()], ids=[*STRATEGIES, *INPUTS])
every_ranking = pytest.mark.parametrize("name", RANKING)


# Scores ---------------------------------------------------------------------------------------------------------------


def predictions(seed: int = 0, n: int = 40, n_classes: int = 4) -> Objects:
    """Samples with 0 to 5 objects, of which some have no probabilities, confidence or class; the last is absent."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 6, n)
    counts[-1] = 0
    m = int(counts.sum())
    probabilities = rng.dirichlet(np.full(n_classes, 0.5), m)
    confidences, classes = probabilities.max(axis=1), probabilities.argmax(axis=1)
    unknown = rng.random(m) < 0.3
    probabilities[unknown], confidences[unknown] = np.nan, np.nan
    classes[rng.random(m) < 0.1] = -1
    present = np.arange(n) < n - 1
    return Objects(np.concatenate([[0], np.cumsum(counts)]), present, probabilities, confidences, classes)


def permuted(objects: Objects, order: np.ndarray) -> Objects:
    """The same samples in another order."""
    starts, counts = objects.offsets[:-1][order], np.diff(objects.offsets)[order]
    rows = np.concatenate([np.arange(start, start + count) for start, count in zip(starts, counts, strict=True)])
    return Objects(
        np.concatenate([[0], np.cumsum(counts)]),
        objects.present[order],
        objects.probabilities[rows],
        objects.confidences[rows],
        objects.classes[rows],
    )


def of_samples(score: Score, objects: Objects, aggregation: str = "max") -> np.ndarray:
    return apply([score], objects, How(aggregation))[1][score.name]


def test_there_are_scores_and_each_has_a_name_of_its_own():
    found = instances_in("shortlist.core.scores", Uncertainty)
    assert len(found) > 0
    assert [score.name for score in found] == list(SCORES)


@every_score
def test_a_score_says_what_it_is_and_where_it_comes_from(score):
    assert score.name.isidentifier()
    assert len(score.description.split()) > 3
    assert "Source:" in score.compute.__doc__
    assert len(score.source) > 10
    assert len(score.high_means) > 5
    assert score.low < score.high


@every_score
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_score_stays_in_its_declared_range(score, dtype):
    for seed in range(5):
        objects = predictions(seed)
        objects.probabilities[0] = np.eye(4)[0]
        objects.probabilities[-1] = 0.25
        narrow = Objects(
            objects.offsets, objects.present, objects.probabilities.astype(dtype), objects.confidences, objects.classes
        )
        values = of_samples(score, narrow)
        known = values[~np.isnan(values)]
        assert len(known) > 0
        assert ((known >= score.low) & (known <= score.high)).all()


@every_score
@pytest.mark.parametrize("aggregation", ["max", "mean", "top_m"])
@pytest.mark.parametrize("n_classes", [2, 4, 300])
def test_a_normalized_score_stays_in_its_range_and_the_uniform_distribution_reaches_its_end(
    score, aggregation, n_classes
):
    objects = predictions(n_classes=n_classes)
    objects.probabilities[np.isfinite(objects.probabilities).all(axis=1).nonzero()[0][0]] = 1 / n_classes
    of_objects, of_batch = apply([score], objects, How(aggregation, normalize=True))
    for values in (*of_objects.values(), of_batch[score.name]):
        known = values[~np.isnan(values)]
        assert ((known >= score.low) & (known <= score.high)).all()
    if score.level == "object":
        assert np.nanmax(of_objects[score.name]) == pytest.approx(1)


@every_score
@pytest.mark.parametrize("aggregation", ["max", "mean", "sum", "top_m"])
def test_a_score_follows_its_sample(score, aggregation):
    objects = predictions()
    order = np.random.default_rng(1).permutation(len(objects.present))
    expected = of_samples(score, objects, aggregation)[order]
    np.testing.assert_allclose(of_samples(score, permuted(objects, order), aggregation), expected, atol=1e-12)


@every_score
def test_a_score_of_one_sample_is_that_of_the_sample_in_a_batch(score):
    objects = predictions()
    alone = [of_samples(score, permuted(objects, np.array([row])))[0] for row in range(len(objects.present))]
    np.testing.assert_allclose(alone, of_samples(score, objects), atol=1e-12)


@every_score
def test_a_score_is_the_same_twice_and_leaves_its_input_alone(score):
    objects, untouched = predictions(), predictions()
    np.testing.assert_array_equal(of_samples(score, objects), of_samples(score, objects))
    for name in ("offsets", "present", "probabilities", "confidences", "classes"):
        np.testing.assert_array_equal(getattr(objects, name), getattr(untouched, name))


@every_score
def test_a_sample_without_the_label_is_nan(score):
    objects = predictions()
    np.testing.assert_array_equal(np.isnan(of_samples(score, objects))[~objects.present], True)


@pytest.mark.parametrize("score", [score for score in SCORES.values() if score.level == "object"], ids=lambda s: s.name)
def test_what_is_unscoreable_is_nan_and_nothing_else_is(score):
    objects = predictions()
    unscoreable = np.isnan(objects.probabilities).any(axis=1)
    of_objects, of_batch = apply([score], objects, How("max"))
    np.testing.assert_array_equal(np.isnan(of_objects[score.name]), unscoreable)
    # NaN after aggregation: the label is missing, or objects are there and none can be scored.
    none_known = np.isnan(aggregate(np.where(unscoreable, np.nan, 1), objects.offsets, "max"))
    np.testing.assert_array_equal(np.isnan(of_batch[score.name]), none_known | ~objects.present)


# Models ---------------------------------------------------------------------------------------------------------------


def test_there_are_strategies_and_inputs_and_each_has_a_type_of_its_own():
    found = subclasses_in("shortlist.core.selection.strategies", strategy.Strategy)
    assert len(found) > 0
    assert sorted(tag_of(model) for model in found) == sorted(STRATEGIES)
    assert {tag_of(model) for model in inputs.Input.__subclasses__()} == set(INPUTS)
    assert len(inputs.Input.__subclasses__()) == len(INPUTS)


@every_model
def test_a_model_and_each_of_its_parameters_is_described(model):
    assert len(first_sentence(model).split()) > 3
    for name, field in described(model):
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("model", STRATEGIES.values(), ids=list(STRATEGIES))
def test_a_strategy_cites_its_source_and_says_what_its_gain_is(model):
    assert len(model.source) > 10
    assert model.takes in get_args(Takes)
    assert model.filters or model.gain_means


@pytest.mark.parametrize("model", STRATEGIES.values(), ids=list(STRATEGIES))
def test_some_input_gives_what_a_strategy_takes(model):
    assert any(model.takes in found.gives for found in INPUTS.values())


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_has_a_label(name):
    model = INPUTS[name]
    required = {field: "a" for field, info in model.model_fields.items() if info.is_required() and field != "type"}
    assert len(model(type=name, **required).label()) > 0


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_can_be_written_in_a_config(name):
    model = STRATEGIES[name]
    source = {
        "vectors": {"type": "EMBEDDINGS"},
        "numbers": {"type": "SCORES", "field": "a"},
        "committee": {"type": "PREDICTIONS", "task": "a", "name": "PASSES"},
        "amounts": {"type": "METADATA", "key": "a"},
    }[model.takes]
    source |= {"tag_name": "shown"} if model.queries else {}
    written = {"n_samples": 1, "strategies": [{"input": source, "strategy": {"type": name, **_required(name)}}]}
    read = parse(config.SelectionConfig, written)
    assert read.strategies[0].strategy == model(type=name, **_required(name))


# Strategies -----------------------------------------------------------------------------------------------------------


def _required(name: str) -> dict[str, Any]:
    """Values for the parameters that have no default."""
    model = STRATEGIES[name]
    fields = [field for field, info in model.model_fields.items() if info.is_required() and field != "type"]
    return {field: {"type": "SCORES", "field": "a"} if field in model.beside else 0.5 for field in fields}


@cache
def _values(takes: str, n: int) -> np.ndarray | Amounts:
    rng = np.random.default_rng(n)
    if takes == "vectors":
        return rng.normal(size=(n, 5))
    if takes == "committee":
        return softmax(rng.normal(size=(n, 3, 4)), axis=2)
    if takes == "amounts":
        return Amounts(("a", "b", "c"), sparse.csr_array(4 * rng.random((n, 3))))
    return rng.random(n)


def _taken(values: np.ndarray | Amounts, rows: np.ndarray) -> np.ndarray | Amounts:
    """The values of some rows."""
    return Amounts(values.names, values.matrix[rows]) if isinstance(values, Amounts) else values[rows]


def _beside(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Values for the strategy's own inputs that are never left out, made of the row's value."""
    fields = STRATEGIES[name].model_fields.items()
    own = [field for field, info in fields if isinstance(info.default, inputs.Predictions)]
    required = {field: np.abs(values).sum(axis=1) for field in _required(name) if field in STRATEGIES[name].beside}
    query = {"query": np.full((1, values.shape[1]), 0.5)} if STRATEGIES[name].queries else {}
    return {**{field: softmax(values, axis=1) for field in own}, **required, **query}


def entry(name: str, values: np.ndarray, **parameters) -> Values:
    model = STRATEGIES[name](type=name, **_required(name), **parameters)
    return Values(name, model, values, np.ones(len(values), bool), _beside(name, values))


def picked(name: str, values: np.ndarray, n: int, **parameters) -> Selection:
    return select([entry(name, values, **parameters)], n)


@every_ranking
@pytest.mark.parametrize("n_rows", [60, 2100])
def test_a_strategy_picks_the_same_for_the_same_seed(name, n_rows):
    values = _values(STRATEGIES[name].takes, n_rows)
    first, second = (select([entry(name, values)], 12, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_array_equal(first.gains, second.gains)


@pytest.mark.parametrize("name", [name for name in RANKING if not STRATEGIES[name].by_chance])
@pytest.mark.parametrize("n_rows", [60, 2100])
def test_a_strategy_picks_the_same_items_whatever_their_order(name, n_rows):
    values = _values(STRATEGIES[name].takes, n_rows)
    order = np.random.default_rng(3).permutation(n_rows)
    np.testing.assert_array_equal(order[picked(name, _taken(values, order), 12).rows], picked(name, values, 12).rows)


@every_ranking
@pytest.mark.parametrize("strength", [1.0, -1.0, 1e9, 1e-9])
@pytest.mark.parametrize("n", [0, 1, 5, 30])
def test_a_strategy_picks_each_row_at_most_once_up_to_the_whole_pool(name, strength, n):
    selection = picked(name, _values(STRATEGIES[name].takes, 30), n, strength=strength)
    assert len(set(selection.rows.tolist())) == n
    assert selection.gains.shape == selection.values.shape == (n, 1)
    assert selection.eligible == 30
    assert selection.labels == [name]


# To draw by value is to draw anyone among equals.
@pytest.mark.parametrize("name", [name for name in RANKING if name != "STOCHASTIC"])
@pytest.mark.parametrize("constant", [0.0, 2.5])
def test_among_duplicates_the_first_rows_are_picked(name, constant):
    takes = STRATEGIES[name].takes
    shape = {"vectors": (8, 3), "committee": (8, 2, 3)}.get(takes, (8,))
    values = np.full(shape, constant)
    if takes == "committee":
        values[:] = softmax([[constant, 0, 0], [0, constant, 1]], axis=1)
    elif takes == "amounts":
        values = Amounts(("a", "b"), sparse.csr_array(np.full((8, 2), constant)))
    np.testing.assert_array_equal(picked(name, values, 5).rows, [0, 1, 2, 3, 4])


@every_ranking
def test_one_row_is_picked(name):
    assert picked(name, _values(STRATEGIES[name].takes, 1), 1).rows.tolist() == [0]


@every_ranking
def test_an_empty_pool_gives_an_empty_selection(name):
    values = _values(STRATEGIES[name].takes, 6)
    selection = select([entry(name, values)], 0, candidates=np.zeros(6, bool))
    assert selection.rows.tolist() == []
    assert selection.eligible == 0


@every_ranking
def test_gains_say_something_of_every_pick_but_a_first_one(name):
    gains = picked(name, _values(STRATEGIES[name].takes, 60), 20).gains
    assert np.isfinite(gains[1:]).all()
    assert not np.isinf(gains[0]).any()


@every_ranking
@pytest.mark.parametrize("mixed", [False, True])
def test_why_any_row_was_not_picked_can_be_told(name, mixed):
    values = _values(STRATEGIES[name].takes, 60)
    entries = [entry(name, values)] + ([entry("WEIGHTS", _values("numbers", 60))] if mixed else [])
    selection = select(entries, 12)
    reasons = why_not(prepare(entries, 12), selection, np.arange(60))
    np.testing.assert_array_equal([reasons[row].rank for row in selection.rows], np.arange(1, 13))
    left = [reason for reason in reasons if reason.outcome == "outbid"]
    assert sorted(reason.ahead for reason in left) == list(range(48))
    for reason in left:
        np.testing.assert_allclose(reason.winner_values, selection.values[reason.closest - 1], rtol=1e-3, atol=1e-4)
        assert reason.values.sum() <= reason.winner_values.sum() + 1e-3 * abs(reason.winner_values.sum())
        assert selection.labels[reason.against] in (name, "WEIGHTS")
        assert "It came closest as number" in reason.sentence()
    longer = prepare(entries, 12)
    following = greedy(longer.terms, longer.eligible, 13).rows[12]
    assert reasons[following].ahead == 0


@every_ranking
def test_the_values_are_left_as_they_were(name):
    values = _values(STRATEGIES[name].takes, 60)
    before = deepcopy(values)
    picked(name, values, 20)
    dense = [found.matrix.toarray() if isinstance(found, Amounts) else found for found in (values, before)]
    np.testing.assert_array_equal(*dense)


@pytest.mark.parametrize("name", FILTERING)
def test_a_filter_keeps_the_same_items_whatever_their_order(name):
    values = _values(STRATEGIES[name].takes, 60)
    order = np.random.default_rng(3).permutation(60)
    model, pool = entry(name, values).strategy, strategy.Pool(np.arange(60), n=5)
    kept = model.keeps(values, pool)
    assert kept.dtype == bool
    assert 0 < kept.sum() < 60
    np.testing.assert_array_equal(model.keeps(values[order], pool), kept[order])
