"""The items in two dimensions, by set."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.analysis.report import Scatter
from .style import COLORS, NAMES, PURPLE, axis, faded, layout

# Drawn in this order: what there is least of comes on top.
_ORDER = ("input", "datapool", "selected")
_SIZES = {"input": 4, "datapool": 5, "selected": 7}
_MOST = 10_000
# How much of the colour of what is not in the view is left.
_FADED = 0.13


def scatter_plot(
    scatter: Scatter,
    *,
    in_view: Collection[str] | None = None,
    chosen: Sequence[str] = (),
    nearest: Mapping[str, str] | None = None,
    height: int = 380,
) -> dict[str, Any]:
    """The items in two dimensions, coloured by set.

    Every point carries the number of its sample in ``scatter.ids`` as its ``id``.

    Args:
        scatter: the points; the first 10 000 are drawn
        in_view: the samples that are in the view, which stand out; None where all are
        chosen: the samples that a person has chosen, which get a ring
        nearest: of some samples the nearest selected one, to draw a line to
        height: in pixels

    Returns:
        ``data`` and ``layout`` of a Plotly figure
    """
    x, y = np.asarray(scatter.x[:_MOST], np.float64), np.asarray(scatter.y[:_MOST], np.float64)
    ids, sets = scatter.ids[:_MOST], np.asarray(scatter.sets[:_MOST], object)
    seen = np.ones(len(ids), bool) if in_view is None else np.array([one in in_view for one in ids], bool)
    data = []
    # What is not in the view lies below everything that is.
    for shown in (False, True):
        for name in _ORDER:
            rows = np.flatnonzero((sets == name) & (seen == shown))
            if len(rows):
                told = shown or not (seen & (sets == name)).any()
                data.append({**_points(name, rows, x, y, shown, in_view is not None), "showlegend": told})
    # Of a sample with several objects the first stands for it.
    place = {one: row for row, one in reversed(list(enumerate(ids)))}
    lines = [(place[one], place[to]) for one, to in (nearest or {}).items() if one in place and to in place]
    if lines:
        data.append(_lines(lines, x, y))
    ringed = np.flatnonzero(np.isin(ids, list(chosen)))
    if len(ringed):
        data.append(_rings(ringed, x, y))
    hidden = axis(showgrid=False, zeroline=False, showticklabels=False, ticks="")
    hidden["fixedrange"] = False
    shape = layout(height=height, left=8, bottom=8, xaxis=hidden, yaxis=hidden, dragmode="lasso")
    # What a person has zoomed to stays while the same points are shown.
    shape["uirevision"] = f"{scatter.method} {scatter.brain_key} {scatter.n_items}"
    shape["legend"]["itemsizing"] = "constant"
    return {"data": data, "layout": shape}


def _points(name: str, rows: np.ndarray, x: np.ndarray, y: np.ndarray, shown: bool, restricted: bool) -> dict[str, Any]:
    """The points of a set that are in the view, or that are not."""
    if shown:
        opacity = 1 if restricted else 0.6 if name == "input" else 0.9
        marker = {"size": _SIZES[name] + restricted, "color": COLORS[name], "opacity": opacity}
    else:
        marker = {"size": _SIZES[name] - 1, "color": faded(COLORS[name], _FADED), "opacity": 1}
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": NAMES[name],
        "legendgroup": name,
        **_places(rows, x, y),
        "marker": marker,
        "hovertemplate": f"{NAMES[name]}{'' if shown else ', not in the view'}<extra></extra>",
    }


def _rings(rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return {
        "type": "scattergl",
        "mode": "markers",
        "name": "chosen in the grid",
        **_places(rows, x, y),
        "marker": {"size": 15, "symbol": "circle-open", "color": PURPLE, "line": {"width": 3, "color": PURPLE}},
        "hovertemplate": "chosen in the grid<extra></extra>",
    }


def _lines(pairs: Sequence[tuple[int, int]], x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """From samples to the nearest selected ones."""
    return {
        "type": "scattergl",
        "mode": "lines",
        "name": "nearest selected",
        "x": [value for one, to in pairs for value in (_short(x[one]), _short(x[to]), None)],
        "y": [value for one, to in pairs for value in (_short(y[one]), _short(y[to]), None)],
        "line": {"color": PURPLE, "width": 2},
        "hoverinfo": "skip",
    }


def _places(rows: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    return {
        "x": [_short(value) for value in x[rows]],
        "y": [_short(value) for value in y[rows]],
        "ids": [str(row) for row in rows],
    }


def _short(value: float) -> float:
    """As many digits as can be seen: the points go to the browser again and again."""
    return float(f"{value:.4g}")
