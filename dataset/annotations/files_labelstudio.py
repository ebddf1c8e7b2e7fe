"""Label Studio files: tasks with predictions in one JSON file, and the config. FiftyOne makes and reads the labels."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import fiftyone as fo
import fiftyone.utils.labelstudio as foul

from ...core.errors import ShortlistError, listed, must_be
from .pictures import KINDS, Annotation, Drawn, Picture, Returned, of_list, shape_of

FORMAT, NAME, SUFFIX = "Label Studio", "tasks.json", ".json"
HOLDS: tuple[Drawn, ...] = ("classification", "classifications", "detections", "polylines")
_CONFIG = "labeling_config.xml"
_SAMPLE, _IMAGE = "sample_id", "image"
# What a tool for each is called, how a class is listed in it, and what else it says.
_TOOLS: dict[Drawn, tuple[str, str, dict[str, str]]] = {
    "classification": ("Choices", "Choice", {"choice": "single"}),
    "classifications": ("Choices", "Choice", {"choice": "multiple"}),
    "detections": ("RectangleLabels", "Label", {}),
    "polylines": ("PolygonLabels", "Label", {}),
}


def unfit(label: fo.Label) -> str | None:
    """What the format cannot hold of a label."""
    if not isinstance(label, fo.Polyline):
        return None
    if len(label.points) > 1:
        return "shapes of several parts"
    return None if label.closed or label.filled else "open lines"


def write(directory: Path, pictures: list[Picture], drawn: Drawn, classes: list[str], about: dict[str, Any]) -> None:
    """Writes ``tasks.json`` and ``labeling_config.xml`` beside the images."""
    name = str(about["label_field"])
    tasks = []
    for picture in pictures:
        file = quote(Path(picture.path).name)
        data = {
            _IMAGE: f"/data/local-files/?d=data/{file}",
            "file_name": Path(picture.path).name,
            _SAMPLE: picture.sample,
        }
        results = _results(picture, drawn, name)
        predictions = [{"model_version": str(about["run_key"]), "result": results}] if results else []
        tasks.append({"data": data, "predictions": predictions})
    (directory / NAME).write_text(json.dumps(tasks, ensure_ascii=False, indent=1), encoding="utf-8")
    (directory / _CONFIG).write_bytes(_config(drawn, name, classes))


def _results(picture: Picture, drawn: Drawn, name: str) -> list[dict[str, Any]]:
    """The labels of a picture as Label Studio holds them."""
    if not picture.labels:
        return []
    assert picture.size is not None
    width, height = picture.size
    place = {"original_width": width, "original_height": height, "image_rotation": 0}
    common = {"from_name": name, "to_name": _IMAGE, **place}
    kind = KINDS[drawn]
    listed_as = of_list(kind)
    shown = kind(**{listed_as: picture.labels}) if listed_as else picture.labels[0]
    found: list[dict[str, Any]] = foul.export_label_to_label_studio(shown, full_result=common)
    for one in found:
        # Several classes of an image are one result.
        one["id"] = one["id"][0] if isinstance(one["id"], list) else one["id"]
    return found


def _config(drawn: Drawn, name: str, classes: list[str]) -> bytes:
    """The labelling config. FiftyOne's own maker needs a package that it does not bring."""
    tool, choice, more = _TOOLS[drawn]
    root = ElementTree.Element("View")
    ElementTree.SubElement(root, "Image", name=_IMAGE, value=f"${_IMAGE}")
    holder = ElementTree.SubElement(root, tool, {"name": name, "toName": _IMAGE, **more})
    for one in classes:
        ElementTree.SubElement(holder, choice, value=one)
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def read(path: Path, drawn: Drawn) -> list[Returned]:
    """Reads the latest annotation of each task; a task that nobody has annotated yet did not come back."""
    tasks = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        raise must_be("the file", "a JSON list of tasks, as Label Studio exports them", type(tasks).__name__)
    found = []
    foreign: Counter[str] = Counter()
    for task in tasks:
        done = [one for one in task.get("annotations", []) if not one.get("was_cancelled")]
        # Our own file holds what annotators begin with.
        done = done or ([] if "annotations" in task else task.get("predictions", []) or [{"result": []}])
        if not done:
            continue
        latest = max(done, key=lambda one: str(one.get("updated_at") or ""))
        data = task["data"]
        annotations = [one for result in latest["result"] for one in _annotations(result, drawn, foreign)]
        found.append(Returned(str(data.get("file_name") or data.get(_IMAGE)), data.get(_SAMPLE), annotations))
    if foreign:
        got = listed(f"{count} {name}" for name, count in foreign.items())
        raise ShortlistError(f"all annotations must be {_TOOLS[drawn][0]}, of which {drawn} are made. Got {got} too.")
    return found


def _annotations(result: dict[str, Any], drawn: Drawn, foreign: Counter[str]) -> list[Annotation]:
    """The labels that a result makes; what is no label, such as a text, makes none."""
    value = result.get("value", {})
    if result["type"] != _TOOLS[drawn][0].lower():
        if not {"text", "rating", "number", "datetime"} & {*value}:
            foreign[result["type"]] += 1
        return []
    if not value.get(result["type"]):
        # A shape that was drawn without a class.
        foreign["shapes without a class"] += 1
        return []
    _, label = foul.import_label_studio_annotation(result)
    if isinstance(label, fo.Classifications):
        return [Annotation(None, shape_of(one), one) for one in label.classifications]
    width, height = result.get("original_width"), result.get("original_height")
    size = (int(width), int(height)) if width and height else None
    own = None if drawn == "classifications" else result.get("id")
    return [Annotation(own, shape_of(label, size), label)]
