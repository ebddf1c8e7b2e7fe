"""How far people agree: against scikit-learn, tables worked by hand, and what must hold for any verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from shortlist.core.review.activity import activities, pace
from shortlist.core.review.agreement import agreement, cohen_kappa, fleiss_kappa, share
from shortlist.core.review.items import Item
from shortlist.core.review.verdicts import Outcome, Verdict

# Fleiss (1971), ten subjects, fourteen raters, five categories; the kappa that is printed with it is 0.210.
FLEISS = [
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
]  # fmt: skip


def said(
    reviewer: str, decision: str, label: str | None = None, *, at: str = "2024", is_final: bool = False
) -> Verdict:
    return Verdict(1, reviewer, decision, at, label, is_final=is_final)


def test_fleiss_own_table():
    opinions = [[name for name, count in zip("abcde", row, strict=True) for _ in range(count)] for row in FLEISS]
    assert fleiss_kappa(opinions) == pytest.approx(0.210, abs=5e-4)
    assert share(opinions) == pytest.approx(0.378, abs=5e-4)


def test_cohens_own_example_by_hand():
    """Twenty yes by both, fifteen no by both, five and ten apart: 0.7 observed, 0.5 by chance."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    assert cohen_kappa(first, second) == pytest.approx(0.4)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=2, max_size=40))
def test_cohens_kappa_is_that_of_scikit_learn(pairs):
    first, second = zip(*pairs, strict=True)
    own = cohen_kappa(first, second)
    if len({*first, *second}) == 1:
        assert own is None
    else:
        assert own == pytest.approx(cohen_kappa_score(first, second))
        assert cohen_kappa(second, first) == pytest.approx(own)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), min_size=2, max_size=5), min_size=1, max_size=20))
def test_fleiss_kappa_of_any_numbers_of_opinions(opinions):
    kappa = fleiss_kappa(opinions)
    assert 0 <= share(opinions) <= 1
    if kappa is None:
        assert len({what for given in opinions for what in given}) == 1
        return
    assert -1 <= kappa <= 1 + 1e-12
    assert (kappa > 1 - 1e-12) == all(len(set(given)) == 1 for given in opinions)
    # Names and the order of opinions do not matter.
    assert fleiss_kappa([given[::-1] for given in opinions[::-1]]) == pytest.approx(kappa)
    assert fleiss_kappa([["xyz"["abc".index(one)] for one in given] for given in opinions]) == pytest.approx(kappa)


def test_chance_gives_no_kappa():
    chance = np.random.default_rng(3)
    opinions = chance.choice(list("ab"), size=(4000, 3), p=[0.8, 0.2]).tolist()
    assert abs(fleiss_kappa(opinions)) < 0.03
    assert share(opinions) == pytest.approx(0.68, abs=0.02)


def test_of_verdicts():
    found = agreement(
        [
            [said("ann", "keep"), said("bob", "keep")],
            [said("ann", "relabel", "cat"), said("bob", "relabel", "dog")],
            [said("bob", "accept"), said("ann", "accept"), said("cem", "keep")],
            [said("ann", "keep"), said("bob", "not_sure")],
            [said("ann", "keep"), said("bob", "skip")],
            [said("ann", "keep"), said("bob", "keep", is_final=True)],
            [said("ann", "keep")],
            [],
        ]
    )
    assert found.n_items == 3
    assert found.share == pytest.approx((1 + 0 + 1 / 3) / 3)
    # On the second they agree that it is wrong.
    assert found.share_on_error == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert [(pair.first, pair.second, pair.n_items) for pair in found.pairs] == [
        ("ann", "bob", 3), ("ann", "cem", 1), ("bob", "cem", 1),
    ]  # fmt: skip
    first = found.pairs[0]
    assert first.share == pytest.approx(2 / 3)
    meanings = (["keep", "cat", "accept"], ["keep", "dog", "accept"])
    assert first.kappa == pytest.approx(cohen_kappa_score(*meanings))
    assert first.kappa_on_error == 1
    assert found.pairs[1].kappa == 0


def test_without_two_opinions_there_is_no_agreement():
    assert agreement([]) is None
    assert agreement([[said("ann", "keep")], [said("bob", "keep"), said("cem", "skip")]]) is None


def test_who_always_says_the_same_leaves_kappa_open():
    found = agreement([[said("ann", "keep"), said("bob", "keep")]] * 5)
    assert (found.share, found.kappa, found.kappa_on_error, found.in_words) == (1, None, None, "")
    assert found.pairs[0].kappa is None


@pytest.mark.parametrize(
    ("kappa", "word"), [(-0.1, "poor"), (0.21, "fair"), (0.8, "substantial"), (1.0, "almost perfect")]
)
def test_kappa_in_words(kappa, word):
    from shortlist.core.review.agreement import Agreement

    assert Agreement(3, 0.5, 0.5, kappa, kappa).in_words == word


# Who did what


def test_who_did_what():
    items = [
        Item("a", reviewers=("ann", "bob")),
        Item("b", reviewers=("bob",)),
        Item("c", reviewers=("ann",)),
        Item("d"),
    ]
    verdicts = {
        1: [Verdict(1, "ann", "keep", "2024-01-01T10:00:00.000Z")],
        2: [],
        4: [
            Verdict(4, "ann", "relabel", "2024-01-01T10:00:30.000Z", "cat"),
            Verdict(4, "Zoë", "not_sure", "2024-01-01T09:00:00.000Z"),
            Verdict(4, "cem", "remove", "2024-01-02T09:00:00.000Z", is_final=True),
        ],
    }
    outcomes = {1: Outcome("decided", "keep"), 2: Outcome("open"), 4: Outcome("decided", "remove")}
    ann, zoe, cem, bob = activities(items, verdicts, outcomes)[0], *sorted(
        activities(items, verdicts, outcomes)[1:], key=lambda one: "Zcb".index(one.reviewer[0])
    )  # fmt: skip
    assert (ann.reviewer, ann.n_verdicts, ann.n_kept, ann.n_wrong) == ("ann", 2, 1, 1)
    # Their third item is of a deleted sample.
    assert (ann.n_left, ann.last, ann.per_hour) == (0, "2024-01-01T10:00:30.000Z", None)
    assert (zoe.n_not_sure, zoe.n_left) == (1, None)
    assert (cem.n_final, cem.n_wrong) == (1, 1)
    assert (bob.n_verdicts, bob.n_left, bob.last) == (0, 1, None)


def test_a_skipped_item_is_still_to_do():
    items = [Item("a", reviewers=("ann",))]
    verdicts = {1: [Verdict(1, "ann", "skip", "2024-01-01T10:00:00.000Z")]}
    (ann,) = activities(items, verdicts, {1: Outcome("open")})
    assert (ann.n_skipped, ann.n_left) == (1, 1)


def test_the_pace_leaves_pauses_out():
    morning = [f"2024-01-01T10:00:{second:02d}.000Z" for second in range(0, 60, 10)]
    afternoon = [f"2024-01-01T15:00:{second:02d}.000Z" for second in range(0, 60, 10)]
    assert pace([*morning, *afternoon]) == pytest.approx(360)
    assert pace(morning[:5]) is None
    assert pace(morning[:1] * 9) is None
    assert pace([]) is None
