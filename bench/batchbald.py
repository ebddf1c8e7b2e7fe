"""BATCHBALD beside looking at every row at every step, and beside scikit-activeml."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts.joint_entropy import JointGains
from shortlist.core.selection.strategies.batchbald import BatchBald
from shortlist.core.selection.strategy import Pool

from .common import Timing, aim, has, least, table, timed

COLUMNS = (
    "n x members x classes", "k", "labelings", "CPU s", "wall s", "aim", "met", "peer", "peer CPU s", "ratio", "same picks",
)  # fmt: skip
PICKS, LABELINGS = 10, 1000
AIMED_FROM = 10_000


def run(size: int | None = None) -> None:
    """Runs the bench at 10 000 and 50 000 rows, or at one size."""
    # For the record: baal 2.1.0 (not installed here) took 34.5 s of CPU for 10 picks of 2 000 rows, with 500 draws.
    lines = []
    for n in (10_000, 50_000) if size is None else (size,):
        passes = _committee(n, 20, 10)
        ours, rows = _fastest(passes, PICKS, LABELINGS)
        everything, theirs = timed(partial(_every_row, passes, PICKS))
        verdict = aim(ours.cpu, high=0.5, unit=" s") if n == AIMED_FROM else ("-", "-")
        lines.append(
            _line(passes, PICKS, LABELINGS, ours, verdict, "every row at every step", theirs, rows, everything)
        )
    if has("skactiveml"):
        lines += [_beside_scikit_activeml(k, draws) for k, draws in ((3, 1000), (6, 1000))]
    table("batchbald: float32", COLUMNS, lines)


def _line(
    passes: NDArray, k: int, labelings: int, ours: Timing, verdict: tuple[str, str], peer: str, theirs: Timing,
    rows: NDArray[np.int64], their_rows: NDArray[np.int64],
) -> list[Any]:  # fmt: skip
    shape = " x ".join(f"{length:,}" for length in passes.shape)
    same = f"{len(set(rows.tolist()) & set(their_rows.tolist()))} of {k}"
    ratio = f"{theirs.cpu / ours.cpu:.1f}"
    return [
        shape,
        k,
        labelings,
        f"{ours.cpu:.3f}",
        f"{ours.wall:.3f}",
        *verdict,
        peer,
        f"{theirs.cpu:.2f}",
        ratio,
        same,
    ]


def _committee(n: int, n_members: int, n_classes: int) -> NDArray[np.float32]:
    """Members that agree on some rows and not on others."""
    rng = np.random.default_rng(0)
    shared = 3 * rng.random((n, 1, 1)) * rng.normal(size=(n, 1, n_classes))
    logits = shared + 1.5 * rng.random((n, 1, 1)) * rng.normal(size=(n, n_members, n_classes))
    found = np.exp(logits - logits.max(axis=2, keepdims=True))
    return (found / found.sum(axis=2, keepdims=True)).astype(np.float32)


def _picked(passes: NDArray, k: int, labelings: int) -> NDArray[np.int64]:
    everyone = np.arange(len(passes))
    gains = BatchBald(type="BATCHBALD", n_labelings=labelings).gains(passes, Pool(everyone, n=k))
    return greedy([Term(gains)], everyone, k).rows


def _fastest(passes: NDArray, k: int, labelings: int) -> tuple[Timing, NDArray[np.int64]]:
    runs = [timed(partial(_picked, passes, k, labelings)) for _ in range(2)]
    return least([timing for _, timing in runs]), runs[0][0]


def _every_row(passes: NDArray, k: int) -> NDArray[np.int64]:
    """The same without laziness."""
    everyone = np.arange(len(passes))
    gains = JointGains(passes, everyone, LABELINGS, 0, everyone[:0])
    gains.open(everyone)
    picks: list[int] = []
    while len(picks) < k:
        current = gains.current().copy()
        current[picks] = -1
        picks.append(int(current.argmax()))
        gains.pick(picks[-1])
    return np.array(picks)


def _beside_scikit_activeml(k: int, draws: int, n: int = 1000) -> list[Any]:
    """As many labellings on both sides: exact for three picks, drawn for six."""
    from skactiveml.pool import batch_bald

    passes = _committee(n, 20, 10)
    by_member = passes.swapaxes(0, 1).astype(np.float64)
    utilities, theirs = timed(lambda: batch_bald(by_member, k, n_MC_samples=draws, random_state=0))
    ours, rows = _fastest(passes, k, draws)
    return _line(passes, k, draws, ours, ("-", "-"), "scikit-activeml", theirs, rows, np.nanargmax(utilities, axis=1))
