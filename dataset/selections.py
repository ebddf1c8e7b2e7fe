"""A selection in the dataset: one run under one key, with its field, tag, saved view and record."""

from __future__ import annotations

import getpass
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone import ViewField as F
from fiftyone.core.utils import to_slug
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be, shown
from ..core.selection.select import Selection
from .results import ResultField, Staging, declare, forget_group, mark_of, uninterrupted
from .samples import as_object_ids, every_sample, generated_kind

METHOD = "shortlist/selection"


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
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", run_key or ""):
        suggestion = re.sub(r"\W+", "_", run_key or "", flags=re.ASCII).strip("_")
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
        units: (s,) what each strategy's gain means
        config: the selection config as JSON
        facts: what else to record
    """
    with Staging(dataset) as staging, uninterrupted():
        if mark_of(dataset, run_key) is not None:
            _remove(dataset, run_key)
        fields = _fields(run_key, selection, units, config)
        staging.add(_documents(ids, selection))
        declare(dataset, fields, "writing")
        tags = {"$ifNull": ["$tags", []]}
        tagged = {"$cond": [{"$in": [run_key, tags]}, tags, {"$concatArrays": [tags, [run_key]]}]}
        staging.merge({run_key: "$$new.why", "tags": tagged})
        declare(dataset, fields, "complete")
        name, found = run_key, view_of(dataset, run_key)
        dataset.save_view(name, found, description=f"Shortlist selection {run_key}, in order of rank", overwrite=True)
        record = dataset.init_run(
            method=METHOD, n_samples=len(selection.rows), selection=config, facts={**facts, "by": user()}
        )
        dataset.register_run(run_key, record)


def delete(dataset: fo.Dataset, run_key: str) -> None:
    """Deletes a selection: its tag, saved view, field and record, and nothing else.

    Raises:
        ShortlistError: no such selection
    """
    record_of(dataset, run_key)
    with uninterrupted():
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
    index = f"{run_key}.rank"
    if index in dataset.list_indexes():
        dataset.drop_index(index)
    forget_group(dataset, run_key)
    dataset.delete_sample_field(run_key)


def _documents(ids: NDArray[np.bytes_], selection: Selection) -> list[dict[str, Any]]:
    """One document a pick: which sample, and why."""
    picked = as_object_ids(ids[selection.rows])
    near = [None if row < 0 else ids[row].decode() for row in selection.neighbors]
    gain_names = names_of_gains(selection.labels)
    documents = []
    for place, sample_id in enumerate(picked):
        why = {
            "_cls": "DynamicEmbeddedDocument",
            "rank": place + 1,
            "decided_by": selection.labels[selection.deciding[place]],
            "value": _number(selection.values[place].sum()),
            "nearest": near[place],
            "distance": _number(selection.distances[place]),
        }
        why |= {name: _number(gain) for name, gain in zip(gain_names, selection.gains[place], strict=True)}
        documents.append({"_id": sample_id, "why": why})
    return documents


def names_of_gains(labels: Sequence[str]) -> list[str]:
    """A field name for the gain of each strategy, such as ``gain_diversity_clip``."""
    names: list[str] = []
    for label in labels:
        slug = re.sub(r"\W+", "_", label.replace(" of ", "_"), flags=re.ASCII).strip("_").lower()
        name = f"gain_{slug}"
        names.append(name if name not in names else f"{name}_{len(names) + 1}")
    return names


def _fields(run_key: str, selection: Selection, units: Sequence[str], config: dict[str, Any]) -> list[ResultField]:
    """The fields of a selection: one embedded document that says why."""
    info = {"verb": "select_samples", "parameters": config}

    def inside(name: str, kind: type[fo.Field], sentence: str, index: bool = False) -> ResultField:
        return ResultField(f"{run_key}.{name}", kind, sentence, {"verb": "select_samples"}, index, part=True)

    gains = [
        inside(name, fo.FloatField, f"What the pick added for {label}: {unit or 'the value itself'}.")
        for name, label, unit in zip(names_of_gains(selection.labels), selection.labels, units, strict=True)
    ]
    return [
        ResultField(
            run_key, fo.EmbeddedDocumentField, f"Shortlist selection {run_key}: why each sample was picked.", info
        ),
        inside("rank", fo.IntField, "The place in the selection, 1 = picked first.", index=True),
        inside("decided_by", fo.StringField, "The strategy that spoke most for the pick."),
        inside("value", fo.FloatField, "What the pick was worth: strengths times gains on the common scale."),
        inside(
            "nearest", fo.StringField, "The id of the nearest sample that was picked earlier or is in the datapool."
        ),
        inside("distance", fo.FloatField, "How far the nearest earlier sample is (Euclidean)."),
        *gains,
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def user() -> str:
    """Who runs this, for a record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def resolved(dataset: fo.Dataset, name: str, where: str) -> fo.DatasetView:
    """The samples of a tag, a saved view or an earlier selection, whichever has the name.

    Raises:
        ShortlistError: none has
    """
    if name in selection_keys(dataset):
        return view_of(dataset, name)
    if dataset.has_saved_view(name):
        view = dataset.load_saved_view(name)
        if (kind := generated_kind(view)) is not None:
            raise ShortlistError(f"{where} must be a view of samples. Got {shown(name)}, a view of {kind}, instead.")
        return view
    if name in every_sample(dataset).distinct("tags"):
        return every_sample(dataset).match_tags(name)
    known = [*selection_keys(dataset), *dataset.list_saved_views(), *every_sample(dataset).distinct("tags")]
    hint = did_you_mean(name, known) or (f"It has {listed(known)}." if known else "It has none yet.")
    raise ShortlistError(
        f"{where} must be a tag, a saved view or a selection of {dataset.name!r}. Got {shown(name)} instead. {hint}"
    )


def now() -> str:
    """The time to record, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
