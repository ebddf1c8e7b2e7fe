"""The verbs start_review, list_reviews, load_review, delete_review and manage_reviews."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo

from ...core.errors import ShortlistError, must_be
from ...core.progress import Progress
from ...core.review.items import Item
from ...core.review.planning import planned
from ...core.schema import parse
from ...core.verbs import ManageReviews, StartReview
from ...dataset import selections
from ...dataset.reservation import reserved
from ...dataset.results import changing
from ...dataset.review import edit_records, issues, kept
from ...dataset.samples import Samples, dataset_of, home_of, uncollected
from ..terminal import Bar
from .material import MOST, Material, noted
from .started import ManagedReviews, StartedReview


def start_review(
    samples: Samples,
    run_key: str,
    label_field: str | None = None,
    *,
    progress: Progress | None = None,
    **parameters: Any,
) -> StartedReview:
    """Starts a review: an ordered list of label issues, labels or samples, split among reviewers, to decide one by one.

    Nothing is written to the labels. People decide in the panel *Review* or with ``give_verdict``; ``apply_review`` then writes
    what they decided.

    Args:
        samples: a dataset or a view of its samples; of a view of patches, the labels that it shows
        run_key: the name of the review, its field and its saved view
        label_field: the labels; may be left out where samples are reviewed as a whole
        progress: told the items read; a bar in the terminal by default
        **parameters: ``subject``, ``source``, ``kinds``, ``order``, ``group_by``, ``budget``, ``audit``, ``reviewers``,
            ``split``, ``overlap``, ``opinions``, ``seed``; see the reference

    Returns:
        the review that has begun

    Raises:
        ShortlistError: bad input, or nothing to review; nothing was written
    """
    given = parse(StartReview, {"run_key": run_key, "label_field": label_field, **_there(parameters)})
    material = Material(samples, given)
    dataset = dataset_of(material.target.samples)
    with Bar.unless(progress) as told, reserved(dataset, f"the review {run_key}"), uncollected():
        with changing(dataset):
            kept.refuse_taken(dataset, given.run_key)
        return _started(material, given, told)


def _there(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that were given."""
    return {name: value for name, value in parameters.items() if value is not None}


@dataclass(frozen=True)
class _Audit:
    """What was drawn from the labels that are not suspected, and how many such labels there are."""

    items: list[Item]
    n_unsuspected: int | None


def _audited(material: Material, given: StartReview) -> _Audit:
    """The audit of a review of issues."""
    if given.subject != "issues":
        return _Audit([], None)
    assert material.labels is not None
    return _Audit(*material.labels.unsuspected(given.audit, given.seed))


def _started(material: Material, given: StartReview, progress: Progress) -> StartedReview:
    """Reads the items, plans them and writes the review."""
    found = material.found(progress)
    audit = _audited(material, given)
    items = planned(
        found,
        audit.items,
        order=given.order,
        group_by=given.group_by,
        budget=given.budget,
        reviewers=given.reviewers or (),
        split=given.split,
        overlap=given.overlap,
        opinions=given.opinions,
        seed=given.seed,
    )
    if len(items) > MOST:
        raise must_be("audit", f"at most {MOST - len(found)} beside {len(found)} issues", given.audit)
    notes = _notes(material, given, audit)
    dataset = dataset_of(material.target.samples)
    facts = {
        "by": selections.user(),
        "time": selections.now(),
        "versions": selections.versions(),
        "n_found": material.n_found,
        "n_audit": len(audit.items),
        "n_unsuspected": audit.n_unsuspected,
        "kinds_found": dict(material.kinds),
        "notes": notes,
    }
    kept.write(
        dataset,
        given.run_key,
        items,
        label_field=given.label_field,
        subject=given.subject,
        classes=_classes(material, items),
        parameters=given.model_dump(mode="json", exclude_none=True),
        facts=facts,
    )
    return _summary(dataset, material, items, audit, notes)


