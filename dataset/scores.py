"""Score fields: on the samples, and on each object under the score's own name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.scores import Uncertainty
from .labels import LabelField
from .results import ResultField, Staging, declare, refuse_foreign, uninterrupted


def score_path(label_field: str, score: str) -> str:
    """The sample field of a score."""
    return f"{label_field}_{score}"


def score_fields(field: LabelField, scores: Sequence[Uncertainty], parameters: dict[str, Any]) -> list[ResultField]:
    """The fields that hold the scores of a label field: one a score on the samples, and one on each object of a list.

    A Classification is its sample's one prediction, and its score is the sample's: it is not written twice.
    """
    fields = []
    for score in scores:
        summed = parameters["aggregation"] == "sum" and field.list_attribute and score.level == "object"
        high = None if summed or math.isinf(score.high) else score.high
        info = {
            "verb": "score_uncertainty",
            "range": [score.low, high],
            "high_means": score.high_means,
            "source": score.source,
            "parameters": parameters,
        }
        how = (
            f" ({parameters['aggregation']} over the sample's objects)"
            if field.list_attribute and score.level == "object"
            else ""
        )
        sentence = f"{score.description.rstrip('.')}{how}. High: {score.high_means}."
        fields.append(ResultField(score_path(field.path, score.name), fo.FloatField, sentence, info, index=True))
        if score.level == "object" and field.list_attribute:
            own = {**info, "range": [score.low, score.high]}
            path = f"{field.objects_path}.{score.name}"
            fields.append(
                ResultField(path, fo.FloatField, f"{score.description} High: {score.high_means}.", own, part=True)
            )
    return fields


class ScoreWriter:
    """Collects the scores of a label field batch by batch and writes them in one step.

    Args:
        dataset: where they go
        field: what was scored
        scores: which scores
        fields: the result fields, from ``score_fields``
        staging: where they are collected
    """

    def __init__(
        self,
        dataset: fo.Dataset,
        field: LabelField,
        scores: Sequence[Uncertainty],
        fields: Sequence[ResultField],
        staging: Staging,
    ):
        self.dataset, self.field, self.fields, self.staging = dataset, field, fields, staging
        self.names = [score.name for score in scores]
        self.object_names = [score.name for score in scores if score.level == "object"]
        # Fields of the sample alone need no look at the document that they are merged into.
        self.is_flat = field.list_attribute is None and "." not in field.path

    def add(
        self,
        sample_ids: list[ObjectId],
        object_ids: list[ObjectId],
        offsets: NDArray[np.int64],
        of_samples: dict[str, NDArray[np.floating]],
        of_objects: dict[str, NDArray[np.floating]],
    ) -> None:
        """Collects the scores of a batch; NaN becomes None.

        Args:
            sample_ids: (n,)
            object_ids: (m,)
            offsets: (n + 1,) which objects belong to which sample
            of_samples: (n,) a score
            of_objects: (m,) a score
        """
        columns = [_plain(of_samples[name]) for name in self.names]
        if self.is_flat:
            paths = ["_id", *(score_path(self.field.path, name) for name in self.names)]
            documents = [dict(zip(paths, values, strict=True)) for values in zip(sample_ids, *columns, strict=True)]
        else:
            names = self.object_names
            object_columns = [_plain(of_objects[name]) for name in names]
            of_object = [dict(zip(names, values, strict=True)) for values in zip(*object_columns, strict=True)]
            bounds = offsets.tolist()
            documents = [
                {
                    "_id": sample_id,
                    "s": of_sample,
                    "ids": object_ids[bounds[row] : bounds[row + 1]],
                    # Where an object is not among the ids its place is -1, the last: nothing to add.
                    "o": [*of_object[bounds[row] : bounds[row + 1]], {}],
                }
                for row, (sample_id, *of_sample) in enumerate(zip(sample_ids, *columns, strict=True))
            ]
        self.staging.add(documents)

    def commit(self) -> None:
        """Writes all that was collected, and says so on the fields when it is there."""
        refuse_foreign(self.dataset, [field.path for field in self.fields])
        with uninterrupted():
            declare(self.dataset, self.fields, "writing")
            self.staging.merge(self._update())
            declare(self.dataset, self.fields, "complete")

    def _update(self) -> dict[str, Any] | None:
        """The update of one sample: its score fields, and its objects' scores matched by the objects' ids."""
        if self.is_flat:
            return None
        update: dict[str, Any] = {
            score_path(self.field.path, name): {"$arrayElemAt": ["$$new.s", place]}
            for place, name in enumerate(self.names)
        }
        if self.field.list_attribute:
            label, objects = f"${self.field.path}", f"${self.field.objects_path}"
            own = {"$arrayElemAt": ["$$new.o", {"$indexOfArray": ["$$new.ids", "$$one._id"]}]}
            scored = {"$map": {"input": objects, "as": "one", "in": {"$mergeObjects": ["$$one", own]}}}
            update[self.field.path] = {
                "$cond": [
                    {"$isArray": objects},
                    {"$mergeObjects": [label, {self.field.list_attribute: scored}]},
                    label,
                ]
            }
        return self._inside_parents(update)

    def _inside_parents(self, update: dict[str, Any]) -> dict[str, Any]:
        """The update of a label field inside documents; a document that is not there stays so."""
        parents = self.field.path.split(".")[:-1]
        update = {path.split(".")[-1]: value for path, value in update.items()}
        while parents:
            parent = f"${'.'.join(parents)}"
            is_there = {"$eq": [{"$type": parent}, "object"]}
            update = {parents.pop(): {"$cond": [is_there, {"$mergeObjects": [parent, update]}, parent]}}
        return update


def _plain(values: NDArray[np.floating]) -> list[float | None]:
    """Floats for the database, None for NaN."""
    plain: list[float | None] = np.asarray(values, dtype=np.float64).tolist()
    for row in np.flatnonzero(np.isnan(values)):
        plain[row] = None
    return plain
