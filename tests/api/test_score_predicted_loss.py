"""score_predicted_loss: from labelled samples to a loss for every sample, and how far to trust it."""

from __future__ import annotations

import os
import signal

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from scipy.stats import spearmanr

from shortlist import ShortlistError, score_predicted_loss, select_samples
from shortlist.api.summary import PredictedLossSummary
from shortlist.core.errors import Cancelled
from shortlist.core.scores.reliability import Estimate, Reliability
from shortlist.dataset.results import Staging, is_complete

N, LABELED = 300, 150
FIELD = "predictions_predicted_loss"
CLASSES = ["cat", "dog", "emu"]


def classified(make, change=None, labeled: int = LABELED, **attributes):
    """Predictions that are wrong where the first number of the vector is high, of which the first half has the truth.

    Args:
        make: the fixture
        change: called with each sample's row and fields before it is made
        labeled: how many have ground truth
    """
    rng = np.random.default_rng(5)
    samples = []
    for row in range(N):
        probabilities = rng.dirichlet([6, 1, 1])[rng.permutation(3)]
        vector = rng.normal(size=4)
        best = int(probabilities.argmax())
        true = (best + 1) % 3 if vector[0] > 0.6 else best
        fields = {
            "predictions": fo.Classification(
                label=CLASSES[best], confidence=float(probabilities[best]), probabilities=probabilities.tolist()
            ),
            "truth": fo.Classification(label=CLASSES[true]) if row < labeled else None,
            "vector": vector.astype(np.float32),
            "true_class": true,
        }
        if change is not None:
            change(row, fields)
        samples.append(fo.Sample(f"/nowhere/{row}.png", **fields))
    return make(samples, **{"classes": {"predictions": CLASSES}, **attributes})


def losses_of(dataset) -> np.ndarray:
    """What every prediction really cost."""
    probabilities = np.array(dataset.values("predictions.probabilities"))
    return -np.log(np.clip(probabilities[np.arange(N), dataset.values("true_class")], 1e-4, 1))


def predicted(dataset, field: str = FIELD) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in dataset.values(field)])


def box(label: str, x: float, confidence: float | None = None, **more) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[x, 0.2, 0.1, 0.3], confidence=confidence, **more)


def detected(make, change=None, **attributes):
    """As many unsure predictions as there are errors, and sure ones that are right; the first half has the truth."""
    rng = np.random.default_rng(6)
    samples = []
    for row in range(N):
        right, wrong = int(rng.integers(4)), int(rng.integers(4))
        places = (np.arange(8) / 8).tolist()
        found = [box("cat", places[place], float(rng.uniform(0.8, 1))) for place in range(right)]
        found += [box("dog", places[4 + place], float(rng.uniform(0.3, 0.5))) for place in range(wrong)]
        true = [box("cat", places[place]) for place in range(right)]
        fields = {
            "predictions": fo.Detections(detections=found),
            "truth": fo.Detections(detections=true) if row < LABELED else None,
            "errors": wrong,
        }
        if change is not None:
            change(row, fields)
        samples.append(fo.Sample(f"/nowhere/{row}.png", **fields))
    return make(samples, **attributes)


# What it writes --------------------------------------------------------------------------------------------------------


def test_losses_of_classifications_are_predicted(make):
    dataset = classified(make)
    summary = score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    found, true = predicted(dataset), losses_of(dataset)
    assert not np.isnan(found).any()
    by_entropy = [-sum(p * np.log(p) for p in row) for row in dataset.values("predictions.probabilities")]
    unseen = slice(LABELED, None)
    assert spearmanr(found[unseen], true[unseen])[0] > spearmanr(by_entropy[unseen], true[unseen])[0] + 0.1
    assert abs(found[unseen].mean() / true[:LABELED].mean() - 1) < 0.15
    assert (summary.n_samples, summary.n_scored, summary.unscoreable, summary.n_unknown) == (N, N, {}, 0)
    np.testing.assert_allclose(summary.mean, found.mean())
    assert summary.warnings == []


def test_labelled_samples_get_what_was_said_of_them_unseen(make):
    dataset = classified(make)
    reliability = score_predicted_loss(dataset, "predictions", "truth", embeddings="vector").reliability
    found, true = predicted(dataset)[:LABELED], losses_of(dataset)[:LABELED]
    assert reliability.n_labeled == LABELED
    np.testing.assert_allclose(spearmanr(found, true)[0], reliability.spearman.value, atol=1e-9)
    by_entropy = [-sum(p * np.log(p) for p in row) for row in dataset.values("predictions.probabilities")][:LABELED]
    np.testing.assert_allclose(spearmanr(by_entropy, true)[0], reliability.spearman_uncertainty.value, atol=1e-4)


