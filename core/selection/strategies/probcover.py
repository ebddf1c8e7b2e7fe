"""PROBCOVER: cover the most samples with balls of one radius."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from pydantic import Field

from ...progress import Progress
from ...vectors import checked, nearest, own_order, unit
from ..engine.gains import Gains, Rows
from ..parts.balls import BallGains, balls_of
from ..parts.clusters import k_means
from ..parts.covering import stand_ins
from ..strategy import Pool, Strategy
from ..values import Takes

# Rows that are clustered, and among which the purity of balls is measured.
_CLUSTERED, _MEASURED = 20_000, 2000
# Rows that stand for the pool: as many as COVERAGE looks at, while the graph stays below this many edges.
_ROWS_A_PICK, _MIN_ROWS, _PRODUCTS, _EDGES = 20, 4096, 400_000_000, 20_000_000


class ProbCover(Strategy):
    """Picks what has the most samples within a radius that are within the radius of nothing picked so far."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = "Yehuda et al., Active Learning Through a Covering Lens (ProbCover), 2022"
    gain_means: ClassVar[str] = "share of the pool newly within the radius"
    by_chance: ClassVar[bool] = True

    type: Literal["PROBCOVER"]
    radius: float | None = Field(
        None,
        gt=0,
        le=2,
        description="How far a pick covers, as a distance of unit vectors. Nothing given: the greatest radius at which most "
        "balls are pure, with the clusters that k-means finds for classes.",
    )
    n_clusters: int = Field(
        10,
        ge=2,
        description="For a radius that is not given: how many clusters there are, such as the number of classes.",
    )
    purity: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="For a radius that is not given: the share of balls that must hold one cluster only.",
    )

    def words(self, source: str) -> str:
        radius = "" if self.radius is None else f" within {self.radius:g}"
        return f"{'covers' if self.strength > 0 else 'avoids'} the most of {source}{radius}"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        directions = unit(checked(values))
        radius = self.radius
        if radius is None:
            rows = np.union1d(pool.eligible, pool.preselected)
            radius = pure_radius(directions[rows], self.n_clusters, self.purity, pool.seed, pool.progress)
        rows = pool.eligible[_looked_at(directions[pool.eligible], radius, pool)]
        balls = balls_of(directions[rows], directions[pool.eligible], radius, pool.progress)
        balls = sparse.csr_array(
            (balls.data, pool.eligible[balls.indices], balls.indptr), shape=(len(rows), len(directions))
        )
        near = np.full(len(rows), np.inf, np.float32)
        if len(pool.preselected) and len(rows):
            near = nearest(directions[rows], directions[pool.preselected], progress=pool.progress)[0]
        return BallGains(balls, near, radius, _lots(directions, pool.seed))


def _lots(directions: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """(n,) random numbers in [0, 1), the same for the same vectors whatever their order."""
    order = own_order(directions)
    ordered = directions[order]
    differs = (ordered[1:] != ordered[:-1]).any(axis=1)
    which = np.concatenate([np.zeros(min(1, len(order)), np.int64), np.cumsum(differs)])
    lots = np.empty(len(order))
    lots[order] = np.random.default_rng(seed).random(len(order))[which]
    return lots


def pure_radius(
    directions: NDArray[np.float32], n_clusters: int, purity: float, seed: int, progress: Progress
) -> float:
    """The greatest radius at which a share of the balls holds rows of one cluster only.

    Args:
        directions: (n, d) float
        n_clusters: of k-means, in place of classes
        purity: the share, in (0, 1)
        seed: of what is random
        progress: told how far it is

    Returns:
        at least the tiniest distance that single precision tells from 0
    """
    if not len(directions):
        return 2.0
    order = own_order(directions)
    rng = np.random.default_rng(seed)
    clustered = directions[order[np.sort(rng.choice(len(order), min(_CLUSTERED, len(order)), replace=False))]]
    clusters = k_means(clustered, n_clusters, seed, progress=progress)[0]
    measured = np.sort(rng.choice(len(clustered), min(_MEASURED, len(clustered)), replace=False))
    distance = np.full(len(measured), np.inf)
    for cluster in np.unique(clusters):
        own = clusters[measured] == cluster
        if own.any() and not (clusters == cluster).all():
            distance[own] = nearest(clustered[measured[own]], clustered[clusters != cluster])[0]
    finite = distance[np.isfinite(distance)]
    # One cluster only: every ball is pure.
    return max(float(np.quantile(finite, 1 - purity)), 1e-3) if len(finite) else 2.0


def _looked_at(directions: NDArray[np.float32], radius: float, pool: Pool) -> Rows:
    """Which of the eligible rows stand for all, ascending."""
    n = len(directions)
    if not n:
        return np.zeros(0, np.int64)
    n_rows = min(n, max(_MIN_ROWS, _ROWS_A_PICK * pool.n, _PRODUCTS // n))
    if n * n_rows > _EDGES:
        tried = stand_ins(None, n, min(n, 256), pool.seed)[0]
        share = balls_of(directions[tried], directions, radius, pool.progress).nnz / (len(tried) * n)
        n_rows = min(n_rows, max(1000, int(_EDGES / (n * share))))
    return stand_ins(None, n, n_rows, pool.seed)[0]
