"""The tab Progress of the Review panel: who did what, what the verdicts tell, and what to do with them."""

from __future__ import annotations

import fiftyone.operators as foo

from ..api.review.progress import ReviewStatus, review_progress
from . import progress_facts as facts
from .cache import kept
from .page import Page
from .review_choice import chosen, keep, put, reviews_of
from .tab import Tab, event, open_tab

# Seconds for which a review is taken to be as far as it was; others decide meanwhile.
_SAME_FOR = 3


class ProgressTab(Tab):
    """How far a review is."""

    name = "progress"
    label = "Progress"

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        keep(ctx)
        records = reviews_of(ctx)
        if not records:
            page.text("empty", "There is no review yet.")
            page.row("begin").offer("start", "Start a review", "start_review", icon="rate_review")
            return
        record = chosen(ctx, records)
        shown = {
            one.run_key: f"{one.run_key} ({one.label_field or 'samples'}, {one.n_items:,} items)" for one in records
        }
        page.choice("run", "Review", shown, record.run_key, self.chosen)
        key = ("review", ctx.dataset.name, record.run_key, str(record.created))
        status = kept(key, lambda: review_progress(ctx.dataset, record.run_key), _SAME_FOR)
        page.text("headline", facts.headline(status))
        if status.decisions:
            page.text("decisions", facts.decisions(status), quiet=True)
        good = status.hint.advice in ("done", "may_stop")
        page.notice("hint", status.hint.sentence, "success" if good else "info")
        self._actions(page, status)
        self._people(page, status)
        self._precision(page, status)
        self._agreement(page, status)

    def _actions(self, page: Page, status: ReviewStatus) -> None:
        """What to do next; what the verdicts ask for stands out."""
        row, run_key = page.row("actions"), status.run_key
        unsettled = status.states["disputed"] + status.states["unsure"]
        is_done = not status.states["open"] and not unsettled
        if status.n_to_apply:
            label = f"Apply {status.n_to_apply:,} decided {'change' if status.n_to_apply == 1 else 'changes'}"
            row.offer("apply", label, "apply_review", icon="published_with_changes", main=is_done, run_key=run_key)
        if status.n_applied:
            row.offer("undo", "Undo what was applied", "undo_review", icon="undo", main=False, run_key=run_key)
        if unsettled:
            label = f"Settle {unsettled:,} disputed or unsure"
            row.button("settle", label, self.settled, icon="gavel", main=not status.states["open"])
        if status.states["disputed"]:
            row.button("disputed", "Show disputed samples", self.disputed_shown, icon="filter_alt")
        row.button("all", "Show its samples", self.shown, icon="visibility")
        row.button("again", "Refresh", self.refreshed, icon="refresh")
        if status.n_applied:
            page.text("applied", f"{status.n_applied:,} changes are written to the labels\\.", quiet=True)

    def _people(self, page: Page, status: ReviewStatus) -> None:
        if status.activities:
            page.heading("people", "Who did what")
            page.table("people_table", facts.PEOPLE, facts.people(status))

    def _precision(self, page: Page, status: ReviewStatus) -> None:
        if status.precisions:
            page.heading(
                "precision", "How often it was an error", "of what is decided; the likeliest errors come first"
            )
            page.table("precision_table", facts.KINDS, facts.kinds(status))
        lines = facts.remaining(status)
        if lines:
            page.heading("remaining", "Errors that are still there", "estimated, with a 95 % interval")
            page.text("remaining_text", "\n".join(f"- {one}" for one in lines))

    def _agreement(self, page: Page, status: ReviewStatus) -> None:
        if status.agreement is None:
            return
        page.heading("agreement", "Agreement")
        page.text("agreement_text", facts.agreement(status.agreement))
        if status.agreement.pairs:
            page.table("agreement_table", facts.PAIRS, facts.pairs(status.agreement))

    # What a person asks for

    @event
    def chosen(self, ctx: foo.ExecutionContext) -> None:
        """Another review, for both tabs."""
        value = ctx.params.get("value")
        if value and value != chosen(ctx, reviews_of(ctx)).run_key:
            put(ctx, "run", value)
            put(ctx, "number", 0)
            put(ctx, "conflict", "")

    @event
    def settled(self, ctx: foo.ExecutionContext) -> None:
        """What people disagree on, one by one."""
        put(ctx, "settles", True)
        put(ctx, "number", 0)
        put(ctx, "conflict", "")
        open_tab(ctx, "review")

    @event
    def disputed_shown(self, ctx: foo.ExecutionContext) -> None:
        """The samples on which people disagree, in the grid."""
        record = chosen(ctx, reviews_of(ctx))
        ctx.ops.set_view(view=review_progress(ctx.dataset, record.run_key).disputed)

    @event
    def shown(self, ctx: foo.ExecutionContext) -> None:
        """The samples of the review, in the grid."""
        ctx.ops.set_view(name=chosen(ctx, reviews_of(ctx)).run_key)

    @event
    def refreshed(self, ctx: foo.ExecutionContext) -> None:
        """What others decided meanwhile."""
