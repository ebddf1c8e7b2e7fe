"""One writer for one result: a name is reserved while it is being made, and freed if its maker dies."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import fiftyone as fo
from fiftyone.operators.store import ExecutionStore

from ..core.errors import ShortlistError

_STORE = "shortlist:reservations"
# Another machine's reservation ends after this long without a sign of life; on this machine the process itself tells.
_LIFETIME = 600


@contextmanager
def reserved(dataset: fo.Dataset, name: str, *, wait: float = 0.0) -> Iterator[None]:
    """Holds the only right to write the results of a name.

    Args:
        dataset: where the results go
        name: what is written
        wait: seconds to wait for another writer to finish

    Raises:
        ShortlistError: another process, or another thread of this one, is writing it
    """
    store = ExecutionStore.create(_STORE, dataset_id=dataset._doc.id)
    mine = {"host": socket.gethostname(), "process": os.getpid(), "since": time.time()}
    deadline = time.monotonic() + wait
    while not _taken(store, name, mine):
        if time.monotonic() >= deadline:
            held = store.get(name) or {}
            raise ShortlistError(
                f"{name!r} is being written by another run (process {held.get('process')} on {held.get('host')}). "
                f"Try again when it has finished."
            )
        time.sleep(0.1)
    done = threading.Event()
    threading.Thread(target=_stay, args=(store, name, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        store.delete(name)


def _stay(store: ExecutionStore, name: str, done: threading.Event) -> None:
    """Signs of life for as long as the work takes."""
    while not done.wait(_LIFETIME / 4):
        store.update_ttl(name, _LIFETIME)


def _taken(store: ExecutionStore, name: str, mine: dict) -> bool:
    """Takes the name where it is free or its holder is gone."""
    if store.set_if_absent(name, mine, ttl=_LIFETIME):
        return True
    held = store.get(name)
    if held is None or alive(held):
        return False
    return bool(store.compare_and_set(name, held, mine, ttl=_LIFETIME))


def alive(held: dict) -> bool:
    """Whether the process that holds a name still runs; of another machine's nobody can tell, so it does."""
    if held.get("host") != socket.gethostname():
        return True
    try:
        os.kill(int(held["process"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
