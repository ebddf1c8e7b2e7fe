"""CVAT files ("CVAT for images 1.1"): one XML file. FiftyOne writes and reads them, but for what its exporter leaves out.

The exporter leaves out images without labels, which are the ones to draw, and writes class names as they are, which breaks
the file where one holds ``&`` or ``<``. So its parts are used here, not the exporter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import fiftyone as fo
import fiftyone.utils.cvat as fouc

from .pictures import ID, KINDS, Annotation, Drawn, Picture, Returned, of_list, shape_of

FORMAT, NAME, SUFFIX = "CVAT", "annotations.xml", ".xml"
HOLDS: tuple[Drawn, ...] = ("classification", "classifications", "detections", "polylines")
# Before an id: one that looks like a number would be read as a number.
_MARK = "label-"


def unfit(label: fo.Label) -> str | None:
    """What the format cannot hold of a label."""
    return "shapes of several parts" if isinstance(label, fo.Polyline) and len(label.points) > 1 else None


def write(directory: Path, pictures: list[Picture], drawn: Drawn, classes: list[str], about: dict[str, Any]) -> None:
    """Writes ``annotations.xml`` beside the images."""
    kind = KINDS[drawn]
    images = []
    for number, picture in enumerate(pictures):
        assert picture.size is not None
        for label in picture.labels:
            label[ID] = f"{_MARK}{label.id}"
        size = fo.ImageMetadata(width=picture.size[0], height=picture.size[1])
        listed = of_list(kind)
        shown = kind(**{listed: picture.labels}) if listed else next(iter(picture.labels), None)
        image = fouc.CVATImage.from_labels({"labels": shown}, size)
        image.id, image.name = number, _safe(Path(picture.path).name)
        for annotation in image.iter_annos():
            annotation.label = _safe(annotation.label)
        images.append(image)
    attributes = [{"name": ID, "categories": []}]
    known = fouc.CVATTaskLabels([{"name": _safe(name), "attributes": attributes} for name in classes])
    writer = fouc.CVATImageAnnotationWriter()
    writer.write(known, images, str(directory / NAME), id=0, name=_safe(str(about["run_key"])))


def _safe(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def read(path: Path, drawn: Drawn) -> list[Returned]:
    """Reads the annotations of every image that the file lists."""
    _, _, images = fouc.load_cvat_image_annotations(str(path))
    found = []
    for image in images:
        size = image.width, image.height
        if drawn in ("classification", "classifications"):
            labels = [tag.to_classification() for tag in image.tags]
        elif drawn == "detections":
            labels = [box.to_detection(size) for box in image.boxes]
        else:
            labels = [line.to_polyline(size) for line in [*image.polygons, *image.polylines]]
        found.append(Returned(image.name, None, [_annotation(label, size) for label in labels]))
    return found


def _annotation(label: fo.Label, size: tuple[int, int]) -> Annotation:
    marked = label.get_attribute_value(ID, None)
    own = str(marked).removeprefix(_MARK) if marked else None
    return Annotation(own, shape_of(label, size), label)
