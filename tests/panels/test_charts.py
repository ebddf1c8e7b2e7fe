"""The figures of the Selection tab, looked at as data."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from shortlist.core.analysis.report import Scatter
from shortlist.panels.charts import confusion_plot, distances_plot, numbers_plot, scatter_plot, shares_plot, style


def points(figure):
    """Which samples each trace of markers holds, by its name and whether its points stand out."""
    return {
        (trace["name"], not str(trace["marker"]["color"]).startswith("rgba")): [int(one) for one in trace["ids"]]
        for trace in figure["data"]
        if trace["mode"] == "markers"
    }


def figures_of(report):
    analysis = report.of_samples
    return [
        scatter_plot(analysis.scatter, in_view=analysis.scatter.ids[:5], chosen=analysis.scatter.ids[:2]),
        distances_plot(analysis.coverage, ("selected",), "random", title="far"),
        distances_plot(analysis.diversity, ("selected", "input"), "random", title="far"),
        shares_plot(report.distributions[0]),
        numbers_plot(report.numbers[0]),
        confusion_plot([("cat", "dog", 3)]),
    ]


def test_every_figure_is_json_without_what_javascript_cannot_read(report):
    for figure in figures_of(report):
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_figures_leave_the_page_and_its_colours_alone(report):
    for figure in figures_of(report)[:5]:
        layout = figure["layout"]
        assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == layout["legend"]["bgcolor"] == "rgba(0,0,0,0)"
        assert set(layout["margin"]) >= {"l", "r", "t", "b"}
        text = json.dumps(layout)
        # The App knows the colours of text and grid that go with its theme.
        assert '"color"' not in text
        assert "gridcolor" not in text


def luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["#FFFFFF", "#FAFAFA", "#1A1A1A"])
@pytest.mark.parametrize("color", sorted(set(style.COLORS.values())))
def test_the_colours_of_sets_stand_out_on_both_themes(color, background):
    # 3 is what WCAG 2.1 asks of graphics.
    assert contrast(color, background) >= 3


def test_points_are_grouped_by_set_and_carry_their_number(report):
    scatter = report.of_samples.scatter
    found = points(scatter_plot(scatter))
    selected = [row for row, name in enumerate(scatter.sets) if name == "selected"]
    assert found[("this selection", True)] == selected
    assert len(selected) == 10
    assert sorted(row for rows in found.values() for row in rows) == list(range(60))


def test_what_is_not_in_the_view_is_faded_and_below(report):
    scatter = report.of_samples.scatter
    figure = scatter_plot(scatter, in_view=set(scatter.ids[:7]))
    found = points(figure)
    assert sorted(row for (_, out), rows in found.items() if out for row in rows) == list(range(7))
    assert sorted(row for (_, out), rows in found.items() if not out for row in rows) == list(range(7, 60))
    stand_out = [not str(trace["marker"]["color"]).startswith("rgba") for trace in figure["data"]]
    assert stand_out == sorted(stand_out)


def test_every_set_is_in_the_legend_once_whatever_the_view(report_of):
    scatter = report_of(datapool=True).of_samples.scatter
    for view in (None, [], scatter.ids[:7], scatter.ids):
        shown = [trace["name"] for trace in scatter_plot(scatter, in_view=view)["data"] if trace["showlegend"]]
        assert sorted(shown) == ["all candidates", "datapool", "this selection"]


def test_chosen_samples_get_a_ring_and_a_line_to_the_nearest_selected(report):
    scatter = report.of_samples.scatter
    one, to = scatter.ids[20], scatter.ids[3]
    data = scatter_plot(scatter, chosen=[one, "f" * 24], nearest={one: to, to: "f" * 24})["data"]
    ring, line = data[-1], data[-2]
    assert ring["ids"] == ["20"]
    assert ring["marker"]["symbol"] == "circle-open"
    assert line["x"][:2] == pytest.approx([scatter.x[20], scatter.x[3]], rel=1e-3)
    assert line["x"][2:] == [None]
    assert line["y"][:2] == pytest.approx([scatter.y[20], scatter.y[3]], rel=1e-3)


def test_a_map_holds_ten_thousand_points_at_most():
    n = 12_000
    scatter = Scatter(
        method="pca", brain_key=None, n_items=n, ids=[f"{row:024x}" for row in range(n)], x=[0.123456789] * n, y=[0.0] * n,
        sets=["input"] * n,
    )  # fmt: skip
    figure = scatter_plot(scatter)
    assert sum(len(trace["x"]) for trace in figure["data"]) == 10_000
    # Each point goes to the browser again and again.
    assert len(json.dumps(figure)) < 400_000


def test_a_map_without_points_is_empty():
    scatter = Scatter(method="pca", brain_key=None, n_items=0, ids=[], x=[], y=[], sets=[])
    assert scatter_plot(scatter, in_view=[], chosen=["a"])["data"] == []


def test_a_histogram_shows_shares_at_the_middle_of_each_bin(report):
    coverage = report.of_samples.coverage
    bars, line = distances_plot(coverage, ("selected",), "random", title="far")["data"]
    spread = coverage.sets["selected"]
    assert bars["y"] == pytest.approx(np.array(spread.histogram) / 60)
    assert sum(bars["y"]) == pytest.approx(1)
    assert bars["x"] == pytest.approx(
        [(low + high) / 2 for low, high in zip(coverage.edges, coverage.edges[1:], strict=False)]
    )
    assert len(bars["width"]) == len(spread.histogram) == len(bars["x"])
    assert sum(line["y"]) == pytest.approx(1)
    assert f"mean {spread.mean:.3g}" in bars["hovertemplate"]


def test_histograms_leave_out_what_there_is_none_of(report):
    coverage = report.of_samples.coverage
    figure = distances_plot(coverage, ("datapool_and_selected", "selected"), "datapool_and_random", title="far")
    assert [trace["name"] for trace in figure["data"]] == ["this selection"]
    assert distances_plot(coverage, (), None, title="far")["data"] == []


def test_the_datapool_counts_where_there_is_one(report_of):
    coverage = report_of(datapool=True).of_samples.coverage
    figure = distances_plot(coverage, ("datapool_and_selected", "datapool"), "datapool_and_random", title="far")
    assert [trace["name"] for trace in figure["data"]] == ["datapool + selection", "datapool", "datapool + random"]


def test_scores_of_the_selection_are_bars_and_all_others_lines(report):
    found = numbers_plot(report.numbers[0])["data"]
    assert [(trace["name"], trace["type"]) for trace in found] == [
        ("this selection", "bar"), ("all candidates", "scatter"), ("random", "scatter"),
    ]  # fmt: skip


def test_shares_are_of_each_set(report):
    found = report.distributions[0]
    given, selected, random = shares_plot(found)["data"]
    assert given["x"] == pytest.approx(np.array(found.sets["input"].counts) / 60)
    assert selected["x"] == pytest.approx(np.array(found.sets["selected"].counts) / 10)
    low = np.array(random["x"]) - random["error_x"]["arrayminus"]
    assert low == pytest.approx([share.low for share in found.random.shares])
    assert min(random["error_x"]["array"] + random["error_x"]["arrayminus"]) >= 0


def test_names_stay_names_whatever_they_look_like(report):
    found = report.distributions[0]
    axis = shares_plot(found)["layout"]["yaxis"]
    texts = dict(zip(found.categories, axis["ticktext"], strict=True))
    assert texts["1"] == "1"
    assert texts["007"] == "007"
    assert axis["tickvals"] == [0, 1, 2, 3]
    assert texts["<b>bold</b> & co"] == "&lt;b&gt;bold&lt;/b&gt; &amp; co"
    long = texts["a name that is far too long to stand beside an axis of a chart"]
    assert len(long) == 28
    assert long.startswith("a name")
    assert long.endswith("chart")


def test_no_text_of_the_data_is_taken_for_markup(report):
    for figure in figures_of(report):
        assert not re.search(r"<(?!br>|extra>|/extra>)", json.dumps(figure["data"]).replace("<br>", ""))


def test_only_the_most_frequent_categories_are_drawn(report):
    figure = shares_plot(report.distributions[0], most=2)
    assert [len(trace["y"]) for trace in figure["data"]] == [2, 2, 2]
    assert len(figure["layout"]["yaxis"]["ticktext"]) == 2


def test_a_target_is_marked(report):
    found = report.distributions[0].model_copy(update={"target": [0.25, 0.25, 0.5, 0.0]})
    assert shares_plot(found)["data"][-1]["x"] == [0.25, 0.25, 0.5, 0.0]


def test_the_margin_has_room_for_the_labels(report):
    layout = shares_plot(report.distributions[0])["layout"]
    # 12 pixels of Open Sans or DejaVu are 7 wide on average.
    assert layout["margin"]["l"] >= 7 * max(map(len, style.labels(report.distributions[0].categories, 28)[:2]))
    assert style.width_of(["x" * 100]) == style.width_of(["x" * 28])
    assert style.labels([""]) == ["(empty)"]
