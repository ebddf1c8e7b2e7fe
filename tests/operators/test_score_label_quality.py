"""The operator score_label_quality: its form by task, a live run, a delegated one, and the command line."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from shortlist.cli import main
from shortlist.core.quality.methods import METHODS
from shortlist.core.schema import choices_of, described
from shortlist.core.verbs import ScoreLabelQuality
from shortlist.panels.charts import confusion_plot

NAME = "score_label_quality"
CLASSES = ["a", "b", "c"]
FIELDS = {"label_field": "ground_truth", "predictions_field": "predictions"}


@pytest.fixture
def labelled(make):
    """Forty labels, two of them wrong."""
    samples = []
    for row in range(40):
        values = np.full(3, 0.05)
        values[row % 3] = 0.9
        given = CLASSES[(row + (row in (7, 22))) % 3]
        prediction = fo.Classification(label=CLASSES[row % 3], confidence=0.9, probabilities=values)
        samples.append(
            fo.Sample(f"/nowhere/{row}.png", ground_truth=fo.Classification(label=given), predictions=prediction)
        )
    return make(samples, classes={"predictions": CLASSES})


@pytest.fixture
def form(operator, context):
    def drawn(dataset, params=None):
        return operator(NAME).resolve_input(context(NAME, dataset, params)).to_json()["type"]["properties"]

    return drawn


def issues_of(dataset: fo.Dataset) -> list[int]:
    dataset.reload()
    return [row for row, kind in enumerate(dataset.values("ground_truth_issue")) if kind is not None]


class TestForm:
    def test_offers_labels_and_predictions_as_what_they_are(self, form, labelled):
        drawn = form(labelled)
        assert drawn["label_field"]["default"] == "ground_truth"
        assert drawn["predictions_field"]["default"] == "predictions"
        field = dict(described(ScoreLabelQuality))["find_issues"]
        assert [one["value"] for one in drawn["find_issues"]["view"]["choices"] if one["value"]] == list(
            choices_of(field.annotation)
        )

    @pytest.mark.parametrize(
        ("kind", "task", "shown", "hidden"),
        [
            (fo.Classification, "single", "find_issues", "pooling"),
            (fo.Classifications, "multilabel", "pooling", "find_issues"),
            (fo.Detections, "objects", "threshold", "pooling"),
            (fo.Segmentation, "segmentation", "threshold", "find_issues"),
        ],
    )
    def test_shows_what_matters_for_the_labels(self, form, make, kind, task, shown, hidden):
        dataset = make([fo.Sample("/nowhere/a.png", ground_truth=kind(), predictions=kind())])
        drawn = form(dataset)
        assert shown in drawn
        assert hidden not in drawn
        assert "problem" not in drawn
        assert [one["value"] for one in drawn["method"]["view"]["choices"] if one["value"]] == list(METHODS[task])

    def test_the_chosen_field_decides(self, form, make):
        dataset = make([fo.Sample("/nowhere/a.png", ground_truth=fo.Classification(), boxes=fo.Detections())])
        assert "find_issues" in form(dataset)
        assert "find_issues" not in form(dataset, {"label_field": "boxes"})

    def test_says_what_is_wrong_with_a_mapping(self, form, labelled):
        problem = form(labelled, {**FIELDS, "class_names": "{a: b}"})["problem"]
        assert problem["invalid"] is True
        assert problem["view"]["label"].startswith("class_names must be JSON (line 1, column 2")
        assert "problem" not in form(labelled, {**FIELDS, "class_names": '{"a": "b"}'})
        assert "problem" not in form(labelled, {**FIELDS, "class_names": ""})

    def test_as_it_opens_runs(self, operator, context, form, labelled):
        given = {name: one["default"] for name, one in form(labelled).items() if one.get("default") is not None}
        told = [message.body for message in operator(NAME).execute(context(NAME, labelled, given))]
        assert [one.operator_uri.split("/")[-1] for one in told][-5:] == [
            "reload_dataset",
            "set_view",
            "set_view",
            "notify",
            "show_output",
        ]
        assert issues_of(labelled) == [7, 22]


class TestLive:
    def test_opens_the_issues_and_shows_the_table_and_the_plot(self, operator, context, labelled):
        messages = [message.body for message in operator(NAME).execute(context(NAME, labelled, FIELDS))]
        told = {one.operator_uri.split("/")[-1]: one.params for one in messages}
        assert told["set_view"]["name"] == "ground_truth_issues"
        assert told["notify"]["message"] == "Found 2 suspected errors in 2 of 40 samples of 'ground_truth'"
        shown = told["show_output"]
        assert {"what": "wrong class", "value": "2 issues"} in shown["results"]["details"]
        (heat,) = shown["outputs"]["type"]["properties"]["confusion_plot"]["view"]["data"]
        assert (heat["y"], heat["x"], heat["z"]) == (["c"], ["b"], [[2]])

    def test_without_issues_nothing_is_opened(self, operator, context, labelled):
        for row in (7, 22):
            one = labelled.skip(row).first()
            one.ground_truth.label = CLASSES[row % 3]
            one.save()
        messages = [message.body for message in operator(NAME).execute(context(NAME, labelled, FIELDS))]
        names = [one.operator_uri.split("/")[-1] for one in messages]
        assert "set_view" not in names
        assert "confusion_plot" not in messages[-1].params["outputs"]["type"]["properties"]

    def test_a_mapping_is_taken_as_text(self, operator, context, labelled):
        given = {**FIELDS, "class_names": '{"a": "a"}', "threshold": 0.4}
        list(operator(NAME).execute(context(NAME, labelled, given)))
        parameters = labelled.get_run_info("ground_truth_quality").config.parameters
        assert parameters["class_names"] == [["a", "a"]]
        assert parameters["threshold"] == 0.4


def test_from_python(operator, labelled):
    summary = operator(NAME)(labelled[:30], "ground_truth", "predictions")
    assert summary.n_flagged == 2
    assert issues_of(labelled) == [7, 22]
    assert labelled.count("ground_truth_quality") == 30


def test_delegated(operator, labelled):
    labelled.persistent = True
    queued = operator(NAME)(labelled, "ground_truth", "predictions", delegate=True)
    assert labelled.get_field("ground_truth_quality") is None
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=operator(NAME).uri, dataset_name=labelled.name, limit=1)
    done = service.get(queued.result["id"])
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"] == "Found 2 suspected errors in 2 of 40 samples of 'ground_truth'"
    assert len(done.result.result["confusions"]) > 0
    assert issues_of(labelled) == [7, 22]


def test_on_the_command_line(labelled, capsys):
    arguments = ["label-quality", labelled.name, "--label-field", "ground_truth", "--predictions-field", "predictions"]
    assert main([*arguments, "--method", "normalized_margin", "--class-names", '{"a": "a"}']) == 0
    assert "Found 2 suspected errors in 2 of 40 samples of 'ground_truth'" in capsys.readouterr().out
    assert issues_of(labelled) == [7, 22]
    assert main([*arguments, "--method", "softmin"]) == 2
    assert "method must be one of noise_channel" in capsys.readouterr().err


def test_every_task_has_its_methods():
    named = choices_of(dict(described(ScoreLabelQuality))["method"].annotation)
    assert {name for names in METHODS.values() for name in names} == set(named)


def test_the_confusion_plot_shows_the_most_confused_classes():
    pairs = [("cat", "dog", 5), ("dog", "cat", 2), ("1", "2", 1)]
    figure = confusion_plot(pairs)
    (heat,) = figure["data"]
    cells = {
        (heat["y"][row], heat["x"][column], value)
        for row, values in enumerate(heat["z"])
        for column, value in enumerate(values)
        if value is not None
    }
    assert cells == set(pairs)
    assert figure["layout"]["xaxis"]["type"] == "category"
    many = [(str(row), str(row + 1), 100 - row) for row in range(60)]
    assert len(confusion_plot(many)["data"][0]["x"]) < 21
