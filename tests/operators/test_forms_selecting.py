"""The form of select_samples: composing strategies and constraints, beginnings, what it means in words, saving."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import fiftyone as fo
import pytest

from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.constraint import constraints
from shortlist.core.selection.strategy import strategies
from shortlist.operators import forms_select
from shortlist.operators.forms_slots import offered_slots

NAME = "select_samples"
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
CONFIG = {"n_samples": 2, "strategies": [HOUR]}


def inside(form: dict, *path: str) -> dict:
    for name in path:
        form = form[name]["type"]["properties"]
    return form


def chips(prop: dict) -> list[str]:
    return [choice["value"] for choice in prop["view"]["choices"]]


def texts(form: dict) -> str:
    return " ".join(
        str(form[name]["view"].get(key))
        for name in ("meaning", "notes", "wrong", "problem")
        if name in form
        for key in ("label", "description")
    )


class TestStrategies:
    def test_are_chips_with_a_sentence_each_and_a_part_for_each_chosen(self, form, full, composed):
        part = inside(form(NAME, full, composed("COVERAGE", "WEIGHTS")), "config_compose")
        assert [name for name in part if name.startswith("strategies")] == [
            "strategies",
            "strategies_COVERAGE",
            "strategies_WEIGHTS",
        ]
        by_name = {choice["value"]: choice for choice in part["strategies"]["view"]["choices"]}
        assert by_name["DIVERSITY"]["description"].startswith("Picks what is farthest")

    def test_that_the_dataset_cannot_serve_are_not_offered(self, form, full, make):
        every = {chip.split()[0] for chip in chips(inside(form(NAME, full), "config_first_batch")["strategies"])}
        assert every == set(strategies())
        bare = make([fo.Sample("/nowhere/0.png", hour=3)])
        offered = {chip.split()[0] for chip in chips(inside(form(NAME, bare), "config_compose")["strategies"])}
        assert {"WEIGHTS", "THRESHOLD", "BALANCE"} <= offered
        assert not {"COVERAGE", "DIVERSITY", "BADGE", "BATCHBALD"} & offered

    def test_can_be_of_one_kind_several_times(self, form, run, full, composed):
        assert offered_slots(["WEIGHTS"], ["COVERAGE", "WEIGHTS"]) == ["COVERAGE", "WEIGHTS 2", "WEIGHTS"]
        assert offered_slots(["WEIGHTS 2"], ["WEIGHTS"]) == ["WEIGHTS", "WEIGHTS 2"]
        chosen = composed(
            "WEIGHTS",
            "WEIGHTS 2",
            strategies_WEIGHTS={"input": {"type": "METADATA", "key": "hour"}},
            strategies_WEIGHTS_2={"input": {"type": "SCORES"}, "strategy": {"strength": 2}},
        )
        first, second = run(full, chosen)["config"]["strategies"]
        assert first["input"]["key"] == "hour"
        assert second["input"] == {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"}
        assert second["strategy"]["strength"] == 2.0

    def test_that_were_removed_are_not_read_though_the_app_keeps_their_fields(self, sent, full, composed):
        held = sent(NAME, full, composed("COVERAGE", "WEIGHTS"))
        held["config_compose"]["strategies"].remove("COVERAGE")
        (left,) = forms_select.submitted_form(full, held)["config"]["strategies"]
        assert left["strategy"]["type"] == "WEIGHTS"

    @pytest.mark.parametrize("kind", strategies())
    def test_are_whole_as_they_are_offered_but_for_what_only_a_person_knows(self, run, full, kind, composed):
        known: dict[str, Any] = {"strategy": {"threshold": 3}} if kind == "THRESHOLD" else {}
        known |= {"input": {"tag_name": "faces"}} if kind == "SIMILARITY" else {}
        known |= {"input": {"further_tasks": ["predictions"]}} if kind == "BATCHBALD" else {}
        given = run(full, composed(kind, **{f"strategies_{kind}": known}))["config"]
        (entry,) = parse(SelectionConfig, given).strategies
        assert type(entry.strategy) is strategies()[kind]
        assert entry.strategy.takes in entry.input.given()

    def test_none_chosen_is_said(self, form, full, composed):
        drawn = form(NAME, full, {**composed(), "run_key": "round_1"})
        assert "config.strategies must be" in drawn["problem"]["view"]["label"]
        assert drawn["problem"]["invalid"] is True


class TestInputs:
    def test_are_those_that_give_what_the_strategy_takes(self, form, full, composed):
        part = inside(form(NAME, full, composed("DIVERSITY", "BALANCE", "WEIGHTS")), "config_compose")
        assert "type" not in inside(part, "strategies_DIVERSITY", "input")
        assert chips(inside(part, "strategies_BALANCE", "input")["type"]) == ["PREDICTIONS", "METADATA"]
        assert chips(inside(part, "strategies_WEIGHTS", "input")["type"]) == [
            "SCORES",
            "PREDICTIONS",
            "METADATA",
            "RANDOM",
        ]

    def test_that_the_dataset_cannot_fill_are_not_offered(self, form, make, composed):
        bare = make([fo.Sample("/nowhere/0.png", hour=3)])
        part = inside(form(NAME, bare, composed("WEIGHTS")), "config_compose", "strategies_WEIGHTS", "input")
        assert chips(part["type"])[:2] == ["METADATA", "RANDOM"] or chips(part["type"]) == [
            "SCORES",
            "METADATA",
            "RANDOM",
        ]

    def test_ask_only_what_matters_for_the_strategy(self, form, full, composed):
        drawn = form(
            NAME,
            full,
            composed(
                "COVERAGE",
                "DIVERSITY",
                "SIMILARITY",
                "BALANCE",
                "WEIGHTS",
                strategies_WEIGHTS={"input": {"type": "METADATA"}},
            ),
        )
        part = inside(drawn, "config_compose")
        asked = {
            kind: list(inside(part, f"strategies_{kind}", "input"))
            for kind in ("COVERAGE", "DIVERSITY", "SIMILARITY", "BALANCE", "WEIGHTS")
        }
        assert asked["COVERAGE"] == ["field"]
        assert asked["DIVERSITY"] == ["field", "task"]
        assert {"task", "tag_name", "dataset"} <= set(asked["SIMILARITY"])
        assert "dataset_id" not in asked["SIMILARITY"]
        assert asked["BALANCE"] == ["type", "task", "categories", "count"]
        assert asked["WEIGHTS"] == ["type", "key", "default_value"]

    def test_of_predictions_give_what_the_strategy_takes(self, run, full, composed):
        chosen = composed("WEIGHTS", strategies_WEIGHTS={"input": {"type": "PREDICTIONS", "task": "boxes"}})
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["input"] == {"type": "PREDICTIONS", "task": "boxes", "name": "CATEGORY_COUNT"}

    def test_offer_fields_of_the_right_kind(self, form, full, composed):
        drawn = form(
            NAME,
            full,
            composed(
                "BALANCE",
                "WEIGHTS",
                **{f"strategies_{kind}": {"input": {"type": "METADATA"}} for kind in ("BALANCE", "WEIGHTS")},
            ),
        )
        keys = {
            kind: chips(inside(drawn, "config_compose", f"strategies_{kind}", "input")["key"])
            for kind in ("BALANCE", "WEIGHTS")
        }
        assert keys["BALANCE"][0] == "video_name"
        assert keys["WEIGHTS"][0] == "hour"
        assert "video_name" not in keys["WEIGHTS"]

    def test_a_field_takes_the_place_of_a_task_and_its_score(self, form, run, full, composed):
        chosen = composed("WEIGHTS", strategies_WEIGHTS={"input": {"field": "hour"}})
        assert not {"task", "score"} & set(
            inside(form(NAME, full, chosen), "config_compose", "strategies_WEIGHTS", "input")
        )
        chosen["config_compose"]["strategies_WEIGHTS"]["input"] |= {
            "task": "predictions",
            "score": "uncertainty_margin",
        }
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["input"] == {"type": "SCORES", "field": "hour"}

    def test_the_vectors_of_objects_are_those_of_the_label_field(self, form, run, full, composed):
        chosen = composed("DIVERSITY", strategies_DIVERSITY={"input": {"field": "clip", "task": "boxes"}})
        part = inside(form(NAME, full, chosen), "config_compose", "strategies_DIVERSITY", "input")
        assert chips(part["field_in_boxes"]) == ["", "vector"]
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["input"] == {"type": "EMBEDDINGS", "field": "vector", "task": "boxes"}

    def test_of_a_strategy_s_own_are_behind_a_switch(self, form, run, full, composed):
        part = inside(form(NAME, full, composed("COVERAGE")), "config_compose", "strategies_COVERAGE", "strategy")
        assert "with_weight" in part
        assert "weight" not in part
        chosen = composed(
            "COVERAGE", strategies_COVERAGE={"strategy": {"with_weight": True, "with_class_weight": True}}
        )
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["strategy"]["weight"] == {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"}
        assert entry["strategy"]["class_weight"] == {
            "type": "PREDICTIONS",
            "task": "predictions",
            "name": "CLASS_DISTRIBUTION",
            "count": False,
        }
        chosen["config_compose"]["strategies_COVERAGE"]["strategy"]["with_weight"] = False
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert "weight" not in entry["strategy"]


class TestShares:
    """An object of classes and numbers: a number for each class where they are few, else a text."""

    @pytest.fixture
    def balance(self, composed):
        """Balancing the videos, with some of the strategy's fields filled."""
        videos = {"type": "METADATA", "key": "video_name"}
        return lambda **strategy: composed("BALANCE", strategies_BALANCE={"input": videos, "strategy": strategy})

    def test_a_number_for_each_class(self, form, run, full, balance):
        part = inside(form(NAME, full, balance()), "config_compose", "strategies_BALANCE", "strategy")
        assert list(inside(part, "target_of_video_name")) == [f"of video {number}" for number in range(4)]
        chosen = balance(target_of_video_name={"of video 1": 0.25, "of video 2": 0, "of video 3": None})
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["strategy"]["target"] == {"video 1": 0.25, "video 2": 0.0}

    def test_those_of_another_field_are_not_taken(self, run, full, balance):
        chosen = balance(target_of_predictions={"of a": 0.5}, target_of_video_name={"of video 1": 0.25})
        (entry,) = run(full, chosen)["config"]["strategies"]
        assert entry["strategy"]["target"] == {"video 1": 0.25}

    def test_none_given_is_no_target(self, run, full, balance):
        (entry,) = run(full, balance(target_of_video_name={"of video 1": None}))["config"]["strategies"]
        assert "target" not in entry["strategy"]

    def test_are_not_asked_where_the_distribution_says_it_all(self, form, full, balance):
        part = inside(
            form(NAME, full, balance(distribution="UNIFORM")), "config_compose", "strategies_BALANCE", "strategy"
        )
        assert not [name for name in part if name.startswith("target")]

    @pytest.mark.parametrize(
        ("text", "shares"),
        [
            ("car 0.1, traffic light 0.5", {"car": 0.1, "traffic light": 0.5}),
            ("car: 1e-1; bus = .5\n", {"car": 0.1, "bus": 0.5}),
            ('{"a, b": 0.25}', {"a, b": 0.25}),
        ],
    )
    def test_a_text_where_classes_are_many(self, form, run, make, text, shares, composed):
        many = make([fo.Sample(f"/nowhere/{row}.png", place=f"place {row}") for row in range(13)])
        chosen = composed(
            "BALANCE", strategies_BALANCE={"input": {"type": "METADATA", "key": "place"}, "strategy": {"target": text}}
        )
        drawn = inside(form(NAME, many, chosen), "config_compose", "strategies_BALANCE", "strategy")["target"]
        assert "Classes: place 0, place 1" in drawn["view"]["description"]
        (entry,) = run(many, chosen)["config"]["strategies"]
        assert entry["strategy"]["target"] == shares

    def test_a_text_that_is_none_is_said(self, form, make, composed):
        many = make([fo.Sample(f"/nowhere/{row}.png", place=f"place {row}") for row in range(13)])
        chosen = composed(
            "BALANCE", strategies_BALANCE={"input": {"type": "METADATA", "key": "place"}, "strategy": {"target": "car"}}
        )
        assert "target must be names and numbers such as 'car 0.1, person 0.5', or JSON. Got 'car' instead." in texts(
            form(NAME, many, chosen)
        )


