"""One thing to do next, as the rules of every room propose it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """Something to do next.

    Args:
        label: what to do
        why: the reason, in one sentence
        operator: the verb that does it; None where something else must be done
        params: of the verb; of ``select_samples`` the config lacks the number of samples
        preset: the preset that such a config is of
        tab: the tab of the panel that does it better than a form
        panel: the panel that does it
    """

    label: str
    why: str
    operator: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    tab: str | None = None
    panel: str | None = None


def free(stem: str, taken: Iterable[str]) -> str:
    """A name that is not taken yet."""
    known = set(taken)
    return next(name for number in range(1, len(known) + 2) if (name := f"{stem}_{number}") not in known)
