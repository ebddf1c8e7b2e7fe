"""score_label_quality on Classification fields."""

from __future__ import annotations

from typing import get_args

import fiftyone as fo
import numpy as np
import pytest

from shortlist import ShortlistError, score_label_quality
from shortlist.core.errors import Cancelled
from shortlist.core.quality.channel import Channel
from shortlist.core.quality.classification import self_confidence
from shortlist.core.quality.confident_issues import Rule, find_issues

CLASSES = ["cat", "dog", "fox"]
WRONG = {7: "cat", 40: "fox", 55: "cat", 90: "dog"}


def silent(*_: object) -> None:
    """No bar."""


def truth_of(row: int) -> str:
    return CLASSES[row % 3]


def probabilities_of(row: int, n: int = 120) -> np.ndarray:
    """What a model says that has not seen the labels: sure of most, less of some, and wrong about every tenth but unsure."""
    chance = np.random.default_rng(row)
    own = CLASSES.index(truth_of(row))
    if row % 10 == 3:
        values = np.full(3, 0.3)
        values[(own + 1) % 3] = 0.4
        return values / values.sum()
    values = chance.dirichlet(np.ones(3)) * 0.15
    values[own] += 0.85
    return values / values.sum()


def sample(row: int, given: str | None, prediction: fo.Classification | None) -> fo.Sample:
    label = None if given is None else fo.Classification(label=given, note=f"kept {row}")
    return fo.Sample(f"/nowhere/{row:03d}.png", ground_truth=label, predictions=prediction)


def prediction(row: int, **change: object) -> fo.Classification:
    values = probabilities_of(row)
    best = int(values.argmax())
    facts = {"label": CLASSES[best], "confidence": float(values[best]), "probabilities": values}
    return fo.Classification(**{**facts, **change})


def given_label(row: int) -> str:
    return WRONG.get(row, truth_of(row))


def samples(n: int = 120) -> list[fo.Sample]:
    return [sample(row, given_label(row), prediction(row)) for row in range(n)]


@pytest.fixture
def noisy(make):
    """A hundred and twenty labels, four of them wrong."""
    return make(samples(), classes={"predictions": CLASSES})


@pytest.fixture(scope="module")
def shared(make_lasting):
    """The same, for tests that each score it anew."""
    return make_lasting(samples(), classes={"predictions": CLASSES})


@pytest.fixture(scope="module")
def scored(make_lasting):
    """The same, scored, for tests that change nothing."""
    dataset = make_lasting(samples(), classes={"predictions": CLASSES})
    return dataset, score(dataset)


def score(dataset, **parameters):
    return score_label_quality(dataset, "ground_truth", "predictions", progress=silent, **parameters)


def flagged(dataset) -> dict[int, tuple[str, str]]:
    """Kind and suggestion of the samples with an issue, by their row."""
    found = zip(dataset.values("ground_truth_issue"), dataset.values("ground_truth_suggestion"), strict=True)
    return {row: pair for row, pair in enumerate(found) if pair[0] is not None}


