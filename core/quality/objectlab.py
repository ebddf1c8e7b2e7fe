"""ObjectLab's label quality of object detection, as cleanlab computes it; see ``objects`` for scores that find more.

ObjectLab only listens to predictions above .95, and weighs distances in whatever unit the boxes have: cleanlab gets pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..scores.losses import Boxes
from .object_batch import Predicted, samples_of
from .object_pairs import all_pairs, box_pairs

# Weight of the overlap against the distance, and what a distance is multiplied by.
_ALPHA, _DISTANCE = 0.9, 0.1
# Confidences from which on a prediction counts for the place, and for the class or for a missing label.
_LOW, _HIGH = 0.5, 0.95
# Two given boxes that overlap so much are the same; the least area; the temperature of pooling; what stands in for log 0.
_SAME, _LEAST_AREA, _TEMPERATURE, _TINY = 0.95, 1e-6, 0.1, 1e-100


@dataclass(frozen=True)
class ObjectLab:
    """The scores of n samples with m given and k predicted objects. All in [0, 1], low = likely wrong.

    Args:
        samples: (n,) float, the geometric mean of the three kinds, each pooled over a sample
        overlooked: (k,) float of predicted objects, NaN where one is not asked; low: its label is missing
        badloc: (m,) float of given objects; low: badly placed
        swap: (m,) float of given objects; low: of a wrong class
    """

    samples: NDArray[np.float64]
    overlooked: NDArray[np.float64]
    badloc: NDArray[np.float64]
    swap: NDArray[np.float64]


def objectlab(given: Boxes, predicted: Predicted) -> ObjectLab:
    """Scores labels against confident predictions by ObjectLab's fixed rules.

    Args:
        given: the labels of n samples; boxes in pixels give cleanlab's scores
        predicted: the predictions of the same samples, all with confidences

    Returns:
        the scores of the whole dataset; the least similarity within it is part of them, so batches do not add up

    Source: Tkachenko, Thyagarajan & Mueller, ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection
        Data, 2023.
    """
    least, parts = 1.0, []
    for rows, columns in all_pairs(given.offsets, predicted.offsets):
        iou, similarity = _similarity(given.boxes_xywh, predicted.boxes_xywh, rows, columns)
        least = min(least, float(similarity[similarity != 0].min(initial=1.0)))
        same = given.classes[rows] == predicted.classes[columns]
        parts.append(_Part(rows, columns, iou, similarity, same))
    overlooked = _overlooked(given, predicted, parts, least)
    badloc, swap = _badloc(given, predicted, parts), _swap(given, predicted, parts, least)
    n = len(given.offsets) - 1
    pooled = [
        _softmin(overlooked, samples_of(predicted), n),
        *(_softmin(one, samples_of(given), n) for one in (badloc, swap)),
    ]
    samples = np.exp(np.mean([np.log(_TINY + one) for one in pooled], axis=0))
    return ObjectLab(samples, overlooked, badloc, swap)


@dataclass(frozen=True)
class _Part:
    """Some pairs of given (rows) and predicted (columns) objects of one sample, overlapping or not."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    iou: NDArray[np.float64]
    similarity: NDArray[np.float64]
    same: NDArray[np.bool_]


def _similarity(
    first: NDArray[np.floating], second: NDArray[np.floating], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """IoU, and IoU mixed with how near the centres are."""
    low = [np.asarray(boxes[:, :2], np.float64) for boxes in (first, second)]
    high = [low[0] + first[:, 2:], low[1] + second[:, 2:]]
    sides = np.minimum(high[0][rows], high[1][columns]) - np.maximum(low[0][rows], low[1][columns])
    both = np.where((sides < 0).any(axis=1), 0, sides[:, 0] * sides[:, 1])
    areas = [np.prod(end - start, axis=1) for start, end in zip(low, high, strict=True)]
    iou = both / np.maximum(areas[0][rows] + areas[1][columns] - both, _LEAST_AREA)
    centres = [(start + end) / 2 for start, end in zip(low, high, strict=True)]
    away = np.sqrt(((centres[0][rows] - centres[1][columns]) ** 2).sum(axis=1))
    return iou, iou * _ALPHA + (1 - _ALPHA) * np.exp(-away * _DISTANCE)


def _greatest(parts: list[tuple[NDArray[np.float64], NDArray[np.int64]]], n: int) -> NDArray[np.float64]:
    """(n,) the greatest of the values that go with a place, -inf where there is none."""
    found = np.full(n, -np.inf)
    for values, places in parts:
        np.maximum.at(found, places, values)
    return found


def _overlooked(given: Boxes, predicted: Predicted, parts: list[_Part], least: float) -> NDArray[np.float64]:
    n = len(predicted.classes)
    touched = _greatest([(part.iou, part.columns) for part in parts], n) > 0
    nearest = _greatest([(part.similarity[part.same], part.columns[part.same]) for part in parts], n)
    scores = np.where(np.isneginf(nearest), least * (1 - predicted.confidences), nearest)
    return np.where((predicted.confidences < _HIGH) | touched, np.nan, scores)


def _badloc(given: Boxes, predicted: Predicted, parts: list[_Part]) -> NDArray[np.float64]:
    kept = [part.same & (part.iou > 0) & (predicted.confidences[part.columns] > _LOW) for part in parts]
    pairs = [(part.similarity[keep], part.rows[keep]) for part, keep in zip(parts, kept, strict=True)]
    nearest = _greatest(pairs, len(given.classes))
    return np.where(np.isneginf(nearest), 1, nearest)


def _swap(given: Boxes, predicted: Predicted, parts: list[_Part], least: float) -> NDArray[np.float64]:
    kept = [~part.same & (predicted.confidences[part.columns] > _HIGH) for part in parts]
    pairs = [(part.similarity[keep], part.rows[keep]) for part, keep in zip(parts, kept, strict=True)]
    nearest = _greatest(pairs, len(given.classes))
    scores = np.where(np.isneginf(nearest), 1, np.maximum(least, 1 - nearest))
    twice = box_pairs(given, given, low=_SAME)
    scores[twice.rows[given.classes[twice.rows] != given.classes[twice.columns]]] = least
    return scores


def _softmin(scores: NDArray[np.float64], owners: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    """(n,) the mean of a sample's scores, in which low ones weigh more; 1 where it has none."""
    known = ~np.isnan(scores)
    scores, owners = scores[known], owners[known]
    low = np.full(n, np.inf)
    np.minimum.at(low, owners, scores)
    weights = np.exp((low[owners] - scores) / _TEMPERATURE)
    total = np.bincount(owners, weights, n)
    pooled = np.bincount(owners, weights * scores, n)
    return np.where(total > 0, pooled / np.where(total > 0, total, 1), 1)
