"""What starting and managing reviews tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import fiftyone as fo

from ...core.errors import listed
from ...core.review.items import Subject
from ...dataset.review.kept import Record
from ..summary import Summary, counted


def counted_items(n: int, subject: Subject) -> str:
    """``3 issues``."""
    return counted(n, subject.removesuffix("s"))


@dataclass(frozen=True)
class StartedReview(Summary):
    """A review that has begun.

    Args:
        run_key: its name
        view: its samples in the order of their first items
        subject: what an item is
        label_field: the labels that it is about
        n_items: how many items it has
        n_samples: on how many samples
        n_found: how many there would be without a budget or an audit
        kinds: how many items of each kind of issue
        reviewers: how many items each of those named decides, or may decide where whoever is free takes the next; empty where
            nobody was named
        is_queue: whether whoever is free takes the next item
        n_shared: how many items several decide
        opinions: how many decide each of these
        n_audit: how many items were drawn from the labels that are not suspected
        n_unsuspected: how many such labels there are
        notes: what was left out, and what cannot be accepted
    """

    run_key: str
    view: fo.DatasetView
    subject: Subject
    label_field: str | None
    n_items: int
    n_samples: int
    n_found: int
    kinds: dict[str, int]
    reviewers: dict[str, int]
    is_queue: bool = True
    n_shared: int = 0
    opinions: int = 1
    n_audit: int = 0
    n_unsuspected: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def headline(self) -> str:
        of = "" if self.label_field is None else f" of {self.label_field!r}"
        samples = "" if self.subject == "samples" else f" on {counted_items(self.n_samples, 'samples')}"
        audit = f" and {self.n_audit} unsuspected ones" if self.n_audit else ""
        found = counted_items(self.n_items - self.n_audit, self.subject)
        return f"Started the review {self.run_key!r}: {found}{audit}{of}{samples}"

    def rows(self) -> Iterable[tuple[str, str]]:
        beyond = self.n_found - (self.n_items - self.n_audit)
        if beyond:
            yield "beyond the budget", counted_items(beyond, self.subject)
        for kind, count in self.kinds.items():
            yield kind, str(count)
        if self.is_queue:
            yield (
                "to decide",
                f"whoever {f'of {listed(self.reviewers)} ' if self.reviewers else ''}is free takes the next item",
            )
        else:
            for name, count in self.reviewers.items():
                yield f"to {name}", f"{count} items"
        if self.n_shared:
            yield "overlap", f"{self.n_shared} items are decided by {self.opinions} people each"
        if self.n_audit:
            yield "audit", f"{self.n_audit} of {self.n_unsuspected} labels that are not suspected, drawn at random"
        for note in self.notes:
            yield "note", note
        yield "kept as", f"run, field and saved view {self.run_key}"


@dataclass(frozen=True)
class ManagedReviews(Summary):
    """What ``manage_reviews`` listed, loaded or deleted.

    Args:
        action: ``list``, ``load`` or ``delete``
        run_key: which review was loaded or deleted
        records: the dataset's reviews, oldest first
        view: the samples of the loaded review in the order of their first items
        gone: the saved views that went with a deleted review
    """

    action: str
    run_key: str | None
    records: list[Record]
    view: fo.DatasetView | None = None
    gone: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        if self.action == "list":
            return f"{len(self.records)} review(s)"
        return f"{self.action.capitalize()}{'d' if self.action.endswith('e') else 'ed'} {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        for record in self.records:
            of = "" if record.label_field is None else f" of {record.label_field!r}"
            made = f"{record.created:%Y-%m-%d %H:%M} UTC by {record.facts.get('by', 'unknown')}"
            yield record.run_key, f"{counted_items(record.n_items, record.subject)}{of}; {made}"
