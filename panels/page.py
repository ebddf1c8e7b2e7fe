"""What a tab draws on: the few things that the panel's tabs are made of, so that they look alike.

The App lets a panel say how its parts are styled; all of that is here. Colours are the App's own, by theme.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone.operators.types as types

from .fields import PANEL, PLUGIN, URI, Fields, Handler, uri_of

__all__ = ["PANEL", "PLUGIN", "URI", "Action", "Handler", "Page", "plain", "stack", "uri_of"]

_QUIET = "text.secondary"
# One column that never grows beyond the panel.
_STACK = {
    "display": "grid",
    "gridTemplateColumns": "minmax(0, 1fr)",
    "gridAutoFlow": "row",
    "justifyContent": "stretch",
}


@dataclass(frozen=True)
class Action:
    """What a row of a table offers.

    Args:
        label: what it does
        handler: an event of the tab; ``ctx.params["row"]`` is the number of the row
        icon: the name of a Material icon
    """

    label: str
    handler: Handler
    icon: str = "visibility"


def plain(text: object) -> str:
    """A text of the data that Markdown shows as it is.

    >>> plain("a_b*c <d>")
    'a\\\\_b\\\\*c \\\\<d\\\\>'
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~&$])", r"\\\1", " ".join(str(text).split()))


def stack(**more: Any) -> types.GridView:
    """Parts below each other, as wide as there is room.

    Args:
        more: CSS
    """
    return types.GridView(orientation="vertical", gap=0, componentsProps={"grid": {"sx": {**_STACK, **more}}})


