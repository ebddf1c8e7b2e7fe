"""How numbers are distributed: the moments and histograms of sets, and their intervals over random draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .report import Interval, RandomSpread, Spread

BINS = 30
# Numbers that differ by less than this share are equal but for rounding.
_ROUNDING = 1e-9
# Up to this power of two numbers can be squared and summed.
_EXPONENT = 480


def edges_of(groups: Iterable[NDArray[Any]], bins: int = BINS, *, whole: bool = False) -> NDArray[np.float64]:
    """The edges of equally wide bins that hold the numbers of all groups.

    Args:
        groups: (m_i,) numbers; those that are not finite are left out
        bins: how many, at least 1
        whole: whether few whole numbers get a bin each, with the number in its middle, in place of ``bins``

    Returns:
        (bins + 1,) finite and ascending, from the least number to the greatest; from half a number to one and a half of it
        where all are equal, from 0 to 1 where there are none

    >>> edges_of([np.array([0.0, 2.0]), np.array([4.0])], 2).tolist()
    [0.0, 2.0, 4.0]
    >>> edges_of([np.array([1, 3, 3])], whole=True).tolist()
    [0.5, 1.5, 2.5, 3.5]
    """
    low, high, all_whole = np.inf, -np.inf, whole
    for group in groups:
        values = _finite(group)
        if len(values):
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            all_whole = all_whole and bool((values == np.floor(values)).all())
    if low > high:
        low, high = 0.0, 1.0
    elif all_whole and high - low < bins:
        return np.arange(round(low), round(high) + 2, dtype=np.float64) - 0.5
    elif high - low <= _ROUNDING * max(abs(low), abs(high)):
        half = abs(high) / 2 or 0.5
        low, high = (low - half, high + half) if high else (0.0, 1.0)
    places = np.linspace(0, 1, bins + 1)
    return np.asarray(low * (1 - places) + high * places)


def spread_of(values: NDArray[Any], edges: NDArray[np.float64]) -> Spread:
    """How numbers are distributed.

    Args:
        values: (m,) numbers; those that are not finite are left out
        edges: (bins + 1,) of the histogram; what lies beyond counts in the bin at that end

    >>> spread_of(np.array([1.0, 1.0, 4.0, np.nan]), np.array([0.0, 2.0, 4.0])).histogram
    [2, 1]
    """
    found = _finite(values)
    if not len(found):
        return Spread(
            count=0, mean=None, std=None, min=None, median=None, p95=None, max=None, histogram=[0] * (len(edges) - 1)
        )
    # Powers of two scale exactly; without them the squares of very large numbers would be infinite.
    scale = _scale_of(found)
    small = found / scale
    low, median, p95, high = (float(one) * scale for one in np.percentile(small, [0, 50, 95, 100]))
    counts = np.histogram(found.clip(edges[0], edges[-1]), edges)[0]
    return Spread(
        count=len(found),
        mean=min(max(float(small.mean()) * scale, low), high),
        std=float(small.std()) * scale,
        min=low,
        median=median,
        p95=p95,
        max=high,
        histogram=counts.tolist(),
    )


def interval_of(values: Sequence[float]) -> Interval:
    """A number over random draws: its mean and where 95 % of further draws can be expected.

    Of fewer than 39 draws that is from the least to the greatest; one more of n lies outside of these in 2 / (n + 1) of all
    cases.

    Args:
        values: the number in each draw, at least one

    >>> found = interval_of([1.0, 2.0, 6.0])
    >>> found.mean, found.low, found.high
    (3.0, 1.0, 6.0)
    """
    draws = np.asarray(values, np.float64)
    scale = _scale_of(draws)
    low, high = np.percentile(draws / scale, [2.5, 97.5], method="weibull") * scale
    mean = min(max(float((draws / scale).mean()) * scale, float(draws.min())), float(draws.max()))
    return Interval(mean=mean, low=float(low), high=float(high), draws=draws.tolist())


def random_spread_of(draws: Sequence[NDArray[Any]], edges: NDArray[np.float64]) -> RandomSpread | None:
    """How numbers are distributed in random draws.

    Args:
        draws: (m_i,) the numbers of each draw; draws without any have no part in the intervals
        edges: (bins + 1,) of the histogram

    Returns:
        None where no draw has any number
    """
    every = [spread_of(draw, edges) for draw in draws]
    held = [spread for spread in every if spread.count]
    if not held:
        return None

    def over(name: str) -> Interval:
        return interval_of([getattr(spread, name) for spread in held])

    return RandomSpread(
        count=min(spread.count for spread in every),
        mean=over("mean"),
        std=over("std"),
        min=over("min"),
        median=over("median"),
        p95=over("p95"),
        max=over("max"),
        histogram=np.mean([spread.histogram for spread in held], axis=0).tolist(),
    )


def _scale_of(values: NDArray[np.float64]) -> float:
    """A power of two by which numbers are not too large to be squared and summed; 1 for almost all."""
    return float(2.0 ** max(0, int(np.frexp(np.abs(values).max())[1]) - _EXPONENT))


def _finite(values: NDArray[Any]) -> NDArray[np.float64]:
    """The finite ones among numbers, in double precision."""
    wide = np.asarray(values, np.float64).ravel()
    return wide[np.isfinite(wide)]
