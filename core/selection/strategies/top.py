"""TOP: keep only the best by a number, from which the other strategies pick."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..strategy import Pool, Strategy
from ..values import Takes, numbers


class Top(Strategy):
    """Leaves out all but the samples with the highest values, a few times as many as are to be picked.

    A score decides who is worth a look, and another strategy who of those is picked: unlike in a mixture of both, however
    little of the pool the others then cover.
    """

    takes: ClassVar[Takes] = "numbers"
    source: ClassVar[str] = (
        "Citovsky et al., Batch Active Learning at Scale, 2021 (the most uncertain first, then diversity)"
    )
    filters: ClassVar[bool] = True
    compares: ClassVar[bool] = True

    type: Literal["TOP"]
    times: float = Field(4.0, ge=1, description="How many times as many samples as are to be picked stay.")

    def keeps(self, values: NDArray, pool: Pool) -> NDArray[np.bool_]:
        found = numbers(values)[pool.eligible] * np.sign(self.strength)
        order = np.argsort(-found, kind="stable")[: math.ceil(self.times * pool.n)]
        kept = np.zeros(len(values), bool)
        kept[pool.eligible[order]] = True
        return kept

    def words(self, source: str) -> str:
        side = "highest" if self.strength > 0 else "lowest"
        return f"keeps only {self.times:g} times as many with the {side} {source}"
