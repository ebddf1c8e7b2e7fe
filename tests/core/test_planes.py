"""Numbers of any type as probabilities in single precision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.scores.planes import ArrayPlanes, as_float32, rounding_of
from shortlist.core.scores.probabilities import ROUNDING

HALVES = np.arange(65_536, dtype=np.uint16).view(np.float16)


def bits(values: np.ndarray) -> np.ndarray:
    return values.view(np.uint32)


def test_every_half_is_exactly_its_single_one_by_one():
    found = np.concatenate([as_float32(HALVES[row : row + 1]) for row in range(len(HALVES))])
    expected = HALVES.astype(np.float32)
    numbers = ~np.isnan(expected)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(bits(found)[numbers], bits(expected)[numbers])
    np.testing.assert_array_equal(np.isnan(found), ~numbers)


@pytest.mark.parametrize("part", ["all", "finite and not negative", "negative", "tiny", "with one infinity"])
def test_halves_are_exact_whatever_stands_beside_them(part):
    halves = {
        "all": HALVES,
        "finite and not negative": HALVES[:0x7C00],
        "negative": HALVES[0x8000:0xFC00],
        "tiny": HALVES[:0x0400],
        "with one infinity": np.append(HALVES[:0x7C00], np.float16(np.inf)),
    }[part]
    np.testing.assert_array_equal(as_float32(halves), halves.astype(np.float32))


@given(seed=st.integers(0, 99), order=st.sampled_from(["C", "F"]), step=st.integers(1, 3))
def test_halves_are_exact_in_any_layout(seed, order, step):
    halves = np.asarray(np.random.default_rng(seed).random((4, 6, 5)).astype(np.float16), order=order)[:, ::step]
    np.testing.assert_array_equal(as_float32(halves), halves.astype(np.float32))


def test_halves_of_the_other_byte_order():
    np.testing.assert_array_equal(as_float32(HALVES[:0x7C00].astype(">f2")), HALVES[:0x7C00].astype(np.float32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_whole_numbers_are_shares_of_the_greatest(dtype):
    greatest = np.iinfo(dtype).max
    found = as_float32(np.array([0, greatest // 2, greatest], dtype))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [0, (greatest // 2) / greatest, 1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_singles_and_doubles_are_what_they_are(dtype):
    np.testing.assert_array_equal(as_float32(np.array([0.25, 1.5, -1], dtype)), np.array([0.25, 1.5, -1], np.float32))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.float16])
def test_the_input_is_left_as_it_was(dtype):
    values = np.array([[[0, 1, 7]]]).astype(dtype)
    as_float32(values)
    np.testing.assert_array_equal(values, [[[0, 1, 7]]])


@pytest.mark.parametrize(
    ("dtype", "n_classes", "expected"),
    [
        ("f2", 19, 0),
        ("f4", 19, 0),
        ("f8", 19, 0),
        ("u1", 19, 19 / 2 / 255),
        ("i1", 19, 19 / 2 / 127),
        ("u2", 300, 150 / 65535),
    ],
)
def test_whole_numbers_may_each_be_off_by_half_of_one(dtype, n_classes, expected):
    assert rounding_of(np.dtype(dtype), n_classes) == pytest.approx(ROUNDING + expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int8, np.float16])
@pytest.mark.parametrize("n_classes", [2, 19, 100])
def test_rounded_probabilities_are_never_taken_for_wrong_ones(dtype, n_classes):
    probabilities = np.random.default_rng(0).dirichlet(np.ones(n_classes), (30, 20)).transpose(2, 0, 1)
    whole = np.issubdtype(dtype, np.integer)
    stored = np.rint(probabilities * np.iinfo(dtype).max).astype(dtype) if whole else probabilities.astype(dtype)
    planes = ArrayPlanes(stored)
    assert np.abs(planes.rows(0, 30).sum(axis=0) - 1).max() <= planes.rounding


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i4", "f2", "f4", "f8", ">f2", ">f4"])
@given(seed=st.integers(0, 99))
def test_ranks_are_in_the_order_of_the_probabilities(dtype, seed):
    values = (np.random.default_rng(seed).random((5, 4, 6)) * 100).astype(dtype)
    planes = ArrayPlanes(values)
    np.testing.assert_array_equal(planes.ranks(1, 3).argmax(axis=0), planes.rows(1, 3).argmax(axis=0))
    np.testing.assert_array_equal(planes.rows(1, 3), planes.rows(0, 4)[:, 1:3])


def test_ranks_of_halves_with_negative_ones_or_infinity_are_still_in_order():
    values = np.array([[[-0.5, 0.25, np.inf, -0.0]], [[0.5, -0.25, 0.5, -1.0]]], np.float16)
    np.testing.assert_array_equal(ArrayPlanes(values, are_logits=True).ranks(0, 1).argmax(axis=0), [[1, 0, 0, 0]])
