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


def test_analyzes(dataset, capsys, tmp_path):
    folder = tmp_path / "report"
    arguments = ["analyze", dataset.name, "--run-key", "even", "--random-draws", "3", "--export-dir", str(folder)]
    assert main(arguments) == 0
    said = capsys.readouterr().out

    assert said.startswith("Analyzed 'even'. ")
    assert "6 selected of 12" in said
    assert json.loads((folder / "report.json").read_text())["analyzed"]["name"] == "even"
    dataset.reload()
    assert dataset.list_runs() == ["even_analysis"]
    assert main(arguments) == 2
    assert "Set overwrite to replace what is there." in capsys.readouterr().err
    assert main([*arguments, "--overwrite", "--fields", "predictions.confidence"]) == 0
    assert main([*arguments, "--overwrite", "maybe"]) == 2
    assert "overwrite must be true or false. Got 'maybe' instead." in capsys.readouterr().err


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


def test_back_tests(dataset, capsys):
    again = [fo.Sample(f"again {row}.png", predictions=fo.Classification(label=str(row % 3))) for row in range(30)]
    dataset.add_samples([*again])
    dataset.set_values("clip", [[float(row % 3), row / 100] for row in range(42)])
    options = [
        "--label-field",
        "predictions",
        "--budgets",
        "6",
        "12",
        "--seeds",
        "2",
        "--strategies",
        "COVERAGE",
        "MARGIN",
    ]

    assert main(["back-test", dataset.name, *options]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Back-tested on 42 labelled samples: ")
    assert "  6, 12\n" in said
    assert dataset.list_runs() == ["back_test_1"]
    assert main(["back-test", dataset.name, *options[:4], "x"]) == 2
    assert "budgets[1] must be an integer. Got 'x' instead." in capsys.readouterr().err


def test_compares(dataset, capsys):
    dataset.skip(9).tag_samples("late")
    arguments = ["compare", dataset.name, "--run-keys", "even", "late"]
    assert main([*arguments, "--random-draws", "2", "--label-fields", "predictions"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Compared 'even', 'late' on the 12 samples that they could hold")
    assert "1 shared (Jaccard 0.12), as by chance" in said
    assert main(arguments[:-1]) == 2
    assert "run_keys must" in capsys.readouterr().err