class TestConstraints:
    def test_there_are_none_at_first(self, form, run, full):
        part = inside(form(NAME, full), "config_first_batch")
        assert part["constraints"]["default"] == []
        assert "constraints" not in run(full)["config"]

    @pytest.mark.parametrize("kind", constraints())
    def test_are_added_and_read(self, run, full, kind, composed):
        needed = {
            "BUDGET": {"maximum": 50},
            "MAX_PER_GROUP": {"maximum": 2},
            "MINIMUM_DISTANCE": {"distance": 0.1},
            "PER_CLASS": {"minimum_of_predictions": {"of a": 1}},
        }[kind]
        given = run(full, composed("DIVERSITY", rules=(kind,), **{f"constraints_{kind}": needed}))["config"]
        (rule,) = parse(SelectionConfig, given).constraints
        assert type(rule) is constraints()[kind]
        if kind == "MAX_PER_GROUP":
            assert (rule.key, rule.maximum) == ("video_name", 2)
        if kind == "PER_CLASS":
            assert (rule.input.label(), rule.minimum) == ("predictions", {"a": 1.0})
        if kind == "MINIMUM_DISTANCE":
            assert rule.input.field == "clip"
        if kind == "BUDGET":
            assert rule.takes in rule.input.given()


class TestMeaning:
    def test_is_said_in_words_with_how_many_there_are_to_pick_from(self, form, sent, full, composed):
        chosen = {
            **composed(
                "DIVERSITY", rules=("MAX_PER_GROUP",), preselected="faces", constraints_MAX_PER_GROUP={"maximum": 2}
            ),
            "config": {"n_samples": 4},
        }
        drawn = form(NAME, full, sent(NAME, full, chosen))
        assert drawn["meaning"]["view"]["label"] == (
            "Picks 4 samples: spreads out in `clip`, at most 2 per `video_name`; what is in `faces` counts as picked already."
        )
        assert drawn["meaning"]["view"]["description"] == "9 of 9 candidates are eligible, 3 are in the datapool."
        assert "problem" not in drawn

    def test_of_a_view(self, form, sent, full, composed):
        chosen = sent(NAME, full, composed("DIVERSITY"))
        drawn = form(
            NAME,
            full,
            {**chosen, "view_target": "CURRENT_VIEW"},
            view=full.match(fo.ViewField("hour") < 5),
        )
        assert drawn["meaning"]["view"]["description"] == "5 of 5 candidates are eligible."

    def test_says_what_cannot_be_given(self, form, sent, full, composed):
        chosen = {
            **composed("DIVERSITY", rules=("MAX_PER_GROUP",), constraints_MAX_PER_GROUP={"maximum": 1}),
            "config": {"n_samples": 10},
        }
        drawn = form(NAME, full, sent(NAME, full, chosen))
        assert "room for about 4 of the 10" in drawn["notes"]["view"]["label"]

    def test_what_is_wrong_is_said_instead_and_keeps_the_form_from_being_sent(self, form, sent, full, composed):
        chosen = sent(NAME, full, composed("DIVERSITY"))
        drawn = form(NAME, full, {**chosen, "config": {"n_samples": 3, "proportion_samples": 0.5}})
        assert (
            drawn["wrong"]["view"]["label"]
            == drawn["problem"]["view"]["label"]
            == ("config: exactly one of n_samples and proportion_samples must be given. Got both instead.")
        )
        assert drawn["problem"]["invalid"] is True
        assert "meaning" not in drawn

    def test_a_number_that_was_emptied_leaves_the_share(self, run, full, composed):
        chosen = {**composed("DIVERSITY"), "config": {"n_samples": None, "proportion_samples": 0.5}}
        assert parse(SelectionConfig, run(full, chosen)["config"]).proportion_samples == 0.5

    def test_a_count_that_fails_does_not_break_the_form(self, form, sent, full, composed, monkeypatch):
        drawing = importlib.import_module("fiftyone.plugins.orgs.shortlist.curation.operators.forms_select")
        monkeypatch.setattr(drawing.api, "preview", lambda *given: 1 / 0)
        drawn = form(NAME, full, sent(NAME, full, {**composed("DIVERSITY"), "config": {"n_samples": 8}}))
        assert drawn["meaning"]["view"]["label"] == "Picks 8 samples: spreads out in `clip`."
        assert "problem" not in drawn

    def test_does_not_wait_for_a_long_count(self, form, sent, full, monkeypatch, composed):
        counting = importlib.import_module("fiftyone.plugins.orgs.shortlist.curation.operators.counted")
        drawing = importlib.import_module("fiftyone.plugins.orgs.shortlist.curation.operators.forms_select")
        released, real = threading.Event(), drawing.api.preview
        monkeypatch.setattr(counting, "_WAIT", 0.05)
        monkeypatch.setattr(drawing.api, "preview", lambda *given: released.wait(20) and real(*given))
        chosen = sent(NAME, full, {**composed("DIVERSITY"), "config": {"n_samples": 7}})
        drawn = form(NAME, full, chosen)
        assert drawn["meaning"]["view"]["label"] == "Picks 7 samples: spreads out in `clip`."
        assert "are being counted" in drawn["meaning"]["view"]["description"]
        released.set()
        monkeypatch.setattr(counting, "_WAIT", 20)
        # The count that was begun is the one that is shown.
        monkeypatch.setattr(drawing.api, "preview", None)
        assert form(NAME, full, chosen)["meaning"]["view"]["description"] == "12 of 12 candidates are eligible."


@pytest.mark.parametrize(("text", "value"), [("3", 3.0), ("true", True), ("sun", "sun"), ("[1]", "[1]")])
def test_a_text_is_what_it_looks_like_where_it_may_be_anything(run, full, composed, text, value):
    source = {"type": "METADATA", "key": "hour", "default_value": text}
    (entry,) = run(full, composed("WEIGHTS", strategies_WEIGHTS={"input": source}))["config"]["strategies"]
    assert entry["input"]["default_value"] == value


def test_a_list_of_numbers_is_typed_as_text(form, run, full, composed):
    def chosen(text: str) -> dict:
        return composed("WEIGHTS", strategies_WEIGHTS={"strategy": {"target_range": text}})

    for text in ("2, 3.5", "[2, 3.5]", "2 3.5"):
        (entry,) = run(full, chosen(text))["config"]["strategies"]
        assert entry["strategy"]["target_range"] == [2.0, 3.5]
    assert "target_range must be numbers such as 0.2, 0.8. Got '2 to 3' instead." in texts(
        form(NAME, full, chosen("2 to 3"))
    )
