"""score_label_quality on Classifications fields."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from shortlist import score_label_quality
from shortlist.core.quality.multilabel import class_quality, ema, softmin

CLASSES = ["cat", "dog", "fox"]
N = 90
# By sample: the class that is wrongly given, or wrongly left out.
SPURIOUS, MISSING = {12: "fox", 50: "dog"}, {33: "cat", 71: "dog"}


def silent(*_: object) -> None:
    """No bar."""


def true_classes(row: int) -> set[str]:
    found = {name for place, name in enumerate(CLASSES) if (row >> place) & 1}
    found = (found | {MISSING[row]}) if row in MISSING else found
    return found - {SPURIOUS[row]} if row in SPURIOUS else found


def given_classes(row: int) -> set[str]:
    found = true_classes(row) | ({SPURIOUS[row]} if row in SPURIOUS else set())
    return found - {MISSING.get(row)}


def probabilities(row: int) -> np.ndarray:
    """(K,) of a model that is sure of most and unsure of some."""
    chance = np.random.default_rng(row)
    is_true = np.array([name in true_classes(row) for name in CLASSES])
    values = np.where(is_true, chance.uniform(0.8, 0.99, 3), chance.uniform(0.01, 0.2, 3))
    if row % 9 == 4:
        values[row % 3] = 0.5
    return values


def samples() -> list[fo.Sample]:
    return [
        fo.Sample(
            f"/nowhere/{row:03d}.png",
            ground_truth=fo.Classifications(
                classifications=[fo.Classification(label=name) for name in sorted(given_classes(row))]
            ),
            predictions=fo.Classifications(probabilities=probabilities(row).tolist()),
        )
        for row in range(N)
    ]


def score(dataset, **parameters):
    return score_label_quality(dataset, "ground_truth", "predictions", progress=silent, **parameters)


@pytest.fixture
def noisy(make):
    return make(samples(), classes={"predictions": CLASSES})


def found(dataset) -> dict[int, str]:
    return {int(one.filepath[-7:-4]): one.ground_truth_issue for one in dataset.exists("ground_truth_issue")}


PLANTED = {**dict.fromkeys(SPURIOUS, "spurious"), **dict.fromkeys(MISSING, "missing")}


def test_planted_errors_are_found_with_their_classes(noisy):
    summary = score(noisy)
    assert found(noisy) == PLANTED
    assert summary.kinds == {"spurious": 2, "missing": 2}
    assert summary.n_labels == 3 * N
    for row, name in SPURIOUS.items():
        labels = noisy.skip(row).first().ground_truth.classifications
        assert {one.label for one in labels if one.issue == "spurious"} == {name}
        assert next(one.quality for one in labels if one.label == name) < 0.5
    for row, name in MISSING.items():
        (one,) = noisy.skip(row).first().ground_truth_suggestions.classifications
        assert (one.label, one.issue) == (name, "missing")
        assert one.quality < 0.5
    quality = noisy.load_saved_view("ground_truth_issues").values("ground_truth_quality")
    assert quality == sorted(quality)


@pytest.mark.parametrize(("pooling", "pool"), [("softmin", softmin), ("ema", ema)])
def test_methods_and_pooling_are_their_formulas(noisy, pooling, pool):
    score(noisy, method="normalized_margin", pooling=pooling)
    rows = np.stack([probabilities(row) for row in range(N)]).astype(np.float32)
    labels = np.array([[int(name in given_classes(row)) for name in CLASSES] for row in range(N)])
    expected = pool(class_quality(rows, labels, "normalized_margin"))
    assert noisy.values("ground_truth_quality") == pytest.approx(expected.tolist(), abs=1e-6)


def test_lists_of_confidences_are_used_and_said(make):
    rows = samples()
    for row, one in enumerate(rows):
        values = zip(CLASSES, probabilities(row).tolist(), strict=True)
        labels = [fo.Classification(label=name, confidence=value) for name, value in values if value > 0.3]
        one.predictions = fo.Classifications(classifications=labels)
    dataset = make(rows)
    summary = score(dataset)
    assert found(dataset).items() >= PLANTED.items()
    (note,) = summary.notes
    assert note.startswith(
        "'predictions' may have only confidences of some classes: one that it leaves out counts as of"
    )


def test_samples_without_labels_are_no_samples_without_classes(make):
    rows = samples()
    rows[0].ground_truth = None
    rows[1].ground_truth = fo.Classifications()
    rows[2].predictions = None
    dataset = make(rows, classes={"predictions": CLASSES})
    summary = score(dataset)
    quality = dataset.values("ground_truth_quality")
    assert quality[0] is None
    assert quality[2] is None
    assert quality[1] < 0.5
    assert dataset.skip(1).first().ground_truth_issue == "missing"
    assert summary.unscoreable == {"samples without 'ground_truth'": 1, "samples without 'predictions'": 1}


def test_the_threshold_and_a_rule_are_not_both_given(noisy, refused):
    with refused(noisy, "issues must be found by threshold or by find_issues, not by both."):
        score(noisy, threshold=0.3, find_issues="both")
