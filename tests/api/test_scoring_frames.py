"""score_uncertainty on fields of frames: on the frames, on the objects in them, and on the sample by max or mean."""

from __future__ import annotations

from contextlib import suppress

import fiftyone as fo
import numpy as np
import pytest
import scipy.stats

from shortlist import ShortlistError, score_uncertainty, select_samples
from shortlist.core.errors import Cancelled
from shortlist.dataset import samples as dataset_samples

LEAST, MARGIN, ENTROPY = NAMES = tuple(f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
BOX = {"bounding_box": [0.1, 0.2, 0.3, 0.4]}
LACKING = "predictions that lack what a score needs (probabilities, logits or a confidence)"


def classified(confidence: float | None, label: str = "a") -> fo.Classification:
    return fo.Classification(label=label, confidence=confidence)


def detected(*confidences: float) -> fo.Detections:
    return fo.Detections(detections=[fo.Detection(label="a", confidence=one, **BOX) for one in confidences])


@pytest.fixture
def videos(make):
    """Makes a dataset of videos, each a list of the labels of its frames (None: a frame without one)."""

    def made(*lists: list[fo.Label | None], path: str = "predictions", **attributes) -> fo.Dataset:
        samples = []
        for row, labels in enumerate(lists):
            sample = fo.Sample(f"/nowhere/{row}.mp4")
            for number, label in enumerate(labels, start=1):
                frame = fo.Frame(filepath=f"/nowhere/{row}-{number}.png")
                if label is not None:
                    frame[path] = label
                sample.frames[number] = frame
            samples.append(sample)
        return make(samples, **{"default_classes": ["a", "b"], **attributes})

    return made


def of_frames(dataset: fo.Dataset, name: str = LEAST, path: str = "predictions") -> list[list[float | None]]:
    return dataset.values(f"frames.{path}_{name}")


def of_samples(dataset: fo.Dataset, name: str = LEAST, path: str = "predictions") -> list[float | None]:
    return dataset.values(f"{path}_{name}")


def approx(values):
    return [None if value is None else pytest.approx(value, abs=1e-6) for value in values]


class TestClassifications:
    LISTS = [
        [classified(0.9), classified(0.6), None],
        [classified(0.8)],
        [None, None],
        [],
        [classified(None), classified(0.7)],
    ]

    @pytest.mark.parametrize(
        ("aggregation", "expected"), [("max", [0.4, 0.2, None, None, 0.3]), ("mean", [0.25, 0.2, None, None, 0.3])]
    )
    def test_frames_have_scores_and_samples_their_combination(self, videos, aggregation, expected):
        dataset = videos(*self.LISTS)
        summary = score_uncertainty(dataset, "frames.predictions", frame_aggregation=aggregation)
        frames = of_frames(dataset)
        assert frames[:3] == [approx([0.1, 0.4, None]), approx([0.2]), [None, None]]
        assert not frames[3]
        assert frames[4] == approx([None, 0.3])
        assert of_samples(dataset) == approx(expected)
        assert (summary.n_frames, summary.n_objects) == (8, 5)
        assert summary.unscoreable == {"no 'frames.predictions'": 3, LACKING: 1}
        assert summary.origins == {"confidence": 4, "nothing": 1}
        assert summary.headline.startswith("Scored 8 frames of ")
        assert "'frames.predictions'" in summary.headline

    def test_every_score_is_combined_by_itself(self, videos):
        dataset = videos([classified(0.9), classified(0.6)])
        score_uncertainty(dataset, "frames.predictions")
        entropies = [scipy.stats.entropy([p, 1 - p], base=2) for p in (0.9, 0.6)]
        assert of_frames(dataset, ENTROPY) == [approx(entropies)]
        assert of_samples(dataset, ENTROPY) == approx([max(entropies)])
        assert of_samples(dataset, MARGIN) == approx([0.8])

    @pytest.mark.parametrize("size", [1, 2, 3, 7])
    @pytest.mark.parametrize("aggregation", ["max", "mean"])
    def test_the_size_of_the_batches_changes_nothing(self, videos, monkeypatch, size, aggregation):
        monkeypatch.setattr(dataset_samples.frame_documents, "__defaults__", (size,))
        confidences = np.random.default_rng(0).uniform(0.5, 1, (4, 5))
        dataset = videos(*([classified(float(one)) for one in row] for row in confidences))
        told = []
        score_uncertainty(
            dataset, "frames.predictions", frame_aggregation=aggregation, progress=lambda *step: told.append(step)
        )
        combined = (1 - confidences).max(axis=1) if aggregation == "max" else (1 - confidences).mean(axis=1)
        assert of_samples(dataset) == approx(combined)
        assert told[-1] == (20, 20, "scoring frames.predictions")
        assert len(told) == -(-20 // size)

    def test_no_video_has_a_frame(self, videos):
        dataset = videos([classified(0.5)], [])
        summary = score_uncertainty(dataset.limit(2).skip(1), "frames.predictions")
        assert (summary.n_frames, summary.n_objects) == (0, 0)
        assert of_samples(dataset) == [None, None]

    def test_vectors_of_frames(self, videos):
        labels = [
            fo.Classification(label="a", probabilities=[0.5, 0.3, 0.2]),
            fo.Classification(label="a", confidence=0.7),
        ]
        dataset = videos(labels, default_classes=[])
        score_uncertainty(dataset, "frames.predictions")
        # Three classes, as the vector says, for the approximation too.
        spread = scipy.stats.entropy([0.7, 0.15, 0.15]) / np.log(3)
        assert of_frames(dataset, ENTROPY)[0][1] == pytest.approx(spread, abs=1e-6)


class TestLists:
    @pytest.mark.parametrize(
        ("aggregation", "frames"), [("max", [0.4, 0.0, 0.3]), ("sum", [0.5, 0.0, 0.3]), ("mean", [0.25, 0.0, 0.3])]
    )
    def test_objects_in_frames_have_scores_of_their_own(self, videos, aggregation, frames):
        dataset = videos([detected(0.9, 0.6), detected(), detected(0.7)])
        score_uncertainty(dataset, "frames.predictions", aggregation=aggregation, frame_aggregation="mean")
        objects = dataset.values(f"frames.predictions.detections.{LEAST}")
        assert objects == [[approx([0.1, 0.4]), [], approx([0.3])]]
        assert of_frames(dataset) == [approx(frames)]
        assert of_samples(dataset) == approx([sum(frames) / 3])
        # Objects below .5 probability of one of two classes: one minus the mean confidence of each frame.
        assert of_frames(dataset, "uncertainty_margin")[0][2] == pytest.approx(0.6, abs=1e-6)
        assert dataset.values("frames.predictions_objectness_least_confidence") == [approx([0.25, 0, 0.3])]

    def test_nothing_else_of_the_frames_changes(self, videos):
        dataset = videos([detected(0.9), None], [detected(0.5, 0.6)])
        before = {one["_id"]: one for one in dataset._frame_collection.find()}
        score_uncertainty(dataset, "frames.predictions")
        for document in dataset._frame_collection.find():
            for name in [name for name in document if "uncertainty" in name or "object" in name]:
                del document[name]
            for one in (document.get("predictions") or {}).get("detections", []):
                for name in NAMES:
                    assert one.pop(name) is not None
            old = before[document["_id"]]
            old.pop("last_modified_at"), document.pop("last_modified_at")
            assert document == old

    def test_fields_say_what_they_are_and_samples_are_indexed(self, videos):
        dataset = videos([detected(0.9)])
        score_uncertainty(dataset, "frames.predictions", frame_aggregation="mean")
        on_sample, on_frame = (
            dataset.get_field(f"predictions_{LEAST}"),
            dataset.get_field(f"frames.predictions_{LEAST}"),
        )
        assert on_sample.description == (
            "One minus the probability of the most probable class (max over the frame's objects), mean over the frames. "
            "High: the model is unsure."
        )
        assert on_frame.description == (
            "One minus the probability of the most probable class (max over the frame's objects). High: the model is unsure."
        )
        assert on_sample.info["shortlist"]["parameters"]["frame_aggregation"] == "mean"
        assert on_sample.info["shortlist"]["status"] == "complete"
        assert dataset.get_field(f"frames.predictions.detections.{LEAST}").info["shortlist"]["label_field"] == (
            "frames.predictions"
        )
        assert f"predictions_{LEAST}" in dataset.list_indexes()
        groups = {group.name: list(group.paths) for group in dataset.app_config.sidebar_groups}
        assert f"predictions_{LEAST}" in groups["shortlist"]

    def test_a_view_that_filters_frames_scores_those_it_shows(self, videos):
        from fiftyone import ViewField as F

        dataset = videos([detected(0.9), detected(0.6)], [detected(0.7)])
        view = dataset.match_frames(F("frame_number") == 1)
        assert score_uncertainty(view, "frames.predictions").n_frames == 2
        assert of_frames(dataset) == [approx([0.1, None]), approx([0.3])]
        assert of_samples(dataset) == approx([0.1, 0.3])

    def test_only_the_view_s_videos(self, videos):
        dataset = videos([detected(0.9)], [detected(0.6)])
        score_uncertainty(dataset.skip(1), "frames.predictions")
        assert of_samples(dataset) == approx([None, 0.4])

    def test_a_second_run_replaces_the_first(self, videos):
        dataset = videos([detected(0.9, 0.6), detected(0.8)])
        score_uncertainty(dataset, "frames.predictions")
        score_uncertainty(dataset, "frames.predictions", frame_aggregation="mean", aggregation="mean", temperature=1.0)
        assert of_frames(dataset) == [approx([0.25, 0.2])]
        assert of_samples(dataset) == approx([0.225])


@pytest.mark.parametrize("path", ["größe", "my labels", "model.preds"])
def test_fields_of_any_name(videos, path):
    name = path.split(".")[-1]
    labels = [classified(0.9), classified(0.6)]
    if "." in path:
        labels = [fo.DynamicEmbeddedDocument(**{name: one}) for one in labels]
    dataset = videos(labels, path=path.split(".")[0])
    if "." in path:
        dataset.add_dynamic_frame_fields()
    summary = score_uncertainty(dataset, f"frames.{path}")
    assert of_frames(dataset, path=path) == [approx([0.1, 0.4])]
    # A sample has no such document to hold its score in.
    assert of_samples(dataset, path=path.replace(".", "_")) == approx([0.4])
    assert f"{path}_{LEAST}" in summary.fields


def test_selecting_finds_the_scores_of_frames_that_are_inside_a_document(videos):
    labels = [[fo.DynamicEmbeddedDocument(preds=classified(one))] for one in (0.9, 0.6)]
    dataset = videos(*labels, path="model")
    dataset.add_dynamic_frame_fields()
    source = {"type": "SCORES", "task": "frames.model.preds", "score": LEAST}
    config = {"n_samples": 1, "strategies": [{"input": source, "strategy": {"type": "WEIGHTS"}}]}
    assert select_samples(dataset, config, "round_1").ids == [dataset.last().id]


class TestMasks:
    @pytest.mark.parametrize(("aggregation", "expected"), [("max", 0.4), ("mean", 0.25)])
    def test_files_of_frames(self, videos, tmp_path, aggregation, expected):
        labels = []
        for row, confidence in enumerate((0.9, 0.6)):
            mask = np.empty((2, 5, 7), np.float32)
            mask[0], mask[1] = confidence, 1 - confidence
            np.save(tmp_path / f"{row}.npy", mask)
            labels.append(fo.Segmentation(probabilities=str(tmp_path / f"{row}.npy")))
        labels.append(fo.Segmentation(probabilities="/nowhere.npy"))
        dataset = videos([*labels, None])
        summary = score_uncertainty(dataset, "frames.predictions", frame_aggregation=aggregation)
        assert of_frames(dataset) == [approx([0.1, 0.4, None, None])]
        assert of_samples(dataset) == approx([expected])
        assert summary.n_frames == 4
        assert sum(summary.unscoreable.values()) == 2

    def test_confidence_maps_of_frames(self, make):
        sample = fo.Sample("/nowhere/0.mp4")
        mask = fo.Segmentation(mask=np.zeros((3, 3), np.uint8))
        sample.frames[1] = fo.Frame(predictions=mask, sure=fo.Heatmap(map=np.full((3, 3), 0.75)))
        dataset = make([sample], default_mask_targets={0: "a", 1: "b"})
        score_uncertainty(dataset, "frames.predictions", confidence_map="frames.sure")
        assert of_samples(dataset) == approx([0.25])

    def test_a_confidence_map_of_the_sample_is_refused(self, make, refused):
        sample = fo.Sample("/nowhere/0.mp4", sure=fo.Heatmap(map=np.full((3, 3), 0.75)))
        sample.frames[1] = fo.Frame(predictions=fo.Segmentation(mask=np.zeros((3, 3), np.uint8)))
        dataset = make([sample], default_mask_targets={0: "a", 1: "b"})
        sentence = "confidence_map must be a field of the same documents as 'frames.predictions'. Got 'sure' instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset, "frames.predictions", confidence_map="sure")


class TestRefusals:
    def unchanged(self, dataset, snapshot, sentence: str, **parameters) -> None:
        before, frames = snapshot(dataset), list(dataset._frame_collection.find())
        with pytest.raises(ShortlistError) as caught:
            score_uncertainty(dataset, "frames.predictions", **parameters)
        assert str(caught.value).startswith(sentence)
        assert snapshot(dataset) == before
        assert list(dataset._frame_collection.find()) == frames

    def test_a_frame_s_bad_value_is_named_by_its_frame(self, videos, snapshot):
        dataset = videos([classified(0.5), classified(1.5)])
        frame = dataset.first().frames[2].id
        sentence = f"frame {frame}, field 'frames.predictions': confidence must be between 0 and 1. Got 1.5 instead."
        self.unchanged(dataset, snapshot, sentence)

    def test_a_user_s_own_field_of_frames(self, videos, snapshot):
        dataset = videos([classified(0.5)])
        dataset.set_values(f"frames.predictions_{MARGIN}", [[7.0]])
        path = f"frames.predictions_{MARGIN}"
        self.unchanged(dataset, snapshot, f"the result field {path!r} must be new or Shortlist's own.")

    def test_the_way_out_is_one_for_frames(self, videos):
        dataset = videos([classified(0.5)])
        dataset.set_values(f"frames.predictions_{MARGIN}", [[7.0]])
        with pytest.raises(ShortlistError, match=r"dataset\.rename_frame_field\('predictions_uncertainty_margin'"):
            score_uncertainty(dataset, "frames.predictions")

    def test_a_user_s_own_field_of_samples(self, videos, snapshot):
        dataset = videos([classified(0.5)])
        dataset.set_values(f"predictions_{MARGIN}", [7.0])
        self.unchanged(dataset, snapshot, f"the result field 'predictions_{MARGIN}' must be new or Shortlist's own.")

    @pytest.mark.parametrize("declared", [False, True])
    def test_a_user_s_own_attribute_of_objects_in_frames(self, videos, snapshot, declared):
        label = detected(0.5)
        label.detections[0][MARGIN] = "mine"
        dataset = videos([None, label])
        if declared:
            dataset.add_dynamic_frame_fields()
        path = f"frames.predictions.detections.{MARGIN}"
        self.unchanged(dataset, snapshot, f"the result field {path!r} must be new or Shortlist's own.")

    @pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
    def test_stopped_nothing_is_left(self, videos, snapshot, monkeypatch, error):
        monkeypatch.setattr(dataset_samples.frame_documents, "__defaults__", (2,))
        dataset = videos([detected(0.5)] * 3, [detected(0.5)] * 3)
        before, frames = snapshot(dataset), list(dataset._frame_collection.find())

        def stop(done: int, total: int, label: str = "") -> None:
            if done == 4:
                raise error

        with pytest.raises(type(error)):
            score_uncertainty(dataset, "frames.predictions", progress=stop)
        assert snapshot(dataset) == before
        assert list(dataset._frame_collection.find()) == frames

    def test_the_same_name_on_samples_and_on_frames_is_not_silently_mixed(self, videos):
        dataset = videos([classified(0.5)])
        dataset.add_sample_field("predictions", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
        dataset.set_values("predictions", [classified(0.9)])
        score_uncertainty(dataset, "predictions")
        with suppress(ShortlistError):
            score_uncertainty(dataset, "frames.predictions")
        assert of_samples(dataset) == approx([0.1])


class TestSelecting:
    def select(self, dataset: fo.Dataset, key: str = "round_1"):
        source = {"type": "SCORES", "task": "frames.predictions", "score": LEAST}
        strategy = {"input": source, "strategy": {"type": "WEIGHTS"}}
        return select_samples(dataset, {"n_samples": 1, "strategies": [strategy]}, key)

    def test_videos_are_selected_by_the_scores_of_their_frames(self, videos):
        dataset = videos([classified(0.9)], [classified(0.8), classified(0.6)], [classified(0.7)])
        assert self.select(dataset).ids == [dataset.values("id")[1]]
        assert of_samples(dataset) == approx([0.1, 0.4, 0.3])

    def test_new_videos_are_scored_as_the_others_were(self, videos):
        dataset = videos([classified(0.9)], [classified(0.8)])
        score_uncertainty(dataset, "frames.predictions", frame_aggregation="mean", temperature=2.0)
        sample = fo.Sample("/nowhere/new.mp4")
        for number, confidence in enumerate((0.9, 0.5), start=1):
            sample.frames[number] = fo.Frame(predictions=classified(confidence))
        dataset.add_sample(sample)
        self.select(dataset)
        # Odds of 9 become 3: .25; and one half stays.
        assert of_samples(dataset)[2] == pytest.approx((0.25 + 0.5) / 2, abs=1e-6)

    def test_a_video_that_lost_its_frames_keeps_no_score_of_them(self, videos):
        dataset = videos([classified(0.9)], [classified(0.6)])
        score_uncertainty(dataset, "frames.predictions")
        sample = dataset.first()
        sample.frames.clear()
        sample.save()
        score_uncertainty(dataset, "frames.predictions")
        assert of_samples(dataset) == approx([None, 0.4])

    def test_videos_without_frames_do_not_hinder(self, videos):
        dataset = videos([classified(0.9)], [])
        assert self.select(dataset).ids == [dataset.first().id]
        assert self.select(dataset, "round_2").ids == [dataset.first().id]


def test_temporal_detections_of_a_video_are_objects_of_the_sample(make):
    events = [fo.TemporalDetection(label="a", support=[1, 4], confidence=one) for one in (0.9, 0.6)]
    dataset = make(
        [fo.Sample("/nowhere/0.mp4", events=fo.TemporalDetections(detections=events))], default_classes=["a", "b"]
    )
    score_uncertainty(dataset, "events")
    assert of_samples(dataset, path="events") == approx([0.4])
    assert dataset.values(f"events.detections.{LEAST}") == [approx([0.1, 0.4])]
