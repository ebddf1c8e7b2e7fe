"""What the tab Progress shows of a review, as rows and sentences; knows no App."""

from __future__ import annotations

from ..api.review.progress import ReviewStatus
from ..core.review.activity import Activity
from ..core.review.agreement import Agreement, Pair
from ..core.review.precision import Interval, Precision
from .numbers import DASH, counted, percent
from .page import plain

PEOPLE = {
    "name": "Who",
    "done": "Verdicts",
    "wrong": "Wrong",
    "kept": "Right",
    "unsure": "Not sure",
    "skipped": "Skipped",
    "left": "Left",
    "pace": "An hour",
    "last": "Last (UTC)",
}
KINDS = {"kind": "Suspected", "decided": "Decided", "wrong": "Were errors", "share": "Share (95 % interval)"}
PAIRS = {"pair": "Who", "items": "Items", "share": "Agree", "kappa": "Cohen's kappa"}


def people(status: ReviewStatus) -> list[dict[str, str]]:
    """Who did what."""
    return [_person(one) for one in status.activities]


def _person(one: Activity) -> dict[str, str]:
    return {
        "name": one.reviewer,
        "done": f"{one.n_verdicts:,}",
        "wrong": f"{one.n_wrong:,}",
        "kept": f"{one.n_kept:,}",
        "unsure": f"{one.n_not_sure:,}",
        "skipped": f"{one.n_skipped:,}",
        "left": DASH if one.n_left is None else f"{one.n_left:,}",
        "pace": DASH if one.per_hour is None else f"{one.per_hour:,.0f}",
        "last": DASH if one.last is None else one.last[5:16].replace("T", " "),
    }


def kinds(status: ReviewStatus) -> list[dict[str, str]]:
    """How often what was suspected was an error, by kind."""
    found = list(status.precisions)
    if status.precision is not None and len(found) > 1:
        found.append(status.precision)
    return [_kind(one) for one in found]


def _kind(one: Precision) -> dict[str, str]:
    return {
        "kind": "all" if one.kind is None else one.kind.replace("_", " "),
        "decided": f"{one.n_decided:,}",
        "wrong": f"{one.n_wrong:,}",
        "share": _interval(one.share),
    }


def _interval(share: Interval) -> str:
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def pairs(found: Agreement) -> list[dict[str, str]]:
    """How far each two people agree."""
    return [_pair(one) for one in found.pairs]


def _pair(one: Pair) -> dict[str, str]:
    return {
        "pair": f"{one.first} and {one.second}",
        "items": f"{one.n_items:,}",
        "share": percent(one.share),
        "kappa": DASH if one.kappa is None else f"{one.kappa:.2f}",
    }


def headline(status: ReviewStatus) -> str:
    """How far it is, as Markdown."""
    decided = status.states["decided"]
    left = [(status.states["open"], "open"), (status.states["disputed"], "disputed")]
    left += [(status.states["unsure"], "that nobody could tell"), (status.n_gone, "of deleted samples")]
    rest = ", ".join(f"{count:,} {what}" for count, what in left if count)
    found = f"**{decided:,} of {counted(status.n_items, 'item')} decided, {counted(status.n_wrong, 'error')} found**"
    return f"{found}; {rest}" if rest else found


def decisions(status: ReviewStatus) -> str:
    """What was decided, as Markdown."""
    return ", ".join(f"{count:,} {plain(what.replace('_', ' '))}" for what, count in status.decisions.items())


def agreement(found: Agreement) -> str:
    """How far people agree, as Markdown."""
    kappa = (
        ""
        if found.kappa is None
        else f", Fleiss' kappa {found.kappa:.2f}{f' ({found.in_words})' if found.in_words else ''}"
    )
    on_error = f"whether the label is wrong: {percent(found.share_on_error)}"
    items = counted(found.n_items, "item")
    return plain(f"{percent(found.share)} on {items} that several decided{kappa}; {on_error}")


def remaining(status: ReviewStatus) -> list[str]:
    """What errors are still expected, as Markdown, a sentence each."""
    found = []
    if (rest := status.remaining) is not None and rest.n_items:
        found.append(
            f"Among the {counted(rest.n_items, 'suspected item')} not decided yet: about {_counts(rest.errors)} errors; "
            f"among the next {rest.next_items:,}: about {_counts(rest.next_errors)}."
        )
    if (audit := status.unsuspected) is not None:
        drawn = f"{audit.n_wrong:,} of {audit.n_audited:,} drawn at random were wrong"
        if audit.n_labels is None or audit.errors is None:
            found.append(f"Of labels that nothing suspects, {drawn}.")
        else:
            among = counted(audit.n_labels, "label")
            found.append(f"Among {among} that nothing suspects: about {_counts(audit.errors)} errors ({drawn}).")
    return [plain(one) for one in found]


def _counts(one: Interval) -> str:
    return f"{one.value:,.0f} ({one.low:,.0f} to {one.high:,.0f})"
