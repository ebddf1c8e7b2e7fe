"""The operator start_review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.review.started import StartedReview
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import StartReview as Parameters
from . import forms_review
from .verb import Verb, opened


class StartReview(Verb):
    """Starts a review of label issues, labels or samples, and opens it."""

    model = Parameters
    verb = "start_review"
    label = "Start review"
    icon = "/assets/review.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def draw(self, ctx: foo.ExecutionContext, inputs: types.Object, samples: Any) -> None:
        forms_review.draw_form(inputs, samples, ctx.params)

    def submitted(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        return forms_review.submitted_form(ctx.params)

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> StartedReview:
        return api.start_review(samples, **parameters, progress=progress)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, StartedReview)
        yield ctx.ops.reload_dataset()
        yield from opened(ctx, summary.run_key, summary.view)
        yield ctx.ops.open_panel("shortlist_review", layout="horizontal")

    def __call__(
        self,
        sample_collection: Any,
        run_key: str,
        label_field: str | None = None,
        *,
        delegate: bool = False,
        **parameters: Any,
    ) -> Any:
        """Starts a review from Python; see ``shortlist.start_review``.

        Args:
            sample_collection: a dataset or a view
            run_key: the name of the review
            label_field: the labels to review
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        labels = {} if label_field is None else {"label_field": label_field}
        return self._called(
            sample_collection,
            {"run_key": run_key, **labels, **parameters},
            delegate,
            lambda: api.start_review(sample_collection, run_key, label_field, **parameters),
        )
