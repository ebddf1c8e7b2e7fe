"""METADATA as categories: one value, several at once, crossed fields, and what is no category."""

from __future__ import annotations

from datetime import date, datetime

import fiftyone as fo
import numpy as np
import pytest

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.inputs import Metadata
from shortlist.dataset.inputs import read
from shortlist.dataset.rows import Rows
from shortlist.dataset.samples import ids_of


def given(dataset, takes: str = "amounts", **parameters):
    rows = Rows(np.sort(ids_of(dataset)), [dataset])
    return read(Metadata(type="METADATA", **parameters), takes, rows, 0)


def names(dataset, **parameters) -> list[list[str]]:
    """The categories of every sample."""
    amounts, _ = given(dataset, **parameters)
    dense = amounts.matrix.toarray()
    assert set(np.unique(dense)) <= {0, 1}
    return [[name for name, amount in zip(amounts.names, row, strict=True) if amount] for row in dense]


def samples(name: str, *values):
    return [
        fo.Sample(f"/nowhere/{row}.png", **({} if value is None else {name: value})) for row, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["sun", "a.b c", "ü"], ["sun", "a.b c", "ü"]),
        ([True, False, True], ["true", "false", "true"]),
        ([3, -1, 3], ["3", "-1", "3"]),
        ([0.5, 2.0, 0.5], ["0.5", "2", "0.5"]),
        ([date(2024, 3, 1), date(2024, 3, 2), date(2024, 3, 1)], ["2024-03-01", "2024-03-02", "2024-03-01"]),
        (
            [datetime(2024, 3, 1, 1), datetime(2024, 3, 1, 23), datetime(2024, 3, 2)],
            ["2024-03-01", "2024-03-01", "2024-03-02"],
        ),
    ],
    ids=["texts", "truth", "integers", "few fractions", "dates", "times"],
)
def test_every_plain_type_can_be_categories(make, values, expected):
    assert names(make(samples("field", *values)), key="field") == [[one] for one in expected]


def test_lists_are_several_categories_at_once(make):
    dataset = make(samples("seen", ["cat", "dog", "cat"], [], None))
    assert names(dataset, key="seen") == [["cat", "dog"], [], []]
    assert given(dataset, key="seen")[1].tolist() == [True, True, False]


def test_tags_are_categories(untouched):
    assert names(untouched, key="tags")[:2] == [["even"], ["odd"]]


def test_missing_values_are_left_out_or_count_as_the_default(make):
    dataset = make(samples("weather", "sun", None, "rain"))
    assert given(dataset, key="weather")[1].tolist() == [True, False, True]
    assert names(dataset, key="weather", default_value="unknown") == [["sun"], ["unknown"], ["rain"]]
    assert names(dataset, key="weather", default_value=True)[1] == ["true"]


def test_nan_is_no_value(make):
    dataset = make(samples("speed", 1.5, float("nan"), 2.0))
    assert given(dataset, key="speed")[1].tolist() == [True, False, True]
    assert given(dataset, "numbers", key="speed")[1].tolist() == [True, False, True]


def test_crossed_fields_are_combinations(make):
    dataset = make(
        [
            fo.Sample("/nowhere/0.png", weather="sun", night=False, roads=["city", "tunnel"]),
            fo.Sample("/nowhere/1.png", weather="rain", night=True, roads=[]),
            fo.Sample("/nowhere/2.png", weather="rain"),
        ]
    )
    assert names(dataset, key="weather", cross=["night"]) == [["sun, false"], ["rain, true"], []]
    assert given(dataset, key="weather", cross=["night"])[1].tolist() == [True, True, False]
    crossed = names(dataset, key="weather", cross=["night", "roads"], default_value="?")
    assert crossed[0] == ["sun, false, city", "sun, false, tunnel"]
    assert crossed[2] == ["rain, ?, ?"]


def test_the_order_of_the_samples_does_not_name_the_categories(make):
    dataset = make(samples("weather", "b", "c", "a"))
    assert given(dataset, key="weather")[0].names == ("a", "b", "c")


def test_a_field_inside_a_document(make):
    dataset = make(samples("weather", fo.DynamicEmbeddedDocument(description="sunny"), None))
    dataset.add_dynamic_sample_fields()
    assert names(dataset, key="weather.description") == [["sunny"], []]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"key": "wether"}, r"input\.key must be a field of .* Got 'wether' instead\. Did you mean 'weather'\?"),
        (
            {"key": "clip"},
            r"input\.key must be a field with texts, truth values, whole numbers or dates\. Got 'clip \(Vec",
        ),
        ({"key": "predictions"}, r"Got 'predictions \(EmbeddedDocumentField\)' instead"),
        ({"key": "weather", "cross": ["clip"]}, r"input\.cross\[0\] must be a field with texts"),
    ],
)
def test_what_is_no_category(untouched, parameters, sentence):
    with pytest.raises(ShortlistError, match=sentence):
        given(untouched, **parameters)


def test_many_fractions_are_no_categories(make):
    dataset = make(samples("score", *(row / 7 for row in range(90))))
    with pytest.raises(
        ShortlistError, match=r"or at most 64 different fractions\. Got more of them in 'score' instead"
    ):
        given(dataset, key="score")


def test_labels_are_another_input(detected):
    with pytest.raises(ShortlistError, match="For the classes of labels use the input PREDICTIONS"):
        given(detected, key="predictions.detections.label")


def test_a_field_of_frames_is_none_of_samples(make):
    video = fo.Sample("/nowhere/0.mp4")
    video.frames[1] = fo.Frame(weather="sun")
    dataset = make([video])
    for takes in ("amounts", "numbers"):
        with pytest.raises(ShortlistError, match="must be a field of samples, not of their frames"):
            given(dataset, takes, key="frames.weather")


def test_a_field_without_a_value(make):
    dataset = make(samples("weather", "sun"))
    dataset.clear_sample_field("weather")
    with pytest.raises(ShortlistError, match=r"input\.key: no sample has a value in 'weather'"):
        given(dataset, key="weather")


def test_a_text_is_no_default_for_numbers(untouched):
    with pytest.raises(
        ShortlistError, match=r"input\.default_value must be a number where numbers are wanted\. Got 'noon'"
    ):
        given(untouched, "numbers", key="hour", default_value="noon")
