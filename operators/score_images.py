"""The operator score_images."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api.summary import ImageSummary
from ..core.progress import Progress
from ..core.verbs import ScoreImages as Parameters
from .verb import Verb


class ScoreImages(Verb):
    """Measures image files and flags likely problems."""

    model = Parameters
    verb = "score_images"
    label = "Score images"
    icon = "/assets/image.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> ImageSummary:
        return api.score_images(samples, **parameters, progress=progress)

    def __call__(self, sample_collection: Any, *, delegate: bool = False, **parameters: Any) -> Any:
        """Scores from Python; see ``shortlist.score_images``.

        Args:
            sample_collection: a dataset or a view of its samples
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection, parameters, delegate, lambda: api.score_images(sample_collection, **parameters)
        )
