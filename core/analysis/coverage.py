"""How well a selection covers a pool, beside random selections of the same size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, silent
from ..vectors import nearest


@dataclass(frozen=True)
class Comparison:
    """Mean distance from every pool item to its nearest selected one; low = well covered.

    Args:
        before: with the datapool alone, NaN where there is none
        selected: with the selection
        random: (draws,) with random selections of the same size
    """

    before: float
    selected: float
    random: NDArray[np.float64]

    @property
    def random_mean(self) -> float:
        """The mean over the random draws."""
        return float(self.random.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the random draws (their 2.5 and 97.5 percentiles)."""
        low, high = np.percentile(self.random, [2.5, 97.5])
        return float(low), float(high)

    @property
    def gain(self) -> float:
        """How much nearer the pool is to the selection than to a random one, as a share; negative = farther."""
        return 1 - self.selected / self.random_mean if self.random_mean > 0 else 0.0

    def recorded(self) -> dict[str, float | list[float] | None]:
        """The facts as JSON."""
        before = None if np.isnan(self.before) else self.before
        return {"before": before, "selected": self.selected, "random": self.random.tolist()}

    def sentence(self) -> str:
        """The comparison in words."""
        low, high = self.random.min(), self.random.max()
        word = "nearer to" if self.gain >= 0 else "farther from"
        text = (
            f"candidates are {abs(self.gain):.1%} {word} this selection than to random ones (mean distance "
            f"{self.selected:.4g}; random {self.random_mean:.4g}, {len(self.random)} draws from {low:.4g} to {high:.4g})"
        )
        if self.before > self.random_mean:
            ratio = (self.before - self.selected) / (self.before - self.random_mean)
            text += f"; it adds {ratio:.1f} times the coverage that random adds to the datapool"
        return text.replace("farther from this selection than to", "farther from this selection than from")


def compare_with_random(
    vectors: NDArray[np.floating],
    rows: NDArray[np.integer],
    *,
    preselected: NDArray[np.integer] | None = None,
    pool: NDArray[np.integer] | None = None,
    covered: NDArray[np.integer] | None = None,
    draws: int = 10,
    seed: int = 0,
    progress: Progress = silent,
) -> Comparison:
    """Compares the coverage of a selection with that of random selections.

    Args:
        vectors: (n, d) float
        rows: (k,) the selected rows, k >= 1
        preselected: (l,) rows that are covered from the start
        pool: rows to draw from; all by default
        covered: rows whose distances are taken, a random part of the pool where that is large; the pool by default
        draws: how many random selections
        seed: of the draws
        progress: told the draws done

    Source: coverage is the mean of the distances whose maximum Sener & Savarese (2018) bound.
    """
    rng = np.random.default_rng(seed)
    pool = np.arange(len(vectors)) if pool is None else pool
    measured = vectors[pool if covered is None else covered]
    earlier = np.zeros(0, np.int64) if preselected is None else preselected

    def mean_distance(chosen: NDArray[np.integer], draw: int) -> float:
        """Of what is to be covered to the nearest of the chosen and the earlier ones."""

        def told(done: int, total: int, label: str = "") -> None:
            # Within a draw the count stands still, but work can be cancelled.
            if done < total:
                progress(draw, draws, "comparing with random")

        references = vectors[np.concatenate([earlier, chosen])]
        return float(nearest(measured, references, progress=told)[0].mean(dtype=np.float64))

    random = np.empty(draws)
    for draw in range(draws):
        random[draw] = mean_distance(rng.choice(pool, size=min(len(rows), len(pool)), replace=False), draw)
        progress(draw + 1, draws, "comparing with random")
    before = mean_distance(rows[:0], draws) if len(earlier) else np.nan
    return Comparison(before, mean_distance(rows, draws), random)
