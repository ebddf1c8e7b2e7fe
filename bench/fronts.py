"""What a mixture trades: Pareto fronts over a sweep of strengths, ours beside lightly-mundig's.

``python -m bench fronts`` draws its own embeddings; with ``--data FOLDER``, which has `cifar10_embeddings` in it, real ones are
measured too.

One axis is the mean score (or typicality) of the picks, the other how far apart they are: the least distance between two,
which is what DIVERSITY is about; the mean distance of a pick to its nearest other; and how well they cover the pool (minus the
mean distance of a row to its nearest pick). A point of theirs is dominated where one of ours is at least as good on both axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.typicality import Typicality, typicality
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Strategy
from shortlist.core.selection.values import Values
from shortlist.core.vectors import nearest

from .common import aim, embeddings, has, table

ROWS, PICKS, DUPLICATES = 3000, 100, 300
OUR_STRENGTHS, THEIR_STRENGTHS = np.geomspace(0.02, 300, 120), np.geomspace(0.02, 50, 15)
SPREADS = ("least distance", "mean distance", "coverage")
COLUMNS = ("embeddings", "diversity +", "spread", "dominated", "farthest from it", "our area / theirs", "aim", "met")


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench on 3000 rows of each kind, or on so many."""
    if not has("lightly_mundig"):
        return
    rows = []
    for name, vectors in _embeddings(size or ROWS, data):
        for what, values, theirs in _scores(vectors):
            rows += [[name, what, *line] for line in _compared(vectors, what, values, theirs)]
    strengths = f"{len(OUR_STRENGTHS)} strengths of ours, {len(THEIR_STRENGTHS)} of theirs"
    table(f"fronts: {PICKS} picks of {size or ROWS} rows, {strengths}", COLUMNS, rows)


def _embeddings(n: int, data: Path | None) -> Iterator[tuple[str, NDArray[np.float32]]]:
    drawn = embeddings(n, 32)
    yield "synthetic", drawn
    # As frames of a video are: a tenth of the rows is another row once more, hardly changed.
    rng = np.random.default_rng(3)
    copies = drawn[rng.choice(n, n // 10, replace=False)]
    noise = np.float32(0.01) * rng.standard_normal(copies.shape, dtype=np.float32)
    yield "with near-duplicates", np.concatenate([drawn[: n - len(copies)], copies + noise])
    if data is None or not (data / "cifar10_embeddings").is_dir():
        print("  (real embeddings need --data FOLDER with cifar10_embeddings in it: skipped)")
        return
    for path in sorted((data / "cifar10_embeddings").glob("*.npz")):
        yield path.stem, np.load(path)["pool"][:n].astype(np.float32)


def _scores(vectors: NDArray[np.float32]) -> Iterator[tuple[str, NDArray, NDArray]]:
    """A name, our values, and what lightly-mundig makes of the same."""
    import lightly_mundig

    rng = np.random.default_rng(1)
    along = vectors @ rng.standard_normal(vectors.shape[1])
    for name, values in (
        ("weights, any", rng.random(len(vectors))),
        ("weights, few high", rng.exponential(size=len(vectors))),
        ("weights, by place", 1 / (1 + np.exp(-(along - along.mean()) / along.std()))),
    ):
        yield name, values, values
    yield "typicality", typicality(vectors), np.array(lightly_mundig.Typicality(vectors).calculate_typicality(20))


def _compared(vectors: NDArray, what: str, values: NDArray, theirs: NDArray) -> Iterator[list[object]]:
    """A line for each way to measure spread; the aim is about the one that the strategy is about."""
    ours = [_point(vectors, values, _our_picks(vectors, what, values, strength)) for strength in OUR_STRENGTHS]
    peers = [_point(vectors, values, _their_picks(vectors, theirs, strength)) for strength in THEIR_STRENGTHS]
    for spread in range(len(SPREADS)):
        front = Front(np.array(ours)[:, [0, 1 + spread]], np.array(peers)[:, [0, 1 + spread]])
        share, area = front.dominated(), front.areas()
        verdict = aim(area, low=1) if not spread else ("-", "-")
        yield [SPREADS[spread], f"{share:.0%}", f"{front.shortfall():.1%}", f"{area:.3f}", *verdict]


def _our_picks(vectors: NDArray, what: str, values: NDArray, strength: float) -> NDArray[np.int64]:
    second: Strategy = (
        Typicality(type="TYPICALITY", strength=strength)
        if what == "typicality"
        else Weights(type="WEIGHTS", strength=strength)
    )
    there = np.ones(len(vectors), bool)
    entries = [
        Values("diversity", Diversity(type="DIVERSITY", strength=1.0), vectors, there),
        Values("score", second, vectors if what == "typicality" else values, there),
    ]
    return select(entries, PICKS).rows


def _their_picks(vectors: NDArray, values: NDArray, strength: float) -> NDArray[np.int64]:
    import lightly_mundig

    selection = lightly_mundig.Selection()
    selection.add_diversifying_strategy(vectors, 1.0)
    selection.add_weighting_strategy(values.tolist(), float(strength))
    return np.array(selection.run_selection([], len(vectors), PICKS))


def _point(vectors: NDArray, values: NDArray, rows: NDArray[np.int64]) -> tuple[float, ...]:
    """The mean score of the picks, and their spread in each way; higher is better in all."""
    gaps = cdist(vectors[rows], vectors[rows])
    np.fill_diagonal(gaps, np.inf)
    own = gaps.min(axis=1)
    return (
        float(values[rows].mean()),
        float(own.min()),
        float(own.mean()),
        -float(nearest(vectors, vectors[rows])[0].mean()),
    )


@dataclass(frozen=True)
class Front:
    """Points of two axes, ours and theirs; higher is better on both."""

    ours: NDArray[np.float64]
    theirs: NDArray[np.float64]

    @property
    def _low(self) -> NDArray[np.float64]:
        return self.theirs.min(axis=0)

    @property
    def _range(self) -> NDArray[np.float64]:
        return np.maximum(self.theirs.max(axis=0) - self._low, 1e-12)

    def _lacking(self) -> NDArray[np.float64]:
        """(theirs,) by how much of the range ours is worse at least, on the axis on which it is; <= 0 where dominated."""
        gaps = (self.theirs[:, None] - self.ours[None]) / self._range
        return gaps.max(axis=2).min(axis=1)

    def dominated(self) -> float:
        """The share of their points that are dominated."""
        return float((self._lacking() <= 1e-6).mean())

    def shortfall(self) -> float:
        """How far the worst of their points is from being dominated, as a share of the range of each axis."""
        return max(0.0, float(self._lacking().max()))

    def areas(self) -> float:
        """The area under our front over that under theirs, above the worst of theirs on each axis."""
        return self._area(self.ours) / self._area(self.theirs)

    def _area(self, points: NDArray[np.float64]) -> float:
        inside = np.maximum((points - self._low) / self._range, 0)
        inside = inside[np.argsort(-inside[:, 0])]
        height = np.maximum.accumulate(inside[:, 1])
        return float((-np.diff(inside[:, 0], append=0.0) * height).sum())
