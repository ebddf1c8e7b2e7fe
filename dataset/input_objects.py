"""Reading EMBEDDINGS of objects: from an attribute of the objects, or from a Brain run of their patches."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Embeddings
from ..core.selection.values import ObjectVectors
from .binary import numbers
from .embeddings import object_field, which_object_embeddings
from .labels import LabelField
from .predictions import label_documents
from .rows import Once, Rows
from .samples import as_ids, dataset_of, value_at


def read_object_vectors(
    given: Embeddings, rows: Rows, progress: Progress = silent
) -> tuple[ObjectVectors, NDArray[np.bool_]]:
    """The vectors of every sample's objects, those of all frames of a video included.

    A sample with labels and no objects has none and is present; one without the label, or of whose objects none has a
    vector, is not. Objects without a vector, among others with one, do not count.

    Raises:
        ShortlistError: what is missing or of the wrong type, and how to get it
    """
    field = object_field(given, rows.samples)
    attribute, key = which_object_embeddings(given, rows.samples)
    if key is not None:
        config = rows.samples.get_brain_info(key).config
        attribute = getattr(config, "embeddings_field", None)
    read = _Read(field, rows)
    for view in rows.views:
        read.once.next_view()
        for batch in label_documents(view, field, _projected(field, attribute)):
            read.add(batch, attribute)
            progress(read.once.count, len(rows), f"reading {field.path} objects")
    if attribute is None:
        read.vectors, read.owners = _of_brain_run(str(key), rows)
    return _complete(read, f"attribute {attribute!r}" if attribute is not None else f"Brain run {key!r}")


def _projected(field: LabelField, attribute: str | None) -> dict[str, Any]:
    """The vectors, or where these are elsewhere only how many objects there are."""
    return {f"{field.document_path}._cls": True, f"{field.objects_path}.{attribute or '_id'}": True}


class _Read:
    """What was read so far.

    ``vectors`` and ``owners`` are lists of parts; ``empty`` says which rows have labels and no objects.
    """

    def __init__(self, field: LabelField, rows: Rows):
        self.field, self.rows, self.once = field, rows, Once(len(rows))
        self.vectors: list[NDArray[np.floating]] = []
        self.owners: list[NDArray[np.int64]] = []
        self.labeled, self.counts = np.zeros(len(rows), bool), np.zeros(len(rows), np.int64)
        self.width = 0

    def add(self, batch: list[dict[str, Any]], attribute: str | None) -> None:
        """Takes what a batch of samples or frames has."""
        field = self.field
        places = self.rows.of(as_ids(document.get("_sample_id", document["_id"]) for document in batch))
        fresh = self.once.fresh(places, field.of_frames)
        found: list[NDArray] = []
        owners: list[int] = []
        for document, place in zip(_kept(batch, fresh), places[fresh], strict=True):
            label = value_at(document, field.document_path)
            if not label:
                continue
            objects = (label.get(field.list_attribute) or []) if field.list_attribute else [label]
            self.labeled[place] = True
            self.counts[place] += len(objects)
            held = [one[attribute] for one in objects if one.get(attribute) is not None] if attribute else []
            found += [self._checked(value, str(attribute), document["_id"]) for value in held]
            owners += [int(place)] * len(held)
        if found:
            self.vectors.append(np.stack(found).astype(np.float32, copy=False))
            self.owners.append(np.array(owners, np.int64))

    def _checked(self, value: Any, attribute: str, document: Any) -> NDArray:
        vector, where = numbers(value), f"{self.field.where(document)}: {attribute}"
        if vector is None:
            raise must_be(where, "a list or an array of numbers", value)
        self.width = self.width or (len(vector) if vector.ndim == 1 else 0)
        if vector.shape != (self.width,) or not self.width:
            raise ShortlistError(
                f"{where} must be a vector of one length, {self.width} as first found. Got shape {vector.shape} instead."
            )
        if not np.isfinite(vector).all():
            raise ShortlistError(f"{where} must be finite numbers. Got NaN or infinity instead.")
        return vector


def _kept(batch: list[dict[str, Any]], keep: NDArray[np.bool_]) -> list[dict[str, Any]]:
    return [document for document, one in zip(batch, keep, strict=True) if one]


def _of_brain_run(key: str, rows: Rows) -> tuple[list[NDArray[np.floating]], list[NDArray[np.int64]]]:
    """The vectors that a Brain run of patches stores, and the rows that they belong to."""
    results = dataset_of(rows.samples).load_brain_results(key)
    embeddings, sample_ids = getattr(results, "embeddings", None), getattr(results, "sample_ids", None)
    if embeddings is None and hasattr(results, "get_embeddings"):
        embeddings, sample_ids, _ = results.get_embeddings()
    if embeddings is None or sample_ids is None:
        raise must_be("input.brain_key", "a Brain run that stores its embeddings", key)
    places = rows.of(np.array(sample_ids, dtype="S24"))
    vectors = np.asarray(embeddings)[places >= 0]
    if not np.isfinite(vectors).all():
        raise ShortlistError(
            f"embeddings in the Brain run {key!r} must be finite numbers. Got NaN or infinity instead."
        )
    return [vectors.astype(np.float32, copy=False)], [places[places >= 0]]


def _complete(read: _Read, name: str) -> tuple[ObjectVectors, NDArray[np.bool_]]:
    """The parts as one array in the order of the rows, filled without a second copy of all."""
    size = len(read.labeled)
    counts = np.zeros(size, np.int64)
    for owners in read.owners:
        counts += np.bincount(owners, minlength=size)
    if not counts.any():
        raise ShortlistError(
            f"embeddings must be there for at least one object of {read.field.path!r}. Got none in {name} instead."
        )
    offsets = np.concatenate([[0], np.cumsum(counts)])
    width = next(part.shape[1] for part in read.vectors if len(part))
    vectors, free = np.empty((int(offsets[-1]), width), np.float32), offsets[:-1].copy()
    while read.vectors:
        part, owners = read.vectors.pop(0), read.owners.pop(0)
        order = np.argsort(owners, kind="stable")
        sorted_owners = owners[order]
        # The place of each object among those of its row in this part.
        first = np.searchsorted(sorted_owners, sorted_owners, side="left")
        vectors[free[sorted_owners] + np.arange(len(order)) - first] = part[order]
        free += np.bincount(owners, minlength=size)
    return ObjectVectors(vectors, offsets), (counts > 0) | (read.labeled & (read.counts == 0))