def test_errors_of_detections_are_predicted(make):
    dataset = detected(make)
    summary = score_predicted_loss(dataset, "predictions", "truth")
    found, errors = predicted(dataset), np.array(dataset.values("errors"))
    assert spearmanr(found[LABELED:], errors[LABELED:])[0] > 0.9
    assert abs(found[LABELED:].mean() / errors[LABELED:].mean() - 1) < 0.2
    assert summary.reliability.spearman.low > 0.85
    assert summary.unit == "wrong and missed objects"
    assert (summary.n_scored, summary.unscoreable) == (N, {})


def test_the_field_says_what_it_is_and_how_far_to_trust_it(make):
    dataset = classified(make)
    before = dataset.get_field_schema()
    summary = score_predicted_loss(dataset, "predictions", "truth", seed=3)
    assert set(dataset.get_field_schema()) - set(before) == {FIELD}
    field, measured = dataset.get_field(FIELD), summary.reliability
    info = field.info["shortlist"]
    assert isinstance(field, fo.FloatField)
    assert FIELD in dataset.list_indexes()
    groups = {group.name: group.paths for group in dataset.app_config.sidebar_groups}
    assert FIELD in groups["shortlist"]
    assert (info["verb"], info["status"], info["range"]) == ("score_predicted_loss", "complete", [0, None])
    assert info["n_labeled"] == LABELED
    assert info["spearman"] == {
        "value": measured.spearman.value,
        "low": measured.spearman.low,
        "high": measured.spearman.high,
    }
    assert info["parameters"]["seed"] == 3
    assert info["parameters"]["ground_truth"] == "truth"
    assert f"{measured.spearman.value:.2f}" in field.description


def test_the_summary_puts_plain_entropy_beside_it(make):
    text = str(score_predicted_loss(classified(make), "predictions", "truth", embeddings="vector"))
    lines = text.splitlines()
    assert lines[0] == f"Predicted the loss of {N} samples from {LABELED} labelled ones"
    starts = [line.strip().split("  ")[0] for line in lines[1:]]
    assert starts == [FIELD, "rank correlation", "plain entropy", "gain", "of the loss in the top 20 %"]
    assert "95 % interval" in lines[2]


def test_nobody_trusts_noise_blindly(make):
    rng = np.random.default_rng(0)

    def guess(row, fields):
        fields["predictions"] = fo.Classification(label="cat", confidence=0.5)
        fields["truth"] = fo.Classification(label=CLASSES[rng.integers(3)]) if row < LABELED else None

    summary = score_predicted_loss(classified(make, guess), "predictions", "truth", embeddings="vector")
    assert summary.reliability.spearman.low <= 0
    warning = "nothing was learned: the rank correlation is not shown to be above 0. Do not sort by this field"
    assert summary.warnings == [warning]
    assert warning in str(summary)


def test_what_entropy_does_as_well_is_said(make):
    def fair(row, fields):
        # A perfectly calibrated model: its own probabilities say all there is to know.
        chance = np.random.default_rng(row)
        true = chance.choice(3, p=np.array(fields["predictions"].probabilities))
        fields["truth"] = fo.Classification(label=CLASSES[true]) if row < LABELED else None

    summary = score_predicted_loss(classified(make, fair), "predictions", "truth")
    assert summary.reliability.spearman.low > 0
    assert summary.warnings == [
        "not shown to be better than plain entropy, which needs no labels: score_uncertainty may do as well"
    ]


@pytest.mark.parametrize(
    ("spearman", "gain", "warning"),
    [
        ((0.4, 0.2, 0.6), (0.1, 0.02, 0.2), None),
        ((0.4, 0.2, 0.6), (0.1, 0.0, 0.2), "not shown to be better than plain entropy"),
        (
            (0.4, 0.2, 0.6),
            (-0.1, -0.2, -0.01),
            "worse than plain entropy, which needs no labels: use score_uncertainty",
        ),
        ((-0.2, -0.3, -0.1), (0.1, 0.02, 0.2), "nothing was learned: the rank correlation is not shown to be above 0"),
    ],
)
def test_what_the_figures_mean_is_said(spearman, gain, warning):
    reliability = Reliability(150, Estimate(*spearman), Estimate(0.3, 0.1, 0.5), Estimate(*gain), 0.3, 0.3, 0.6)
    summary = PredictedLossSummary("predictions", FIELD, N, N, 1.0, "nats", reliability, {}, 0, LABELED)
    told = [value for what, value in summary.rows() if what == "warning"]
    assert len(told) == (warning is not None)
    assert all(one.startswith(warning) for one in told)