class TestPlantedErrors:
    def test_are_found_with_what_they_should_be(self, scored):
        noisy, summary = scored
        assert flagged(noisy) == {row: ("wrong_class", truth_of(row)) for row in WRONG}
        assert (summary.n_flagged, summary.kinds, summary.n_labels) == (4, {"wrong_class": 4}, 120)
        assert summary.method == "noise_channel"
        assert 0 < summary.estimated_errors < 0.1

    def test_have_the_lowest_quality(self, scored):
        noisy, _ = scored
        quality = np.array(noisy.values("ground_truth_quality"))
        assert set(np.argsort(quality)[:4].tolist()) == set(WRONG)
        assert ((quality >= 0) & (quality <= 1)).all()

    def test_are_shown_in_order_of_severity(self, scored):
        noisy, summary = scored
        view = noisy.load_saved_view("ground_truth_issues")
        quality = view.values("ground_truth_quality")
        assert quality == sorted(quality)
        assert view.values("id") == summary.issues.values("id")
        assert {int(path[-7:-4]) for path in view.values("filepath")} == set(WRONG)
        assert "Select" not in str(view._serialize())

    def test_classes_and_confusions_are_counted(self, scored):
        _, summary = scored
        most = summary.confusions[0]
        assert (most.given, most.suggested, most.count) == ("cat", "dog", 2)
        assert {(one.given, one.suggested) for one in summary.confusions[1:]} == {("fox", "dog"), ("dog", "cat")}
        health = {one.name: (one.n_labels, one.n_issues) for one in summary.classes}
        given = [given_label(row) for row in range(120)]
        assert health == {name: (given.count(name), list(WRONG.values()).count(name)) for name in set(WRONG.values())}
        shares = [one.n_issues for one in summary.classes]
        assert shares == sorted(shares, reverse=True)

    def test_the_labels_themselves_stay_as_they_are(self, noisy, documents):
        ours = [f"ground_truth_{name}" for name in ("quality", "issue", "suggestion")]
        before = documents(noisy, without=["last_modified_at"])
        score(noisy)
        assert documents(noisy, without=["last_modified_at", *ours]) == before


class TestMethods:
    def test_a_score_by_name_is_its_formula(self, shared):
        score(shared, method="self_confidence")
        rows = np.stack([probabilities_of(row) for row in range(120)])
        labels = np.array([CLASSES.index(given_label(row)) for row in range(120)])
        assert shared.values("ground_truth_quality") == pytest.approx(self_confidence(rows, labels), abs=1e-6)

    def test_a_threshold_says_what_is_an_issue(self, shared):
        score(shared, method="normalized_margin", threshold=0.05)
        quality = np.array(shared.values("ground_truth_quality"))
        assert set(flagged(shared)) == set(np.flatnonzero(quality < 0.05).tolist())

    @pytest.mark.parametrize("rule", get_args(Rule))
    def test_a_rule_of_confident_learning_flags_what_it_flags(self, shared, rule):
        score(shared, find_issues=rule)
        rows = np.stack([probabilities_of(row) for row in range(120)]).astype(np.float32)
        labels = np.array([CLASSES.index(given_label(row)) for row in range(120)])
        expected = find_issues(rows, labels, rule)
        assert set(flagged(shared)) == set(np.flatnonzero(expected).tolist())
        assert set(WRONG) <= set(flagged(shared))

    def test_of_other_methods_prune_by_noise_rate_is_the_rule(self, shared):
        score(shared, method="normalized_margin")
        first = flagged(shared)
        score(shared, method="normalized_margin", find_issues="prune_by_noise_rate")
        assert flagged(shared) == first
        assert shared.get_run_info("ground_truth_quality").config.facts["rule"] == "prune_by_noise_rate"

    def test_of_another_task_is_refused(self, noisy, refused):
        names = "noise_channel, self_confidence, normalized_margin, confidence_weighted_entropy, log_odds_margin"
        with refused(
            noisy,
            f"method must be one of {names}, which apply to 'ground_truth', a Classification. Got 'objectlab' instead.",
        ):
            score(noisy, method="objectlab")


