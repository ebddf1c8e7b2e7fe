"""What a selection leaves uncovered, and what it holds more than once, with pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.analysis.report import EmbeddingAnalysis, NearDuplicates, Region
from .charts import picture
from .explained import glossary
from .paper import FAINT, ROOM, Block, Page, Paper, aside, heading, paragraph, space
from .tables import Column, parts, table
from .text import counted, number, percent, shortened
from .verdict import apart

Thumbnails = Mapping[str, NDArray[np.uint8]]

#: how many regions, groups, and samples of a group are shown
REGIONS, GROUPS, MEMBERS = 10, 8, 4
_ACROSS = 5


def pictured(analysis: EmbeddingAnalysis) -> list[str]:
    """The sample ids that are shown, in order."""
    centres = [region.sample_id for region in analysis.regions[:REGIONS]]
    return [*centres, *(one for group in analysis.near_duplicates.groups[:GROUPS] for one in group[:MEMBERS])]


def put_uncovered(paper: Paper, analysis: EmbeddingAnalysis, thumbnails: Thumbnails) -> None:
    """Puts the sections on uncovered regions and near duplicates."""
    _put_regions(paper, analysis, thumbnails)
    _put_duplicates(paper, analysis, thumbnails)


def _put_regions(paper: Paper, analysis: EmbeddingAnalysis, thumbnails: Thumbnails) -> None:
    regions = analysis.regions
    if not regions:
        return
    items, of = analysis.level, " (objects)" if analysis.level == "objects" else ""
    shown = regions[:REGIONS]
    rest = (
        f" The {counted(len(regions) - REGIONS, 'further region')} are in report.json."
        if len(regions) > REGIONS
        else ""
    )
    told = paragraph(
        f"The {items} of the input that are farthest from anything selected, in regions around a centre, the worst first. "
        f"Adding a centre to the selection covers its region.{rest}"
    )
    words = aside(
        glossary(("Mean", Region, "mean_distance"), ("Max", Region, "max_distance"), ("Gain", Region, "gain"))
    )
    title = heading(f"What is not covered{of}")
    if any(region.sample_id in thumbnails for region in shown):
        rows = [shown[at : at + _ACROSS] for at in range(0, len(shown), _ACROSS)]
        blocks = [_region_row(row, place * _ACROSS, thumbnails) for place, row in enumerate(rows)]
        paper.put(title, told, words, space(2.5), *blocks, gap=8)
    else:
        paper.put(title, told, words, space(2), _region_table(shown, items), gap=8)


def _region_row(regions: Sequence[Region], before: int, thumbnails: Thumbnails) -> Block:
    """Centres side by side, with what they stand for."""
    gap = 4.0
    wide = (ROOM - gap * (_ACROSS - 1)) / _ACROSS
    high = 24.0

    def draw(page: Page, left: float, top: float) -> None:
        for place, region in enumerate(regions):
            at = left + place * (wide + gap)
            picture(page.axes(at, top, wide, high), thumbnails.get(region.sample_id))
            page.text(
                at, top + high + 3.6, f"{before + place + 1}  {counted(region.n_items, 'item')}", 8, weight="bold"
            )
            page.text(
                at, top + high + 7.2, f"mean {number(region.mean_distance)}, max {number(region.max_distance)}", 7
            )
            page.text(at, top + high + 10.6, f"gain {percent(region.gain)}", 7)
            page.text(at, top + high + 13.6, shortened(region.sample_id, wide, 5.8), 5.8, color=FAINT)

    return Block(high + 17, draw)


def _region_table(regions: Sequence[Region], items: str) -> Block:
    columns = [Column("", 10), Column("centre", 62, right=False)]
    columns += [Column(title, (ROOM - 72) / 4) for title in (items, "mean", "max", "gain")]
    return table(
        columns,
        [
            [
                str(place),
                one.sample_id,
                number(one.n_items),
                number(one.mean_distance),
                number(one.max_distance),
                percent(one.gain),
            ]
            for place, one in enumerate(regions, 1)
        ],
    )


def _put_duplicates(paper: Paper, analysis: EmbeddingAnalysis, thumbnails: Thumbnails) -> None:
    found = analysis.near_duplicates
    if not found.n_groups:
        return
    title = heading(f"Near duplicates in the selection{' (objects)' if analysis.level == 'objects' else ''}")
    told = paragraph(_duplicates(found))
    groups = found.groups[:GROUPS]
    if any(one in thumbnails for group in groups for one in group[:MEMBERS]):
        rows = [groups[at : at + 2] for at in range(0, len(groups), 2)]
        blocks = [_group_row(row, place * 2, thumbnails) for place, row in enumerate(rows)]
        paper.put(title, told, space(2), blocks[0], gap=8)
        for block in blocks[1:]:
            paper.put(block, gap=0)
    else:
        columns = [Column("group", 14), Column("samples", 20), Column("sample ids", ROOM - 34, right=False)]
        rows_of = [[str(place), number(len(group)), ", ".join(group)] for place, group in enumerate(groups, 1)]
        for place, part in enumerate(parts(rows_of)):
            paper.put(*([title, told, space(2)] if not place else []), table(columns, part), gap=8)


def _duplicates(found: NearDuplicates) -> str:
    shown = min(len(found.groups), GROUPS)
    rest = f" The {number(shown)} largest are shown; the others are in report.json." if found.n_groups > shown else ""
    return (
        f"{counted(found.n_items, 'item')} of the selection form {counted(found.n_groups, 'group')}: "
        f"{counted(found.n_pairs, 'pair')} ({apart(found)}). Of each group one label tells almost as much as all.{rest}"
    )


def _group_row(groups: Sequence[Sequence[str]], before: int, thumbnails: Thumbnails) -> Block:
    """Two groups side by side, each with its first members."""
    gap, inner = 8.0, 1.5
    wide = (ROOM - gap) / 2
    side = (wide - inner * (MEMBERS - 1)) / MEMBERS
    high = 16.0

    def draw(page: Page, left: float, top: float) -> None:
        for column, group in enumerate(groups):
            at = left + column * (wide + gap)
            more = f", {number(len(group) - MEMBERS)} of them not shown" if len(group) > MEMBERS else ""
            page.text(
                at, top + 3, f"Group {before + column + 1}: {counted(len(group), 'item')}{more}", 7.5, weight="bold"
            )
            for place, one in enumerate(group[:MEMBERS]):
                corner = at + place * (side + inner)
                picture(page.axes(corner, top + 4.5, side, high), thumbnails.get(one))
                page.text(corner, top + high + 7.2, shortened(one, side, 5), 5, color=FAINT)

    return Block(high + 11, draw)
