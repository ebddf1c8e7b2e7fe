"""Who looks at which item now: hints that keep people apart, never rights. A claim ends by itself, or with its process."""

from __future__ import annotations

import os
import socket
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.operators.store import ExecutionStore

from ..reservation import alive

_STORE = "shortlist:claims"
# Seconds that one may take for an item before it is offered to others too.
LIFETIME = 300
# A person looks at one item, and the next one is fetched ahead; who has more has passed over the first.
_MOST = 2


class Claims:
    """The claims on the items of one review.

    Args:
        dataset: the dataset
        run_id: the run of the review; another review of the same name has another
    """

    def __init__(self, dataset: fo.Dataset, run_id: ObjectId):
        self._store = ExecutionStore.create(_STORE, dataset_id=dataset._doc.id)
        self._prefix = f"{run_id}/"

    def _living(self) -> dict[str, dict[str, Any]]:
        """The claims that hold, by their keys; those that do not are swept away."""
        found = {}
        for key in self._store.list_keys():
            if not key.startswith(self._prefix):
                continue
            held = self._store.get(key)
            if held is None:
                continue
            if _holds(held):
                found[key] = held
            else:
                self._store.delete(key)
        return found

    def read(self) -> dict[int, frozenset[str]]:
        """Who looks at which item, by its number."""
        found: dict[int, set[str]] = defaultdict(set)
        for key, held in self._living().items():
            found[_number(key)].add(held["reviewer"])
        return {number: frozenset(who) for number, who in found.items()}

    def take(self, number: int, reviewer: str, places: int) -> bool:
        """Claims an item, or claims it anew.

        Args:
            number: the item
            reviewer: who looks at it
            places: how many people may at a time

        Returns:
            whether it was to be had: others may have been quicker
        """
        mine = {"reviewer": reviewer, "host": socket.gethostname(), "process": os.getpid(), "since": time.time()}
        living = self._living()
        self._let_go(number, reviewer, living)
        for place in range(places):
            key = self._key(number, place)
            held = living.get(key)
            if held is None and self._store.set_if_absent(key, mine, ttl=LIFETIME):
                return True
            if held is not None and held["reviewer"] == reviewer:
                return bool(self._store.compare_and_set(key, held, mine, ttl=LIFETIME))
        return False

    def _let_go(self, number: int, reviewer: str, living: Mapping[str, dict[str, Any]]) -> None:
        """Ends a person's oldest claims where they have too many."""
        own = [key for key, held in living.items() if held["reviewer"] == reviewer and _number(key) != number]
        own.sort(key=lambda key: living[key]["since"])
        for key in own[: max(0, len(own) + 1 - _MOST)]:
            self._store.delete(key)

    def release(self, number: int, reviewer: str, places: int) -> None:
        """Ends a person's claim on an item."""
        for place in range(places):
            key = self._key(number, place)
            held = self._store.get(key)
            if held is not None and held["reviewer"] == reviewer:
                self._store.delete(key)

    def _key(self, number: int, place: int) -> str:
        return f"{self._prefix}{number}/{place}"


def _number(key: str) -> int:
    return int(key.split("/")[1])


def _holds(held: Mapping[str, Any]) -> bool:
    return time.time() - float(held["since"]) < LIFETIME and alive(dict(held))
