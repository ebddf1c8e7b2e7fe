"""score_uncertainty on views that FiftyOne generates: the samples behind them are scored, and the view shows it."""

from __future__ import annotations

import fiftyone as fo
import pytest

from shortlist import ShortlistError, score_uncertainty
from shortlist.core.errors import Cancelled

LEAST, MARGIN, ENTROPY = NAMES = tuple(f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
CONFIDENCES = [[0.9, 0.6], [0.8], [], [0.7, 0.95, 0.55]]
OBJECTS = {
    "detections": lambda confidence: fo.Detection(label="a", confidence=confidence, bounding_box=[0.1, 0.1, 0.2, 0.2]),
    "polylines": lambda confidence: fo.Polyline(label="a", confidence=confidence, points=[[(0.1, 0.1), (0.5, 0.5)]]),
}
KINDS = {"detections": fo.Detections, "polylines": fo.Polylines}


def approx(values):
    return [None if value is None else pytest.approx(value, abs=1e-6) for value in values]


def labels(confidences: list[float], attribute: str = "detections") -> fo.Label:
    return KINDS[attribute](**{attribute: [OBJECTS[attribute](one) for one in confidences]})


@pytest.fixture(params=list(OBJECTS))
def objects(request, make):
    samples = [
        fo.Sample(f"/nowhere/{row}.png", predictions=labels(found, request.param), row=row)
        for row, found in enumerate(CONFIDENCES)
    ]
    return make(samples, default_classes=["a", "b"])


def own(dataset: fo.Dataset) -> list[float | None]:
    return dataset.values(f"predictions_{LEAST}")


class TestPatches:
    def test_the_view_shows_the_scores_of_its_objects_and_sorts_by_them(self, objects):
        patches = objects.to_patches("predictions")
        summary = score_uncertainty(patches, "predictions")
        assert (summary.n_samples, summary.n_objects) == (3, 6)
        assert patches.values(f"predictions.{LEAST}") == approx([0.1, 0.4, 0.2, 0.3, 0.05, 0.45])
        ordered = patches.sort_by(f"predictions.{LEAST}", reverse=True)
        assert ordered.values("predictions.confidence") == [0.55, 0.6, 0.7, 0.8, 0.9, 0.95]
        # Three samples have patches; the fourth was not asked for.
        assert own(objects) == approx([0.4, 0.2, None, 0.45])

    def test_a_part_of_the_patches_has_whole_samples_behind_it(self, objects):
        patches = objects.to_patches("predictions").match(fo.ViewField("predictions.confidence") > 0.9)
        assert len(patches) == 1
        summary = score_uncertainty(patches, "predictions")
        assert (summary.n_samples, summary.n_objects) == (1, 3)
        assert own(objects) == approx([None, None, None, 0.45])
        assert patches.values(f"predictions.{LEAST}") == approx([0.05])

    def test_every_sample_behind_them_is_the_whole_dataset(self, objects):
        score_uncertainty(objects.limit(2).to_patches("predictions"), "predictions")
        assert own(objects) == approx([0.4, 0.2, None, None])

    def test_another_field_than_the_patches(self, objects):
        objects.clone_sample_field("predictions", "other")
        patches = objects.to_patches("predictions")
        score_uncertainty(patches, "other", aggregation="sum")
        assert objects.values(f"other_{LEAST}") == approx([0.5, 0.2, None, 0.8])
        assert objects.get_field(f"predictions_{LEAST}") is None

    def test_patches_stay_those_of_the_view(self, objects):
        patches = objects.to_patches("predictions")
        before = patches.values("id"), patches.values("predictions.id")
        score_uncertainty(patches, "predictions")
        assert (patches.values("id"), patches.values("predictions.id")) == before

    def test_a_saved_view_of_patches(self, objects):
        objects.save_view("patches", objects.to_patches("predictions"))
        view = objects.load_saved_view("patches")
        score_uncertainty(view, "predictions")
        assert view.values(f"predictions.{LEAST}") == approx([0.1, 0.4, 0.2, 0.3, 0.05, 0.45])

    def test_bad_parameters_change_nothing(self, objects, snapshot):
        patches = objects.to_patches("predictions")
        before = snapshot(objects)
        with pytest.raises(ShortlistError, match=r"^label_field must be a field of"):
            score_uncertainty(patches, "nothing")
        with pytest.raises(Cancelled):
            score_uncertainty(patches, "predictions", progress=_cancel)
        assert snapshot(objects) == before

    def test_no_patches(self, objects):
        with pytest.raises(ShortlistError, match=r"^the samples must hold at least one\. Got an empty view instead\.$"):
            score_uncertainty(objects.skip(2).limit(1).to_patches("predictions"), "predictions")


def _cancel(*_: object) -> None:
    raise Cancelled


class TestEvaluationPatches:
    @pytest.fixture
    def evaluated(self, make):
        truth = fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.2, 0.2])])
        samples = [
            fo.Sample(f"/nowhere/{row}.png", predictions=labels(found), truth=truth.copy())
            for row, found in enumerate(CONFIDENCES)
        ]
        dataset = make(samples, default_classes=["a", "b"])
        dataset.evaluate_detections("predictions", gt_field="truth", eval_key="eval", progress=False)
        return dataset

    def test_the_samples_behind_them_are_scored_and_the_view_shows_it(self, evaluated):
        patches = evaluated.to_evaluation_patches("eval")
        score_uncertainty(patches, "predictions")
        assert own(evaluated) == approx([0.4, 0.2, 0, 0.45])
        shown = [one for found in patches.values(f"predictions.detections.{LEAST}") for one in found or []]
        assert sorted(shown) == approx([0.05, 0.1, 0.2, 0.3, 0.4, 0.45])


