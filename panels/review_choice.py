"""Which review a person works on and under which name: what both tabs of the Review panel ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import fiftyone.operators as foo

from ..api.review.editing import Record, person
from ..api.review.starting import list_reviews
from .cache import kept, runs_key

#: a choice that stands for typing a name
OTHER = "\N{HORIZONTAL ELLIPSIS}"
#: a choice that stands for nobody yet
NOBODY = "?"
# Where the panel's state holds it; small, since it goes with every event.
_STATE = "review_at"
_of_event: WeakKeyDictionary[foo.ExecutionContext, dict[str, Any]] = WeakKeyDictionary()


def reviews_of(ctx: foo.ExecutionContext) -> list[Record]:
    """The reviews of the dataset, the newest first."""
    key = ("reviews", ctx.dataset.name, runs_key(ctx))
    return kept(key, lambda: list(reversed(list_reviews(ctx.dataset))))


def get(ctx: foo.ExecutionContext, key: str, default: Any = None) -> Any:
    """What a person chose."""
    value = _held(ctx).get(key)
    return default if value is None else value


def put(ctx: foo.ExecutionContext, key: str, value: Any) -> None:
    """Keeps what a person chose, for this event; ``keep`` tells the App."""
    _held(ctx)[key] = value


def keep(ctx: foo.ExecutionContext) -> None:
    """Tells the App what was chosen, all at once: it draws the panel anew each time that it is told something."""
    held = _held(ctx)
    if held != (ctx.panel.get_state(_STATE) or {}):
        ctx.panel.set_state(_STATE, dict(held))


def _held(ctx: foo.ExecutionContext) -> dict[str, Any]:
    if ctx not in _of_event:
        _of_event[ctx] = dict(ctx.panel.get_state(_STATE) or {})
    return _of_event[ctx]


def chosen(ctx: foo.ExecutionContext, records: Sequence[Record]) -> Record:
    """The review that is looked at: the newest, until a person chooses."""
    name = get(ctx, "run")
    return next((one for one in records if one.run_key == name), records[0])


def reviewers_of(record: Record) -> list[str]:
    """Who the review was split among; empty where it is for whoever opens it."""
    return [str(one) for one in record.parameters.get("reviewers") or []]


def name_of(ctx: foo.ExecutionContext, record: Record) -> str:
    """Under which name a person decides; empty where they have to say it first."""
    name, among = str(get(ctx, "name", "")), reviewers_of(record)
    if name:
        return name
    own = person()
    return own if not among or own in among else ""
