"""Reviews at hand: their items never change, so they are read once a process, however often a person decides."""

from __future__ import annotations

import threading
from collections import OrderedDict

import fiftyone as fo
import fiftyone.core.odm as foo
from bson import ObjectId

from ...core.errors import ShortlistError
from ..samples import uncollected
from .kept import METHOD, Review, load

# How many reviews a process holds at a time.
_MOST = 8
_held: OrderedDict[tuple[ObjectId, ObjectId], Review] = OrderedDict()
_lock, _reading = threading.Lock(), threading.Lock()


def review_of(dataset: fo.Dataset, run_key: str) -> Review:
    """A review with its items, at hand where it was read before.

    Raises:
        ShortlistError: no such review
    """
    return identified(dataset, run_key)[1]


def identified(dataset: fo.Dataset, run_key: str) -> tuple[ObjectId, Review]:
    """The same with the id of the run, which another review of the same name would not have.

    Raises:
        ShortlistError: no such review
    """
    found = _run_of(dataset, run_key)
    key = None if found is None else (dataset._doc.id, found)
    with _lock:
        if key is not None and key in _held:
            _held.move_to_end(key)
            return key[1], _held[key]
    # FiftyOne's record of a run can be read by one thread at a time.
    with _reading:
        if found is None or run_key not in dataset.list_runs(method=METHOD):
            # Another process started or deleted it.
            dataset.reload()
        with uncollected():
            review = load(dataset, run_key)
        found = _run_of(dataset, run_key)
    if found is None:
        raise ShortlistError(f"the review {run_key!r} was deleted this moment. Choose another one.")
    with _lock:
        _held[dataset._doc.id, found] = review
        while len(_held) > _MOST:
            _held.popitem(last=False)
    return found, review


def _run_of(dataset: fo.Dataset, run_key: str) -> ObjectId | None:
    """The id of the run of a review as the database has it now."""
    wanted = {"_dataset_id": dataset._doc.id, "key": run_key, "config.method": METHOD, "config.finished": True}
    found = foo.get_db_conn().runs.find_one(wanted, {"_id": True})
    return None if found is None else found["_id"]
