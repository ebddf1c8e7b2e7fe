"""Predictions whose true class is known, to calibrate on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.geometry import box_iou, matched, resized
from ..core.scores.probabilities import normalized
from .arrays import Unreadable
from .labels import LabelField
from .predictions import label_documents, read
from .samples import Samples, value_at
from .segmentations import check_classes, class_indices, mask_of, masks, opened

_SAME_OBJECT = 0.5
# Probabilities to calibrate on at most, and pixels of one mask.
_ENOUGH, _PIXELS = 4_000_000, 2000

Labeled = tuple[NDArray[np.floating], NDArray[np.int64]]


def labeled(samples: Samples, field: LabelField, truth: LabelField, confidence_map: str | None) -> Iterator[Labeled]:
    """Streams predictions with their true classes, until there are enough to fit one number.

    Args:
        samples: the samples
        field: the predictions
        truth: the field with true labels, of the same kind
        confidence_map: see ``segmentations.masks``

    Yields:
        (m, K) probabilities and (m,) true classes, -1 where it is not known: an object's is that of the true box that
        overlaps it by half

    Raises:
        ShortlistError: fields that cannot be compared
    """
    if truth.path == field.path:
        raise must_be("calibrate_on", "another field than label_field", truth.path)
    if truth.task != field.task or truth.of_frames != field.of_frames:
        raise must_be("calibrate_on", f"a field like {field.path!r}, a {field.kind.__name__}", truth.path)
    if field.task == "objects" and field.kind is not fo.Detections:
        raise ShortlistError(
            f"calibrate_on can be given for boxes only among lists of objects. {field.path!r} is a {field.kind.__name__}; "
            f"give the temperature as a number."
        )
    known = samples if field.of_frames else samples.exists(truth.path)
    found = 0
    pairs = (
        _of_masks(known, field, truth, confidence_map)
        if field.task == "segmentation"
        else _of_labels(known, field, truth)
    )
    for probabilities, truths in pairs:
        yield probabilities, truths
        found += int((truths >= 0).sum()) * probabilities.shape[1]
        if found > _ENOUGH:
            return


def _of_labels(samples: Samples, field: LabelField, truth: LabelField) -> Iterator[Labeled]:
    index = {label: place for place, label in enumerate(field.classes)}
    boxes = ("bounding_box",) if field.task == "objects" else ()
    project = {f"{truth.document_path}._cls": True, f"{truth.objects_path}.label": True}
    project |= {f"{one.objects_path}.{name}": True for one in (field, truth) for name in boxes}
    documents = label_documents(samples, field, project)
    for batch, pages in zip(read(samples, field), documents, strict=True):
        if not field.declared and (batch.origins["logits"] or batch.origins[field.probabilities_attribute]):
            raise ShortlistError(
                f"calibrate_on needs the class of each place of the vectors of {field.path!r}. Set "
                f"dataset.classes[{field.path!r}] = [...] to the model's classes."
            )
        if batch.ids != [page["_id"] for page in pages]:
            raise ShortlistError("calibrate_on: the samples changed while they were read. Run again.")
        truths = np.full(len(batch.object_ids), -1)
        for row, page in enumerate(pages):
            label = value_at(page, truth.document_path)
            if label:
                rows = slice(batch.objects.offsets[row], batch.objects.offsets[row + 1])
                truths[rows] = _truths(field, truth, page, label, batch.objects.classes[rows], index)
        yield batch.objects.probabilities, truths


def _truths(
    field: LabelField,
    truth: LabelField,
    page: dict[str, Any],
    label: dict[str, Any],
    classes: NDArray[np.int64],
    index: dict[str, int],
) -> NDArray[np.int64]:
    """(m,) the true class of each prediction of a sample; of a yes or no 0 is yes."""
    if truth.list_attribute is None:
        return np.full(len(classes), index.get(label.get("label", ""), -1))
    given = label.get(truth.list_attribute) or []
    named = np.array([index.get(one.get("label"), -1) for one in given], dtype=np.int64)
    if field.task == "multilabel":
        return np.where(np.isin(classes, named), 0, 1)
    result = np.full(len(classes), -1)
    predicted = value_at(page, field.objects_path) or []
    sides = [
        np.array([one.get("bounding_box") or [np.nan] * 4 for one in some], dtype=float).reshape(-1, 4)
        for some in (predicted, given)
    ]
    rows, columns = matched(box_iou(*sides), _SAME_OBJECT)
    result[rows] = named[columns]
    return result


def _of_masks(samples: Samples, field: LabelField, truth: LabelField, confidence_map: str | None) -> Iterator[Labeled]:
    project = {f"{truth.document_path}.{name}": True for name in ("mask", "mask_path")}
    truths = (page for pages in label_documents(samples, truth, project, batch=8) for page in pages)
    found = (mask for batch in masks(samples, field, confidence_map) for mask in batch)
    n_classes = field.n_mask_classes
    for mask, page in zip(found, truths, strict=True):
        given = mask_of(value_at(page, truth.document_path) or {})
        if mask.id != page["_id"] or given is None:
            continue
        try:
            with opened(mask, field) as planes:
                check_classes(mask, field, planes.shape[0], n_classes)
                n_classes, height, width = planes.shape
                indices = resized(class_indices(given, samples, truth, n_classes), (height, width)).ravel()
                kept = np.arange(0, height * width, max(1, height * width // _PIXELS))
                probabilities = planes.rows(0, height).reshape(n_classes, -1).T[kept]
                yield normalized(probabilities, planes.rounding), indices[kept]
        except Unreadable:
            continue
