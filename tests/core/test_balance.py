"""BALANCE: the target is met, and mixtures with it are what a plain scan of all rows at every step picks."""

from __future__ import annotations

from itertools import product

import lightly_mundig
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import sparse
from scipy.spatial.distance import cdist

from shortlist.core.errors import ShortlistError
from shortlist.core.progress import silent
from shortlist.core.selection.engine.gains import StaticGains
from shortlist.core.selection.engine.greedy import calibrated, greedy
from shortlist.core.selection.engine.limits import AtMost, Limit
from shortlist.core.selection.engine.run import Run, Term
from shortlist.core.selection.parts.balance import BalanceGains
from shortlist.core.selection.select import Selection, prepare, select
from shortlist.core.selection.strategies.balance import Balance
from shortlist.core.selection.strategies.diversity import DistanceGains, Diversity
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Amounts, Values

NONE = np.zeros(0, np.int64)


def names(n: int) -> tuple[str, ...]:
    return tuple(f"c{number}" for number in range(n))


def amounts(matrix) -> Amounts:
    matrix = sparse.csr_array(np.asarray(matrix, dtype=np.float64))
    return Amounts(names(matrix.shape[1]), matrix)


def categories(labels, n: int | None = None) -> Amounts:
    labels = np.asarray(labels)
    return amounts(labels[:, None] == np.arange(labels.max() + 1 if n is None else n))


def balance(given_amounts: Amounts, strength: float = 1.0, **parameters) -> Values:
    model = Balance(type="BALANCE", strength=strength, **parameters)
    return Values("BALANCE", model, given_amounts, np.ones(len(given_amounts), bool))


def diversity(vectors: np.ndarray, strength: float = 1.0) -> Values:
    return Values("DIVERSITY", Diversity(type="DIVERSITY", strength=strength), vectors, np.ones(len(vectors), bool))


def weights(values: np.ndarray, strength: float = 1.0) -> Values:
    return Values("WEIGHTS", Weights(type="WEIGHTS", strength=strength), values, np.ones(len(values), bool))


def objects(n: int, n_classes: int = 12, seed: int = 0, sizes: str = "geometric", tail: float = 1.0) -> np.ndarray:
    """(n, C) counts of objects in images, some classes far more common than others."""
    rng = np.random.default_rng(seed)
    common = 1 / np.arange(1, n_classes + 1) ** tail
    counts = rng.geometric(0.25, n) if sizes == "geometric" else rng.integers(1, 5, n)
    return np.stack([rng.multinomial(count, common / common.sum()) for count in counts]).astype(float)


