"""How often what was suspected was an error, by kind, with intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import norm

from .items import Item
from .verdicts import Outcome

#: how often an interval is to hold what it is about
LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number and the interval of it that holds the truth 95 times of 100."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Precision:
    """How often what was suspected was an error.

    Args:
        kind: the kind of issue; None for all kinds together
        n_decided: how many of them are decided
        n_wrong: in how many of these the label was wrong
        share: the second of the first, in [0, 1]; of what was reviewed first, the likeliest errors as a rule
    """

    kind: str | None
    n_decided: int
    n_wrong: int
    share: Interval

    @property
    def sentence(self) -> str:
        """It in words."""
        low, high = round(100 * self.share.low), round(100 * self.share.high)
        return f"of {self.n_decided:,} decided, {self.n_wrong:,} were errors: {self.share.value:.0%} ({low} to {high})"


def precisions(items: Sequence[Item], outcomes: Mapping[int, Outcome]) -> list[Precision]:
    """How often each kind of issue was an error; what was drawn for the audit was not suspected and does not count.

    Args:
        items: all of the review, in order
        outcomes: what the verdicts on them come to, by number from 1

    Returns:
        the kinds of which anything is decided, the most decided first; none where nothing was suspected
    """
    suspected = [(number, item) for number, item in enumerate(items, start=1) if item.kind and not item.is_audit]
    decided, wrong = _counted(suspected, outcomes)
    kinds = sorted(decided, key=lambda kind: (-decided[kind], kind))
    return [Precision(kind, decided[kind], wrong[kind], wilson(wrong[kind], decided[kind])) for kind in kinds]


def over_all(kinds: Sequence[Precision]) -> Precision | None:
    """The same of all kinds together; None where nothing is decided."""
    n, wrong = sum(one.n_decided for one in kinds), sum(one.n_wrong for one in kinds)
    return Precision(None, n, wrong, wilson(wrong, n)) if n else None


def _counted(suspected: Sequence[tuple[int, Item]], outcomes: Mapping[int, Outcome]) -> tuple[Counter, Counter]:
    """How many items of each kind are decided, and how many were errors."""
    decided: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for number, item in suspected:
        found = outcomes.get(number)
        if found is not None and found.state == "decided":
            decided[str(item.kind)] += 1
            wrong[str(item.kind)] += found.was_wrong
    return decided, wrong


def wilson(count: int, n: int) -> Interval:
    """The share that a count is of n trials, with Wilson's score interval.

    Args:
        count: how many of the trials, 0 to n
        n: how many trials, at least 1

    Returns:
        in [0, 1]

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference"; Brown, Cai & DasGupta (2001)
    recommend it.

    >>> found = wilson(41, 50)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.82, 0.692, 0.902)
    """
    z2 = float(norm.ppf((1 + LEVEL) / 2)) ** 2
    middle = (count + z2 / 2) / (n + z2)
    half = math.sqrt(z2 * count * (n - count) / n + z2**2 / 4) / (n + z2)
    # At the ends the interval ends there, which rounding would miss.
    return Interval(count / n, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < n else 1.0)