class TestFields:
    def test_say_what_they_are(self, scored):
        noisy, _ = scored
        quality = noisy.get_field("ground_truth_quality")
        assert quality.description.startswith("How likely the given label is right, in [0, 1]. Low: likely wrong.")
        mark = quality.info["shortlist"]
        assert (mark["status"], mark["verb"], mark["range"]) == ("complete", "score_label_quality", [0, 1])
        assert mark["parameters"]["predictions_field"] == "predictions"
        assert "pooling" not in mark["parameters"]
        assert {"ground_truth_quality", "ground_truth_issue", "ground_truth_suggestion"} <= set(noisy.list_indexes())
        group = next(one for one in noisy.app_config.sidebar_groups if one.name == "shortlist")
        assert set(group.paths) == {"ground_truth_quality", "ground_truth_issue", "ground_truth_suggestion"}

    def test_a_run_records_what_was_learned_and_found(self, scored):
        noisy, _ = scored
        record = noisy.get_run_info("ground_truth_quality").config
        assert (record.method, record.label_field) == ("shortlist/label_quality", "ground_truth")
        assert record.parameters["method"] == "noise_channel"
        assert record.facts["kinds"] == {"wrong_class": 4}
        learned = Channel.from_json(noisy.load_run_results("ground_truth_quality", cache=False).calibration)
        rows = np.stack([probabilities_of(row) for row in range(120)]).astype(np.float32)
        labels = np.array([CLASSES.index(given_label(row)) for row in range(120)])
        # New samples can be scored alike.
        assert noisy.values("ground_truth_quality") == pytest.approx(learned.quality(rows, labels)[0].tolist())
        assert record.facts["confusions"][0] == ["cat", "dog", 2]

    def test_a_second_run_replaces_the_first(self, noisy, documents):
        score(noisy)
        first = documents(noisy, without=["last_modified_at"])
        score(noisy)
        assert documents(noisy, without=["last_modified_at"]) == first
        assert noisy.list_runs() == ["ground_truth_quality"]
        assert noisy.list_saved_views() == ["ground_truth_issues"]

    def test_labels_mended_meanwhile_are_no_issues_any_more(self, noisy):
        score(noisy)
        for row in WRONG:
            mended = noisy.skip(row).first()
            mended.ground_truth.label = truth_of(row)
            mended.save()
        assert score(noisy).n_flagged == 0
        assert len(noisy.load_saved_view("ground_truth_issues")) == 0

    def test_of_a_view_only_its_samples_change(self, noisy):
        score(noisy[:60])
        assert noisy.count("ground_truth_quality") == 60
        assert set(flagged(noisy)) == {7, 40, 55}

    def test_names_of_any_alphabet(self, make):
        rows = samples()
        names = {"cat": "gato ü.", "dog": "$chien/é", "fox": "狐"}
        dataset = make(classes={"modèle 1": list(names.values())})
        for one in rows:
            one["étiquettes"] = fo.Classification(label=names[one.ground_truth.label])
            one["modèle 1"] = fo.Classification(
                label=names[one.predictions.label], probabilities=one.predictions.probabilities
            )
            one.clear_field("ground_truth")
            one.clear_field("predictions")
        dataset.add_samples(rows, progress=False)
        same = {name: name for name in names.values()}
        summary = score_label_quality(dataset, "étiquettes", "modèle 1", class_names=same, progress=silent)
        assert summary.n_flagged == 4
        assert dataset.skip(7).first()["étiquettes_suggestion"] == names[truth_of(7)]
        assert dataset.list_runs() == ["étiquettes_quality"]
        assert len(dataset.load_saved_view("étiquettes_issues")) == 4

    def test_inside_a_document(self, make):
        rows = samples()
        for one in rows:
            one["a"] = fo.DynamicEmbeddedDocument(gt=one.ground_truth)
        rows[0]["a"] = None
        dataset = make(rows, classes={"predictions": CLASSES})
        dataset.add_dynamic_sample_fields()
        summary = score_label_quality(dataset, "a.gt", "predictions", progress=silent)
        assert summary.path == "a.gt_quality"
        assert len(dataset.load_saved_view("a.gt_issues")) == 4
        assert dataset.list_runs() == ["a_gt_quality"]


