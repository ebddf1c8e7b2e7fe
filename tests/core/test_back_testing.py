"""Replaying strategies: what is known of the curves beforehand, and that they say what they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import balanced_accuracy_score, f1_score

from shortlist.core.back_testing.back_test import Plan, back_test, budgets_of, check, measurable
from shortlist.core.back_testing.conclusions import labels_of_random, warnings_of
from shortlist.core.back_testing.contenders import Chance, Contender, Ended, Learned, Own, Played, Stored, contender
from shortlist.core.back_testing.named import NAMED, first_names
from shortlist.core.back_testing.replay import Scores as Measured
from shortlist.core.back_testing.report import BackTestReport, Estimate
from shortlist.core.back_testing.states import State
from shortlist.core.back_testing.tasks import Task, default_budgets, features_of, sampled, split, trials
from shortlist.core.back_testing.truths import Classes, Presence, average_precision
from shortlist.core.errors import Cancelled, ShortlistError
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.inputs import Embeddings
from shortlist.core.selection.strategies.weights import Weights

NAMES = ("a", "b", "c", "d", "e", "f")


def long_tail(n: int = 360, seed: int = 0) -> Task:
    """Tight clusters, a class each, of which the first holds most: random picks hardly ever meet the others."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.9, 0, rng.integers(1, 6, n)).astype(np.int64)
    vectors = 4 * np.eye(6)[labels] + 0.05 * rng.standard_normal((n, 6))
    return Task(vectors.astype(np.float32), Classes(labels, NAMES), np.arange(n))


