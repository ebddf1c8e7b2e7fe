"""The record of a change of labels: a run that holds, for each sample, exactly what the field was and what it became."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal

import bson
import fiftyone as fo
import fiftyone.core.runs as fors
from bson import ObjectId

from ...core.review.verdicts import Outcome
from .kept import Record, Review

METHOD = "shortlist/edits"
# How many samples, and about how many bytes, are packed together and written in one go.
_CHUNK, _CHUNK_BYTES = 200, 4_000_000
#: writing: it may be half written. complete: it is written. undoing: it may be half taken back. undone: it was taken back
State = Literal["writing", "complete", "undoing", "undone"]


class _Absence(Enum):
    MISSING = "missing"


#: the value of a field that a document does not have, which is not None
MISSING: Final = _Absence.MISSING


@dataclass(frozen=True)
class Change:
    """What a field of a sample was, and what it becomes: raw values as the database holds them."""

    sample_id: ObjectId
    before: Any
    after: Any


@dataclass(frozen=True)
class EditRecord:
    """What is recorded of a change, quick to read.

    Args:
        name: of the record, a run key
        key: what it was done for, the name of a review or a hand-over
        field: the path of the changed field
        state: whether it is finished, or undone
        n_changes: how many samples it is about
        by: who did it
        about: what else was recorded
        changed_meanwhile: the ids of samples that were not changed, since somebody else did at the same time
        undone: when and by whom it was undone, and what stayed; empty until then
        created: when (UTC)
    """

    name: str
    key: str
    field: str
    state: State
    n_changes: int
    by: str
    about: dict[str, Any] = dataclasses.field(default_factory=dict)
    changed_meanwhile: list[str] = dataclasses.field(default_factory=list)
    undone: dict[str, Any] = dataclasses.field(default_factory=dict)
    created: datetime | None = None


# What a run's config holds; its own name and time the run holds itself.
_HELD = [one.name for one in dataclasses.fields(EditRecord) if one.name not in ("name", "created")]


@dataclass(frozen=True)
class Packed:
    """Changes as a record holds them: some together, compressed."""

    n_changes: int
    chunks: list[str]


def packed(changes: Iterable[Change]) -> Packed:
    """Changes in little space, a stream of them."""
    n_changes, chunks = 0, []
    held: list[bytes] = []
    for change in changes:
        held.append(bson.encode(_document(change)))
        n_changes += 1
        if len(held) == _CHUNK or sum(map(len, held)) > _CHUNK_BYTES:
            chunks.append(_pack(held))
            held = []
    if held:
        chunks.append(_pack(held))
    return Packed(n_changes, chunks)


def _document(change: Change) -> dict[str, Any]:
    values = {"before": change.before, "after": change.after}
    return {"_id": change.sample_id, **{name: value for name, value in values.items() if value is not MISSING}}


def _pack(documents: list[bytes]) -> str:
    return base64.b64encode(zlib.compress(b"".join(documents))).decode("ascii")


def _unpack(chunk: str) -> list[Change]:
    documents = bson.decode_all(zlib.decompress(base64.b64decode(chunk)))
    return [Change(one["_id"], one.get("before", MISSING), one.get("after", MISSING)) for one in documents]


def register(dataset: fo.Dataset, record: EditRecord, packed: Packed) -> None:
    """Writes a new record; call it within ``changing``."""
    config = dataset.init_run(method=METHOD, **_config(record))
    results = fors.RunResults(dataset, config, record.name, changes=packed.chunks)
    dataset.register_run(record.name, config, results=results, overwrite=False, cache=False)


def update(dataset: fo.Dataset, record: EditRecord) -> None:
    """Writes what became of a record; call it within ``changing``."""
    config = dataset.get_run_info(record.name).config
    for name, value in _config(record).items():
        setattr(config, name, value)
    dataset.update_run_config(record.name, config)


def _config(record: EditRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _HELD}


def delete(dataset: fo.Dataset, key: str) -> None:
    """Deletes the records of a review or a hand-over, after which nothing can be undone; call it within ``changing``."""
    for name in dataset.list_runs(method=METHOD, key=key):
        dataset.delete_run(name)


def is_empty(dataset: fo.Dataset, record: EditRecord) -> bool:
    """Whether its maker died before what it would change was on record, and so before anything was changed."""
    return dataset.load_run_results(record.name, cache=False, load_view=False) is None


def records_of(dataset: fo.Dataset, key: str | None = None) -> list[EditRecord]:
    """The records of what was changed for a review or a hand-over, or of all, oldest first; those undone too."""
    names = dataset.list_runs(method=METHOD, **({} if key is None else {"key": key}))
    found = [_record(dataset, name) for name in names]
    return sorted(found, key=lambda one: (one.created, _number(one)))


def is_half(record: EditRecord) -> bool:
    """Whether it was interrupted while it was written or taken back."""
    return record.state in ("writing", "undoing")


def is_to_undo(record: EditRecord) -> bool:
    """Whether there may be something to take back."""
    return record.state != "undone" or bool(record.undone.get("stayed"))


def applied_keys(dataset: fo.Dataset) -> list[str]:
    """The reviews and hand-overs of which there may be something to take back, oldest first."""
    return list(dict.fromkeys(one.key for one in records_of(dataset) if is_to_undo(one)))


def _record(dataset: fo.Dataset, name: str) -> EditRecord:
    info = dataset.get_run_info(name)
    return EditRecord(name, created=info.timestamp, **{part: getattr(info.config, part) for part in _HELD})


def _number(record: EditRecord) -> int:
    """The number of a record among those of its key, which tells apart two of the same moment."""
    number = record.name.rpartition("_")[2]
    return int(number) if number.isdigit() else 0


def changes_of(dataset: fo.Dataset, name: str) -> Iterator[list[Change]]:
    """The changes that a record holds, some at a time."""
    results = dataset.load_run_results(name, cache=False, load_view=False)
    for chunk in results.changes if results is not None else ():
        yield _unpack(chunk)


def meant(outcome: Outcome) -> list[str | None]:
    """What was decided on an item, as a record holds it."""
    return [outcome.decision, outcome.label]


def applied_records(dataset: fo.Dataset, review: Record) -> list[EditRecord]:
    """The records of what is written, or being written, of a review and not undone, oldest first."""
    found = records_of(dataset, review.run_key)
    # There may have been another review of that name.
    return [one for one in found if one.state != "undone" and one.about.get("review_id") == review.review_id]


def applied_items(dataset: fo.Dataset, review: Review, path: str | None = None) -> dict[int, list[str | None]]:
    """The items of a review whose changes are written, or being written, to a field and not undone, with what was decided.

    Args:
        dataset: where the review is
        review: the review
        path: the field; nothing given: the labels or any copy of them
    """
    found: dict[int, list[str | None]] = {}
    for record in applied_records(dataset, review.record):
        if path in (None, record.field):
            meanwhile = set(record.changed_meanwhile)
            decided = zip(record.about["items"], record.about["meant"], strict=True)
            found |= {number: list(held) for number, held in decided if review.item(number).sample not in meanwhile}
    return found
