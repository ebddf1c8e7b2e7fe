"""What a review is made of: its items, read and counted."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...core.errors import ShortlistError, listed
from ...core.progress import Progress
from ...core.review.items import Item
from ...core.review.planning import name_of, severity
from ...core.schema import parse
from ...core.verbs import StartReview
from ...dataset.labels import LabelField
from ...dataset.review import issues
from ...dataset.review.targets import Target, target_of
from ...dataset.samples import Samples, uncollected

#: nobody decides more, and the record of more would be slow to read
MOST = 200_000


class Material:
    """What a review is made of.

    Args:
        samples: where to look
        given: the parameters
    """

    def __init__(self, samples: object, given: StartReview):
        self.given = given
        self.target: Target = target_of(samples, given.label_field, given.source)
        self.field: LabelField | None = None
        self.labels: issues.Labels | None = None
        if given.label_field is not None:
            self.field = issues.reviewed_field(self.target.samples, given.label_field)
            self.labels = issues.Labels(self.target, self.field)
        self.n_found = 0
        self.kinds: Counter[str] = Counter()

    def found(self, progress: Progress) -> list[Item]:
        """The items before they are planned: of those that there are the first in order, no more than the budget.

        Raises:
            ShortlistError: none, too many, or an unknown kind
        """
        given, order = self.given, self.given.order
        most = None if given.budget is None else given.budget - given.audit
        items = self.counted(progress)
        if most is None or (order == "view" and self.target.labels is not None):
            every = _up_to(MOST, items)
        elif order == "severity":
            every = heapq.nsmallest(min(most, MOST), items, key=severity)
        else:
            every = [item for place, item in enumerate(items) if place < most]
        if places := self.target.labels:
            last = len(places)
            every.sort(key=lambda item: min(places.get(str(one), last) for one in (item.label, item.suggestion)))
        self.refuse_nothing()
        return every

    def counted(self, progress: Progress) -> Iterator[Item]:
        """The items of the kinds asked for, each once, as they are counted."""
        seen: set[str] = set()
        kinds = self.given.kinds
        for item in self._every():
            if item.kind is not None:
                self.kinds[item.kind] += 1
            if (kinds is None or item.kind in kinds) and (name := name_of(item)) not in seen:
                # A view may show a sample twice.
                seen.add(name)
                self.n_found += 1
                if self.n_found % 1000 == 0:
                    progress(self.n_found, self.n_found, f"reading {self.given.subject}")
                yield item

    def _every(self) -> Iterator[Item]:
        if self.given.subject == "samples":
            return issues.sample_items(self.target, self.given.label_field)
        assert self.labels is not None
        return (
            self.labels.labels()
            if self.given.subject == "labels"
            else self.labels.issues(in_order=self.given.order == "view")
        )

    def refuse_nothing(self) -> None:
        """Stops where nothing is to be reviewed."""
        if self.n_found:
            return
        kinds = f" of kind {listed(self.given.kinds)}" if self.given.kinds else ""
        there = listed(
            f"{kind} ({count})" for kind, count in sorted(self.kinds.items(), key=lambda one: (-one[1], one[0]))
        )
        past = listed(noted(self.labels))
        hint = (f" There are {there}." if there else "") + (f" There were {past}." if past else "")
        raise ShortlistError(
            f"the samples must have {self.given.subject} to review{kinds}. Got none instead; nothing was written.{hint}"
        )


def _up_to(most: int, items: Iterable[Item]) -> list[Item]:
    """All items, if they are not too many.

    Raises:
        ShortlistError: they are
    """
    found = []
    for item in items:
        found.append(item)
        if len(found) > most:
            raise ShortlistError(
                f"a review must have at most {most} items. Got more instead. Give a budget, choose kinds or take a smaller "
                f"view."
            )
    return found


def noted(labels: issues.Labels | None) -> list[str]:
    """What is to be said of issues that were read."""
    return [] if labels is None else [f"{count} issues {what}" for what, count in labels.notes.items() if count]


def count_items(samples: Samples, parameters: StartReview | Mapping[str, Any]) -> dict[str, int]:
    """How many items a review would have, by kind ('' for what is not suspected), without a budget or an audit.

    Args:
        samples: where to look
        parameters: of ``start_review``

    Raises:
        ShortlistError: as ``start_review`` would say it
    """
    given = parse(StartReview, parameters)
    with uncollected():
        material = Material(samples, given)
        found: Counter[str] = Counter(item.kind or "" for item in material.counted(lambda *_: None))
    material.refuse_nothing()
    return dict(found)