def blobs(n: int = 240, seed: int = 0) -> Task:
    """Six classes that overlap."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, n)
    vectors = 1.6 * np.eye(6)[labels] + 0.6 * rng.standard_normal((n, 6))
    return Task(vectors.astype(np.float32), Classes(labels, NAMES), np.arange(n))


def several(n: int = 200, seed: int = 0) -> Task:
    """Rows that hold some of three classes, by the sign of a direction each."""
    vectors = np.random.default_rng(seed).standard_normal((n, 5))
    presence = np.column_stack([vectors[:, 0] > 0, vectors[:, 1] > 0.8, vectors[:, 2] > 0.2])
    return Task(vectors.astype(np.float32), Presence(presence, ("x", "y", "z")), np.arange(n))


def source(given, takes):
    return Own() if isinstance(given, Embeddings) else Learned(given)


def made(name: str, task: Task) -> Contender:
    config = SelectionConfig.model_validate({"n_samples": 1, **NAMED[name].config({"type": "EMBEDDINGS"}, "m")})
    return contender(NAMED[name].label, config, task.truth, source, lambda entry: None)


def by(label: str, kind) -> Contender:
    return Contender(label, (Played(label, Weights(type="WEIGHTS"), kind),))


def means(report: BackTestReport) -> dict[str, list[float]]:
    return {curve.name: [round(one.mean, 12) for one in curve.values] for curve in report.curves}


# What is known beforehand ---------------------------------------------------------------------------------------------


def test_coverage_beats_random_where_classes_are_clusters_and_most_are_rare():
    task = long_tail()
    plan = Plan((0, 1, 2), budgets=(6, 12, 24), metric="balanced_accuracy")
    report = back_test(task, [made("DIVERSITY", task)], plan)

    best = report.best
    assert best.name == "DIVERSITY"
    assert best.values[0].mean == 1.0
    assert report.random.values[0].mean < 0.6
    assert best.mean_difference.low > 0
    assert "points over random on average" in best.verdict
    assert best.starts_by == "itself"


def test_two_of_the_same_have_the_same_curve_and_random_is_random():
    task = blobs()
    one = made("COVERAGE", task)
    contenders = [one, replace(one, name="again"), by("by chance", Chance())]
    report = back_test(task, contenders, Plan((0, 1, 2, 3), budgets=(10, 20, 40)))

    found = means(report)
    assert found["COVERAGE"] == found["again"]
    chance = next(curve for curve in report.curves if curve.name == "by chance")
    assert chance.mean_difference.low < 0 < chance.mean_difference.high
    assert "not shown to differ" in chance.verdict


@pytest.mark.parametrize("make", [blobs, several])
def test_the_order_of_the_rows_changes_nothing(make):
    task = make()
    order = np.random.default_rng(3).permutation(len(task))
    other = Task(task.vectors[order], task.truth.at(order), task.groups[order])
    plan = Plan((0, 1), budgets=(12, 24))
    names = ("COVERAGE_BY_MARGIN", "MARGIN")

    first, second = (back_test(one, [made(name, one) for name in names], plan) for one in (task, other))

    assert means(first) == means(second)
    assert first.classes == second.classes


def test_what_a_split_says_does_not_depend_on_the_others():
    task = blobs()
    both = back_test(task, [made("MARGIN", task)], Plan((4, 5), budgets=(10, 30)))
    again = back_test(task, [made("MARGIN", task)], Plan((5, 4), budgets=(10, 30)))

    assert both.curves[1].values[1].splits == again.curves[1].values[1].splits[::-1]


# Splits ---------------------------------------------------------------------------------------------------------------


def test_a_split_has_the_share_of_every_class_and_keeps_groups_whole():
    task = long_tail()
    test = split(task, 0.3, 1)

    counts = np.bincount(task.truth.labels)
    held_out = np.bincount(task.truth.labels[test], minlength=6)
    assert np.abs(held_out - 0.3 * counts).max() <= 1
    assert test.sum() == pytest.approx(0.3 * len(task), abs=3)

    grouped = replace(task, groups=np.arange(len(task)) // 6)
    test = split(grouped, 0.3, 1)
    assert all(len(set(test[grouped.groups == one])) == 1 for one in range(60))
    assert test.sum() == pytest.approx(0.3 * len(task), abs=12)


def test_a_class_of_one_sample_is_in_the_pool():
    task = long_tail()
    task.truth.labels[task.truth.labels == 5] = 0
    task.truth.labels[7] = 5
    assert not any(split(task, 0.3, seed)[7] for seed in range(5))


def test_one_group_leaves_nothing_to_test_on():
    task = replace(blobs(), groups=np.zeros(240, np.int64))
    with pytest.raises(ShortlistError, match=r"^keep_together must be a field by which the labelled samples fall into"):
        trials(task, [0], 0.3)


def test_copies_kept_together_make_the_test_harder():
    """Labels are chance and every row is there twice: only a copy in the pool can tell the label of one in the test."""
    rng = np.random.default_rng(0)
    vectors, labels = np.repeat(rng.standard_normal((80, 60)), 2, axis=0), np.repeat(rng.integers(0, 2, 80), 2)
    apart = Task(vectors.astype(np.float32), Classes(labels, ("a", "b")), np.arange(160))
    together = replace(apart, groups=np.arange(160) // 2)

    levels = [back_test(task, [], Plan((0, 1, 2), budgets=(100,))).whole_pool.mean for task in (apart, together)]

    assert levels[0] > 0.75
    assert levels[1] < 0.65


def test_a_large_task_is_sampled_by_whole_groups_whatever_the_order():
    task = replace(long_tail(), groups=np.arange(360) // 4)
    kept = sampled(task, 100, 3)
    assert len(kept) == 100
    assert len(set((kept // 4).tolist())) == 25

    order = np.random.default_rng(1).permutation(360)
    other = Task(task.vectors[order], task.truth.at(order), task.groups[order])
    assert sorted(order[sampled(other, 100, 3)]) == kept.tolist()
    report = back_test(task, [], Plan((0, 1), budgets=(20,), most=100))
    assert (report.labels, report.used) == (360, 100)
    assert "replayed on a random 100 of the 360 labelled samples" in report.notes


@pytest.mark.parametrize("dimensions", [3, 300])
def test_features_are_centred_and_of_variance_one(dimensions):
    vectors = 5 + np.random.default_rng(0).standard_normal((400, dimensions)) * np.arange(1, dimensions + 1)
    features = features_of(vectors)
    assert features.shape == (400, min(dimensions, 128))
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-4)
    assert np.square(features).mean() == pytest.approx(1, rel=1e-4)
    assert not features_of(np.ones((400, dimensions))).any()


# Budgets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pool", "classes"), [(14, 2), (35, 10), (420, 10), (1258, 10), (7000, 80), (7000, 4000)])
def test_budgets_rise_from_few_to_most_of_the_pool(pool, classes):
    found = default_budgets(pool, classes)
    assert found == sorted(set(found))
    assert found[0] >= 2
    assert 0.6 * pool <= found[-1] <= pool
    assert 4 <= len(found) <= 6


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (Plan((0, 1), budgets=(40, 10)), [10, 40]),
        (Plan((0, 1), batch_size=20, rounds=3), [20, 40, 60]),
        (Plan((0, 1), batch_size=30), [30, 60, 90]),
        (Plan((0, 1), batch_size=200), "batch_size times rounds must be at most 100"),
        (Plan((0, 1), budgets=(40, 101)), "budgets must be at most 100, the samples that are left to pick from"),
    ],
)
def test_budgets_as_given(plan, expected):
    if isinstance(expected, str):
        with pytest.raises(ShortlistError, match=f"^{expected}"):
            budgets_of(plan, 100, 3)
    else:
        assert budgets_of(plan, 100, 3) == expected


# Measures -------------------------------------------------------------------------------------------------------------


def test_measures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth = Classes(rng.integers(0, 5, 200), NAMES)
    probabilities = rng.dirichlet(np.ones(6), 200)
    guesses = probabilities.argmax(axis=1)

    assert truth.measured("accuracy", probabilities) == pytest.approx((guesses == truth.labels).mean())
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = balanced_accuracy_score(truth.labels, guesses)
    assert truth.measured("balanced_accuracy", probabilities) == pytest.approx(expected)
    assert truth.measured("macro_f1", probabilities) == pytest.approx(f1_score(truth.labels, guesses, average="macro"))


def test_average_precision_is_that_of_scikit_learn_with_ties_too():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(0)
    for _ in range(50):
        present, scores = rng.random(30) < 0.3, rng.integers(0, 8, 30) / 8
        present[0] = True
        assert average_precision(present, scores) == pytest.approx(average_precision_score(present, scores))
    assert average_precision(np.arange(10) < 3, np.ones(10)) == pytest.approx(0.3)


def test_an_interval_is_the_corrected_one_of_student():
    values, overlap = [0.1, 0.4, 0.2, 0.25], 0.3 / 0.7
    found = Estimate.of(values, overlap)
    low, high = t.interval(0.95, 3, np.mean(values), np.std(values, ddof=1) * np.sqrt(1 / 4 + overlap))
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(values), low, high))
    assert Estimate.of([0.5, 0.5], overlap).model_dump() == {"mean": 0.5, "low": 0.5, "high": 0.5, "splits": [0.5, 0.5]}


def test_differences_are_taken_split_by_split():
    task = blobs()
    report = back_test(task, [made("COVERAGE", task)], Plan((0, 1, 2), budgets=(10, 40)))

    random, curve = report.curves
    for place in range(2):
        expected = np.subtract(curve.values[place].splits, random.values[place].splits)
        np.testing.assert_allclose(curve.difference[place].splits, expected)
    means_of = np.mean([one.splits for one in curve.difference], axis=0)
    np.testing.assert_allclose(curve.mean_difference.splits, means_of)
    assert report.test / report.pool == pytest.approx(0.3 / 0.7, rel=0.05)


def test_how_many_random_labels_teach_as_much():
    budgets, random = [10, 20, 40], np.array([0.5, 0.7, 0.6])
    found = labels_of_random(budgets, random, np.array([0.5, 0.6, 0.9, 0.3, np.nan, 0.7]))
    assert found == [pytest.approx(10), pytest.approx(10 * 2**0.5), None, None, None, pytest.approx(20)]


# Models of a round ----------------------------------------------------------------------------------------------------


def test_a_model_knows_only_what_is_labelled():
    task = blobs()
    trial = trials(task, [0], 0.3)[0]
    rows = np.flatnonzero(trial.truth.labels < 2)[:12]
    state = State.empty(trial).label(rows)

    assert state.probabilities.shape == (len(trial.rows), 6)
    assert not state.probabilities[:, 2:].any()
    np.testing.assert_allclose(state.probabilities.sum(axis=1), 1)
    alone = State.empty(trial).label(rows[:1])
    assert alone.probabilities[:, trial.truth.labels[rows[0]]].tolist() == [1] * len(trial.rows)


def test_a_class_that_no_label_has_is_as_likely_everywhere():
    trial = trials(several(), [0], 0.3)[0]
    rows = np.flatnonzero(~trial.truth.presence[:, 1])[:8]
    found = State.empty(trial).label(rows).probabilities
    np.testing.assert_allclose(found[:, 1], 1 / 10)
    assert ((found > 0) & (found < 1)).all()


def test_probabilities_are_calibrated_once_there_are_labels_enough():
    trial = trials(blobs(), [0], 0.3)[0]
    few, many = (State.empty(trial).label(np.arange(n)) for n in (19, 120))
    assert few.temperature == 1.0
    assert many.temperature != 1.0
    raw = many._model(trial.features)
    np.testing.assert_array_equal(raw.argmax(axis=1), many.probabilities.argmax(axis=1))
    assert not np.allclose(raw, many.probabilities)


@pytest.mark.parametrize("make", [blobs, several])
@pytest.mark.parametrize("name", NAMED)
def test_every_named_strategy_picks_new_rows_or_says_why_not(make, name):
    task = make()
    if NAMED[name].of_one_class and make is several:
        with pytest.raises(
            ShortlistError, match=r"^strategies\[0\]: a strategy that takes PROBABILITIES can be replayed"
        ):
            made(name, task)
        return
    state = State.empty(trials(task, [0], 0.3)[0]).label(np.arange(0, 60, 2))
    picks = made(name, task).picks(state, 9)
    assert len(set(picks)) == 9
    assert not state.labeled[picks].any()


def test_the_first_names_are_about_six_and_can_be_replayed():
    assert len(first_names(True)) == len(first_names(False)) == 5
    assert not any(NAMED[name].of_one_class for name in first_names(False))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"categories": ["q"]}, "strategies[0]: categories must be classes of the labels. Got 'q' instead."),
        ({"name": "PASSES"}, "strategies[0]: a strategy that takes PASSES can be replayed on labels of one class"),
    ],
)
def test_what_the_model_cannot_say_is_refused(entry, sentence):
    task = several()
    kind = {"type": "BATCHBALD"} if "name" in entry else {"type": "BALANCE", "distribution": "UNIFORM"}
    config = {"n_samples": 1, "strategies": [{"input": {"type": "PREDICTIONS", **entry}, "strategy": kind}]}
    with pytest.raises(ShortlistError) as error:
        contender("mine", SelectionConfig.model_validate(config), task.truth, source, lambda entry: None)
    assert str(error.value).startswith(sentence)


def test_stored_values_are_those_of_the_rows_and_what_has_none_is_not_picked():
    task = blobs()
    numbers = np.arange(240.0)
    present = numbers >= 140
    trial = trials(task, [0], 0.3)[0]
    one = by("mine", Stored(numbers, present))
    state = State.empty(trial)

    picks = one.picks(state, 5)
    np.testing.assert_array_equal(trial.rows[picks], np.sort(trial.rows)[::-1][:5])
    with pytest.raises(Ended, match="n_samples must be at most"):
        one.picks(state, 150)
    report = back_test(task, [one], Plan((0, 1), budgets=(10, 150)))
    curve = report.curves[1]
    assert curve.values[0] is not None
    assert curve.values[1] is None
    assert curve.notes[0].startswith("ends before 150 labels: n_samples must be at most")
    assert curve.mean_difference.splits == curve.difference[0].splits


# The whole ------------------------------------------------------------------------------------------------------------


def test_several_classes_a_row_are_measured_by_average_precision():
    task = several()
    report = back_test(task, [made("COVERAGE_BY_MARGIN", task)], Plan((0, 1, 2)))

    assert (report.metric, report.one_class) == ("mean_average_precision", False)
    assert report.whole_pool.mean > 0.9
    assert report.classes == dict(sorted(report.classes.items(), key=lambda item: -item[1]))
    assert report.forecast is not None
    assert BackTestReport.model_validate_json(report.model_dump_json()) == report


def test_what_is_measured_must_fit_the_labels():
    for task, metric, fitting in (
        (blobs(), "mean_average_precision", "accuracy, balanced_accuracy or macro_f1, since a sample has one class"),
        (several(), "accuracy", "mean_average_precision, since a sample has several classes"),
    ):
        with pytest.raises(ShortlistError, match=f"^metric must be {fitting}. Got '{metric}' instead.$"):
            back_test(task, [], Plan((0, 1), metric=metric))


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (
            Task(np.ones((19, 2)), Classes(np.arange(19) % 2, ("a", "b")), np.arange(19)),
            "a back-test needs at least 20 labelled samples with an embedding. Got 19 instead.",
        ),
        (
            Task(np.ones((30, 2)), Classes(np.ones(30, np.int64), ("a", "b")), np.arange(30)),
            "a back-test needs labels of at least two classes. Got 'b' for all 30 samples instead.",
        ),
        (
            Task(np.ones((30, 2)), Presence(np.arange(30)[:, None] < 9, ("a",)), np.arange(30)),
            "a back-test needs a class that at least 10 labelled samples hold and 10 do not. Got none among 30 samples",
        ),
    ],
)
def test_labels_that_say_nothing_are_refused(task, sentence):
    with pytest.raises(ShortlistError) as error:
        check(task)
    assert str(error.value).startswith(sentence)


def test_rare_classes_are_not_measured_where_rows_hold_several():
    task = several()
    rare = np.column_stack([task.truth.presence, np.arange(200) < 9])
    found = measurable(Task(task.vectors, Presence(rare, ("x", "y", "z", "rare")), task.groups))
    assert found.truth.names == ("x", "y", "z")
    assert measurable(blobs()).truth.names == NAMES


def test_warnings():
    scores = Measured([10], {}, np.array([0.8, 0.8]), 0.4)
    found = warnings_of(scores, "accuracy", 60, {"a": 100, "b": 20, "c": 3}, True)
    assert [sentence.split(":")[0] for sentence in found] == [
        "2 splits are few",
        "the test sets are small (60 samples)",
        "few labels have these classes, so that little can be said of them",
        "classes are unequal",
    ]
    assert "off by up to about 10 points" in found[1]
    assert "'c' (3)" in found[2]
    many = Measured([10], {}, np.full(5, 0.8), 0.4)
    assert warnings_of(many, "accuracy", 5000, {"a": 100, "b": 90}, True) == []


def test_it_tells_progress_and_can_be_cancelled():
    task, told = blobs(), []
    back_test(task, [made("COVERAGE", task)], Plan((0, 1), budgets=(10, 20)), lambda *what: told.append(what))
    done = [what[0] for what in told]
    assert done == sorted(done)
    assert told[-1] == (told[-1][1], told[-1][1], "replaying")

    def cancel(done: int, total: int, label: str = "") -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        back_test(task, [made("COVERAGE", task)], Plan((0, 1)), cancel)
