"""The panel as the App calls it: events in, what to do and what to draw out."""

from __future__ import annotations

import json
from types import SimpleNamespace

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from shortlist import select_samples
from shortlist.api.analyzing import analyze_selection, load_analysis
from shortlist.panels import cache, page, shell, shortlist, tab
from shortlist.panels.page import Page
from shortlist.panels.tab import Tab, event
from shortlist.panels.tabs import TABS

VECTORS = {"type": "EMBEDDINGS", "field": "clip"}
CONFIG = {"n_samples": 6, "strategies": [{"input": VECTORS, "strategy": {"type": "DIVERSITY"}}]}


@pytest.fixture(scope="module")
def dataset(make_lasting):
    """Thirty samples with vectors, two selections of six, of which the first is analyzed."""
    chance = np.random.default_rng(1)
    samples = [
        fo.Sample(
            f"/nowhere/{row:02d}.png",
            clip=chance.normal(size=3).astype(np.float32),
            score=float(chance.random()),
            predictions=fo.Classification(label="ab"[row % 2], confidence=0.5),
            tags=["old"] if row < 4 else [],
        )
        for row in range(30)
    ]
    dataset = make_lasting(samples)
    select_samples(dataset, CONFIG, "round_1")
    select_samples(dataset, CONFIG, "round_2")
    analyze_selection(dataset, "round_1", fields=["score"], random_draws=3)
    return dataset


@pytest.fixture(autouse=True)
def fresh():
    """Nothing is kept from one test to the next."""
    cache.forget()
    shell._DRAWN.clear()


class Window:
    """A panel open in a browser: keeps its state, and gives what the App is told to do."""

    def __init__(self, dataset, tab="selection"):
        self.panel, self.dataset = shortlist.Shortlist(), dataset
        self.panel.plugin_name = page.PLUGIN
        self.state: dict = {"tab": tab}
        self.shown: dict = {"view": [], "filters": {}, "extended": {}, "selected": []}

    def tells(self, method, **params):
        given = {**params, "__method__": method, "panel_id": "p", "panel_state": json.loads(json.dumps(self.state))}
        executor = Executor()
        request = {"dataset_name": self.dataset.name, "params": given, **self.shown}
        ctx = ExecutionContext(request_params=request, executor=executor)
        self.panel.execute(ctx)
        self.state = json.loads(json.dumps(ctx.panel_state))
        return {one.operator_uri.split("/")[-1]: one.params for one in executor._requests}

    def drawn(self, method="on_load", **params):
        """The elements that are drawn, by the path that the App gives them."""
        told = self.tells(method, **params)
        return dict(elements(told["show_panel_output"]["output"]["type"]["properties"]))

    def shows(self, view):
        self.shown["view"] = view._serialize()


def elements(properties, path=""):
    for name, one in properties.items():
        where = f"{path}.{name}".strip(".")
        yield where, one
        yield from elements(one["type"].get("properties") or {}, where)


@pytest.fixture
def window(dataset):
    opened = Window(dataset)
    opened.first = opened.drawn()
    return opened


def grid(dataset, told):
    """The file names of the view that the App is told to show."""
    stages = told["set_view"]["view"]
    return sorted(fo.DatasetView._build(dataset, stages).values("filepath"))


def test_the_plugin_offers_the_panel():
    found = foo.OperatorRegistry().get_operator(page.URI)
    assert found.config.label == "Shortlist"
    assert (type(found).__name__, found.config.icon) == ("Shortlist", "/assets/panel.svg")


def test_tabs_have_names_of_their_own_that_can_be_parts_of_addresses():
    names = [one.name for one in TABS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and "__" not in name for name in names)


def test_draws_the_tab_that_is_chosen(window):
    assert window.first["tab"]["default"] == "selection"
    assert {f"selection.{part}" for part in ("name", "verdict", "scatter", "compared", "regions", "views")} <= set(
        window.first
    )


def test_offers_what_is_analyzed_first_and_then_selections_that_are_not(window):
    choices = window.first["selection.name"]["view"]["choices"]
    assert [(one["value"], one["label"]) for one in choices] == [
        ("round_1", "round_1 (selection, 6 samples)"),
        ("round_2", "round_2 (selection, not analyzed yet)"),
    ]


def test_a_selection_without_an_analysis_is_offered_one(window):
    drawn = window.drawn("selection__chosen", value="round_2")
    assert "selection.scatter" not in drawn
    assert drawn["selection.next.analyze"]["view"]["params"] == {
        "verb": "analyze_selection",
        "given": {"run_key": "round_2"},
    }
    asked = window.tells("on_offer", verb="analyze_selection", given={"run_key": "round_2"})[
        "prompt_user_for_operation"
    ]
    assert (asked["operator_uri"], asked["params"]) == (f"{page.PLUGIN}/analyze_selection", {"run_key": "round_2"})
    assert asked["on_success"] == f"{page.URI}#on_done"


