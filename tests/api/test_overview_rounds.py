"""What Overview says of rounds and reviews: labels that arrived, coverage, models, and what waits for somebody."""

from __future__ import annotations

import re
import time

import fiftyone as fo
import numpy as np
import pytest

from shortlist import (
    ShortlistError,
    analyze_selection,
    apply_review,
    give_verdict,
    overview,
    score_label_quality,
    select_samples,
    start_review,
    undo_review,
)
from shortlist.core.rounds import Quality

COVERAGE = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "COVERAGE"}}


def silent(*_: object) -> None:
    """No bar."""


@pytest.fixture
def pool(make):
    """Thirty samples with vectors and predictions; ten have a label, every third prediction is of another class."""
    chance = np.random.default_rng(4)
    samples = []
    for row in range(30):
        sample = fo.Sample(
            f"/nowhere/{row:02d}.png",
            clip=chance.normal(size=4).astype(np.float32),
            predictions=fo.Classification(label="ab"[row % 3 == 0], confidence=0.9),
            hits=float(row),
            right=row % 2 == 0,
        )
        if row < 10:
            sample["ground_truth"] = fo.Classification(label="a")
            sample.tags = ["labeled"]
        samples.append(sample)
    return make(samples)


def select(dataset, key, n=4, **config):
    return select_samples(dataset, {"n_samples": n, "strategies": [COVERAGE], **config}, key, progress=silent)


def label(view, name="a"):
    for sample in view:
        sample["ground_truth"] = fo.Classification(label=name)
        sample.save()


def evaluate(dataset, key):
    dataset.exists("ground_truth").evaluate_classifications(
        "predictions", gt_field="ground_truth", eval_key=key, progress=False
    )
    # The database keeps milliseconds.
    time.sleep(0.005)


def labels(dataset):
    return [step.label for step in overview(dataset).steps]


def test_rounds_with_labels_coverage_and_models(pool):
    evaluate(pool, "base")
    first = select(pool, "round_1", preselected="labeled")
    (before, one) = overview(pool).standing.rounds
    assert (before.run_key, before.qualities) == (None, (Quality("accuracy", pytest.approx(0.6), "base"),))
    assert (one.run_key, one.n_samples, one.label_field, one.n_labeled) == ("round_1", 4, "ground_truth", 0)
    assert one.distance == pytest.approx(first.coverage.selected)
    assert "Label round_1" in labels(pool)
    label(first.view.limit(3))
    assert overview(pool).standing.rounds[1].n_labeled == 3
    label(first.view)
    evaluate(pool, "after_1")
    found = overview(pool)
    accuracy = np.mean([one == "a" for one in pool.exists("ground_truth").values("predictions.label")])
    assert found.standing.rounds[1].qualities == (Quality("accuracy", pytest.approx(accuracy), "after_1"),)
    assert f"round_1: 4 of 4 samples have ground_truth; mean distance {one.distance:.4g}; accuracy" in str(found)
    # The next round takes all of that as its datapool, in one go.
    (step,) = [step for step in found.steps if step.operator == "select_samples"]
    assert step.params["config"]["preselected"] == ["labeled", "round_1"]
    second = select_samples(pool, {**step.params["config"], "n_samples": 5}, step.params["run_key"], progress=silent)
    taken = {*pool.match_tags("labeled").values("id"), *first.ids}
    assert len(taken) == 14
    assert not taken & {*second.ids}
    found = overview(pool)
    assert [one.run_key for one in found.standing.rounds] == [None, "round_1", "round_2"]
    assert found.standing.selections[1].datapool == ("labeled", "round_1")
    assert "Label round_2" in [step.label for step in found.steps]


def test_coverage_is_that_of_the_analysis_where_there_is_one(pool):
    select(pool, "round_1")
    report = analyze_selection(pool, "round_1", random_draws=5, progress=silent).report
    (found,) = overview(pool).standing.rounds
    assert found.distance == pytest.approx(report.of_samples.coverage.sets["selected"].mean)
    random = report.of_samples.coverage.random["random"].mean.mean
    assert found.gain == pytest.approx(1 - found.distance / random)


def test_a_fields_mean_by_round(pool):
    one = select(pool, "round_1")
    assert overview(pool, evaluation_field="hits").standing.rounds[0].qualities == (
        Quality("mean hits", pytest.approx(np.mean(one.view.values("hits"))), "hits"),
    )
    pool.set_values("hits", [None if row % 2 else (float("nan") if row == 0 else row) for row in range(30)])
    kept = [value for value in one.view.values("hits") if value is not None and value == value]
    found = overview(pool, evaluation_field="hits").standing.rounds[0].qualities
    assert [quality.value for quality in found] == ([pytest.approx(np.mean(kept))] if kept else [])
    (quality,) = overview(pool, evaluation_field="right").standing.rounds[0].qualities
    assert quality.value == pytest.approx(np.mean(one.view.values("right")))


def test_evaluations_by_name(pool):
    evaluate(pool, "base")
    select(pool, "round_1")
    evaluate(pool, "one")
    evaluate(pool, "two")
    assert [one.qualities[0].source for one in overview(pool).standing.rounds] == ["base", "two"]
    (one,) = overview(pool, ["one"]).standing.rounds
    assert (one.run_key, one.qualities[0].source) == ("round_1", "one")
    assert overview(pool, "one").standing.rounds == (one,)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"evaluations": ["bse"]},
            "evaluations must be evaluations of {name!r}. Got 'bse' instead. Did you mean 'base'?",
        ),
        (
            {"evaluation_field": "predictions"},
            "evaluation_field must be a field of {name!r} with a number or a truth value. Got 'predictions' instead.",
        ),
        ({"evaluation_field": "filepath"}, "evaluation_field must be a field"),
        ({"evaluation_field": "hist"}, "Did you mean 'hits'?"),
    ],
)
def test_what_does_not_exist_is_said(pool, given, says):
    evaluate(pool, "base")
    with pytest.raises(ShortlistError, match=re.escape(says.format(name=pool.name))):
        overview(pool, **given)


