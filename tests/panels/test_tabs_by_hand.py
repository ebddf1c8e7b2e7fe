"""What the tabs Overview and Compare do when something is clicked, on a real dataset and without an App."""

from __future__ import annotations

import json
from types import SimpleNamespace

import fiftyone.operators.types as types
import pytest

from shortlist import compare_selections, give_verdict, overview, score_uncertainty, select_samples, start_review
from shortlist.panels import cache
from shortlist.panels.compare_tab import CompareTab
from shortlist.panels.overview_tab import OverviewTab
from shortlist.panels.page import Page, plain
from shortlist.panels.tab import opened

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
COVERAGE = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "COVERAGE"}}


class _Panel:
    """The state of a panel."""

    def __init__(self):
        self._state = {}

    def get_state(self, key, default=None):
        return self._state.get(key, default)

    def set_state(self, key, value):
        self._state[key] = value


class _Ops:
    """What the App is asked to do, in order."""

    def __init__(self, asked):
        self._asked = asked

    def __getattr__(self, name):
        return lambda *args, **kwargs: self._asked.append((name, *args, kwargs))


class _Context(SimpleNamespace):
    """As much of an execution context as the tabs use."""

    def __init__(self, dataset):
        asked = []
        super().__init__(
            dataset=dataset,
            panel=_Panel(),
            params={},
            asked=asked,
            ops=_Ops(asked),
            prompt=lambda uri, **more: asked.append(("prompt", uri, more["params"])),
        )

    def with_(self, **params):
        self.params = params
        return self

    @property
    def shown(self):
        """The view that the App was asked to show last."""
        name, *_, given = self.asked[-1]
        assert name == "set_view"
        return given["view"]


@pytest.fixture
def ctx(classified):
    """The App on a dataset with two selections."""
    cache.forget()
    score_uncertainty(classified, "predictions")
    select_samples(classified, {"n_samples": 4, "strategies": [HOUR]}, "late")
    select_samples(classified, {"n_samples": 5, "strategies": [COVERAGE]}, "wide")
    return _Context(classified)


def drawn(tab, ctx) -> str:
    """Everything that a tab draws, as the JSON that the App gets."""
    place = types.Object()
    tab.draw(ctx, Page(tab, place))
    return json.dumps(place.to_json(), default=str)


def choose(tab, ctx, number, value):
    tab.chosen(ctx.with_(path=f"compare.choices.c{number}.choice{number}_1", value=value))


# Overview


def test_overview_draws_steps_with_a_button_each(ctx):
    ctx.dataset.clone_sample_field("predictions", "ground_truth")
    found, text = overview(ctx.dataset), drawn(OverviewTab(), ctx)
    assert len(found.steps) > 4
    for step in found.steps[:4]:
        assert json.dumps(plain(step.label))[1:-1] in text
    assert found.steps[-1].label not in text
    OverviewTab().toggled(ctx)
    assert found.steps[-1].label in drawn(OverviewTab(), ctx)
    OverviewTab().toggled(ctx)
    assert found.steps[-1].label not in drawn(OverviewTab(), ctx)
    assert "wide: COVERAGE of clip" in text


def test_overview_of_an_empty_dataset(make):
    assert "0 samples" in drawn(OverviewTab(), _Context(make()))


def test_rows_are_those_of_the_tables(ctx):
    tab = OverviewTab()
    tab.selection_shown(ctx.with_(row=1))
    assert ctx.shown.values("hour") == [11, 10, 9, 8]
    tab.selection_analyzed(ctx.with_(row=0))
    assert ctx.asked[-1] == ("prompt", "@shortlist/curation/analyze_selection", {"run_key": "wide"})
    tab.selection_explained(ctx.with_(row=1))
    assert ctx.asked[-1] == ("prompt", "@shortlist/curation/explain_selection", {"run_key": "late"})
    tab.scored_again(ctx.with_(row=0))
    assert ctx.asked[-1] == ("prompt", "@shortlist/curation/score_uncertainty", {"label_field": "predictions"})
    tab.scores_shown(ctx.with_(row=0))
    values = ctx.shown.values("predictions_uncertainty_least_confidence")
    assert values == sorted(values, reverse=True)
    assert len(values) == 12


def test_a_row_that_is_gone_does_nothing(ctx):
    for row in (7, None, "x"):
        OverviewTab().selection_shown(ctx.with_(row=row))
        OverviewTab().issues_shown(ctx.with_(row=row))
    assert ctx.asked == []


def test_a_saved_view_that_is_gone_is_told(ctx):
    ctx.dataset.delete_saved_view("late")
    OverviewTab().selection_shown(ctx.with_(row=1))
    assert ctx.asked[-1][0] == "notify"
    assert "no longer there" in ctx.asked[-1][1]


def test_overview_shows_reviews_and_opens_their_panel(ctx):
    ctx.dataset.clone_sample_field("predictions", "ground_truth")
    start_review(ctx.dataset, "review_1", "ground_truth", subject="labels", progress=lambda *_: None)
    give_verdict(ctx.dataset, "review_1", 1, "keep", reviewer="ann")
    tab, text = OverviewTab(), drawn(OverviewTab(), ctx)
    assert "1 of 12" in text
    assert "9 of 9 selected samples have ground" in text
    step = next(step for step in overview(ctx.dataset).steps if step.panel)
    assert json.dumps(plain(step.label))[1:-1] in text
    tab.panel_opened(ctx.with_(panel=step.panel))
    assert ctx.asked[-1][:2] == ("open_panel", "shortlist_review")
    tab.review_shown(ctx.with_(row=0))
    assert len(ctx.shown) == 12


