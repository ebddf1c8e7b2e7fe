"""What is known of the rounds of a dataset: the labels that arrived, and how good models were."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import did_you_mean, listed, must_be
from ..core.rounds import Evaluated, Quality
from .sources import number_fields

logger = logging.getLogger(__name__)

# What of an evaluation's own numbers tells of it, by its type, with the name for people.
_METRICS = {
    "classification": ("accuracy", "accuracy"),
    "detection": ("fscore", "F1"),
    "regression": ("r2_score", "R\N{SUPERSCRIPT TWO}"),
}
_SUMMED = (fo.FloatField, fo.IntField, fo.BooleanField)


def n_labeled(dataset: fo.Dataset, run_keys: Sequence[str], label_field: str) -> dict[str, int]:
    """How many samples of each selection have a label; looked up by the index of the ranks.

    A label that says that there is no object is one too.
    """
    count = dataset._sample_collection.count_documents
    return {key: count({f"{key}.rank": {"$gte": 1}, label_field: {"$ne": None}}) for key in run_keys}


def means(dataset: fo.Dataset, run_keys: Sequence[str], path: str) -> dict[str, Quality]:
    """The mean of a field over the samples of each selection; those without a value do not count.

    Raises:
        ShortlistError: no such field, or not one of numbers or truth values
    """
    known = [one for one in number_fields(dataset) if isinstance(dataset.get_field(one), _SUMMED)]
    if path not in known:
        hint = did_you_mean(path, known) or (f"It has {listed(known)}." if known else "It has none.")
        raise must_be("evaluation_field", f"a field of {dataset.name!r} with a number or a truth value", path, hint)
    found = {}
    for key in run_keys:
        pipeline = [
            {"$match": {f"{key}.rank": {"$gte": 1}, path: {"$nin": [None, float("nan")]}}},
            {"$group": {"_id": None, "mean": {"$avg": {"$toDouble": f"${path}"}}}},
        ]
        for one in dataset._sample_collection.aggregate(pipeline):
            found[key] = Quality(f"mean {path}", float(one["mean"]), path)
    return found


def evaluations(dataset: fo.Dataset, keys: Sequence[str] | None = None) -> list[Evaluated]:
    """The evaluations of a dataset, those of a name or all.

    Raises:
        ShortlistError: no evaluation of a name
    """
    known = dataset.list_evaluations()
    for key in keys or ():
        if key not in known:
            hint = did_you_mean(key, known) or (f"It has {listed(known)}." if known else "It has none yet.")
            raise must_be("evaluations", f"evaluations of {dataset.name!r}", key, hint)
    found = []
    for key in known if keys is None else keys:
        info = dataset.get_evaluation_info(key)
        held = info.config
        series = str(getattr(held, "type", "")), str(getattr(held, "gt_field", "")), str(getattr(held, "classes", ""))
        if info.timestamp is not None:
            found.append(Evaluated(key, series, info.timestamp.isoformat(timespec="milliseconds")))
    return found


def quality_of(dataset: fo.Dataset, evaluated: Evaluated) -> Quality | None:
    """What an evaluation says of the model; None where its results are gone, or say nothing that is known here."""
    return _quality(dataset.name, evaluated.key, evaluated.created, evaluated.series[0])


@lru_cache(maxsize=256)
def _quality(dataset: str, key: str, _created: str, kind: str) -> Quality | None:
    """The same; results may be large and are read once."""
    try:
        results = fo.load_dataset(dataset).load_evaluation_results(key, cache=False)
        found = None if results is None else _measured(results, kind)
    except Exception:
        # Evaluations are other people's code too; where work stands is worth seeing without one of them.
        logger.warning("the evaluation %r cannot be read", key, exc_info=True)
        return None
    return None if found is None or not np.isfinite(found[1]) else Quality(found[0], float(found[1]), key)


def _measured(results: Any, kind: str) -> tuple[str, float] | None:
    """The name and the value of what is measured."""
    if hasattr(results, "pixel_confusion_matrix"):
        return "mean IoU", mean_iou(np.asarray(results.pixel_confusion_matrix))
    if hasattr(results, "mAP"):
        return "mAP", results.mAP()
    if kind not in _METRICS:
        return None
    metric, name = _METRICS[kind]
    value = results.metrics().get(metric)
    return None if value is None else (name, value)


def mean_iou(confusion: NDArray[np.number]) -> float:
    """The mean intersection over union of the classes that occur.

    Args:
        confusion: (K, K) pixels, true classes as rows

    Returns:
        in [0, 1]; NaN where nothing occurs

    >>> mean_iou(np.array([[2, 1, 0], [0, 1, 0], [0, 0, 0]]))
    0.5833333333333333
    """
    both = np.diag(confusion).astype(float)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    there = either > 0
    return float((both[there] / either[there]).mean()) if there.any() else float("nan")
