"""Writing results: collected beside the dataset, merged into it in one step when complete, and marked as ours.

Every field that Shortlist creates says so in its ``info``: which verb made it, with which parameters, and whether it was
finished. A field without that mark belongs to the user and is never replaced.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import fiftyone as fo
import fiftyone.core.odm as foo
from bson import DBRef, ObjectId
from fiftyone.core.frame import Frame
from fiftyone.core.sample import Sample
from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError

from ..core.errors import ShortlistError
from .reservation import reserved
from .samples import FRAMES

_STAGING = "shortlist.staging."
_GROUP = "shortlist"
_MARK = "shortlist"
_ABANDONED = timedelta(days=1)
_DUPLICATE_KEY = 11000
# How many parts of the results are merged at a time.
_MERGES = 2


@dataclass(frozen=True)
class ResultField:
    """A field that a verb writes.

    Args:
        path: the field's path
        kind: the field's type
        description: the sentence that the App shows
        info: range, direction, source and parameters
        index: whether people will sort by it
        part: whether it is part of another result field, whose status is its own
        document: of an embedded document, its type
        of: of a list, the type of what it holds
    """

    path: str
    kind: type[fo.Field]
    description: str
    info: dict[str, Any]
    index: bool = False
    part: bool = False
    document: type = fo.DynamicEmbeddedDocument
    of: type[fo.Field] | None = None


def mark_of(dataset: fo.Dataset, path: str) -> dict[str, Any] | None:
    """What Shortlist noted on a field; None for a field of the user's, or none at all."""
    field = dataset.get_field(path)
    return (field.info or {}).get(_MARK) if field is not None else None


def is_complete(dataset: fo.Dataset, path: str) -> bool:
    """Whether a field is a finished result of ours."""
    return (mark_of(dataset, path) or {}).get("status") == "complete"


def refuse_foreign(dataset: fo.Dataset, paths: Sequence[str]) -> None:
    """Stops before a field that Shortlist did not create.

    Raises:
        ShortlistError: with the field and the way out
    """
    for path in paths:
        if dataset.get_field(path) is not None and mark_of(dataset, path) is None:
            raise ShortlistError(
                f"the result field {path!r} must be new or Shortlist's own. Got a field of yours instead; nothing was "
                f"written. Rename it with {_renaming(path)} and run again."
            )


def refuse_undeclared(dataset: fo.Dataset, paths: Sequence[str]) -> None:
    """Stops before attributes of labels that hold values although the schema does not know them, as FiftyOne allows.

    Raises:
        ShortlistError: with the attribute and the way out
    """
    for path in paths:
        collection = dataset._frame_collection if path.startswith(FRAMES) else dataset._sample_collection
        holding = {path.removeprefix(FRAMES): {"$exists": True}}
        if dataset.get_field(path) is None and collection.find_one(holding, {"_id": 1}):
            raise ShortlistError(
                f"the result field {path!r} must be new or Shortlist's own. Got values of yours instead; nothing was "
                f"written. Declare them with dataset.add_dynamic_{'frame' if path.startswith(FRAMES) else 'sample'}_fields(), "
                f"rename them with {_renaming(path)} and run again."
            )


def _renaming(path: str) -> str:
    """The call that renames a field."""
    kind = "frame" if path.startswith(FRAMES) else "sample"
    return f"dataset.rename_{kind}_field({path.removeprefix(FRAMES)!r}, ...)"


@contextmanager
def changing(dataset: fo.Dataset) -> Iterator[None]:
    """The only right to change what the dataset's own document says: fields, saved views and runs; not to be nested.

    FiftyOne writes these by their place in what it has in memory. Two processes at once, of which one deletes a field, leave
    a schema that cannot be loaded any more, or lose a view.
    """
    with reserved(dataset, "the schema", wait=30):
        dataset.reload()
        _mend(dataset)
        yield


def _mend(dataset: fo.Dataset) -> None:
    """Forgets saved views and runs that are gone.

    FiftyOne deletes them first and their names after that. Where it is killed in between, it would take one view for another.
    """
    held = dataset._doc
    if any(isinstance(one, DBRef) for one in (*held.saved_views, *held.runs.values())):
        foo.patch_saved_views(dataset.name)
        foo.patch_runs(dataset.name)
        dataset.reload()


