"""score_uncertainty on detections: every object's own scores, and the sample's, against plain loops."""

from __future__ import annotations

import math

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

from shortlist import score_uncertainty

LEAST, MARGIN, ENTROPY = (f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
CLASSES = 3


def distribution(one: fo.Detection) -> list[float] | None:
    if one.has_field("probabilities") and one["probabilities"] is not None:
        return list(one["probabilities"])
    if one.has_field("logits") and one["logits"] is not None:
        powers = [math.exp(x) for x in one["logits"]]
        return [power / sum(powers) for power in powers]
    if one.confidence is None:
        return None
    return [one.confidence, *[(1 - one.confidence) / (CLASSES - 1)] * (CLASSES - 1)]


def score(one: fo.Detection, name: str) -> float | None:
    probabilities = distribution(one)
    if probabilities is None:
        return None
    first, second = sorted(probabilities, reverse=True)[:2]
    if name == LEAST:
        return 1 - first
    if name == MARGIN:
        return 1 - (first - second)
    return -sum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))


def combined(label: fo.Detections | None, name: str, aggregation: str, min_confidence: float = 0.0) -> float | None:
    if label is None:
        return None
    counted = [one for one in label.detections if one.confidence is None or one.confidence >= min_confidence]
    scores = [value for one in counted if (value := score(one, name)) is not None]
    if not counted:
        return 0
    if not scores:
        return None
    return {"max": max(scores), "sum": sum(scores), "mean": sum(scores) / len(scores)}[aggregation]


def close(value: float | None):
    return None if value is None else pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum"])
@pytest.mark.parametrize("min_confidence", [None, 0.5])
def test_samples_combine_their_objects(detected, aggregation, min_confidence):
    score_uncertainty(detected, "predictions", aggregation=aggregation, min_confidence=min_confidence)
    for sample in detected:
        for name in (LEAST, MARGIN, ENTROPY):
            wanted = combined(sample.predictions, name, aggregation, min_confidence or 0.0)
            assert sample[f"predictions_{name}"] == close(wanted), (sample.filepath, name)


def test_no_objects_score_0_and_no_label_scores_none(detected):
    score_uncertainty(detected, "predictions")
    empty, missing = detected.skip(2).first(), detected.skip(3).first()
    names = [path for path in detected.get_field_schema() if path.startswith("predictions_")]
    assert len(names) == 5
    assert [empty[name] for name in names] == [0] * 5
    assert [missing[name] for name in names] == [None] * 5
    assert (empty.predictions.detections, missing.predictions) == ([], None)


def test_every_object_has_scores_whatever_the_minimum_confidence(detected):
    score_uncertainty(detected, "predictions", min_confidence=0.99)
    for sample in detected:
        for one in sample.predictions.detections if sample.predictions else []:
            for name in (LEAST, MARGIN, ENTROPY):
                assert one[name] == close(score(one, name))


def test_objects_with_mixed_origins_are_counted(detected):
    summary = score_uncertainty(detected, "predictions")
    assert summary.origins == {"probabilities": 3, "logits": 1, "confidence": 6, "nothing": 2}
    assert summary.n_objects == 12
    assert summary.unscoreable == {
        "no 'predictions'": 1,
        "predictions that lack what a score needs (probabilities, logits or a confidence)": 1,
    }


def test_objectness_and_frequency_of_the_whole_list(detected):
    score_uncertainty(detected, "predictions")
    objectness = detected.values("predictions_objectness_least_confidence")
    frequency = detected.values("predictions_object_frequency")
    assert objectness == [
        None if value is None else pytest.approx(value)
        for value in (0.3, 0.4, 0, None, None, 0.4, 0, 0.8)
    ]  # fmt: skip
    # The first of each class counts 1, every further one a quarter.
    assert frequency == [2, 3.25, 0, None, 1, 2.25, 1, 1]
    assert not [path for path in detected.get_field_schema(flat=True) if path.endswith("detections.object_frequency")]


def test_the_range_of_a_sum_has_no_top(detected):
    score_uncertainty(detected, "predictions", aggregation="sum")
    info = detected.get_field(f"predictions_{ENTROPY}").info["shortlist"]
    assert info["range"] == [0, None]
    assert detected.get_field(f"predictions.detections.{ENTROPY}").info["shortlist"]["range"] == [0, 1]
    assert detected.get_field("predictions_object_frequency").info["shortlist"]["range"] == [0, None]
    assert detected.get_field(f"predictions.detections.{ENTROPY}").info["shortlist"]["verb"] == "score_uncertainty"
    assert "(sum over the sample's objects)" in detected.get_field(f"predictions_{ENTROPY}").description


def test_patches_sort_by_an_object_s_own_score(detected):
    score_uncertainty(detected, "predictions")
    path = f"predictions.{ENTROPY}"
    patches = detected.to_patches("predictions").exists(path).sort_by(path, reverse=True)
    scores = patches.values(path)
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)


def test_a_filtered_view_scores_what_it_shows_and_damages_nothing_else(detected, documents):
    shown = detected.filter_labels("predictions", F("label") == "b")
    ours = [f"predictions_{name}" for name in (LEAST, MARGIN, ENTROPY)]
    ours += ["predictions_object_frequency", "predictions_objectness_least_confidence"]
    ours += [f"predictions.detections.{name}" for name in (LEAST, MARGIN, ENTROPY)] + ["last_modified_at"]
    before = documents(detected, ours)
    summary = score_uncertainty(shown, "predictions")
    assert (summary.n_samples, summary.n_objects) == (3, 4)
    assert documents(detected, ours) == before
    visible = set(shown.values("id"))
    for sample in detected:
        if sample.id not in visible:
            assert sample[f"predictions_{ENTROPY}"] is None
            continue
        hidden = [one for one in sample.predictions.detections if one.label != "b"]
        assert not any(one.has_field(ENTROPY) and one[ENTROPY] is not None for one in hidden)
        bees = fo.Detections(detections=[one for one in sample.predictions.detections if one.label == "b"])
        assert sample[f"predictions_{ENTROPY}"] == close(combined(bees, ENTROPY, "max"))
        assert [close(one[ENTROPY]) for one in bees.detections] == [score(one, ENTROPY) for one in bees.detections]


def test_an_object_added_while_its_sample_was_scored_stays_as_it_is(detected):
    first = detected.first().id

    def adds_one(done, total, label):
        sample = detected[first]
        sample.predictions.detections.insert(0, fo.Detection(label="late", bounding_box=[0, 0, 1, 1]))
        sample.save()

    detected.default_classes = []
    detected.save()
    score_uncertainty(detected, "predictions", progress=adds_one)
    found = detected[first].predictions.detections
    assert found[0].label == "late"
    assert not found[0].has_field(ENTROPY) or found[0][ENTROPY] is None
    assert [one[ENTROPY] for one in found[1:]] == [close(score(one, ENTROPY)) for one in found[1:]]


def test_a_sample_deleted_while_it_was_scored_stays_deleted(detected):
    first = detected.first().id
    score_uncertainty(detected, "predictions", progress=lambda *_: detected.delete_samples([first]))
    assert len(detected) == 7
    assert first not in detected.values("id")
