"""Writing scores, and what else is found: on samples or frames, and on each object of a label field under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Literal, TypeAlias

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from .labels import LabelField
from .results import ResultField, Staging, declare, refuse_foreign, uninterrupted

#: numbers, of which NaN becomes None, or texts and documents as the database takes them
Column: TypeAlias = "NDArray[np.floating] | list[Any]"


@dataclass(frozen=True)
class ObjectScores:
    """Scores of the objects of a batch of documents.

    Args:
        ids: (m,) of the objects; None for one that is no label, which nothing is written for
        offsets: (n + 1,) which objects belong to which document
        scores: (m,) a name: numbers, of which NaN becomes None, or what the database takes as it is
    """

    ids: Sequence[ObjectId | None]
    offsets: NDArray[np.int64]
    scores: Mapping[str, Column]


class ScoreWriter:
    """Collects scores batch by batch, to be merged in one step by ``commit``. Leaving the context forgets what was not.

    Args:
        dataset: where they go
        paths: the fields of the documents' own scores, in the documents
        inside: the label fields whose objects get scores too
        of_frames: whether the documents are frames
    """

    def __init__(
        self, dataset: fo.Dataset, paths: Sequence[str], inside: Sequence[LabelField] = (), of_frames: bool = False
    ):
        self.paths, self.inside = list(paths), list(inside)
        self.staging = Staging(dataset, of_frames)
        # Fields of the document alone need no look at the document that they are merged into.
        self.is_flat = not inside and not any("." in path for path in paths)

    def __enter__(self) -> ScoreWriter:
        self.staging.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.staging.__exit__(*error)

    def add(self, ids: Sequence[ObjectId], columns: Sequence[Column], objects: Sequence[ObjectScores] = ()) -> None:
        """Collects the scores of a batch.

        Args:
            ids: (n,) of the documents
            columns: (n,) a path
            objects: the scores of their objects, one a label field of ``inside``
        """
        rows = zip(*map(_plain, columns), strict=True) if columns else ((),) * len(ids)
        if self.is_flat:
            paths = ["_id", *self.paths]
            self.staging.add(
                [dict(zip(paths, (one, *values), strict=True)) for one, values in zip(ids, rows, strict=True)]
            )
            return
        members = [list(_of_documents(scored)) for scored in objects]
        documents: list[dict[str, Any]] = [
            {"_id": one, "s": list(values)} for one, values in zip(ids, rows, strict=True)
        ]
        for place, found in enumerate(members):
            for document, (object_ids, scores) in zip(documents, found, strict=True):
                # Where an object is not among the ids its place is -1, the last: nothing to add.
                document[f"ids{place}"], document[f"o{place}"] = object_ids, [*scores, {}]
        self.staging.add(documents)

    def merge(self) -> None:
        """Writes all that was collected."""
        self.staging.merge(None if self.is_flat else self._update())

    def _update(self) -> dict[str, Any]:
        """The update of one document: its score fields, and its objects' scores matched by the objects' ids."""
        update: dict[str, Any] = {path: {"$arrayElemAt": ["$$new.s", at]} for at, path in enumerate(self.paths)}
        for place, field in enumerate(self.inside):
            label, objects = f"${field.document_path}", f"${field.objects_path}"
            own = {"$arrayElemAt": [f"$$new.o{place}", {"$indexOfArray": [f"$$new.ids{place}", "$$one._id"]}]}
            scored = {"$map": {"input": objects, "as": "one", "in": {"$mergeObjects": ["$$one", own]}}}
            merged = {"$mergeObjects": [label, {field.list_attribute: scored}]}
            update[field.document_path] = {"$cond": [{"$isArray": objects}, merged, label]}
        return _inside_parents(update)


def commit(dataset: fo.Dataset, fields: Sequence[ResultField], writers: Sequence[ScoreWriter]) -> None:
    """Writes all that writers collected, and says so on the fields when it is there.

    Raises:
        ShortlistError: a field is not ours, or has become the user's meanwhile
    """
    refuse_foreign(dataset, [field.path for field in fields])
    with uninterrupted():
        declare(dataset, fields, "writing")
        for writer in writers:
            writer.merge()
        declare(dataset, fields, "complete")


class FrameScores:
    """The scores of samples from those of their frames.

    Args:
        names: which scores
        aggregation: how frames are combined
    """

    def __init__(self, names: Sequence[str], aggregation: Literal["max", "mean"]):
        self.names, self.aggregation = list(names), aggregation
        self._found: dict[ObjectId, NDArray[np.float64]] = {}

    def add(self, owners: Sequence[ObjectId], of_frames: dict[str, NDArray[np.floating]]) -> None:
        """Counts a batch of frames in.

        Args:
            owners: (n,) the sample of each frame
            of_frames: (n,) a score, NaN where unscoreable
        """
        values = np.stack([of_frames[name] for name in self.names], axis=1)
        start = 0
        for owner, frames in groupby(owners):
            stop = start + sum(1 for _ in frames)
            rows = values[start:stop]
            known = ~np.isnan(rows)
            parts = np.stack(
                [np.where(known, rows, -np.inf).max(axis=0), np.where(known, rows, 0).sum(axis=0), known.sum(axis=0)]
            )
            before = self._found.get(owner)
            if before is not None:
                parts = np.stack([np.maximum(before[0], parts[0]), *(before[1:] + parts[1:])])
            self._found[owner] = parts
            start = stop

    def __len__(self) -> int:
        return len(self._found)

    def batches(
        self, samples: Sequence[ObjectId], size: int = 2000
    ) -> Iterator[tuple[list[ObjectId], list[NDArray[np.float64]]]]:
        """The samples and their scores, a column a score: NaN where no frame could be scored, or there is none.

        Args:
            samples: (n,) all samples whose frames were looked at
            size: how many a batch
        """
        nothing = np.zeros((3, len(self.names)))
        for start in range(0, len(samples), size):
            some = list(samples[start : start + size])
            parts = np.stack([self._found.get(owner, nothing) for owner in some])
            with np.errstate(invalid="ignore", divide="ignore"):
                values = parts[:, 0] if self.aggregation == "max" else parts[:, 1] / parts[:, 2]
            yield some, list(np.where(parts[:, 2] > 0, values, np.nan).T)


def _of_documents(objects: ObjectScores) -> Iterator[tuple[list[ObjectId], list[dict[str, Any]]]]:
    """The ids and scores of each document's objects that are labels."""
    names = list(objects.scores)
    columns = [_plain(objects.scores[name]) for name in names]
    scores = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    bounds, ids = objects.offsets.tolist(), list(objects.ids)
    if None not in ids:
        for start, stop in pairwise(bounds):
            yield ids[start:stop], scores[start:stop]
        return
    for start, stop in pairwise(bounds):
        kept = [row for row in range(start, stop) if ids[row] is not None]
        yield [ids[row] for row in kept], [scores[row] for row in kept]


def _inside_parents(leaves: dict[str, Any]) -> dict[str, Any]:
    """The update of fields inside documents; a document that is not there stays so."""
    tree: dict[Any, Any] = {}
    for path, value in leaves.items():
        *parents, name = path.split(".")
        node: dict[Any, Any] = tree
        for parent in parents:
            node = node.setdefault(("document", parent), {})
        node[name] = value
    return _built(tree, "")


def _built(tree: dict[Any, Any], prefix: str) -> dict[str, Any]:
    update = {}
    for name, value in tree.items():
        if isinstance(name, tuple):
            path = f"{prefix}{name[1]}"
            is_there = {"$eq": [{"$type": f"${path}"}, "object"]}
            merged = {"$mergeObjects": [f"${path}", _built(value, f"{path}.")]}
            update[name[1]] = {"$cond": [is_there, merged, f"${path}"]}
        else:
            update[name] = value
    return update


def _plain(values: Column) -> list[Any]:
    """Floats for the database, None for NaN; what is no array as it is."""
    if isinstance(values, list):
        return values
    plain: list[float | None] = np.asarray(values, dtype=np.float64).tolist()
    for row in np.flatnonzero(np.isnan(values)):
        plain[row] = None
    return plain
