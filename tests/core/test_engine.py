"""What must be true of every selection: against plain scans of all rows at every step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import lightly_mundig
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from shortlist.core.errors import Cancelled, ShortlistError
from shortlist.core.progress import silent
from shortlist.core.selection.engine.greedy import calibrated
from shortlist.core.selection.engine.run import Run, Term
from shortlist.core.selection.select import Selection, select
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.threshold import Threshold
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool, Strategy
from shortlist.core.selection.values import Values


def of(strategy: Strategy, values, present=None, label: str | None = None) -> Values:
    values = np.asarray(values)
    return Values(
        label or type(strategy).__name__, strategy, values, np.ones(len(values), bool) if present is None else present
    )


def diversity(values, strength: float = 1.0, **more) -> Values:
    return of(Diversity(type="DIVERSITY", strength=strength), values, **more)


def coverage(values, strength: float = 1.0, **more) -> Values:
    return of(Coverage(type="COVERAGE", strength=strength), values, **more)


def weights(values, strength: float = 1.0, **more) -> Values:
    return of(Weights(type="WEIGHTS", strength=strength), values, **more)


def threshold(values, operation: str, at: float, strength: float = 1.0, **more) -> Values:
    model = Threshold(type="THRESHOLD", threshold=at, operation=operation, strength=strength)
    return of(model, values, **more)


def cloud(n: int, d: int, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(n, d)) + offset).astype(np.float32)


def scores(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(n)


def mask(n: int, rows) -> np.ndarray:
    return np.isin(np.arange(n), rows)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends work that would go on for ever."""

    def stop(*_):
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# WEIGHTS alone --------------------------------------------------------------------------------------------------------

WHOLE = st.integers(-1000, 1000)


@given(
    values=st.lists(WHOLE, min_size=1, max_size=40),
    shift=st.sampled_from([0.0, -5000.0, 1.7e9]),
    scale=st.sampled_from([1.0, 0.25, 1024.0]),
    strength=st.sampled_from([1.0, 1e-9, 1e9, -1.0]),
    data=st.data(),
)
def test_weights_alone_are_the_exact_top_with_ties_by_row(values, shift, scale, strength, data):
    n = data.draw(st.integers(0, len(values)))
    expected = sorted(range(len(values)), key=lambda row: (-np.sign(strength) * values[row], row))[:n]
    assert select([weights(np.array(values) * scale + shift, strength)], n).rows.tolist() == expected


def test_weights_alone_tell_timestamps_a_second_apart():
    seconds = 1_700_000_000.0 + np.random.default_rng(0).permutation(5000)
    np.testing.assert_array_equal(select([weights(seconds)], 100).rows, np.argsort(-seconds)[:100])


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64, np.float16, np.float32])
def test_weights_read_any_kind_of_number(dtype):
    values = np.array([0, 1, 0, 1]).astype(dtype)
    assert select([weights(values)], 3).rows.tolist() == [1, 3, 0]


def test_the_gain_of_weights_is_the_value_itself():
    selection = select([weights([0.5, -2.0, 3.0])], 3)
    np.testing.assert_array_equal(selection.gains[:, 0], [3.0, 0.5, -2.0])
    np.testing.assert_array_equal(select([weights([0.5, -2.0, 3.0], -2.0)], 1).gains, [[-2.0]])


# DIVERSITY alone ------------------------------------------------------------------------------------------------------


def farthest_first(vectors: np.ndarray, n: int, start: list[int]) -> list[int]:
    """A plain scan in double precision on centred data."""
    vectors = vectors.astype(np.float64)
    vectors = vectors - vectors.mean(axis=0)
    squares = cdist(vectors, vectors[start], "sqeuclidean").min(axis=1)
    rows: list[int] = []
    while len(rows) < n:
        squares[[*start, *rows]] = -1
        rows.append(int(squares.argmax()))
        squares = np.minimum(squares, ((vectors - vectors[rows[-1]]) ** 2).sum(axis=1))
    return rows


