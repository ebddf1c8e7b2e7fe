"""The operator visualize_embeddings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from .. import api
from ..api.summary import Summary, VisualizationSummary
from ..core.progress import Progress
from ..core.verbs import VisualizeEmbeddings as Parameters
from .verb import Verb


class VisualizeEmbeddings(Verb):
    """Computes a visualization of embeddings and opens the Embeddings panel on it."""

    model = Parameters
    verb = "visualize_embeddings"
    label = "Visualize embeddings"
    icon = "/assets/map.svg"
    place = types.Places.EMBEDDINGS_ACTIONS

    def call(self, samples: Any, parameters: dict[str, Any], progress: Progress) -> VisualizationSummary:
        return api.visualize_embeddings(samples, **parameters, progress=progress)

    def afterwards(self, ctx: foo.ExecutionContext, summary: Summary) -> Iterator[Any]:
        assert isinstance(summary, VisualizationSummary)
        yield ctx.ops.reload_dataset()
        panel = fo.Panel(type="Embeddings")
        grid = fo.Panel(type="Samples", pinned=True)
        space = fo.Space(
            children=[
                fo.Space(children=[grid], active_child=grid.component_id),
                fo.Space(children=[panel], active_child=panel.component_id),
            ],
            orientation="horizontal",
        )
        yield ctx.ops.set_spaces(spaces=space)
        # The panel forgets what it is told before it has been mounted, and nothing says when that is.
        opened = {"openKey": summary.brain_key, "colorField": summary.color_by}
        for _ in range(3):
            time.sleep(1)
            yield ctx.trigger("patch_panel_data", {"panel_id": panel.component_id, "data": opened, "full_merge": True})

    def __call__(
        self, sample_collection: Any, embeddings: str | None = None, *, delegate: bool = False, **parameters: Any
    ) -> Any:
        """Visualizes from Python; see ``shortlist.visualize_embeddings``.

        Args:
            sample_collection: a dataset or a view of its samples
            embeddings: the vector field
            delegate: whether to queue the work for a delegated run
            **parameters: as the verb takes them
        """
        return self._called(
            sample_collection,
            {"embeddings": embeddings, **parameters},
            delegate,
            lambda: api.visualize_embeddings(sample_collection, embeddings, **parameters),
        )