def declare(dataset: fo.Dataset, fields: Sequence[ResultField], status: str) -> None:
    """Creates the fields, or renews what is noted on them.

    Args:
        dataset: where they live
        fields: the fields, embedded documents before what is inside them
        status: ``writing`` before results are merged, ``complete`` after
    """
    with changing(dataset):
        for field in fields:
            mark = {_MARK: field.info if field.part else {**field.info, "status": status}}
            declared = dataset.get_field(field.path)
            if declared is None:
                is_document = field.kind is fo.EmbeddedDocumentField
                inside = {"embedded_doc_type": field.document, "fields": _parts(field, fields)}
                extra = inside if is_document else _held(field, fields)
                add = dataset.add_frame_field if field.path.startswith(FRAMES) else dataset.add_sample_field
                add(field.path.removeprefix(FRAMES), field.kind, description=field.description, info=mark, **extra)
            elif (declared.description, declared.info) != (field.description, {**(declared.info or {}), **mark}):
                # Saving a field reloads the whole dataset document, so only what changed is saved.
                declared.description, declared.info = field.description, {**(declared.info or {}), **mark}
                declared.save()
        if status == "complete":
            # Labels stay where FiftyOne shows labels.
            shown = [field for field in fields if not issubclass(field.document, fo.Label)]
            _group(dataset, [field.path for field in shown if "." not in field.path])
    if status == "complete":
        # One scan makes them all, where one at a time would scan the samples for each.
        indexes = [IndexModel([(field.path, ASCENDING)]) for field in fields if field.index]
        if indexes:
            dataset._sample_collection.create_indexes(indexes)


def _parts(document: ResultField, fields: Sequence[ResultField]) -> list[fo.Field]:
    """The parts of a document of ours, which are added with it: one at a time each would take as long as the document."""
    if document.document is not fo.DynamicEmbeddedDocument:
        return []
    names = ((field, field.path.removeprefix(f"{document.path}.")) for field in fields if field.part)
    return [
        foo.create_field(
            name, field.kind, description=field.description, info={_MARK: field.info}, **_held(field, fields)
        )
        for field, name in names
        if field.path != name and "." not in name and field.kind is not fo.EmbeddedDocumentField
    ]


def _held(field: ResultField, fields: Sequence[ResultField]) -> dict[str, Any]:
    """What a list holds, in FiftyOne's words."""
    if field.of is not fo.EmbeddedDocumentField:
        return {} if field.of is None else {"subfield": field.of}
    return {"subfield": field.of, "embedded_doc_type": field.document, "fields": _parts(field, fields)}


def _group(dataset: fo.Dataset, paths: Sequence[str]) -> None:
    """Shows numbers and texts in one group of the App's sidebar, and what is inside a document in a group of its own."""
    groups = dataset.app_config.sidebar_groups or fo.DatasetAppConfig.default_sidebar_groups(dataset)
    documents = [path for path in paths if _holds_documents(dataset.get_field(path))]
    for group in groups:
        group.paths = [path for path in group.paths if path not in paths and path.split(".")[0] not in documents]
    groups = [group for group in groups if group.name not in documents]
    ours = next((group for group in groups if group.name == _GROUP), None)
    place = next((i + 1 for i, group in enumerate(groups) if group.name == "labels"), len(groups))
    numbers = [path for path in paths if path not in documents]
    if ours is None and numbers:
        ours = fo.SidebarGroupDocument(name=_GROUP, paths=[])
        groups.insert(place, ours)
    if ours is not None:
        ours.paths = [*ours.paths, *numbers]
        place = groups.index(ours) + 1
    for document in documents:
        inside = [path for path in dataset.get_field_schema(flat=True) if path.startswith(f"{document}.")]
        groups.insert(place, fo.SidebarGroupDocument(name=document, paths=inside))
    dataset.app_config.sidebar_groups = groups
    dataset.save()


def _holds_documents(field: fo.Field) -> bool:
    """Whether a field is a document, or a list of documents."""
    return isinstance(field.field if isinstance(field, fo.ListField) else field, fo.EmbeddedDocumentField)


