"""What a strategy is: a parameter model that turns an input's values into gains, or into a filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..progress import Progress, silent
from ..registry import subclasses_in
from ..schema import Schema, tag_of
from .engine.gains import Gains, Rows
from .engine.limits import Limit
from .engine.run import Term
from .values import Takes


@dataclass(frozen=True)
class Pool:
    """What a strategy may know about the run besides its values.

    Args:
        eligible: rows that may be picked, ascending
        preselected: rows that count as picked from the start (the datapool), ascending
        n: the budget
        seed: of everything random
        progress: told how far long preparations are
        beside: the values of the strategy's own inputs, see ``Values.beside``
    """

    eligible: Rows
    preselected: Rows = field(default_factory=lambda: np.zeros(0, np.int64))
    n: int = 0
    seed: int = 0
    progress: Progress = silent
    beside: Mapping[str, Any] = field(default_factory=dict)


class Strategy(Schema):
    """Base of the strategies. A subclass in a file of ``strategies`` is found by itself.

    Class facts:
        takes: what kind of values
        source: of the method
        gain_means: the unit of its gain
        filters: whether it decides who may be picked instead of who is picked first
        compares: whether, as a filter, it compares those who may be picked with each other, so that it comes after the others
        of_objects: whether it values a sample over the vectors of its objects too
        queries: whether it compares with the vectors of a query set
        by_chance: whether its picks depend on the seed
        everyday: whether it is offered among the first
        beside: what the strategy's own inputs must give, by parameter name
    """

    takes: ClassVar[Takes]
    source: ClassVar[str]
    gain_means: ClassVar[str] = ""
    filters: ClassVar[bool] = False
    of_objects: ClassVar[bool] = False
    queries: ClassVar[bool] = False
    everyday: ClassVar[bool] = False
    by_chance: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    beside: ClassVar[Mapping[str, Takes]] = {}

    strength: float = Field(
        1.0,
        ge=-1e9,
        le=1e9,
        description="Weight in the mixture: 0 switches the strategy off, a negative one inverts it (THRESHOLD is on or off).",
    )

    @classmethod
    def taker_of(cls, name: str, given: Mapping[str, Any]) -> Any:
        return SimpleNamespace(takes=cls.beside[name]) if name in cls.beside else None

    def gains(self, values: Any, pool: Pool) -> Gains:
        """The gains of every row.

        Args:
            values: as ``takes`` says
            pool: the rest of the run
        """
        raise NotImplementedError

    def keeps(self, values: Any, pool: Pool) -> NDArray[np.bool_]:
        """(n,) bool, for a strategy that filters: which rows may be picked."""
        raise NotImplementedError

    def rules(self, values: Any, pool: Pool) -> list[Limit | Term]:
        """What the strategy's stopping conditions refuse: limits, or terms that are worth minus infinity there."""
        return []

    def supply(self, values: Any, pool: Pool) -> list[str]:
        """What the strategy is asked for and the pool cannot give, one sentence each."""
        return []

    def words(self, source: str) -> str:
        """What the strategy does, for a sentence that begins with the number of picks.

        Args:
            source: the input in words, such as ```clip```
        """
        raise NotImplementedError


@cache
def strategies() -> dict[str, type[Strategy]]:
    """Every strategy by type, everyday ones first, and filters last, since one alone selects nothing in particular."""
    found = sorted(
        subclasses_in(f"{__package__}.strategies", Strategy),
        key=lambda strategy: (strategy.filters, not strategy.everyday),
    )
    return {tag_of(strategy): strategy for strategy in found}
