"""The tab Compare: selections side by side."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

import fiftyone.operators as foo

from ..api.compared_summary import overlap_sentence
from ..api.comparing_selections import compare_selections, only_in, shared_by
from ..api.selecting import selection_keys
from ..core.analysis.comparison import Balance, Overlap, SelectionComparison
from ..core.errors import ShortlistError
from ..core.progress import silent
from ..core.schema import EMBEDDINGS, SAMPLES
from ..dataset import sources
from . import compare_facts as facts
from .cache import kept, runs_key
from .charts import balance_plot, beside_plot, overlap_plot
from .numbers import counted
from .page import Action, Page, plain
from .tab import Tab, event, open_tab

_MOST = 8
# Below so many samples it is quick enough to be done unasked.
_UNASKED = 20_000
# Seconds for which tags and saved views are taken to hold what they held.
_STAYS = 60
_NONE = "(none)"
_ORDER = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth")


class CompareTab(Tab):
    """Selections, tags or saved views side by side."""

    name = "compare"
    label = "Compare"

    @classmethod
    def begin(cls, ctx: foo.ExecutionContext, names: Sequence[str]) -> None:
        """Opens the tab with what is to be compared."""
        cls()._choose(ctx, list(names))
        open_tab(ctx, cls.name)

    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        options = sources.choices(SAMPLES, ctx.dataset)
        if len(options) < 2:
            _nothing_yet(page, options)
            return
        names = self._names(ctx, options)
        self._choices(page, options, names)
        if len(names) < 2:
            page.text("more", "Choose at least two to compare.", quiet=True)
            return
        embeddings = self._embeddings(ctx, page)
        key = ("compare", ctx.dataset.name, tuple(names), embeddings, runs_key(ctx))
        if len(ctx.dataset) > _UNASKED and self.get(ctx, "asked") != _asked(names, embeddings):
            page.row("ask").button(
                "compare", "Compare", self.asked, icon="compare_arrows", names=names, embeddings=embeddings
            )
            return
        found = kept(
            key,
            lambda: compare_selections(ctx.dataset, names, embeddings=embeddings, progress=silent).comparison,
            float("inf") if set(names) <= set(selection_keys(ctx.dataset)) else _STAYS,
        )
        self._found(ctx, page, found)

    def _choices(self, page: Page, options: Sequence[str], names: Sequence[str]) -> None:
        """A choice for each that is compared, and one for another."""
        # The App keeps what was chosen under a name; where others move up, names are new.
        turn = zlib.crc32(json.dumps(names).encode())
        for number, column in enumerate(page.columns("choices", min(len(names) + 1, _MOST), least=200)):
            taken = {name for place, name in enumerate(names) if place != number}
            shown = {_NONE: _NONE, **{name: name for name in options if name not in taken}}
            value = names[number] if number < len(names) else _NONE
            label = "And also" if number == len(names) else _ORDER[number]
            column.choice(f"choice{number}_{turn}", label, shown, value, self.chosen)

    def _embeddings(self, ctx: foo.ExecutionContext, page: Page) -> str | None:
        """The embeddings to measure in: a choice where there are several fields."""
        fields = sources.choices(EMBEDDINGS, ctx.dataset)
        value = self.get(ctx, "embeddings")
        value = value if value in fields else None
        if len(fields) > 1:
            shown = {_NONE: "those that they were selected by", **{path: path for path in fields}}
            page.choice("embeddings", "Embeddings", shown, value or _NONE, self.measured_in)
        return value

    def _found(self, ctx: foo.ExecutionContext, page: Page, found: SelectionComparison) -> None:
        left, right = page.columns("overlap")
        left.heading("title", "Overlap", "click a cell to see what both have")
        left.figure("heat", overlap_plot(found), on_click=self.crossed)
        right.heading("title", "Beside chance")
        right.text("pairs", "\n".join(f"- {_pair(one)}" for one in facts.notable(found)))
        balance = self._balanced(ctx, found)
        page.heading(
            "table_title", "Side by side", "distances beside random selections of the same size; balance: 1 = even"
        )
        page.table(
            "table",
            facts.COLUMNS,
            facts.rows(found, balance),
            [Action("Show what only it has", self.alone_shown, "filter_alt")],
        )
        self._space(page, found)
        if balance is not None:
            self._classes(page, found, balance)
        for number, note in enumerate(found.notes):
            page.text(f"note{number}", f"Note: {plain(note)}", quiet=True)

    def _space(self, page: Page, found: SelectionComparison) -> None:
        if found.space is None:
            page.notice("no_vectors", "There are no embeddings, which coverage and diversity are measured in.", "info")
            page.row("make").offer("embed", "Compute embeddings", "visualize_embeddings", icon="bubble_chart")
            return
        left, right = page.columns("space")
        left.heading("title", "Coverage", "the smaller, the better")
        left.figure(
            "coverage",
            beside_plot(found.space.coverage, found.names, title="mean distance of all candidates to the nearest one"),
            on_click=self.barred,
        )
        right.heading("title", "Diversity", "the larger, the more different its samples are")
        right.figure(
            "diversity",
            beside_plot(found.space.diversity, found.names, title="mean distance to the nearest other one"),
            on_click=self.barred,
        )

    def _balanced(self, ctx: foo.ExecutionContext, found: SelectionComparison) -> Balance | None:
        """The classes that are shown: as chosen, else those that most of them hold labels of."""
        chosen = self.get(ctx, "counted")
        named = next((one for one in found.balance if one.source == chosen), None)
        return named or (found.balance[facts.shown_first(found)] if found.balance else None)

    def _classes(self, page: Page, found: SelectionComparison, balance: Balance) -> None:
        page.heading("balance", "Balance", plain(facts.balance_sentence(balance)))
        if len(found.balance) > 1:
            fields = {one.source: one.source for one in found.balance}
            page.choice("field", "Classes of", fields, balance.source, self.counted)
        page.figure("classes", balance_plot(balance, found.names))

    # What a person chooses

    def _names(self, ctx: foo.ExecutionContext, options: Sequence[str]) -> list[str]:
        """What is compared: as chosen, else the two newest selections."""
        held = self.get(ctx, "names")
        if held is not None:
            return [name for name in json.loads(held) if name in options][:_MOST]
        newest = [name for name in reversed(selection_keys(ctx.dataset)) if name in options][:2]
        return newest[::-1] if len(newest) == 2 else newest

    def _choose(self, ctx: foo.ExecutionContext, names: list[str]) -> None:
        # A list would keep its tail in the App.
        self.set(ctx, "names", json.dumps(names))

    @event
    def chosen(self, ctx: foo.ExecutionContext) -> None:
        """One of them; nothing in place of it takes it out."""
        names = self._shown(ctx)
        number, value = _number(ctx.params.get("path")), ctx.params.get("value")
        now = names[number] if number is not None and number < len(names) else _NONE
        # The App reports every choice as made when it is drawn.
        if number is None or value is None or value == now or value in names:
            return
        put = [] if value == _NONE else [str(value)]
        self._choose(ctx, [*names[:number], *put, *names[number + 1 :]])

    @event
    def measured_in(self, ctx: foo.ExecutionContext) -> None:
        """Other embeddings."""
        self.set(ctx, "embeddings", ctx.params.get("value"))

    @event
    def counted(self, ctx: foo.ExecutionContext) -> None:
        """The classes of another field."""
        self.set(ctx, "counted", ctx.params.get("value"))

    @event
    def asked(self, ctx: foo.ExecutionContext) -> None:
        """A comparison that takes long."""
        self.set(ctx, "asked", _asked(ctx.params.get("names") or [], ctx.params.get("embeddings")))

    # What the grid shows then

    @event
    def crossed(self, ctx: foo.ExecutionContext) -> None:
        """A cell of the overlap: what both have, or on the diagonal the selection."""
        names = self._shown(ctx)
        pair = [names[at] for at in (_place(ctx, "y"), _place(ctx, "x")) if at is not None and at < len(names)]
        if len(pair) == 2:
            self._show(ctx, list(dict.fromkeys(pair)))

    @event
    def barred(self, ctx: foo.ExecutionContext) -> None:
        """A bar: its selection."""
        names, at = self._shown(ctx), _place(ctx, "y")
        if at is not None and at < len(names):
            self._show(ctx, [names[at]])

    @event
    def alone_shown(self, ctx: foo.ExecutionContext) -> None:
        """A row: what only that selection has."""
        names, row = self._shown(ctx), ctx.params.get("row")
        if isinstance(row, int) and row < len(names):
            others = [name for name in names if name != names[row]]
            _open(ctx, lambda: only_in(ctx.dataset, names[row], others), f"{names[row]} has none that no other has.")

    def _shown(self, ctx: foo.ExecutionContext) -> list[str]:
        return self._names(ctx, sources.choices(SAMPLES, ctx.dataset))

    @staticmethod
    def _show(ctx: foo.ExecutionContext, names: list[str]) -> None:
        _open(ctx, lambda: shared_by(ctx.dataset, names), f"{' and '.join(names)} share no samples.")


def _nothing_yet(page: Page, options: Sequence[str]) -> None:
    """What to do first."""
    page.heading("empty", "There is nothing to compare yet")
    have = counted(len(options), "selection, tag or saved view", "selections, tags or saved views")
    page.text("why", f"Two are needed, and there is {have}. Select by two strategies and see which one suits the data.")
    page.row("first").offer("select", "Select samples", "select_samples", icon="playlist_add_check")


def _asked(names: Sequence[str], embeddings: str | None) -> str:
    """What was asked to be compared, as the state keeps it."""
    return json.dumps([list(names), embeddings])


def _number(path: Any) -> int | None:
    """Which of the choices is at a path of the panel."""
    found = re.search(r"choice(\d)_\d+$", str(path))
    return int(found[1]) if found else None


def _pair(overlap: Overlap) -> str:
    return f"**{plain(overlap.first)}** and **{plain(overlap.second)}**: {plain(overlap_sentence(overlap))}"


def _place(ctx: foo.ExecutionContext, name: str) -> int | None:
    """The number of what was clicked on an axis."""
    value = ctx.params.get(name)
    return round(float(value)) if isinstance(value, (int, float)) and value >= 0 else None


def _open(ctx: foo.ExecutionContext, make: Any, if_empty: str) -> None:
    """Shows samples in the grid, or says that there are none."""
    try:
        view = make()
    except ShortlistError as error:
        ctx.ops.notify(str(error), variant="warning")
        return
    if len(view):
        ctx.ops.set_view(view=view)
    else:
        ctx.ops.notify(if_empty, variant="info")
