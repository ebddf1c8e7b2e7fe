"""The errors that Shortlist raises, and the one voice that they speak in.

ShortlistError            something given or stored is not what it must be
    Cancelled             the person (or the delegated run's owner) stopped the work
    Conflict              somebody else decided meanwhile
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class ShortlistError(ValueError):
    """A problem that a person can mend, said in one sentence: where, what it must be, what was got, the way out."""

    def at(self, where: str) -> ShortlistError:
        """The same problem, said with where it is."""
        return ShortlistError(f"{where}: {self}")


class Cancelled(ShortlistError):
    """The run was cancelled; nothing was written."""

    def at(self, where: str) -> ShortlistError:
        """Who cancelled does not ask where."""
        return self

    def __init__(self, message: str = "Cancelled. Nothing was written."):
        super().__init__(message)


class Conflict(ShortlistError):
    """Somebody else decided meanwhile; nothing was written.

    Args:
        message: who decided what, and when
        verdicts: all that is there now, to be given back as what was seen by who decides nevertheless
    """

    def __init__(self, message: str, verdicts: Sequence[Any] = ()):
        super().__init__(message)
        self.verdicts = list(verdicts)

    def at(self, where: str) -> ShortlistError:
        """The same, said with where it is, and with what is there."""
        return Conflict(f"{where}: {self}", self.verdicts)


def must_be(where: str, requirement: str, got: object, hint: str = "") -> ShortlistError:
    """An error in the one voice: ``where must be requirement. Got 'got' instead. hint``."""
    sentence = f"{where} must be {requirement}. Got {shown(got)} instead."
    return ShortlistError(f"{sentence} {hint}".rstrip())


def shown(value: object, limit: int = 80) -> str:
    """The value as a person typed it, cut where it would fill the screen."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def did_you_mean(got: object, choices: Iterable[str]) -> str:
    """``Did you mean 'X'?`` when a choice is close to what was typed, else an empty string."""
    by_fold = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(str(got).casefold(), by_fold, n=1, cutoff=0.6)
    return f"Did you mean {by_fold[close[0]]!r}?" if close else ""


def listed(names: Iterable[str], limit: int = 12) -> str:
    """``a, b, c`` with a count of what was left out."""
    names = list(names)
    rest = len(names) - limit
    text = ", ".join(names[:limit])
    return f"{text} and {rest} more" if rest > 0 else text
