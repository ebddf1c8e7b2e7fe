"""The agent skills: what they name is there, their parameters are those of the models, and their examples run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.plugins as fop
import numpy as np
import pytest
import yaml

import shortlist as sl
from shortlist.core.review.verdicts import Decision
from shortlist.core.schema import Schema, choices_of, described, models_of, parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.operators import OPERATORS

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "@shortlist/curation"
PAGES = sorted((ROOT / "skills").glob("*/SKILL.md"))
MODELS = {f"{PLUGIN}/{one.verb}": one.model for one in OPERATORS}
page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.parent.name)


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def calls(path: Path) -> list[dict[str, Any]]:
    return [json.loads(block) for block in blocks(path, "json")]


def words_of(model: type[Schema]) -> set[str]:
    """The names of a model's parameters, and the values to choose from."""
    found = set()
    for name, field in described(model):
        found |= {name, *map(str, choices_of(field.annotation))}
        for nested in models_of(field.annotation):
            found |= words_of(nested)
    return found


def test_fiftyone_finds_the_skills_that_the_manifest_lists():
    listed = yaml.safe_load((ROOT / "fiftyone.yml").read_text())["skills"]
    found = {skill.name: skill for skill in fop.list_skills(plugin=PLUGIN)}
    assert sorted(found) == sorted(listed) == [path.parent.name for path in PAGES]
    for skill in found.values():
        assert 50 < len(skill.description) < 1024
        assert Path(skill.path).parent.name == skill.name


@page
def test_every_call_is_of_an_operator_with_parameters_that_it_takes(path):
    assert len(calls(path)) >= 5
    for call in calls(path):
        assert sorted(call) == ["operator", "params"]
        assert foo.operator_exists(call["operator"])
        parse(MODELS[call["operator"]], call["params"])


@page
def test_each_call_has_its_twin_in_python(path):
    code = "\n".join(blocks(path, "python"))
    verbs = {call["operator"].rpartition("/")[2] for call in calls(path)} - {"undo_review"}
    assert [verb for verb in verbs if f"sl.{verb}(" not in code] == []


@page
def test_every_name_in_the_text_is_one_of_ours(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = set(re.findall(r"`([^`]+)`", text))
    known = {*dir(sl), *choices_of(Decision), *MODELS, PLUGIN}
    for model in [*MODELS.values(), SelectionConfig]:
        known |= words_of(model)
    # What the examples make, and what other packages call so.
    known |= {"predictions_uncertainty_entropy", "review_1_disputed", "coco", "cvat_file", "labelstudio_file"}
    known |= {
        *fo.annotation_config.backends,
        "foo.execute_operator(uri, ctx, params=...)",
        "import shortlist as sl",
        "+",
    }
    assert names - known == set()
    assert {f"{PLUGIN}/{name}" for name in re.findall(rf"{PLUGIN}/(\w+)", path.read_text())} <= set(MODELS)


@pytest.fixture
def my_dataset(make, tmp_path):
    """Thirty images with classes, of which a model that is right nearly always takes three for wrong."""
    chance = np.random.default_rng(5)
    samples = []
    for row in range(30):
        file = str(tmp_path / f"é {row}.png")
        cv2.imencode(".png", np.full((8, 8, 3), row, np.uint8))[1].tofile(file)
        true = row % 3
        probabilities = np.full(3, 0.02)
        probabilities[true] = 0.96
        given = "abc"[(true + 1) % 3 if row < 3 else true]
        predicted = fo.Classification(label="abc"[true], confidence=0.96, probabilities=probabilities.tolist())
        vector = chance.normal(size=4)
        samples.append(
            fo.Sample(file, ground_truth=fo.Classification(label=given), predictions=predicted, embeddings=vector)
        )
    dataset = make(samples, default_classes=["a", "b", "c"])
    dataset.name = "my-dataset"
    yield dataset
    fo.delete_dataset("my-dataset")


@page
def test_the_examples_run_from_the_first_to_the_last(path, my_dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in blocks(path, "python"):
        exec(compile(code, str(path), "exec"), names)
        if "start_review" in code:
            for reviewer in ("ann", "bo"):
                while (asked := sl.next_to_review(my_dataset, "review_1", reviewer)) is not None:
                    sl.give_verdict(my_dataset, "review_1", asked.number, "accept", reviewer=reviewer)
    my_dataset.reload()
    told = capsys.readouterr().out
    assert "Handed 10 images over to cvat_file as 'annotations_1'" in told
    assert [one.label for one in my_dataset.values("ground_truth")] == [
        one.label for one in my_dataset.values("predictions")
    ]
    assert my_dataset.count("new_labels") == 10
    assert set(my_dataset.match_tags("round_1").values("id")).isdisjoint(my_dataset.match_tags("round_2").values("id"))
    for call in calls(path):
        if call["operator"].endswith("undo_review"):
            foo.get_operator(call["operator"])(my_dataset, **call["params"])
    wrong = sum(one.ground_truth.label != one.predictions.label for one in my_dataset)
    assert wrong == 3
