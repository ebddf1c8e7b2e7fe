"""The operator score_predicted_loss."""

from __future__ import annotations

from typing import Any

from .. import api
from ..api.summary import PredictedLossSummary
from ..core.progress import Progress
from ..core.verbs import ScorePredictedLoss as Parameters
from .verb import Verb


class ScorePredictedLoss(Verb):
    """Learns from labelled samples how wrong a model's predictions are."""

    model = Parameters
    verb = "score_predicted_loss"
    label = "Score predicted loss"
    icon = "/assets/score.svg"

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> PredictedLossSummary:
        return api.score_predicted_loss(samples, **parameters, progress=progress)

    def __call__(
        self,
        sample_collection: Any,
        label_field: str,
        ground_truth: str,
        *,
        delegate: bool = False,
        **parameters: Any,
    ) -> Any:
        """Scores from Python; see ``shortlist.score_predicted_loss``.

        Args:
            sample_collection: a dataset or a view of its samples
            label_field: the field with the predictions
            ground_truth: the field with the truth of some samples
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"label_field": label_field, "ground_truth": ground_truth, **parameters},
            delegate,
            lambda: api.score_predicted_loss(sample_collection, label_field, ground_truth, **parameters),
        )
