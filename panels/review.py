"""The Review panel: one item at a time beside the grid, or beside the open sample."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone.operators as foo

from .progress_tab import ProgressTab
from .review_tab import ReviewTab
from .shell import Shell
from .tab import Tab

PANEL = "shortlist_review"
TABS: list[Tab] = [ReviewTab(), ProgressTab()]


class Review(Shell):
    """Suspected label errors to decide one by one, and how far the review is."""

    panel = PANEL
    # It shows nothing of the view: what the App reports of it after every click would only keep the server busy.
    echo = 5

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name=PANEL,
            label="Review",
            icon="/assets/review.svg",
            category=foo.Categories.CURATE,
            surfaces="grid modal",
            help_markdown="Decide suspected label errors one by one, alone or with others, and see how far the review is.",
        )

    def tabs(self) -> Sequence[Tab]:
        return TABS

    def shown(self, ctx: foo.ExecutionContext) -> str:
        return f"{super().shown(ctx)} {ctx.current_sample}"

    def on_change_current_sample(self, ctx: foo.ExecutionContext) -> None:
        """Another sample was opened, or closed: drawn again."""
