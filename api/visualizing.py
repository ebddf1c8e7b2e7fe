"""The verb visualize_embeddings."""

from __future__ import annotations

from typing import Any

from ..core.progress import Progress
from ..core.schema import parse
from ..core.verbs import VisualizeEmbeddings
from ..dataset import brain
from ..dataset.reservation import reserved
from ..dataset.samples import Samples, dataset_of, samples_of
from .summary import VisualizationSummary
from .terminal import Bar


def visualize_embeddings(
    samples: Samples, embeddings: str | None = None, *, progress: Progress | None = None, **parameters: Any
) -> VisualizationSummary:
    """Computes a Brain visualization of embeddings, and a similarity index if asked.

    Args:
        samples: a dataset or a view of its samples
        embeddings: the vector field; the only one by default, or the one that a model's are stored in
        progress: told the steps done; a bar in the terminal by default
        **parameters: ``model``, ``method``, ``brain_key``, ``similarity_key``, ``color_by``, ``seed``; see the reference

    Returns:
        what was made

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(VisualizeEmbeddings, {"embeddings": embeddings, **parameters})
    samples = samples_of(samples)
    with Bar.unless(progress) as told, reserved(dataset_of(samples), f"the Brain key {given.brain_key}"):
        made = brain.visualize(samples, given, told)
    return VisualizationSummary(
        given.brain_key,
        made.method,
        made.n_samples,
        made.embeddings,
        given.similarity_key,
        given.color_by,
        made.left_out,
    )
