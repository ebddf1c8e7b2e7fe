"""Classes, categories, scores and other numbers by set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.analysis.report import Distribution, Interval, Numbers, RandomSpread, Shares, Spread
from .charts import NAMES, bar_legend, bars, histogram, line_legend
from .explained import glossary
from .paper import FAINT, ROOM, Block, Page, Paper, aside, beside, heading, legend, paragraph, space
from .shares import missing, most_changed, n_named, shares_of
from .tables import Cell, Column, Row, columns_of, table
from .text import counted, named, number, percent, short_span, shortened, span

#: how many categories of a distribution are shown
MOST = 30
_KEYS = {
    "present": "present",
    "entropy": "entropy",
    "effective": "effective",
    "imbalance": "imbalance",
    "distance_to_input": "to input",
    "distance_to_uniform": "to uniform",
    "distance_to_target": "to target",
}


def put_distributions(paper: Paper, distributions: Sequence[Distribution]) -> None:
    """Puts a section a distribution."""
    for place, found in enumerate(distributions):
        _put_distribution(paper, found, first=not place)


def _put_distribution(paper: Paper, found: Distribution, first: bool) -> None:
    what = "Classes of" if found.kind == "classes" else "Categories of"
    title = heading(shortened(f"{what} {found.source}", ROOM, 13, bold=True))
    rows = most_changed(found, MOST)
    blocks = [title, *(paragraph(text, 8.5) for text in _told(found, rows))]
    if rows:
        blocks += [space(1), _bars(found, rows), legend(bar_legend(found)), space(1.5)]
    measures = table(*_measures(found))
    paper.put(*blocks, measures, *([space(1.5), aside(_glossary(found))] if first else []), gap=9)


def _told(found: Distribution, rows: Sequence[int]) -> Iterator[str]:
    """What the chart does not show."""
    unit = "class" if found.kind == "classes" else "category"
    many = "classes" if found.kind == "classes" else "categories"
    totals = ", ".join(f"{NAMES[name]} {number(shares.total)}" for name, shares in found.sets.items())
    what = "labels" if found.kind == "classes" else "samples"
    total = n_named(found) + found.pooled
    text = f"{counted(total, unit, many)}; {what}: {totals}."
    if found.left_out:
        text += f" {counted(found.left_out, 'sample')} without a value."
    yield text
    shown = set(rows)
    rest = [row for row in range(len(found.categories)) if row not in shown]
    if rest:
        given, selected = shares_of(found, "input")[rest].sum(), shares_of(found, "selected")[rest].sum()
        yield (
            f"Shown are the {len(rows)} whose share changed most. The other {counted(total - len(rows), unit, many)} make up "
            f"{percent(given)} of the input and {percent(selected)} of the selection."
        )
    absent, names = missing(found)
    if absent:
        yield f"Not in the selection: {counted(absent, unit, many)}{f' ({named(names, 8, absent)})' if names else ''}."


def _bars(found: Distribution, rows: Sequence[int]) -> Block:
    """The bars, with the shares as numbers beside them."""
    step = 5.0 if len(rows) <= 12 else 4.2
    gutter, numbers = 44.0, 28.0
    high = step * len(rows)
    given, selected = shares_of(found, "input"), shares_of(found, "selected")

    def draw(page: Page, left: float, top: float) -> None:
        axes = page.axes(left + gutter, top + 3.5, ROOM - gutter - numbers, high)
        bars(axes, found, rows, gutter - 2)
        edge = left + ROOM
        page.text(edge - 14, top + 2.5, "input", 7, color=FAINT, ha="right")
        page.text(edge, top + 2.5, "selected", 7, color=FAINT, ha="right")
        # The axis reaches from 0.6 of a step above the first middle to as much below the last.
        span_of = high / (len(rows) + 0.2)
        for place, row in enumerate(rows):
            base = top + 3.5 + span_of * (place + 0.6) + 0.9
            page.text(edge - 14, base, percent(given[row]), 7, ha="right")
            page.text(edge, base, percent(selected[row]), 7, ha="right")

    return Block(high + 9.5, draw)


def _measures(found: Distribution) -> tuple[list[Column], list[Row]]:
    """The measures of balance, a line a set and two of random selections."""
    keys = [key for key in _KEYS if key != "distance_to_target" or found.target is not None]
    rows: list[Row] = [
        [NAMES[name], *(number(getattr(shares, key)) for key in keys)] for name, shares in found.sets.items()
    ]
    if found.random is not None:
        drawn: list[Interval | None] = [getattr(found.random, key, None) for key in keys]
        rows.append(["random, mean", *(number(None if one is None else one.mean) for one in drawn)])
        spans = (Cell("" if one is None else short_span(one), small=True) for one in drawn)
        rows.append([Cell("95 % interval", small=True), *spans])
    return columns_of(38, [_KEYS[key] for key in keys]), rows


def _glossary(found: Distribution) -> str:
    words = [(word[0].upper() + word[1:], Shares, key) for key, word in _KEYS.items()]
    return glossary(*(word for word in words if word[2] != "distance_to_target" or found.target is not None))


def put_numbers(paper: Paper, numbers: Sequence[Numbers]) -> None:
    """Puts the histograms of scores and other numbers, two side by side."""
    wide = (ROOM - 12) / 2
    cards = [_histogram(found, wide) for found in numbers]
    rows = [cards[at : at + 2] for at in range(0, len(cards), 2)]
    for place, row in enumerate(rows):
        title = [heading("Scores and other numbers"), paragraph("As shares of each set, by value."), space(2)]
        put = beside(*[(column * (wide + 12), card) for column, card in enumerate(row)])
        paper.put(*(title if not place else []), put, gap=9 if not place else 5)


def _histogram(found: Numbers, wide: float) -> Block:
    """A histogram with its means."""
    spreads: dict[str, Spread | RandomSpread] = {}
    spreads.update({key: one for key, one in found.sets.items() if key in ("input", "selected") and one.count})
    if found.random is not None:
        spreads["random"] = found.random
    filled = [name for name in ("input",) if name in spreads]
    below = legend(line_legend([name for name in ("selected", "random") if name in spreads], filled), 7, wide)
    means = ", ".join(f"{NAMES[name]} {number(one.mean)}" for name, one in found.sets.items() if one.mean is not None)
    text = f"Mean: {means}" if means else "No sample has a value"
    if found.random is not None:
        text += f"; random {number(found.random.mean.mean)} ({span(found.random.mean)})"
    if found.left_out:
        text += f". {counted(found.left_out, 'sample')} without a value"
    told = paragraph(f"{text}.", 7.5, wide)
    high = 32.0

    def draw(page: Page, left: float, top: float) -> None:
        page.text(left, top + 3, shortened(found.source, wide, 8, bold=True), 8, weight="bold")
        if spreads:
            histogram(page.axes(left + 9, top + 5.5, wide - 9, high - 6), found.edges, spreads, "input")
        below.draw(page, left, top + high + 4.5)
        told.draw(page, left, top + high + 4.5 + below.height)

    return Block(high + 4.5 + below.height + told.height, draw)
