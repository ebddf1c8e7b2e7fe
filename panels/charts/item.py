"""An item of a review: its picture with the given and the suggested label drawn on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .style import CLEAR, faded, safe, shortened

# Of Okabe & Ito (2008) too, the two that stand out on photographs; told apart by the line's style as well.
GIVEN, SUGGESTED = "#E69F00", "#56B4E9"
_OTHER = "rgba(255,255,255,0.75)"
_INK = "#111111"
_SHADE = "rgba(0,0,0,0.55)"
_LONGEST = 32
# A figure without traces has no axes that a picture could lie on.
_NOTHING = {"type": "scatter", "mode": "markers", "x": [0], "y": [0], "marker": {"opacity": 0}, "hoverinfo": "skip"}

Box = tuple[float, float, float, float]


class Drawn(Protocol):
    """A label to draw; coordinates are relative to the whole image."""

    @property
    def label(self) -> str | None:
        """Its class."""

    @property
    def box(self) -> Box | None:
        """(x, y, width, height)."""

    @property
    def outlines(self) -> Sequence[NDArray[np.float64]]:
        """(n, 2) points of each part."""

    @property
    def points(self) -> NDArray[np.float64] | None:
        """(n, 2) points that stand alone."""

    @property
    def is_closed(self) -> bool:
        """Whether the outlines enclose something."""


def item_plot(
    image: str,
    frame: Box,
    size: tuple[int, int],
    *,
    given: Drawn | None,
    suggested: Drawn | None,
    others: Sequence[Drawn] = (),
    words: Mapping[str, str] | None = None,
    key: str = "",
    height: int = 400,
) -> dict[str, Any]:
    """The part of an image that an item is about, with labels on it.

    Args:
        image: the part, as an address that a browser reads
        frame: which part it is: (x, y, width, height), relative to the image
        size: width and height of the part in pixels of the image
        given: the label that is there
        suggested: the one that was suggested
        others: other labels of the sample
        words: what to call the first two, by ``given`` and ``suggested``
        key: what a person has zoomed to stays while this is the same
        height: in pixels

    Returns:
        ``data`` and ``layout`` of a Plotly figure
    """
    place = _Place(frame, size)
    called = {"given": "given", "suggested": "suggested", **(words or {})}
    data = [_others(place, others)] if others else []
    notes: list[dict[str, Any]] = []
    for name, one, color, dash in (("given", given, GIVEN, "solid"), ("suggested", suggested, SUGGESTED, "dash")):
        if one is not None and (lines := _lines(one)):
            data += place.drawn(one, lines, color, dash)
            notes.append(
                place.named(one, f"{called[name]}: {one.label or 'no class'}", color, below=name == "suggested")
            )
    width, tall = size
    # Nothing but the labels can be hovered over; the frame keeps its shape whatever the panel's width is.
    axis = {"visible": False, "automargin": False, "constrain": "domain"}
    return {
        "data": data or [_NOTHING],
        "layout": {
            "height": height,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "showlegend": False,
            "hovermode": "closest",
            "dragmode": "zoom",
            "uirevision": key,
            "xaxis": {**axis, "range": [0, width]},
            "yaxis": {**axis, "range": [tall, 0], "scaleanchor": "x"},
            "images": [
                {
                    "source": image,
                    "xref": "x",
                    "yref": "y",
                    "x": 0,
                    "y": 0,
                    "sizex": width,
                    "sizey": tall,
                    "sizing": "stretch",
                    "layer": "below",
                }
            ],
            "annotations": notes,
        },
    }


class _Place:
    """Where things are in a part of an image.

    Args:
        frame: which part it is
        size: its width and height in pixels
    """

    def __init__(self, frame: Box, size: tuple[int, int]):
        self._start, self._scale = np.array(frame[:2]), np.array(size) / np.array(frame[2:])
        self._size = size

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) points in pixels of the part."""
        found: NDArray[np.float64] = np.round((points - self._start) * self._scale, 2)
        return found

    def inside(self, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(n, 2) points in pixels, moved to the border where they are out of the part; None where nothing of it is seen."""
        found = np.clip(self.at(points), 0, self._size)
        return found if (np.ptp(found, axis=0) > 0).all() else None

    def drawn(self, one: Drawn, lines: Sequence[NDArray[np.float64]], color: str, dash: str) -> list[dict[str, Any]]:
        """The traces of a label: its outline on a dark one, so that it stands out on any image."""
        x, y = _joined([self.at(line) for line in lines])
        plain = {"type": "scatter", "x": x, "y": y, "hoverinfo": "skip"}
        if one.points is not None:
            return [
                {**plain, "mode": "markers", "marker": {"size": 9, "color": color, "line": {"width": 2, "color": _INK}}}
            ]
        # Of a box the inside is what is to be looked at; a mask is its inside.
        filled = {"fill": "toself", "fillcolor": faded(color, 0.22)} if one.is_closed and one.outlines else {}
        return [
            {**plain, "mode": "lines", "line": {"width": 5, "color": _SHADE}},
            {**plain, "mode": "lines", "line": {"width": 2.5, "color": color, "dash": dash}, **filled},
        ]

    def named(self, one: Drawn, text: str, color: str, *, below: bool) -> dict[str, Any]:
        """The name of a label at a corner of it, inside of the picture."""
        assert one.box is not None
        x, y, wide, high = one.box
        (left, top), (_, bottom) = self.at(np.array([[x, y], [x + wide, y + high]]))
        width, tall = self._size
        # Above it or below it where there is room, else inside.
        room = 0.07 * tall
        if below:
            anchor, at = ("top", bottom) if bottom < tall - room else ("bottom", min(bottom, tall))
        else:
            anchor, at = ("bottom", top) if top > room else ("top", max(top, 0))
        return {
            "x": float(min(max(left, 0), 0.8 * width)),
            "y": float(at),
            "xanchor": "left",
            "yanchor": anchor,
            "text": safe(shortened(text, _LONGEST)),
            "showarrow": False,
            "font": {"size": 12, "color": _INK},
            "bgcolor": color,
            "borderpad": 2,
        }


def _lines(one: Drawn) -> list[NDArray[np.float64]]:
    """What is drawn of a label: its outlines, else its points, else its box; closed where it encloses something."""
    if one.points is not None:
        return [one.points] if len(one.points) else []
    if one.outlines:
        return [np.concatenate([line, line[:1]]) if one.is_closed else line for line in one.outlines]
    if one.box is None:
        return []
    x, y, wide, high = one.box
    return [np.array([[x, y], [x + wide, y], [x + wide, y + high], [x, y + high], [x, y]])]


def _joined(lines: Sequence[NDArray[np.float64]]) -> tuple[list[float | None], list[float | None]]:
    """Lines as one trace, with gaps between them."""
    x: list[float | None] = []
    y: list[float | None] = []
    for line in lines:
        x += [*line[:, 0].tolist(), None]
        y += [*line[:, 1].tolist(), None]
    return x, y


def _others(place: _Place, others: Sequence[Drawn]) -> dict[str, Any]:
    """Other labels, thin, with their names where the mouse is."""
    x: list[float | None] = []
    y: list[float | None] = []
    names: list[str] = []
    for one in others:
        for line in _lines(one):
            points = place.inside(line)
            if points is None:
                continue
            x += [*points[:, 0].tolist(), None]
            y += [*points[:, 1].tolist(), None]
            names += [safe(shortened(one.label or "no class", _LONGEST))] * (len(points) + 1)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "text": names,
        "hovertemplate": "also labelled: %{text}<extra></extra>",
        "line": {"width": 1.2, "color": _OTHER, "dash": "dot"},
    }
