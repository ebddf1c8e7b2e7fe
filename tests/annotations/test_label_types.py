"""Classes of images, masks and outlines go to annotators and come back, where a format can hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import fiftyone as fo
import numpy as np
import pytest

import shortlist as sl

WIDTH, HEIGHT = 100, 80


def hand(dataset: Any, target: str, directory: Path, **more: Any) -> Any:
    return sl.export_annotations(
        dataset, "round_a", "gt", target=target, export_dir=directory, progress=lambda *_: None, **more
    )


def merge(dataset: Any, path: Path | None = None) -> Any:
    return sl.merge_annotations(dataset, "round_a", path, progress=lambda *_: None)


@pytest.fixture
def labelled(make, images):
    """A dataset with a label on the first images, by its attribute."""

    def made(*labels: Any) -> Any:
        samples = [fo.Sample(path) for path in images[: max(len(labels), 2)]]
        for sample, label in zip(samples, labels, strict=False):
            sample["gt"] = label
        return make(samples)

    return made


def of(label: str, **more: Any) -> fo.Classification:
    return fo.Classification(label=label, **more)


def raw(dataset: Any) -> list[Any]:
    return [one.get("gt") for one in dataset._sample_collection.find()]


def retagged(directory: Path, target: str, name: str, classes: list[str]) -> Path:
    """Gives an image classes, as the tools do it."""
    if target == "cvat_file":
        tree = ElementTree.parse(directory / "annotations.xml")
        image = next(one for one in tree.iter("image") if one.get("name") == name)
        for tag in image.findall("tag"):
            image.remove(tag)
        for one in classes:
            ElementTree.SubElement(image, "tag", label=one, source="manual")
        tree.write(directory / "back.xml", encoding="utf-8")
        return directory / "back.xml"
    tasks = json.loads((directory / "tasks.json").read_text(encoding="utf-8"))
    task = next(one for one in tasks if one["data"]["file_name"] == name)
    result = {"id": "n", "type": "choices", "from_name": "gt", "to_name": "image", "value": {"choices": classes}}
    task["annotations"] = [{"result": [result], "updated_at": "1"}]
    for other in tasks:
        other.setdefault("annotations", other["predictions"])
    (directory / "back.json").write_text(json.dumps(tasks), encoding="utf-8")
    return directory / "back.json"


@pytest.mark.parametrize("target", ["cvat_file", "labelstudio_file"])
def test_the_class_of_an_image_is_corrected_and_its_label_stays_the_same_one(labelled, tmp_path, target):
    dataset = labelled(of("cat", confidence=0.9, note="é"), of("dög & <co>"), None)
    before = raw(dataset)
    assert hand(dataset, target, tmp_path / "out").n_labels == 2
    assert merge(dataset).record is None

    merge(dataset, retagged(tmp_path / "out", target, "é 1.png", ["cow"]))
    assert raw(dataset) == [{**before[0], "label": "cow"}, *before[1:]]
    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert raw(dataset) == before

    summary = merge(dataset, retagged(tmp_path / "out", target, "é 1.png", ["cow", "ox"]))
    assert "several classes came back where one is needed: cow, ox" in summary.conflicts[0]
    assert raw(dataset) == before


@pytest.mark.parametrize("target", ["cvat_file", "labelstudio_file"])
def test_an_image_gets_its_first_class_unless_somebody_gave_it_one_meanwhile(labelled, tmp_path, target):
    dataset = labelled(of("cat"), None, None)
    hand(dataset, target, tmp_path / "out")
    summary = merge(dataset, retagged(tmp_path / "out", target, "é 1-2.png", ["dog"]))
    assert summary.added == 1
    assert dataset.values("gt.label") == ["cat", "dog", None]

    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    second = dataset.skip(1).first()
    second["gt"] = of("theirs")
    second.save()
    summary = merge(dataset, tmp_path / "out" / ("back.xml" if target == "cvat_file" else "back.json"))
    assert dataset.values("gt.label") == ["cat", "theirs", None]
    assert len(summary.conflicts) == 1


@pytest.mark.parametrize("target", ["cvat_file", "labelstudio_file"])
def test_several_classes_of_an_image(labelled, tmp_path, target):
    dataset = labelled(fo.Classifications(classifications=[of("a", note=1), of("b")]), None)
    first = raw(dataset)[0]["classifications"][0]
    hand(dataset, target, tmp_path / "out")
    assert merge(dataset).record is None
    summary = merge(dataset, retagged(tmp_path / "out", target, "é 1.png", ["c", "a"]))
    assert (summary.added, summary.changed, summary.removed) == (1, 0, 1)
    assert [one.label for one in dataset.first().gt.classifications] == ["a", "c"]
    assert raw(dataset)[0]["classifications"][0] == first


def masked(label: str, box: list[float], mask: np.ndarray, **more: Any) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=box, mask=mask, **more)


def disc(height: int, width: int) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 1, -1)
    return mask.astype(bool)


def whole(label: fo.Detection) -> np.ndarray:
    """The mask in the whole image."""
    return label.to_segmentation(frame_size=(WIDTH, HEIGHT), target=1).mask > 0


def test_masks_that_annotators_left_stay_pixel_by_pixel(labelled, tmp_path):
    speckled = np.random.default_rng(3).random((40, 30)) < 0.5
    dataset = labelled(
        fo.Detections(
            detections=[
                masked("cat", [0.1, 0.1, 0.3, 0.5], speckled, note=1),
                masked("dog", [0.5, 0.2, 0.4, 0.5], disc(40, 40)),
            ]
        )
    )
    before = raw(dataset)
    assert hand(dataset, "coco", tmp_path / "out").label_type == "instances"
    assert merge(dataset).record is None

    held = json.loads((tmp_path / "out" / "labels.json").read_text())
    held["annotations"][0]["category_id"] = held["annotations"][1]["category_id"]
    (tmp_path / "back.json").write_text(json.dumps(held))
    merge(dataset, tmp_path / "back.json")
    expected = [dict(one) for one in before[0]["detections"]]
    expected[0]["label"] = "dog"
    assert raw(dataset)[0] == {**before[0], "detections": expected}


def test_outlines_and_run_lengths_that_came_back_become_masks(labelled, tmp_path):
    dataset = labelled(fo.Detections(detections=[masked("cat", [0.1, 0.1, 0.3, 0.5], disc(40, 30), note=1)]))
    hand(dataset, "coco", tmp_path / "out", label_type="instances")
    held = json.loads((tmp_path / "out" / "labels.json").read_text())
    (one,) = held["annotations"]
    # Moved by 20 pixels.
    one["segmentation"] = [[x + 20 * (place % 2 == 0) for place, x in enumerate(line)] for line in one["segmentation"]]
    one["bbox"][0] += 20
    # Another by run lengths: rows 10 to 19 of columns 60 to 69.
    counts = [60 * HEIGHT + 10, *[10, HEIGHT - 10] * 9, 10, (WIDTH - 70) * HEIGHT + HEIGHT - 20]
    held["annotations"].append(
        {
            "id": 2,
            "image_id": one["image_id"],
            "category_id": one["category_id"],
            "bbox": [60, 10, 10, 10],
            "segmentation": {"counts": counts, "size": [HEIGHT, WIDTH]},
            "area": 100,
            "iscrowd": 0,
        }
    )
    (tmp_path / "back.json").write_text(json.dumps(held))
    merge(dataset, tmp_path / "back.json")
    moved, drawn = dataset.first().gt.detections
    assert moved.note == 1
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[8:48, 30:60] = disc(40, 30)
    both = (whole(moved) & expected).sum() / (whole(moved) | expected).sum()
    assert both > 0.93
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[10:20, 60:70] = True
    assert (whole(drawn) == square).all()


def line(label: str, *outlines: list[tuple[float, float]], closed: bool = True, **more: Any) -> fo.Polyline:
    return fo.Polyline(label=label, points=[list(one) for one in outlines], closed=closed, filled=closed, **more)


TRIANGLE = [(0.1, 0.1), (0.5, 0.1), (0.3, 0.6)]


@pytest.mark.parametrize("target", ["coco", "cvat_file", "labelstudio_file"])
def test_outlines_are_corrected(labelled, tmp_path, target):
    dataset = labelled(fo.Polylines(polylines=[line("road", TRIANGLE, note=1)]))
    before = raw(dataset)
    hand(dataset, target, tmp_path / "out")
    assert merge(dataset).record is None
    back = tmp_path / "back"
    if target == "coco":
        held = json.loads((tmp_path / "out" / "labels.json").read_text())
        held["annotations"][0]["segmentation"] = [[20, 8, 50, 8, 30, 48]]
        back.write_text(json.dumps(held))
    elif target == "cvat_file":
        tree = ElementTree.parse(tmp_path / "out" / "annotations.xml")
        next(tree.iter("polygon")).set("points", "20.00,8.00;50.00,8.00;30.00,48.00")
        tree.write(back)
    else:
        held = json.loads((tmp_path / "out" / "tasks.json").read_text())
        held[0]["predictions"][0]["result"][0]["value"]["points"] = [[20, 10], [50, 10], [30, 60]]
        held[0]["annotations"] = held[0]["predictions"]
        back.write_text(json.dumps(held[:1]))
    assert merge(dataset, back).changed == 1
    (found,) = dataset.first().gt.polylines
    assert (found.note, found.label, found.filled) == (1, "road", True)
    assert np.allclose(found.points, [[(0.2, 0.1), (0.5, 0.1), (0.3, 0.6)]])
    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert raw(dataset) == before


def test_open_lines_in_cvat(labelled, tmp_path):
    dataset = labelled(fo.Polylines(polylines=[line("lane", TRIANGLE, closed=False)]))
    hand(dataset, "cvat_file", tmp_path / "out")
    assert len(list(ElementTree.parse(tmp_path / "out" / "annotations.xml").iter("polyline"))) == 1
    assert merge(dataset).record is None


@pytest.mark.parametrize(
    ("label", "target", "sentence"),
    [
        (
            of("cat"),
            "coco",
            "target must be a format that holds classification. Got 'coco' instead. cvat_file, labelstudio_file can.",
        ),
        (
            fo.Detections(detections=[masked("cat", [0.1, 0.1, 0.3, 0.5], disc(9, 9))]),
            "cvat_file",
            "target must be a format that holds instances. Got 'cvat_file' instead. coco can.",
        ),
        (
            fo.Polylines(polylines=[line("lane", TRIANGLE, closed=False)]),
            "coco",
            "target must be a format that holds all labels. Got 'coco', which holds no open lines, instead: label {label} of "
            "sample {sample}.",
        ),
        (
            fo.Polylines(polylines=[line("road", TRIANGLE, TRIANGLE)]),
            "cvat_file",
            "target must be a format that holds all labels. Got 'cvat_file', which holds no shapes of several parts, instead: "
            "label {label} of sample {sample}.",
        ),
    ],
)
def test_what_a_format_cannot_hold_is_refused(labelled, refused, tmp_path, label, target, sentence):
    dataset = labelled(label)
    own = label.polylines[0].id if isinstance(label, fo.Polylines) else ""
    with refused(dataset, sentence.format(label=own, sample=dataset.first().id)):
        hand(dataset, target, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_labels_without_class_or_place_are_left_as_they_are(labelled, tmp_path):
    bad = [
        fo.Detection(bounding_box=[0.1, 0.1, 0.2, 0.2]),
        fo.Detection(label="a", bounding_box=[0.1, float("nan"), 0.2, 0.2]),
    ]
    dataset = labelled(fo.Detections(detections=[*bad, fo.Detection(label="b", bounding_box=[0.1, 0.1, 0.2, 0.2])]))
    before = dataset.first().gt.detections
    summary = hand(dataset, "coco", tmp_path / "out")
    assert (summary.n_labels, summary.n_labels_left_out) == (1, 2)
    held = json.loads((tmp_path / "out" / "labels.json").read_text())
    held["annotations"] = []
    (tmp_path / "back.json").write_text(json.dumps(held))
    assert merge(dataset, tmp_path / "back.json").removed == 1
    assert [one.id for one in dataset.first().gt.detections] == [one.id for one in before[:2]]
