"""The scores, in families. A file of this package that defines one has added it."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from ..registry import instances_in
from .base import Objects, Score, Uncertainty

__all__ = ["Objects", "Score", "Uncertainty", "scores"]

Family = TypeVar("Family", bound=Score)


@cache
def scores(family: type[Family]) -> dict[str, Family]:
    """Every score of a family by name, in the order of files and of definitions in them."""
    return {score.name: score for score in instances_in(__name__, family)}