def _classes(material: Material, items: Iterable[Item]) -> list[str]:
    """The classes to choose from: those of the labels, then what else is given or suggested."""
    known = [] if material.field is None else material.field.classes
    others = {name for item in items for name in (item.given, item.suggested) if name is not None}
    return [*known, *sorted(others - set(known))]


def _notes(material: Material, given: StartReview, audit: _Audit) -> list[str]:
    """What was left out, and what was asked for and is not there."""
    notes = noted(material.labels)
    if len(audit.items) < given.audit:
        notes.append(f"the audit has {len(audit.items)} of {given.audit} labels: no more are unsuspected")
    for kind in given.kinds or ():
        if not material.kinds[kind]:
            notes.append(f"there are no issues of kind {kind}")
    return notes


def _summary(
    dataset: fo.Dataset, material: Material, items: list[Item], audit: _Audit, notes: list[str]
) -> StartedReview:
    given = material.given
    shares = Counter(name for item in items for name in item.reviewers)
    return StartedReview(
        given.run_key,
        kept.view_of(dataset, given.run_key),
        given.subject,
        given.label_field,
        len(items),
        len({item.sample for item in items}),
        material.n_found,
        dict(Counter(item.kind for item in items if item.kind is not None).most_common()),
        {name: shares[name] for name in given.reviewers or ()},
        given.split == "queue",
        sum(item.opinions > 1 for item in items),
        given.opinions,
        len(audit.items),
        audit.n_unsuspected,
        notes,
    )


def fields_with_issues(samples: Samples) -> list[str]:
    """The label fields that ``score_label_quality`` has looked for errors in."""
    return issues.fields_with_issues(samples)


def list_reviews(samples: Samples) -> list[kept.Record]:
    """The reviews of a dataset, oldest first, with what is recorded of them."""
    dataset = home_of(samples)
    # Others may have started or deleted some.
    dataset.reload()
    return [kept.record_of(dataset, key) for key in kept.review_keys(dataset)]


def load_review(samples: Samples, run_key: str) -> fo.DatasetView:
    """The samples of a review in the order of their first items.

    Raises:
        ShortlistError: no such review
    """
    given = parse(ManageReviews, {"action": "load", "run_key": run_key})
    dataset = home_of(samples)
    dataset.reload()
    kept.record_of(dataset, str(given.run_key))
    return kept.view_of(dataset, str(given.run_key))


def delete_review(samples: Samples, run_key: str) -> None:
    """Deletes a review: its saved views, field, verdicts and records. Labels stay as they are, also those that it changed.

    Raises:
        ShortlistError: no such review, or one that was applied in part
    """
    given = parse(ManageReviews, {"action": "delete", "run_key": run_key})
    dataset = home_of(samples)
    with reserved(dataset, f"the review {given.run_key}"):
        with changing(dataset):
            kept.record_of(dataset, str(given.run_key))
            if any(edit_records.is_half(one) for one in edit_records.records_of(dataset, str(given.run_key))):
                raise ShortlistError(
                    f"the review {given.run_key!r} must not be applied in part. Got one whose application was interrupted "
                    f"instead; nothing was deleted. Run `apply_review` again to finish it, or `undo_review`."
                )
            # First, since without the review nobody would find them.
            edit_records.delete(dataset, str(given.run_key))
        kept.delete(dataset, str(given.run_key))


def manage_reviews(samples: Samples, action: str = "list", run_key: str | None = None) -> ManagedReviews:
    """Lists, loads or deletes reviews; what the operator of that name calls.

    Args:
        samples: a dataset, or a view of one
        action: ``list``, ``load`` or ``delete``
        run_key: the review to load or delete

    Raises:
        ShortlistError: no such action or review
    """
    given = parse(ManageReviews, {"action": action, "run_key": run_key})
    view, key = None, str(run_key)
    gone: tuple[str, ...] = ()
    if given.action == "load":
        view = load_review(samples, key)
    elif given.action == "delete":
        delete_review(samples, key)
        gone = (key, kept.disputed_name(key))
    return ManagedReviews(given.action, run_key, list_reviews(samples), view, gone)
