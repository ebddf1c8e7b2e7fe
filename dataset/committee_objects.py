"""The objects that the members of a committee found: boxes, instance masks and classes."""

from __future__ import annotations

import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import did_you_mean, must_be
from ..core.geometry import Mask
from ..core.scores.disagreement_objects import Found
from .binary import decoded
from .boxes import boxes_xywh
from .committee import Committee
from .labels import LabelField
from .predictions import label_documents
from .samples import Samples, value_at

# Documents a batch where objects have masks, which are large.
_BATCH_OF_MASKS = 50
_BATCH = 1000


@dataclass(frozen=True)
class Member:
    """The objects of one member in some samples or frames.

    Args:
        object_ids: (m,) of all of them
        offsets: (n + 1,) which objects belong to which sample
        counted: (m,) bool, whether an object is compared with those of other members
    """

    object_ids: list[ObjectId]
    offsets: NDArray[np.int64]
    counted: NDArray[np.bool_]

    def spread(self, values: list[NDArray[np.float64] | None]) -> NDArray[np.float64]:
        """(m,) the values of all objects, NaN for those not compared, from those of each sample that were."""
        result = np.full(len(self.object_ids), np.nan)
        result[self.counted] = np.concatenate([*(one for one in values if one is not None), np.zeros(0)])
        return result


@dataclass(frozen=True)
class ObjectBatch:
    """What the members found in some samples or frames.

    Args:
        ids: (n,) of all samples or frames of the batch
        owners: (n,) the samples that frames belong to; the same as ``ids`` where samples hold the labels
        found: what each member found in each sample, None where it has no label
        members: the same objects, member by member
    """

    ids: list[ObjectId]
    owners: list[ObjectId]
    found: list[list[Found | None]]
    members: list[Member]


def read_objects(
    samples: Samples, committee: Committee, min_confidence: float | None, problems: Counter[str]
) -> Iterator[ObjectBatch]:
    """Streams the objects that several detection fields hold.

    Args:
        samples: the samples
        committee: the members
        min_confidence: objects less confident are not compared
        problems: counts the mask files that could not be read, by reason; of these objects the boxes count

    Raises:
        ShortlistError: an object without a box, a box or mask that is none, or a label outside the declared classes; each with
            the sample where it was found first
    """
    names = ("_id", "label", "confidence", "bounding_box", "mask", "mask_path")
    project = {f"{field.objects_path}.{name}": True for field in committee.fields for name in names}
    project |= {f"{field.document_path}._cls": True for field in committee.fields}
    index = {name: place for place, name in enumerate(committee.classes)}
    size = _BATCH_OF_MASKS if any(has_masks(samples, field) for field in committee.fields) else _BATCH
    for batch in label_documents(samples, committee.fields[0], project, batch=size):
        found: list[list[Found | None]] = [[] for _ in batch]
        members = []
        for field in committee.fields:
            object_ids, counts, counted = [], [], []
            for row, document in enumerate(batch):
                label = value_at(document, field.document_path)
                objects = (label.get(field.list_attribute) or []) if label else []
                compared = [_is_counted(one, min_confidence) for one in objects]
                place = ObjectPlace(document, field, problems)
                found[row].append(_found(objects, compared, index, place) if label else None)
                object_ids += [one["_id"] for one in objects]
                counts.append(len(objects))
                counted += compared
            offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
            members.append(Member(object_ids, offsets, np.array(counted, bool)))
        owners = [document.get("_sample_id", document["_id"]) for document in batch]
        yield ObjectBatch([document["_id"] for document in batch], owners, found, members)


def has_masks(samples: Samples, field: LabelField) -> bool:
    """Whether some object of a field has an instance mask."""
    for name in ("mask", "mask_path"):
        found = [{"$match": {f"{field.objects_path}.{name}": {"$nin": [None, []]}}}, {"$limit": 1}]
        if next(iter(samples._aggregate(frames_only=field.of_frames, post_pipeline=found)), None) is not None:
            return True
    return False


@dataclass(frozen=True)
class ObjectPlace:
    """Where in the dataset objects are, for an error, and the count of what could not be read."""

    document: dict
    field: LabelField
    problems: Counter[str]

    def __str__(self) -> str:
        return self.field.where(self.document["_id"])

    def note(self, path: str) -> None:
        """Counts a mask file that cannot be read; only the first is named."""
        kind = "instance masks that cannot be read, compared by their boxes instead"
        self.problems[
            next((known for known in self.problems if known.startswith(kind)), f"{kind}, such as {path}")
        ] += 1


def _is_counted(one: dict, min_confidence: float | None) -> bool:
    confidence = one.get("confidence")
    return min_confidence is None or confidence is None or confidence >= min_confidence


def _found(objects: list[dict], counted: list[bool], index: dict[str, int], place: ObjectPlace) -> Found:
    """The objects that count."""
    objects = [one for one, counts in zip(objects, counted, strict=True) if counts]
    boxes = boxes_xywh([one.get("bounding_box") for one in objects], place)
    classes = np.array([_class(one.get("label"), index, place) for one in objects], np.int64)
    masks = [instance_mask(one, place) for one in objects]
    return Found(boxes, classes, masks if any(mask is not None for mask in masks) else None)


def _class(label: str | None, index: dict[str, int], place: ObjectPlace) -> int:
    if label is None:
        return -1
    if place.field.declared and label not in place.field.classes:
        classes = place.field.classes
        hint = did_you_mean(label, classes) or f"Set dataset.classes[{place.field.path!r}] to the model's classes."
        where, requirement = f"{place}: label", f"one of the {len(classes)} classes that the dataset declares"
        raise must_be(where, requirement, label, hint)
    return index.get(label, -1)


def instance_mask(one: dict, place: ObjectPlace) -> Mask:
    """An object's instance mask, from the document or from its file."""
    if (stored := one.get("mask")) is not None:
        try:
            mask = decoded(stored)
        except (TypeError, ValueError, zlib.error):
            mask = None
    elif (path := one.get("mask_path")) is not None:
        # OpenCV writes a line to the terminal for every file that is not there.
        mask = cv2.imread(path, cv2.IMREAD_UNCHANGED) if os.path.isfile(path) else None
        if mask is None:
            place.note(path)
            return None
        # Where the object is, colours say; how opaque they are does not.
        mask = mask[..., :3] if mask.ndim == 3 else mask
    else:
        return None
    if mask is None or mask.ndim not in (2, 3) or mask.dtype.kind not in "biuf":
        raise must_be(f"{place}: mask", "an array of numbers (height, width)", stored if mask is None else mask.shape)
    return np.asarray(mask.any(axis=2) if mask.ndim == 3 else mask != 0)
