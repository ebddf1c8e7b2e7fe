"""How distances and scores are distributed, beside random selections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.analysis.report import Distances, Numbers, RandomSpread, Spread
from .style import COLORS, NAMES, axis, faded, layout


def distances_plot(
    distances: Distances, sets: Sequence[str], random: str | None, *, title: str, height: int = 240
) -> dict[str, Any]:
    """Distances of some sets as a histogram, beside random selections.

    Args:
        distances: by set
        sets: which to draw; the first as bars, others as lines; what there is none of is left out
        random: the random selections beside; None for none
        title: of the x axis
        height: in pixels

    Returns:
        ``data`` and ``layout`` of a Plotly figure; the ``idx`` of a point is that of the bin
    """
    found = [(name, distances.sets[name]) for name in sets if name in distances.sets]
    drawn = next((found for name, found in distances.random.items() if name == random), None)
    return _plot(distances.edges, found, (random or "", drawn), title, height)


def numbers_plot(numbers: Numbers, sets: Sequence[str] = ("selected", "input"), *, height: int = 240) -> dict[str, Any]:
    """Scores or other numbers of a selection as a histogram, beside the input and random ones; see ``distances_plot``."""
    found = [(name, numbers.sets[name]) for name in sets if name in numbers.sets]
    return _plot(numbers.edges, found, ("random", numbers.random), numbers.source, height)


def _plot(
    edges: Sequence[float],
    found: Sequence[tuple[str, Spread]],
    random: tuple[str, RandomSpread | None],
    title: str,
    height: int,
) -> dict[str, Any]:
    bounds = np.asarray(edges, np.float64)
    data = []
    for order, (name, spread) in enumerate(found):
        if spread.count:
            shares = np.asarray(spread.histogram, np.float64) / spread.count
            draw = _line if order else _bars
            data.append(draw(name, bounds, shares, spread.histogram, spread.mean))
    name, drawn = random
    if drawn is not None and sum(drawn.histogram) > 0:
        counts = np.asarray(drawn.histogram, np.float64)
        data.append(_line(name, bounds, counts / counts.sum(), drawn.histogram, drawn.mean.mean))
    shape = layout(
        height=height,
        xaxis=axis(title, range=[float(bounds[0]), float(bounds[-1])], zeroline=False, nticks=7, showgrid=False),
        yaxis=axis(tickformat=".0%", rangemode="tozero", nticks=5),
        bargap=0,
        barmode="overlay",
    )
    return {"data": data, "layout": shape}


def _bars(
    name: str, edges: np.ndarray, shares: np.ndarray, counts: Sequence[float], mean: float | None
) -> dict[str, Any]:
    return {
        "type": "bar",
        **_places(name, edges, shares, counts, mean),
        "width": np.diff(edges).tolist(),
        "marker": {"color": faded(COLORS[name], 0.75), "line": {"width": 0}},
    }


def _line(
    name: str, edges: np.ndarray, shares: np.ndarray, counts: Sequence[float], mean: float | None
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        **_places(name, edges, shares, counts, mean),
        "line": {"shape": "hvh", "width": 2, "color": COLORS[name], "dash": "dot" if name == "input" else "solid"},
    }


def _places(
    name: str, edges: np.ndarray, shares: np.ndarray, counts: Sequence[float], mean: float | None
) -> dict[str, Any]:
    told = "" if mean is None else f", mean {mean:.3g}"
    return {
        "name": NAMES[name],
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": shares.tolist(),
        "customdata": [
            [f"{low:.3g} to {high:.3g}", f"{count:.6g}"]
            for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
        ],
        "hovertemplate": f"{NAMES[name]}{told}<br>%{{customdata[0]}}: %{{customdata[1]}} (%{{y:.1%}})<extra></extra>",
    }