class TestWhatThereIs:
    def test_samples_without_one_of_the_two_are_counted(self, make):
        rows = samples()
        rows[0].ground_truth = None
        rows[1].predictions = None
        rows[2].predictions = fo.Classification(label="cat")
        dataset = make(rows, classes={"predictions": CLASSES})
        summary = score(dataset)
        assert summary.unscoreable == {
            "samples without 'ground_truth'": 1,
            "samples without 'predictions'": 1,
            "samples whose prediction has no probabilities, logits or confidence": 1,
        }
        assert dataset.values("ground_truth_quality")[:3] == [None, None, None]
        assert (summary.n_samples, summary.n_labels) == (120, 117)

    def test_confidences_alone_are_used_and_said(self, make):
        rows = samples()
        for one in rows:
            del one.predictions["probabilities"]
        dataset = make(rows)
        summary = score(dataset)
        assert set(WRONG) <= set(flagged(dataset))
        assert any("only confidences" in note for note in summary.notes)

    def test_classes_alone_are_used_and_said(self, make):
        rows = samples()
        for row, one in enumerate(rows):
            one.predictions = fo.Classification(label=truth_of(row))
        dataset = make(rows)
        summary = score(dataset)
        assert {row: pair[1] for row, pair in flagged(dataset).items()} == {row: truth_of(row) for row in WRONG}
        assert any("only classes" in note for note in summary.notes)

    def test_predictions_that_know_the_labels_are_warned_of(self, make):
        known = np.eye(3) * 0.999 + 0.0005
        rows = [
            sample(
                row,
                truth_of(row),
                fo.Classification(label=truth_of(row), probabilities=known[row % 3] / known[0].sum()),
            )
            for row in range(60)
        ]
        dataset = make(rows, classes={"predictions": CLASSES})
        (warning,) = score(dataset).warnings
        assert warning.startswith(
            "'predictions' agrees with 100.0% of the labels and is all but certain of 100.0%: if the"
        )
        assert dataset.get_run_info("ground_truth_quality").config.facts["warnings"] == [warning]

    def test_honest_predictions_are_not(self, scored):
        assert scored[1].warnings == []


class TestClassNames:
    def test_that_differ_are_mapped(self, make):
        own = ["Felis", "Canis", "Vulpes"]
        rows = [
            sample(row, given_label(row), prediction(row, label=own[int(probabilities_of(row).argmax())]))
            for row in range(120)
        ]
        dataset = make(rows, classes={"predictions": own})
        summary = score(dataset, class_names=dict(zip(own, CLASSES, strict=True)))
        assert {row: pair[1] for row, pair in flagged(dataset).items()} == {row: truth_of(row) for row in WRONG}
        assert summary.n_flagged == 4

    def test_several_of_the_model_s_may_be_one_of_the_labels(self, make):
        own = ["cat", "wolf", "poodle", "fox"]
        rows = []
        for row in range(120):
            cat, dog, fox = probabilities_of(row)
            values = np.array([cat, dog * 0.7, dog * 0.3, fox])
            rows.append(
                sample(row, given_label(row), fo.Classification(label=own[values.argmax()], probabilities=values))
            )
        dataset = make(rows, classes={"predictions": own})
        score(dataset, class_names={"wolf": "dog", "poodle": "dog"}, method="self_confidence")
        expected = [probabilities_of(row)[CLASSES.index(given_label(row))] for row in range(120)]
        assert dataset.values("ground_truth_quality") == pytest.approx(expected, abs=1e-6)

    def test_that_share_nothing_are_refused(self, make, refused):
        rows = [sample(row, given_label(row).upper(), prediction(row)) for row in range(9)]
        dataset = make(rows, classes={"predictions": CLASSES})
        with refused(
            dataset,
            "label_field must hold classes of 'predictions'. Got 'CAT', 'DOG', 'FOX' in 'ground_truth' instead. Only the model "
            "knows cat, dog, fox. If the two fields name the same things differently, map the model's names with "
            "class_names={predicted: given}; else mend the labels or leave them out of the view.",
        ):
            score(dataset)

    def test_a_misspelt_label_is_refused(self, make, refused):
        rows = samples(30)
        rows[5].ground_truth.label = "foxx"
        dataset = make(rows, classes={"predictions": [*CLASSES, "foxy"]})
        for one in dataset:
            one.predictions.probabilities = [*one.predictions.probabilities, 0.0]
            one.save()
        with refused(
            dataset,
            "label_field must hold classes of 'predictions'. Got 'foxx' in 'ground_truth' instead. Did you mean 'foxy'? Only "
            "the model knows foxy. If the two fields name the same things differently, map the model's names with "
            "class_names={predicted: given}; else mend the labels or leave them out of the view.",
        ):
            score(dataset)

    def test_a_mapping_of_unknown_classes_is_refused(self, noisy, refused):
        with refused(
            noisy,
            "class_names must be a mapping of the classes of 'predictions'. Got 'catt' instead. Did you mean 'cat'?",
        ):
            score(noisy, class_names={"catt": "cat"})

    def test_vectors_of_unnamed_classes_are_refused(self, make, refused):
        with refused(
            dataset := make(samples(9)),
            "dataset.classes['predictions'] must list the model's classes in the order of its probabilities, since which label "
            "is likely wrong depends on which is whose. Got no class list instead.",
        ):
            score(dataset)


