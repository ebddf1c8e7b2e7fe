"""How often issues are errors and how many remain: by hand, against exact distributions, and whether intervals hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom, hypergeom
from sklearn.linear_model import LogisticRegression

from shortlist.core.review.hint import hint
from shortlist.core.review.items import Item
from shortlist.core.review.precision import Interval, over_all, precisions, wilson
from shortlist.core.review.remaining import LEAST, Remaining, Unsuspected, remaining, unsuspected, wrong_in_all
from shortlist.core.review.verdicts import Outcome

KEPT, WRONG, OPEN = Outcome("decided", "keep"), Outcome("decided", "accept"), Outcome("open")


def reviewed(qualities, wrong, n_decided, kind="wrong_class"):
    """Items in order of severity, of which the first are decided."""
    order = np.argsort(qualities, kind="stable")
    items = [Item(str(row), kind=kind, quality=float(qualities[row])) for row in order]
    states = {
        number: (WRONG if wrong[row] else KEPT) if number <= n_decided else OPEN
        for number, row in enumerate(order, start=1)
    }
    return items, states, wrong[order]


# Precision


def test_of_fifty_flagged_forty_one_were_wrong():
    items = [Item(str(number), kind="missing") for number in range(50)] + [Item("x", kind="missing", is_audit=True)]
    outcomes = {number: WRONG if number <= 41 else KEPT for number in range(1, 52)}
    (found,) = precisions(items, outcomes)
    assert (found.kind, found.n_decided, found.n_wrong) == ("missing", 50, 41)
    assert found.sentence == "of 50 decided, 41 were errors: 82% (69 to 90)"


def test_only_what_is_decided_and_was_suspected_counts():
    kinds = ["a", "a", "b", "b", "b", None, "b"]
    items = [Item(str(number), kind=kind) for number, kind in enumerate(kinds)]
    states = [OPEN, Outcome("disputed"), WRONG, Outcome("unsure"), KEPT, WRONG]
    found = precisions(items, dict(enumerate(states, start=1)))
    assert [(one.kind, one.n_decided, one.n_wrong) for one in found] == [("b", 2, 1)]
    assert over_all(found).n_decided == 2
    assert over_all([]) is None


@pytest.mark.parametrize(("count", "n"), [(0, 7), (7, 7), (1, 1), (3, 10), (500, 1000)])
def test_wilsons_interval_is_where_the_score_test_ends(count, n):
    """Its ends are the shares that lie 1.96 standard errors, of their own, from what was seen."""
    found = wilson(count, n)
    assert found.low <= found.value <= found.high
    for end in (found.low, found.high):
        if 0 < end < 1:
            assert abs(found.value - end) / np.sqrt(end * (1 - end) / n) == pytest.approx(1.959964, abs=1e-5)
    assert (found.low == 0) == (count == 0)
    assert (found.high == 1) == (count == n)


@pytest.mark.parametrize("n", [20, 100])
def test_wilsons_interval_holds_the_truth(n):
    """Exactly, over all that can be seen; its mean over the shares is the promise."""
    intervals = [wilson(count, n) for count in range(n + 1)]
    shares = np.linspace(0.02, 0.98, 97)
    coverage = [
        sum(binom.pmf(count, n, truth) for count, one in enumerate(intervals) if one.low <= truth <= one.high)
        for truth in shares
    ]
    assert np.mean(coverage) == pytest.approx(0.95, abs=0.01)
    assert min(coverage) > 0.83


# The audit


@pytest.mark.parametrize(("total", "n"), [(40, 10), (300, 25), (1000, 200), (30, 30)])
def test_the_audit_holds_the_truth_whatever_it_is(total, n):
    intervals = [wrong_in_all(wrong, n, total) for wrong in range(n + 1)]
    for truth in range(0, total + 1, max(1, total // 60)):
        seen = hypergeom.pmf(np.arange(n + 1), total, truth, n)
        covered = sum(chance for chance, (low, high) in zip(seen, intervals, strict=True) if low <= truth <= high)
        assert covered >= 0.95
    assert all(wrong <= low <= high <= total - n + wrong for wrong, (low, high) in enumerate(intervals))


def test_no_wrong_label_among_a_hundred_of_a_thousand():
    """With 35 wrong ones in all, none among a hundred drawn has a chance of 2.3 %; with 34, of 2.6 %."""
    assert hypergeom.pmf(0, 1000, 35, 100) < 0.025 < hypergeom.pmf(0, 1000, 34, 100)
    assert wrong_in_all(0, 100, 1000) == (0, 34)
    assert wrong_in_all(100, 100, 100) == (100, 100)


def test_the_audit_tells_of_what_nothing_suspects():
    items = [Item("s", kind="spurious")] + [Item(str(number), is_audit=True) for number in range(100)]
    outcomes = {1: WRONG} | {number: WRONG if number < 4 else KEPT for number in range(2, 92)}
    outcomes |= {92: Outcome("unsure"), 93: OPEN}
    found = unsuspected(items, outcomes, 1090)
    assert (found.n_labels, found.n_audited, found.n_wrong) == (1090, 90, 2)
    assert found.share.value == pytest.approx(2 / 90)
    assert found.errors.value == pytest.approx(1000 * 2 / 90)
    low, high = wrong_in_all(2, 90, 1090)
    assert (found.errors.low, found.errors.high) == (low - 2, high - 2)
    assert (found.share.low, found.share.high) == (low / 1090, high / 1090)


def test_without_their_number_the_audit_tells_the_share():
    items = [Item(str(number), is_audit=True) for number in range(50)]
    found = unsuspected(items, dict.fromkeys(range(1, 51), KEPT), None)
    assert (found.n_labels, found.errors) == (None, None)
    # One in 14 would be seen in 50 with a chance of 97.5 %.
    assert found.share.high == pytest.approx(1 - 0.025 ** (1 / 50), abs=1e-4)
    assert unsuspected(items, dict.fromkeys(range(1, 51), OPEN), 100) is None
    assert unsuspected([Item("a", kind="missing")], {1: WRONG}, 100) is None


def test_an_audit_group_after_group_tells_nothing_before_it_is_through():
    items = [Item(str(number), group="ab"[number % 2], is_audit=True) for number in range(10)]
    half = {number: KEPT if number % 2 else OPEN for number in range(1, 11)}
    assert unsuspected(items, half, 100) is None
    assert unsuspected(items, dict.fromkeys(range(1, 11), KEPT), 100).n_audited == 10


# What remains among what is suspected


def test_before_enough_is_decided_nothing_is_told():
    qualities, wrong = np.linspace(0, 0.5, 30), np.ones(30, bool)
    items, outcomes, _ = reviewed(qualities, wrong, LEAST - 1)
    assert remaining(items, outcomes) is None
    assert remaining([], {}) is None


def test_when_all_is_decided_nothing_remains():
    items, outcomes, _ = reviewed(np.linspace(0, 0.5, 30), np.arange(30) < 20, 30)
    found = remaining(items, outcomes)
    assert (found.n_items, found.next_items) == (0, 0)
    assert found.errors == found.next_errors == Interval(0, 0, 0)


def test_the_same_verdicts_say_the_same():
    chance = np.random.default_rng(1)
    items, outcomes, _ = reviewed(chance.random(300) / 2, chance.random(300) < 0.5, 100)
    assert remaining(items, outcomes) == remaining(items, dict(reversed(outcomes.items())))


def test_with_much_data_it_is_plain_logistic_regression():
    """The prior does not matter any more, and the intervals are those of single labels."""
    chance = np.random.default_rng(2)
    qualities = np.round(expit(-chance.uniform(-3, 3, 20_000).round(1)), 12)
    odds = logit(1 - qualities)
    wrong = chance.random(20_000) < expit(-1 + 0.5 * odds)
    items = [Item(str(row), kind="a", quality=float(quality)) for row, quality in enumerate(qualities)]
    outcomes = {row + 1: (WRONG if wrong[row] else KEPT) if row < 19_000 else OPEN for row in range(20_000)}
    plain = LogisticRegression(C=1e6).fit(odds[:19_000, None], wrong[:19_000])
    expected = plain.predict_proba(odds[19_000:, None])[:, 1]
    found = remaining(items, outcomes)
    assert found.errors.value == pytest.approx(expected.sum(), rel=0.01)
    deviation = np.sqrt((expected * (1 - expected)).sum())
    assert found.errors.high - found.errors.low == pytest.approx(2 * 1.96 * deviation, rel=0.15)


def test_the_next_items_are_the_first_open_ones_in_order():
    qualities = np.concatenate([np.full(100, 0.02), np.full(100, 0.9)])
    items, outcomes, _ = reviewed(qualities, np.arange(200) < 95, 60)
    # Half of what was decided of the good ones says that they are right.
    outcomes |= dict.fromkeys(range(161, 201), KEPT)
    outcomes[61] = Outcome("disputed")
    found = remaining(items, outcomes, next_items=30)
    assert (found.n_items, found.next_items) == (100, 30)
    assert found.next_errors.value > 27
    assert found.errors.value < 50


def test_audit_and_deleted_samples_do_not_count():
    items, outcomes, _ = reviewed(np.full(40, 0.3), np.arange(40) < 20, 20)
    more = [*items, *(Item(f"a{n}", is_audit=True, quality=0.9) for n in range(50)), *(Item("gone", kind="missing"),)]
    also = outcomes | dict.fromkeys(range(41, 91), KEPT)
    assert remaining(more, also) == remaining(items, outcomes)


@pytest.mark.parametrize("quality", [None, float("nan")])
def test_without_qualities_the_share_goes_on(quality):
    items = [Item(str(number), kind=None, quality=quality) for number in range(1000)]
    outcomes = {number: (WRONG if number % 4 == 0 else KEPT) if number <= 400 else OPEN for number in range(1, 1001)}
    found = remaining(items, outcomes)
    assert found.errors.value == pytest.approx(150, rel=0.05)
    assert found.errors.low < 125 < 175 < found.errors.high + 15


def test_a_kind_that_is_never_an_error_is_learned():
    items = [Item(str(number), kind="ab"[number % 2], quality=0.3) for number in range(400)]
    outcomes = {
        number: (WRONG if number % 2 else KEPT) if number <= 200 else OPEN for number in range(1, 401)
    }  # odd numbers are of kind a
    found = remaining(items, outcomes, next_items=200)
    assert found.errors.value == pytest.approx(100, abs=8)
    only_b = {number: state for number, state in outcomes.items() if number <= 200 or number % 2 == 0}
    assert remaining(items, only_b).errors.value < 8


def held(truth, n=300, n_decided=60, runs=50):
    """How often the intervals hold what was really wrong, of all that is left and of the next, over simulated reviews."""
    chance = np.random.default_rng(11)
    hits = np.zeros(2)
    for _ in range(runs):
        qualities = chance.beta(1, 2, n)
        items, outcomes, wrong = reviewed(qualities, chance.random(n) < truth(chance, qualities), n_decided)
        found = remaining(items, outcomes)
        left = wrong[n_decided:]
        hits += [
            found.errors.low <= left.sum() <= found.errors.high,
            found.next_errors.low <= left[:50].sum() <= found.next_errors.high,
        ]
    return hits / runs


@pytest.mark.parametrize(
    "truth",
    [
        pytest.param(lambda chance, quality: 1 - quality, id="qualities are probabilities"),
        pytest.param(lambda chance, quality: 0.25 * (1 - quality), id="errors are rare"),
        pytest.param(lambda chance, quality: (1 - quality) ** chance.uniform(0.5, 4), id="qualities are off"),
        pytest.param(
            lambda chance, quality: np.full(len(quality), chance.uniform(0.05, 0.95)), id="qualities say nothing"
        ),
        pytest.param(
            lambda chance, quality: expit(
                chance.normal() + chance.normal(1, 0.5) * logit(1 - quality.clip(0.01, 0.99))
            ),
            id="as it is learned",
        ),
    ],
)
def test_intervals_hold_what_remains(truth):
    """The likeliest errors were reviewed first, so that the rest is told from what is not like it."""
    everything, following = held(truth)
    # 0.95 is the promise; of 50 runs, 42 or fewer hold with a chance of 0.3 % where it is kept.
    assert everything >= 0.86
    assert following >= 0.86


# The hint

FEW = Remaining(400, Interval(12, 4, 27), 50, Interval(2.6, 0, 7))
MANY = Remaining(400, Interval(120, 80, 160), 50, Interval(31, 22, 39))


@pytest.mark.parametrize(
    ("states", "left", "advice", "says"),
    [
        ({"open": 60}, None, "too_early", f"when {LEAST} suspected items are decided"),
        (
            {"open": 60, "decided": 40},
            MANY,
            "go_on",
            "the next 50 items are expected to hold about 31 errors (22 to 39)",
        ),
        ({"open": 60, "decided": 40}, FEW, "may_stop", "about 3 errors (0 to 7), fewer than one in ten"),
        ({"open": 0, "disputed": 1, "decided": 40}, FEW, "settle", "1 item is disputed: somebody has to settle it."),
        ({"open": 0, "decided": 40}, FEW, "done", "Every item has been looked at."),
        ({"open": 7, "decided": 40}, Remaining(0, FEW.errors, 0, FEW.errors), "done", "7 items are left of the audit"),
    ],
)
def test_whether_to_go_on(states, left, advice, says):
    found = hint(states, left, None)
    assert found.advice == advice
    assert says in found.sentence
    assert found.sentence.endswith(".")


def test_the_audit_says_what_reviewing_the_suspected_cannot_find():
    outside = Unsuspected(1090, 90, 2, Interval(0.022, 0.003, 0.08), Interval(22.2, 3, 80))
    says = "Of 90 labels that nothing suspects, drawn at random, 2 were wrong: the 1,000 others hold about 22 errors (3 to 80)."
    assert hint({"open": 0, "decided": 9}, None, outside).sentence.endswith(says)
    shares = Unsuspected(None, 90, 2, Interval(0.022, 0.003, 0.08), None)
    assert hint({"open": 9, "decided": 9}, FEW, shares).sentence.endswith("2 were wrong: 2.2% (0.3 to 8).")
