"""score_label_quality on Detections, Polylines and Keypoints fields."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from shortlist import ShortlistError, score_label_quality
from shortlist.core.errors import Cancelled

CLASSES = ["car", "person", "bike"]
# By image: what is planted into its labels.
PLANTED = {3: "missing", 11: "spurious", 20: "wrong_class", 28: "bad_location", 37: "duplicate"}
N = 60


def silent(*_: object) -> None:
    """No bar."""


def true_objects(row: int) -> list[tuple[str, list[float]]]:
    """Three or four objects of an image that do not touch."""
    chance = np.random.default_rng(row)
    found = []
    for place in range(3 + row % 2):
        width, height = chance.uniform(0.15, 0.22, 2)
        x = 0.05 + (place % 2) * 0.5 + chance.uniform(0, 0.15)
        y = 0.05 + (place // 2) * 0.5 + chance.uniform(0, 0.15)
        found.append((CLASSES[int(chance.integers(3))], [x, y, width, height]))
    return found


def predicted_objects(row: int) -> list[fo.Detection]:
    """What a fair detector says: nearly all objects, a little off, and some that are not there, of which it is unsure."""
    chance = np.random.default_rng(1000 + row)
    found = []
    for label, (x, y, width, height) in true_objects(row):
        dx, dy = chance.normal(0, 0.008, 2)
        values = chance.dirichlet(np.ones(3)) * 0.1
        values[CLASSES.index(label)] += 0.9
        sure = float(chance.uniform(0.75, 0.98))
        found.append(
            detection(label, [x + dx, y + dy, width, height], confidence=sure, probabilities=values / values.sum())
        )
    if row % 3 == 0:
        label = CLASSES[int(chance.integers(3))]
        found.append(detection(label, [0.02, 0.9, 0.08, 0.08], confidence=float(chance.uniform(0.05, 0.3))))
    return found


def detection(label: str, box: list[float], **attributes: object) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[float(side) for side in box], **attributes)


def given_objects(row: int) -> list[fo.Detection]:
    """The labels of an image, with the error that is planted into it on its first object."""
    found = [detection(label, box, note=f"{row}-{place}") for place, (label, box) in enumerate(true_objects(row))]
    error, first = PLANTED.get(row), found[0]
    x, y, width, height = first.bounding_box
    if error == "missing":
        return found[1:]
    if error == "spurious":
        return [detection("car", [0.75, 0.8, 0.2, 0.18], note="spurious"), *found]
    if error == "wrong_class":
        first.label = CLASSES[(CLASSES.index(first.label) + 1) % 3]
    if error == "bad_location":
        first.bounding_box = [x + 0.3 * width, y + 0.2 * height, width, height]
    if error == "duplicate":
        return [detection(first.label, [x + 0.01, y, width, height], note="twice"), *found]
    return found


def samples() -> list[fo.Sample]:
    return [
        fo.Sample(
            f"/nowhere/{row:03d}.png",
            ground_truth=fo.Detections(detections=given_objects(row)),
            predictions=fo.Detections(detections=predicted_objects(row)),
        )
        for row in range(N)
    ]


def score(dataset, **parameters):
    return score_label_quality(dataset, "ground_truth", "predictions", progress=silent, **parameters)


def row_of(sample: fo.Sample) -> int:
    return int(sample.filepath[-7:-4])


@pytest.fixture
def noisy(make):
    """Sixty images with about two hundred objects, five of them wrong."""
    return make(samples(), classes={"predictions": CLASSES})


@pytest.fixture(scope="module")
def scored(make_lasting):
    """The same, scored, for tests that change nothing."""
    dataset = make_lasting(samples(), classes={"predictions": CLASSES})
    return dataset, score(dataset)


def objects(dataset) -> dict[str, fo.Detection]:
    """The given objects with an issue, by their note."""
    return {one.note: one for sample in dataset for one in sample.ground_truth.detections if one.issue is not None}


class TestPlantedErrors:
    def test_are_found_by_kind(self, scored):
        dataset, summary = scored
        found = {row_of(one): one.ground_truth_issue for one in dataset.load_saved_view("ground_truth_issues")}
        assert found == {row: kind for row, kind in PLANTED.items() if kind != "missing"}
        assert set(summary.kinds) == set(found.values())
        assert summary.n_flagged == 4

    def test_come_with_what_they_should_be(self, scored):
        dataset, _ = scored
        found = objects(dataset)
        assert (found["spurious"].issue, found["spurious"].suggestion) == ("spurious", None)
        assert (found["20-0"].issue, found["20-0"].suggestion) == ("wrong_class", true_objects(20)[0][0])
        assert (found["28-0"].issue, found["28-0"].suggestion) == ("bad_location", true_objects(28)[0][0])
        assert {one.issue for note, one in found.items() if note in ("twice", "37-0")} == {"duplicate"}
        assert set(found) - {"37-0", "twice"} == {"spurious", "20-0", "28-0"}

    def test_have_the_lowest_quality(self, scored):
        dataset, _ = scored
        every = [one for sample in dataset for one in sample.ground_truth.detections]
        worst = sorted(every, key=lambda one: one.quality)[:5]
        # Of two labels of one object either is the one too many.
        assert {"twice" if one.note == "37-0" else one.note for one in worst} >= {"spurious", "20-0", "28-0", "twice"}
        assert all(0 <= one.quality <= 1 for one in every)
        assert all(one.issue is None for one in every if one.quality >= 0.5)

    def test_are_shown_in_order_of_severity(self, scored):
        dataset, summary = scored
        quality = dataset.load_saved_view("ground_truth_issues").values("ground_truth_quality")
        assert quality == sorted(quality)
        assert summary.issues.values("ground_truth_quality") == quality

    def test_a_better_place_is_suggested(self, scored):
        dataset, _ = scored
        (found,) = dataset.skip(28).first().ground_truth_suggestions.detections
        assert (found.label, found.issue, found.given) == (
            true_objects(28)[0][0],
            "bad_location",
            true_objects(28)[0][0],
        )
        assert found.bounding_box == pytest.approx(true_objects(28)[0][1], abs=0.05)
        assert found.quality == pytest.approx(objects(dataset)["28-0"].quality)
        assert found.given_id == objects(dataset)["28-0"].id

    def test_a_missing_object_is_suggested_as_one_of_its_own(self, noisy):
        summary = score(noisy, threshold=0.75)
        found = noisy.skip(3).first()
        assert found.ground_truth_issue == "missing"
        (one,) = found.ground_truth_suggestions.detections
        label, box = true_objects(3)[0]
        assert (one.label, one.issue, one.given, one.given_id) == (label, "missing", None, None)
        assert one.bounding_box == pytest.approx(box, abs=0.05)
        assert one.quality < 0.75
        assert summary.kinds["missing"] >= 1

    def test_samples_without_issues_have_an_empty_list_of_suggestions(self, scored):
        dataset, _ = scored
        assert dataset.first().ground_truth_suggestions.detections == []

    def test_the_labels_themselves_stay_as_they_are(self, noisy, documents):
        inside = [f"ground_truth.detections.{name}" for name in ("quality", "issue", "suggestion")]
        ours = [f"ground_truth_{name}" for name in ("quality", "issue", "suggestions")]
        before = documents(noisy, without=["last_modified_at"])
        score(noisy)
        assert documents(noisy, without=["last_modified_at", *inside, *ours]) == before


class TestFields:
    def test_suggestions_are_labels_of_ours(self, scored):
        dataset, _ = scored
        field = dataset.get_field("ground_truth_suggestions")
        assert field.document_type is fo.Detections
        assert field.info["shortlist"]["verb"] == "score_label_quality"
        schema = dataset.get_field_schema(flat=True)
        for name in ("issue", "quality", "given"):
            assert "ground_truth_suggestions.detections.given_id" in schema
            assert f"ground_truth_suggestions.detections.{name}" in schema
            assert f"ground_truth.detections.{'suggestion' if name == 'given' else name}" in schema

    def test_suggestions_are_not_offered_as_labels(self, scored):
        from shortlist.core.schema import LABELS, PREDICTIONS
        from shortlist.dataset.sources import choices

        dataset, _ = scored
        assert choices(LABELS, dataset) == ["ground_truth", "predictions"]
        assert choices(PREDICTIONS, dataset) == ["predictions", "ground_truth"]

    def test_a_run_records_what_was_learned(self, scored):
        from shortlist.core.quality.objects import ObjectCalibration

        dataset, summary = scored
        facts = dataset.get_run_info(summary.run_key).config.facts
        learned = dataset.load_run_results(summary.run_key, cache=False).calibration
        assert ObjectCalibration.from_json(learned).n_classes == 3
        assert facts["kinds"] == summary.kinds
        assert facts["n_samples"] == N

    def test_a_second_run_replaces_the_first(self, noisy):
        score(noisy, threshold=0.9)
        before = noisy.count("ground_truth_suggestions.detections")
        score(noisy)
        assert noisy.count("ground_truth_suggestions.detections") < before
        assert {row_of(one) for one in noisy.exists("ground_truth_issue")} == {11, 20, 28, 37}
        assert noisy.list_runs() == ["ground_truth_quality"]


class TestEmptySides:
    def test_are_scored_as_what_they_are(self, make):
        rows = samples()
        rows[0].ground_truth = fo.Detections()
        rows[1].predictions = fo.Detections()
        rows[2].ground_truth = rows[2].predictions = fo.Detections()
        rows[4].ground_truth = None
        rows[5].predictions = None
        dataset = make(rows, classes={"predictions": CLASSES})
        summary = score(dataset)
        quality = dataset.values("ground_truth_quality")
        assert quality[4] is None
        assert quality[5] is None
        assert all(0 <= quality[row] <= 1 for row in (0, 1, 2))
        assert quality[0] < quality[2]
        assert dataset.skip(4).first().ground_truth_suggestions is None
        assert dataset.skip(2).first().ground_truth_suggestions.detections == []
        assert summary.unscoreable == {"samples without 'ground_truth'": 1, "samples without 'predictions'": 1}

    def test_nothing_in_common_is_refused(self, make, refused):
        rows = samples()[:2]
        rows[0].ground_truth = None
        rows[1].predictions = None
        dataset = make(rows, classes={"predictions": CLASSES})
        with refused(
            dataset,
            "label_field and predictions_field must have labels of the same samples. Got none that can be scored instead (1 "
            "samples without 'ground_truth'; 1 samples without 'predictions').",
        ):
            score(dataset)


class TestWhatThereIs:
    def test_objects_without_a_class_and_crowds_are_left_out(self, make):
        rows = samples()
        rows[0].ground_truth.detections[0].label = None
        rows[1].ground_truth.detections[0]["iscrowd"] = 1
        dataset = make(rows, classes={"predictions": CLASSES})
        summary = score(dataset)
        first, second, *_ = dataset
        assert first.ground_truth.detections[0].quality is None
        assert second.ground_truth.detections[0].quality is None
        assert second.ground_truth.detections[1].quality is not None
        assert summary.unscoreable == {"labels without a class, or of a crowd": 2}

    def test_what_is_one_of_a_crowd_lacks_no_label(self, make):
        rows = samples()
        label, (x, y, width, height) = true_objects(3)[0]
        crowd = detection(label, [x - 0.02, y - 0.02, width + 0.04, height + 0.04], iscrowd=True)
        rows[3].ground_truth.detections.append(crowd)
        dataset = make(rows, classes={"predictions": CLASSES})
        score(dataset, threshold=0.75)
        assert dataset.skip(3).first().ground_truth_suggestions.detections == []

    def test_predictions_without_confidences_are_said(self, make):
        rows = samples()
        for one in rows:
            for found in one.predictions.detections:
                found.confidence = None
                if found.has_attribute("probabilities"):
                    del found["probabilities"]
        dataset = make(rows)
        assert any("no confidences" in note for note in score(dataset).notes)

    def test_a_label_that_comes_while_it_runs_is_refused(self, noisy):
        def relabel(done: int, total: int, what: str) -> None:
            if what.startswith("learning"):
                noisy._sample_collection.update_one({}, {"$set": {"ground_truth.detections.0.label": "quite new"}})

        with pytest.raises(
            ShortlistError, match=r"^the labels must stay the same while they are read\. 'quite new' has come"
        ):
            score_label_quality(noisy, "ground_truth", "predictions", progress=relabel)
        assert not noisy.has_field("ground_truth_quality")

    def test_one_image_alone_says_nothing_against_its_labels(self, make):
        for _ in range(6):  # Samples are told apart by their ids, which differ each time.
            dataset = make(samples()[:1], classes={"predictions": CLASSES})
            assert score(dataset).n_issues == 0

    def test_swapped_fields_are_refused(self, noisy, refused):
        with refused(
            noisy,
            "predictions_field must be the field with a model's predictions, which have confidences, logits or probabilities. "
            "Got 'ground_truth' instead. Those of label_field, 'predictions', have them: the two seem to be swapped.",
        ):
            score_label_quality(noisy, "predictions", "ground_truth", progress=silent)

    def test_a_box_that_is_none_is_refused(self, make, refused):
        rows = samples()[:5]
        rows[2].ground_truth.detections[1].bounding_box = [0.1, 0.1, float("nan"), 0.2]
        dataset = make(rows, classes={"predictions": CLASSES})
        where = f"sample {rows[2].id}, field 'ground_truth'"
        with refused(
            dataset,
            f"{where}: bounding_box must be four finite numbers (x, y, width, height). Got [0.1, 0.1, nan, 0.2] instead.",
        ):
            score(dataset)

    def test_cancelled_nothing_is_written(self, noisy, snapshot):
        def stop(done: int, total: int, label: str = "") -> None:
            if done > N:
                raise Cancelled

        before = snapshot(noisy)
        with pytest.raises(Cancelled):
            score_label_quality(noisy, "ground_truth", "predictions", progress=stop)
        assert snapshot(noisy) == before


class TestObjectlab:
    def test_is_its_formula(self, make):
        from shortlist.core.quality.objectlab import objectlab
        from shortlist.core.quality.objects import Predicted
        from shortlist.core.scores.losses import Boxes

        rows = samples()
        for one in rows:
            one.metadata = fo.ImageMetadata(width=640, height=480)
        dataset = make(rows, classes={"predictions": CLASSES})
        score(dataset, method="objectlab")
        sides = []
        for name in ("ground_truth", "predictions"):
            lists = [one[name].detections for one in rows]
            offsets = np.concatenate([[0], np.cumsum([len(some) for some in lists])])
            every = [one for some in lists for one in some]
            boxes = np.array([one.bounding_box for one in every]) * [640, 480, 640, 480]
            classes = np.array([CLASSES.index(one.label) for one in every])
            sides.append((offsets, boxes, classes, np.array([one.confidence for one in every], float)))
        expected = objectlab(Boxes(*sides[0][:3]), Predicted(*sides[1]))
        assert dataset.values("ground_truth_quality") == pytest.approx(expected.samples.tolist(), abs=1e-9)
        own = dataset.values("ground_truth.detections.quality", unwind=True)
        assert own == pytest.approx(np.minimum(expected.badloc, expected.swap).tolist(), abs=1e-9)

    def test_without_sizes_is_refused(self, noisy, refused):
        with refused(
            noisy,
            "the method objectlab needs the sizes of the images, since it measures distances in pixels. Compute them with "
            "dataset.compute_metadata().",
        ):
            score(noisy, method="objectlab")


class TestOtherShapes:
    """The same scenes drawn as instance masks, polygons and skeletons."""

    def found(self, make, shape) -> dict[int, str]:
        rows = samples()
        for one in rows:
            for name in ("ground_truth", "predictions"):
                one[name] = shape(one[name].detections)
        dataset = make(rows, classes={"predictions": CLASSES})
        score(dataset, threshold=0.8)
        return {row_of(one): one.ground_truth_issue for one in dataset.exists("ground_truth_issue")}

    def test_instance_masks(self, make):
        def shape(boxes):
            for one in boxes:
                one.mask = np.pad(np.ones((10, 10), bool), 1)
            return fo.Detections(detections=boxes)

        assert self.found(make, shape).items() >= {20: "wrong_class", 28: "bad_location", 37: "duplicate"}.items()

    def test_polygons(self, make):
        def shape(boxes):
            found = []
            for one in boxes:
                x, y, w, h = one.bounding_box
                points = [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)]]
                extra = {"confidence": one.confidence} if one.confidence is not None else {}
                found.append(fo.Polyline(label=one.label, points=points, closed=True, filled=True, **extra))
            return fo.Polylines(polylines=found)

        assert self.found(make, shape).items() >= {20: "wrong_class", 28: "bad_location", 37: "duplicate"}.items()

    def test_keypoints(self, make):
        def shape(boxes):
            found = []
            for one in boxes:
                x, y, w, h = one.bounding_box
                points = [(x, y), (x + w / 2, y + h / 3), (x + w, y + h), (float("nan"), float("nan"))]
                extra = {"confidence": [one.confidence] * 4} if one.confidence is not None else {}
                found.append(fo.Keypoint(label=one.label, points=points, **extra))
            return fo.Keypoints(keypoints=found)

        assert self.found(make, shape).items() >= {20: "wrong_class", 37: "duplicate"}.items()


def test_the_same_data_has_the_same_scores_in_another_dataset(noisy, make):
    other = make(samples(), classes={"predictions": CLASSES})
    for dataset in (noisy, other):
        score_label_quality(dataset, "ground_truth", "predictions", progress=silent)
    assert other.values("ground_truth_quality") == noisy.values("ground_truth_quality")
