"""Class probabilities of masks, as files and documents hold them, as ``Planes``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from .probabilities import ROUNDING, BadRow, from_confidence

# A half's bits, moved to where a single's are, are the number divided by 2**112.
_HALF_SHIFT, _HALF_SCALE = np.uint32(13), np.float32(2.0**112)
_HALF_INFINITY = np.uint16(0x7C00)


def as_float32(values: NDArray) -> NDArray[np.float32]:
    """Numbers of any type as single precision; whole ones as shares of the greatest that their type holds.

    Moving the bits of non-negative halves is some ten times faster than NumPy's conversion, and as exact.

    >>> as_float32(np.array([0, 255], np.uint8))
    array([0., 1.], dtype=float32)
    """
    if values.dtype == np.float16:
        bits = values.view(np.uint16)
        if bits.max(initial=0) < _HALF_INFINITY:
            wide = bits.astype(np.uint32)
            wide <<= _HALF_SHIFT
            singles = wide.view(np.float32)
            singles *= _HALF_SCALE
            return singles
    if values.dtype.kind in "iu":
        shares = values.astype(np.float32)
        shares /= np.float32(np.iinfo(values.dtype).max)
        return shares
    return values.astype(np.float32, copy=False)


def rounding_of(dtype: np.dtype, n_classes: int) -> float:
    """How far off 1 a sum of probabilities of a type may be: whole numbers are each off by half of one."""
    steps = n_classes / 2 / float(np.iinfo(dtype).max) if dtype.kind in "iu" else 0.0
    return min(ROUNDING + steps, 0.5)


class ArrayPlanes:
    """Probabilities, or logits, in memory.

    Args:
        values: (K, h, w) numbers
        are_logits: whether softmax makes them probabilities
    """

    predicted: NDArray[np.integer] | None = None

    def __init__(self, values: NDArray, are_logits: bool = False):
        self.values, self.are_logits = values, are_logits
        self.shape: tuple[int, int, int] = (values.shape[0], values.shape[1], values.shape[2])
        self.rounding = ROUNDING if are_logits else rounding_of(values.dtype, self.shape[0])

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """(K, stop - start, w) the probabilities of some rows."""
        band = self.raw(start, stop)
        if not self.are_logits:
            return as_float32(band)
        band = band.astype(np.float32)
        if not np.isfinite(band).all():
            raise BadRow(0, "logits must be finite numbers. Got NaN or infinity instead.")
        return softmax(band, axis=0)

    def ranks(self, start: int, stop: int) -> NDArray:
        """(K, stop - start, w) numbers in the order of the probabilities: those stored, halves by their bits."""
        band = self.raw(start, stop)
        if band.dtype != np.float16:
            return band
        bits = band.view(np.uint16)
        return bits if bits.max(initial=0) < _HALF_INFINITY else band.astype(np.float32)

    def raw(self, start: int, stop: int) -> NDArray:
        """(K, stop - start, w) of the stored numbers, not to be changed."""
        return self.values[:, start:stop]


class ConfidencePlanes:
    """Probabilities approximated from a predicted class and a confidence a pixel: the other classes share the rest evenly.

    Args:
        predicted: (h, w) int, -1 where there is no class
        confidences: (h, w) float in [0, 1], NaN where there is none
        n_classes: K
    """

    def __init__(self, predicted: NDArray[np.integer], confidences: NDArray[np.floating], n_classes: int):
        self.shape: tuple[int, int, int] = (max(n_classes, 2), *predicted.shape)
        self.rounding = ROUNDING
        self.confidences = confidences
        self.predicted: NDArray[np.integer] | None = np.where(np.isnan(confidences), -1, predicted)

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """(K, stop - start, w) the probabilities of some rows."""
        assert self.predicted is not None
        classes, confidences = self.predicted[start:stop].ravel(), self.confidences[start:stop].ravel()
        band = from_confidence(confidences, classes, self.shape[0])
        return band.T.reshape(self.shape[0], stop - start, self.shape[2])

    ranks = rows