def test_what_is_told_is_told_of_what_is_written(make):
    """Where an order finds small losses only, the loss to expect is the same for all, and so no order is claimed."""
    dataset = classified(make)
    reliability = score_predicted_loss(dataset, "predictions", "truth").reliability
    found = predicted(dataset)
    np.testing.assert_allclose(found, losses_of(dataset)[:LABELED].mean())
    assert np.ptp(found) == 0
    assert (reliability.spearman.value, reliability.spearman.low, reliability.spearman.high) == (0, 0, 0)
    np.testing.assert_allclose(reliability.found, 0.2)


def test_where_all_samples_are_labelled_it_says_so(make):
    dataset = classified(make, labeled=N)
    summary = score_predicted_loss(dataset[:200], "predictions", "truth", embeddings="vector")
    assert (summary.n_learned, summary.n_scored) == (200, 200)
    assert ("note", "all of these samples are labelled: nothing is predicted for unlabelled ones") in list(
        summary.rows()
    )
    dataset[:150].tag_samples("known")
    summary = score_predicted_loss(dataset, "predictions", "truth", embeddings="vector", labeled="known")
    assert (summary.n_learned, summary.n_scored) == (150, N)
    assert "all of these" not in str(summary)


def test_a_selection_can_prefer_it(make):
    dataset = classified(make)
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    config = {
        "n_samples": 20,
        "strategies": [{"input": {"type": "SCORES", "field": FIELD}, "strategy": {"type": "WEIGHTS"}}],
    }
    view = select_samples(dataset.exists("truth", False), config, "round_1").view
    expected = sorted(predicted(dataset)[LABELED:])[::-1][:20]
    assert view.values(FIELD) == expected


# What it learns from ----------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_whatever_the_order_of_the_samples(make):
    dataset = classified(make)
    found = []
    for view in (dataset, dataset.sort_by("vector", reverse=True), dataset.shuffle(seed=1)):
        score_predicted_loss(view, "predictions", "truth", embeddings="vector")
        found.append(predicted(dataset))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector", seed=1)
    assert (predicted(dataset) != found[0]).any()


def test_a_saved_view_in_another_order_teaches_the_same(make):
    dataset = classified(make)
    score_predicted_loss(dataset, "predictions", "truth")
    expected = predicted(dataset)
    dataset.save_view("known, shuffled", dataset.exists("truth").shuffle(seed=4))
    score_predicted_loss(dataset, "predictions", "truth", labeled="known, shuffled")
    np.testing.assert_array_equal(predicted(dataset), expected)


def test_only_what_is_named_is_learned_from(make):
    dataset = classified(make)
    dataset[:120].tag_samples("held out")
    summary = score_predicted_loss(dataset, "predictions", "truth", labeled="held out")
    first = predicted(dataset)
    assert summary.reliability.n_labeled == 120
    assert dataset.get_field(FIELD).info["shortlist"]["parameters"]["labeled"] == "held out"
    # What the other labels say changes nothing.
    others = dataset[120:LABELED]
    others.set_values("truth.label", ["emu"] * len(others))
    score_predicted_loss(dataset, "predictions", "truth", labeled="held out")
    np.testing.assert_array_equal(predicted(dataset), first)


def test_a_view_of_unlabelled_samples_is_scored_from_the_labelled_ones_outside(make):
    dataset = classified(make)
    view = dataset[LABELED : LABELED + 50]
    summary = score_predicted_loss(view, "predictions", "truth", embeddings="vector")
    assert (summary.n_samples, summary.reliability.n_labeled) == (50, LABELED)
    assert np.isnan(predicted(dataset)).tolist() == [not LABELED <= row < LABELED + 50 for row in range(N)]
    alone = predicted(view)
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    np.testing.assert_allclose(predicted(view), alone, rtol=1e-9)


