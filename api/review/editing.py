"""Correcting labels by hand in the App: what its annotation mode needs to know of a field."""

from __future__ import annotations

import fiftyone as fo

from ...core.errors import ShortlistError, listed
from ...dataset.labels import LABEL_TYPES
from ...dataset.review.kept import Record as Record
from ...dataset.samples import Samples, home_of
from ...dataset.selections import user

#: what the App's annotation mode can change
EDITABLE = (fo.Classification, fo.Classifications, fo.Detection, fo.Detections, fo.Polyline, fo.Polylines)


def make_editable(samples: Samples, label_field: str) -> bool:
    """Lets people correct a label field in the App's annotation mode, which shows only fields that it has a schema of.

    A schema that is there stays as it is; one that is lacking is made from the labels, as FiftyOne does it.

    Args:
        samples: a dataset or a view of it
        label_field: the field

    Returns:
        whether anything was to be done

    Raises:
        ShortlistError: labels of the type cannot be changed in the App
    """
    dataset = home_of(samples)
    field = dataset.get_field(label_field)
    kind = getattr(field, "document_type", None)
    if kind not in EDITABLE:
        name = kind.__name__ if kind in LABEL_TYPES else type(field).__name__
        can = listed(one.__name__ for one in EDITABLE)
        raise ShortlistError(f"{label_field!r} must hold {can} to be corrected in the App. Got {name} instead.")
    if label_field in (dataset.active_label_schemas or []):
        return False
    if label_field not in (dataset.label_schemas or {}):
        made = dataset.generate_label_schemas(label_field, scan_samples=True)
        dataset.update_label_schema(label_field, made)
    dataset.activate_label_schemas([label_field])
    return True


def person() -> str:
    """Who runs the App, by the system's name for them."""
    return user()
