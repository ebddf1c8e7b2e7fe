"""The operator select_samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api import configs
from ..api.summary import SelectionResult, Summary
from ..core.progress import Progress
from ..core.schema import parse
from ..core.verbs import SelectSamples as Parameters
from . import forms_select
from .verb import Verb, opened


class SelectSamples(Verb):
    """Selects the samples to label or review next."""

    model = Parameters
    verb = "select_samples"
    label = "Select samples"
    icon = "/assets/select.svg"
    place = types.Places.SAMPLES_GRID_SECONDARY_ACTIONS

    def draw(self, ctx: foo.ExecutionContext, inputs: types.Object, samples: Any) -> None:
        forms_select.draw_form(inputs, samples, ctx.params)

    def submitted(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        if forms_select.is_form(ctx.params):
            return forms_select.submitted_form(self.target(ctx), ctx.params)
        return {name: value for name, value in ctx.params.items() if name != "view_target" and value is not None}

    def _run(self, ctx: foo.ExecutionContext, progress: Progress) -> Summary:
        name, replace = forms_select.saving(ctx.params)
        if name is None:
            return super()._run(ctx, progress)
        config = parse(Parameters, self.submitted(ctx)).config
        configs.refuse_taken(name, config, overwrite=replace)
        summary = super()._run(ctx, progress)
        configs.save_config(name, config, overwrite=replace)
        return summary

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> SelectionResult:
        return api.select_samples(samples, **parameters, progress=progress)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, SelectionResult)
        yield ctx.ops.reload_dataset()
        yield from opened(ctx, summary.run_key, summary.view)
        if (name := forms_select.saving(ctx.params)[0]) is not None:
            yield ctx.ops.notify(f"Saved the config as {name!r}", variant="info")

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
