"""Running operators: from Python, and live in the App with progress, results and errors."""

from __future__ import annotations

import contextlib
import time

import fiftyone.operators as foo
import pytest

from shortlist import list_selections

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
CONFIG = {"n_samples": 3, "strategies": [HOUR]}
SCORE = "predictions_uncertainty_margin"


class TestFromPython:
    def test_scores(self, operator, classified):
        summary = operator("score_uncertainty")(classified, label_field="predictions", scores=["uncertainty_margin"])
        assert summary.n_samples == 12
        assert None not in classified.values(SCORE)

    def test_a_view(self, operator, classified):
        operator("score_uncertainty")(classified.limit(2), "predictions", scores=["uncertainty_margin"])
        assert [value is not None for value in classified.values(SCORE)] == [True] * 2 + [False] * 10

    def test_selects_and_manages(self, operator, classified):
        assert operator("select_samples")(classified, CONFIG, "round_1").view.values("hour") == [11, 10, 9]
        assert operator("manage_selections")(classified, "load", "round_1").view.values("hour") == [11, 10, 9]
        assert operator("manage_selections")(classified, "delete", "round_1").records == []
        assert list_selections(classified) == []

    def test_visualizes(self, operator, classified):
        assert operator("visualize_embeddings")(classified, "clip", method="pca").n_samples == 12

    def test_errors_are_the_verb_s_own(self, operator, classified):
        with pytest.raises(
            ValueError, match=r"^label_field must be a field of .* Did you mean 'predictions'\?$"
        ) as caught:
            operator("score_uncertainty")(classified, "prediction")
        assert type(caught.value).__name__ == "ShortlistError"

    def test_by_name_through_fiftyone(self, classified):
        ctx = {"dataset": classified}
        params = {"label_field": "predictions", "scores": ["uncertainty_margin"]}
        foo.execute_operator("@shortlist/curation/score_uncertainty", ctx, params=params)
        params = {"run_key": "round_1", "config": CONFIG}
        foo.execute_operator("@shortlist/curation/select_samples", ctx, params=params)
        classified.reload()
        assert None not in classified.values(SCORE)
        assert classified.load_saved_view("round_1").values("hour") == [11, 10, 9]


@pytest.fixture
def live(operator, context, monkeypatch):
    """Runs an operator as the App does; returns what it is told, by name of the App's own operators."""
    monkeypatch.setattr(time, "sleep", lambda seconds: None)

    def run(name: str, dataset, params: dict, **request) -> list[tuple[str, dict]]:
        ctx = context(name, dataset, params, **request)
        requests = []
        # What goes wrong is shown first, and raised then, for scripts that run an operator by its name.
        with contextlib.suppress(ValueError, ZeroDivisionError):
            for message in operator(name).execute(ctx):
                requests.append(message.body)
        return [(request.operator_uri, request.params or {}) for request in requests]

    return run


def outputs(messages: list[tuple[str, dict]]) -> dict:
    (shown,) = [params for uri, params in messages if uri.endswith("show_output")]
    return shown


def notified(messages: list[tuple[str, dict]]) -> tuple[str, str]:
    ((message, variant),) = [
        (params["message"], params["variant"]) for uri, params in messages if uri.endswith("notify")
    ]
    return message, variant


