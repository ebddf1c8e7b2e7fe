"""The command line, on a real dataset."""

from __future__ import annotations

import json

import fiftyone as fo
import pytest

from shortlist.cli import main

CONFIG = {"n_samples": 4, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}


@pytest.fixture
def dataset():
    dataset = fo.Dataset("command line digits é")
    dataset.add_samples(
        [
            fo.Sample(f"{row}.png", tags=["even"] if row % 2 == 0 else [], predictions=prediction)
            for row in range(12)
            if (prediction := fo.Classification(label=str(row % 3), confidence=0.5))
        ]
    )
    yield dataset
    dataset.delete()


def test_scores_selects_lists_and_deletes(dataset, capsys, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))

    assert main(["score", dataset.name, "--label-field", "predictions", "--scores", "uncertainty_margin"]) == 0
    assert main(["select", dataset.name, "--run-key", "a", "--config", str(config), "--view", "even"]) == 0
    assert main(["select", dataset.name, "--run-key", "b", "--config", json.dumps(CONFIG)]) == 0
    assert main(["selections", dataset.name]) == 0
    assert main(["selections", dataset.name, "--action", "delete", "--run-key", "b"]) == 0
    said = capsys.readouterr().out

    assert "Scored 12 samples (12 predictions) of 'predictions'" in said
    assert "Selected 4 of 6 eligible samples as 'a'" in said
    assert "2 selection(s)" in said
    dataset.reload()
    assert dataset.list_runs() == ["a"]
    assert set(dataset.values("predictions_uncertainty_margin")) == {0.75}
    assert dataset.count_sample_tags()["a"] == len(dataset.match_tags("a").match_tags("even")) == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["score", "NAME", "--label-field", "prediction"], "Did you mean 'predictions'?"),
        (["score", "no such dataset", "--label-field", "p"], "dataset must be the name of a dataset."),
        (["select", "NAME", "--run-key", "a", "--config", "{"], "config must be JSON (line 1, column 2"),
        (
            ["select", "NAME", "--run-key", "a", "--config", "missing.json"],
            "config must be JSON or a file that holds it.",
        ),
        (
            ["score", "NAME", "--label-field", "predictions", "--min-confidence", "x"],
            "min_confidence must be a number.",
        ),
        (
            ["score", "NAME", "--label-field", "predictions", "--view", "odd"],
            "view must be a tag, a saved view or a selection",
        ),
        (["selections", "NAME", "--action", "load"], "run_key must be given to load a selection."),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(dataset, capsys, arguments, sentence):
    status = main([dataset.name if argument == "NAME" else argument for argument in arguments])
    said = capsys.readouterr().err

    assert status == 2
    assert said.startswith("shortlist: ")
    assert sentence in said
    assert said.count("\n") == 1
    assert dataset.list_runs() == []
