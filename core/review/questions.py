"""An item in words: what is asked, why, and which decisions answer it."""

from __future__ import annotations

from .items import Item
from .verdicts import Decision

_ALWAYS: tuple[Decision, ...] = ("edited", "not_sure", "skip")
# What is there once too often: to accept is to remove it.
_TOO_MANY = ("spurious", "duplicate")
_KINDS = {
    "missing": "a label is missing",
    "spurious": "there is nothing of the kind",
    "duplicate": "it is labelled twice",
    "bad_location": "it is in another place",
    "wrong_class": "it is of another class",
}
_REGIONS = "part of the mask is of another class"


def is_mask(item: Item) -> bool:
    """Whether an item is about a mask: a region of it, or all of it where no region was suggested."""
    return item.label is None and item.kind is not None and item.kind != "missing"


def _has_place(item: Item) -> bool:
    """Whether there is one label, place or region that can be of a class; a whole mask and a sample cannot."""
    return item.label is not None or item.suggestion is not None or item.suggested is not None


def can_accept(item: Item) -> bool:
    """Whether there is something to accept: a class, a place or a region, or that a label should not be there."""
    if is_mask(item):
        return item.suggestion is not None
    if item.kind in _TOO_MANY:
        return True
    if item.kind == "bad_location":
        return item.suggested_box is not None or item.suggestion is not None
    return item.kind is not None and item.suggested is not None


def choices(item: Item, *, has_labels: bool = True) -> tuple[Decision, ...]:
    """The decisions that fit an item, the usual first.

    Args:
        item: the item
        has_labels: whether the review is about a label field

    >>> choices(Item("s", kind="missing", suggested="dog"))
    ('keep', 'accept', 'relabel', 'edited', 'not_sure', 'skip')
    >>> choices(Item("s", kind="wrong_class", label="x", given="cat", suggested="dog"))
    ('keep', 'accept', 'relabel', 'remove', 'edited', 'not_sure', 'skip')
    >>> choices(Item("s"), has_labels=False)
    ('keep', 'edited', 'not_sure', 'skip')
    """
    found: list[Decision] = ["keep"]
    if can_accept(item):
        found.append("accept")
    if has_labels and _has_place(item):
        found.append("relabel")
    if item.label is not None and item.kind not in _TOO_MANY:
        found.append("remove")
    return (*found, *_ALWAYS)


def question(item: Item) -> str:
    """What is asked about an item, in one sentence.

    >>> question(Item("s", kind="wrong_class", label="x", given="cat", suggested="dog"))
    "Is this 'cat' a 'dog'?"
    """
    given, suggested = _named(item.given), _named(item.suggested)
    if item.kind == "missing":
        return f"Is a {suggested or 'label'} missing here?"
    if is_mask(item):
        region = f"Is this region {suggested or 'nothing'} instead of {given or 'nothing'}?"
        return region if item.suggestion is not None else "Is the mask of this sample right?"
    what = f"this {given}" if given else "this label"
    if item.kind == "wrong_class":
        return f"Is {what} a {suggested}?" if suggested else f"Is {what} of another class?"
    if item.kind == "spurious":
        return f"Is there no {given} here?" if given else "Should this label not be here?"
    if item.kind == "duplicate":
        return f"Is {what} labelled twice?"
    if item.kind == "bad_location":
        return f"Is {what} in the wrong place?"
    if item.kind is not None:
        return f"Is {what} wrong ({item.kind})?"
    return f"Is {what} right?" if item.label is not None or given else "Is this sample labelled right?"


def reason(item: Item) -> str:
    """Why an item is asked about, in one sentence.

    >>> reason(Item("s", kind="spurious", label="x", given="cat", quality=0.034))
    'Suspected: there is nothing of the kind. The label is right with a likelihood of 3 %.'
    """
    if item.kind is None:
        # What was drawn to measure what the scores miss is to be judged without them.
        return "It is among what is to be looked at."
    why = f"Suspected: {_REGIONS if is_mask(item) else _KINDS.get(item.kind, item.kind)}."
    if item.quality is None:
        return why
    what = "The mask is right" if is_mask(item) else "The label is right"
    what = "Nothing is missing" if item.kind == "missing" else what
    return f"{why} {what} with a likelihood of {100 * item.quality:.0f} %."


def meaning(item: Item, decision: Decision, label: str | None = None) -> str:
    """What a decision on an item means, in a few words.

    >>> meaning(Item("s", kind="missing", suggested="dog"), "keep")
    'nothing is missing'
    >>> meaning(Item("s", kind="wrong_class", label="x", given="cat", suggested="dog"), "accept")
    "it is 'dog'"
    """
    if decision == "keep":
        return "nothing is missing" if item.kind == "missing" else "it is right as it is"
    if decision == "accept":
        return _accepted(item)
    if decision == "relabel":
        return f"it is {_named(label)}" if label else "it is of another class"
    return {
        "remove": "it should not be there",
        "edited": "it was wrong and has been corrected by hand",
        "not_sure": "it cannot be told",
        "skip": "later, or somebody else",
    }[decision]


def _accepted(item: Item) -> str:
    """What it means to do what was suggested."""
    if item.kind in _TOO_MANY and not is_mask(item):
        return "it should not be there"
    if item.kind == "bad_location" and not is_mask(item):
        return "it is where it was suggested"
    if item.kind == "missing":
        return f"{_named(item.suggested) or 'it'} is missing"
    return f"it is {_named(item.suggested) or 'not labelled'}"


def _named(name: str | None) -> str:
    return repr(name) if name else ""
