"""What is reviewed: one item is one question to a person, about one label, one lack of a label, or one sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

#: what an item asks about: a suspected error, a label, or a sample as a whole
Subject = Literal["issues", "labels", "samples"]
#: what can be wrong with a label
Kind = Literal["missing", "spurious", "wrong_class", "bad_location", "duplicate"]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Item:
    """One question to a person. Its number is its place in the review, from 1; it never changes once the review began.

    Args:
        sample: the id of the sample
        kind: what is suspected, a kind of label issue; None where nothing is
        quality: how likely the label is right, in [0, 1]; None where it was not scored
        label: the id of the given label that it is about; None for a label that is missing, a mask, and a sample as a whole
        suggestion: the id of the label that was suggested for it, in the field of suggestions; None where there is none
        given: the class that is there now; None where there is none
        suggested: the class that it should have; None where nothing should be there, and where none was suggested
        box: (x, y, width, height) of the given label, relative to the image; None for what has no place
        suggested_box: the same of the suggested one
        group: what it was grouped by; None without groups
        reviewers: who is to decide it; empty: whoever is free
        opinions: how many people are to decide it
        is_audit: whether it was drawn at random from what is not suspected, to measure what the scores miss
    """

    sample: str
    kind: str | None = None
    quality: float | None = None
    label: str | None = None
    suggestion: str | None = None
    given: str | None = None
    suggested: str | None = None
    box: Box | None = None
    suggested_box: Box | None = None
    group: str | None = None
    reviewers: tuple[str, ...] = ()
    opinions: int = 1
    is_audit: bool = False


def to_columns(items: Iterable[Item]) -> dict[str, list[Any]]:
    """Items as JSON can hold them in little space: a list an attribute.

    >>> to_columns([Item("a", given="cat"), Item("b")])["given"]
    ['cat', None]
    """
    held = list(items)
    return {field.name: [getattr(item, field.name) for item in held] for field in fields(Item)}


def from_columns(columns: dict[str, list[Any]]) -> list[Item]:
    """Items from what ``to_columns`` made, after JSON too.

    >>> from_columns(to_columns([Item("a", box=(0.0, 0.0, 0.5, 0.5))]))[0].box
    (0.0, 0.0, 0.5, 0.5)
    """
    names = [field.name for field in fields(Item)]
    rows = zip(*(map(_plain, columns[name]) for name in names), strict=True)
    return [Item(**dict(zip(names, row, strict=True))) for row in rows]


def _plain(value: Any) -> Any:
    """A value as an item holds it: JSON knows no tuples."""
    return tuple(value) if isinstance(value, list) else value
