"""The tab Overview: what there is, what has been scored, found and selected, and what to do next, in one click each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone.operators as foo

from ..api.overviewing import Overview, overview
from ..core.errors import ShortlistError
from ..core.next_steps import Step, again
from . import overview_facts as facts
from .compare_tab import CompareTab
from .numbers import counted
from .page import PLUGIN, URI, Action, Page, plain
from .tab import Tab, event

# Steps that are shown at first: more are no help in deciding.
_STEPS = 4
_DONE = f"{URI}#on_done"


class OverviewTab(Tab):
    """Where the work on the dataset stands."""

    name = "overview"
    label = "Overview"

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        found = overview(ctx.dataset)
        page.text("there", facts.there(found.standing))
        self._steps(ctx, page, found.steps)
        self._selections(page, found)
        self._reviews(page, found)
        self._issues(page, found)
        self._scores(page, found)
        self._tests(page, found)

    def _steps(self, ctx: foo.ExecutionContext, page: Page, steps: Sequence[Step]) -> None:
        if not steps:
            return
        page.heading("next", "What to do next", "the most useful first")
        shows_all = bool(self.get(ctx, "all_steps", False))
        shown = steps if shows_all else steps[:_STEPS]
        for number, column in enumerate(page.columns("steps", len(shown), least=300)):
            step, card = shown[number], column.card("step")
            card.text("what", f"**{plain(step.label)}**")
            card.text("why", plain(step.why), quiet=True)
            self._offer(card, step, number)
        if len(steps) > _STEPS:
            label = "Show fewer" if shows_all else f"Show {counted(len(steps) - _STEPS, 'more step')}"
            page.row("more_steps").button(
                "toggle", label, self.toggled, icon="unfold_less" if shows_all else "unfold_more"
            )

    def _offer(self, card: Page, step: Step, number: int) -> None:
        """The button that does a step."""
        row = card.row("do")
        if step.tab is not None:
            row.button("go", "Open", self.opened, icon="compare_arrows", step=step.label)
        elif step.panel is not None:
            row.button("go", "Open", self.panel_opened, icon="rate_review", panel=step.panel)
        elif step.operator is not None:
            # One thing stands out.
            form = facts.form_of(step)
            row.offer(
                "open", facts.verb_label(step.operator), step.operator, icon="play_arrow", main=number == 0, **form
            )

    def _selections(self, page: Page, found: Overview) -> None:
        if not found.standing.selections:
            return
        page.heading("selections", "Selections", "the newest first")
        if said := facts.rounds_sentence(found.standing):
            page.text("rounds", said, quiet=True)
        actions = [
            Action("Show its samples, the first picked first", self.selection_shown),
            Action("Analyze", self.selection_analyzed, "assessment"),
            Action("Why were samples picked, or not?", self.selection_explained, "help_outline"),
        ]
        page.table("selection_table", facts.SELECTIONS, facts.selection_rows(found.standing), actions)

    def _reviews(self, page: Page, found: Overview) -> None:
        if found.standing.reviews:
            page.heading("reviews", "Reviews", "the newest first")
            actions = [Action("Show its samples, in order", self.review_shown)]
            page.table("review_table", facts.REVIEWS, facts.review_rows(found.standing), actions)

    def _issues(self, page: Page, found: Overview) -> None:
        if found.standing.issues:
            page.heading("issues", "Label issues", "labels that are likely wrong")
            actions = [Action("Show these samples, the worst first", self.issues_shown)]
            page.table("issue_table", facts.ISSUES, facts.issue_rows(found.standing), actions)

    def _scores(self, page: Page, found: Overview) -> None:
        if found.standing.scored:
            page.heading("scores", "Scores", "fields that samples can be sorted and selected by")
            actions = [
                Action("Sort samples by the first of these", self.scores_shown, "sort"),
                Action("Score again", self.scored_again, "refresh"),
            ]
            page.table("score_table", facts.SCORES, facts.score_rows(found.standing), actions)

    def _tests(self, page: Page, found: Overview) -> None:
        if found.standing.back_tests:
            page.heading("tests", "Back-tests", "strategies replayed on labels that are there")
            page.table("test_table", facts.TESTS, facts.test_rows(found.standing))

    # What a person asks for

    @event
    def toggled(self, ctx: foo.ExecutionContext) -> None:
        """More steps, or fewer."""
        self.set(ctx, "all_steps", not self.get(ctx, "all_steps", False))

    @event
    def opened(self, ctx: foo.ExecutionContext) -> None:
        """A step that another tab does."""
        step = next((one for one in overview(ctx.dataset).steps if one.label == ctx.params.get("step")), None)
        if step is not None and step.tab == CompareTab.name:
            CompareTab.begin(ctx, step.params["run_keys"])

    @event
    def panel_opened(self, ctx: foo.ExecutionContext) -> None:
        """A step that another panel does."""
        ctx.ops.open_panel(str(ctx.params.get("panel")), layout="horizontal")

    @event
    def review_shown(self, ctx: foo.ExecutionContext) -> None:
        """The samples of a review in the grid."""
        if (one := _chosen(ctx, list(reversed(overview(ctx.dataset).standing.reviews)))) is not None:
            self._show(ctx, one.run_key)

    @event
    def selection_shown(self, ctx: foo.ExecutionContext) -> None:
        """A selection in the grid."""
        if (one := _chosen(ctx, list(reversed(overview(ctx.dataset).standing.selections)))) is not None:
            self._show(ctx, one.run_key)

    @event
    def selection_analyzed(self, ctx: foo.ExecutionContext) -> None:
        """The form that analyzes a selection."""
        if (one := _chosen(ctx, list(reversed(overview(ctx.dataset).standing.selections)))) is not None:
            _prompt(ctx, "analyze_selection", run_key=one.run_key)

    @event
    def selection_explained(self, ctx: foo.ExecutionContext) -> None:
        """The form that explains a selection."""
        if (one := _chosen(ctx, list(reversed(overview(ctx.dataset).standing.selections)))) is not None:
            _prompt(ctx, "explain_selection", run_key=one.run_key)

    @event
    def issues_shown(self, ctx: foo.ExecutionContext) -> None:
        """Suspected label errors in the grid."""
        if (one := _chosen(ctx, list(overview(ctx.dataset).standing.issues))) is not None:
            self._show(ctx, one.view)

    @event
    def scores_shown(self, ctx: foo.ExecutionContext) -> None:
        """The samples in the order of a score, what asks for attention first."""
        one = _chosen(ctx, list(overview(ctx.dataset).standing.scored))
        path = facts.sorted_by(one) if one is not None else None
        if path is not None and ctx.dataset.has_field(path[0]):
            field, reverse = path
            ctx.ops.set_view(view=ctx.dataset.exists(field).sort_by(field, reverse=reverse))
        elif one is not None:
            ctx.ops.notify("These fields hold no number a sample that could be sorted by.", variant="info")

    @event
    def scored_again(self, ctx: foo.ExecutionContext) -> None:
        """The form that scores again."""
        if (one := _chosen(ctx, list(overview(ctx.dataset).standing.scored))) is not None:
            _prompt(ctx, one.verb, **again(one))

    @staticmethod
    def _show(ctx: foo.ExecutionContext, name: str) -> None:
        """Opens a saved view."""
        try:
            ctx.ops.set_view(view=ctx.dataset.load_saved_view(name))
        except (ShortlistError, ValueError):
            ctx.ops.notify(f"The saved view {name!r} is no longer there.", variant="warning")


def _prompt(ctx: foo.ExecutionContext, verb: str, **params: Any) -> None:
    """Opens the form of an operator; the panel is drawn again when the operator is done."""
    ctx.prompt(f"{PLUGIN}/{verb}", params=params, on_success=_DONE)


def _chosen(ctx: foo.ExecutionContext, rows: list[Any]) -> Any:
    """What is in the row that was clicked; None where the table has changed since."""
    row = ctx.params.get("row")
    return rows[row] if isinstance(row, int) and row < len(rows) else None
