"""Uncertainty from class probabilities, against hand-worked values and other people's implementations."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skactiveml.pool import uncertainty_scores

from shortlist.core.scores.uncertainty import entropy, least_confidence, margin

FORMULAS = [least_confidence, margin, entropy]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}

all_formulas = pytest.mark.parametrize("formula", FORMULAS)
all_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@st.composite
def distributions(draw, min_classes: int = 2) -> np.ndarray:
    """(m, K) rows that sum to one, zeros and one-hot rows among them."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(min_classes, 9)))
    weights = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1) | st.just(0.0)))
    weights[weights.sum(axis=1) < 1e-3, 0] = 1
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("formula", "row", "expected"),
    [
        (least_confidence, [0.7, 0.2, 0.1], 0.3),
        (least_confidence, [0.25, 0.25, 0.25, 0.25], 0.75),
        (margin, [0.7, 0.2, 0.1], 0.5),
        (margin, [0.4, 0.4, 0.2], 1.0),
        (margin, [0.1, 0.0, 0.9], 0.2),
        (entropy, [0.5, 0.5], 1.0),
        (entropy, [0.5, 0.5, 0.0, 0.0], 0.5),
        # -(.5 log .5 + .25 log .25 + .25 log .25) = 1.5 log 2; of at most 2 log 2.
        (entropy, [0.5, 0.25, 0.25, 0.0], 0.75),
    ],
)
@all_types
def test_values_worked_by_hand(formula, row, expected, dtype):
    assert formula(np.array([row], dtype)) == pytest.approx([expected], abs=TOLERANCE[dtype])


@given(distributions())
def test_entropy_is_that_of_scipy_divided_by_its_maximum(probabilities):
    expected = scipy.stats.entropy(probabilities, axis=1) / np.log(probabilities.shape[1])
    np.testing.assert_allclose(entropy(probabilities), expected, atol=1e-12)


@given(distributions())
def test_all_three_are_those_of_scikit_activeml(probabilities):
    theirs = {method: uncertainty_scores(probabilities, method=method) for method in _METHODS}
    np.testing.assert_allclose(least_confidence(probabilities), theirs["least_confident"], atol=1e-12)
    np.testing.assert_allclose(margin(probabilities), theirs["margin_sampling"], atol=1e-12)
    expected = theirs["entropy"] / np.log(probabilities.shape[1])
    np.testing.assert_allclose(entropy(probabilities), expected, atol=1e-12)


_METHODS = ("least_confident", "margin_sampling", "entropy")


@all_formulas
@all_types
@given(probabilities=distributions())
def test_the_range_is_zero_to_one(formula, dtype, probabilities):
    values = formula(probabilities.astype(dtype))
    assert values.shape == (len(probabilities),)
    assert ((values >= 0) & (values <= 1)).all()


@all_formulas
@given(probabilities=distributions(), data=st.data())
def test_the_order_of_the_classes_changes_nothing(formula, probabilities, data):
    order = data.draw(st.permutations(range(probabilities.shape[1])))
    np.testing.assert_allclose(formula(probabilities[:, order]), formula(probabilities), atol=1e-12)


@all_formulas
@given(probabilities=distributions(), data=st.data())
def test_every_value_follows_its_row(formula, probabilities, data):
    order = data.draw(st.permutations(range(len(probabilities))))
    np.testing.assert_array_equal(formula(probabilities[order]), formula(probabilities)[order])


@all_formulas
@given(probabilities=distributions(), data=st.data())
def test_rows_without_probabilities_and_only_those_stay_nan(formula, probabilities, data):
    absent = data.draw(hnp.arrays(bool, len(probabilities)))
    expected = np.where(absent, np.nan, formula(probabilities))
    probabilities[absent] = np.nan
    np.testing.assert_array_equal(formula(probabilities), expected)


@pytest.mark.parametrize("n_classes", [2, 3, 10, 1000])
@all_types
def test_the_uniform_distribution_is_the_most_unsure(n_classes, dtype):
    uniform = np.full((1, n_classes), 1 / n_classes, dtype)
    expected = {least_confidence: 1 - 1 / n_classes, margin: 1.0, entropy: 1.0}
    for formula, value in expected.items():
        assert formula(uniform) == pytest.approx([value], abs=TOLERANCE[dtype])


@all_formulas
@all_types
@pytest.mark.parametrize("n_classes", [2, 7])
def test_a_certain_prediction_scores_exactly_zero(formula, dtype, n_classes):
    np.testing.assert_array_equal(formula(np.eye(n_classes, dtype=dtype)), np.zeros(n_classes))


@all_formulas
@given(probabilities=distributions())
def test_no_distribution_is_more_unsure_than_the_uniform_one(formula, probabilities):
    n_classes = probabilities.shape[1]
    assert formula(probabilities).max() <= formula(np.full((1, n_classes), 1 / n_classes))[0] + 1e-12


@all_formulas
def test_many_rows_score_as_each_alone(formula):
    # More rows than one block holds.
    rows = np.random.default_rng(0).dirichlet(np.ones(1000), 450).astype(np.float32)
    np.testing.assert_allclose(formula(rows), np.concatenate([formula(row[None]) for row in rows]), atol=1e-6)


@all_formulas
def test_the_input_is_left_as_it_was(formula):
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 5)
    before = rows.copy()
    formula(rows)
    np.testing.assert_array_equal(rows, before)


@all_formulas
def test_no_rows_give_no_values(formula):
    assert formula(np.zeros((0, 3))).shape == (0,)
