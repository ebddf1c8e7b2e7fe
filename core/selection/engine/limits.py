"""Limits: which rows may be picked, given those picked so far. What a limit refuses is skipped, and the run goes on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .gains import Floats, Rows, Scale


class Limit(ABC):
    """A rule on the picks as a whole.

    Args:
        name: the rule in a few words, such as ``at most 5 per video_name``
    """

    def __init__(self, name: str):
        self.name = name

    #: changes when rows that were refused may be allowed again; a limit that only ever refuses more keeps 0
    phase: int = 0

    @abstractmethod
    def allows(self, rows: Rows) -> NDArray[np.bool_]:
        """(m,) bool, which of the rows might be the next pick."""

    @abstractmethod
    def pick(self, row: int) -> None:
        """Accounts for a pick."""

    def give_up(self) -> bool:
        """Stops holding picks back for what no row can give; says whether it had done so."""
        return False


class Only(Limit):
    """Only some rows, whatever was picked.

    Args:
        name: the rule in a few words
        allowed: (n,) bool
    """

    def __init__(self, name: str, allowed: NDArray[np.bool_]):
        super().__init__(name)
        self.allowed = allowed

    def allows(self, rows: Rows) -> NDArray[np.bool_]:
        return self.allowed[rows]

    def pick(self, row: int) -> None:
        pass


class AtMost(Limit):
    """A sum over the picks that must not exceed a maximum.

    Args:
        name: the rule in a few words
        amounts: (n,) float, >= 0
        maximum: of their sum
        spent: the sum at the start
    """

    def __init__(self, name: str, amounts: Floats, maximum: float, spent: float = 0.0):
        super().__init__(name)
        self.amounts, self.maximum, self.spent = amounts, maximum, spent

    def allows(self, rows: Rows) -> NDArray[np.bool_]:
        # Sums of floats: what fits on paper must fit here.
        return self.spent + self.amounts[rows] <= self.maximum * (1 + 1e-12) + 1e-12

    def pick(self, row: int) -> None:
        self.spent += float(self.amounts[row])


@dataclass(frozen=True)
class Barrier(Scale):
    """Distances as a rule: what is nearer than a radius is out of the question, and all else alike.

    Args:
        radius: the least distance that is allowed
    """

    radius: float

    def scaled(self, gain: Floats) -> Floats:
        return np.where(gain >= self.radius, 0.0, -np.inf)

    def needed(self, scaled: Floats) -> Floats:
        return np.where(np.asarray(scaled) > 0, np.inf, self.radius)
