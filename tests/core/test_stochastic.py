"""STOCHASTIC: picks come up as often as they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.stochastic import Stochastic
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Values

SEEDS = 4000


def entry(values, **parameters) -> Values:
    values = np.asarray(values, float)
    return Values("it", Stochastic(type="STOCHASTIC", **parameters), values, np.ones(len(values), bool))


def firsts(values, **parameters) -> np.ndarray:
    """How often each row is the first pick."""
    strategy, rows = Stochastic(type="STOCHASTIC", **parameters), np.arange(len(values))
    sign = np.sign(strategy.strength)
    found = [
        int((sign * strategy.gains(np.asarray(values, float), Pool(rows, n=1, seed=seed)).upper).argmax())
        for seed in range(SEEDS)
    ]
    return np.bincount(found, minlength=len(values))


@pytest.mark.parametrize(
    ("parameters", "chances"),
    [
        ({}, [1, 2, 3, 4]),
        ({"power": 2.0}, [1, 4, 9, 16]),
        ({"power": 0.0}, [1, 1, 1, 1]),
        ({"strength": -1.0}, [12, 6, 4, 3]),
        ({"of": "RANK"}, [3, 4, 6, 12]),
        ({"of": "RANK", "strength": -1.0}, [12, 6, 4, 3]),
        ({"of": "RANK", "power": 2.0}, [9, 16, 36, 144]),
    ],
)
def test_the_first_pick_has_the_chances_of_the_definition(parameters, chances):
    expected = np.array(chances) / np.sum(chances) * SEEDS
    assert chisquare(firsts([1, 2, 3, 4], **parameters), expected).pvalue > 1e-3


def test_the_second_pick_is_drawn_from_what_is_left():
    values, counts = np.array([1.0, 2.0, 5.0]), np.zeros((3, 3))
    for seed in range(SEEDS):
        first, second = select([entry(values)], 2, seed=seed).rows
        counts[first, second] += 1
    expected = np.array(
        [[values[i] / 8 * values[j] / (8 - values[i]) if i != j else 0 for j in range(3)] for i in range(3)]
    )
    off = ~np.eye(3, dtype=bool)
    assert chisquare(counts[off], expected[off] * SEEDS).pvalue > 1e-3


@pytest.mark.parametrize("strength", [1.0, -1.0])
def test_zeros_are_drawn_after_all_others_or_before_them(strength):
    values = np.array([0, 3, 0, 1e-300, 2, 0, 1e300])
    for seed in range(30):
        rows = select([entry(values, strength=strength)], 7, seed=seed).rows
        zeros = {0, 2, 5}
        assert set(rows[4:] if strength > 0 else rows[:3]) == zeros
    assert len({tuple(select([entry(np.zeros(5))], 5, seed=seed).rows) for seed in range(9)}) > 5


def test_a_high_power_is_the_top():
    values = np.random.default_rng(0).random(50)
    top = select([Values("it", Weights(type="WEIGHTS"), values, np.ones(50, bool))], 5).rows
    assert set(select([entry(values**4, power=100.0)], 5).rows) == set(top)


def test_the_unit_does_not_matter_and_of_ranks_nothing_but_the_order():
    values = np.random.default_rng(0).random(80)
    np.testing.assert_array_equal(
        select([entry(1e5 * values)], 20, seed=3).rows, select([entry(values)], 20, seed=3).rows
    )
    ranked = select([entry(values, of="RANK")], 20, seed=3).rows
    np.testing.assert_array_equal(select([entry(values**3 - 7, of="RANK")], 20, seed=3).rows, ranked)


def test_only_what_may_be_picked_is_ranked():
    values = np.random.default_rng(0).random(80)
    candidates = np.arange(80) < 40
    expected = select([entry(values, of="RANK")], 10, candidates=candidates, seed=3).rows
    values[40:] += 5
    np.testing.assert_array_equal(select([entry(values, of="RANK")], 10, candidates=candidates, seed=3).rows, expected)


def test_negative_values_are_refused_with_a_way_out():
    with pytest.raises(
        ShortlistError, match=r"must be >= 0 for chances .* Got -1.0 instead. `of` = RANK takes any numbers"
    ):
        select([entry([1, -1, 2])], 1)
    assert len(select([entry([1, -1, 2], of="RANK")], 2).rows) == 2


def test_it_mixes_with_others():
    values = np.random.default_rng(0).random(100)
    other = Values("low", Weights(type="WEIGHTS", strength=-1.0), np.arange(100.0), np.ones(100, bool))
    picks = [select([entry(values), other], 10, seed=seed).rows for seed in range(20)]
    assert np.mean(picks) < 35
    assert values[np.concatenate(picks)].mean() > 0.55


def test_in_words():
    assert Stochastic(type="STOCHASTIC").words("`x`") == "draws at random, high `x` the likelier"
    assert Stochastic(type="STOCHASTIC", strength=-2.0).words("`x`") == "draws at random, low `x` the likelier"