def test_boxes_masks_and_numbers_are_evaluated_too(make):
    box, mask = [0.1, 0.1, 0.3, 0.3], np.zeros((8, 8), np.uint8)
    mask[:4] = 1
    wider = mask.copy()
    wider[4] = 1
    objects = [fo.Detection(label="a", bounding_box=box, confidence=0.9)]
    dataset = make(
        [
            fo.Sample(
                f"/nowhere/{row}.png",
                clip=np.array([row, 1.0], np.float32),
                boxes=fo.Detections(detections=[fo.Detection(label="a", bounding_box=box)]),
                found=fo.Detections(detections=objects if row % 2 else []),
                mask=fo.Segmentation(mask=mask),
                segmented=fo.Segmentation(mask=wider),
            )
            for row in range(4)
        ]
    )
    select(dataset, "round_1", n=2)
    dataset.evaluate_detections("found", gt_field="boxes", eval_key="plain", progress=False)
    (quality,) = overview(dataset).standing.rounds[0].qualities
    assert (quality.name, quality.value) == ("F1", pytest.approx(2 / 3))
    dataset.evaluate_detections("found", gt_field="boxes", eval_key="full", compute_mAP=True, progress=False)
    (quality,) = overview(dataset).standing.rounds[0].qualities
    results = dataset.load_evaluation_results("full")
    assert (quality.name, quality.value) == ("mAP", pytest.approx(results.mAP()))
    dataset.evaluate_segmentations("segmented", gt_field="mask", eval_key="masks", progress=False)
    (quality,) = overview(dataset, ["masks"]).standing.rounds[0].qualities
    # 24 of 32 pixels of the background, 32 of 40 of the other class.
    assert (quality.name, quality.value) == ("mean IoU", pytest.approx((24 / 32 + 32 / 40) / 2))


def test_an_evaluation_without_results_says_nothing(pool):
    select(pool, "round_1")
    evaluate(pool, "gone")
    method = pool.get_evaluation_info("gone").config.build()
    pool.delete_evaluation("gone")
    method.register_run(pool, "gone")
    assert overview(pool).standing.rounds[0].qualities == ()


def test_a_review_from_suspected_errors_to_labels_that_are_scored_again(pool):
    label(pool)
    score_label_quality(pool, "ground_truth", "predictions", threshold=0.4, progress=silent)
    (step,) = [step for step in overview(pool).steps if step.operator == "start_review"]
    start_review(pool, **step.params, progress=silent)
    (review,) = overview(pool).standing.reviews
    assert (review.run_key, review.label_field, review.n_items, review.n_open) == ("review_1", "ground_truth", 10, 10)
    assert "Go on with review_1" in labels(pool)
    assert "start_review" not in [step.operator for step in overview(pool).steps]
    for number in range(1, 11):
        give_verdict(pool, "review_1", number, "accept" if number < 5 else "keep", reviewer="ann")
    found = overview(pool)
    (review,) = found.standing.reviews
    assert (review.n_open, review.n_disputed, review.has_changes, review.applied) == (0, 0, True, None)
    assert "10 of 10 items decided; decided changes are not applied" in str(found)
    assert "Apply review_1" in labels(pool)
    apply_review(pool, "review_1", progress=silent)
    (review,) = overview(pool).standing.reviews
    assert (review.has_changes, review.applied is None) == (False, False)
    assert "Look for errors in ground_truth again" in labels(pool)
    undo_review(pool, "review_1", progress=silent)
    (review,) = overview(pool).standing.reviews
    assert (review.has_changes, review.applied) == (True, None)
    assert "Apply review_1" in labels(pool)
    apply_review(pool, "review_1", progress=silent)
    score_label_quality(pool, "ground_truth", "predictions", threshold=0.4, progress=silent)
    assert {"Apply review_1", "Look for errors in ground_truth again"}.isdisjoint(labels(pool))


def test_disputes_are_settled_and_deleted_samples_wait_for_nobody(pool):
    label(pool)
    score_label_quality(pool, "ground_truth", "predictions", threshold=0.4, progress=silent)
    start_review(
        pool, "review_1", "ground_truth", reviewers=["ann", "Zoë"], overlap=1.0, opinions=2, budget=3, progress=silent
    )
    for reviewer, decision in (("ann", "accept"), ("Zoë", "keep")):
        for number in (1, 2, 3):
            give_verdict(pool, "review_1", number, decision, reviewer=reviewer)
    (review,) = overview(pool).standing.reviews
    # What is disputed is no change that could be applied.
    assert (review.n_open, review.n_disputed, review.has_changes) == (0, 3, False)
    assert "Settle what people disagree on in review_1" in labels(pool)
    assert "people disagree on 3 samples" in str(overview(pool))
    pool.delete_samples(pool.load_saved_view("review_1"))
    (review,) = overview(pool).standing.reviews
    assert (review.n_items, review.n_open, review.n_disputed) == (0, 0, 0)


def test_nothing_is_written(pool, snapshot):
    evaluate(pool, "base")
    label(pool)
    select(pool, "round_1")
    score_label_quality(pool, "ground_truth", "predictions", threshold=0.4, progress=silent)
    start_review(pool, "review_1", "ground_truth", progress=silent)
    before = snapshot(pool)
    overview(pool, evaluation_field="hits")
    assert snapshot(pool) == before
