"""back_test on real datasets: what is read, what is replayed, what is refused, what is kept."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from sklearn.datasets import load_digits

from shortlist import (
    back_test,
    delete_back_test,
    delete_config,
    delete_selection,
    list_back_tests,
    load_back_test,
    save_config,
    score_uncertainty,
    select_samples,
)
from shortlist.core.back_testing import back_test as core
from shortlist.core.errors import Cancelled, ShortlistError

FAST = {"seeds": 2, "budgets": [20, 40], "strategies": ["MARGIN"]}


def classification(label, **attributes):
    return None if label is None else fo.Classification(label=label, **attributes)


@pytest.fixture(scope="module")
def digits(make_lasting):
    """150 handwritten digits under names of all kinds; the last ten have no label, five others no vector."""
    pixels, labels = load_digits(return_X_y=True)
    names = ["zéro", "一", "two.2", "three 3", "$4", "5", "6", "7", "8", "9"]
    samples = []
    for row in range(150):
        known = names[labels[row]] if row < 140 else None
        samples.append(
            fo.Sample(
                f"/nowhere/{row}.png",
                clip=None if 50 <= row < 55 else pixels[row].astype(np.float32) / 16,
                dino=np.append(pixels[row][::-1] / 16, 1.0).astype(np.float32),
                truth=classification(known),
                predictions=classification(names[labels[row]], confidence=0.6, probabilities=[0.6] + [0.4 / 9] * 9),
                video=f"video {row % 30}",
                hour=row,
                tags=["half"] if row < 70 else [],
            )
        )
    return make_lasting(samples, classes={"predictions": names, "truth": names})


@pytest.fixture(scope="module")
def made(digits):
    return back_test(digits, "truth", embeddings="clip", seeds=2, run_key="first")


@pytest.fixture
def config():
    """Saves a config, which is deleted when the test is over."""
    saved = []

    def save(name: str, *entries: dict, **more) -> str:
        save_config(name, {"n_samples": 5, "strategies": list(entries), **more})
        saved.append(name)
        return name

    yield save
    for name in saved:
        delete_config(name)


MARGIN = {
    "input": {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"},
    "strategy": {"type": "WEIGHTS"},
}
DIVERSITY = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "DIVERSITY"}}


# What is found ------------------------------------------------------------------------------------------------------


def test_curves_beside_random(made):
    report = made.report
    assert (report.labels, report.used, report.one_class, report.metric) == (135, 135, True, "accuracy")
    assert report.pool + report.test == 135
    assert report.random is report.curves[0]
    names = {curve.name for curve in report.curves}
    assert names == {"RANDOM", "COVERAGE", "COVERAGE weighted by margin", "DIVERSITY", "margin alone", "BADGE"}
    means = [curve.mean_difference.mean for curve in report.curves[1:]]
    assert means == sorted(means, reverse=True)
    assert all(0 <= one.mean <= 1 for curve in report.curves for one in curve.values)
    assert sum(report.classes.values()) == 135
    assert {"zéro", "一", "two.2", "$4"} < set(report.classes)
    assert "5 labelled samples have no embedding and are left out" in report.notes
    assert any(warning.startswith("the test sets are small") for warning in report.warnings)


def test_the_configs_can_be_used_as_they_are(made, digits):
    for key in ("COVERAGE_BY_MARGIN", "BADGE"):
        curve = next(one for one in made.report.curves if one.key == key)
        result = select_samples(digits, {"n_samples": 3, **curve.config}, "used")
        assert result.n_samples == 3
        delete_selection(digits, "used")


def test_it_says_it_to_people(made):
    lines = str(made).splitlines()
    assert lines[0].startswith("Back-tested on 135 labelled samples: ")
    assert lines[-1].split(maxsplit=2) == ["kept", "as", "run first"]
    assert any("what all others are compared with" in line for line in lines)
    assert any("forecast" in line and "random labels are expected to reach" in line for line in lines)


def test_it_is_kept_and_found_again(made, digits):
    (kept,) = [one for one in list_back_tests(digits) if one.run_key == "first"]
    assert (kept.label_field, kept.n_samples) == ("truth", 135)
    assert made.headline.endswith(kept.headline)
    assert load_back_test(digits, "first") == made.report
    assert load_back_test(digits[:3], "first").dataset == digits.name


def test_nothing_but_the_run_is_written(digits, documents):
    schema, before = digits.get_field_schema(flat=True).keys(), documents(digits)
    result = back_test(digits, "truth", embeddings="dino", **FAST)
    assert documents(digits) == before
    assert digits.get_field_schema(flat=True).keys() == schema
    assert result.run_key in digits.list_runs()
    delete_back_test(digits, result.run_key)
    assert result.run_key not in digits.list_runs()
    assert documents(digits) == before


def test_the_order_of_a_view_changes_nothing(digits):
    results = [
        back_test(view, "truth", embeddings="clip", run_key=key, **FAST)
        for key, view in (("sorted", digits), ("shuffled", digits.shuffle(seed=3)))
    ]
    assert results[0].report.curves == results[1].report.curves
    for key in ("sorted", "shuffled"):
        delete_back_test(digits, key)


def test_only_the_samples_that_count_as_labelled(digits):
    result = back_test(digits, "truth", embeddings="dino", labeled="half", **{**FAST, "run_key": "half"})
    assert result.report.labels == 70
    with pytest.raises(ShortlistError, match="Got 10 instead"):
        back_test(digits[60:], "truth", embeddings="dino", labeled="half", **FAST)
    delete_back_test(digits, "half")


def test_what_is_kept_together_is_never_split(digits, monkeypatch):
    seen, trials = [], core.trials
    monkeypatch.setattr(core, "trials", lambda task, *rest: seen.append(task) or trials(task, *rest))
    result = back_test(digits, "truth", embeddings="dino", keep_together="video", **FAST)
    assert len(np.unique(seen[0].groups)) == 30
    delete_back_test(digits, result.run_key)


# What is replayed ---------------------------------------------------------------------------------------------------


def test_a_config_reads_the_model_of_the_round_and_not_what_is_stored(digits, config):
    name = config("mïne", MARGIN)
    result = back_test(digits, "truth", embeddings="clip", configs=[name], **FAST)
    by_name = {curve.name: curve for curve in result.report.curves}
    # Stored margins are all alike; those of the round's model are what the named strategy reads.
    assert by_name["mïne"].values == by_name["margin alone"].values
    assert (by_name["mïne"].kind, by_name["mïne"].starts_by) == ("config", "COVERAGE")
    delete_back_test(digits, result.run_key)


def test_stored_scores_are_replaced_and_numbers_are_read(digits, config):
    score_uncertainty(digits, "predictions")
    field = {"type": "SCORES", "field": "predictions_uncertainty_margin"}
    names = [
        config("by score", {"input": field, "strategy": {"type": "WEIGHTS"}}),
        config("by metadata", {"input": {"type": "METADATA", "key": field["field"]}, "strategy": {"type": "WEIGHTS"}}),
        config("latest", {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}),
    ]
    result = back_test(digits, "truth", embeddings="clip", configs=names, **FAST)
    by_name = {curve.name: curve for curve in result.report.curves}
    assert by_name["by score"].values == by_name["by metadata"].values == by_name["margin alone"].values
    assert by_name["latest"].starts_by == "itself"
    assert by_name["latest"].values != by_name["margin alone"].values
    delete_back_test(digits, result.run_key)


def test_the_config_of_a_selection_with_rules_and_other_vectors(digits):
    rules = [{"type": "MAX_PER_GROUP", "key": "video", "maximum": 1}]
    other = {"input": {"type": "EMBEDDINGS", "field": "dino"}, "strategy": {"type": "COVERAGE"}}
    select_samples(
        digits,
        {"n_samples": 9, "strategies": [DIVERSITY, other], "constraints": rules, "candidates": "half"},
        "round_1",
    )
    result = back_test(digits, "truth", embeddings="clip", configs=["round_1"], **FAST)
    curve = next(curve for curve in result.report.curves if curve.kind == "selection")
    assert curve.values[0] is not None
    # One of each of the thirty videos is all that the rule allows.
    assert curve.values[1] is None
    assert curve.notes[0] == "candidates of the config do not count in a replay"
    assert curve.notes[1].startswith("ends before 40 labels: its rules allow")
    delete_back_test(digits, result.run_key)


def test_labels_that_a_strategy_picked_are_said_not_to_be_random(digits):
    select_samples(digits, {"n_samples": 60, "strategies": [DIVERSITY]}, "picked")
    result = back_test(digits, "truth", embeddings="clip", labeled="picked", **{**FAST, "budgets": [10, 20]})
    assert any(
        warning.startswith("100% of the labelled samples are the selection 'picked', not random ones")
        for warning in result.report.warnings
    )
    delete_back_test(digits, result.run_key)


@pytest.fixture
def detected_many(make):
    """Images whose vectors tell which of three classes they hold; one class is rare, and a tenth hold nothing."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((90, 6)).astype(np.float32)
    samples = []
    for row, vector in enumerate(vectors):
        held = [name for name, place in (("cat", 0), ("dög", 1), ("cow", 2)) if vector[place] > 0.2]
        held += ["rare"] if row < 4 else []
        boxes = [fo.Detection(label=name, bounding_box=[0, 0, 1, 1]) for name in held for _ in range(2)]
        samples.append(fo.Sample(f"/nowhere/{row}.png", clip=vector, boxes=fo.Detections(detections=boxes)))
    return make(samples)


