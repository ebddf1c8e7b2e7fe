"""What the predictions of a sample say of its labels: one number an object and a question, before anything is learned."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .object_batch import samples_of
from .object_pairs import HIT, first_of, greatest
from .object_scene import Scene, Tested

#: by name, (n,) float64 of n objects
Evidence: TypeAlias = dict[str, NDArray[np.float64]]

# A probability of 0 counts as this; overlaps from here on may show what class an object has.
_LEAST, _NEAR = 1e-4, 0.3


def log_size(boxes_xywh: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) the logarithm of the side of a square of a box's area; NaN where the box is."""
    return 0.5 * np.log(np.maximum(boxes_xywh[:, 2] * boxes_xywh[:, 3], 1e-12))


def object_evidence(scene: Scene, tested: Tested) -> Evidence:
    """What speaks for and against labels.

    Args:
        scene: the samples
        tested: the labels, given or planted

    Returns:
        by name (n,) arrays; confidences and overlaps are 0 where there is none. ``claimed``: the predicted object that shows
        the place, ``rival``: the class that is shown instead, -1 where there is none
    """
    boxes, pairs, n = tested.boxes, tested.with_predicted, len(tested.boxes.classes)
    rows, found, iou = pairs.rows, pairs.columns, pairs.iou
    confidence = scene.predicted.confidences[found]
    same = scene.predicted.classes[found] == boxes.classes[rows]
    # A predicted object speaks for the label of its class that it overlaps most, not for its neighbours.
    rival = scene.claims.without(found, tested.replaces[rows])
    mine, hit = same & (iou >= rival), iou >= HIT
    free = hit & (same | (rival < HIT))

    def best(which: NDArray[np.bool_], values: NDArray[np.floating] = confidence) -> NDArray[np.float64]:
        return greatest(values[which], rows[which], n)

    place, there = _first(mine, confidence * iou, rows, n)
    shown = _first(free, confidence, rows, n)
    samples = samples_of(boxes)
    gone = tested.replaces >= 0
    old = scene.given.classes[tested.replaces[gone]]
    others = scene.count_of(samples, boxes.classes)
    others[gone] -= old == boxes.classes[gone]
    among = tested.with_given
    alike = among.where(scene.given.classes[among.columns] == boxes.classes[among.rows])
    return {
        "size": log_size(boxes.boxes_xywh),
        "own": best(mine & hit),
        "shared": best(same & hit),
        "weak": best(mine & ~hit),
        "any": best(hit),
        "other": best(free & ~same),
        "iou": np.where(there, _at(iou, place), 0),
        "confidence": np.where(there, _at(confidence, place), 0),
        "best_iou": best(mine, iou),
        "claimed": np.where(there, _at(found, place), -1).astype(np.float64),
        "duplicate": greatest(alike.iou, alike.rows, n),
        "overlapped": greatest(among.iou, among.rows, n),
        "crowd": np.bincount(among.rows, minlength=n).astype(np.float64),
        "same": np.log1p(others),
        "count": np.log1p(np.diff(scene.given.offsets)[samples] - gone),
        "context": scene.confidence_of(samples, boxes.classes),
        "class": boxes.classes.astype(np.float64),
        **_class_evidence(scene, tested, *shown),
    }


def _class_evidence(scene: Scene, tested: Tested, place: NDArray[np.int64], there: NDArray[np.bool_]) -> Evidence:
    """What the class probabilities of the predicted objects say; ``place``: the pair that shows the class, if it is there."""
    pairs, classes, predicted = tested.with_predicted, tested.boxes.classes, scene.predicted
    found = _at(pairs.columns, place)[there]
    rivals, ratio = np.full(len(classes), -1), np.zeros(len(classes))
    rivals[there], ratio[there] = _rivals(scene, found, classes[there])
    near = pairs.where(pairs.iou >= _NEAR)
    own = classes[near.rows]
    soft = predicted.confidences[near.columns] * (predicted.classes[near.columns] == own)
    if predicted.probabilities is not None and len(own):
        vectors = predicted.probabilities
        peaks = np.maximum(vectors.max(axis=1), _LEAST)[near.columns]
        share = (
            vectors[near.columns, np.minimum(own, scene.n_classes - 1)] / peaks * predicted.confidences[near.columns]
        )
        soft = np.where(np.isnan(share) | (own == scene.n_classes), soft, share)
    confidence = np.zeros(len(classes))
    confidence[there] = predicted.confidences[found]
    return {
        "ratio": ratio,
        "weighted_ratio": ratio * confidence,
        "soft": greatest(soft, near.rows, len(classes)),
        "rival": rivals.astype(np.float64),
    }


def _rivals(
    scene: Scene, found: NDArray[np.int64], classes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The most probable class of predicted objects but one, -1 where it is not known, and the log ratio to that one."""
    predicted, k = scene.predicted, scene.n_classes
    confidences, same = predicted.confidences[found], predicted.classes[found] == classes
    # Without a vector the predicted class has the confidence, and the others share the rest.
    rest = (1 - confidences) / max(k - 1, 1)
    high, low = np.where(same, rest, confidences), np.where(same, confidences, rest)
    rivals = np.where(same, -1, predicted.classes[found])
    if predicted.probabilities is not None:
        vectors = np.array(predicted.probabilities[found], np.float64)
        known = ~np.isnan(vectors).any(axis=1) & (classes < k)
        rows, own = np.flatnonzero(known), classes[known]
        low[known] = vectors[rows, own]
        vectors[rows, own] = -1
        rivals[known] = vectors[known].argmax(axis=1)
        high[known] = np.maximum(vectors[known].max(axis=1), 0)
    rivals[rivals == k] = -1
    return rivals, np.log(high + _LEAST) - np.log(low + _LEAST)


def candidate_evidence(
    scene: Scene, found: NDArray[np.int64], cover: NDArray[np.float64], without: NDArray[np.int64]
) -> Evidence:
    """What speaks for predicted objects being objects that have no label.

    Args:
        scene: the samples
        found: (n,) int64, predicted objects
        cover: (n,) float, the greatest overlap of each with a given object
        without: (n,) int64, a given object that is thought away, -1 for none

    Returns:
        by name (n,) arrays
    """
    predicted = scene.predicted
    samples, classes = samples_of(predicted)[found], predicted.classes[found]
    gone = np.flatnonzero(without >= 0)
    others = scene.count_of(samples, classes)
    others[gone] -= scene.given.classes[without[gone]] == classes[gone]
    inside, around = scene.containment
    better = scene.better
    return {
        "size": log_size(predicted.boxes_xywh[found]),
        "confidence": predicted.confidences[found],
        "cover": cover,
        "cover_same": scene.claims.without(found, without),
        "better_same": better[0][found],
        "better": better[1][found],
        "same": np.log1p(others),
        "inside": inside.without(found, without),
        "around": around.without(found, without),
        "class": classes.astype(np.float64),
    }


def _first(
    which: NDArray[np.bool_], values: NDArray[np.floating], rows: NDArray[np.int64], n: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(n,) the pair with the greatest value among some, and whether there is one."""
    kept = np.flatnonzero(which)
    place = first_of(values[kept], rows[kept], n)
    return _at(kept, place), place >= 0


def _at(values: NDArray, places: NDArray[np.int64]) -> NDArray:
    """Values at places, anything where there are none."""
    return values[places] if len(values) else np.zeros(len(places), values.dtype)
