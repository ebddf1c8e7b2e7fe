"""The fields that hold the disagreement of a committee."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import fiftyone as fo

from ..core.errors import listed
from ..core.scores.disagreement import Disagreement
from .committee import Committee
from .labels import LabelField
from .results import ResultField
from .samples import FRAMES


def disagreement_fields(
    committee: Committee, scores: Sequence[Disagreement], name: str, parameters: dict[str, Any]
) -> list[ResultField]:
    """The fields that hold the disagreement of a committee.

    One a score on the samples (and on the frames, if these hold the labels); on the objects of several fields one that says
    how many other members miss them; and on objects with passes one a score.

    Args:
        committee: the members
        scores: which scores
        name: what the fields' names begin with
        parameters: how the scores were computed
    """
    fields = []
    for score in scores:
        high = None if math.isinf(score.high) else score.high
        info = {
            "verb": "score_disagreement",
            "range": [score.low, high],
            "high_means": score.high_means,
            "source": score.source,
            "parameters": parameters,
        }
        is_sum = committee.passes and committee.has_objects and parameters["aggregation"] == "sum"
        own, sentence = (
            {**info, "range": [score.low, None]} if is_sum else info,
            f"High: {score.high_means}. {_who(committee)}",
        )
        if committee.of_frames:
            of_frame = f"{score.description} {sentence}"
            fields.append(ResultField(f"{FRAMES}{name}_{score.name}", fo.FloatField, of_frame, own))
        how = f" ({_combined(committee, parameters)})" if _combined(committee, parameters) else ""
        description = f"{score.description.rstrip('.')}{how}. {sentence}"
        fields.append(ResultField(f"{name}_{score.name}", fo.FloatField, description, own, index=True))
        if committee.passes and committee.has_objects:
            (field,) = committee.fields
            path = f"{_stem(field)}{field.objects_path}.{name}_{score.name}"
            fields.append(ResultField(path, fo.FloatField, f"{score.description} {sentence}", info, part=True))
    return fields + _missed_fields(committee, name, parameters)


def _combined(committee: Committee, parameters: dict[str, Any]) -> str:
    """How objects and frames are combined, in words."""
    objects = ""
    if committee.passes and committee.has_objects:
        aggregation = parameters["aggregation"]
        few = f"mean of the {parameters['top_m']} highest" if aggregation == "top_m" else aggregation
        objects = f"{few} over the objects"
    frames = f"{parameters['frame_aggregation']} over the frames" if committee.of_frames else ""
    return ", ".join(part for part in (objects, frames) if part)


def _who(committee: Committee) -> str:
    """What was compared, in words."""
    names = listed(field.path for field in committee.fields)
    return f"Compared: the passes {committee.passes} of {names}." if committee.passes else f"Compared: {names}."


def _stem(field: LabelField) -> str:
    return FRAMES if field.of_frames else ""


def _missed_fields(committee: Committee, name: str, parameters: dict[str, Any]) -> list[ResultField]:
    """Of objects of several fields: how many of the other members miss them."""
    if committee.task != "detection":
        return []
    info = {
        "verb": "score_disagreement",
        "range": [0, 1],
        "high_means": "only this member found the object",
        "source": "the matches of the disagreement scores of detections",
        "parameters": parameters,
    }
    sentence = (
        "The share of the other members that have no matching object of the same class. High: only this one found it. "
        f"{_who(committee)}"
    )
    paths = [f"{_stem(field)}{field.objects_path}.{name}" for field in committee.fields]
    return [ResultField(path, fo.FloatField, sentence, info, part=True) for path in paths]
