"""WEIGHTS: prefer high values of a number."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ...errors import must_be
from ..engine.gains import Gains, StaticGains
from ..engine.limits import AtMost, Limit
from ..engine.run import Term
from ..strategy import Pool, Strategy
from ..values import Takes, numbers


class Weights(Strategy):
    """Picks what has the highest value; with a negative strength, the lowest."""

    takes: ClassVar[Takes] = "numbers"
    source: ClassVar[str] = "Settles, Active Learning Literature Survey, 2010 (query by the top score)"
    gain_means: ClassVar[str] = "the value itself"
    everyday: ClassVar[bool] = True

    type: Literal["WEIGHTS"]
    target_range: list[float] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="[low, high]: prefer values within this range, ends included, and outside of it the nearer ones; nothing "
        "given: high values.",
    )
    stopping_condition_max_sum: float | None = Field(
        None, gt=0, description="Pass over every sample that would take the sum of the picks' values beyond this."
    )

    @model_validator(mode="after")
    def _range_in_order(self) -> Weights:
        if self.target_range is not None and self.target_range[0] > self.target_range[1]:
            raise ValueError(
                f"target_range must be [low, high] with low <= high. Got {list(self.target_range)} instead."
            )
        return self

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        found = numbers(values)
        if self.target_range is not None:
            low, high = self.target_range
            found = -np.maximum(np.maximum(low - found, found - high), 0)
        return StaticGains(found)

    def rules(self, values: NDArray, pool: Pool) -> list[Limit | Term]:
        if self.stopping_condition_max_sum is None:
            return []
        found = numbers(values)
        negative = np.flatnonzero(found[pool.eligible] < 0)
        if len(negative):
            raise must_be("the values of stopping_condition_max_sum", ">= 0", float(found[pool.eligible[negative[0]]]))
        name = f"at most {self.stopping_condition_max_sum:g} in all"
        return [AtMost(name, found, self.stopping_condition_max_sum)]

    def words(self, source: str) -> str:
        if self.target_range is not None:
            low, high = self.target_range
            side = "within" if self.strength > 0 else "outside"
            return f"prefers {source} {side} {low:.12g} to {high:.12g}"
        return f"prefers {'high' if self.strength > 0 else 'low'} {source}"
