"""What a person does in the Shortlist panel. One App serves all tests, in order; each tab's tests are together."""

from __future__ import annotations

import re

import cv2
import fiftyone as fo
import numpy as np
import pytest
from driver import App, serving
from fiftyone import ViewField as F
from playwright.sync_api import Locator, expect, sync_playwright
from sklearn.datasets import load_digits

import shortlist
from shortlist.api.analyzing import analyze_selection, load_analysis

pytestmark = pytest.mark.browser

NAME = "Tafel é"
_COUNT, _LABELED = 240, 90
_COVERAGE = {"input": {"type": "EMBEDDINGS", "field": "embedding"}, "strategy": {"type": "COVERAGE"}}
_DIVERSITY = {"input": {"type": "EMBEDDINGS", "field": "embedding"}, "strategy": {"type": "DIVERSITY"}}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Digits with predictions, scores, ground truth for some, two selections, and an analysis of the first."""
    folder = tmp_path_factory.mktemp("digits")
    images, digits = load_digits(return_X_y=True)
    images, digits = images[:_COUNT] / 16, digits[:_COUNT]
    centres = np.stack([images[digits == digit].mean(axis=0) for digit in range(10)])
    likeness = -((images[:, None] - centres) ** 2).sum(axis=2) / 2
    probabilities = np.exp(likeness) / np.exp(likeness).sum(axis=1, keepdims=True)
    samples = []
    for row, pixels in enumerate(images):
        path = folder / f"{row:03d}.png"
        cv2.imwrite(str(path), cv2.resize(np.uint8(255 - 255 * pixels.reshape(8, 8)), (64, 64)))
        best = int(probabilities[row].argmax())
        sample = fo.Sample(str(path), tags=["labeled"] if row < _LABELED else [], weather=["sun", "rain"][row % 2])
        sample["embedding"] = pixels.astype(np.float32)
        sample["predictions"] = fo.Classification(
            label=str(best), confidence=float(probabilities[row, best]), probabilities=probabilities[row].tolist()
        )
        if row < _LABELED:
            sample["ground_truth"] = fo.Classification(label=str(digits[row]))
        samples.append(sample)
    dataset = fo.Dataset(NAME, persistent=True)
    dataset.default_classes = [str(digit) for digit in range(10)]
    dataset.add_samples(samples, progress=False)
    shortlist.score_uncertainty(dataset, "predictions")
    shortlist.select_samples(dataset, {"n_samples": 24, "strategies": [_COVERAGE]}, "round_1")
    shortlist.select_samples(dataset, {"n_samples": 24, "strategies": [_DIVERSITY]}, "round_2")
    analyze_selection(dataset, "round_1", random_draws=5)
    yield dataset
    fo.delete_dataset(NAME)


@pytest.fixture(scope="module")
def app(dataset):
    """The App, open on the dataset with the panel; everything below happens in this one session, in order."""
    with serving(dataset.name) as address, sync_playwright() as playwright:
        app = App(playwright, address, dataset.name)
        app.open_panel()
        yield app
        app.browser.close()


@pytest.fixture
def whole(app):
    """The App with the whole dataset in the grid, after a test as before it."""
    yield app
    if app.count != f"{_COUNT} samples":
        app.clear_view()
        app.count_is(_COUNT)


@pytest.fixture(scope="module")
def report(dataset):
    return load_analysis(dataset, "round_1")


# The tab Selection, whose figures are the map, coverage, diversity, classes and scores


@pytest.fixture(scope="module")
def selection(app):
    """The App with the tab open."""
    app.open_panel(tab="Selection")
    app.see("Coverage and diversity")
    return app


def test_says_what_a_selection_is_worth(selection, report):
    selection.see("Better than chance")
    row = selection.panel.get_by_role("row", name=re.compile("^This selection"))
    expect(row).to_contain_text(f"{report.of_samples.coverage.sets['selected'].mean:.2f}")
    expect(selection.panel.get_by_text(f"{_COUNT} samples by PCA")).to_be_visible()
    selection.shot("panel_selection")


def test_a_bar_of_coverage_shows_the_samples_that_are_so_far(selection, whole, report, dataset):
    coverage = report.of_samples.coverage
    counts = coverage.sets["selected"].histogram
    bar = int(np.argmax(counts[1:])) + 1
    selection.click_bar(1, bar)
    selection.count_is(counts[bar])
    low, high = coverage.edges[bar : bar + 2]
    distance = F("round_1_analysis.distance")
    assert dataset.match((distance >= low) & (distance < high)).count() == counts[bar]
    # And the panel says what the view leaves of the map.
    selection.see(f"{counts[bar]} of the {_COUNT} points are in the view")


def test_a_bar_of_a_class_shows_its_samples(selection, whole, report, dataset):
    found = next(one for one in report.distributions if one.source == "predictions")
    place = [one.source for one in report.distributions].index("predictions")
    assert place == 0, "it is the field that is shown first"
    selection.click_bar(3, 0)
    selection.count_is(int(found.sets["input"].counts[0]))
    assert dataset.match(F("predictions.label") == found.categories[0]).count() == found.sets["input"].counts[0]


def test_a_bar_of_a_score_shows_the_samples_of_the_selection_with_it(selection, whole, report):
    counts = report.numbers[0].sets["selected"].histogram
    selection.click_bar(4, int(np.argmax(counts)))
    selection.count_is(max(counts))


def test_points_that_are_drawn_around_are_shown(selection, whole):
    selection.lasso(0)
    selection.see("points are in the view")
    found = int(selection.count.split()[0])
    assert 20 < found <= _COUNT
    selection.shot("panel_lasso")
    selection.panel.get_by_role("button", name="Show all samples").click()
    selection.count_is(_COUNT)


def test_what_is_chosen_in_the_grid_is_told_and_marked(selection, whole, dataset):
    name = dataset.first().filename
    line = selection.panel.get_by_role("listitem").filter(has_text=name)
    selection.pick(0)
    selection.settle(5000)
    if not line.count():
        # A view that comes late takes the choice back.
        selection.pick(0)
    expect(line).to_be_visible(timeout=15_000)
    rank = dataset.first().get_field("round_1.rank")
    expect(line).to_contain_text(f"picked at rank {rank}" if rank else "from the nearest selected sample")
    names = [name for name, _, _ in selection.traces(0, "chosen in the grid")]
    assert "chosen in the grid" in names
    selection.shot("panel_chosen")
    selection.pick(0)
    expect(line).to_have_count(0, timeout=15_000)


def test_a_region_is_shown(selection, whole, report, dataset):
    rows = selection.panel.locator("table").nth(1).get_by_role("row")
    assert rows.count() == len(report.of_samples.regions) + 1
    expect(rows.nth(1)).to_contain_text(str(report.of_samples.regions[0].n_items))
    rows.nth(1).get_by_role("button").click()
    selection.count_is(dataset.match(F("round_1_analysis.region") == 1).count())


def test_the_worst_covered_are_shown_worst_first(selection, whole, dataset):
    selection.panel.get_by_role("button", name="Show the worst covered").click()
    selection.count_is(len(dataset.load_saved_view("round_1_uncovered")))


def test_the_view_of_the_grid_restricts_the_map(selection, whole, dataset):
    selection.page.get_by_test_id("saved-views-selection").click()
    selection.page.get_by_text("round_2", exact=True).first.click()
    selection.count_is(24)
    selection.see(f"24 of the {_COUNT} points are in the view")
    points = selection.figure(0).evaluate("e => e.data.map(t => [t.name, t.marker.size, t.x.length])")
    assert sum(count for _, _, count in points) == _COUNT
    assert sum(count for name, size, count in points if size > 4) >= 24


def test_another_selection_is_analyzed_from_here(selection, whole, dataset):
    selection.panel.get_by_role("combobox").first.click()
    selection.page.get_by_role("option", name="round_2 (selection, not analyzed yet)").click()
    selection.see("round_2 has not been analyzed yet")
    selection.panel.get_by_role("button", name="Analyze", exact=True).click()
    selection.form.wait_for(timeout=15_000)
    selection.settle(2500)
    selection.execute()
    selection.see("Analyzed 'round_2'")
    selection.close()
    expect(selection.panel.get_by_text("Coverage and diversity")).to_be_visible(timeout=20_000)
    dataset.reload()
    assert "round_2_analysis" in dataset.list_runs()


def test_looks_at_home_in_the_light_theme_too(selection):
    selection.page.get_by_test_id("LightModeIcon").or_(
        selection.page.locator("[data-testid='LightModeIcon']")
    ).first.click()
    selection.settle(1200)
    ink = selection.figure(1).locator(".xtick text").first.evaluate("e => getComputedStyle(e).fill")
    page = selection.panel.evaluate("e => getComputedStyle(e.ownerDocument.body).backgroundColor")
    assert _luminance(ink) < 0.5 < _luminance(page)
    behind = selection.figure(1).locator(".main-svg").first.evaluate("e => e.style.background")
    assert behind in ("rgba(0, 0, 0, 0)", "transparent", "none", "")
    selection.shot("panel_light")
    selection.page.locator("[data-testid='DarkModeIcon']").first.click()
    selection.settle(800)


def _luminance(color: str) -> float:
    """How light a colour is, from 0 to 1."""
    return float(np.mean([int(part) for part in re.findall(r"\d+", color)[:3]])) / 255


# The tab Back-test


@pytest.fixture(scope="module")
def back_tests(app):
    """The App with the tab open."""
    app.open_panel(tab="Back-test")
    return app


def test_a_back_test_is_made_from_here(back_tests, whole, dataset):
    back_tests.see("Which strategy pays on your data?")
    back_tests.panel.get_by_role("button", name="Back-test strategies").click()
    back_tests.form.wait_for(timeout=15_000)
    back_tests.settle(2500)
    back_tests.shot("back_test_form")
    back_tests.execute()
    back_tests.see(f"Back-tested on {_LABELED} labelled samples")
    back_tests.close()
    expect(back_tests.panel.get_by_text("Learning curves")).to_be_visible(timeout=20_000)
    dataset.reload()
    made = shortlist.load_back_test(dataset, "back_test_1")
    shown = back_tests.figure(0).evaluate("e => e.data.filter(t => t.name).map(t => [t.name, t.y[0]])")
    assert {curve.name: curve.values[0].mean for curve in made.curves}.items() <= dict(shown).items()
    expect(back_tests.panel.get_by_role("row", name=re.compile("^RANDOM"))).to_be_visible()
    back_tests.shot("panel_back_test")


def test_the_curves_are_shown_beside_random(back_tests):
    back_tests.panel.get_by_text("what the labels teach").click()
    back_tests.page.get_by_role("option", name="how much more than random ones").click()
    back_tests.settle(2500)
    random = back_tests.figure(0).evaluate("e => e.data.find(t => t.name == 'RANDOM').y")
    assert set(random) == {0}
    back_tests.shot("panel_back_test_difference")


def test_a_strategy_that_paid_is_used(back_tests):
    back_tests.panel.get_by_role("row", name=re.compile("^BADGE")).get_by_role("button").click()
    back_tests.form.wait_for(timeout=15_000)
    back_tests.see("draws what is unsure in")
    expect(back_tests.form.get_by_role("textbox").first).to_have_value(re.compile('"type": "BADGE"'))
    back_tests.form.get_by_role("button", name="Cancel").click()
    back_tests.settle(600)


# The tab Overview


@pytest.fixture(scope="module")
def overview(app, dataset):
    """The App with the tab open, and the newest selection analyzed."""
    dataset.reload()
    if "round_2_analysis" not in dataset.list_runs():
        analyze_selection(dataset, "round_2", random_draws=5)
    app.open_panel(tab="Overview")
    app.see("What to do next")
    return app


def _row_action(app: App, row: re.Pattern[str], label: str) -> None:
    """Chooses what a row of a table offers."""
    app.panel.get_by_role("row", name=row).get_by_role("button").click()
    app.page.get_by_role("menuitem", name=label).click()


def _card(app: App, text: str) -> Locator:
    """The card of a step."""
    title = app.panel.get_by_text(text, exact=True)
    return title.locator("xpath=ancestor::*[.//button][1]")


def test_overview_says_where_the_work_stands(overview, dataset):
    expect(overview.panel.get_by_text(f"{_COUNT} samples").first).to_be_visible()
    first = overview.panel.get_by_role("row", name=re.compile("^round_2: DIVERSITY of embedding"))
    expect(first).to_contain_text("24")
    expect(first).to_contain_text("done")
    expect(overview.panel.get_by_role("row", name=re.compile("^Uncertainty of predictions"))).to_be_visible()
    overview.shot("panel_overview")
    # Half of its samples have labels.
    expect(overview.panel.get_by_text(re.compile("of 48 selected samples have ground_truth"))).to_be_visible()
    first.scroll_into_view_if_needed()
    overview.shot("panel_overview_rounds")


def test_overview_does_a_step_and_offers_the_next(overview, whole, dataset):
    card = _card(overview, "Find wrong labels in ground_truth")
    card.get_by_role("button").click()
    overview.form.wait_for(timeout=15_000)
    overview.settle(2000)
    chosen = [box.inner_text() for box in overview.form.get_by_role("combobox").all()][:2]
    assert chosen == ["ground_truth", "predictions"]
    overview.execute()
    overview.see("run ground_truth_quality")
    overview.close()
    issues = overview.panel.get_by_role("row", name=re.compile("^ground_truth, beside predictions"))
    expect(issues).to_be_visible(timeout=20_000)
    expect(overview.panel.get_by_text("Find wrong labels in ground_truth")).to_have_count(0)
    dataset.reload()
    flagged = len(dataset.load_saved_view("ground_truth_issues"))
    expect(issues).to_contain_text(f"{flagged} of {_LABELED}")


def _all_steps(overview: App) -> None:
    while overview.panel.get_by_role("button", name=re.compile("more step")).count():
        overview.panel.get_by_role("button", name=re.compile("more step")).click()
        overview.settle(1500)


def test_overview_s_next_round_stands_on_what_is_there(overview, whole):
    _all_steps(overview)
    _card(overview, "Select the next round on top of labeled, round_2").get_by_role("button").click()
    overview.form.wait_for(timeout=15_000)
    overview.see("what is in labeled and round_2 counts as picked already")
    overview.shot("panel_overview_next_round")
    expect(overview.form.get_by_text("label the next batch, with predictions stored").first).to_be_visible()
    overview.form.get_by_role("button", name="Cancel").click()
    overview.settle(600)


def test_overview_shows_and_explains_a_selection(overview, whole, dataset):
    row = re.compile("^round_1: COVERAGE of embedding")
    _row_action(overview, row, "Show its samples")
    overview.count_is(24)
    _row_action(overview, row, "Why were samples picked")
    overview.form.wait_for(timeout=15_000)
    overview.settle(1500)
    expect(overview.form.get_by_role("combobox").last).to_have_text(re.compile("round_1"))
    overview.form.get_by_role("button", name="Cancel").click()
    overview.settle(600)


def test_overview_sorts_samples_by_a_score(overview, whole, dataset):
    _row_action(overview, re.compile("^Uncertainty of predictions"), "Sort samples")
    overview.settle(2500)
    overview.count_is(_COUNT)
    expect(overview.page.get_by_test_id("view-bar")).to_contain_text("predictions_uncertainty")


# The tab Compare, whose figures are the overlap, coverage, diversity and classes


@pytest.fixture(scope="module")
def comparison(dataset):
    return shortlist.compare_selections(dataset, ["round_1", "round_2"]).comparison


def test_overview_opens_the_comparison(overview, comparison):
    _all_steps(overview)
    _card(overview, "Compare round_1 with round_2").get_by_role("button").click()
    overview.see("Beside chance")
    tab = overview.panel.get_by_role("tab", name="Compare", exact=True)
    expect(tab).to_have_attribute("aria-selected", "true")
    shown = overview.figure(0).evaluate("e => e.data[0].text")
    assert shown == [["(24)", str(comparison.overlaps[0].count)], [str(comparison.overlaps[0].count), "(24)"]]
    overview.shot("panel_compare")


def test_a_cell_of_the_overlap_shows_what_both_have(app, whole, comparison, dataset):
    box = app.figure(0).locator(".nsewdrag").first.bounding_box()
    app.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.25)
    shared = comparison.overlaps[0].count
    assert shared > 0
    app.count_is(shared)
    assert dataset.match((F("round_1.rank") >= 1) & (F("round_2.rank") >= 1)).count() == shared


def test_a_row_shows_what_only_one_has(app, whole, comparison):
    row = app.panel.get_by_role("row", name=re.compile("^round_1: COVERAGE"))
    expect(row).to_contain_text(str(comparison.members[0].alone))
    row.get_by_role("button").click()
    app.count_is(comparison.members[0].alone)


def test_a_tag_is_compared_too(app, whole):
    app.panel.get_by_role("combobox").nth(2).click()
    app.page.get_by_role("option", name="labeled", exact=True).click()
    expect(app.panel.get_by_role("row", name=re.compile("^labeled: tag"))).to_contain_text(
        str(_LABELED), timeout=20_000
    )
    assert len(app.figure(0).evaluate("e => e.data[0].z")) == 3
    # Where the first goes, the others move up.
    app.panel.get_by_role("combobox").first.click()
    app.page.get_by_role("option", name="(none)", exact=True).click()
    expect(app.panel.get_by_role("row", name=re.compile("^round_1: COVERAGE"))).to_have_count(0, timeout=20_000)
    app.settle(2500)
    chosen = [box.inner_text() for box in app.panel.get_by_role("combobox").all()]
    assert chosen[:3] == ["round_2", "labeled", "(none)"]


# The end: what comes here looks at everything above


def test_nothing_went_wrong_in_the_browser(app):
    assert [error for error in app.errors if "entry is loading" not in error] == []
