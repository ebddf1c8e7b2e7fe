"""Reading METADATA and SCORES: plain fields of samples, as numbers or as categories."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Metadata, Scores
from ..core.selection.values import Amounts
from .image_quality import FIELD
from .results import is_complete
from .rows import Rows
from .samples import FRAMES, Samples, dataset_of, field_of, stored_path, value_at
from .score_fields import sample_path
from .sources import CATEGORIES, NUMBERS, category_fields, inside_list, item_of, number_fields
from .tally import Tally

# Different fractions that a field may have and still be one of categories.
_FRACTIONS = 64

#: LightlyOne's names for what ``score_images`` measures
_LIGHTLY = {
    "lightly.sharpness": "sharpness",
    "lightly.uniformRowRatio": "uniform_row_ratio",
    "lightly.luminance": "brightness",
    "lightly.snr": "snr",
    "lightly.sizeInBytes": "size_bytes",
}


def metadata_path(key: str, samples: Samples) -> str:
    """The field that a key means: its own name, or for a key of LightlyOne's what ``score_images`` measured.

    Raises:
        ShortlistError: it means an image metric that was not measured yet
    """
    if key not in _LIGHTLY or samples.get_field(key) is not None:
        return key
    path = f"{FIELD}.{_LIGHTLY[key]}"
    if not is_complete(dataset_of(samples), FIELD) or samples.get_field(path) is None:
        raise must_be(
            "input.key",
            f"a field of {dataset_of(samples).name!r}",
            key,
            f"It means {path!r} here, which is not there yet: run `score_images` first.",
        )
    return path


def scores_path(given: Scores, samples: Samples) -> str:
    """The field that a SCORES input means.

    Raises:
        ShortlistError: not exactly one of a field, and a task with a score
    """
    if given.field and not (given.task or given.score):
        return given.field
    if given.task and given.score and not given.field:
        return sample_path(given.task, given.score)
    raise must_be(
        "the input SCORES",
        "given either a field, or a task (label field) and a score",
        {name: value for name, value in given.model_dump().items() if value is not None and name != "type"},
        f"Number fields here: {listed(number_fields(samples))}.",
    )


def unscored(given: Scores, samples: Samples) -> Samples | None:
    """The samples whose score must be computed first: all, those that have predictions and no score yet, or none."""
    path = scores_path(given, samples)
    if given.task is None:
        return None
    if not is_complete(dataset_of(samples), path):
        return samples
    # What frames hold cannot be asked of the samples themselves.
    labeled = samples if given.task.startswith(FRAMES) else samples.exists(given.task)
    lacking = labeled.exists(path, False)
    return lacking if len(lacking) else None


def number_field(path: str, where: str, samples: Samples) -> fo.Field:
    """The field at a path, if it has one number, date or truth value a sample.

    Raises:
        ShortlistError: no such field, or one of another type
    """
    field = _of_samples(path, where, samples, number_fields)
    if not isinstance(field, NUMBERS) or inside_list(samples.get_field_schema(flat=True), path):
        raise must_be(
            where, "a field with one number, date or truth value a sample", f"{path} ({type(field).__name__})"
        )
    return field


def read_numbers(
    path: str, where: str, rows: Rows, default: Any = None, progress: Progress = silent
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) the numbers of a field, NaN where there is none, and (n,) bool, which rows have one.

    Raises:
        ShortlistError: no such field, one of another type, or one without a single value
    """
    number_field(path, where, rows.samples)
    if isinstance(default, str):
        raise must_be(f"{where.rpartition('.')[0]}.default_value", "a number where numbers are wanted", default)
    values = np.full(len(rows), np.nan)
    for places, found in rows.values_at(path, progress):
        values[places] = [np.nan if value is None else as_number(value) for value in found]
    if default is not None:
        values[np.isnan(values)] = float(default)
    present = ~np.isnan(values)
    if not present.any():
        raise ShortlistError(f"{where}: no sample has a value in {path!r}.")
    return values, present


def as_number(value: Any) -> float:
    """A number, a truth value or a time as a float; times count in seconds since 1970 (UTC)."""
    if isinstance(value, datetime):
        # The database gives times in UTC without saying so.
        return value.replace(tzinfo=UTC).timestamp()
    return float(value)


