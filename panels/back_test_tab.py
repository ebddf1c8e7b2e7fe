"""The tab Back-test: which strategy would have paid on the labels that are there."""

from __future__ import annotations

import fiftyone.operators as foo

from ..api import configs
from ..api.back_testing import list_back_tests, load_back_test
from ..core.back_testing.conclusions import headline
from ..core.back_testing.report import BackTestReport, Curve
from ..core.schema import EMBEDDINGS, LABELS
from ..dataset import sources
from . import back_test_facts as facts
from .cache import kept, runs_key
from .charts import curves_plot
from .page import PLUGIN, Action, Page, plain
from .tab import Tab, event

_LEVEL, _DIFFERENCE = "level", "difference"


class BackTestTab(Tab):
    """Which strategy would have paid."""

    name = "back_test"
    label = "Back-test"

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        options = _options(ctx)
        if not options:
            _nothing_yet(ctx, page)
            return
        key = self._key(ctx, options)
        page.choice("run", "Back-test", options, key, self.chosen)
        report = _report(ctx, key)
        page.text("verdict", f"**{plain(_sentence(headline(report.curves, report.metric)))}**")
        page.text("made", plain(_sentence(facts.made_of(report))), quiet=True)
        self._curves(ctx, page, report)
        self._table(page, report)
        if report.forecast is not None:
            page.heading("forecast_title", f"The next {report.forecast.next_labels:,} labels")
            page.text("forecast", plain(report.forecast.sentence))
        if report.warnings:
            page.heading("care", "Read with care")
            page.text("warnings", "\n".join(f"- {plain(_sentence(warning))}" for warning in report.warnings))
        row = page.row("again")
        field = report.parameters.get("label_field")
        row.offer("new", "New back-test", "back_test", icon="replay", main=False, label_field=field)
        told = [*report.notes, *(f"{one.name}: {note}" for one in report.curves for note in one.notes)]
        if told:
            page.text("notes", "\n".join(f"- {plain(note)}" for note in told), quiet=True)

    def _curves(self, ctx: foo.ExecutionContext, page: Page, report: BackTestReport) -> None:
        left, right = page.columns("choices", least=200)
        kinds = {_LEVEL: "what the labels teach", _DIFFERENCE: "how much more than random ones"}
        kind = self.get(ctx, "kind", _LEVEL)
        left.choice("kind", "Show", kinds, kind, self.shown)
        names = [curve.name for curve in report.curves[1:] if curve.mean is not None]
        shown = self.get(ctx, "strategy")
        shown = shown if shown in names else next(iter(names), report.random.name)
        if names:
            right.choice("strategy", "With the interval of", {name: name for name in names}, shown, self.looked_at)
        page.heading(
            "curves_title", "Learning curves", "of a model that learns from what was picked; bands: 95 % of the mean"
        )
        page.figure("curves", curves_plot(report, shown, beside_random=kind == _DIFFERENCE))

    def _table(self, page: Page, report: BackTestReport) -> None:
        page.heading("table_title", "Strategies", "means over the numbers of labels; differences in points")
        use = Action("Select with this strategy", self.used, icon="playlist_add_check")
        page.table("strategies", facts.columns(report), facts.rows(report), [use])

    @event
    def chosen(self, ctx: foo.ExecutionContext) -> None:
        """Another back-test."""
        self.set(ctx, "run", ctx.params.get("value"))

    @event
    def shown(self, ctx: foo.ExecutionContext) -> None:
        """Levels or differences."""
        self.set(ctx, "kind", ctx.params.get("value"))

    @event
    def looked_at(self, ctx: foo.ExecutionContext) -> None:
        """Another strategy stands out."""
        self.set(ctx, "strategy", ctx.params.get("value"))

    @event
    def used(self, ctx: foo.ExecutionContext) -> None:
        """A row of the table: the form that selects with its strategy."""
        report = _report(ctx, self._key(ctx, _options(ctx)))
        curve = facts.ranked(report)[int(ctx.params["row"])]
        begun = facts.begun(curve, report, configs.has(ctx.dataset))
        if begun is None:
            ctx.ops.notify(_cannot(curve), variant="info")
        else:
            ctx.prompt(f"{PLUGIN}/select_samples", params=begun)

    def _key(self, ctx: foo.ExecutionContext, options: dict[str, str]) -> str:
        key = self.get(ctx, "run")
        return key if key in options else next(iter(options))


def _options(ctx: foo.ExecutionContext) -> dict[str, str]:
    """The back-tests as people read them, the newest first."""
    found = kept(("back_tests", ctx.dataset.name, runs_key(ctx)), lambda: list_back_tests(ctx.dataset))
    return {
        one.run_key: f"{one.run_key} ({one.label_field}, {one.n_samples:,} samples, {one.created:%Y-%m-%d %H:%M} UTC)"
        for one in reversed(found)
    }


def _report(ctx: foo.ExecutionContext, key: str) -> BackTestReport:
    made = next(one.created for one in list_back_tests(ctx.dataset) if one.run_key == key)
    return kept(("back_test", ctx.dataset.name, key, made), lambda: load_back_test(ctx.dataset, key))


def _cannot(curve: Curve) -> str:
    return f"{curve.name} reads predictions, and this dataset has none beside the labels. Store a model's predictions first."


def _nothing_yet(ctx: foo.ExecutionContext, page: Page) -> None:
    """What a back-test is, and what it needs."""
    page.heading("empty", "Which strategy pays on your data?")
    page.text(
        "why",
        "A back-test replays strategies on the samples that already have labels: they pick in rounds, a simple model learns "
        "from the embeddings, and its accuracy is drawn beside that of random picks, with what the next labels should bring.",
    )
    has_labels = bool(sources.choices(LABELS, ctx.dataset))
    has_vectors = bool(sources.choices(EMBEDDINGS, ctx.dataset)) or configs.has(ctx.dataset).embeddings is not None
    row = page.row("first")
    if has_labels and has_vectors:
        row.offer("run", "Back-test strategies", "back_test", icon="replay")
    if not has_labels:
        page.text("labels", LABELS.lacking, quiet=True)
    if not has_vectors:
        page.text("vectors", "There are no embeddings here yet, which it picks by and learns from.", quiet=True)
        row.offer("embed", "Compute embeddings", "visualize_embeddings", icon="bubble_chart")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
