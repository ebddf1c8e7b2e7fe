"""An analysis in the dataset: a custom run with the report, a field that says how each sample is covered, saved views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import fiftyone as fo
import fiftyone.core.runs as fors
import numpy as np
from fiftyone import ViewField as F
from numpy.typing import NDArray

from ..core.errors import did_you_mean, listed, must_be
from .analysis_fields import VERB, Covered, documents_of, fields_of
from .analysis_names import DUPLICATES, METHOD, UNCOVERED, Names, is_ours, own_key, refuse_taken, runs
from .results import Staging, changing, declare, delete_document, mark_of, uninterrupted
from .samples import every_sample

_UNCOVERED_SHARE = 0.05
_BATCH = 20_000


@dataclass(frozen=True)
class Analysis:
    """What is recorded of an analysis.

    Args:
        name: the selection, tag or saved view that was analyzed
        kind: which of these it is
        key: of its run, also the name of its field
        created: when it was made (UTC)
        n_samples: how many samples the selection held
        fingerprint: of these samples, see ``fingerprint_of``
        views: its saved views
    """

    name: str
    kind: str
    key: str
    created: datetime
    n_samples: int
    fingerprint: str
    views: list[str]


def analyses(dataset: fo.Dataset) -> list[Analysis]:
    """What is recorded of the dataset's analyses, oldest first. Quick: no report is read."""
    found = []
    for key in dataset.list_runs(method=METHOD, finished=True):
        info = dataset.get_run_info(key)
        held = info.config
        found.append(
            Analysis(held.analyzed, held.kind, key, info.timestamp, held.n_samples, held.fingerprint, list(held.views))
        )
    return sorted(found, key=lambda one: one.created)


def analysis_of(dataset: fo.Dataset, name: str) -> Analysis:
    """What is recorded of the analysis of a selection, tag or view.

    Raises:
        ShortlistError: there is none
    """
    known = {one.name: one for one in analyses(dataset)}
    if name not in known:
        hint = did_you_mean(name, known) or (f"It has those of {listed(known)}." if known else "It has none yet.")
        raise must_be(
            "run_key", f"what an analysis of {dataset.name!r} is of", name, f"{hint} Make one with `analyze_selection`."
        )
    return known[name]


def load(dataset: fo.Dataset, name: str) -> str:
    """The report of an analysis as JSON.

    Raises:
        ShortlistError: there is none
    """
    results = dataset.load_run_results(analysis_of(dataset, name).key, cache=False, load_view=False)
    return str(results.report)


def fingerprint_of(ids: NDArray[np.bytes_]) -> str:
    """What tells whether a set of samples is still the same: their ids, whatever their order."""
    return sha256(np.unique(ids).tobytes()).hexdigest()


def write(
    dataset: fo.Dataset,
    names: Names,
    name: str,
    kind: str,
    n_samples: int,
    fingerprint: str,
    report: str,
    covered: Covered | None,
    *,
    parameters: dict[str, Any],
) -> list[str]:
    """Writes an analysis: the field in one step, then the saved views, and the run with the report last.

    What an earlier analysis of the same name left is replaced.

    Args:
        dataset: where it goes
        names: what it is kept as, see ``names_for``
        name: what was analyzed
        kind: a selection, a tag or a view
        n_samples: how many samples that holds
        fingerprint: of these samples, see ``fingerprint_of``
        report: as JSON
        covered: how samples are covered; None where there are no embeddings
        parameters: of the verb

    Returns:
        the names of the saved views

    Raises:
        ShortlistError: something of the user's has one of the names by now; nothing was written
    """
    with Staging(dataset) as staging, uninterrupted():
        for start in range(0, 0 if covered is None else len(covered.ids), _BATCH):
            assert covered is not None
            staging.add(documents_of(names.key, covered, slice(start, start + _BATCH)))
        with changing(dataset):
            # The work took a while, in which somebody may have taken a name.
            refuse_taken(dataset, names)
            _remove(dataset, names)
        if covered is not None:
            fields = fields_of(names.key, name, parameters)
            declare(dataset, fields, "writing")
            staging.merge()
            declare(dataset, fields, "complete")
        with changing(dataset):
            views = list(_save_views(dataset, names, covered))
            record = {
                "analyzed": name,
                "kind": kind,
                "n_samples": n_samples,
                "fingerprint": fingerprint,
                "views": views,
            }
            _register(dataset, names.key, record, report)
    return views


def delete(dataset: fo.Dataset, name: str) -> None:
    """Deletes an analysis: its field, saved views and run, and nothing else; does nothing where there is none."""
    if (key := own_key(dataset, name)) is not None:
        with uninterrupted(), changing(dataset):
            _remove(dataset, Names.of(key))


def _register(dataset: fo.Dataset, key: str, record: dict[str, Any], report: str) -> None:
    """Registers the run; it counts as one when its report is there."""
    config = dataset.init_run(method=METHOD, finished=False, **record)
    dataset.register_run(key, config, results=fors.RunResults(dataset, config, key, report=report), cache=False)
    config.finished = True
    dataset.update_run_config(key, config)


def _save_views(dataset: fo.Dataset, names: Names, covered: Covered | None) -> Iterator[str]:
    """Saves the views that hold something, and gives their names."""
    if covered is None:
        return
    distance, everything = f"{names.key}.distance", every_sample(dataset)
    n_far = int(np.count_nonzero(covered.distance > 0))
    if n_far:
        most = min(n_far, int(np.ceil(_UNCOVERED_SHARE * len(covered.ids))))
        worst = everything.match(F(distance) > 0).sort_by(distance, reverse=True).limit(most)
        dataset.save_view(names.uncovered, worst, description=UNCOVERED, overwrite=True)
        yield names.uncovered
    if covered.duplicate_group.any():
        group = f"{names.key}.duplicate_group"
        alike = everything.match(F(group) >= 1).sort_by(group)
        dataset.save_view(names.near_duplicates, alike, description=DUPLICATES, overwrite=True)
        yield names.near_duplicates


def _remove(dataset: fo.Dataset, names: Names) -> None:
    """Removes what an analysis wrote, whole or half."""
    if names.key in runs(dataset):
        dataset.delete_run(names.key)
    for view in names.views:
        if dataset.has_saved_view(view) and is_ours(dataset, view):
            dataset.delete_saved_view(view)
    if (mark_of(dataset, names.key) or {}).get("verb") == VERB:
        delete_document(dataset, names.key, "distance")
