"""What the first labels buy: accuracy after labelling what COVERAGE, DIVERSITY or chance picks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from shortlist.core.selection.select import Values, select
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategy import Strategy

from .common import aim, table

SEEDS, BUDGETS = 10, (10, 20, 50)
STRATEGIES: dict[str, Strategy | None] = {
    "COVERAGE": Coverage(type="COVERAGE", strength=1.0),
    "DIVERSITY": Diversity(type="DIVERSITY", strength=1.0),
    "random": None,
}


def run(size: int | None = None) -> None:
    """Runs the bench; the dataset has one size."""
    pixels, digits = load_digits(return_X_y=True)
    scaled = StandardScaler().fit_transform(pixels).astype(np.float32)
    reduced = PCA(16, random_state=0).fit_transform(pixels).astype(np.float32)
    for name, vectors in (("pixels, standardised", scaled), ("PCA to 16 dimensions", reduced)):
        rows = []
        points = {
            (strategy, budget): np.array([_accuracy(vectors, digits, one, budget, seed) for seed in range(SEEDS)]) * 100
            for strategy, one in STRATEGIES.items()
            for budget in BUDGETS
        }
        for strategy in STRATEGIES:
            cells = [f"{points[strategy, k].mean():.1f} +- {points[strategy, k].std():.1f}" for k in BUDGETS]
            lead = points[strategy, 10].mean() - points["random", 10].mean()
            rows.append(
                [strategy, *cells, *(aim(lead, low=0, unit=" over random") if strategy == "COVERAGE" else "--")]
            )
        columns = ("labels by", *(f"{k} labels" for k in BUDGETS), "aim", "met")
        table(f"cold start: digits, {name}; test accuracy in points, {SEEDS} splits", columns, rows)


def _accuracy(vectors: NDArray, digits: NDArray, strategy: Strategy | None, budget: int, seed: int) -> float:
    """Test accuracy after labelling ``budget`` images of a random two thirds, tested on the rest."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(digits))
    pool, test = np.sort(order[: 2 * len(order) // 3]), order[2 * len(order) // 3 :]
    if strategy is None:
        picks = rng.choice(len(pool), budget, replace=False)
    else:
        picks = select([Values("it", strategy, vectors[pool], np.ones(len(pool), bool))], budget, seed=seed).rows
    labeled = pool[picks]
    if len(set(digits[labeled])) < 2:
        return float((digits[test] == digits[labeled[0]]).mean())
    model = LogisticRegression(max_iter=2000).fit(vectors[labeled], digits[labeled])
    return float(model.score(vectors[test], digits[test]))