@pytest.mark.parametrize("offset", [0.0, 300.0])
@pytest.mark.parametrize(
    ("n", "d", "k"), [(300, 2, 40), (300, 16, 300), (6000, 32, 150), (9000, 3, 200), (6000, 8, 600), (2500, 128, 60)]
)
def test_diversity_alone_is_exact_farthest_first(n, d, k, offset):
    vectors = cloud(n, d, offset=offset)
    rows = select([diversity(vectors)], k).rows.tolist()
    assert rows[1:] == farthest_first(vectors, k - 1, rows[:1])


def test_diversity_starts_next_to_the_mean_whatever_the_order():
    vectors = cloud(500, 4, offset=30.0)
    nearest_the_mean = int(np.linalg.norm(vectors - vectors.mean(axis=0, dtype=np.float64), axis=1).argmin())
    assert select([diversity(vectors)], 1).rows.tolist() == [nearest_the_mean]


def test_diversity_goes_on_from_the_datapool():
    vectors = cloud(3000, 8)
    datapool = [5, 700, 2999]
    rows = select([diversity(vectors)], 80, preselected=mask(3000, datapool)).rows
    assert rows.tolist() == farthest_first(vectors, 80, datapool)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_diversity_does_not_depend_on_the_unit_of_the_vectors(scale):
    vectors = cloud(3000, 8)
    expected = select([diversity(vectors)], 50).rows
    np.testing.assert_array_equal(select([diversity(vectors * np.float32(scale))], 50).rows, expected)


@pytest.mark.parametrize(("n", "d", "k"), [(400, 16, 60), (2500, 8, 100)])
def test_diversity_alone_picks_what_lightly_mundig_picks_from_the_same_start(n, d, k):
    vectors = cloud(n, d)
    rows = select([diversity(vectors)], k).rows.tolist()
    theirs = lightly_mundig.Selection()
    theirs.add_diversifying_strategy(vectors.tolist(), 1.0)
    assert theirs.run_selection(rows[:1], n, k) == rows


def test_the_gain_of_diversity_is_the_distance_to_the_nearest_earlier_pick():
    vectors = cloud(400, 8)
    selection = select([diversity(vectors)], 50)
    chosen = vectors[selection.rows].astype(np.float64)
    expected = [cdist(chosen[place : place + 1], chosen[:place]).min() for place in range(1, 50)]
    np.testing.assert_allclose(selection.gains[1:, 0], expected, rtol=1e-4)
    assert np.isnan(selection.gains[0, 0])
    assert (np.diff(selection.gains[1:, 0]) <= 1e-5).all()


