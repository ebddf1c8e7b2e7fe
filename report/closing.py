"""The end of a report: what was left out, and what it takes to make it again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..core.analysis.report import Report
from .paper import FAINT, ROOM, Paper, heading, lines, paragraph, space
from .tables import Column, Row, parts, table
from .text import clean, number, wrapped

# Lines of a config that are shown; a longer one is in report.json.
_LINES = 60
_PART = 20
# Of a kind that keeps its width at the beginning of a line.
_INDENT = "\N{NO-BREAK SPACE}" * 4


def put_closing(paper: Paper, report: Report) -> None:
    """Puts notes, parameters, versions and the config."""
    if report.notes:
        notes = [paragraph(f"\N{BULLET} {clean(note)}") for note in report.notes]
        middle, last = notes[3:-3], notes[3:][-3:]
        paper.put(heading("Notes"), *notes[:3], gap=9)
        for some in [*([note] for note in middle), last]:
            paper.put(*some, gap=0)
    _put_parameters(paper, report)
    if report.analyzed.config is not None:
        _put_config(paper, report.analyzed.config)


def _put_parameters(paper: Paper, report: Report) -> None:
    rows: list[Row] = [[name, _plain(value)] for name, value in report.parameters.items() if value is not None]
    versions = ", ".join(f"{clean(name)} {clean(version)}" for name, version in report.versions.items())
    made = [lines(["Made with"], 9, weight="bold"), paragraph(versions or "unknown versions", 8)]
    kept = paragraph(
        f"All numbers are in report.json (format {report.format}, version {report.version}).", 8, color=FAINT
    )
    columns = [Column("parameter", 50, right=False), Column("value", ROOM - 50, right=False)]
    chunks = list(parts(rows))
    for place, part in enumerate(chunks):
        title = [heading("How it was made")] if not place else []
        last = [space(3), *made, kept] if place == len(chunks) - 1 else []
        paper.put(*title, table(columns, part), *last, gap=9 if not place else 4)
    if not chunks:
        paper.put(heading("How it was made"), *made, kept, gap=9)


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return number(value) if isinstance(value, float) else str(value)


def _put_config(paper: Paper, config: dict[str, Any]) -> None:
    """The config as JSON, in parts that fit on a page."""
    text = list(_json_lines(config))
    beyond = len(text) - _LINES
    if beyond > 0:
        text = [*text[:_LINES], f"{number(beyond)} more lines are in report.json"]
    starts = range(0, len(text), _PART)
    blocks = [lines(text[at : at + _PART], 7.5) for at in starts]
    # A last part of a few lines would stand alone.
    if len(text) % _PART and len(text) % _PART < 5 and len(blocks) > 1:
        blocks[-2:] = [lines(text[starts[-2] :], 7.5)]
    for place, block in enumerate(blocks):
        title = [lines(["The selection's config"], 9, weight="bold"), space(1)] if not place else []
        paper.put(*title, block, gap=5 if not place else 0)


def _json_lines(config: dict[str, Any]) -> Iterator[str]:
    """The lines of a config: one a parameter, and one each in lists."""
    for name, value in config.items():
        if isinstance(value, list) and value:
            yield f"{name}:"
            for item in value:
                yield from _folded(json.dumps(item, ensure_ascii=False), _INDENT)
        else:
            yield from _folded(f"{name}: {json.dumps(value, ensure_ascii=False)}", "")


def _folded(line: str, indent: str) -> Iterator[str]:
    """A line that fits; what follows it is indented further."""
    for place, part in enumerate(wrapped(line, ROOM - 12, 7.5)):
        yield indent + (_INDENT if place else "") + part
