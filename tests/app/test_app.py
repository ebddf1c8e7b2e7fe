"""What a person does in the App, in a real browser: score, select, see, manage, and be told what is wrong."""

from __future__ import annotations

import json

import digits
import fiftyone as fo
import pytest
from driver import App, serving
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.browser

MIXTURE = {
    "n_samples": 30,
    "preselected": "labeled",
    "strategies": [
        {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "COVERAGE"}},
        {
            "input": {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"},
            "strategy": {"type": "WEIGHTS"},
        },
    ],
}


@pytest.fixture(scope="module")
def dataset():
    """The demo's dataset, as it is before anything is scored."""
    dataset = digits.load("app digits", None)
    yield dataset
    fo.delete_dataset(dataset.name)


@pytest.fixture(scope="module")
def app(dataset):
    """The App, open on the dataset; everything below happens in this one session, in order."""
    with serving(dataset.name) as address, sync_playwright() as playwright:
        app = App(playwright, address, dataset.name)
        yield app
        app.browser.close()


def test_scores_through_the_form(app, dataset):
    app.open_operator("Score uncertainty")
    app.settle()
    app.shot("score_form")
    app.execute()
    app.see("Scored 1797 samples")
    app.shot("score_result")
    app.close()

    app.see("predictions_uncertainty_margin")
    dataset.reload()
    assert len(dataset.exists("predictions_uncertainty_margin")) == 1797


def test_says_what_is_wrong(app, dataset):
    app.open_operator("Select samples")
    app.settle()
    app.fill("Number of samples", "5000")
    app.execute()
    app.see("n_samples must be at most 1197, the number of candidates (600 more are preselected). Got 5000 instead.")
    app.shot("select_error")
    app.close()

    dataset.reload()
    assert dataset.list_runs() == []


def test_says_what_is_wrong_before_it_is_run(app):
    app.open_operator("Select samples")
    app.settle()
    app.fill("Share of the samples", "0.5")
    app.see("exactly one of n_samples and proportion_samples must be given. Got both instead.")
    assert app.form.get_by_role("button", name="Execute").first.is_disabled()
    app.form.get_by_role("button", name="Cancel").click()


def test_selects_through_the_form_and_opens_the_saved_view(app, dataset):
    app.open_operator("Select samples")
    app.settle()
    app.choose("I want to", "compose it myself")
    app.fill("Number of samples", "25")
    app.add("Strategies", "WEIGHTS")
    app.see("Picks 25 samples: covers")
    app.see("1797 of 1797 candidates are eligible.")
    app.shot("select_form")
    app.execute()
    app.see("Selected 25 of 1797 eligible samples as 'round_1'")
    app.close()
    app.settle(4000)
    app.shot("select_view")

    assert app.count == "25 samples"
    assert app.page.get_by_test_id("saved-views-selection").get_by_text("round_1").count()
    app.see("decided_by")
    dataset.reload()
    assert dataset.load_saved_view("round_1").values("round_1.rank") == list(range(1, 26))
    assert set(dataset.load_saved_view("round_1").distinct("round_1.decided_by")) <= {
        "COVERAGE of embedding",
        "WEIGHTS of predictions_uncertainty_margin",
    }


def test_selects_from_pasted_json(app, dataset):
    app.open_operator("Select samples")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.choose("I want to", "paste a config as JSON")
    app.fill("Config as JSON", json.dumps(MIXTURE))
    app.shot("select_json")
    app.execute()
    app.see("Selected 30 of 1197 eligible samples as 'round_2'")
    app.close()

    dataset.reload()
    assert len(dataset.match_tags("round_2")) == 30
    assert not dataset.match_tags("round_2").match_tags("labeled")


