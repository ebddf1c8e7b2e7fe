"""Charts on paper. Sets differ in lightness, line and mark as well as in colour, so that a grey copy can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from ..core.analysis.report import Distribution, Interval, RandomSpread, Scatter, Spread
from .paper import FAINT, INK
from .shares import aims, shares_of
from .text import shortened

#: the sets as a person reads them
NAMES = {
    "input": "input",
    "selected": "selected",
    "random": "random",
    "datapool": "datapool",
    "datapool_and_selected": "datapool + selected",
    "datapool_and_random": "datapool + random",
}
DARK, MIDDLE, LIGHT, WARM = "#12396b", "#7c828a", "#d4d8dd", "#c9741a"
_LINES: dict[str, dict[str, Any]] = {
    "selected": {"color": DARK, "linewidth": 1.6, "linestyle": "-"},
    "random": {"color": MIDDLE, "linewidth": 1.2, "linestyle": (0, (4, 2))},
    "datapool": {"color": WARM, "linewidth": 1.2, "linestyle": (0, (1, 1))},
    "datapool_and_selected": {"color": DARK, "linewidth": 1.6, "linestyle": "-"},
    "datapool_and_random": {"color": MIDDLE, "linewidth": 1.2, "linestyle": (0, (4, 2))},
}
_FILLED: dict[str, Any] = {"facecolor": LIGHT, "edgecolor": "none"}
# Where a target is for the selection with the datapool, what the two have of a class.
_REACHED: dict[str, Any] = {
    "linestyle": "none", "marker": "D", "markersize": 3.5, "color": DARK, "markeredgecolor": "white",
    "markeredgewidth": 0.5,
}  # fmt: skip
_POINTS: dict[str, dict[str, Any]] = {
    "input": {"marker": ".", "color": "#b9bec5", "markeredgecolor": "none"},
    "datapool": {"marker": "^", "color": WARM, "markeredgecolor": "white", "markeredgewidth": 0.3},
    "selected": {"marker": "o", "color": DARK, "markeredgecolor": "white", "markeredgewidth": 0.4},
}
# Points of a scatter that are drawn as such; more are drawn as one picture.
_VECTORS = 3000

Legend = list[tuple[str, dict[str, Any]]]


def line_legend(names: Sequence[str], filled: Sequence[str] = ()) -> Legend:
    """What the lines and surfaces of histograms mean."""
    of_lines = [(NAMES[name] + (", mean" if "random" in name else ""), _LINES[name]) for name in names]
    return [*((NAMES[name], _FILLED) for name in filled), *of_lines]


def histogram(axes: Axes, edges: Sequence[float], sets: Mapping[str, Spread | RandomSpread], filled: str = "") -> None:
    """How the numbers of sets are distributed, as shares of each set.

    Args:
        axes: where to draw
        edges: of the bins
        sets: what to draw, by name of the set
        filled: the set that is drawn as a surface
    """
    # Matplotlib cannot draw the greatest numbers that there are, by which some data say that there is none.
    scale = 1e200 if np.abs(edges).max(initial=0) > 1e200 else 1.0
    for name, spread in sets.items():
        total = sum(spread.histogram)
        if not total or len(edges) != len(spread.histogram) + 1:
            continue
        shares = np.asarray(spread.histogram, float) / total
        look: dict[str, Any] = {"fill": True, **_FILLED} if name == filled else _LINES[name]
        axes.stairs(shares, np.asarray(edges) / scale, **look)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place=None: _short(float(value) * scale)))
    axes.yaxis.set_major_formatter(FuncFormatter(_in_percent))


def _short(value: float, place: int | None = None) -> str:
    """A number at an axis: 0.25, 1500, 20k, 3M."""
    for least, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if least <= abs(value) < 1e15:
            return f"{value / (1e3 if unit == 'k' else least):.4g}{unit}"
    return f"{value:.4g}"


def _in_percent(value: float, place: int | None = None) -> str:
    return f"{value * 100:.4g} %"


def scatter(axes: Axes, found: Scatter, marks: Sequence[str] = ()) -> None:
    """The items in two dimensions by set.

    Args:
        axes: where to draw
        found: the points
        marks: sample ids, whose points are numbered from 1
    """
    points = np.column_stack([found.x, found.y]) if found.x else np.zeros((0, 2))
    sets = np.array(found.sets, dtype=object)
    for name, look in _POINTS.items():
        of_set = points[sets == name]
        # Few points are drawn large, many small; those of the input never hide the others.
        least, most, times = (1.2, 7.0, 130) if name == "input" else (2.2, 5.0, 60)
        size = float(np.clip(times / np.sqrt(max(len(of_set), 1)), least, most))
        axes.plot(*of_set.T, linestyle="none", markersize=size, rasterized=len(points) > _VECTORS, **look)
    rows = {one: row for row, one in reversed(list(enumerate(found.ids)))}
    for place, one in enumerate(marks, 1):
        if one in rows:
            x, y = points[rows[one]].tolist()
            box = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": INK, "linewidth": 0.7}
            axes.text(x, y, str(place), fontsize=6, ha="center", va="center", color=INK, bbox=box)
    axes.set(xticks=[], yticks=[])
    axes.margins(0.04)
    for spine in axes.spines.values():
        spine.set(visible=True, color=LIGHT, linewidth=0.6)


def scatter_legend(found: Scatter) -> Legend:
    """What the marks of the scatter mean, as far as they occur."""
    return [
        (
            NAMES[name] + (" (neither)" if name == "input" else ""),
            {"linestyle": "none", "markersize": 9 if name == "input" else 5, **look},
        )
        for name, look in _POINTS.items()
        if name in found.sets
    ]


def strip(axes: Axes, value: float, random: Interval) -> None:
    """Where a number stands among those of random draws.

    Args:
        axes: where to draw
        value: that of the selection
        random: the draws
    """
    axes.plot([random.low, random.high], [0, 0], color=LIGHT, linewidth=9, solid_capstyle="butt")
    axes.plot(random.draws, np.zeros(len(random.draws)), linestyle="none", marker="|", markersize=7, color=MIDDLE)
    axes.plot([value], [0], linestyle="none", marker="D", markersize=6, color=DARK, markeredgecolor="white")
    axes.set(ylim=(-1, 1), yticks=[])
    axes.margins(x=0.08)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))


#: what the marks of ``strip`` mean
STRIP_LEGEND: Legend = [
    ("this selection", {"linestyle": "none", "marker": "D", "markersize": 5, "color": DARK}),
    ("one random selection of the same size", {"linestyle": "none", "marker": "|", "markersize": 7, "color": MIDDLE}),
    ("95 % interval of these", {"facecolor": LIGHT, "edgecolor": "none"}),
]


def bars(axes: Axes, found: Distribution, rows: Sequence[int], gutter: float) -> None:
    """The shares of categories: bars for input and selected, a whisker for random selections.

    Args:
        axes: where to draw
        found: the distribution
        rows: which categories, from the top
        gutter: room for their names, in millimetres
    """
    places = np.arange(len(rows), dtype=float)
    # The bar of the selection is in the upper half of that of the input, the whisker in the lower.
    for name, color, high, off in (("input", LIGHT, 0.8, 0.0), ("selected", DARK, 0.4, -0.14)):
        if name in found.sets:
            axes.barh(places + off, shares_of(found, name)[rows], height=high, color=color, linewidth=0)
    if found.random is not None:
        chosen = [found.random.shares[row] for row in rows]
        means = np.array([one.mean for one in chosen])
        reach = np.abs(np.array([[one.low, one.high] for one in chosen]).T - means)
        look: dict[str, Any] = {"ecolor": INK, "elinewidth": 0.7, "capsize": 1.4, "capthick": 0.7}
        axes.errorbar(means, places + 0.23, xerr=reach, fmt="none", **look)
    if found.target is not None:
        axes.vlines(np.asarray(found.target)[rows], places - 0.42, places + 0.42, color=WARM, linewidth=1.6)
        if aims(found) != "selected":
            axes.plot(shares_of(found, aims(found))[rows], places - 0.14, **_REACHED)
    names = [shortened(found.categories[row], gutter, 7) for row in rows]
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(_in_percent))
    axes.grid(axis="x", color=LIGHT, linewidth=0.4)
    axes.set_axisbelow(True)


def bar_legend(found: Distribution) -> Legend:
    """What the marks of ``bars`` mean."""
    entries: Legend = [("input", _FILLED), ("selected", {"facecolor": DARK, "edgecolor": "none"})]
    if found.random is not None:
        whisker = {"color": INK, "linewidth": 0.7, "marker": "|", "markersize": 4}
        entries.append(("random, 95 % interval", whisker))
    if found.target is not None:
        entries.append(
            ("target", {"linestyle": "none", "marker": "|", "markersize": 8, "markeredgewidth": 1.6, "color": WARM})
        )
        if aims(found) != "selected":
            entries.append((NAMES[aims(found)], _REACHED))
    return entries


def picture(axes: Axes, pixels: NDArray[np.uint8] | None, border: str = LIGHT) -> None:
    """A thumbnail, or a frame that says that there is none."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=pixels is None, color=border, linewidth=0.6)
    if pixels is None:
        axes.text(0.5, 0.5, "no image", transform=axes.transAxes, ha="center", va="center", fontsize=6, color=FAINT)
    else:
        # Without interpolation the pixels go into the file as they are.
        axes.imshow(pixels, interpolation="none")
        axes.set_anchor("SW")
