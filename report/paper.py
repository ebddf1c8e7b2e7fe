"""Pages of A4 paper: blocks are put from the top down, and what belongs together stays on one page.

Lengths are in millimetres, places from the top left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from .text import POINT, clean, width, wrapped

WIDTH, HEIGHT = 210.0, 297.0
LEFT, TOP, BOTTOM = 18.0, 17.0, 20.0
#: how wide what is on the page can be
ROOM = WIDTH - 2 * LEFT
#: from one section to the next
BETWEEN = 6.0
_INCH = 25.4
_LEADING = 1.42
# Room for the mark before a text of a legend.
_MARK = 7.5
INK, FAINT, RULE = "#1b1f24", "#5c636b", "#cfd3d8"


class Page:
    """One page, to draw on."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / _INCH, HEIGHT / _INCH))

    def text(self, left: float, base: float, text: str, size: float = 9, **look: Any) -> None:
        """A line of text that begins at ``left`` and stands on ``base``, unless ``look`` says otherwise."""
        look = {"color": INK, **look}
        self.figure.text(left / WIDTH, 1 - base / HEIGHT, text, fontsize=size, **look)

    def rule(self, left: float, at: float, length: float, color: str = RULE, thick: float = 0.5) -> None:
        """A horizontal line."""
        ends = [left / WIDTH, (left + length) / WIDTH]
        self.figure.add_artist(Line2D(ends, [1 - at / HEIGHT] * 2, color=color, linewidth=thick))

    def box(self, left: float, top: float, wide: float, high: float, **look: Any) -> None:
        """A rectangle."""
        place = (left / WIDTH, 1 - (top + high) / HEIGHT)
        size = (wide / WIDTH, high / HEIGHT)
        self.figure.add_artist(Rectangle(place, *size, transform=self.figure.transFigure, **look))

    def axes(self, left: float, top: float, wide: float, high: float) -> Axes:
        """Room for a chart; its labels are outside of it."""
        place = (left / WIDTH, 1 - (top + high) / HEIGHT, wide / WIDTH, high / HEIGHT)
        axes = self.figure.add_axes(place)
        axes.tick_params(labelsize=7, length=2, width=0.5, colors=FAINT)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set(color=FAINT, linewidth=0.5)
        return axes


@dataclass(frozen=True)
class Block:
    """Something on a page.

    Args:
        height: how high it is
        draw: draws it on a page, given its left and its top
    """

    height: float
    draw: Callable[[Page, float, float], None]


class Paper:
    """Pages that fill one after the other.

    Args:
        footer: what stands at the foot of each page, beside its number
    """

    def __init__(self, footer: str):
        self.footer = footer
        self.pages: list[Page] = []
        self._at = HEIGHT

    @property
    def left(self) -> float:
        """How high the room is that is left on the page."""
        return HEIGHT - BOTTOM - self._at

    @property
    def whole(self) -> float:
        """How high the room of an empty page is."""
        return HEIGHT - BOTTOM - TOP

    def put(self, *blocks: Block, gap: float = 5) -> None:
        """Puts blocks under each other, all on one page: the next one where there is no room for them on this one.

        Args:
            *blocks: what belongs together
            gap: how far it is from what is above
        """
        if not blocks:
            return
        high = sum(block.height for block in blocks)
        if high + gap > self.left:
            self.turn()
        self._at += gap if self._at > TOP else 0
        for block in blocks:
            block.draw(self.pages[-1], LEFT, self._at)
            self._at += block.height

    def turn(self) -> None:
        """Goes on with a new page."""
        self.pages.append(Page())
        self._at = TOP

    def numbered(self) -> list[Figure]:
        """The pages, each with its number."""
        base = HEIGHT - BOTTOM / 2
        for place, page in enumerate(self.pages, 1):
            page.rule(LEFT, base - 4.5, ROOM)
            page.text(LEFT, base, self.footer, 7, color=FAINT)
            page.text(LEFT + ROOM, base, f"{place} / {len(self.pages)}", 7, color=FAINT, ha="right")
        return [page.figure for page in self.pages]