def test_duplicates_come_last():
    vectors = np.repeat(cloud(6, 4), 5, axis=0)
    rows = select([diversity(vectors)], 30).rows
    assert sorted((rows[:6] // 5).tolist()) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("distance", [10.0, 100.0])
def test_diversity_is_exact_between_clusters_that_lie_far_apart(distance):
    vectors = cloud(2000, 16)
    vectors[1000:, 0] += np.float32(distance)
    rows = select([diversity(vectors)], 100).rows.tolist()
    assert rows[1:] == farthest_first(vectors, 99, rows[:1])


# Mixtures -------------------------------------------------------------------------------------------------------------


class Far:
    """Distances to the nearest pick; before the first, less the nearer the mean is."""

    def __init__(self, vectors: np.ndarray, datapool: list[int]):
        self.vectors = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        squares = (self.vectors**2).sum(axis=1)
        self.squares = 8 * squares.max() - squares
        if datapool:
            self.squares = cdist(self.vectors, self.vectors[datapool], "sqeuclidean").min(axis=1)

    def now(self) -> np.ndarray:
        return np.sqrt(self.squares)

    def pick(self, row: int) -> None:
        self.squares = np.minimum(self.squares, ((self.vectors - self.vectors[row]) ** 2).sum(axis=1))


class Herd:
    """How much more of the candidates each row would cover, over the dense kernel."""

    def __init__(self, vectors: np.ndarray, datapool: list[int]):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).astype(np.float64)
        everything = np.exp(-cdist(unit, unit, "sqeuclidean")).astype(np.float32)
        self.kernel = np.delete(everything, datapool, axis=0)
        self.covered = self.kernel[:, datapool].max(axis=1, initial=0)

    def now(self) -> np.ndarray:
        return np.maximum(self.kernel - self.covered[:, None], 0).mean(axis=0, dtype=np.float64)

    def pick(self, row: int) -> None:
        self.covered = np.maximum(self.covered, self.kernel[:, row])


class Fixed:
    """Values that picks do not change."""

    def __init__(self, values: np.ndarray, datapool: list[int]):
        self.values = values

    def now(self) -> np.ndarray:
        return self.values

    def pick(self, row: int) -> None:
        pass


PLAIN = {Diversity: Far, Coverage: Herd, Weights: Fixed}


def full_scan(entries: list[Values], n: int, datapool: list[int]) -> tuple[list[int], np.ndarray]:
    """Greedy picks with every gain of every row computed at every step, on the engine's scales; and their worth."""
    size = len(entries[0].values)
    eligible = np.setdiff1d(np.arange(size), datapool)
    pool = Pool(eligible, np.array(datapool, np.int64), n)
    terms = [Term(entry.strategy.gains(entry.values, pool), entry.strategy.strength) for entry in entries]
    scales = [term.scale for term in calibrated(terms, eligible, n)]
    plain = [PLAIN[type(entry.strategy)](entry.values, datapool) for entry in entries]
    free, rows, worth = mask(size, eligible), [], []
    for _ in range(n):
        columns = [
            entry.strategy.strength * scale.scaled(gain.now())
            for entry, scale, gain in zip(entries, scales, plain, strict=True)
        ]
        rows.append(int(np.where(free, sum(columns), -np.inf).argmax()))
        worth.append([column[rows[-1]] for column in columns])
        free[rows[-1]] = False
        for gain in plain:
            gain.pick(rows[-1])
    return rows, np.array(worth)


def assert_full_scan(entries: list[Values], n: int, datapool: tuple[int, ...] = ()) -> Selection:
    expected, worth = full_scan(entries, n, list(datapool))
    actual = select(entries, n, preselected=mask(len(entries[0].values), datapool))
    assert actual.rows.tolist() == expected
    np.testing.assert_allclose(actual.values, worth, rtol=1e-3, atol=1e-3 * np.abs(worth).max())
    spoke = np.where(np.isnan(actual.gains), -np.inf, actual.values)
    np.testing.assert_array_equal(actual.deciding, spoke.argmax(axis=1))
    return actual


@pytest.mark.parametrize(
    "strengths", [(1.0, 1.0), (0.2, 1.0), (5.0, 1.0), (1.0, -1.0), (-0.3, 1.0), (1e9, 1.0), (1.0, 1e9)]
)
@pytest.mark.parametrize("datapool", [(), (3, 1000, 5999)])
def test_diversity_and_weights_are_a_full_scan(strengths, datapool):
    vectors, values = cloud(6000, 6), scores(6000)
    assert_full_scan([diversity(vectors, strengths[0]), weights(values, strengths[1])], 60, datapool)


def test_a_mixture_over_many_windows_is_a_full_scan():
    # More rows than the engine looks at between two passes over all of them.
    assert_full_scan([diversity(cloud(300_000, 3)), weights(scores(300_000))], 40)


@pytest.mark.parametrize("strengths", [(1.0, -2.0), (-0.5, 1.0)])
def test_coverage_and_weights_are_a_full_scan(strengths):
    vectors, values = cloud(2100, 8), scores(2100)
    assert_full_scan([coverage(vectors, strengths[0]), weights(values, strengths[1])], 20, (7, 900))


def test_diversity_coverage_and_weights_are_a_full_scan():
    vectors, values = cloud(2100, 8), scores(2100)
    assert_full_scan([diversity(vectors), coverage(vectors, 2.0), weights(values, 0.5)], 20)


def test_two_weights_are_a_full_scan():
    assert_full_scan([weights(scores(3000)), weights(scores(3000, 2), -0.5)], 30)


@pytest.mark.parametrize("window", [1, 3, 10])
@given(seed=st.integers(0, 10_000), strength=st.sampled_from([0.3, 1.0, 10.0]))
def test_the_size_of_the_window_changes_no_pick(window, seed, strength):
    vectors, values = cloud(200, 3, seed), scores(200, seed)
    entries, eligible = [diversity(vectors), coverage(vectors), weights(values, strength)], np.arange(200)
    pool = Pool(eligible, n=60)
    terms = [Term(entry.strategy.gains(entry.values, pool), entry.strategy.strength) for entry in entries]
    run = Run(calibrated(terms, eligible, 60), eligible, 60, silent)
    run.window_size = window
    with at_most(10):
        while run.done < 60:
            run.epoch()
    np.testing.assert_array_equal(run.rows, select(entries, 60).rows)


def test_equal_rows_of_a_mixture_are_picked_in_their_order():
    # Every row is there three times, more of them than one window holds.
    vectors, values = np.tile(cloud(2000, 4), (3, 1)), np.tile(scores(2000), 3)
    rows = select([diversity(vectors), weights(values)], 30).rows
    assert (rows < 2000).all()


def test_many_equal_rows_of_a_mixture_come_to_an_end():
    vectors, values = np.zeros((6000, 4)), np.zeros(6000)
    assert select([diversity(vectors), weights(values)], 5).rows.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("partner", [diversity, coverage])
@pytest.mark.parametrize("strength", [1.0, -1.0])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, -5.0), (1.0, 1.7e9), (1e-6, 0.0), (1e6, 3.0), (32.0, -1e4)])
def test_the_unit_and_the_zero_of_a_score_change_no_pick(partner, strength, scale, shift):
    vectors, values = cloud(600, 6), scores(600).round(4)
    expected = select([partner(vectors), weights(values, strength)], 40).rows
    np.testing.assert_array_equal(
        select([partner(vectors), weights(values * scale + shift, strength)], 40).rows, expected
    )


