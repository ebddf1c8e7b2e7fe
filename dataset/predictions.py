"""Predictions to arrays, batch by batch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from scipy.special import expit

from ..core.errors import did_you_mean, must_be
from ..core.scores import Objects
from ..core.scores.probabilities import from_confidence, from_logits, normalized
from .binary import numbers
from .labels import LabelField
from .samples import Samples, documents, frame_documents, value_at
from .vectors import Place, checked, located, stacked

_WITH_POINTS = (fo.Keypoint, fo.Keypoints)


@dataclass(frozen=True)
class Batch:
    """The predictions of some samples, or of some frames.

    Args:
        ids: (n,) of all samples or frames of the batch
        owners: (n,) the samples that frames belong to; the same as ``ids`` where samples hold the label
        object_ids: (m,) of all their objects, in order; None for a class of a multi-label vector that is no label
        objects: their arrays
        origins: how many objects' probabilities came from where
    """

    ids: list[ObjectId]
    owners: list[ObjectId]
    object_ids: list[ObjectId | None]
    objects: Objects
    origins: Counter[str]


def read(samples: Samples, field: LabelField) -> Iterator[Batch]:
    """Streams the predictions of a label field.

    Raises:
        ShortlistError: vectors of a wrong or mixed length, rows that are no distribution, confidences outside [0, 1],
            labels outside the declared classes; each with the sample where it was found first
    """
    index = {label: place for place, label in enumerate(field.classes)}
    read_batch = _multilabel if field.task == "multilabel" else _objects
    width = len(field.classes) if field.declared else _first_width(samples, field)
    for batch in label_documents(samples, field, _projected(field)):
        labels = [value_at(document, field.document_path) for document in batch]
        if field.list_attribute is None:
            lists = [[label] if label else [] for label in labels]
        else:
            lists = [(label.get(field.list_attribute) or []) if label else [] for label in labels]
        found = [one for members in lists for one in members]
        offsets = np.concatenate([[0], np.cumsum([len(members) for members in lists], dtype=np.int64)])
        place = Place(field, batch, offsets)
        confidences, classes = _confidences(found, field), _class_indices(found, index)
        _check_labels(found, field, index, place)
        _check_confidences(found, confidences, place)
        read = _Read(labels, found, confidences, classes, place)
        object_ids, objects, origins, width = read_batch(read, width)
        ids = [document["_id"] for document in batch]
        yield Batch(
            ids, [document.get("_sample_id", document["_id"]) for document in batch], object_ids, objects, origins
        )


def label_documents(
    samples: Samples, field: LabelField, project: dict[str, Any], **batch: int
) -> Iterator[list[dict[str, Any]]]:
    """The documents that hold a field, of the samples or of their frames."""
    return (frame_documents if field.of_frames else documents)(samples, project, **batch)


def _projected(field: LabelField) -> dict[str, Any]:
    """The parts of a document that say what was predicted, and not where."""
    attributes = ["_id", "label", "confidence", "logits", field.probabilities_attribute]
    if field.kind in _WITH_POINTS:
        attributes.append("points")
    project = {f"{field.document_path}._cls": True} | {f"{field.objects_path}.{name}": True for name in attributes}
    if field.task == "multilabel":
        project |= {f"{field.document_path}.{name}": True for name in ("logits", field.probabilities_attribute)}
    return project


@dataclass(frozen=True)
class _Read:
    """A batch of documents, half read.

    Args:
        labels: (n,) the label of each, or nothing
        found: (m,) the objects of all of them
        confidences: (m,)
        classes: (m,)
        place: says where an object is
    """

    labels: list[Any]
    found: list[dict]
    confidences: NDArray[np.float64]
    classes: NDArray[np.int64]
    place: Place

    @property
    def present(self) -> NDArray[np.bool_]:
        return np.array([bool(label) for label in self.labels])


def _objects(read: _Read, width: int | None) -> tuple[list[ObjectId | None], Objects, Counter[str], int | None]:
    """One row an object, K probabilities each."""
    probabilities, origins, width = _probabilities(read.found, read.confidences, read.classes, width, read.place)
    objects = Objects(read.place.offsets, read.present, probabilities, read.confidences, read.classes)
    return [one["_id"] for one in read.found], objects, origins, width


def _multilabel(read: _Read, width: int | None) -> tuple[list[ObjectId | None], Objects, Counter[str], int | None]:
    """One row a class that is known of: all of them where the label holds a vector, else those that it lists.

    Each is a yes or no of its own, so its probabilities are (yes, no).
    """
    field, offsets = read.place.field, read.place.offsets
    name, origins = field.probabilities_attribute, Counter[str]()
    object_ids: list[ObjectId | None] = []
    yes, classes, counts = [], [], []
    for row, label in enumerate(read.labels):
        rows = slice(offsets[row], offsets[row + 1])
        key = next((key for key in (name, "logits") if label and label.get(key) is not None), None)
        if key is None:
            object_ids += [one["_id"] for one in read.found[rows]]
            yes.append(read.confidences[rows])
            classes.append(read.classes[rows])
            n_known = int(np.isfinite(yes[-1]).sum())
            origins.update({"confidence": n_known, "nothing": len(yes[-1]) - n_known})
        else:
            where = partial(read.place.of_sample, row)
            vector, width = checked(label[key], key, width, where, field)
            if key == name and not ((vector >= 0) & (vector <= 1)).all():
                raise must_be(f"{where()}: {name}", "between 0 and 1 for every class", vector.tolist())
            if not np.isfinite(vector).all():
                raise must_be(f"{where()}: {key}", "finite numbers", vector.tolist())
            # Only a declared class list says which place of a vector is whose.
            known = zip(read.classes[rows], read.found[rows], strict=True) if field.declared else ()
            ids = {int(index): one["_id"] for index, one in known}
            object_ids += [ids.get(index) for index in range(len(vector))]
            yes.append(expit(vector) if key == "logits" else vector)
            classes.append(np.arange(len(vector)))
            origins[key] += len(vector)
        counts.append(len(yes[-1]))
    every = np.concatenate([*yes, np.zeros(0)])
    arrays = Objects(
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        present=read.present,
        probabilities=np.stack([every, 1 - every], axis=1).astype(np.float32),
        confidences=every,
        classes=np.concatenate([*classes, np.zeros(0, np.int64)]),
    )
    return object_ids, arrays, origins, width


def _first_width(samples: Samples, field: LabelField) -> int | None:
    """The length of some vector of the field, so that it does not depend on the order whether approximations know it."""
    is_list = field.task == "objects"
    for name in (field.probabilities_attribute, "logits"):
        given: dict[str, Any] = {"$nin": [None, []]}
        found = (
            {field.objects_path: {"$elemMatch": {name: given}}} if is_list else {f"{field.document_path}.{name}": given}
        )
        post = [{"$match": found}, {"$limit": 1}]
        first = next(iter(samples._aggregate(frames_only=field.of_frames, post_pipeline=post)), None)
        if first is not None:
            label = value_at(first, field.objects_path if is_list else field.document_path)
            objects = label if isinstance(label, list) else [label]
            vector = next((numbers(one[name]) for one in objects if one.get(name)), None)
            return None if vector is None or vector.ndim != 1 else len(vector)
    return None


def _confidences(objects: list[dict], field: LabelField) -> NDArray[np.float64]:
    if field.kind in _WITH_POINTS:
        return np.array([_mean_confidence(one) for one in objects], dtype=np.float64)
    return np.array(
        [np.nan if (value := one.get("confidence")) is None else value for one in objects], dtype=np.float64
    )


def _mean_confidence(one: dict) -> float:
    """The mean confidence of the points of a keypoint that are visible."""
    confidences, points = one.get("confidence") or [], one.get("points") or []
    seen = [
        confidence
        for confidence, point in zip(confidences, points, strict=False)
        if confidence is not None
        and not math.isnan(confidence)
        and not any(number is None or math.isnan(number) for number in point)
    ]
    return sum(seen) / len(seen) if seen else math.nan


def _class_indices(objects: list[dict], index: dict[str, int]) -> NDArray[np.int64]:
    return np.array([index.get(one.get("label"), -1) for one in objects], dtype=np.int64)  # type: ignore[arg-type]


def _probabilities(
    objects: list[dict],
    confidences: NDArray[np.float64],
    classes: NDArray[np.int64],
    width: int | None,
    place: Place,
) -> tuple[NDArray[np.floating], Counter[str], int | None]:
    """(m, K) class probabilities: the attribute, else softmax of the logits, else from the confidence, else NaN rows."""
    field = place.field
    name = field.probabilities_attribute
    given = {row: value for row, one in enumerate(objects) if (value := one.get(name)) is not None}
    logits = {
        row: value for row, one in enumerate(objects) if row not in given and (value := one.get("logits")) is not None
    }
    rest = [row for row in range(len(objects)) if row not in given and row not in logits]
    vectors, width = stacked(given, name, width, place)
    scores, width = stacked(logits, "logits", width, place)
    result = np.full((len(objects), max(width or len(field.classes), 2)), np.nan, np.float32)
    if given:
        with located(place, list(given)):
            result[list(given)] = normalized(vectors)
    if logits:
        with located(place, list(logits)):
            result[list(logits)] = from_logits(scores)
    if rest:
        # Only how the mass is spread counts here, not on which class.
        columns = result.shape[1]
        result[rest] = from_confidence(confidences[rest], np.minimum(classes[rest], columns - 1), columns)
    known = int((np.isfinite(confidences[rest]) & (classes[rest] >= 0)).sum())
    origins = Counter({name: len(given), "logits": len(logits), "confidence": known, "nothing": len(rest) - known})
    return result, origins, width


def _check_confidences(objects: list[dict], confidences: NDArray[np.float64], place: Place) -> None:
    rows: NDArray[np.integer] = np.arange(len(confidences))
    if place.field.kind in _WITH_POINTS:
        # A mean of points may be within bounds where they are not.
        points = [one.get("confidence") or [] for one in objects]
        rows = np.repeat(rows, [len(some) for some in points])
        confidences = np.array([one for some in points for one in some], dtype=np.float64)
    outside = np.flatnonzero((confidences < 0) | (confidences > 1))
    if len(outside):
        first = int(outside[0])
        raise must_be(f"{place.of(int(rows[first]))}: confidence", "between 0 and 1", float(confidences[first]))


def _check_labels(objects: list[dict], field: LabelField, index: dict[str, int], place: Place) -> None:
    if not field.declared:
        return
    for row, one in enumerate(objects):
        label = one.get("label")
        if label is not None and label not in index:
            hint = did_you_mean(label, field.classes) or f"Set dataset.classes[{field.path!r}] to the model's classes."
            raise must_be(
                f"{place.of(row)}: label",
                f"one of the {len(field.classes)} classes that the dataset declares",
                label,
                hint,
            )