def category_field(path: str, where: str, samples: Samples) -> fo.Field:
    """The field at a path, if its values can be categories.

    Raises:
        ShortlistError: no such field, or one of another type
    """
    field = _of_samples(path, where, samples, category_fields)
    if not isinstance(item_of(field), (*CATEGORIES, fo.FloatField)) or isinstance(field, fo.VectorField):
        raise must_be(
            where, "a field with texts, truth values, whole numbers or dates", f"{path} ({type(field).__name__})"
        )
    if inside_list(samples.get_field_schema(flat=True), path):
        raise must_be(
            where, "a field of samples, not of the items of a list", path,
            "For the classes of labels use the input PREDICTIONS.",
        )  # fmt: skip
    return field


def read_categories(given: Metadata, rows: Rows, progress: Progress = silent) -> tuple[Amounts, NDArray[np.bool_]]:
    """The categories of every row, a 1 each: one, those of a list, or the combinations of several fields.

    Raises:
        ShortlistError: no such field, one whose values are no categories, or one without a single value
    """
    wheres = ["input.key", *(f"input.cross[{place}]" for place in range(len(given.cross or ())))]
    paths = [metadata_path(key, rows.samples) for key in (given.key, *(given.cross or ()))]
    fields = [category_field(path, where, rows.samples) for path, where in zip(paths, wheres, strict=True)]
    fractions = [
        _Fractions(path, where)
        for path, where, field in zip(paths, wheres, fields, strict=True)
        if isinstance(item_of(field), fo.FloatField)
    ]
    paths = [stored_path(path, rows.samples) for path in paths]
    tally, present = Tally(len(rows)), np.zeros(len(rows), bool)
    for places, batch in rows.documents(dict.fromkeys(paths, True), progress, f"reading {given.label()}"):
        for one in fractions:
            one.add(value_at(document, one.path) for document in batch)
        lists = [combinations([value_at(document, path) for path in paths], given.default_value) for document in batch]
        there = np.array([one is not None for one in lists], bool)
        present[places[there]] = True
        lengths = [len(one or ()) for one in lists]
        tally.add(np.repeat(places, lengths), (name for one in lists for name in one or ()))
    if not present.any():
        raise ShortlistError(f"input.key: no sample has a value in {given.label()!r}.")
    return tally.amounts(), present


def category_name(value: Any) -> str:
    """A value as a category: dates by the day, truth values as ``true`` and ``false``, numbers without a point if whole.

    >>> category_name(True), category_name(3.0), category_name("sunny")
    ('true', '3', 'sunny')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, (datetime, date)):
        return f"{value:%Y-%m-%d}"
    return str(value)


def combinations(values: Sequence[Any], default: Any = None) -> list[str] | None:
    """The categories of one sample: every combination of a category of each value; None where a value is missing.

    >>> combinations(["sunny", ["day", "night"]]), combinations([None, 3], default="?")
    (['sunny, day', 'sunny, night'], ['?, 3'])
    """
    parts = []
    for value in values:
        names = _names(value)
        if names is None and default is None:
            return None
        parts.append([category_name(default)] if names is None else names)
    return parts[0] if len(parts) == 1 else [", ".join(one) for one in product(*parts)]


def _names(value: Any) -> list[str] | None:
    """The categories of a raw value, each once; None where there is no value. A list without items is one of none."""
    if isinstance(value, list):
        return list(dict.fromkeys(category_name(one) for one in value if one is not None))
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return [category_name(value)]


class _Fractions:
    """Refuses a field of numbers that are no categories: too many different ones with a fraction.

    Args:
        path: the field
        where: the parameter that names it
    """

    def __init__(self, path: str, where: str):
        self.path, self._where = path, where
        self._found: set[float] = set()

    def add(self, values: Any) -> None:
        """Takes the values of a batch."""
        self._found.update(value for value in values if isinstance(value, float) and not value.is_integer())
        if len(self._found) > _FRACTIONS:
            raise ShortlistError(
                f"{self._where} must be a field with texts, truth values, whole numbers or dates, or at most {_FRACTIONS} "
                f"different fractions. Got more of them in {self.path!r} instead."
            )


def _of_samples(path: str, where: str, samples: Samples, among: Callable[[Samples], list[str]]) -> fo.Field:
    field = field_of(samples, path, where, among(samples))
    if path.startswith(FRAMES) and samples._contains_videos():
        raise must_be(where, "a field of samples, not of their frames", path)
    return field
