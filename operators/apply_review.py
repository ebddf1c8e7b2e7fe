"""The operator apply_review."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.review.applied import AppliedReview
from ..core.progress import Progress
from ..core.verbs import ApplyReview as Parameters
from .verb import Verb


class ApplyReview(Verb):
    """Writes what was decided in a review to the labels, with a record of what they were."""

    model = Parameters
    verb = "apply_review"
    label = "Apply review"
    icon = "/assets/apply.svg"
    risk = types.RiskLevel.HIGH
    has_target = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> AppliedReview:
        return api.apply_review(samples, **parameters, progress=progress)

    def __call__(
        self, sample_collection: Any, run_key: str, output_field: str | None = None, delegate: bool = False
    ) -> Any:
        """Applies a review from Python; see ``shortlist.apply_review``.

        Args:
            sample_collection: a dataset, or a view of one
            run_key: the review
            output_field: a new field that gets a copy of the labels with the changes; None: the labels themselves
            delegate: whether to queue it
        """
        parameters: dict[str, Any] = {
            "run_key": run_key,
            **({} if output_field is None else {"output_field": output_field}),
        }
        return self._called(
            sample_collection, parameters, delegate, lambda: api.apply_review(sample_collection, **parameters)
        )
