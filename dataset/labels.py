"""Label documents to arrays, batch by batch. A label type is a row of ``LABEL_TYPES``."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.scores import Objects
from ..core.scores.probabilities import BadRow, from_confidence, from_logits, normalized
from .binary import decoded
from .samples import Samples, dataset_of, documents, field_of, value_at

#: label types that can be scored, and the attribute that holds their list of objects, if they are lists
LABEL_TYPES: dict[type, str | None] = {fo.Classification: None, fo.Detections: "detections"}


@dataclass(frozen=True)
class LabelField:
    """A label field and what is needed to read its predictions.

    Args:
        path: the field's path
        list_attribute: the attribute with the list of objects; None where the label is the one object
        classes: the class list
        declared: whether the dataset declares the class list, so that labels and vectors must fit it
        probabilities_attribute: the attribute that may hold whole probability vectors
    """

    path: str
    list_attribute: str | None
    classes: list[str]
    declared: bool
    probabilities_attribute: str

    @property
    def objects_path(self) -> str:
        """The path of the object, or of the list of objects."""
        return f"{self.path}.{self.list_attribute}" if self.list_attribute else self.path


@dataclass(frozen=True)
class Batch:
    """The predictions of some samples.

    Args:
        sample_ids: (n,) of all samples of the batch
        object_ids: (m,) of all their objects, in order
        objects: their arrays
        origins: how many objects' probabilities came from where
    """

    sample_ids: list[ObjectId]
    object_ids: list[ObjectId]
    objects: Objects
    origins: Counter[str]


def is_prediction_field(field: fo.Field) -> bool:
    """Whether a field holds labels of a type that can be scored."""
    return isinstance(field, fo.EmbeddedDocumentField) and field.document_type in LABEL_TYPES


def label_field(samples: Samples, path: str, probabilities_attribute: str) -> LabelField:
    """What is at ``path``.

    Raises:
        ShortlistError: no such field, or one of another type
    """
    among = [name for name, field in samples.get_field_schema(flat=True).items() if is_prediction_field(field)]
    field = field_of(samples, path, "label_field", among)
    if not is_prediction_field(field):
        kinds = listed(kind.__name__ for kind in LABEL_TYPES)
        got = getattr(field, "document_type", type(field)).__name__
        hint = f"This dataset has {listed(among)}." if among else ""
        raise ShortlistError(
            f"label_field must be a field of type {kinds}. Got {path!r}, a {got}, instead. {hint}".rstrip()
        )
    if isinstance(samples.get_field(path.split(".")[0]), fo.ListField):
        raise must_be("label_field", "a field with one label a sample, not one inside a list", path)
    dataset = dataset_of(samples)
    classes = dataset.classes.get(path) or dataset.default_classes
    list_attribute = LABEL_TYPES[field.document_type]
    declared = bool(classes)
    if not declared:
        objects = f"{path}.{list_attribute}" if list_attribute else path
        classes = sorted(label for label in dataset.distinct(f"{objects}.label") if label is not None)
    return LabelField(path, list_attribute, list(classes), declared, probabilities_attribute)


def read(samples: Samples, field: LabelField) -> Iterator[Batch]:
    """Streams the predictions of a label field.

    Raises:
        ShortlistError: vectors of a wrong or mixed length, rows that are no distribution, confidences outside [0, 1],
            labels outside the declared classes; each with the sample where it was found first
    """
    attributes = ("_id", "label", "confidence", "logits", field.probabilities_attribute)
    project = {f"{field.path}._cls": True} | {f"{field.objects_path}.{name}": True for name in attributes}
    index = {label: place for place, label in enumerate(field.classes)}
    width = len(field.classes) if field.declared else _first_width(samples, field)
    for batch in documents(samples, project):
        labels = [value_at(document, field.path) for document in batch]
        if field.list_attribute is None:
            lists = [[label] if label else [] for label in labels]
        else:
            lists = [(label.get(field.list_attribute) or []) if label else [] for label in labels]
        objects = [one for found in lists for one in found]
        offsets = np.concatenate([[0], np.cumsum([len(found) for found in lists], dtype=np.int64)])
        place = _Place(field, batch, offsets)
        confidences, classes = _confidences(objects), _class_indices(objects, index)
        _check_labels(objects, field, index, place)
        _check_confidences(confidences, place)
        probabilities, origins, width = _probabilities(objects, confidences, classes, width, place)
        arrays = Objects(
            offsets=offsets,
            present=np.array([bool(label) for label in labels]),
            probabilities=probabilities,
            confidences=confidences,
            classes=classes,
        )
        yield Batch([document["_id"] for document in batch], [one["_id"] for one in objects], arrays, origins)


def _first_width(samples: Samples, field: LabelField) -> int | None:
    """The length of some vector of the field, so that it does not depend on the order whether approximations know it."""
    for name in (field.probabilities_attribute, "logits"):
        given: dict[str, Any] = {"$nin": [None, []]}
        found = {f"{field.path}.{name}": given}
        if field.list_attribute:
            found = {field.objects_path: {"$elemMatch": {name: given}}}
        first = next(iter(samples._aggregate(post_pipeline=[{"$match": found}, {"$limit": 1}])), None)
        if first is not None:
            label = value_at(first, field.objects_path)
            objects = label if isinstance(label, list) else [label]
            vector = next((_vector(one[name]) for one in objects if one.get(name)), None)
            return None if vector is None or vector.ndim != 1 else len(vector)
    return None


@dataclass(frozen=True)
class _Place:
    """Says where in the dataset an object of the batch is."""

    field: LabelField
    batch: list[dict]
    offsets: NDArray[np.int64]

    def of(self, row: int) -> str:
        sample = int(np.searchsorted(self.offsets, row, side="right")) - 1
        return f"sample {self.batch[sample]['_id']}, field {self.field.path!r}"


def _confidences(objects: list[dict]) -> NDArray[np.float64]:
    return np.array(
        [np.nan if (value := one.get("confidence")) is None else value for one in objects], dtype=np.float64
    )


def _class_indices(objects: list[dict], index: dict[str, int]) -> NDArray[np.int64]:
    return np.array([index.get(one.get("label"), -1) for one in objects], dtype=np.int64)  # type: ignore[arg-type]


def _probabilities(
    objects: list[dict],
    confidences: NDArray[np.float64],
    classes: NDArray[np.int64],
    width: int | None,
    place: _Place,
) -> tuple[NDArray[np.floating], Counter[str], int | None]:
    """(m, K) class probabilities: the attribute, else softmax of the logits, else from the confidence, else NaN rows."""
    field = place.field
    name = field.probabilities_attribute
    given = {row: value for row, one in enumerate(objects) if (value := one.get(name)) is not None}
    logits = {
        row: value for row, one in enumerate(objects) if row not in given and (value := one.get("logits")) is not None
    }
    rest = [row for row in range(len(objects)) if row not in given and row not in logits]
    vectors, width = _stacked(given, name, width, place)
    scores, width = _stacked(logits, "logits", width, place)
    result = np.full((len(objects), max(width or len(field.classes), 2)), np.nan, np.float32)
    if given:
        with _located(place, list(given)):
            result[list(given)] = normalized(vectors)
    if logits:
        with _located(place, list(logits)):
            result[list(logits)] = from_logits(scores)
    if rest:
        # Only how the mass is spread counts here, not on which class.
        columns = result.shape[1]
        result[rest] = from_confidence(confidences[rest], np.minimum(classes[rest], columns - 1), columns)
    known = int((np.isfinite(confidences[rest]) & (classes[rest] >= 0)).sum())
    origins = Counter({name: len(given), "logits": len(logits), "confidence": known, "nothing": len(rest) - known})
    return result, origins, width


def _stacked(
    given: dict[int, object], name: str, width: int | None, place: _Place
) -> tuple[NDArray[np.floating], int | None]:
    """The vectors as a matrix, and the length that all vectors of the field must have."""
    vectors = []
    for row, value in given.items():
        vector = _vector(value)
        if vector is None:
            raise must_be(f"{place.of(row)}: {name}", "a list or an array of numbers", value)
        if width is None and vector.ndim == 1:
            width = len(vector)
        if vector.ndim != 1 or len(vector) != width or width < 2:
            expected = f"a vector of {width} values" if width and width > 1 else "a vector of at least 2 values"
            why = f", one for each of the {width} classes that the dataset declares" if place.field.declared else ""
            raise ShortlistError(f"{place.of(row)}: {name} must be {expected}{why}. Got shape {vector.shape} instead.")
        vectors.append(vector)
    return (np.stack(vectors) if vectors else np.zeros((0, width or 2))), width


def _vector(value: object) -> NDArray | None:
    """The array of numbers behind a raw value; None where it is none."""
    try:
        vector = decoded(value)
    except (TypeError, ValueError, zlib.error):
        return None
    return vector if vector is not None and vector.dtype.kind in "biuf" else None


def _check_confidences(confidences: NDArray[np.float64], place: _Place) -> None:
    outside = np.flatnonzero((confidences < 0) | (confidences > 1))
    if len(outside):
        row = int(outside[0])
        raise must_be(f"{place.of(row)}: confidence", "between 0 and 1", float(confidences[row]))


def _check_labels(objects: list[dict], field: LabelField, index: dict[str, int], place: _Place) -> None:
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


@contextmanager
def _located(place: _Place, rows: list[int]) -> Iterator[None]:
    """Says in which sample the first wrong row of a matrix is."""
    try:
        yield
    except BadRow as error:
        raise ShortlistError(f"{place.of(rows[error.row])}: {error.sentence}") from None
