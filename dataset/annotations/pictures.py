"""What is handed over: pictures with the labels that annotators begin with, and what comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import bson
import fiftyone as fo
import numpy as np

from ...core.review.returned import Shape, around
from ..samples import Samples, documents, value_at

#: what annotators draw, in FiftyOne's words for annotation
Drawn = Literal["classification", "classifications", "detections", "instances", "polylines"]
KINDS: dict[Drawn, type[fo.Label]] = {
    "classification": fo.Classification,
    "classifications": fo.Classifications,
    "detections": fo.Detections,
    "instances": fo.Detections,
    "polylines": fo.Polylines,
}
#: the attribute by which a label is found again, in formats that keep attributes
ID = "shortlist_id"
_PLACED = ("label", "bounding_box", "mask", "mask_path", "points", "closed", "filled")


@dataclass(frozen=True)
class Picture:
    """An image to hand over.

    Args:
        sample: the id of the sample
        path: the image file
        size: (width, height) in pixels; None where the dataset does not know it yet
        labels: copies of the labels that annotators begin with: class, place and id
        is_own: whether these are the labels of the field, rather than pre-labels from another
        is_empty: whether the field holds no label of the sample
        names: what names each label as the dataset holds it, by its id; see ``name_of``
    """

    sample: str
    path: str
    size: tuple[int, int] | None
    labels: list[fo.Label]
    is_own: bool
    is_empty: bool
    names: dict[str, str]


@dataclass(frozen=True)
class Annotation:
    """One annotation that came back.

    Args:
        id: of the label that it says it is; None where the format kept none
        shape: what it says
        label: the label that it makes; of a mask that came as outlines, these
    """

    id: str | None
    shape: Shape
    label: fo.Label


@dataclass(frozen=True)
class Returned:
    """One image that came back.

    Args:
        name: of its file, as the tool says it
        sample: the id of the sample, where the format kept it
        annotations: all that are on it
    """

    name: str
    sample: str | None
    annotations: list[Annotation]


def of_list(kind: type[fo.Label]) -> str | None:
    """The attribute with the list of labels; None for a label that is no list."""
    return getattr(kind, "_LABEL_LIST_FIELD", None)


def raw_labels(raw: Any, kind: type[fo.Label]) -> list[dict[str, Any]]:
    """The labels that the raw value of a field holds."""
    if not isinstance(raw, Mapping):
        return []
    listed = of_list(kind)
    return [dict(raw)] if listed is None else list(raw.get(listed) or [])


def name_of(raw: Mapping[str, Any] | None) -> str | None:
    """What names a label as it is, class and place, to see whether somebody changed it."""
    if raw is None:
        return None
    said = {name: raw.get(name) for name in _PLACED}
    return hashlib.sha256(bson.encode(said)).hexdigest()[:20]


def shape_of(label: fo.Label, size: tuple[int, int] | None = None) -> Shape:
    """What a label says."""
    if isinstance(label, fo.Polyline):
        outlines = tuple(tuple((float(x), float(y)) for x, y in outline) for outline in label.points)
        return Shape(label.label, around(outlines), outlines, size=size)
    if isinstance(label, fo.Detection):
        x, y, width, height = map(float, label.bounding_box)
        mask = "" if label.mask is None else _digest(np.asarray(label.mask))
        return Shape(label.label, (x, y, width, height), mask=mask, size=size)
    return Shape(label.label, size=size)


def _digest(mask: np.ndarray) -> str:
    return hashlib.sha256(f"{mask.shape}".encode() + np.packbits(mask > 0).tobytes()).hexdigest()[:20]


def made_of(raw: Mapping[str, Any], kind: type[fo.Label]) -> fo.Label | None:
    """A copy of a label with just its class, place and id; None of one that cannot be shown: without class or place."""
    single = {fo.Classifications: fo.Classification, fo.Detections: fo.Detection, fo.Polylines: fo.Polyline}.get(
        kind, kind
    )
    held = single.from_dict(dict(raw))
    if held.label is None:
        return None
    if single is fo.Classification:
        made: fo.Label = fo.Classification(label=held.label)
    elif single is fo.Detection:
        box = held.bounding_box
        if not box or len(box) != 4 or not np.isfinite(box).all() or min(box[2:]) <= 0:
            return None
        try:
            made = fo.Detection(label=held.label, bounding_box=box, mask=held.get_mask() if held.has_mask else None)
        except (OSError, ValueError):
            # Its mask is in a file that is not there.
            return None
    else:
        points = [outline for outline in held.points or [] if len(outline)]
        if not points or not all(np.isfinite(outline).all() for outline in points):
            return None
        made = fo.Polyline(label=held.label, points=points, closed=held.closed, filled=held.filled)
    made.id = str(raw["_id"])
    return made


def pictures(
    samples: Samples, field: str, kind: type[fo.Label], prelabels: str | None, skipped: list[str]
) -> Iterator[Picture]:
    """The samples with what annotators begin with: their own labels, or pre-labels where they have none.

    Args:
        samples: images
        field: the field that annotations go to; it need not be there
        kind: of its labels
        prelabels: another field with pre-labels
        skipped: gets the ids of labels that cannot be shown
    """
    project = {
        "filepath": 1,
        "metadata.width": 1,
        "metadata.height": 1,
        field: 1,
        **({prelabels: 1} if prelabels else {}),
    }
    for batch in documents(samples, project, 200):
        for document in batch:
            own = value_at(document, field)
            is_own = own is not None or prelabels is None
            raws = raw_labels(own if is_own else value_at(document, str(prelabels)), kind)
            made = [made_of(raw, kind) for raw in raws]
            skipped += [str(raw["_id"]) for raw, label in zip(raws, made, strict=True) if label is None]
            size = value_at(document, "metadata.width"), value_at(document, "metadata.height")
            yield Picture(
                str(document["_id"]),
                document["filepath"],
                (int(size[0]), int(size[1])) if all(size) else None,
                [label for label in made if label is not None],
                is_own,
                own is None,
                {str(raw["_id"]): str(name_of(raw)) for raw in raws},
            )
