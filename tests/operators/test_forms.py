"""Forms drawn from the models, and read back as the App would send them."""

from __future__ import annotations

import json
from typing import Any

import fiftyone as fo
import pytest

from shortlist import ShortlistError, select_samples
from shortlist.core.schema import described, only_of, parse
from shortlist.core.selection.inputs import inputs
from shortlist.core.selection.strategy import strategies
from shortlist.core.verbs import (
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
    "manage_selections": ManageSelections,
    "visualize_embeddings": VisualizeEmbeddings,
}
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}


@pytest.fixture
def form(operator, context):
    """The drawn form of an operator as the App gets it."""

    def drawn(name: str, dataset: Any, params: dict | None = None, **request: Any) -> dict:
        return operator(name).resolve_input(context(name, dataset, params, **request)).to_json()["type"]["properties"]

    return drawn


def filled(properties: dict) -> dict:
    """What the App sends when a person changes nothing: the defaults of the form."""
    values = {}
    for name, one in properties.items():
        if one["type"]["name"] == "Object":
            values[name] = filled(one["type"]["properties"])
        elif one.get("default") is not None:
            values[name] = one["default"]
    return values


def kind(source: str) -> str:
    """Where a form holds the strategy's type while this input is chosen: each offer has a place of its own."""
    gives = inputs()[source].gives
    return "_".join(["type", *(name.lower() for name, one in strategies().items() if one.takes in gives)])


def choices(prop: dict) -> list:
    return [choice["value"] for choice in prop["view"]["choices"]]


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


def test_every_field_of_the_config_is_drawn(form, untouched):
    inside = form("select_samples", untouched)["config"]["type"]["properties"]
    assert {"n_samples", "proportion_samples", "seed", "preselected", "candidates"} <= set(inside)
    assert {"how_many_strategies", "strategies_1"} <= set(inside)
    slot = inside["strategies_1"]["type"]["properties"]
    assert choices(slot["input"]["type"]["properties"]["type"]) == ["EMBEDDINGS", "SCORES", "METADATA", "RANDOM"]
    assert set(slot["input"]["type"]["properties"]) >= {"type", "field"}
    assert "strength" in slot["strategy"]["type"]["properties"]


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

    def test_of_scores(self, form, untouched):
        given = forms.read(ScoreUncertainty, filled(form("score_uncertainty", untouched)))
        assert parse(ScoreUncertainty, given) == parse(ScoreUncertainty, {"label_field": "predictions"})

    def test_of_a_visualization(self, form, untouched):
        given = forms.read(VisualizeEmbeddings, filled(form("visualize_embeddings", untouched)))
        assert parse(VisualizeEmbeddings, given) == parse(VisualizeEmbeddings, {})

    def test_of_managing(self, form, untouched):
        given = forms.read(ManageSelections, filled(form("manage_selections", untouched)))
        assert parse(ManageSelections, given) == parse(ManageSelections, {})

    def test_of_a_selection(self, form, untouched):
        given = forms.read(SelectSamples, filled(form("select_samples", untouched)))
        (strategy,) = given["config"]["strategies"]
        plain = {
            "n_samples": 100,
            "strategies": [{"input": {"type": "EMBEDDINGS"}, "strategy": {"type": strategy["strategy"]["type"]}}],
        }
        assert parse(SelectSamples, given) == parse(SelectSamples, {"run_key": "round_1", "config": plain})


