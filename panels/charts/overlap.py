"""What several selections share."""

from __future__ import annotations

from typing import Any

from ...core.analysis.comparison import Overlap, SelectionComparison
from .style import axis, labels, layout, safe, width_of

# Dark enough for white figures, on a light page and on a dark one.
_SCALE = [[0.0, "rgb(112, 124, 134)"], [1.0, "rgb(0, 92, 158)"]]
_CELL, _LONGEST = 44, 18


def overlap_plot(comparison: SelectionComparison) -> dict[str, Any]:
    """What each pair shares as a heat map, coloured by Jaccard's index; the diagonal holds the sizes, in brackets.

    Args:
        comparison: of 2 to 8 selections

    Returns:
        ``data`` and ``layout`` of a Plotly figure; ``x`` and ``y`` of a cell are the numbers of its pair
    """
    names, places = comparison.names, list(range(len(comparison.names)))
    hover = [safe(name) for name in names]
    heat = {
        "type": "heatmap",
        "x": places,
        "y": places,
        "z": [[_color(comparison, row, column) for column in places] for row in places],
        "text": [[_count(comparison, row, column) for column in places] for row in places],
        "customdata": [[_hover(comparison, hover, row, column) for column in places] for row in places],
        "texttemplate": "%{text}",
        "textfont": {"color": "white"},
        "hovertemplate": "%{customdata}<extra></extra>",
        "colorscale": _SCALE,
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    ticks: dict[str, Any] = {
        "tickvals": places,
        "ticktext": labels(names, _LONGEST),
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
    }
    top = 28 if len(names) < 4 else 30 + 5 * max(len(text) for text in labels(names, _LONGEST))
    shape = layout(
        height=top + 12 + _CELL * len(names),
        left=width_of(names, _LONGEST),
        top=top,
        bottom=12,
        xaxis=axis(side="top", tickangle=0 if len(names) < 4 else -40, **ticks),
        yaxis=axis(autorange="reversed", **ticks),
        showlegend=False,
    )
    return {"data": [heat], "layout": shape}


def _pair(comparison: SelectionComparison, row: int, column: int) -> Overlap | None:
    return None if row == column else comparison.overlap(comparison.names[row], comparison.names[column])


def _color(comparison: SelectionComparison, row: int, column: int) -> float:
    """Jaccard's index; sizes are no share of anything, and as pale as nothing shared."""
    pair = _pair(comparison, row, column)
    return 0.0 if pair is None else pair.jaccard or 0.0


def _count(comparison: SelectionComparison, row: int, column: int) -> str:
    pair = _pair(comparison, row, column)
    return f"({comparison.members[row].size:,})" if pair is None else f"{pair.count:,}"


def _hover(comparison: SelectionComparison, names: list[str], row: int, column: int) -> str:
    pair = _pair(comparison, row, column)
    if pair is None:
        return f"{names[row]}: {comparison.members[row].size:,} samples"
    jaccard = "" if pair.jaccard is None else f", Jaccard {pair.jaccard:.2f}"
    return (
        f"{names[row]} and {names[column]}: {pair.count:,} shared{jaccard}<br>by chance {pair.low:,} to {pair.high:,}"
    )