def space(height: float) -> Block:
    """Nothing."""
    return Block(height, lambda page, left, top: None)


def lines(texts: Sequence[str], size: float = 9, **look: Any) -> Block:
    """Lines of text under each other."""
    step = size * POINT * _LEADING

    def draw(page: Page, left: float, top: float) -> None:
        for row, text in enumerate(texts):
            page.text(left, top + step * row + size * POINT, text, size, **look)

    return Block(step * len(texts), draw)


def paragraph(text: str, size: float = 9, room: float = ROOM, bold: bool = False, most: int = 40, **look: Any) -> Block:
    """Sentences, in as many lines as it takes.

    Args:
        text: the sentences
        size: of the font, in points
        room: how wide it can be
        bold: whether it is bold
        most: lines; what is longer ends in three dots
        **look: as Matplotlib's texts take it
    """
    found = wrapped(text, room, size, bold)
    if len(found) > most:
        found = [*found[: most - 1], f"{found[most - 1].rstrip('.')}\N{HORIZONTAL ELLIPSIS}"]
    return lines(found, size, **{"weight": "bold" if bold else "normal", **look})


def aside(text: str, room: float = ROOM) -> Block:
    """Sentences that explain, in faint small print."""
    return paragraph(text, 7.5, room, color=FAINT)


def heading(text: str, size: float = 13) -> Block:
    """The title of a section, with the room under it."""
    block = paragraph(text, size, bold=True)
    return Block(block.height + 1.5, block.draw)


def beside(*blocks: tuple[float, Block]) -> Block:
    """Blocks side by side, each with how far from the left it is."""

    def draw(page: Page, left: float, top: float) -> None:
        for offset, block in blocks:
            block.draw(page, left + offset, top)

    return Block(max((block.height for _, block in blocks), default=0), draw)


def stacked(*blocks: Block) -> Block:
    """Blocks under each other as one."""

    def draw(page: Page, left: float, top: float) -> None:
        for block in blocks:
            block.draw(page, left, top)
            top += block.height

    return Block(sum(block.height for block in blocks), draw)


def legend(entries: Sequence[tuple[str, dict[str, Any]]], size: float = 7.5, room: float = ROOM) -> Block:
    """What the marks of charts mean, in as many lines as it takes.

    Args:
        entries: texts with the look of a line, a bar or a point
        size: of the font, in points
        room: how wide it can be
    """
    rows: list[list[tuple[float, str, dict[str, Any]]]] = [[]]
    at = 0.0
    for text, look in entries:
        wide = _MARK + width(clean(text), size)
        if at and at + wide > room:
            rows.append([])
            at = 0.0
        rows[-1].append((at, clean(text), look))
        at += wide + 5
    step = size * POINT * _LEADING + 1

    def draw(page: Page, left: float, top: float) -> None:
        for place, row in enumerate(rows):
            middle = top + step * (place + 0.5) - 0.3
            for offset, text, look in row:
                _mark(page, left + offset, middle, look)
                page.text(left + offset + _MARK, middle + size * POINT * 0.36, text, size)

    return Block(step * len(rows), draw)


def _mark(page: Page, left: float, middle: float, look: dict[str, Any]) -> None:
    """The mark of a legend: a piece of a bar or line, or a point."""
    if "facecolor" in look:
        page.box(left, middle - 1.2, _MARK - 1.5, 2.4, **look)
        return
    ends = [left / WIDTH, (left + (_MARK - 1.5) / 2) / WIDTH, (left + _MARK - 1.5) / WIDTH]
    shown = ends[1:2] if look.get("linestyle") == "none" else ends
    page.figure.add_artist(Line2D(shown, [1 - middle / HEIGHT] * len(shown), **look))
