"""The operator export_annotations."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.review.handed_over import HandedOver
from ..core.progress import Progress
from ..core.verbs import ExportAnnotations as Parameters
from .verb import Verb


class ExportAnnotations(Verb):
    """Hands samples to annotators."""

    model = Parameters
    verb = "export_annotations"
    label = "Hand over to annotators"
    icon = "/assets/annotate.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> HandedOver:
        return api.export_annotations(samples, **parameters, progress=progress)

    def __call__(
        self, sample_collection: Any, run_key: str, label_field: str, *, delegate: bool = False, **parameters: Any
    ) -> Any:
        """Hands over from Python; see ``shortlist.export_annotations``.

        Args:
            sample_collection: a dataset or a view of images
            run_key: the name of the hand-over
            label_field: the field that annotations go to
            delegate: whether to queue it
            **parameters: the others
        """
        given = {"run_key": run_key, "label_field": label_field, **parameters}
        return self._called(
            sample_collection, given, delegate, lambda: api.export_annotations(sample_collection, **given)
        )
