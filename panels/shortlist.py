"""The Shortlist panel."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone.operators as foo

from .page import PANEL
from .shell import Shell
from .tab import Tab
from .tabs import TABS


class Shortlist(Shell):
    """What has been scored and selected, what a selection is worth, and what to do next."""

    panel = PANEL

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name=PANEL,
            label="Shortlist",
            icon="/assets/panel.svg",
            category=foo.Categories.CURATE,
            help_markdown="What has been scored and selected, what a selection is worth, and what to do next.",
        )

    def tabs(self) -> Sequence[Tab]:
        return TABS
