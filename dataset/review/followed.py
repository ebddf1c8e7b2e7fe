"""A review as it goes on: its verdicts are read once, then only what changed since the last look."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import fiftyone as fo
import fiftyone.core.odm as foo
from bson import ObjectId

from ...core.review.queue import Queue
from ..samples import uncollected
from .kept import FIRST, Review, verdicts_field
from .loaded import identified
from .verdicts import read

# How many reviews a process follows at a time.
_MOST = 8
# A change bears the time that it began at; it may be seen this much later.
_LATE = timedelta(seconds=3)
# After so many seconds all is read again, should a change have been later still.
_STALE = 600
_held: OrderedDict[tuple[ObjectId, ObjectId], Followed] = OrderedDict()
_lock = threading.Lock()


@contextmanager
def following(dataset: fo.Dataset, run_key: str) -> Iterator[Followed]:
    """A review with what is known of it, for one thread at a time; ``renew`` it to know all up to now.

    Args:
        dataset: the dataset
        run_key: the review

    Yields:
        the review

    Raises:
        ShortlistError: no such review
    """
    run_id, review = identified(dataset, run_key)
    key = (dataset._doc.id, run_id)
    with _lock:
        if key not in _held:
            _held[key] = Followed(run_id, review)
        followed = _held[key]
        _held.move_to_end(key)
        while len(_held) > _MOST:
            _held.popitem(last=False)
    with followed.lock:
        yield followed


class Followed:
    """What is known of a review, and since when.

    Args:
        run_id: the id of its run
        review: the review
    """

    def __init__(self, run_id: ObjectId, review: Review):
        self.run_id, self.review, self.lock = run_id, review, threading.Lock()
        self.queue = Queue(review.items)
        self._numbers = review.numbers_of()
        # The samples that bear the field, copies of samples of the review included.
        self._bearing: set[str] = set()
        self._as_of: datetime | None = None
        self._read_all_at = 0.0

    def renew(self, dataset: fo.Dataset) -> None:
        """Reads what changed, or all where that cannot be told."""
        # By the clock of the database, as verdicts are.
        now: datetime = foo.get_db_conn().command("hello")["localTime"]
        bearing = {f"{self.review.run_key}.{FIRST}": {"$gte": 1}}
        project = {verdicts_field(self.review.run_key): True}
        collection = dataset._sample_collection
        if self._as_of is not None and time.monotonic() - self._read_all_at < _STALE:
            since = {"last_modified_at": {"$gte": self._as_of - _LATE}, **bearing}
            changed = list(collection.find(since, project))
            ids = {str(document["_id"]) for document in changed}
            if ids <= self._bearing and collection.count_documents(bearing) == len(self._bearing):
                self._put(changed)
                self._as_of = now
                return
        with uncollected():
            self._put_all(list(collection.find(bearing, project)))
        self._as_of, self._read_all_at = now, time.monotonic()

    def _put_all(self, documents: list[dict[str, Any]]) -> None:
        self._bearing = {str(document["_id"]) for document in documents}
        for sample in self._numbers.keys() - self._bearing:
            for number in self._numbers[sample]:
                self.queue.drop(number)
        self._put(documents)

    def _put(self, documents: list[dict[str, Any]]) -> None:
        for document in documents:
            numbers = self._numbers.get(str(document["_id"]), ())
            for number, verdicts in read(document, self.review.run_key, numbers).items():
                if self.queue.verdicts(number) != verdicts:
                    self.queue.put(number, verdicts)
