"""Starting a review of every kind of labels that score_label_quality scores, and of datasets of other shapes."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from shortlist import ShortlistError, load_review, score_label_quality, start_review
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept

CLASSES = ["cat", "dog"]


def silent(*_: object) -> None:
    """No bar."""


def begin(samples: Any, field: str | None = "gt", key: str = "review_1", **how: Any) -> list[Item]:
    start_review(samples, key, field, progress=silent, **how)
    return kept.load(samples._root_dataset, key).items


def score(dataset: fo.Dataset, field: str = "gt", predictions: str = "pred", **how: Any) -> fo.Dataset:
    score_label_quality(dataset, field, predictions, progress=silent, **how)
    return dataset


def classified(row: int, given: str, **parts: Any) -> fo.Sample:
    sure = [0.97, 0.03] if row % 2 else [0.03, 0.97]
    return fo.Sample(
        f"/nowhere/{row}.png",
        gt=fo.Classification(label=given, note=row),
        pred=fo.Classification(label=CLASSES[row % 2 == 0], confidence=0.97, probabilities=sure),
        **parts,
    )


@pytest.fixture
def cats(make):
    """Twenty cats and dogs in turn, of which the fourth (a cat) is called a dog; the last has no label."""
    samples = [classified(row, "dog" if row in (3,) or row % 2 == 0 else "cat") for row in range(20)]
    samples[-1].gt = None
    return make(samples, classes={"pred": CLASSES})


class TestClassifications:
    def test_the_label_is_the_item(self, cats):
        score(cats)
        wrong = cats.skip(3).first()
        (item,) = begin(cats)
        assert item == Item(wrong.id, "wrong_class", wrong.gt_quality, wrong.gt.id, given="dog", suggested="cat")

    def test_what_was_put_right_since_is_left_out(self, cats):
        score(cats)
        wrong = cats.skip(3).first()
        wrong.gt.label = "cat"
        wrong.save()
        with pytest.raises(
            ShortlistError, match=r"Got none instead; nothing was written. There were 1 issues whose labels already"
        ):
            begin(cats)

    def test_an_audit_is_of_labels_that_are_there(self, cats):
        score(cats)
        found = begin(cats, audit=50)
        # Twenty less the one without a label and the one that is suspected.
        assert sum(item.is_audit for item in found) == 18
        assert len({item.label for item in found}) == 19

    def test_labels_without_scores_and_samples(self, cats):
        assert len(begin(cats, key="labels", subject="labels")) == 19
        assert len(begin(cats, None, key="samples", subject="samples")) == 20


class TestManyClasses:
    def test_given_and_missing_classes(self, make):
        both = {"a": 0.98, "b": 0.03}

        def sample(row: int, given: list[str]) -> fo.Sample:
            predicted = [fo.Classification(label=name, confidence=value) for name, value in both.items()]
            own = [fo.Classification(label=name) for name in given]
            return fo.Sample(
                f"/nowhere/{row}.png",
                gt=fo.Classifications(classifications=own),
                pred=fo.Classifications(classifications=predicted),
            )

        lists = [["a"]] * 18 + [["a", "b"], []]
        dataset = make([sample(row, given) for row, given in enumerate(lists)], default_classes=["a", "b"])
        score(dataset)
        found = begin(dataset)
        spurious = next(item for item in found if item.kind == "spurious")
        missing = next(item for item in found if item.kind == "missing")
        assert (spurious.sample, spurious.given, spurious.suggested, spurious.suggestion) == (
            dataset.skip(18).first().id, "b", None, None,
        )  # fmt: skip
        assert (missing.sample, missing.given, missing.suggested, missing.label) == (dataset.last().id, None, "a", None)
        assert missing.suggestion == dataset.last().gt_suggestions.classifications[0].id
        assert (len(found), missing.suggested_box) == (2, None)

        last = dataset.last()
        last.gt = fo.Classifications(classifications=[fo.Classification(label="a")])
        last.save()
        assert [item.kind for item in begin(dataset, key="again")] == ["spurious"]


class TestMasks:
    @pytest.fixture
    def masked(self, make):
        """Twelve masks, of which the second lacks an object that the model is sure of."""
        targets = {0: "background", 1: "cat"}
        samples = []
        for row in range(12):
            mask = np.zeros((40, 40), np.uint8)
            mask[5:25, 5 + row : 25 + row] = 1
            chance = np.random.default_rng(row).uniform(0.9, 0.99, (40, 40))
            cat = np.where(mask, chance, 1 - chance).astype(np.float32)
            given = mask.copy()
            if row == 1:
                given[:] = 0
            samples.append(
                fo.Sample(
                    f"/nowhere/{row}.png",
                    gt=fo.Segmentation(mask=given),
                    pred=fo.Segmentation(mask=mask, probabilities=np.stack([1 - cat, cat])),
                )
            )
        return score(make(samples, default_mask_targets=targets), threshold=0.6)

    def test_each_region_is_an_item(self, masked):
        found = begin(masked)
        regions = masked.skip(1).first().gt_suggestions.detections
        assert [item.suggestion for item in found] == [one.id for one in regions]
        assert (found[0].kind, found[0].given, found[0].suggested, found[0].label) == (
            "missing",
            "background",
            "cat",
            None,
        )
        assert found[0].suggested_box == tuple(regions[0].bounding_box)

    def test_masks_as_a_whole_are_labels_and_what_an_audit_draws(self, masked):
        every = begin(masked, key="labels", subject="labels")
        assert [(item.label, item.suggestion) for item in every] == [(None, None)] * 12
        assert every[0].kind == "missing"
        drawn = [item for item in begin(masked, audit=3) if item.is_audit]
        assert len({item.sample for item in drawn}) == 3
        assert {item.kind for item in drawn} == {None}


def test_polylines_and_keypoints_have_a_box_around_their_points(make):
    line = fo.Polyline(label="road", points=[[[0.1, 0.2], [0.5, 0.4]], [[0.3, 0.1], [0.4, 0.6]]])
    points = fo.Keypoint(label="hand", points=[[0.25, 0.5], [float("nan"), float("nan")], [0.5, 0.25]])
    dataset = make(
        [
            fo.Sample(
                "/nowhere/a.png",
                roads=fo.Polylines(polylines=[line]),
                hands=fo.Keypoints(keypoints=[points]),
                one=fo.Polyline(label="road", points=[]),
            )
        ]
    )
    (road,) = begin(dataset, "roads", subject="labels")
    assert road.box == pytest.approx((0.1, 0.1, 0.4, 0.5))
    (hand,) = begin(dataset, "hands", "hand", subject="labels")
    assert hand.box == pytest.approx((0.25, 0.25, 0.25, 0.25))
    (bare,) = begin(dataset, "one", "bare", subject="labels")
    assert (bare.label, bare.box) == (dataset.first().one.id, None)


def test_places_that_cannot_be_read_are_none(make):
    dataset = make([fo.Sample("/nowhere/a.png", gt=fo.Detections(detections=[fo.Detection(label="a")] * 1))])
    box = {"gt.detections.0.bounding_box": [0.1, float("nan"), 0.2, 0.2]}
    dataset._sample_collection.update_one({}, {"$set": box})
    (item,) = begin(dataset, subject="labels")
    assert item.box is None


def test_a_label_field_inside_a_document_and_with_an_odd_name(make):
    samples = []
    for row in range(20):
        one = classified(row, "dog" if row == 3 or row % 2 == 0 else "cat")
        samples.append(
            fo.Sample(one.filepath, model=fo.DynamicEmbeddedDocument(gt=one.gt), **{"vorher sagen ü": one.pred})
        )
    dataset = make(samples, classes={"vorher sagen ü": CLASSES})
    dataset.add_dynamic_sample_fields()
    score(dataset, "model.gt", "vorher sagen ü")
    (item,) = begin(dataset, "model.gt")
    assert (item.given, item.suggested) == ("dog", "cat")
    assert len(begin(dataset, "vorher sagen ü", "odd", subject="labels")) == 20


def test_grouped_datasets_are_reviewed_slice_by_slice_and_seen_from_any(make):
    dataset = make()
    dataset.add_group_field("group", default="left")
    samples = []
    for row in range(20):
        group = fo.Group()
        for side in ("left", "right"):
            one = classified(row, "dog" if (row == 3 and side == "left") or row % 2 == 0 else "cat")
            one.filepath = f"/nowhere/{row}-{side}.png"
            one["group"] = group.element(side)
            samples.append(one)
    dataset.add_samples(samples, progress=False)
    dataset.classes = {"pred": CLASSES}
    score(dataset)
    (item,) = begin(dataset)
    dataset.group_slice = "right"
    assert load_review(dataset, "review_1").values("id") == [item.sample]
    assert len(begin(dataset, key="right", subject="labels")) == 20
    with pytest.raises(ShortlistError, match="Got none instead"):
        begin(dataset, key="none")


def test_frames_are_refused_with_the_way_out(make):
    video = fo.Sample("/nowhere/a.mp4")
    video.frames[1] = fo.Frame(gt=fo.Classification(label="a"))
    dataset = make([video])
    with pytest.raises(ShortlistError, match=r"a field of samples, not of frames.*dataset.to_frames\(\)"):
        begin(dataset, "frames.gt", subject="labels")
