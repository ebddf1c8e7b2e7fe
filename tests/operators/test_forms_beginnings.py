"""The form of select_samples: what it begins with, presets, earlier selections, saved and pasted configs."""

from __future__ import annotations

import json
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from shortlist import delete_config, list_configs, load_config, save_config, select_samples
from shortlist.api.configs import has
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.presets import presets
from shortlist.operators import forms_select

NAME = "select_samples"
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
CONFIG = {"n_samples": 2, "strategies": [HOUR]}


pytestmark = pytest.mark.usefixtures("no_configs")


class TestBeginnings:
    def test_are_offered_in_the_words_of_the_docs(self, form, full):
        offered = {choice["value"]: choice["label"] for choice in form(NAME, full)["start"]["view"]["choices"]}
        assert list(offered) == [*presets(), "compose", "paste"]
        assert offered["edge_cases"] == "find edge cases and outliers"

    @pytest.mark.parametrize("name", presets())
    def test_a_preset_fills_the_form(self, form, run, full, name):
        chosen: dict[str, Any] = {"start": name, "config": {"n_samples": 5}}
        if name == "threshold":
            chosen["config_threshold"] = {"strategies_THRESHOLD": {"strategy": {"threshold": 3}}}
        given = parse(SelectionConfig, run(full, chosen)["config"])
        kinds = [one["strategy"]["type"] for one in presets()[name].config(has(full))["strategies"]]
        assert [entry.strategy.type for entry in given.strategies] == kinds
        assert given.n_samples == 5

    def test_a_preset_says_what_is_missing(self, form, make):
        bare = make([fo.Sample("/nowhere/0.png")])
        drawn = form(NAME, bare, {"start": "edge_cases"})
        assert drawn["problem"]["view"]["label"].startswith("This dataset has no embeddings. Compute some with")
        assert "meaning" not in drawn

    @pytest.mark.parametrize(
        ("tag", "label", "start"),
        [("labeled", True, "next_batch"), ("night", True, "first_batch"), ("labeled", False, "first_batch")],
    )
    def test_the_first_one_fits_the_dataset(self, form, make, tag, label, start):
        one = fo.Sample("/nowhere/0.png", tags=[tag], clip=np.zeros(3))
        if label:
            one["predictions"] = fo.Classification(label="a", confidence=0.5)
        assert form(NAME, make([one]))["start"]["default"] == start
        assert form(NAME, make([fo.Sample("/nowhere/0.png")]))["start"]["default"] == "compose"

    def test_each_keeps_what_was_typed_to_itself(self, sent, full):
        held = sent(NAME, full, {"start": "edge_cases"})
        held["config_edge_cases"]["strategies_DIVERSITY"]["strategy"]["strength"] = 7
        held = sent(NAME, full, {**held, "start": "first_batch"})
        (entry,) = forms_select.submitted_form(full, held)["config"]["strategies"]
        assert (entry["strategy"]["type"], entry["strategy"]["strength"]) == ("COVERAGE", 1)

    def test_an_earlier_selection(self, run, classified):
        config = {
            "n_samples": 3,
            "seed": 5,
            "strategies": [{**HOUR, "strategy": {"type": "WEIGHTS", "strength": -2.0}}],
        }
        select_samples(classified, config, "round_1")
        given = run(classified, {"start": "selection:round_1"})
        assert parse(SelectionConfig, given["config"]) == parse(SelectionConfig, config)
        assert given["run_key"] == "round_2"

    def test_a_saved_config(self, run, full):
        config = {
            "proportion_samples": 0.25,
            "strategies": [
                {
                    "input": {"type": "METADATA", "key": "video_name"},
                    "strategy": {"type": "BALANCE", "target": {"video 1": 0.5, "gone": 0.1}},
                },
                {
                    "input": {"type": "EMBEDDINGS", "field": "dino"},
                    "strategy": {"type": "COVERAGE", "weight": {"type": "SCORES", "field": "hour"}},
                },
                {
                    "input": {"type": "METADATA", "key": "hour"},
                    "strategy": {"type": "WEIGHTS", "target_range": [2.0, 3.5]},
                },
                {"input": {"type": "RANDOM", "random_seed": 3}, "strategy": {"type": "WEIGHTS", "strength": 0.25}},
            ],
            "constraints": [
                {"type": "PER_CLASS", "input": {"type": "PREDICTIONS", "task": "predictions"}, "minimum": {"a": 2.0}}
            ],
            "seed": 9,
            "preselected": "faces",
            "selected_sequence_length": 2,
            "sequence_of": "video_name",
        }
        save_config("Größe é", config)
        given = run(full, {"start": "saved:Größe é"})["config"]
        assert parse(SelectionConfig, given) == parse(SelectionConfig, config)

    def test_a_name_that_is_gone_does_no_harm(self, form, full):
        assert form(NAME, full, {"start": "saved:gone"})["start"]["default"] == "first_batch"


