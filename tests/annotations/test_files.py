"""Files go to annotators and come back: what they changed is merged, whatever the tool did to names and ids."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from pathlib import Path

import fiftyone as fo
import pytest

import shortlist as sl
from shortlist.dataset.annotations.files import FORMATS
from shortlist.dataset.annotations.handed import FILE_TARGETS

each = pytest.mark.parametrize("target", FILE_TARGETS)


def test_the_formats_are_those_that_forms_offer():
    assert tuple(FORMATS) == FILE_TARGETS


@each
def test_files_hold_every_image_under_a_name_of_its_own_and_what_annotators_begin_with(
    dataset, tmp_path, target, hand, tool
):
    summary = hand(dataset, target, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out" / "data").iterdir())
    assert names == sorted(["é 1.png", "é 1-2.png", "A.png", "a-2.png", "plain.png"])
    shown = tool(target, tmp_path / "out").boxes()
    assert sorted(shown) == names
    rounded = {
        name: [(label, tuple(round(side) for side in place)) for label, place in held] for name, held in shown.items()
    }
    assert rounded["é 1.png"] == [('cät <&"', (10, 8, 20, 24)), ("dog", (50, 40, 20, 24))]
    assert rounded["é 1-2.png"] == [("dog", (12, 16, 20, 24)), ("dog", (60, 48, 20, 24))]
    assert rounded["A.png"] == rounded["a-2.png"] == rounded["plain.png"] == []
    assert (summary.n_samples, summary.n_labels, summary.n_prelabels) == (5, 2, 2)
    assert summary.classes == ['cät <&"', "dog"]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["images"]["é 1.png"] == dataset.first().id
    copied = tmp_path / "out" / "data" / "a-2.png"
    assert copied.read_bytes() == Path(dataset.skip(3).first().filepath).read_bytes()


@each
def test_what_comes_back_as_it_was_shown_changes_no_label(dataset, tmp_path, target, raw, hand, merge, tool):
    before = raw(dataset)
    hand(dataset, target, tmp_path / "out", prelabels=None)
    tool(target, tmp_path / "out").save()
    summary = merge(dataset)
    assert raw(dataset) == before
    assert (summary.added, summary.changed, summary.removed, summary.record) == (0, 0, 0, None)
    assert summary.n_returned == 5


@each
@pytest.mark.parametrize("keeps_ids", [True, False])
def test_corrections_are_merged_and_nothing_else_and_undone_exactly(
    dataset, tmp_path, target, raw, documents, keeps_ids, hand, merge, tool
):
    before, elsewhere = raw(dataset), documents(dataset, ["gt", "last_modified_at"])
    hand(dataset, target, tmp_path / "out")
    opened = tool(target, tmp_path / "out")
    opened.change("é 1.png", 0, left=15)
    opened.change("é 1.png", 1, label="wolf")
    opened.remove("é 1-2.png", 1)
    opened.add("plain.png", "bird", 10, 20, 30, 40)
    if not keeps_ids:
        opened.forget_ids()
    summary = merge(dataset, opened.save(tmp_path / "back"))
    assert (summary.added, summary.changed, summary.removed, summary.conflicts) == (2, 2, 0, [])

    first, second, empty, untouched, drawn = dataset.values("gt")
    moved, renamed = first.detections
    original = dict(before[dataset.first()._id])
    expected = [dict(one) for one in original["detections"]]
    expected[0]["bounding_box"] = [pytest.approx(one) for one in (0.15, 0.1, 0.2, 0.3)]
    expected[1]["label"] = "wolf"
    assert raw(dataset)[dataset.first()._id] == {**original, "detections": expected}
    assert (moved.note, moved.confidence, renamed.bounding_box) == ("é", 0.5, [0.5, 0.5, 0.2, 0.3])
    # A pre-label that was left in its place has exactly that place, which the files may round.
    assert [(one.label, one.bounding_box, one.confidence) for one in second.detections] == [
        ("dog", [0.123456, 0.2, 0.2, 0.3], None)
    ]
    assert second.detections[0].id != dataset.skip(1).first().guess.detections[0].id
    assert (empty.detections, untouched) == ([], None)
    assert [(one.label, one.bounding_box) for one in drawn.detections] == [
        ("bird", pytest.approx([0.1, 0.25, 0.3, 0.5]))
    ]

    assert documents(dataset, ["gt", "last_modified_at"]) == elsewhere
    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert raw(dataset) == before


@pytest.mark.parametrize("rename", ["upload/3f2a/{}", "C:\\data\\{}", "{}", "decomposed {}"])
def test_folders_and_other_endings_of_image_names_are_seen_through(dataset, tmp_path, rename, hand, merge, tool):
    hand(dataset, "coco", tmp_path / "out")
    opened = tool("coco", tmp_path / "out")
    opened.change("é 1.png", 1, label="wolf")
    for one in opened.held["images"]:
        one["file_name"] = rename.format(one["file_name"]).replace("é 1.png", "é 1.jpg")
        if rename.startswith("decomposed"):
            one["file_name"] = unicodedata.normalize("NFD", one["file_name"].removeprefix("decomposed "))
    opened.held["images"].append({"id": 99, "file_name": "foreign.png", "width": 10, "height": 10})
    archive = tmp_path / "back.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(opened.save(), "annotations/instances_default.json")
    summary = merge(dataset, archive)
    assert summary.unknown == ["foreign.png"]
    assert dataset.first().gt.detections[1].label == "wolf"


def test_a_task_that_nobody_annotated_has_not_come_back(dataset, tmp_path, hand, merge):
    hand(dataset, "labelstudio_file", tmp_path / "out")
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text(encoding="utf-8"))
    for task in tasks:
        task["annotations"] = [{"result": [], "was_cancelled": True, "updated_at": "1"}]
    tasks[0]["annotations"] = [
        {"result": [], "updated_at": "2"},
        {"result": tasks[0]["predictions"][0]["result"][:1], "updated_at": "3"},
    ]
    (tmp_path / "back.json").write_text(json.dumps(tasks), encoding="utf-8")
    summary = merge(dataset, tmp_path / "back.json")
    assert (summary.n_returned, summary.removed, summary.added) == (1, 1, 0)
    assert len(dataset.first().gt.detections) == 1


def test_hand_overs_are_listed_and_deleted_and_their_labels_stay(dataset, tmp_path, raw, hand, merge):
    hand(dataset, "coco", tmp_path / "out", classes=["zebra"])
    (record,) = sl.list_hand_overs(dataset)
    assert (record.run_key, record.label_field, record.target, record.n_samples) == ("round_a", "gt", "coco", 5)
    assert record.facts["classes"] == ["zebra", 'cät <&"', "dog"]
    merge(dataset)
    after = raw(dataset)
    sl.delete_hand_over(dataset, "round_a")
    assert sl.list_hand_overs(dataset) == []
    assert raw(dataset) == after
    assert (tmp_path / "out" / "labels.json").exists()


def test_of_a_review_the_samples_with_an_issue_that_was_found_wrong_are_handed_over(make, images, tmp_path):
    samples = [fo.Sample(path, gt=fo.Classification(label="a")) for path in images]
    dataset = make(samples, default_classes=["a", "b"])
    sl.start_review(dataset, "review_1", "gt", subject="labels", order="view", progress=lambda *_: None)
    given = {"source": "review_1", "target": "cvat_file", "progress": lambda *_: None}
    with pytest.raises(sl.ShortlistError, match=r"Got 'review_1' instead, of which none was yet\."):
        sl.export_annotations(dataset, "round_a", "gt", export_dir=tmp_path / "out", **given)
    for number, decision in enumerate(("keep", "relabel", "not_sure", "relabel"), start=1):
        label = "b" if decision == "relabel" else None
        sl.give_verdict(dataset, "review_1", number, decision, reviewer="é", label=label)
    sl.export_annotations(dataset, "round_a", "gt", export_dir=tmp_path / "out", **given)
    held = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    wrong = [sl.to_review(dataset, "review_1", number).item.sample for number in (2, 4)]
    assert list(held["images"].values()) == wrong
