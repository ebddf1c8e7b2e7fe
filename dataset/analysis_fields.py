"""What an analysis writes of each sample of the input: how it is covered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from .results import ResultField
from .samples import as_object_ids

#: the verb, by which fields of analyses are known
VERB = "analyze_selection"


@dataclass(frozen=True)
class Covered:
    """How the samples of the input are covered, a row each.

    Args:
        ids: (m,) the sample ids
        distance: (m,) to the nearest selected or datapool sample
        nearest: (m,) the id of that one
        region: (m,) the number of the uncovered region, 0 for none
        duplicate_group: (m,) the number of the group of near duplicates, 0 for none
    """

    ids: NDArray[np.bytes_]
    distance: NDArray[np.floating]
    nearest: NDArray[np.bytes_]
    region: NDArray[np.int64]
    duplicate_group: NDArray[np.int64]


def fields_of(key: str, name: str, parameters: dict[str, Any]) -> list[ResultField]:
    """The fields of an analysis: one embedded document that says how a sample is covered."""
    info = {"verb": VERB, "analyzed": name}

    def inside(part: str, kind: type[fo.Field], sentence: str, index: bool = False) -> ResultField:
        return ResultField(f"{key}.{part}", kind, sentence, info, index, part=True)

    return [
        ResultField(
            key,
            fo.EmbeddedDocumentField,
            f"Shortlist analysis of {name}: how each sample is covered by it.",
            {**info, "parameters": parameters},
        ),
        inside(
            "distance", fo.FloatField, "How far the nearest selected or datapool sample is (Euclidean).", index=True
        ),
        inside("nearest", fo.StringField, "The id of the nearest selected or datapool sample."),
        inside("region", fo.IntField, "The number of the uncovered region, 1 = the worst; None for none."),
        inside(
            "duplicate_group", fo.IntField, "Selected samples with the same number are near duplicates; None for none."
        ),
    ]


def documents_of(key: str, covered: Covered, part: slice) -> list[dict[str, Any]]:
    """One document a sample, with the field as it is to be."""
    columns = (covered.distance, covered.nearest, covered.region, covered.duplicate_group)
    rows = zip(as_object_ids(covered.ids[part]), *(column[part].tolist() for column in columns), strict=True)
    return [
        {
            "_id": sample_id,
            key: {
                "_cls": "DynamicEmbeddedDocument",
                "distance": distance if np.isfinite(distance) else None,
                "nearest": nearest.decode() or None,
                "region": region or None,
                "duplicate_group": group or None,
            },
        }
        for sample_id, distance, nearest, region, group in rows
    ]
