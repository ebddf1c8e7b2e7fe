"""The form of an analysis: what is analyzed, in which embeddings and whether files are wanted; the rest is folded away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fiftyone.operators.types as types

from ..api.selecting import list_selections, selection_keys
from ..core.schema import EMBEDDINGS, SAMPLES
from ..core.verbs import AnalyzeSelection
from ..dataset import sources
from .forms_folded import draw_folded, submitted_folded

_FIRST = {"run_key", "embeddings", "export_dir", "overwrite"}


def draw_form(inputs: types.Object, samples: Any, given: Mapping[str, Any]) -> None:
    """Draws the form of an analysis, with what is wrong with what it holds so far.

    Args:
        inputs: the form
        samples: the dataset or view to analyze a selection of
        given: what the form holds so far
    """
    draw_folded(AnalyzeSelection, _FIRST, inputs, samples, given, _defaults(samples, given))


def submitted_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call, from a form or from a script.

    Raises:
        ShortlistError: a text that is not what it should be
    """
    return submitted_folded(AnalyzeSelection, given)


def analyzes_selection(dataset: Any, given: Mapping[str, Any]) -> bool:
    """Whether what a form holds, or begins with, is a selection: it knows itself which samples it was made from."""
    return _name(dataset, given) in selection_keys(dataset)


def _name(samples: Any, given: Mapping[str, Any]) -> str | None:
    """What is to be analyzed: as chosen, or else the newest selection, or anything that there is."""
    if given.get("run_key"):
        return str(given["run_key"])
    known = [*reversed(selection_keys(samples)), *sources.choices(SAMPLES, samples)]
    return known[0] if known else None


def _defaults(samples: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the form begins with: the newest selection, in the embeddings that it was made with."""
    name = _name(samples, given)
    if name is None:
        return {}
    fields = sources.choices(EMBEDDINGS, samples)
    used = [
        entry["input"].get("field")
        for record in list_selections(samples)
        if record.run_key == name
        for entry in record.config["strategies"]
        if entry["input"]["type"] == "EMBEDDINGS" and not entry["input"].get("task")
    ]
    fitting = [field for field in used if field in fields] or fields
    return {"run_key": name, **({"embeddings": fitting[0]} if fitting else {})}
