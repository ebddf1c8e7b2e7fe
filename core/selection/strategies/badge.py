"""BADGE: be unsure and various at once. Draws by squared distance in gradient space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ...errors import ShortlistError, must_be
from ...vectors import checked
from ..engine.gains import Gains
from ..inputs import Predictions
from ..parts.gradients import GradientGains
from ..strategy import Pool, Strategy
from ..values import Takes


class Badge(Strategy):
    """Draws samples whose training would move the model far, and each in another direction: unsure and various at once.

    The gradient of a sample is what the last layer would learn from it if its prediction were right. As in the authors' code
    the first pick has the longest gradient, and each further one is drawn with a chance in proportion to the squared distance
    of its gradient to the nearest one picked. Gradients of the datapool count as picked; with one, the first pick is drawn too.
    """

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = (
        "Ash et al., Deep Batch Active Learning by Diverse, Uncertain Gradient Lower Bounds (BADGE), 2020; k-means++ seeding: "
        "Arthur & Vassilvitskii, 2007"
    )
    gain_means: ClassVar[str] = "one over the number of draws after which its lot comes up"
    by_chance: ClassVar[bool] = True
    beside: ClassVar[Mapping[str, Takes]] = {"probabilities": "probabilities"}

    type: Literal["BADGE"]
    probabilities: Predictions = Field(
        Predictions(type="PREDICTIONS", name="PROBABILITIES"),
        description="The label field whose PROBABILITIES, one label a sample, make gradients of the vectors; these should be "
        "the inputs of the model's last layer.",
    )

    @field_validator("probabilities")
    @classmethod
    def _of_one_label(cls, given: Predictions) -> Predictions:
        if "name" not in given.model_fields_set:
            return given.model_copy(update={"name": "PROBABILITIES"})
        if given.name != "PROBABILITIES":
            raise ValueError(f"the name must be 'PROBABILITIES'. Got {given.name!r} instead.")
        return given

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        probabilities = np.asarray(pool.beside["probabilities"])
        used = np.union1d(pool.eligible, pool.preselected)
        if probabilities.ndim != 2 or len(probabilities) != len(values) or not probabilities.shape[1]:
            raise must_be(
                "probabilities", f"one row of class probabilities a sample, ({len(values)}, K)", probabilities.shape
            )
        unusable = int((~np.isfinite(probabilities[used]).all(axis=1)).sum())
        if unusable:
            raise ShortlistError(
                f"probabilities must be finite numbers. Got others in {unusable} of {len(used)} rows instead."
            )
        # A negative strength picks what would be drawn last, not in the order of a draw.
        return GradientGains(checked(values), probabilities, pool, racing=self.strength > 0)

    def words(self, source: str) -> str:
        field = f"`{self.probabilities.label()}`"
        if self.strength < 0:
            return f"avoids what is unsure in {field} and various in {source}"
        return f"draws what is unsure in {field} and various in {source}"
