"""The inverse power law of learning curves: how much further labels will bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

#: a law has three numbers, so fewer points than this say nothing of how well it fits
MINIMUM = 4
_EXPONENTS = (0.02, 3.0)
_GRID = np.geomspace(0.05, 2.5, 9)


@dataclass(frozen=True)
class PowerLaw:
    """``a - b (n / unit)^-c``: what n labels teach.

    Args:
        asymptote: a, what endlessly many would, at most the ceiling
        factor: b >= 0, what is missing at ``unit`` labels
        exponent: c, how fast that falls
        unit: labels
    """

    asymptote: float
    factor: float
    exponent: float
    unit: float

    def at(self, labels: float) -> float:
        """The value at a number of labels."""
        return float(self.asymptote - self.factor * (labels / self.unit) ** -self.exponent)


def fit_power_law(
    labels: NDArray[np.floating], values: NDArray[np.floating], ceiling: float = 1.0, exponent: float | None = None
) -> PowerLaw:
    """The law with the least squares.

    Args:
        labels: (m,) float > 0, numbers of labels, m >= 3
        values: (m,) float, what they taught
        ceiling: what no number of labels can exceed
        exponent: c, where it is known from elsewhere

    Returns:
        the law; a flat one (b = 0) where values do not rise

    Source: Cortes et al., Learning Curves: Asymptotic Values and Rate of Convergence, 1993; Figueroa et al., Predicting
    Sample Size Required for Classification Performance, 2012.

    >>> n = np.array([10, 20, 50, 100, 200])
    >>> law = fit_power_law(n, 0.9 - 2.0 * n**-0.8)
    >>> round(law.asymptote, 3), round(law.exponent, 3)
    (0.9, 0.8)
    """
    labels, values = np.asarray(labels, np.float64), np.asarray(values, np.float64)
    unit = float(np.exp(np.log(labels).mean()))
    scaled = np.log(labels / unit)
    if exponent is not None:
        asymptote, factor, _ = _linear(scaled, values, exponent, ceiling)
        return PowerLaw(float(asymptote), float(factor), exponent, unit)

    def missed(law: NDArray[np.floating]) -> NDArray[np.floating]:
        return law[0] - law[1] * np.exp(-law[2] * scaled) - values

    def slopes(law: NDArray[np.floating]) -> NDArray[np.floating]:
        power = np.exp(-law[2] * scaled)
        return np.stack([np.ones_like(power), -power, law[1] * scaled * power], axis=1)

    starts = [_linear(scaled, values, exponent, ceiling) for exponent in _GRID]
    errors = [np.square(missed(start)).sum() for start in starts]
    best = starts[int(np.argmin(errors))]
    bounds = ([-np.inf, 0, _EXPONENTS[0]], [ceiling, np.inf, _EXPONENTS[1]])
    found = least_squares(missed, best, slopes, bounds=bounds, xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=500).x
    if np.square(missed(found)).sum() > min(errors):
        found = best
    return PowerLaw(float(found[0]), float(found[1]), float(found[2]), unit)


def _linear(
    scaled: NDArray[np.floating], values: NDArray[np.floating], exponent: float, ceiling: float
) -> NDArray[np.float64]:
    """The best law of one exponent, within the bounds."""
    power = np.exp(-exponent * scaled)
    gap = power - power.mean()
    factor = max(0.0, -float(gap @ values) / float(gap @ gap))
    asymptote = float(values.mean() + factor * power.mean())
    if asymptote > ceiling:
        asymptote = ceiling
        factor = max(0.0, float(power @ (ceiling - values)) / float(power @ power))
    return np.array([asymptote, factor, exponent])
