"""Shares of classes or categories, beside random selections."""

from __future__ import annotations

from typing import Any

from ...core.analysis.report import Distribution
from .style import COLORS, NAMES, axis, labels, layout, safe, width_of

# More bars cannot be read at a glance; the table of the report holds all.
_MOST = 20
_BAR = 30


def shares_plot(distribution: Distribution, *, most: int = _MOST) -> dict[str, Any]:
    """The shares of the most frequent categories in the input and in the selection, beside random selections.

    Args:
        distribution: by set
        most: how many categories are drawn

    Returns:
        ``data`` and ``layout`` of a Plotly figure; the ``y`` of a point is the number of its category
    """
    count = min(len(distribution.categories), most)
    names = distribution.categories[:count]
    hover = [safe(name) for name in names]
    places = list(range(count))
    data = []
    for name in ("input", "selected"):
        shares = distribution.sets.get(name)
        if shares is not None and shares.total > 0:
            data.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": NAMES[name],
                    "y": places,
                    "x": [amount / shares.total for amount in shares.counts[:count]],
                    "customdata": [
                        [text, f"{amount:g}"] for text, amount in zip(hover, shares.counts[:count], strict=True)
                    ],
                    "marker": {"color": COLORS[name]},
                    "hovertemplate": f"%{{customdata[0]}}: %{{x:.1%}} of {NAMES[name]} (%{{customdata[1]}})<extra></extra>",
                }
            )
    if distribution.random is not None:
        data.append(_random(distribution, hover))
    if distribution.target is not None:
        data.append(_target(distribution.target[:count], hover))
    shape = layout(
        height=74 + _BAR * max(count, 1),
        left=width_of(names),
        bottom=28,
        xaxis=axis(tickformat=".0%", rangemode="tozero", nticks=6),
        yaxis=axis(
            tickvals=places, ticktext=labels(names), range=[count - 0.5, -0.5], showgrid=False, zeroline=False, ticks=""
        ),
        barmode="group",
        bargap=0.3,
        bargroupgap=0.05,
    )
    return {"data": data, "layout": shape}


def _random(distribution: Distribution, hover: list[str]) -> dict[str, Any]:
    """The mean of the random selections, with their 95 % interval."""
    assert distribution.random is not None
    shares = distribution.random.shares[: len(hover)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{NAMES['random']}, 95 %",
        "y": list(range(len(hover))),
        "x": [share.mean for share in shares],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(share.high - share.mean, 0) for share in shares],
            "arrayminus": [max(share.mean - share.low, 0) for share in shares],
            "color": COLORS["random"],
            "thickness": 2,
            "width": 4,
        },
        "marker": {"color": COLORS["random"], "size": 7},
        "customdata": [
            [text, f"{share.low:.1%} to {share.high:.1%}"] for text, share in zip(hover, shares, strict=True)
        ],
        "hovertemplate": "%{customdata[0]}: %{x:.1%} of random selections (%{customdata[1]})<extra></extra>",
    }


def _target(shares: list[float], hover: list[str]) -> dict[str, Any]:
    """What the selection was told to have."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "target",
        "y": list(range(len(hover))),
        "x": shares,
        "marker": {"symbol": "diamond-open", "size": 10, "color": COLORS["datapool"], "line": {"width": 2}},
        "customdata": hover,
        "hovertemplate": "%{customdata}: %{x:.1%} wanted<extra></extra>",
    }
