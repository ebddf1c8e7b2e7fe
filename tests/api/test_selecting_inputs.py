"""What a selection's values are read from: number, date and truth fields, vectors, Brain runs; and what is missing."""

from __future__ import annotations

from datetime import datetime, timedelta

import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import select_samples

DIVERSITY = {"type": "DIVERSITY"}


def picked(dataset, n: int, source: dict, strategy: dict | None = None, key: str = "round_1") -> list[int]:
    config = {"n_samples": n, "strategies": [{"input": source, "strategy": strategy or {"type": "WEIGHTS"}}]}
    return select_samples(dataset, config, key).view.values("hour")


@pytest.mark.parametrize("key", ["day", "moment"])
def test_dates_count_as_numbers(classified, key):
    start = datetime(2024, 3, 1, 12)
    classified.set_values("moment", [start + timedelta(minutes=row) for row in range(12)])
    assert picked(classified, 3, {"type": "METADATA", "key": key}) == [11, 10, 9]


def test_truth_counts_as_one(classified):
    assert sorted(picked(classified, 4, {"type": "METADATA", "key": "checked"})) == [0, 3, 6, 9]


def test_a_field_inside_a_document(classified):
    classified.set_values("metadata.width", [100 - row for row in range(12)])
    assert picked(classified, 2, {"type": "METADATA", "key": "metadata.width"}) == [0, 1]


class TestMissingValues:
    @pytest.fixture
    def gaps(self, classified):
        classified.set_values("score", [None, None, *[float(row) for row in range(2, 12)]])
        return classified

    def test_are_left_out_and_counted(self, gaps):
        config = {
            "n_samples": 10,
            "strategies": [{"input": {"type": "METADATA", "key": "score"}, "strategy": {"type": "WEIGHTS"}}],
        }
        result = select_samples(gaps, config, "round_1")
        assert result.view.values("hour") == list(range(11, 1, -1))
        assert result.left_out == {"without a value for WEIGHTS of score": 2}

    @pytest.mark.parametrize(("default", "hours"), [(100.0, [0, 1, 11]), (-1.0, [11, 10, 9])])
    def test_may_count_as_a_default(self, gaps, default, hours):
        source = {"type": "METADATA", "key": "score", "default_value": default}
        assert picked(gaps, 3, source) == hours

    def test_embeddings_are_left_out_and_counted(self, classified):
        vectors = classified.values("clip")
        classified.set_values("clip", [None, *vectors[1:11], None])
        config = {"n_samples": 10, "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": DIVERSITY}]}
        result = select_samples(classified, config, "round_1")
        assert sorted(result.view.values("hour")) == list(range(1, 11))
        assert result.left_out == {"without a value for DIVERSITY of embeddings": 2}


class TestVectors:
    def test_lists_of_floats_are_vectors_too(self, classified):
        classified.set_values("listed", [one.astype(float).tolist() for one in classified.values("clip")])
        as_arrays = picked(classified, 5, {"type": "EMBEDDINGS", "field": "clip"}, DIVERSITY, "arrays")
        as_lists = picked(classified, 5, {"type": "EMBEDDINGS", "field": "listed"}, DIVERSITY, "lists")
        assert as_lists == as_arrays

    def test_a_similarity_index_of_a_field_is_that_field(self, classified):
        fob.compute_similarity(classified, embeddings="clip", brain_key="sim", progress=False)
        by_field = picked(classified, 5, {"type": "EMBEDDINGS", "field": "clip"}, DIVERSITY, "by_field")
        assert picked(classified, 5, {"type": "EMBEDDINGS", "brain_key": "sim"}, DIVERSITY, "by_key") == by_field
        # And nothing need be named: the index is no second source.
        assert picked(classified, 5, {"type": "EMBEDDINGS"}, DIVERSITY, "unnamed") == by_field

    def test_a_similarity_index_that_stores_vectors(self, classified):
        vectors = np.stack(classified.values("clip"))
        by_field = picked(classified, 5, {"type": "EMBEDDINGS"}, DIVERSITY, "by_field")
        fob.compute_similarity(classified, embeddings=vectors, brain_key="sim", progress=False)
        assert picked(classified, 5, {"type": "EMBEDDINGS", "brain_key": "sim"}, DIVERSITY, "by_key") == by_field

    def test_a_visualization_of_a_field_is_that_field(self, classified):
        by_field = picked(classified, 5, {"type": "EMBEDDINGS"}, DIVERSITY, "by_field")
        fob.compute_visualization(
            classified, embeddings="clip", method="pca", brain_key="map", verbose=False, progress=False
        )
        assert picked(classified, 5, {"type": "EMBEDDINGS", "brain_key": "map"}, DIVERSITY, "by_key") == by_field

    def test_a_visualization_without_vectors_is_no_source(self, classified, refused):
        fob.compute_visualization(classified, points=np.zeros((12, 2)), brain_key="map", verbose=False, progress=False)
        assert len(picked(classified, 5, {"type": "EMBEDDINGS"}, DIVERSITY, "unnamed")) == 5
        sentence = (
            "strategies[0]: input.brain_key must be a Brain run with embeddings (there is none). Got 'map' instead."
        )
        with refused(classified, sentence):
            picked(classified, 5, {"type": "EMBEDDINGS", "brain_key": "map"}, DIVERSITY)

    def test_an_index_of_a_part_leaves_out_the_rest(self, classified):
        part = classified.limit(8)
        vectors = np.stack(part.values("clip"))
        fob.compute_similarity(part, embeddings=vectors, brain_key="sim", progress=False)
        config = {
            "n_samples": 8,
            "strategies": [{"input": {"type": "EMBEDDINGS", "brain_key": "sim"}, "strategy": DIVERSITY}],
        }
        result = select_samples(classified, config, "round_1")
        assert sorted(result.view.values("hour")) == list(range(8))
        assert result.left_out == {"without a value for DIVERSITY of sim": 4}
