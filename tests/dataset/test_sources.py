"""What a dataset offers for each role of the schema."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import select_samples
from shortlist.core import schema
from shortlist.core.schema import Role
from shortlist.dataset import sources
from shortlist.dataset.sources import choices, classes_at

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
ROLES = [role for role in vars(schema).values() if isinstance(role, Role)]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_role_finds_something_or_nothing_in_an_empty_dataset(make, role):
    found = choices(role, make())
    assert isinstance(found, list)
    assert len(set(found)) == len(found)
    assert role.open or all(name.startswith("metadata.") or name == "tags" for name in found)


def test_predictions_come_before_ground_truth(untouched, make):
    label = fo.Classification(label="a")
    dataset = make([fo.Sample("/nowhere/0.png", ground_truth=label, my_preds=fo.Detections(), other=label)])
    assert choices(schema.PREDICTIONS, dataset) == ["my_preds", "other", "ground_truth"]
    assert choices(schema.PREDICTIONS, untouched) == ["predictions"]


def test_vectors_are_embeddings_but_not_those_of_labels(make):
    label = fo.Classification(label="a", logits=np.zeros(3))
    sample = fo.Sample("/nowhere/0.png", predictions=label, clip=np.zeros(3), listed=[0.5, 0.5], words=["a"])
    assert choices(schema.EMBEDDINGS, make([sample])) == ["clip", "listed"]


def test_brain_runs_with_vectors_of_samples(classified):
    fob.compute_similarity(classified, embeddings="clip", brain_key="sim", progress=False)
    fob.compute_visualization(classified, points=np.zeros((12, 2)), brain_key="points", verbose=False, progress=False)
    assert choices(schema.BRAIN_RUN, classified) == ["sim"]


def test_numbers_and_values(untouched):
    numbers, values = choices(schema.NUMBER, untouched), choices(schema.VALUE, untouched)
    assert [name for name in numbers if not name.startswith("metadata.")] == [
        "hour",
        "checked",
        "day",
        "predictions.confidence",
    ]
    assert values[: len(numbers)] == numbers
    assert not {"id", "filepath", "created_at", "last_modified_at", "clip"} & set(values)


def test_values_are_those_that_the_strategy_can_take(untouched):
    categories = choices(schema.CATEGORY, untouched)
    assert categories[0] == "weather"
    assert [name for name in categories if not name.startswith("metadata.")] == [
        "weather",
        "checked",
        "tags",
        "hour",
        "day",
        "predictions.label",
        "predictions.tags",
    ]
    assert choices(schema.VALUE, untouched, "amounts") == categories
    assert choices(schema.VALUE, untouched, "numbers") == choices(schema.NUMBER, untouched)
    assert set(choices(schema.VALUE, untouched)) == {*categories, *choices(schema.NUMBER, untouched)}


def test_sets_of_samples_and_selections(classified):
    classified.save_view("first three", classified.limit(3))
    select_samples(classified, {"n_samples": 1, "strategies": [HOUR]}, "round_1")
    assert choices(schema.SAMPLES, classified) == ["round_1", "first three", "even", "odd"]
    assert choices(schema.SELECTION, classified) == ["round_1"]
    assert choices(schema.NEW_SELECTION, classified) == ["round_2"]
    assert choices(schema.COLOR, classified)[0] == "round_1.decided_by"


def test_the_proposed_key_is_free_of_fields_too(make):
    dataset = make([fo.Sample("/nowhere/0.png", round_1="mine")])
    assert choices(schema.NEW_SELECTION, dataset) == ["round_2"]


def test_a_view_offers_only_the_fields_it_shows(untouched):
    assert choices(schema.PREDICTIONS, untouched.exclude_fields("predictions")) == []
    assert choices(schema.EMBEDDINGS, untouched.select_fields("weather")) == []


class TestClasses:
    def test_are_those_that_the_dataset_declares(self, untouched):
        assert classes_at(untouched, "predictions") == ["a", "b", "c"]

    def test_are_else_those_that_there_are(self, make):
        boxes = fo.Detections(detections=[fo.Detection(label=label, bounding_box=[0, 0, 1, 1]) for label in "cab"])
        dataset = make(
            [fo.Sample("/nowhere/0.png", boxes=boxes, one=fo.Classification(label="é ü"), weather="sun", hour=3)]
        )
        assert classes_at(dataset, "boxes") == ["a", "b", "c"]
        assert classes_at(dataset, "one") == ["é ü"]
        assert classes_at(dataset, "weather") == ["sun"]

    @pytest.mark.parametrize("path", ["hour", "nothing", "clip", "weather.description"])
    def test_are_none_where_there_are_none(self, untouched, path):
        assert classes_at(untouched, path) == []

    def test_are_not_looked_for_in_many_samples(self, make, monkeypatch):
        monkeypatch.setattr(sources, "_SCANNED", 1)
        dataset = make([fo.Sample(f"/nowhere/{row}.png", weather="sun") for row in range(2)])
        assert classes_at(dataset, "weather") == []
