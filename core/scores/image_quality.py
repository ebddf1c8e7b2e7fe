"""Image quality: what an image's pixels and size say about it.

Every metric has one definition for all images, whatever their resolution and format: see ``picture`` for the working image and
the row image that the definitions speak of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from .base import Score
from .picture import Picture

# The variance that rounding to whole grey levels adds; it keeps the ratio of two variances finite.
_ROUNDING = 1 / 12
_ROW_KERNEL = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], np.float32)
# Half the columns of the strips that are looked at first.
_STRIPS = (16, 48)
_LEVELS = np.arange(256.0)


@dataclass(frozen=True, kw_only=True)
class ImageMetric(Score):
    """A number that describes one image: ``compute(Picture) -> float``.

    Args:
        whole: whether it is a whole number
        index: whether people sort by it so often that an index is worth what it costs to write
    """

    compute: Callable[[Picture], float] = field(kw_only=False)  # type: ignore[assignment]
    whole: bool = False
    index: bool = False


def brightness(picture: Picture) -> float:
    """The mean luma of the working image.

    Source: ITU-R BT.601-7 (2011), section 2.5.1.
    """
    return float(picture.histogram @ _LEVELS) / 255


def brightness_p5(picture: Picture) -> float:
    """The luma that 5 % of the working image's pixels do not exceed: high where even the shadows are bright.

    Source: percentiles of brightness, as in cleanvision (Cleanlab 2022).
    """
    return _percentile(picture, 0.05)


def brightness_p99(picture: Picture) -> float:
    """The luma that 99 % of the working image's pixels do not exceed: low where even the lights are dark.

    Source: percentiles of brightness, as in cleanvision (Cleanlab 2022).
    """
    return _percentile(picture, 0.99)


def _percentile(picture: Picture, share: float) -> float:
    """The least grey level that a share of the pixels does not exceed, in [0, 1]."""
    # A whole pixel's share is far more than this, which only takes up rounding.
    return float(picture.cumulative.searchsorted(share - 1e-9)) / 255


def contrast(picture: Picture) -> float:
    """The standard deviation of the working image's luma.

    Source: Peli, Contrast in complex images (1990), RMS contrast.
    """
    mean = picture.histogram @ _LEVELS
    return math.sqrt(max(0.0, float(picture.histogram @ (_LEVELS - mean) ** 2))) / 255


def sharpness(picture: Picture) -> float:
    """The variance of the Laplacian (four neighbours, grey levels 0 to 255) of the working image.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy (2000).
    """
    edges = picture.edges
    mean = cv2.sumElems(edges)[0] / edges.size
    return max(0.0, cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - mean * mean)


def focus(picture: Picture) -> float:
    """The energy of the working image's Laplacian over that of its gradient (Sobel): how fine edges are, at any contrast.

    An image with few but crisp edges has little sharpness and as much focus as others; blur takes both. What rounding to whole
    grey levels adds to either energy (5/3 and 2 a pixel) is taken off, or it would pass for fine edges in faint images.

    Returns:
        in [0, inf); NaN for an image without any edge

    Source: relative measure of high frequencies; operators as in Pertuz et al., Analysis of focus measure operators (2013).
    """
    luma = picture.luma
    gradient = sum(cv2.norm(axis, cv2.NORM_L2SQR) for axis in cv2.spatialGradient(luma))
    edges = cv2.norm(picture.edges, cv2.NORM_L2SQR)
    # The sums of the squared weights of the filters: 20 of the Laplacian, 12 of each Sobel operator.
    edges, gradient = edges / luma.size - 20 * _ROUNDING, gradient / luma.size - 24 * _ROUNDING
    return max(0.0, edges) / gradient if gradient > 24 * _ROUNDING else math.nan


def saturation(picture: Picture) -> float:
    """The mean saturation (HSV: how far the least channel is below the greatest) of the colour image.

    Source: Smith, Color gamut transform pairs (1978).
    """
    if picture.colors is None:
        return 0.0
    return float(cv2.mean(picture.colors[0])[0]) / 255


def entropy(picture: Picture) -> float:
    """The Shannon entropy of the working image's grey levels, in bits.

    Source: Shannon, A mathematical theory of communication (1948).
    """
    shares = picture.histogram[picture.histogram > 0]
    return max(0.0, -float(shares @ np.log2(shares)))


def snr(picture: Picture) -> float:
    """The variance of the smoothed working image over that of what smoothing (Gaussian, 3 x 3) took away, in decibels.

    Source: Gonzalez and Woods, Digital Image Processing (2018), section 5.2; smoothing stands for the unknown signal.
    """
    smooth = cv2.GaussianBlur(picture.luma, (3, 3), 0)
    noise = cv2.norm(picture.luma, smooth, cv2.NORM_L2SQR) / smooth.size
    signal = float(cv2.meanStdDev(smooth)[1][0, 0]) ** 2
    return 10 * math.log10((signal + _ROUNDING) / (noise + _ROUNDING))


def uniform_row_ratio(picture: Picture) -> float:
    """The share of the row image's rows in which more than 97 % of the pixels are like all their eight neighbours.

    Like: the Laplacian with centre 8 is below 5 of 255 grey levels. Rows and columns at the border have no such neighbours
    and do not count; an image of less than 3 pixels a side has 0.

    Source: LightlyOne, metadata ``lightly.uniformRowRatio``.
    """
    rows = picture.rows
    if min(rows.shape) < 3:
        return 0.0
    height, width = rows.shape[0] - 2, rows.shape[1] - 2
    low, high, middle = 0, height, width // 2
    # Where a part of a row has too many pixels that differ, as nearly all rows of photographs have, the whole has.
    for half in _STRIPS:
        strip = rows[low : high + 2, max(0, middle - half) : middle + half + 2]
        left = np.flatnonzero(_differing(strip) < 0.03 * width)
        if not len(left):
            return 0.0
        low, high = low + int(left[0]), low + int(left[-1]) + 1
    return np.count_nonzero(width - _differing(rows[low : high + 2]) > 0.97 * width) / height


def _differing(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(h - 2,) the number of pixels that are unlike their eight neighbours, in each row but the first and last."""
    edges = cv2.filter2D(rows, cv2.CV_16S, _ROW_KERNEL)[1:-1, 1:-1]
    like = cv2.reduce(cv2.inRange(edges, -4, 4), 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]
    return edges.shape[1] - like // 255


