"""What the panel shows of a back-test: the figure, the table, and what a form begins with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shortlist.core.back_testing.back_test import Plan, back_test
from shortlist.core.back_testing.contenders import Contender, Learned, Own, Played, Stored, contender
from shortlist.core.back_testing.named import NAMED
from shortlist.core.back_testing.tasks import Task
from shortlist.core.back_testing.truths import Classes
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.inputs import Embeddings
from shortlist.core.selection.presets import Has
from shortlist.core.selection.strategies.weights import Weights
from shortlist.panels import back_test_facts as facts
from shortlist.panels.charts import curves_plot
from shortlist.panels.numbers import DASH

EMBEDDINGS = {"type": "EMBEDDINGS", "field": "clip"}
HAS = Has(embeddings=EMBEDDINGS, predictions="predictions", labeled="labeled")


@pytest.fixture(scope="module")
def report():
    """Tight clusters of unequal size: DIVERSITY finds all at once; what reads a number runs out of samples that have one."""
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(200) < 0.8, 0, rng.integers(1, 5, 200)).astype(np.int64)
    vectors = (4 * np.eye(5)[labels] + 0.1 * rng.standard_normal((200, 5))).astype(np.float32)
    task = Task(vectors, Classes(labels, ("a<b>", "b", "c", "d", "e")), np.arange(200))

    def named(name: str) -> Contender:
        config = NAMED[name].config(EMBEDDINGS, "predictions")
        found = contender(
            NAMED[name].label,
            SelectionConfig.model_validate({"n_samples": 1, **config}),
            task.truth,
            lambda given, takes: Own() if isinstance(given, Embeddings) else Learned(given),
            lambda entry: None,
        )
        return Contender(found.name, found.entries, config=config, key=name)

    present = np.arange(200) < 60
    short = Played("hour", Weights(type="WEIGHTS"), Stored(np.arange(200.0), present))
    contenders = [
        named("DIVERSITY"),
        named("MARGIN"),
        Contender("a <b>mine</b>", (short,), kind="config", key="my config"),
        Contender("round_1", named("BADGE").entries, kind="selection", key="round_1"),
    ]
    return back_test(task, contenders, Plan((0, 1, 2), budgets=(5, 10, 20, 40, 80), next_labels=30))


def test_the_figure_has_a_line_a_strategy_and_bands_of_two(report):
    figure = curves_plot(report, "DIVERSITY")
    lines = {trace["name"]: trace for trace in figure["data"] if trace["name"]}
    assert set(lines) == {
        "RANDOM", "DIVERSITY", "margin alone", "a &lt;b&gt;mine&lt;/b&gt;", "round_1", "random, forecast"
    }  # fmt: skip
    random = lines["RANDOM"]
    assert random["x"] == [5, 10, 20, 40, 80]
    assert random["y"] == [one.mean for one in report.random.values]
    assert len(lines["a &lt;b&gt;mine&lt;/b&gt;"]["x"]) < 5
    bands = {trace["legendgroup"] for trace in figure["data"] if trace.get("fill") == "tonexty"}
    assert bands == {"RANDOM", "DIVERSITY"}
    upper = next(trace for trace in figure["data"] if trace.get("fill") and trace["legendgroup"] == "DIVERSITY")
    curve = next(one for one in report.curves if one.name == "DIVERSITY")
    assert upper["y"] == [min(one.high, 1.0) for one in curve.values]
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert f"all {report.pool} of the pool" in figure["layout"]["annotations"][0]["text"]
    json.dumps(figure)


def test_the_forecast_goes_on_to_the_labels_that_are_asked_about(report):
    law = next(trace for trace in curves_plot(report, "DIVERSITY")["data"] if trace["name"] == "random, forecast")
    assert (law["x"][0], law["x"][-1]) == (pytest.approx(report.pool), pytest.approx(230))
    assert law["y"] == sorted(law["y"])
    unreliable = report.model_copy(update={"forecast": report.forecast.model_copy(update={"reliable": False})})
    assert "random, forecast" not in {trace["name"] for trace in curves_plot(unreliable, "DIVERSITY")["data"]}


def test_differences_are_beside_zero(report):
    figure = curves_plot(report, "DIVERSITY", beside_random=True)
    lines = {trace["name"]: trace for trace in figure["data"] if trace["name"]}
    assert lines["RANDOM"]["y"] == [0] * 5
    curve = next(one for one in report.curves if one.name == "DIVERSITY")
    assert lines["DIVERSITY"]["y"] == [one.mean for one in curve.difference]
    assert lines["DIVERSITY"]["customdata"][0].startswith("+")
    assert {trace["legendgroup"] for trace in figure["data"] if trace.get("fill")} == {"DIVERSITY"}
    assert "annotations" not in figure["layout"]


def test_the_table_is_sorted_by_the_mean_with_random_last(report):
    rows = facts.rows(report)
    assert rows[-1]["name"] == "RANDOM"
    assert rows[-1]["above"] == DASH
    above = [float(row["above"]) for row in rows[:-1]]
    assert above == sorted(above, reverse=True)
    assert set(rows[0]) == set(facts.columns(report))
    assert facts.columns(report)["next"] == "Next 30 labels"
    best = next(row for row in rows if row["name"] == "DIVERSITY")
    assert best["most"].endswith(" at 5")


def test_what_was_replayed_on_is_said(report):
    assert facts.made_of(report) == (
        f"200 labelled samples (5 classes, one class a sample), split 3 times into a pool of {report.pool} and a test of "
        f"{report.test}"
    )


def test_what_the_form_begins_with(report):
    by_name = {curve.name: curve for curve in report.curves}

    def begun(name: str, has: Has = HAS):
        return facts.begun(by_name[name], report, has)

    assert begun("RANDOM") == {"start": "chance", "config": {"n_samples": 30}}
    assert begun("DIVERSITY") == {"start": "edge_cases", "config": {"n_samples": 30}}
    assert begun("a <b>mine</b>") == {"start": "saved:my config"}
    assert begun("round_1") == {"start": "selection:round_1"}
    pasted = begun("margin alone")
    assert pasted["start"] == "paste"
    config = parse(SelectionConfig, json.loads(pasted["pasted_config"]))
    assert (config.n_samples, config.preselected) == (30, ["labeled"])
    # With other embeddings than those the form would begin with, the config says which.
    other = Has(embeddings={"type": "EMBEDDINGS", "field": "dino"}, predictions="predictions")
    assert begun("DIVERSITY", other)["start"] == "paste"
    without = by_name["margin alone"].model_copy(update={"config": None})
    assert facts.begun(without, report, HAS) is None
