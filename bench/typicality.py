"""TYPICALITY: the neighbours of every row, exact and nearly, beside lightly-mundig, scikit-learn and faiss."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from shortlist.core.selection.parts.neighbors import nearest_neighbors
from shortlist.core.selection.strategies.typicality import typicality

from .common import PeakRss, Timing, aim, embeddings, has, table, timed

DIMENSIONS, NEIGHBORS, QUERIES = 128, 20, 300
COLUMNS = ("what", "CPU s", "wall s", "recall", "RSS / embeddings", "aim", "met")
RECALL = 0.98
# Peers whose time grows with the square of the rows are run on so many, and their time is taken times the square.
SMALL = 4000


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 rows, or at one size."""
    n = size or 100_000
    vectors = embeddings(n, DIMENSIONS)
    truth = Truth(vectors)
    rows = [
        _ours("ours, all pairs", vectors, truth, 1.0),
        _ours(f"ours, near cells, recall {RECALL}", vectors, truth, RECALL),
        _row("the strategy's typicality", *_watched(lambda: typicality(vectors, NEIGHBORS))),
    ]
    rows += _peers(vectors, truth, float(rows[0][1]))
    table(f"typicality: {NEIGHBORS} neighbours of {n:,} x {DIMENSIONS} float32", COLUMNS, rows)


class Truth:
    """The distances of some rows to their true neighbours, in double precision."""

    def __init__(self, vectors: NDArray[np.float32]):
        self.queries = np.random.default_rng(1).choice(len(vectors), min(QUERIES, len(vectors)), replace=False)
        points = vectors - vectors.mean(axis=0, dtype=np.float64)
        squares = np.einsum("ij,ij->i", points, points)
        self.farthest = np.empty(len(self.queries))
        for place, row in enumerate(self.queries):
            gaps = squares - 2 * (points @ points[row]) + squares[row]
            gaps[row] = np.inf
            self.farthest[place] = np.sqrt(max(np.partition(gaps, NEIGHBORS - 1)[NEIGHBORS - 1], 0))

    def recall(self, distances: NDArray[np.floating]) -> float:
        """The share of the true neighbours among (n, k) or (queries, k) distances found."""
        mine = distances[self.queries] if len(distances) > len(self.queries) else distances
        return float((mine <= self.farthest[:, None] * (1 + 1e-4)).mean())


def _watched(work: Callable[[], Any]) -> tuple[Any, Timing, int]:
    with PeakRss() as memory:
        result, timing = timed(work)
    return result, timing, memory.extra


def _row(what: str, _: Any, timing: Timing, extra: int) -> list[object]:
    return [what, f"{timing.cpu:.1f}", f"{timing.wall:.1f}", "-", f"{extra / 1e6:.0f} MB", "-", "-"]


def _ours(what: str, vectors: NDArray[np.float32], truth: Truth, recall: float) -> list[object]:
    work = partial(nearest_neighbors, vectors, NEIGHBORS, recall=recall)
    (distances, _), timing, extra = _watched(work)
    found = truth.recall(distances)
    verdict = aim(timing.cpu, high=15, unit=" s") if recall < 1 and len(vectors) == 100_000 else ("-", "-")
    return [
        what, f"{timing.cpu:.1f}", f"{timing.wall:.1f}", f"{found:.3f}", f"{extra / vectors.nbytes:.1f}", *verdict,
    ]  # fmt: skip


def _peers(vectors: NDArray[np.float32], truth: Truth, exact: float) -> list[list[object]]:
    n, rows = len(vectors), []
    index = NearestNeighbors(n_neighbors=NEIGHBORS + 1, algorithm="brute").fit(vectors)
    _, timing = timed(lambda: index.kneighbors(vectors[:SMALL]))
    rows.append(_estimated("scikit-learn brute", timing.times(n / min(SMALL, n))))
    if has("lightly_mundig"):
        rows.append(_estimated("lightly-mundig", _mundig(vectors[:SMALL]).times((n / min(SMALL, n)) ** 2)))
    if importlib.util.find_spec("faiss") is None:
        print("  (faiss is not installed: skipped; `pip install faiss-cpu` to compare)")
        return rows
    return rows + _faiss(vectors, truth, exact)


def _estimated(what: str, timing: Timing) -> list[object]:
    return [f"{what} (est)", f"{timing.cpu:.1f}", f"{timing.wall:.1f}", "1", "-", "-", "-"]


def _mundig(vectors: NDArray[np.float32]) -> Timing:
    import lightly_mundig

    peer = lightly_mundig.Typicality(vectors)
    return timed(lambda: peer.calculate_typicality(NEIGHBORS))[1]


def _faiss(vectors: NDArray[np.float32], truth: Truth, exact: float) -> list[list[object]]:
    """All rows against all, beside our seconds for that; and an inverted file that reaches about our recall."""
    import faiss  # type: ignore[import-not-found]

    n, d = vectors.shape
    flat = faiss.IndexFlatL2(d)
    flat.add(vectors)
    share = max(1, n // 10)
    _, timing = timed(lambda: flat.search(vectors[:share], NEIGHBORS + 1))
    flat_seconds = timing.times(n / share)
    rows = [_estimated("faiss flat", flat_seconds)]
    rows[0][-2:] = aim(exact / flat_seconds.cpu, high=1.4, unit=" of it")
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, max(1, int(4 * n**0.5)))

    def build_and_search() -> NDArray[np.float32]:
        inverted.train(vectors)
        inverted.add(vectors)
        inverted.nprobe = 16
        return inverted.search(vectors, NEIGHBORS + 1)[0]

    squares, timing = timed(build_and_search)
    recall = truth.recall(np.sqrt(np.maximum(squares[:, 1:], 0)))
    rows.append(["faiss IVF, 16 lists", f"{timing.cpu:.1f}", f"{timing.wall:.1f}", f"{recall:.3f}", "-", "-", "-"])
    return rows
