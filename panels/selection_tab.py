"""The tab Selection: what a selection is worth, beside random selections of the same size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import fiftyone.operators as foo

from ..api import showing
from ..core.analysis.report import Distribution, EmbeddingAnalysis, Numbers, Report
from ..core.errors import ShortlistError
from . import selection_facts as facts
from . import selection_sections as sections
from .analyses import analyses_of, options_of, report_of
from .charts.style import NAMES
from .page import Page, plain
from .tab import Tab, event


class SelectionTab(Tab):
    """What a selection is worth."""

    name = "selection"
    label = "Selection"

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        options = options_of(ctx)
        if not options:
            sections.nothing_yet(ctx, page)
            return
        name = self._name(ctx, options)
        page.choice("name", "Selection", options, name, self.chosen)
        analysis = next((one for one in analyses_of(ctx) if one.name == name), None)
        if analysis is None:
            sections.not_analyzed(page, name)
            return
        report = report_of(ctx, analysis)
        sections.verdict(page, report)
        if analysis.changed:
            sections.changed(page, name)
        if report.embeddings:
            self._space(ctx, page, report)
        else:
            sections.no_embeddings(ctx, page, name)
        self._distributions(ctx, page, report)
        for number, note in enumerate(report.notes):
            page.text(f"note{number}", f"Note: {plain(note)}", quiet=True)
        sections.more(page, name)

    def _space(self, ctx: foo.ExecutionContext, page: Page, report: Report) -> None:
        """Coverage and diversity in one embedding space."""
        if len(report.embeddings) > 1:
            spaces = {str(number): name for number, name in enumerate(facts.spaces_of(report))}
            at = str(facts.first(report.embeddings, self.get(ctx, "space")))
            page.choice("space", "Embeddings of", spaces, at, self.spaced)
        analysis = self._of_space(ctx, report)
        # Objects have no field by which their samples could be found.
        of_samples = analysis.level == "samples"
        sections.map_of(
            ctx,
            page,
            report,
            analysis,
            on_click=self.pointed,
            on_selected=self.lassoed,
            everything=self.everything,
        )
        page.heading("sets", "Coverage and diversity", "distances: coverage should be small, diversity large")
        page.table("compared", facts.COLUMNS, facts.comparison_rows(analysis, report.random_draws))
        sections.histograms(page, analysis, self.covered if of_samples else None)
        sections.regions(page, analysis, self.regioned if of_samples else None)
        if of_samples:
            sections.views(page, analysis, self.viewed)

    def _distributions(self, ctx: foo.ExecutionContext, page: Page, report: Report) -> None:
        columns = [bool(report.distributions), bool(report.numbers)].count(True)
        places = iter(page.columns("distributions", columns) if columns else [])
        if report.distributions:
            names = {str(number): one.source for number, one in enumerate(report.distributions)}
            found = self._counted(ctx, report)
            sections.shares(next(places), found, names, on_change=self.counted, on_click=self.classed)
        if report.numbers:
            names = {str(number): one.source for number, one in enumerate(report.numbers)}
            numbers = self._measured(ctx, report)
            sections.numbers(next(places), numbers, names, on_change=self.measured, on_click=self.numbered)

    # What a person chooses

    @event
    def chosen(self, ctx: foo.ExecutionContext) -> None:
        """Another selection."""
        self.set(ctx, "name", ctx.params.get("value"))

    @event
    def spaced(self, ctx: foo.ExecutionContext) -> None:
        """Other embeddings."""
        self.set(ctx, "space", ctx.params.get("value"))

    @event
    def counted(self, ctx: foo.ExecutionContext) -> None:
        """Other classes or categories."""
        self.set(ctx, "counted", ctx.params.get("value"))

    @event
    def measured(self, ctx: foo.ExecutionContext) -> None:
        """Other numbers."""
        self.set(ctx, "measured", ctx.params.get("value"))

    # What the grid shows then

    @event
    def pointed(self, ctx: foo.ExecutionContext) -> None:
        """A point of the map: its sample."""
        self._show_points(ctx, [ctx.params.get("id")])

    @event
    def lassoed(self, ctx: foo.ExecutionContext) -> None:
        """Points of the map: their samples. The App tells of no points too, when it draws the map again."""
        self._show_points(ctx, [point.get("id") for point in ctx.params.get("data") or []])

    @event
    def covered(self, ctx: foo.ExecutionContext) -> None:
        """A bar of the coverage: the samples that are so far."""
        report = self._report(ctx)
        low, high, closed = _bin(self._of_space(ctx, report).coverage.edges, ctx.params)
        self._show(ctx, lambda: showing.at_distance(ctx.dataset, report.analyzed.name, low, high, closed))

    @event
    def numbered(self, ctx: foo.ExecutionContext) -> None:
        """A bar of scores: the samples of the set with such a score."""
        report = self._report(ctx)
        found = self._measured(ctx, report)
        low, high, closed = _bin(found.edges, ctx.params)
        name, part = report.analyzed.name, _part(ctx.params)
        self._show(ctx, lambda: showing.with_number(ctx.dataset, name, part, found.source, low, high, closed))

    @event
    def classed(self, ctx: foo.ExecutionContext) -> None:
        """A bar of classes: the samples of the set with such a class."""
        report = self._report(ctx)
        found = self._counted(ctx, report)
        at = facts.first(found.categories, ctx.params.get("y"))
        name, part = report.analyzed.name, _part(ctx.params)
        self._show(
            ctx,
            lambda: showing.with_category(ctx.dataset, name, part, found.kind, found.source, found.categories[at]),
        )

    @event
    def regioned(self, ctx: foo.ExecutionContext) -> None:
        """A row of the regions: their samples."""
        name = self._report(ctx).analyzed.name
        self._show(ctx, lambda: showing.of_region(ctx.dataset, name, int(ctx.params["row"]) + 1))

    @event
    def viewed(self, ctx: foo.ExecutionContext) -> None:
        """A saved view of the analysis."""
        analysis = next(one for one in analyses_of(ctx) if one.name == self._report(ctx).analyzed.name)
        wanted = f"{analysis.key.removesuffix('_analysis')}_{ctx.params['view']}"
        if not ctx.dataset.has_saved_view(wanted):
            ctx.ops.notify("There is no such view: nothing to show, or it was deleted.", variant="info")
        else:
            ctx.ops.set_view(name=wanted)

    @event
    def everything(self, ctx: foo.ExecutionContext) -> None:
        """The whole dataset again."""
        ctx.ops.clear_view()

    def _name(self, ctx: foo.ExecutionContext, options: Mapping[str, str]) -> str:
        name = self.get(ctx, "name")
        return name if name in options else next(iter(options))

    def _report(self, ctx: foo.ExecutionContext) -> Report:
        """The report that is looked at."""
        name = self._name(ctx, options_of(ctx))
        return report_of(ctx, next(one for one in analyses_of(ctx) if one.name == name))

    def _of_space(self, ctx: foo.ExecutionContext, report: Report) -> EmbeddingAnalysis:
        """The embedding space that is looked at."""
        return report.embeddings[facts.first(report.embeddings, self.get(ctx, "space"))]

    def _counted(self, ctx: foo.ExecutionContext, report: Report) -> Distribution:
        """The classes or categories that are looked at."""
        return report.distributions[facts.first(report.distributions, self.get(ctx, "counted"))]

    def _measured(self, ctx: foo.ExecutionContext, report: Report) -> Numbers:
        """The numbers that are looked at."""
        return report.numbers[facts.first(report.numbers, self.get(ctx, "measured"))]

    def _show_points(self, ctx: foo.ExecutionContext, numbers: list[Any]) -> None:
        scatter = self._of_space(ctx, self._report(ctx)).scatter
        ids = scatter.ids if scatter else []
        found = {ids[int(number)] for number in numbers if str(number).isdigit() and int(number) < len(ids)}
        if found:
            self._show(ctx, lambda: showing.these(ctx.dataset, sorted(found)))

    @staticmethod
    def _show(ctx: foo.ExecutionContext, make: Callable[[], Any]) -> None:
        """Shows samples in the grid, or says why there are none."""
        try:
            view = make()
        except ShortlistError as error:
            ctx.ops.notify(str(error), variant="warning")
            return
        if len(view.limit(1)):
            ctx.ops.set_view(view=view)
        else:
            ctx.ops.notify("There are no samples here.", variant="info")


def _bin(edges: list[float], params: Mapping[str, Any]) -> tuple[float, float, bool]:
    """The range of the bar that was clicked; the last one holds its end."""
    at = facts.first(edges[:-1], params.get("idx"))
    return edges[at], edges[at + 1], at == len(edges) - 2


def _part(params: Mapping[str, Any]) -> showing.Part:
    """Of which set the bar is that was clicked."""
    return "selected" if str(params.get("trace", "")).startswith(NAMES["selected"]) else "input"
