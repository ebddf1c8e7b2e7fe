"""The samples behind what an analysis found: what the panel shows in the grid when a bar, a point or a row is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any, Literal

import fiftyone as fo
from fiftyone import ViewField as F

from ..core.errors import ShortlistError, must_be
from ..dataset.analyses import analysis_of
from ..dataset.input_fields import category_name
from ..dataset.labels import label_field
from ..dataset.samples import FRAMES, Samples, dataset_of, every_sample, stored_path
from ..dataset.sets import resolved

#: all samples, those that could be selected, or those that are
Part = Literal["all", "input", "selected"]


@dataclass(frozen=True)
class Place:
    """Where one sample stands in an analysis.

    Args:
        sample_id: the sample
        name: the name of its file
        rank: at which it was picked; None where it was not, or is not of a selection
        distance: to the nearest selected or datapool sample; None where that is not known
        nearest: the id of that one
        nearest_name: the name of its file
        region: the uncovered region that it is in
        duplicate_group: the group of near duplicates that it is in
    """

    sample_id: str
    name: str
    rank: int | None
    distance: float | None
    nearest: str | None
    nearest_name: str | None
    region: int | None
    duplicate_group: int | None


def part_of(samples: Samples, run_key: str, part: Part) -> Samples:
    """All samples, those that an analysis compares a selection with, or those of the selection.

    Raises:
        ShortlistError: there is no such analysis, or no longer such a selection
    """
    dataset = dataset_of(samples)
    if part == "selected":
        return resolved(dataset, run_key, "run_key")
    every = every_sample(dataset)
    key = analysis_of(dataset, run_key).key
    if part == "input" and dataset.has_field(key):
        return every.match(F(f"{key}.distance") >= 0)
    return every


def at_distance(samples: Samples, run_key: str, low: float, high: float, closed: bool = False) -> fo.DatasetView:
    """The samples that are so far from the nearest selected or datapool sample, the farthest first.

    Args:
        samples: a dataset or a view of one
        run_key: the selection, tag or view that was analyzed
        low: the least distance
        high: the distance below which they are
        closed: whether that distance counts too

    Raises:
        ShortlistError: there is no such analysis, or none of embeddings
    """
    path = _field_of(samples, run_key, "distance")
    found = every_sample(dataset_of(samples)).match(_between(F(path), low, high, closed))
    return found.sort_by(path, reverse=True)


def of_region(samples: Samples, run_key: str, region: int) -> fo.DatasetView:
    """The samples of an uncovered region, the farthest from anything selected first; see ``at_distance``."""
    path = _field_of(samples, run_key, "region")
    found = every_sample(dataset_of(samples)).match(F(path) == region)
    return found.sort_by(_field_of(samples, run_key, "distance"), reverse=True)


def with_number(
    samples: Samples, run_key: str, part: Part, path: str, low: float, high: float, closed: bool = False
) -> fo.DatasetView:
    """The samples of a part whose number is in a range, the least first.

    Args:
        samples: a dataset or a view of one
        run_key: the selection, tag or view that was analyzed
        part: of which samples
        path: a field with a number, a date or a truth value
        low: the least number; of dates in seconds since 1970
        high: the number below which they are
        closed: whether that number counts too

    Raises:
        ShortlistError: there is no such analysis or field
    """
    field = dataset_of(samples).get_field(path)
    if field is None:
        raise must_be("the field", f"one of {dataset_of(samples).name!r}", path, "Analyze again: it was there then.")
    found = part_of(samples, run_key, part)
    if isinstance(field, fo.BooleanField):
        # A range of 0 and 1, in a bin each or both in one.
        values = [value for value in (False, True) if low <= value and (value < high or (closed and value == high))]
        return found.match(F(path).is_in(values))
    if isinstance(field, (fo.DateField, fo.DateTimeField)):
        low, high = (datetime.fromtimestamp(value, UTC).replace(tzinfo=None) for value in (low, high))  # type: ignore[assignment]
    return found.match(_between(F(path), low, high, closed)).sort_by(path)


def with_category(
    samples: Samples, run_key: str, part: Part, kind: Literal["classes", "categories"], source: str, category: str
) -> fo.DatasetView:
    """The samples of a part that have a class among their labels, or a category as their value.

    Args:
        samples: a dataset or a view of one
        run_key: the selection, tag or view that was analyzed
        part: of which samples
        kind: whether it is a class of labels
        source: the field, as the report names it
        category: the class or category, as the report names it

    Raises:
        ShortlistError: there is no such analysis, the field is gone, or its values cannot be searched
    """
    found = part_of(samples, run_key, part)
    if kind == "classes":
        return _with_class(found, source, category)
    if dataset_of(samples).get_field(source) is None:
        raise ShortlistError(
            f"the categories must be those of one field to find their samples. Got {source!r} instead."
        )
    values = [value for value in found.distinct(source) if value is not None and category_name(value) == category]
    return found.match({stored_path(source, found): {"$in": [_stored(value) for value in values]}})


def _with_class(found: Samples, source: str, category: str) -> fo.DatasetView:
    field = label_field(found, source)
    if field.task == "segmentation":
        raise ShortlistError(
            f"the labels must be classes of images or objects to find their samples. Got {source!r}, whose classes are in "
            f"masks, instead."
        )
    if not source.startswith(FRAMES):
        path = f"{source}.{field.list_attribute}.label" if field.list_attribute else f"{source}.label"
        return found.match({path: category})
    return found.match_labels(filter=F("label") == category, fields=source)


def these(samples: Samples, ids: Sequence[str]) -> fo.DatasetView:
    """Samples by their ids."""
    return every_sample(dataset_of(samples)).select(list(ids))


def places_of(samples: Samples, run_key: str, ids: Sequence[str]) -> list[Place]:
    """Where samples stand in an analysis, in their order; those that are not there are left out.

    Args:
        samples: a dataset or a view of one
        run_key: the selection, tag or view that was analyzed
        ids: of a few samples

    Raises:
        ShortlistError: there is no such analysis
    """
    dataset = dataset_of(samples)
    record = analysis_of(dataset, run_key)
    rank = f"{run_key}.rank" if record.kind == "selection" and dataset.has_field(f"{run_key}.rank") else None
    paths = {name: f"{record.key}.{name}" for name in ("distance", "nearest", "region", "duplicate_group")}
    if not dataset.has_field(record.key):
        paths = {}
    every = every_sample(dataset)
    rows = _values(every, ids, {"path": "filepath", **paths, **({"rank": rank} if rank else {})})
    nearest = [row["nearest"] for row in rows.values() if row.get("nearest")]
    names = {one: PurePath(row["path"]).name for one, row in _values(every, nearest, {"path": "filepath"}).items()}
    return [
        Place(
            one,
            PurePath(rows[one]["path"]).name,
            rows[one].get("rank"),
            rows[one].get("distance"),
            rows[one].get("nearest"),
            names.get(str(rows[one].get("nearest"))),
            rows[one].get("region"),
            rows[one].get("duplicate_group"),
        )
        for one in ids
        if one in rows
    ]


def _values(samples: Samples, ids: Sequence[str], paths: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The values of some fields of a few samples, by id."""
    if not ids:
        return {}
    found, *columns = samples.select(list(dict.fromkeys(ids))).values(["id", *paths.values()])
    return {one: dict(zip(paths, row, strict=True)) for one, row in zip(found, zip(*columns, strict=True), strict=True)}


def _field_of(samples: Samples, run_key: str, name: str) -> str:
    """The field of an analysis.

    Raises:
        ShortlistError: there is no such analysis, or it was made without embeddings
    """
    dataset = dataset_of(samples)
    key = analysis_of(dataset, run_key).key
    if not dataset.has_field(key):
        raise ShortlistError(
            f"the analysis of {run_key!r} must have its field {key!r}. Got a dataset without it instead. Make it with "
            f"embeddings with `analyze_selection`."
        )
    return f"{key}.{name}"


def _stored(value: Any) -> Any:
    """A value as the database holds it: days are times there."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value


def _between(value: Any, low: Any, high: Any, closed: bool) -> Any:
    return (value >= low) & ((value <= high) if closed else (value < high))