class TestVideos:
    @pytest.fixture
    def videos(self, make):
        samples = []
        for row, found in enumerate(CONFIDENCES):
            events = [fo.TemporalDetection(label="a", support=[1, 2], confidence=one) for one in found]
            sample = fo.Sample(f"/nowhere/{row}.mp4", events=fo.TemporalDetections(detections=events))
            sample.metadata = fo.VideoMetadata(total_frame_count=3, frame_rate=1)
            for number, one in enumerate(found, start=1):
                label = fo.Classification(label="a", confidence=one)
                path = f"/nowhere/{row}-{number}.png"
                sample.frames[number] = fo.Frame(filepath=path, predictions=label, boxes=labels([one]))
            samples.append(sample)
        return make(samples, default_classes=["a", "b"])

    @pytest.mark.parametrize("path", ["predictions", "frames.predictions"])
    def test_frames_show_their_scores_and_the_samples_theirs(self, videos, path):
        frames = videos.to_frames()
        summary = score_uncertainty(frames, path, frame_aggregation="mean")
        assert summary.label_field == "frames.predictions"
        assert frames.values(f"predictions_{LEAST}") == approx([0.1, 0.4, 0.2, 0.3, 0.05, 0.45])
        assert frames.sort_by(f"predictions_{LEAST}").values("predictions.confidence")[0] == 0.95
        assert own(videos) == approx([0.25, 0.2, None, 0.8 / 3])

    def test_some_frames_have_whole_videos_behind_them(self, videos):
        frames = videos.to_frames().limit(1)
        assert score_uncertainty(frames, "predictions").n_frames == 2
        assert own(videos) == approx([0.4, None, None, None])

    def test_patches_of_frames_show_their_scores(self, videos):
        patches = videos.to_frames().to_patches("boxes")
        score_uncertainty(patches, "boxes")
        assert patches.values(f"boxes.{LEAST}") == approx([0.1, 0.4, 0.2, 0.3, 0.05, 0.45])
        assert videos.values(f"boxes_{LEAST}") == approx([0.4, 0.2, None, 0.45])

    def test_fields_that_are_fitted_on_and_looked_at_are_those_of_the_frames_too(self, videos):
        for sample in videos.iter_samples(autosave=True):
            for number, frame in sample.frames.items():
                frame["truth"] = fo.Classification(label="ab"[number % 2])
        more = fo.Sample("/nowhere/more.mp4")
        for number in range(1, 31):
            more.frames[number] = fo.Frame(
                filepath=f"/nowhere/more-{number}.png",
                predictions=fo.Classification(label="a", confidence=0.8),
                truth=fo.Classification(label="a" if number % 3 else "b"),
            )
        videos.add_sample(more)
        summary = score_uncertainty(videos.to_frames(), "predictions", calibrate_on="truth")
        assert summary.calibration is not None
        assert summary.calibration.n_labeled == 36

    def test_clips_show_the_scores_of_their_events(self, videos):
        clips = videos.to_clips("events")
        score_uncertainty(clips, "events")
        assert clips.values(f"events.{LEAST}") == approx([0.1, 0.4, 0.2, 0.3, 0.05, 0.45])
        assert videos.values(f"events_{LEAST}") == approx([0.4, 0.2, None, 0.45])

    def test_clips_have_whole_videos_behind_them(self, videos):
        clips = videos.to_clips([[(1, 1)], [], [], []])
        summary = score_uncertainty(clips, "frames.predictions")
        assert summary.n_frames == 2
        assert own(videos) == approx([0.4, None, None, None])


