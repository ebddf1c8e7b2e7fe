"""What will be asked for soon, made in the background: the next picture is there when a person gets to it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Made = TypeVar("Made")

# Pictures are some hundred kilobytes each.
_MOST = 48
_made: OrderedDict[Hashable, Future[Any]] = OrderedDict()
_lock = threading.Lock()
_workers = ThreadPoolExecutor(2, thread_name_prefix="shortlist-ahead")


def made(key: Hashable, make: Callable[[], Made]) -> Made:
    """What was made ahead, or is being made, or is made now.

    Args:
        key: what it depends on
        make: makes it
    """
    with _lock:
        found = _made.get(key)
        if found is None:
            found = _keep(key, Future())
            mine = True
        else:
            _made.move_to_end(key)
            mine = False
    if mine:
        _fill(key, found, make)
    result: Made = found.result()
    return result


def begin(work: Callable[[], object]) -> None:
    """Does something in the background; what goes wrong there is found again by who asks for it."""
    _workers.submit(work)


def forget() -> None:
    """Forgets everything."""
    with _lock:
        _made.clear()


def _keep(key: Hashable, future: Future[Any]) -> Future[Any]:
    _made[key] = future
    while len(_made) > _MOST:
        _made.popitem(last=False)
    return future


def _fill(key: Hashable, future: Future[Any], make: Callable[[], Any]) -> None:
    try:
        future.set_result(make())
    except BaseException as error:
        with _lock:
            _made.pop(key, None)
        future.set_exception(error)
