"""The operator score_uncertainty."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.summary import ScoreSummary
from ..core.progress import Progress
from ..core.verbs import ScoreUncertainty as Parameters
from .verb import Verb


class ScoreUncertainty(Verb):
    """Scores how unsure a model is of its predictions."""

    model = Parameters
    verb = "score_uncertainty"
    label = "Score uncertainty"
    icon = "/assets/score.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> ScoreSummary:
        return api.score_uncertainty(samples, **parameters, progress=progress)

    def __call__(self, sample_collection: Any, label_field: str, *, delegate: bool = False, **parameters: Any) -> Any:
        """Scores from Python; see ``shortlist.score_uncertainty``.

        Args:
            sample_collection: a dataset or a view of its samples
            label_field: the field with the predictions
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"label_field": label_field, **parameters},
            delegate,
            lambda: api.score_uncertainty(sample_collection, label_field, **parameters),
        )
