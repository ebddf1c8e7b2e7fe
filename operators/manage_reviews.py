"""The operator manage_reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.review.started import ManagedReviews
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import ManageReviews as Parameters
from .verb import Verb, opened


class ManageReviews(Verb):
    """Lists, opens and deletes reviews."""

    model = Parameters
    verb = "manage_reviews"
    label = "Manage reviews"
    icon = "/assets/manage.svg"
    risk = types.RiskLevel.HIGH
    has_target = False
    delegable = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> ManagedReviews:
        return api.manage_reviews(samples, **parameters)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, ManagedReviews)
        if summary.action == "load":
            yield from opened(ctx, str(summary.run_key), summary.view)
            yield ctx.ops.open_panel("shortlist_review", layout="horizontal")
        elif summary.action == "delete":
            # The context's view would be loaded by a name that is gone.
            if ctx.request_params.get("view_name") in summary.gone:
                yield ctx.ops.clear_view()
            yield ctx.ops.reload_dataset()

    def __call__(self, sample_collection: Any, action: str = "list", run_key: str | None = None) -> Any:
        """Manages reviews from Python; see ``shortlist.list_reviews`` and its neighbours.

        Args:
            sample_collection: a dataset, or a view of one
            action: ``list``, ``load`` or ``delete``
            run_key: the review to load or delete
        """
        return api.manage_reviews(sample_collection, action, run_key)
