"""Merging again, after others, after a crash: nobody's work is lost, and nothing is merged twice."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest

import shortlist as sl
from shortlist.dataset.annotations.handed import FILE_TARGETS

each = pytest.mark.parametrize("target", FILE_TARGETS)


@each
def test_merging_twice_adds_nothing_and_a_newer_file_corrects_what_was_added(
    dataset, tmp_path, target, raw, hand, merge, tool
):
    hand(dataset, target, tmp_path / "out")
    opened = tool(target, tmp_path / "out")
    opened.add("plain.png", "bird", 10, 20, 30, 40)
    file = opened.save(tmp_path / "back")
    merge(dataset, file)
    after = raw(dataset)
    assert merge(dataset, file).record is None
    assert raw(dataset) == after

    opened.change("plain.png", 0, label="eagle", left=12)
    summary = merge(dataset, opened.save(file))
    assert (summary.added, summary.changed, summary.removed) == (0, 1, 0)
    (bird,) = dataset.last().gt.detections
    assert (bird.label, bird.id) == ("eagle", str(after[dataset.last()._id]["detections"][0]["_id"]))

    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert dataset.values("gt")[3:] == [None, None]
    assert merge(dataset, file).added == 3  # The pre-labels too, after an undo as before it.
    assert dataset.last().gt.detections[0].label == "eagle"


@each
def test_what_somebody_else_changed_meanwhile_stays_and_is_reported(dataset, tmp_path, target, hand, merge, tool, box):
    first = dataset.first()
    first.gt.detections.append(box("fox", 0.8, 0.1, 0.1, 0.1))
    first.save()
    hand(dataset, target, tmp_path / "out")
    opened = tool(target, tmp_path / "out")
    for place, label in enumerate(("wolf", "wolf", "wolf")):
        opened.change("é 1.png", place, label=label)
    opened.add("plain.png", "bird", 10, 20, 30, 40)
    first.gt.detections[1].bounding_box = [0.55, 0.5, 0.2, 0.3]
    del first.gt.detections[2]
    first.gt.detections.append(box("new", 0.0, 0.0))
    first.save()
    last = dataset.last()
    last["gt"] = fo.Detections(detections=[box("theirs", 0.4, 0.4)])
    last.save()

    summary = merge(dataset, opened.save(tmp_path / "back"))
    dataset.reload()
    assert [one.label for one in dataset.first().gt.detections] == ["wolf", "dog", "new"]
    assert [one.label for one in dataset.last().gt.detections] == ["theirs"]
    assert len(summary.conflicts) == 3
    changed, deleted, labelled = summary.conflicts
    assert "was changed meanwhile by somebody else, and came back as 'wolf'" in changed
    assert "was deleted meanwhile by somebody else" in deleted
    assert "were added meanwhile by somebody else" in labelled
    assert str(summary).count("conflict") == 3


@each
def test_samples_deleted_in_the_middle_are_counted(dataset, tmp_path, target, hand, merge, tool):
    hand(dataset, target, tmp_path / "out")
    opened = tool(target, tmp_path / "out")
    opened.change("é 1.png", 1, label="wolf")
    opened.change("é 1-2.png", 0, label="wolf")
    dataset.delete_samples([dataset.first().id])
    summary = merge(dataset, opened.save(tmp_path / "back"))
    assert (summary.n_gone, summary.added) == (1, 2)
    assert dataset.first().gt.detections[0].label == "wolf"


def test_what_was_killed_while_it_wrote_is_finished_by_the_next_run(dataset, tmp_path, raw, monkeypatch, hand, merge):
    import shortlist.dataset.review.edits as edits

    before = raw(dataset)
    hand(dataset, "coco", tmp_path / "out")
    write = edits._write

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(edits, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(dataset)
    assert raw(dataset) == before
    monkeypatch.setattr(edits, "_write", write)
    assert merge(dataset).n_resumed == 1
    assert [one.bounding_box for one in dataset.skip(1).first().gt.detections] == [
        [0.123456, 0.2, 0.2, 0.3],
        [0.6, 0.6, 0.2, 0.3],
    ]
    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert raw(dataset) == before


def test_a_label_that_somebody_added_after_merging_does_not_stop_the_next_merge(
    dataset, tmp_path, hand, merge, tool, box
):
    hand(dataset, "coco", tmp_path / "out")
    opened = tool("coco", tmp_path / "out")
    opened.add("plain.png", "bird", 10, 20, 30, 40)
    merge(dataset, opened.save(tmp_path / "back"))
    last = dataset.last()
    last.gt.detections.append(box("theirs", 0.7, 0.7))
    last.save()
    opened.change("plain.png", 0, label="eagle")
    summary = merge(dataset, opened.save(tmp_path / "back"))
    assert (summary.changed, summary.conflicts) == (1, [])
    assert dataset.values("gt.detections.label")[-1] == ["eagle", "theirs"]
