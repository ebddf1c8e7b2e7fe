"""Flags of images: what is likely wrong with one, decided from its metrics by a threshold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..schema import first_sentence

#: values by name, (n,) float each, NaN where an image could not be read
Values = Mapping[str, NDArray[np.floating]]

# From the median absolute deviation of a normal distribution to its standard deviation.
_MAD_TO_STD = 1.4826
# What is odd differs from what is usual by this factor at least, however alike the others are.
_AT_LEAST = 2.0
_GREY = 0.01


@dataclass(frozen=True)
class Flag:
    """A likely problem of images.

    Args:
        name: the word that is written
        needs: the values that it is decided from
        parameter: the threshold's parameter, if it has one
        compute: ``compute(values, threshold) -> (n,) bool``, False where a value is NaN
    """

    name: str
    needs: tuple[str, ...]
    parameter: str | None
    compute: Callable[[Values, float], NDArray[np.bool_]]

    @property
    def description(self) -> str:
        """One sentence, from the docstring."""
        return first_sentence(self.compute)


def dark(values: Values, threshold: float) -> NDArray[np.bool_]:
    """99 % of the pixels are darker than the threshold."""
    return values["brightness_p99"] < threshold


def bright(values: Values, threshold: float) -> NDArray[np.bool_]:
    """95 % of the pixels are brighter than the threshold."""
    return values["brightness_p5"] > threshold


def blurry(values: Values, threshold: float) -> NDArray[np.bool_]:
    """The focus is below the threshold: the edges are wide."""
    return values["focus"] < threshold


def low_information(values: Values, threshold: float) -> NDArray[np.bool_]:
    """The entropy is below the threshold: the image is nearly of one colour."""
    return values["entropy"] < threshold


def odd_size(values: Values, threshold: float) -> NDArray[np.bool_]:
    """The size (root of the area) is far from these images' median: by robust deviations and by a factor of 2 at least."""
    return _unusual(np.log(values["width"] * values["height"]) / 2, threshold)


def odd_aspect(values: Values, threshold: float) -> NDArray[np.bool_]:
    """Longer over shorter side is far from these images' median: by robust deviations and by a factor of 2 at least."""
    return _unusual(np.abs(np.log(values["width"] / values["height"])), threshold)


def _unusual(values: NDArray[np.floating], deviations: float) -> NDArray[np.bool_]:
    """Which logarithms lie far from their median.

    Args:
        values: (n,) float, NaN where unknown
        deviations: how many robust standard deviations (1.4826 times the median absolute deviation) are far

    Returns:
        (n,) bool, False where unknown
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), bool)
    off = np.abs(values - np.median(known))
    spread = _MAD_TO_STD * float(np.median(off[~np.isnan(off)]))
    # A hair above the factor: twice as large and rounded is not yet odd.
    return off > max(deviations * spread, math.log(_AT_LEAST) + 1e-6)


def grey(values: Values, threshold: float) -> NDArray[np.bool_]:
    """No more than 1 % of the pixels have a colour (channels that differ by more than 3 of 255)."""
    return values["colored_share"] <= _GREY


DARK = Flag("dark", ("brightness_p99",), "dark_below", dark)
BRIGHT = Flag("bright", ("brightness_p5",), "bright_above", bright)
BLURRY = Flag("blurry", ("focus",), "blurry_below", blurry)
LOW_INFORMATION = Flag("low_information", ("entropy",), "low_information_below", low_information)
ODD_SIZE = Flag("odd_size", ("width", "height"), "odd_size_deviations", odd_size)
ODD_ASPECT = Flag("odd_aspect", ("width", "height"), "odd_aspect_deviations", odd_aspect)
GREY = Flag("grey", ("colored_share",), None, grey)


@cache
def flags() -> dict[str, Flag]:
    """Every flag that is decided from values, by name."""
    return {flag.name: flag for flag in (DARK, BRIGHT, BLURRY, LOW_INFORMATION, ODD_SIZE, ODD_ASPECT, GREY)}


#: flags that are decided otherwise, with what they say
OTHER_FLAGS = {
    "unreadable": "The file is missing, damaged, cut off or no image.",
    "exact_duplicate": "The pixels are those of another image that comes before it in its duplicate group.",
    "near_duplicate": "The image is nearly the first of its duplicate group: resized, recompressed or slightly changed.",
}

if TYPE_CHECKING:
    FlagName = str
else:
    FlagName = Literal[(*flags(), *OTHER_FLAGS)]
