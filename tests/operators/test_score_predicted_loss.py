"""The operator score_predicted_loss: its form, live, delegated, from Python and on the command line."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from shortlist.cli import main
from shortlist.core.schema import described, parse
from shortlist.core.verbs import ScorePredictedLoss
from shortlist.operators import forms

NAME = "score_predicted_loss"
FIELD = "predictions_predicted_loss"
PARAMETERS = {"label_field": "predictions", "ground_truth": "truth"}


@pytest.fixture
def dataset(make):
    """Unsure predictions that are often wrong and sure ones that are not; the first 110 of 130 have the truth."""
    rng = np.random.default_rng(0)
    samples = []
    for row in range(130):
        confidence = float(rng.uniform(0.5, 1))
        true = "cat" if rng.random() < confidence else "dog"
        samples.append(
            fo.Sample(
                f"/nowhere/{row}.png",
                predictions=fo.Classification(label="cat", confidence=confidence),
                truth=fo.Classification(label=true) if row < 110 else None,
                boxes=fo.Detections(),
                clip=rng.normal(size=3).astype(np.float32),
                tags=["held out"] if row < 105 else [],
            )
        )
    return make(samples)


@pytest.fixture
def drawn(operator, context):
    """The form as the App gets it."""

    def form(dataset, params=None) -> dict:
        return operator(NAME).resolve_input(context(NAME, dataset, params)).to_json()["type"]["properties"]

    return form


def choices(field: dict) -> list[str]:
    return [choice["value"] for choice in field["view"]["choices"] if choice["value"]]


def test_the_form_offers_what_the_dataset_has(drawn, dataset):
    form = drawn(dataset)
    assert (choices(form["label_field"])[0], form["label_field"]["default"]) == ("predictions", "predictions")
    assert set(choices(form["ground_truth"])) == {"truth", "boxes", "predictions"}
    assert form["ground_truth"]["default"] == "truth"
    assert choices(form["embeddings"]) == ["clip"]
    assert "default" not in {name: value for name, value in form["embeddings"].items() if value is not None}
    assert choices(form["labeled"]) == ["held out"]
    assert (form["folds"]["type"]["min"], form["folds"]["type"]["max"]) == (2, 20)


def test_what_matters_for_boxes_is_asked_for_boxes(drawn, dataset):
    of_boxes = {"min_confidence", "iou"}
    every = {name for name, _ in described(ScorePredictedLoss)}
    assert every - set(drawn(dataset)) == of_boxes
    assert every - set(drawn(dataset, {"label_field": "boxes", "ground_truth": "truth"})) == set()


def test_every_parameter_is_drawn_with_its_sentence(drawn, dataset):
    form = drawn(dataset, {"label_field": "boxes"})
    for name, field in described(ScorePredictedLoss):
        assert form[name]["view"]["description"] == field.description


def test_a_form_sent_as_it_was_drawn_is_the_model_with_its_defaults(drawn, dataset):
    sent = {name: one["default"] for name, one in drawn(dataset).items() if one.get("default") is not None}
    assert parse(ScorePredictedLoss, forms.read(ScorePredictedLoss, sent)) == parse(ScorePredictedLoss, PARAMETERS)


def test_one_field_for_both_keeps_the_form_from_being_sent(drawn, dataset):
    problem = drawn(dataset, {"label_field": "predictions", "ground_truth": "predictions"})["problem"]
    assert problem["invalid"] is True
    assert "ground_truth must be another field than label_field" in problem["view"]["label"]


def test_live_it_tells_progress_and_how_far_to_trust_it(operator, context, dataset):
    ctx = context(NAME, dataset, {**PARAMETERS, "labeled": "held out", "embeddings": "clip"})
    told = [(message.body.operator_uri.split("/")[-1], message.body.params) for message in operator(NAME).execute(ctx)]
    names = [name for name, _ in told]
    assert names[0] == "set_progress"
    assert names[-3:] == ["reload_dataset", "notify", "show_output"]
    results = told[-1][1]["results"]
    assert results["headline"] == "Predicted the loss of 130 samples from 105 labelled ones"
    assert {"rank correlation", "plain entropy", "gain"} < {row["what"] for row in results["details"]}
    dataset.reload()
    assert None not in dataset.values(FIELD)


def test_live_bad_input_is_shown(operator, context, dataset):
    ctx = context(NAME, dataset, {**PARAMETERS, "ground_truth": "boxes"})
    told = []
    with pytest.raises(ValueError, match=r"^ground_truth must be a field of type Classification\."):
        told.extend(message.body for message in operator(NAME).execute(ctx))
    assert [one.params["variant"] for one in told if one.operator_uri.endswith("notify")] == ["error"]
    dataset.reload()
    assert dataset.get_field(FIELD) is None


def test_from_python(operator, dataset):
    summary = operator(NAME)(dataset[100:], "predictions", "truth", seed=2)
    assert (summary.n_samples, summary.reliability.n_labeled) == (30, 110)
    assert dataset.get_field(FIELD).info["shortlist"]["parameters"]["seed"] == 2


def test_by_name_through_fiftyone(dataset):
    foo.execute_operator(f"@shortlist/curation/{NAME}", {"dataset": dataset}, params=PARAMETERS)
    dataset.reload()
    assert None not in dataset.values(FIELD)


def test_delegated(operator, dataset):
    dataset.persistent = True
    queued = operator(NAME)(dataset, "predictions", "truth", delegate=True)
    assert dataset.get_field(FIELD) is None
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=f"@shortlist/curation/{NAME}", dataset_name=dataset.name, limit=1)
    done = service.get(queued.result["id"])
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"] == "Predicted the loss of 130 samples from 110 labelled ones"
    dataset.reload()
    assert None not in dataset.values(FIELD)


def test_on_the_command_line(dataset, capsys):
    options = ["--label-field", "predictions", "--ground-truth", "truth", "--folds", "3", "--embeddings", "clip"]
    assert main(["predict-loss", dataset.name, *options]) == 0
    assert "Predicted the loss of 130 samples from 110 labelled ones" in capsys.readouterr().out
    dataset.reload()
    assert dataset.get_field(FIELD).info["shortlist"]["parameters"]["folds"] == 3
    assert main(["predict-loss", dataset.name, *options[:3], "boxes"]) == 2
    assert "ground_truth must be a field of type Classification." in capsys.readouterr().err
