"""The operator select_samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.summary import SelectionResult, Summary
from ..core.progress import Progress
from ..core.verbs import SelectSamples as Parameters
from .verb import Verb, opened


class SelectSamples(Verb):
    """Selects the samples to label or review next."""

    model = Parameters
    verb = "select_samples"
    label = "Select samples"
    icon = "/assets/select.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> SelectionResult:
        return api.select_samples(samples, **parameters, progress=progress)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, SelectionResult)
        yield ctx.ops.reload_dataset()
        yield from opened(ctx, summary.run_key, summary.view)

    def __call__(self, sample_collection: Any, config: Any, run_key: str, *, delegate: bool = False) -> Any:
        """Selects from Python; see ``shortlist.select_samples``.

        Args:
            sample_collection: a dataset or a view of its samples: the candidates
            config: the selection config
            run_key: the name of the selection
            delegate: whether to queue the work for a delegated run
        """
        return self._called(
            sample_collection,
            {"config": config, "run_key": run_key},
            delegate,
            lambda: api.select_samples(sample_collection, config, run_key),
        )
