"""Embeddings by a model: a real FiftyOne model, small enough to need no download, in place of one of the zoo's."""

from __future__ import annotations

import cv2
import fiftyone as fo
import fiftyone.core.models as fom
import fiftyone.zoo as foz
import numpy as np
import pytest

from shortlist import ShortlistError, visualize_embeddings


class Thumbnails(fom.EmbeddingsMixin, fom.Model):
    """Embeds an image as its 4 x 4 thumbnail."""

    media_type = "image"
    transforms = None
    preprocess = False
    ragged_batches = False
    has_embeddings = True

    def predict(self, image):
        self._last = cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA).mean(axis=2).ravel() / 255

    def get_embeddings(self):
        return self._last[None]

    def embed(self, image):
        self.predict(image)
        return self._last


@pytest.fixture
def images(make, tmp_path):
    chance = np.random.default_rng(0)
    paths = [str(tmp_path / f"{row}.png") for row in range(12)]
    for path in paths:
        cv2.imwrite(path, chance.integers(0, 256, (20, 30, 3), dtype=np.uint8))
    return make([fo.Sample(path) for path in paths])


def test_embeddings_are_computed_stored_and_mapped(images, monkeypatch):
    monkeypatch.setattr(foz, "load_zoo_model", lambda name: Thumbnails())
    made = visualize_embeddings(images, model="mobilenet-v2-imagenet-torch", method="pca")

    assert made.embeddings == "mobilenet_v2_imagenet_torch"
    assert made.n_samples == 12
    assert images.first()["mobilenet_v2_imagenet_torch"].shape == (16,)
    assert images.load_brain_results("shortlist_map").points.shape == (12, 2)


def test_a_field_of_the_users_is_not_overwritten(images, monkeypatch):
    monkeypatch.setattr(foz, "load_zoo_model", lambda name: Thumbnails())
    images.add_sample_field("mine", fo.VectorField)

    with pytest.raises(ShortlistError, match="the result field 'mine' must be new or Shortlist's own"):
        visualize_embeddings(images, "mine", model="mobilenet-v2-imagenet-torch", method="pca")
    assert images.list_brain_runs() == []
