"""What a strategy is: a parameter model that turns an input's values into gains, or into a filter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..errors import ShortlistError, must_be
from ..progress import Progress, silent
from ..registry import subclasses_in
from ..schema import Schema, tag_of
from .gains import Gains, Rows

#: what the values of an input are: (n, d) vectors, (n,) numbers or (n,) categories
Takes = Literal["vectors", "numbers", "categories"]


@dataclass(frozen=True)
class Pool:
    """What a strategy may know about the run besides its values.

    Args:
        eligible: rows that may be picked, ascending
        preselected: rows that count as picked from the start (the datapool), ascending
        n: the budget
        seed: of everything random
        progress: told how far long preparations are
    """

    eligible: Rows
    preselected: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    n: int = 0
    seed: int = 0
    progress: Progress = silent


class Strategy(Schema):
    """Base of the strategies. A subclass in a file of ``strategies`` is found by itself.

    Class facts: ``takes`` what kind of values, ``source`` of the method, ``gain_means`` the unit of its gain,
    ``filters`` whether it decides who may be picked instead of who is picked first.
    """

    takes: ClassVar[Takes]
    source: ClassVar[str]
    gain_means: ClassVar[str] = ""
    filters: ClassVar[bool] = False

    strength: float = Field(
        1.0,
        ge=-1e9,
        le=1e9,
        description="Weight in the mixture: 0 switches the strategy off, a negative one inverts it (a threshold is on or off).",
    )

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        """The gains of every row.

        Args:
            values: (n,) or (n, d), as ``takes`` says
            pool: the rest of the run
        """
        raise NotImplementedError

    def keeps(self, values: NDArray, pool: Pool) -> NDArray[np.bool_]:
        """(n,) bool, for a strategy that filters: which rows may be picked."""
        raise NotImplementedError


def numbers(values: NDArray) -> NDArray[np.float64]:
    """(n,) numbers as floats.

    Raises:
        ShortlistError: infinite values, which no mixture can weigh
    """
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise must_be("values", "numbers", values.dtype.name)
    values = values.astype(np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        raise ShortlistError(
            f"values must be finite numbers. Got infinity {int(infinite.sum())} times instead "
            f"(first row: {int(np.flatnonzero(infinite)[0])})."
        )
    return values


@cache
def strategies() -> dict[str, type[Strategy]]:
    """Every strategy by type; those that filter last, since a filter alone selects nothing in particular."""
    found = sorted(subclasses_in(f"{__package__}.strategies", Strategy), key=lambda strategy: strategy.filters)
    return {tag_of(strategy): strategy for strategy in found}
