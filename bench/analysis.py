"""Analysis: coverage beside the floor of matrix products and scikit-learn, and the whole of an embedding space."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin_min
from threadpoolctl import threadpool_limits

from shortlist.core.analysis.embedding import analyze_embeddings
from shortlist.core.analysis.sets import Sets
from shortlist.core.vectors import nearest

from .common import PeakRss, Timing, aim, embeddings, table, timed

DIMENSIONS, DRAWS, ROUNDS = 128, 10, 3
_ROWS, _COLUMNS = 1024, 1024


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 rows or as many as wanted, a tenth of them selected."""
    n = size or 100_000
    vectors = embeddings(n, DIMENSIONS)
    vectors -= vectors.mean(axis=0)
    _coverage(vectors, np.sort(np.random.default_rng(0).choice(n, n // 10, replace=False)))
    _whole(vectors)


def _coverage(vectors: NDArray[np.float32], selected: NDArray[np.int64]) -> None:
    references = vectors[selected]
    ways: dict[str, Callable[[], Any]] = {
        "floor: sgemm + running max": partial(_floor, vectors, references),
        "ours: distance and which": partial(nearest, vectors, references),
        "scikit-learn argmin_min": lambda: pairwise_distances_argmin_min(vectors, references)[::-1],
    }
    taken: dict[str, list[Timing]] = {name: [] for name in ways}
    found = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name], timing = timed(way)
            taken[name].append(timing)
    floor, ours, peer = (_medians(taken[name]) for name in ways)
    (distance, row), (peer_distance, peer_row) = (found[name] for name in list(ways)[1:])
    print(
        f"\nsame neighbour as scikit-learn: {(row == peer_row).mean():.4%}; greatest difference of a distance: "
        f"{np.abs(distance - peer_distance).max():.1e}"
    )
    rows = [
        [
            name,
            f"{timing.cpu:.2f}",
            f"{timing.wall:.2f}",
            f"{timing.cpu / floor.cpu:.2f}",
            f"{timing.wall / floor.wall:.2f}",
        ]
        for name, timing in zip(ways, (floor, ours, peer), strict=True)
    ]
    rows[0] += ["-", "-"]
    rows[1] += aim(max(ours.cpu / floor.cpu, ours.wall / floor.wall), high=1.5, unit=" x floor")
    rows[2] += ["-", "-"]
    table(
        f"coverage: {len(vectors):,} x {vectors.shape[1]} by {len(references):,}, medians of {ROUNDS} interleaved rounds",
        ("what", "CPU s", "wall s", "CPU / floor", "wall / floor", "aim", "met"),
        rows,
    )


def _medians(timings: list[Timing]) -> Timing:
    return Timing(median(one.cpu for one in timings), median(one.wall for one in timings))


def _floor(vectors: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float32]:
    """The least that must be done: all products, in blocks that stay in cache, and the greatest of each row."""
    cores = psutil.cpu_count() or 1
    halves = np.einsum("ij,ij->i", references, references) / 2
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores) as pool:
        work = partial(_greatest, references=references, halves=halves)
        return np.concatenate(list(pool.map(work, np.array_split(vectors, cores))))


def _greatest(
    vectors: NDArray[np.float32], references: NDArray[np.float32], halves: NDArray[np.float32]
) -> NDArray[np.float32]:
    buffer, greatest = np.empty(_ROWS * _COLUMNS, np.float32), np.full(len(vectors), -np.inf, np.float32)
    for start in range(0, len(vectors), _ROWS):
        rows, best = vectors[start : start + _ROWS], greatest[start : start + _ROWS]
        for column in range(0, len(references), _COLUMNS):
            block = references[column : column + _COLUMNS]
            products = buffer[: len(rows) * len(block)].reshape(len(rows), len(block))
            np.matmul(rows, block.T, out=products)
            products -= halves[column : column + _COLUMNS]
            np.maximum(best, products.max(axis=1), out=best)
    return greatest


def _whole(vectors: NDArray[np.float32]) -> None:
    n = len(vectors)
    order, ids = np.random.default_rng(1).permutation(n), np.array([f"{row:024x}" for row in range(n)], "S24")
    sets = Sets.of(np.arange(n), order[: n // 10], order[:0], DRAWS, 0)
    clock = _Clock()
    with PeakRss() as peak:
        found, timing = timed(partial(analyze_embeddings, vectors, sets, ids=ids, progress=clock))
    rows: list[list[object]] = [[name, f"{seconds:.2f}", "", ""] for name, seconds in clock.seconds()]
    rows.append(["all", f"{timing.wall:.2f}", f"{timing.cpu:.2f}", f"{peak.extra / 1e6:.0f}"])
    table(
        f"a whole analysis: {n:,} x {vectors.shape[1]} ({vectors.nbytes / 1e6:.0f} MB), {n // 10:,} selected, {DRAWS} random "
        f"draws; coverage measured on {found.analysis.measured_on:,}",
        ("stage", "wall s", "CPU s", "peak extra MB"),
        rows,
    )


class _Clock:
    """Progress that notes when each stage was first told of and when last."""

    def __init__(self) -> None:
        self.last = time.perf_counter()
        self.spent: dict[str, float] = {}
        self.label = ""

    def __call__(self, done: int, total: int, label: str = "") -> None:
        now = time.perf_counter()
        self.spent[self.label or label] = self.spent.get(self.label or label, 0.0) + now - self.last
        self.last, self.label = now, label

    def seconds(self) -> Iterator[tuple[str, float]]:
        """The stages in their order and how long each took."""
        yield from self.spent.items()
