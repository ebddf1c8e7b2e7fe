"""What applying and undoing a review tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...core.errors import listed
from ...core.review.acts import Act
from ...core.review.verdicts import State
from ...dataset.review.undoing import Undone
from ..summary import Summary, counted

_DONE: dict[Act, str] = {"relabel": "given another class", "move": "moved", "remove": "removed", "add": "added"}
_WAITING: dict[State, str] = {
    "open": "not decided yet",
    "disputed": "people disagree",
    "unsure": "nobody could tell",
}
_NAMED = 5


@dataclass(frozen=True)
class AppliedReview(Summary):
    """What was written of a review.

    Args:
        run_key: the review
        label_field: the labels that were reviewed
        field: the field that was changed, which may be a copy
        done: how many labels were given another class, moved, removed and added
        n_samples: how many samples were changed
        is_mask: whether the labels are masks, of which regions were painted
        n_right: how many labels were found right
        n_edited: how many were corrected by hand
        n_before: how many items had been applied before
        otherwise: the numbers of those of them that are decided otherwise since, or no longer
        waiting: how many items are not decided, by state
        left: the numbers of the items that were decided and not applied, by reason
        n_resumed: how many samples an interrupted run had left to be written
    """

    run_key: str
    label_field: str
    field: str
    done: dict[Act, int]
    n_samples: int
    is_mask: bool = False
    n_right: int = 0
    n_edited: int = 0
    n_before: int = 0
    otherwise: list[int] = dataclasses.field(default_factory=list)
    waiting: dict[State, int] = dataclasses.field(default_factory=dict)
    left: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    n_resumed: int = 0

    @property
    def n_applied(self) -> int:
        """How many items were applied."""
        return sum(self.done.values())

    @property
    def _what(self) -> str:
        return "region" if self.is_mask else "label"

    @property
    def headline(self) -> str:
        if not self.n_applied:
            return f"Nothing to apply of {self.run_key!r}: {self.field!r} is as it was"
        return f"Changed {counted(self.n_applied, self._what)} of {counted(self.n_samples, 'sample')} in {self.field!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        if self.is_mask:
            yield from _rows({"painted": self.n_applied}, self._what)
        else:
            yield from _rows({_DONE[act]: self.done.get(act, 0) for act in _DONE}, self._what)
        yield from _rows({"found right": self.n_right, "corrected by hand before": self.n_edited}, self._what)
        yield from _rows({"applied before": self.n_before}, "item")
        if self.otherwise:
            held = f"{counted(len(self.otherwise), 'item')} ({listed(map(str, self.otherwise), _NAMED)})"
            yield "decided otherwise since", f"{held}: undo_review, then apply again"
        yield from _rows({f"waiting: {_WAITING[state]}": count for state, count in self.waiting.items()}, "item")
        if self.n_resumed:
            yield "finished first", f"{counted(self.n_resumed, 'sample')} that an interrupted run had left"
        for reason, numbers in self.left.items():
            yield "not applied", f"{counted(len(numbers), 'item')} ({listed(map(str, numbers), _NAMED)}): {reason}"
        if self.n_applied:
            yield "next", f"scores of {self.field!r} describe the old labels: run score_label_quality again"
            yield "undo", f"undo_review {self.run_key}"


@dataclass(frozen=True)
class UndoneReview(Summary):
    """What was taken back.

    Args:
        run_key: the review, or the hand-over
        records: what was taken back, by record, the last first
        deleted: the copies of label fields that were deleted
    """

    run_key: str
    records: list[Undone]
    deleted: list[str]

    @property
    def n_restored(self) -> int:
        """How many samples are as they were, counted for each record."""
        return sum(one.n_restored for one in self.records)

    @property
    def stayed(self) -> list[str]:
        """What was edited since and therefore stays."""
        return [text for one in self.records for text in one.stayed]

    @property
    def headline(self) -> str:
        if self.deleted and not self.records:
            return f"Took back {self.run_key!r}: deleted {listed(map(repr, self.deleted))}"
        fields = listed(dict.fromkeys(repr(one.field) for one in self.records))
        return f"Took back {self.run_key!r}: {counted(self.n_restored, 'sample')} of {fields} as before"

    def rows(self) -> Iterable[tuple[str, str]]:
        for one in self.records:
            yield one.record, f"{counted(one.n_restored, 'sample')} restored"
            if one.gone:
                yield one.record, f"{counted(one.gone, 'sample')} deleted since"
        for path in self.deleted:
            yield "deleted", f"the copy {path!r}"
        if self.stayed:
            yield "stays", f"{counted(len(self.stayed), 'label')} edited since: {listed(self.stayed, _NAMED)}"


def _rows(counts: Mapping[str, int], what: str) -> Iterable[tuple[str, str]]:
    """A row for each count that is not zero."""
    for name, count in counts.items():
        if count:
            yield name, counted(count, what)