def test_a_class_that_the_model_does_not_know_costs_most_and_is_counted(make):
    def strange(row, fields):
        if row < 10:
            fields["truth"] = fo.Classification(label="yak")

    summary = score_predicted_loss(classified(make, strange), "predictions", "truth")
    assert summary.n_unknown == 10
    assert "10 labelled samples have a class that the model does not know" in str(summary)


def test_logits_and_confidences_do_too(make):
    def logits(row, fields):
        label = fields["predictions"]
        label.logits, label.probabilities = np.log(label.probabilities), None

    def confidence(row, fields):
        fields["predictions"].probabilities = None

    dataset = classified(make)
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    others = [classified(make, logits), classified(make, confidence, classes={})]
    for other in others:
        summary = score_predicted_loss(other, "predictions", "truth", embeddings="vector")
        assert summary.n_scored == N
        assert summary.reliability.gain.low > 0
    np.testing.assert_allclose(predicted(others[0]), predicted(dataset), rtol=1e-3)


def test_detections_less_confident_than_asked_are_no_errors(make):
    dataset = detected(make)
    score_predicted_loss(dataset, "predictions", "truth")
    assert predicted(dataset).mean() > 1
    with pytest.raises(ShortlistError, match=r"^the losses of the labelled samples must differ. Got 0 for all 150"):
        score_predicted_loss(dataset, "predictions", "truth", min_confidence=0.6)


def test_boxes_must_overlap_as_much_as_asked(make):
    def moved(row, fields):
        for one in fields["truth"].detections if fields["truth"] else []:
            one.bounding_box[0] += 0.02

    dataset = detected(make, moved)
    score_predicted_loss(dataset, "predictions", "truth", iou=0.6)
    loose = predicted(dataset).mean()
    score_predicted_loss(dataset, "predictions", "truth", iou=0.7)
    assert predicted(dataset).mean() > loose + 1


def test_labels_that_stand_for_a_crowd_are_not_missed(make):
    def crowd(row, fields):
        if fields["truth"] is not None:
            fields["truth"].detections.append(box("cat", 0.9, iscrowd=True))

    dataset = detected(make)
    score_predicted_loss(dataset, "predictions", "truth")
    crowded = detected(make, crowd)
    score_predicted_loss(crowded, "predictions", "truth")
    np.testing.assert_array_equal(predicted(crowded), predicted(dataset))


# Near copies ---------------------------------------------------------------------------------------------------------------


