"""Temperature: what it does to probabilities, and that the fitted one is the one with the least log loss."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from shortlist.core.errors import ShortlistError
from shortlist.core.scores.calibration import fit_temperature, tempered

LOGITS = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.floats(-8, 8)
)
TEMPERATURES = st.floats(0.1, 10)


def labelled(seed: int, temperature: float, n: int = 4000, n_classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model whose logits are that many times too large, and classes that it is right about."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, n_classes))
    truths = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return softmax(logits * temperature, axis=1), truths


def log_loss(probabilities: np.ndarray, truths: np.ndarray, temperature: float) -> float:
    return -np.mean(log_softmax(np.log(probabilities) / temperature, axis=1)[np.arange(len(truths)), truths])


@pytest.mark.parametrize(
    ("row", "temperature", "expected"),
    [
        # Square roots, made to sum to one: 2/3 and 1/3.
        ([0.8, 0.2], 2.0, [2 / 3, 1 / 3]),
        # Squares: 0.64 and 0.04.
        ([0.8, 0.2], 0.5, [0.64 / 0.68, 0.04 / 0.68]),
        ([0.25, 0.25, 0.5], 0.5, [1 / 6, 1 / 6, 4 / 6]),
        ([0.5, 0.5], 3.0, [0.5, 0.5]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_worked_by_hand(row, temperature, expected, dtype):
    found = tempered(np.array([row], dtype), temperature)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


@given(LOGITS, TEMPERATURES)
def test_it_is_softmax_of_the_divided_logits(logits, temperature):
    expected = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(tempered(softmax(logits, axis=1), temperature), expected, atol=1e-9)


@given(LOGITS)
def test_one_changes_nothing_at_all(logits):
    probabilities = softmax(logits, axis=1)
    assert tempered(probabilities, 1) is probabilities
    assert tempered(probabilities, 1.0) is probabilities


@given(LOGITS, TEMPERATURES)
def test_rows_stay_distributions_in_the_same_order(logits, temperature):
    probabilities = softmax(logits, axis=1)
    found = tempered(probabilities, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()
    order = np.argsort(probabilities, axis=1, kind="stable")
    assert (np.diff(np.take_along_axis(found, order, axis=1), axis=1) >= -1e-12).all()


@given(LOGITS, st.data())
def test_classes_keep_their_places(logits, data):
    probabilities = softmax(logits, axis=1)
    order = data.draw(st.permutations(range(probabilities.shape[1])))
    np.testing.assert_allclose(tempered(probabilities[:, order], 2.5), tempered(probabilities, 2.5)[:, order])


@given(LOGITS)
def test_a_great_temperature_makes_uniform_and_a_small_one_certain(logits):
    probabilities = softmax(logits, axis=1)
    np.testing.assert_allclose(tempered(probabilities, 1e6), 1 / probabilities.shape[1], atol=1e-4)
    lead = np.diff(np.sort(probabilities, axis=1)[:, -2:], axis=1)[:, 0]
    clear = lead > 0.05
    np.testing.assert_allclose(tempered(probabilities, 1e-3)[clear].max(axis=1), 1)


@given(LOGITS, TEMPERATURES, TEMPERATURES)
def test_one_after_the_other_is_their_product(logits, first, second):
    probabilities = softmax(logits, axis=1)
    once, twice = tempered(probabilities, first * second), tempered(tempered(probabilities, first), second)
    np.testing.assert_allclose(twice, once, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_class_that_is_impossible_stays_almost_so(dtype):
    found = tempered(np.array([[1, 0, 0]], dtype), 2.0)
    np.testing.assert_allclose(found, [[1, 0, 0]], atol=1e-15)


def test_rows_without_probabilities_stay_so():
    rows = np.array([[0.8, 0.2], [np.nan, np.nan]])
    np.testing.assert_allclose(tempered(rows, 2.0), [[2 / 3, 1 / 3], [np.nan, np.nan]])


def test_the_axis_of_the_classes_may_be_another():
    planes = softmax(np.random.default_rng(0).normal(size=(3, 4, 5)), axis=0)
    expected = tempered(planes.reshape(3, -1).T, 1.7).T.reshape(3, 4, 5)
    np.testing.assert_allclose(tempered(planes, 1.7, axis=0), expected)


@pytest.mark.parametrize("temperature", [1e-3, 1e-30])
def test_a_temperature_of_almost_nothing_still_gives_numbers(temperature):
    np.testing.assert_allclose(tempered(np.array([[0.6, 0.4]], np.float32), temperature), [[1, 0]])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 1.5, 4.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_known_temperature_is_found_again(temperature, dtype):
    probabilities, truths = labelled(1, temperature)
    fitted = fit_temperature(probabilities.astype(dtype), truths)
    assert fitted.temperature == pytest.approx(temperature, rel=0.06)
    assert fitted.n_labeled == 4000
    assert fitted.after <= fitted.before + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_minimum_that_another_optimizer_and_a_grid_find(seed):
    probabilities, truths = labelled(seed, 0.5 + seed, n=200, n_classes=3)
    fitted = fit_temperature(probabilities, truths)
    other = minimize(lambda x: log_loss(probabilities, truths, np.exp(x[0])), [0.0], method="Nelder-Mead")
    assert fitted.temperature == pytest.approx(float(np.exp(other.x[0])), rel=1e-3)
    grid = np.geomspace(0.05, 20, 400)
    assert fitted.after <= min(log_loss(probabilities, truths, one) for one in grid) + 1e-9


def test_the_losses_are_those_before_and_after():
    probabilities, truths = labelled(3, 3.0, n=500)
    fitted = fit_temperature(probabilities, truths)
    assert fitted.before == pytest.approx(-np.log(probabilities[np.arange(500), truths]).mean())
    assert fitted.after == pytest.approx(log_loss(probabilities, truths, fitted.temperature))
    assert fitted.after < fitted.before


def test_what_has_no_truth_or_no_probabilities_does_not_count():
    probabilities, truths = labelled(5, 2.0, n=300)
    alone = fit_temperature(probabilities[:200], truths[:200])
    probabilities[200:250], truths[250:] = np.nan, -1
    assert fit_temperature(probabilities, truths) == alone
    assert alone.n_labeled == 200


def test_the_order_of_the_predictions_changes_nothing():
    probabilities, truths = labelled(6, 2.0, n=300)
    order = np.random.default_rng(0).permutation(300)
    first, second = fit_temperature(probabilities, truths), fit_temperature(probabilities[order], truths[order])
    assert second.temperature == pytest.approx(first.temperature, rel=1e-6)


def test_it_stays_within_bounds_for_a_model_that_is_always_and_one_that_is_never_right():
    probabilities = np.full((50, 3), 0.05) + 0.85 * np.eye(3)[np.arange(50) % 3]
    right, wrong = np.arange(50) % 3, (np.arange(50) + 1) % 3
    assert 0.05 <= fit_temperature(probabilities, right).temperature < 0.1
    assert 15 < fit_temperature(probabilities, wrong).temperature <= 20


def test_certain_and_wrong_is_no_infinite_loss():
    fitted = fit_temperature(np.eye(2, dtype=np.float32)[np.arange(40) % 2], np.arange(40) % 3 % 2)
    assert np.isfinite([fitted.temperature, fitted.before, fitted.after]).all()


@pytest.mark.parametrize("n", [0, 19])
def test_too_few_are_refused(n):
    probabilities, truths = labelled(0, 1.0, n=n + 5)
    truths[n:] = -1
    sentence = (
        f"a temperature needs at least 20 predictions with a true label. Got {n} instead. Label more, or give the "
        f"temperature as a number."
    )
    with pytest.raises(ShortlistError, match=f"^{re.escape(sentence)}$"):
        fit_temperature(probabilities, truths)


def test_twenty_are_enough():
    probabilities, truths = labelled(0, 1.0, n=20)
    assert fit_temperature(probabilities, truths).n_labeled == 20
