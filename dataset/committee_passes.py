"""The stochastic passes of one model, such as Monte Carlo dropout, that labels hold in an attribute."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.scores.disagreement import Votes
from ..core.scores.probabilities import BadRow, normalized
from .binary import decoded
from .committee import Committee, VoteBatch
from .predictions import label_documents
from .samples import Samples, value_at


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
    project = {f"{field.document_path}._cls": True} | {
        f"{field.objects_path}.{key}": True for key in ("_id", "confidence", name)
    }
    width = len(field.classes) if field.declared else 0
    for batch in label_documents(samples, field, project):
        labels = [value_at(document, field.document_path) for document in batch]
        lists = _lists(labels, field.list_attribute)
        found = [one for members in lists for one in members]
        wheres = [
            f"{'frame' if field.of_frames else 'sample'} {document['_id']}, field {field.path!r}: {name}"
            for document, members in zip(batch, lists, strict=True)
            for _ in members
        ]
        given = {row: _passes(one[name], wheres[row]) for row, one in enumerate(found) if one.get(name) is not None}
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
    if passes is None or passes.dtype.kind not in "biuf" or passes.ndim != 2 or min(passes.shape) < 2:
        got = value if passes is None or passes.dtype.kind not in "biuf" else f"shape {passes.shape}"
        raise must_be(
            where, "an array or a list of two or more passes with the probabilities of two or more classes", got
        )
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
        raise ShortlistError(f"{wheres[error.row // members]}: {error.sentence}") from None