def test_a_dataset_without_anything_says_how_to_begin(make):
    drawn = Window(make([fo.Sample("/nowhere/1.png")])).drawn()
    offered = [one["view"]["params"]["verb"] for one in drawn.values() if (one.get("view") or {}).get("params")]
    assert offered == ["select_samples", "analyze_selection", "visualize_embeddings"]


def test_an_analysis_without_embeddings_says_so_and_still_counts(make):
    dataset = make([fo.Sample(f"/nowhere/{row}.png", kind="ab"[row % 2], tags=["t"] * (row < 3)) for row in range(8)])
    analyze_selection(dataset, "t", fields=["kind"], random_draws=2)
    drawn = Window(dataset).drawn()
    assert "without embeddings" in drawn["selection.no_vectors"]["view"]["label"]
    assert drawn["selection.vectors.embed"]["view"]["params"]["verb"] == "visualize_embeddings"
    assert "selection.distributions.c0.shares" in drawn
    assert "selection.scatter" not in drawn


def test_a_bar_of_coverage_sets_the_view(window, dataset):
    coverage = load_analysis(dataset, "round_1").of_samples.coverage
    counts = coverage.sets["selected"].histogram
    bar = int(np.argmax(counts[1:])) + 1
    assert len(grid(dataset, window.tells("selection__covered", idx=bar))) == counts[bar]


def test_all_bars_together_hold_every_sample_once(window, dataset):
    edges = load_analysis(dataset, "round_1").numbers[0].edges
    told = [window.tells("selection__numbered", idx=bar, trace="all candidates") for bar in range(len(edges) - 1)]
    found = [name for one in told if "set_view" in one for name in grid(dataset, one)]
    assert sorted(found) == sorted(dataset.values("filepath"))


def test_an_empty_bar_is_said_not_shown(window, dataset):
    counts = load_analysis(dataset, "round_1").of_samples.coverage.sets["selected"].histogram
    told = window.tells("selection__covered", idx=counts.index(0))
    assert "set_view" not in told
    assert told["notify"]["message"] == "There are no samples here."


@pytest.mark.parametrize(("trace", "expected"), [("all candidates", 15), ("this selection", None)])
def test_a_bar_of_a_class_shows_its_set(window, dataset, trace, expected):
    found = load_analysis(dataset, "round_1").distributions[0]
    told = window.tells("selection__classed", y=1, x=0.5, trace=trace)
    name = "input" if expected else "selected"
    assert len(grid(dataset, told)) == found.sets[name].counts[1]
    assert expected in (None, len(grid(dataset, told)))


def test_points_show_their_samples_and_no_points_nothing(window, dataset):
    scatter = load_analysis(dataset, "round_1").of_samples.scatter
    data = [{"id": "3"}, {"id": "17"}, {"id": None}, {"id": "999"}]
    expected = sorted(dataset.select([scatter.ids[3], scatter.ids[17]]).values("filepath"))
    assert grid(dataset, window.tells("selection__lassoed", data=data)) == expected
    assert len(grid(dataset, window.tells("selection__pointed", id="3"))) == 1
    assert "set_view" not in window.tells("selection__lassoed", data=[])
    assert "set_view" not in window.tells("selection__pointed", id=None)


def test_a_region_and_the_saved_views_are_shown(window, dataset):
    region = load_analysis(dataset, "round_1").of_samples.regions[0]
    shown = grid(dataset, window.tells("selection__regioned", row=0))
    assert dataset[region.sample_id].filepath in shown
    assert window.tells("selection__viewed", view="uncovered")["set_view"]["name"] == "round_1_uncovered"
    assert "notify" in window.tells("selection__viewed", view="near_duplicates")
    assert "clear_view" in window.tells("selection__everything")


def points(drawn):
    return {
        (trace["name"], str(trace["marker"]["color"]).startswith("rgba")): len(trace["x"])
        for trace in drawn["selection.scatter"]["view"]["data"]
        if trace["mode"] == "markers"
    }


def test_the_view_restricts_the_map(window, dataset):
    window.shows(dataset.match_tags("old"))
    drawn = window.drawn("on_change_view")
    assert sum(count for (_, faded), count in points(drawn).items() if not faded) == 4
    assert "4 of the 30 points are in the view" in drawn["selection.map"]["default"]
    assert "selection.map_actions.all" in drawn


def test_a_view_of_patches_counts_as_its_samples(make):
    dataset = make(
        [
            fo.Sample(
                f"/nowhere/{row}.png", clip=np.array([row, 0], np.float32), tags=["t"] * (row < 3),
                boxes=fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1])] * (row % 2)),
            )
            for row in range(8)
        ]
    )  # fmt: skip
    analyze_selection(dataset, "t", embeddings="clip", random_draws=2)
    window = Window(dataset)
    window.drawn()
    window.shows(dataset.to_patches("boxes"))
    assert "4 of the 8 points are in the view" in window.drawn("on_change_view")["selection.map"]["default"]


