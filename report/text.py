"""Words and numbers on paper: what fonts can show, how wide it is, cut and wrapped to fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font

from ..core.analysis.report import Interval

# The first comes with Matplotlib; the others are asked for scripts that it lacks, where a machine has one of them.
_FAMILY = "DejaVu Sans"
_FURTHER = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
    "WenQuanYi Zen Hei",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)
# Stands for what no font shows.
_UNKNOWN = "\N{WHITE SQUARE}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
#: millimetres of a point
POINT = 25.4 / 72
# Widths are measured at a large size, where the font's hints do not round them.
_MEASURED_AT = 100


def clean(text: object) -> str:
    """A text of the data as one line that the fonts can show: no control characters, and a square for what they lack."""
    return "".join(map(_drawn, " ".join(unicodedata.normalize("NFC", str(text)).split())))


def _drawn(character: str) -> str:
    """The character, if it is one that is drawn, and as it can be."""
    kind = unicodedata.category(character)
    if kind in ("Cc", "Cf"):
        return ""
    return character if ord(character) in _known() else "" if kind == "Mn" else _UNKNOWN


def families() -> list[str]:
    """The font families of a page: a character is taken from the first that has it."""
    return [_FAMILY, *_others()]


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is in millimetres.

    Args:
        text: one line
        size: of the font, in points
        bold: whether it is bold
    """
    return sum(_advance(one, bold) for one in text) * size * POINT


def shortened(text: object, room: float, size: float, bold: bool = False) -> str:
    """A text of the data that fits: where it is too long its middle is left out, since names differ at both ends.

    Args:
        text: of the data
        room: in millimetres
        size: of the font, in points
        bold: whether it is bold
    """
    line = clean(text[:10_000] if isinstance(text, str) else text)
    if width(line, size, bold) <= room:
        return line
    low, high = 0, len(line)
    while low < high:
        keep = (low + high + 1) // 2
        low, high = (keep, high) if width(_cut(line, keep), size, bold) <= room else (low, keep - 1)
    return _cut(line, low)


def _cut(line: str, keep: int) -> str:
    """The beginning and the end of a line, as many characters in all."""
    end = keep // 3
    return line[: keep - end] + _ELLIPSIS + (line[-end:] if end else "")


def wrapped(text: str, room: float, size: float, bold: bool = False) -> list[str]:
    """A text in lines that fit; a word that is too long for a line is broken.

    Args:
        text: a sentence or several
        room: in millimetres
        size: of the font, in points
        bold: whether it is bold
    """
    lines: list[str] = []
    line = ""
    for word in _words(clean(text), room, size, bold):
        longer = f"{line} {word}" if line else word
        if line and width(longer, size, bold) > room:
            lines.append(line)
            line = word
        else:
            line = longer
    return [*lines, line] if line else lines


def _words(text: str, room: float, size: float, bold: bool) -> Iterator[str]:
    """The words of a text, those that are too long in pieces."""
    for word in text.split(" "):
        while width(word, size, bold) > room:
            fits = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or width(word[:n], size, bold) <= room)
            yield word[:fits]
            word = word[fits:]
        yield word


def number(value: float | None) -> str:
    """A number as people read it: whole ones with commas, others to four digits; a dash for none.

    >>> number(12345), number(0.123456), number(1234.5), number(0), number(None)
    ('12,345', '0.1235', '1,234', '0', '-')
    """
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    if 1000 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float | None) -> str:
    """A share in percent, to a digit behind the point where it is small.

    >>> percent(0.314), percent(0.0314), percent(0), percent(1e-5), percent(None)
    ('31 %', '3.1 %', '0 %', '<0.1 %', '-')
    """
    if share is None:
        return "-"
    if 0 < abs(share) < 0.0005:
        return "<0.1 %"
    digits = 0 if share == 0 or abs(share) >= 0.0995 else 1
    return f"{share * 100:.{digits}f} %"


def span(interval: Interval | None) -> str:
    """Where the 95 % interval of random draws begins and ends."""
    return "-" if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def brief(value: float) -> str:
    """A number where there is little room.

    >>> brief(0.123456), brief(0.00123), brief(1234.5), brief(12)
    ('0.123', '0.0012', '1,234', '12')
    """
    if 100 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.{2 if abs(value) < 0.01 else 3}g}"


def short_span(interval: Interval) -> str:
    """The same as ``span`` where there is little room."""
    return f"{brief(interval.low)}\N{EN DASH}{brief(interval.high)}"


def counted(count: float, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> counted(1, "group"), counted(2000, "group"), counted(0, "class", "classes")
    ('1 group', '2,000 groups', '0 classes')
    """
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def named(names: Sequence[str], limit: int, total: int | None = None) -> str:
    """``a, b, c`` and how many more there are.

    Args:
        names: those that are known; long ones are cut
        limit: how many to name
        total: how many there are; as many as names by default
    """
    shown = [shortened(name, 60, 8) for name in names[:limit]]
    rest = (len(names) if total is None else total) - len(shown)
    return f"{', '.join(shown)} and {number(rest)} more" if rest > 0 else ", ".join(shown)


@cache
def _font(family: str, bold: bool = False) -> FT2Font:
    """The font of a family."""
    if family == _FAMILY:
        name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
        path = str(Path(matplotlib.get_data_path(), "fonts", "ttf", name))
    else:
        path = findfont(FontProperties(family=family))
    font = FT2Font(path)
    font.set_size(_MEASURED_AT, 72)
    return font


@cache
def _others() -> tuple[str, ...]:
    """The first family for further scripts that this machine has."""
    from matplotlib.font_manager import fontManager

    there = {entry.name for entry in fontManager.ttflist}
    return tuple(name for name in _FURTHER if name in there)[:1]


@cache
def _known() -> frozenset[int]:
    """The characters that the fonts have, in bold too."""
    first = _font(_FAMILY).get_charmap().keys() & _font(_FAMILY, bold=True).get_charmap().keys()
    return frozenset(first).union(*(_font(name).get_charmap() for name in _others()))


@cache
def _advance(character: str, bold: bool) -> float:
    """How far a character moves the pen, of a font of size one."""
    fonts = [_font(_FAMILY, bold), *(_font(name) for name in _others())]
    font = next((one for one in fonts if one.get_char_index(ord(character))), fonts[0])
    return font.load_char(ord(character)).linearHoriAdvance / 65536 / _MEASURED_AT
