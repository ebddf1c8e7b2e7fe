"""Work on many items at once, a few ahead of whoever takes the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def mapped(work: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None) -> Iterator[Result]:
    """The results of work on items, in their order, by threads.

    Items are taken only a few ahead, so a stream of any length needs little memory. Leaving the iteration, or an error of
    the work, forgets what has not begun.

    Args:
        work: what to do with an item; should leave the interpreter free, as NumPy, OpenCV and reading files do
        items: the items
        workers: how many threads; nothing given: one a core

    >>> list(mapped(lambda x: x * x, range(4), workers=2))
    [0, 1, 4, 9]
    """
    workers = workers or os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
