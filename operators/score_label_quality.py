"""The operator score_label_quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.label_summary import LabelQualitySummary
from ..api.summary import Summary
from ..core.progress import Progress
from ..core.verbs import ScoreLabelQuality as Parameters
from ..panels.charts import confusion_plot
from .verb import Verb, opened


class ScoreLabelQuality(Verb):
    """Finds labels that are likely wrong."""

    model = Parameters
    verb = "score_label_quality"
    label = "Score label quality"
    icon = "/assets/quality.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> LabelQualitySummary:
        return api.score_label_quality(samples, **parameters, progress=progress)

    def told(self, summary: Summary) -> dict[str, Any]:
        assert isinstance(summary, LabelQualitySummary)
        pairs = [[one.given, one.suggested, one.count] for one in summary.confusions]
        return {**super().told(summary), "confusions": pairs}

    def outputs(self, told: Mapping[str, Any]) -> types.Object:
        outputs = super().outputs(told)
        if pairs := told.get("confusions"):
            outputs.plot("confusion_plot", label="What is given for what", **confusion_plot(pairs))
        return outputs

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, LabelQualitySummary)
        yield ctx.ops.reload_dataset()
        if summary.n_flagged:
            yield from opened(ctx, summary.view, summary.issues)

    def __call__(
        self,
        sample_collection: Any,
        label_field: str,
        predictions_field: str,
        *,
        delegate: bool = False,
        **parameters: Any,
    ) -> Any:
        """Scores from Python; see ``shortlist.score_label_quality``.

        Args:
            sample_collection: a dataset or a view of its samples
            label_field: the field with the given labels
            predictions_field: the field with the predictions to compare them with
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"label_field": label_field, "predictions_field": predictions_field, **parameters},
            delegate,
            lambda: api.score_label_quality(sample_collection, label_field, predictions_field, **parameters),
        )