def test_loads_and_deletes_selections(app, dataset):
    app.open_operator("Manage selections")
    app.settle()
    app.execute()
    app.see("2 selection(s)")
    app.shot("manage_list")
    app.close()
    app.open_operator("Manage selections")
    app.settle()
    app.choose("Action", "load")
    app.choose("Run key", "round_1")
    app.execute()
    app.see("Loaded 'round_1'")
    app.close()
    app.settle(3000)
    assert app.count == "25 samples"

    app.open_operator("Manage selections")
    app.settle()
    app.choose("Action", "delete")
    app.choose("Run key", "round_2")
    app.execute()
    app.see("Deleted 'round_2'")
    app.close()
    dataset.reload()
    assert dataset.list_runs() == ["round_1"]
    assert "round_2" not in dataset.distinct("tags")


def test_opens_the_embeddings_panel_coloured_by_the_selection(app, dataset):
    app.open_operator("Visualize embeddings")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.settle()
    app.choose("Embeddings", "embedding")
    app.choose("Method", "pca")
    app.choose("Color by", "round_1.decided_by")
    app.execute()
    app.see("Visualized 1797 samples by pca of 'embedding'")
    app.close()
    app.see("shortlist_map")
    app.settle(4000)
    app.shot("embeddings")

    dataset.reload()
    assert dataset.list_brain_runs() == ["shortlist_map"]
    assert app.page.get_by_test_id("panel-tab-embeddings").count()


def test_a_form_asks_only_what_matters_for_the_label_field(app, dataset):
    dataset.add_sample_field("boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    app.open_operator("Score uncertainty")
    app.settle()
    assert not app.form.get_by_text("Aggregation", exact=True).count()
    app.choose("Label field", "boxes")
    app.see("For a budget of images: sum")
    app.shot("score_form_boxes")
    app.form.get_by_role("button", name="Cancel").click()
    dataset.delete_sample_field("boxes")


def test_compares_two_fields(app, dataset):
    app.open_operator("Score disagreement")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.add("Label fields", "predictions", "ground_truth")
    app.shot("disagreement_form")
    app.execute()
    app.see("Compared 'predictions', 'ground_truth' on")
    app.shot("disagreement_result")
    app.close()

    dataset.reload()
    assert set(dataset.values("disagreement_vote_entropy")) == {None, 0, 1}


def test_measures_images_and_keeps_a_view_of_the_problems(app, dataset):
    app.open_operator("Score images")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.shot("images_form")
    app.execute()
    app.see("Measured 1797 images")
    app.shot("images_result")
    app.close()

    dataset.reload()
    assert None not in dataset.values("image_quality.brightness")
    assert dataset.has_saved_view("image_quality_problems")


def test_learns_the_loss_from_labels(app, dataset):
    app.open_operator("Score predicted loss")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.choose("Ground truth", "ground_truth")
    app.execute()
    app.see("rank correlation")
    app.shot("loss_result")
    app.close()

    dataset.reload()
    assert len(dataset.exists("predictions_predicted_loss")) == 1797


def test_finds_wrong_labels_and_shows_them(app, dataset):
    wrong = dataset.match_tags("labeled").limit(3)
    wrong.set_values("ground_truth.label", [str((int(one) + 1) % 10) for one in wrong.values("ground_truth.label")])
    app.open_operator("Score label quality")
    app.settle()
    app.form.get_by_text("Entire dataset").click()
    app.choose("Label field", "ground_truth")
    app.choose("Predictions field", "predictions")
    app.shot("quality_form")
    app.execute()
    app.see("of 1797 samples of 'ground_truth'")
    app.see("What is given for what")
    app.shot("quality_result")
    app.close()
    app.settle(4000)
    app.shot("quality_view")

    dataset.reload()
    found = dataset.load_saved_view("ground_truth_issues").values("id")
    assert app.count.startswith(f"{len(found)} sample")
    assert set(wrong.values("id")) <= set(found)


def test_nothing_went_wrong_in_the_browser(app):
    ours = [error for error in app.errors if "shortlist" in error.lower()]

    assert ours == []
