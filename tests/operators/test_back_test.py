"""The operator back_test: its form, live, delegated and from Python."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from shortlist import list_back_tests, load_back_test
from shortlist.core.schema import described, parse
from shortlist.core.verbs import BackTest
from shortlist.operators import forms_folded

NAME = "back_test"
PARAMETERS = {"label_field": "truth", "strategies": ["COVERAGE"], "more": {"seeds": 2, "budgets": "6, 12"}}


@pytest.fixture
def dataset(make):
    rng = np.random.default_rng(0)
    return make(
        [
            fo.Sample(
                f"/nowhere/{row}.png",
                truth=fo.Classification(label="ab"[row % 2]),
                predictions=fo.Classification(label="a", confidence=0.7),
                clip=(rng.standard_normal(3) + row % 2).astype(np.float32),
                tags=["random"] if row < 24 else [],
            )
            for row in range(30)
        ]
    )


def test_the_form_offers_what_the_dataset_has(form, dataset):
    drawn = form(NAME, dataset)
    assert drawn["label_field"]["default"] == "truth"
    assert drawn["run_key"]["default"] == "back_test_1"
    assert [choice["value"] for choice in drawn["labeled"]["view"]["choices"]][-1] == "random"
    assert "BADGE" in {choice["value"] for choice in drawn["strategies"]["view"]["choices"]}
    # There are no saved configs and no selections yet.
    assert "configs" not in drawn
    assert set(drawn["more"]["type"]["properties"]) >= {"budgets", "seeds", "test_share", "metric", "keep_together"}


def test_every_parameter_is_drawn_with_its_sentence(form, dataset):
    drawn = form(NAME, dataset)
    for name, field in described(BackTest):
        if name != "configs":
            one = drawn.get(name) or drawn["more"]["type"]["properties"][name]
            assert one["view"]["description"] == field.description


def test_a_form_sent_as_it_was_drawn_is_the_model_with_its_defaults(sent, dataset):
    read = forms_folded.submitted_folded(BackTest, sent(NAME, dataset))
    assert parse(BackTest, read) == parse(
        BackTest, {"label_field": "truth", "run_key": "back_test_1", "embeddings": "clip"}
    )


def test_numbers_are_typed_as_a_text(form, dataset):
    read = forms_folded.submitted_folded(BackTest, {"label_field": "truth", "more": {"budgets": "20, 50 100"}})
    assert read["budgets"] == [20, 50, 100]
    for typed, sentence in (("20, 30.5", "budgets[1] must be an integer."), ("1", "budgets must be at least 2.")):
        problem = form(NAME, dataset, {"label_field": "truth", "more": {"budgets": typed}})["problem"]
        assert problem["invalid"] is True
        assert sentence in problem["view"]["label"]


def test_live_it_tells_progress_and_opens_the_panel(operator, context, dataset):
    told = [message.body for message in operator(NAME).execute(context(NAME, dataset, PARAMETERS))]
    names = [one.operator_uri.split("/")[-1] for one in told]
    assert names[0] == "set_progress"
    assert names[-3:] == ["open_panel", "notify", "show_output"]
    results = told[-1].params["results"]
    assert results["headline"].startswith("Back-tested on 30 labelled samples: ")
    assert {row["what"] for row in results["details"]} == {"RANDOM", "COVERAGE", "warning", "kept as"}
    assert load_back_test(dataset, "back_test_1").budgets == [6, 12]


def test_live_bad_input_is_shown(operator, context, dataset):
    ctx = context(NAME, dataset, {**PARAMETERS, "more": {"budgets": "500"}})
    told = []
    with pytest.raises(ValueError, match=r"^budgets must be at most 21, the samples that are left to pick from"):
        told.extend(message.body for message in operator(NAME).execute(ctx))
    assert [one.params["variant"] for one in told if one.operator_uri.endswith("notify")] == ["error"]
    assert list_back_tests(dataset) == []


def test_from_python_and_delegated(operator, dataset):
    given = {"strategies": ["COVERAGE"], "seeds": 2, "budgets": [6, 12]}
    found = operator(NAME)(dataset, "truth", labeled="random", run_key="now", **given)
    assert found.report.labels == 24
    dataset.persistent = True
    queued = operator(NAME)(dataset, "truth", run_key="later", delegate=True, **given)
    assert [one.run_key for one in list_back_tests(dataset)] == ["now"]
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=f"@shortlist/curation/{NAME}", dataset_name=dataset.name, limit=1)
    done = service.get(queued.result["id"])
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"].startswith("Back-tested on 30 labelled samples: ")
    dataset.reload()
    assert [one.run_key for one in list_back_tests(dataset)] == ["now", "later"]
