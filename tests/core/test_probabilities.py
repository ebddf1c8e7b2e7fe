"""From probabilities, logits or a confidence to class probabilities."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.core.errors import ShortlistError
from shortlist.core.scores.probabilities import BadRow, from_confidence, from_logits, normalized

NAN = np.nan


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_off_by_rounding_are_made_to_sum_to_one(dtype):
    rows = np.random.default_rng(0).dirichlet(np.ones(50), 20).astype(dtype)
    result = normalized(rows)
    assert result.dtype == (np.float32 if dtype == np.float16 else dtype)
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(result, rows / rows.sum(axis=1, keepdims=True, dtype=np.float64), rtol=2e-3)


def test_a_row_of_exact_probabilities_is_unchanged():
    np.testing.assert_array_equal(normalized(np.array([[0.25, 0.75, 0.0]])), [[0.25, 0.75, 0.0]])


def test_integers_are_read():
    np.testing.assert_array_equal(normalized(np.array([[1, 0]])), [[1, 0]])


def test_a_negative_rounding_error_becomes_zero():
    np.testing.assert_array_equal(normalized(np.array([[1.0, -1e-9]]))[0, 1], 0)


def test_rows_without_a_vector_stay_without():
    np.testing.assert_array_equal(normalized(np.array([[NAN, NAN], [0.5, 0.5]])), [[NAN, NAN], [0.5, 0.5]])


def test_no_rows_are_no_rows():
    assert normalized(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("row", "total"),
    [
        ([0.9, 0.8], 1.7),
        ([0.2, 0.2], 0.4),
        ([1.2, -0.2], 1.0),
        ([NAN, 1.0], NAN),
        ([np.inf, 0.0], np.inf),
        ([np.inf, -np.inf], NAN),
        ([0.0, 0.0], 0.0),
        ([1.02, 0.0], 1.02),
    ],
)
def test_rows_that_are_no_distribution_are_refused_with_the_first_and_the_count(row, total):
    with pytest.raises(BadRow) as caught:
        normalized(np.array([[0.5, 0.5], row, row]))
    assert caught.value.row == 1
    assert (
        f"probabilities must be numbers >= 0 that sum to 1. Got a sum of {total:.4g} instead" in caught.value.sentence
    )
    assert str(caught.value).startswith("row 1: ")
    assert "(2 such vector(s) so far)" in str(caught.value)
    assert "Independent sigmoids" in str(caught.value)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-700, 700)))
def test_logits_become_their_softmax(logits):
    with np.errstate(over="ignore"):
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(from_logits(logits), weights / weights.sum(axis=1, keepdims=True), atol=1e-12)


def test_great_logits_do_not_overflow():
    np.testing.assert_array_equal(from_logits(np.array([[1e4, 0.0]], np.float32)), [[1, 0]])


@pytest.mark.parametrize(
    ("given_type", "expected"), [(np.float16, np.float32), (np.int64, np.float32), (np.float64, np.float64)]
)
def test_logits_keep_double_precision_and_widen_the_rest(given_type, expected):
    result = from_logits(np.array([[1, 2]], given_type))
    assert result.dtype == expected
    np.testing.assert_allclose(result, scipy.special.softmax([[1.0, 2.0]], axis=1), rtol=1e-3)


def test_rows_without_logits_stay_without():
    np.testing.assert_array_equal(from_logits(np.array([[NAN, NAN], [2.0, 2.0]])), [[NAN, NAN], [0.5, 0.5]])


@pytest.mark.parametrize("bad", [[np.inf, 0.0], [-np.inf, 0.0], [NAN, 0.0]])
def test_logits_that_are_not_finite_are_refused(bad):
    with pytest.raises(ShortlistError, match=r"row 1: logits must be finite.*\(2 such vector\(s\) so far\)"):
        from_logits(np.array([[0.0, 0.0], bad, bad]))


def test_a_confidence_leaves_the_rest_evenly_to_the_other_classes():
    result = from_confidence(np.array([0.7, 0.4]), np.array([1, 0]), 4)
    np.testing.assert_allclose(result, [[0.1, 0.7, 0.1, 0.1], [0.4, 0.2, 0.2, 0.2]], atol=1e-7)


@pytest.mark.parametrize("n_classes", [1, 2])
def test_a_single_class_is_scored_against_the_rest(n_classes):
    np.testing.assert_allclose(from_confidence(np.array([0.7]), np.array([0]), n_classes), [[0.7, 0.3]], atol=1e-7)


def test_without_confidence_or_class_there_are_no_probabilities():
    result = from_confidence(np.array([NAN, 0.5, NAN, 0.5]), np.array([0, -1, -1, 1]), 2)
    np.testing.assert_array_equal(result, [[NAN, NAN], [NAN, NAN], [NAN, NAN], [0.5, 0.5]])


def test_no_objects_are_no_rows():
    assert from_confidence(np.zeros(0), np.zeros(0, np.int64), 3).shape == (0, 3)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.inf])
def test_a_confidence_outside_zero_to_one_is_refused(bad):
    with pytest.raises(
        ShortlistError, match=r"row 1: confidence must be between 0 and 1.*\(1 such object\(s\) so far\)"
    ):
        from_confidence(np.array([0.5, bad, NAN]), np.array([0, 0, 0]), 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=8), st.integers(5, 9))
def test_a_confidence_always_gives_a_distribution_with_its_class_at_its_place(objects, n_classes):
    confidences, classes = (np.array(column) for column in zip(*objects, strict=True))
    result = from_confidence(confidences, classes, n_classes)
    np.testing.assert_allclose(normalized(result), result, atol=1e-5)
    np.testing.assert_array_equal(result[np.arange(len(classes)), classes], confidences.astype(np.float32))
