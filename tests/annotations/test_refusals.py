"""Bad input is one clear sentence, and changes nothing; what can be read is handed over, and the rest is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fiftyone as fo
import pytest

import shortlist as sl
from shortlist import ShortlistError
from shortlist.core.errors import shown

WRITTEN = {"target": "coco"}


def hand(dataset: Any, directory: Path | None, **more: Any) -> Any:
    given = {"run_key": "round_a", "label_field": "gt", "export_dir": directory, "progress": lambda *_: None, **more}
    return sl.export_annotations(dataset, **given)


def merge(dataset: Any, path: Path | None = None, run_key: str = "round_a") -> Any:
    return sl.merge_annotations(dataset, run_key, path, progress=lambda *_: None)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"run_key": "a b"}, "run_key must be a letter followed by letters, digits and underscores, since it names a run. Got "
         "'a b' instead. Try 'a_b'."),
        ({"run_key": "gt"}, "run_key must be new. Got 'gt' instead. There is a field of that name. Choose another name."),
        ({"target": "coc"}, "target must be one of coco, cvat_file, labelstudio_file, cvat, labelbox, labelstudio. Got 'coc' "
         "instead. Did you mean 'coco'?"),
        ({"export_dir": None}, "export_dir must be given to write files for 'coco'."),
        ({"label_field": "fresh"}, "label_type must be given: there is no field 'fresh' yet, and there are no pre-labels to "
         "tell."),
        ({"label_field": "a.b", "label_type": "detections"}, "label_field must be a field of the samples, or a name for a new "
         "one. Got 'a.b' instead."),
        ({"label_field": "fresh", "label_type": "classification"}, "classes must be given: there are no labels to take them "
         "from."),
        ({"label_field": "filepath"}, "label_field must be a field of images of type Classification, Classifications, "
         "Detections, Polylines. Got 'filepath, a StringField' instead."),
        ({"label_type": "polylines"}, "label_type must be of the type of label_field, Detections. Got 'Polylines' instead."),
        ({"prelabels": "gues"}, "prelabels must be a field of '{name}'. Got 'gues' instead. Did you mean 'guess'?"),
        ({"source": "nothing"}, "source must be a tag, a saved view or a selection of '{name}'. Got 'nothing' instead. It has "
         "none yet."),
        ({"classes": []}, "classes must be a list of at least 1. Got [] instead."),
    ],
)  # fmt: skip
def test_what_cannot_be_handed_over_is_refused(dataset, refused, tmp_path, given, sentence):
    with refused(dataset, sentence.replace("{name}", dataset.name)):
        hand(dataset, **{"directory": tmp_path / "out", **given} if "export_dir" not in given else {"directory": None})
    assert not (tmp_path / "out").exists()


def test_a_directory_with_something_in_it_is_left_alone(dataset, refused, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with refused(dataset, f"export_dir must be a new or an empty directory. Got {shown(str(tmp_path / 'out'))} instead. "
                 "Choose another, or empty it."):  # fmt: skip
        hand(dataset, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_name_is_used_once(dataset, refused, tmp_path):
    hand(dataset, tmp_path / "out")
    with refused(
        dataset, "run_key must be new. Got 'round_a' instead. There is a hand-over of that name. Choose another name."
    ):
        hand(dataset, tmp_path / "other")


def test_whoever_cancels_leaves_nothing_behind(dataset, snapshot, tmp_path):
    from shortlist.core.errors import Cancelled

    def cancel(done: int, total: int, label: str = "") -> None:
        if done == 3:
            raise Cancelled

    before = snapshot(dataset)
    with pytest.raises(Cancelled):
        hand(dataset, tmp_path / "out", progress=cancel)
    assert snapshot(dataset) == before
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_images_that_cannot_be_read_are_left_out_and_said(dataset, tmp_path):
    dataset.add_sample(fo.Sample("/nowhere/gone.png"))
    summary = hand(dataset, tmp_path / "out")
    assert summary.n_samples == 5
    assert [path for path, _ in summary.unread] == ["/nowhere/gone.png"]
    assert "left out    /nowhere/gone.png" in str(summary)
    with pytest.raises(ShortlistError, match=r"^the samples must be images that can be read"):
        hand(dataset.skip(5), tmp_path / "none", run_key="round_b")


def test_frames_videos_and_empty_views_are_refused(make, dataset):
    videos = make([fo.Sample("/nowhere/a.mp4")])
    with pytest.raises(ShortlistError, match=r"^the samples must be images. Got 'video' instead"):
        hand(videos, None, label_type="detections")
    with pytest.raises(ShortlistError, match=r"^the samples must hold at least one. Got an empty view instead"):
        hand(dataset.limit(0), None)


def test_a_view_of_objects_hands_over_its_images(dataset, tmp_path):
    summary = hand(dataset.to_patches("gt"), tmp_path / "out")
    assert summary.n_samples == 1


def test_what_cannot_be_merged_is_refused(dataset, refused, tmp_path, tool):
    with refused(dataset, f"run_key must be a hand-over of {dataset.name!r}. Got 'round_a' instead. It has none yet. Make one "
                 "with `export_annotations`."):  # fmt: skip
        merge(dataset)
    hand(dataset, tmp_path / "out")
    for text in ("", "{", "[]", '{"images": []}', "<annotations/>"):
        (tmp_path / "back.json").write_text(text)
        with pytest.raises(ShortlistError, match=r"^path(:| must be)"):
            merge(dataset, tmp_path / "back.json")
    with pytest.raises(ShortlistError, match=r"There is no such file"):
        merge(dataset, tmp_path / "nothing.json")

    opened = tool("coco", tmp_path / "out")
    for image in opened.held["images"]:
        image["file_name"] = f"other {image['file_name']}"
    back = opened.save(tmp_path / "back.json")
    with refused(dataset, "path must be annotations of images of 'round_a'. Got 'other é 1.png' instead. Is it the file of "
                 "another hand-over?"):  # fmt: skip
        merge(dataset, back)

    (tmp_path / "out" / "more.json").write_text("{}")
    merge(dataset, tmp_path / "out")
    (tmp_path / "two").mkdir()
    for name in ("a.json", "b.json"):
        (tmp_path / "two" / name).write_text("{}")
    with pytest.raises(ShortlistError, match=re.escape("Got 'a.json, b.json' instead.")):
        merge(dataset, tmp_path / "two")


def test_a_field_that_is_not_there_yet_is_made_when_labels_arrive(dataset, tmp_path, tool):
    hand(dataset, tmp_path / "out", label_field="fresh", label_type="detections", classes=["bird"])
    assert "fresh" not in dataset.get_field_schema()
    assert merge(dataset).record is None
    assert "fresh" not in dataset.get_field_schema()
    opened = tool("coco", tmp_path / "out")
    opened.add("plain.png", "bird", 10, 20, 30, 40)
    merge(dataset, opened.save())
    assert dataset.values("fresh.detections.label") == [None, None, None, None, ["bird"]]
    sl.undo_review(dataset, "round_a", progress=lambda *_: None)
    assert dataset.values("fresh.detections.label") == [None] * 5


def test_a_selection_is_handed_over_in_order_of_rank(dataset, tmp_path):
    config = {"n_samples": 3, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
    chosen = sl.select_samples(dataset, config, "first", progress=lambda *_: None)
    hand(dataset, tmp_path / "out", source="first")
    held = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert list(held["images"].values()) == chosen.ids


def test_a_grouped_dataset_hands_over_its_images(make, images, tmp_path):
    group = fo.Group()
    samples = [
        fo.Sample(images[0], group=group.element("left"), gt=fo.Detections()),
        fo.Sample(images[1], group=group.element("right"), gt=fo.Detections()),
    ]
    summary = hand(make(samples), tmp_path / "out", classes=["bird"])
    assert summary.n_samples == 2
