"""Given and predicted classes of samples that may have any number of them, read in step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from . import predictions
from .given import Pair, check_same, shared
from .predictions import label_documents
from .samples import Samples, value_at

# What a list of confidences leaves out was less likely than what it names: so much of the least of these.
_LEFT_OUT = 0.5


@dataclass(frozen=True)
class ClassRows:
    """Some samples with the classes that they are given, and the probability of each class alone.

    Args:
        ids: (n,)
        object_ids: (m,) of the given classes' labels
        offsets: (n + 1,) which of them belong to which sample
        classes: (m,) int64, the class of each, -1 for a label without a class
        labels: (n, K) int64, 1 where a sample has a class, 0 where it has not, -1 where it has no label at all
        probabilities: (n, K) float32, NaN where a class cannot be scored
        is_given: (n,) bool, whether there is a given label
        is_predicted: (n,) bool, whether there is a prediction
    """

    ids: list[ObjectId]
    object_ids: list[ObjectId]
    offsets: NDArray[np.int64]
    classes: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    is_given: NDArray[np.bool_]
    is_predicted: NDArray[np.bool_]


def class_rows(samples: Samples, pair: Pair, left_out: float) -> Iterator[ClassRows]:
    """Streams the classes of a pair.

    Args:
        samples: the samples
        pair: what to read
        left_out: the probability of classes that a list of confidences does not name

    Raises:
        ShortlistError: as ``predictions.read``; samples that came or went meanwhile
    """
    project: dict[str, Any] = {f"{pair.given.document_path}._cls": True}
    project |= {f"{pair.given.objects_path}.{name}": True for name in ("_id", "label")}
    beside = label_documents(samples, pair.given, project)
    for batch, found in zip(predictions.read(samples, pair.predicted), beside, strict=True):
        check_same(batch.ids, found)
        yield _rows(pair, batch, found, left_out)


def _rows(pair: Pair, batch: predictions.Batch, found: list[dict], left_out: float) -> ClassRows:
    index = pair.index
    given = [value_at(document, pair.given.document_path) for document in found]
    lists = [(label or {}).get(pair.given.list_attribute) or [] for label in given]
    is_given = np.array([bool(label) for label in given])
    offsets = np.concatenate([[0], np.cumsum([len(members) for members in lists], dtype=np.int64)])
    classes = np.array([index.get(one.get("label"), -1) for members in lists for one in members], np.int64)
    labels = np.where(is_given[:, None], np.zeros((1, len(pair.classes)), np.int64), -1)
    owners = np.repeat(np.arange(len(found)), np.diff(offsets))
    labels[owners[classes >= 0], classes[classes >= 0]] = 1
    return ClassRows(
        batch.ids,
        [one["_id"] for members in lists for one in members],
        offsets,
        classes,
        labels,
        _probabilities(pair, batch, left_out),
        is_given,
        batch.objects.present,
    )


def _probabilities(pair: Pair, batch: predictions.Batch, left_out: float) -> NDArray[np.float32]:
    """(n, K) the probability of each class alone; NaN rows without a prediction."""
    objects = batch.objects
    result = np.full((len(objects.present), len(pair.classes)), np.nan, np.float32)
    result[objects.present] = 0 if pair.holds == "classes" else left_out
    classes, owners = shared(pair, objects.classes), objects.owners
    known = classes >= 0
    values = np.ones(len(classes)) if pair.holds == "classes" else objects.confidences
    # Several of the model's classes may be one of the labels': the likeliest counts. NaN: it is not known after all.
    order = np.argsort(np.where(np.isnan(values), np.inf, values), kind="stable")
    order = order[known[order]]
    result[owners[order], classes[order]] = values[order]
    return result


def left_out_of(samples: Samples, pair: Pair) -> float:
    """The probability to take for classes that lists of confidences leave out: half of the least that they name."""
    if pair.holds == "classes":
        return 0.0
    least = samples.bounds(f"{pair.predicted.objects_path}.confidence")[0]
    return _LEFT_OUT * least if least is not None else 0.0
