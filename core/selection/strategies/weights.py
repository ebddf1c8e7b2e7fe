"""WEIGHTS: prefer high values of a number."""

from __future__ import annotations

from typing import ClassVar, Literal

from numpy.typing import NDArray

from ..gains import Gains, StaticGains
from ..strategy import Pool, Strategy, Takes, numbers


class Weights(Strategy):
    """Picks what has the highest value; with a negative strength, the lowest."""

    takes: ClassVar[Takes] = "numbers"
    source: ClassVar[str] = "Settles, Active Learning Literature Survey, 2010 (query by the top score)"
    gain_means: ClassVar[str] = "the value itself"

    type: Literal["WEIGHTS"]

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        return StaticGains(numbers(values))
