"""What an analysis reads: vectors of samples and objects, visualizations, classes, categories and numbers."""

from __future__ import annotations

from datetime import date

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import ShortlistError, analyze_selection, score_uncertainty, select_samples
from shortlist.core.analysis.report import Report

FEW = {"random_draws": 3, "regions": 2}


def analyze(dataset, key="even", **more) -> Report:
    return analyze_selection(dataset, key, **FEW, **more).report


def selected(dataset, *strategies, **more):
    select_samples(dataset, {"n_samples": 3, "strategies": list(strategies), **more}, "round_1")


def entry(strategy: dict, **source) -> dict:
    return {"input": source, "strategy": strategy}


HOUR = entry({"type": "WEIGHTS"}, type="METADATA", key="hour")


# Vectors of samples


def test_without_embeddings_the_rest_is_there_and_it_is_said_how_to_get_them(classified):
    classified.delete_sample_field("clip")
    found = analyze(classified)
    assert (found.embeddings, found.of_samples) == ([], None)
    assert [one.source for one in found.distributions] == ["predictions"]
    assert found.notes == [
        "coverage and diversity were not measured, which takes embeddings. This dataset has no embeddings. Compute some with "
        "`visualize_embeddings` and a model, or store one vector a sample in a field."
    ]


def test_embeddings_that_are_named_must_be_there(classified, refused):
    name = classified.name
    with refused(classified, f"embeddings must be a field of {name!r}. Got 'clap' instead. Did you mean 'clip'?"):
        analyze(classified, embeddings="clap")
    with refused(classified, "embeddings must be a field with one vector a sample. Got 'hour (IntField)' instead."):
        analyze(classified, embeddings="hour")
    classified.match_tags("even").clear_sample_field("clip")
    with refused(classified, "embeddings must be there for a selected sample. Got none in 'clip' instead."):
        analyze(classified, embeddings="clip")
    found = analyze(classified)
    assert (found.embeddings, found.notes) == (
        [],
        [
            "coverage and diversity were not measured: embeddings must be there for a selected sample. Got none in 'clip' "
            "instead."
        ],
    )


def test_samples_without_a_vector_are_counted_and_left_out(classified):
    classified.match(fo.ViewField("hour") < 3).clear_sample_field("clip")
    found = analyze(classified)
    assert found.sizes == {"input": 12, "selected": 6}
    assert (found.of_samples.sizes, found.of_samples.left_out) == ({"input": 9, "selected": 4}, 3)
    assert classified.values("even_analysis")[:3] == [None] * 3
    assert len(found.of_samples.scatter.ids) == 9


def test_of_several_embeddings_one_must_be_named_or_be_the_selection_s(classified, refused):
    classified.set_values("dino", [np.array([row, 0.5]) for row in range(12)])
    classified.add_sample_field("empty", fo.VectorField)
    with refused(classified, "embeddings must be named, since there are several: clip, dino, empty."):
        analyze(classified)
    assert analyze(classified, embeddings="dino").of_samples.source == "dino"
    selected(classified, HOUR, entry({"type": "DIVERSITY"}, type="EMBEDDINGS", field="dino"))
    assert analyze(classified, "round_1").of_samples.source == "dino"
    assert analyze(classified, "round_1", embeddings="clip").of_samples.source == "clip"
    classified.delete_sample_fields(["dino", "empty"])
    found = analyze(classified, "round_1")
    assert found.of_samples.source == "clip"
    assert found.notes == ["dino, which the selection's config reads, is no longer there"]


def test_vectors_that_a_brain_run_keeps(classified):
    vectors = np.stack(classified.values("clip"))
    classified.delete_sample_field("clip")
    fob.compute_similarity(classified, embeddings=vectors, brain_key="kept", progress=False)
    found = analyze(classified)
    assert (found.of_samples.source, found.of_samples.dimensions) == ("kept", 4)
    assert analyze(classified, embeddings="kept").embeddings == found.embeddings


# Visualizations


def visualized(samples, brain_key: str, **more) -> np.ndarray:
    """The points of a new visualization by the Brain, in the order of the samples."""
    more = {"embeddings": "clip", "method": "pca", **more}
    return fob.compute_visualization(samples, brain_key=brain_key, progress=False, verbose=False, **more).points


def shown(found: Report) -> dict[str, tuple[float, float]]:
    """The points of the scatter by sample."""
    scatter = found.of_samples.scatter
    return {one: point for one, *point in zip(scatter.ids, scatter.x, scatter.y, strict=True)}


