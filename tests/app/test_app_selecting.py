"""What a person does in the App to compose a selection: presets, strategies, constraints, the meaning, saving, asking why."""

from __future__ import annotations

import json

import digits
import fiftyone as fo
import numpy as np
import pytest
from driver import App, serving
from playwright.sync_api import expect, sync_playwright

from shortlist import delete_config, list_configs, load_config

pytestmark = pytest.mark.browser

NAME = "Prüfung é"
CONFIG = {
    "n_samples": 20,
    "strategies": [
        {"input": {"type": "EMBEDDINGS", "field": "dino"}, "strategy": {"type": "DIVERSITY"}, "strength": 2.0},
        {
            "input": {"type": "METADATA", "key": "weather.description"},
            "strategy": {"type": "BALANCE", "target": {"sunny": 0.2, "cloudy": 0.4}},
        },
    ],
}


@pytest.fixture(scope="module")
def dataset():
    """The demo's digits with a second embedding, the name of a video and the weather of each."""
    dataset = digits.load(NAME, None)
    rows = range(len(dataset))
    vectors = np.random.default_rng(0).normal(size=(len(dataset), 8)).astype(np.float32)
    dataset.set_values("dino", list(vectors))
    dataset.set_values("video_name", [f"video {row % 20}" for row in rows])
    dataset.add_sample_field("weather", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    dataset.add_sample_field("weather.description", fo.StringField)
    kinds = [fo.DynamicEmbeddedDocument(description=["sunny", "cloudy", "rain"][row % 3]) for row in rows]
    dataset.set_values("weather", kinds)
    yield dataset
    fo.delete_dataset(dataset.name)
    for one in list_configs():
        delete_config(one.name)


@pytest.fixture(scope="module")
def app(dataset):
    """The App, open on the dataset; everything below happens in this one session, in order."""
    with serving(dataset.name) as address, sync_playwright() as playwright:
        app = App(playwright, address, dataset.name)
        yield app
        app.browser.close()


@pytest.fixture
def form(app):
    """The open form of a selection on the whole dataset."""
    app.open_operator("Select samples")
    app.settle(2500)
    if app.form.get_by_text("Entire dataset").count():
        app.form.get_by_text("Entire dataset").click()
        app.settle()
    yield app
    if app.form.count() and app.form.get_by_role("button", name="Cancel").count():
        app.form.get_by_role("button", name="Cancel").click()
    app.settle(600)


def meaning(app: App) -> str:
    """What the form says that it will do."""
    return " ".join(app.form.inner_text().split("Picks ")[1].split("\n\n")[0].split())


def test_begins_with_what_fits_the_dataset(form):
    form.see("label the next batch, with predictions stored")
    assert meaning(form).startswith(
        "100 samples: covers embedding, weighted by predictions_uncertainty_margin; what is in labeled counts as picked "
        "already."
    )
    form.see("1197 of 1197 candidates are eligible, 600 are in the datapool.")
    form.see("predictions_uncertainty_margin is computed first")
    form.shot("select_presets")


def test_composes_strategies_and_a_constraint_and_takes_one_out_again(form, dataset):
    form.begin("compose it myself")
    form.fill("Number of samples", "25")
    form.add("Strategies", "DIVERSITY", "WEIGHTS")
    form.choose("Field", "dino", nth=1)
    form.add("Constraints", "MAX_PER_GROUP")
    form.see("config.constraints[0].maximum must be given.")
    assert form.form.get_by_role("button", name="Execute").first.is_disabled()
    form.choose("Key", "video_name")
    form.fill("Maximum", "1")
    assert meaning(form).startswith(
        "25 samples: covers embedding, spreads out in dino, prefers high predictions_uncertainty_margin, at most 1 per "
        "video_name."
    )
    form.see("1797 of 1797 candidates are eligible.")
    form.see("the rules leave room for about 20 of the 25 samples asked for")
    form.take_out("Strategies", "WEIGHTS")
    form.take_out("Strategies", "COVERAGE")
    form.fill("Number of samples", "12")
    form.page.mouse.move(750, 500)
    form.page.mouse.wheel(0, -5000)
    form.settle()
    form.shot("select_composed")
    assert meaning(form).startswith("12 samples: spreads out in dino, at most 1 per video_name.")
    form.execute()
    form.see("Selected 12 of 1797 eligible samples as 'round_1'")
    form.close()
    dataset.reload()
    videos = dataset.match_tags("round_1").values("video_name")
    assert len(set(videos)) == len(videos) == 12


def test_a_share_takes_the_place_of_the_number(form):
    form.begin("find edge cases and outliers")
    form.fill("Number of samples", "")
    form.fill("Share of the samples", "0.5")
    form.see("Picks 50 % of the candidates: spreads out in embedding")


def test_a_preset_can_be_changed(form, dataset):
    form.begin("have as many of every class")
    form.see("balances the classes of")
    form.choose("Distribution", "TARGET")
    form.see("target must be given where distribution is TARGET.")
    form.fill("3", "0.75")
    form.shot("select_balance")
    form.page.mouse.move(750, 500)
    form.page.mouse.wheel(0, -5000)
    form.settle()
    assert "75 % 3" in meaning(form)


def test_a_pasted_config_is_saved(form, dataset):
    form.begin("paste a config as JSON")
    form.fill("Config as JSON", json.dumps(CONFIG, indent=1))
    assert meaning(form).startswith(
        "20 samples: spreads out in dino (strength 2), balances weather.description to 20 % sunny, 40 % cloudy"
    )
    form.fill("Save this config as", "Wetter é")
    form.execute()
    form.see("Saved the config as 'Wetter é'")
    form.close()
    saved = load_config("Wetter é")
    assert saved["strategies"][0]["strategy"]["strength"] == 2
    form.settle(1000)
    dataset.reload()
    found = dataset.match_tags("round_2").values("weather.description")
    assert (found.count("sunny"), found.count("cloudy"), found.count("rain")) == (4, 8, 8)


def test_a_saved_config_is_used_again(form):
    form.begin("use the saved config 'Wetter é'")
    assert meaning(form).startswith("20 samples: spreads out in dino (strength 2), balances")
    form.fill("Number of samples", "30")
    form.fill("Save this config as", "Wetter é")
    form.see("the name of a config must be new. Got 'Wetter é' instead.")
    form.switch("Replace what is saved as 'Wetter é'")
    assert meaning(form).startswith("30 samples:")
    form.shot("select_saved")


def test_an_earlier_selection_is_done_again(form):
    form.begin("do as in the selection 'round_1'")
    assert meaning(form).startswith("12 samples: spreads out in dino, at most 1 per video_name.")


def test_says_why_not_this_sample(app, dataset):
    app.open_operator("Why not this sample?")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.execute()
    app.see("samples must be at most 1000 to be explained at once. Got 1797 instead.")
    app.close()


def test_says_why_of_the_sample_that_is_open(app):
    app.page.get_by_test_id("looker").first.click()
    app.page.get_by_test_id("modal").wait_for()
    app.settle(3000)
    # The bar of an open sample shows operators by their icons.
    app.page.locator("img[src*='assets/explain.svg']").click()
    app.settle(2000)
    app.execute()
    app.see("of 1 samples asked about were picked in")
    app.shot("explain_result")
    expect(app.page.get_by_role("columnheader", name="Why")).to_be_visible()
    app.close()


def test_nothing_went_wrong_in_the_browser(app):
    assert [error for error in app.errors if "shortlist" in error.lower()] == []
