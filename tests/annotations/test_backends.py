"""FiftyOne's annotation backends: ``annotate`` and ``load_annotations`` really called, with a backend that needs no server."""

from __future__ import annotations

import sys
import types
from typing import Any, ClassVar

import fiftyone as fo
import fiftyone.utils.annotations as foua
import pytest

import shortlist as sl
from shortlist import ShortlistError

NAMED = {"detections": "detections", "classification": "classifications"}


class DeskConfig(foua.AnnotationBackendConfig):
    """The settings of a backend: none."""


class Desk(foua.AnnotationBackend):
    """A desk on which annotators find the labels, and change them there."""

    held: ClassVar[dict[str, dict[str, dict[str, fo.Label]]]] = {}
    asked: ClassVar[dict[str, Any]] = {}
    broken: ClassVar[bool] = False

    supported_media_types: ClassVar = ["image"]
    supported_label_types: ClassVar = [
        "classification",
        "classifications",
        "detections",
        "instances",
        "polylines",
        "polygons",
    ]
    supported_scalar_types: ClassVar = []
    supported_attr_types: ClassVar = ["text"]
    supports_keyframes = False
    supports_video_sample_fields = False
    requires_label_schema = True

    def recommend_attr_tool(self, name: str, value: Any) -> dict:
        return {"type": "text"}

    def requires_attr_values(self, attr_type: str) -> bool:
        return False

    def upload_annotations(self, samples: Any, anno_key: str, launch_editor: bool = False) -> Any:
        if Desk.broken:
            raise ConnectionError("no desk is free")
        (field,) = self.config.label_schema
        Desk.asked[anno_key] = self.config.label_schema[field]
        ids: dict[str, Any] = {}
        for sample in samples:
            labels = _of(sample[field])
            Desk.held.setdefault(anno_key, {})[sample.id] = {one.id: _copy(one) for one in labels}
            ids[sample.id] = [one.id for one in labels]
        return DeskResults(samples, self.config, anno_key, {field: ids}, backend=self)

    def download_annotations(self, results: Any) -> dict:
        (field,) = self.config.label_schema
        kind = NAMED[self.config.label_schema[field]["type"]]
        return {field: {kind: Desk.held[results.key]}}


class DeskResults(foua.AnnotationResults):
    """What is remembered of a task."""

    @classmethod
    def _from_dict(cls, held: dict, samples: Any, config: Any, anno_key: str) -> DeskResults:
        return cls(samples, config, anno_key, held["id_map"])


def _of(label: Any) -> list[Any]:
    if label is None:
        return []
    return list(label.detections) if isinstance(label, fo.Detections) else [label]


def _copy(label: Any) -> Any:
    copied = label.copy()
    copied.id = label.id
    return copied


@pytest.fixture
def desk(monkeypatch):
    """Registers the backend, as a person does in FiftyOne's annotation config; gives what lies on it."""
    module = types.ModuleType("desk")
    for one in (DeskConfig, Desk, DeskResults):
        setattr(module, one.__name__, one)
        monkeypatch.setattr(one, "__module__", "desk")
    monkeypatch.setitem(sys.modules, "desk", module)
    monkeypatch.setitem(fo.annotation_config.backends, "desk", {"config_cls": "desk.DeskConfig"})
    Desk.held.clear()
    Desk.broken = False
    return Desk.held


def hand(dataset: Any, **more: Any) -> Any:
    given = {"prelabels": "guess", "target": "desk", **more}
    return sl.export_annotations(dataset, "desk_1", "gt", progress=lambda *_: None, **given)


def merge(dataset: Any) -> Any:
    return sl.merge_annotations(dataset, "desk_1", progress=lambda *_: None)


