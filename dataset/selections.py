"""A selection in the dataset: one run under one key, with its field, tag, saved view and record."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import fiftyone as fo
import numpy as np
from bson import json_util
from fiftyone import ViewField as F
from fiftyone.core.utils import to_slug
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.selection.select import Selection
from . import analyses
from .names import is_kept, is_plain, plain
from .results import Staging, changing, declare, delete_document, mark_of, uninterrupted
from .samples import Samples, every_sample
from .selection_fields import documents_of, fields_of

METHOD = "shortlist/selection"
# Bytes of a view's stages; a document of the database holds 16 MB.
_MOST_OF_A_VIEW = 8_000_000


@dataclass(frozen=True)
class Record:
    """What is recorded of a selection.

    Args:
        run_key: its name, also the name of its tag, its saved view and its field
        created: when it was made (UTC)
        n_samples: how many samples it holds
        config: the selection config as JSON
        facts: versions, counts, labels of the strategies, who made it
    """

    run_key: str
    created: datetime
    n_samples: int
    config: dict[str, Any]
    facts: dict[str, Any]


def selection_keys(dataset: fo.Dataset) -> list[str]:
    """The keys of the dataset's selections, oldest first."""
    return sorted(dataset.list_runs(method=METHOD), key=lambda key: dataset.get_run_info(key).timestamp)


def record_of(dataset: fo.Dataset, run_key: str) -> Record:
    """What is recorded of a selection.

    Raises:
        ShortlistError: no such selection
    """
    keys = selection_keys(dataset)
    if run_key not in keys:
        hint = did_you_mean(run_key, keys) or (f"It has {listed(keys)}." if keys else "It has none yet.")
        raise must_be("run_key", f"a selection of {dataset.name!r}", run_key, hint)
    info = dataset.get_run_info(run_key)
    given = info.config
    return Record(run_key, info.timestamp, given.n_samples, given.selection, given.facts)


def view_of(dataset: fo.Dataset, run_key: str) -> fo.DatasetView:
    """The picks of a selection in order of rank.

    Raises:
        ShortlistError: its field is gone
    """
    if mark_of(dataset, run_key) is None:
        raise ShortlistError(
            f"the selection {run_key!r} must have its field {run_key!r}. Got a dataset without it instead. Delete the "
            f"selection with `manage_selections`."
        )
    rank = f"{run_key}.rank"
    return every_sample(dataset).match(F(rank) >= 1).sort_by(rank)


