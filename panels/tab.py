"""What a tab of the panel is. ``overview_tab.py`` and the others are tabs; ``tabs.py`` lists them.

A tab has no state of its own: the App asks for a new picture after every event, and a tab draws it from what the dataset
holds and from the few choices that a person made in it (``get`` and ``set``). What takes long is kept by ``cache.py``.

    class Example(Tab):
        name = "example"
        label = "Example"

        def draw(self, ctx, page):
            page.text("hello", f"**{len(ctx.dataset)} samples**")
            page.button("more", "Count", self.count, icon="add")
            page.text("count", f"Counted {self.get(ctx, 'count', 0)} times.")

        @event
        def count(self, ctx):
            self.set(ctx, "count", self.get(ctx, "count", 0) + 1)

A new tab is a file with such a class, and one line in ``tabs.py``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    import fiftyone.operators as foo

    from .page import Page

Handler = TypeVar("Handler", bound=Callable[..., Any])

#: what an event returns that is not to be answered: the App told of it before, and knows what came of it
IGNORED = object()
#: between a tab's name and an event's in the name by which the App calls it
_OF = "__"
#: where the panel's state holds which tab was opened by a button, and how often that was
_OPENED, _TURN = "opened", "turn"


def event(handler: Handler) -> Handler:
    """Marks a method of a tab as one that the App may call: ``on_click=self.handler`` and such."""
    handler.is_event = True  # type: ignore[attr-defined]
    return handler


class Tab:
    """One tab of the panel. One instance serves everybody: nothing may be kept on it."""

    #: what its state, its part of the page and its events are named after; an identifier
    name: ClassVar[str]
    #: its name for people
    label: ClassVar[str]

    @abstractmethod
    def draw(self, ctx: foo.ExecutionContext, page: Page) -> None:
        """Draws the tab. Called after every event: nothing here may read all samples.

        The view (``ctx.view``) or the selected samples (``ctx.selected``) may have changed since the last time.

        Args:
            ctx: what the App says of the dataset, the view and the person's choices
            page: what is drawn on
        """

    def get(self, ctx: foo.ExecutionContext, key: str, default: Any = None) -> Any:
        """A choice that a person made in this tab; it goes with every event, so it must be small."""
        value = ctx.panel.get_state(f"{_kept(self.name)}.{key}")
        return default if value is None else value

    def set(self, ctx: foo.ExecutionContext, key: str, value: Any) -> None:
        """Keeps a choice. A list or dict that was longer keeps its tail: numbers and texts are safe."""
        ctx.panel.set_state(f"{_kept(self.name)}.{key}", value)

    def called(self, name: str) -> Callable[..., Any] | None:
        """The method of an event by its name; None where there is none of that name."""
        found = getattr(self, name, None)
        return found if getattr(found, "is_event", False) else None


def open_tab(ctx: foo.ExecutionContext, name: str) -> None:
    """Opens another tab, as a click on it would."""
    ctx.panel.set_state(_OPENED, name)
    ctx.panel.set_state(_TURN, _turn(ctx) + 1)


def opened(ctx: foo.ExecutionContext) -> str | None:
    """The tab that was opened so last; None where none was."""
    name: str | None = ctx.panel.get_state(_OPENED)
    return name


def tabs_of(ctx: foo.ExecutionContext) -> str:
    """What the row of tabs is called. The App marks the tab that was clicked; a row of a new name it marks anew."""
    return f"tab_{_turn(ctx)}" if _turn(ctx) else "tab"


def _turn(ctx: foo.ExecutionContext) -> int:
    """How often a tab was opened by something else than a click on it."""
    return int(ctx.panel.get_state(_TURN) or 0)


def _kept(tab: str) -> str:
    """Where a tab's choices are in the panel's state; what the App puts there itself has the tab's bare name."""
    return f"{tab}_kept"


def address_of(panel: str, tab: Tab, handler: Callable[..., Any]) -> str:
    """How the App calls an event of a tab.

    Args:
        panel: the panel's URI
        tab: the tab
        handler: one of its methods, marked with ``event``
    """
    assert getattr(handler, "is_event", False), f"{handler} is no event"
    return f"{panel}#{tab.name}{_OF}{handler.__name__}"


def parted(method: str) -> tuple[str, str]:
    """The names of the tab and of its event, of what the App calls."""
    tab, _, name = method.partition(_OF)
    return tab, name
