"""Labels with known errors, planted into a dataset in thought, so that what an error looks like there can be learned."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from ..scores.losses import Boxes
from .object_batch import samples_of
from .object_evidence import Evidence, candidate_evidence, object_evidence
from .object_pairs import HIT, Pairs, box_pairs, first_of
from .object_scene import Scene, Tested

#: what can be wrong with a given object, in the order of the columns of ``ObjectQuality.probabilities``
KINDS = ("spurious", "wrong_class", "bad_location", "duplicate")

# Shares of the side of a box, or of the logarithm of its scale: how far planted boxes are off.
_SHIFTS, _JITTER = (0.1, 0.6), 0.12


def key_of(name: str) -> int:
    """A number in [0, 2^32) for a sample's id, the same on every machine.

    >>> key_of("a") == key_of("a") != key_of("b")
    True
    """
    return zlib.crc32(name.encode())


def drawn(keys: NDArray[np.uint64], stream: int) -> NDArray[np.float64]:
    """(n,) float64 in [0, 1): a draw for each key, the same in whatever order the keys come.

    Args:
        keys: (n,) uint64
        stream: which of many independent draws of the same keys

    Source: Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, 2014 (the mixing function).
    """
    with np.errstate(over="ignore"):
        mixed = keys + np.uint64(stream + 1) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53


def planted(scene: Scene, keys: NDArray[np.uint64], seed: int) -> dict[str, Evidence]:
    """The evidence of labels that are wrong in each of ``KINDS``, one of each kind a given object.

    Args:
        scene: the samples
        keys: (n,) uint64, one a sample
        seed: of all draws

    Returns:
        by kind; rows in the order of the given objects
    """
    given, samples = scene.given, scene.given_samples
    within = np.arange(len(samples)) - given.offsets[:-1][samples]
    with np.errstate(over="ignore"):
        keys = (keys.astype(np.uint64)[samples] << np.uint64(24)) + within.astype(np.uint64)

    def draw(stream: int) -> NDArray[np.float64]:
        return drawn(keys, 64 * seed + stream)

    own, added = np.arange(len(samples)), np.full(len(samples), -1)
    boxes, classes = given.boxes_xywh, given.classes
    random_class = np.minimum((draw(0) * scene.n_classes).astype(np.int64), scene.n_classes - 1)
    elsewhere = np.where(draw(1) < 0.5, classes, random_class)
    errors = {
        "spurious": (_moved_anywhere(scene, draw(2), draw(3)), elsewhere, added),
        "wrong_class": (boxes, _other_class(scene, random_class, draw(4), draw(5)), own),
        "bad_location": (_shifted(boxes, np.stack([draw(stream) for stream in range(6, 11)])), classes, own),
        "duplicate": (_jittered(boxes, np.stack([draw(stream) for stream in range(11, 16)])), classes, added),
    }
    return {
        kind: object_evidence(scene, _tested(scene, Boxes(given.offsets, *what[:2]), what[2], kind == "spurious"))
        for kind, what in errors.items()
    }


def _moved_anywhere(scene: Scene, across: NDArray[np.float64], down: NDArray[np.float64]) -> NDArray[np.floating]:
    """The boxes somewhere else within what the objects of their sample span."""
    given, boxes = scene.given, scene.given.boxes_xywh.copy()
    span = np.zeros((len(given.offsets) - 1, 2))
    for side in (given, scene.predicted):
        np.fmax.at(span, samples_of(side), side.boxes_xywh[:, :2] + side.boxes_xywh[:, 2:])
    room = np.maximum(span[scene.given_samples] - boxes[:, 2:], 0)
    boxes[:, :2] = room * np.stack([across, down], axis=1)
    return boxes


def _other_class(
    scene: Scene, random_class: NDArray[np.int64], choice: NDArray[np.float64], which: NDArray[np.float64]
) -> NDArray[np.int64]:
    """A class that is wrong: half of them one that is predicted somewhere in the sample."""
    given, predicted, samples = scene.given, scene.predicted, scene.given_samples
    counts = np.diff(predicted.offsets)[samples]
    result = random_class
    if len(predicted.classes):
        place = np.minimum(
            predicted.offsets[:-1][samples] + (which * counts).astype(np.int64), len(predicted.classes) - 1
        )
        result = np.where((choice < 0.5) & (counts > 0), predicted.classes[place], result)
    result = np.where(result == given.classes, random_class, result)
    return np.where(result == given.classes, (given.classes + 1) % max(scene.n_classes, 1), result)


def _shifted(boxes: NDArray[np.floating], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes that are moved or of another size by more than a careful hand would be off."""
    low, high = _SHIFTS
    amounts = (low + (high - low) * draws[:2].T) * np.where(draws[2:4].T < 0.5, -1, 1)
    sides = boxes[:, 2:]
    moved = np.concatenate([boxes[:, :2] + amounts * sides, sides], axis=1)
    scaled = sides * np.exp(amounts)
    resized = np.concatenate([boxes[:, :2] + (sides - scaled) / 2, scaled], axis=1)
    return np.where(draws[4][:, None] < 0.6, moved, resized)


