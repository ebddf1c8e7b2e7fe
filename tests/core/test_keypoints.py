"""How far two skeletons are the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shortlist.core.keypoints import keypoint_similarity

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_a_value_by_hand():
    moved = SQUARE.copy()
    moved[0, 0] -= 0.1
    # The mean area is (1 + 1.1) / 2; one of four points is off by 0.1.
    expected = (3 + math.exp(-0.01 / (2 * 1.05 * 0.16**2))) / 4
    assert keypoint_similarity([SQUARE], [moved])[0, 0] == pytest.approx(expected)


def test_points_that_only_one_shows_count_nothing():
    hidden = SQUARE.copy()
    hidden[3] = np.nan
    assert keypoint_similarity([SQUARE], [hidden])[0, 0] == pytest.approx(0.75)
    assert keypoint_similarity([hidden], [hidden])[0, 0] == pytest.approx(1)


def test_what_cannot_be_compared_is_not_alike():
    nothing = np.full((4, 2), np.nan)
    assert keypoint_similarity([SQUARE, SQUARE], [SQUARE[:3], nothing]).tolist() == [[0, 0], [0, 0]]
    assert keypoint_similarity([], [SQUARE]).shape == (0, 1)


SKELETONS = arrays(np.float64, (5, 2), elements=st.floats(0, 1))


@given(SKELETONS, SKELETONS, st.floats(0.1, 10))
def test_it_is_symmetric_within_its_range_and_knows_no_scale(first, second, scale):
    value = keypoint_similarity([first], [second])[0, 0]
    assert 0 <= value <= 1
    assert keypoint_similarity([second], [first])[0, 0] == pytest.approx(value)
    if min(np.ptp(first, axis=0).min(), np.ptp(second, axis=0).min()) > 0.01:
        assert keypoint_similarity([first * scale], [second * scale])[0, 0] == pytest.approx(value)
