"""The operator merge_annotations."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.review.handed_over import MergedAnnotations
from ..core.progress import Progress
from ..core.verbs import MergeAnnotations as Parameters
from .verb import Verb


class MergeAnnotations(Verb):
    """Merges what annotators made."""

    model = Parameters
    verb = "merge_annotations"
    label = "Merge annotations"
    icon = "/assets/merge.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS
    has_target = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> MergedAnnotations:
        return api.merge_annotations(samples, **parameters, progress=progress)

    def __call__(self, sample_collection: Any, run_key: str, path: str | None = None, *, delegate: bool = False) -> Any:
        """Merges from Python; see ``shortlist.merge_annotations``.

        Args:
            sample_collection: the dataset, or a view of it
            run_key: the name of the hand-over
            path: the file that came back
            delegate: whether to queue it
        """
        given = {"run_key": run_key} | ({} if path is None else {"path": str(path)})
        return self._called(
            sample_collection, given, delegate, lambda: api.merge_annotations(sample_collection, run_key, path)
        )
