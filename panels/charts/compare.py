"""Several selections side by side: distances beside random selections, and shares of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.analysis.comparison import Balance, Beside
from .style import BLUE, COLORS, ORANGE, PURPLE, axis, labels, layout, safe, width_of

_ROW, _MOST = 34, 12
# One for each of eight; none is the green that stands for random selections, or the grey of all candidates.
_COLORS = (ORANGE, BLUE, PURPLE, "#E69F00", "#56B4E9", "#9A6324", "#469990", "#B8A200")


def color_of(number: int) -> str:
    """The colour of a selection by its place in the comparison."""
    return _COLORS[number % len(_COLORS)]


def beside_plot(beside: Beside, names: Sequence[str], *, title: str) -> dict[str, Any]:
    """The mean distance of each selection, above the 95 % interval of random ones of its size.

    Args:
        beside: the distances of each
        names: in the order of the comparison
        title: of the x axis

    Returns:
        ``data`` and ``layout`` of a Plotly figure; the ``y`` of a point is the number of its selection
    """
    places = [place for place, name in enumerate(names) if beside.members[name].mean is not None]
    own = {
        "type": "scatter",
        "mode": "markers",
        "name": "its mean",
        "y": places,
        "x": [beside.members[names[place]].mean for place in places],
        "marker": {"color": [color_of(place) for place in places], "size": 14, "symbol": "diamond"},
        "customdata": [safe(names[place]) for place in places],
        "hovertemplate": "%{customdata}: mean %{x:.4g}<extra></extra>",
    }
    shape = layout(
        height=86 + _ROW * len(names),
        left=width_of(names),
        xaxis=axis(title, nticks=6, zeroline=False),
        yaxis=axis(
            tickvals=list(range(len(names))),
            ticktext=labels(names),
            range=[len(names) - 0.5, -0.5],
            zeroline=False,
            ticks="",
        ),
    )
    return {"data": [_random(beside, names), own], "layout": shape}


def _random(beside: Beside, names: Sequence[str]) -> dict[str, Any]:
    """The mean of random selections of each size, with their 95 % interval."""
    found = [(place, name, beside.random[name].mean) for place, name in enumerate(names) if name in beside.random]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "random of the same size, 95 %",
        "y": [place for place, _, _ in found],
        "x": [mean.mean for _, _, mean in found],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(mean.high - mean.mean, 0) for _, _, mean in found],
            "arrayminus": [max(mean.mean - mean.low, 0) for _, _, mean in found],
            "color": COLORS["random"],
            "thickness": 4,
            "width": 8,
        },
        "marker": {"color": COLORS["random"], "size": 8},
        "customdata": [f"{mean.low:.4g} to {mean.high:.4g}" for _, _, mean in found],
        "hovertemplate": "random: mean %{x:.4g} (%{customdata})<extra></extra>",
    }


def balance_plot(balance: Balance, names: Sequence[str], *, most: int = _MOST) -> dict[str, Any]:
    """The shares of the most frequent classes in each selection, and in all that they could hold.

    Args:
        balance: of one label field
        names: in the order of the comparison
        most: how many classes are drawn

    Returns:
        ``data`` and ``layout`` of a Plotly figure; the ``y`` of a point is the number of its class, its trace the selection
    """
    count = min(len(balance.categories), most)
    classes, hover = balance.categories[:count], [safe(name) for name in balance.categories[:count]]
    places = list(range(count))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": labels([name])[0],
            "y": places,
            "x": [amount / balance.members[name].total for amount in balance.members[name].counts[:count]],
            "marker": {"color": color_of(number)},
            "customdata": [
                [one, f"{amount:g}", safe(name)]
                for one, amount in zip(hover, balance.members[name].counts[:count], strict=True)
            ],
            "hovertemplate": "%{customdata[0]}: %{x:.1%} of %{customdata[2]} (%{customdata[1]})<extra></extra>",
        }
        for number, name in enumerate(names)
        if balance.members[name].total > 0
    ]
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "all candidates",
            "y": places,
            "x": [amount / balance.input.total for amount in balance.input.counts[:count]]
            if balance.input.total
            else [],
            "marker": {
                "color": COLORS["input"],
                "symbol": "line-ns",
                "size": 14,
                "line": {"color": COLORS["input"], "width": 3},
            },
            "customdata": hover,
            "hovertemplate": "%{customdata}: %{x:.1%} of all candidates<extra></extra>",
        }
    )
    shape = layout(
        height=74 + max(count, 1) * (14 + 9 * len(names)),
        left=width_of(classes),
        bottom=28,
        xaxis=axis(tickformat=".0%", rangemode="tozero", nticks=6),
        yaxis=axis(
            tickvals=places,
            ticktext=labels(classes),
            range=[count - 0.5, -0.5],
            showgrid=False,
            zeroline=False,
            ticks="",
        ),
        barmode="group",
        bargap=0.3,
        bargroupgap=0.05,
    )
    return {"data": data, "layout": shape}
