"""The operator back_test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.back_testing import BackTestResult
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import BackTest as Parameters
from . import forms_folded
from .verb import Verb

_FIRST = ("label_field", "run_key", "embeddings", "labeled", "strategies", "configs", "next_labels")


class BackTest(Verb):
    """Replays strategies on the samples that have labels, and opens the panel that shows the curves."""

    model = Parameters
    verb = "back_test"
    label = "Back-test strategies"
    icon = "/assets/back_test.svg"

    def draw(self, ctx: foo.ExecutionContext, inputs: types.Object, samples: Any) -> None:
        forms_folded.draw_folded(Parameters, _FIRST, inputs, samples, ctx.params)

    def submitted(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        return forms_folded.submitted_folded(Parameters, ctx.params)

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> BackTestResult:
        return api.back_test(samples, **parameters, progress=progress)

    def told(self, summary: Summary) -> dict[str, Any]:
        """The outcome in short: the panel, which opens, has the rest."""
        assert isinstance(summary, BackTestResult)
        best = summary.report.best
        kept = {"forecast", "warning", "kept as", summary.report.random.name, *([best.name] if best else [])}
        told = super().told(summary)
        return {**told, "details": [row for row in told["details"] if row["what"] in kept]}

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        """Nothing in the samples was changed."""
        yield ctx.ops.open_panel("shortlist_panel", layout="horizontal")

    def __call__(self, sample_collection: Any, label_field: str, *, delegate: bool = False, **parameters: Any) -> Any:
        """Back-tests from Python; see ``shortlist.back_test``.

        Args:
            sample_collection: a dataset or a view of its samples
            label_field: the labels
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"label_field": label_field, **parameters},
            delegate,
            lambda: api.back_test(sample_collection, label_field, **parameters),
        )