class Page(Fields):
    """A part of the panel. Every element has a name, which must not change while it is the same thing.

    Args:
        tab: whose events are called
        place: the App's object that it draws into
        uri: of the panel
    """

    def text(self, name: str, markdown: str, *, quiet: bool = False) -> None:
        """A paragraph of Markdown; names of the data go through ``plain``. Bold text rather than headings, which are huge.

        Args:
            name: of the element
            markdown: the text
            quiet: whether it is only an aside
        """
        style = {"& p": {"margin": "2px 0", "lineHeight": 1.5}, "& ul": {"margin": "2px 0", "paddingLeft": "20px"}}
        look = {"color": _QUIET, "fontSize": "0.85rem"} if quiet else {}
        self._place.md(markdown, name=name, componentsProps={"container": {"sx": {**style, **look}}})

    def heading(self, name: str, text: str, beside: str = "") -> None:
        """A title of a part of the page, with a quiet sentence beside it."""
        quiet = {"fontStyle": "normal", "opacity": 0.75, "fontSize": "0.85rem", "marginLeft": "8px"}
        style = {"& p": {"margin": "6px 0 0"}, "& strong": {"fontSize": "1rem"}, "& em": quiet}
        markdown = f"**{text}**" + (f" *{beside}*" if beside else "")
        self._place.md(markdown, name=name, componentsProps={"container": {"sx": style}})

    def notice(self, name: str, text: str, severity: Literal["info", "success", "warning", "error"] = "info") -> None:
        """A sentence that must not be overlooked; plain text, which the App would take for Markdown."""
        shown = re.sub(r"([\\`*_\[\]<>~&|$])", r"\\\1", text)
        self._place.view(name, types.AlertView(label=shown, severity=severity))

    def columns(self, name: str, count: int = 2, *, least: int = 340) -> list[Page]:
        """Parts side by side, or below each other where the panel is narrow.

        Args:
            name: of them all
            count: how many
            least: how wide each must be to stand beside others, in pixels
        """
        tracks = f"repeat(auto-fit, minmax(min(100%, {least}px), 1fr))"
        place = self._stack(
            self._place, name, gridTemplateColumns=tracks, columnGap="24px", rowGap="16px", alignItems="start"
        )
        return [self._inside(self._stack(place, f"c{number}", rowGap="4px")) for number in range(count)]

    def card(self, name: str) -> Page:
        """A part with a frame."""
        look = {"border": 1, "borderColor": "divider", "borderRadius": 1, "padding": "10px 14px", "rowGap": "6px"}
        return self._inside(self._stack(self._place, name, **look))

    def row(self, name: str) -> Page:
        """Small things in a line, buttons for one; they wrap where the panel is narrow."""
        look = {"display": "flex", "flexWrap": "wrap", "gap": "8px", "alignItems": "center", "paddingTop": "4px"}
        return self._inside(self._stack(self._place, name, **look))

    def figure(
        self,
        name: str,
        figure: Mapping[str, Any],
        *,
        on_click: Handler | None = None,
        on_selected: Handler | None = None,
    ) -> None:
        """A Plotly figure.

        Args:
            name: of the element
            figure: ``data`` and ``layout`` as the functions of ``charts`` return them
            on_click: an event; ``ctx.params`` holds ``x``, ``y``, ``idx``, ``trace``, ``trace_idx`` and ``id`` of the point
            on_selected: an event; ``ctx.params["data"]`` is a list of such points; empty when the figure was drawn again
        """
        events = {"on_click": on_click, "on_selected": on_selected}
        bar = {"displayModeBar": "hover", "modeBarButtonsToRemove": ["toImage", "autoScale2d"]} if on_selected else {}
        self._place.plot(
            name,
            data=list(figure["data"]),
            layout=dict(figure["layout"]),
            config={"displayModeBar": False, "scrollZoom": on_selected is not None, "responsive": True, **bar},
            height=f"{figure['layout'].get('height', 300)}px",
            componentsProps={"container": {"sx": {"overflow": "hidden"}}},
            **{kind: self._address(handler) for kind, handler in events.items() if handler is not None},
        )

    def table(
        self, name: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], actions: Sequence[Action] = ()
    ) -> None:
        """A table. Its first column is aligned left, the others right.

        Args:
            name: of the element
            columns: their titles by key
            rows: a text by key
            actions: what each row offers
        """
        row, table = (
            types.Object(),
            types.TableView(variant="outlined", componentsProps=_TABLE, columns=[], row_actions=[]),
        )
        for key, label in columns.items():
            row.str(key)
            table.add_column(key, label=label)
        for number, action in enumerate(actions):
            table.add_row_action(
                f"action{number}",
                self._address(action.handler),
                # Several are in a menu, which shows their labels.
                label=action.label if len(actions) > 1 else None,
                icon=action.icon,
                tooltip=action.label,
            )
        if actions:
            table._kwargs["actions_label"] = " "
        kept = [{"id": f"row{number}", **one} for number, one in enumerate(rows)]
        self._place.list(name, row, view=table, default=kept)

    def progress(self, name: str, share: float, label: str = "") -> None:
        """A bar that says how much is done.

        Args:
            name: of the element
            share: in [0, 1]
            label: what is done, in plain words
        """
        bar = types.ProgressView(label=label, variant="linear", progress=round(min(max(share, 0), 1), 3))
        self._place.float(name, default=round(min(max(share, 0), 1), 3), view=bar)

    def _inside(self, place: types.Object) -> Page:
        """A part of this page."""
        return Page(self._tab, place, self._uri)

    @staticmethod
    def _stack(place: types.Object, name: str, **more: Any) -> types.Object:
        inner = types.Object()
        place.define_property(name, inner, view=stack(**more))
        return inner


_TABLE = {
    "table": {
        "sx": {
            "minWidth": 0,
            "& .MuiTableCell-root": {
                "padding": "4px 8px",
                "fontSize": "0.85rem",
                "lineHeight": 1.4,
                "fontVariantNumeric": "tabular-nums",
                "textAlign": "right",
                "whiteSpace": "nowrap",
                "borderRight": "none !important",
            },
            "& .MuiTableCell-root:first-of-type": {"textAlign": "left", "whiteSpace": "normal"},
            "& .MuiTableCell-head": {"fontWeight": 500},
            "& .MuiIconButton-root": {"padding": "2px"},
            "& .MuiSvgIcon-root, & .material-icons": {"fontSize": "1.1rem"},
        }
    },
    "tableContainer": {"sx": {"overflowX": "auto", "border": "none"}},
    "tableHeadCell": {"sx": {}},
}
