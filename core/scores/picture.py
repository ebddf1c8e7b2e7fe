"""An image as the metrics see it, at sizes that are the same for all images, so that values compare.

- The *working image*: luma (Rec. 601) in 8 bits, its longer side 160 pixels by area averaging; a smaller image is taken as it
  is. Blur and noise that vanish at that size do not count.
- The *colour image*: the colours in 8 bits, its longer side 80 pixels by bilinear sampling, since colours vary slowly.
- The *row image*: luma in 8 bits, halved as often as it takes to be at most 400 pixels high.

A decoder may deliver the image reduced by ``reduction``. Then the row image is made from no fewer pixels than it has, and the
working image from at least twice as many a side, so that the decoder's own filter is averaged out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import log2

import cv2
import numpy as np
from numpy.typing import NDArray

#: pixels of the working image's longer side
WORKING_SIDE = 160
#: pixels of the colour image's longer side
COLOR_SIDE = 80
#: most pixels of the row image's height
ROW_HEIGHT = 400


def reduction(width: int, height: int) -> int:
    """By how much a decoder may reduce an image, upright or turned, without changing what a metric means.

    Args:
        width: pixels
        height: pixels

    Returns:
        1, 2, 4 or 8

    >>> reduction(640, 480), reduction(1920, 1080), reduction(500, 375)
    (2, 4, 1)
    """
    limit = min(max(width, height) // (2 * WORKING_SIDE), _halved(width), _halved(height))
    factor = max(one for one in (1, 2, 4, 8) if one <= max(limit, 1))
    # A turned image is told from an upright one by the shape that the decoder delivers.
    while width != height and -(-width // factor) == -(-height // factor):
        factor //= 2
    return factor


def _halved(height: int) -> int:
    """How many times smaller the row image is: a power of two."""
    factor = 1
    while height // factor > ROW_HEIGHT:
        factor *= 2
    return factor


@dataclass(frozen=True)
class Picture:
    """One image.

    Args:
        pixels: (h, w) grey or (h, w, 3) BGR, uint8 or uint16, whole or reduced by ``reduction``
        width: pixels of the whole image, as it is shown
        height: pixels of the whole image, as it is shown
        size_bytes: of the file
    """

    pixels: NDArray
    width: int
    height: int
    size_bytes: int

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        """The pixels in 8 bits; white stays white."""
        return self.pixels if self.pixels.dtype == np.uint8 else cv2.convertScaleAbs(self.pixels, alpha=1 / 257)

    @cached_property
    def _luma(self) -> NDArray[np.uint8]:
        """(h, w) luma at the decoded scale."""
        return self._pixels if self._pixels.ndim == 2 else cv2.cvtColor(self._pixels, cv2.COLOR_BGR2GRAY)

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """The working image in grey."""
        return _resized(self._luma, WORKING_SIDE, cv2.INTER_AREA)

    @cached_property
    def edges(self) -> NDArray[np.int16]:
        """The Laplacian (four neighbours) of the working image."""
        return cv2.Laplacian(self.luma, cv2.CV_16S)

    @cached_property
    def histogram(self) -> NDArray[np.float64]:
        """(256,) the share of the working image's pixels at each grey level."""
        counts = cv2.calcHist([self.luma], [0], None, [256], [0, 256])
        return counts[:, 0].astype(np.float64) / self.luma.size

    @cached_property
    def cumulative(self) -> NDArray[np.float64]:
        """(256,) the share of the working image's pixels that are no brighter than each grey level."""
        return np.cumsum(self.histogram)

    @cached_property
    def colors(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Saturation and value (HSV, 0 to 255) of the colour image's pixels; None where the file is grey."""
        if self._pixels.ndim == 2:
            return None
        hsv = cv2.cvtColor(_resized(self._pixels, COLOR_SIDE, cv2.INTER_LINEAR), cv2.COLOR_BGR2HSV)
        return cv2.extractChannel(hsv, 1), cv2.extractChannel(hsv, 2)

    @cached_property
    def rows(self) -> NDArray[np.uint8]:
        """The row image."""
        image = self._luma
        decoded = 1 << round(log2(self.height / image.shape[0]))
        for _ in range(round(log2(_halved(self.height) / decoded))):
            size = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
            image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return image


def _resized(image: NDArray, side: int, interpolation: int) -> NDArray:
    """The image with a longer side of that many pixels; a smaller one as it is."""
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer <= side:
        return image
    if longer == 2 * side:
        # Bilinear at exactly half is the mean of four pixels, as area averaging is, and several times faster.
        interpolation = cv2.INTER_LINEAR
    size = (max(1, round(width * side / longer)), max(1, round(height * side / longer)))
    return cv2.resize(image, size, interpolation=interpolation)
