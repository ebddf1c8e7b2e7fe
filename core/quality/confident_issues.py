"""Which given classes are label issues by the rules of confident learning, and how many there are."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .confident import calibrated, confident_classes, confident_joint, confident_thresholds, disagrees, usable

Rule = Literal["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
Count = Literal["off_diagonal", "off_diagonal_calibrated"]


def find_issues(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    rule: Rule = "prune_by_noise_rate",
    *,
    joint: NDArray[np.integer] | None = None,
    at_least: int = 1,
) -> NDArray[np.bool_]:
    """The label issues by a rule; none where the given class is the most probable.

    - ``prune_by_noise_rate``: of each pair of given and other class as many as the confident joint counts, those with the
      largest lead of the other class;
    - ``prune_by_class``: of each class as many as the joint counts off its diagonal, those with the least probability;
    - ``both``: what the two agree on;
    - ``confident_learning``: what the joint counts off its diagonal;
    - ``predicted_neq_given``: wherever the most probable class is another.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows are no issues
        labels: (n,) int in [0, K), -1 where there is none, which is no issue
        rule: see above
        joint: (K, K) int, calibrated, for the first three; nothing given: that of these rows
        at_least: how many labels of each class are never pruned

    Returns:
        (n,) bool

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, section 3.2.

    >>> rows = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.1, 0.9]])
    >>> find_issues(rows, np.array([0, 0, 1, 1]))
    array([False, False,  True, False])
    """
    found = disagrees(probabilities, labels)
    rows = np.flatnonzero((np.asarray(labels) >= 0) & ~np.isnan(probabilities).any(axis=1))
    kept, given = usable(probabilities, labels)
    if rule == "predicted_neq_given" or not len(given):
        return found
    if rule == "confident_learning":
        guess = confident_classes(kept, confident_thresholds(kept, given))
        chosen = (guess >= 0) & (guess != given)
    else:
        joint = confident_joint(kept, given) if joint is None else joint
        chosen = _pruned(kept, given, _prunable(joint, at_least), rule, at_least)
    flags = np.zeros(len(found), bool)
    flags[rows] = chosen
    return flags & found


def count_issues(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], method: Count = "off_diagonal"
) -> int:
    """How many label issues there are.

    ``off_diagonal`` counts what the confident joint has off its diagonal; ``off_diagonal_calibrated`` scales that to all
    labels, those that the model is confident of no class of among them.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows do not count
        labels: (n,) int in [0, K), -1 where there is none
        method: see above

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, section 3.
    """
    if method == "off_diagonal":
        return int(find_issues(probabilities, labels, "confident_learning").sum())
    probabilities, labels = usable(probabilities, labels)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    joint = calibrated(confident_joint(probabilities, labels), counts)
    return int(np.rint((1 - joint.trace() / max(int(joint.sum()), 1)) * len(labels)))


def _prunable(joint: NDArray[np.integer], at_least: int) -> NDArray[np.int64]:
    """A joint whose diagonal is nowhere below a count, the rest of the row giving way evenly."""
    kept = np.maximum(joint.diagonal(), at_least)
    others = np.maximum(np.count_nonzero(joint, axis=1) - 1, 1)
    result = np.maximum(joint - ((kept - joint.diagonal()) / others)[:, None], 0)
    np.fill_diagonal(result, kept)
    return result.astype(np.int64)


def _pruned(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int64],
    joint: NDArray[np.int64],
    rule: Rule,
    at_least: int,
) -> NDArray[np.bool_]:
    """What is pruned before the most probable classes are looked at."""
    flags = np.zeros(len(labels), bool)
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(len(joint) + 1))
    for place in range(len(joint)):
        rows = order[ends[place] : ends[place + 1]]
        if len(rows) <= max(at_least, 1):
            continue
        kept = probabilities[rows]
        by_class, by_rate = np.ones(len(rows), bool), np.ones(len(rows), bool)
        if rule in ("prune_by_class", "both"):
            by_class = _lowest(kept[:, place], len(rows) - int(joint[place, place]))
        if rule in ("prune_by_noise_rate", "both"):
            by_rate = np.zeros(len(rows), bool)
            for other in np.flatnonzero(joint[place]):
                if other != place:
                    by_rate |= _lowest(-(kept[:, other] - kept[:, place]), int(joint[place, other]))
        flags[rows] = by_class & by_rate
    return flags


def _lowest(values: NDArray[np.floating], count: int) -> NDArray[np.bool_]:
    """Marks so many of the lowest values."""
    found = np.zeros(len(values), bool)
    if count > 0:
        found[np.argsort(values)[:count]] = True
    return found