def delete_document(dataset: fo.Dataset, document: str, indexed: str, *others: str) -> None:
    """Deletes a field of documents with its index and its group in the App's sidebar; call it within ``changing``.

    Args:
        dataset: where it lives
        document: the field
        indexed: its part that has the index
        others: more fields of documents, without an index, that go in the same scan
    """
    if f"{document}.{indexed}" in dataset.list_indexes():
        dataset.drop_index(f"{document}.{indexed}")
    if dataset.app_config.sidebar_groups:
        kept = [group for group in dataset.app_config.sidebar_groups if group.name not in (document, *others)]
        dataset.app_config.sidebar_groups = kept
        dataset.save()
    dataset.delete_sample_fields([document, *others])


class Staging:
    """Results on their way, in a collection of their own. Leaving the context drops what was not merged.

    Documents are keyed by the sample or frame they belong to and may hold anything that ``merge``'s update refers to as
    ``$$new``.

    Args:
        dataset: where they go
        of_frames: whether they are merged into frames
    """

    def __init__(self, dataset: fo.Dataset, of_frames: bool = False):
        self.dataset, self.of_frames = dataset, of_frames
        self._database = foo.get_db_conn()
        self._collection = self._database[f"{_STAGING}{ObjectId()}"]
        self._writer = ThreadPoolExecutor(1)
        self._written: Future[Any] | None = None

    def __enter__(self) -> Staging:
        _drop_abandoned(self._database)
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown(wait=True, cancel_futures=True)
        self._collection.drop()

    def add(self, documents: list[dict[str, Any]]) -> None:
        """Collects results; they are sent while the caller goes on, one lot at a time."""
        self._wait()
        if documents:
            self._written = self._writer.submit(self._insert, documents)

    def _insert(self, documents: list[dict[str, Any]]) -> None:
        try:
            self._collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            # A view may hold a sample twice; once is enough.
            if any(one["code"] != _DUPLICATE_KEY for one in error.details["writeErrors"]):
                raise

    def _wait(self) -> None:
        """Until what was sent has arrived, or to say that it has not."""
        if self._written is not None:
            self._written.result()
            self._written = None

    def merge(self, update: dict[str, Any] | None = None) -> None:
        """Merges all that was collected into the samples or frames; those deleted meanwhile are left out.

        Args:
            update: the fields of one of them, as expressions in which ``$$new`` is what was collected for it; nothing given:
                what was collected is the fields themselves, which is several times faster
        """
        self._wait()
        dataset, kind = self.dataset, Frame if self.of_frames else Sample
        collection = dataset._frame_collection_name if self.of_frames else dataset._sample_collection_name
        matched = "merge" if update is None else [{"$set": {**update, "last_modified_at": "$$NOW"}}]
        let = {} if update is None else {"let": {"new": "$$ROOT"}}
        stages: list[dict[str, Any]] = [] if update else [{"$set": {"last_modified_at": "$$NOW"}}]
        into = {"into": collection, "on": "_id", **let, "whenMatched": matched, "whenNotMatched": "discard"}

        def merge_range(ids: dict[str, Any]) -> None:
            self._collection.aggregate([{"$match": {"_id": ids}}, *stages, {"$merge": into}])

        # The server merges with one thread a command; samples are apart from each other, so parts go side by side.
        with ThreadPoolExecutor(_MERGES) as merges:
            list(merges.map(merge_range, self._ranges()))
        kind._reload_docs(collection)

    def _ranges(self) -> list[dict[str, Any]]:
        """Conditions on ids that split what was collected into about equal parts."""
        size = -(-self._collection.estimated_document_count() // _MERGES)
        ordered = self._collection.find({}, {"_id": True}).sort("_id", ASCENDING)
        cuts = [found["_id"] for part in range(1, _MERGES) for found in ordered.clone().skip(part * size).limit(1)]
        lows = [{}, *({"$gte": cut} for cut in cuts)]
        highs = [*({"$lt": cut} for cut in cuts), {}]
        return [{"$exists": True, **low, **high} for low, high in zip(lows, highs, strict=True)]


def _drop_abandoned(database: Any) -> None:
    """Drops what runs left that were killed long ago."""
    now = datetime.now(UTC)
    for name in database.list_collection_names(filter={"name": {"$regex": f"^{_STAGING}".replace(".", "[.]")}}):
        if now - ObjectId(name.removeprefix(_STAGING)).generation_time > _ABANDONED:
            database.drop_collection(name)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds back Ctrl+C while results are merged, so that they are written whole or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[Any] = []
    previous = signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if held and callable(previous):
            previous(*held[0])
