"""Grouped datasets: what a slice's samples were selected for stays with them, whichever slice is active."""

from __future__ import annotations

import fiftyone as fo
import pytest

from shortlist import ShortlistError, delete_selection, load_selection, preview, score_uncertainty, select_samples

RANDOM = {"n_samples": 3, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}


@pytest.fixture
def pairs(make):
    dataset = make()
    dataset.add_group_field("group", default="left")
    samples = []
    for row in range(6):
        group = fo.Group()
        for side in ("left", "right"):
            prediction = fo.Classification(label="ab"[row % 2], confidence=0.6)
            samples.append(fo.Sample(f"/nowhere/{row}-{side}.png", group=group.element(side), predictions=prediction))
    dataset.add_samples(samples, progress=False)
    return dataset


def test_the_active_slice_is_scored(pairs):
    made = score_uncertainty(pairs, "predictions")
    assert made.n_samples == 6
    assert None not in pairs.values("predictions_uncertainty_margin")


def test_at_most_one_slice_of_each_group(pairs):
    """The id of a group is not stored under that name."""
    both = pairs.select_group_slices(["left", "right"])
    one_each = {"constraints": [{"type": "MAX_PER_GROUP", "key": "group.id", "maximum": 1}]}
    counted = preview(both, {**RANDOM, **one_each, "n_samples": 12})
    assert (counted.n_eligible, counted.n_samples) == (12, 6)
    result = select_samples(both, {**RANDOM, **one_each, "n_samples": 12}, "round_1")
    assert len(result.ids) == len(set(result.view.values("group.id"))) == 6

    balanced = {"input": {"type": "METADATA", "key": "group.id"}, "strategy": {"type": "BALANCE"}}
    assert preview(both, {"n_samples": 6, "strategies": [balanced]}).n_eligible == 12
    result = select_samples(both, {"n_samples": 6, "strategies": [balanced]}, "round_2")
    assert len(set(result.view.values("group.id"))) == 6


def test_a_selection_of_another_slice_is_found_and_deleted(pairs):
    right = pairs.select_group_slices("right")
    result = select_samples(right, RANDOM, "round_1")
    assert result.view.values("group.name") == ["right"] * 3
    assert load_selection(pairs, "round_1").values("id") == result.ids

    later = select_samples(right, {**RANDOM, "preselected": "round_1"}, "round_2")
    assert not set(later.ids) & set(result.ids)

    delete_selection(pairs, "round_1")
    delete_selection(pairs, "round_2")
    assert right.distinct("tags") == []


def test_a_selection_whose_field_was_deleted_says_so_and_can_be_deleted(classified):
    select_samples(classified, RANDOM, "round_1")
    classified.delete_sample_field("round_1")

    for call in (
        lambda: load_selection(classified, "round_1"),
        lambda: select_samples(classified, {**RANDOM, "preselected": "round_1"}, "round_2"),
    ):
        with pytest.raises(ShortlistError, match="the selection 'round_1' must have its field 'round_1'"):
            call()
    delete_selection(classified, "round_1")
    assert "round_1" not in classified.distinct("tags")
    assert select_samples(classified, RANDOM, "round_1").n_samples == 3


@pytest.mark.parametrize("vectors_first", [True, False])
def test_approximations_do_not_depend_on_the_order(make, vectors_first):
    """What a confidence is worth depends on the number of classes, which some vector may tell."""
    plain = [
        fo.Sample(f"/nowhere/{row}.png", p=fo.Classification(label="ab"[row % 2], confidence=0.5))
        for row in range(2100)
    ]
    vector = [fo.Sample("/nowhere/v.png", p=fo.Classification(label="a", confidence=0.9, probabilities=[0.1] * 10))]
    dataset = make([*vector, *plain] if vectors_first else [*plain, *vector])
    score_uncertainty(dataset, "p", scores=["uncertainty_entropy"])

    values = dataset.match(fo.ViewField("p.confidence") == 0.5).distinct("p_uncertainty_entropy")
    assert len(values) == 1
    assert values[0] == pytest.approx(0.778, abs=1e-3)