def test_the_step_that_compares_opens_the_tab(ctx):
    OverviewTab().opened(ctx.with_(step="Compare late with wide"))
    assert opened(ctx) == "compare"
    assert "Beside chance" in drawn(CompareTab(), ctx)


# Compare


def test_begins_with_the_two_newest(ctx):
    text = drawn(CompareTab(), ctx)
    pair = compare_selections(ctx.dataset, ["late", "wide"]).comparison.overlaps[0]
    assert f"{pair.count} shared" in text
    assert "late: WEIGHTS of hour" in text


def test_nothing_to_compare_offers_to_select(make):
    text = drawn(CompareTab(), _Context(make()))
    assert "There is nothing to compare yet" in text
    assert "select_samples" in text


def test_what_is_chosen_is_compared(ctx):
    tab = CompareTab()
    choose(tab, ctx, 2, "odd")
    assert tab._shown(ctx) == ["late", "wide", "odd"]
    choose(tab, ctx, 1, "even")
    assert tab._shown(ctx) == ["late", "even", "odd"]
    # As the App reports when it draws: what is there, or nothing in the place for another.
    choose(tab, ctx, 0, "late")
    choose(tab, ctx, 3, "(none)")
    choose(tab, ctx, 3, "late")
    assert tab._shown(ctx) == ["late", "even", "odd"]
    choose(tab, ctx, 0, "(none)")
    assert tab._shown(ctx) == ["even", "odd"]
    choose(tab, ctx, 0, "(none)")
    assert "Choose at least two" in drawn(tab, ctx)
    tab.chosen(ctx.with_(path="elsewhere", value="late"))
    assert tab._shown(ctx) == ["odd"]


def test_what_was_deleted_is_no_longer_compared(ctx):
    CompareTab.begin(ctx, ["late", "gone", "wide"])
    assert CompareTab()._shown(ctx) == ["late", "wide"]


def test_cells_bars_and_rows_show_their_samples(ctx):
    tab = CompareTab()
    compared = compare_selections(ctx.dataset, ["late", "wide"])
    tab.alone_shown(ctx.with_(row=1))
    assert ctx.shown.values("id") == compared.only("wide").values("id")
    tab.barred(ctx.with_(y=0, x=0.4))
    assert ctx.shown.values("hour") == [11, 10, 9, 8]
    tab.crossed(ctx.with_(x=1, y=1))
    assert len(ctx.shown) == 5
    count = len(compared.shared("late", "wide"))
    tab.crossed(ctx.with_(x=1, y=0))
    assert len(ctx.shown) == count if count else ctx.asked[-1][0] == "notify"


def test_sharing_nothing_is_told(ctx):
    CompareTab.begin(ctx, ["even", "odd"])
    CompareTab().crossed(ctx.with_(x=0, y=1))
    assert ctx.asked[-1][:2] == ("notify", "odd and even share no samples.")
    CompareTab().alone_shown(ctx.with_(row=0))
    assert len(ctx.shown) == 6


def test_a_comparison_is_kept_until_a_run_is_new(ctx, monkeypatch):
    calls = []
    from shortlist.panels import compare_tab

    def counted(*args, **kwargs):
        calls.append(args[1])
        return compare_selections(*args, **kwargs)

    monkeypatch.setattr(compare_tab, "compare_selections", counted)
    for _ in range(3):
        drawn(CompareTab(), ctx)
    assert calls == [["late", "wide"]]
    select_samples(ctx.dataset, {"n_samples": 2, "strategies": [HOUR]}, "more")
    CompareTab.begin(ctx, ["late", "wide"])
    drawn(CompareTab(), ctx)
    assert len(calls) == 2


def test_what_takes_long_waits_to_be_asked(ctx, monkeypatch):
    monkeypatch.setattr("shortlist.panels.compare_tab._UNASKED", 5)
    tab = CompareTab()
    assert "Beside chance" not in drawn(tab, ctx)
    tab.asked(ctx.with_(names=["late", "wide"], embeddings=None))
    assert "Beside chance" in drawn(tab, ctx)
    choose(tab, ctx, 2, "odd")
    assert "Beside chance" not in drawn(tab, ctx)


def test_without_embeddings_the_operator_is_offered(ctx):
    ctx.dataset.delete_sample_field("clip")
    text = drawn(CompareTab(), ctx)
    assert "There are no embeddings" in text
    assert "visualize_embeddings" in text


def test_other_embeddings_and_other_classes(ctx):
    ctx.dataset.clone_sample_field("clip", "other")
    tab = CompareTab()
    tab.measured_in(ctx.with_(value="other"))
    assert "those that they were selected by" in drawn(tab, ctx)
    assert tab.get(ctx, "embeddings") == "other"
    ctx.dataset.clone_sample_field("predictions", "second")
    cache.forget()
    tab.counted(ctx.with_(value="second"))
    assert "over the classes of second" in drawn(tab, ctx)