def test_the_scatter_shows_the_newest_visualization_of_the_embeddings(classified):
    scatter = analyze(classified).of_samples.scatter
    assert (scatter.method, scatter.brain_key, len(scatter.ids)) == ("pca", None, 12)
    old = visualized(classified, "old", method="tsne", perplexity=3.0, pca_dims=4, seed=1)
    new = visualized(classified, "new", method="tsne", perplexity=3.0, pca_dims=4, seed=2)
    visualized(classified, "deep", num_dims=3)
    visualized(classified, "unknown", points=np.zeros((12, 2)))

    ids = classified.values("id")
    for key, points, given in (("new", new, {}), ("old", old, {"brain_key": "old"})):
        found = analyze(classified, **given)
        assert (found.of_samples.scatter.brain_key, found.of_samples.scatter.method) == (key, "tsne")
        held = shown(found)
        np.testing.assert_allclose([held[one] for one in ids], points, rtol=1e-5)
    found = analyze(classified, brain_key="unknown").of_samples.scatter
    assert (found.brain_key, found.method, set(found.x)) == ("unknown", "manual", {0.0})


def test_samples_without_a_point(classified):
    visualized(classified.match(fo.ViewField("hour") < 8), "some", points=np.ones((8, 2)))
    found = analyze(classified, brain_key="some").of_samples.scatter
    assert (found.brain_key, len(found.ids), set(found.x)) == ("some", 8, {1.0})
    late = classified.match(fo.ViewField("hour") > 8)
    late.tag_samples("late")
    with pytest.raises(ShortlistError, match="brain_key must be a visualization of these samples"):
        analyze(late, "late", brain_key="some")


def test_what_is_no_visualization(classified, refused):
    fob.compute_similarity(classified, embeddings="clip", brain_key="alike", progress=False)
    for key in ("alike", "none"):
        sentence = (
            f"brain_key must be a Brain run that visualizes samples in two dimensions. Got {key!r} instead. There is none: "
            f"make one with `visualize_embeddings`."
        )
        with refused(classified, sentence):
            analyze(classified, brain_key=key)


# Vectors of objects


@pytest.fixture
def boxed(make):
    """Six samples with as many boxes as their place says; the vector of a box is the place and its number."""

    def box(row: int, number: int) -> fo.Detection:
        return fo.Detection(label="ab"[row % 2], bounding_box=[0, 0, 1, 1], crop=[float(row), float(number)])

    samples = [
        fo.Sample(
            f"/{row}.png",
            tags=["even"] if row % 2 == 0 else [],
            boxes=fo.Detections(detections=[box(row, number) for number in range(row)]),
            clip=np.array([row, 0.0]),
        )
        for row in range(6)
    ]
    dataset = make(samples)
    dataset.add_dynamic_sample_fields()
    return dataset


def test_objects_are_analyzed_too(boxed):
    assert len(analyze(boxed).embeddings) == 1
    samples, objects = analyze(boxed, objects="boxes").embeddings
    assert (samples.level, samples.sizes) == ("samples", {"input": 6, "selected": 3})
    # Of 0 to 5 boxes those of 0, 2 and 4; one sample has none.
    assert (objects.level, objects.source, objects.sizes) == ("objects", "boxes.crop", {"input": 15, "selected": 6})
    assert (objects.left_out, objects.dimensions) == (1, 2)
    # The boxes of a sample are one apart.
    assert objects.diversity.sets["selected"].mean == 1
    assert set(objects.scatter.ids) <= set(boxed.values("id"))
    found = analyze(boxed, objects="boxes", object_embeddings="crop")
    assert found.embeddings == [samples, objects]


def test_the_objects_of_the_selection_s_config(boxed):
    selected(boxed, entry({"type": "DIVERSITY"}, type="EMBEDDINGS", task="boxes", field="crop"))
    assert [one.level for one in analyze(boxed, "round_1").embeddings] == ["samples", "objects"]
    boxed.set_values("boxes.detections.crop", [[None] * row for row in range(6)])
    found = analyze(boxed, "round_1")
    assert [one.level for one in found.embeddings] == ["samples"]
    assert found.notes[0].startswith(
        "coverage and diversity were not measured of objects: embeddings must be there for at least one object of 'boxes'."
    )


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"objects": "boxen"}, "objects must be a field of {name!r}. Got 'boxen' instead. Did you mean 'boxes'?"),
        (
            {"objects": "boxes", "object_embeddings": "crap"},
            "object_embeddings must be an attribute with one vector an object of 'boxes'. Got 'crap' instead. Did you mean "
            "'crop'?",
        ),
        (
            {"object_embeddings": "crop"},
            "objects must be given with object_embeddings: the label field that holds the objects.",
        ),
    ],
)
def test_objects_that_are_not_there(boxed, refused, parameters, sentence):
    with refused(boxed, sentence.format(name=boxed.name)):
        analyze(boxed, **parameters)


