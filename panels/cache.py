"""What is kept between two pictures of the panel, for all who look: what was read and takes long to read again."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import fiftyone.operators as foo

Kept = TypeVar("Kept")

_MOST = 32
_kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
_lock = threading.Lock()
# Seconds for which what is in a view is taken to stay: tags and labels change without the view saying so.
_VIEW_STAYS = 20


def kept(key: Hashable, make: Callable[[], Kept], seconds: float = float("inf")) -> Kept:
    """What was made earlier under a key, or is made now.

    Args:
        key: what it depends on: the dataset's name, the run's key and the time of the run, say
        make: makes it
        seconds: after how many it is made again; the 32 used last are kept at most
    """
    with _lock:
        made, found = _kept.get(key, (-float("inf"), None))
        if time.monotonic() - made < seconds:
            _kept.move_to_end(key)
            return found
    found = make()
    with _lock:
        _kept[key] = time.monotonic(), found
        _kept.move_to_end(key)
        while len(_kept) > _MOST:
            _kept.popitem(last=False)
    return found


def forget() -> None:
    """Forgets everything."""
    with _lock:
        _kept.clear()


def view_key(ctx: foo.ExecutionContext) -> str:
    """What the view is, in short: the same for the same stages and filters."""
    return _hashed(ctx, "dataset_name", "view", "view_name", "filters", "extended")


def shown_key(ctx: foo.ExecutionContext) -> str:
    """What the App shows, in short: the view, the samples chosen in it, and what runs there are."""
    names = ("dataset_name", "view", "view_name", "filters", "extended", "selected", "selected_samples")
    return _hashed(ctx, *names) + str(runs_key(ctx) if ctx.dataset is not None else "")


def runs_key(ctx: foo.ExecutionContext) -> tuple[tuple[str, str], ...]:
    """The runs of the dataset and when each was made: what a run made is the same while this is."""
    dataset = ctx.dataset
    return tuple((key, str(dataset.get_run_info(key).timestamp)) for key in dataset.list_runs())


def _hashed(ctx: foo.ExecutionContext, *names: str) -> str:
    given = [ctx.request_params.get(name) for name in names]
    return hashlib.sha256(json.dumps(given, default=str, sort_keys=True).encode()).hexdigest()


def in_view(ctx: foo.ExecutionContext, about: Hashable, ids: Sequence[str]) -> frozenset[str] | None:
    """Which of some samples are in the view; None where the view is the whole dataset.

    Args:
        ctx: what the App says of the view
        about: what stands for the ids in the cache
        ids: at most some thousands
    """
    if not ctx.has_custom_view:
        return None
    return kept((view_key(ctx), about), lambda: _among(ctx.view, ids), _VIEW_STAYS)


def _among(view: Any, ids: Sequence[str]) -> frozenset[str]:
    if "sample_id" in view.get_field_schema():
        # A view of patches, clips or frames shows the samples behind them.
        return frozenset(ids).intersection(view.values("sample_id"))
    return frozenset(view.select(list(ids)).values("id"))
