"""The operator analyze_selection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.analysis_summary import AnalysisResult
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import AnalyzeSelection as Parameters
from . import forms_analyze
from .verb import Verb


class AnalyzeSelection(Verb):
    """Measures what a selection is worth, and opens the panel that shows it."""

    model = Parameters
    verb = "analyze_selection"
    label = "Analyze selection"
    icon = "/assets/analyze.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def target(self, ctx: foo.ExecutionContext) -> Any:
        """The samples that the person chose; a selection knows itself which ones it was made from."""
        if forms_analyze.analyzes_selection(ctx.dataset, ctx.params):
            return ctx.dataset
        return ctx.target_view()

    def draw(self, ctx: foo.ExecutionContext, inputs: types.Object, samples: Any) -> None:
        forms_analyze.draw_form(inputs, samples, ctx.params)

    def submitted(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        return forms_analyze.submitted_form(ctx.params)

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> AnalysisResult:
        return api.analyze_selection(samples, **parameters, progress=progress)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        yield ctx.ops.reload_dataset()
        yield ctx.ops.open_panel("shortlist_panel", layout="horizontal")

    def __call__(self, sample_collection: Any, run_key: str, *, delegate: bool = False, **parameters: Any) -> Any:
        """Analyzes from Python; see ``shortlist.analyze_selection``.

        Args:
            sample_collection: a dataset or a view of its samples
            run_key: a selection, a tag or a saved view
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"run_key": run_key, **parameters},
            delegate,
            lambda: api.analyze_selection(sample_collection, run_key, **parameters),
        )