class TestSlotsAndUnions:
    def test_as_many_slots_as_chosen(self, form, untouched):
        inside = form("select_samples", untouched, {"config": {"how_many_strategies": 3}})["config"]["type"][
            "properties"
        ]
        assert [name for name in inside if name.startswith("strategies_")] == [f"strategies_{n}" for n in (1, 2, 3)]

    def test_only_strategies_that_take_what_the_input_gives(self, form, untouched):
        held = {"config": {"strategies_1": {"input": {"type": "METADATA"}}}}
        inside = form("select_samples", untouched, held)["config"]["type"]["properties"]
        slot = inside["strategies_1"]["type"]["properties"]
        (kind,) = [name for name in slot["strategy"]["type"]["properties"] if name.startswith("type")]
        offered = choices(slot["strategy"]["type"]["properties"][kind])
        assert {"WEIGHTS", "THRESHOLD"} <= set(offered)
        assert "DIVERSITY" not in offered
        assert "key" in slot["input"]["type"]["properties"]

    def test_the_chosen_strategy_s_fields_are_drawn(self, form, untouched):
        chosen = {kind("METADATA"): "THRESHOLD"}
        held = {"config": {"strategies_1": {"input": {"type": "METADATA"}, "strategy": chosen}}}
        inside = form("select_samples", untouched, held)["config"]["type"]["properties"]
        drawn = inside["strategies_1"]["type"]["properties"]["strategy"]["type"]["properties"]
        assert {"threshold", "operation", "strength"} <= set(drawn)

    def test_are_read_as_the_model_takes_them(self):
        held = {
            "run_key": "round_1",
            "config": {
                "n_samples": 5,
                "proportion_samples": None,
                "preselected": "",
                "how_many_strategies": 2,
                "strategies_1": {
                    "input": {"type": "EMBEDDINGS", "field": "clip"},
                    "strategy": {kind("EMBEDDINGS"): "DIVERSITY"},
                },
                "strategies_2": {
                    "input": {"type": "METADATA", "key": "hour"},
                    "strategy": {kind("METADATA"): "THRESHOLD", "threshold": 3, "strength": 2},
                },
                "strategies_3": {"input": {"type": "left from before"}},
            },
        }
        assert forms.read(SelectSamples, held) == {
            "run_key": "round_1",
            "config": {
                "n_samples": 5,
                "strategies": [
                    {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "DIVERSITY"}},
                    {
                        "input": {"type": "METADATA", "key": "hour"},
                        "strategy": {"type": "THRESHOLD", "threshold": 3.0, "strength": 2.0},
                    },
                ],
            },
        }

    def test_a_strategy_left_from_another_input_is_not_read(self):
        """The App keeps what was chosen before; what the input no longer offers falls back to what it does."""
        held = {
            "config": {"strategies_1": {"input": {"type": "RANDOM"}, "strategy": {kind("EMBEDDINGS"): "DIVERSITY"}}}
        }
        (strategy,) = forms.read(SelectSamples, held)["config"]["strategies"]
        assert strategy["strategy"]["type"] in ("WEIGHTS", "THRESHOLD")

    def test_zero_and_false_are_values(self):
        held = {"label_field": "predictions", "min_confidence": 0, "scores": []}
        assert forms.read(ScoreUncertainty, held) == {"label_field": "predictions", "min_confidence": 0.0}


class TestPastedJson:
    CONFIG = {"n_samples": 2, "strategies": [HOUR]}

    def held(self, text: str) -> dict:
        return {"run_key": "round_1", "way_of_config": "Paste JSON", "pasted_config": text}

    def test_is_read(self):
        given = forms.read(SelectSamples, self.held(json.dumps(self.CONFIG)))
        assert given == {"run_key": "round_1", "config": self.CONFIG}

    def test_takes_the_place_of_the_fields(self, form, untouched):
        drawn = form("select_samples", untouched, {"way_of_config": "Paste JSON"})
        assert "pasted_config" in drawn
        assert "config" not in drawn

    def test_that_is_none_is_said(self):
        with pytest.raises(ShortlistError) as caught:
            forms.read(SelectSamples, self.held('{"n_samples": 2'))
        assert str(caught.value).startswith("config must be JSON (line 1, column 16: Expecting ',' delimiter).")

    def test_errors_are_shown_in_the_form(self, form, untouched):
        broken = form("select_samples", untouched, self.held("{"))["problem"]
        assert broken["invalid"] is True
        wrong = form("select_samples", untouched, self.held('{"n_samples": -1, "strategies": []}'))["problem"]
        assert wrong["view"]["label"].startswith("config.n_samples must be >= 0. Got -1 instead.")
        assert "problem" not in form("select_samples", untouched, self.held(json.dumps(self.CONFIG)))


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
