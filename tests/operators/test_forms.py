"""Forms drawn from the models, and read back as the App would send them."""

from __future__ import annotations

import fiftyone as fo
import pytest

from shortlist import ShortlistError, select_samples
from shortlist.core.schema import described, only_of, parse
from shortlist.core.verbs import (
    ExplainSelection,
    ManageSelections,
    ScoreDisagreement,
    ScoreImages,
    ScoreLabelQuality,
    ScorePredictedLoss,
    ScoreUncertainty,
    SelectSamples,
    VisualizeEmbeddings,
)
from shortlist.dataset import sources
from shortlist.operators import forms

MODELS = {
    "score_uncertainty": ScoreUncertainty,
    "score_disagreement": ScoreDisagreement,
    "score_predicted_loss": ScorePredictedLoss,
    "score_images": ScoreImages,
    "score_label_quality": ScoreLabelQuality,
    "select_samples": SelectSamples,
    "explain_selection": ExplainSelection,
    "manage_selections": ManageSelections,
    "visualize_embeddings": VisualizeEmbeddings,
}
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}


def choices(prop: dict) -> list:
    """What may be chosen, less the nothing that an optional choice offers too."""
    return [choice["value"] for choice in prop["view"]["choices"] if choice["value"] != ""]


@pytest.mark.parametrize("name", MODELS)
def test_an_empty_dataset_has_a_form_too(form, make, name):
    assert form(name, make())


@pytest.mark.parametrize("name", MODELS)
def test_without_a_dataset_the_form_says_so(form, name):
    problem = form(name, None)["problem"]
    assert problem["invalid"] is True
    assert problem["view"]["label"] == "Open a dataset first."


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_is_drawn_with_its_sentence(form, classified, name):
    select_samples(classified, {"n_samples": 1, "strategies": [HOUR]}, "earlier")
    classified.delete_run("earlier") if name == "select_samples" else None
    properties = form(name, classified)
    for field_name, field in described(MODELS[name]):
        if (only := only_of(field)) is not None and not sources.applies(only, classified, {}):
            assert field_name not in properties
        elif field_name in ("config",):
            assert field_name in properties
        else:
            assert properties[field_name]["view"].get("description") == field.description, field_name


def test_roles_offer_what_the_dataset_has(form, classified, detected):
    classified.add_sample_field("ground_truth", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    field = form("score_uncertainty", classified)["label_field"]
    assert choices(field) == ["predictions", "ground_truth"]
    assert field["default"] == "predictions"
    assert choices(form("visualize_embeddings", classified)["embeddings"]) == ["clip"]
    assert form("select_samples", classified)["run_key"]["default"] == "round_1"


def test_bounds_and_choices_are_those_of_the_model(form, detected):
    properties = form("score_uncertainty", detected)
    assert (properties["min_confidence"]["type"]["min"], properties["min_confidence"]["type"]["max"]) == (0, 1)
    assert choices(properties["aggregation"]) == ["max", "mean", "sum", "top_m"]
    assert properties["probabilities_attribute"]["default"] == "probabilities"


def test_what_is_missing_is_said_and_keeps_the_form_from_being_sent(form, make):
    problem = form("score_uncertainty", make([fo.Sample("/nowhere/0.png")]))["problem"]
    assert problem["invalid"] is True
    assert problem["view"]["label"].startswith("This dataset has no prediction field. Add labels of a model")


class TestDefaults:
    """A form that is sent as it was drawn is the model with its defaults."""

    def test_of_scores(self, sent, untouched):
        given = forms.read(ScoreUncertainty, sent("score_uncertainty", untouched))
        assert parse(ScoreUncertainty, given) == parse(ScoreUncertainty, {"label_field": "predictions"})

    def test_of_a_visualization(self, sent, untouched):
        given = forms.read(VisualizeEmbeddings, sent("visualize_embeddings", untouched))
        assert parse(VisualizeEmbeddings, given) == parse(VisualizeEmbeddings, {})

    def test_of_managing(self, sent, untouched):
        given = forms.read(ManageSelections, sent("manage_selections", untouched))
        assert parse(ManageSelections, given) == parse(ManageSelections, {})


class TestValues:
    def test_zero_and_false_are_values(self):
        held = {"label_field": "predictions", "min_confidence": 0, "scores": []}
        assert forms.read(ScoreUncertainty, held) == {"label_field": "predictions", "min_confidence": 0.0}

    def test_an_optional_choice_can_be_taken_back(self, form, untouched):
        embeddings = form("score_images", untouched)["embeddings"]
        assert embeddings["view"]["choices"][0] == {**embeddings["view"]["choices"][0], "value": "", "label": "(none)"}
        assert forms.read(ScoreImages, {"embeddings": ""}) == {}
        # What must be chosen has no nothing.
        assert form("score_uncertainty", untouched)["label_field"]["view"]["choices"][0]["value"] == "predictions"

    def test_an_object_of_texts_is_json(self):
        held = {"label_field": "a", "predictions_field": "b", "class_names": '{"automobile": "car"}'}
        assert forms.read(ScoreLabelQuality, held)["class_names"] == {"automobile": "car"}
        with pytest.raises(ShortlistError, match="class_names must be JSON"):
            forms.read(ScoreLabelQuality, {**held, "class_names": "automobile car"})


class TestProblems:
    def test_are_shown_while_the_form_is_filled(self, form, untouched):
        drawn = form("score_uncertainty", untouched, {"label_field": "predictions", "min_confidence": 2})
        assert drawn["problem"]["invalid"] is True
        assert drawn["problem"]["view"]["label"] == "min_confidence must be <= 1.0. Got 2.0 instead."

    def test_are_not_shown_before_what_must_be_given_is_there(self, form, untouched):
        assert "problem" not in form("score_uncertainty", untouched, {"min_confidence": 2})

    def test_are_gone_when_all_is_well(self, form, untouched):
        assert "problem" not in form("score_uncertainty", untouched, {"label_field": "predictions"})

    def test_a_selection_to_delete_must_be_named(self, form, untouched):
        drawn = form("manage_selections", untouched, {"action": "delete"})
        assert drawn["problem"]["view"]["label"] == "run_key must be given to delete a selection."