@given(
    first=st.sampled_from([0.1, 1.0, 3.0]),
    second=st.sampled_from([-1.0, 0.5, 2.0]),
    seed=st.integers(0, 100),
)
def test_the_order_of_the_strategies_is_irrelevant(first, second, seed):
    entries = [diversity(cloud(100, 3, seed), first), weights(scores(100, seed), second)]
    np.testing.assert_array_equal(select(entries, 15).rows, select(entries[::-1], 15).rows)


@pytest.mark.parametrize("partner", [diversity, weights])
def test_a_strength_of_zero_is_as_if_the_strategy_were_absent(partner):
    vectors, values = cloud(200, 3), scores(200)
    alone = partner(vectors if partner is diversity else values)
    present = scores(200) > 0.5
    absent = [
        coverage(vectors, 0.0),
        threshold(values, "BIGGER", 2.0, strength=0.0),
        weights(values, 0.0, present=present),
    ]
    expected, actual = select([alone], 20), select([alone, *absent], 20)
    np.testing.assert_array_equal(actual.rows, expected.rows)
    assert actual.labels == expected.labels
    assert actual.left_out == {}


def test_a_negative_strength_inverts():
    values = scores(300)
    np.testing.assert_array_equal(select([weights(values, -1.0)], 50).rows, select([weights(-values)], 50).rows)
    vectors = cloud(3000, 4)
    rows = select([diversity(vectors, -1.0)], 40).rows
    gaps = cdist(vectors, vectors[rows[:-1]].astype(np.float64))
    for place in range(1, 40):
        near = gaps[:, :place].min(axis=1)
        near[rows[:place]] = np.inf
        assert near[rows[place]] == pytest.approx(near.min(), rel=1e-3)


