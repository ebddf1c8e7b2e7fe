"""The verb review_progress: how far a review is, and what its verdicts tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import fiftyone as fo

from ...core.review.activity import Activity, activities
from ...core.review.agreement import Agreement, agreement
from ...core.review.hint import Hint, hint
from ...core.review.items import Subject
from ...core.review.precision import Precision, over_all, precisions
from ...core.review.remaining import Remaining, Unsuspected, remaining, unsuspected
from ...core.review.verdicts import CHANGES, Decision, Outcome, State, outcome
from ...core.schema import parse
from ...core.verbs import ReviewProgress
from ...dataset.review.edit_records import applied_items
from ...dataset.review.kept import disputed_of
from ...dataset.review.loaded import review_of
from ...dataset.review.verdicts import verdicts_of
from ...dataset.samples import Samples, home_of
from ..summary import Summary

_STATES: tuple[State, ...] = ("open", "decided", "disputed", "unsure")


@dataclass(frozen=True)
class ReviewStatus(Summary):
    """How far a review is, and what its verdicts tell.

    Args:
        run_key: its name
        label_field: the labels that it is about; None for samples as a whole
        subject: what an item is
        n_items: how many items it has
        states: how many items are open, decided, disputed or unsure; those of deleted samples are none of these
        n_gone: how many items' samples were deleted
        decisions: what was decided how often
        n_applied: how many decided items are written to the labels
        n_to_apply: how many decided changes are not
        activities: who did what, most verdicts first
        agreement: how far people agree; None where nothing was decided by two
        precisions: how often what was suspected was an error, by kind; without the audit
        precision: the same over all kinds; None where nothing was suspected or decided
        remaining: the errors expected among suspected items that are not decided; None while too few are decided to tell
        unsuspected: the errors expected among labels that nothing suspects; None without an audit
        hint: whether to go on
        disputed: the samples on which people disagree
    """

    run_key: str
    label_field: str | None
    subject: Subject
    n_items: int
    states: dict[State, int]
    n_gone: int
    decisions: dict[Decision, int]
    n_applied: int
    n_to_apply: int
    activities: tuple[Activity, ...]
    agreement: Agreement | None
    precisions: tuple[Precision, ...]
    precision: Precision | None
    remaining: Remaining | None
    unsuspected: Unsuspected | None
    hint: Hint
    disputed: fo.DatasetView

    @property
    def n_wrong(self) -> int:
        """How many decided items' labels were wrong."""
        return sum(count for decision, count in self.decisions.items() if Outcome("decided", decision).was_wrong)

    @property
    def headline(self) -> str:
        done = self.states["decided"]
        errors = f"{self.n_wrong:,} {'error' if self.n_wrong == 1 else 'errors'}"
        return f"Review {self.run_key!r}: {done:,} of {self.n_items:,} items decided, {errors} found"

    def rows(self) -> Iterator[tuple[str, str]]:
        """The details: what, and how much."""
        yield from self._items()
        yield from ((one.reviewer, told(one)) for one in self.activities)
        yield from self._agreement()
        for one in self.precisions:
            yield f"{one.kind}".replace("_", " "), one.sentence
        if self.precision is not None and len(self.precisions) > 1:
            yield "all kinds", self.precision.sentence
        if self.unsuspected is not None:
            low, high = self.unsuspected.share.low, self.unsuspected.share.high
            share = f"{self.unsuspected.share.value:.1%} (95 % interval {low:.1%} to {high:.1%})"
            yield (
                "audit",
                f"{self.unsuspected.n_wrong} of {self.unsuspected.n_audited} unsuspected labels were wrong: {share}",
            )
        yield "hint", self.hint.sentence

    def _items(self) -> Iterator[tuple[str, str]]:
        states: dict[State, str] = {"open": "open", "disputed": "disputed", "unsure": "that nobody could tell"}
        left = [f"{self.states[state]:,} {said}" for state, said in states.items() if self.states[state]]
        gone = [f"{self.n_gone:,} of deleted samples"] if self.n_gone else []
        if left or gone:
            yield "not decided", ", ".join([*left, *gone])
        if self.decisions:
            yield "decided", ", ".join(f"{count:,} {what}" for what, count in self.decisions.items())
        if self.n_applied or self.n_to_apply:
            yield "applied", f"{self.n_applied:,} changes; {self.n_to_apply:,} decided changes are not"

    def _agreement(self) -> Iterator[tuple[str, str]]:
        found = self.agreement
        if found is None:
            return
        kappa = "" if found.kappa is None else f"; Fleiss' kappa {found.kappa:.2f} ({found.in_words})"
        yield (
            "agreement",
            f"{found.share:.0%} on {found.n_items:,} items that several decided{kappa}; whether the label is wrong: "
            f"{found.share_on_error:.0%}",
        )
        for pair in found.pairs:
            kappa = "" if pair.kappa is None else f"; Cohen's kappa {pair.kappa:.2f}"
            yield f"{pair.first} and {pair.second}", f"{pair.share:.0%} of {pair.n_items:,}{kappa}"


def told(one: Activity) -> str:
    """What one person did, in words."""
    parts = [f"{one.n_verdicts:,} {'verdict' if one.n_verdicts == 1 else 'verdicts'}"]
    if one.n_verdicts:
        parts.append(f"{one.n_wrong:,} wrong and {one.n_kept:,} right labels")
    counts = {"not sure": one.n_not_sure, "skipped": one.n_skipped, "settled": one.n_final, "still to do": one.n_left}
    parts += [f"{count:,} {what}" for what, count in counts.items() if count]
    if one.per_hour is not None:
        parts.append(f"{one.per_hour:,.0f} an hour")
    return ", ".join(parts)


def review_progress(samples: Samples, run_key: str) -> ReviewStatus:
    """Says how far a review is: who did what, how far people agree, how often issues were errors, and what remains.

    Writes nothing. Estimates come with intervals that hold the truth about 95 times of 100.

    Args:
        samples: a dataset, or a view of one
        run_key: the review

    Returns:
        counts, agreement, precision by kind, the errors that are expected to remain, and a hint whether to go on

    Raises:
        ShortlistError: no such review
    """
    given = parse(ReviewProgress, {"run_key": run_key})
    dataset = home_of(samples)
    review = review_of(dataset, given.run_key)
    verdicts = verdicts_of(dataset, review)
    outcomes = {number: outcome(review.item(number), held) for number, held in verdicts.items()}
    states = Counter(found.state for found in outcomes.values())
    decisions = Counter(found.decision for found in outcomes.values() if found.decision is not None)
    applied = applied_items(dataset, review)
    kinds = precisions(review.items, outcomes)
    left = remaining(review.items, outcomes)
    outside = unsuspected(review.items, outcomes, review.record.facts.get("n_unsuspected"))
    return ReviewStatus(
        run_key=review.run_key,
        label_field=review.record.label_field,
        subject=review.record.subject,
        n_items=len(review.items),
        states={state: states[state] for state in _STATES},
        n_gone=len(review.items) - len(outcomes),
        decisions=dict(decisions.most_common()),
        n_applied=len(applied),
        n_to_apply=sum(found.decision in CHANGES for number, found in outcomes.items() if number not in applied),
        activities=tuple(activities(review.items, verdicts, outcomes)),
        agreement=agreement(verdicts.values()),
        precisions=tuple(kinds),
        precision=over_all(kinds),
        remaining=left,
        unsuspected=outside,
        hint=hint({state: states[state] for state in _STATES}, left, outside),
        disputed=disputed_of(dataset, review.run_key),
    )
