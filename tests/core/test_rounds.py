"""Which evaluation tells of which round, and what the rounds brought."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.rounds import Evaluated, Quality, Round, by_round, change
from shortlist.dataset.rounds import mean_iou

BOXES, CLASSES = ("detection", "gt"), ("classification", "gt")
BEGUN = [("a", "2024-02-01"), ("b", "2024-04-01"), ("c", "2024-06-01")]


def keys(begun, evaluations):
    return {name: one.key for name, one in by_round(begun, evaluations).items()}


def test_the_newest_before_the_next_round_counts():
    evaluations = [
        Evaluated("base", BOXES, "2024-01-01"),
        Evaluated("a_early", BOXES, "2024-02-02"),
        Evaluated("a_late", BOXES, "2024-03-31"),
        Evaluated("c", BOXES, "2024-12-01"),
    ]
    assert keys(BEGUN, evaluations) == {None: "base", "a": "a_late", "c": "c"}
    assert keys(BEGUN, evaluations[::-1]) == keys(BEGUN, evaluations)


def test_an_evaluation_at_the_very_moment_is_of_the_round():
    assert keys(BEGUN, [Evaluated("x", BOXES, "2024-04-01")]) == {"b": "x"}


def test_evaluations_of_other_things_are_left_out():
    evaluations = [
        Evaluated("boxes 1", BOXES, "2024-02-02"),
        Evaluated("boxes 2", BOXES, "2024-04-02"),
        Evaluated("classes", CLASSES, "2024-04-03"),
    ]
    assert keys(BEGUN, evaluations) == {"a": "boxes 1", "b": "boxes 2"}
    # Of as many of both, the newest say what people look at now.
    assert keys(BEGUN, evaluations[1:]) == {"b": "classes"}


def test_without_rounds_or_evaluations():
    assert by_round(BEGUN, []) == {}
    assert keys([], [Evaluated("x", BOXES, "2024-04-01")]) == {None: "x"}


@given(st.lists(st.integers(1, 40), max_size=12, unique=True), st.lists(st.integers(1, 40), max_size=4, unique=True))
def test_every_round_has_the_last_of_its_own_time(made, begun):
    begun = sorted(begun)
    found = keys([(str(day), f"{day:02d}") for day in begun], [Evaluated(str(day), (), f"{day:02d}") for day in made])
    for place, day in enumerate([0, *begun]):
        end = [*begun, 99][place]
        own = [one for one in made if day <= one < end]
        assert found.get(None if day == 0 else str(day)) == (str(max(own)) if own else None)


def test_how_quality_changed():
    rounds = [
        Round(None, qualities=(Quality("accuracy", 0.5, "x"),)),
        Round("a", 5, qualities=(Quality("accuracy", 0.6, "y"), Quality("mean correct", 0.1, "correct"))),
        Round("b", 5, qualities=(Quality("accuracy", 0.7, "z"),)),
    ]
    assert [one.value for one in change(rounds)] == [0.5, 0.7]
    assert change(rounds[2:]) is None
    assert change([]) is None


@pytest.mark.parametrize(("n_labeled", "lacks"), [(None, False), (0, True), (4, True), (5, False)])
def test_a_round_that_waits_for_labels(n_labeled, lacks):
    assert Round("a", 5, "gt", n_labeled).lacks_labels is lacks


def test_mean_iou_is_that_of_scikit_learn():
    from sklearn.metrics import confusion_matrix, jaccard_score

    chance = np.random.default_rng(5)
    true, predicted = chance.integers(0, 4, 500), chance.integers(0, 4, 500)
    confusion = confusion_matrix(true, predicted, labels=range(5))
    assert mean_iou(confusion) == pytest.approx(jaccard_score(true, predicted, average="macro"))
    assert np.isnan(mean_iou(np.zeros((3, 3))))
