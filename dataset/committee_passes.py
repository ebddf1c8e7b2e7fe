"""The stochastic passes of one model, such as Monte Carlo dropout, that labels hold in an attribute."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.scores.disagreement import Votes
from ..core.scores.probabilities import BadRow, normalized
from .binary import decoded
from .committee import Committee, VoteBatch
from .labels import LabelField
from .predictions import label_documents
from .samples import Samples, value_at

# Documents a batch, and the numbers that it may hold, which are Python objects on the way.
_BATCH, _VALUES = 2000, 1_000_000
# Objects that a document is taken to hold at least.
_OBJECTS = 20


def refuse_no_passes(samples: Samples, field: LabelField, name: str) -> None:
    """Stops before an attribute that no label has, although there are labels.

    Raises:
        ShortlistError: with the attributes that there are
    """
    if not _first(samples, field, name)[1]:
        _, members = _first(samples, field, "_id")
        known = [key for key in (members[0] if members else {}) if not key.startswith("_")]
        if known:
            hint = did_you_mean(name, known) or f"They have {listed(known)}."
            raise must_be("passes_attribute", f"an attribute of the labels in {field.path!r}", name, hint)


def _first(samples: Samples, field: LabelField, name: str) -> tuple[str, list[dict[str, Any]]]:
    """Where some label has a value of an attribute, and that label, or those of its objects that have one."""
    path = f"${field.objects_path}"
    objects = {"$ifNull": [path, []]} if field.list_attribute else [path]
    # A list that holds nothing but a gap is one all the same, which a plain match does not know.
    has = {"$ne": [{"$ifNull": [f"$$one.{name}", []]}, []]}
    found = {"$expr": {"$anyElementTrue": [{"$map": {"input": objects, "as": "one", "in": has}}]}}
    stages: list[dict[str, Any]] = [{"$match": found}, {"$limit": 1}, {"$project": {field.document_path: True}}]
    document = next(iter(samples._aggregate(frames_only=field.of_frames, post_pipeline=stages)), None)
    if document is None:
        return "", []
    (members,) = _lists([value_at(document, field.document_path)], field.list_attribute)
    return field.where(document["_id"]), [one for one in members if one.get(name) not in (None, [])]


def _batch_size(samples: Samples, field: LabelField, name: str) -> int:
    """How many documents to read at a time, so that many passes of many classes do not fill the memory."""
    where, members = _first(samples, field, name)
    numbers = _passes(members[0][name], f"{where}: {name}").size if members else 1
    return max(1, min(_BATCH, _VALUES // (numbers * (max(len(members), _OBJECTS) if field.list_attribute else 1))))


def read_passes(samples: Samples, committee: Committee) -> Iterator[VoteBatch]:
    """Streams the stochastic passes of a field's labels, or of the objects in them.

    Args:
        samples: the samples
        committee: of one field, with the attribute that holds M x K probabilities a label

    Raises:
        ShortlistError: what is there is no M x K numbers, K is not the same throughout or not that of the declared classes, or
            a row is no distribution
    """
    (field,), name = committee.fields, committee.passes
    assert name is not None
    project = {f"{field.document_path}._cls": True} | {
        f"{field.objects_path}.{key}": True for key in ("_id", "confidence", name)
    }
    width = len(field.classes) if field.declared else 0
    for batch in label_documents(samples, field, project, batch=_batch_size(samples, field, name)):
        labels = [value_at(document, field.document_path) for document in batch]
        lists = _lists(labels, field.list_attribute)
        found = [one for members in lists for one in members]
        wheres = [
            f"{field.where(document['_id'])}: {name}"
            for document, members in zip(batch, lists, strict=True)
            for _ in members
        ]
        given = {
            row: _passes(one[name], wheres[row]) for row, one in enumerate(found) if one.get(name) not in (None, [])
        }
        for row, passes in given.items():
            width = width or passes.shape[1]
            if passes.shape[1] != width:
                why = " of the classes that the dataset declares" if field.declared else ""
                raise ShortlistError(
                    f"{wheres[row]} must be probabilities of {width} classes, one for each{why}. Got shape {passes.shape} "
                    f"instead."
                )
        probabilities = _stacked(given, len(found), max(width, 1), wheres)
        absent = np.isnan(probabilities).any(axis=2)
        votes = np.where(absent, -1, np.where(absent[..., None], 0, probabilities).argmax(axis=2))
        confidences = [one.get("confidence") for one in found]
        yield VoteBatch(
            ids=[document["_id"] for document in batch],
            owners=[document.get("_sample_id", document["_id"]) for document in batch],
            members=np.array([int(bool(label)) for label in labels]),
            object_ids=[one["_id"] for one in found],
            offsets=np.concatenate([[0], np.cumsum([len(members) for members in lists], dtype=np.int64)]),
            confidences=np.array([one if isinstance(one, (int, float)) else np.nan for one in confidences], float),
            votes=Votes(votes, probabilities, width),
        )


def _lists(labels: list[Any], list_attribute: str | None) -> list[list[dict]]:
    """The objects of each label; a label that is no list is its one object."""
    if list_attribute is None:
        return [[label] if label else [] for label in labels]
    return [(label.get(list_attribute) or []) if label else [] for label in labels]


def _passes(value: Any, where: str) -> NDArray[np.floating]:
    """The M x K numbers behind a raw value: an array, or a list of lists or of arrays."""
    passes: NDArray | None
    try:
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            passes = np.stack([decoded(one) for one in value])  # type: ignore[misc]
        else:
            passes = np.asarray(value, np.float64) if isinstance(value, list) else decoded(value)
    except (TypeError, ValueError, zlib.error):
        passes = None
    expected = "an array or a list of two or more passes with the probabilities of two or more classes"
    if passes is None or passes.dtype.kind not in "biuf":
        raise must_be(where, expected, value)
    if passes.ndim != 2 or min(passes.shape) < 2:
        raise ShortlistError(f"{where} must be {expected}. Got shape {passes.shape} instead.")
    return passes


def _stacked(given: dict[int, NDArray], size: int, width: int, wheres: list[str]) -> NDArray[np.floating]:
    """(m, M, K) the passes of all objects, NaN where there is none."""
    members = max((len(passes) for passes in given.values()), default=2)
    result = np.full((size, members, width), np.nan, np.float32)
    for row, passes in given.items():
        result[row, : len(passes)] = passes
    try:
        return normalized(result.reshape(-1, width)).reshape(result.shape)
    except BadRow as error:
        total = float(result.reshape(-1, width)[error.row].sum())
        raise ShortlistError(
            f"{wheres[error.row // members]} must be numbers >= 0 that sum to 1 in every pass. Got a sum of {total:.4g} "
            f"instead. Of logits, store the softmax."
        ) from None