def _jittered(boxes: NDArray[np.floating], draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes as a second hand draws them; some the very same."""
    amounts = (2 * draws[:4].T - 1) * (2 * _JITTER * draws[4][:, None])
    sides = boxes[:, 2:]
    return np.concatenate([boxes[:, :2] + amounts[:, :2] * sides, sides * np.exp(amounts[:, 2:])], axis=1)


def _tested(scene: Scene, boxes: Boxes, replaces: NDArray[np.int64], anywhere: bool) -> Tested:
    """Planted labels with their overlaps. Of other shapes than boxes these are in proportion to those of the boxes."""
    with_predicted = box_pairs(boxes, scene.predicted)
    with_given = box_pairs(boxes, scene.given, owners=replaces)
    if scene.batch.overlap is not None and not anywhere:
        own = scene.real.replaces
        with_predicted = _in_proportion(with_predicted, scene.overlaps, box_pairs(scene.given, scene.predicted))
        with_given = _in_proportion(with_given, scene.real.with_given, box_pairs(scene.given, scene.given, owners=own))
    return Tested(boxes, replaces, with_predicted, with_given)


def _in_proportion(moved: Pairs, shapes: Pairs, boxes: Pairs) -> Pairs:
    """The overlaps of moved objects, from those of their boxes and what the shapes overlapped before they were moved."""
    width = int(max(pairs.columns.max(initial=0) for pairs in (moved, shapes, boxes))) + 1
    before = [_value(pairs, moved.rows * width + moved.columns, width) for pairs in (shapes, boxes)]
    factor = np.where(before[1] > 0, before[0] / np.where(before[1] > 0, before[1], 1), 1)
    iou = np.minimum(moved.iou * factor, 1)
    return Pairs(moved.rows, moved.columns, iou).where(iou > 0)


def _value(pairs: Pairs, wanted: NDArray[np.int64], width: int) -> NDArray[np.float64]:
    """The overlap of some pairs, 0 where there is none; pairs are in the order of rows and columns."""
    if not len(pairs.rows):
        return np.zeros(len(wanted))
    keys = pairs.rows * width + pairs.columns
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, pairs.iou[place], 0.0)


def candidates(scene: Scene) -> NDArray[np.int64]:
    """(k,) int64, the predicted objects that overlap no given object."""
    return np.flatnonzero(scene.covers.first < HIT)


def dropped(scene: Scene) -> tuple[Evidence, NDArray[np.int64]]:
    """The evidence of the candidates that there would be, were a given object not given.

    Args:
        scene: the samples

    Returns:
        by name (k,) arrays, of those given objects that some predicted object shows; and (k,) int64, which these are
    """
    pairs = scene.overlaps
    rest = scene.covers.without(pairs.columns, pairs.rows)
    kept = np.flatnonzero((pairs.iou >= HIT) & (rest < HIT))
    rows, columns = pairs.rows[kept], pairs.columns[kept]
    place = first_of(scene.predicted.confidences[columns], rows, len(scene.given.classes))
    lost = np.flatnonzero(place >= 0)
    place = place[lost]
    return candidate_evidence(scene, columns[place], rest[kept][place], lost), lost
