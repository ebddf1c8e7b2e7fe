"""Which item is next for a person, and how far a review is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.core.review.items import Item
from shortlist.core.review.queue import Queue
from shortlist.core.review.verdicts import Verdict, outcome

DECISIONS = ["keep", "accept", "remove", "not_sure", "skip"]


def queue_of(*items, **verdicts):
    """A queue of items; ``i3=["ana keep", ...]`` are the verdicts on the third, the oldest first."""
    queue = Queue(items)
    for number in range(1, len(items) + 1):
        queue.put(number, [said(number, text, at) for at, text in enumerate(verdicts.get(f"i{number}", ()))])
    return queue


def said(item, text, at=0):
    reviewer, decision, *final = text.split()
    return Verdict(item, reviewer, decision, f"2024-01-01T00:00:{at:02d}.000Z", is_final=bool(final))


ONE = Item("s")


def test_items_come_in_order_and_what_is_decided_does_not_come():
    queue = queue_of(ONE, ONE, ONE, i1=["ben keep"])
    assert queue.next_for("ana") == 2


def test_the_search_goes_on_from_where_the_person_is_then_from_the_beginning():
    queue = queue_of(ONE, ONE, ONE, i3=["ben keep"])
    assert queue.next_for("ana", after=1) == 2
    assert queue.next_for("ana", after=2) == 1
    assert queue.next_for("ana", after=99) == 1
    assert queue.next_for("ana", after=-5) == 1


def test_only_what_is_for_this_person_or_for_whoever_is_free():
    queue = queue_of(replace(ONE, reviewers=("ben",)), replace(ONE, reviewers=("ana", "ben")), ONE)
    assert queue.next_for("ana") == 2
    assert queue.next_for("eve") == 3


def test_an_item_that_needs_two_opinions_comes_to_a_second_person_and_not_twice_to_the_first():
    queue = queue_of(replace(ONE, opinions=2), i1=["ana keep"])
    assert queue.next_for("ana") is None
    assert queue.next_for("ben") == 1
    assert queue_of(replace(ONE, opinions=2), i1=["ana keep", "ben accept"]).next_for("eve") is None


def test_what_a_person_skipped_comes_last_the_longest_ago_first_and_to_others_in_turn():
    queue = queue_of(ONE, ONE, ONE, i1=["eve skip", "ana skip"], i2=["ana skip"])
    assert queue.next_for("ana") == 3
    assert queue.next_for("ben") == 1
    queue.put(3, [said(3, "ben keep")])
    assert queue.next_for("ana") == 2
    assert queue.next_for("ana", after=2) == 2


def test_what_others_look_at_is_left_out_as_far_as_they_bring_what_lacks():
    queue = queue_of(ONE, replace(ONE, opinions=2), ONE)
    assert queue.next_for("ana", claims={1: {"ben"}}) == 2
    assert queue.next_for("ana", claims={1: {"ana"}}) == 1
    assert queue.next_for("ana", claims={1: {"ben"}, 2: {"ben"}}) == 2
    assert queue.next_for("ana", claims={1: {"ben"}, 2: {"ben", "eve"}}) == 3
    assert queue.next_for("ana", claims={1: {"ben"}, 2: {"ben", "eve"}, 3: {"eve"}}) is None


def test_who_settles_gets_what_is_disputed_then_what_nobody_could_tell():
    two = replace(ONE, opinions=2, reviewers=("ana", "ben"))
    queue = queue_of(
        ONE,
        replace(two, reviewers=()),
        two,
        two,
        two,
        i2=["ana not_sure", "ben not_sure"],
        i3=["ana keep", "ben accept"],
        i4=["ana keep", "ben keep"],
        i5=["ana keep", "ben remove", "eve not_sure final"],
    )
    assert queue.next_for("eve", disputed=True) == 3
    assert queue.next_for("eve", disputed=True, after=3) == 3
    assert queue.next_for("eve", disputed=True, claims={3: {"ben"}}) == 2
    queue.put(3, [said(3, "ana keep"), said(3, "ben accept"), said(3, "eve keep final")])
    assert queue.next_for("eve", disputed=True) == 2


def test_what_was_skipped_finally_is_still_to_be_settled():
    queue = queue_of(replace(ONE, opinions=2), i1=["ana keep", "ben accept", "eve skip final"])
    assert queue.next_for("dan", disputed=True) == 1


def test_how_far_it_is():
    queue = queue_of(
        ONE,
        ONE,
        replace(ONE, opinions=2),
        replace(ONE, opinions=2),
        ONE,
        ONE,
        i2=["ana accept"],
        i3=["ana keep", "ben accept"],
        i4=["ben keep"],
        i5=["ana not_sure"],
        i6=["ana skip"],
    )
    queue.drop(1)
    state = queue.state("ana", {4: {"ben"}, 6: {"ana"}, 2: {"ben"}})
    assert (state.total, state.gone, state.open, state.decided, state.disputed, state.unsure) == (5, 1, 2, 1, 1, 1)
    assert (state.mine_open, state.mine_done, state.mine_skipped, state.claimed, state.done) == (2, 3, 1, 1, 3)


def test_an_item_without_its_sample_comes_to_nobody_and_may_come_back():
    queue = queue_of(ONE, ONE)
    queue.drop(1)
    assert queue.next_for("ana") == 2
    assert (queue.verdicts(1), queue.lacking(1), queue.state("ana").total) == (None, 0, 1)
    queue.put(1, [])
    assert queue.next_for("ana") == 1
    assert queue.state("ana").total == 2


def test_an_empty_review_has_nothing():
    queue = Queue([])
    assert queue.next_for("ana") is None
    assert queue.last_of("ana") is None
    assert queue.state("ana").total == 0


def test_the_last_that_a_person_did():
    queue = queue_of(ONE, ONE, i1=["ben keep", "ana keep"], i2=["ana skip"])
    assert queue.last_of("ana") == 1
    assert queue.last_of("ben") == 1
    assert queue.last_of("eve") is None


@st.composite
def reviews(draw):
    people = ("ana", "ben", "eve")
    some = st.lists(st.sampled_from(people), unique=True, max_size=3).map(lambda names: tuple(sorted(names)))
    items = draw(st.lists(st.builds(Item, st.just("s"), reviewers=some, opinions=st.integers(1, 3)), max_size=8))
    verdicts = {}
    for number in range(1, len(items) + 1):
        names = draw(st.lists(st.sampled_from(people), unique=True))
        verdicts[number] = [
            Verdict(number, name, draw(st.sampled_from(DECISIONS)), f"{draw(st.integers(0, 99)):02d}") for name in names
        ]
    return items, verdicts


@settings(max_examples=200, deadline=None)
@given(reviews(), st.integers(0, 9))
def test_the_counts_and_the_next_item_follow_from_the_verdicts_however_they_came_in(review, after):
    items, verdicts = review
    queue = Queue(items)
    for number in reversed(verdicts):
        queue.put(number, [Verdict(number, "somebody", "keep", "0")])
        queue.drop(number)
        queue.put(number, verdicts[number])
    states = [outcome(item, verdicts[number]).state for number, item in enumerate(items, start=1)]
    found = queue.state("ana")
    assert [found.open, found.decided, found.disputed, found.unsure] == [
        states.count(state) for state in ("open", "decided", "disputed", "unsure")
    ]
    mine = {n: next((v for v in verdicts[n] if v.reviewer == "ana"), None) for n in verdicts}
    free = [
        n
        for n in verdicts
        if states[n - 1] == "open"
        and (not items[n - 1].reviewers or "ana" in items[n - 1].reviewers)
        and (mine[n] is None or mine[n].decision == "skip")
    ]
    assert found.mine_open == len(free)
    order = {n: (mine[n].at if mine[n] else "", n <= after and mine[n] is None, n) for n in free}
    if all(mine[n] is None for n in free):
        assert queue.next_for("ana", after=after) == min(free, key=order.get, default=None)
    assert (queue.next_for("ana", after=after) is None) == (not free)


@pytest.mark.parametrize("opinions", [1, 2, 3])
def test_a_person_who_takes_what_is_next_until_nothing_is_left_decides_each_item_once(opinions):
    items = [replace(ONE, opinions=opinions)] * 5
    queue, people = Queue(items), ("ana", "ben", "eve")
    for number in range(1, 6):
        queue.put(number, [])
    turns = 0
    while (found := next((p for p in people if queue.next_for(p) is not None), None)) is not None:
        number = queue.next_for(found)
        queue.put(number, [*queue.verdicts(number), said(number, f"{found} keep")])
        turns += 1
    assert turns == 5 * opinions
    assert queue.state("ana").decided == 5