@pytest.mark.parametrize("n", [1, 20])
def test_a_strategy_that_outweighs_all_decides_alone(n):
    vectors, values = cloud(3000, 4), scores(3000)
    selection = select([diversity(vectors), weights(values, 1e9)], n)
    np.testing.assert_array_equal(selection.rows, np.argsort(-values)[:n])
    np.testing.assert_array_equal(selection.deciding, np.ones(n))


def test_more_strength_gives_more_of_what_it_is_for():
    vectors, values = cloud(2000, 6), scores(2000)
    chosen = [
        select([diversity(vectors), weights(values, strength)], 50).rows for strength in (0.01, 0.3, 1.0, 3.0, 100.0)
    ]
    means = [values[rows].mean() for rows in chosen]
    spread = [np.sort(cdist(vectors[rows], vectors[rows]), axis=1)[:, 1].mean() for rows in chosen]
    assert means == sorted(means)
    assert spread == sorted(spread, reverse=True)


@pytest.mark.parametrize("outlier", [1e9, -1e9])
@pytest.mark.parametrize("strength", [1.0, -1.0])
def test_one_giant_outlier_does_not_make_the_other_scores_alike(outlier, strength):
    vectors, values = cloud(3000, 8), scores(3000)
    expected = values[select([diversity(vectors), weights(values, strength)], 50).rows].mean()
    spoiled = values.copy()
    spoiled[5] = outlier
    rows = select([diversity(vectors), weights(spoiled, strength)], 50).rows
    assert values[rows].mean() == pytest.approx(expected, abs=0.05)


def test_a_negative_strength_in_a_mixture_is_a_positive_one_of_the_negated_score():
    vectors, values = cloud(1000, 6), np.random.default_rng(1).exponential(size=1000)
    expected = select([diversity(vectors), weights(-values)], 30).rows
    np.testing.assert_array_equal(select([diversity(vectors), weights(values, -1.0)], 30).rows, expected)


def test_a_constant_score_changes_nothing():
    vectors = cloud(500, 4)
    expected = select([diversity(vectors)], 30).rows
    np.testing.assert_array_equal(select([diversity(vectors), weights(np.full(500, 3.7))], 30).rows, expected)


# The datapool, candidates and missing values --------------------------------------------------------------------------

every_mixture = pytest.mark.parametrize(
    "mixture",
    [
        lambda vectors, values: [weights(values)],
        lambda vectors, values: [diversity(vectors)],
        lambda vectors, values: [coverage(vectors)],
        lambda vectors, values: [diversity(vectors), weights(values)],
        lambda vectors, values: [coverage(vectors), weights(values, -1.0)],
        lambda vectors, values: [threshold(values, "BIGGER", 0.0)],
    ],
    ids=["WEIGHTS", "DIVERSITY", "COVERAGE", "DIVERSITY+WEIGHTS", "COVERAGE-WEIGHTS", "THRESHOLD"],
)


@every_mixture
def test_the_datapool_is_never_picked_and_is_not_part_of_the_number(mixture):
    vectors, values = cloud(60, 3), scores(60)
    datapool = mask(60, [0, 1, 2, 30, 59])
    selection = select(mixture(vectors, values), 55, preselected=datapool)
    assert sorted(selection.rows.tolist()) == np.flatnonzero(~datapool).tolist()
    assert selection.eligible == 55


@every_mixture
def test_only_candidates_are_picked(mixture):
    candidates = mask(60, range(10, 40))
    selection = select(mixture(cloud(60, 3), scores(60)), 30, candidates=candidates)
    assert sorted(selection.rows.tolist()) == list(range(10, 40))


def test_the_datapool_counts_as_already_there():
    vectors = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 9.0], [0.1, 0.0]])
    selection = select([diversity(vectors)], 1, preselected=mask(4, [0, 1]))
    assert selection.rows.tolist() == [2]
    np.testing.assert_allclose(selection.gains, [[9.0]])


