"""How long work tells how far it is, and how it is told to stop."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called often and cheaply during long work.

    Raises:
        Cancelled: when the work must stop; the caller has written nothing by then.
    """

    def __call__(self, done: int, total: int, label: str = "") -> None: ...


def silent(done: int, total: int, label: str = "") -> None:
    """The progress of work that nobody watches."""