def cloud(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def off(chosen: np.ndarray, target: np.ndarray) -> float:
    """How far the shares of what was chosen lie from the target."""
    held = chosen.sum(axis=0)
    return float(np.linalg.norm(held / held.sum() - target))


# The target is met ----------------------------------------------------------------------------------------------------


@st.composite
def pools(draw, most_classes: int = 12, most_rows: int = 60):
    """Labels, shares of some of the classes, a datapool and a budget."""
    n_classes = draw(st.integers(1, most_classes))
    labels = draw(st.lists(st.integers(0, n_classes - 1), min_size=2, max_size=most_rows))
    shares = np.array(draw(st.lists(st.integers(0, 20), min_size=n_classes, max_size=n_classes)), float)
    shares = shares / shares.sum() if shares.sum() else np.full(n_classes, 1 / n_classes)
    named = draw(st.integers(1, n_classes))
    datapool = np.array(draw(st.lists(st.booleans(), min_size=len(labels), max_size=len(labels))))
    datapool[: draw(st.integers(1, len(labels)))] = False
    n = draw(st.integers(1, int((~datapool).sum())))
    return np.array(labels), n_classes, shares, named, datapool, n


def held_and_asked(pool, **parameters) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the named classes and all others have in the end, are to have, had at first and can have at most."""
    labels, n_classes, shares, named, datapool, n = pool
    target = {f"c{number}": float(shares[number]) for number in range(named)}
    given_amounts = categories(labels, n_classes)
    selection = select([balance(given_amounts, target=target)], n, preselected=datapool)
    pooled = np.minimum(labels, named)
    count = lambda rows: np.bincount(pooled[rows], minlength=named + 1).astype(float)  # noqa: E731
    at_first = count(datapool)
    wanted = np.append(shares[:named], max(0.0, 1 - shares[:named].sum()))
    if wanted[-1] < 1e-6:
        wanted[-1] = 0
    return at_first + count(selection.rows), wanted * (datapool.sum() + n), at_first, count(np.ones(len(labels), bool))


@given(pools())
def test_every_category_is_within_one_sample_of_its_share_wherever_the_pool_allows(pool):
    if not np.isin(np.arange(pool[3]), pool[0]).any():
        return
    held, asked, at_first, at_most = held_and_asked(pool)
    if (at_first <= asked).all() and (asked <= at_most).all():
        assert np.abs(held - asked).max() <= 1


@given(pools(4, 9))
def test_where_shares_are_out_of_reach_the_nearest_that_can_be_had_are(pool):
    if not np.isin(np.arange(pool[3]), pool[0]).any():
        return
    held, asked, at_first, at_most = held_and_asked(pool)
    n = pool[5]
    choices = product(*[range(int(most - first) + 1) for first, most in zip(at_first, at_most, strict=True)])
    best = min(((at_first + choice - asked) ** 2).sum() for choice in choices if sum(choice) == n)
    assert ((held - asked) ** 2).sum() == pytest.approx(best, abs=1e-6)


SHARES = np.array([15, 15, 15, 15, 4, 4, 3, 1, 1, 3]) / 76


def test_the_class_that_lags_most_is_not_enough_and_what_is_known_of_the_end_is():
    # Several classes can lag at once: always picking the one that lags most ends more than a sample away.
    naive = np.zeros(10)
    for place in range(1, 52):
        naive[int((SHARES * place - naive).argmax())] += 1
    assert np.abs(naive - SHARES * 51).max() > 1.05
    labels = np.random.default_rng(0).integers(0, 10, 2000)
    selection = select([balance(categories(labels), target=dict(zip(names(10), SHARES, strict=True)))], 51)
    assert np.abs(np.bincount(labels[selection.rows]) - SHARES * 51).max() < 1


@pytest.mark.parametrize("n_classes", [2, 7, 40])
def test_on_the_way_the_shares_are_near_the_target_too(n_classes):
    rng = np.random.default_rng(n_classes)
    for _ in range(5):
        shares = rng.dirichlet(np.full(n_classes, 0.5))
        labels = np.repeat(np.arange(n_classes), 300)
        rows = select([balance(categories(labels), target=dict(zip(names(n_classes), shares, strict=True)))], 250).rows
        so_far = np.cumsum(labels[rows][:, None] == np.arange(n_classes), axis=0)
        assert np.abs(so_far - np.arange(1, 251)[:, None] * shares).max() < 2.5


def test_the_datapool_counts():
    labels = np.array([0] * 10 + [1] * 10)
    rows = select([balance(categories(labels))], 4, preselected=np.isin(np.arange(20), [0, 1, 2, 3])).rows
    assert labels[rows].tolist() == [1, 1, 1, 1]


def test_what_is_not_named_shares_the_rest_as_one_class():
    labels = np.array([0] * 100 + [1] * 100 + [2] * 97 + [3] * 3)
    rows = select([balance(categories(labels), target={"c0": 0.5, "c1": 0.2})], 100).rows
    assert np.bincount(np.minimum(labels[rows], 2)).tolist() == [50, 20, 30]
    # Among themselves the others are alike: the first rows come first.
    assert (labels[rows] == 3).sum() == 0


def test_shares_that_add_up_to_one_leave_nothing_for_others():
    labels = np.array([0] * 50 + [1] * 50 + [2] * 50)
    rows = select([balance(categories(labels), target={"c0": 0.5, "c1": 0.5})], 60).rows
    assert np.bincount(labels[rows]).tolist() == [30, 30]
    rows = select([balance(categories(labels), target={"c0": 0.5, "c1": 0.5})], 110).rows
    assert np.bincount(labels[rows]).tolist() == [50, 50, 10]


def test_uniform_is_the_default_and_leaves_out_classes_that_the_pool_lacks():
    labels = np.repeat([0, 1, 3], [200, 50, 20])
    rows = select([balance(categories(labels, 6))], 60).rows
    assert np.bincount(labels[rows]).tolist() == [20, 20, 0, 20]
    explicit = select([balance(categories(labels, 6), distribution="UNIFORM")], 60).rows
    np.testing.assert_array_equal(explicit, rows)


def test_input_keeps_the_shares_of_the_candidates():
    labels = np.repeat([0, 1, 2, 3], [400, 100, 60, 40])
    candidates = labels < 3
    rows = select([balance(categories(labels), distribution="INPUT")], 56, candidates=candidates).rows
    assert np.bincount(labels[rows]).tolist() == [40, 10, 6]


@pytest.mark.parametrize("n_videos", [7, 60])
def test_a_great_strength_on_the_video_gives_every_video_as_many_and_within_them_diverse_frames(n_videos):
    rng = np.random.default_rng(0)
    labels, vectors = rng.choice(n_videos, 1500, p=rng.dirichlet(np.full(n_videos, 20.0))), cloud(1500, 4)
    rows = select([diversity(vectors), balance(categories(labels, n_videos), 1e9)], 150).rows
    counts = np.bincount(labels[rows], minlength=n_videos)
    assert counts.max() - counts.min() <= 1

    def spread(chosen: np.ndarray) -> float:
        return float(np.sort(cdist(vectors[chosen], vectors[chosen]), axis=1)[:, 1].mean())

    blind = [rng.choice(np.flatnonzero(labels == video), count, False) for video, count in enumerate(counts)]
    assert spread(rows) > 1.3 * spread(np.concatenate(blind))


# Objects --------------------------------------------------------------------------------------------------------------


def plain_greedy(counts: np.ndarray, target: np.ndarray, n: int) -> list[int]:
    """The least ``|held / sum(held) - target|`` after each pick, by a scan of all rows."""
    held, rows = np.zeros(counts.shape[1]), []
    for _ in range(n):
        after = held + counts
        worth = ((after / np.maximum(after.sum(axis=1, keepdims=True), 1e-9) - target) ** 2).sum(axis=1)
        worth[rows] = np.inf
        rows.append(int(worth.argmin()))
        held = held + counts[rows[-1]]
    return rows


def test_images_of_many_objects_reach_the_target_as_a_plain_greedy_does():
    ratios = []
    for seed, sizes in product(range(3), ("geometric", "1 to 4")):
        counts = objects(1200, seed=seed, sizes=sizes)
        for target in (np.full(12, 1 / 12), counts.sum(axis=0) / counts.sum(), np.array([0.5, 0.3, 0.2] + [0.0] * 9)):
            shares = dict(zip(names(12), target, strict=True))
            ours = off(counts[select([balance(amounts(counts), target=shares)], 100).rows], target)
            theirs = off(counts[plain_greedy(counts, target, 100)], target)
            ratios.append((ours + 1e-3) / (theirs + 1e-3))
    assert np.exp(np.log(ratios).mean()) < 1.1


@pytest.mark.parametrize("sizes", ["geometric", "1 to 4"])
def test_images_of_many_objects_neither_win_nor_lose_by_being_big(sizes):
    counts = objects(3000, sizes=sizes)
    rows = select([balance(amounts(counts), distribution="INPUT")], 300).rows
    assert 0.6 < counts[rows].sum() / 300 / counts.sum(axis=1).mean() < 1.7


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_images_without_objects_are_never_preferred(share):
    counts = objects(2000)
    counts[np.random.default_rng(1).random(2000) < share] = 0
    filled = np.flatnonzero(counts.sum(axis=1))
    n = min(150, len(filled))
    for mixture in ([], [diversity(cloud(2000, 4))]):
        assert np.isin(select([*mixture, balance(amounts(counts), 3.0)], n).rows, filled).all()


def test_images_without_objects_come_last_whatever_the_sign():
    counts = np.array([[0, 0], [5, 0], [0, 0], [0, 9], [1, 0]])
    for strength in (1.0, -1.0, 1e9, -1e9):
        rows = select([balance(amounts(counts), strength)], 5).rows
        assert sorted(rows[:3].tolist()) == [1, 3, 4]
        assert rows[3:].tolist() == [0, 2]


def test_lightly_mundig_picks_hardly_anything_but_images_without_objects():
    counts = objects(2000)
    counts[np.random.default_rng(1).random(2000) < 0.05] = 0
    empty = counts.sum(axis=1) == 0
    theirs = lightly_mundig.Selection()
    theirs.add_balancing_strategy(counts.tolist(), [1 / 12] * 12, 1.0)
    chosen = theirs.run_selection([], 2000, 90)
    assert empty[chosen].mean() > 0.9
    assert empty[select([balance(amounts(counts))], 90).rows].sum() == 0


def test_an_image_with_next_to_nothing_of_a_wanted_class_is_no_image_of_it():
    whole = np.tile([[1.0, 0.0], [0.0, 1.0]], (20, 1))
    traces = np.tile([[0.0, 0.004], [0.003, 0.002]], (20, 1))
    rows = select([balance(amounts(np.concatenate([traces, whole])))], 40).rows
    assert (rows >= 40).all()


def test_probabilities_are_balanced_by_what_they_add_up_to():
    rng = np.random.default_rng(0)
    soft = rng.dirichlet(np.array([3.0, 1.0, 0.3]), 3000) * rng.integers(1, 4, (3000, 1))
    target = np.array([0.4, 0.3, 0.3])
    selection = select([balance(amounts(soft), target=dict(zip(names(3), target, strict=True)))], 100)
    assert off(soft[selection.rows], target) < 0.002
    assert off(soft[np.arange(100)], target) > 0.3


def test_all_of_a_pool_without_any_object_can_be_picked():
    assert select([balance(amounts(np.zeros((4, 3))))], 4).rows.tolist() == [0, 1, 2, 3]
    assert select([balance(Amounts((), sparse.csr_array((3, 0))))], 2).rows.tolist() == [0, 1]


# What changes nothing -------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 500), whole=st.booleans(), n=st.integers(1, 40), strength=st.sampled_from([1.0, -1.0]))
def test_the_order_of_the_classes_changes_nothing(seed, whole, n, strength):
    rng = np.random.default_rng(seed)
    counts = np.eye(6)[rng.integers(0, 6, 60)] if whole else rng.integers(0, 3, (60, 6)).astype(float)
    order = rng.permutation(6)
    found = amounts(counts)
    moved = Amounts(tuple(found.names[at] for at in order), sparse.csr_array(counts[:, order]))
    for parameters in ({}, {"distribution": "INPUT"}, {"target": {"c0": 0.5, "c3": 0.25}}):
        expected = select([balance(found, strength, **parameters)], n).rows
        np.testing.assert_array_equal(select([balance(moved, strength, **parameters)], n).rows, expected)


@pytest.mark.parametrize("parameters", [{}, {"target": {"c0": 0.5}}])
def test_the_amounts_are_left_as_they_were(parameters):
    given_amounts = amounts(objects(50))
    before = given_amounts.matrix.toarray()
    select([balance(given_amounts, **parameters)], 10)
    np.testing.assert_array_equal(given_amounts.matrix.toarray(), before)


def test_a_strength_of_zero_is_as_if_balance_were_absent():
    vectors = cloud(200, 3)
    expected = select([diversity(vectors)], 20).rows
    actual = select([diversity(vectors), balance(categories(np.arange(200) % 3), 0.0)], 20).rows
    np.testing.assert_array_equal(actual, expected)


def test_a_negative_strength_inverts():
    labels = np.random.default_rng(0).integers(0, 4, 200)
    rows = select([balance(categories(labels), -1.0)], 30).rows
    assert len(set(labels[rows].tolist())) == 1


@pytest.mark.parametrize(("scale", "shift"), [(1.0, -5.0), (1e6, 3.0), (1.0, 1.7e9)])
def test_the_unit_and_the_zero_of_a_score_beside_it_change_no_pick(scale, shift):
    values, counts = np.random.default_rng(1).random(500).round(4), amounts(objects(500))
    expected = select([balance(counts), weights(values)], 40).rows
    np.testing.assert_array_equal(select([balance(counts), weights(values * scale + shift)], 40).rows, expected)


@pytest.mark.parametrize("distribution", ["UNIFORM", "INPUT"])
def test_more_strength_gives_a_better_balance_and_less_of_the_rest(distribution):
    counts, values = objects(2000, tail=1.5), np.random.default_rng(1).random(2000)
    values += 0.3 * counts[:, 0] / counts.sum(axis=1)
    target = np.full(12, 1 / 12) if distribution == "UNIFORM" else counts.sum(axis=0) / counts.sum()
    chosen = [
        select([weights(values), balance(amounts(counts), strength, distribution=distribution)], 100).rows
        for strength in (0.01, 0.3, 1.0, 3.0, 100.0)
    ]
    errors = [off(counts[rows], target) for rows in chosen]
    means = [float(values[rows].mean()) for rows in chosen]
    assert errors[:3] == sorted(errors, reverse=True)[:3]
    assert errors[0] > 1.5 * errors[2] > 2 * errors[4]
    assert means == sorted(means, reverse=True)


def test_categories_that_alternate_are_measured_like_others():
    # Left and right in turn: looking at every second row only would find but one of them.
    labels = np.arange(20_000) % 2
    gains = [Term(BalanceGains(categories(labels).matrix, np.array([0.5, 0.5]), NONE, np.arange(20_000), 100))]
    terms = calibrated([*gains, Term(StaticGains(np.random.default_rng(0).random(20_000)))], np.arange(20_000), 100)
    # A random pick is of the lagging side every second time, one by BALANCE always, and it lags by half an object then.
    assert terms[0].slope == pytest.approx(4, rel=0.05)


# What the pool cannot give, and what is refused -----------------------------------------------------------------------


def shortages(given_amounts: Amounts, n: int, datapool=None, **parameters) -> list[str]:
    return prepare([balance(given_amounts, **parameters)], n, preselected=datapool).shortages


def test_shares_out_of_reach_are_told_with_the_supply():
    labels = np.repeat([0, 1, 2], [80, 12, 8])
    given_amounts = categories(labels, 3)
    assert shortages(given_amounts, 20, target={"c0": 0.5, "c1": 0.5}) == []
    assert shortages(given_amounts, 40, target={"c0": 0.5, "c1": 0.5}) == [
        "'c1' is to have 50 % (about 20 of 40), and there are 12"
    ]
    assert shortages(given_amounts, 40, target={"c0": 0.4, "dog": 0.3}) == [
        "'dog' is to have 30 % (about 12 of 40), and there is no 'dog' in the pool"
    ]
    assert shortages(given_amounts, 30) == ["'c2' is to have 33.3 % (about 10 of 30), and there are 8"]
    assert shortages(given_amounts, 30, distribution="INPUT") == []
    assert shortages(given_amounts, 50, target={"c0": 0.5}) == [
        "all other classes are to have 50 % (about 25 of 50), and there are 20"
    ]


def test_what_the_datapool_has_too_much_of_is_told():
    labels = np.repeat([0, 1], [60, 60])
    datapool = np.arange(120) < 40
    assert shortages(categories(labels), 20, datapool) == [
        "'c0' is to have 50 % (about 30 of 60), and the datapool alone has 40"
    ]


def test_many_shortages_are_counted():
    labels = np.concatenate([np.arange(40), np.zeros(200, int)])
    found = shortages(categories(labels), 200)
    assert len(found) == 13
    assert found[-1] == "27 more classes cannot have their shares"


def test_a_target_of_unknown_classes_only_is_refused():
    with pytest.raises(ShortlistError, match=r"^BALANCE: target must be about classes .*Did you mean 'c1'"):
        select([balance(categories([0, 1, 1]), target={"C1": 1.0})], 1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"target": {"a": 0.7, "b": 0.4}}, "must add up to at most 1. Got 1.1 instead"),
        ({"target": {"a": -0.1}}, r"target\['a'\] must be >= 0"),
        ({"target": {"a": 0.5}, "distribution": "UNIFORM"}, "Got 'UNIFORM' with a target"),
        ({"distribution": "TARGET"}, "target must be given"),
        ({"target": {}}, "at least 1 item"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(parameters, message):
    with pytest.raises(ValidationError, match=message):
        Balance(type="BALANCE", **parameters)


def test_shares_that_add_up_to_one_but_for_rounding_are_accepted():
    labels = np.repeat([0, 1, 2], 30)
    rows = select([balance(categories(labels), target={"c0": 1 / 3, "c1": 1 / 3, "c2": 0.33333334})], 30).rows
    assert np.bincount(labels[rows]).tolist() == [10, 10, 10]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "balances `a`"),
        ({"strength": -1.0}, "unbalances `a`"),
        ({"distribution": "INPUT"}, "balances `a` as in the candidates"),
        ({"target": {"car": 0.5, "bus": 0.125}}, "balances `a` to 50 % car, 12.5 % bus"),
    ],
)
def test_what_it_does_is_said_in_words(parameters, words):
    assert Balance(type="BALANCE", **parameters).words("`a`") == words


# A plain scan of all rows at every step -------------------------------------------------------------------------------


class Scan:
    """The gains of BALANCE by their definition, of every row at every step."""

    def __init__(self, gains: BalanceGains, counts: np.ndarray, datapool: np.ndarray):
        self.counts, self.target, self.held = counts, gains.target, counts[datapool].sum(axis=0)

    def now(self) -> np.ndarray:
        sizes = self.counts.sum(axis=1, keepdims=True)
        error = self.held - self.target * self.held.sum()
        move = self.counts - sizes * self.target
        forgiven = sizes[:, 0] * (1 - self.target @ self.target) / 2
        return -(move @ error + ((move**2).sum(axis=1) - forgiven) / 2) / np.sqrt(sizes[:, 0])

    def pick(self, row: int) -> None:
        self.held = self.held + self.counts[row]


class Distances:
    """Distances to the nearest pick."""

    def __init__(self, gains: DistanceGains, vectors: np.ndarray, datapool: np.ndarray):
        self.vectors = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        squares = (self.vectors**2).sum(axis=1)
        near = cdist(self.vectors, self.vectors[datapool], "sqeuclidean") if len(datapool) else None
        self.squares = 8 * squares.max() - squares if near is None else near.min(axis=1)

    def now(self) -> np.ndarray:
        return np.sqrt(self.squares)

    def pick(self, row: int) -> None:
        self.squares = np.minimum(self.squares, ((self.vectors - self.vectors[row]) ** 2).sum(axis=1))


class Fixed:
    """Values that picks do not change."""

    def __init__(self, gains: StaticGains, values: np.ndarray, datapool: np.ndarray):
        self.values = values

    def now(self) -> np.ndarray:
        return self.values

    def pick(self, row: int) -> None:
        pass


def assert_full_scan(entries: list[Values], n: int, datapool=NONE, limit: np.ndarray | None = None) -> None:
    """Compares picks and what they were worth with a scan on the engine's scales."""
    size = len(entries[0].present)
    eligible = np.setdiff1d(np.arange(size), datapool)
    pool = Pool(eligible, datapool, n)
    terms = [Term(entry.strategy.gains(entry.values, pool), entry.strategy.strength) for entry in entries]
    terms = calibrated(terms, eligible, n)
    plain = []
    for entry, term in zip(entries, terms, strict=True):
        values = entry.values.matrix.toarray() if isinstance(entry.values, Amounts) else entry.values
        kind = {Balance: Scan, Diversity: Distances, Weights: Fixed}[type(entry.strategy)]
        plain.append(kind(term.gains, values, datapool))
    limits: list[Limit] = [] if limit is None else [AtMost("cost", limit, float(limit.mean() * n * 0.8))]
    rest = None if limit is None else float(limit.mean() * n * 0.8)
    picks = greedy(terms, eligible, n, limits=limits)
    free = np.isin(np.arange(size), eligible)
    for place, row in enumerate(picks.rows):
        total = sum(
            term.strength * term.scale.scaled(gain.now()) if term.scale else np.sign(term.strength) * gain.now()
            for term, gain in zip(terms, plain, strict=True)
        )
        allowed = free if rest is None else free & (limit <= rest + 1e-9)
        best = np.where(allowed, total, -np.inf).max()
        close = 1e-6 * max(1.0, *(abs(term.strength) for term in terms))
        assert total[row] >= best - close, place
        assert picks.values[place].sum() == pytest.approx(total[row], abs=max(close, 1e-3 * abs(total[row])))
        free[row] = False
        if rest is not None:
            rest -= float(limit[row])
        for gain in plain:
            gain.pick(int(row))


@pytest.mark.parametrize(
    "strengths", [(1.0, 0.3, 1.0), (1.0, 0.0, 1.0), (0.0, 1.0, 5.0), (0.0, 0.0, 1.0), (1.0, 1.0, -0.5)]
)
@pytest.mark.parametrize("kind", ["categories", "1 to 4", "geometric"])
@pytest.mark.parametrize("limited", [False, True])
def test_mixtures_are_a_full_scan(strengths, kind, limited):
    rng = np.random.default_rng(3)
    n, k = 5000, 50
    counts = (
        np.eye(12)[rng.integers(0, 12, n) % rng.integers(1, 13, n)] if kind == "categories" else objects(n, sizes=kind)
    )
    entries = [
        diversity(cloud(n, 5), strengths[0]),
        weights(rng.random(n), strengths[1]),
        balance(amounts(counts), strengths[2]),
    ]
    datapool = np.array([3, 900, 4100]) if limited else NONE
    active = [entry for entry in entries if entry.strategy.strength]
    assert_full_scan(active, k, datapool, rng.random(n) if limited else None)


def run(terms: list[Term], n: int, window: int | None = None) -> np.ndarray:
    """The picks of fresh terms by windows of a size; of all rows by default."""
    size = len(terms[0].gains.upper)
    again = [Term(term.gains.restart(), term.strength, term.scale) for term in terms]
    state = Run(again, np.arange(size), n, silent)
    state.window_size = state.first_size = size if window is None else window
    while state.done < n:
        state.epoch()
    return state.rows


@given(
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(["categories", "1 to 4", "geometric", "soft"]),
    strength=st.sampled_from([0.1, 1.0, 10.0, 1e9, -1.0]),
    beside=st.sampled_from(["nothing", "scores", "few scores", "vectors", "all", "another balance"]),
    window=st.sampled_from([1, 7, 60]),
)
def test_neither_windows_nor_sweeps_change_a_pick(seed, kind, strength, beside, window):
    rng = np.random.default_rng(seed)
    n, k, n_classes = 400, 50, int(rng.integers(2, 30))
    counts = (
        np.eye(n_classes)[rng.integers(0, n_classes, n)] if kind == "categories" else objects(n, n_classes, seed, kind)
    )
    if kind == "soft":
        counts = counts * rng.random((n, n_classes))
    counts[rng.random(n) < rng.choice([0, 0.3])] = 0
    eligible, even = np.arange(n), np.full(n_classes, 1 / n_classes)
    terms = [Term(BalanceGains(sparse.csr_array(counts), even, NONE, eligible, k, strength < 0), strength)]
    if beside in ("scores", "all"):
        terms.append(Term(StaticGains(rng.random(n))))
    if beside == "few scores":
        terms.insert(0, Term(StaticGains(rng.integers(0, 3, n)), -0.5))
    if beside in ("vectors", "all", "another balance"):
        terms.append(Term(DistanceGains(cloud(n, 3, seed), NONE)))
    if beside == "another balance":
        other = sparse.csr_array(np.eye(5)[rng.integers(0, 5, n)])
        terms.append(Term(BalanceGains(other, np.full(5, 0.2), NONE, eligible, k)))
    terms = calibrated(terms, eligible, k)
    expected = run(terms, k)
    np.testing.assert_array_equal(run(terms, k, window), expected)
    again = [Term(term.gains.restart(), term.strength, term.scale) for term in terms]
    np.testing.assert_array_equal(greedy(again, eligible, k).rows, expected)


@pytest.mark.parametrize("kind", ["categories", "geometric"])
def test_more_rows_than_windows_and_sweeps_hold_change_no_pick(kind):
    rng = np.random.default_rng(0)
    n, k = 40_000, 120
    counts = np.eye(80)[rng.integers(0, 80, n) % rng.integers(1, 81, n)] if kind == "categories" else objects(n, 80)
    for more in ([], [Term(DistanceGains(cloud(n, 4), NONE))]):
        gains = BalanceGains(sparse.csr_array(counts), np.full(80, 1 / 80), NONE, np.arange(n), k)
        terms = calibrated([Term(gains, 10.0), *more], np.arange(n), k)
        again = [Term(term.gains.restart(), term.strength, term.scale) for term in terms]
        np.testing.assert_array_equal(greedy(again, np.arange(n), k).rows, run(terms, k))


def test_rows_that_hold_the_same_are_picked_in_their_order():
    labels = np.tile([0, 1, 2], 3000)
    selection: Selection = select([balance(categories(labels)), weights(np.zeros(9000))], 60)
    assert sorted(selection.rows.tolist()) == list(range(60))
