"""The Shortlist panel: its tabs, and when they are drawn."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import ShortlistError
from .cache import shown_key
from .page import PANEL, PLUGIN, Page, stack
from .tab import Tab, opened, parted, tabs_of
from .tabs import TABS


@dataclass(frozen=True)
class _Drawn:
    """What a panel was drawn from last.

    Args:
        shown: what the App showed
        look: what was drawn
    """

    shown: str
    look: str


#: of each panel in each window; the oldest are forgotten
_DRAWN: OrderedDict[tuple[str, str] | None, _Drawn] = OrderedDict()
_MOST_WINDOWS = 256
_WINDOW = "window"


def _window_of(ctx: foo.ExecutionContext) -> tuple[str, str] | None:
    """Which panel in which window it is; None until the window has been told its name."""
    name = ctx.panel.get_state(_WINDOW)
    return None if name is None else (ctx.panel_id, name)


def _remember(window: tuple[str, str] | None, drawn: _Drawn) -> None:
    if window is None:
        return
    _DRAWN[window] = drawn
    _DRAWN.move_to_end(window)
    while len(_DRAWN) > _MOST_WINDOWS:
        _DRAWN.popitem(last=False)


class Shortlist(foo.Panel):
    """What has been scored and selected, what a selection is worth, and what to do next."""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name=PANEL,
            label="Shortlist",
            icon="/assets/panel.svg",
            category=foo.Categories.CURATE,
            help_markdown="What has been scored and selected, what a selection is worth, and what to do next.",
        )

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Runs an event, and draws the panel again where something is different.

        The App reports one change of the view six times, reports it after unrelated events too, and every choice as made when
        the panel opens: drawing each time would send all points of a scatter to the browser again and again.
        """
        method = ctx.params.get("__method__")
        if method in (None, "on_startup"):
            return super().execute(ctx)
        shown, drawn = shown_key(ctx), _DRAWN.get(_window_of(ctx))
        if method in _CHANGES and drawn is not None and drawn.shown == shown:
            return None
        result = getattr(self, method)(ctx) if hasattr(self, method) else None
        page = self.render(ctx)
        look = hashlib.sha256(json.dumps(page.to_json(), default=str, sort_keys=True).encode()).hexdigest()
        if method == "on_load" or drawn is None or drawn.look != look:
            ctx.ops.show_panel_output(page)
        _remember(_window_of(ctx), _Drawn(shown, look))
        return result

    def on_load(self, ctx: foo.ExecutionContext) -> None:
        """Drawn. Two windows can show the same panel of one session, and each must be told what is new to it."""
        ctx.panel.set_state(_WINDOW, uuid.uuid4().hex)

    def on_change_dataset(self, ctx: foo.ExecutionContext) -> None:
        """Drawn again."""

    def on_change_view(self, ctx: foo.ExecutionContext) -> None:
        """Drawn again."""

    def on_change_selected(self, ctx: foo.ExecutionContext) -> None:
        """Drawn again."""

    def on_tab(self, ctx: foo.ExecutionContext) -> None:
        """A tab was chosen."""

    def on_offer(self, ctx: foo.ExecutionContext) -> None:
        """The form of an operator was asked for; the panel is drawn again when the operator is done."""
        verb, given = str(ctx.params["verb"]), ctx.params.get("given") or {}
        ctx.prompt(f"{PLUGIN}/{verb}", params=given, on_success=self.on_done)

    def on_done(self, ctx: foo.ExecutionContext) -> None:
        """An operator that was begun here is done."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The events of the tabs, which the App calls by name."""
        key, method = parted(name)
        for tab in TABS:
            if tab.name == key and (found := tab.called(method)) is not None:
                return found
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def render(self, ctx: foo.ExecutionContext) -> types.Property:
        panel = types.Object()
        chosen = _chosen(ctx)
        tabs = types.TabsView()
        for tab in TABS:
            tabs.add_choice(tab.name, label=tab.label)
        panel.enum(tabs_of(ctx), tabs.values(), default=chosen.name, view=tabs, on_change=self.on_tab)
        place = types.Object()
        panel.define_property(chosen.name, place, view=stack(rowGap="14px", padding="12px 16px 32px"))
        page = Page(chosen, place)
        if ctx.dataset is None:
            page.text("problem", "Open a dataset first.")
        else:
            _draw(ctx, chosen, page)
        return types.Property(panel, view=stack())


def _draw(ctx: foo.ExecutionContext, tab: Tab, page: Page) -> None:
    try:
        tab.draw(ctx, page)
    except ShortlistError as error:
        page.notice("problem", str(error), "warning")


def _chosen(ctx: foo.ExecutionContext) -> Tab:
    """The tab that is shown."""
    name = ctx.panel.get_state(tabs_of(ctx)) or opened(ctx)
    return next((tab for tab in TABS if tab.name == name), TABS[0])


_CHANGES = ("on_change_dataset", "on_change_view", "on_change_selected")

PANELS = [Shortlist]
