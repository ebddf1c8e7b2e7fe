"""THRESHOLD: keep only what lies on one side of a value, before anything is picked."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..strategy import Pool, Strategy
from ..values import Takes, numbers

_COMPARE = {
    "BIGGER": np.greater,
    "BIGGER_EQUAL": np.greater_equal,
    "SMALLER": np.less,
    "SMALLER_EQUAL": np.less_equal,
}


class Threshold(Strategy):
    """Leaves out every sample whose value is not on the wanted side; a sample without a value is left out."""

    takes: ClassVar[Takes] = "numbers"
    source: ClassVar[str] = "LightlyOne, selection strategy THRESHOLD"
    filters: ClassVar[bool] = True

    type: Literal["THRESHOLD"]
    threshold: float = Field(description="The value to compare with; for dates, in seconds since 1970 (UTC).")
    operation: Literal["BIGGER", "BIGGER_EQUAL", "SMALLER", "SMALLER_EQUAL"] = Field(
        "BIGGER_EQUAL", description="How a sample's value must compare with the threshold to stay."
    )

    def keeps(self, values: NDArray, pool: Pool) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore"):
            return _COMPARE[self.operation](numbers(values), self.threshold)

    def words(self, source: str) -> str:
        sign = {"BIGGER": ">", "BIGGER_EQUAL": ">=", "SMALLER": "<", "SMALLER_EQUAL": "<="}[self.operation]
        return f"keeps only {source} {sign} {self.threshold:.12g}"
