"""COVERAGE: the greedy on a given graph, the whole strategy, and what its picks reach of the dense objective."""

from __future__ import annotations

import heapq
from functools import partial

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts.covering import CoverageGains
from shortlist.core.selection.parts.neighbors import neighbor_graph
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategy import Pool
from shortlist.core.vectors import unit

from .common import aim, embeddings, table, timed

DIMENSIONS, NEIGHBORS, PICKS = 128, 32, 1000
STRATEGY = Coverage(type="COVERAGE", strength=1.0)


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 rows, and the objective at 20 000, or both at one size."""
    _speed(size or 100_000)
    _objective(min(size or 20_000, 20_000))


def _speed(n: int) -> None:
    vectors, rows = embeddings(n, DIMENSIONS), []
    everything, k = np.arange(n), min(PICKS, n // 2)
    graph, graph_timing = timed(partial(_all_neighbors, vectors))
    gains, prepared = timed(partial(CoverageGains, graph, np.zeros(n, np.float32)))
    _, picked = timed(partial(greedy, [Term(gains)], everything, k))
    total = prepared.cpu + picked.cpu
    what = f"given graph, {NEIGHBORS} neighbours"
    rows.append([what, "graph (exact, not counted)", f"{graph.nnz:,}", f"{graph_timing.cpu:.2f}", "-", "-"])
    rows.append([what, "prepare", "", f"{prepared.cpu:.2f}", "-", "-"])
    rows.append([what, "greedy", "", f"{picked.cpu:.2f}", "-", "-"])
    rows.append([what, "prepare + greedy", "", f"{total:.2f}", *aim(total, high=0.5, unit=" s")])
    gains, prepared = timed(partial(STRATEGY.gains, vectors, Pool(everything, n=k)))
    _, picked = timed(partial(greedy, [Term(gains)], everything, k))
    rows.append(["the strategy", "graph", f"{gains.kernel.nnz:,}", f"{prepared.cpu:.2f}", "-", "-"])
    rows.append(["the strategy", "greedy", "", f"{picked.cpu:.2f}", "-", "-"])
    rows.append(["the strategy", "graph + greedy", "", f"{prepared.cpu + picked.cpu:.2f}", "-", "-"])
    table(f"coverage: {n:,} x {DIMENSIONS}, k = {k}", ("what", "part", "edges", "CPU s", "aim", "met"), rows)


def _all_neighbors(vectors: NDArray[np.float32]) -> sparse.csr_array:
    """The kernel of every row to its nearest neighbours."""
    points = unit(vectors)
    graph = neighbor_graph(points, points, NEIGHBORS)
    graph.data = np.exp(-graph.data)
    return graph


def _objective(n: int) -> None:
    vectors, rows = embeddings(n, DIMENSIONS, seed=1), []
    kernel, everything = _dense_kernel(vectors), np.arange(n)
    budgets = [k for k in (10, 100, 1000) if k <= n // 4]
    dense = _dense_greedy(kernel, max(budgets))
    for k in budgets:
        gains, graph_timing = timed(partial(STRATEGY.gains, vectors, Pool(everything, n=k)))
        picked, timing = timed(partial(greedy, [Term(gains)], everything, k))
        best = _reached(kernel, dense[:k])
        ours = _reached(kernel, picked.rows) / best
        random = np.random.default_rng(0)
        chance = np.mean([_reached(kernel, random.choice(n, k, replace=False)) for _ in range(5)]) / best
        seconds = graph_timing.cpu + timing.cpu
        rows.append([k, f"{best:.4f}", f"{ours:.4f}", f"{chance:.4f}", f"{seconds:.2f}", *aim(ours, low=0.995)])
    columns = ("k", "dense greedy", "ours / dense", "random / dense", "our CPU s", "aim", "met")
    table(f"coverage: objective on all {n:,} rows", columns, rows)


def _dense_kernel(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """exp(-squared distance) of all pairs of unit vectors."""
    points = unit(vectors)
    kernel = points @ points.T
    for start in range(0, len(kernel), 1000):
        rows = kernel[start : start + 1000]
        np.exp(2 * rows - 2, out=rows)
    return kernel


def _dense_greedy(kernel: NDArray[np.float32], k: int) -> list[int]:
    """Greedy herding over all pairs, with a heap of old gains (exact, since gains only fall)."""
    covered = np.zeros(len(kernel), np.float32)
    heap = [(-float(gain), row, 0) for row, gain in enumerate(kernel.sum(axis=1, dtype=np.float64))]
    heapq.heapify(heap)
    picks: list[int] = []
    while len(picks) < k:
        _, row, seen = heapq.heappop(heap)
        if seen == len(picks):
            picks.append(row)
            np.maximum(covered, kernel[row], out=covered)
        else:
            gain = float(np.maximum(kernel[row] - covered, 0).sum(dtype=np.float64))
            heapq.heappush(heap, (-gain, row, len(picks)))
    return picks


def _reached(kernel: NDArray[np.float32], picks: NDArray[np.int64] | list[int]) -> float:
    """How similar the rows are to the picks that are most similar to them, on average."""
    return float(kernel[picks].max(axis=0).mean(dtype=np.float64))
