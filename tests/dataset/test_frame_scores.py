"""The scores of samples from those of their frames, batch by batch."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.dataset.scores import FrameScores

FRAMES = st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1) | st.just(math.nan)), max_size=30)
IDS = [ObjectId() for _ in range(5)]


def combined(frames: list[tuple[int, float]], aggregation: str, cuts: list[int]) -> dict[ObjectId, float]:
    """What is found when the frames come in batches that end at the cuts."""
    scores = FrameScores(["a", "twice"], aggregation)
    bounds = [0, *sorted(min(cut, len(frames)) for cut in cuts), len(frames)]
    for start, stop in pairwise(bounds):
        if stop > start:
            values = np.array([value for _, value in frames[start:stop]])
            scores.add([IDS[owner] for owner, _ in frames[start:stop]], {"a": values, "twice": 2 * values})
    found = {}
    for owners, (once, twice) in scores.batches(IDS, size=2):
        np.testing.assert_allclose(twice, 2 * once, atol=1e-12)
        found |= dict(zip(owners, once.tolist(), strict=True))
    assert len(scores) == len({owner for owner, _ in frames})
    return found


def plain(frames: list[tuple[int, float]], aggregation: str) -> dict[ObjectId, float]:
    found = {}
    for owner in range(len(IDS)):
        known = [value for one, value in frames if one == owner and not math.isnan(value)]
        mean = sum(known) / len(known) if known else math.nan
        found[IDS[owner]] = mean if aggregation == "mean" else max(known, default=math.nan)
    return found


@pytest.mark.parametrize(("aggregation", "expected"), [("max", 0.75), ("mean", 0.5)])
def test_by_hand(aggregation, expected):
    frames = [(0, 0.25), (0, 0.75), (0, math.nan), (1, math.nan)]
    found = combined(frames, aggregation, [1])
    assert found[IDS[0]] == expected
    assert math.isnan(found[IDS[1]])


@pytest.mark.parametrize("aggregation", ["max", "mean"])
@settings(deadline=None, derandomize=True, database=None)
@given(frames=FRAMES, cuts=st.lists(st.integers(0, 30), max_size=5))
def test_it_is_that_of_a_plain_loop_however_the_frames_are_batched_and_ordered(aggregation, frames, cuts):
    found, expected = combined(frames, aggregation, cuts), plain(frames, aggregation)
    assert set(found) == set(expected)
    for one, value in expected.items():
        assert found[one] == pytest.approx(value, abs=1e-12, nan_ok=True)


def test_samples_without_frames_have_no_score():
    found = combined([(2, 0.5)], "max", [])
    assert [math.isnan(found[one]) for one in IDS] == [True, True, False, True, True]


def test_negative_scores_are_numbers_too():
    scores = FrameScores(["a"], "max")
    scores.add([IDS[0]], {"a": np.array([-3.0])})
    ((_, (column,)),) = scores.batches(IDS[:1])
    assert column.tolist() == [-3]
