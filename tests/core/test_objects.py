"""From objects to samples: aggregation, the scores of lists of objects, and applying scores to a batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.scores import Objects, Uncertainty, scores
from shortlist.core.scores.aggregation import aggregate
from shortlist.core.scores.apply import How, apply
from shortlist.core.scores.objects import object_frequency, objectness_least_confidence

NAN = math.nan
# One object: its confidence (maybe missing) and its class (-1: none).
OBJECT = st.tuples(st.floats(0, 1) | st.just(NAN), st.integers(-1, 3))
SAMPLES = st.lists(st.lists(OBJECT, max_size=5), max_size=6)


def objects_of(samples: list[list[tuple[float, int]]], present: list[bool] | None = None) -> Objects:
    """A batch of samples with objects of a confidence and a class, of two classes' probabilities."""
    flat = [found for sample in samples for found in sample]
    confidences = np.array([confidence for confidence, _ in flat], dtype=np.float64)
    return Objects(
        offsets=np.concatenate([[0], np.cumsum([len(sample) for sample in samples])]).astype(np.int64),
        present=np.ones(len(samples), bool) if present is None else np.array(present),
        probabilities=np.stack([confidences, 1 - confidences], axis=1),
        confidences=confidences,
        classes=np.array([place for _, place in flat], dtype=np.int64),
    )


def plain_aggregate(samples: list[list[float]], aggregation: str) -> list[float]:
    combined = []
    for sample in samples:
        known = [value for value in sample if not math.isnan(value)]
        if not sample:
            combined.append(0.0)
        elif not known:
            combined.append(NAN)
        else:
            combined.append({"max": max(known), "mean": sum(known) / len(known), "sum": sum(known)}[aggregation])
    return combined


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum"])
@pytest.mark.parametrize("samples", [[], [[]], [[NAN]], [[], [NAN, NAN]]])
def test_a_batch_without_any_scored_object(aggregation, samples):
    offsets = np.concatenate([[0], np.cumsum([len(sample) for sample in samples])]).astype(np.int64)
    flat = np.array([value for sample in samples for value in sample], dtype=np.float64)
    np.testing.assert_array_equal(aggregate(flat, offsets, aggregation), plain_aggregate(samples, aggregation))


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum"])
@given(samples=st.lists(st.lists(st.floats(0, 1) | st.just(NAN), max_size=5), max_size=6))
def test_aggregation_is_that_of_a_plain_loop(aggregation, samples):
    offsets = np.concatenate([[0], np.cumsum([len(sample) for sample in samples])]).astype(np.int64)
    flat = np.array([value for sample in samples for value in sample], dtype=np.float64)
    np.testing.assert_allclose(aggregate(flat, offsets, aggregation), plain_aggregate(samples, aggregation), atol=1e-12)


@pytest.mark.parametrize(("aggregation", "combined"), [("max", 0.9), ("mean", 0.7), ("sum", 1.4)])
def test_an_empty_sample_is_zero_and_an_unscoreable_one_is_nan(aggregation, combined):
    flat, offsets = np.array([0.9, NAN, 0.5, NAN, NAN]), np.array([0, 3, 3, 5])
    np.testing.assert_allclose(aggregate(flat, offsets, aggregation), [combined, 0, NAN])


def plain_objectness(sample: list[tuple[float, int]]) -> float:
    known = [confidence for confidence, _ in sample if not math.isnan(confidence)]
    if not sample:
        return 0.0
    return 1 - sum(known) / len(known) if known else NAN


def plain_frequency(sample: list[tuple[float, int]]) -> float:
    classes = [place for _, place in sample]
    return sum(1 + 0.25 * (classes.count(place) - 1) for place in set(classes))


@given(SAMPLES)
def test_objectness_is_that_of_a_plain_loop(samples):
    expected = [plain_objectness(sample) for sample in samples]
    np.testing.assert_allclose(objectness_least_confidence(objects_of(samples)), expected, atol=1e-12)


@given(SAMPLES)
def test_object_frequency_is_that_of_a_plain_loop(samples):
    expected = [plain_frequency(sample) for sample in samples]
    np.testing.assert_allclose(object_frequency(objects_of(samples)), expected, atol=1e-12)


