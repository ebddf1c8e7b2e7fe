"""MAX_PER_GROUP: not too many of one video, scene or day."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...schema import CATEGORY
from ..constraint import Constraint
from ..engine.gains import Rows
from ..engine.limits import Limit
from ..inputs import Metadata
from ..strategy import Pool
from ..values import Amounts, Takes


class MaxPerGroup(Constraint):
    """Passes over every sample whose group already has this many picks, those of the datapool counted in."""

    takes: ClassVar[Takes] = "amounts"

    type: Literal["MAX_PER_GROUP"]
    key: Annotated[str, CATEGORY] = Field(
        description="The path of the field that names a sample's group, such as a video, a scene or a day; samples "
        "without a value are in no group."
    )
    maximum: int = Field(ge=1, description="How many picks a group may have.")

    @property
    def source(self) -> Metadata:
        return Metadata(type="METADATA", key=self.key)

    def rule(self, values: Amounts, pool: Pool) -> Limit:
        return PerClass(self.label(), values, pool.preselected, maxima=np.full(len(values.names), float(self.maximum)))

    def label(self) -> str:
        return f"at most {self.maximum} per {self.key}"

    def words(self) -> str:
        return f"at most {self.maximum} per `{self.key}`"


class PerClass(Limit):
    """At most so much of each class, and at least so much while the pool and the budget can give it.

    Whatever would exceed a maximum is refused. Minima are kept by holding picks back: as soon as no more picks are left than
    the minima still need, only rows that help are allowed. One pick is counted on to give one unit of one class, so minima
    are met whenever rows of one class each can meet them.

    Args:
        name: the rule in a few words
        amounts: how much of each class every row holds
        preselected: rows that count as picked
        maxima: (C,) float, infinity for none
        minima: (C,) float, 0 for none
        n: the budget
    """

    def __init__(
        self,
        name: str,
        amounts: Amounts,
        preselected: Rows,
        maxima: NDArray[np.float64] | None = None,
        minima: NDArray[np.float64] | None = None,
        n: int = 0,
    ):
        super().__init__(name)
        size = len(amounts.names)
        self.matrix = amounts.matrix
        self.maxima = np.full(size, np.inf) if maxima is None else maxima
        self.minima = np.zeros(size) if minima is None else minima
        self.held: NDArray[np.float64] = np.asarray(self.matrix[preselected].sum(axis=0), np.float64).ravel()
        self.left = n
        # Only classes with a maximum can be exceeded, and rows that hold none of them never are: they are not looked at.
        self.bounded = np.flatnonzero(np.isfinite(self.maxima))
        self._watched = self.matrix[:, self.bounded].tocsr() if len(self.bounded) < size else self.matrix
        self._update()

    def allows(self, rows: Rows) -> NDArray[np.bool_]:
        allowed = np.ones(len(rows), bool)
        if len(self.bounded):
            part = self._watched[rows]
            room = (self.maxima - self.held)[self.bounded] * (1 + 1e-9) + 1e-9
            too_much = part.data > room[part.indices]
            owner = np.repeat(np.arange(len(rows)), np.diff(part.indptr))
            allowed[owner[too_much]] = False
        if self.phase % 2:
            needed = (self.minima > self.held).astype(np.float64)
            allowed &= self.matrix[rows] @ needed > 0
        return allowed

    def pick(self, row: int) -> None:
        span = slice(*self.matrix.indptr[row : row + 2])
        self.held[self.matrix.indices[span]] += self.matrix.data[span]
        self.left -= 1
        self._update()

    def give_up(self) -> bool:
        if not self.phase % 2:
            return False
        self.minima = np.minimum(self.minima, self.held)
        self._update()
        return True

    def _update(self) -> None:
        """An odd phase allows only what minima still need; it moves on when they need no more, or other classes."""
        lacking = np.maximum(self.minima - self.held, 0)
        pressed = bool(lacking.any()) and float(np.ceil(lacking - 1e-9).sum()) >= self.left
        if pressed != bool(self.phase % 2):
            self.phase += 1
