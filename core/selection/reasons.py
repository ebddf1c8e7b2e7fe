"""Why a row was picked or not, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from .engine.gains import Floats

Outcome = Literal["picked", "not eligible", "refused", "outbid"]


@dataclass(frozen=True)
class Reason:
    """Why a row was picked or not. Ranks count from 1; columns are those of ``labels``.

    Args:
        row: the row asked about
        outcome: ``picked``; ``not eligible`` before anything was picked; ``refused`` by a rule; ``outbid`` by others
        labels: (s,) the strategies that ranked
        rank: at which it was picked
        why: why it is not eligible, or the rule that refused it
        since: the rank from which on the rule refused it
        missed: the first rank that it would have been picked at without the rule
        closest: the rank at which its worth came closest to the winner's while no rule refused it
        winner: the row picked there
        values: (s,) what it was worth there by strategy, as ``Selection.values``
        winner_values: (s,) what the winner was worth
        gains: (s,) what it would have added there, in the strategies' own units, as ``Selection.gains``
        winner_gains: (s,) what the winner added
        against: the column of the strategy that cost it most there
        next_values: (s,) what it is worth as the next pick, after all that were picked
        ahead: how many other rows would come before it as the next pick
        neighbor: the row of the nearest pick or datapool item
        distance: how far that is (Euclidean, in the first vectors of the mixture)
    """

    row: int
    outcome: Outcome
    labels: list[str] = field(default_factory=list)
    rank: int | None = None
    why: str = ""
    since: int | None = None
    missed: int | None = None
    closest: int | None = None
    winner: int | None = None
    values: Floats | None = None
    winner_values: Floats | None = None
    gains: Floats | None = None
    winner_gains: Floats | None = None
    against: int | None = None
    next_values: Floats | None = None
    ahead: int | None = None
    neighbor: int | None = None
    distance: float | None = None

    def sentence(self) -> str:
        """The reason in plain words."""
        if self.outcome == "picked":
            return f"It was picked, as number {self.rank}."
        if self.outcome == "not eligible":
            return f"It could not be picked: it is {self.why}."
        said = [self._refusal()] if self.outcome == "refused" else []
        if self.closest is not None:
            said.append(self._contest())
        if self.distance is not None:
            said.append(f"The nearest that is picked or in the datapool is {self.distance:.3g} away.")
        if self.ahead is not None:
            said.append(
                f"As the next pick {self.ahead} others would come before it." if self.ahead else "It would be next."
            )
        return " ".join(said) or "Nothing was picked."

    def _refusal(self) -> str:
        start = (
            "It was passed over from the start"
            if self.since == 1
            else f"From number {self.since} on it was passed over"
        )
        would = f" Otherwise it would have been number {self.missed}." if self.missed else ""
        return f"{start}: {self.why}.{would}"

    def _contest(self) -> str:
        assert self.values is not None
        assert self.winner_values is not None
        assert self.against is not None
        own, theirs = float(self.values.sum()), float(self.winner_values.sum())
        start = f"It came closest as number {self.closest}"
        if own >= theirs:
            return f"{start}, worth as much as the pick; of equals the first is picked."
        name = self.labels[self.against]
        if len(self.labels) == 1:
            mine, other = self.values, self.winner_values
            if self.gains is not None and self.winner_gains is not None and not np.isnan(self.gains[0]):
                mine, other = self.gains, self.winner_gains
            return f"{start}, where {name} gave it {against(mine[0], other[0])} for the pick."
        most = against(self.values[self.against], self.winner_values[self.against])
        return f"{start}, worth {against(own, theirs)} for the pick; {name} cost it most ({most})."


def against(own: float, theirs: float) -> str:
    """Two numbers with as many digits as tell them apart."""
    for digits in (3, 5, 8):
        if f"{own:.{digits}g}" != f"{theirs:.{digits}g}":
            break
    return f"{own:.{digits}g} against {theirs:.{digits}g}"
