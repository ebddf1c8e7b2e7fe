"""Counting for a form while somebody fills it: in the background, for as long as a form may wait."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import fiftyone as fo

from .. import api
from ..api.previewing import Preview
from ..core.errors import ShortlistError
from ..core.selection.config import SelectionConfig

logger = logging.getLogger(__name__)

# Seconds that a form waits for a count: the server answers nobody else meanwhile.
_WAIT = 0.5
# Seconds after which a count is taken anew, since samples and labels change.
_KEPT = 20
_MOST = 32

_workers = ThreadPoolExecutor(2, thread_name_prefix="shortlist-preview")
_counts: OrderedDict[str, tuple[float, Future[Preview]]] = OrderedDict()
_lock = threading.Lock()


def counted(samples: Any, config: SelectionConfig) -> Preview | None:
    """What a config would find among samples; None while that is still being counted.

    A count that takes long goes on, and a later call with the same config finds it done.

    Args:
        samples: a dataset or a view of its samples
        config: the selection config

    Raises:
        ShortlistError: bad input, as far as names and types tell
    """
    try:
        return _counting(samples, config).result(timeout=_WAIT)
    except (NotYet, CancelledError):
        return None
    except ShortlistError:
        raise
    except Exception:
        # A selection can do without the number, and its form must.
        logger.exception("counting the candidates of a selection failed")
        return None


def _counting(samples: Any, config: SelectionConfig) -> Future[Preview]:
    """The count for a config, begun now or a moment ago; those that wait behind it are not needed any more."""
    stages = samples._serialize() if isinstance(samples, fo.DatasetView) else []
    name = samples.dataset_name if isinstance(samples, fo.DatasetView) else samples.name
    key = json.dumps([name, stages, config.model_dump(mode="json")], default=str, sort_keys=True)
    now = time.monotonic()
    with _lock:
        begun, future = _counts.get(key, (0.0, None))
        if future is not None and not future.cancelled() and (not future.done() or now - begun < _KEPT):
            return future
        for _, other in _counts.values():
            other.cancel()
        future = _workers.submit(api.preview, samples, config)
        _counts[key] = (now, future)
        _counts.move_to_end(key)
        while len(_counts) > _MOST:
            _counts.popitem(last=False)
        return future
