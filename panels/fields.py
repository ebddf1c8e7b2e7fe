"""What a person clicks, types and chooses on a page; ``Page`` has it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fiftyone.operators.types as types

from .tab import Tab, address_of

Handler = Callable[..., Any]
PLUGIN = "@shortlist/curation"
PANEL = "shortlist_panel"
#: a panel's event that opens the form of an operator
OFFERED = "on_offer"


def uri_of(panel: str) -> str:
    """How the App calls a panel of ours.

    >>> uri_of("some_panel")
    '@shortlist/curation/some_panel'
    """
    return f"{PLUGIN}/{panel}"


URI = uri_of(PANEL)
_WIDE = "min(100%, 420px)"


class Fields:
    """The part of a page that a person acts on. Every element has a name, which must not change while it is the same thing.

    Args:
        tab: whose events are called
        place: the App's object that it draws into
        uri: of the panel
    """

    def __init__(self, tab: Tab, place: types.Object, uri: str = URI):
        self._tab, self._place, self._uri = tab, place, uri

    def button(
        self,
        name: str,
        label: str,
        handler: Handler,
        *,
        icon: str | None = None,
        main: bool = False,
        hint: str | None = None,
        key: str | None = None,
        disabled: bool = False,
        **params: Any,
    ) -> None:
        """A button.

        Args:
            name: of the element
            label: what it does
            handler: an event of the tab
            icon: the name of a Material icon
            main: whether it is what a person should do next
            hint: more words, shown where the mouse rests on it
            key: the key that presses it together with the browser's own for that (Alt, in most)
            disabled: whether it cannot be pressed now
            params: what ``ctx.params`` holds besides
        """
        more: dict[str, Any] = {} if hint is None else {"title": hint}
        self._button(
            name,
            label,
            icon,
            "contained" if main else "outlined",
            key=key,
            on_click=self._address(handler),
            params=params,
            disabled=disabled,
            **more,
        )

    def offer(
        self, name: str, label: str, verb: str, *, icon: str | None = None, main: bool = True, **params: Any
    ) -> None:
        """A button that opens the form of an operator of ours.

        Args:
            name: of the element
            label: what it does
            verb: the operator
            icon: the name of a Material icon
            main: whether it is what a person should do next
            params: what its form begins with
        """
        look = "contained" if main else "outlined"
        # The App adds to what a button calls; by way of the panel the form gets what is given here, and nothing else.
        called = {"verb": verb, "given": params}
        self._button(name, label, icon, look, on_click=f"{self._uri}#{OFFERED}", params=called)

    def choice(
        self,
        name: str,
        label: str,
        options: Mapping[str, str],
        value: str,
        on_change: Handler,
    ) -> None:
        """A choice of one of several.

        Args:
            name: of the element
            label: what is chosen
            options: what people see, by value
            value: what is chosen now
            on_change: an event; ``ctx.params["value"]`` is what was chosen. It comes once when the panel opens too
        """
        choices = types.DropdownView(componentsProps={"item": {"sx": {"width": _WIDE}}})
        for key, shown in options.items():
            choices.add_choice(key, label=shown)
        self._place.enum(
            name, list(options), label=label, default=value, view=choices, on_change=self._address(on_change)
        )

    def search(self, name: str, options: Sequence[str], hint: str, on_change: Handler) -> None:
        """A choice of one of many, found by typing; nothing is chosen at first.

        Args:
            name: of the element; another one when something was chosen, else the App shows what was chosen
            options: what there is
            hint: what it is for
            on_change: an event; ``ctx.params["value"]`` is what was chosen, None where it was taken back
        """
        style = {"item": {"sx": {"width": "100%"}}, "autocomplete": {"openOnFocus": True, "selectOnFocus": True}}
        found = types.AutocompleteView(allow_user_input=False, componentsProps=style)
        for one in options:
            found.add_choice(one, label=one)
        self._place.str(name, label=hint, view=found, on_change=self._address(on_change))

    def text_field(
        self,
        name: str,
        label: str | None,
        value: str = "",
        *,
        hint: str = "",
        on_change: Handler | None = None,
        width: str = _WIDE,
        lines: int = 1,
        focused: bool = False,
        when_left: bool = False,
    ) -> None:
        """A field to type into.

        Args:
            name: of the element
            label: what is asked for
            value: what is in it at first
            hint: what is shown while it is empty
            on_change: an event, a quarter of a second after the last key; ``ctx.params["value"]`` is what was typed. Without
                one what is typed goes along with the next event, in the panel's state under the element's path
            width: CSS
            lines: how many it shows
            focused: whether keys go to it as soon as it is drawn under a new name
            when_left: whether the event comes when a person leaves the field, rather than after each key
        """
        field: dict[str, Any] = {"autoFocus": True} if focused else {}
        style = {"item": {"sx": {"width": width}}, "field": {**field, "autoComplete": "off"}}
        if when_left:
            view: types.View = types.LazyFieldView(placeholder=hint, save_on_blur=True, componentsProps=style)
        else:
            several = {"multiline": True, "rows": lines} if lines > 1 else {}
            view = types.TextFieldView(placeholder=hint, componentsProps=style, **several)
        called = {} if on_change is None else {"on_change": self._address(on_change)}
        self._place.str(name, label=label, default=value or None, view=view, **called)

    def _button(
        self, name: str, label: str, icon: str | None, look: str, *, key: str | None = None, **calls: Any
    ) -> None:
        button: dict[str, Any] = {"sx": {"p": "4px 12px"}}
        if key is not None:
            # Those that a person presses again and again fit in one row.
            button = {"accessKey": key, "sx": {"p": "4px 6px", "minWidth": 0, "& .MuiButton-startIcon": {"mr": "4px"}}}
        style = {"item": {"sx": {"width": "auto"}}, "button": button}
        self._place.btn(name, label=label, icon=icon, variant=look, componentsProps=style, **calls)

    def _address(self, handler: Handler) -> str:
        return address_of(self._uri, self._tab, handler)
