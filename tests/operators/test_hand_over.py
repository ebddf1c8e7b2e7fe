"""The operators export_annotations and merge_annotations, as the App and scripts meet them."""

from __future__ import annotations

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService

import shortlist as sl

EXPORT, MERGE = "export_annotations", "merge_annotations"


@pytest.fixture
def labelled(make, tmp_path):
    """Three small images, the first labelled, the second with a prediction."""
    samples = []
    for row in range(3):
        cv2.imwrite(str(tmp_path / f"{row}.png"), np.full((8, 8, 3), row, np.uint8))
        samples.append(fo.Sample(str(tmp_path / f"{row}.png")))
    samples[0]["gt"] = fo.Classification(label="a")
    samples[1]["guess"] = fo.Classification(label="b", confidence=0.9)
    return make(samples)


def test_the_form_offers_names_fields_and_targets(form, labelled):
    fields = form(EXPORT, labelled, {})
    assert fields["run_key"]["default"] == "annotations_1"
    assert fields["target"]["default"] == "coco"
    offered = [one["value"] for one in fields["target"]["view"]["choices"]]
    assert offered == ["coco", "cvat_file", "labelstudio_file", "cvat", "labelbox", "labelstudio"]
    assert [one["value"] for one in fields["label_field"]["view"]["choices"]] == ["gt", "guess"]
    assert "problem" not in fields


def test_the_form_says_what_is_wrong_and_what_is_missing(form, labelled):
    assert form(EXPORT, labelled, {"run_key": "a", "label_field": "gt", "label_type": "box"})["problem"]["invalid"]
    problem = form(MERGE, labelled, {})
    assert any("export_annotations" in str(one.get("view", {}).get("label", "")) for one in problem.values())


def test_it_runs_from_a_script_and_is_queued(operator, labelled, tmp_path, monkeypatch):
    result = operator(EXPORT)(
        labelled, "annotations_1", "gt", prelabels="guess", target="cvat_file", export_dir=str(tmp_path / "out")
    )
    assert (result.n_samples, result.n_labels, result.n_prelabels) == (3, 1, 1)
    queued = operator(MERGE)(labelled, "annotations_1", delegate=True)
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=f"@shortlist/curation/{MERGE}", dataset_name=labelled.name, limit=1)
    told = service.get(queued.result["id"]).result.result
    assert told["headline"] == "Merged 'annotations_1' into 'gt': 1 labels added, 0 changed, 0 removed"
    assert labelled.values("gt.label") == ["a", "b", None]


def test_the_app_is_shown_what_was_done(operator, context, labelled, tmp_path):
    params = {"run_key": "a", "label_field": "gt", "target": "labelstudio_file", "export_dir": str(tmp_path / "out")}
    ctx = context(EXPORT, labelled, params)
    *_, shown = [message.body for message in operator(EXPORT).execute(ctx)]
    assert shown.operator_uri.endswith("show_output")
    assert shown.params["results"]["headline"] == "Handed 3 images over to labelstudio_file as 'a'"


def test_the_first_form_is_filled_from_the_dataset_and_merging_offers_the_last_hand_over(form, labelled, tmp_path):
    for number in (1, 2):
        sl.export_annotations(
            labelled, f"annotations_{number}", "gt", target="cvat_file", export_dir=tmp_path / str(number)
        )
    assert form(EXPORT, labelled, {})["run_key"]["default"] == "annotations_3"
    field = form(MERGE, labelled, {})["run_key"]
    assert [one["value"] for one in field["view"]["choices"]] == ["annotations_2", "annotations_1"]


def test_both_are_in_the_registry():
    assert {foo.get_operator(f"@shortlist/curation/{name}").config.label for name in (EXPORT, MERGE)} == {
        "Hand over to annotators",
        "Merge annotations",
    }
