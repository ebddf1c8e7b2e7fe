"""Diversity and coverage in one embedding space: the items in two dimensions, histograms and tables by set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.analysis.report import Distances, EmbeddingAnalysis, Interval, RandomSpread, Scatter, Spread
from .charts import NAMES, histogram, line_legend, scatter, scatter_legend
from .explained import meaning
from .paper import FAINT, ROOM, Block, Page, Paper, aside, beside, heading, legend, lines, paragraph, space, stacked
from .tables import Cell, Row, columns_of, table
from .text import clean, counted, number, short_span, shortened

_KEYS = ("mean", "std", "min", "median", "p95", "max")
_TITLES = ("items", "mean", "std", "min", "median", "95th pct.", "max")
_SCATTER, _HALF = 104.0, (ROOM - 12) / 2


def put_embedding(paper: Paper, analysis: EmbeddingAnalysis) -> None:
    """Puts the section on an embedding space, from a new page on."""
    paper.turn()
    title = heading(f"How the {analysis.level} lie in the embedding space")
    facts = stacked(*[stacked(paragraph(text, 8.5, ROOM - _SCATTER - 8), space(1.8)) for text in _facts(analysis)])
    if analysis.scatter is not None and analysis.scatter.ids:
        paper.put(title, beside((0, _scatter(analysis)), (_SCATTER + 8, facts)))
    else:
        paper.put(title, facts)
    paper.put(*_histograms(analysis), gap=6)
    for word, found, key in (
        ("Diversity", analysis.diversity, "diversity"),
        ("Coverage", analysis.coverage, "coverage"),
    ):
        made = list(_rows(found))
        if made:
            told = aside(meaning(EmbeddingAnalysis, key))
            paper.put(lines([word], 9, weight="bold"), told, table(columns_of(38, _TITLES), made))


def _facts(analysis: EmbeddingAnalysis) -> Iterator[str]:
    """What the vectors are, and what the scatter shows."""
    sizes = ", ".join(f"{NAMES[name]} {number(count)}" for name, count in analysis.sizes.items())
    source = shortened(analysis.source, 60, 8.5)
    yield f"Vectors of {source}, {number(analysis.dimensions)} dimensions. Items with one: {sizes}."
    if analysis.left_out:
        yield f"{counted(analysis.left_out, 'sample')} without a vector."
    yield f"Typical distance: {number(analysis.typical_distance)}. {meaning(EmbeddingAnalysis, 'typical_distance')}"
    if analysis.measured_on < analysis.sizes.get("input", 0):
        yield f"Distances of the input are those of a random part of {number(analysis.measured_on)} items."
    if analysis.scatter is not None and analysis.scatter.ids:
        yield _dimensions(analysis.scatter)
        if _marks(analysis):
            yield "Circled numbers: the centres of the uncovered regions, the worst first."


def _dimensions(found: Scatter) -> str:
    """What the two dimensions of the scatter are."""
    method = clean(found.method)
    made = f"the Brain run {shortened(found.brain_key, 50, 8.5)} ({method})" if found.brain_key else method.upper()
    text = f"The two dimensions are those of {made}"
    if len(found.ids) < found.n_items:
        text += f"; {number(len(found.ids))} of {number(found.n_items)} points are shown"
    return f"{text}. Distances are measured in all dimensions, not in these two."


def _marks(analysis: EmbeddingAnalysis) -> list[str]:
    """The centres of regions that the scatter shows; of objects a sample has several points."""
    if analysis.level != "samples" or analysis.scatter is None:
        return []
    there = set(analysis.scatter.ids)
    centres = [region.sample_id for region in analysis.regions[:10]]
    return centres if there & set(centres) else []


def _scatter(analysis: EmbeddingAnalysis) -> Block:
    found = analysis.scatter
    assert found is not None
    high = 77.0
    below = legend(scatter_legend(found))

    def draw(page: Page, left: float, top: float) -> None:
        scatter(page.axes(left, top, _SCATTER, high), found, _marks(analysis))
        below.draw(page, left, top + high + 1)

    return Block(high + 1 + below.height, draw)


def _histograms(analysis: EmbeddingAnalysis) -> list[Block]:
    """Diversity and coverage as histograms, and what their lines mean."""
    names = ["datapool", "datapool_and_selected", "datapool_and_random"]
    names = names if "datapool" in analysis.coverage.sets else ["selected", "random"]
    titles = f"Diversity: share of the set's {analysis.level}", f"Coverage: share of the input's {analysis.level}"
    both = [_shown(analysis.diversity, ["input", *names]), _shown(analysis.coverage, names)]
    charts = [
        (0.0, _histogram(titles[0], analysis.diversity.edges, both[0])),
        (_HALF + 12, _histogram(titles[1], analysis.coverage.edges, both[1])),
    ]
    drawn = [name for name in names if any(name in one for one in both)]
    return [beside(*charts), legend(line_legend(drawn, ["input"] if "input" in both[0] else []))]


def _shown(found: Distances, names: Sequence[str]) -> dict[str, Spread | RandomSpread]:
    """Those of the sets that have any distances."""
    every: dict[str, Spread | RandomSpread] = {str(name): one for name, one in found.sets.items()}
    every |= {str(name): one for name, one in found.random.items()}
    return {name: every[name] for name in names if name in every and every[name].count}


def _histogram(title: str, edges: Sequence[float], spreads: dict[str, Spread | RandomSpread]) -> Block:
    """The distances of sets, by share of each."""
    high, inset = 36.0, 9.0

    def draw(page: Page, left: float, top: float) -> None:
        page.text(left, top + 3, title, 8, weight="bold")
        if spreads:
            histogram(page.axes(left + inset, top + 6, _HALF - inset, high - 8), edges, spreads, "input")
            page.text(left + _HALF, top + high + 4, "distance", 7, color=FAINT, ha="right")
        else:
            page.text(left, top + 10, "There are no distances to show.", 8, color=FAINT)

    return Block(high + 4.5, draw)


def _rows(found: Distances) -> Iterator[Row]:
    """A line a set, and two a kind of random selection: mean and interval."""
    for name, spread in found.sets.items():
        yield [NAMES[name], number(spread.count), *(number(getattr(spread, key)) for key in _KEYS)]
    for drawn, random in found.random.items():
        intervals: Sequence[Interval] = [getattr(random, key) for key in _KEYS]
        yield [f"{NAMES[drawn]}, mean", number(random.count), *(number(one.mean) for one in intervals)]
        yield [Cell("95 % interval", small=True), "", *(Cell(short_span(one), small=True) for one in intervals)]
