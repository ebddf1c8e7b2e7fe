"""Counting for a form while somebody fills it: in the background, for as long as a form may wait."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

import fiftyone as fo

from ..core.errors import ShortlistError
from ..core.schema import Schema, SchemaT

logger = logging.getLogger(__name__)

# Seconds that a form waits for a count: the server answers nobody else meanwhile.
_WAIT = 0.5
# Seconds after which a count is taken anew, since samples and labels change.
_KEPT = 20
_MOST = 32

_workers = ThreadPoolExecutor(2, thread_name_prefix="shortlist-preview")
_counts: OrderedDict[str, tuple[float, Future[Any]]] = OrderedDict()
_lock = threading.Lock()
Found = TypeVar("Found")


def counted(samples: Any, config: SchemaT, count: Callable[[Any, SchemaT], Found]) -> Found | None:
    """What parameters would find among samples; None while that is still being counted.

    A count that takes long goes on, and a later call with the same parameters finds it done.

    Args:
        samples: a dataset or a view of its samples
        config: the parameters
        count: what counts

    Raises:
        ShortlistError: bad input, as far as names and types tell
    """
    try:
        found: Found = _counting(samples, config, count).result(timeout=_WAIT)
        return found
    except (NotYet, CancelledError):
        return None
    except ShortlistError:
        raise
    except Exception:
        # Who fills the form can do without the number, and the form must.
        logger.exception("counting for a form failed")
        return None


def _counting(samples: Any, config: Schema, count: Callable[[Any, Any], Any]) -> Future[Any]:
    """The count for parameters, begun now or a moment ago; those that wait behind it are not needed any more."""
    stages = samples._serialize() if isinstance(samples, fo.DatasetView) else []
    name = samples.dataset_name if isinstance(samples, fo.DatasetView) else samples.name
    key = json.dumps([type(config).__name__, name, stages, config.model_dump(mode="json")], default=str, sort_keys=True)
    now = time.monotonic()
    with _lock:
        begun, future = _counts.get(key, (0.0, None))
        if future is not None and not future.cancelled() and (not future.done() or now - begun < _KEPT):
            return future
        for _, other in _counts.values():
            other.cancel()
        future = _workers.submit(count, samples, config)
        _counts[key] = (now, future)
        _counts.move_to_end(key)
        while len(_counts) > _MOST:
            _counts.popitem(last=False)
        return future
