"""Which item is next for a person, and how far the review is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import chain

from .items import Item
from .verdicts import Outcome, State, Verdict, outcome

#: who looks at which item at this moment
Claims = Mapping[int, AbstractSet[str]]
_OPEN = Outcome("open")
_TO_SETTLE: tuple[State, ...] = ("disputed", "unsure")


@dataclass(frozen=True)
class QueueState:
    """How far a review is, for all and for one person.

    Args:
        total: how many items there are, without those whose sample was deleted
        open: how many of them lack opinions
        decided: on how many people agree
        disputed: on how many they do not
        unsure: of how many nobody could tell
        gone: how many items have lost their sample
        mine_open: how many this person could still decide, those that they skipped included
        mine_done: how many this person has decided, those that they could not tell included
        mine_skipped: how many this person has skipped
        claimed: how many of the open ones others are looking at
    """

    total: int
    open: int
    decided: int
    disputed: int
    unsure: int
    gone: int
    mine_open: int
    mine_done: int
    mine_skipped: int
    claimed: int

    @property
    def done(self) -> int:
        """How many items have all the opinions that they need."""
        return self.total - self.open


class Queue:
    """The items of a review and the verdicts on them, which are put in as they come.

    Args:
        items: in order; the number of an item is its place, from 1
    """

    def __init__(self, items: Sequence[Item]):
        self.items = items
        # None: the sample of the item is gone, or was not put in yet.
        self._verdicts: list[list[Verdict] | None] = [None] * len(items)
        self._outcomes = [_OPEN] * len(items)
        self._states: Counter[State] = Counter()

    def put(self, number: int, verdicts: Sequence[Verdict]) -> None:
        """Sets the verdicts on an item whose sample is there."""
        self.drop(number)
        found = outcome(self.items[number - 1], verdicts) if verdicts else _OPEN
        self._verdicts[number - 1], self._outcomes[number - 1] = list(verdicts), found
        self._states[found.state] += 1

    def drop(self, number: int) -> None:
        """Forgets an item whose sample is gone."""
        if self._verdicts[number - 1] is not None:
            self._states[self._outcomes[number - 1].state] -= 1
        self._verdicts[number - 1], self._outcomes[number - 1] = None, _OPEN

    def verdicts(self, number: int) -> list[Verdict] | None:
        """The verdicts on an item; None for one whose sample is gone."""
        return self._verdicts[number - 1]

    def outcome(self, number: int) -> Outcome:
        """What the verdicts on an item come to; open for one whose sample is gone."""
        return self._outcomes[number - 1]

    def lacking(self, number: int) -> int:
        """How many opinions an item lacks before anything is decided; 0 for one whose sample is gone."""
        given = self.verdicts(number)
        if given is None or self.outcome(number).state != "open":
            return 0
        return self.items[number - 1].opinions - sum(one.decision != "skip" for one in given)

    def last_of(self, reviewer: str) -> int | None:
        """The number of the item that a person decided or skipped last; None where they did none."""
        own = ((one.at, one.item) for given in self._verdicts if given for one in given if one.reviewer == reviewer)
        return max(own, default=("", None))[1]

    def next_for(
        self, reviewer: str, *, after: int = 0, disputed: bool = False, claims: Claims | None = None
    ) -> int | None:
        """The number of the item that a person should decide next.

        Items come in order from ``after`` on, then those before it. Those are left out at which others look who will bring
        all the opinions that lack. What the person skipped comes when there is nothing else, the longest ago first.

        Args:
            reviewer: who
            after: the item that the person is at
            disputed: whether to settle what people disagree on instead, then what nobody could tell
            claims: who looks at which item

        Returns:
            the number; None where there is nothing for this person now
        """
        put_off: list[tuple[str, int]] = []
        for found in self._wanted(reviewer, disputed, after):
            if self._is_claimed(found, reviewer, disputed, claims):
                continue
            skipped = self._skipped_at(found, reviewer)
            if skipped is None:
                return found
            put_off.append((skipped, found))
        return min(put_off)[1] if put_off else None

    def _wanted(self, reviewer: str, disputed: bool, after: int) -> Iterator[int]:
        """What a person may decide, in the order that it comes in."""
        after = min(max(after, 0), len(self.items))
        in_turn = range(after + 1, len(self.items) + 1), range(1, after + 1)
        if not disputed:
            yield from (number for number in chain(*in_turn) if self._may_decide(number, reviewer))
            return
        for state in _TO_SETTLE:
            yield from (number for number in chain(*in_turn) if self._may_settle(number, state))

    def _may_decide(self, number: int, reviewer: str) -> bool:
        """Whether an item lacks an opinion that this person may give."""
        given = self._verdicts[number - 1]
        if given is None or self._outcomes[number - 1].state != "open":
            return False
        reviewers = self.items[number - 1].reviewers
        return (not reviewers or reviewer in reviewers) and not (
            given and any(one.reviewer == reviewer and one.decision != "skip" for one in given)
        )

    def _may_settle(self, number: int, state: State) -> bool:
        """Whether an item is in a state that nobody has settled yet."""
        given = self._verdicts[number - 1]
        found = self._outcomes[number - 1].state == state
        return given is not None and found and not any(one.is_final and one.decision != "skip" for one in given)

    def _skipped_at(self, number: int, reviewer: str) -> str | None:
        """When a person skipped an item; None if they did not."""
        given = self._verdicts[number - 1] or ()
        return next((one.at for one in given if one.reviewer == reviewer and one.decision == "skip"), None)

    def _is_claimed(self, number: int, reviewer: str, disputed: bool, claims: Claims | None) -> bool:
        """Whether others who look at an item bring all that it lacks: one person settles what is disputed."""
        others = (claims or {}).get(number, frozenset()) - {reviewer}
        return bool(others) and len(others) >= (1 if disputed else self.lacking(number))

    def state(self, reviewer: str, claims: Claims | None = None) -> QueueState:
        """How far the review is.

        Args:
            reviewer: the person that ``mine_open`` and such are about
            claims: who looks at which item
        """
        mine: Counter[bool] = Counter(
            one.decision == "skip" for given in self._verdicts if given for one in given if one.reviewer == reviewer
        )
        looked_at = (number for number, who in (claims or {}).items() if who - {reviewer})
        total = sum(self._states.values())
        return QueueState(
            total=total,
            open=self._states["open"],
            decided=self._states["decided"],
            disputed=self._states["disputed"],
            unsure=self._states["unsure"],
            gone=len(self.items) - total,
            mine_open=sum(self._may_decide(number, reviewer) for number in range(1, len(self.items) + 1)),
            mine_done=mine[False],
            mine_skipped=mine[True],
            claimed=sum(self.lacking(number) > 0 for number in looked_at if number <= len(self.items)),
        )
