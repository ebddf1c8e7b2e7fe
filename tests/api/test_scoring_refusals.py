"""Bad input to score_uncertainty: one sentence, and nothing changes."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.odm as odm
import numpy as np
import pytest

from shortlist import ShortlistError, score_uncertainty

TYPES = (
    "Classification, Classifications, Detection, Detections, Polyline, Polylines, Keypoint, Keypoints, TemporalDetection, "
    "TemporalDetections, Segmentation"
)


def one(make, *labels, **attributes) -> tuple[fo.Dataset, str]:
    """A dataset with these labels, and where the last of them is, as errors say it."""
    samples = [fo.Sample(f"/nowhere/{row}.png", predictions=label) for row, label in enumerate(labels)]
    dataset = make(samples, **attributes)
    return dataset, f"sample {dataset.last().id}, field 'predictions'"


def test_no_such_field(untouched, refused):
    sentence = (
        f"label_field must be a field of {untouched.name!r}. Got 'prediction' instead. Did you mean 'predictions'?"
    )
    with refused(untouched, sentence):
        score_uncertainty(untouched, "prediction")


def test_nothing_like_it(untouched, refused):
    with refused(
        untouched, f"label_field must be a field of {untouched.name!r}. Got 'xyz' instead. It has predictions."
    ):
        score_uncertainty(untouched, "xyz")


@pytest.mark.parametrize(("path", "kind"), [("weather", "StringField"), ("tags", "ListField"), ("clip", "VectorField")])
def test_a_field_of_another_type(untouched, refused, path, kind):
    sentence = (
        f"label_field must be a field of type {TYPES}. Got {path!r}, a {kind}, instead. This dataset has predictions."
    )
    with refused(untouched, sentence):
        score_uncertainty(untouched, path)


def test_a_label_type_that_is_not_scored(make, refused):
    dataset, _ = one(make, fo.Regression(value=0.5))
    sentence = f"label_field must be a field of type {TYPES}. Got 'predictions', a Regression, instead."
    with refused(dataset, sentence):
        score_uncertainty(dataset, "predictions")


def test_a_field_of_frames_that_there_are_none_of(untouched, refused):
    sentence = f"label_field must be a field of {untouched.name!r}. Got 'frames.predictions' instead. "
    sentence += "Did you mean 'predictions'?"
    with refused(untouched, sentence):
        score_uncertainty(untouched, "frames.predictions")


def test_a_field_that_the_view_hides(untouched, refused):
    view = untouched.exclude_fields("predictions")
    first, rest = list(view.get_field_schema(flat=True))[:12], len(view.get_field_schema(flat=True)) - 12
    sentence = (
        f"label_field must be a field of {untouched.name!r}. Got 'predictions' instead. It has {', '.join(first)}"
    )
    with refused(untouched, f"{sentence} and {rest} more."):
        score_uncertainty(view, "predictions")


@pytest.mark.parametrize(
    ("probabilities", "total"), [([0.9, 0.9], "1.8"), ([0.2, 0.2], "0.4"), ([1.5, -0.5], "1"), ([0.5, None], "nan")]
)
def test_probabilities_that_are_no_distribution(make, refused, probabilities, total):
    good = fo.Classification(label="a", probabilities=[0.5, 0.5])
    dataset, where = one(make, good, fo.Classification(label="a", probabilities=probabilities))
    sentence = (
        f"{where}: probabilities must be numbers >= 0 that sum to 1. Got a sum of {total} instead (1 such "
        f"vector(s) so far). Independent sigmoids can be divided by their sum, or stored one label a class and scored as "
        f"multi-label."
    )
    with refused(dataset, sentence):
        score_uncertainty(dataset, "predictions")


def test_probabilities_of_another_length_than_the_declared_classes(make, refused):
    dataset, where = one(make, fo.Classification(label="a", probabilities=[0.5, 0.5]), default_classes=["a", "b", "c"])
    sentence = (
        f"{where}: probabilities must be a vector of 3 values, one for each of the 3 classes that the dataset declares. "
        f"Got shape (2,) instead."
    )
    with refused(dataset, sentence):
        score_uncertainty(dataset, "predictions")


@pytest.mark.parametrize("attribute", ["probabilities", "logits"])
def test_vectors_of_mixed_lengths(make, refused, attribute):
    vectors = [np.full(4, 0.25), np.full(5, 0.2)]
    dataset, where = one(make, *(fo.Classification(label="a", **{attribute: vector}) for vector in vectors))
    with refused(dataset, f"{where}: {attribute} must be a vector of 4 values. Got shape (5,) instead."):
        score_uncertainty(dataset, "predictions")


@pytest.mark.parametrize(("value", "shape"), [([1.0], "(1,)"), (np.eye(2), "(2, 2)"), ([], "(0,)")])
def test_what_is_no_vector_of_at_least_two(make, refused, value, shape):
    dataset, where = one(make, fo.Classification(label="a", probabilities=value))
    with refused(dataset, f"{where}: probabilities must be a vector of at least 2 values. Got shape {shape} instead."):
        score_uncertainty(dataset, "predictions")


@pytest.mark.parametrize(("attribute", "got"), [("label", "'a'"), ("confidence", "0.5"), ("pair", "['x', 'y']")])
def test_an_attribute_that_holds_no_numbers(make, refused, attribute, got):
    dataset, where = one(make, fo.Classification(label="a", confidence=0.5, pair=["x", "y"]))
    with refused(dataset, f"{where}: {attribute} must be a list or an array of numbers. Got {got} instead."):
        score_uncertainty(dataset, "predictions", probabilities_attribute=attribute)


def test_logits_that_are_not_finite(make, refused):
    dataset, where = one(make, fo.Classification(label="a", logits=np.array([1.0, np.inf])))
    sentence = "logits must be finite numbers. Got NaN or infinity instead (1 such vector(s) so far)."
    with refused(dataset, f"{where}: {sentence}"):
        score_uncertainty(dataset, "predictions")


@pytest.mark.parametrize("confidence", [1.5, -0.25, 97.0])
def test_a_confidence_outside_0_and_1(make, refused, confidence):
    dataset, where = one(
        make, fo.Classification(label="a", confidence=0.5), fo.Classification(label="b", confidence=confidence)
    )
    with refused(dataset, f"{where}: confidence must be between 0 and 1. Got {confidence} instead."):
        score_uncertainty(dataset, "predictions")


def test_a_confidence_outside_0_and_1_beside_probabilities(make, refused):
    objects = fo.Detections(detections=[fo.Detection(label="a", confidence=42.0, probabilities=[0.5, 0.5])])
    dataset, where = one(make, objects)
    with refused(dataset, f"{where}: confidence must be between 0 and 1. Got 42.0 instead."):
        score_uncertainty(dataset, "predictions")


def test_a_label_outside_the_declared_classes(make, refused):
    label = fo.Classification(label="bicyle", confidence=0.5)
    dataset, where = one(make, label, default_classes=["car", "bicycle"])
    sentence = (
        f"{where}: label must be one of the 2 classes that the dataset declares. Got 'bicyle' instead. "
        f"Did you mean 'bicycle'?"
    )
    with refused(dataset, sentence):
        score_uncertainty(dataset, "predictions")


def test_a_field_of_the_user_s_own_is_never_replaced(classified, refused):
    classified.set_values("predictions_uncertainty_margin", list(range(12)))
    sentence = (
        "the result field 'predictions_uncertainty_margin' must be new or Shortlist's own. Got a field of yours instead; "
        "nothing was written. Rename it with dataset.rename_sample_field('predictions_uncertainty_margin', ...) and run "
        "again."
    )
    with refused(classified, sentence):
        score_uncertainty(classified, "predictions")


def test_an_attribute_of_the_user_s_own_is_never_replaced_even_undeclared(make, refused):
    objects = fo.Detections(detections=[fo.Detection(label="a", confidence=0.5, uncertainty_entropy="mine")])
    dataset, _ = one(make, objects)
    path = "predictions.detections.uncertainty_entropy"
    assert dataset.get_field(path) is None
    sentence = (
        f"the result field {path!r} must be new or Shortlist's own. Got values of yours instead; nothing was written. "
        f"Declare them with dataset.add_dynamic_sample_fields(), rename them with dataset.rename_sample_field({path!r}, "
        f"...) and run again."
    )
    with refused(dataset, sentence):
        score_uncertainty(dataset, "predictions")
    dataset.add_dynamic_sample_fields()
    dataset.rename_sample_field(path, "predictions.detections.mine")
    score_uncertainty(dataset, "predictions")
    (found,) = dataset.first().predictions.detections
    assert (found.mine, found.uncertainty_entropy) == ("mine", pytest.approx(1))


def test_parameters_that_are_not_what_they_must_be(untouched, refused):
    calls = {
        "scores[0] must be one of": {"scores": ["entropy"]},
        "aggregation must be one of 'max', 'mean', 'sum'": {"aggregation": "median"},
        "min_confidence must be <= 1": {"min_confidence": 1.2},
        "agregation is not known": {"agregation": "max"},
        "probabilities_attribute must be a name without dots and dollar signs": {"probabilities_attribute": "a.b"},
    }
    for start, parameters in calls.items():
        with pytest.raises(ShortlistError) as caught:
            score_uncertainty(untouched, "predictions", **parameters)
        assert str(caught.value).replace("'", "").startswith(start.replace("'", ""))


def test_a_score_of_lists_of_objects_for_a_field_that_is_none(untouched, refused):
    sentence = (
        "scores must be scores that apply to 'predictions', which is no list of objects. "
        "Got 'object_frequency' instead."
    )
    with refused(untouched, sentence):
        score_uncertainty(untouched, "predictions", scores=["object_frequency"])


class TestTheSamples:
    """The sentences that all verbs share."""

    def test_an_empty_view(self, untouched, refused):
        with refused(untouched, "the samples must hold at least one. Got an empty view instead."):
            score_uncertainty(untouched.match_tags("nothing"), "predictions")

    def test_an_empty_dataset(self, make, refused):
        dataset = make()
        with refused(dataset, "the samples must hold at least one. Got an empty dataset instead."):
            score_uncertainty(dataset, "predictions")

    @pytest.mark.parametrize("thing", ["quickstart", None, [1, 2]])
    def test_what_is_no_dataset(self, thing):
        sentence = f"the samples must be a FiftyOne dataset or view. Got {type(thing).__name__!r} instead."
        with pytest.raises(ShortlistError, match=f"^{sentence}$"):
            score_uncertainty(thing, "predictions")


def test_an_error_in_the_last_batch_leaves_no_staging(make, refused, monkeypatch):
    """What was collected before the error is dropped with it."""
    monkeypatch.setattr("shortlist.dataset.samples.documents.__defaults__", (2,))
    labels = [fo.Classification(label="a", confidence=0.5) for _ in range(5)]
    labels[4].confidence = 2.0
    dataset, where = one(make, *labels)
    staged = []
    with refused(dataset, f"{where}: confidence must be between 0 and 1. Got 2.0 instead."):
        score_uncertainty(
            dataset,
            "predictions",
            progress=lambda *_: staged.extend(
                name for name in odm.get_db_conn().list_collection_names() if name.startswith("shortlist.staging.")
            ),
        )
    assert staged
