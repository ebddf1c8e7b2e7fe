"""What scoring leaves alone, and the odd places where labels may live."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from shortlist import score_uncertainty

SCORES = [f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy")]


def ours(path: str, objects: str) -> list[str]:
    """All paths that scoring may touch."""
    sample = [*SCORES, "object_frequency", "objectness_least_confidence"]
    return ["last_modified_at", *(f"{path}_{name}" for name in sample), *(f"{objects}.{name}" for name in SCORES)]


def test_classifications_are_unchanged_byte_for_byte(classified, documents):
    paths = ours("predictions", "predictions")
    before = documents(classified, paths)
    score_uncertainty(classified, "predictions")
    assert documents(classified, paths) == before
    assert b"note" in next(iter(before.values()))


def test_detections_are_unchanged_byte_for_byte(detected, documents):
    paths = ours("predictions", "predictions.detections")
    before = documents(detected, paths)
    score_uncertainty(detected, "predictions")
    assert documents(detected, paths) == before


def test_every_scored_sample_says_when_it_was_modified(classified):
    before = classified.values("last_modified_at")
    score_uncertainty(classified.limit(5), "predictions")
    changed = [old < new for old, new in zip(before, classified.values("last_modified_at"), strict=True)]
    assert changed == [True] * 5 + [False] * 7


def test_only_the_view_s_samples_are_written(classified):
    view = classified.match_tags("odd")
    summary = score_uncertainty(view, "predictions")
    assert summary.n_samples == 6
    values = classified.values("predictions_uncertainty_entropy")
    assert [value is not None for value in values] == [False, True] * 6


def test_scoring_one_view_after_the_other_keeps_both(classified):
    score_uncertainty(classified, "predictions")
    whole = classified.values("predictions_uncertainty_entropy")
    classified.set_values("predictions_uncertainty_entropy", [None] * 12)
    for tag in ("odd", "even"):
        score_uncertainty(classified.match_tags(tag), "predictions")
    assert classified.values("predictions_uncertainty_entropy") == whole


@pytest.mark.parametrize("path", ["my predictions", "vorhersagen_größe", "預測"])
def test_names_with_spaces_and_unicode(make, path, documents):
    dataset = make([fo.Sample("/nowhere/0.png", **{path: fo.Classification(label="a b ü", confidence=0.7)})])
    before = documents(dataset, ours(path, path))
    summary = score_uncertainty(dataset, path)
    assert dataset.values(f"{path}_uncertainty_least_confidence") == [pytest.approx(0.3, abs=1e-6)]
    assert documents(dataset, ours(path, path)) == before
    assert path in summary.headline


class TestLabelsInsideADocument:
    """The label field ``model.preds``, of which some samples lack the label or the whole document."""

    @pytest.fixture
    def nested(self, make):
        def model(**content):
            return fo.DynamicEmbeddedDocument(**content)

        objects = [fo.Detection(label="a", confidence=0.75), fo.Detection(label="b", confidence=0.5)]
        dataset = make(
            [
                fo.Sample("/nowhere/0.png", model=model(version=2, preds=fo.Detections(detections=objects))),
                fo.Sample("/nowhere/1.png", model=model(version=3, preds=fo.Detections())),
                fo.Sample("/nowhere/2.png", model=model(version=4)),
                fo.Sample("/nowhere/3.png"),
            ]
        )
        dataset.add_dynamic_sample_fields()
        return dataset

    @pytest.fixture
    def scored(self, nested, documents):
        before = documents(nested, ours("model.preds", "model.preds.detections"))
        summary = score_uncertainty(nested, "model.preds")
        return nested, summary, before

    def test_are_scored(self, scored):
        dataset, summary, _ = scored
        assert dataset.values("model.preds_uncertainty_least_confidence") == [
            pytest.approx(0.5, abs=1e-6),
            0,
            None,
            None,
        ]
        scores = dataset.values("model.preds.detections.uncertainty_least_confidence")
        assert scores[0] == pytest.approx([0.25, 0.5], abs=1e-6)
        assert summary.unscoreable == {"no 'model.preds'": 2}

    def test_are_unchanged_byte_for_byte(self, scored, documents):
        dataset, _, before = scored
        assert documents(dataset, ours("model.preds", "model.preds.detections")) == before

    def test_leave_a_missing_document_missing(self, scored):
        dataset, _, _ = scored
        dataset.reload()
        assert [sample.model is None for sample in dataset] == [False, False, False, True]


def test_the_active_slice_of_a_grouped_dataset_is_scored(make):
    dataset = make()
    dataset.add_group_field("group", default="left")
    samples = []
    for row in range(3):
        group = fo.Group()
        for side, confidence in (("left", 0.9), ("right", 0.6)):
            label = fo.Classification(label="ab"[row % 2], confidence=confidence)
            samples.append(fo.Sample(f"/nowhere/{row}{side}.png", group=group.element(side), predictions=label))
    dataset.add_samples(samples, progress=False)
    assert score_uncertainty(dataset, "predictions").n_samples == 3
    path = "predictions_uncertainty_least_confidence"
    assert dataset.values(path) == pytest.approx([0.1] * 3, abs=1e-6)
    dataset.group_slice = "right"
    assert dataset.values(path) == [None] * 3


def test_a_view_that_changes_values_is_scored_as_it_shows_them(classified):
    from fiftyone import ViewField as F

    classified.add_dynamic_sample_fields()
    view = classified.select_fields("predictions").set_field("predictions.probabilities", F("nothing"))
    score_uncertainty(view, "predictions", scores=["uncertainty_least_confidence"])
    confidences = np.array(classified.values("predictions.confidence"))
    rest = (1 - confidences) / 2
    wanted = 1 - np.maximum(confidences, rest)
    np.testing.assert_allclose(classified.values("predictions_uncertainty_least_confidence"), wanted, atol=1e-6)