class TestRefusals:
    def test_swapped_fields(self, noisy, refused):
        with refused(
            noisy,
            "predictions_field must be the field with a model's predictions, which have confidences, logits or probabilities. "
            "Got 'ground_truth' instead. Those of label_field, 'predictions', have them: the two seem to be swapped.",
        ):
            score_label_quality(noisy, "predictions", "ground_truth", progress=silent)

    def test_one_field_for_both(self, noisy, refused):
        with refused(noisy, "predictions_field must be another field than label_field. Got 'ground_truth' for both."):
            score_label_quality(noisy, "ground_truth", "ground_truth", progress=silent)

    def test_fields_of_two_types(self, noisy, refused):
        noisy.add_sample_field("boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
        with refused(
            noisy,
            "predictions_field must be a Classification field like 'ground_truth'. Got 'boxes (Detections)' instead. This "
            "dataset has predictions.",
        ):
            score_label_quality(noisy, "ground_truth", "boxes", progress=silent)

    def test_fields_of_frames(self, make, refused):
        video = fo.Sample("/nowhere/0.mp4")
        video.frames[1] = fo.Frame(gt=fo.Classification(label="a"), pred=fo.Classification(label="a", confidence=0.5))
        dataset = make([video])
        with refused(
            dataset,
            "label_field and predictions_field must be fields of samples, not of frames. Got 'frames.gt' instead. Make a "
            "dataset of the frames with dataset.to_frames().clone() and run on that.",
        ):
            score_label_quality(dataset, "frames.gt", "frames.pred", progress=silent)

    def test_labels_without_a_place(self, make, refused):
        clip = fo.TemporalDetections(detections=[fo.TemporalDetection(label="a", support=[1, 2])])
        dataset = make([fo.Sample("/nowhere/0.mp4", gt=clip, pred=clip.copy())])
        with refused(dataset, "label_field must be labels of images. Got 'gt (TemporalDetections)' instead."):
            score_label_quality(dataset, "gt", "pred", progress=silent)

    def test_predictions_of_no_class(self, make, refused):
        dataset = make([sample(0, "cat", fo.Classification()), sample(1, "dog", None)])
        with refused(
            dataset, "predictions_field must be a field with predictions of some class. Got 'predictions' instead."
        ):
            score(dataset)

    def test_a_field_that_is_not_there(self, noisy, refused):
        with refused(
            noisy,
            f"label_field must be a field of {noisy.name!r}. Got 'groundtruth' instead. Did you mean 'ground_truth'?",
        ):
            score_label_quality(noisy, "groundtruth", "predictions", progress=silent)

    @pytest.mark.parametrize(
        "values", [[0.5, float("nan"), 0.5], [0.9, 0.9, 0.9], [-0.5, 0.5, 1.0]], ids=["nan", "sum", "negative"]
    )
    def test_probabilities_that_are_none(self, make, snapshot, values):
        rows = samples(30)
        rows[4].predictions.probabilities = values
        dataset = make(rows, classes={"predictions": CLASSES})
        before = snapshot(dataset)
        with pytest.raises(ShortlistError, match=r"^sample .*, field 'predictions': probabilities must be"):
            score(dataset)
        assert snapshot(dataset) == before

    def test_probabilities_of_another_number_of_classes(self, make, snapshot):
        rows = samples(30)
        rows[4].predictions.probabilities = [0.5, 0.5]
        dataset = make(rows, classes={"predictions": CLASSES})
        before = snapshot(dataset)
        with pytest.raises(ShortlistError, match=r"a vector of 3 values"):
            score(dataset)
        assert snapshot(dataset) == before

    def test_nothing_in_common(self, make, refused):
        rows = [sample(0, "cat", None), sample(1, None, prediction(1)), sample(2, "dog", None)]
        dataset = make(rows, classes={"predictions": CLASSES})
        with refused(
            dataset,
            "label_field and predictions_field must have labels of the same samples. Got none that can be scored instead (1 "
            "samples without 'ground_truth'; 2 samples without 'predictions').",
        ):
            score(dataset)

    def test_a_field_of_the_user_s(self, make, refused):
        rows = samples(9)
        for one in rows:
            one["ground_truth_issue"] = "mine"
        dataset = make(rows, classes={"predictions": CLASSES})
        with refused(
            dataset,
            "the result field 'ground_truth_issue' must be new or Shortlist's own. Got a field of yours instead; nothing was "
            "written. Rename it with dataset.rename_sample_field('ground_truth_issue', ...) and run again.",
        ):
            score(dataset)

    def test_a_saved_view_of_the_user_s(self, noisy, refused):
        noisy.save_view("Ground truth issues", noisy.limit(3))
        with refused(
            noisy,
            "the saved view 'ground_truth_issues' must be new or Shortlist's own. Got a view named 'Ground truth issues' "
            "instead, which FiftyOne takes for the same; nothing was written. Rename that view or the label field and run "
            "again.",
        ):
            score(noisy)

    def test_a_label_that_comes_while_it_runs(self, noisy, documents):
        def relabel(done: int, total: int, what: str) -> None:
            if what.startswith("learning"):
                noisy.limit(1).set_field("ground_truth.label", "quite new").save("ground_truth")

        with pytest.raises(
            ShortlistError, match=r"^the labels must stay the same while they are read\. 'quite new' has come"
        ):
            score_label_quality(noisy, "ground_truth", "predictions", progress=relabel)
        assert not noisy.has_field("ground_truth_quality")
        assert noisy.list_runs() == []

    def test_a_run_of_the_user_s(self, noisy, refused):
        noisy.register_run("ground_truth_quality", noisy.init_run(kind="mine"))
        with refused(
            noisy,
            "the run 'ground_truth_quality' must be new or Shortlist's own. Got another run of that name instead; nothing was "
            "written. Rename it with dataset.rename_run('ground_truth_quality', ...) and run again.",
        ):
            score(noisy)

    def test_a_cancelled_run_writes_nothing(self, noisy, snapshot):
        calls = []

        def stop(done: int, total: int, label: str = "") -> None:
            calls.append(done)
            if done > 120:
                raise Cancelled

        before = snapshot(noisy)
        with pytest.raises(Cancelled):
            score_label_quality(noisy, "ground_truth", "predictions", progress=stop)
        assert snapshot(noisy) == before
        assert calls == [120, 240]


def test_the_summary_says_all_of_it(scored):
    text = str(scored[1])
    assert text.startswith("Found 4 suspected errors in 4 of 120 samples of 'ground_truth'\n")
    for line in (
        "wrong class",
        "estimated errors",
        "class dog",
        "confused",
        "kept as",
        "saved view ground_truth_issues",
    ):
        assert line in text
