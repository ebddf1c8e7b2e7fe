"""What the database can tell of a selection's candidates by counting, without reading their values: quick enough for a form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo
import numpy as np

from ..core.selection.inputs import Embeddings, Input, Metadata, Predictions, Random, Scores
from ..core.selection.strategies.threshold import Threshold
from ..core.selection.values import Amounts
from .embeddings import object_field, which_embeddings, which_object_embeddings
from .input_fields import (
    category_field,
    combinations,
    metadata_path,
    number_field,
    scores_path,
)
from .input_labels import which_task
from .labels import LABEL_TYPES, label_field, prediction_fields
from .results import is_complete
from .samples import FRAMES, Samples, dataset_of, stored_path
from .tally import Tally

Condition = dict[str, Any]

_SIGNS = {"BIGGER": "$gt", "BIGGER_EQUAL": "$gte", "SMALLER": "$lt", "SMALLER_EQUAL": "$lte"}
# What stands for no number.
_NOTHING = {"$nin": [None, math.nan]}


def number_of(samples: Samples, conditions: Sequence[Condition]) -> int:
    """How many of the samples match all conditions."""
    found = list(samples._aggregate(post_pipeline=[_match(conditions), {"$count": "number"}]))
    return int(found[0]["number"]) if found else 0


def _match(conditions: Sequence[Condition]) -> Condition:
    return {"$match": {"$and": list(conditions)} if conditions else {}}


def has_value(given: Input, takes: str, samples: Samples) -> tuple[list[Condition], bool]:
    """What samples with a value of an input match, and whether that is all there is to say.

    Raises:
        ShortlistError: as reading the input would, as far as names and types can tell
    """
    if isinstance(given, Embeddings):
        return _has_vector(given, samples)
    if isinstance(given, Scores):
        path = scores_path(given, samples)
        if given.task is None:
            number_field(path, "input.field", samples)
        elif given.task.startswith(FRAMES):
            return [], False
        else:
            _check_label(given.task, samples)
            # What has labels and no score yet is scored first.
            return [{"$or": [{path: _NOTHING}, {given.task: {"$ne": None}}]}], is_complete(dataset_of(samples), path)
        return [{path: _NOTHING}], True
    if isinstance(given, Metadata):
        checked = [metadata_path(key, samples) for key in (given.key, *(given.cross or ()))]
        for path in checked:
            (category_field if takes == "amounts" else number_field)(path, "input.key", samples)
        stored = [] if given.default_value is not None else [stored_path(path, samples) for path in checked]
        return [{path: _NOTHING} for path in stored], True
    if isinstance(given, Predictions):
        task = which_task(given, samples)
        _check_label(task, samples, "input.task")
        exact = given.name in ("CLASS_DISTRIBUTION", "CATEGORY_COUNT") and not task.startswith(FRAMES)
        return ([] if task.startswith(FRAMES) else [{task: {"$ne": None}}]), exact
    return [], isinstance(given, Random)


def _has_vector(given: Embeddings, samples: Samples) -> tuple[list[Condition], bool]:
    if given.task is not None:
        which_object_embeddings(given, samples)
        path = object_field(given, samples).path
        return ([] if path.startswith(FRAMES) else [{path: {"$ne": None}}]), False
    field, key = which_embeddings(given, samples)
    if key is not None:
        field = getattr(samples.get_brain_info(key).config, "embeddings_field", None)
    return ([], False) if field is None else ([{field: {"$nin": [None, []]}}], True)


def _check_label(path: str, samples: Samples, where: str = "input.task") -> None:
    """Raises what reading the label field would, if it is none; looking at its classes takes a scan."""
    if path not in prediction_fields(samples):
        label_field(samples, path, where=where)


def passes(given: Input, threshold: Threshold, samples: Samples) -> tuple[list[Condition], bool]:
    """What samples on the wanted side of a threshold match, and whether that can be told by counting."""
    sign = _SIGNS[threshold.operation]
    if isinstance(given, Predictions) and given.name == "CATEGORY_COUNT":
        size = count_of(given, samples)
        return ([], False) if size is None else ([{"$expr": {sign: [size, threshold.threshold]}}], True)
    if isinstance(given, Metadata):
        path, where, default = metadata_path(given.key, samples), "input.key", given.default_value
    elif isinstance(given, Scores) and (
        given.task is None or is_complete(dataset_of(samples), scores_path(given, samples))
    ):
        path, where, default = scores_path(given, samples), "input.field", None
    else:
        return [], False
    field = number_field(path, where, samples)
    if isinstance(default, str):
        return [], False
    compared: Condition
    if isinstance(field, fo.BooleanField):
        compared = {"$in": [one for one in (False, True) if threshold.keeps(np.array([float(one)]), None)[0]]}  # type: ignore[arg-type]
    elif isinstance(field, (fo.DateField, fo.DateTimeField)):
        compared = {sign: datetime.fromtimestamp(threshold.threshold, UTC)}
    else:
        compared = {sign: threshold.threshold, "$ne": math.nan}
    if default is not None and threshold.keeps(np.array([float(default)]), None)[0]:  # type: ignore[arg-type]
        return [{"$or": [{path: compared}, {path: {"$in": [None, math.nan]}}]}], True
    return [{path: compared}], True


def count_of(given: Predictions, samples: Samples) -> Any:
    """The database's expression for the number of objects of a sample; None where it has none."""
    task = which_task(given, samples)
    kinds = prediction_fields(samples)
    _check_label(task, samples)
    list_attribute = LABEL_TYPES[kinds[task]].list_attribute
    if task.startswith(FRAMES) or list_attribute is None:
        return None
    found: Any = {"$ifNull": [f"${task}.{list_attribute}", []]}
    if given.categories is not None:
        found = {"$filter": {"input": found, "cond": {"$in": ["$$this.label", given.categories]}}}
    return {"$size": found}


