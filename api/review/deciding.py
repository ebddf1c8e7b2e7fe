"""Deciding the items of a review, by one person or by many at once: next_to_review, give_verdict, undo_verdict, queue_of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo

from ...core.errors import ShortlistError
from ...core.review.items import Item
from ...core.review.questions import choices, question, reason
from ...core.review.queue import QueueState
from ...core.review.verdicts import Decision, Outcome, Verdict, outcome
from ...core.schema import parse
from ...core.verbs.deciding import GiveVerdict, NextToReview, OneItem, Reviewer, UndoVerdict
from ...dataset.review.claims import Claims
from ...dataset.review.followed import Followed, following
from ...dataset.review.kept import Review
from ...dataset.review.loaded import identified, review_of
from ...dataset.review.verdicts import verdicts_of, withdraw_verdict, write_verdict
from ...dataset.samples import Samples, home_of
from .fitting import fitting

# How often to look for another item where others were quicker to claim it.
_TRIES = 20


@dataclass(frozen=True)
class ToReview:
    """One item, with what a person needs to decide it.

    Args:
        number: its number in the review
        item: what it is about
        sample_id: the sample
        verdicts: those on it now, the oldest first: give them back as ``seen`` with the verdict
        outcome: what they come to; while it is open, people decide apart and should not be shown each other's verdicts
        question: what is asked, a sentence
        reason: why it is asked, a sentence
        choices: the decisions that fit, the usual first
        classes: the classes to choose from
        review_id: which review it is of: one that was deleted may have had the same name
    """

    number: int
    item: Item
    sample_id: str
    verdicts: list[Verdict]
    outcome: Outcome
    question: str
    reason: str
    choices: tuple[Decision, ...]
    classes: list[str]
    review_id: str


def next_to_review(
    samples: Samples, run_key: str, reviewer: str, *, after: int = 0, disputed: bool = False, claim: bool = True
) -> ToReview | None:
    """The item that a person should decide next.

    It is one that lacks opinions, is for this person or for whoever is free, and that they have not decided. What others
    are looking at is left out; what the person skipped comes when there is nothing else.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        reviewer: who
        after: the number of the item that the person is at: the search goes on from there, then from the beginning
        disputed: whether to settle what people disagree on instead, then what nobody could tell
        claim: whether others are kept from the item, until it is decided or for five minutes

    Returns:
        the item; None where there is nothing for this person now

    Raises:
        ShortlistError: no such review, or no name
    """
    given = parse(
        NextToReview,
        {"run_key": run_key, "reviewer": reviewer, "after": after, "disputed": disputed, "claim": claim},
    )
    dataset = home_of(samples)
    with following(dataset, given.run_key) as followed:
        for _ in range(_TRIES):
            number, verdicts = _next(dataset, followed, given)
            if verdicts is not None:
                break
        return None if number is None else _shown(followed.review, number, verdicts or [])


def _next(dataset: fo.Dataset, followed: Followed, given: NextToReview) -> tuple[int | None, list[Verdict] | None]:
    """The next item and the verdicts on it; None for these where others were quicker, and it is to be looked again."""
    claims, queue = Claims(dataset, followed.run_id), followed.queue
    # Claims first: who decides writes the verdict, then gives up the claim.
    claimed = claims.read()
    followed.renew(dataset)
    number = queue.next_for(given.reviewer, after=given.after, disputed=given.disputed, claims=claimed)
    if number is None or not given.claim:
        return number, [] if number is None else queue.verdicts(number)
    if not claims.take(number, given.reviewer, 1 if given.disputed else queue.lacking(number)):
        return number, None
    now = verdicts_of(dataset, followed.review, [number]).get(number)
    if now == queue.verdicts(number):
        return number, now
    claims.release(number, given.reviewer, followed.review.item(number).opinions)
    return number, None


def to_review(samples: Samples, run_key: str, number: int) -> ToReview:
    """An item of a review, whoever may decide it; nobody is kept from it.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        number: of the item

    Raises:
        ShortlistError: no such review or item, or its sample was deleted
    """
    given = parse(OneItem, {"run_key": run_key, "item": number})
    dataset = home_of(samples)
    review = review_of(dataset, given.run_key)
    found = verdicts_of(dataset, review, [given.item])
    if given.item not in found:
        raise ShortlistError(
            f"item {number} of {run_key!r} must be of a sample that is there. Got a deleted sample instead. Go on with the "
            f"next item."
        )
    return _shown(review, given.item, found[given.item])


def _shown(review: Review, number: int, verdicts: Sequence[Verdict]) -> ToReview:
    item, record = review.item(number), review.record
    return ToReview(
        number,
        item,
        item.sample,
        list(verdicts),
        outcome(item, verdicts),
        question(item),
        reason(item),
        choices(item, has_labels=record.label_field is not None),
        list(record.classes),
        record.review_id,
    )


def give_verdict(
    samples: Samples,
    run_key: str,
    item: int,
    decision: Decision,
    *,
    reviewer: str,
    label: str | None = None,
    comment: str = "",
    seen: Sequence[Verdict] | None = None,
    is_final: bool = False,
    is_new_class: bool = False,
    review_id: str | None = None,
) -> Outcome:
    """Decides an item. It is written at once, in one step; the label stays as it is until the review is applied.

    A person's own earlier verdict on the item is replaced, another's never. To relabel as what was suggested is to accept.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        item: the number of the item
        decision: one of those that fit, see ``ToReview.choices``
        reviewer: who decided
        label: the class, of ``relabel``
        comment: anything that the person wants to say
        seen: the verdicts that the person saw, as ``ToReview`` or a ``Conflict`` gave them; None: whatever is there
        is_final: whether it settles what others disagree on
        is_new_class: whether ``label`` may be a class that is not among those of the review; only where the dataset declares
            no classes for the field
        review_id: the review that the person saw, as ``ToReview`` gave it; None: whichever has that name

    Returns:
        what the verdicts on the item now come to

    Raises:
        Conflict: others decided the item, and the person did not see it; nothing was written
        ShortlistError: what does not fit, or the sample or the review was deleted; nothing was written
    """
    given = parse(
        GiveVerdict,
        {
            "run_key": run_key,
            "item": item,
            "decision": decision,
            "reviewer": reviewer,
            "label": label,
            "comment": comment,
            "is_final": is_final,
            "is_new_class": is_new_class,
        },
    )
    dataset = home_of(samples)
    run_id, review = identified(dataset, given.run_key)
    if review_id not in (None, review.record.review_id):
        raise ShortlistError(
            f"the verdict must be on the review {given.run_key!r} that is there. Got one on a review of that name that was "
            f"deleted since instead; nothing was written. Go on with the next item."
        )
    verdict = fitting(dataset, review, given)
    _, found = write_verdict(dataset, review, verdict, seen)
    Claims(dataset, run_id).release(given.item, given.reviewer, review.item(given.item).opinions)
    return found


def undo_verdict(samples: Samples, run_key: str, reviewer: str, item: int | None = None) -> int | None:
    """Takes a person's verdict back; what others said stays.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        reviewer: whose verdict
        item: the number of the item; nothing given: the one that they decided or skipped last

    Returns:
        the number of the item; None where there was nothing to take back

    Raises:
        ShortlistError: no such review or item, no name, or the sample was deleted
    """
    given = parse(UndoVerdict, {"run_key": run_key, "reviewer": reviewer, "item": item})
    dataset = home_of(samples)
    with following(dataset, given.run_key) as followed:
        followed.renew(dataset)
        number = given.item or followed.queue.last_of(given.reviewer)
        if number is None or not withdraw_verdict(dataset, followed.review, number, given.reviewer):
            return None
        return number


def queue_of(samples: Samples, run_key: str, reviewer: str) -> QueueState:
    """How far a review is, for all and for one person; quick enough to be asked after every decision.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        reviewer: the person

    Raises:
        ShortlistError: no such review, or no name
    """
    given = parse(Reviewer, {"run_key": run_key, "reviewer": reviewer})
    dataset = home_of(samples)
    with following(dataset, given.run_key) as followed:
        followed.renew(dataset)
        return followed.queue.state(given.reviewer, Claims(dataset, followed.run_id).read())
