"""The rates of a noise channel, from what labels say of the predictions that a model is surest of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A class whose surest predictions are denied this often shows nothing of its labels; from the second on, all is believed.
_AGREEMENT = (0.4, 0.7)
# Of a pair of classes that was never seen, this share of what it would have by chance.
_LEAST_OF_CHANCE = 0.02
# A rise of disagreement by half of what is possible, between the surest and the next quarter, says that the model errs.
_RISE = 2.0


def channel_noise(surest: NDArray[np.float64], next_: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(given | true) from what labels say of the predictions that a model is surest of.

    Every rate is drawn towards that of a channel which errs evenly, the more the fewer samples show it and the more it
    rises where the model is less sure.

    Args:
        surest: (K, K) float, how many of the surest predictions of each class (column) have each label (row)
        next_: (K, K) float, the same of the next surest

    Returns:
        (K, K) float, columns sum to one
    """
    n_classes = len(surest)
    even = 1 - np.eye(n_classes)
    n_first, n_next = surest.sum(axis=0), next_.sum(axis=0)
    seen = n_first > 0
    if not seen.any():
        return _channel(np.full(n_classes, 0.5 / n_classes), even)
    first = np.where(seen, (n_first - np.diag(surest) + 0.5) / (n_first + 1), 0)
    later = np.where(n_next > 0, (n_next - np.diag(next_) + 0.5) / (n_next + 1), first)
    overall = float((first * n_first).sum() / n_first.sum())
    rates = np.clip(_shrunk(first, later, overall, n_first, seen), 1e-4, 0.95)
    expected = np.broadcast_to(rates / (n_classes - 1), even.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(seen, surest / n_first, 0)
        shares_next = np.where(n_next > 0, next_ / n_next, shares)
    pairs = _shrunk(shares, shares_next, expected, n_first, seen & (even > 0))
    learned = _channel(rates, np.maximum(pairs, _LEAST_OF_CHANCE * expected) * even)
    low, high = _AGREEMENT
    belief = np.clip((1 - first - low) / (high - low), 0, 1)
    rise = float((later * n_next).sum() / max(n_next.sum(), 1e-9)) - overall if n_next.any() else 0.0
    belief = belief * np.clip(1 - _RISE * max(rise, 0) / (1 - overall), 0, 1)
    return belief * learned + (1 - belief) * _channel(np.full(n_classes, overall), even)


def _channel(rates: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns that err at a rate, towards the others by weight."""
    noise = weights / weights.sum(axis=0) * rates
    np.fill_diagonal(noise, 1 - rates)
    return noise


def _shrunk(
    rates: NDArray[np.float64],
    later: NDArray[np.float64],
    expected: NDArray[np.float64] | float,
    n_first: NDArray[np.float64],
    usable: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Rates drawn to what is expected of them, by how much they vary beyond what their counts and their rise explain."""
    doubt = _variance(rates, n_first) + np.maximum(later - rates, 0) ** 2
    weights = np.where(usable, 1 / doubt, 0)
    spread = max(0.0, float((weights * ((rates - expected) ** 2 - doubt)).sum() / max(weights.sum(), 1e-12)))
    return expected + np.where(usable, spread / (spread + doubt), 0) * (rates - expected)


def _variance(rates: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a rate seen n times, never less than that of one seen once."""
    once = 1 / (n + 1)
    return np.maximum(rates * (1 - rates), once * (1 - 1 / (n + 2))) * once