def test_rows_without_values_are_left_out_and_counted():
    vectors, values = cloud(20, 3), scores(20)
    has_vector, has_value = ~mask(20, [0, 1, 2]), ~mask(20, [2, 3])
    entries = [diversity(vectors, present=has_vector), weights(values, present=has_value)]
    selection = select(entries, 16)
    assert sorted(selection.rows.tolist()) == list(range(4, 20))
    assert selection.eligible == 16
    assert selection.left_out == {"without a value for Diversity": 3, "without a value for Weights": 1}


def test_rows_outside_the_candidates_are_not_counted_as_left_out():
    entries = [weights(scores(6), present=~mask(6, [0, 5]))]
    selection = select(entries, 1, candidates=~mask(6, [5]))
    assert selection.left_out == {"without a value for Weights": 1}


@pytest.mark.parametrize("kind", [diversity, coverage, weights])
@pytest.mark.parametrize("nonsense", [0.0, 1e6, np.nan, np.inf])
def test_what_stands_where_no_value_is_does_not_matter(kind, nonsense):
    values = scores(40) if kind is weights else cloud(40, 3, offset=5.0)
    absent = mask(40, [*range(0, 40, 3)])
    spoiled = values.copy()
    spoiled[absent] = nonsense
    expected = select([kind(values[~absent])], 10).rows
    actual = select([kind(spoiled, present=~absent)], 10).rows
    np.testing.assert_array_equal(actual, np.flatnonzero(~absent)[expected])


@pytest.mark.parametrize("kind", [coverage, weights])
def test_rows_that_are_no_candidates_do_not_matter(kind):
    values = scores(40) if kind is weights else cloud(40, 3)
    others = mask(40, [*range(0, 40, 3)])
    moved = values.copy()
    moved[others] += 7.0
    expected = select([kind(values)], 10, candidates=~others).rows
    np.testing.assert_array_equal(select([kind(moved)], 10, candidates=~others).rows, expected)


# THRESHOLD ------------------------------------------------------------------------------------------------------------

OPERATIONS = {
    "BIGGER": lambda value, at: value > at,
    "BIGGER_EQUAL": lambda value, at: value >= at,
    "SMALLER": lambda value, at: value < at,
    "SMALLER_EQUAL": lambda value, at: value <= at,
}
NUMBERS = np.array([3.0, 1.0, np.nan, 2.0, 2.0, 4.0, np.nan, -1.0])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_threshold_keeps_one_side_and_no_row_without_a_value(operation):
    kept = [row for row, value in enumerate(NUMBERS) if OPERATIONS[operation](value, 2.0)]
    entries = [threshold(NUMBERS, operation, 2.0, present=~np.isnan(NUMBERS), label="sharpness")]
    selection = select(entries, len(kept))
    assert sorted(selection.rows.tolist()) == kept
    assert selection.left_out == {"without a value for sharpness": 2, "beyond the sharpness": 6 - len(kept)}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("partner", [diversity, coverage, weights])
def test_a_threshold_filters_before_anything_is_picked(operation, partner):
    vectors, values = cloud(400, 4), scores(400)
    given = values if partner is weights else vectors
    kept = OPERATIONS[operation](values, 0.4)
    expected = select([partner(given)], 30, candidates=kept).rows
    for entries in (
        [threshold(values, operation, 0.4), partner(given)],
        [partner(given), threshold(values, operation, 0.4)],
    ):
        np.testing.assert_array_equal(select(entries, 30).rows, expected)


def test_a_threshold_alone_picks_at_random_inside_the_filter():
    values = scores(500)
    entries = [threshold(values, "BIGGER", 0.5)]
    first, again, other = (select(entries, 20, seed=seed) for seed in (0, 0, 1))
    assert (values[first.rows] > 0.5).all()
    assert first.labels == ["random"]
    np.testing.assert_array_equal(first.rows, again.rows)
    assert set(first.rows.tolist()) != set(other.rows.tolist())