def aspect_ratio(picture: Picture) -> float:
    """The width over the height, as the image is shown.

    Source: EXIF 2.32 (2019), orientation.
    """
    return picture.width / picture.height


def width(picture: Picture) -> float:
    """The width in pixels, as the image is shown.

    Source: EXIF 2.32 (2019), orientation.
    """
    return picture.width


def height(picture: Picture) -> float:
    """The height in pixels, as the image is shown.

    Source: EXIF 2.32 (2019), orientation.
    """
    return picture.height


def size_bytes(picture: Picture) -> float:
    """The size of the file in bytes.

    Source: LightlyOne, metadata ``lightly.sizeInBytes``.
    """
    return picture.size_bytes


def colored_share(picture: Picture) -> float:
    """The share of the colour image's pixels whose channels differ by more than 3 of 255; 0 for a grey picture stored as RGB.

    Args:
        picture: the image

    Returns:
        in [0, 1]
    """
    if picture.colors is None:
        return 0.0
    spread = cv2.multiply(*picture.colors, scale=1 / 255)
    return cv2.countNonZero(cv2.threshold(spread, 3, 1, cv2.THRESH_BINARY)[1]) / spread.size


_BT601, _PERCENTILES = "ITU-R BT.601-7, 2011, section 2.5.1", "percentiles of brightness, as in cleanvision, 2022"
_EXIF = "size after EXIF rotation (EXIF 2.32, 2019)"
_DECIBELS = "Gonzalez and Woods, Digital Image Processing, 2018, section 5.2"
_LIGHTLY = "LightlyOne, metadata of images"
_MANY = math.inf

BRIGHTNESS = ImageMetric("brightness", 0, 1, "the image is bright", _BT601, brightness, index=True)
SHADOWS = ImageMetric("brightness_p5", 0, 1, "even its shadows are bright", _PERCENTILES, brightness_p5)
LIGHTS = ImageMetric("brightness_p99", 0, 1, "its lights are bright", _PERCENTILES, brightness_p99)
CONTRAST = ImageMetric("contrast", 0, 0.5, "light and dark lie far apart", "Peli 1990, RMS contrast", contrast)
SHARPNESS = ImageMetric(
    "sharpness", 0, _MANY, "there are many fine edges", "Pech-Pacheco et al. 2000", sharpness, index=True
)
FOCUS = ImageMetric("focus", 0, _MANY, "its edges are fine", "operators as in Pertuz et al. 2013", focus, index=True)
SATURATION = ImageMetric("saturation", 0, 1, "the colours are strong", "Smith 1978, HSV", saturation)
ENTROPY = ImageMetric("entropy", 0, 8, "many grey levels occur", "Shannon 1948, in bits", entropy, index=True)
SNR = ImageMetric("snr", -60, 60, "there is little noise beside the content", _DECIBELS, snr)
UNIFORM_ROWS = ImageMetric(
    "uniform_row_ratio", 0, 1, "many rows are empty, as after a decoding error", _LIGHTLY, uniform_row_ratio
)
ASPECT_RATIO = ImageMetric("aspect_ratio", 0, _MANY, "the image is wide for its height", _EXIF, aspect_ratio)
WIDTH = ImageMetric("width", 1, _MANY, "the image is wide", _EXIF, width, whole=True)
HEIGHT = ImageMetric("height", 1, _MANY, "the image is high", _EXIF, height, whole=True)
SIZE_BYTES = ImageMetric("size_bytes", 0, _MANY, "the file is large", _LIGHTLY, size_bytes, whole=True)
