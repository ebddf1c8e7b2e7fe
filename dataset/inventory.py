"""Where the work on a dataset stands, from its schema, its runs and a glance at a few samples: nothing is scanned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import fiftyone as fo
import numpy as np

from ..core.analysis.coverage import Comparison
from ..core.standing import Analyzed, BackTested, Issues, Labels, Scored, Selected, Vectors
from .analyses import analyses, fingerprint_of
from .back_tests import back_tests
from .embeddings import brain_runs, vector_fields
from .glance import Glance
from .label_issues import METHOD as QUALITY
from .labels import every_field, prediction_fields
from .results import mark_of
from .samples import ids_of
from .selections import METHOD as SELECTION
from .selections import view_of
from .sources import looks_true

#: the verbs whose fields are scores
_SCORING = ("score_uncertainty", "score_disagreement", "score_predicted_loss", "score_label_quality", "score_images")


def own_labels(dataset: fo.Dataset) -> dict[str, type]:
    """The label fields that Shortlist did not write itself, with their types."""
    return {path: kind for path, kind in prediction_fields(dataset).items() if mark_of(dataset, path) is None}


def labels(fields: dict[str, type], seen: Glance) -> tuple[Labels, ...]:
    """The label fields, and whether a model made them: what its labels hold says it best, then their name."""
    found = []
    for path, kind in fields.items():
        one = seen.labels.get(path)
        known = one is not None and one.is_sure is not None
        is_predicted = not looks_true(path) and (not known or bool(one and one.is_sure) or "pred" in path.lower())
        found.append(Labels(path, kind.__name__, is_predicted, None if one is None else one.share))
    return tuple(found)


def scored(dataset: fo.Dataset) -> tuple[Scored, ...]:
    """What has been scored, by verb and by what was scored, in the order of the schema."""
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[str, fo.Field, dict[str, Any]]]] = {}
    for path, field in every_field(dataset).items():
        mark = (field.info or {}).get("shortlist")
        if mark is not None and mark.get("verb") in _SCORING and "status" in mark:
            groups.setdefault((mark["verb"], _of(mark)), []).append((path, field, mark))
    return tuple(_group(verb, of, held) for (verb, of), held in groups.items())


def _of(mark: dict[str, Any]) -> tuple[str, ...]:
    """The label fields that a score field is of."""
    parameters = mark.get("parameters") or {}
    one = mark.get("label_field") or parameters.get("label_field")
    return (one,) if one else tuple(parameters.get("label_fields") or ())


def _group(verb: str, of: tuple[str, ...], held: Sequence[tuple[str, fo.Field, dict[str, Any]]]) -> Scored:
    made = [field.created_at for _, field, _ in held if getattr(field, "created_at", None) is not None]
    return Scored(
        verb,
        of,
        tuple(path for path, _, _ in held),
        held[0][2].get("parameters") or {},
        _said(min(made, default=None)),
        all(mark["status"] == "complete" for _, _, mark in held),
    )


def _runs(dataset: fo.Dataset, method: str) -> Iterator[tuple[str, Any, Any]]:
    """The key, the time and the record of each run of a method, oldest first; each is looked up once."""
    infos = [(key, dataset.get_run_info(key)) for key in dataset.list_runs(method=method)]
    for key, info in sorted(infos, key=lambda one: one[1].timestamp):
        yield key, _said(info.timestamp), info.config


def _said(when: datetime | None) -> str | None:
    """A time as text."""
    return None if when is None else when.isoformat(timespec="milliseconds")


def issues(dataset: fo.Dataset) -> tuple[Issues, ...]:
    """The suspected label errors of each field that was looked at."""
    found = []
    for _, created, record in _runs(dataset, QUALITY):
        facts = record.facts
        found.append(
            Issues(
                record.label_field,
                record.parameters.get("predictions_field", ""),
                facts.get("n_scored", 0),
                facts.get("n_flagged", 0),
                facts.get("kinds", {}),
                f"{record.label_field}_issues",
                created,
            )
        )
    return tuple(found)


def selected(dataset: fo.Dataset) -> tuple[Selected, ...]:
    """The selections, oldest first."""
    return tuple(
        Selected(
            key,
            record.n_samples,
            tuple(record.facts.get("strategies", ())),
            created,
            _names(record.selection.get("preselected")),
            _gain(record.facts.get("coverage")),
            (record.facts.get("coverage") or {}).get("selected"),
        )
        for key, created, record in _runs(dataset, SELECTION)
    )


def _names(recorded: str | list[str] | None) -> tuple[str, ...]:
    """The sets of samples that a config names; older ones name one."""
    return (recorded,) if isinstance(recorded, str) else tuple(recorded or ())


def _gain(recorded: dict[str, Any] | None) -> float | None:
    """The gain over random selections, of what is recorded of a selection's coverage."""
    if not recorded:
        return None
    return Comparison(np.nan, recorded["selected"], np.array(recorded["random"])).gain


def analyzed(dataset: fo.Dataset) -> tuple[Analyzed, ...]:
    """The analyses, oldest first. Whether the set is still the same is looked up for selections only, which have an index."""
    return tuple(
        Analyzed(
            one.name, created=_said(one.created), is_current=_is_current(dataset, one.name, one.kind, one.fingerprint)
        )
        for one in analyses(dataset)
    )


def _is_current(dataset: fo.Dataset, name: str, kind: str, fingerprint: str) -> bool:
    if kind != "selection" or mark_of(dataset, name) is None:
        return True
    return fingerprint_of(ids_of(view_of(dataset, name))) == fingerprint


def back_tested(dataset: fo.Dataset) -> tuple[BackTested, ...]:
    """The back-tests, oldest first."""
    return tuple(
        BackTested(one.run_key, one.label_field, _said(one.created), one.headline) for one in back_tests(dataset)
    )


def vectors(dataset: fo.Dataset) -> tuple[Vectors, ...]:
    """The embeddings of samples, those in fields first, with the newest visualization of each."""
    shown: dict[str, str] = {}
    infos = [(key, dataset.get_brain_info(key)) for key in dataset.list_brain_runs(type="visualization")]
    for key, info in sorted(infos, key=lambda one: one[1].timestamp):
        if not getattr(info.config, "patches_field", None):
            shown[getattr(info.config, "embeddings_field", None) or key] = key
    fields = vector_fields(dataset)
    # Runs whose embeddings live in a field are that field once more.
    stored = [
        key for key in brain_runs(dataset) if not getattr(dataset.get_brain_info(key).config, "embeddings_field", None)
    ]
    return (
        *(Vectors(path, True, shown.get(path)) for path in fields),
        *(Vectors(key, False, shown.get(key)) for key in stored),
    )