def refuse_taken(dataset: fo.Dataset, run_key: str) -> None:
    """Stops before a key that cannot be used or would clash with what the dataset has.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    if not is_plain(run_key or ""):
        suggestion = plain(run_key or "")
        suggestion = suggestion if len(suggestion) > 1 else "round_1"
        raise must_be(
            "run_key",
            "a letter followed by letters, digits and underscores, since it names a field",
            run_key,
            f"Try {suggestion if suggestion[0].isalpha() else f'run_{suggestion}'!r}.",
        )
    other = "Choose another key."
    if run_key in selection_keys(dataset):
        raise must_be(
            "run_key", "new", run_key, f"There is a selection of that name. {other[:-1]}, or delete it first."
        )
    if run_key in dataset.list_runs():
        raise must_be("run_key", "new", run_key, f"There is another run of that name. {other}")
    mark = mark_of(dataset, run_key)
    if dataset.get_field(run_key) is not None and mark is None:
        raise must_be("run_key", "new", run_key, f"There is a field of that name. {other}")
    if is_kept(dataset, run_key):
        raise must_be("run_key", "another name than FiftyOne keeps for itself", run_key, other)
    if mark is not None and mark.get("verb") != "select_samples":
        raise must_be("run_key", "new", run_key, f"There is a score field of that name. {other}")
    if mark is None and run_key in every_sample(dataset).distinct("tags"):
        raise must_be("run_key", "new", run_key, f"There are samples with a tag of that name. {other}")
    # FiftyOne takes names for the same that look alike in a URL, and would replace the view.
    if any(
        to_slug(name) == to_slug(run_key) and (mark is None or name != run_key) for name in dataset.list_saved_views()
    ):
        raise must_be("run_key", "new", run_key, f"There is a saved view of that name. {other}")


def write(
    dataset: fo.Dataset,
    run_key: str,
    ids: NDArray[np.bytes_],
    selection: Selection,
    *,
    made_from: Samples,
    units: Sequence[str],
    config: dict[str, Any],
    facts: dict[str, Any],
) -> None:
    """Writes a selection: the field and the tag in one step, then the saved view, and the record last.

    What an interrupted run left under the same key is removed first.

    Args:
        dataset: where it goes
        run_key: its name, checked by ``refuse_taken``
        ids: (n,) the sample ids of the selection's rows
        selection: the picks
        made_from: the candidates, which the record gives again by ``candidates_of``
        units: (s,) what each strategy's gain means
        config: the selection config as JSON
        facts: what else to record
    """
    with Staging(dataset) as staging, uninterrupted():
        if mark_of(dataset, run_key) is not None:
            with changing(dataset):
                _remove(dataset, run_key)
        fields = fields_of(run_key, selection, units, config)
        staging.add(documents_of(ids, selection))
        declare(dataset, fields, "writing")
        tags = {"$ifNull": ["$tags", []]}
        tagged = {"$cond": [{"$in": [run_key, tags]}, tags, {"$concatArrays": [tags, [run_key]]}]}
        staging.merge({run_key: "$$new.why", "tags": tagged})
        declare(dataset, fields, "complete")
        name, found = run_key, view_of(dataset, run_key)
        origin = _storable(made_from)
        record = dataset.init_run(
            method=METHOD,
            n_samples=len(selection.rows),
            selection=config,
            facts={**facts, "by": user(), "view_is_kept": origin is not None},
        )
        with changing(dataset):
            dataset.save_view(
                name, found, description=f"Shortlist selection {run_key}, in order of rank", overwrite=True
            )
            (dataset if origin is None else origin).register_run(run_key, record)


def _storable(samples: Samples) -> Samples | None:
    """The view to keep with a record: of a grouped dataset the slice at hand; None for one that no document can hold."""
    if samples.media_type == "group":
        samples = samples.select_group_slices(samples.group_slice)
    if not isinstance(samples, fo.DatasetView):
        return samples
    size = sum(len(json_util.dumps(stage)) for stage in samples._serialize())
    return samples if size <= _MOST_OF_A_VIEW else None


def candidates_of(dataset: fo.Dataset, run_key: str) -> Samples:
    """The samples that a selection was made from, as they are now.

    Raises:
        ShortlistError: no such selection, or its view was too large to be kept
    """
    if not record_of(dataset, run_key).facts.get("view_is_kept", False):
        raise ShortlistError(
            f"the selection {run_key!r} must have the view that it was made from. It was made without keeping it, or the "
            f"view was too large: a list of ids, say. Tag the samples and select from the tag."
        )
    view: Samples = dataset.load_run_view(run_key)
    return view


def came_after(ids: NDArray[np.bytes_], record: Record) -> NDArray[np.bool_]:
    """(n,) bool, which samples were made after a selection: an id begins with the second it was made in, as eight digits."""
    second = int(record.created.replace(tzinfo=UTC).timestamp())
    return ids.astype("S8") > f"{second:08x}".encode()


def delete(dataset: fo.Dataset, run_key: str) -> None:
    """Deletes a selection: its tag, saved view, field, record and analysis, and nothing else.

    Raises:
        ShortlistError: no such selection
    """
    record_of(dataset, run_key)
    with uninterrupted():
        analyses.delete(dataset, run_key)
        with changing(dataset):
            _remove(dataset, run_key)
            dataset.delete_run(run_key)


def _remove(dataset: fo.Dataset, run_key: str) -> None:
    """Removes what a selection wrote, whole or half, but for its record."""
    if dataset.has_saved_view(run_key):
        dataset.delete_saved_view(run_key)
    if mark_of(dataset, run_key) is None:
        if dataset.get_field(run_key) is None:
            # Somebody deleted the field; the tag tells what was picked.
            every_sample(dataset).match_tags(run_key).untag_samples(run_key)
        return
    every_sample(dataset).match(F(f"{run_key}.rank") >= 1).untag_samples(run_key)
    delete_document(dataset, run_key, "rank")


def user() -> str:
    """Who runs this, for a record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    """The time to record, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """The versions of the packages, for a record."""
    found = {"fiftyone": fo.__version__, "numpy": np.__version__}
    try:
        found["shortlist"] = version("shortlist")
    except PackageNotFoundError:
        found["shortlist"] = "in a plugins directory"
    return found
