"""The fields that hold the scores of a label field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import fiftyone as fo

from ..core.scores import Uncertainty
from .labels import LabelField
from .results import ResultField
from .samples import FRAMES


def sample_path(label_field: str, score: str) -> str:
    """The field of a score, beside the label field: on samples, or on frames where the label field is one of frames."""
    return f"{label_field}_{score}"


def score_fields(field: LabelField, scores: Sequence[Uncertainty], parameters: dict[str, Any]) -> list[ResultField]:
    """The fields that hold the scores of a label field: on the samples, on the frames that have it, on each object of a list.

    The one prediction of a sample, such as a Classification, has its score on the sample: it is not written twice.
    """
    fields = []
    for score in scores:
        by_object = score.level == "object"
        summed = parameters.get("aggregation") == "sum" and by_object
        high = None if summed or math.isinf(score.high) else score.high
        info = {
            "verb": "score_uncertainty",
            "label_field": field.path,
            "range": [score.low, high],
            "high_means": score.high_means,
            "source": score.source,
            "parameters": parameters,
        }
        sentence = f"{score.description.rstrip('.')}{_how(field, parameters) if by_object else ''}"
        meaning = f"High: {score.high_means}."
        over_frames = f", {parameters['frame_aggregation']} over the frames" if field.of_frames else ""
        if field.of_frames:
            path = sample_path(field.path, score.name)
            fields.append(ResultField(path, fo.FloatField, f"{sentence}. {meaning}", info, part=True))
        path = sample_path(field.path.removeprefix(FRAMES), score.name)
        fields.append(ResultField(path, fo.FloatField, f"{sentence}{over_frames}. {meaning}", info, index=True))
        if by_object and field.list_attribute:
            own = {**info, "range": [score.low, score.high]}
            path = f"{FRAMES if field.of_frames else ''}{field.objects_path}.{score.name}"
            fields.append(ResultField(path, fo.FloatField, f"{score.description} {meaning}", own, part=True))
    return fields


def _how(field: LabelField, parameters: dict[str, Any]) -> str:
    """How what a sample holds is combined, for a field's description."""
    if field.task == "single":
        return ""
    if field.task == "segmentation" and parameters["segmentation"] != "segment":
        return f" (mean over pixels{', rare classes weighted up' if parameters['segmentation'] == 'class_balanced' else ''})"
    of = {"objects": "objects", "multilabel": "classes", "segmentation": "segments"}[field.task]
    combined = parameters["aggregation"]
    if combined == "top_m":
        combined = f"mean of the {parameters['top_m']} highest"
    return f" ({combined} over the {'frame' if field.of_frames else 'sample'}'s {of})"
