"""BATCHBALD against joint mutual information by its definition, and against scikit-activeml where that is exact."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts.joint_entropy import JointGains, Labelings
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.batchbald import BatchBald
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Values


def committee(n: int, n_members: int, n_classes: int, seed: int = 0) -> np.ndarray:
    """Probabilities by members that agree on some rows and not on others."""
    rng = np.random.default_rng(seed)
    shared = 3 * rng.random((n, 1, 1)) * rng.normal(size=(n, 1, n_classes))
    logits = shared + 2 * rng.random((n, 1, 1)) * rng.normal(size=(n, n_members, n_classes))
    return np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)


def entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def joint_information(passes: np.ndarray, rows: list[int]) -> float:
    """What the labels of rows tell about the member, by the table of all labellings."""
    n_members, n_classes = passes.shape[1:]
    table = np.array(
        [np.prod([passes[row][:, label] for row, label in zip(rows, labels, strict=True)], axis=0)
         for labels in product(range(n_classes), repeat=len(rows))]
    ).reshape(-1, n_members)  # fmt: skip
    return entropy(table.mean(axis=1)) - float(np.mean([entropy(column) for column in table.T]))


def entry(passes: np.ndarray, **parameters) -> Values:
    strategy = BatchBald(type="BATCHBALD", **parameters)
    return Values("BATCHBALD", strategy, passes, np.ones(len(passes), bool))


@pytest.mark.parametrize(("n_members", "n_classes", "n"), [(5, 3, 4), (2, 2, 6), (8, 4, 3)])
def test_picks_and_gains_are_greedy_by_joint_information(n_members, n_classes, n):
    passes = committee(25, n_members, n_classes)
    picks, gains = [], []
    for _ in range(n):
        found = [-1.0 if row in picks else joint_information(passes, [*picks, row]) for row in range(25)]
        gains.append(max(found) - (joint_information(passes, picks) if picks else 0))
        picks.append(int(np.argmax(found)))
    selection = select([entry(passes, n_labelings=n_classes**n)], n)
    assert selection.rows.tolist() == picks
    np.testing.assert_allclose(selection.gains[:, 0], gains, atol=2e-6)


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 4))
def test_every_gain_of_every_row_is_the_difference_of_joint_informations(seed, n_members, n_classes):
    passes = committee(8, n_members, n_classes, seed)
    gains = JointGains(passes, np.arange(8), n_classes**3, 0, np.zeros(0, np.int64))
    before = gains.upper.copy()
    picks: list[int] = []
    for row in (3, 6):
        gains.open(np.arange(8))
        gains.pick(row)
        gains.close()
        picks.append(row)
        base = joint_information(passes, picks)
        expected = [joint_information(passes, [*picks, other]) - base for other in range(8)]
        np.testing.assert_allclose(gains.upper, expected, atol=5e-6)
        assert (gains.upper <= before + 1e-9).all()
        before = gains.upper.copy()


def test_picks_are_those_of_scikit_activeml_where_both_are_exact():
    skactiveml = pytest.importorskip("skactiveml.pool")
    passes = committee(150, 6, 3, seed=4)
    utilities = skactiveml.batch_bald(passes.swapaxes(0, 1).copy(), 5, n_MC_samples=3**5, random_state=0)
    theirs = np.nanargmax(utilities, axis=1)
    selection = select([entry(passes, n_labelings=3**5)], 5)
    assert selection.rows.tolist() == theirs.tolist()
    joint = np.nanmax(utilities, axis=1)
    np.testing.assert_allclose(np.cumsum(selection.gains[:, 0]), joint, atol=1e-4)


def test_the_first_pick_is_that_of_bald():
    passes = committee(500, 7, 5)
    mean = passes.mean(axis=1)
    bald = -(mean * np.log(mean)).sum(axis=1) + (passes * np.log(passes)).sum(axis=2).mean(axis=1)
    selection = select([entry(passes)], 1)
    assert selection.rows.tolist() == [bald.argmax()]
    assert selection.gains[0, 0] == pytest.approx(bald.max(), abs=1e-5)


def test_a_copy_of_a_pick_is_worth_less_than_another_row():
    # Members 0 and 1 disagree on rows 0 and 1 alike, members 2 and 3 on row 2, a little less.
    yes, no, even = [0.99, 0.01], [0.01, 0.99], [0.5, 0.5]
    passes = np.array([[yes, yes, no, no], [yes, yes, no, no], [[0.97, 0.03], [0.03, 0.97]] * 2, [even] * 4])
    assert select([entry(passes)], 2).rows.tolist() == [0, 2]


def test_the_lazy_run_is_the_one_that_looks_at_every_row():
    passes = committee(2600, 6, 4, seed=2)
    everyone = np.arange(2600)
    lazy = greedy([Term(JointGains(passes, everyone, 200, 0, everyone[:0]))], everyone, 9)
    gains = JointGains(passes, everyone, 200, 0, everyone[:0])
    gains.open(everyone)
    for row, gain in zip(lazy.rows, lazy.gains[:, 0], strict=True):
        current = gains.current().copy()
        current[lazy.rows[: list(lazy.rows).index(row)]] = -1
        assert current.argmax() == row
        assert current.max() == gain
        gains.pick(int(row))


def test_drawn_labellings_estimate_what_all_of_them_give():
    passes = committee(400, 5, 3, seed=6)
    rows = np.arange(400)
    exact, drawn = (JointGains(passes, rows, size, 1, rows[:0]) for size in (3**6, 400))
    for gains in (exact, drawn):
        gains.open(rows)
        for row in (5, 17, 40, 99, 120, 200):
            gains.pick(row)
    assert exact._states[-1].exact
    assert not drawn._states[-1].exact
    others = np.setdiff1d(rows, [5, 17, 40, 99, 120, 200])
    # Taking the least of the estimates so far leans to the low side, by less than their noise.
    assert np.corrcoef(exact.upper[others], drawn.upper[others])[0, 1] > 0.95
    assert np.abs(exact.upper[others] - drawn.upper[others]).mean() < 0.1 * exact.upper[others].mean()


def test_what_drawn_labellings_pick_tells_as_much_as_what_all_of_them_do():
    passes = committee(60, 4, 3, seed=8)
    every = select([entry(passes, n_labelings=3**7)], 7).rows.tolist()
    drawn = select([entry(passes, n_labelings=300)], 7).rows.tolist()
    assert joint_information(passes, drawn) >= 0.98 * joint_information(passes, every)


def test_gains_fall_also_where_labellings_are_drawn():
    gains = select([entry(committee(300, 5, 4), n_labelings=50)], 20).gains[:, 0]
    assert (np.diff(gains) <= 0).all()
    assert (gains >= 0).all()
    # A committee of five cannot tell more than log 5 nats about itself.
    assert gains.sum() < np.log(5) * 1.1


def test_labellings_share_out_all_chance():
    passes = committee(6, 4, 3).astype(np.float32)
    state = Labelings.none(4)
    for row in range(3):
        state = state.every(passes[row])
    assert len(state.chances) == 27
    assert state.chances.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(state.members.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        state.chances @ state.members, 0.25, atol=1e-5
    )  # no member is favoured before labels come


def test_labellings_that_cannot_be_are_left_out():
    sure = np.array([[1, 0], [1, 0]], np.float32)
    state = Labelings.none(2).every(sure)
    assert len(state.chances) == 1
    assert np.isfinite(state.members).all()


def test_the_datapool_counts_only_where_it_is_not_learned_yet():
    passes = committee(120, 5, 3)
    first = select([entry(passes)], 3).rows
    rest = np.isin(np.arange(120), first)
    learned = select([entry(passes)], 3, preselected=rest).rows
    alone = select([entry(passes)], 3, candidates=~rest).rows
    np.testing.assert_array_equal(learned, alone)
    going_on = select([entry(passes, datapool_learned=False)], 3, preselected=rest).rows
    whole = select([entry(passes, n_labelings=3**6)], 6).rows
    np.testing.assert_array_equal(going_on, whole[3:])


def test_in_a_mixture_it_trades_off_with_a_score():
    passes, score = committee(600, 6, 4), np.random.default_rng(3).random(600)
    found = []
    for strength in (0.05, 1.0, 20.0):
        other = Values("WEIGHTS", Weights(type="WEIGHTS"), score, np.ones(600, bool))
        selection = select([entry(passes, strength=strength), other], 8)
        found.append((score[selection.rows].mean(), selection.gains[:, 0].sum()))
    assert found[0][0] > found[1][0] > found[2][0]
    assert found[0][1] < found[1][1] < found[2][1]


def test_a_negative_strength_picks_what_members_agree_on():
    passes = committee(200, 5, 3)
    against = select([entry(passes, strength=-1.0)], 10)
    assert against.gains[:, 0].sum() < 0.1 * select([entry(passes)], 10).gains[:, 0].sum()


@pytest.mark.parametrize("shape", [(10, 3), (10, 1, 3), (10, 3, 0)])
def test_passes_of_another_shape_are_refused(shape):
    with pytest.raises(ShortlistError, match="passes must be class probabilities by two or more models"):
        select([entry(np.ones(shape))], 2)


def test_rows_that_can_be_picked_must_have_probabilities():
    passes = committee(20, 3, 3)
    passes[4] = np.nan
    with pytest.raises(ShortlistError, match="Got others in 1 of 20 rows"):
        BatchBald(type="BATCHBALD").gains(passes, Pool(np.arange(20)))
    passes[7] = 0
    with pytest.raises(ShortlistError, match="Got others in 2 of 20 rows"):
        BatchBald(type="BATCHBALD").gains(passes, Pool(np.arange(20)))
    some = np.setdiff1d(np.arange(20), [4, 7])
    assert np.isfinite(BatchBald(type="BATCHBALD").gains(passes, Pool(some)).upper).all()
