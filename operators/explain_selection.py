"""The operator explain_selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.explaining import Explanation
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import ExplainSelection as Parameters
from .verb import Verb


class ExplainSelection(Verb):
    """Says why samples were picked in a selection, or why not."""

    model = Parameters
    verb = "explain_selection"
    label = "Why not this sample?"
    icon = "/assets/explain.svg"
    risk = types.RiskLevel.LOW
    place = types.Places.SAMPLES_VIEWER_ACTIONS

    def target(self, ctx: foo.ExecutionContext) -> Any:
        """The sample that is open, or else the samples that the person chose."""
        if ctx.current_sample is not None:
            return ctx.dataset.select([ctx.current_sample])
        return ctx.target_view()

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> Explanation:
        return api.explain_selection(samples, **parameters, progress=progress)

    def told(self, summary: Summary) -> dict[str, Any]:
        assert isinstance(summary, Explanation)
        rows = [
            {"sample": one.name, "rank": "" if one.rank is None else str(one.rank), "why": one.sentence}
            for one in summary.samples
        ]
        return {"headline": summary.headline, "samples": rows, "notes": " ".join(summary.notes)}

    def outputs(self, told: Mapping[str, Any]) -> types.Object:
        outputs = types.Object()
        outputs.str("headline", view=types.LabelValueView(label="Done"))
        if told.get("notes"):
            outputs.view("note", types.Warning(label=told["notes"]))
        row, table = types.Object(), types.TableView()
        for name, label in (("sample", "Sample"), ("rank", "Rank"), ("why", "Why")):
            row.str(name)
            table.add_column(name, label=label)
        outputs.list("samples", row, view=table)
        return outputs

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        """Nothing was changed."""
        yield from ()

    def __call__(self, sample_collection: Any, run_key: str, *, delegate: bool = False) -> Any:
        """Explains from Python; see ``shortlist.explain_selection``.

        Args:
            sample_collection: a dataset or a view of the samples asked about
            run_key: the selection
            delegate: whether to queue the work for a delegated run
        """
        return self._called(
            sample_collection,
            {"run_key": run_key},
            delegate,
            lambda: api.explain_selection(sample_collection, run_key),
        )
