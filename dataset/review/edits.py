"""Changes of labels that can be taken back exactly: what a field was is on record before the first value is written.

Each sample is changed by one conditional update, only where the field still is what the change was made from. So a run that
was killed can be finished or undone, and nobody's edit in between is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.sample import Sample
from pymongo import UpdateOne

from ...core.errors import Cancelled, ShortlistError
from ...core.progress import Progress
from ..results import changing
from ..selections import user
from . import edit_records
from .edit_records import MISSING, Change, EditRecord, records_of
from .put_back import same

__all__ = [
    "MISSING",
    "Change",
    "EditRecord",
    "Edited",
    "finish_edits",
    "next_record",
    "records_of",
    "value_of",
    "write_edits",
]


@dataclass(frozen=True)
class Edited:
    """What was written.

    Args:
        record: the name of the record; None where there was nothing to change
        n_changed: how many samples hold the changed value now
        changed_meanwhile: the ids of samples that were edited or deleted in between; they are left as they are
    """

    record: str | None
    n_changed: int
    changed_meanwhile: list[str]


def next_record(dataset: fo.Dataset, key: str) -> str:
    """The name that the next record of a review or a hand-over gets."""
    taken = set(dataset.list_runs())
    return next(name for n in range(1, len(taken) + 2) if (name := f"{key}_edits_{n}") not in taken)


def write_edits(
    dataset: fo.Dataset,
    key: str,
    field: str,
    changes: Iterable[Change],
    about: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Edited:
    """Changes a field of samples, with a record of what it was; ``undo_edits`` takes it back.

    Args:
        dataset: where the samples are
        key: what it is done for, the name of a review or a hand-over; a record gets a name of its own after it
        field: the path of the field in the samples' documents
        changes: a sample once; raw values as the database holds them, ``MISSING`` where there is none
        about: what else to record, as JSON; looked at when all changes are taken
        progress: told the samples written

    Returns:
        what was written

    Raises:
        Cancelled: by ``progress``; what was written until then is on record
    """
    finish_edits(dataset, key, progress)
    packed = edit_records.packed(change for change in changes if not same(change.before, change.after))
    if not packed.n_changes:
        return Edited(None, 0, [])
    record = EditRecord(next_record(dataset, key), key, field, "writing", packed.n_changes, user(), dict(about or {}))
    with changing(dataset):
        edit_records.register(dataset, record, packed)
    return _finished(dataset, record, progress)


def finish_edits(dataset: fo.Dataset, key: str, progress: Progress | None = None) -> list[Edited]:
    """Finishes what was interrupted, if anything was: writes the values that are on record where they are still to be written.

    Args:
        dataset: where the samples are
        key: the review or the hand-over
        progress: told the samples written

    Returns:
        what was written, by record

    Raises:
        ShortlistError: something was half taken back
    """
    records = records_of(dataset, key)
    if any(one.state == "undoing" for one in records):
        raise ShortlistError(
            f"what {key!r} changed must not be taken back in part. Got an `undo_review` that was interrupted instead; nothing "
            f"was written. Run `undo_review` again first."
        )
    return [_finished(dataset, one, progress) for one in records if one.state == "writing"]


def _finished(dataset: fo.Dataset, record: EditRecord, progress: Progress | None) -> Edited:
    """Writes what is on record, then marks it as finished."""
    if edit_records.is_empty(dataset, record):
        with changing(dataset):
            dataset.delete_run(record.name)
        return Edited(None, 0, [])
    meanwhile: list[str] = []
    done = 0
    for chunk in edit_records.changes_of(dataset, record.name):
        meanwhile += map(str, _write(dataset, record.field, chunk))
        done += len(chunk)
        tell(progress, done, record.n_changes, f"writing {record.field}")
    with changing(dataset):
        edit_records.update(dataset, replace(record, state="complete", changed_meanwhile=meanwhile))
    return Edited(record.name, done - len(meanwhile), meanwhile)


def tell(progress: Progress | None, done: int, total: int, label: str) -> None:
    """Tells the work done; whoever cancels now must know that something was written."""
    if progress is None:
        return
    try:
        progress(done, total, label)
    except Cancelled:
        if done < total:
            raise Cancelled(f"Cancelled after {done} of {total} samples. Run again to go on, or undo it.") from None


def _write(dataset: fo.Dataset, field: str, chunk: Sequence[Change]) -> list[ObjectId]:
    """Writes some changes where the field is still as it was; those of samples where it is not."""
    updates = [conditional_update(field, change.sample_id, change.before, change.after) for change in chunk]
    written = dataset._sample_collection.bulk_write(updates, ordered=False)
    Sample._reload_docs(dataset._sample_collection_name)
    if written.matched_count == len(chunk):
        return []
    held = held_by(dataset, field, chunk)
    # One that was written before an interruption is as it should be too.
    return [one.sample_id for one in chunk if one.sample_id not in held or not same(held[one.sample_id], one.after)]


def conditional_update(field: str, sample: ObjectId, before: Any, after: Any) -> UpdateOne:
    """One atomic update of one sample, if its field is what it is taken to be."""
    if before is MISSING:
        condition: dict[str, Any] = {"$eq": [{"$type": f"${field}"}, "missing"]}
    else:
        condition = {"$eq": [f"${field}", {"$literal": before}]}
    owner = field.rpartition(".")[0]
    if owner:
        # There is nothing to set a part of where there is no document.
        condition = {"$and": [condition, {"$eq": [{"$type": f"${owner}"}, "object"]}]}
    update: dict[str, Any] = {"$currentDate": {"last_modified_at": True}}
    update |= {"$unset": {field: ""}} if after is MISSING else {"$set": {field: after}}
    return UpdateOne({"_id": sample, "$expr": condition}, update)


def held_by(dataset: fo.Dataset, field: str, chunk: Sequence[Change]) -> dict[ObjectId, Any]:
    """What the samples of some changes hold now, by id; those that were deleted are absent."""
    found = dataset._sample_collection.find({"_id": {"$in": [one.sample_id for one in chunk]}}, {field: True})
    return {document["_id"]: value_of(document, field) for document in found}


def value_of(document: Any, field: str) -> Any:
    """The raw value at a dotted path of a document, ``MISSING`` where there is none."""
    for part in field.split("."):
        if not isinstance(document, dict) or part not in document:
            return MISSING
        document = document[part]
    return document
