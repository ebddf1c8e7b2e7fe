"""Several number fields of samples in one reading, and which fields of a dataset Shortlist's scores are in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress, silent
from .input_fields import as_number
from .label_issues import ISSUE
from .results import is_complete, mark_of
from .rows import Rows
from .samples import Samples, dataset_of, uncollected, value_at
from .sources import category_fields, number_fields

#: how the names of the verbs that score begin
_SCORING = "score_"


def read_columns(paths: Sequence[str], rows: Rows, progress: Progress = silent) -> NDArray[np.float64]:
    """(len(paths), n) the numbers of several fields, NaN where a row has none.

    Args:
        paths: fields with one number, date or truth value a sample
        rows: the samples
        progress: told the samples read
    """
    values = np.full((len(paths), len(rows)), np.nan)
    if not paths:
        return values
    # The database refuses a path beside one that it is part of; there is none among fields of one value.
    with uncollected():
        for places, batch in rows.documents(dict.fromkeys(paths, True), progress, "reading numbers"):
            for column, path in zip(values, paths, strict=True):
                found = (value_at(document, path) for document in batch)
                column[places] = [np.nan if value is None else as_number(value) for value in found]
    return values


def written_scores(samples: Samples) -> tuple[list[str], list[str]]:
    """The fields of samples that hold finished scores of Shortlist's, and those that say which label issue there is."""
    dataset = dataset_of(samples)
    numbers = [
        path
        for path in number_fields(samples)
        if _is_score(dataset, path) and "range" in (mark_of(dataset, path) or {})
    ]
    issues = [path for path in category_fields(samples) if _is_score(dataset, path) and path.endswith(f"_{ISSUE}")]
    return numbers, issues


def _is_score(dataset: Samples, path: str) -> bool:
    """Whether a verb that scores has written a field, whole. A part of a document is as complete as the document."""
    mark = mark_of(dataset, path)
    owner = path if "." not in path or (mark or {}).get("status") else path.split(".")[0]
    return str((mark or {}).get("verb", "")).startswith(_SCORING) and is_complete(dataset, owner)
