"""What an analysis reads: vectors of samples and of objects, and visualizations."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import ShortlistError, analyze_selection, select_samples
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


def test_vectors_that_single_precision_cannot_square_are_refused(classified, refused):
    classified.set_values("clip", [np.full(4, 1e18 * row) for row in range(12)])
    sentence = (
        "embeddings must be finite numbers up to 1e+17. Got others in 11 of 12 vectors (first rows: 1, 2, 3) instead."
    )
    with refused(classified, sentence):
        analyze(classified, embeddings="clip")
    found = analyze_selection(classified, "even", **FEW)
    assert found.headline == "Analyzed 'even'. Coverage and diversity were not measured; the notes say why."
    assert found.report.notes == [f"coverage and diversity were not measured: {sentence}"]


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
    visualized(classified, "older", points=np.zeros((12, 2)))
    old = visualized(classified, "old")
    new = visualized(classified, "new", method="tsne", perplexity=3.0, pca_dims=4, max_iters=250)
    visualized(classified, "deep", num_dims=3)

    ids = classified.values("id")
    for key, method, points, given in (("new", "tsne", new, {}), ("old", "pca", old, {"brain_key": "old"})):
        found = analyze(classified, **given)
        assert (found.of_samples.scatter.brain_key, found.of_samples.scatter.method) == (key, method)
        held = shown(found)
        np.testing.assert_allclose([held[one] for one in ids], points, rtol=1e-5)
    found = analyze(classified, brain_key="older").of_samples.scatter
    assert (found.brain_key, found.method, set(found.x)) == ("older", "manual", {0.0})


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