def test_random_picks_reach_every_row():
    entries = [weights(np.arange(8.0), 0.0)]
    picked = [int(select(entries, 1, seed=seed).rows[0]) for seed in range(100)]
    assert set(picked) == set(range(8))


def test_two_thresholds_keep_what_lies_between_them_and_count_what_does_not():
    values = np.arange(10.0)
    entries = [threshold(values, "BIGGER", 3.0, label="width"), threshold(values, "SMALLER", 8.0, label="width")]
    selection = select(entries, 4)
    assert sorted(selection.rows.tolist()) == [4, 5, 6, 7]
    assert sum(selection.left_out.values()) == 6


# What is refused ------------------------------------------------------------------------------------------------------


def test_more_than_is_eligible_is_refused_with_the_reasons():
    values = np.arange(10.0)
    entries = [weights(values, present=~mask(10, [0, 1]), label="a"), threshold(values, "BIGGER", 4.0, label="b")]
    with pytest.raises(ShortlistError) as caught:
        select(entries, 6)
    assert str(caught.value) == (
        "n_samples must be at most 5, the eligible candidates (10 in all, 2 without a value for a, 3 beyond the b). "
        "Got 6 instead."
    )
    assert len(select(entries, 5).rows) == 5


def test_nothing_can_be_picked_of_an_empty_pool():
    with pytest.raises(ShortlistError, match=r"n_samples must be at most 0, the eligible candidates \(0 in all\)"):
        select([weights(np.arange(3.0))], 1, candidates=np.zeros(3, bool))


@pytest.mark.parametrize("kind", [diversity, coverage])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(kind, bad):
    vectors = cloud(10, 3)
    vectors[4, 1] = bad
    with pytest.raises(ShortlistError) as caught:
        select([kind(vectors, label="DIVERSITY of clip")], 2)
    assert str(caught.value) == (
        "DIVERSITY of clip: embeddings must be finite numbers up to 1e+17. Got others in 1 of 10 vectors (first rows: 4) "
        "instead."
    )


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinite_numbers_are_refused(bad):
    values = np.array([0.0, bad, 1.0, bad])
    with pytest.raises(ShortlistError) as caught:
        select([weights(values, label="WEIGHTS of a")], 1)
    assert str(caught.value) == (
        "WEIGHTS of a: values must be finite numbers. Got infinity 2 times instead (first row: 1)."
    )
    with pytest.raises(ShortlistError, match="values must be finite numbers"):
        select([threshold(values, "BIGGER", 0.5)], 1)


def test_only_the_values_that_are_there_are_counted_as_infinite():
    values, absent = np.array([0.0, 1.0, np.inf, 2.0, 0.0]), mask(5, [0, 4])
    with pytest.raises(ShortlistError, match=r"Got infinity 1 times instead \(first row: 2\)"):
        select([weights(values, present=~absent)], 1)
    vectors = np.stack([values, values], axis=1)
    with pytest.raises(ShortlistError, match=r"in 1 of . vectors \(first rows: 2\)"):
        select([diversity(vectors, present=~absent)], 1)


def test_a_number_that_is_none_is_refused_where_it_is_said_to_be_there():
    values = scores(50)
    values[7] = np.nan
    with pytest.raises(ShortlistError, match=r"^Weights: .* Got NaN 1 times"):
        select([diversity(cloud(50, 3)), weights(values)], 5)


def test_text_is_no_number():
    with pytest.raises(ShortlistError, match="values must be numbers"):
        select([weights(np.array(["a", "b"]))], 1)


@pytest.mark.parametrize("shape", [(4,), (4, 0), (4, 2, 2)])
def test_embeddings_of_another_shape_are_refused(shape):
    with pytest.raises(ShortlistError, match="one vector a sample"):
        select([diversity(np.zeros(shape))], 1)


