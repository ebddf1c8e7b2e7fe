"""COCO files: objects with boxes and outlines, in one JSON file. FiftyOne writes and reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.utils.coco as fouc

from ...core.errors import must_be
from ...core.review.returned import Shape
from ...core.review.run_lengths import counts_of, pixels_of
from .pictures import ID, KINDS, Annotation, Drawn, Picture, Returned, of_list, shape_of

FORMAT, NAME, SUFFIX = "COCO", "labels.json", ".json"
HOLDS: tuple[Drawn, ...] = ("detections", "instances", "polylines")
# How far, in pixels, an outline may be from the mask that it is drawn around.
_TOLERANCE = 1


def unfit(label: fo.Label) -> str | None:
    """What the format cannot hold of a label."""
    return "open lines" if isinstance(label, fo.Polyline) and not (label.closed or label.filled) else None


def write(directory: Path, pictures: list[Picture], drawn: Drawn, classes: list[str], about: dict[str, Any]) -> None:
    """Writes ``labels.json`` beside the images."""
    images, kind = directory / "data", KINDS[drawn]
    exporter = fouc.COCODetectionDatasetExporter(
        data_path=str(images),
        labels_path=str(directory / NAME),
        export_media=False,
        rel_dir=str(images),
        # Some tools take 0 for the background.
        categories=[{"id": place, "name": name, "supercategory": None} for place, name in enumerate(classes, start=1)],
        extra_attrs=[ID],
        tolerance=_TOLERANCE,
    )
    with exporter:
        for picture in pictures:
            assert picture.size is not None
            for label in picture.labels:
                label[ID] = str(label.id)
            size = fo.ImageMetadata(width=picture.size[0], height=picture.size[1])
            exporter.export_sample(picture.path, kind(**{str(of_list(kind)): picture.labels}), size)


def read(path: Path, drawn: Drawn) -> list[Returned]:
    """Reads the annotations of every image that the file lists."""
    _, classes, _, images, objects = fouc.load_coco_detection_annotations(str(path))
    if not images or classes is None:
        raise must_be("the file", "COCO with images and categories", sorted({"images"} - {*images}) or "no categories")
    found = []
    for number, image in images.items():
        size = int(image["width"]), int(image["height"])
        annotations = [_annotation(one, classes, size, drawn) for one in (objects or {}).get(number, [])]
        found.append(Returned(image["file_name"], None, [one for one in annotations if one is not None]))
    return found


def _annotation(one: Any, classes: dict[int, str], size: tuple[int, int], drawn: Drawn) -> Annotation | None:
    """One annotation; None of one without a place."""
    own = one.attributes.get(ID)
    if one.segmentation and drawn != "detections":
        of = _of_pixels if isinstance(one.segmentation, dict) else _of_outlines
        shape, label = of(one, classes, size, drawn)
        return Annotation(own, shape, label)
    label = None if drawn == "polylines" else one.to_detection(size, classes)
    return None if label is None else Annotation(own, shape_of(label, size), label)


def _of_outlines(one: Any, classes: dict[int, str], size: tuple[int, int], drawn: Drawn) -> tuple[Shape, fo.Label]:
    """What outlines say. Of a mask they are kept as they are until it is drawn."""
    label = one.to_polyline(size, classes)
    label.closed = True
    shape = shape_of(label, size)
    if drawn == "instances" and one.bbox:
        # The box came too, and says more than what is around the outlines.
        shape = replace(shape, box=shape_of(one.to_detection(size, classes)).box)
    return shape, label


def _of_pixels(one: Any, classes: dict[int, str], size: tuple[int, int], drawn: Drawn) -> tuple[Shape, fo.Label]:
    """What the pixels of a mask say."""
    mask = pixels_of(counts_of(one.segmentation["counts"]), *one.segmentation["size"])
    if drawn == "polylines":
        line = fo.Detection.from_mask(mask, label=classes[one.category_id]).to_polyline()
        return shape_of(line, size), line
    label = one.to_detection(size, classes)
    label.mask = _cut(mask, one.bbox)
    return shape_of(label, size), label


def _cut(mask: Any, bbox: list[float]) -> Any:
    """The part of a mask that is in the box."""
    x, y, width, height = bbox
    return mask[round(y) : max(round(y + height), round(y) + 1), round(x) : max(round(x + width), round(x) + 1)]
