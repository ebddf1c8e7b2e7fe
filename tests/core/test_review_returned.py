"""Which annotation is which label, and what follows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.review.returned import Shape, Version, decided, matches, same
from shortlist.core.review.run_lengths import counts_of, pixels_of

SIZE = (200, 100)


def shape(label: str = "cat", x: float = 0.1, y: float = 0.1, width: float = 0.2, height: float = 0.2, **more) -> Shape:
    return Shape(label, (x, y, width, height), size=SIZE, **more)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (shape(), True),
        (shape(x=0.1 + 0.5 / 200), True),  # half a pixel, as tools round
        (shape(x=0.1 + 1 / 200), False),  # a pixel is a correction
        (shape(width=0.2 + 1 / 200), False),
        (shape("dog"), False),
        (shape(mask="a"), False),
        (shape(outlines=(((0.1, 0.1), (0.3, 0.1), (0.3, 0.3)),)), False),
        (Shape("cat"), False),
        (None, False),
    ],
)
def test_the_same_but_for_rounding(other, expected):
    assert same(shape(), other) is expected


def test_without_a_size_places_must_be_equal():
    assert same(Shape("a", (0.1, 0.1, 0.2, 0.2)), Shape("a", (0.1 + 1e-9, 0.1, 0.2, 0.2)))
    assert not same(Shape("a", (0.1, 0.1, 0.2, 0.2)), Shape("a", (0.101, 0.1, 0.2, 0.2)))


def test_what_is_as_it_was_shown_is_that_label_whatever_number_it_has():
    shown = [("1", shape("cat")), ("2", shape("dog", x=0.6))]
    # Numbered anew, the other way round.
    assert matches(shown, [("1", shape("dog", x=0.6)), ("2", shape("cat"))]) == {0: "2", 1: "1"}


def test_an_id_is_followed_wherever_the_box_went():
    shown = [("1", shape("cat")), ("2", shape("dog", x=0.6))]
    assert matches(shown, [("2", shape("cow", x=0.0, y=0.7))]) == {0: "2"}


def test_without_ids_overlap_tells_and_class_breaks_the_tie():
    shown = [("1", shape("cat")), ("2", shape("dog"))]
    assert matches(shown, [(None, shape("dog", x=0.12)), (None, shape("cat", x=0.12))]) == {0: "2", 1: "1"}
    assert matches(shown, [(None, shape("cow", x=0.12))]) == {0: "1"}
    assert matches(shown, [(None, shape("cat", x=0.5))]) == {}


def test_a_copied_object_is_not_taken_for_the_one_it_was_copied_from():
    shown = [("1", shape("cat"))]
    assert matches(shown, [("1", shape("cat", x=0.7)), ("1", shape("cat"))]) == {1: "1"}


def test_of_one_label_an_image_the_class_may_be_any_other():
    assert matches([("1", Shape("cat"))], [(None, Shape("dog"))], single=True) == {0: "1"}
    assert matches([("1", Shape("cat"))], [(None, Shape("dog"))]) == {}


boxes = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 3)), max_size=5)


@given(boxes, boxes, st.randoms())
def test_each_label_is_matched_once_and_unchanged_ones_always(first, second, chance):
    shown = [(str(place), shape(one, x / 10, y / 10)) for place, (one, x, y) in enumerate(first)]
    returned = [*shown, *((None, shape(one, x / 10, y / 10)) for one, x, y in second)]
    chance.shuffle(returned)
    found = matches(shown, returned)
    assert len(set(found.values())) == len(found) == len(shown)
    by_label = dict(shown)
    assert all(same(by_label[label], returned[place][1]) for place, label in found.items())


BASE, MOVED = shape(), shape(x=0.5)


@pytest.mark.parametrize(
    ("versions", "held", "returned", "step"),
    [
        # As it was handed over:
        ([Version(BASE, "h")], "h", BASE, "nothing"),
        ([Version(BASE, "h")], "h", MOVED, "write"),
        ([Version(BASE, "h")], "h", None, "remove"),
        # Somebody changed it meanwhile:
        ([Version(BASE, "h")], "other", BASE, "nothing"),
        ([Version(BASE, "h")], "other", MOVED, "conflict"),
        ([Version(BASE, "h")], "other", None, "conflict"),
        # Somebody deleted it meanwhile:
        ([Version(BASE, "h")], None, BASE, "nothing"),
        ([Version(BASE, "h")], None, MOVED, "conflict"),
        ([Version(BASE, "h")], None, None, "nothing"),
        # A pre-label, which the field does not hold:
        ([Version(None, None)], None, BASE, "write"),
        ([Version(None, None)], None, None, "nothing"),
        # Merged before, and the same or an older file comes again:
        ([Version(BASE, "h"), Version(MOVED, "m")], "m", MOVED, "nothing"),
        ([Version(BASE, "h"), Version(MOVED, "m")], "m", BASE, "write"),
        # Merged before, and undone since:
        ([Version(BASE, "h"), Version(MOVED, "m")], "h", MOVED, "write"),
        ([Version(BASE, "h"), Version(None, None)], "h", None, "remove"),
        ([Version(None, None), Version(BASE, "n")], None, BASE, "write"),
    ],
)
def test_what_follows_for_a_label(versions, held, returned, step):
    assert decided(versions, held, returned)[0] == step


def packed(counts: list[int]) -> str:
    """The text that COCO packs run lengths in, written from its description."""
    text = ""
    for place, count in enumerate(counts):
        number = count - counts[place - 2] if place > 2 else count
        while True:
            part, number = number & 31, number >> 5
            more = not ((number == 0 and not part & 16) or (number == -1 and part & 16))
            text += chr(48 + part + 32 * more)
            if not more:
                break
    return text


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=12))
def test_packed_run_lengths_are_read(counts):
    assert counts_of(packed(counts)) == counts
    assert counts_of(packed(counts).encode()) == counts


def test_run_lengths_go_down_the_columns():
    mask = np.random.default_rng(1).random((7, 5)) < 0.4
    flat = mask.T.ravel().astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff([0, *edges, len(flat)]).tolist()
    counts = [0, *counts] if flat[0] else counts
    assert (pixels_of(counts, 7, 5) == mask).all()


def test_the_best_overlaps_go_together_whatever_the_order():
    shown = [("1", shape(x=0.10)), ("2", shape(x=0.16)), ("3", shape(x=0.7))]
    returned = [(None, shape(x=0.12)), (None, shape(x=0.17)), (None, shape(x=0.72))]
    for order in permutations(range(3)):
        found = matches(shown, [returned[place] for place in order])
        assert {order[place]: label for place, label in found.items()} == {0: "1", 1: "2", 2: "3"}
