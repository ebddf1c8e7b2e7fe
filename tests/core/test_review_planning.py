"""The order of a review, its groups, budget and audit, and who decides what."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from shortlist.core.review.items import Item
from shortlist.core.review.planning import NO_CLASS, NOT_SUSPECTED, Drawn, chance, name_of, planned

ITEMS = [
    Item("s1", "spurious", 0.3, "l1", given="car"),
    Item("s2", "missing", 0.1, suggestion="g1", suggested="bike"),
    Item("s3", "wrong_class", 0.2, "l3", given="bike", suggested="car"),
    Item("s4", "spurious", 0.1, "l4", given="car"),
    Item("s5", "spurious", None, "l5"),
]
FREE = [Item(f"t{place}", None, 0.99, f"f{place}", given=["car", "bus"][place % 2]) for place in range(4)]


def many(n: int) -> list[Item]:
    return [Item(f"s{place:04d}", "spurious", place / n, f"l{place}", given="abc"[place % 3]) for place in range(n)]


def labels(items: list[Item]) -> list[str]:
    return [item.label or item.suggestion or "" for item in items]


class TestOrder:
    def test_the_likeliest_errors_come_first_and_what_was_not_scored_last(self):
        # l4 and g1 are as severe as each other: then the ids decide.
        assert labels(planned(ITEMS)) == ["g1", "l4", "l3", "l1", "l5"]

    def test_or_the_order_of_the_view(self):
        assert labels(planned(ITEMS, order="view")) == ["l1", "g1", "l3", "l4", "l5"]

    def test_groups_come_one_after_the_other_that_with_the_worst_item_first(self):
        by_kind = planned(ITEMS, group_by="kind")
        assert [(item.group, item.label or item.suggestion) for item in by_kind] == [
            ("missing", "g1"),
            ("spurious", "l4"),
            ("spurious", "l1"),
            ("spurious", "l5"),
            ("wrong_class", "l3"),
        ]
        # A missing label belongs to the class that it should have.
        by_class = planned(ITEMS, group_by="class")
        assert [(item.group, item.label or item.suggestion) for item in by_class] == [
            ("bike", "g1"),
            ("bike", "l3"),
            ("car", "l4"),
            ("car", "l1"),
            (NO_CLASS, "l5"),
        ]

    def test_the_budget_takes_the_likeliest_errors_whatever_their_groups(self):
        assert labels(planned(ITEMS, budget=3, group_by="kind")) == ["g1", "l4", "l3"]
        assert labels(planned(ITEMS, budget=2, order="view")) == ["l1", "g1"]

    def test_nothing_gives_nothing(self):
        assert planned([]) == []


class TestAudit:
    def test_counts_towards_the_budget_and_is_marked(self):
        found = planned(ITEMS, FREE[:2], budget=4)
        assert Counter(item.is_audit for item in found) == {False: 2, True: 2}
        assert [one for one in labels(found) if one[0] != "f"] == ["g1", "l4"]

    def test_stands_at_random_places(self):
        """Whoever stops early has seen some of it, and cannot tell it by its place."""
        found = planned(many(900), [Item(f"t{place}", None, 0.9, f"f{place}") for place in range(100)])
        places = np.flatnonzero([item.is_audit for item in found]) / len(found)
        assert kstest(places, "uniform").pvalue > 0.01
        rest = [item for item in found if not item.is_audit]
        assert rest == sorted(rest, key=lambda item: item.quality)

    def test_has_its_own_group_by_kind_and_is_spread_over_those_of_its_classes(self):
        by_kind = planned(ITEMS, FREE, group_by="kind")
        assert [item.label for item in by_kind if item.group == NOT_SUSPECTED] == labels(by_kind)[-4:]
        by_class = planned(ITEMS, FREE, group_by="class")
        assert [item.group for item in by_class] == ["bike"] * 2 + ["car"] * 4 + [NO_CLASS] + ["bus"] * 2

    def test_is_the_same_draw_in_any_order_and_in_batches(self):
        names = [f"{place}" for place in range(500)]
        whole, parts, other = Drawn(20, 3), Drawn(20, 3), Drawn(20, 4)
        whole.add(names)
        other.add(names)
        random.Random(1).shuffle(names)
        parts.add(names[:123])
        parts.add(names[123:])
        assert whole.names() == parts.names() != other.names()
        assert (len(whole.names()), whole.seen) == (20, 500)

    def test_draws_all_where_there_are_no_more_and_none_where_none_is_asked_for(self):
        drawn, none = Drawn(20, 1), Drawn(0, 1)
        drawn.add("abc")
        none.add("abc")
        assert (drawn.names(), none.names(), none.seen) == ({"a", "b", "c"}, set(), 3)

    def test_every_name_has_the_same_chance(self):
        counts: Counter[str] = Counter()
        for seed in range(2000):
            drawn = Drawn(2, seed)
            drawn.add("abcdefgh")
            counts.update(drawn.names())
        # Each is drawn with probability 1/4, 500 times of 2000; the standard deviation is 19.
        assert all(abs(count - 500) < 4 * 19.4 for count in counts.values())
        assert set(counts) == set("abcdefgh")

    def test_random_numbers_are_uniform_and_differ_by_purpose(self):
        numbers = [chance(1, "audit", str(name)) for name in range(2000)]
        others = [chance(1, "overlap", str(name)) for name in range(2000)]
        assert kstest(numbers, "uniform").pvalue > 0.01
        assert abs(np.corrcoef(numbers, others)[0, 1]) < 0.08


class TestSplit:
    def test_whoever_is_free(self):
        assert {item.reviewers for item in planned(ITEMS)} == {()}
        assert {item.reviewers for item in planned(ITEMS, reviewers=["Ann", "Bó"])} == {("Ann", "Bó")}
        assert {item.opinions for item in planned(ITEMS)} == {1}

    def test_dealt_out_in_turn(self):
        found = planned(many(5), reviewers=["Ann", "Bó"], split="round_robin")
        assert [item.reviewers for item in found] == [("Ann",), ("Bó",), ("Ann",), ("Bó",), ("Ann",)]

    def test_whole_groups(self):
        """Groups of 4, 2, 2 and 1 items, the largest first to whoever has least."""
        items = [
            Item(f"s{place}", "spurious", place / 9, f"l{place}", given=name) for place, name in enumerate("aaaabbccd")
        ]
        found = planned(items, group_by="class", reviewers=["Ann", "Bó"], split="groups")
        assert {item.given: item.reviewers for item in found} == {
            "a": ("Ann",),
            "b": ("Bó",),
            "c": ("Bó",),
            "d": ("Ann",),
        }
        assert Counter(item.reviewers for item in found) == {("Ann",): 5, ("Bó",): 4}

    def test_some_are_decided_by_several_different_people(self):
        found = planned(many(100), reviewers=["a", "b", "c"], split="round_robin", overlap=0.3, opinions=2)
        shared = [item for item in found if item.opinions == 2]
        assert len(shared) == 30
        assert all(len(set(item.reviewers)) == item.opinions for item in found)
        # 70 + 2 x 30 opinions among three.
        load = Counter(name for item in found for name in item.reviewers)
        assert max(load.values()) - min(load.values()) <= 1
        assert sum(load.values()) == 130
        # All pairs meet, so that the agreement of each can be told.
        assert len({frozenset(item.reviewers) for item in shared}) == 3

    def test_groups_with_an_overlap_go_to_the_others_too(self):
        found = planned(many(60), group_by="class", reviewers=["a", "b", "c"], split="groups", overlap=0.5, opinions=2)
        owners = {item.group: item.reviewers[0] for item in found}
        assert sorted(owners.values()) == ["a", "b", "c"]
        assert all(
            item.reviewers[0] == owners[item.group] and len(set(item.reviewers)) == item.opinions for item in found
        )
        assert sum(item.opinions == 2 for item in found) == 30

    def test_overlap_needs_no_names(self):
        found = planned(many(10), overlap=1, opinions=3)
        assert {(item.reviewers, item.opinions) for item in found} == {((), 3)}

    @pytest.mark.parametrize(("overlap", "n"), [(0, 0), (0.001, 1), (0.1, 3), (0.3, 9), (1, 30)])
    def test_a_share_is_rounded_up_but_not_by_what_a_fraction_cannot_hold(self, overlap, n):
        assert sum(item.opinions > 1 for item in planned(many(30), overlap=overlap)) == n


@settings(max_examples=60, deadline=None)
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([None, "class", "kind"]),
    st.sampled_from(["queue", "round_robin", "groups"]),
    st.one_of(st.none(), st.integers(5, 40)),
    st.floats(0, 1),
)
def test_the_order_of_the_samples_does_not_matter_and_nothing_is_lost_or_doubled(
    shuffle, group_by, split, budget, overlap
):
    kinds = ["missing", "spurious", "wrong_class"]
    items = [
        Item(f"s{place}", kinds[place % 3], (place % 7) / 7, f"l{place}", given="ab"[place % 2]) for place in range(25)
    ]
    options = {
        "group_by": group_by,
        "split": split if group_by or split != "groups" else "queue",
        "budget": budget,
        "overlap": overlap,
        "reviewers": ["x", "y", "z"],
    }
    audit = FREE[:3]
    plan = planned(items, audit, **options)
    shuffled, mixed = items.copy(), audit.copy()
    shuffle.shuffle(shuffled)
    shuffle.shuffle(mixed)
    assert planned(shuffled, mixed, **options) == plan
    names = [name_of(item) for item in plan]
    assert len(set(names)) == len(names) == min(28, budget or 28)
    groups = [item.group for item in plan]
    assert len(set(groups)) == 1 + sum(before != after for before, after in pairwise(groups))
