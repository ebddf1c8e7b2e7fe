"""What all charts share: colours for light and dark pages and for colour-blind people, margins, and names as text.

The App gives figures its own colours of text and grid by theme, so charts set none; backgrounds let the page through.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

# Of Okabe & Ito (2008), those that stand out on white and on near black; grey for what the others are compared with.
GREY, ORANGE, BLUE, GREEN, PURPLE = "#8C8C8C", "#D55E00", "#0072B2", "#009E73", "#CC79A7"

#: what each set is called and drawn in
NAMES = {
    "input": "all candidates",
    "selected": "this selection",
    "datapool": "datapool",
    "datapool_and_selected": "datapool + selection",
    "random": "random",
    "datapool_and_random": "datapool + random",
}
COLORS = {
    "input": GREY,
    "selected": ORANGE,
    "datapool": BLUE,
    "datapool_and_selected": ORANGE,
    "random": GREEN,
    "datapool_and_random": GREEN,
}
#: more series than sets, in the order to use them
SERIES = (ORANGE, BLUE, GREEN, PURPLE, "#E69F00", "#56B4E9")

CLEAR = "rgba(0,0,0,0)"
_LONGEST = 28


def layout(*, height: int, left: int = 48, bottom: int = 40, top: int = 34, **more: Any) -> dict[str, Any]:
    """A layout with the legend in a row above.

    Args:
        height: in pixels
        left: the margin for the labels of the y axis, in pixels
        bottom: the margin for those of the x axis
        top: the margin for the legend
        more: what else the layout holds
    """
    return {
        "height": height,
        "margin": {"l": left, "r": 12, "t": top, "b": bottom, "pad": 4},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"size": 12},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "bottom",
            "bgcolor": CLEAR,
            "font": {"size": 12},
        },
        "hovermode": "closest",
        **more,
    }


def axis(title: str | None = None, **more: Any) -> dict[str, Any]:
    """An axis with a small title."""
    named = {"title": {"text": safe(title), "font": {"size": 12}, "standoff": 8}} if title else {}
    return {"automargin": False, "fixedrange": True, **named, **more}


def safe(text: str) -> str:
    """A text that Plotly shows as it is: it takes some HTML for markup.

    >>> safe("a<b> & c")
    'a&lt;b&gt; &amp; c'
    """
    return html.escape(text, quote=False)


def shortened(name: str, longest: int = _LONGEST) -> str:
    """A name that fits beside an axis, its middle left out where it is long.

    >>> shortened("a/very/long/path/of/an/image.png", 16)
    'a/very/…mage.png'
    """
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[len(name) - (longest - 1 - head) :]}"


def labels(names: Sequence[str], longest: int = _LONGEST) -> list[str]:
    """Names as the labels of an axis: short, and never taken for markup."""
    return [safe(shortened(name, longest)) or "(empty)" for name in names]


def width_of(names: Sequence[str], longest: int = _LONGEST) -> int:
    """How many pixels such labels need beside an axis."""
    most = max((len(shortened(name, longest)) for name in names), default=0)
    return 24 + 7 * most


def faded(color: str, opacity: float) -> str:
    """A colour that lets the page through.

    >>> faded("#D55E00", 0.5)
    'rgba(213,94,0,0.5)'
    """
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
