"""Which classes are given for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# Classes a side: more cannot be read in the width of a form.
_CLASSES = 20
# Dark enough for white figures, on a light page and on a dark one.
_SCALE = [[0.0, "rgb(190, 100, 45)"], [1.0, "rgb(120, 35, 0)"]]


def confusion_plot(pairs: Sequence[tuple[str, str, int]]) -> dict[str, Any]:
    """Which classes are given for which, as a heat map of those most often confused.

    Args:
        pairs: the given class, the suggested class and how many labels, the most frequent first

    Returns:
        ``data`` and ``layout`` of a Plotly figure
    """
    classes = list(dict.fromkeys(name for given, suggested, _ in pairs for name in (given, suggested)))[:_CLASSES]
    counts = {(given, suggested): count for given, suggested, count in pairs}
    given = sorted(name for name in classes if any((name, other) in counts for other in classes))
    suggested = sorted(name for name in classes if any((other, name) in counts for other in classes))
    heat = {
        "type": "heatmap",
        "x": suggested,
        "y": given,
        "z": [[counts.get((row, column)) for column in suggested] for row in given],
        "colorscale": _SCALE,
        "texttemplate": "%{z}",
        "textfont": {"color": "white"},
        "hovertemplate": "given %{y}, should be %{x}: %{z}<extra></extra>",
        "hoverongaps": False,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
    }
    # Names stay names where they look like numbers.
    axis = {"type": "category", "automargin": True, "showgrid": False}
    layout = {
        "xaxis": {**axis, "title": {"text": "suggested"}},
        "yaxis": {**axis, "title": {"text": "given"}, "autorange": "reversed"},
        "margin": {"t": 20, "r": 20},
        "height": 220 + 24 * len(given),
    }
    return {"data": [heat], "layout": layout}
