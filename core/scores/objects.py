"""Scores of a sample's list of objects as a whole. A sample without objects scores 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Objects, Uncertainty


def objectness_least_confidence(objects: Objects) -> NDArray[np.floating]:
    """One minus the mean confidence of the sample's objects.

    Args:
        objects: the predictions of n samples

    Returns:
        (n,) float in [0, 1]: 0 without objects, NaN where none of the objects has a confidence

    Source: LightlyOne, Active Learning Scorers (object detection).
    """
    known = np.isfinite(objects.confidences)
    size = len(objects.present)
    total = np.bincount(objects.owners[known], weights=objects.confidences[known], minlength=size)
    count = np.bincount(objects.owners[known], minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = 1 - total / count
    score[np.diff(objects.offsets) == 0] = 0
    return np.clip(score, 0, 1)


def object_frequency(objects: Objects) -> NDArray[np.floating]:
    """The number of objects, where only the first of each class counts fully and every further one a quarter.

    Two bicycles and one pedestrian score 2.25. An object without a class is a class of its own kind.

    Args:
        objects: the predictions of n samples

    Returns:
        (n,) float >= 0

    Source: LightlyOne, Active Learning Scorers (object detection; deprecated there for CATEGORY_COUNT).
    """
    size = len(objects.present)
    pairs = np.unique(np.stack([objects.owners, objects.classes]), axis=1)
    distinct = np.bincount(pairs[0], minlength=size) if pairs.size else np.zeros(size)
    return 0.75 * distinct + 0.25 * np.diff(objects.offsets)


_LIGHTLY = "LightlyOne, Active Learning Scorers, object detection scores"

OBJECTNESS = Uncertainty(
    "objectness_least_confidence",
    0,
    1,
    "the model is unsure whether its objects are there",
    _LIGHTLY,
    objectness_least_confidence,
    level="sample",
)
FREQUENCY = Uncertainty(
    "object_frequency", 0, np.inf, "many objects of many classes", _LIGHTLY, object_frequency, level="sample"
)
