"""How unsure a model is of one prediction, from its class probabilities. All in [0, 1], high = unsure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Uncertainty

# Rows a block: a block of a thousand classes stays inside the second-level cache.
_BLOCK_VALUES = 200_000


def least_confidence(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """One minus the probability of the most probable class.

    Args:
        probabilities: (m, K) float, rows sum to 1; NaN rows are unscoreable

    Returns:
        (m,) float in [0, 1 - 1/K], NaN where unscoreable

    Source: Settles, Active Learning Literature Survey (2010), section 3.1.

    >>> least_confidence(np.array([[0.7, 0.2, 0.1]])).round(3)
    array([0.3])
    """
    return np.clip(1 - probabilities.max(axis=1, initial=0), 0, 1)


def margin(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """One minus the lead of the most probable class over the second.

    Args:
        probabilities: (m, K) float with K >= 2, rows sum to 1; NaN rows are unscoreable

    Returns:
        (m,) float in [0, 1], NaN where unscoreable

    Source: Settles, Active Learning Literature Survey (2010), section 3.1 (Scheffer 2001).

    >>> margin(np.array([[0.7, 0.2, 0.1]])).round(3)
    array([0.5])
    """
    # Two maxima cost half of what a partition of the row does; the winner is put back before leaving.
    result = np.empty(len(probabilities), probabilities.dtype)
    for block in _blocks(probabilities):
        rows = np.array(probabilities[block])
        every = np.arange(len(rows))
        best = rows.argmax(axis=1)
        first = rows[every, best]
        rows[every, best] = -1
        result[block] = 1 - (first - rows.max(axis=1))
    return np.clip(result, 0, 1)


def entropy(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """The entropy of the class probabilities, divided by that of the uniform distribution.

    ``-sum p log p / log K`` with ``0 log 0 = 0``.

    Args:
        probabilities: (m, K) float with K >= 2, rows sum to 1; NaN rows are unscoreable

    Returns:
        (m,) float in [0, 1], NaN where unscoreable

    Source: Settles, Active Learning Literature Survey (2010), section 3.1 (Shannon 1948).

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]]))
    array([1., 0.])
    """
    tiny = np.finfo(probabilities.dtype).tiny
    result = np.empty(len(probabilities), probabilities.dtype)
    for block in _blocks(probabilities):
        rows = probabilities[block]
        result[block] = np.einsum("ij,ij->i", rows, np.log(np.maximum(rows, tiny)))
    return np.clip(0 - result / np.log(probabilities.shape[1]), 0, 1)


def _blocks(probabilities: NDArray[np.floating]) -> list[slice]:
    """Slices of rows small enough to stay in cache."""
    size = max(1, _BLOCK_VALUES // max(1, probabilities.shape[1]))
    return [slice(start, start + size) for start in range(0, len(probabilities), size)]


_SETTLES = "Settles, Active Learning Literature Survey, 2010, section 3.1"

LEAST_CONFIDENCE = Uncertainty(
    "uncertainty_least_confidence",
    0,
    1,
    "the model is unsure",
    _SETTLES,
    least_confidence,
    level="object",
    greatest=lambda n_classes: 1 - 1 / n_classes,
)
MARGIN = Uncertainty("uncertainty_margin", 0, 1, "the model is unsure", _SETTLES, margin, level="object")
ENTROPY = Uncertainty("uncertainty_entropy", 0, 1, "the model is unsure", _SETTLES, entropy, level="object")
