"""BUDGET: objects to label, minutes to watch, money to spend, instead of a number of images."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...errors import must_be
from ..constraint import Constraint
from ..engine.limits import AtMost
from ..inputs import Input, Metadata, Predictions, Scores
from ..strategy import Pool
from ..values import Takes, numbers


class Budget(Constraint):
    """Passes over every sample that would take the sum of a number over the picks beyond a maximum, and goes on.

    A sample without a value costs nothing.
    """

    takes: ClassVar[Takes] = "numbers"

    type: Literal["BUDGET"]
    input: Annotated[Predictions | Metadata | Scores, Field(discriminator="type")] = Field(
        description="What a sample costs: a number field, or the CATEGORY_COUNT of a label field's objects."
    )
    maximum: float = Field(gt=0, description="What all picks together may cost; the datapool is not counted.")

    @property
    def source(self) -> Input:
        return self.input

    def rule(self, values: Any, pool: Pool) -> AtMost:
        costs = np.nan_to_num(numbers(values))
        negative = np.flatnonzero(costs[pool.eligible] < 0)
        if len(negative):
            raise must_be(
                f"the BUDGET of {self.input.label()}", "over values >= 0", float(costs[pool.eligible[negative[0]]])
            )
        return AtMost(self.label(), costs, self.maximum)

    def budget(self, values: Any, pool: Pool) -> int:
        mean = float(np.nan_to_num(numbers(values))[pool.eligible].mean()) if len(pool.eligible) else 0.0
        most = len(pool.eligible)
        return most if mean <= 0 else int(np.clip(round(self.maximum / mean), 1, max(1, most)))

    def label(self) -> str:
        return f"at most {self.maximum:g} of {self.input.label()} in all"

    def words(self) -> str:
        return f"at most {self.maximum:g} of {self.input.words()} in all"
