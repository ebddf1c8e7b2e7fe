"""The form that starts a review: what is reviewed and by whom, how many items that makes; the rest is folded away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fiftyone.operators.types as types

from ..api.review.material import count_items
from ..api.review.starting import fields_with_issues
from ..core.errors import ShortlistError
from ..core.schema import LABELS, NEW_REVIEW, parse
from ..core.verbs import StartReview
from ..dataset import sources
from .counted import counted
from .forms import read
from .forms_folded import draw_folded, submitted_folded, unfolded

_FIRST = {"run_key", "label_field", "subject", "source", "kinds", "budget", "reviewers", "split"}
_COUNTING = "The items are being counted; the number comes with the next change."


def draw_form(inputs: types.Object, samples: Any, given: Mapping[str, Any]) -> None:
    """Draws the form of a review, with how many items it would have, or what is wrong with what it holds so far.

    Args:
        inputs: the form
        samples: the dataset or view that is reviewed
        given: what the form holds so far
    """
    defaults = _defaults(samples)
    draw_folded(StartReview, _FIRST, inputs, samples, given, defaults)
    try:
        found = parse(StartReview, read(StartReview, {**defaults, **unfolded(given)}))
    except ShortlistError:
        # That is shown already, or comes with what the App has not sent yet.
        return
    try:
        # What does not change the number must not count it anew.
        asked = StartReview(
            run_key="counted",
            label_field=found.label_field,
            subject=found.subject,
            source=found.source,
            kinds=found.kinds,
        )
        counts = counted(samples, asked, count_items)
    except ShortlistError as error:
        inputs.view("wrong", types.Error(label=str(error))).invalid = True
        return
    inputs.view("meaning", types.Notice(label=_COUNTING if counts is None else _meaning(found, counts)))


def submitted_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call, from a form or from a script.

    Raises:
        ShortlistError: a text that is not what it should be
    """
    return submitted_folded(StartReview, given)


def _defaults(samples: Any) -> dict[str, Any]:
    """What the form begins with: a new name, and the labels whose errors were looked for."""
    fields = [*fields_with_issues(samples), *sources.choices(LABELS, samples)]
    (name,) = sources.choices(NEW_REVIEW, samples)
    return {"run_key": name, **({"label_field": fields[0]} if fields else {})}


def _meaning(given: StartReview, counts: Mapping[str, int]) -> str:
    """How many items a review would have, in words."""
    total = sum(counts.values())
    most = total if given.budget is None else min(total, given.budget - given.audit)
    kinds = ", ".join(f"{count} {kind or 'not suspected'}" for kind, count in sorted(counts.items(), key=_often))
    of = "" if most == total else f" of {total}"
    told = f" ({kinds})" if set(counts) != {""} else ""
    audit = f", and {given.audit} that are not suspected" if given.audit else ""
    to = f" for {len(given.reviewers)} reviewers" if given.reviewers and len(given.reviewers) > 1 else ""
    return f"The review will have {most}{of} {given.subject}{told}{audit}{to}."


def _often(one: tuple[str, int]) -> tuple[int, str]:
    return -one[1], one[0]
