"""Learning curves of a back-test, with the intervals of two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.back_testing.metrics import WORDS
from ...core.back_testing.report import BackTestReport, Curve, Estimate, Forecast
from .style import BLUE, CLEAR, GREEN, GREY, ORANGE, PURPLE, axis, faded, layout, safe, shortened

# Random picks have the colour that they have in every chart.
_OTHERS = (BLUE, PURPLE, "#E69F00", "#56B4E9", GREY)
_DASHES = ("solid", "dash", "dot", "dashdot")
_BAND = 0.18


def curves_plot(
    report: BackTestReport, shown: str, *, beside_random: bool = False, height: int = 380
) -> dict[str, Any]:
    """What each strategy taught by the number of labels.

    Args:
        report: the back-test
        shown: the strategy that stands out, with its interval; random picks have theirs too
        beside_random: whether the difference to random picks in the same split is drawn
        height: in pixels

    Returns:
        ``data`` and ``layout`` of a Plotly figure
    """
    looks = _looks(report.curves, shown)
    data: list[dict[str, Any]] = []
    # What stands out is drawn last, on top of the others.
    for curve in sorted(report.curves, key=lambda one: (one.name == shown, one.kind == "random")):
        values = _values(curve, beside_random)
        if curve.name == shown or (curve.kind == "random" and not beside_random):
            # No level is beyond these, whatever the interval.
            ends = (-1.0, 1.0) if beside_random else (0.0, 1.0)
            data += _band(curve, report.budgets, values, looks[curve.name][0], ends)
        data.append(_line(curve, report.budgets, values, looks[curve.name], beside_random))
    if not beside_random and report.forecast is not None and report.forecast.reliable:
        data.append(_law(report.forecast, report.pool))
    order = {curve.name: place for place, curve in enumerate(report.curves)}
    for trace in data:
        trace["legendrank"] = order.get(str(trace["legendgroup"]), len(order))
    word = WORDS[report.metric]
    title = f"{word}, over random" if beside_random else f"{word} on the test"
    shape = layout(
        height=height,
        left=62,
        bottom=52,
        top=62,
        xaxis=axis("labels", type="log", tickvals=report.budgets, ticktext=[str(n) for n in report.budgets]),
        yaxis=axis(title, tickformat="+.1%" if beside_random else ".0%", zeroline=False, nticks=7),
    )
    if not beside_random:
        shape["shapes"], shape["annotations"] = _whole_pool(report)
    return {"data": data, "layout": shape}


def _looks(curves: Sequence[Curve], shown: str) -> dict[str, tuple[str, str, float]]:
    """Colour, dash and width of each."""
    others = [curve.name for curve in curves if curve.kind != "random" and curve.name != shown]
    looks = {
        name: (_OTHERS[place % len(_OTHERS)], _DASHES[place // len(_OTHERS) % len(_DASHES)], 1.6)
        for place, name in enumerate(others)
    }
    return {**{curve.name: (GREEN, "solid", 2.4) for curve in curves}, **looks, shown: (ORANGE, "solid", 3.2)}


def _values(curve: Curve, beside_random: bool) -> list[Estimate | None]:
    if not beside_random:
        return curve.values
    zero = Estimate(mean=0.0, low=0.0, high=0.0, splits=[])
    return [zero for _ in curve.values] if curve.difference is None else curve.difference


def _band(
    curve: Curve,
    budgets: Sequence[int],
    values: Sequence[Estimate | None],
    color: str,
    ends: tuple[float, float],
) -> list[dict[str, Any]]:
    """The interval as an area between two lines that are not seen."""
    known = [(budget, one) for budget, one in zip(budgets, values, strict=True) if one is not None]
    there = {"x": [budget for budget, _ in known], "mode": "lines", "type": "scatter", "hoverinfo": "skip"}
    quiet = {**there, "line": {"width": 0, "color": CLEAR}, "showlegend": False, "legendgroup": curve.name}
    low, high = (np.clip([getattr(one, end) for _, one in known], *ends).tolist() for end in ("low", "high"))
    return [
        {**quiet, "name": "", "y": low},
        {**quiet, "name": "", "y": high, "fill": "tonexty", "fillcolor": faded(color, _BAND)},
    ]


def _line(
    curve: Curve,
    budgets: Sequence[int],
    values: Sequence[Estimate | None],
    look: tuple[str, str, float],
    beside_random: bool,
) -> dict[str, Any]:
    color, dash, width = look
    known = [(budget, one) for budget, one in zip(budgets, values, strict=True) if one is not None]
    name, signed = safe(shortened(curve.name, 40)), beside_random and curve.difference is not None
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "legendgroup": curve.name,
        "x": [budget for budget, _ in known],
        "y": [one.mean for _, one in known],
        "customdata": [one.points(signed) if one.splits else "0" for _, one in known],
        "line": {"color": color, "dash": dash, "width": width},
        "marker": {"color": color, "size": 4 + width},
        "hovertemplate": f"{name}<br>%{{x}} labels: %{{customdata}}<extra></extra>",
    }


def _law(forecast: Forecast, pool: int) -> dict[str, Any]:
    """What random labels are expected to teach beyond the pool."""
    to = forecast.labels + forecast.next_labels
    labels = np.geomspace(pool, max(to, pool + 1), 20)
    values = forecast.asymptote - forecast.factor * (labels / forecast.unit) ** -forecast.exponent
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "random, forecast",
        "legendgroup": "random, forecast",
        "x": labels.tolist(),
        "y": values.tolist(),
        "line": {"color": GREEN, "dash": "dot", "width": 2},
        "hovertemplate": "forecast of random picks<br>%{x:.0f} labels: %{y:.1%}<extra></extra>",
    }


def _whole_pool(report: BackTestReport) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A line at what all labels of the pool teach, and its name."""
    level = report.whole_pool.mean
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level}
    name = {
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": level,
        "yanchor": "top",
        "showarrow": False,
        "text": f"all {report.pool:,} of the pool: {level:.1%}",
        "font": {"size": 11, "color": GREY},
    }
    return [{**line, "line": {"color": GREY, "width": 1, "dash": "dot"}, "layer": "below"}], [name]