class TestPastedJson:
    def held(self, text: str) -> dict:
        return {"run_key": "round_1", "start": "paste", "pasted_config": text}

    def test_is_read(self, full):
        held = self.held(json.dumps(CONFIG, indent=2))
        assert forms_select.submitted_form(full, held) == {"run_key": "round_1", "config": CONFIG}

    def test_takes_the_place_of_the_fields(self, form, full):
        drawn = form(NAME, full, {"start": "paste"})
        assert "pasted_config" in drawn
        assert not [name for name in drawn if name.startswith("config")]
        assert "problem" not in drawn

    def test_is_said_in_words(self, form, full):
        drawn = form(NAME, full, self.held(json.dumps(CONFIG)))
        assert drawn["meaning"]["view"]["label"] == "Picks 2 samples: prefers high `hour`."
        assert "problem" not in drawn

    def test_errors_are_shown_in_the_form(self, form, full):
        broken = form(NAME, full, self.held("{"))["problem"]
        assert broken["invalid"] is True
        assert broken["view"]["label"].startswith("config must be JSON (line 1, column 2: ")
        wrong = form(NAME, full, self.held('{"n_samples": -1, "strategies": []}'))["problem"]
        assert wrong["view"]["label"].startswith("config.n_samples must be >= 0. Got -1 instead.")


class TestSaving:
    def execute(self, operator, context, dataset, params: dict) -> None:
        list(operator(NAME).execute(context(NAME, dataset, params)))

    def test_a_config_is_saved_when_the_selection_was_made(self, operator, context, sent, classified, composed):
        chosen = {
            **composed("WEIGHTS", strategies_WEIGHTS={"input": {"type": "METADATA", "key": "hour"}}),
            "config": {"n_samples": 2},
            "save_config_as": "late é",
        }
        self.execute(operator, context, classified, sent(NAME, classified, chosen))
        assert load_config("late é") == CONFIG
        classified.reload()
        assert classified.load_saved_view("round_1").values("hour") == [11, 10]

    def test_a_selection_that_fails_saves_nothing(self, operator, context, classified):
        params = {
            "run_key": "round_1",
            "start": "paste",
            "pasted_config": json.dumps({**CONFIG, "n_samples": 99}),
            "save_config_as": "late",
        }
        with pytest.raises(Exception, match="n_samples must be at most 12"):
            self.execute(operator, context, classified, params)
        assert list_configs() == []

    def test_another_config_is_replaced_only_when_asked(self, form, operator, context, snapshot, classified):
        save_config("late", {**CONFIG, "n_samples": 5})
        params = {"run_key": "round_1", "start": "paste", "pasted_config": json.dumps(CONFIG), "save_config_as": "late"}
        drawn = form(NAME, classified, params)
        assert drawn["problem"]["view"]["label"].startswith("the name of a config must be new. Got 'late' instead.")
        assert drawn["replace_config"]["view"]["label"] == "Replace what is saved as 'late'"
        before = snapshot(classified)
        with pytest.raises(Exception, match="the name of a config must be new"):
            self.execute(operator, context, classified, params)
        assert snapshot(classified) == before
        assert "problem" not in form(NAME, classified, {**params, "replace_config": True})
        self.execute(operator, context, classified, {**params, "replace_config": True})
        assert load_config("late") == CONFIG

    def test_the_same_config_may_be_saved_again(self, form, classified):
        save_config("late", CONFIG)
        params = {"run_key": "round_1", "start": "paste", "pasted_config": json.dumps(CONFIG), "save_config_as": "late"}
        assert "problem" not in form(NAME, classified, params)


def test_a_script_s_parameters_are_no_form(form, full):
    drawn = form(NAME, full, {"run_key": "round_1", "config": CONFIG})
    assert list(drawn) == ["run_key", "config"]
    assert drawn["config"]["type"]["properties"] == {}
    assert forms_select.saving({"run_key": "round_1", "config": CONFIG, "save_config_as": "late"}) == (None, False)


def test_a_script_without_a_config_is_told_so(operator, context, classified):
    with pytest.raises(Exception, match=r"^config must be given\.$"):
        list(operator(NAME).execute(context(NAME, classified, {"run_key": "round_1"})))


def test_the_form_is_not_wrong_before_the_app_has_sent_it(form, full):
    assert not {"problem", "wrong"} & set(form(NAME, full))


def test_a_config_that_is_gone_meanwhile_is_not_replaced_by_another(form, sent, operator, context, full):
    save_config("late", CONFIG)
    params = sent(NAME, full, {"start": "saved:late"})
    delete_config("late")
    with pytest.raises(Exception, match=r"must be there still\. Got 'saved:late' instead\."):
        list(operator(NAME).execute(context(NAME, full, params)))