def test_labels_and_prelabels_go_to_a_backend_and_corrections_come_back(dataset, desk, raw, box):
    before = raw(dataset)
    summary = hand(dataset)
    assert (summary.n_labels, summary.n_prelabels, summary.export_dir) == (2, 2, None)
    assert dataset.list_annotation_runs() == ["desk_1"]
    asked = Desk.asked["desk_1"]
    assert (asked["type"], asked["classes"]) == ("detections", ['cät <&"', "dog"])
    assert raw(dataset) == before

    first, second, _, _, last = dataset.values("id")
    cat, dog = desk["desk_1"][first].values()
    cat.label, dog.bounding_box = "cow", [0.55, 0.5, 0.2, 0.3]
    desk["desk_1"][second].pop(next(iter(desk["desk_1"][second])))
    bird = box("bird", 0.1, 0.2)
    desk["desk_1"][last][bird.id] = bird
    summary = merge(dataset)
    assert (summary.added, summary.changed, summary.removed, summary.conflicts) == (2, 2, 0, [])
    dataset.reload()
    labels = dataset.first().gt.detections
    assert [(one.label, one.bounding_box[0]) for one in labels] == [("cow", 0.1), ("dog", 0.55)]
    assert (labels[0].note, labels[0].confidence) == ("é", 0.5)
    assert dataset.values("gt.detections.label") == [["cow", "dog"], ["dog"], [], None, ["bird"]]

    # Annotators go on, and what they add is merged into what was merged.
    bird.label = "eagle"
    assert merge(dataset).changed == 1
    assert dataset.values("gt.detections.label")[-1] == ["eagle"]
    assert merge(dataset).record is None

    sl.undo_review(dataset, "desk_1", progress=lambda *_: None)
    assert raw(dataset) == before


def test_what_somebody_changed_in_the_dataset_meanwhile_stays(dataset, desk):
    hand(dataset)
    first = dataset.first()
    desk["desk_1"][first.id][first.gt.detections[0].id].label = "cow"
    first.gt.detections[0].label = "ox"
    first.save()
    summary = merge(dataset)
    assert dataset.first().gt.detections[0].label == "ox"
    assert len(summary.conflicts) == 1


def test_classes_of_images_go_to_a_backend(make, images, desk):
    samples = [fo.Sample(path) for path in images[:3]]
    samples[0]["gt"] = fo.Classification(label="cat", note=1)
    samples[1]["guess"] = fo.Classification(label="dog", confidence=0.9)
    dataset = make(samples)
    hand(dataset)
    first, _, third = dataset.values("id")
    next(iter(desk["desk_1"][first].values())).label = "cow"
    new = fo.Classification(label="hen")
    desk["desk_1"][third] = {new.id: new}
    summary = merge(dataset)
    assert (summary.added, summary.changed) == (2, 1)
    assert dataset.values("gt.label") == ["cow", "dog", "hen"]
    assert (dataset.first().gt.note, dataset.skip(1).first().gt.confidence) == (1, None)


def test_a_backend_that_cannot_be_reached_leaves_nothing_behind(dataset, desk, snapshot):
    Desk.broken = True
    before = (
        snapshot(dataset)["documents"].keys(),
        dataset.get_field_schema(flat=True).keys(),
        dataset.list_annotation_runs(),
    )
    with pytest.raises(ShortlistError, match=r"which says ConnectionError: 'no desk is free'; nothing was written"):
        hand(dataset)
    after = (
        snapshot(dataset)["documents"].keys(),
        dataset.get_field_schema(flat=True).keys(),
        dataset.list_annotation_runs(),
    )
    assert after == before
    assert sl.list_hand_overs(dataset) == []


def test_cvat_without_a_server_is_one_sentence(dataset, monkeypatch):
    monkeypatch.setitem(fo.annotation_config.backends["cvat"], "url", "http://127.0.0.1:1")
    for name in ("username", "password"):
        monkeypatch.setitem(fo.annotation_config.backends["cvat"], name, "nobody")
    with pytest.raises(
        ShortlistError, match=r"^target must be an annotation backend that is set up and can be reached. Got 'cvat'"
    ):
        hand(dataset, target="cvat")
    assert dataset.list_annotation_runs() == []


def test_deleting_a_hand_over_deletes_its_field_and_its_annotation_run(dataset, desk, raw):
    hand(dataset)
    merge(dataset)
    after = raw(dataset)
    sl.delete_hand_over(dataset, "desk_1")
    assert dataset.list_annotation_runs() == []
    assert "desk_1" not in dataset.get_field_schema()
    assert raw(dataset) == after
    sl.undo_review(dataset, "desk_1", progress=lambda *_: None)
    assert dataset.values("gt.detections.label")[1] is None


def test_a_hand_over_whose_annotation_run_is_gone_says_so(dataset, desk, refused):
    hand(dataset)
    dataset.delete_annotation_run("desk_1")
    with refused(dataset, "the hand-over 'desk_1' must have its annotation run and its field. Got a dataset without them "
                 "instead: somebody deleted them."):  # fmt: skip
        merge(dataset)
    with pytest.raises(ShortlistError, match=r"^run_key must be a hand-over of"):
        sl.merge_annotations(dataset, "nothing")