class TestLive:
    def test_scoring_tells_progress_result_and_reload(self, live, classified):
        messages = live("score_uncertainty", classified, {"label_field": "predictions"})
        names = [uri.split("/")[-1] for uri, _ in messages]
        assert names == ["set_progress", "reload_dataset", "notify", "show_output"]
        assert messages[0][1] == {"progress": 1.0, "label": "scoring predictions: 12 of 12"}
        assert notified(messages) == ("Scored 12 samples (12 predictions) of 'predictions'", "success")
        data = outputs(messages)["results"]
        assert data["headline"] == notified(messages)[0]
        assert {"what": "probabilities from", "value": "probabilities (12)"} in data["details"]
        assert all(set(row) == {"what", "value"} for row in data["details"])

    def test_a_form_is_read(self, live, classified):
        slot = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"strength": 1}}
        form = {
            "run_key": "round_1",
            "start": "compose",
            "config": {"n_samples": 3},
            "config_compose": {"strategies": ["WEIGHTS"], "strategies_WEIGHTS": slot},
        }
        messages = live("select_samples", classified, form)
        assert notified(messages) == ("Selected 3 of 12 eligible samples as 'round_1'", "success")

    def test_a_selection_is_opened(self, live, classified):
        messages = live("select_samples", classified, {"run_key": "round_1", "config": CONFIG})
        opened = [params for uri, params in messages if uri.endswith("set_view")]
        assert [one.get("name") for one in opened] == [None, "round_1"]
        classified.reload()
        assert classified.load_saved_view("round_1").values("hour") == [11, 10, 9]

    def test_the_selected_samples_are_scored(self, live, classified):
        ids = classified.values("id")[:4]
        live(
            "score_uncertainty",
            classified,
            {"label_field": "predictions"},
            selected=ids,
            view_target="SELECTED_SAMPLES",
        )
        classified.reload()
        assert [value is not None for value in classified.values(SCORE)] == [True] * 4 + [False] * 8

    def test_a_deleted_selection_s_view_is_left(self, live, operator, classified):
        operator("select_samples")(classified, CONFIG, "round_1")
        messages = live(
            "manage_selections", classified, {"action": "delete", "run_key": "round_1"}, view_name="round_1"
        )
        assert "clear_view" in [uri.split("/")[-1] for uri, _ in messages]
        assert notified(messages) == ("Deleted 'round_1'", "success")

    def test_the_embeddings_panel_is_opened(self, live, classified):
        messages = live(
            "visualize_embeddings", classified, {"embeddings": "clip", "method": "pca", "color_by": "weather"}
        )
        told = [params for uri, params in messages if uri.endswith("patch_panel_data")]
        assert told[0]["data"] == {"openKey": "shortlist_map", "colorField": "weather"}
        assert notified(messages)[1] == "success"

    def test_bad_input_is_shown_and_changes_nothing(self, live, classified, snapshot):
        before = snapshot(classified)
        messages = live("score_uncertainty", classified, {"label_field": "prediction"})
        sentence, variant = notified(messages)
        assert variant == "error"
        assert sentence.endswith("Got 'prediction' instead. Did you mean 'predictions'?")
        shown = outputs(messages)["outputs"]["type"]["properties"]["error"]["view"]
        assert (shown["name"], shown["label"]) == ("Error", sentence)
        assert snapshot(classified) == before

    def test_a_name_that_is_not_known_is_refused(self, live, classified, snapshot):
        before = snapshot(classified)
        messages = live("score_uncertainty", classified, {"label_field": "predictions", "agregation": "sum"})
        assert notified(messages)[0].startswith("agregation is not known.")
        assert notified(messages)[0].endswith("Did you mean 'aggregation'?")
        assert snapshot(classified) == before

    def test_any_other_failure_is_shown_too(self, live, operator, classified, monkeypatch):
        monkeypatch.setattr(type(operator("score_uncertainty")), "call", lambda *_: 1 / 0)
        messages = live("score_uncertainty", classified, {"label_field": "predictions"})
        assert notified(messages) == ("Score uncertainty failed: ZeroDivisionError: division by zero", "error")

    def test_closing_the_dialog_cancels_the_work(self, operator, context, classified, snapshot, monkeypatch):
        before = snapshot(classified)
        ctx = context("score_uncertainty", classified, {"label_field": "predictions"})
        running = operator("score_uncertainty")
        seen = []

        def slow(samples, parameters, progress):
            for step in range(100):
                seen.append(step)
                progress(step, 100, "working")
                wait(0.05)

        wait = time.sleep
        monkeypatch.setattr(running, "call", slow)
        messages = running.execute(ctx)
        next(messages)
        messages.close()
        wait(0.3)
        assert len(seen) < 10
        assert snapshot(classified) == before
