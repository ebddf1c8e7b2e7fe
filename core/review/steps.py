"""What to do next about suspected errors: review them, go on, apply what was decided, and look again."""

from __future__ import annotations

from collections.abc import Iterator

from ..standing import Issues, Reviewed, Standing
from ..step import Step, free

#: where items of a review are decided
PANEL = "shortlist_review"


def start(standing: Standing) -> Iterator[Step]:
    """Suspected errors that nobody reviews yet."""
    for issues in standing.issues:
        if issues.n_flagged and not _reviews_of(standing, issues) and not _changed_by(standing, issues):
            yield Step(
                f"Review the suspected errors of {issues.label_field}",
                f"{issues.n_flagged} of {issues.n_samples} samples have labels that are likely wrong: decide them one by one, "
                f"the worst first, alone or with others.",
                "start_review",
                {
                    "run_key": free("review", (one.run_key for one in standing.reviews)),
                    "label_field": issues.label_field,
                },
            )


def _reviews_of(standing: Standing, issues: Issues) -> list[Reviewed]:
    """The reviews that were started since suspected errors were found."""
    return [
        one
        for one in standing.reviews
        if one.label_field == issues.label_field and (one.created or "") >= (issues.created or "")
    ]


def _changed_by(standing: Standing, issues: Issues) -> Reviewed | None:
    """A review that changed the labels since they were looked at."""
    since = issues.created or ""
    return next(
        (
            one
            for one in reversed(standing.reviews)
            if one.label_field == issues.label_field and (one.applied or "") > since
        ),
        None,
    )


def go_on(standing: Standing) -> Iterator[Step]:
    """Reviews that wait for somebody."""
    for one in standing.reviews:
        if one.n_open:
            done = f"{one.n_items - one.n_open:,} of {one.n_items:,} items are decided."
            yield Step(f"Go on with {one.run_key}", f"{done} The Review panel shows the next.", panel=PANEL)
        elif one.n_disputed:
            samples = "1 sample" if one.n_disputed == 1 else f"{one.n_disputed:,} samples"
            yield Step(
                f"Settle what people disagree on in {one.run_key}",
                f"Everything else is decided; on {samples} opinions differ, and somebody has to say what holds.",
                panel=PANEL,
            )


def apply(standing: Standing) -> Iterator[Step]:
    """Decided changes that are not written to the labels."""
    for one in standing.reviews:
        if one.has_changes and not one.n_open and one.label_field is not None:
            yield Step(
                f"Apply {one.run_key}",
                f"What was decided is not written to {one.label_field} yet; it can be undone exactly.",
                "apply_review",
                {"run_key": one.run_key},
            )


def score_again(standing: Standing) -> Iterator[Step]:
    """Suspected errors of labels that a review has changed since."""
    for issues in standing.issues:
        review = _changed_by(standing, issues)
        if review is not None:
            yield Step(
                f"Look for errors in {issues.label_field} again",
                f"{review.run_key} changed its labels since: what is suspected is about labels that are gone.",
                "score_label_quality",
                {"label_field": issues.label_field, "predictions_field": issues.predictions_field},
            )
