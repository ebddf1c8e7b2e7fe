"""What people decided on the items of a review, and what follows where several decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .items import Item

#: keep: the label is right as it is. accept: do what was suggested. relabel: give it another class. remove: it should not be
#: there. edited: it was wrong and has been corrected by hand. not_sure: cannot be told. skip: somebody else, or later
Decision = Literal["keep", "accept", "relabel", "remove", "edited", "not_sure", "skip"]
#: the decisions that say what is true of the label
DEFINITE: tuple[Decision, ...] = ("keep", "accept", "relabel", "remove", "edited")
#: those that ask for a change that ``apply_review`` makes
CHANGES: tuple[Decision, ...] = ("accept", "relabel", "remove")
#: those by which the label was wrong
WRONG: tuple[Decision, ...] = (*CHANGES, "edited")
#: open: opinions are lacking. decided: they agree. disputed: they do not. unsure: nobody could tell
State = Literal["open", "decided", "disputed", "unsure"]


@dataclass(frozen=True)
class Verdict:
    """What one person decided on one item; each person has one verdict an item at most.

    Args:
        item: the number of the item
        reviewer: who
        decision: what
        at: when (UTC, ISO 8601 with milliseconds)
        label: the class that was chosen, of ``relabel``
        comment: what the person wrote
        is_final: whether it settles what others disagree on
    """

    item: int
    reviewer: str
    decision: Decision
    at: str
    label: str | None = None
    comment: str = ""
    is_final: bool = False

    @property
    def meaning(self) -> tuple[Decision, str | None]:
        """What two verdicts must share to agree."""
        return self.decision, self.label


@dataclass(frozen=True)
class Outcome:
    """What the verdicts on an item come to.

    Args:
        state: whether it is decided
        decision: what was decided; None unless it is
        label: the class that was chosen, of ``relabel``
        reviewers: who decided so
    """

    state: State
    decision: Decision | None = None
    label: str | None = None
    reviewers: tuple[str, ...] = ()

    @property
    def was_wrong(self) -> bool:
        """Whether the label was found wrong."""
        return self.decision in WRONG


def outcome(item: Item, verdicts: Sequence[Verdict]) -> Outcome:
    """What the verdicts on an item come to.

    A final verdict decides, the latest of several. Otherwise as many opinions as the item needs must be in; then what more
    than half of those who could tell agree on is decided, and if nobody could tell, nothing is.

    Args:
        item: the item
        verdicts: on it, in any order

    Returns:
        the state, and the decision where there is one
    """
    opinions = [verdict for verdict in verdicts if verdict.decision != "skip"]
    final = max((verdict for verdict in opinions if verdict.is_final), key=lambda verdict: verdict.at, default=None)
    if final is not None:
        return _decided([final])
    if len(opinions) < item.opinions:
        return Outcome("open")
    definite = [verdict for verdict in opinions if verdict.decision in DEFINITE]
    if not definite:
        return Outcome("unsure")
    (meaning, count), *_ = Counter(verdict.meaning for verdict in definite).most_common(1)
    if 2 * count <= len(definite):
        return Outcome("disputed")
    return _decided([verdict for verdict in definite if verdict.meaning == meaning])


def _decided(verdicts: Sequence[Verdict]) -> Outcome:
    first = verdicts[0]
    if first.decision not in DEFINITE:
        return Outcome("unsure")
    return Outcome("decided", first.decision, first.label, tuple(verdict.reviewer for verdict in verdicts))
