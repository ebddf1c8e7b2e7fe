"""How far an order of samples can be trusted: how well it agrees with what they really cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

_RESAMPLES = 1000
#: the share of samples that the found share of the loss is said for
TOP = 0.2


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds it in 95 % of resamples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """How far a learned score can be trusted: all of it measured on samples that the regressor had not seen.

    Args:
        n_labeled: how many samples it was learned from
        spearman: rank correlation of the predicted and the true loss
        spearman_uncertainty: that of plain entropy and the true loss, on the same samples
        gain: the first less the second
        found: the share of all loss that is in the fifth of the samples with the highest predicted loss
        found_uncertainty: that in the fifth with the highest entropy
        found_at_best: that in the fifth with the highest true loss
    """

    n_labeled: int
    spearman: Estimate
    spearman_uncertainty: Estimate
    gain: Estimate
    found: float
    found_uncertainty: float
    found_at_best: float


def measured(
    scores: NDArray[np.float64], uncertainty: NDArray[np.floating], losses: NDArray[np.floating], seed: int
) -> Reliability:
    """How well two orders of samples agree with their losses.

    Args:
        scores: (n,) float, the predicted order
        uncertainty: (n,) float, the plain order
        losses: (n,) float, not all the same
        seed: of the resampling

    Returns:
        correlations, intervals by the percentiles of 1000 resamples, and found shares

    Source: Efron, Bootstrap Methods: Another Look at the Jackknife, 1979.
    """
    ranks = [rankdata(values) for values in (scores, uncertainty, losses)]
    chance = np.random.default_rng(seed)
    n = len(losses)
    draws = (chance.integers(n, size=n) for _ in range(_RESAMPLES))
    # Ranks among all stand for ranks among those drawn: the same but for ties, and many times faster.
    resampled = np.array([_correlations(*(rank[rows] for rank in ranks)) for rows in draws])
    exact = np.array(_correlations(*ranks))
    columns = np.column_stack([resampled, resampled[:, 0] - resampled[:, 1]])
    low, high = np.quantile(columns, [0.025, 0.975], axis=0)
    values = [*exact, exact[0] - exact[1]]
    learned, plain, gain = (Estimate(float(v), float(a), float(b)) for v, a, b in zip(values, low, high, strict=True))
    found = [_found(order, losses) for order in (scores, uncertainty, losses)]
    return Reliability(n, learned, plain, gain, found[0], found[1], found[2])


def _correlations(
    scores: NDArray[np.float64], uncertainty: NDArray[np.float64], losses: NDArray[np.float64]
) -> tuple[float, float]:
    """The correlation of each of two orders with the losses; 0 where one is the same for all."""
    centred = [values - values.mean() for values in (scores, uncertainty, losses)]
    norms = [float(np.sqrt(values @ values)) for values in centred]
    first, second = (
        float(values @ centred[2]) / (norm * norms[2]) if norm * norms[2] > 0 else 0.0
        for values, norm in zip(centred[:2], norms[:2], strict=True)
    )
    return first, second


def _found(order: NDArray[np.floating], losses: NDArray[np.floating]) -> float:
    """The share of all loss in the samples that come first."""
    first = np.argsort(-order, kind="stable")[: round(TOP * len(order))]
    return float(losses[first].sum() / losses.sum())
