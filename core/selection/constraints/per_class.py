"""PER_CLASS: at least and at most so much of each class or category."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ...errors import did_you_mean, listed, must_be
from ..constraint import Constraint
from ..engine.gains import Rows
from ..engine.limits import Limit
from ..inputs import Input, Metadata, Predictions
from ..strategy import Pool
from ..values import Amounts, Takes
from .max_per_group import PerClass as Quota


class PerClass(Constraint):
    """Keeps the picks, with the datapool, within a minimum and a maximum of each class of objects or category of samples."""

    takes: ClassVar[Takes] = "amounts"

    type: Literal["PER_CLASS"]
    input: Annotated[Predictions | Metadata, Field(discriminator="type")] = Field(
        description="The classes of a label field, or the categories of a metadata field."
    )
    minimum: dict[str, float] = Field(
        default_factory=dict, description='At least so much of a class, such as {"bicycle": 20}.'
    )
    maximum: dict[str, float] = Field(
        default_factory=dict, description='At most so much of a class, such as {"person": 200}.'
    )

    @model_validator(mode="after")
    def _something_asked(self) -> PerClass:
        if not self.minimum and not self.maximum:
            raise ValueError("minimum or maximum must be given. Got neither.")
        for bounds, name in ((self.minimum, "minimum"), (self.maximum, "maximum")):
            for cls, amount in bounds.items():
                if amount < 0:
                    raise ValueError(f"{name}[{cls!r}] must be >= 0. Got {amount:g} instead.")
        for cls in self.minimum.keys() & self.maximum.keys():
            if self.minimum[cls] > self.maximum[cls]:
                raise ValueError(
                    f"the minimum of {cls!r} must be <= its maximum, {self.maximum[cls]:g}. Got {self.minimum[cls]:g} instead."
                )
        return self

    @property
    def source(self) -> Input:
        return self.input

    def rule(self, values: Amounts, pool: Pool) -> Limit:
        return Quota(
            self.label(),
            values,
            pool.preselected,
            self._vector(values, self.maximum, np.inf),
            self._vector(values, self.minimum, 0.0),
            pool.n,
        )

    def supply(self, values: Amounts, pool: Pool) -> list[str]:
        at = self._held(values, np.concatenate([pool.eligible, pool.preselected]))
        return [
            f"{self.label()} asks for {amount:g} of {name!r}, and there are {at.get(name, 0):g}"
            for name, amount in self.minimum.items()
            if at.get(name, 0) < amount - 1e-9
        ]

    def unmet(self, values: Any, picked: Rows, pool: Pool) -> list[str]:
        """The minima that the picks and the datapool do not meet although the pool could, one sentence each."""
        at = self._held(values, np.concatenate([picked, pool.preselected]))
        there = self._held(values, np.concatenate([pool.eligible, pool.preselected]))
        return [
            f"the picks and the datapool hold {at.get(name, 0):g} of {name!r}, and {self.label()} asks for {amount:g}"
            for name, amount in self.minimum.items()
            if at.get(name, 0) < amount - 1e-9 <= there.get(name, 0)
        ]

    @staticmethod
    def _held(values: Amounts, rows: Rows) -> dict[str, float]:
        """How much of each class rows hold."""
        there = np.asarray(values.matrix[rows].sum(axis=0)).ravel()
        return {name: float(amount) for name, amount in zip(values.names, there, strict=True)}

    def _vector(self, values: Amounts, bounds: dict[str, float], default: float) -> NDArray[np.float64]:
        unknown = [name for name in bounds if name not in values.names]
        if unknown:
            raise must_be(
                "a class", f"one of the classes of {self.input.label()} ({listed(values.names)})", unknown[0],
                did_you_mean(unknown[0], values.names),
            )  # fmt: skip
        return np.array([bounds.get(name, default) for name in values.names], np.float64)

    def label(self) -> str:
        return f"{self._bounds()} in {self.input.label()}"

    def words(self) -> str:
        return f"{self._bounds()} in {self.input.words()}"

    def _bounds(self) -> str:
        parts = [
            f"{word} {amount:g} {name}"
            for word, bounds in (("at least", self.minimum), ("at most", self.maximum))
            for name, amount in bounds.items()
        ]
        return listed(parts, 4)
