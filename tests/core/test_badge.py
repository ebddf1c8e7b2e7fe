"""BADGE against materialised gradients: the same race in double precision, and the distribution that it must draw from."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.cluster import kmeans_plusplus

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.limits import AtMost
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.parts.gradients import GradientGains, Logarithmic
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.badge import Badge
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Values


def pool_of(n: int, d: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and class probabilities of rows that are sure and unsure in all degrees."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.random((n, 1)) * rng.normal(size=(n, n_classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rng.normal(size=(n, d)).astype(np.float32), probabilities.astype(np.float32)


def gradients(vectors: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(n, K * d) written down."""
    outer = probabilities.astype(np.float64) - np.eye(probabilities.shape[1])[probabilities.argmax(axis=1)]
    return (outer[:, :, None] * vectors[:, None].astype(np.float64)).reshape(len(vectors), -1)


def gains(
    vectors: np.ndarray, probabilities: np.ndarray, seed: int = 0, datapool: list[int] | None = None
) -> GradientGains:
    earlier = np.array(datapool or [], np.int64)
    pool = Pool(
        np.setdiff1d(np.arange(len(vectors)), earlier), earlier, seed=seed, beside={"probabilities": probabilities}
    )
    found = Badge(type="BADGE").gains(vectors, pool)
    assert isinstance(found, GradientGains)
    return found


def drawn(
    vectors: np.ndarray, probabilities: np.ndarray, n: int, seed: int = 0, datapool: list[int] | None = None, limits=()
):
    free = np.setdiff1d(np.arange(len(vectors)), datapool or [])
    return greedy([Term(gains(vectors, probabilities, seed, datapool))], free, n, limits=limits).rows


def race(found: np.ndarray, lots: np.ndarray, n: int, datapool: list[int]) -> list[int]:
    """The race of clocks by its definition: every row's weight at every step."""
    weights = cdist(found, found[datapool], "sqeuclidean").min(axis=1) if datapool else None
    picks: list[int] = []
    left = lots.copy()
    for _ in range(n):
        if weights is None:
            picks.append(int((found**2).sum(axis=1).argmax()))
            weights = ((found - found[picks[-1]]) ** 2).sum(axis=1)
            continue
        wait = np.where(weights > 1e-12, left / np.maximum(weights, 1e-12), np.inf)
        wait[[*picks, *datapool]] = np.inf
        picks.append(int(wait.argmin()))
        left -= weights * wait.min()
        weights = np.minimum(weights, ((found - found[picks[-1]]) ** 2).sum(axis=1))
    return picks


