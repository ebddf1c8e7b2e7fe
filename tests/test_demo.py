"""The demo's path, as `make demo` runs it."""

from __future__ import annotations

import demo
import digits
import fiftyone as fo
import pytest


@pytest.fixture(scope="module")
def dataset():
    dataset = digits.load("demo digits")
    yield dataset
    fo.delete_dataset(dataset.name)


def test_the_digits_are_images_with_predictions_errors_and_embeddings(dataset):
    labeled = dataset.match_tags("labeled")
    wrong = labeled.match(fo.ViewField("ground_truth.label") != fo.ViewField("true_label"))
    right = dataset.match(fo.ViewField("predictions.label") == fo.ViewField("true_label"))

    assert len(dataset) == 1797
    assert len(labeled) == 600
    assert len(wrong) == 30
    assert len(right) > 0.9 * len(dataset)
    assert dataset.first().embedding.shape == (32,)


def test_runs_the_whole_path_twice(dataset, capsys):
    first = demo.run(dataset, 20)
    second = demo.run(dataset, 20)
    said = capsys.readouterr().out

    assert first.run_key == "round_1"
    assert second.run_key == "round_2"
    assert first.ids == second.ids
    assert "Scored 1797 samples" in said
    assert "times the coverage that random adds to the datapool" in said
    assert first.coverage.selected < first.coverage.interval[0]
    assert not first.view.match_tags("labeled")


def test_works_on_detections_without_embeddings(dataset):
    """As it does on any dataset: what is missing is made."""
    paths = dataset.limit(40).values("filepath")
    other = fo.Dataset()
    boxes = fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1], confidence=0.4)])
    other.add_samples([fo.Sample(path, found=boxes.copy()) for path in paths])
    try:
        result = demo.run(other, 10)
        assert result.n_samples == 10
        assert len(other.exists("thumbnail_embedding")) == 40
    finally:
        other.delete()
