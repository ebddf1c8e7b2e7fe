"""DIVERSITY beside lightly-mundig, beside one matrix-vector product a step, and beside an exact float64 scan."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.diversity import DistanceGains, Diversity
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Values

from .common import Timing, aim, embeddings, has, least, peak_allocated, table, timed

COLUMNS = ("what", "k", "CPU s", "wall s", "peer", "peer CPU s", "ratio", "aim", "met")
DIMENSIONS = 128
# The aims are for large pools: a small one is measured whole in hardly more time than it takes to be lazy.
AIMED_FROM = 100_000


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 and 1 000 000 rows, or at one size."""
    for n in (100_000, 1_000_000) if size is None else (size,):
        vectors = embeddings(n, DIMENSIONS)
        budgets = [k for k in (1000, 10_000) if k <= n // 2]
        _speed(vectors, budgets)
        _memory(vectors, budgets)
        if n <= 100_000:
            _exactness(vectors, budgets[0])


def _speed(vectors: NDArray[np.float32], budgets: list[int]) -> None:
    rows = []
    for k in budgets:
        peer, theirs, factor = _peer(vectors, k)
        ours = _fastest(partial(_greedy, vectors, k), 3 if len(vectors) <= 100_000 else 1)
        rows.append(_row("greedy", k, ours, peer, theirs, factor if len(vectors) >= AIMED_FROM else None))
        whole = _fastest(partial(_select, vectors, k), 1)
        rows.append(_row("select(), explained", k, whole, peer, theirs, None))
    table(f"diversity: {len(vectors):,} x {DIMENSIONS} float32", COLUMNS, rows)


def _row(what: str, k: int, ours: Timing, peer: str, theirs: Timing | None, factor: float | None) -> list:
    """One line of the table; peer and aim may be missing."""
    start = [what, k, f"{ours.cpu:.2f}", f"{ours.wall:.2f}", peer]
    if theirs is None:
        return [*start, "-", "-", "-", "-"]
    ratio = theirs.cpu / ours.cpu
    verdict = ("-", "-") if factor is None else aim(ratio, low=factor)
    return [*start, f"{theirs.cpu:.2f}", f"{ratio:.1f}", *verdict]


def _fastest(work: Callable[[], Any], repeats: int) -> Timing:
    return least([timed(work)[1] for _ in range(repeats)])


def _greedy(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The picks alone, as a peer returns them."""
    gains = Diversity(type="DIVERSITY", strength=1.0).gains(vectors, Pool(np.arange(len(vectors)), n=k))
    assert isinstance(gains, DistanceGains)
    return greedy([Term(gains)], np.arange(len(vectors)), k).rows


def _select(vectors: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The picks with why each was picked, as the verb gets them."""
    entry = Values("DIVERSITY", Diversity(type="DIVERSITY", strength=1.0), vectors, np.ones(len(vectors), bool))
    return select([entry], k).rows


def _peer(vectors: NDArray[np.float32], k: int) -> tuple[str, Timing | None, float]:
    """The peer's name and timing, and how many times faster we want to be."""
    if len(vectors) > 100_000:
        return "one gemv a step (est)", _gemv(vectors, k), 20 if k <= 1000 else 12
    if not has("lightly_mundig"):
        return "lightly-mundig", None, 0
    return "lightly-mundig", _mundig(vectors, k), 10 if k <= 1000 else 12


def _mundig(vectors: NDArray[np.float32], k: int) -> Timing:
    """LightlyStudio's engine, handing over the vectors not counted."""
    import lightly_mundig

    selection = lightly_mundig.Selection()
    selection.add_diversifying_strategy(vectors, 1.0)
    return timed(lambda: selection.run_selection([], len(vectors), k))[1]


def _gemv(vectors: NDArray[np.float32], k: int, steps: int = 12) -> Timing:
    """Farthest-first with all distances to each pick, timed on some steps."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    near = np.full(len(vectors), np.inf, np.float32)

    def work() -> None:
        row = 0
        for _ in range(steps):
            squared = vectors @ vectors[row]
            squared *= -2
            squared += squares
            squared += squares[row]
            np.minimum(near, squared, out=near)
            row = int(near.argmax())

    return timed(work)[1].times(k / steps)


def _memory(vectors: NDArray[np.float32], budgets: list[int]) -> None:
    rows = []
    for k in budgets:
        for what, work in (("greedy", _greedy), ("select(), explained", _select)):
            share = peak_allocated(partial(work, vectors, k)) / vectors.nbytes
            verdict = aim(share, high=0.7) if len(vectors) >= AIMED_FROM else ("-", "-")
            rows.append([what, k, f"{share:.2f}", *verdict])
    table("diversity: peak extra memory / size of the embeddings", ("what", "k", "share", "aim", "met"), rows)


def _exactness(vectors: NDArray[np.float32], k: int) -> None:
    """The set of picks against a plain scan in double precision on centred data."""
    exact = _scan(vectors.astype(np.float64), k)
    different = len(set(exact.tolist()) ^ set(_greedy(vectors, k).tolist())) // 2
    rows = [[k, different, *aim(different, high=0)]]
    table("diversity: picks that an exact float64 scan does not have", ("k", "different", "aim", "met"), rows)


def _scan(vectors: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Farthest-first by its definition, from the row nearest to the mean."""
    vectors -= vectors.mean(axis=0)
    squares = np.einsum("ij,ij->i", vectors, vectors)
    picks = np.empty(k, np.int64)
    picks[0] = squares.argmin()
    near = np.full(len(vectors), np.inf)
    for place in range(1, k):
        last = picks[place - 1]
        np.minimum(near, squares - 2 * (vectors @ vectors[last]) + squares[last], out=near)
        near[last] = -1
        picks[place] = near.argmax()
    return picks
