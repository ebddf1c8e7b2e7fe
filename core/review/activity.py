"""Who did what in a review, and how fast."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .items import Item
from .verdicts import WRONG, Outcome, Verdict

# Seconds without a verdict after which somebody was away, and how many verdicts in a row tell a pace.
_AWAY = 600
_LEAST = 5


@dataclass(frozen=True)
class Activity:
    """What one person did in a review.

    Args:
        reviewer: who
        n_verdicts: on how many items they have a verdict
        n_wrong: how many labels they found wrong
        n_kept: how many they found right
        n_not_sure: how many they could not tell
        n_skipped: how many they left for later, or for somebody else
        n_final: how many of these verdicts settled what others disagreed on
        n_left: how many open items that they are to decide lack their verdict; None where nothing was given to them
        per_hour: how many verdicts an hour while they were at it; None where too few tell
        last: when they gave the last (UTC, ISO 8601); None before the first
    """

    reviewer: str
    n_verdicts: int
    n_wrong: int
    n_kept: int
    n_not_sure: int
    n_skipped: int
    n_final: int
    n_left: int | None = None
    per_hour: float | None = None
    last: str | None = None


def activities(
    items: Sequence[Item], verdicts: Mapping[int, Sequence[Verdict]], outcomes: Mapping[int, Outcome]
) -> list[Activity]:
    """Who did what.

    Args:
        items: all of the review, in order
        verdicts: those on each item, by number from 1; items of deleted samples are not among them
        outcomes: what they come to, by number

    Returns:
        everybody who gave a verdict or is to give one, most verdicts first
    """
    by_reviewer: dict[str, list[Verdict]] = defaultdict(list)
    left: dict[str, int] = {}
    for number, item in enumerate(items, start=1):
        given = verdicts.get(number)
        for reviewer in item.reviewers:
            left.setdefault(reviewer, 0)
            is_open = number in outcomes and outcomes[number].state == "open"
            left[reviewer] += is_open and not _has_opinion(given or (), reviewer)
        for verdict in given or ():
            by_reviewer[verdict.reviewer].append(verdict)
    found = [_activity(name, by_reviewer.get(name, []), left.get(name)) for name in {*by_reviewer, *left}]
    return sorted(found, key=lambda one: (-one.n_verdicts, one.reviewer))


def _has_opinion(verdicts: Sequence[Verdict], reviewer: str) -> bool:
    return any(verdict.reviewer == reviewer and verdict.decision != "skip" for verdict in verdicts)


def _activity(reviewer: str, given: Sequence[Verdict], left: int | None) -> Activity:
    decisions = Counter(verdict.decision for verdict in given)
    times = sorted(verdict.at for verdict in given)
    return Activity(
        reviewer,
        len(given),
        sum(decisions[one] for one in WRONG),
        decisions["keep"],
        decisions["not_sure"],
        decisions["skip"],
        sum(verdict.is_final for verdict in given),
        left,
        pace(times),
        times[-1] if times else None,
    )


def pace(times: Sequence[str]) -> float | None:
    """How many verdicts an hour somebody gives while they are at it: pauses over ten minutes do not count.

    Args:
        times: of their verdicts (ISO 8601), in order

    Returns:
        above 0; None where fewer than six verdicts came one after the other, or all at once

    >>> pace([f"2024-01-01T10:0{minute}:00.000" for minute in range(7)])
    60.0
    """
    moments = np.array([one.rstrip("Z") for one in times], "datetime64[ms]")
    gaps = np.diff(moments) / np.timedelta64(1, "s")
    worked = gaps[gaps <= _AWAY]
    return float(3600 / worked.mean()) if len(worked) >= _LEAST and worked.any() else None
