"""The form of score_uncertainty asks only what matters for the label field that is chosen."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from shortlist import score_uncertainty
from shortlist.core.schema import described, only_of, parse
from shortlist.core.verbs import ScoreUncertainty
from shortlist.operators import forms

ALWAYS = ["label_field", "scores", "normalize", "temperature", "calibrate_on", "probabilities_attribute"]
OBJECTS = ["aggregation", "min_confidence"]
MASKS = ["aggregation", "segmentation"]

SAMPLE_FIELDS = {
    "one": (fo.Classification(label="a", confidence=0.5), []),
    "several": (fo.Classifications(classifications=[fo.Classification(label="a", confidence=0.5)]), OBJECTS),
    "box": (fo.Detection(label="a", confidence=0.5, bounding_box=[0, 0, 1, 1]), []),
    "boxes": (fo.Detections(), OBJECTS),
    "line": (fo.Polyline(label="a", confidence=0.5, points=[[(0, 0), (1, 1)]]), []),
    "lines": (fo.Polylines(), OBJECTS),
    "point": (fo.Keypoint(label="a", points=[(0, 0)]), []),
    "points": (fo.Keypoints(), OBJECTS),
    "mask": (fo.Segmentation(mask=np.zeros((2, 2), np.uint8)), MASKS),
    "event": (fo.TemporalDetection(label="a", support=[1, 2]), []),
    "events": (fo.TemporalDetections(), OBJECTS),
}
FRAME_FIELDS = {
    "frames.one": (SAMPLE_FIELDS["one"][0], ["frame_aggregation"]),
    "frames.boxes": (fo.Detections(), [*OBJECTS, "frame_aggregation"]),
    "frames.mask": (SAMPLE_FIELDS["mask"][0], [*MASKS, "frame_aggregation"]),
}


@pytest.fixture
def form(operator, context):
    """The fields of the drawn form, as the App gets them."""

    def drawn(dataset: Any, params: dict | None = None, **request: Any) -> dict:
        made = context("score_uncertainty", dataset, params, **request)
        return operator("score_uncertainty").resolve_input(made).to_json()["type"]["properties"]

    return drawn


@pytest.fixture(scope="module")
def labelled():
    """One dataset of images and one of videos with a field of every type."""
    images = fo.Dataset()
    images.add_sample(fo.Sample("/nowhere/0.png", **{path: label.copy() for path, (label, _) in SAMPLE_FIELDS.items()}))
    videos = fo.Dataset()
    sample = fo.Sample("/nowhere/0.mp4")
    for number in (1, 2):
        labels = {path.removeprefix("frames."): label.copy() for path, (label, _) in FRAME_FIELDS.items()}
        sample.frames[number] = fo.Frame(filepath=f"/nowhere/{number}.png", **labels)
    videos.add_sample(sample)
    yield images, videos
    images.delete()
    videos.delete()


def own(properties: dict) -> list[str]:
    """The parameters that a form shows, in its order."""
    names = {name for name, _ in described(ScoreUncertainty)}
    return [name for name in properties if name in names]


@pytest.mark.parametrize("path", [*SAMPLE_FIELDS, *FRAME_FIELDS])
def test_a_form_asks_what_matters_for_the_field_and_nothing_else(form, labelled, path):
    dataset = labelled[path in FRAME_FIELDS]
    _, wanted = {**SAMPLE_FIELDS, **FRAME_FIELDS}[path]
    shown = own(form(dataset, {"label_field": path}))
    assert set(shown) == {*ALWAYS, *wanted}
    order = [name for name, _ in described(ScoreUncertainty)]
    assert shown == sorted(shown, key=order.index)


def test_every_parameter_that_depends_on_the_task_is_asked_for_some_field(form, make):
    heatmap = {"mask": SAMPLE_FIELDS["mask"][0].copy(), "sure": fo.Heatmap(map=np.zeros((2, 2)))}
    images = make([fo.Sample("/nowhere/0.png", boxes=fo.Detections(), **heatmap)])
    sample = fo.Sample("/nowhere/0.mp4")
    sample.frames[1] = fo.Frame(boxes=fo.Detections())
    videos = make([sample])
    shown = {
        *own(form(images, {"label_field": "mask"})),
        *own(form(images, {"label_field": "boxes", "aggregation": "top_m"})),
        *own(form(videos, {"label_field": "frames.boxes"})),
    }
    assert shown == {name for name, _ in described(ScoreUncertainty)}


@pytest.mark.parametrize("path", [*SAMPLE_FIELDS, *FRAME_FIELDS])
def test_how_many_are_the_few_is_asked_once_few_are_wanted(form, labelled, path):
    _, wanted = {**SAMPLE_FIELDS, **FRAME_FIELDS}[path]
    dataset = labelled[path in FRAME_FIELDS]
    assert "top_m" not in form(dataset, {"label_field": path, "aggregation": "mean"})
    assert ("top_m" in form(dataset, {"label_field": path, "aggregation": "top_m"})) == ("aggregation" in wanted)


def test_before_a_choice_the_form_is_that_of_the_likeliest_field(form, make):
    sample = fo.Sample("/nowhere/0.png", ground_truth=fo.Detections(), predictions=fo.Classification(label="a"))
    properties = form(make([sample]))
    assert properties["label_field"]["default"] == "predictions"
    assert "min_confidence" not in properties
    assert "min_confidence" in form(make([sample.copy()]), {"label_field": "ground_truth"})


def test_where_there_is_a_heatmap_masks_may_be_scored_with_it(form, make):
    fields = {"mask": SAMPLE_FIELDS["mask"][0].copy(), "sure": fo.Heatmap(map=np.zeros((2, 2))), "one": fo.Detections()}
    dataset = make([fo.Sample("/nowhere/0.png", **fields)])
    shown = form(dataset, {"label_field": "mask"})["confidence_map"]
    assert [choice["value"] for choice in shown["view"]["choices"] if choice["value"]] == ["sure"]
    assert not shown["required"]
    assert shown.get("default") is None
    assert "confidence_map" not in form(dataset, {"label_field": "one"})


def test_a_heatmap_of_frames_is_offered_for_masks_of_frames(form, make):
    sample = fo.Sample("/nowhere/0.mp4", other=fo.Heatmap(map=np.zeros((2, 2))))
    sample.frames[1] = fo.Frame(mask=SAMPLE_FIELDS["mask"][0].copy(), sure=fo.Heatmap(map=np.zeros((2, 2))))
    shown = form(make([sample]), {"label_field": "frames.mask"})["confidence_map"]
    assert "frames.sure" in [choice["value"] for choice in shown["view"]["choices"] if choice["value"]]


def test_the_field_with_the_truth_is_offered_first_where_it_looks_like_it(form, make):
    fields = {name: fo.Classification(label="a") for name in ("predictions", "ground_truth")}
    shown = form(make([fo.Sample("/nowhere/0.png", **fields)]))["calibrate_on"]
    assert [choice["value"] for choice in shown["view"]["choices"] if choice["value"]] == [
        "ground_truth",
        "predictions",
    ]
    assert shown.get("default") is None


class TestGeneratedViews:
    """What is scored is what is behind the view, so the form asks as for that."""

    def test_patches_are_objects_of_lists(self, form, make):
        label = fo.Detections(detections=[fo.Detection(label="a", confidence=0.5, bounding_box=[0, 0, 1, 1])])
        dataset = make([fo.Sample("/nowhere/0.png", predictions=label)])
        patches = dataset.to_patches("predictions")
        shown = own(form(dataset, {"label_field": "predictions"}, view=patches))
        assert set(shown) == {*ALWAYS, *OBJECTS}

    def test_frames_are_combined_to_samples(self, form, labelled):
        _, videos = labelled
        shown = own(form(videos, {"label_field": "one"}, view=videos.to_frames()))
        assert set(shown) == {*ALWAYS, "frame_aggregation"}


def filled(properties: dict) -> dict:
    """What the App sends when a person changes nothing."""
    return {name: one["default"] for name, one in properties.items() if one.get("default") is not None}


@pytest.mark.parametrize("path", [*SAMPLE_FIELDS, *FRAME_FIELDS])
def test_what_an_untouched_form_sends_is_what_the_verb_takes_by_default(form, labelled, path):
    dataset = labelled[path in FRAME_FIELDS]
    sent = filled(form(dataset, {"label_field": path})) | {"label_field": path}
    read = parse(ScoreUncertainty, forms.read(ScoreUncertainty, sent))
    assert read == ScoreUncertainty(label_field=path)


def test_what_was_filled_in_for_another_field_does_no_harm(form, make):
    """The App keeps the values of inputs that it no longer shows."""
    dataset = make([fo.Sample("/nowhere/0.png", one=fo.Classification(label="a", confidence=0.75))])
    sent = {"label_field": "one", "aggregation": "sum", "top_m": 5, "min_confidence": 0.9, "segmentation": "pixel"}
    assert not any(one.get("invalid") for one in form(dataset, sent).values())
    score_uncertainty(dataset, **forms.read(ScoreUncertainty, sent))
    assert dataset.values("one_uncertainty_least_confidence") == [pytest.approx(0.25)]


def test_the_form_says_which_aggregation_suits_which_budget():
    fields = dict(described(ScoreUncertainty))
    assert "budget of images: sum" in fields["aggregation"].description
    assert "budget of objects: mean" in fields["aggregation"].description
    assert only_of(fields["aggregation"]) is not None
    assert only_of(fields["normalize"]) is None


def test_a_number_without_a_point_is_a_temperature_too(form, make):
    dataset = make([fo.Sample("/nowhere/0.png", one=fo.Classification(label="a", confidence=0.8))])
    sent = {"label_field": "one", "temperature": 2}
    assert "problem" not in form(dataset, sent)
    score_uncertainty(dataset, **forms.read(ScoreUncertainty, sent))
    assert dataset.values("one_uncertainty_least_confidence")[0] > 0


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"temperature": 0}, "temperature must be >= 0.01"),
        ({"temperature": 2.0, "calibrate_on": "two"}, "temperature must be given as a number or be fitted"),
        ({"probabilities_attribute": "a.b"}, "probabilities_attribute must be a name without dots"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(form, make, sent, problem):
    fields = {name: fo.Classification(label="a", confidence=0.8) for name in ("one", "two")}
    shown = form(make([fo.Sample("/nowhere/0.png", **fields)]), {"label_field": "one", **sent})["problem"]
    assert shown["invalid"] is True
    assert shown["view"]["label"].startswith(problem)
