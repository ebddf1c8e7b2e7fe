"""The operator undo_review."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.review.applied import UndoneReview
from ..core.progress import Progress
from ..core.verbs import UndoReview as Parameters
from .verb import Verb


class UndoReview(Verb):
    """Puts back the labels as they were before a review was applied, or before annotations were merged."""

    model = Parameters
    verb = "undo_review"
    label = "Undo review"
    icon = "/assets/undo.svg"
    risk = types.RiskLevel.HIGH
    has_target = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> UndoneReview:
        return api.undo_review(samples, **parameters, progress=progress)

    def __call__(self, sample_collection: Any, run_key: str, delegate: bool = False) -> Any:
        """Takes a review back from Python; see ``shortlist.undo_review``.

        Args:
            sample_collection: a dataset, or a view of one
            run_key: the review that was applied, or the merge of annotations
            delegate: whether to queue it
        """
        parameters: dict[str, Any] = {"run_key": run_key}
        return self._called(
            sample_collection, parameters, delegate, lambda: api.undo_review(sample_collection, **parameters)
        )
