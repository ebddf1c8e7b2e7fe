"""What a constraint is: a parameter model that makes of an input's values a rule on the picks as a whole.

A strategy says what is worth picking; a constraint says what must not be picked beside the rest, and is never traded off.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from ..registry import subclasses_in
from ..schema import Schema, tag_of
from .engine.limits import Limit
from .engine.run import Term
from .inputs import Input
from .strategy import Pool
from .values import Takes


class Constraint(Schema):
    """Base of the constraints. A subclass in a file of ``constraints`` is found by itself.

    Class facts: ``takes`` what kind of values its ``input`` must give.
    """

    takes: ClassVar[Takes]

    @classmethod
    def taker_of(cls, name: str, given: Mapping[str, Any]) -> type[Constraint]:
        return cls

    @property
    def source(self) -> Input:
        """The input whose values the rule is about."""
        raise NotImplementedError

    def rule(self, values: Any, pool: Pool) -> Limit | Term:
        """The rule for a run.

        Args:
            values: as ``takes`` says
            pool: the rest of the run
        """
        raise NotImplementedError

    def supply(self, values: Any, pool: Pool) -> list[str]:
        """What is asked for and the pool cannot give, one sentence each."""
        return []

    def budget(self, values: Any, pool: Pool) -> int | None:
        """About how many picks the rule leaves room for, if it is one that limits their number."""
        return None

    def label(self) -> str:
        """The rule in a few words, such as ``at most 5 per video_name``."""
        raise NotImplementedError

    def words(self) -> str:
        """The rule within a sentence, such as ``at most 5 per `video_name` ``."""
        return self.label()


@cache
def constraints() -> dict[str, type[Constraint]]:
    """Every constraint by type."""
    return {tag_of(found): found for found in subclasses_in(f"{__package__}.constraints", Constraint)}
