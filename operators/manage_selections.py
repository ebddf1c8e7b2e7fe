"""The operator manage_selections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.summary import ManagedSelections, Summary
from ..core.progress import Progress
from ..core.verbs import ManageSelections as Parameters
from .verb import Verb, opened


class ManageSelections(Verb):
    """Lists, opens and deletes selections."""

    model = Parameters
    verb = "manage_selections"
    label = "Manage selections"
    icon = "/assets/manage.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS
    risk = types.RiskLevel.HIGH
    has_target = False
    delegable = False

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> ManagedSelections:
        return api.manage_selections(samples, **parameters)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, ManagedSelections)
        if summary.action == "load":
            yield from opened(ctx, str(summary.run_key), summary.view)
        elif summary.action == "delete":
            # The context's view would be loaded by the name that is gone.
            if ctx.request_params.get("view_name") == summary.run_key:
                yield ctx.ops.clear_view()
            yield ctx.ops.reload_dataset()

    def __call__(self, sample_collection: Any, action: str = "list", run_key: str | None = None) -> Any:
        """Manages selections from Python; see ``shortlist.list_selections`` and its neighbours.

        Args:
            sample_collection: a dataset, or a view of one
            action: ``list``, ``load`` or ``delete``
            run_key: the selection to load or delete
        """
        return api.manage_selections(sample_collection, action, run_key)