def test_two_bicycles_and_one_pedestrian_are_worth_two_and_a_quarter():
    np.testing.assert_array_equal(object_frequency(objects_of([[(0.5, 2), (0.5, 0), (0.5, 2)], []])), [2.25, 0])


def test_objectness_by_hand():
    samples = [[(0.9, 0), (0.5, 1)], [], [(NAN, 0)], [(0.25, 0), (NAN, 0)]]
    np.testing.assert_allclose(objectness_least_confidence(objects_of(samples)), [0.3, 0, NAN, 0.75])


@given(SAMPLES, st.data())
def test_a_subset_keeps_the_samples_and_drops_the_objects(samples, data):
    kept = [[data.draw(st.booleans()) for _ in sample] for sample in samples]
    left = [
        [found for found, keep in zip(sample, flags, strict=True) if keep]
        for sample, flags in zip(samples, kept, strict=True)
    ]
    mask = np.array([flag for flags in kept for flag in flags], dtype=bool)
    subset, expected = objects_of(samples).subset(mask), objects_of(left)
    for name in ("offsets", "present", "probabilities", "confidences", "classes", "owners"):
        np.testing.assert_array_equal(getattr(subset, name), getattr(expected, name))


DOUBLE = Uncertainty("double", 0, 2, "", "", lambda probabilities: 2 * probabilities[:, 0], level="object")
COUNT = Uncertainty("count", 0, np.inf, "", "", lambda objects: np.diff(objects.offsets).astype(float), level="sample")
BATCH = objects_of([[(0.9, 0), (0.2, 0)], [], [(0.1, 0)], [(NAN, 0)]], present=[True, True, True, True])


def test_scores_are_given_of_every_object_and_of_every_sample():
    of_objects, of_samples = apply([DOUBLE, COUNT], BATCH, How("max"))
    assert list(of_objects) == ["double"]
    assert list(of_samples) == ["double", "count"]
    np.testing.assert_allclose(of_objects["double"], [1.8, 0.4, 0.2, NAN])
    np.testing.assert_allclose(of_samples["double"], [1.8, 0, 0.2, NAN])
    np.testing.assert_array_equal(of_samples["count"], [2, 0, 1, 1])


def test_objects_below_the_confidence_do_not_count_for_their_sample_but_keep_their_score():
    of_objects, of_samples = apply([DOUBLE, COUNT], BATCH, How("mean", min_confidence=0.2))
    np.testing.assert_allclose(of_objects["double"], [1.8, 0.4, 0.2, NAN])
    # The third sample has no object left; an object without a confidence stays.
    np.testing.assert_allclose(of_samples["double"], [1.1, 0, 0, NAN])
    np.testing.assert_array_equal(of_samples["count"], [2, 0, 0, 1])


def test_a_confidence_just_below_is_left_out():
    _, of_samples = apply([COUNT], BATCH, How("max", min_confidence=0.2 + 1e-9))
    np.testing.assert_array_equal(of_samples["count"], [1, 0, 0, 1])


def test_a_sample_without_the_label_is_unscoreable_whatever_the_score():
    batch = objects_of([[(0.9, 0)], [], []], present=[True, True, False])
    _, of_samples = apply([DOUBLE, COUNT], batch, How("max"))
    np.testing.assert_allclose(of_samples["double"], [1.8, 0, NAN])
    np.testing.assert_array_equal(of_samples["count"], [1, 0, NAN])


def test_a_sample_that_is_one_object_takes_its_score_and_is_unscoreable_without():
    batch = objects_of([[(0.9, 0)], [], [(0.3, 0)]], present=[True, False, True])
    of_objects, of_samples = apply([DOUBLE], batch, How(min_confidence=0.5))
    np.testing.assert_allclose(of_objects["double"], [1.8, 0.6])
    # The least confidence that counts is a question to lists of objects only.
    np.testing.assert_allclose(of_samples["double"], [1.8, NAN, 0.6])


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum"])
@given(samples=SAMPLES, floor=st.floats(0, 1))
def test_leaving_objects_out_is_as_if_they_had_not_been_predicted(aggregation, samples, floor):
    chosen = list(scores(Uncertainty).values())
    left = [[found for found in sample if not found[0] < floor] for sample in samples]
    _, expected = apply(chosen, objects_of(left), How(aggregation))
    _, actual = apply(chosen, objects_of(samples), How(aggregation, min_confidence=floor))
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], atol=1e-12, err_msg=name)
