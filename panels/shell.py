"""A panel with tabs: which one is shown, and when it is drawn. ``shortlist.py`` and ``review.py`` are such panels."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import ShortlistError
from .cache import shown_key
from .page import PLUGIN, Page, stack, uri_of
from .tab import IGNORED, Tab, opened, parted, tabs_of


@dataclass(frozen=True)
class _Drawn:
    """What a panel was drawn from last.

    Args:
        shown: what the App showed
        look: what was drawn
        at: when, by the process's clock
    """

    shown: str
    look: str
    at: float


#: of each panel in each window; the oldest are forgotten
_DRAWN: OrderedDict[tuple[str, str] | None, _Drawn] = OrderedDict()
_MOST_WINDOWS = 256
_WINDOW = "window"
_VIEW = "on_change_view"
_CHANGES = (_VIEW, "on_change_dataset", "on_change_selected", "on_change_current_sample")


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


class Shell(foo.Panel):
    """A panel with tabs."""

    #: what the App knows it by
    panel: ClassVar[str]
    #: seconds after an event for which the App's reports of a changed view are taken for its echo
    echo: ClassVar[float] = 0

    @abstractmethod
    def tabs(self) -> Sequence[Tab]:
        """Its tabs, in order."""

    def shown(self, ctx: foo.ExecutionContext) -> str:
        """What the App shows, in short: where that is as it was, its reports of changes are no news."""
        return shown_key(ctx)

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        """Runs an event, and draws the panel again where something is different.

        The App reports one change of the view six times, reports it after unrelated events too, and every choice as made when
        the panel opens: drawing each time would send all points of a scatter to the browser again and again.
        """
        method = ctx.params.get("__method__")
        if method in (None, "on_startup"):
            return super().execute(ctx)
        drawn = _DRAWN.get(_window_of(ctx))
        if method == _VIEW and drawn is not None and time.monotonic() - drawn.at < self.echo:
            return None
        shown = self.shown(ctx)
        if method in _CHANGES and drawn is not None and drawn.shown == shown:
            return None
        result = getattr(self, method)(ctx) if hasattr(self, method) else None
        if result is IGNORED:
            return None
        page = self.render(ctx)
        look = hashlib.sha256(json.dumps(page.to_json(), default=str, sort_keys=True).encode()).hexdigest()
        if method == "on_load" or drawn is None or drawn.look != look:
            ctx.ops.show_panel_output(page)
        _remember(_window_of(ctx), _Drawn(shown, look, time.monotonic()))
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
        if method:
            for tab in self.tabs():
                if tab.name == key and (found := tab.called(method)) is not None:
                    return found
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    def render(self, ctx: foo.ExecutionContext) -> types.Property:
        panel = types.Object()
        chosen = self._chosen(ctx)
        tabs = types.TabsView()
        for tab in self.tabs():
            tabs.add_choice(tab.name, label=tab.label)
        panel.enum(tabs_of(ctx), tabs.values(), default=chosen.name, view=tabs, on_change=self.on_tab)
        place = types.Object()
        panel.define_property(chosen.name, place, view=stack(rowGap="14px", padding="12px 16px 32px"))
        page = Page(chosen, place, uri_of(self.panel))
        if ctx.dataset is None:
            page.text("problem", "Open a dataset first.")
        else:
            _draw(ctx, chosen, page)
        return types.Property(panel, view=stack())

    def _chosen(self, ctx: foo.ExecutionContext) -> Tab:
        """The tab that is shown."""
        name, tabs = ctx.panel.get_state(tabs_of(ctx)) or opened(ctx), self.tabs()
        return next((tab for tab in tabs if tab.name == name), tabs[0])


def _draw(ctx: foo.ExecutionContext, tab: Tab, page: Page) -> None:
    try:
        tab.draw(ctx, page)
    except ShortlistError as error:
        page.notice("problem", str(error), "warning")
