"""Temperature: how far the probabilities of an over-confident (or timid) model must be drawn together (or apart)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

from ..errors import ShortlistError

#: fewer labelled predictions than this say too little
MINIMUM = 20
_RANGE = (0.05, 20.0)


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature.

    Args:
        temperature: what logits are divided by; above 1 the model was over-confident
        before: mean log loss (nats) of the probabilities as they were
        after: the same with the temperature
        n_labeled: how many predictions it was fitted on
    """

    temperature: float
    before: float
    after: float
    n_labeled: int


def tempered(probabilities: NDArray[np.floating], temperature: float, axis: int = 1) -> NDArray[np.floating]:
    """Probabilities whose logits are divided by a temperature.

    Args:
        probabilities: (m, K) float, rows sum to 1; NaN rows stay NaN
        temperature: > 0; above 1 makes them less certain
        axis: that of the classes

    Returns:
        the same shape and type

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2.

    >>> tempered(np.array([[0.8, 0.2]]), 2.0).round(3)
    array([[0.667, 0.333]])
    """
    if temperature == 1:
        return probabilities
    tiny = np.finfo(probabilities.dtype).tiny
    return softmax(np.log(np.maximum(probabilities, tiny)) / probabilities.dtype.type(temperature), axis=axis)


def fit_temperature(probabilities: NDArray[np.floating], truths: NDArray[np.integer]) -> Calibration:
    """The one temperature with the least log loss on labelled predictions.

    Args:
        probabilities: (m, K) float, rows sum to 1; NaN rows do not count
        truths: (m,) int in [0, K), the true classes; -1 where there is none

    Returns:
        the temperature, within [0.05, 20]

    Raises:
        ShortlistError: fewer than 20 labelled predictions

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2.
    """
    usable = (truths >= 0) & ~np.isnan(probabilities).any(axis=1)
    n_labeled = int(usable.sum())
    if n_labeled < MINIMUM:
        raise ShortlistError(
            f"a temperature needs at least {MINIMUM} predictions with a true label. Got {n_labeled} instead. Label more, or "
            f"give the temperature as a number."
        )
    kept = probabilities[usable]
    logits = np.log(np.maximum(kept, np.finfo(kept.dtype).tiny)).astype(np.float64)
    own = logits[np.arange(n_labeled), truths[usable]]

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float((logsumexp(logits * scale, axis=1) - own * scale).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    return Calibration(float(np.exp(found.x)), loss(0.0), float(found.fun), n_labeled)
