"""The operator score_disagreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import api
from ..api.summary import DisagreementSummary
from ..core.progress import Progress
from ..core.verbs import ScoreDisagreement as Parameters
from .verb import Verb


class ScoreDisagreement(Verb):
    """Scores how far several predictions of the same samples differ."""

    model = Parameters
    verb = "score_disagreement"
    label = "Score disagreement"
    icon = "/assets/score.svg"

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> DisagreementSummary:
        return api.score_disagreement(samples, **parameters, progress=progress)

    def __call__(
        self, sample_collection: Any, label_fields: Sequence[str], *, delegate: bool = False, **parameters: Any
    ) -> Any:
        """Scores from Python; see ``shortlist.score_disagreement``.

        Args:
            sample_collection: a dataset or a view of its samples
            label_fields: the fields to compare
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"label_fields": label_fields, **parameters},
            delegate,
            lambda: api.score_disagreement(sample_collection, label_fields, **parameters),
        )
