"""The operator review_progress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.review.progress import ReviewStatus
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import ReviewProgress as Parameters
from .verb import Verb


class ReviewProgress(Verb):
    """Says how far a review is, and what its verdicts tell."""

    model = Parameters
    verb = "review_progress"
    label = "Review progress"
    icon = "/assets/analyze.svg"
    risk = types.RiskLevel.LOW
    has_target = False
    delegable = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> ReviewStatus:
        return api.review_progress(samples, **parameters)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        """Nothing was changed."""
        yield from ()

    def __call__(self, sample_collection: Any, run_key: str) -> Any:
        """Says how far a review is; see ``shortlist.review_progress``.

        Args:
            sample_collection: a dataset, or a view of one
            run_key: the review
        """
        return api.review_progress(sample_collection, run_key)
