"""The law of learning curves, and what it forecasts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.back_testing.forecasts import forecast, step_of
from shortlist.core.back_testing.power_law import fit_power_law
from shortlist.core.back_testing.replay import Scores

LABELS = np.array([10, 20, 45, 100, 220, 480, 1000])


@given(st.floats(0.3, 1.0), st.floats(0.05, 0.6), st.floats(0.15, 1.5))
def test_a_law_is_recovered_from_its_own_curve(asymptote, missing, exponent):
    values = asymptote - missing * (LABELS / 10) ** -exponent
    law = fit_power_law(LABELS, values)

    assert (law.asymptote, law.exponent) == pytest.approx((asymptote, exponent), abs=1e-3)
    assert law.at(5000) == pytest.approx(asymptote - missing * 500**-exponent, abs=1e-4)
    known = fit_power_law(LABELS, values, exponent=exponent)
    assert (known.asymptote, known.at(10)) == pytest.approx((asymptote, asymptote - missing))


@given(st.lists(st.floats(0, 1), min_size=4, max_size=7))
def test_a_law_rises_to_no_more_than_all_whatever_the_curve(values):
    law = fit_power_law(LABELS[: len(values)], np.array(values))
    told = [law.at(n) for n in (10, 50, 1000, 1e6)]

    assert law.asymptote <= 1
    assert law.factor >= 0
    assert told == sorted(told)
    flat = np.square(np.array(values) - np.mean(values)).sum()
    assert sum((law.at(n) - value) ** 2 for n, value in zip(LABELS, values, strict=False)) <= flat + 1e-9


def test_a_falling_curve_is_flat():
    law = fit_power_law(LABELS, np.linspace(0.9, 0.5, 7))
    assert law.factor == pytest.approx(0, abs=1e-6)
    assert law.at(10) == pytest.approx(0.7)


def measured(curve: np.ndarray, budgets: list[int], pool: int, gained: float) -> Scores:
    """Three splits that differ by a constant; a strategy whose step brings more than random's."""
    curves = np.array([curve[:-1] + shift for shift in (-0.01, 0, 0.01)])
    whole = curve[-1] + np.array([-0.01, 0, 0.01])
    before, n = step_of(pool, 1000, 100)
    steps = {"RANDOM": np.full(3, 0.02), "mine": np.full(3, 0.02 + gained)}
    return Scores(budgets, {"RANDOM": curves}, whole, 0.4, step=(before, n), steps=steps)


def test_the_forecast_of_an_exact_curve_is_exact():
    budgets, pool = [20, 50, 100, 200, 400], 700

    def law(n):
        return 0.9 - 1.2 * n**-0.6

    scores = measured(law(np.array([*budgets, pool], float)), budgets, pool, 0.01)
    found, gains, notes = forecast(scores, pool, 1000, 100, "accuracy")

    assert found.now.mean == pytest.approx(law(1000), abs=1e-4)
    assert gains["RANDOM"].mean == pytest.approx(law(1100) - law(1000), abs=1e-5)
    assert found.checked_error == pytest.approx(0, abs=1e-4)
    assert (found.checked_at, found.reliable, found.best, notes) == (700, True, "mine", [])
    before, n = found.step
    carried = (law(1100) - law(1000)) / (law(before + n) - law(before))
    assert gains["mine"].mean - gains["RANDOM"].mean == pytest.approx(0.01 * carried, rel=1e-2)
    assert found.sentence.startswith(
        "1000 random labels are expected to reach 88.1 % accuracy; 100 more at random +0.1 ["
    )
    assert "The last number was forecast from those before: off by 0.0 points." in found.sentence
    assert "not shown to be more" not in found.sentence


def test_a_strategy_whose_lead_is_chance_is_not_said_to_bring_more():
    budgets, pool = [20, 50, 100, 200, 400], 700
    scores = measured(0.9 - 1.2 * np.array([*budgets, pool], float) ** -0.6, budgets, pool, 0.01)
    scores.steps["mine"][:] = [0.06, 0.0, 0.02]
    found, _, _ = forecast(scores, pool, 1000, 100, "accuracy")
    assert found.best == "mine"
    assert ", which is not shown to be more. The last number" in found.sentence


def test_a_flat_curve_promises_nothing():
    scores = measured(np.full(6, 0.7), [20, 50, 100, 200, 400], 700, 0.01)
    found, gains, _ = forecast(scores, 700, 1000, 100, "accuracy")
    assert {name: one.mean for name, one in gains.items()} == pytest.approx({"RANDOM": 0, "mine": 0}, abs=1e-9)
    assert found.now.mean == pytest.approx(0.7)


def test_a_curve_that_no_law_fits_is_not_to_be_believed():
    scores = measured(np.array([0.5, 0.55, 0.6, 0.62, 0.63, 0.95]), [20, 50, 100, 200, 400], 700, 0.01)
    found, _, _ = forecast(scores, 700, 1000, 100, "accuracy")
    assert not found.reliable
    assert found.checked_error < -0.2
    assert found.sentence.endswith("That is too much to rely on the forecast.")


def test_few_budgets_make_no_forecast():
    scores = measured(np.array([0.5, 0.6, 0.7]), [20, 50], 100, 0.01)
    assert forecast(scores, 100, 1000, 100, "accuracy") == (
        None,
        {},
        ["no forecast: it needs at least 4 budgets below the whole pool."],
    )


@pytest.mark.parametrize(
    ("pool", "labels", "more"), [(14, 20, 100), (840, 1200, 100), (7000, 100_000, 10), (40, 60, 5000)]
)
def test_a_step_leaves_a_choice(pool, labels, more):
    before, n = step_of(pool, labels, more)
    assert before >= 2
    assert 1 <= n <= max(1, 0.2 * (pool - before))
