"""What a selection's config reads, and what takes it."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.analysis.distributions import Target
from ..core.selection.config import SelectionConfig
from ..core.selection.inputs import Input
from ..core.selection.strategies.balance import Balance
from ..core.selection.strategy import Strategy
from ..core.selection.values import Takes


@dataclass(frozen=True)
class Read:
    """Something that a config reads, and what takes it.

    Args:
        input: where it is
        takes: as what it is read
        strategy: that takes it; None for what is read beside, and for constraints
    """

    input: Input
    takes: Takes
    strategy: Strategy | None = None

    @property
    def target(self) -> Target | None:
        """The distribution that BALANCE comes near to; None for one that goes away from it, and for all others."""
        if not isinstance(self.strategy, Balance) or self.strategy.strength < 0:
            return None
        if self.strategy.target is not None:
            return dict(self.strategy.target)
        return "INPUT" if self.strategy.distribution == "INPUT" else "UNIFORM"


def read_by(config: SelectionConfig | None) -> list[Read]:
    """All that a config reads: for strategies first, then what they take beside, then for constraints."""
    if config is None:
        return []
    own = [Read(entry.input, entry.strategy.takes, entry.strategy) for entry in config.strategies]
    beside = [
        Read(one, entry.strategy.beside.get(name, one.given()[0]))
        for entry in config.strategies
        for name, one in entry.beside.items()
    ]
    return [*own, *beside, *(Read(one.source, one.takes) for one in config.constraints)]
