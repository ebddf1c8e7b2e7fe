"""The operator score_images: its form, a live run, a delegated one, and the command line."""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from shortlist.cli import main
from shortlist.core.schema import choices_of, described
from shortlist.core.verbs import ScoreImages

NAME = "score_images"


@pytest.fixture
def pictures(make, tmp_path):
    """A good image, a dark one and one that is not there."""
    rng = np.random.default_rng(0)
    for name, high in (("good", 256), ("dark", 30)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), rng.integers(0, high, (40, 50, 3), dtype=np.uint8))
    return make([fo.Sample(str(tmp_path / f"{name}.png")) for name in ("good", "dark", "missing")])


def flags_of(dataset: fo.Dataset) -> list[list[str]]:
    dataset.reload()
    return dataset.values("image_quality.flags")


def test_the_form_has_every_parameter_with_its_choices_and_bounds(operator, context, make):
    dataset = make([fo.Sample("/nowhere/a.png", clip=np.zeros(3))])
    drawn = operator(NAME).resolve_input(context(NAME, dataset)).to_json()["type"]["properties"]
    for name, field in described(ScoreImages):
        assert drawn[name]["view"]["description"] == field.description
        choices = choices_of(field.annotation)
        if choices:
            assert [choice["value"] for choice in drawn[name]["view"]["choices"] if choice["value"]] == list(choices)
    assert drawn["dark_below"]["default"] == 0.32
    assert (drawn["near_duplicate_distance"]["type"]["min"], drawn["near_duplicate_distance"]["type"]["max"]) == (0, 12)
    assert [choice["value"] for choice in drawn["embeddings"]["view"]["choices"] if choice["value"]] == ["clip"]
    assert "problem" not in drawn


def test_the_form_as_it_opens_runs(operator, context, pictures):
    form = operator(NAME).resolve_input(context(NAME, pictures)).to_json()["type"]["properties"]
    given = {name: one["default"] for name, one in form.items() if one.get("default") is not None}
    told = [message.body for message in operator(NAME).execute(context(NAME, pictures, given))]
    names = [one.operator_uri.split("/")[-1] for one in told]
    assert names[-3:] == ["reload_dataset", "notify", "show_output"]
    assert told[-2].params["message"] == "Measured 2 images; 1 could not be read"
    assert {"what": "dark", "value": "1 image"} in told[-1].params["results"]["details"]
    assert flags_of(pictures) == [[], ["dark"], ["unreadable"]]


def test_from_python(operator, pictures):
    summary = operator(NAME)(pictures[:2], flags=["dark"])
    assert summary.flags == {"dark": 1}
    assert flags_of(pictures) == [[], ["dark"], None]


def test_delegated(operator, pictures):
    pictures.persistent = True
    queued = operator(NAME)(pictures, flags=["dark", "unreadable"], delegate=True)
    assert pictures.get_field("image_quality") is None
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=operator(NAME).uri, dataset_name=pictures.name, limit=1)
    done = service.get(queued.result["id"])
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"] == "Measured 2 images; 1 could not be read"
    assert flags_of(pictures) == [[], ["dark"], ["unreadable"]]


def test_on_the_command_line(pictures, capsys):
    arguments = [
        "images",
        pictures.name,
        "--flags",
        "dark",
        "unreadable",
        "--metrics",
        "brightness",
        "--dark-below",
        "0.01",
    ]
    assert main(arguments) == 0
    assert "Measured 2 images; 1 could not be read" in capsys.readouterr().out
    assert flags_of(pictures) == [[], [], ["unreadable"]]
    with pytest.raises(SystemExit):
        main(["images", pictures.name, "--flags", "drak"])
