"""How far the reviews of a dataset are, in one look at the field of each."""

from __future__ import annotations

from typing import Any

import fiftyone as fo

from ...core.review.verdicts import CHANGES
from ...core.standing import Reviewed
from .edit_records import applied_records
from .kept import FIRST, N_ITEMS, N_OPEN, STATUS, Record, record_of, review_keys, verdicts_field


def reviewed(dataset: fo.Dataset) -> tuple[Reviewed, ...]:
    """The reviews, oldest first."""
    return tuple(_reviewed(dataset, record_of(dataset, key)) for key in review_keys(dataset))


def _reviewed(dataset: fo.Dataset, record: Record) -> Reviewed:
    held = _counted(dataset, record.run_key)
    applied = max(
        (
            one.created.isoformat(timespec="milliseconds")
            for one in applied_records(dataset, record)
            if one.created is not None
        ),
        default=None,
    )
    changed = held.get("changed")
    return Reviewed(
        record.run_key,
        record.label_field,
        held.get("items", 0),
        held.get("open", 0),
        held.get("disputed", 0),
        record.created.isoformat(timespec="milliseconds"),
        applied,
        changed is not None and (applied is None or changed.rstrip("Z") > applied),
    )


def _counted(dataset: fo.Dataset, run_key: str) -> dict[str, Any]:
    """Counts over the samples of a review, and when a change that can be applied was decided last."""

    def at(part: str) -> str:
        return f"${run_key}.{part}"

    is_disputed = {"$eq": [at(STATUS), "disputed"]}
    asks = {
        "$filter": {
            "input": f"${verdicts_field(run_key)}",
            "as": "one",
            "cond": {"$in": ["$$one.decision", list(CHANGES)]},
        }
    }
    newest = {"$max": {"$map": {"input": asks, "as": "one", "in": "$$one.at"}}}
    is_decided = {"$and": [{"$lt": [at(N_OPEN), at(N_ITEMS)]}, {"$not": [is_disputed]}]}
    pipeline: list[dict[str, Any]] = [
        {"$match": {f"{run_key}.{FIRST}": {"$gte": 1}}},
        {
            "$group": {
                "_id": None,
                "items": {"$sum": at(N_ITEMS)},
                "open": {"$sum": at(N_OPEN)},
                "disputed": {"$sum": {"$cond": [is_disputed, 1, 0]}},
                "changed": {"$max": {"$cond": [is_decided, newest, None]}},
            }
        },
    ]
    return next(iter(dataset._sample_collection.aggregate(pipeline)), {})
