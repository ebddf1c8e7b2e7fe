"""How far the members of a committee differ in the objects that they find. Members are compared two by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..geometry import Mask, matched, object_iou
from .disagreement import Disagreement, Pairs


@dataclass(frozen=True)
class Found:
    """The objects that one member found in one sample.

    Args:
        boxes: (n, 4) float, ``(x, y, width, height)`` relative to the image
        classes: (n,) int64, index of the class list, -1 where the object has no class
        masks: n instance masks, each filling its box, None for an object without; nothing given: there are none
    """

    boxes: NDArray[np.floating]
    classes: NDArray[np.int64]
    masks: Sequence[Mask] | None = None


@dataclass(frozen=True)
class Matches(Pairs):
    """How the objects of pairs of members match.

    Args:
        objects: (p,) int64, how many objects the two members have together
        matches: (p,) int64, how many objects of the one are matched with one of the other
        conflicts: (p,) int64, how many of the matches are of two different classes
        apart: (p,) float, the sum of 1 - IoU over the matches
    """

    objects: NDArray[np.int64]
    matches: NDArray[np.int64]
    conflicts: NDArray[np.int64]
    apart: NDArray[np.floating]


def compare(
    samples: Sequence[Sequence[Found | None]], threshold: float
) -> tuple[Matches, list[list[NDArray[np.float64] | None]]]:
    """Matches the objects of the members of a committee, two members at a time.

    Objects are matched whatever their class, see ``geometry.matched``; an object without a class conflicts with none.

    Args:
        samples: for each of n samples what its M members found, None for a member that was not there
        threshold: the least IoU of a match

    Returns:
        the matches of all pairs; and for every sample and member (k,) float in [0, 1] of its objects: the share of the other
        members that have no match of its class, NaN where it is the only member
    """
    rows: list[tuple[float, ...]] = []
    lonely: list[list[NDArray[np.float64] | None]] = []
    for row, members in enumerate(samples):
        there = [(place, one) for place, one in enumerate(members) if one is not None]
        others = len(there) - 1
        counts = {place: np.zeros(len(one.classes)) for place, one in there}
        for (first, one), (second, other) in combinations(there, 2):
            rows.append((row, *_compared(one, other, counts[first], counts[second], threshold)))
        shares = {place: count / others if others else np.full(len(count), np.nan) for place, count in counts.items()}
        lonely.append([shares.get(place) for place in range(len(members))])
    columns = np.array(rows, np.float64).reshape(-1, 5).T
    owners, objects, matches, conflicts = columns[:4].astype(np.int64)
    return Matches(len(samples), owners, objects, matches, conflicts, columns[4]), lonely


def _compared(
    one: Found, other: Found, of_one: NDArray[np.float64], of_other: NDArray[np.float64], threshold: float
) -> tuple[int, int, int, float]:
    """One pair's numbers in ``Matches``; objects without a match of their class are counted up on the way."""
    masks = None if one.masks is None or other.masks is None else (one.masks, other.masks)
    iou = object_iou(one.boxes, other.boxes, masks)
    agree = (one.classes[:, None] == other.classes) | (one.classes[:, None] < 0) | (other.classes < 0)
    rows, columns = matched(iou, threshold, agree)
    same = agree[rows, columns]
    for counts, places in ((of_one, rows), (of_other, columns)):
        counts += 1
        counts[places[same]] -= 1
    size = len(one.classes) + len(other.classes)
    return size, len(rows), int((~same).sum()), float((1 - iou[rows, columns]).sum())


def f1_distance(matches: Matches) -> NDArray[np.float64]:
    """One minus the F1 score of one member's objects against another's, whatever their class; the mean over pairs of members.

    ``1 - 2 matches / (objects of both)``; 0 where both found nothing.

    Args:
        matches: how the pairs of members match

    Returns:
        (n,) float in [0, 1], NaN for a sample with fewer than two members

    Source: Dice, Measures of the Amount of Ecologic Association Between Species (1945); Roy, Unmesh & Namboodiri, Deep
        Active Learning for Object Detection (2018), for committees.
    """
    shares = 2 * matches.matches / np.maximum(matches.objects, 1)
    return matches.mean(np.where(matches.objects > 0, 1 - shares, 0))


def class_conflict(matches: Matches) -> NDArray[np.float64]:
    """The share of the matched objects to which the two members give different classes, over all pairs of members.

    0 where nothing matches: no conflict was seen, and ``f1_distance`` says that nothing matches.

    Args:
        matches: how the pairs of members match

    Returns:
        (n,) float in [0, 1], NaN for a sample with fewer than two members

    Source: Settles, Active Learning Literature Survey (2010), section 3.2, on the votes for each object.
    """
    return matches.total(matches.conflicts) / np.maximum(matches.total(matches.matches), 1)


def iou_distance(matches: Matches) -> NDArray[np.float64]:
    """One minus the mean IoU of the matched objects, over all pairs of members.

    0 where nothing matches: no shift was seen, and ``f1_distance`` says that nothing matches.

    Args:
        matches: how the pairs of members match

    Returns:
        (n,) float in [0, 1], NaN for a sample with fewer than two members

    Source: Jaccard, The Distribution of the Flora in the Alpine Zone (1912).
    """
    return np.clip(matches.total(matches.apart) / np.maximum(matches.total(matches.matches), 1), 0, 1)


def unmatched(matches: Matches) -> NDArray[np.float64]:
    """How many objects of two members have no match in the other; the mean over pairs of members.

    Args:
        matches: how the pairs of members match

    Returns:
        (n,) float >= 0, NaN for a sample with fewer than two members

    Source: Roy, Unmesh & Namboodiri, Deep Active Learning for Object Detection (2018), on disagreement between detectors.
    """
    return matches.mean(matches.objects - 2 * matches.matches)


_BETWEEN_DETECTORS = "Roy, Unmesh & Namboodiri, Deep Active Learning for Object Detection, 2018"

F1_DISTANCE = Disagreement(
    "f1_distance",
    0,
    1,
    "the members find different objects",
    f"Dice 1945; {_BETWEEN_DETECTORS}",
    f1_distance,
    tasks=("detection",),
    reads="matches",
)
CLASS_CONFLICT = Disagreement(
    "class_conflict",
    0,
    1,
    "the members give the same objects different classes",
    "Settles, Active Learning Literature Survey, 2010, section 3.2",
    class_conflict,
    tasks=("detection",),
    reads="matches",
)
IOU_DISTANCE = Disagreement(
    "iou_distance",
    0,
    1,
    "the members see the same objects in different places",
    "Jaccard 1912",
    iou_distance,
    tasks=("detection",),
    reads="matches",
)
UNMATCHED = Disagreement(
    "unmatched",
    0,
    np.inf,
    "many objects are found by some members only",
    _BETWEEN_DETECTORS,
    unmatched,
    tasks=("detection",),
    reads="matches",
)
