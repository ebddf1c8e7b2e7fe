"""Taking changes of labels back, as the records of them say what was there before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.sample import Sample

from ...core.errors import ShortlistError
from ...core.progress import Progress
from ..results import changing, mark_of
from ..selections import now, user
from . import edit_records
from .edit_records import Change, EditRecord
from .edits import conditional_update, held_by, tell
from .put_back import put_back, same

# How often samples that change at the same moment are looked at again.
_TRIES = 20


@dataclass(frozen=True)
class Undone:
    """What was taken back.

    Args:
        record: the name of the record
        field: the field
        n_restored: of how many samples all that was changed is as before
        stayed: what was edited since and therefore stays, in words
        gone: how many samples were deleted since
    """

    record: str
    field: str
    n_restored: int
    stayed: list[str]
    gone: int


def undo_edits(
    dataset: fo.Dataset,
    key: str,
    progress: Progress | None = None,
    *,
    on_restored: Callable[[EditRecord, Change], None] | None = None,
) -> list[Undone]:
    """Takes back what was changed for a review or a hand-over, the last first.

    A field that still is as it was written gets exactly the value from before. Where other labels were edited since, only
    what was changed goes back, label by label; what was itself edited since stays, until a later call finds it as written.
    That call looks at no other samples: what is edited after it was taken back is the user's.

    Args:
        dataset: where the samples are
        key: the review or the hand-over
        progress: told the samples put back
        on_restored: told each change that is taken back

    Returns:
        what was taken back, by record; empty where there is nothing to take back
    """
    todo = [one for one in reversed(edit_records.records_of(dataset, key)) if edit_records.is_to_undo(one)]
    return [_undone(dataset, one, progress, on_restored) for one in todo]


def mark_undone(
    dataset: fo.Dataset, record: EditRecord, stayed: Sequence[str] = (), samples: Sequence[str] = ()
) -> None:
    """Records that what was changed is taken back, when and by whom, and what stayed, in words and on which samples."""
    with changing(dataset):
        undone = {"by": user(), "at": now(), "stayed": list(stayed), "samples": list(samples)}
        edit_records.update(dataset, replace(record, state="undone", undone=undone))


def _undone(
    dataset: fo.Dataset,
    record: EditRecord,
    progress: Progress | None,
    on_restored: Callable[[EditRecord, Change], None] | None,
) -> Undone:
    """Takes back what is on record, then marks it as undone."""
    stayed: list[str] = []
    samples: list[str] = []
    done = restored = gone = 0
    todo = set(record.undone.get("samples", ())) if record.state == "undone" else None
    if todo is None:
        # Until it is taken back whole, nobody may take it for applied.
        with changing(dataset):
            edit_records.update(dataset, replace(record, state="undoing"))
    for chunk in edit_records.changes_of(dataset, record.name):
        wanted = [change for change in chunk if todo is None or str(change.sample_id) in todo]
        kept = _put_back(dataset, record.field, wanted)
        for change in wanted:
            if change.sample_id not in kept:
                gone += 1
                continue
            stayed += (f"sample {change.sample_id}, {one}" for one in kept[change.sample_id])
            if kept[change.sample_id]:
                samples.append(str(change.sample_id))
            else:
                restored += 1
                if on_restored is not None:
                    on_restored(record, change)
        done += len(chunk)
        tell(progress, done, record.n_changes, f"restoring {record.field}")
    mark_undone(dataset, record, stayed, samples)
    return Undone(record.name, record.field, restored, stayed, gone)


def _put_back(dataset: fo.Dataset, field: str, chunk: Sequence[Change]) -> dict[ObjectId, list[str]]:
    """Takes some changes back; what stays as it is, by sample. Samples that were deleted are absent."""
    known: dict[str, bool] = {}

    def is_ours(path: str) -> bool:
        """Whether a part of the field is a score of Shortlist's."""
        if path not in known:
            known[path] = mark_of(dataset, f"{field}.{path}") is not None
        return known[path]

    for _ in range(_TRIES):
        held, kept, updates = held_by(dataset, field, chunk), {}, []
        for one in chunk:
            if one.sample_id not in held:
                continue
            current = held[one.sample_id]
            value, kept[one.sample_id] = put_back(current, one.before, one.after, is_ours)
            if not same(value, current):
                updates.append(conditional_update(field, one.sample_id, current, value))
        if not updates:
            return kept
        written = dataset._sample_collection.bulk_write(updates, ordered=False)
        Sample._reload_docs(dataset._sample_collection_name)
        if written.matched_count == len(updates):
            return kept
    raise ShortlistError(
        f"the field {field!r} must stay as it is for a moment. Other processes changed it again and again; run again."
    )
