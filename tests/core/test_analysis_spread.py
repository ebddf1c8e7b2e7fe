"""Moments, histograms and intervals of numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shortlist.core.analysis.spread import edges_of, interval_of, random_spread_of, spread_of

NUMBERS = st.floats(-1e6, 1e6)
GROUPS = st.lists(arrays(np.float64, st.integers(0, 20), elements=NUMBERS), max_size=4)


def test_a_spread_worked_by_hand():
    found = spread_of(np.array([1.0, 2.0, 3.0, 10.0]), np.array([0.0, 2.0, 10.0]))
    assert (found.count, found.mean, found.min, found.median, found.max) == (4, 4.0, 1.0, 2.5, 10.0)
    assert found.std == pytest.approx(12.5**0.5)
    assert found.p95 == pytest.approx(3 + 0.85 * 7)
    assert found.histogram == [1, 3]


def test_the_largest_numbers_have_moments_too():
    values = np.array([1e308, -1e308, 1e308, 1e308])
    found = spread_of(values, edges_of([values]))
    assert (found.mean, found.std) == (pytest.approx(5e307), pytest.approx(0.75**0.5 * 1e308))
    assert (found.min, found.median, found.max) == (-1e308, 1e308, 1e308)
    assert interval_of([1e308, -1e308, 1e308]).mean == pytest.approx(1e308 / 3)


def test_nothing_has_a_count_of_zero_and_no_moments():
    found = spread_of(np.array([np.nan, np.inf]), np.array([0.0, 1.0, 2.0]))
    assert found.count == 0
    assert {found.mean, found.std, found.min, found.median, found.p95, found.max} == {None}
    assert found.histogram == [0, 0]


def test_what_lies_beyond_the_edges_counts_in_the_bin_at_that_end():
    assert spread_of(np.array([-5.0, 0.5, 7.0]), np.array([0.0, 1.0, 2.0])).histogram == [2, 1]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_sums_are_those_of_double_precision(dtype):
    found = spread_of(np.full(5000, 60000, dtype), np.array([0.0, 1e5]))
    assert (found.mean, found.std) == (float(np.asarray(60000, dtype)), 0.0)


@given(arrays(np.float64, st.integers(1, 30), elements=NUMBERS), st.integers(1, 40))
def test_moments_are_those_of_numpy_and_the_histogram_holds_all(values, bins):
    edges = edges_of([values], bins)
    found = spread_of(values, edges)
    assert found.mean == pytest.approx(values.mean())
    assert found.std == pytest.approx(values.std())
    assert [found.min, found.median, found.p95, found.max] == pytest.approx(np.percentile(values, [0, 50, 95, 100]))
    assert found.min <= found.mean <= found.max
    assert sum(found.histogram) == len(values)


@given(GROUPS, st.integers(1, 40))
def test_edges_ascend_and_hold_all_groups(groups, bins):
    edges = edges_of(groups, bins)
    assert len(edges) == bins + 1
    assert (np.diff(edges) > 0).all()
    every = np.concatenate([*groups, np.zeros(0)])
    assert ((every >= edges[0]) & (every <= edges[-1])).all()


@pytest.mark.parametrize(
    ("groups", "ends"),
    [
        ([], (0, 1)),
        ([np.zeros(3)], (0, 1)),
        ([np.full(2, 0.5), np.array([np.nan])], (0.25, 0.75)),
        ([np.full(2, -2.0)], (-3, -1)),
        ([np.array([1.0, 1 + 1e-12])], (0.5, 1.5)),
        ([np.array([-1e308, 1e308])], (-1e308, 1e308)),
    ],
)
def test_edges_of_nothing_of_equals_and_of_extremes(groups, ends):
    edges = edges_of(groups, 30)
    assert (edges[0], edges[-1]) == pytest.approx(ends)
    assert np.isfinite(edges).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 3], [-0.5, 0.5, 1.5, 2.5, 3.5]),
        ([True, False], [-0.5, 0.5, 1.5]),
        ([2.0, 2.0], [1.5, 2.5]),
        ([0.0, 0.5], [0.0, 0.25, 0.5]),
    ],
)
def test_few_whole_numbers_have_a_bin_each(values, expected):
    assert edges_of([np.array(values)], 2 if expected[0] == 0 else 30, whole=True).tolist() == expected


def test_many_whole_numbers_share_bins():
    assert len(edges_of([np.arange(1000)], 30, whole=True)) == 31


def test_an_interval_holds_95_percent_of_the_draws():
    found = interval_of(np.arange(1.0, 80.0).tolist())
    assert (found.mean, found.low, found.high) == pytest.approx((40, 2, 78))
    assert found.draws == list(range(1, 80))


@pytest.mark.parametrize("n", [2, 20, 39])
def test_of_few_draws_it_holds_all(n):
    found = interval_of(np.arange(float(n)).tolist())
    assert (found.low, found.high) == (0, n - 1)


@pytest.mark.parametrize(("n", "expected"), [(19, 0.1), (39, 0.05), (199, 0.05)])
def test_a_further_draw_lies_outside_as_often_as_it_should(n, expected):
    draws = np.random.default_rng(0).normal(size=(4000, n + 1))
    outside = [not found.low <= draw[-1] <= found.high for draw in draws if (found := interval_of(draw[:-1]))]
    assert np.mean(outside) == pytest.approx(expected, abs=4 * (expected / 4000) ** 0.5)


def test_one_draw_is_its_own_interval():
    found = interval_of([3.0])
    assert (found.mean, found.low, found.high, found.draws) == (3, 3, 3, [3])


def test_the_spread_of_draws_is_the_interval_of_their_spreads():
    rng = np.random.default_rng(0)
    draws = [rng.normal(size=50) for _ in range(9)]
    edges = edges_of(draws, 12)
    found = random_spread_of(draws, edges)
    assert found.count == 50
    assert found.mean.draws == pytest.approx([draw.mean() for draw in draws])
    assert found.max.high == pytest.approx(max(draw.max() for draw in draws))
    assert found.histogram == pytest.approx(np.mean([np.histogram(draw, edges)[0] for draw in draws], axis=0))


def test_draws_without_numbers_have_no_part_in_the_intervals():
    edges = np.array([0.0, 2.0, 4.0])
    found = random_spread_of([np.array([1.0]), np.zeros(0), np.array([3.0])], edges)
    assert (found.count, found.mean.draws, found.histogram) == (0, [1, 3], [0.5, 0.5])
    assert random_spread_of([np.zeros(0)], edges) is None
    assert random_spread_of([], edges) is None


def test_all_of_it_is_json():
    edges = edges_of([np.zeros(0)])
    text = json.dumps(spread_of(np.array([np.nan]), edges).model_dump(), allow_nan=False)
    assert json.loads(text)["mean"] is None
