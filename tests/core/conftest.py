"""Hypothesis here: few and repeatable examples by default, many new ones with ``--hypothesis-profile thorough``."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=1000, deadline=None, database=None)
settings.load_profile("quick")
