"""The points of a visualization that the Brain made, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.errors import listed, must_be
from .rows import Rows
from .samples import Samples, dataset_of


@dataclass(frozen=True)
class Points:
    """Samples in two dimensions.

    Args:
        brain_key: the Brain run
        method: how the dimensions were made
        positions: (n, 2) float64, NaN for a row without a point
    """

    brain_key: str
    method: str
    positions: NDArray[np.float64]


def visualizations(samples: Samples, embeddings: str | None = None) -> list[str]:
    """The Brain runs that place samples in two dimensions, the newest first.

    Args:
        samples: the samples
        embeddings: only those of this vector field; all by default
    """
    infos = [samples.get_brain_info(key) for key in samples.list_brain_runs(type="visualization")]
    fitting = [
        info
        for info in infos
        if not getattr(info.config, "patches_field", None)
        and getattr(info.config, "num_dims", 2) == 2
        and (embeddings is None or getattr(info.config, "embeddings_field", None) == embeddings)
    ]
    return [info.key for info in sorted(fitting, key=lambda info: info.timestamp, reverse=True)]


def check_visualization(samples: Samples, brain_key: str) -> None:
    """Stops before a Brain run that has no points of samples.

    Raises:
        ShortlistError: no such run, or one of another kind
    """
    known = visualizations(samples)
    if brain_key not in known:
        runs = f"It has {listed(known)}." if known else "There is none: make one with `visualize_embeddings`."
        raise must_be("brain_key", "a Brain run that visualizes samples in two dimensions", brain_key, runs)


def points_of(brain_key: str, rows: Rows) -> Points | None:
    """The points of a visualization; None where none of the rows has one.

    Args:
        brain_key: the Brain run, see ``visualizations``
        rows: the samples
    """
    dataset = dataset_of(rows.samples)
    results = dataset.load_brain_results(brain_key, load_view=False)
    found, ids = getattr(results, "points", None), getattr(results, "sample_ids", None)
    if found is None or ids is None or not len(ids):
        return None
    places = rows.of(np.asarray(ids).astype("S24"))
    positions = np.full((len(rows), 2), np.nan)
    positions[places[places >= 0]] = np.asarray(found, np.float64)[places >= 0, :2]
    positions[~np.isfinite(positions).all(axis=1)] = np.nan
    if np.isnan(positions).all():
        return None
    method = str(getattr(dataset.get_brain_info(brain_key).config, "method", None) or "manual")
    return Points(brain_key, method, positions)