def mean_cost(given: Input, samples: Samples, conditions: Sequence[Condition]) -> float | None:
    """The mean of a number over the samples, those without one counted as 0; None where counting cannot tell."""
    cost: Any
    if isinstance(given, Predictions):
        cost = count_of(given, samples)
        if cost is None:
            return None
    elif isinstance(given, (Metadata, Scores)):
        path = metadata_path(given.key, samples) if isinstance(given, Metadata) else scores_path(given, samples)
        default = given.default_value if isinstance(given, Metadata) else None
        cost = {"$ifNull": [f"${path}", 0 if default is None else default]}
    else:
        return None
    stages = [_match(conditions), {"$group": {"_id": None, "mean": {"$avg": cost}}}]
    found = list(samples._aggregate(post_pipeline=stages))
    mean = found[0]["mean"] if found else None
    return float(mean) if isinstance(mean, (int, float)) and math.isfinite(mean) else None


def categories(given: Metadata, parts: Sequence[tuple[Samples, Sequence[Condition]]]) -> tuple[Amounts, list[int]]:
    """The categories of several sets of samples, a row a sample, in any order.

    Args:
        given: the input
        parts: views, with what their samples must match

    Returns:
        the categories, and how many rows each part has
    """
    samples = parts[0][0]
    paths = [stored_path(metadata_path(key, samples), samples) for key in (given.key, *(given.cross or ()))]
    keys = {str(place): {"$ifNull": [f"${path}", None]} for place, path in enumerate(paths)}
    names: list[list[str]] = []
    counts: list[int] = []
    sizes = []
    for view, conditions in parts:
        stages = [_match(conditions), {"$group": {"_id": keys, "count": {"$sum": 1}}}]
        found = list(view._aggregate(post_pipeline=stages))
        for one in found:
            held = [one["_id"].get(str(place)) for place in range(len(paths))]
            names.append(combinations(held, given.default_value) or [])
            counts.append(int(one["count"]))
        sizes.append(sum(int(one["count"]) for one in found))
    tally = Tally(sum(sizes))
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    for place, some in enumerate(names):
        rows = np.arange(starts[place], starts[place + 1])
        for name in some:
            tally.add(rows, [name] * len(rows))
    return tally.amounts(), sizes


def is_scored(given: Scores, samples: Samples) -> bool:
    """Whether a score of a task is there."""
    return is_complete(dataset_of(samples), scores_path(given, samples))


def can_count(given: Predictions, samples: Samples) -> bool:
    """Whether the database can count the classes that an input would give."""
    task = which_task(given, samples)
    kind = prediction_fields(samples).get(task)
    return (
        given.name == "CLASS_DISTRIBUTION"
        and not task.startswith(FRAMES)
        and kind is not None
        and LABEL_TYPES[kind].task != "segmentation"
    )


def label_counts(given: Predictions, samples: Samples, conditions: Sequence[Condition]) -> dict[str, float]:
    """How many labels of each class the samples have in all, whatever their probabilities; see ``can_count``."""
    task = which_task(given, samples)
    list_attribute = LABEL_TYPES[prediction_fields(samples)[task]].list_attribute
    path = ".".join(part for part in (task, list_attribute, "label") if part)
    stages: list[Condition] = [_match(conditions), {"$project": {"label": f"${path}"}}, {"$unwind": "$label"}]
    stages.append({"$group": {"_id": "$label", "count": {"$sum": 1}}})
    found = {
        one["_id"]: float(one["count"]) for one in samples._aggregate(post_pipeline=stages) if one["_id"] is not None
    }
    return {name: count for name, count in found.items() if given.categories is None or name in given.categories}
