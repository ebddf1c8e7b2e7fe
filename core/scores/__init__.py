"""The scores. A file of this package that defines a ``Score`` has added one."""

from __future__ import annotations

from functools import cache

from ..registry import instances_in
from .base import Objects, Score

__all__ = ["Objects", "Score", "scores"]


@cache
def scores() -> dict[str, Score]:
    """Every score by name, in the order of files and of definitions in them."""
    return {score.name: score for score in instances_in(__name__, Score)}