@pytest.mark.parametrize("datapool", [[], [3, 700, 1200]])
@pytest.mark.parametrize(("n", "k"), [(300, 299), (6000, 400)])
def test_the_lazy_race_picks_as_the_one_that_measures_everything(n, k, datapool):
    datapool = [row for row in datapool if row < n]
    k = min(k, n - len(datapool))
    vectors, probabilities = pool_of(n, 6, 3)
    lots = np.random.default_rng(5).standard_exponential(n)
    expected = race(gradients(vectors, probabilities), lots, k, datapool)
    picks = drawn(vectors, probabilities, k, seed=5, datapool=datapool)
    # Two lots may come up within the rounding of single precision: then two picks change places.
    assert (picks[: k // 2] != expected[: k // 2]).mean() < 0.02
    assert len(set(picks.tolist()) ^ set(expected)) <= 0.02 * k


def chances(found: np.ndarray, free: list[int], earlier: list[int], n: int) -> dict[tuple[int, ...], float]:
    """The probability of each order of ``n`` draws in proportion to the squared distance to the nearest earlier one."""
    squared = cdist(found, found, "sqeuclidean")
    every = {}
    for order in permutations(free, n):
        chance, near = 1.0, list(earlier)
        for row in order:
            left = [other for other in free if other not in near]
            weights = squared[left][:, near].min(axis=1)
            chance *= weights[left.index(row)] / weights.sum()
            near.append(row)
        every[order] = chance
    return every


@pytest.mark.parametrize("datapool", [[], [2]])
def test_draws_have_exactly_the_chances_of_sequential_sampling_by_squared_distance(datapool):
    vectors, probabilities = pool_of(7, 3, 3, seed=1)
    found = gradients(vectors, probabilities)
    first = [] if datapool else [int((found**2).sum(axis=1).argmax())]
    free = [row for row in range(7) if row not in [*datapool, *first]]
    expected = chances(found, free, [*datapool, *first], 3)
    n_runs = 1200
    runs = [
        tuple(drawn(vectors, probabilities, 3 + len(first), seed, datapool)[len(first) :].tolist())
        for seed in range(n_runs)
    ]
    counts = np.array([runs.count(order) for order in expected])
    # Rare orders are counted together, as a chi-square wants.
    chance = np.array(list(expected.values()))
    rare = chance * n_runs < 5
    observed = [*counts[~rare], counts[rare].sum()]
    wanted = n_runs * np.array([*chance[~rare], chance[rare].sum()])
    assert sum(observed) == n_runs
    assert stats.chisquare(observed, wanted).pvalue > 0.001


def test_what_a_limit_passes_over_changes_no_other_chance():
    vectors, probabilities = pool_of(6, 3, 3, seed=2)
    found = gradients(vectors, probabilities)
    costs = np.where((found**2).sum(axis=1) >= np.sort((found**2).sum(axis=1))[-3], 1.0, 0.0)  # the three longest
    first = int((found**2).sum(axis=1).argmax())
    expected = chances(found, [row for row in range(6) if costs[row] == 0], [first], 2)
    n_runs = 800
    runs = [
        tuple(drawn(vectors, probabilities, 3, seed, limits=[AtMost("one", costs, 1.0)])[1:].tolist())
        for seed in range(n_runs)
    ]
    counts = [runs.count(order) for order in expected]
    assert sum(counts) == n_runs
    assert stats.chisquare(counts, n_runs * np.array(list(expected.values()))).pvalue > 0.001


def potential(found: np.ndarray, picks: np.ndarray) -> float:
    return float(cdist(found, found[picks], "sqeuclidean").min(axis=1).sum())


def test_the_potential_is_that_of_plain_k_means_plus_plus():
    vectors, probabilities = pool_of(2500, 4, 3, seed=3)
    found = gradients(vectors, probabilities)
    plain = []
    for seed in range(30):
        rng, picks = np.random.default_rng(1000 + seed), [int((found**2).sum(axis=1).argmax())]
        near = ((found - found[picks[0]]) ** 2).sum(axis=1)
        while len(picks) < 25:
            picks.append(int(rng.choice(len(found), p=near / near.sum())))
            near = np.minimum(near, ((found - found[picks[-1]]) ** 2).sum(axis=1))
        plain.append(potential(found, np.array(picks)))
    ours = [potential(found, drawn(vectors, probabilities, 25, seed)) for seed in range(30)]
    greedy_kind = potential(found, kmeans_plusplus(found, 25, random_state=0)[1])
    assert stats.ttest_ind(ours, plain, equal_var=False).pvalue > 0.01
    assert np.mean(ours) == pytest.approx(greedy_kind, rel=0.3)


def test_the_first_pick_has_the_longest_gradient_whatever_the_seed():
    vectors, probabilities = pool_of(500, 8, 5)
    longest = int((gradients(vectors, probabilities) ** 2).sum(axis=1).argmax())
    assert {int(drawn(vectors, probabilities, 1, seed)[0]) for seed in range(5)} == {longest}


def test_another_seed_draws_others_and_the_same_seed_the_same():
    vectors, probabilities = pool_of(500, 8, 5)
    first, again, other = (drawn(vectors, probabilities, 20, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert len(set(first) & set(other)) < 10


def test_copies_of_picks_come_last_in_the_order_of_rows():
    vectors, probabilities = pool_of(40, 5, 4)
    copies = np.concatenate([np.arange(40), np.arange(40)])
    picks = drawn(vectors[copies], probabilities[copies], 80)
    assert len(set(picks[:40] % 40)) == 40
    rest = picks[40:].tolist()
    assert rest == sorted(rest)


def test_rows_without_a_gradient_are_picked_too():
    vectors, probabilities = pool_of(12, 4, 3)
    probabilities[4:] = [1, 0, 0]
    picks = drawn(vectors, probabilities, 12)
    assert sorted(picks.tolist()) == list(range(12))
    assert len(set(picks[:5]) & set(range(4, 12))) == 1  # one of them is far from all others; the rest are its copies


def entries(vectors, probabilities, strength=1.0, weights=None, **beside) -> list[Values]:
    everywhere = np.ones(len(vectors), bool)
    badge = Badge(type="BADGE", strength=strength)
    found = [Values("BADGE", badge, vectors, everywhere, {"probabilities": probabilities, **beside})]
    if weights is not None:
        found.append(Values("WEIGHTS", Weights(type="WEIGHTS", strength=1.0), weights, everywhere))
    return found


def test_a_gain_is_one_over_the_draws_that_its_lot_waits_for_and_falls():
    vectors, probabilities = pool_of(3000, 16, 10)
    selection = select(entries(vectors, probabilities), 200)
    given = selection.gains[:, 0]
    assert np.isnan(given[0])
    assert (np.diff(given[1:]) <= 0).all()
    # In many dimensions weights hardly fall: the r-th draw comes about when it would at the weights of the start.
    np.testing.assert_allclose(1 / given[100:], np.arange(100, 200), rtol=0.5)


def spread(found: np.ndarray, picks: np.ndarray) -> float:
    """The mean squared distance of a pick to the nearest earlier one."""
    squared = cdist(found[picks], found[picks], "sqeuclidean")
    return float(np.mean([squared[place, :place].min() for place in range(1, len(picks))]))


def test_in_a_mixture_strengths_trade_off():
    vectors, probabilities = pool_of(2500, 8, 5)
    score = np.random.default_rng(9).normal(size=2500)
    found = gradients(vectors, probabilities)
    scores, spreads = [], []
    for strength in (0.1, 1.0, 10.0):
        runs = [select(entries(vectors, probabilities, strength, score), 60, seed=seed).rows for seed in range(4)]
        scores.append(np.mean([score[rows].mean() for rows in runs]))
        spreads.append(np.mean([spread(found, rows) for rows in runs]))
    alone = [select(entries(vectors, probabilities), 60, seed=seed).rows for seed in range(4)]
    assert scores[0] > scores[1] + 0.1 > scores[2] + 0.2
    assert spreads[0] < spreads[1] < spreads[2]
    assert spreads[2] == pytest.approx(np.mean([spread(found, rows) for rows in alone]), rel=0.15)


def test_in_a_mixture_with_a_constant_it_is_as_good_as_alone():
    vectors, probabilities = pool_of(2500, 8, 5)
    found = gradients(vectors, probabilities)
    mixed = [select(entries(vectors, probabilities, 1.0, np.ones(2500)), 40, seed=seed).rows for seed in range(8)]
    alone = [select(entries(vectors, probabilities), 40, seed=seed).rows for seed in range(8)]
    assert np.mean([spread(found, rows) for rows in mixed]) == pytest.approx(
        np.mean([spread(found, rows) for rows in alone]), rel=0.1
    )


def test_the_scale_puts_its_own_run_at_one_and_random_picks_at_zero():
    vectors, probabilities = pool_of(2000, 8, 5)
    rng = np.random.default_rng(0)
    everyone, random = np.arange(2000), np.sort(rng.choice(2000, 50, replace=False))
    own = gains(vectors, probabilities)
    solo = greedy([Term(own.restart())], everyone, 50)
    scale = own.scale(solo, random, everyone)
    assert isinstance(scale, Logarithmic)
    assert scale.unit > 0
    np.testing.assert_allclose(scale.scaled(np.exp([scale.chance, scale.chance + scale.unit])), [0, 1], atol=1e-9)
    worth = np.array([-3.0, 0.0, 0.5, 2.0])
    np.testing.assert_allclose(scale.scaled(scale.needed(worth)), worth, atol=1e-9)
    # Two rows of about the same chance: a score can still decide.
    assert 0.5 < scale.unit < 10


def test_a_negative_strength_picks_what_is_sure_and_alike():
    vectors, probabilities = pool_of(400, 6, 4)
    found = gradients(vectors, probabilities)
    toward = select(entries(vectors, probabilities), 40).rows
    against = select(entries(vectors, probabilities, -1.0), 40).rows
    assert (found[against] ** 2).sum() < 0.2 * (found[toward] ** 2).sum()


def test_rows_that_cannot_be_picked_may_lack_probabilities():
    vectors, probabilities = pool_of(50, 6, 4)
    probabilities[7] = np.nan
    some = np.arange(50) != 7
    selection = select(entries(vectors, probabilities), 49, candidates=some)
    assert 7 not in selection.rows
    with pytest.raises(ShortlistError, match=r"probabilities must be finite numbers\. Got others in 1 of 50 rows"):
        select(entries(vectors, probabilities), 5)


@pytest.mark.parametrize("shape", [(50,), (49, 4), (50, 0)])
def test_probabilities_of_another_shape_are_refused(shape):
    vectors = pool_of(50, 6, 4)[0]
    with pytest.raises(
        ShortlistError, match=r"probabilities must be one row of class probabilities a sample, \(50, K\)"
    ):
        select(entries(vectors, np.ones(shape)), 5)


def test_its_input_asks_for_probabilities():
    assert parse(Badge, {"type": "BADGE"}).probabilities.name == "PROBABILITIES"
    given = {"type": "PREDICTIONS", "task": "predictions"}
    assert parse(Badge, {"type": "BADGE", "probabilities": given}).probabilities.name == "PROBABILITIES"
    with pytest.raises(ShortlistError, match="PROBABILITIES"):
        parse(Badge, {"type": "BADGE", "probabilities": {**given, "name": "CATEGORY_COUNT"}})
