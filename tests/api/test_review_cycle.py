"""The whole cycle: labels with known errors are scored, reviewed as an oracle would, and corrected; then it is undone."""

from __future__ import annotations

import bson
import fiftyone as fo
import numpy as np
import pytest

from shortlist import (
    apply_review,
    give_verdict,
    next_to_review,
    score_label_quality,
    start_review,
    undo_review,
)
from shortlist.core.geometry import box_iou

CLASSES = ["car", "person", "bike"]
N = 60
#: by image, what is planted into its labels
PLANTED = {3: "missing", 11: "spurious", 20: "wrong_class", 28: "bad_location", 37: "duplicate", 44: "missing"}
KEY = "review_1"
OURS = ["last_modified_at", KEY, f"{KEY}_verdicts"]


def silent(*_: object) -> None:
    """No bar."""


def true_objects(row: int) -> list[tuple[str, list[float]]]:
    """Four objects of an image that do not touch."""
    chance = np.random.default_rng(row)
    found = []
    for place in range(4):
        width, height = chance.uniform(0.15, 0.22, 2)
        x, y = (0.05 + half * 0.5 + chance.uniform(0, 0.15) for half in (place % 2, place // 2))
        found.append((CLASSES[int(chance.integers(3))], [float(side) for side in (x, y, width, height)]))
    return found


def predicted(row: int) -> fo.Detections:
    """A fair detector: a little off, nearly always sure."""
    chance = np.random.default_rng(1000 + row)
    found = []
    for label, (x, y, width, height) in true_objects(row):
        dx, dy = chance.normal(0, 0.008, 2)
        values = chance.dirichlet(np.ones(3)) * 0.1
        values[CLASSES.index(label)] += 0.9
        box = [float(side) for side in (x + dx, y + dy, width, height)]
        sure = float(chance.uniform(0.75, 0.98))
        found.append(fo.Detection(label=label, bounding_box=box, confidence=sure, probabilities=values / values.sum()))
    return fo.Detections(detections=found)


def given(row: int) -> fo.Detections:
    """The labels of an image, with what is planted into them."""
    found = [fo.Detection(label=label, bounding_box=box, note=f"é {row}") for label, box in true_objects(row)]
    first, (x, y, width, height) = found[0], true_objects(row)[0][1]
    error = PLANTED.get(row)
    if error == "missing":
        return fo.Detections(detections=found[1:])
    if error == "spurious":
        found.append(fo.Detection(label="car", bounding_box=[0.75, 0.8, 0.2, 0.18]))
    if error == "wrong_class":
        first.label = CLASSES[(CLASSES.index(first.label) + 1) % 3]
    if error == "bad_location":
        first.bounding_box = [x + 0.3 * width, y + 0.2 * height, width, height]
    if error == "duplicate":
        found.insert(0, fo.Detection(label=first.label, bounding_box=[x + 0.01, y, width, height]))
    return fo.Detections(detections=found)


@pytest.fixture
def noisy(make):
    """Sixty images with 240 objects, six labels of them wrong."""
    samples = [
        fo.Sample(f"/nowhere/{row:03d}.png", gt=given(row), predictions=predicted(row), weather=row) for row in range(N)
    ]
    return make(samples, classes={"predictions": CLASSES})


def oracle(dataset, number, item):
    """Decides as somebody who knows the truth, and says so with a comment."""
    row = dataset[item.sample].weather
    truth = true_objects(row)
    place = item.suggested_box if item.kind == "missing" else item.box
    overlaps = box_iou(np.array([place]), np.array([box for _, box in truth]))[0]
    label = truth[int(overlaps.argmax())][0]
    decision, chosen = "keep", None
    if item.kind == "missing":
        held = dataset[item.sample].gt.detections
        taken = box_iou(np.array([place]), np.array([one.bounding_box for one in held])).max() > 0.5
        decision = "accept" if overlaps.max() > 0.5 and label == item.suggested and not taken else "keep"
    elif overlaps.max() < 0.2 or (
        PLANTED.get(row) == "duplicate" and item.box[2:] == tuple(truth[0][1][2:]) and item.box != tuple(truth[0][1])
    ):
        decision = "accept" if item.kind in ("spurious", "duplicate") else "remove"
    elif label != item.given:
        decision, chosen = ("accept", None) if item.suggested == label else ("relabel", label)
    elif overlaps.max() < 0.8 and item.kind == "bad_location":
        decision = "accept"
    give_verdict(dataset, KEY, number, decision, reviewer="oracle", label=chosen, comment="„ö“ 🐦")
    return decision != "keep"


def is_wrong(row: int, labels) -> bool:
    """Whether the labels of an image are not the truth."""
    truth = true_objects(row)
    if len(labels) != len(truth):
        return True
    overlaps = box_iou(np.array([box for _, box in truth]), np.array([one["bounding_box"] for one in labels]))
    best = overlaps.argmax(axis=1)
    same = all(labels[place]["label"] == label for place, (label, _) in zip(best, truth, strict=True))
    return not same or bool((overlaps.max(axis=1) < 0.8).any()) or len(set(best.tolist())) < len(truth)


def stored(dataset):
    return {one["weather"]: one for one in dataset._sample_collection.find()}


def test_known_errors_are_gone_and_nothing_else_changed_byte_for_byte(noisy, documents):
    assert {row for row, one in stored(noisy).items() if is_wrong(row, one["gt"]["detections"])} == set(PLANTED)
    score_label_quality(noisy, "gt", "predictions", threshold=0.9, progress=silent)
    start_review(noisy, KEY, "gt", reviewers=["oracle"], progress=silent)
    before, found_wrong = stored(noisy), 0
    plain = documents(noisy, OURS)
    while (shown := next_to_review(noisy, KEY, "oracle")) is not None:
        found_wrong += oracle(noisy, shown.number, shown.item)
    summary = apply_review(noisy, KEY, progress=silent)
    assert (summary.n_applied, summary.left) == (found_wrong, {})
    assert len(PLANTED) <= found_wrong
    after = stored(noisy)
    assert {row for row, one in after.items() if is_wrong(row, one["gt"]["detections"])} == set()
    skipped = [*OURS, "gt"]
    for row, one in after.items():
        was, now = ({key: held for key, held in each.items() if key not in skipped} for each in (before[row], one))
        assert bson.encode(was) == bson.encode(now)
        old = {label["_id"]: bson.encode(label) for label in before[row]["gt"]["detections"]}
        new = {label["_id"]: bson.encode(label) for label in one["gt"]["detections"]}
        if row not in PLANTED:
            assert old == new
        assert len([key for key in old if new.get(key) != old[key]]) <= 1
    undo_review(noisy, KEY, progress=silent)
    assert documents(noisy, OURS) == plain


def test_labels_scored_again_in_between_are_put_back_all_the_same(noisy):
    score_label_quality(noisy, "gt", "predictions", threshold=0.9, progress=silent)
    start_review(noisy, KEY, "gt", progress=silent)
    while (shown := next_to_review(noisy, KEY, "oracle")) is not None:
        oracle(noisy, shown.number, shown.item)
    before = labels_without_scores(noisy)
    apply_review(noisy, KEY, progress=silent)
    score_label_quality(noisy, "gt", "predictions", progress=silent)
    summary = undo_review(noisy, KEY, progress=silent)
    assert summary.stayed == []
    assert labels_without_scores(noisy) == before


def labels_without_scores(dataset):
    scores = ("quality", "issue", "suggestion")
    return {
        row: [
            bson.encode({key: held for key, held in label.items() if key not in scores})
            for label in one["gt"]["detections"]
        ]
        for row, one in stored(dataset).items()
    }