class TestGroups:
    @pytest.fixture
    def pairs(self, make):
        dataset = make(default_classes=["a", "b"])
        dataset.add_group_field("group", default="left")
        samples = []
        for row, found in enumerate(CONFIDENCES):
            group = fo.Group()
            for side, shift in (("left", 0.0), ("right", 0.01)):
                label = labels([one - shift for one in found])
                samples.append(fo.Sample(f"/nowhere/{row}-{side}.png", group=group.element(side), predictions=label))
        dataset.add_samples(samples, progress=False)
        return dataset

    def values(self, dataset, side: str) -> list[float | None]:
        return own(dataset.select_group_slices(side))

    def test_the_active_slice_is_scored(self, pairs):
        assert score_uncertainty(pairs, "predictions").n_samples == 4
        assert self.values(pairs, "left") == approx([0.4, 0.2, 0, 0.45])
        assert self.values(pairs, "right") == [None] * 4

    def test_another_active_slice_is_scored(self, pairs):
        pairs.group_slice = "right"
        score_uncertainty(pairs, "predictions")
        assert self.values(pairs, "right") == approx([0.41, 0.21, 0, 0.46])
        assert self.values(pairs, "left") == [None] * 4

    def test_selected_slices_are_scored(self, pairs):
        assert score_uncertainty(pairs.select_group_slices(["left", "right"]), "predictions").n_samples == 8
        assert self.values(pairs, "left") == approx([0.4, 0.2, 0, 0.45])
        assert self.values(pairs, "right") == approx([0.41, 0.21, 0, 0.46])

    def test_patches_of_a_slice(self, pairs):
        patches = pairs.select_group_slices("right").to_patches("predictions")
        score_uncertainty(patches, "predictions")
        assert patches.values(f"predictions.{LEAST}") == approx([0.11, 0.41, 0.21, 0.31, 0.06, 0.46])
        assert self.values(pairs, "right") == approx([0.41, 0.21, None, 0.46])
        assert self.values(pairs, "left") == [None] * 4

    def test_a_group_of_videos_by_their_frames(self, make):
        dataset = make(default_classes=["a", "b"])
        dataset.add_group_field("group", default="left")
        samples = []
        for row in range(3):
            group = fo.Group()
            for side, confidence in (("left", 0.9), ("right", 0.6)):
                sample = fo.Sample(f"/nowhere/{row}-{side}.mp4", group=group.element(side))
                sample.frames[1] = fo.Frame(predictions=fo.Classification(label="a", confidence=confidence))
                samples.append(sample)
        dataset.add_samples(samples, progress=False)
        assert score_uncertainty(dataset, "frames.predictions").n_frames == 3
        assert self.values(dataset, "left") == approx([0.1] * 3)
        score_uncertainty(dataset.select_group_slices("right"), "frames.predictions")
        assert self.values(dataset, "right") == approx([0.4] * 3)


def test_all_members_of_dynamic_groups_are_scored(objects):
    objects.set_values("scene", ["x", "x", "y", "y"])
    assert score_uncertainty(objects.group_by("scene"), "predictions").n_samples == 4
    assert own(objects) == approx([0.4, 0.2, 0, 0.45])


def test_a_sample_that_a_view_holds_twice_is_scored(objects):
    view = objects.limit(2).concat(objects.limit(1))
    score_uncertainty(view, "predictions")
    assert own(objects) == approx([0.4, 0.2, None, None])
