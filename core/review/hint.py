"""Whether to go on with a review, in a sentence: what the next items are expected to hold is set against looking at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .precision import Interval
from .remaining import LEAST, Remaining, Unsuspected
from .verdicts import State

#: the share of errors among the coming items below which looking at them hardly pays
WORTH = 0.1
#: too_early: too few are decided to tell. go_on: the coming items hold errors. may_stop: hardly any. settle: only what people
#: disagree on is left. done: nothing is left
Advice = Literal["too_early", "go_on", "may_stop", "settle", "done"]


@dataclass(frozen=True)
class Hint:
    """Whether to go on with a review.

    Args:
        advice: in a word
        sentence: with its reason, for people
    """

    advice: Advice
    sentence: str


def hint(states: Mapping[State, int], left: Remaining | None, outside: Unsuspected | None) -> Hint:
    """Whether to go on with a review.

    Args:
        states: how many items are in which state
        left: the errors expected among suspected items that are not decided
        outside: the errors expected among labels that nothing suspects

    Returns:
        a word and a sentence
    """
    beyond = _beyond(outside)
    n_open, n_disputed = states.get("open", 0), states.get("disputed", 0)
    if not n_open and n_disputed:
        return Hint("settle", f"{_items(n_disputed)} disputed: somebody has to settle {_them(n_disputed)}.{beyond}")
    if not n_open:
        return Hint("done", f"Every item has been looked at.{beyond}")
    if left is None:
        return Hint("too_early", f"What the rest holds can be told when {LEAST} suspected items are decided.")
    if not left.next_items:
        return Hint("done", f"Every suspected item has been looked at; {_items(n_open)} left of the audit.{beyond}")
    coming = f"The next {_items(left.next_items, bare=True)} expected to hold {_errors(left.next_errors)}"
    rest = f" All {left.n_items:,} that are not decided hold {_errors(left.errors)}."
    if left.next_errors.value >= WORTH * left.next_items:
        return Hint("go_on", f"Go on: {coming[0].lower()}{coming[1:]}.{rest}{beyond}")
    return Hint("may_stop", f"You may stop: {coming[0].lower()}{coming[1:]}, fewer than one in ten.{rest}{beyond}")


def _items(count: int, *, bare: bool = False) -> str:
    """A count of items with its verb."""
    if bare and count == 1:
        return "item is"
    return f"{count:,} {'item is' if count == 1 else 'items are'}"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _errors(found: Interval) -> str:
    """A count of errors with its interval.

    >>> _errors(Interval(3.2, 1, 7))
    'about 3 errors (1 to 7)'
    """
    value = round(found.value)
    return f"about {value:,} {'error' if value == 1 else 'errors'} ({round(found.low):,} to {round(found.high):,})"


def _beyond(outside: Unsuspected | None) -> str:
    """What the audit says of all the other labels."""
    if outside is None:
        return ""
    checked = f" Of {outside.n_audited:,} labels that nothing suspects, drawn at random, {outside.n_wrong:,} were wrong"
    if outside.errors is None or outside.n_labels is None:
        low, high = (round(100 * one, 1) for one in (outside.share.low, outside.share.high))
        return f"{checked}: {outside.share.value:.1%} ({low:g} to {high:g})."
    return f"{checked}: the {outside.n_labels - outside.n_audited:,} others hold {_errors(outside.errors)}."
