"""MINIMUM_DISTANCE: no two picks nearer to each other than this."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from ..constraint import Constraint
from ..engine.run import Term
from ..inputs import Embeddings
from ..strategies.diversity import barrier
from ..strategy import Pool
from ..values import Takes


class MinimumDistance(Constraint):
    """Passes over every sample that is nearer than this to an earlier pick or to the datapool; with the embeddings of objects,
    every sample all of whose objects are.
    """

    takes: ClassVar[Takes] = "vectors"

    type: Literal["MINIMUM_DISTANCE"]
    distance: float = Field(gt=0, description="The least Euclidean distance between two picks.")
    input: Embeddings = Field(Embeddings(type="EMBEDDINGS"), description="The vectors that are compared.")

    @property
    def source(self) -> Embeddings:
        return self.input

    def rule(self, values: Any, pool: Pool) -> Term:
        return barrier(values, self.distance, pool)

    def label(self) -> str:
        return f"at least {self.distance:g} apart in {self.input.label()}"

    def words(self) -> str:
        return f"at least {self.distance:g} apart in {self.input.words()}"
