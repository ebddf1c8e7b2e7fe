"""What the Review panel says of an item, in words; knows no App."""

from __future__ import annotations

from collections.abc import Sequence

from ..api.review.deciding import ToReview
from ..core.review.items import Item
from ..core.review.questions import is_mask
from ..core.review.queue import QueueState
from ..core.review.verdicts import Decision, Verdict
from .numbers import counted, percent
from .page import plain

#: the decisions that have a button, in the order of the buttons, which never changes
BUTTONS: tuple[Decision, ...] = ("keep", "accept", "remove", "not_sure", "skip")
#: what a person presses for each
KEYS: dict[Decision, str] = {"keep": "k", "accept": "a", "remove": "d", "not_sure": "n", "skip": "s"}
UNDO_KEY = "u"
#: how many classes have a digit
DIGITS = 9

_LABELS: dict[Decision, str] = {
    "keep": "Keep",
    "accept": "Accept",
    "remove": "Remove",
    "not_sure": "Not sure",
    "skip": "Skip",
}
_SAID: dict[Decision, str] = {
    "keep": "it is right as it is",
    "accept": "what was suggested is right",
    "relabel": "it is of another class",
    "remove": "it should not be there",
    "edited": "it was wrong and has been corrected",
    "not_sure": "it cannot be told",
    "skip": "left for later",
}
# What is there once too often: to accept is to remove it.
_TOO_MANY = ("spurious", "duplicate")
_CHANGED = {
    "changed": "The label is no longer what was asked about: somebody changed it since the review began.",
    "gone": "The label is no longer there: somebody removed it since the review began.",
    "added": "There is a label at this place now.",
}


def label_of(decision: Decision) -> str:
    """What a button is called, with its key."""
    return f"{_LABELS[decision]} ({KEYS[decision]})"


def hint_of(decision: Decision, item: Item) -> str:
    """What a button does to an item, in a sentence."""
    if decision == "accept":
        return f"{_accepted(item)}."
    if decision == "keep":
        return "Nothing is missing here." if item.kind == "missing" else "The label is right as it is."
    if decision == "remove":
        return "There should be no label here."
    return "It cannot be told from the image." if decision == "not_sure" else "Somebody else, or later."


def _accepted(item: Item) -> str:
    """What accepting the suggestion does."""
    name = repr(item.suggested) if item.suggested else "what was suggested"
    if item.kind == "missing":
        return f"Add a label {name}"
    if is_mask(item):
        return f"Make the region {name}"
    if item.kind in _TOO_MANY:
        return "Remove the label"
    if item.kind == "bad_location":
        return "Move the label to the suggested place"
    return f"Make it {name}"


def meaning(found: ToReview) -> str:
    """What the two main buttons do to the item, as Markdown."""
    item = found.item
    kept = (
        "nothing is missing"
        if item.kind == "missing"
        else f"it stays {plain(repr(item.given)) if item.given else 'as it is'}"
    )
    if "accept" not in found.choices:
        return f"*Keep*: {kept}."
    accepted = _accepted(item)
    return f"*Keep*: {kept}. *Accept*: {plain(accepted[0].lower() + accepted[1:])}."


def change(item: Item) -> str:
    """From what to what, as Markdown."""
    given, suggested = item.given, item.suggested
    if item.kind in _TOO_MANY and not is_mask(item):
        suggested = "no label"
    if item.kind == "bad_location" and not is_mask(item):
        return f"**{plain(given or 'label')}** \N{RIGHTWARDS ARROW} the suggested place"
    if given is None and suggested is None:
        return ""
    if suggested is None:
        return f"**{plain(given or '')}**"
    return f"**{plain(given or 'no label')}** \N{RIGHTWARDS ARROW} **{plain(suggested)}**"


def about(found: ToReview, total: int) -> str:
    """What is known of an item, as Markdown: from what to what, kind, quality, number."""
    item = found.item
    # Who knows that nothing suspects it looks less closely.
    quality = "" if item.quality is None or item.is_audit else f"quality {item.quality:.2f}"
    kind = plain(item.kind.replace("_", " ")) if item.kind else ""
    group = "" if not item.group or item.group in (item.given, item.kind) else plain(item.group)
    parts = [change(item), kind, plain(quality), group, f"item {found.number:,} of {total:,}"]
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def said(verdicts: Sequence[Verdict]) -> str:
    """Who decided what on an item, as Markdown."""
    return "\n".join(f"- {_said(one)}" for one in verdicts)


def _said(one: Verdict) -> str:
    what = f"it is {plain(repr(one.label))}" if one.decision == "relabel" else _SAID[one.decision]
    final = ", to settle it" if one.is_final else ""
    comment = f": *{plain(one.comment)}*" if one.comment.strip() else ""
    return f"**{plain(one.reviewer)}**: {what}{final} ({plain(one.at[:16].replace('T', ' '))} UTC){comment}"


def conflict(others: Sequence[Verdict]) -> str:
    """What others decided while the person looked at the item, as plain words."""
    told = "; ".join(
        f"{one.reviewer} says that {_meant(one)}{f' ({one.comment})' if one.comment else ''}" for one in others
    )
    return f"Decided meanwhile: {told}. Your verdict was not written. Go on, or decide nevertheless."


def _meant(one: Verdict) -> str:
    return f"it is {one.label!r}" if one.decision == "relabel" else _SAID[one.decision]


def changed(state: str) -> str | None:
    """What became of the label since the review began; None where it is as it was."""
    return _CHANGED.get(state)


def progress(state: QueueState) -> str:
    """How far the review is, for the person and for all, as plain words."""
    left = "nothing left for you" if not state.mine_open else f"{state.mine_open:,} left for you"
    parts = [f"You: {state.mine_done:,} done, {left}"]
    parts.append(f"all: {state.done:,} of {counted(state.total, 'item')}")
    parts += [f"{count:,} {what}" for count, what in _asides(state) if count]
    return "; ".join(parts)


def _asides(state: QueueState) -> list[tuple[int, str]]:
    return [
        (state.disputed, "disputed"),
        (state.unsure, "that nobody could tell"),
        (state.mine_skipped, "skipped by you"),
        (state.claimed, "at which others are looking"),
        (state.gone, "of deleted samples"),
    ]


def share(state: QueueState) -> float:
    """How much of the review is done, in [0, 1]."""
    return state.done / state.total if state.total else 1.0


def shares(value: float, low: float, high: float) -> str:
    """A share with its interval."""
    return f"{percent(value)} ({percent(low)} to {percent(high)})"


def quick(classes: Sequence[str], used: Sequence[str]) -> list[str]:
    """The classes that have a digit: all where they are few, else those that the person chose before, the first first."""
    if len(classes) <= DIGITS:
        return list(classes)
    return [name for name in used if name in classes][:DIGITS]


def keys(found: ToReview, digits: Sequence[str]) -> str:
    """What can be pressed, as plain words."""
    parts = [f"{KEYS[one]} {_LABELS[one].lower()}" for one in BUTTONS if one in found.choices]
    if digits and "relabel" in found.choices:
        parts.append(f"1-{len(digits)} class" if len(digits) > 1 else "1 class")
    return ", ".join([*parts, f"{UNDO_KEY} undo"])


def letters(found: ToReview, digits: Sequence[str]) -> str:
    """The keys alone."""
    parts = [KEYS[one] for one in BUTTONS if one in found.choices]
    if digits and "relabel" in found.choices:
        parts.append(f"1-{len(digits)}" if len(digits) > 1 else "1")
    return " ".join([*parts, UNDO_KEY])
