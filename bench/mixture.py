"""DIVERSITY + WEIGHTS + TYPICALITY + BALANCE beside a full scan of all rows at every step, with the same picks."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from shortlist.core.selection.engine.gains import Repulsion, StaticGains
from shortlist.core.selection.engine.greedy import calibrated, greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts.balance import BalanceGains
from shortlist.core.selection.strategies.diversity import DistanceGains

from .balance import CLASSES, objects
from .common import Timing, aim, embeddings, least, table, timed

DIMENSIONS, PICKS = 128, 1000
STRENGTHS = ((1.0, 1.0, 1.0, 1.0), (1.0, 0.2, 0.2, 1.0), (1.0, 0.2, 0.2, 10.0))
# Up to so many rows all picks are compared, beyond the first ones.
COMPARED_WHOLE, COMPARED = 100_000, 20
AIMED_FROM = 1_000_000
COLUMNS = ("strengths", "CPU s", "wall s", "scan CPU s", "ratio", "aim", "met", "same picks", "calibration CPU s")
NONE = np.zeros(0, np.int64)


def run(size: int | None = None) -> None:
    """Runs the bench at 100 000 and 1 000 000 rows, or at one size."""
    for n in (100_000, 1_000_000) if size is None else (size,):
        rng = np.random.default_rng(0)
        vectors = embeddings(n, DIMENSIONS)
        amounts = objects(n, "1 to 4").matrix
        everyone, target = np.arange(n), np.full(CLASSES, 1 / CLASSES)
        gains = [
            DistanceGains(vectors, NONE),
            StaticGains(rng.random(n)),
            StaticGains(rng.random(n)),
            BalanceGains(amounts, target, NONE, everyone, PICKS),
        ]
        rows = []
        for strengths in STRENGTHS:
            terms = [Term(gain, strength) for gain, strength in zip(gains, strengths, strict=True)]
            scaled, before = timed(partial(calibrated, terms, everyone, PICKS))
            runs = [timed(partial(_greedy, scaled)) for _ in range(2)]
            picks, ours = runs[0][0], least([timing for _, timing in runs])
            compared = PICKS if n <= COMPARED_WHOLE else COMPARED
            theirs, scan = _scan(scaled, vectors, compared)
            ratio = scan.cpu / ours.cpu
            verdict = aim(ratio, low=10) if n >= AIMED_FROM else ("-", "-")
            same = int((picks[:compared] == theirs).sum())
            rows.append(
                [
                    "/".join(f"{strength:g}" for strength in strengths), f"{ours.cpu:.2f}", f"{ours.wall:.2f}",
                    f"{scan.cpu:.1f}", f"{ratio:.1f}", *verdict,
                    f"{same} of {compared}", f"{before.cpu:.2f}",
                ]
            )  # fmt: skip
        title = f"diversity/weights/typicality/balance: {n:,} x {DIMENSIONS}, {CLASSES} classes, {PICKS} picks"
        table(title, COLUMNS, rows)


def _greedy(terms: list[Term]) -> NDArray[np.int64]:
    """The picks of fresh gains."""
    again = [Term(term.gains.restart(), term.strength, term.scale) for term in terms]
    return greedy(again, np.arange(len(terms[1].gains.upper)), PICKS).rows


def _scan(terms: list[Term], vectors: NDArray[np.float32], steps: int) -> tuple[NDArray[np.int64], Timing]:
    """One matrix-vector product and one sparse one a step over all rows: the first picks, and the time for all."""
    distance, first, second, balance = terms
    far, fair = distance.gains, balance.gains.restart()
    assert isinstance(far, DistanceGains)
    assert isinstance(fair, BalanceGains)
    assert isinstance(distance.scale, Repulsion)
    static = first.value(first.gains.upper) + second.value(second.gains.upper)
    centred = vectors - far.centre
    near = far.restart().upper
    picks = np.empty(steps, np.int64)

    def work() -> None:
        for step in range(steps):
            worth = distance.value(near) + static
            worth += balance.value(fair.shares @ fair.levels - fair.own)
            worth[picks[:step]] = -np.inf
            picks[step] = row = int(worth.argmax())
            squared = centred @ centred[row]
            squared *= -2
            squared += far.squares
            squared += far.squares[row]
            np.minimum(near, squared, out=near)
            fair.pick(row)

    return picks, timed(work)[1].times(PICKS / steps)
