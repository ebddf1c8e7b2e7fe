"""Delegated runs, queued and executed by FiftyOne's own service."""

from __future__ import annotations

import importlib

import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

PLUGIN = "@shortlist/curation"
CONFIG = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}],
}
SCORE = "predictions_uncertainty_margin"


@pytest.fixture
def run():
    """Executes what is queued of an operator on a dataset, and returns how it ended."""
    service = DelegatedOperationService()

    def executed(queued, name: str, dataset):
        service.execute_queued_operations(operator=f"{PLUGIN}/{name}", dataset_name=dataset.name, limit=1)
        return service.get(queued.result["id"])

    return executed


def test_scoring(operator, run, classified):
    classified.persistent = True
    queued = operator("score_uncertainty")(classified.limit(4), "predictions", delegate=True)
    assert queued.delegated
    assert classified.get_field(SCORE) is None
    done = run(queued, "score_uncertainty", classified)
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"] == "Scored 4 samples (4 predictions) of 'predictions'"
    assert {"what", "value"} == set(done.result.result["details"][0])
    assert done.status.progress == 1
    assert done.status.label == "scoring predictions: 4 of 4"
    classified.reload()
    assert [value is not None for value in classified.values(SCORE)] == [True] * 4 + [False] * 8


def test_selecting(operator, run, classified):
    classified.persistent = True
    done = run(operator("select_samples")(classified, CONFIG, "round_1", delegate=True), "select_samples", classified)
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"] == "Selected 3 of 12 eligible samples as 'round_1'"
    classified.reload()
    assert classified.load_saved_view("round_1").values("hour") == [11, 10, 9]


def test_bad_input_fails_with_its_sentence_and_changes_nothing(operator, run, classified, snapshot):
    classified.persistent = True
    queued = operator("select_samples")(classified, {**CONFIG, "n_samples": 99}, "round_1", delegate=True)
    before = snapshot(classified)
    done = run(queued, "select_samples", classified)
    assert done.run_state == ExecutionRunState.FAILED
    assert "n_samples must be at most 12, the number of candidates. Got 99 instead." in done.result.error
    assert snapshot(classified) == before


def test_a_run_that_was_marked_as_failed_meanwhile_is_cancelled(operator, run, classified, snapshot, monkeypatch):
    """FiftyOne's way to stop a delegated run: somebody marks it as failed while it works."""
    classified.persistent = True
    queued = operator("score_uncertainty")(classified, "predictions", delegate=True)
    before = snapshot(classified)
    scoring = importlib.import_module("fiftyone.plugins.orgs.shortlist.curation.api.scoring")
    read = scoring.predictions.read

    def failing(samples, field):
        for batch in read(samples, field):
            DelegatedOperationService().set_failed(queued.result["id"])
            yield batch

    monkeypatch.setattr(scoring.predictions, "read", failing)
    done = run(queued, "score_uncertainty", classified)
    assert done.run_state == ExecutionRunState.FAILED
    assert snapshot(classified) == before