@pytest.mark.parametrize(("kind", "huge"), [(diversity, 1e19), (diversity, 1e300), (coverage, 1e300)])
def test_vectors_too_large_for_single_precision_are_refused(kind, huge):
    vectors = cloud(10, 3).astype(np.float64)
    vectors[4] = huge
    with at_most(0.5), pytest.raises(ShortlistError, match="embeddings must be"):
        select([kind(vectors)], 10)


@pytest.mark.parametrize(
    "entries",
    [
        lambda: [diversity(cloud(300, 3))],
        lambda: [diversity(cloud(300, 3)), weights(scores(300))],
        lambda: [coverage(cloud(300, 3))],
    ],
    ids=["DIVERSITY", "DIVERSITY+WEIGHTS", "COVERAGE"],
)
@pytest.mark.parametrize("when", [1, 15])
def test_a_run_stops_when_it_is_cancelled(entries, when):
    told = []

    def progress(done, total, label=""):
        told.append(label)
        if len(told) == when:
            raise Cancelled()

    with pytest.raises(Cancelled):
        select(entries(), 20, progress=progress)
    assert len(told) == when


def test_progress_ends_with_the_number():
    told = []
    select([diversity(cloud(300, 3))], 20, progress=lambda done, total, label="": told.append((done, total)))
    assert told == [(done, 20) for done in range(1, 21)]


# Why ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("datapool", [(), (3, 500, 1499)])
def test_every_pick_names_its_nearest_earlier_one(datapool):
    # More picks than one block of the search.
    vectors, n = cloud(1500, 6, offset=20.0), 600
    entries = [weights(scores(1500)), coverage(vectors, 0.5)]
    selection = select(entries, n, preselected=mask(1500, datapool))
    gaps = cdist(vectors.astype(np.float64), vectors.astype(np.float64))
    for place, row in enumerate(selection.rows):
        earlier = [*datapool, *selection.rows[:place].tolist()]
        if not earlier:
            assert selection.neighbors[place] == -1
            assert np.isnan(selection.distances[place])
            continue
        nearest = earlier[int(gaps[row, earlier].argmin())]
        assert selection.neighbors[place] == nearest
        assert selection.distances[place] == pytest.approx(gaps[row, nearest], rel=1e-4)


def test_without_vectors_there_is_no_neighbour():
    selection = select([weights(scores(20))], 5)
    np.testing.assert_array_equal(selection.neighbors, np.full(5, -1))
    np.testing.assert_array_equal(selection.distances, np.full(5, np.nan))


def test_a_datapool_item_without_a_vector_is_no_neighbour():
    vectors = np.array([[0.0], [0.0], [5.0], [1.0]])
    present = np.array([False, True, True, True])
    selection = select([diversity(vectors, present=present)], 1, preselected=mask(4, [0, 2]))
    assert (selection.rows.tolist(), selection.neighbors.tolist()) == ([1], [2])


def test_the_deciding_strategy_is_the_one_that_spoke_most_for_the_pick():
    # Row 0 has the one high score; the others differ only in where they lie.
    vectors = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [-9.0, 0.0], [0.0, -9.0], [0.1, 0.1], [0.2, 0.0]])
    values = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    selection = select([diversity(vectors), weights(values)], 5)
    assert selection.labels == ["Diversity", "Weights"]
    decided = dict(zip(selection.rows.tolist(), selection.deciding.tolist(), strict=True))
    assert decided == {0: 1, 1: 0, 2: 0, 3: 0, 4: 0}


@given(n=st.integers(1, 30), seed=st.integers(0, 1000))
def test_the_worth_of_a_scaled_pick_rises_with_its_gain(n, seed):
    vectors, values = cloud(30, 3, seed), scores(30, seed)
    assume(len(np.unique(values)) == 30)
    selection = select([diversity(vectors), weights(values)], n)
    order = np.argsort(selection.gains[:, 1])
    assert (np.diff(selection.values[order, 1]) >= 0).all()
