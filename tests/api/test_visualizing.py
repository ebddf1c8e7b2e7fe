"""visualize_embeddings: what it makes through the Brain, and that bad input costs nobody a visualization."""

from __future__ import annotations

import importlib.util

import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import ShortlistError, visualize_embeddings


def test_a_visualization_of_the_only_field(classified):
    told = []
    made = visualize_embeddings(classified, method="pca", progress=lambda *step: told.append(step))
    assert (made.brain_key, made.method, made.embeddings) == ("shortlist_map", "pca", "clip")
    assert (made.n_samples, made.left_out, made.similarity_key) == (12, 0, None)
    assert classified.load_brain_results("shortlist_map").points.shape == (12, 2)
    assert told[-1] == (2, 2, "done")
    assert made.headline == "Visualized 12 samples by pca of 'clip'"


def test_samples_without_a_vector_are_left_out_and_counted(classified):
    classified.set_values("clip", [None, *classified.values("clip")[1:]])
    made = visualize_embeddings(classified, "clip", method="pca")
    assert (made.n_samples, made.left_out) == (11, 1)
    assert len(classified.load_brain_results("shortlist_map").sample_ids) == 11
    assert ("left out", "1 samples without a vector") in list(made.rows())


def test_a_view_alone_is_visualized(classified):
    made = visualize_embeddings(classified.match_tags("odd"), "clip", method="pca", brain_key="odd")
    assert made.n_samples == 6


def test_a_similarity_index_beside_it(classified):
    made = visualize_embeddings(classified, "clip", method="pca", similarity_key="sim")
    assert made.similarity_key == "sim"
    assert classified.list_brain_runs(type="similarity") == ["sim"]
    assert len(classified.sort_by_similarity(classified.first().id, k=3, brain_key="sim")) == 3


def test_a_visualization_of_ours_is_renewed(classified):
    visualize_embeddings(classified.limit(5), "clip", method="pca", similarity_key="sim")
    made = visualize_embeddings(classified, "clip", method="pca", similarity_key="sim")
    assert made.n_samples == 12
    assert len(classified.load_brain_results("shortlist_map").points) == 12
    assert sorted(classified.list_brain_runs()) == ["shortlist_map", "sim"]


def test_the_seed_decides(classified):
    points = []
    for _ in range(2):
        visualize_embeddings(classified, "clip", method="pca", seed=7)
        points.append(classified.load_brain_results("shortlist_map").points)
    np.testing.assert_array_equal(*points)


def test_auto_is_pca_without_umap(classified):
    expected = "umap" if importlib.util.find_spec("umap") else "pca"
    assert visualize_embeddings(classified, "clip").method == expected


class TestBadInput:
    @pytest.fixture
    def mapped(self, classified):
        """With a visualization and an index that are already there under the keys that are asked for."""
        visualize_embeddings(classified, "clip", method="pca", similarity_key="sim")
        return classified

    def test_a_run_of_the_users_is_never_replaced(self, classified, refused):
        fob.compute_visualization(classified, points=np.ones((12, 2)), brain_key="mine", verbose=False, progress=False)
        rest = "There is a Brain run of that name. Choose another key, or delete it first."
        with refused(classified, f"brain_key must be new. Got 'mine' instead. {rest}"):
            visualize_embeddings(classified, "clip", method="pca", brain_key="mine")

    def test_vectors_that_are_not_finite_leave_what_was_there(self, mapped, refused):
        vectors = [np.array(vector) for vector in mapped.values("clip")]
        vectors[3][0] = np.nan
        mapped.set_values("clip", vectors)
        sentence = "embeddings must be finite numbers. Got NaN or infinity in 'clip' for 1 sample(s) instead: "
        with refused(mapped, f"{sentence}{mapped.values('id')[3]}."):
            visualize_embeddings(mapped, "clip", method="pca")
        assert mapped.load_brain_results("shortlist_map").points.shape == (12, 2)

    @pytest.mark.skipif(importlib.util.find_spec("umap") is not None, reason="umap-learn is installed")
    def test_umap_is_not_installed(self, mapped, refused):
        with refused(
            mapped, "method umap needs the package umap-learn: pip install umap-learn, or choose tsne or pca."
        ):
            visualize_embeddings(mapped, "clip", method="umap")

    def test_a_key_of_a_run_of_another_kind(self, mapped, refused):
        rest = "There is a Brain run of that name. Choose another key, or delete it first."
        with refused(mapped, f"brain_key must be new. Got 'sim' instead. {rest}"):
            visualize_embeddings(mapped, "clip", method="pca", brain_key="sim")
        with refused(mapped, f"similarity_key must be new. Got 'shortlist_map' instead. {rest}"):
            visualize_embeddings(mapped, "clip", method="pca", brain_key="new", similarity_key="shortlist_map")

    def test_one_key_for_both(self, classified, refused):
        sentence = "similarity_key must be another key than brain_key. Got 'map' instead."
        with refused(classified, sentence):
            visualize_embeddings(classified, "clip", method="pca", brain_key="map", similarity_key="map")

    @pytest.mark.parametrize("key", ["my map", "1st", "a.b"])
    def test_a_key_that_is_no_name(self, mapped, refused, key):
        with refused(mapped, f"brain_key must be letters, digits and underscores. Got {key!r} instead."):
            visualize_embeddings(mapped, "clip", method="pca", brain_key=key)

    def test_no_field_to_colour_by(self, mapped, refused):
        sentence = f"color_by must be a field of {mapped.name!r}. Got 'wether' instead. Did you mean 'weather'?"
        with refused(mapped, sentence):
            visualize_embeddings(mapped, "clip", method="pca", color_by="wether")

    def test_no_such_embeddings(self, mapped, refused):
        sentence = f"input.field must be a field of {mapped.name!r}. Got 'clp' instead. Did you mean 'clip'?"
        with refused(mapped, sentence):
            visualize_embeddings(mapped, "clp", method="pca")

    def test_too_few_vectors(self, mapped, refused):
        mapped.set_values("clip", [np.ones(4, np.float32), *[None] * 11])
        sentence = "embeddings must be there for at least two samples. Got 1 in 'clip' instead."
        with refused(mapped, sentence):
            visualize_embeddings(mapped, "clip", method="pca")

    def test_no_embeddings(self, detected, refused):
        with pytest.raises(
            ShortlistError, match=r"needs embeddings\. This dataset has no embeddings\. Compute some with"
        ):
            visualize_embeddings(detected)

    def test_no_such_model(self, mapped, refused):
        with pytest.raises(ShortlistError, match=r"^model must be a model of the FiftyOne zoo\. Got 'no-such' instead"):
            visualize_embeddings(mapped, model="no-such", method="pca")
        assert mapped.get_field("no_such") is None

    def test_a_model_s_embeddings_never_replace_a_field(self, mapped, refused):
        with pytest.raises(ShortlistError, match=r"^the result field 'clip' must be new or Shortlist's own"):
            visualize_embeddings(mapped, "clip", model="resnet18-imagenet-torch", method="pca")
