"""The panels that the App loads."""

from __future__ import annotations

from .review import Review
from .shortlist import Shortlist

PANELS = [Shortlist, Review]
