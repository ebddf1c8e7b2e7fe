"""What an analysis reads: classes, categories and numbers; sets that cannot be, and other media than images."""

from __future__ import annotations

from datetime import date

import fiftyone as fo
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


def test_a_datapool_of_nothing_but_what_is_selected_is_said(classified):
    found = analyze(classified, datapool="even")
    assert "datapool" not in found.sizes
    assert found.notes == ["the datapool 'even' holds nothing but what is selected: it does not count"]


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
