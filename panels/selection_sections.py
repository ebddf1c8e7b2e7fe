"""The parts of the tab Selection, as they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import fiftyone.operators as foo

from ..api import showing
from ..core.analysis.report import Distribution, EmbeddingAnalysis, Numbers, Report, Scatter
from ..core.schema import EMBEDDINGS
from ..dataset import sources
from ..report.verdict import headline, sentences
from . import selection_facts as facts
from .cache import in_view, kept
from .charts import distances_plot, numbers_plot, scatter_plot, shares_plot
from .page import Action, Page, plain

Handler = Callable[..., Any]
_ANALYZE = "analyze_selection"
_VISUALIZE = "visualize_embeddings"
_METHODS = {"pca": "PCA", "umap": "UMAP", "tsne": "t-SNE"}
# Samples chosen in the grid about which a sentence is written.
_TOLD = 5


def nothing_yet(ctx: foo.ExecutionContext, page: Page) -> None:
    """What to do first."""
    page.heading("empty", "Nothing has been selected or analyzed yet")
    page.text(
        "why", "Select a batch, or analyze any tag or saved view: how well does it cover the rest of the dataset?"
    )
    row = page.row("first")
    row.offer("select", "Select samples", "select_samples", icon="playlist_add_check")
    row.offer("analyze", "Analyze a tag or view", _ANALYZE, icon="assessment", main=False)
    if not sources.choices(EMBEDDINGS, ctx.dataset):
        page.text("vectors", "Coverage and diversity are measured in embeddings; there are none here yet.", quiet=True)
        page.row("make").offer("embed", "Compute embeddings", _VISUALIZE, icon="bubble_chart", main=False)


def not_analyzed(page: Page, name: str) -> None:
    """Offers the analysis."""
    page.notice("problem", f"{name} has not been analyzed yet: how well does it cover the rest?", "info")
    page.row("next").offer("analyze", "Analyze", _ANALYZE, icon="assessment", run_key=name)


def changed(page: Page, name: str) -> None:
    """Says that an analysis is out of date."""
    page.notice("changed", f"{name} is no longer what it was when it was analyzed.", "warning")
    page.row("again").offer("analyze", "Analyze again", _ANALYZE, icon="refresh", run_key=name)


def no_embeddings(ctx: foo.ExecutionContext, page: Page, name: str) -> None:
    """Says what is missing, and offers what makes it."""
    page.notice("no_vectors", "It was analyzed without embeddings, so nothing is known of coverage.", "info")
    row = page.row("vectors")
    if sources.choices(EMBEDDINGS, ctx.dataset):
        row.offer("analyze", "Analyze with embeddings", _ANALYZE, icon="assessment", run_key=name)
    else:
        row.offer("embed", "Compute embeddings", _VISUALIZE, icon="bubble_chart")


def verdict(page: Page, report: Report) -> None:
    """What an analysis says in words."""
    page.text("verdict", f"**{plain(headline(report))}**")
    # Classes are told beside their chart.
    told = [plain(one) for one in sentences(report.model_copy(update={"distributions": []}))]
    if told:
        page.text("why", "\n".join(f"- {one}" for one in told))


def map_of(
    ctx: foo.ExecutionContext,
    page: Page,
    report: Report,
    analysis: EmbeddingAnalysis,
    *,
    on_click: Handler,
    on_selected: Handler,
    everything: Handler,
) -> None:
    """The items in two dimensions, with what is in the view and what is chosen in the grid.

    Args:
        ctx: what the App shows
        page: what is drawn on
        report: the report
        analysis: in which embedding space
        on_click: the event of a point
        on_selected: the event of several
        everything: the event that shows the whole dataset again
    """
    scatter = analysis.scatter
    if scatter is None:
        return
    name = report.analyzed.name
    about = (ctx.dataset.name, name, report.created, analysis.level, analysis.source)
    shown = in_view(ctx, about, scatter.ids)
    places = showing.places_of(ctx.dataset, name, ctx.selected[:_TOLD]) if ctx.selected else []
    nearest = {one.sample_id: one.nearest for one in places if one.nearest and one.distance}
    page.heading("map", "Map", _map_words(scatter, shown))
    figure = kept(
        ("scatter", about, shown, tuple(ctx.selected), tuple(nearest.items())),
        lambda: scatter_plot(scatter, in_view=shown, chosen=ctx.selected, nearest=nearest),
    )
    page.figure("scatter", figure, on_click=on_click, on_selected=on_selected)
    if places:
        lines = [facts.place_sentence(place, "datapool" in report.sizes) for place in places]
        if len(ctx.selected) > _TOLD:
            lines.append(f"and {len(ctx.selected) - _TOLD:,} more that are chosen in the grid")
        page.text("places", "\n".join(f"- {line}" for line in lines))
    else:
        hint = (
            "Click a point or draw around some to see them in the grid; choose samples in the grid to find them here."
        )
        page.text("hint", hint, quiet=True)
    row = page.row("map_actions")
    if shown is not None:
        row.button("all", "Show all samples", everything, icon="grid_view")
    if scatter.brain_key is None:
        row.offer("visualize", "Visualize with UMAP or t-SNE", _VISUALIZE, icon="bubble_chart", main=False)


def _map_words(scatter: Scatter, shown: frozenset[str] | None) -> str:
    """How many points there are, how many of them are in the view, and how they came to their places."""
    how = plain(_METHODS.get(scatter.method, scatter.method))
    how += f" ({plain(scatter.brain_key)})" if scatter.brain_key else ""
    count = len(scatter.ids)
    if shown is not None:
        return f"{sum(one in shown for one in scatter.ids):,} of the {count:,} points are in the view; {how}"
    return (
        f"{count:,} of {scatter.n_items:,} samples by {how}"
        if count < scatter.n_items
        else f"{count:,} samples by {how}"
    )


def histograms(page: Page, analysis: EmbeddingAnalysis, on_click: Handler | None) -> None:
    """Coverage and diversity, beside random selections."""
    left, right = page.columns("histograms")
    sets, random = ("selected",), "random"
    if "datapool_and_selected" in analysis.coverage.sets:
        sets, random = ("datapool_and_selected", "datapool"), "datapool_and_random"  # type: ignore[assignment]
    left.heading("title", "Coverage", "of every candidate: how far is the nearest selected one?")
    coverage = distances_plot(analysis.coverage, sets, random, title="distance to the nearest selected")
    left.figure("coverage", coverage, on_click=on_click)
    right.heading("title", "Diversity", "of every selected one: how far is the nearest other?")
    diversity = distances_plot(
        analysis.diversity, ("selected", "input"), "random", title="distance to the nearest other"
    )
    right.figure("diversity", diversity)


def regions(page: Page, analysis: EmbeddingAnalysis, on_row: Handler | None) -> None:
    """What is left uncovered."""
    if analysis.regions:
        page.heading("uncovered", "Uncovered regions", "far from everything selected, the worst first")
        hint = "Gain: by which share a region's centre, were it selected too, would lower the mean coverage distance."
        page.text("gain", hint, quiet=True)
        actions = [Action("Show its samples", on_row)] if on_row is not None else []
        page.table("regions", facts.REGION_COLUMNS, facts.region_rows(analysis), actions)


def views(page: Page, analysis: EmbeddingAnalysis, on_click: Handler) -> None:
    """The saved views of an analysis."""
    row = page.row("views")
    row.button("uncovered", "Show the worst covered", on_click, icon="visibility", view="uncovered")
    if count := analysis.near_duplicates.n_items:
        row.button("alike", f"Show {count:,} near duplicates", on_click, icon="content_copy", view="near_duplicates")


def shares(page: Page, found: Distribution, names: Mapping[str, str], *, on_change: Handler, on_click: Handler) -> None:
    """Classes or categories of one field."""
    page.heading("title", "Classes and categories")
    page.choice("field", "", names, _key_of(names, found.source), on_change)
    page.text("balance", plain(facts.balance_sentence(found)), quiet=True)
    page.figure("shares", shares_plot(found), on_click=on_click)


def numbers(page: Page, found: Numbers, names: Mapping[str, str], *, on_change: Handler, on_click: Handler) -> None:
    """The numbers of one field."""
    page.heading("title", "Scores and numbers")
    page.choice("field", "", names, _key_of(names, found.source), on_change)
    page.text("mean", plain(facts.number_sentence(found)), quiet=True)
    page.figure("numbers", numbers_plot(found), on_click=on_click)


def _key_of(names: Mapping[str, str], source: str) -> str:
    return next(key for key, name in names.items() if name == source)


def more(page: Page, name: str) -> None:
    """What else can be done."""
    row = page.row("more")
    report = "Analyze again or write a report"
    row.offer("report", report, _ANALYZE, icon="picture_as_pdf", main=False, run_key=name)
    row.offer("other", "Analyze a tag or view", _ANALYZE, icon="assessment", main=False)
