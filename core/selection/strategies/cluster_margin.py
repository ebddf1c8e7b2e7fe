"""CLUSTER_MARGIN: the most uncertain samples, but no more of a kind than of any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...vectors import checked
from ..engine.gains import Gains
from ..inputs import Scores
from ..parts.clusters import ClusterGains, k_means, most_weighty
from ..strategy import Pool, Strategy
from ..values import Takes, numbers


class ClusterMargin(Strategy):
    """Picks among the samples of the highest weight, in turn from each of their clusters, the smallest cluster first."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = "Citovsky et al., Batch Active Learning at Scale (Cluster-Margin), 2021"
    gain_means: ClassVar[str] = (
        "1 for the highest weight of a cluster without a pick, less for lower ones and with every pick"
    )
    by_chance: ClassVar[bool] = True
    beside: ClassVar[Mapping[str, Takes]] = {"weight": "numbers"}

    type: Literal["CLUSTER_MARGIN"]
    weight: Scores = Field(description="What is picked for, such as one minus the margin of a sample's prediction.")
    candidates_per_pick: int = Field(
        10, ge=1, description="How many samples of the highest weight are clustered, a pick; others come last."
    )

    def words(self, source: str) -> str:
        most = f"the {'highest' if self.strength > 0 else 'lowest'} {self.weight.words()}"
        return f"takes {most} of each cluster of {source}"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        vectors, weights = checked(values), numbers(pool.beside["weight"])
        rows = most_weighty(weights, pool, self.candidates_per_pick)
        clusters = np.full(len(vectors), -1)
        if not len(rows):
            return ClusterGains(clusters, weights, np.zeros(0), np.zeros(0, np.int64), pool.eligible)
        clusters[rows], centres = k_means(vectors[rows], pool.n, pool.seed, progress=pool.progress)
        low, high = float(weights[pool.eligible].min()), float(weights[pool.eligible].max())
        share = np.clip((weights - low) / (high - low), 0, 1) if high > low else np.ones(len(weights))
        smallest_first = -np.bincount(clusters[rows], minlength=len(centres)).astype(np.float64)
        used = np.zeros(len(centres), np.int64)
        return ClusterGains(clusters, share, smallest_first, used, pool.eligible, share - 1)
