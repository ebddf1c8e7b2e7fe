"""The fields that hold the scores of a label field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import fiftyone as fo

from ..core.errors import ShortlistError
from ..core.scores import Uncertainty
from .labels import LabelField
from .results import ResultField, mark_of
from .samples import FRAMES


def sample_path(label_field: str, score: str) -> str:
    """The field of samples that holds a score of a label field.

    It is beside the label field. Of a field of frames it has the same name, but at the top: the document that a frame's
    label may be in is none of the sample's.

    >>> sample_path("model.preds", "entropy"), sample_path("frames.model.preds", "entropy")
    ('model.preds_entropy', 'model_preds_entropy')
    """
    own = label_field.removeprefix(FRAMES)
    return f"{own if own == label_field else own.replace('.', '_')}_{score}"


def frame_path(label_field: str, score: str) -> str:
    """The field of frames that holds a score of a label field of frames, beside it and without ``frames.``."""
    return f"{label_field.removeprefix(FRAMES)}_{score}"


def refuse_shared(dataset: fo.Dataset, field: LabelField, fields: Sequence[ResultField]) -> None:
    """Stops where samples and frames have label fields of one name, whose scores would be one field of the samples.

    Raises:
        ShortlistError: with the way out
    """
    own = field.path.removeprefix(FRAMES)
    other = own if field.of_frames else f"{FRAMES}{own}"
    for result in fields:
        if (mark_of(dataset, result.path) or {}).get("label_field") == other:
            raise ShortlistError(
                f"the result field {result.path!r} must be of {field.path!r}. Got that of {other!r}, which has the same name; "
                f"nothing was written. Delete it with dataset.delete_sample_field({result.path!r}), or rename one of the label "
                f"fields."
            )


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
            path = f"{FRAMES}{frame_path(field.path, score.name)}"
            fields.append(ResultField(path, fo.FloatField, f"{sentence}. {meaning}", info, part=True))
        path = sample_path(field.path, score.name)
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