def test_objects_without_vectors(boxed, refused):
    boxed.match_tags("even").set_field("boxes.detections.crop", None).save("boxes")
    with refused(
        boxed,
        "embeddings must be there for an object of a selected sample. Got none in 'boxes.crop' instead.",
    ):
        analyze(boxed, objects="boxes")


# Classes, categories and numbers


def test_labels_are_counted(detected):
    detected.limit(3).tag_samples("even")
    (found,) = analyze(detected).distributions
    assert (found.source, found.kind, found.left_out) == ("predictions", "classes", 1)
    # a b / c a b b / nothing, of a a b b b c / (none) / a / c c a / a / b in all.
    assert found.categories == ["a", "b", "c"]
    assert found.sets["input"].counts == [5, 4, 3]
    assert found.sets["selected"].counts == [2, 3, 1]


def test_only_the_fields_asked_for(classified, refused):
    found = analyze(classified, label_fields=["predictions"], fields=["weather", "hour", "checked", "day", "tags"])
    assert [one.source for one in found.distributions] == ["predictions", "weather", "checked", "tags"]
    assert [one.source for one in found.numbers] == ["hour", "day"]
    weather = found.distributions[1]
    assert (weather.categories, weather.sets["selected"].counts) == (["rain", "sun"], [0, 6])
    assert weather.sets["selected"].distance_to_input == 0.5
    hour = found.numbers[0]
    assert (hour.sets["input"].mean, hour.sets["selected"].mean, len(hour.edges)) == (5.5, 5, 13)
    assert found.numbers[1].sets["input"].min == (date(2024, 1, 1) - date(1970, 1, 1)).total_seconds()
    name = classified.name
    with refused(
        classified,
        f"label_fields[0] must be a field of {name!r}. Got 'prediction' instead. Did you mean 'predictions'?",
    ):
        analyze(classified, label_fields=["prediction"])
    with refused(classified, f"fields[1] must be a field of {name!r}. Got 'our' instead. Did you mean 'hour'?"):
        analyze(classified, fields=["weather", "our"])


def test_nothing_asked_for_is_what_scores_and_the_config_are_about(classified):
    score_uncertainty(classified, "predictions", scores=["uncertainty_margin"])
    strategies = [
        HOUR,
        entry({"type": "BALANCE", "target": {"sun": 0.25}}, type="METADATA", key="weather"),
        entry({"type": "BALANCE", "distribution": "INPUT"}, type="PREDICTIONS", task="predictions"),
    ]
    selected(classified, *strategies)
    found = analyze(classified, "round_1")
    assert [one.source for one in found.numbers] == ["hour", "predictions_uncertainty_margin"]
    predictions, weather = found.distributions
    assert (predictions.source, predictions.kind) == ("predictions", "classes")
    assert predictions.target == pytest.approx(np.array(predictions.sets["input"].counts) / 12)
    assert weather.source == "weather"
    assert dict(zip(weather.categories, weather.target, strict=True)) == {"sun": 0.25, "rain": 0.75}
    assert analyze(classified, "odd").distributions[0].target is None


def test_what_balances_away_from_a_target_has_none(classified):
    selected(classified, entry({"type": "BALANCE", "strength": -1.0}, type="PREDICTIONS", task="predictions"))
    assert analyze(classified, "round_1").distributions[0].target is None


def test_combinations_that_the_config_balances(classified):
    selected(classified, entry({"type": "BALANCE"}, type="METADATA", key="weather", cross=["checked"]))
    found = analyze(classified, "round_1", label_fields=["predictions"]).distributions[1]
    assert found.source == "weather x checked"
    assert set(found.categories) == {"sun, true", "sun, false", "rain, true", "rain, false"}
    assert found.target == [0.25] * 4


