"""The mean of the highest few, beside the other ways of combining a sample's objects (see also test_objects)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.scores.aggregation import aggregate

NAN = math.nan
SAMPLES = st.lists(st.lists(st.floats(0, 1) | st.just(NAN), max_size=6), max_size=6)


def flat(samples: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """The scores of all objects, and where each sample's begin and end."""
    offsets = np.concatenate([[0], np.cumsum([len(sample) for sample in samples])]).astype(np.int64)
    return np.array([value for sample in samples for value in sample], dtype=np.float64), offsets


def plain_top_m(sample: list[float], top_m: int, empty: float = 0) -> float:
    highest = sorted((value for value in sample if not math.isnan(value)), reverse=True)[:top_m]
    if not sample:
        return empty
    return sum(highest) / len(highest) if highest else NAN


@pytest.mark.parametrize(("top_m", "expected"), [(1, 0.9), (2, 0.8), (3, 0.6), (4, 0.5), (9, 0.5)])
def test_the_mean_of_the_highest_few_by_hand(top_m, expected):
    scores, offsets = flat([[0.2, 0.9, 0.2, 0.7]])
    assert aggregate(scores, offsets, "top_m", top_m) == pytest.approx([expected])


def test_a_sample_with_fewer_takes_the_mean_of_those_it_has_and_the_unscoreable_do_not_count():
    scores, offsets = flat([[0.4], [0.8, NAN, 0.2], [], [NAN, NAN], [1.0, 0.5, 0.0]])
    np.testing.assert_allclose(aggregate(scores, offsets, "top_m", 2), [0.4, 0.5, 0, NAN, 0.75])


@given(samples=SAMPLES, top_m=st.integers(1, 8), empty=st.sampled_from([0, NAN]))
def test_the_highest_few_are_those_of_a_plain_loop(samples, top_m, empty):
    expected = [plain_top_m(sample, top_m, empty) for sample in samples]
    np.testing.assert_allclose(aggregate(*flat(samples), "top_m", top_m, empty), expected, atol=1e-12)


@given(SAMPLES)
def test_the_highest_one_is_the_max_and_the_highest_of_all_are_the_mean(samples):
    scores, offsets = flat(samples)
    np.testing.assert_allclose(aggregate(scores, offsets, "top_m", 1), aggregate(scores, offsets, "max"), atol=1e-12)
    np.testing.assert_allclose(aggregate(scores, offsets, "top_m", 99), aggregate(scores, offsets, "mean"), atol=1e-12)


@given(samples=SAMPLES, top_m=st.integers(1, 6))
def test_more_of_them_are_never_higher(samples, top_m):
    few, more = (aggregate(*flat(samples), "top_m", m) for m in (top_m, top_m + 1))
    known = ~np.isnan(few)
    assert (more[known] <= few[known] + 1e-12).all()


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum", "top_m"])
@given(samples=SAMPLES, data=st.data())
def test_the_order_of_a_sample_s_objects_changes_nothing(aggregation, samples, data):
    shuffled = [data.draw(st.permutations(sample)) for sample in samples]
    before, after = (aggregate(*flat(some), aggregation, 2) for some in (samples, shuffled))
    np.testing.assert_allclose(after, before, atol=1e-12)


@pytest.mark.parametrize("aggregation", ["max", "mean", "sum", "top_m"])
def test_what_nothing_is_worth_is_for_the_caller_to_say(aggregation):
    scores, offsets = flat([[], [0.5], [NAN]])
    np.testing.assert_array_equal(aggregate(scores, offsets, aggregation, empty=NAN), [NAN, 0.5, NAN])
    np.testing.assert_array_equal(aggregate(scores, offsets, aggregation), [0, 0.5, NAN])


def test_single_precision_does_not_lose_a_long_sum():
    scores, offsets = np.full(100_000, 0.1, np.float32), np.array([0, 100_000])
    assert aggregate(scores, offsets, "sum")[0] == pytest.approx(100_000 * float(np.float32(0.1)), rel=1e-12)
