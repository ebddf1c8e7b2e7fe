"""Overlap and matching, against values worked by hand, pixels counted one by one, and every matching there is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.core.errors import ShortlistError
from shortlist.core.geometry import box_iou, mask_iou, matched, nearest, object_iou, resized

GRID = 12


@st.composite
def pixel_boxes(draw, least: int = 0) -> np.ndarray:
    """(n, 4) boxes whose sides lie on a grid of GRID x GRID pixels."""
    n = draw(st.integers(least, 5))
    corners = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(0, GRID - 1)))
    sides = draw(hnp.arrays(np.int64, (n, 2), elements=st.integers(1, GRID)))
    return np.concatenate([corners, np.minimum(sides, GRID - corners)], axis=1) / GRID


def on_grid(box: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """The pixels of a box, or of its mask, drawn on the whole image."""
    x, y, width, height = np.rint(box * GRID).astype(int)
    canvas = np.zeros((GRID, GRID), bool)
    canvas[y : y + height, x : x + width] = True if mask is None else mask
    return canvas


def counted(first: np.ndarray, second: np.ndarray) -> float:
    """IoU of two drawings by looking at each pixel."""
    pairs = list(zip(first.ravel().tolist(), second.ravel().tolist(), strict=True))
    either = sum(a or b for a, b in pairs)
    return sum(a and b for a, b in pairs) / either if either else 0.0


# Boxes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4], 1.0),  # the same
        ([0.0, 0.0, 0.2, 0.2], [0.1, 0.0, 0.2, 0.2], 1 / 3),  # .02 of .06
        ([0.0, 0.0, 0.2, 0.2], [0.1, 0.1, 0.2, 0.2], 1 / 7),  # .01 of .07
        ([0.0, 0.0, 0.4, 0.4], [0.1, 0.1, 0.2, 0.2], 1 / 4),  # one inside the other
        ([0.0, 0.0, 0.2, 0.2], [0.2, 0.0, 0.2, 0.2], 0.0),  # side by side
        ([0.0, 0.0, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2], 0.0),  # apart in both directions
        ([-0.1, -0.1, 0.2, 0.2], [0.0, 0.0, 0.1, 0.1], 1 / 4),  # partly outside the image
        ([0.1, 0.1, 0.0, 0.2], [0.1, 0.1, 0.0, 0.2], 0.0),  # no area
        ([np.nan, 0.1, 0.2, 0.2], [0.1, 0.1, 0.2, 0.2], 0.0),  # no place
    ],
)
def test_boxes_worked_by_hand(first, second, expected):
    assert box_iou(np.array([first]), np.array([second])) == pytest.approx(np.array([[expected]]), abs=1e-12)


@given(pixel_boxes(), pixel_boxes())
def test_the_overlap_of_boxes_is_that_of_their_pixels(first, second):
    expected = [[counted(on_grid(one), on_grid(other)) for other in second] for one in first]
    np.testing.assert_allclose(box_iou(first, second), np.reshape(expected, (len(first), len(second))), atol=1e-9)


@given(pixel_boxes(), pixel_boxes(), st.floats(0.01, 1000), st.floats(-5, 5))
def test_the_unit_and_the_origin_of_boxes_do_not_count(first, second, unit, shift):
    moved = [np.concatenate([one[:, :2] + shift, one[:, 2:]], axis=1) * unit for one in (first, second)]
    np.testing.assert_allclose(box_iou(*moved), box_iou(first, second), atol=1e-9)


def test_equal_boxes_overlap_by_exactly_one():
    boxes = np.random.default_rng(0).random((100, 4)) + 1e-3
    np.testing.assert_array_equal(np.diagonal(box_iou(boxes, boxes)), 1)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 4, 1)])
def test_what_are_no_boxes_are_refused(shape):
    with pytest.raises(ShortlistError, match=r"^boxes_xywh must be an array of shape \(n, 4\)\. Got shape"):
        box_iou(np.zeros(shape), np.zeros((1, 4)))


# Instance masks -------------------------------------------------------------------------------------------------------


@given(pixel_boxes(1), st.data())
def test_the_overlap_of_masks_is_that_of_their_pixels(boxes, data):
    masks = [
        data.draw(hnp.arrays(bool, tuple(np.rint(box[[3, 2]] * GRID).astype(int).tolist())), label="mask")
        for box in boxes
    ]
    drawn = [on_grid(box, mask) for box, mask in zip(boxes, masks, strict=True)]
    iou = object_iou(boxes, boxes, (masks, masks))
    expected = [[counted(one, other) for other in drawn] for one in drawn]
    np.testing.assert_allclose(iou, expected, atol=1e-12)


def test_masks_of_any_resolution_are_compared_on_the_finer_grid():
    box = np.array([0.25, 0.5, 0.5, 0.25])
    coarse = np.array([[True, False]])
    fine = np.zeros((10, 40), bool)
    fine[:, :10] = True
    assert mask_iou(box, coarse, box, np.kron(coarse, np.ones((10, 20), bool))) == 1
    assert mask_iou(box, coarse, box, fine) == mask_iou(box, fine, box, coarse) == 0.5


def test_the_box_counts_for_an_object_without_a_mask():
    boxes = np.array([[0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]])
    half = np.array([[True, False], [True, False]])
    iou = object_iou(boxes, boxes, ([half, None], [~half, None]))
    np.testing.assert_array_equal(iou, [[0, 1], [1, 1]])


def test_an_empty_mask_overlaps_with_nothing():
    box, nothing = np.array([0, 0, 0.5, 0.5]), np.zeros((4, 4), bool)
    assert mask_iou(box, nothing, box, nothing) == 0
    assert mask_iou(box, nothing, box, ~nothing) == 0
    assert mask_iou(box, np.zeros((0, 4), bool), box, ~nothing) == 0
    assert mask_iou(np.array([0, 0, 0, 0.5]), ~nothing, box, ~nothing) == 0


def test_masks_of_boxes_apart_do_not_meet():
    full = np.ones((3, 3), bool)
    assert mask_iou(np.array([0, 0, 0.2, 0.2]), full, np.array([0.6, 0.6, 0.2, 0.2]), full) == 0


def test_huge_and_tiny_masks_take_bounded_memory():
    import tracemalloc

    full, dot = np.array([0, 0, 1, 1]), np.array([0.5, 0.5, 1e-6, 1e-6])
    tracemalloc.start()
    iou = mask_iou(full, np.ones((3000, 4000), bool), dot, np.ones((28, 28), bool))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert iou < 1e-6
    assert peak < 100e6


@pytest.mark.parametrize(("old", "new"), [(1, 5), (4, 8), (5, 3), (3, 7), (6, 6), (8, 1)])
def test_the_nearest_place_is_the_one_that_holds_the_centre(old, new):
    expected = [int((place + 0.5) / new * old) for place in range(new)]
    assert nearest(old, new).tolist() == expected


def test_resizing_keeps_leading_axes_and_types():
    pixels = np.arange(8, dtype=np.uint16).reshape(2, 2, 2)
    grown = resized(pixels, (4, 6))
    assert grown.shape == (2, 4, 6)
    assert grown.dtype == np.uint16
    np.testing.assert_array_equal(grown, np.kron(pixels, np.ones((2, 3), np.uint16)))
    assert resized(pixels, (2, 2)) is pixels


# Matching -------------------------------------------------------------------------------------------------------------


def every_matching(possible: np.ndarray):
    """All one-to-one matchings of the possible pairs, by trying."""
    pairs = [tuple(pair) for pair in np.argwhere(possible).tolist()]
    for size in range(min(possible.shape) + 1):
        for chosen in combinations(pairs, size):
            if len({row for row, _ in chosen}) == len({column for _, column in chosen}) == size:
                yield list(chosen)


def worth(pairs, iou: np.ndarray, agree: np.ndarray) -> tuple[int, int, float]:
    """What a matching is judged by: matches, then those that agree, then overlap."""
    return len(pairs), sum(bool(agree[pair]) for pair in pairs), round(sum(iou[pair] for pair in pairs), 6)


# Overlaps as a dozenth: exact ties are frequent, and differences are far above rounding.
overlaps = hnp.arrays(
    np.float64,
    st.tuples(st.integers(0, 4), st.integers(0, 4)),
    elements=st.integers(0, 12).map(lambda value: value / 12),
)


@given(overlaps, st.data())
def test_the_matching_is_the_best_of_all(iou, data):
    agree = data.draw(hnp.arrays(bool, iou.shape))
    rows, columns = matched(iou, 0.5, agree)
    found = list(zip(rows.tolist(), columns.tolist(), strict=True))
    best = max(worth(pairs, iou, agree) for pairs in every_matching(iou >= 0.5))
    assert all(iou[pair] >= 0.5 for pair in found)
    assert len(set(rows.tolist())) == len(set(columns.tolist())) == len(found)
    assert rows.tolist() == sorted(rows.tolist())
    assert worth(found, iou, agree) == best


@given(overlaps, st.data())
def test_neither_order_nor_side_changes_what_a_matching_is_worth(iou, data):
    agree = data.draw(hnp.arrays(bool, iou.shape))
    rows, columns = (data.draw(st.permutations(range(size))) for size in iou.shape)
    mixed = (iou[rows][:, columns].T, agree[rows][:, columns].T)

    def reached(iou: np.ndarray, agree: np.ndarray) -> tuple[int, int, float]:
        return worth(list(zip(*map(np.ndarray.tolist, matched(iou, 0.5, agree)), strict=True)), iou, agree)

    assert reached(*mixed) == reached(iou, agree)


def test_more_matches_come_before_more_overlap():
    # The best single pair, .9, would leave the second row alone.
    rows, columns = matched(np.array([[0.9, 0.6], [0.8, 0.2]]), 0.5)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])


def test_agreement_comes_before_overlap_and_after_the_number_of_matches():
    iou = np.array([[0.95, 0.9], [0.9, 0.95]])
    assert matched(iou, 0.5)[1].tolist() == [0, 1]
    assert matched(iou, 0.5, np.array([[False, True], [True, False]]))[1].tolist() == [1, 0]
    lone = np.array([[0.9, 0.6], [0.8, 0.0]])
    assert matched(lone, 0.5, np.array([[True, False], [False, False]]))[1].tolist() == [1, 0]


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, 2), (0.3, 2), (0.5, 1), (0.1 + 0.2, 2), (1.0, 0)], ids=str)
def test_the_threshold_itself_is_a_match_and_no_overlap_never_is(threshold, expected):
    iou = np.array([[0.5, 0.0, 0.0], [0.0, 0.3, 0.0], [0.0, 0.0, 0.0]])
    assert len(matched(iou, threshold)[0]) == expected


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_matches_nothing(shape):
    rows, columns = matched(np.zeros(shape), 0.5, np.zeros(shape, bool))
    assert (rows.tolist(), columns.tolist()) == ([], [])


def test_many_objects_are_matched_as_they_lie():
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.random((150, 2)), rng.uniform(0.2, 0.4, (150, 2))], axis=1)
    order = rng.permutation(150)
    rows, columns = matched(box_iou(boxes, boxes[order]), 0.5)
    np.testing.assert_array_equal(order[columns], rows)
