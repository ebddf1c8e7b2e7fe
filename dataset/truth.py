"""Predictions and the ground truth of the same samples, read in step, with one vector a sample where there are embeddings."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed, must_be
from ..core.schema import EMBEDDINGS
from ..core.scores import Objects
from ..core.scores.losses import Boxes
from . import predictions
from .binary import decoded
from .boxes import boxes_xywh
from .labels import LabelField, label_field, prediction_fields
from .samples import FRAMES, Samples, dataset_of, documents, field_of, value_at
from .sources import NUMBERS, choices, inside_list

#: label types whose loss can be told
KINDS = (fo.Classification, fo.Detections)
# Fields whose values can be told apart.
_PLAIN = (*NUMBERS, fo.StringField, fo.ObjectIdField)


@dataclass(frozen=True)
class Pair:
    """A field of predictions, and one of the same type with the truth.

    Args:
        predicted: the predictions; without a declared class list, their classes are those of both fields
        truth: the ground truth
        embeddings: the field with one vector a sample, if it is read too
        together: the field whose equal values belong together; of a grouped dataset its groups
    """

    predicted: LabelField
    truth: LabelField
    embeddings: str | None
    together: str | None = None

    @property
    def has_objects(self) -> bool:
        """Whether labels are lists of objects."""
        return self.predicted.list_attribute is not None


@dataclass(frozen=True)
class Batch:
    """Some samples.

    Args:
        ids: (n,)
        has_objects: whether labels are lists of objects
        objects: their predictions
        labeled: (n,) bool, which have both a prediction and ground truth
        classes: (n,) int64, the true class of classifications, -1 for one that the model does not know
        found: where the predicted objects are; nothing for classifications
        there: where the true objects are; nothing for classifications
        embeddings: (n, d) float32, NaN rows where a sample has none; nothing where none is read
        groups: (n,) what is the same for samples that belong together, None for one that is alone
    """

    ids: list[ObjectId]
    has_objects: bool
    objects: Objects
    labeled: NDArray[np.bool_]
    classes: NDArray[np.int64]
    found: Boxes | None
    there: Boxes | None
    embeddings: NDArray[np.float32] | None
    groups: list[Hashable]


def pair(
    samples: Samples,
    label_path: str,
    truth_path: str,
    embeddings: str | None,
    probabilities_attribute: str,
    together: str | None = None,
) -> Pair:
    """What is at the paths.

    Raises:
        ShortlistError: no such field, or one of another type
    """
    predicted = _label_field(samples, label_path, probabilities_attribute, "label_field", KINDS)
    truth = _label_field(samples, truth_path, probabilities_attribute, "ground_truth", (predicted.kind,))
    if embeddings is not None:
        vectors = choices(EMBEDDINGS, samples)
        field = field_of(samples, embeddings, "embeddings", vectors)
        if embeddings not in vectors:
            raise must_be("embeddings", "a field with one vector a sample", f"{embeddings} ({type(field).__name__})")
    if not predicted.declared:
        predicted = replace(predicted, classes=sorted({*predicted.classes, *truth.classes}))
    return Pair(predicted, truth, embeddings, kept_together(samples, together))


def kept_together(samples: Samples, path: str | None) -> str | None:
    """The path of what belongs together: as given, else the groups that there are."""
    dataset = dataset_of(samples)
    if path is None:
        return f"{dataset.group_field}._id" if dataset.media_type == "group" else None
    field, schema = field_of(dataset, path, "keep_together"), dataset.get_field_schema(flat=True)
    if not isinstance(field, _PLAIN) or path not in schema or inside_list(schema, path):
        raise must_be("keep_together", "a field with one plain value a sample", f"{path} ({type(field).__name__})")
    return field.db_field if path == "id" else path


def _label_field(
    samples: Samples, path: str, probabilities_attribute: str, where: str, kinds: tuple[type, ...]
) -> LabelField:
    """The label field at a path, if it is of one of some types."""
    among = [name for name, kind in prediction_fields(samples).items() if kind in kinds and not name.startswith(FRAMES)]
    found = field_of(samples, path, where, among)
    kind = getattr(found, "document_type", type(found))
    if kind not in kinds:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise must_be(
            where, f"a field of type {names}", f"{path} ({kind.__name__})", f"It has {listed(among)}." * bool(among)
        )
    if path.startswith(FRAMES):
        raise must_be(where, "a field of samples, not of frames", path)
    return label_field(samples, path, probabilities_attribute, where)


def read(samples: Samples, pair: Pair, with_truth: bool = True) -> Iterator[Batch]:
    """Streams predictions with what else is known of their samples.

    Args:
        samples: the samples
        pair: what to read
        with_truth: whether ground truth is read; without, no sample counts as labelled

    Raises:
        ShortlistError: as ``predictions.read``; vectors of mixed length or not finite; probabilities whose classes the dataset
            does not name; samples that came or went meanwhile
    """
    vectors = _Vectors(pair.embeddings)
    beside = documents(samples, _projected(pair, with_truth))
    for batch, found in zip(predictions.read(samples, pair.predicted), beside, strict=True):
        if batch.ids != [document["_id"] for document in found]:
            raise ShortlistError("the samples must stay the same while they are read. Some came or went; run again.")
        embeddings = vectors.of(found)
        facts = _facts(pair, batch, found) if with_truth else _nothing(len(found))
        groups = [value_at(document, pair.together) if pair.together else None for document in found]
        yield Batch(batch.ids, pair.has_objects, batch.objects, *facts, embeddings, groups)


_Facts = tuple[NDArray[np.bool_], NDArray[np.int64], Boxes | None, Boxes | None]


def _nothing(n: int) -> _Facts:
    return np.zeros(n, bool), np.full(n, -1), None, None


def _facts(pair: Pair, batch: predictions.Batch, found: list[dict]) -> _Facts:
    """What is known of the truth of a batch: see ``Batch``."""
    labels = [value_at(document, pair.truth.path) for document in found]
    labeled = batch.objects.present & np.array([_is_there(label, pair.has_objects) for label in labels])
    if not pair.has_objects:
        _check_order(pair.predicted, batch)
        return labeled, _classes(labels, pair.predicted.classes), None, None
    index: dict[Any, int] = {}
    own = _members([value_at(document, pair.predicted.path) for document in found], pair.predicted)
    # What stands for a crowd is no object that could be found or missed.
    true = [[one for one in members if not one.get("iscrowd")] for members in _members(labels, pair.truth)]
    predicted, there = _boxes(own, pair.predicted, index, found), _boxes(true, pair.truth, index, found)
    return labeled, np.full(len(labels), -1), predicted, there


def _projected(pair: Pair, with_truth: bool) -> dict[str, Any]:
    project: dict[str, Any] = {path: True for path in (pair.embeddings, pair.together) if path}
    if with_truth and pair.has_objects:
        for field in (pair.predicted, pair.truth):
            names = ("label", "bounding_box", "iscrowd")
            project |= {f"{field.path}._cls": True} | {f"{field.objects_path}.{name}": True for name in names}
    elif with_truth:
        project[f"{pair.truth.path}.label"] = True
    return project


def _members(labels: list[dict | None], field: LabelField) -> list[list[dict]]:
    name = field.list_attribute or ""
    return [(label or {}).get(name) or [] for label in labels]


def _is_there(label: dict | None, has_objects: bool) -> bool:
    return bool(label) and (has_objects or label.get("label") is not None)  # type: ignore[union-attr]


def _classes(labels: list[dict | None], classes: list[str]) -> NDArray[np.int64]:
    index: dict[Any, int] = {name: place for place, name in enumerate(classes)}
    return np.array([index.get(label.get("label"), -1) if label else -1 for label in labels], dtype=np.int64)


def _check_order(field: LabelField, batch: predictions.Batch) -> None:
    """A loss depends on which probability is whose; where the dataset names no classes, vectors do not say."""
    vectors = [name for name in (field.probabilities_attribute, "logits") if batch.origins[name]]
    if vectors and not field.declared:
        raise ShortlistError(
            f"dataset.classes[{field.path!r}] must list the model's classes in the order of its {vectors[0]}, since a loss "
            f"depends on which is whose. Got no class list instead."
        )


def _boxes(lists: list[list[dict]], field: LabelField, index: dict[Any, int], found: list[dict]) -> Boxes:
    """Where the objects of a batch are.

    Args:
        lists: (n,) the objects of each sample
        field: the field that they are of
        index: the number of each class so far; new ones are added
        found: (n,) the documents
    """
    offsets = np.concatenate([[0], np.cumsum([len(members) for members in lists], dtype=np.int64)])
    boxes, classes = np.zeros((offsets[-1], 4)), np.zeros(offsets[-1], np.int64)
    for row, members in enumerate(lists):
        rows = slice(offsets[row], offsets[row + 1])
        boxes[rows] = boxes_xywh([one.get("bounding_box") for one in members], field.where(found[row]["_id"]))
        classes[rows] = [index.setdefault(one.get("label"), len(index)) for one in members]
    return Boxes(offsets, boxes, classes)


class _Vectors:
    """Reads embeddings that must all have one length.

    Args:
        path: their field, if there is one
    """

    def __init__(self, path: str | None):
        self.path = path
        self._width: int | None = None

    def of(self, found: list[dict]) -> NDArray[np.float32] | None:
        """(n, d) the vectors of a batch, NaN where there is none."""
        if self.path is None:
            return None
        vectors = [decoded(value_at(document, self.path)) for document in found]
        for document, vector in zip(found, vectors, strict=True):
            if vector is not None:
                self._check(vector, document)
        result = np.full((len(found), self._width or 1), np.nan, np.float32)
        for row, vector in enumerate(vectors):
            if vector is not None:
                result[row] = vector
        return result

    def _check(self, vector: NDArray, document: dict) -> None:
        where = f"embeddings in {self.path!r}"
        if self._width is None and vector.ndim == 1 and len(vector):
            self._width = len(vector)
        if vector.shape != (self._width,):
            raise ShortlistError(
                f"{where} must be vectors of one length, {self._width} as first found. Got shape {vector.shape} for sample "
                f"{document['_id']} instead."
            )
        if not np.isfinite(vector).all():
            raise ShortlistError(
                f"{where} must be finite numbers. Got NaN or infinity for sample {document['_id']} instead. Set it to None to "
                f"leave the sample out."
            )
