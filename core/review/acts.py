"""What is to be done to a label, from what was decided on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .items import Item
from .verdicts import Outcome

#: relabel: it gets another class. move: it gets another place. remove: it goes. add: a label that is missing comes
Act = Literal["relabel", "move", "remove", "add"]

_ACCEPTED: dict[str | None, Act] = {
    "wrong_class": "relabel",
    "bad_location": "move",
    "spurious": "remove",
    "duplicate": "remove",
    "missing": "add",
}


@dataclass(frozen=True)
class Decided:
    """An item of which something is to be done.

    Args:
        number: of the item
        item: the item
        outcome: what was decided
    """

    number: int
    item: Item
    outcome: Outcome

    @property
    def act(self) -> Act | None:
        """What is to be done to the label; None where it stays, or was edited by hand already."""
        return act_of(self.item, self.outcome)

    @property
    def label(self) -> str | None:
        """The class that the label gets: the one that was chosen, else the one that was suggested."""
        return self.outcome.label or self.item.suggested


def act_of(item: Item, outcome: Outcome) -> Act | None:
    """What is to be done to the label of an item.

    >>> act_of(Item("s", kind="duplicate", label="x"), Outcome("decided", "accept"))
    'remove'
    >>> act_of(Item("s", kind="bad_location", label="x"), Outcome("decided", "relabel", "cat"))
    'relabel'
    >>> act_of(Item("s", kind="missing"), Outcome("decided", "relabel", "cat"))
    'add'
    >>> act_of(Item("s", kind="missing"), Outcome("decided", "keep")) is None
    True
    """
    if outcome.decision == "remove":
        return "remove"
    if outcome.decision == "accept":
        return _ACCEPTED.get(item.kind)
    if outcome.decision == "relabel":
        return "add" if item.kind == "missing" else "relabel"
    return None
