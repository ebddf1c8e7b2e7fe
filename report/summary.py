"""The first page: the verdict, what was selected and how, and the sets side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..core.analysis.report import EmbeddingAnalysis, Report
from ..core.errors import ShortlistError
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..core.selection.words import in_words
from .charts import DARK, STRIP_LEGEND, strip
from .comparison import put_comparison
from .paper import FAINT, ROOM, Block, Page, Paper, beside, heading, legend, lines, paragraph, space, stacked
from .shares import Rarer, worst_class
from .text import clean, counted, number, percent, shortened, width
from .verdict import Compared, apart, compared, headline, main_of, sentences


def put_summary(paper: Paper, report: Report) -> None:
    """Puts the first page."""
    paper.turn()
    paper.put(_title(report))
    told = [stacked(paragraph(sentence), space(0.8)) for sentence in sentences(report)]
    paper.put(paragraph(headline(report), 14, bold=True, color=DARK), space(1.5), *told, gap=6)
    cards = list(_cards(report))
    if cards:
        paper.put(_in_a_row(cards), gap=5)
    strips = _strips(report)
    if strips is not None:
        paper.put(strips, gap=5)
    paper.put(heading("What was analyzed", 11), *(paragraph(text, most=8) for text in _analyzed(report)), gap=5)
    put_comparison(paper, report)


def when(report: Report) -> str:
    """When the report was made, to the minute."""
    try:
        return f"{datetime.fromisoformat(report.created):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return clean(report.created)


def _title(report: Report) -> Block:
    name = shortened(report.analyzed.name, ROOM, 20, bold=True)
    under = f"{clean(report.dataset)} · {when(report)} · by {clean(report.by)}"
    return stacked(
        lines([f"Shortlist · what this {report.analyzed.kind} is worth"], 8, color=FAINT),
        lines([name], 20, weight="bold"),
        lines([shortened(under, ROOM, 9)], 9, color=FAINT),
    )


@dataclass(frozen=True)
class _Card:
    """A figure that is seen from afar.

    Args:
        title: of what
        value: the figure
        below: what it stands beside
    """

    title: str
    value: str
    below: str


def _cards(report: Report) -> Iterator[_Card]:
    analysis = main_of(report)
    if analysis is not None:
        for title, distances, fewer, more in (
            ("Coverage", analysis.coverage, "nearer", "farther"),
            ("Diversity", analysis.diversity, "narrower", "wider"),
        ):
            found = compared(distances)
            if found is not None and found.change is not None:
                yield _compared_card(title, found, fewer, more)
        if report.sizes.get("selected", 0):
            yield _duplicates_card(analysis)
    short = [worst for found in report.distributions if found.kind == "classes" if (worst := worst_class(found))]
    if short:
        yield _class_card(min(short, key=lambda one: one.share / one.expected))
    elif any(found.kind == "classes" and found.random is not None for found in report.distributions):
        yield _Card("Classes", "none short", "no class is rarer than chance, or its target, would have it")


def _compared_card(title: str, found: Compared, fewer: str, more: str) -> _Card:
    """By how much a mean distance differs from that of random selections, if chance does not explain it.

    Args:
        title: of the card
        found: the distance
        fewer: what shorter distances mean
        more: what longer ones mean
    """
    change, reach = found.change or 0.0, found.change_span

    def said(share: float) -> str:
        return f"{percent(abs(share))} {fewer if share < 0 else more}"

    beside = "spread than random selections" if title == "Diversity" else "than random selections"
    if not found.side:
        between = f"between {said(reach[0])} and {said(reach[1])} {beside}" if reach else "as far as can be told"
        return _Card(title, "like random", between)
    low, high = sorted(map(abs, reach)) if reach else (None, None)
    interval = f" (95 % interval {percent(low)} to {percent(high)})" if reach else ""
    return _Card(title, said(change), f"{beside}{interval}")


def _duplicates_card(analysis: EmbeddingAnalysis) -> _Card:
    found = analysis.near_duplicates
    if not found.n_groups:
        return _Card("Near duplicates", "none", f"no two selected ones are that close ({apart(found)})")
    spare = found.n_items - found.n_groups
    below = f"{counted(spare, analysis.level[:-1])} could go at little loss ({apart(found)})"
    return _Card("Near duplicates", counted(found.n_groups, "group"), below)


def _class_card(worst: Rarer) -> _Card:
    expected, source = "target" if worst.aimed else "input", shortened(worst.source, 30, 7.5)
    return _Card(
        "Class most short",
        clean(worst.name),
        f"in {source}: {percent(worst.share)} of {worst.of}; {expected} {percent(worst.expected)}",
    )


def _in_a_row(cards: Sequence[_Card]) -> Block:
    """Cards side by side."""
    gap = 4.0
    wide = (ROOM - gap * (max(len(cards), 2) - 1)) / max(len(cards), 2)
    inner = wide - 6
    made = [
        stacked(
            lines([card.title], 8, color=FAINT),
            _fitting(card.value, inner),
            paragraph(card.below, 7.5, inner, color=FAINT),
        )
        for card in cards
    ]
    high = max(block.height for block in made) + 5

    def draw(page: Page, left: float, top: float) -> None:
        for place, block in enumerate(made):
            at = left + place * (wide + gap)
            page.box(at, top, wide, high, facecolor="#f4f5f7", edgecolor="none")
            page.box(at, top, 0.9, high, facecolor=DARK, edgecolor="none")
            block.draw(page, at + 3.5, top + 2.5)

    return Block(high, draw)


def _fitting(text: str, room: float) -> Block:
    """A line in bold, smaller where it is long."""
    size = next((size for size in (12.5, 11.0, 9.5) if width(text, size, bold=True) <= room), 9.5)
    high = lines([""], 12.5).height
    line = lines([shortened(text, room, size, bold=True)], size, weight="bold", color=DARK)
    return Block(high, lambda page, left, top: line.draw(page, left, top + high - line.height))


def _strips(report: Report) -> Block | None:
    """Where coverage and diversity stand among the random draws."""
    analysis = main_of(report)
    if analysis is None:
        return None
    found = [
        (title, one)
        for title, distances in (("Mean coverage distance", analysis.coverage), ("Mean diversity", analysis.diversity))
        if (one := compared(distances)) is not None
    ]
    if not found:
        return None
    half = (ROOM - 10) / 2

    def chart(title: str, one: Compared) -> Block:
        def draw(page: Page, left: float, top: float) -> None:
            page.text(left, top + 3, title + (" (with the datapool)" if one.with_datapool else ""), 8, weight="bold")
            strip(page.axes(left, top + 5, half, 9), one.value, one.random)

        return Block(19, draw)

    row = beside(*[(place * (half + 10), chart(title, one)) for place, (title, one) in enumerate(found)])
    return stacked(row, legend(STRIP_LEGEND, 7))


def _analyzed(report: Report) -> Iterator[str]:
    """The sizes and the config in words."""
    sizes, what = report.sizes, report.analyzed
    n_input, n_selected = sizes.get("input", 0), sizes.get("selected", 0)
    share = f" ({percent(n_selected / n_input)})" if n_input else ""
    text = f"{counted(n_selected, 'sample')} selected of an input of {number(n_input)}{share}"
    if what.datapool is not None:
        text += (
            f", beside a datapool of {counted(sizes.get('datapool', 0), 'sample')} ({shortened(what.datapool, 60, 9)})"
        )
    yield f"{text}. Compared with {report.random_draws} random selections of the same size from the input."
    if what.config is not None:
        yield config_in_words(what.config)


def config_in_words(config: dict) -> str:
    """What a config picks; of one that this version does not read any more, the names of its strategies."""
    try:
        return in_words(parse(SelectionConfig, config)).replace("`", "")
    except ShortlistError:
        found = config.get("strategies")
        entries = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        strategies = [one["strategy"] for one in entries if isinstance(one.get("strategy"), dict)]
        names = [str(one["type"]) for one in strategies if "type" in one]
        return f"Picked by {', '.join(names)}." if names else "Its config is one that this version does not read."
