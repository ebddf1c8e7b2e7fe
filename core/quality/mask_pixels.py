"""Label quality of masks pixel by pixel, as cleanlab defines it: softmin, and issues from scores.

A mask is read in bands of rows. A mask finer than its probabilities is thinned out to them, a coarser one repeated.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import must_be
from ..scores.probabilities import ROUNDING, BadRow
from ..scores.segmentation import Planes
from .mask_view import checked

# Probabilities a band: fewer cost more calls, more leave the cache.
_BAND_VALUES = 1_000_000

Band = tuple[NDArray[np.integer], NDArray[np.float32]]


def softmin(given: NDArray[np.integer], planes: Planes, temperature: float = 0.1) -> float:
    """The probability of the given class, of all pixels, where the least count most.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: K x h' x w' probabilities
        temperature: > 0; the lower, the nearer to the worst pixel

    Returns:
        ``sum(softmax((1 - q) / temperature) * q)`` over the pixels' probabilities q, in [0, 1]; NaN without pixels

    Raises:
        ShortlistError: no mask of classes below K, or no temperature
        BadRow: probabilities that are no distribution

    Source: Lad and Mueller, Estimating label quality and errors in semantic segmentation data via any model (2023).
    """
    if not temperature > 0:
        raise must_be("temperature", "greater than 0", temperature)
    total, weights, least = 0.0, 0.0, np.inf
    for own in _scored(given, planes):
        known = own[~np.isnan(own)].astype(np.float64)
        if not known.size:
            continue
        before, least = least, min(least, float(known.min()))
        # Powers are taken from the worst pixel so far, so that the greatest weight is 1.
        fade = np.exp((least - before) / temperature) if np.isfinite(before) else 0.0
        weight = np.exp((least - known) / temperature)
        total, weights = total * fade + float(weight @ known), weights * fade + float(weight.sum())
    return total / weights if weights else float("nan")


def pixel_scores(given: NDArray[np.integer], planes: Planes) -> NDArray[np.float32]:
    """(h', w') float32: the probability of the given class of each pixel, NaN where it is ignored.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: K x h' x w' probabilities

    Raises:
        ShortlistError: no mask of classes below K
        BadRow: probabilities that are no distribution
    """
    return np.concatenate(list(_scored(given, planes)))


def issues_from_scores(
    image_scores: NDArray[np.floating], pixel_scores: NDArray[np.floating] | None = None, threshold: float = 0.1
) -> NDArray:
    """What is below a threshold: pixels where there are scores of pixels, else images, the worst first.

    cleanlab returns one image more than are below the threshold.

    Args:
        image_scores: (n,) float, NaN where an image cannot be scored
        pixel_scores: any shape, float, NaN where a pixel is ignored
        threshold: in [0, 1]

    Returns:
        bool of the shape of the pixel scores, or (k,) int64 indices of images

    Raises:
        ShortlistError: a threshold outside [0, 1]

    >>> issues_from_scores(np.array([0.5, 0.05, 0.01]))
    array([2, 1])
    """
    if not 0 <= threshold <= 1:
        raise must_be("threshold", "between 0 and 1", threshold)
    if pixel_scores is not None:
        return np.asarray(pixel_scores) < threshold
    image_scores = np.asarray(image_scores)
    order = np.argsort(image_scores, kind="stable")
    return order[image_scores[order] < threshold]


def _scored(given: NDArray[np.integer], planes: Planes) -> Iterator[NDArray[np.float32]]:
    """Band by band: the probabilities of the given classes."""
    return (own_of(*band) for band in bands_of(checked(given, planes), planes, 1))


def bands_of(given: NDArray[np.integer], planes: Planes, multiple: int, is_new: bool = True) -> Iterator[Band]:
    """Bands of a multiple of rows: labels (b, w), and probabilities (K, b, w), NaN where there are none."""
    n_classes, height, width = planes.shape
    size = max(1, _BAND_VALUES // (n_classes * width * multiple)) * multiple
    for start in range(0, height, size):
        stop = min(height, start + size)
        band = planes.rows(start, stop)
        if is_new:
            _check(band, planes.rounding)
        # Only whole numbers are so far off 1 that it matters.
        yield given[start:stop], band / band.sum(axis=0) if planes.rounding > ROUNDING else band


def _check(band: NDArray[np.float32], rounding: float) -> None:
    """Refuses what is no distribution."""
    sums, least = band.sum(axis=0), float(np.fmin.reduce(band, axis=None, initial=0))
    absent = np.isnan(sums)
    if absent.any() and not np.isnan(band[:, absent]).all():
        raise BadRow(0, "probabilities must be numbers >= 0 that sum to 1. Got NaN for some classes instead.")
    wrong = ~absent & ~(np.abs(sums - 1) <= rounding)
    if wrong.any() or least < -1e-6:
        got = f"a sum of {sums[wrong][0]:.4g}" if wrong.any() else f"{least:.4g}"
        raise BadRow(0, f"probabilities must be numbers >= 0 that sum to 1. Got {got} instead.")


def own_of(labels: NDArray[np.integer], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """(b, w) the probability of each label, NaN where there is none."""
    height, width = labels.shape
    rows, columns = np.arange(height)[:, None], np.arange(width)
    # Adding 0 leaves no negative zero, whose bits are not in the order of the numbers.
    own = np.maximum(probabilities[np.maximum(labels, 0), rows, columns], 0) + np.float32(0)
    if (labels < 0).any():
        own[labels < 0] = np.nan
    return own
