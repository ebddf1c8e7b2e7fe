"""What a selection writes of each pick: its place, and why it was picked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.selection.select import Selection
from .results import ResultField
from .samples import as_object_ids


def documents_of(ids: NDArray[np.bytes_], selection: Selection) -> list[dict[str, Any]]:
    """One document a pick: which sample, and why."""
    picked = as_object_ids(ids[selection.rows])
    near = [None if row < 0 else ids[row].decode() for row in selection.neighbors]
    gain_names = names_of_gains(selection.labels)
    documents = []
    for place, sample_id in enumerate(picked):
        why = {
            "_cls": "DynamicEmbeddedDocument",
            "rank": place + 1,
            "decided_by": selection.labels[selection.deciding[place]],
            "value": _number(selection.values[place].sum()),
            "nearest": near[place],
            "distance": _number(selection.distances[place]),
        }
        why |= {name: _number(gain) for name, gain in zip(gain_names, selection.gains[place], strict=True)}
        documents.append({"_id": sample_id, "why": why})
    return documents


def names_of_gains(labels: Sequence[str]) -> list[str]:
    """A field name for the gain of each strategy, such as ``gain_diversity_clip``."""
    names: list[str] = []
    for label in labels:
        slug = re.sub(r"\W+", "_", label.replace(" of ", "_"), flags=re.ASCII).strip("_").lower()
        name, number = f"gain_{slug}", len(names) + 1
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def fields_of(run_key: str, selection: Selection, units: Sequence[str], config: dict[str, Any]) -> list[ResultField]:
    """The fields of a selection: one embedded document that says why."""
    info = {"verb": "select_samples", "parameters": config}

    def inside(name: str, kind: type[fo.Field], sentence: str, index: bool = False) -> ResultField:
        return ResultField(f"{run_key}.{name}", kind, sentence, {"verb": "select_samples"}, index, part=True)

    gains = [
        inside(name, fo.FloatField, f"What the pick added for {label}: {unit or 'the value itself'}.")
        for name, label, unit in zip(names_of_gains(selection.labels), selection.labels, units, strict=True)
    ]
    return [
        ResultField(
            run_key, fo.EmbeddedDocumentField, f"Shortlist selection {run_key}: why each sample was picked.", info
        ),
        inside("rank", fo.IntField, "The place in the selection, 1 = picked first.", index=True),
        inside("decided_by", fo.StringField, "The strategy that spoke most for the pick."),
        inside("value", fo.FloatField, "What the pick was worth: strengths times gains on the common scale."),
        inside(
            "nearest", fo.StringField, "The id of the nearest sample that was picked earlier or is in the datapool."
        ),
        inside("distance", fo.FloatField, "How far the nearest earlier sample is (Euclidean)."),
        *gains,
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
