"""Numbers as the panel's tables and sentences show them."""

from __future__ import annotations

import math
from collections.abc import Iterable

DASH = "\N{EN DASH}"


def digits_for(values: Iterable[float | None], significant: int = 3) -> int:
    """How many digits behind the point show the greatest of some numbers with so many significant ones.

    >>> digits_for([0.0123, 0.4]), digits_for([12.5, None]), digits_for([])
    (3, 1, 0)
    """
    most = max((abs(value) for value in values if value is not None), default=0)
    return 0 if most == 0 else max(0, min(9, significant - 1 - math.floor(math.log10(most))))


def fixed(value: float | None, digits: int) -> str:
    """A number with so many digits behind the point; a dash for none.

    >>> fixed(1234.5, 1), fixed(None, 2) == DASH
    ('1,234.5', True)
    """
    return DASH if value is None else f"{value:,.{digits}f}"


def span(low: float, high: float, digits: int) -> str:
    """From where to where.

    >>> span(0.1, 0.25, 2).split(DASH)
    ['0.10', '0.25']
    """
    return f"{fixed(low, digits)}{DASH}{fixed(high, digits)}"


def counted(count: float, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "sample"), counted(2000, "sample"), counted(0, "class", "classes")
    ('1 sample', '2,000 samples', '0 classes')
    """
    return (
        f"{count:,.6g} {one if count == 1 else many or one + 's'}"
        if count < 1e6
        else f"{count:,.0f} {many or one + 's'}"
    )


def percent(share: float | None) -> str:
    """A share in percent, with a digit behind the point where it is small.

    >>> percent(0.314), percent(0.0314), percent(0)
    ('31 %', '3.1 %', '0 %')
    """
    if share is None:
        return DASH
    return f"{share * 100:.{0 if share == 0 or abs(share) >= 0.0995 else 1}f} %"