def test_samples_chosen_in_the_grid_are_told_and_marked(window, dataset):
    picked = dataset.match_tags("round_1").first()
    window.shown["selected"] = [picked.id, *dataset.match_tags("round_1", bool=False).limit(6).values("id")]
    drawn = window.drawn("on_change_selected")
    assert points(drawn)[("chosen in the grid", False)] == 7
    lines = drawn["selection.places"]["default"].split("\n")
    assert len(lines) == 6
    assert f"picked at rank {picked.round_1.rank}" in lines[0]
    assert lines[-1] == "- and 2 more that are chosen in the grid"


def test_what_is_reported_again_is_not_drawn_again(window, dataset):
    # The App reports every choice as made when a panel opens.
    for method in ("on_tab", "selection__chosen", "selection__counted", "on_change_view"):
        value = {"value": "round_1"} if method.endswith("chosen") else {"value": "0"}
        assert "show_panel_output" not in window.tells(method, **value)
    window.shows(dataset.match_tags("old"))
    drawn = ["show_panel_output" in window.tells("on_change_view") for _ in range(6)]
    assert drawn == [True, False, False, False, False, False]


def test_two_windows_on_one_session_are_both_drawn(window, dataset):
    other = Window(dataset)
    other.drawn()
    for one in (window, other):
        one.shows(dataset.limit(3))
        assert "show_panel_output" in one.tells("on_change_view")


def test_a_new_analysis_is_seen_without_a_change_of_the_view(window, dataset):
    window.drawn("selection__chosen", value="round_2")
    analyze_selection(dataset, "round_2", random_draws=2)
    try:
        assert "selection.scatter" in window.drawn("on_change_view")
    finally:
        dataset.delete_run("round_2_analysis")


def test_a_report_is_read_once(window, monkeypatch):
    monkeypatch.setattr("shortlist.panels.analyses.load_analysis", None)
    assert "selection.scatter" in window.drawn("on_load")


def test_what_goes_to_the_browser_is_small(window):
    output = window.tells("on_load")["show_panel_output"]
    assert len(json.dumps(output)) < 60_000


def test_another_dataset_is_drawn_with_what_it_has(window, make):
    window.tells("selection__chosen", value="round_1")
    window.dataset = make([fo.Sample("/nowhere/1.png")])
    assert "selection.empty" in window.drawn("on_change_dataset")


class Example(Tab):
    name, label = "example", "Example"

    def draw(self, ctx, page: Page):
        page.text("count", f"Counted {self.get(ctx, 'count', 0)} times.")
        page.button("more", "Count", self.count, step=2)
        left, right = page.columns("two")
        left.table("t", {"a": "A"}, [{"a": "1"}], [page_action(self.count)])
        right.card("c").choice("which", "Which", {"x": "The x"}, "x", self.count)

    @event
    def count(self, ctx):
        self.set(ctx, "count", self.get(ctx, "count", 0) + ctx.params.get("step", 1))

    def secret(self, ctx):
        raise AssertionError("not for the App")


def page_action(handler):
    return page.Action("Count", handler)


@pytest.fixture
def example(dataset, monkeypatch):
    monkeypatch.setattr("shortlist.panels.shortlist.TABS", [Example()])
    return Window(dataset, "example")


def test_a_tab_keeps_what_a_person_chose_under_its_own_name(example):
    drawn = example.drawn()
    assert drawn["example.count"]["default"] == "Counted 0 times."
    assert drawn["example.more"]["view"]["operator"] == f"{page.URI}#example__count"
    assert drawn["example.two.c0.t"]["view"]["row_actions"][0]["on_click"] == f"{page.URI}#example__count"
    assert example.drawn("example__count", step=2)["example.count"]["default"] == "Counted 2 times."
    assert example.state["example_kept"] == {"count": 2}


def test_only_events_of_tabs_can_be_called(example):
    assert tab.parted("a__b_c") == ("a", "b_c")
    assert hasattr(example.panel, "example__count")
    assert not hasattr(example.panel, "example__secret")
    assert not hasattr(example.panel, "example__draw")
    assert not hasattr(example.panel, "other__count")
    with pytest.raises(AssertionError, match="is no event"):
        tab.address_of("uri", Example(), Example().secret)


def test_an_error_of_ours_is_shown_on_the_page(dataset, monkeypatch):
    from shortlist import ShortlistError

    def broken(self, ctx, page):
        raise ShortlistError("x must be y.")

    monkeypatch.setattr(Example, "draw", broken)
    monkeypatch.setattr("shortlist.panels.shortlist.TABS", [Example()])
    assert Window(dataset, "example").drawn()["example.problem"]["view"]["label"] == "x must be y."


def test_without_a_dataset_it_says_so():
    window = Window(SimpleNamespace(name=None))
    assert window.drawn()["selection.problem"]["default"] == "Open a dataset first."


def test_things_are_kept_until_they_are_old_or_many():
    made = []

    def make_one():
        made.append(1)
        return len(made)

    assert [cache.kept("a", make_one), cache.kept("a", make_one)] == [1, 1]
    assert cache.kept("a", make_one, seconds=0) == 2
    for number in range(100):
        cache.kept(number, lambda: None)
    assert cache.kept("a", make_one) == 3