def test_detections_are_learned_by_which_classes_an_image_holds(detected_many):
    result = back_test(detected_many, "boxes", seeds=2, budgets=[10, 40])
    report = result.report
    assert (report.metric, report.one_class, report.labels) == ("mean_average_precision", False, 90)
    assert set(report.classes) == {"cat", "dög", "cow"}
    assert "1 class that fewer than 10 labelled samples hold is not measured" in report.notes
    assert {curve.key for curve in report.curves} >= {"COVERAGE_BY_MARGIN", "KMEANS_BY_MARGIN"}
    assert report.whole_pool.mean > 0.8
    assert all(curve.config is None for curve in report.curves if curve.starts_by == "COVERAGE")


# What is refused ----------------------------------------------------------------------------------------------------


@pytest.fixture
def few(make):
    def made(labels, vectors=None, **more):
        rng = np.random.default_rng(0)
        vectors = list(rng.standard_normal((len(labels), 3))) if vectors is None else vectors
        return make(
            [
                fo.Sample(f"/nowhere/{row}.png", clip=vector, truth=classification(label), **more)
                for row, (label, vector) in enumerate(zip(labels, vectors, strict=True))
            ]
        )

    return made


def test_labels_that_say_nothing_are_refused(few, refused):
    dataset = few(["a"] * 30)
    with refused(dataset, "a back-test needs labels of at least two classes. Got 'a' for all 30 samples instead."):
        back_test(dataset, "truth")
    dataset = few(["a", "b"] * 15, [[1.0, 2.0]] * 15 + [None] * 15)
    with refused(
        dataset,
        "a back-test needs at least 20 labelled samples with an embedding. Got 15 instead. 15 more have a label and no "
        "embedding.",
    ):
        back_test(dataset, "truth")
    dataset = few([None] * 30)
    dataset.add_sample_field("truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    with refused(dataset, "a back-test needs samples with a label in 'truth'. Got none instead."):
        back_test(dataset, "truth")


def test_vectors_that_are_not_finite_are_refused(few, refused):
    vectors = [[float(row), float("nan") if row == 3 else 1.0] for row in range(30)]
    dataset = few(["a", "b"] * 15, vectors)
    third = dataset.values("id")[3]
    with refused(
        dataset, f"embeddings must be finite numbers. Got NaN or infinity in 'clip' for 1 sample(s) instead: {third}."
    ):
        back_test(dataset, "truth")


def test_fewer_labels_than_budgets(few, refused):
    dataset = few(["a", "b"] * 12)
    with refused(dataset, "budgets must be at most 16, the samples that are left to pick from. Got 100 instead."):
        back_test(dataset, "truth", budgets=[5, 100])
    result = back_test(dataset, "truth", seeds=2)
    assert result.report.budgets[-1] <= 16


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"label_field": "trut"}, "label_field must be a field of {name!r}. Got 'trut' instead. Did you mean 'truth'?"),
        ({"run_key": "first try"}, "run_key must be a letter followed by letters, digits and underscores."),
        ({"run_key": "taken"}, "run_key must be new. Got 'taken' instead. There is a run of that name."),
        ({"embeddings": "clipp"}, "embeddings must be a field of {name!r}. Got 'clipp' instead. Did you mean 'clip'?"),
        ({"strategies": ["COVERAG"]}, "strategies[0] must be one of COVERAGE,"),
        ({"configs": ["no"]}, "configs must be saved configs or selections of {name!r}. Got 'no' instead."),
        ({"metric": "mean_average_precision"}, "metric must be accuracy, balanced_accuracy or macro_f1, since a"),
        ({"budgets": [5], "rounds": 2}, "budgets must be given alone. Got batch_size or rounds beside them."),
        ({"budgets": [1]}, "budgets must be at least 2. Got 1 instead."),
        ({"labeled": "none"}, "labeled must be a tag, a saved view or a selection of {name!r}. Got 'none' instead."),
        ({"keep_together": "truth"}, "keep_together must be a field with one plain value a sample. Got"),
    ],
)
def test_bad_parameters_change_nothing(few, snapshot, parameters, sentence):
    dataset = few(["a", "b"] * 12)
    dataset.register_run("taken", dataset.init_run())
    before = snapshot(dataset)
    with pytest.raises(ShortlistError) as error:
        back_test(dataset, **{"label_field": "truth", **parameters})
    assert str(error.value).startswith(sentence.format(name=dataset.name))
    assert snapshot(dataset) == before


