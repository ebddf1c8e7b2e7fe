"""The predictions by which labels were scored: the outlines of what they suggest, and the names of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo
import numpy as np

from ...core.geometry import box_iou
from ...core.review.items import Box
from .. import label_issues
from ..labels import LabelField, label_field, prediction_fields
from ..samples import value_at
from .places import box_of

# From which overlap of boxes on a prediction is taken for the one that a suggestion was made from.
_SAME = 0.9


class Predictions:
    """The predictions that a label field was last scored by, as far as they are still there.

    Args:
        dataset: where they are
        field: the labels
    """

    def __init__(self, dataset: fo.Dataset, field: LabelField):
        key = label_issues.run_key(field)
        is_scored = key in dataset.list_runs(method=label_issues.METHOD, label_field=field.path)
        parameters = dataset.get_run_info(key).config.parameters if is_scored else {}
        path = parameters.get("predictions_field")
        fits = path is not None and prediction_fields(dataset).get(path) is field.kind
        self.field = label_field(dataset, str(path)) if fits else None
        #: the given name of a predicted class, where they differ
        self.names: dict[str, str] = dict(parameters.get("class_names") or ())

    @property
    def classes(self) -> list[str]:
        """The classes that the model knows, by their given names; empty where nothing says."""
        return [] if self.field is None else [self.names.get(name, name) for name in self.field.classes]

    def projection(self, names: Sequence[str]) -> dict[str, Any]:
        """What must be read of a sample to find the outlines of objects."""
        if self.field is None or self.field.task != "objects":
            return {}
        return {f"{self.field.objects_path}.{name}": True for name in names}

    def at(self, document: Mapping[str, Any], label: str | None, box: Box | None) -> dict[str, Any] | None:
        """The predicted object of a class at a place; None where there is none.

        Args:
            document: the sample
            label: the class by its given name; None: of whichever
            box: the place
        """
        if self.field is None or self.field.task != "objects" or box is None:
            return None
        found = value_at(dict(document), self.field.objects_path) or []
        named = [one for one in found if label is None or self._name(one) == label]
        placed = [(one, place) for one in named if (place := box_of(one)) is not None]
        if not placed:
            return None
        overlaps = box_iou(np.array([box]), np.array([place for _, place in placed]))[0]
        best = int(overlaps.argmax())
        return placed[best][0] if overlaps[best] >= _SAME else None

    def _name(self, one: Mapping[str, Any]) -> Any:
        return self.names.get(str(one.get("label")), one.get("label"))
