"""What part of an image is shown of an item."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.review.framing import WHOLE, frame_of, overlap

sides = st.floats(0.001, 1)
boxes = st.tuples(st.floats(0, 0.999), st.floats(0, 0.999), sides, sides).map(
    lambda box: (box[0], box[1], min(box[2], 1 - box[0]), min(box[3], 1 - box[1]))
)


@given(st.lists(boxes, min_size=1, max_size=3), st.integers(1, 9000), st.integers(1, 9000))
def test_shows_every_box_and_nothing_beyond_the_image(shown, width, height):
    x, y, wide, high = frame_of(shown, width, height)
    assert x >= 0
    assert y >= 0
    assert wide > 0
    assert high > 0
    assert x + wide <= 1 + 2e-6
    assert y + high <= 1 + 2e-6
    for left, top, w, h in shown:
        assert x <= left + 2e-6
        assert y <= top + 2e-6
        assert x + wide >= left + w - 4e-6
        assert y + high >= top + h - 4e-6


@given(boxes, st.integers(500, 9000), st.integers(500, 9000))
def test_a_part_is_never_a_few_pixels_nor_a_strip(shown, width, height):
    _, _, wide, high = frame_of([shown], width, height)
    assert wide * width >= 159
    assert high * height >= 159
    # Where the image ends, a strip is all there is.
    if wide < 1 and high < 1:
        assert 0.79 <= wide * width / (high * height) <= 1.81


@pytest.mark.parametrize(
    ("shown", "why"),
    [([], "nothing has a place"), ([(0.05, 0.05, 0.9, 0.9)], "it is nearly all of the image")],
)
def test_shows_the_whole_image_where(shown, why):
    assert frame_of(shown, 640, 480) == WHOLE, why


def test_a_small_object_is_shown_with_what_is_around_it():
    # 100 by 50 pixels in the middle of 1000 by 1000: 60 pixels more on each side, and no wider than 1.8 times its height.
    x, y, wide, high = frame_of([(0.45, 0.475, 0.1, 0.05)], 1000, 1000)
    assert (wide, high) == (0.22, 0.17)
    assert (x + wide / 2, y + high / 2) == (0.5, 0.5)


@given(boxes, boxes)
def test_overlap_is_a_share_that_is_the_same_both_ways(one, other):
    assert 0 <= overlap(one, other) <= 1 + 1e-9
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, one) == pytest.approx(1)