def copied(make, **attributes):
    """Fifty scenes of six near copies, whose losses are chance: nothing that is learned of one scene holds for another."""
    rng = np.random.default_rng(2)
    scenes = [(rng.normal(size=8), int(rng.integers(2))) for _ in range(50)]

    def scene(row, fields):
        vector, right = scenes[row // 6]
        fields["predictions"] = fo.Classification(label="cat", confidence=0.6, probabilities=[0.6, 0.2, 0.2])
        fields["truth"] = fo.Classification(label="cat" if right else "dog")
        fields["vector"] = (vector + rng.normal(scale=0.01, size=8)).astype(np.float32)
        fields["video"] = f"v{row // 6}" if row else None

    return classified(make, scene, **attributes)


def test_near_copies_that_are_dealt_apart_look_like_knowledge_and_kept_together_do_not(make):
    dataset = copied(make)
    apart = score_predicted_loss(dataset, "predictions", "truth", embeddings="vector").reliability
    together = score_predicted_loss(
        dataset, "predictions", "truth", embeddings="vector", keep_together="video"
    ).reliability
    assert apart.spearman.low > 0.2
    assert together.spearman.low <= 0
    assert dataset.get_field(FIELD).info["shortlist"]["parameters"]["keep_together"] == "video"


def test_slices_of_a_group_are_kept_together_unasked(make):
    flat = copied(make)
    first = score_predicted_loss(flat, "predictions", "truth", embeddings="vector", keep_together="video").reliability
    grouped = make(classes={"predictions": CLASSES})
    grouped.add_group_field("group", default="0")
    scenes = [fo.Group() for _ in range(50)]
    samples = []
    for row, sample in enumerate(flat):
        fields = {name: sample[name] for name in ("predictions", "truth", "vector")}
        element = scenes[row // 6].element(str(row % 6))
        samples.append(fo.Sample(f"/nowhere/{row}.png", group=element, **fields))
    grouped.add_samples(samples, progress=False)
    every = grouped.select_group_slices(_allow_mixed=True)
    second = score_predicted_loss(every, "predictions", "truth", embeddings="vector").reliability
    assert second.n_labeled == N
    # All but one sample, which the field puts with no scene.
    assert abs(second.spearman.value - first.spearman.value) < 0.1
    assert second.spearman.low <= 0


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("tags", "keep_together must be a field with one plain value a sample. Got 'tags (ListField)' instead."),
        ("filepth", "keep_together must be a field of {name!r}. Got 'filepth' instead. Did you mean 'filepath'?"),
        ("vector", "keep_together must be a field with one plain value a sample. Got 'vector (VectorField)' instead."),
        ("predictions", "keep_together must be a field with one plain value a sample. Got 'predictions (EmbeddedDocumentField)'"
         " instead."),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_together(make, refused, path, sentence):
    dataset = classified(make)
    with refused(dataset, sentence.format(name=dataset.name)):
        score_predicted_loss(dataset, "predictions", "truth", keep_together=path)


def test_all_in_one_group_leaves_nothing_to_judge_by(make, refused):
    def same(row, fields):
        fields["video"] = row % 3

    dataset = classified(make, same)
    sentence = "the labelled samples must be of at least 5 groups, one for each of the folds. Got 3 instead."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth", keep_together="video")


# What cannot be scored ----------------------------------------------------------------------------------------------------


def test_what_cannot_be_scored_is_none_and_counted(make):
    def lacking(row, fields):
        if row in (0, 200):
            fields["predictions"] = None
        if row in (1, 201, 202):
            fields["predictions"] = fo.Classification(label="cat")
        if row in (2, 203):
            fields["vector"] = None

    dataset = classified(make, lacking)
    summary = score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    assert [row for row, value in enumerate(dataset.values(FIELD)) if value is None] == [0, 1, 2, 200, 201, 202, 203]
    assert summary.unscoreable == {
        "no 'predictions'": 2,
        "predictions without probabilities, logits or a confidence": 3,
        "no vector in 'vector'": 2,
    }
    assert (summary.n_scored, summary.reliability.n_labeled) == (N - 7, LABELED - 3)
    assert "2 samples: no 'predictions'" in str(summary)


def test_detections_without_objects_are_scored_and_without_confidences_not(make):
    def lacking(row, fields):
        if row == 200:
            fields["predictions"] = fo.Detections()
        if row == 201:
            fields["predictions"] = fo.Detections(detections=[box("cat", 0.1)])
        if row == 202:
            fields["predictions"] = None

    dataset = detected(make, lacking)
    summary = score_predicted_loss(dataset, "predictions", "truth")
    found = dataset.values(FIELD)
    assert found[200] is not None
    assert [row for row, value in enumerate(found) if value is None] == [201, 202]
    assert sum(summary.unscoreable.values()) == 2


# Runs ----------------------------------------------------------------------------------------------------------------------


def test_it_can_be_run_again(make, documents):
    dataset = classified(make)
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    first = predicted(dataset)
    score_predicted_loss(dataset, "predictions", "truth")
    second = predicted(dataset)
    assert (first != second).any()
    score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")
    np.testing.assert_array_equal(predicted(dataset), first)


def test_nothing_else_changes(make, documents):
    dataset = detected(make)
    before = documents(dataset, without=[FIELD, "last_modified_at"])
    score_predicted_loss(dataset, "predictions", "truth")
    assert documents(dataset, without=[FIELD, "last_modified_at"]) == before


@pytest.mark.parametrize("stage", ["reading labelled samples", "learning losses", "predicting losses of predictions"])
@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
def test_stopped_before_the_end_nothing_is_written(make, snapshot, stage, error):
    dataset = classified(make)
    before = snapshot(dataset)
    told = []

    def stop(done, total, label=""):
        told.append(label)
        if label == stage:
            raise error

    with pytest.raises(type(error)):
        score_predicted_loss(dataset, "predictions", "truth", progress=stop)
    assert told[-1] == stage
    assert snapshot(dataset) == before
    score_predicted_loss(dataset, "predictions", "truth")
    assert is_complete(dataset, FIELD)


def test_ctrl_c_while_results_are_merged_waits_for_them(make, monkeypatch):
    dataset = classified(make)
    merge = Staging.merge

    def interrupted(self, *update):
        os.kill(os.getpid(), signal.SIGINT)
        merge(self, *update)

    monkeypatch.setattr(Staging, "merge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score_predicted_loss(dataset, "predictions", "truth")
    assert is_complete(dataset, FIELD)
    assert None not in dataset.values(FIELD)


def test_unusual_names(make):
    def renamed(row, fields):
        fields["modèle (v2) 1"] = fields.pop("predictions")
        fields["vérité 1"] = fields.pop("truth")
        fields["вектор"] = fields.pop("vector")

    dataset = classified(make, renamed, classes={"modèle (v2) 1": CLASSES})
    dataset[:LABELED].tag_samples("held out, 50 %")
    summary = score_predicted_loss(dataset, "modèle (v2) 1", "vérité 1", embeddings="вектор", labeled="held out, 50 %")
    assert summary.path == "modèle (v2) 1_predicted_loss"
    assert not np.isnan(predicted(dataset, summary.path)).any()


def test_fields_inside_documents(make):
    def moved(row, fields):
        fields["model"] = fo.DynamicEmbeddedDocument(output=fields.pop("predictions"))

    dataset = classified(make, moved, classes={"model.output": CLASSES})
    dataset.add_dynamic_sample_fields()
    summary = score_predicted_loss(dataset, "model.output", "truth")
    assert summary.path == "model.output_predicted_loss"
    assert None not in dataset.values(summary.path)
    assert dataset.first()["model"]["output"].label in CLASSES


# Refusals -------------------------------------------------------------------------------------------------------------------


def test_too_few_labelled_samples(make, refused):
    dataset = classified(make, labeled=99)
    sentence = "predicting losses needs at least 100 samples with both a prediction and ground truth. Got 99 instead. "
    sentence += "Label more, or sort by uncertainty."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth")


def test_no_labelled_samples_at_all(make, refused):
    dataset = classified(make)
    dataset[LABELED:].tag_samples("new")
    sentence = "predicting losses needs at least 100 samples with both a prediction and ground truth. Got 0 instead. "
    sentence += "Label more, or sort by uncertainty."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth", labeled="new")


def test_too_few_of_the_labelled_samples_can_be_learned_from(make, refused):
    def lacking(row, fields):
        if row < 60:
            fields["vector"] = None
        elif row < 70:
            fields["predictions"] = fo.Classification(label="cat")

    dataset = classified(make, lacking)
    sentence = (
        "predicting losses needs at least 100 samples with both a prediction and ground truth. Got 80 instead (60 more have no "
        "vector in 'vector'; 10 more have no probabilities, logits or confidence). Label more, or sort by uncertainty."
    )
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")


def test_ground_truth_in_other_words_than_the_model_s(make, refused):
    def renamed(row, fields):
        if row < LABELED:
            fields["truth"] = fo.Classification(label=f"n{row % 3:08d}")

    dataset = classified(make, renamed)
    sentence = (
        "ground_truth must have classes of the model (cat, dog, emu). Got others on all 150 labelled samples instead."
    )
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth")


@pytest.mark.parametrize("box", [[0.1, 0.1, 0.2], [0.1, 0.1, 0.2, float("nan")], [0.1, 0.1, 0.2, None]])
def test_boxes_that_are_none(make, snapshot, box):
    def broken(row, fields):
        if row == 3:
            fields["truth"].detections = [fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])]

    dataset = detected(make, broken)
    third = dataset.skip(3).first().id
    dataset._sample_collection.update_one({"_id": ObjectId(third)}, {"$set": {"truth.detections.0.bounding_box": box}})
    before = snapshot(dataset)
    with pytest.raises(
        ShortlistError, match=rf"^sample {third}, field 'truth': bounding_box must be four finite numbers"
    ):
        score_predicted_loss(dataset, "predictions", "truth")
    assert snapshot(dataset) == before


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"label_field": "vector"},
            "label_field must be a field of type Classification or Detections. Got 'vector (VectorField)' instead. It has "
            "predictions, truth, boxes.",
        ),
        (
            {"label_field": "lines"},
            "label_field must be a field of type Classification or Detections. Got 'lines (Polylines)' instead. It has "
            "predictions, truth, boxes.",
        ),
        (
            {"ground_truth": "boxes"},
            "ground_truth must be a field of type Classification. Got 'boxes (Detections)' instead. It has predictions, truth.",
        ),
        (
            {"ground_truth": "predictions"},
            "ground_truth must be another field than label_field. Got 'predictions' for both.",
        ),
        (
            {"embeddings": "true_class"},
            "embeddings must be a field with one vector a sample. Got 'true_class (IntField)' instead.",
        ),
        ({"folds": 1}, "folds must be >= 2. Got 1 instead."),
        ({"min_confidence": 2.0}, "min_confidence must be <= 1.0. Got 2.0 instead."),
        ({"iou": 0.0}, "iou must be > 0.0. Got 0.0 instead."),
    ],
)
def test_bad_input(make, refused, parameters, sentence):
    def more(row, fields):
        fields["boxes"], fields["lines"] = fo.Detections(), fo.Polylines()

    dataset = classified(make, more)
    with refused(dataset, sentence):
        score_predicted_loss(dataset, **{"label_field": "predictions", "ground_truth": "truth", **parameters})


