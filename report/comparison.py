"""The sets side by side, in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..core.analysis.report import Distances, Distribution, EmbeddingAnalysis, Interval, Numbers, Report, Shares
from ..core.schema import Schema
from .explained import glossary
from .paper import BETWEEN, Block, Paper, aside, heading, space
from .tables import Cell, Column, Row, height_of, table
from .text import brief, number, short_span
from .verdict import side_of

# A table of fewer lines is better put on the next page, where there is room for all.
_LEAST = 6
_POOL = ("datapool", "datapool_and_selected")


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Args:
        title: what it says of the sets
        sets: the number of each set
        random: that of random selections, alone and with the datapool
        rank: what is least needed, where there is no room for all, has the greatest
        means: the model and key that explain it
    """

    title: str
    sets: dict[str, float | None]
    random: dict[str, Interval]
    rank: int = 0
    means: tuple[str, type[Schema], str] | None = None


def compared_lines(report: Report) -> Iterator[Line]:
    """The lines of the table: sizes, distances, balance and scores."""
    if report.sizes:
        yield Line("samples", {str(name): count for name, count in report.sizes.items()}, {})
    for place, analysis in enumerate(report.embeddings):
        of, later = ("", 0) if analysis.level == "samples" else (" of objects", 1)
        for word, found, keys in (
            ("Coverage", analysis.coverage, ("mean", "p95", "max")),
            ("Diversity", analysis.diversity, ("mean", "min")),
        ):
            for key in keys:
                rank = later + (0 if key == "mean" else 3 if key == "p95" else 1) + place // 2
                yield _of_distances(f"{word.lower()}{of}, {_WORDS[key]}", word, found, key, rank)
    for place, shares in enumerate(report.distributions):
        yield from _of_shares(shares, 1 + min(place, 4))
    for place, numbers in enumerate(report.numbers):
        yield _of_numbers(numbers, 2 + min(place, 4))


_WORDS = {"mean": "mean", "p95": "95th percentile", "max": "greatest", "min": "least"}


def _of_distances(title: str, word: str, found: Distances, key: str, rank: int) -> Line:
    sets = {str(name): getattr(spread, key) for name, spread in found.sets.items()}
    random = {str(name): getattr(one, key) for name, one in found.random.items()}
    return Line(title, sets, random, rank, (word, EmbeddingAnalysis, word.lower()))


def _of_shares(found: Distribution, rank: int) -> Iterator[Line]:
    what = "classes" if found.kind == "classes" else "categories"
    for key, word, title, later in (
        ("present", "Present", f"{what} present", 0),
        ("entropy", "Entropy", "entropy", 0),
        ("distance_to_input", "Distance to input", "distance to input", 2),
    ):
        sets = {str(name): getattr(shares, key) for name, shares in found.sets.items()}
        random = {} if found.random is None else {"random": getattr(found.random, key)}
        yield Line(f"{found.source}, {title}", sets, random, rank + later, (word, Shares, key))


def _of_numbers(found: Numbers, rank: int) -> Line:
    random = {} if found.random is None else {"random": found.random.mean}
    return Line(f"{found.source}, mean", {str(name): one.mean for name, one in found.sets.items()}, random, rank)


def put_comparison(paper: Paper, report: Report) -> None:
    """Puts the table that compares the sets; of many lines those that matter most, so that it stays on the page."""
    every = list(compared_lines(report))
    if len(every) < 2:
        return
    shown, blocks = every, _blocks(every)
    while len(shown) > _LEAST and sum(block.height for block in blocks) + BETWEEN > paper.left:
        worst = max(shown, key=lambda line: line.rank)
        # Of those that matter least the last goes first.
        gone = max(place for place, line in enumerate(shown) if line.rank == worst.rank)
        shown = [line for place, line in enumerate(shown) if place != gone]
        blocks = _blocks(shown)
    if sum(block.height for block in blocks) + BETWEEN > paper.left:
        blocks = _blocks(every[: _most(paper)])
    paper.put(*blocks, gap=BETWEEN)


def _most(paper: Paper) -> int:
    """How many lines an empty page takes, with room for what explains them."""
    count = 1
    while height_of(count + 1) < paper.whole - 40:
        count += 1
    return count


def _blocks(rows: Sequence[Line]) -> list[Block]:
    """The table with its title and what explains it."""
    pool = any(name in line.sets for line in rows for name in _POOL)
    said = "In bold: outside the 95 % interval of the random selections, which stands in brackets."
    said += " Both: the datapool with the selection." if pool else ""
    words = dict.fromkeys(line.means for line in rows if line.means is not None)
    told = aside(f"{said} {glossary(*words)}")
    made = [_cells(line, pool) for line in rows]
    return [heading("The sets side by side", 11), table(_columns(pool), made), space(1.5), told]


def _columns(pool: bool) -> list[Column]:
    if not pool:
        return [Column("", 72, right=False), Column("input", 28), Column("selected", 28), Column("random", 46)]
    return [
        Column("", 43, right=False),
        Column("input", 17),
        Column("selected", 18),
        Column("random", 31),
        Column("datapool", 17),
        Column("both", 17),
        Column("datapool + random", 31),
    ]


def _cells(line: Line, pool: bool) -> Row:
    random, with_pool = line.random.get("random"), line.random.get("datapool_and_random")
    row = [Cell(line.title), Cell(number(line.sets.get("input")))]
    row += [_beside(line.sets.get("selected"), random), _drawn(random)]
    if pool:
        row += [Cell(number(line.sets.get("datapool")))]
        row += [_beside(line.sets.get("datapool_and_selected"), with_pool), _drawn(with_pool)]
    return row


def _drawn(random: Interval | None) -> Cell:
    return Cell("-" if random is None else f"{brief(random.mean)} ({short_span(random)})")


def _beside(value: float | None, random: Interval | None) -> Cell:
    """A number of the selection, in bold where chance would not give it."""
    return Cell(number(value), value is not None and random is not None and side_of(value, random) != 0)