def test_fields_of_the_config_that_are_gone(classified):
    selected(classified, HOUR, entry({"type": "BALANCE"}, type="METADATA", key="weather"))
    classified.delete_sample_fields(["hour", "weather"])
    found = analyze(classified, "round_1")
    assert found.notes == [
        "weather, which the selection's config reads, is no longer there",
        "hour, which the selection's config reads, is no longer there",
    ]


def test_fields_without_a_value(classified, refused):
    classified.add_sample_field("nothing", fo.FloatField)
    with refused(classified, "fields: no sample has a value in 'nothing'."):
        analyze(classified, fields=["nothing"])
    classified.add_sample_field("empty", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    assert (
        "empty is left out: labels must be there for at least one sample. Got none in 'empty' instead."
        in analyze(classified).notes
    )
    with refused(classified, "labels must be there for at least one sample. Got none in 'empty' instead."):
        analyze(classified, label_fields=["empty"])


# Sets that cannot be


def test_no_such_selection_tag_or_view(classified, refused):
    name = classified.name
    sentence = (
        f"run_key must be a tag, a saved view or a selection of {name!r}. Got 'evn' instead. Did you mean 'even'?"
    )
    with refused(classified, sentence):
        analyze(classified, "evn")
    with refused(classified, sentence.replace("run_key", "datapool")):
        analyze(classified, datapool="evn")


def test_a_view_of_patches_and_an_empty_one(detected, refused):
    detected.save_view("crops", detected.to_patches("predictions"))
    detected.save_view("empty", detected.match_tags("none"))
    with refused(detected, "run_key must be a view of samples. Got 'crops', a view of patches, instead."):
        analyze(detected, "crops")
    with refused(detected, "run_key must name at least one sample. Got 'empty', which holds none, instead."):
        analyze(detected, "empty")
    with pytest.raises(ShortlistError, match="the samples must be a dataset or a view of its samples"):
        analyze(detected.to_patches("predictions"), "empty")


def test_an_empty_dataset(make, refused):
    dataset = make()
    with refused(dataset, "the samples must hold at least one. Got an empty dataset instead."):
        analyze(dataset)


def test_a_selection_whose_picks_are_all_deleted(classified, refused):
    selected(classified, HOUR)
    classified.delete_samples(classified.match_tags("round_1"))
    with refused(
        classified, "the selection 'round_1' must have at least one sample. Got 'round_1', which holds none, instead."
    ):
        analyze(classified, "round_1")


def test_one_sample_alone(make):
    dataset = make([fo.Sample("/1.png", tags=["even"], v=[1.0, 2.0])])
    found = analyze(dataset)
    assert found.of_samples.diversity.sets["selected"].count == 0
    assert found.of_samples.coverage.sets["selected"].max == 0


# Other media


def test_videos(make):
    def video(row: int) -> fo.Sample:
        sample = fo.Sample(f"/{row}.mp4", tags=["even"] if row % 2 == 0 else [], v=[float(row), 0.0])
        for number in range(1, row + 1):
            sample.frames[number] = fo.Frame(label=fo.Classification(label="ab"[row % 2]))
        return sample

    found = analyze(make([video(row) for row in range(4)]))
    assert found.of_samples.sizes == {"input": 4, "selected": 2}
    (frames,) = found.distributions
    assert (frames.source, frames.categories) == ("frames.label", ["b", "a"])
    assert (frames.sets["input"].counts, frames.sets["selected"].counts) == ([4, 2], [0, 2])


def test_a_slice_of_groups(make):
    samples = []
    for row in range(4):
        group = fo.Group()
        for place in ("left", "right"):
            tags = ["even"] if row % 2 == 0 else []
            shift = 0.0 if place == "left" else 100.0
            samples.append(fo.Sample(f"/{row}{place}.png", group=group.element(place), tags=tags, v=[row + shift, 0.0]))
    dataset = make(samples)
    dataset.group_slice = "left"
    found = analyze(dataset)
    assert found.sizes == {"input": 4, "selected": 2}
    assert found.of_samples.coverage.sets["selected"].mean == 0.5
    assert found.notes == ["2 samples of other slices than 'left' are left out"]
    dataset.select_group_slices("right").limit(1).tag_samples("right only")
    with pytest.raises(ShortlistError, match="run_key must be a tag or view of samples of the slice 'left'"):
        analyze(dataset, "right only")
    everything = dataset.select_group_slices(_allow_mixed=True)
    assert analyze(everything, "even").sizes == {"input": 8, "selected": 4}