def test_fields_that_are_not_there(make, refused):
    dataset = classified(make)
    name = dataset.name
    with refused(dataset, f"ground_truth must be a field of {name!r}. Got 'truht' instead. Did you mean 'truth'?"):
        score_predicted_loss(dataset, "predictions", "truht")
    with refused(dataset, f"embeddings must be a field of {name!r}. Got 'clip' instead. It has vector."):
        score_predicted_loss(dataset, "predictions", "truth", embeddings="clip")
    sentence = f"labeled must be a tag, a saved view or a selection of {name!r}. Got 'known' instead. It has none yet."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth", labeled="known")


def test_a_field_of_the_users_is_not_replaced(make, refused):
    dataset = classified(make)
    dataset.add_sample_field(FIELD, fo.FloatField)
    sentence = f"the result field {FIELD!r} must be new or Shortlist's own. Got a field of yours instead; nothing was "
    sentence += f"written. Rename it with dataset.rename_sample_field({FIELD!r}, ...) and run again."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth")


def test_probabilities_whose_classes_nobody_names(make, refused):
    dataset = classified(make, classes={})
    sentence = (
        "dataset.classes['predictions'] must list the model's classes in the order of its probabilities, since a loss "
    )
    sentence += "depends on which is whose. Got no class list instead."
    with refused(dataset, sentence):
        score_predicted_loss(dataset, "predictions", "truth")


