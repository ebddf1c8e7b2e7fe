"""From what a model stored (probabilities, logits, a confidence) to class probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..errors import ShortlistError

# Rows off 1 by this much are rounding (half precision over a thousand classes stays below it) and are renormalised.
ROUNDING = 1e-2


def normalized(probabilities: NDArray[np.floating], rounding: float = ROUNDING) -> NDArray[np.floating]:
    """Rows that sum to exactly one, from rows that do so up to rounding.

    Args:
        probabilities: (m, K) float, NaN rows stand for objects without a vector
        rounding: how far off 1 a sum may be

    Returns:
        (m, K) float32 or float64

    Raises:
        BadRow: a row is no distribution: a negative, infinite or partly missing value, or a sum off 1
    """
    probabilities = np.asarray(probabilities)
    if probabilities.dtype not in (np.float32, np.float64):
        probabilities = probabilities.astype(np.float32)
    if not probabilities.size:
        return probabilities
    sums = probabilities.sum(axis=1)
    absent = np.isnan(probabilities).all(axis=1)
    with np.errstate(invalid="ignore"):
        wrong = ~absent & ~((np.abs(sums - 1) <= rounding) & (probabilities.min(axis=1) >= -1e-6))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BadRow(
            row,
            f"probabilities must be numbers >= 0 that sum to 1. Got a sum of {sums[row]:.4g} instead ({int(wrong.sum())} such "
            f"vector(s) so far). Independent sigmoids can be divided by their sum, or stored one label a class and scored as "
            f"multi-label.",
        )
    return np.clip(probabilities, 0, None) / np.clip(sums, 0.5, None)[:, None]


class BadRow(ShortlistError):
    """Rows that are not what they must be.

    Args:
        row: the first such row
        sentence: what is wrong, for whoever knows better than by its number where the row is
    """

    def __init__(self, row: int, sentence: str):
        self.row, self.sentence = row, sentence
        super().__init__(f"row {row}: {sentence}")


def from_logits(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Softmax over classes.

    Args:
        logits: (m, K) float, NaN rows stand for objects without a vector

    Returns:
        (m, K) float32 or float64, NaN rows where the logits are NaN

    Raises:
        BadRow: a logit is infinite or a row is partly missing
    """
    logits = np.asarray(logits)
    if logits.dtype not in (np.float32, np.float64):
        logits = logits.astype(np.float32)
    absent = np.isnan(logits).all(axis=1)
    bad = ~absent & ~np.isfinite(logits).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise BadRow(
            row, f"logits must be finite numbers. Got NaN or infinity instead ({int(bad.sum())} such vector(s) so far)."
        )
    return softmax(logits, axis=1)


def from_confidence(
    confidences: NDArray[np.floating], classes: NDArray[np.integer], n_classes: int
) -> NDArray[np.floating]:
    """The predicted class gets the confidence, the other classes share the rest evenly.

    A schema of one class is scored as that class against the rest, so the result never has fewer than two columns.

    Args:
        confidences: (m,) float in [0, 1], NaN where there is none
        classes: (m,) int in [-1, K), -1 where there is none
        n_classes: K, the size of the class list

    Returns:
        (m, max(K, 2)) float32, NaN rows where confidence or class is missing

    Raises:
        BadRow: a confidence outside [0, 1]

    Source: LightlyOne, Active Learning Scorers (object detection).
    """
    confidences = np.asarray(confidences, dtype=np.float32)
    outside = (confidences < 0) | (confidences > 1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        count = f"{int(outside.sum())} such object(s) so far"
        raise BadRow(row, f"confidence must be between 0 and 1. Got {confidences[row]:.4g} instead ({count}).")
    width = max(n_classes, 2)
    known = np.asarray(classes) >= 0
    rest = np.where(known, (1 - confidences) / (width - 1), np.nan).astype(np.float32)
    probabilities = np.repeat(rest[:, None], width, axis=1)
    rows = np.flatnonzero(known)
    probabilities[rows, np.asarray(classes)[rows]] = confidences[rows]
    return probabilities
