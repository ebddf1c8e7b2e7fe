"""Scores of a batch of predictions: of every object, and of the samples that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .aggregation import Aggregation, aggregate
from .base import Objects, Uncertainty


def apply(
    scores: Iterable[Uncertainty],
    objects: Objects,
    aggregation: Aggregation | None,
    min_confidence: float | None = None,
) -> tuple[dict[str, NDArray[np.floating]], dict[str, NDArray[np.floating]]]:
    """Computes scores.

    Args:
        scores: which
        objects: the predictions of n samples
        aggregation: how a sample's objects are combined; None where a sample is its one object, then a sample without one is
            unscoreable
        min_confidence: objects less confident do not count for their sample; they have scores of their own all the same

    Returns:
        (m,) of the objects and (n,) of the samples, by name; NaN where unscoreable
    """
    of_objects: dict[str, NDArray[np.floating]] = {}
    of_samples: dict[str, NDArray[np.floating]] = {}
    keep = np.ones(len(objects.confidences), bool)
    if aggregation is not None and min_confidence is not None:
        with np.errstate(invalid="ignore"):
            keep = ~(objects.confidences < min_confidence)
    counted = objects if keep.all() else objects.subset(keep)
    for score in scores:
        if score.level == "sample":
            value = score.compute(counted)
        else:
            of_objects[score.name] = score.compute(objects.probabilities)
            if aggregation is None:
                value = np.full(len(objects.present), np.nan)
                value[np.diff(objects.offsets) == 1] = of_objects[score.name]
            else:
                value = aggregate(of_objects[score.name][keep], counted.offsets, aggregation)
        of_samples[score.name] = np.where(objects.present, value, np.nan)
    return of_objects, of_samples
