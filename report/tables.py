"""Tables on paper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .paper import FAINT, INK, ROOM, RULE, Block, Page
from .text import POINT, clean, shortened

_ROW, _SIZE, _SMALL, _LEAST = 4.7, 7.5, 6.8, 6.2
_GAP = 1.5


@dataclass(frozen=True)
class Cell:
    """A field of a table.

    Args:
        text: what it says
        bold: whether it stands out
        small: whether it stands back
    """

    text: str
    bold: bool = False
    small: bool = False


Row = Sequence[Cell | str]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: what it holds
        wide: its width in millimetres
        right: whether it is set to the right, as numbers are
    """

    title: str
    wide: float
    right: bool = True


def table(columns: Sequence[Column], rows: Sequence[Row]) -> Block:
    """A table with a line of titles; what is too long for its column is cut.

    Args:
        columns: the columns, from the left
        rows: a field a column
    """
    wide = sum(column.wide for column in columns)

    def draw(page: Page, left: float, top: float) -> None:
        _line(page, left, top, columns, [column.title for column in columns], FAINT, 7)
        page.rule(left, top + _ROW, wide, FAINT, 0.7)
        for place, row in enumerate(rows, 1):
            _line(page, left, top + _ROW * place, columns, row, INK, _SIZE)
            page.rule(left, top + _ROW * (place + 1), wide, RULE)

    return Block(height_of(len(rows)), draw)


def height_of(n_rows: int) -> float:
    """How high a table is."""
    return _ROW * (n_rows + 1) + 0.5


def _line(page: Page, left: float, top: float, columns: Sequence[Column], cells: Row, color: str, size: float) -> None:
    """One line of a table."""
    base = top + _ROW - (_ROW - size * POINT * 0.72) / 2
    for place, (column, given) in enumerate(zip(columns, cells, strict=True)):
        cell = given if isinstance(given, Cell) else Cell(given)
        high, ink = (_SMALL, FAINT) if cell.small else (size, color)
        room = column.wide - _GAP * (1 if column.right or not place else 3)
        text = shortened(cell.text, room, high, cell.bold)
        if text != clean(cell.text):
            high = max(high - 1, _LEAST)
            text = shortened(cell.text, room, high, cell.bold)
        look = {"color": ink, "weight": "bold" if cell.bold else "normal", "ha": "right" if column.right else "left"}
        at = left + column.wide if column.right else left + (2 * _GAP if place else 0)
        page.text(at, base, text, high, **look)
        left += column.wide


def columns_of(first: float, titles: Sequence[str], room: float = ROOM) -> list[Column]:
    """A column of names and columns of numbers that share the rest of the room.

    Args:
        first: how wide the column of names is
        titles: of the others
        room: how wide all are
    """
    rest = (room - first) / max(len(titles), 1)
    return [Column("", first, right=False), *(Column(title, rest) for title in titles)]


def parts(rows: Sequence[Row], most: int = 30, least: int = 4) -> Iterator[Sequence[Row]]:
    """The rows of a long table in parts that fit on a page, none with just a few rows."""
    while len(rows) > most:
        take = most if len(rows) - most >= least else len(rows) - least
        yield rows[:take]
        rows = rows[take:]
    if rows:
        yield rows
