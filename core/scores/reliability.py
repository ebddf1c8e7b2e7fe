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
    scores: NDArray[np.float64],
    uncertainty: NDArray[np.floating],
    losses: NDArray[np.floating],
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> Reliability:
    """How well two orders of samples agree with their losses.

    Args:
        scores: (n,) float, the predicted order
        uncertainty: (n,) float, the plain order
        losses: (n,) float, not all the same
        seed: of the resampling
        groups: (n,) int64 from 0, the group of each sample, which are drawn whole; nothing given: each is alone

    Returns:
        correlations, intervals by the percentiles of 1000 resamples, and found shares

    Source: Efron, Bootstrap Methods: Another Look at the Jackknife, 1979; Field & Welsh, Bootstrapping Clustered Data, 2007.
    """
    first, second, third = (rankdata(values) for values in (scores, uncertainty, losses))
    chance = np.random.default_rng(seed)
    groups = np.arange(len(losses)) if groups is None else groups
    n = int(groups.max()) + 1
    draws = (np.bincount(chance.integers(n, size=n), minlength=n)[groups] for _ in range(_RESAMPLES))
    # Ranks among all stand for ranks among those drawn: the same but for ties, and many times faster.
    resampled = np.array([_correlations(first, second, third, times) for times in draws])
    exact = np.array(_correlations(first, second, third, np.ones(len(losses))))
    columns = np.column_stack([resampled, resampled[:, 0] - resampled[:, 1]])
    low, high = np.quantile(columns, [0.025, 0.975], axis=0)
    values = [*exact, exact[0] - exact[1]]
    learned, plain, gain = (Estimate(float(v), float(a), float(b)) for v, a, b in zip(values, low, high, strict=True))
    found = [_found(order, losses) for order in (scores, uncertainty, losses)]
    return Reliability(len(losses), learned, plain, gain, found[0], found[1], found[2])


def _correlations(
    scores: NDArray[np.float64],
    uncertainty: NDArray[np.float64],
    losses: NDArray[np.float64],
    times: NDArray[np.number],
) -> tuple[float, float]:
    """The correlation of each of two orders with the losses, each sample counted so many times; 0 where one is constant."""
    centred = [values - (values @ times) / times.sum() for values in (scores, uncertainty, losses)]
    norms = [float(np.sqrt(values @ (values * times))) for values in centred]
    weighted = centred[2] * times
    first, second = (
        float(values @ weighted) / (norm * norms[2]) if norm * norms[2] > 0 else 0.0
        for values, norm in zip(centred[:2], norms[:2], strict=True)
    )
    return first, second


def _found(order: NDArray[np.floating], losses: NDArray[np.floating]) -> float:
    """The share of all loss in the samples that come first; of those that tie for the last places, their mean counts."""
    count = round(TOP * len(order))
    last = np.sort(order)[-count]
    surely, perhaps = order > last, order == last
    found = losses[surely].sum() + losses[perhaps].mean() * (count - surely.sum())
    return float(found / losses.sum())
