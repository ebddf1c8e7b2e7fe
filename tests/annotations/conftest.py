"""What these tests share: images with awkward names, their labels, and an annotation tool that is not FiftyOne's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import fiftyone as fo
import numpy as np
import pytest

import shortlist as sl

WIDTH, HEIGHT = 100, 80
FILES = {"coco": "labels.json", "cvat_file": "annotations.xml", "labelstudio_file": "tasks.json"}


def quiet(*_: Any) -> None:
    """No bar."""


@pytest.fixture
def images(tmp_path) -> list[str]:
    """Images whose names clash, differ in case only, and hold more than ASCII."""
    names = ["é 1.png", "more/é 1.png", "A.png", "more/a.png", "plain.png"]
    for row, name in enumerate(names):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imencode(".png", np.full((HEIGHT, WIDTH, 3), row * 40, np.uint8))[1].tofile(path)
    return [str(tmp_path / "images" / name) for name in names]


def box(label: str, x: float, y: float, width: float = 0.2, height: float = 0.3, **more: Any) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[x, y, width, height], **more)


@pytest.fixture
def dataset(make, images):
    """Two labels with attributes on the first, pre-labels on the second, no objects on the third, no label on the rest."""
    given = fo.Detections(detections=[box('cät <&"', 0.1, 0.1, note="é", confidence=0.5), box("dog", 0.5, 0.5)])
    guessed = fo.Detections(
        detections=[box("dog", 0.123456, 0.2, confidence=0.9), box("dog", 0.6, 0.6, confidence=0.2)]
    )
    samples = [fo.Sample(path) for path in images]
    samples[0]["gt"], samples[1]["guess"], samples[2]["gt"] = given, guessed, fo.Detections()
    return make(samples)


@pytest.fixture
def hand():
    """Hands the dataset over as round_a."""

    def handed(dataset, target: str, directory: Path, **more: Any):
        more = {"prelabels": "guess", **more}
        return sl.export_annotations(
            dataset, "round_a", "gt", target=target, export_dir=directory, progress=quiet, **more
        )

    return handed


@pytest.fixture
def merge():
    """Merges round_a."""
    return lambda dataset, path=None: sl.merge_annotations(dataset, "round_a", path, progress=quiet)


@pytest.fixture(scope="session")
def tool():
    """Opens a file of a target in the tool."""
    return Tool


class Tool:
    """An annotation tool: reads a file of its format by other means than FiftyOne's, changes it, and writes it back."""

    def __init__(self, target: str, directory: Path):
        self.target, self.path = target, directory / FILES[target]
        text = self.path.read_text(encoding="utf-8")
        self.held = ElementTree.fromstring(text) if target == "cvat_file" else json.loads(text)

    def save(self, path: Path | None = None) -> Path:
        path = path or self.path
        if self.target == "cvat_file":
            path.write_bytes(ElementTree.tostring(self.held, encoding="utf-8"))
            return path
        if self.target == "labelstudio_file":
            held = [{**task, "annotations": [{"result": self._results(task), "updated_at": "2"}]} for task in self.held]
            path.write_text(json.dumps(held), encoding="utf-8")
            return path
        path.write_text(json.dumps(self.held), encoding="utf-8")
        return path

    def _results(self, task: dict) -> list[dict]:
        return task["predictions"][0]["result"] if task["predictions"] else []

    def boxes(self) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
        """Class and (left, top, width, height) in pixels of all boxes, by the image's name."""
        if self.target == "coco":
            classes = {one["id"]: one["name"] for one in self.held["categories"]}
            found = {one["id"]: (one["file_name"], []) for one in self.held["images"]}
            for one in self.held["annotations"]:
                found[one["image_id"]][1].append((classes[one["category_id"]], tuple(one["bbox"])))
            return dict(found.values())
        if self.target == "cvat_file":
            return {
                image.get("name"): [self._xml_box(one) for one in image.iter("box")]
                for image in self.held.iter("image")
            }
        scale = WIDTH / 100, HEIGHT / 100
        return {
            task["data"]["file_name"]: [
                (
                    one["value"]["rectanglelabels"][0],
                    tuple(
                        one["value"][side] * scale[place % 2]
                        for place, side in enumerate(("x", "y", "width", "height"))
                    ),
                )
                for one in self._results(task)
            ]
            for task in self.held
        }

    @staticmethod
    def _xml_box(one: ElementTree.Element) -> tuple[str, tuple[float, ...]]:
        left, top, right, bottom = (float(one.get(side)) for side in ("xtl", "ytl", "xbr", "ybr"))
        return one.get("label"), (left, top, right - left, bottom - top)

    def change(self, name: str, place: int, label: str | None = None, left: float | None = None) -> None:
        """Gives a box of an image another class, or moves it to another left side, in pixels."""
        if self.target == "coco":
            one = self._coco_of(name)[place]
            if label is not None:
                one["category_id"] = self._category(label)
            if left is not None:
                one["bbox"][0] = left
        elif self.target == "cvat_file":
            one = list(self._image(name).iter("box"))[place]
            if label is not None:
                one.set("label", label)
            if left is not None:
                one.set("xbr", str(float(one.get("xbr")) - float(one.get("xtl")) + left))
                one.set("xtl", f"{left:.2f}")
        else:
            one = self._results(self._task(name))[place]
            if label is not None:
                one["value"]["rectanglelabels"] = [label]
            if left is not None:
                one["value"]["x"] = left * 100 / WIDTH

    def remove(self, name: str, place: int) -> None:
        if self.target == "coco":
            self.held["annotations"].remove(self._coco_of(name)[place])
        elif self.target == "cvat_file":
            self._image(name).remove(list(self._image(name).iter("box"))[place])
        else:
            del self._results(self._task(name))[place]

    def add(self, name: str, label: str, left: float, top: float, width: float, height: float) -> None:
        if self.target == "coco":
            image = next(one["id"] for one in self.held["images"] if one["file_name"] == name)
            number = 1 + max((one["id"] for one in self.held["annotations"]), default=0)
            place = {"bbox": [left, top, width, height], "area": width * height, "iscrowd": 0}
            new = {"id": number, "image_id": image, "category_id": self._category(label), **place}
            self.held["annotations"].append(new)
        elif self.target == "cvat_file":
            sides = {"xtl": left, "ytl": top, "xbr": left + width, "ybr": top + height}
            ElementTree.SubElement(
                self._image(name),
                "box",
                {"label": label, "occluded": "0", **{one: str(at) for one, at in sides.items()}},
            )
        else:
            value = {"x": left, "y": top * 100 / HEIGHT, "width": width, "height": height * 100 / HEIGHT, "rotation": 0}
            size = {"original_width": WIDTH, "original_height": HEIGHT}
            new = {"id": "x7Yk2", "type": "rectanglelabels", "value": {**value, "rectanglelabels": [label]}, **size}
            task = self._task(name)
            task["predictions"] = task["predictions"] or [{"result": []}]
            self._results(task).append(new)

    def forget_ids(self) -> None:
        """Drops what is ours and numbers anew, as many tools do."""
        if self.target == "coco":
            self.held["annotations"].reverse()
            for number, one in enumerate(self.held["annotations"], start=1):
                one.pop("shortlist_id", None)
                one["id"] = number
        elif self.target == "cvat_file":
            for one in self.held.iter("box"):
                for attribute in one.findall("attribute"):
                    one.remove(attribute)
        else:
            for task in self.held:
                for number, one in enumerate(self._results(task)):
                    one["id"] = f"new{number}"

    def _coco_of(self, name: str) -> list[dict]:
        image = next(one["id"] for one in self.held["images"] if one["file_name"] == name)
        return [one for one in self.held["annotations"] if one["image_id"] == image]

    def _category(self, label: str) -> int:
        known = {one["name"]: one["id"] for one in self.held["categories"]}
        if label not in known:
            known[label] = 1 + max(known.values())
            self.held["categories"].append({"id": known[label], "name": label})
        return known[label]

    def _image(self, name: str) -> ElementTree.Element:
        return next(one for one in self.held.iter("image") if one.get("name") == name)

    def _task(self, name: str) -> dict:
        return next(one for one in self.held if one["data"]["file_name"] == name)


@pytest.fixture
def raw() -> Callable[[Any], dict]:
    """The raw label field of all samples."""
    return lambda dataset: {one["_id"]: one.get("gt", "missing") for one in dataset._sample_collection.find()}


@pytest.fixture(name="box", scope="session")
def _box():
    """Makes a detection."""
    return box
