"""What a selection is worth in an embedding space: diversity, coverage, near duplicates and what is left uncovered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, silent
from .distances import WORK, Covered, Space, coverage_of, diversity_of
from .near_duplicates import close_vectors
from .parts import lots_of, taken
from .regions import uncovered
from .report import EmbeddingAnalysis, NearDuplicates, Region
from .scatter import scatter_of
from .sets import Rows, Sets
from .stages import Stages

# Closer than this share of the typical distance are near duplicates.
NEAR = 0.1
_GROUPS = 100
# About as many candidates for the centres of regions are compared with every item, for the progress.
_CANDIDATES = 4000


@dataclass(frozen=True)
class Measured:
    """What was found in an embedding space, as one document and by row.

    Args:
        analysis: the document
        distance: (n,) to the nearest selected or datapool row; NaN for rows that are not in the input, and where there is none
        nearest: (n,) which row that is, the row itself where it is selected; -1 where ``distance`` is NaN
        region: (n,) the number of the uncovered region that a row is in, from 1; 0 for none
        duplicate_group: (n,) the number of the group of near duplicates that a selected row is in, from 1; 0 for none
    """

    analysis: EmbeddingAnalysis
    distance: NDArray[np.float32]
    nearest: NDArray[np.int64]
    region: NDArray[np.int64]
    duplicate_group: NDArray[np.int64]


def analyze_embeddings(
    vectors: NDArray[np.floating],
    sets: Sets,
    *,
    ids: NDArray[np.bytes_],
    level: str = "samples",
    source: str = "",
    left_out: int = 0,
    regions: int = 10,
    positions: NDArray[np.floating] | None = None,
    method: str = "pca",
    brain_key: str | None = None,
    seed: int = 51,
    work: int = WORK,
    progress: Progress = silent,
) -> Measured:
    """Measures sets in an embedding space.

    Args:
        vectors: (n, d) float; rows without a value are in no set and may hold anything
        sets: which rows are in which set; see ``Sets.only`` and ``Sets.of_objects``
        ids: (n,) the sample id of each row
        level: samples or objects
        source: what holds the vectors
        left_out: how many samples have none
        regions: how many uncovered regions to name at most
        positions: (n, 2) where rows lie in the scatter, NaN where that is not known; a PCA by default
        method: how the positions were made
        brain_key: the Brain run that they are from
        seed: of the random parts that stand for very many items; parts depend on the ids, not on the order of the rows
        work: products of numbers that the distances of one set may cost; beyond, a random part stands for all
        progress: told thousandths of the whole

    Returns:
        the document, and what was found by row
    """
    lots, stages = lots_of(ids, seed), Stages(progress)
    space = Space(vectors, sets, lots, stages, work)
    n_pairs, n_compared = len(sets.selected) ** 2 / 2, float(_CANDIDATES * len(sets.input) if regions else 0)
    stages.expect(space.cost() + n_pairs + n_compared)
    diversity, _ = diversity_of(space)
    coverage, covered = coverage_of(space)
    typical = space.typical()
    told = stages.next(n_pairs, "looking for near duplicates")
    duplicates, group = _near_duplicates(vectors, sets.selected, ids, NEAR * typical, told)
    told = stages.next(n_compared, "looking for what is uncovered")
    parts, region = _regions(vectors, sets.input, covered.distance, ids, lots, regions, told)
    stages.next(0, "placing the items in two dimensions")(0, 1)
    scatter = scatter_of(vectors, sets, ids, lots, positions=positions, method=method, brain_key=brain_key)
    stages.end("measured")
    analysis = EmbeddingAnalysis(
        level="objects" if level == "objects" else "samples",
        source=source,
        dimensions=vectors.shape[1],
        sizes={name: len(rows) for name, rows in sets.named().items()},
        left_out=left_out,
        typical_distance=typical,
        diversity=diversity,
        coverage=coverage,
        measured_on=space.n_measured,
        near_duplicates=duplicates,
        regions=parts,
        scatter=scatter,
    )
    return Measured(analysis, *_by_row(len(vectors), sets.input, covered), region, group)


def _by_row(n: int, rows: Rows, covered: Covered) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(n,) how far each row is from the nearest one that is there, and which one that is."""
    distance, nearest = np.full(n, np.nan, np.float32), np.full(n, -1, np.int64)
    distance[rows] = np.where(covered.row >= 0, covered.distance, np.nan)
    nearest[rows] = covered.row
    return distance, nearest


def _near_duplicates(
    vectors: NDArray[np.floating], selected: Rows, ids: NDArray[np.bytes_], threshold: float, progress: Progress
) -> tuple[NearDuplicates, NDArray[np.int64]]:
    """The near duplicates of the selection, and (n,) the group of each row, the largest first."""
    # By their ids, so that groups of one size are in an order of their own.
    rows = selected[np.argsort(ids[selected], kind="stable")]
    close = close_vectors(vectors[rows], threshold, progress)
    sizes = np.bincount(close.group)[1:]
    order = np.argsort(-sizes, kind="stable")
    number = np.zeros(len(sizes) + 1, np.int64)
    number[1 + order] = np.arange(1, len(sizes) + 1)
    group = np.zeros(len(vectors), np.int64)
    group[rows] = number[close.group]
    listed = [rows[np.flatnonzero(close.group == 1 + which)] for which in order[:_GROUPS]]
    found = NearDuplicates(
        threshold=threshold,
        n_pairs=close.n_pairs,
        n_items=int(sizes.sum()),
        n_groups=len(sizes),
        groups=[list(dict.fromkeys(ids[one].astype(str).tolist())) for one in listed],
    )
    return found, group


def _regions(
    vectors: NDArray[np.floating],
    rows: Rows,
    distance: NDArray[np.float32],
    ids: NDArray[np.bytes_],
    lots: NDArray[np.int64],
    count: int,
    progress: Progress,
) -> tuple[list[Region], NDArray[np.int64]]:
    """What is uncovered of some rows, and (n,) the region of each."""
    region = np.zeros(len(vectors), np.int64)
    if not len(rows) or not np.isfinite(distance).all():
        return [], region
    found = uncovered(taken(vectors, rows), distance, np.argsort(np.argsort(lots[rows])), count, progress)
    region[rows] = found.owner
    parts = []
    for number, (centre, gain) in enumerate(zip(found.centres, found.gains, strict=True), 1):
        inside = distance[found.owner == number].astype(np.float64)
        parts.append(
            Region(
                sample_id=ids[rows[centre]].decode(),
                n_items=len(inside),
                mean_distance=float(inside.mean()),
                max_distance=float(inside.max()),
                gain=float(gain),
            )
        )
    return parts, region