def test_what_cannot_be_replayed_is_refused(few, config):
    dataset = few(["a", "b"] * 12)
    name = config("sequences", DIVERSITY, selected_sequence_length=2)
    with pytest.raises(ShortlistError, match=r"^configs: 'sequences': selected_sequence_length cannot be replayed"):
        back_test(dataset, "truth", configs=[name])


def test_cancelled_it_leaves_nothing(few, snapshot):
    dataset = few(["a", "b"] * 12)
    before = snapshot(dataset)

    def cancel(done, total, label=""):
        if label == "replaying" and done > 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        back_test(dataset, "truth", progress=cancel)
    assert snapshot(dataset) == before


def test_an_unknown_back_test(few):
    dataset = few(["a", "b"] * 12)
    for call in (load_back_test, delete_back_test):
        with pytest.raises(ShortlistError, match=r"^run_key must be a back-test of .* It has none yet\. Make one with"):
            call(dataset, "first")


def test_what_was_killed_is_no_back_test_and_is_made_again(few):
    dataset = few(["a", "b"] * 12)
    dataset.register_run("half", dataset.init_run(method="shortlist/back_test", finished=False))
    assert list_back_tests(dataset) == []
    back_test(dataset, "truth", run_key="half", seeds=2, strategies=["COVERAGE"])
    assert [one.run_key for one in list_back_tests(dataset)] == ["half"]