@pytest.mark.parametrize(
    ("vector", "says"),
    [
        (
            [1.0, 2.0],
            "embeddings in 'vector' must be vectors of one length, 4 as first found. Got shape (2,) for sample {} instead.",
        ),
        (
            [1.0, np.nan, 0.0, 0.0],
            "embeddings in 'vector' must be finite numbers. Got NaN or infinity for sample {} instead. Set it to None to leave "
            "the sample out.",
        ),
    ],
)
def test_vectors_that_are_none(make, refused, vector, says):
    def broken(row, fields):
        if row == 250:
            fields["vector"] = np.array(vector, np.float32)

    dataset = classified(make, broken)
    with refused(dataset, says.format(dataset.skip(250).first().id)):
        score_predicted_loss(dataset, "predictions", "truth", embeddings="vector")


def test_vectors_of_another_model_where_there_is_no_truth(make, refused):
    def other(row, fields):
        if row >= LABELED:
            fields["vector"] = np.ones(5, np.float32)

    dataset = classified(make, other)
    view = dataset[LABELED:]
    with refused(dataset, "embeddings must have one length. Got 4 for labelled samples and 5 for others instead."):
        score_predicted_loss(view, "predictions", "truth", embeddings="vector")


def test_probabilities_of_another_model_where_there_is_no_truth(make, refused):
    def other(row, fields):
        if row < LABELED:
            fields["predictions"].probabilities = None
        else:
            fields["predictions"].probabilities = [0.25] * 4

    dataset = classified(make, other, classes={})
    with refused(dataset, "probabilities must have one length. Got 3 for labelled samples and 4 for others instead."):
        score_predicted_loss(dataset[LABELED:], "predictions", "truth")


def test_objects_without_a_box(make, refused):
    def broken(row, fields):
        if row == 3:
            fields["truth"].detections = [fo.Detection(label="cat")]

    dataset = detected(make, broken)
    where = f"sample {dataset.skip(3).first().id}, field 'truth'"
    with refused(dataset, f"{where}: bounding_box must be four finite numbers (x, y, width, height). Got [] instead."):
        score_predicted_loss(dataset, "predictions", "truth")
