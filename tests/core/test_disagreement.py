"""Disagreement of a committee, against values worked by hand and other people's implementations."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skactiveml.pool._query_by_committee import average_kl_divergence
from skactiveml.pool._query_by_committee import vote_entropy as their_vote_entropy
from sklearn.metrics import jaccard_score

from shortlist.core.scores import scores
from shortlist.core.scores.disagreement import (
    Disagreement,
    Pairs,
    Votes,
    bald,
    consensus_kl,
    variation_ratio,
    vote_entropy,
)
from shortlist.core.scores.disagreement_masks import compare_masks, mean_iou, miou_distance
from shortlist.core.scores.disagreement_objects import (
    Found,
    class_conflict,
    compare,
    f1_distance,
    iou_distance,
    unmatched,
)

FOR_VOTES, FOR_PROBABILITIES = [vote_entropy, variation_ratio], [consensus_kl, bald]
FOR_OBJECTS = [f1_distance, class_conflict, iou_distance, unmatched]
SCORES = scores(Disagreement)

of_votes = pytest.mark.parametrize("formula", FOR_VOTES)
of_probabilities = pytest.mark.parametrize("formula", FOR_PROBABILITIES)
of_either = pytest.mark.parametrize("formula", [*FOR_VOTES, *FOR_PROBABILITIES])


# The registry ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("score", SCORES.values(), ids=list(SCORES))
def test_a_score_says_what_it_is_and_where_it_comes_from(score):
    assert score.name.isidentifier()
    assert len(score.description.split()) > 3
    assert "Source:" in score.compute.__doc__
    assert len(score.source) > 5
    assert len(score.high_means) > 5
    assert score.low < score.high
    assert score.tasks


def test_every_task_has_scores_and_every_formula_is_one():
    tasks = {task: [score.compute for score in SCORES.values() if task in score.tasks] for task in _TASKS}
    assert tasks["classification"] == [vote_entropy, variation_ratio, consensus_kl, bald]
    assert tasks["detection"] == FOR_OBJECTS
    assert tasks["segmentation"] == [bald, miou_distance]


_TASKS = ("classification", "detection", "segmentation")


# Votes and probabilities ----------------------------------------------------------------------------------------------


def votes_of(probabilities) -> Votes:
    probabilities = np.asarray(probabilities, float)
    absent = np.isnan(probabilities).any(axis=2)
    classes = np.where(absent, -1, np.nan_to_num(probabilities).argmax(axis=2))
    return Votes(classes, probabilities, probabilities.shape[2])


def only_votes(classes, n_classes: int) -> Votes:
    classes = np.asarray(classes)
    return Votes(classes, np.full((*classes.shape, n_classes), np.nan), n_classes)


@st.composite
def committees(draw, absent: bool = False) -> Votes:
    """(m, M, K) distributions of M members, zeros and one-hot rows among them; some absent if asked."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(2, 5), st.integers(2, 6)))
    weights = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1) | st.just(0.0)))
    weights[weights.sum(axis=2) < 1e-3, 0] = 1
    probabilities = weights / weights.sum(axis=2, keepdims=True)
    if absent:
        probabilities[draw(hnp.arrays(bool, shape[:2]))] = np.nan
    return votes_of(probabilities)


@pytest.mark.parametrize(
    ("classes", "n_classes", "entropy", "ratio"),
    [
        ([0, 0, 0], 3, 0, 0),
        ([0, 1], 5, 1, 0.5),
        ([0, 1, 2], 3, 1, 2 / 3),
        # Two classes for four members: entropy log 2 of at most log 2.
        ([0, 0, 1, 1], 2, 1, 0.5),
        # The same votes where four classes are possible: log 2 of at most log 4.
        ([0, 0, 1, 1], 4, 0.5, 0.5),
        # -(.75 log .75 + .25 log .25) / log 2
        ([7, 7, 7, 1], 2, 0.8112781244591328, 0.25),
        # One of three does not vote: two votes that differ.
        ([0, -1, 1], 3, 1, 0.5),
        ([0, -1, 0], 3, 0, 0),
        ([0, -1, -1], 3, np.nan, np.nan),
        ([-1, -1, -1], 3, np.nan, np.nan),
    ],
)
def test_votes_worked_by_hand(classes, n_classes, entropy, ratio):
    votes = only_votes([classes], n_classes)
    np.testing.assert_allclose(vote_entropy(votes), [entropy], atol=1e-12)
    np.testing.assert_allclose(variation_ratio(votes), [ratio], atol=1e-12)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([[1, 0], [0, 1]], np.log(2)),
        ([[0.3, 0.7], [0.3, 0.7]], 0),
        ([[0.5, 0.5], [0.5, 0.5]], 0),
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.log(3)),
        # Mean (.75, .25): .5623 nats; entropies 0 and log 2: mean .3466.
        ([[1, 0], [0.5, 0.5]], 0.5623351446188083 - 0.34657359027997264),
        # The absent member neither adds nor dilutes.
        ([[1, 0], [np.nan, np.nan], [0, 1]], np.log(2)),
        ([[1, 0], [np.nan, np.nan]], np.nan),
    ],
)
@of_probabilities
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_probabilities_worked_by_hand(formula, members, expected, dtype):
    given = np.array([members], dtype)
    tolerance = 1e-3 if dtype is np.float16 else 1e-6
    np.testing.assert_allclose(formula(Votes(np.zeros((1, 0), int), given, 2)), [expected], atol=tolerance)


@given(committees())
def test_vote_entropy_is_that_of_scikit_activeml_divided_by_its_maximum(votes):
    theirs = their_vote_entropy(votes.classes.astype(float), list(range(votes.n_classes)))
    greatest = np.log(min(votes.classes.shape[1], votes.n_classes))
    np.testing.assert_allclose(vote_entropy(votes), theirs / greatest, atol=1e-12)


@given(committees())
def test_vote_entropy_is_that_of_scipy(votes):
    expected = [scipy.stats.entropy(np.bincount(row, minlength=votes.n_classes)) for row in votes.classes]
    greatest = np.log(min(votes.classes.shape[1], votes.n_classes))
    np.testing.assert_allclose(vote_entropy(votes), np.array(expected) / greatest, atol=1e-12)


@given(committees())
def test_variation_ratio_is_that_of_scipy_s_mode(votes):
    counts = scipy.stats.mode(votes.classes, axis=1).count
    np.testing.assert_allclose(variation_ratio(votes), 1 - counts / votes.classes.shape[1], atol=1e-12)


@given(committees())
def test_consensus_kl_is_that_of_scikit_activeml(votes):
    # Theirs lifts zeros to 1e-7 and so is off by about as much.
    theirs = average_kl_divergence(votes.probabilities.transpose(1, 0, 2).copy(), eps=1e-12)
    np.testing.assert_allclose(consensus_kl(votes), theirs, atol=1e-9)


@given(committees())
def test_bald_is_made_of_scipy_s_entropies(votes):
    mean, each = votes.probabilities.mean(axis=1), scipy.stats.entropy(votes.probabilities, axis=2)
    np.testing.assert_allclose(bald(votes), scipy.stats.entropy(mean, axis=1) - each.mean(axis=1), atol=1e-12)


@given(committees(absent=True))
def test_bald_and_consensus_kl_are_the_same_number(votes):
    np.testing.assert_allclose(bald(votes), consensus_kl(votes), atol=1e-12)


@of_either
@given(votes=committees(absent=True))
def test_the_range_is_kept(formula, votes):
    values = formula(votes)
    members = (votes.classes >= 0).sum(axis=1)
    known = members >= 2
    greatest = 1 if formula in FOR_VOTES else np.log(np.minimum(members[known], votes.n_classes))
    assert values.shape == (len(votes.classes),)
    np.testing.assert_array_equal(np.isnan(values), ~known)
    assert (values[known] >= 0).all()
    assert (values[known] <= greatest + 1e-12).all()


@of_either
@given(votes=committees(absent=True), data=st.data())
def test_the_order_of_the_members_changes_nothing(formula, votes, data):
    order = data.draw(st.permutations(range(votes.classes.shape[1])))
    mixed = Votes(votes.classes[:, order], votes.probabilities[:, order], votes.n_classes)
    np.testing.assert_allclose(formula(mixed), formula(votes), atol=1e-12)


@of_either
@given(votes=committees(absent=True), data=st.data())
def test_the_order_of_the_classes_changes_nothing(formula, votes, data):
    order = np.array(data.draw(st.permutations(range(votes.n_classes))))
    classes = np.where(votes.classes >= 0, np.argsort(order)[votes.classes], -1)
    mixed = Votes(classes, votes.probabilities[:, :, order], votes.n_classes)
    np.testing.assert_allclose(formula(mixed), formula(votes), atol=1e-12)


@of_either
@given(votes=committees(absent=True), data=st.data())
def test_every_value_follows_its_row(formula, votes, data):
    order = data.draw(st.permutations(range(len(votes.classes))))
    mixed = Votes(votes.classes[order], votes.probabilities[order], votes.n_classes)
    np.testing.assert_array_equal(formula(mixed), formula(votes)[order])


@of_either
@given(votes=committees(), members=st.integers(2, 5))
def test_members_that_say_the_same_do_not_differ(formula, votes, members):
    same = Votes(
        np.repeat(votes.classes[:, :1], members, axis=1),
        np.repeat(votes.probabilities[:, :1], members, axis=1),
        votes.n_classes,
    )
    np.testing.assert_allclose(formula(same), 0, atol=1e-12)


@of_either
@given(votes=committees())
def test_an_absent_member_counts_for_nothing(formula, votes):
    with_one = Votes(
        np.pad(votes.classes, ((0, 0), (0, 1)), constant_values=-1),
        np.pad(votes.probabilities, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan),
        votes.n_classes,
    )
    np.testing.assert_allclose(formula(with_one), formula(votes), atol=1e-12)


@of_either
@pytest.mark.parametrize("members", [2, 3, 5, 20])
def test_members_each_sure_of_another_class_differ_the_most(formula, members):
    value = formula(votes_of(np.eye(members)[None]))
    greatest = {vote_entropy: 1, variation_ratio: 1 - 1 / members}
    assert value == pytest.approx([greatest.get(formula, np.log(members))])


@of_either
def test_many_rows_score_as_each_alone_and_leave_the_input_alone(formula):
    # More rows than one block holds.
    probabilities = np.random.default_rng(0).dirichlet(np.ones(100), (450, 4)).astype(np.float32)
    votes, before = votes_of(probabilities), probabilities.copy()
    alone = [formula(votes_of(row[None]))[0] for row in probabilities]
    np.testing.assert_allclose(formula(votes), alone, atol=1e-12)
    np.testing.assert_array_equal(probabilities, before)


@of_either
@pytest.mark.parametrize("shape", [(0, 2, 3), (0, 0, 3)])
def test_no_rows_give_no_values(formula, shape):
    assert formula(Votes(np.zeros(shape[:2], int), np.zeros(shape), 3)).shape == (0,)


def test_a_sample_without_pairs_has_no_mean():
    pairs = Pairs(3, np.array([0, 0, 2]))
    np.testing.assert_array_equal(pairs.mean(np.array([1.0, 2.0, 5.0])), [1.5, np.nan, 5])
    np.testing.assert_array_equal(pairs.total(np.array([1.0, 2.0, 5.0])), [3, np.nan, 5])


# Objects --------------------------------------------------------------------------------------------------------------


def found(*objects, masks=None) -> Found:
    """A member's objects from ``(x, y, width, height, class)``."""
    table = np.array(objects, float).reshape(-1, 5)
    return Found(table[:, :4], table[:, 4].astype(np.int64), masks)


A, B, C = (0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.2, 0.2), (0.8, 0.1, 0.1, 0.1)


def of_sample(*members: Found | None, threshold: float = 0.5) -> tuple[dict, list]:
    matches, lonely = compare([members], threshold)
    return {formula: formula(matches)[0] for formula in FOR_OBJECTS}, lonely[0]


def expected(f1: float, conflict: float, iou: float, count: float) -> dict:
    return pytest.approx(dict(zip(FOR_OBJECTS, (f1, conflict, iou, count), strict=True)), abs=1e-12, nan_ok=True)


def test_two_detectors_worked_by_hand():
    # A is found by both, of the same class, half of it shifted by .02 of .2: IoU .18/.22. B is a dog to one and a cat to
    # the other. C is found by the first alone.
    first = found((*A, 0), (*B, 1), (*C, 2))
    second = found((*B, 2), (0.12, 0.1, 0.2, 0.2, 0))
    values, (of_first, of_second) = of_sample(first, second)
    assert values == expected(1 - 2 * 2 / 5, 1 / 2, (1 - 0.18 / 0.22) / 2, 1)
    assert of_first.tolist() == [0, 1, 1]
    assert of_second.tolist() == [1, 0]


def test_three_detectors_are_compared_two_by_two():
    # Pairs: (1, 2) share A; (1, 3) share A and B, in which they differ; (2, 3) share A.
    first, second, third = found((*A, 0), (*B, 1)), found((*A, 0)), found((*A, 0), (*B, 2))
    values, lonely = of_sample(first, second, third)
    assert values == expected((1 / 3 + 0 + 1 / 3) / 3, 1 / 4, 0, (1 + 0 + 1) / 3)
    assert [one.tolist() for one in lonely] == [[0, 1], [0], [0, 1]]


def test_an_object_says_what_share_of_the_others_misses_it():
    members = [found((*A, 0)), found((*A, 0), (*B, 0)), found((*B, 0)), found()]
    _, lonely = of_sample(*members)
    assert [one.tolist() for one in lonely] == [[2 / 3], [2 / 3, 2 / 3], [2 / 3], []]


@pytest.mark.parametrize(
    ("members", "values"),
    [
        ((found(), found()), (0, 0, 0, 0)),  # nothing to differ about
        ((found((*A, 0)), found()), (1, 0, 0, 1)),
        ((found((*A, 0)), found((*B, 0))), (1, 0, 0, 2)),  # nothing matches: no conflict was seen
        ((found((*A, 0)), found((*A, 0))), (0, 0, 0, 0)),
        ((found((*A, 0)), None), (np.nan,) * 4),
        ((None, None), (np.nan,) * 4),
        ((found((*A, 0)), None, found((*A, 1))), (0, 1, 0, 0)),  # the absent member does not count
        ((found((*A, 0)), found((*A, -1))), (0, 0, 0, 0)),  # who names no class contradicts none
    ],
)
def test_what_is_not_there(members, values):
    assert of_sample(*members)[0] == expected(*values)


def test_an_object_of_the_only_member_has_no_value():
    _, (first, second) = of_sample(found((*A, 0)), None)
    np.testing.assert_array_equal(first, [np.nan])
    assert second is None


def test_the_least_overlap_of_a_match_is_a_parameter():
    # IoU 1/3.
    first, second = found((0.1, 0.1, 0.2, 0.2, 0)), found((0.2, 0.1, 0.2, 0.2, 0))
    assert of_sample(first, second, threshold=0.5)[0] == expected(1, 0, 0, 2)
    assert of_sample(first, second, threshold=0.3)[0] == expected(0, 0, 2 / 3, 0)


def test_two_classes_on_one_place_are_not_taken_for_a_conflict():
    """A person on a bicycle in nearly the same box: which of the two is matched is decided by the class."""
    first = found((*A, 0), (0.1, 0.1, 0.2, 0.21, 1))
    second = found((0.1, 0.1, 0.2, 0.21, 0), (*A, 1))
    values, lonely = of_sample(first, second)
    assert values == expected(0, 0, 1 - 20 / 21, 0)
    assert [one.tolist() for one in lonely] == [[0, 0], [0, 0]]


def test_masks_count_where_both_have_them():
    left = np.array([[True, False], [True, False]])
    same_box = [found((*A, 0), masks=[mask]) for mask in (left, ~left)]
    assert of_sample(*same_box)[0] == expected(1, 0, 0, 2)
    assert of_sample(same_box[0], found((*A, 0)))[0] == expected(0, 0, 0, 0)


@st.composite
def detections(draw) -> list[list[Found | None]]:
    """Samples with 2 to 4 members, whose objects are jittered copies of some places, of a few classes; some absent."""
    members = draw(st.integers(2, 4))
    jitter = st.sampled_from([0.0, 0.013, 0.037, 0.11])
    samples = []
    for _ in range(draw(st.integers(1, 3))):
        row = []
        for _ in range(members):
            if draw(st.integers(0, 5)) == 0:
                row.append(None)
                continue
            objects = [
                (x + draw(jitter), y + draw(jitter), 0.2 + draw(jitter), 0.2, draw(st.integers(-1, 2)))
                for x, y in draw(
                    st.lists(st.sampled_from([(0.0, 0.0), (0.05, 0.0), (0.5, 0.5), (0.5, 0.6)]), max_size=4)
                )
            ]
            row.append(found(*objects))
        samples.append(row)
    return samples


@given(detections())
def test_objects_range(samples):
    matches, lonely = compare(samples, 0.5)
    pairs = [sum(one is not None for one in members) >= 2 for members in samples]
    for score in SCORES.values():
        if score.reads == "matches":
            values = score.compute(matches)
            np.testing.assert_array_equal(np.isnan(values), ~np.array(pairs))
            assert ((values[pairs] >= score.low) & (values[pairs] <= score.high)).all()
    for of_members, members in zip(lonely, samples, strict=True):
        for values, one in zip(of_members, members, strict=True):
            assert (values is None) == (one is None)
            if values is not None:
                assert len(values) == len(one.classes)
                assert np.isnan(values).all() or ((values >= 0) & (values <= 1)).all()


@given(detections(), st.data())
def test_neither_the_order_of_members_nor_of_objects_changes_anything(samples, data):
    members = data.draw(st.permutations(range(len(samples[0]))))
    mixed = []
    for row in samples:
        shuffled = []
        for place in members:
            one = row[place]
            order = data.draw(st.permutations(range(len(one.classes)))) if one is not None else []
            order = np.array(order, int)
            shuffled.append(None if one is None else Found(one.boxes[order], one.classes[order]))
        mixed.append(shuffled)
    for formula in FOR_OBJECTS:
        np.testing.assert_allclose(formula(compare(mixed, 0.5)[0]), formula(compare(samples, 0.5)[0]), atol=1e-12)


@given(detections(), st.permutations([0, 1, 2]))
def test_the_numbers_of_the_classes_do_not_count(samples, order):
    order = np.array([*order, -1])
    mixed = [[None if one is None else Found(one.boxes, order[one.classes]) for one in members] for members in samples]
    for formula in FOR_OBJECTS:
        np.testing.assert_array_equal(formula(compare(mixed, 0.5)[0]), formula(compare(samples, 0.5)[0]))
    for row, mixed_row in zip(compare(samples, 0.5)[1], compare(mixed, 0.5)[1], strict=True):
        for values, mixed_values in zip(row, mixed_row, strict=True):
            np.testing.assert_array_equal(np.array(values, float), np.array(mixed_values, float))


@given(detections(), st.integers(2, 4))
def test_detectors_that_find_the_same_do_not_differ(samples, members):
    same = [[row[0] or found()] * members for row in samples]
    matches, lonely = compare(same, 0.5)
    for formula in FOR_OBJECTS:
        np.testing.assert_allclose(formula(matches), 0, atol=1e-12)
    for of_members in lonely:
        for values in of_members:
            np.testing.assert_array_equal(values, 0)


@given(detections())
def test_f1_is_that_of_the_best_assignment(samples):
    """F1 from the largest matching, found by trying every assignment."""
    for row, value in zip(samples, f1_distance(compare(samples, 0.5)[0]), strict=True):
        there = [one for one in row if one is not None]
        pairs = [1 - f1_by_trying(*pair) for pair in combinations(there, 2)]
        np.testing.assert_allclose(value, np.mean(pairs) if pairs else np.nan, atol=1e-12)


def f1_by_trying(first: Found, second: Found) -> float:
    less, more = sorted((first.boxes.tolist(), second.boxes.tolist()), key=len)
    if not more:
        return 1
    tries = permutations(more, len(less))
    most = max(sum(iou_of(*pair) >= 0.5 - 1e-9 for pair in zip(less, tried, strict=True)) for tried in tries)
    return 2 * most / (len(less) + len(more))


def iou_of(first: list[float], second: list[float]) -> float:
    sides = [max(0, min(first[i] + first[i + 2], second[i] + second[i + 2]) - max(first[i], second[i])) for i in (0, 1)]
    both = sides[0] * sides[1]
    return both / (first[2] * first[3] + second[2] * second[3] - both)


# Masks ----------------------------------------------------------------------------------------------------------------

masks = hnp.arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 1, 2, 255]))


def test_masks_worked_by_hand():
    first, second = np.array([[0, 0, 1, 1]]), np.array([[0, 1, 1, 1]])
    # Class 0: 1 of 2; class 1: 2 of 3.
    assert mean_iou(first, second) == pytest.approx((1 / 2 + 2 / 3) / 2)
    # A third class that only one shows: 0 of 1.
    assert mean_iou(np.array([[0, 1, 1, 7]]), second) == pytest.approx((1 + 2 / 3 + 0) / 3)
    overlaps = compare_masks([[first, second, first]])
    assert miou_distance(overlaps) == pytest.approx([2 / 3 * (1 - 7 / 12)])


def test_pixels_that_one_of_the_two_ignores_do_not_count():
    first, second = np.array([[0, 0, 1, 255]]), np.array([[0, 255, 1, 1]])
    assert mean_iou(first, second, (255,)) == 1
    assert mean_iou(first, second) == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    assert np.isnan(mean_iou(np.array([[255, 0]]), np.array([[0, 255]]), (255,)))


def test_masks_of_several_sizes_are_compared_on_the_largest():
    small, large = np.array([[0, 1]]), np.array([[0, 0, 1, 1], [0, 0, 1, 0]])
    # Class 0: 4 of 5, class 1: 3 of 4.
    assert miou_distance(compare_masks([[small, large]])) == pytest.approx([1 - (4 / 5 + 3 / 4) / 2])


def test_a_sample_with_fewer_than_two_masks_to_compare_has_no_value():
    mask, nothing = np.array([[0, 1]]), np.array([[255, 255]])
    samples = [[mask, None], [None, None], [mask, nothing], [mask, None, mask], [mask, np.zeros((0, 0), int)]]
    values = miou_distance(compare_masks(samples, (255,)))
    np.testing.assert_array_equal(values, [np.nan, np.nan, np.nan, 0, np.nan])


@given(masks, masks)
def test_mean_iou_is_that_of_scikit_learn(first, second):
    labels = np.union1d(first, second)
    theirs = jaccard_score(first.ravel(), second.ravel(), labels=labels, average="macro", zero_division=0)
    assert mean_iou(first, second) == pytest.approx(theirs, abs=1e-12)


@given(masks, masks)
def test_ignored_pixels_are_as_if_they_were_not_there(first, second):
    kept = (first != 255) & (second != 255)
    assume(kept.any())
    assert mean_iou(first, second, (255,)) == pytest.approx(mean_iou(first[kept][None], second[kept][None]), abs=1e-12)


@given(st.lists(masks, min_size=2, max_size=4), st.data())
def test_masks_range_order_and_names_of_classes(members, data):
    value = miou_distance(compare_masks([members]))
    assert 0 <= value[0] <= 1
    mixed = data.draw(st.permutations(members))
    assert miou_distance(compare_masks([mixed])) == pytest.approx(value, abs=1e-12)
    # Values far beyond a table of pairs, and below 0.
    names = np.array([70_000, -3, 5, 2**31 - 1])
    renamed = [names[np.searchsorted([0, 1, 2, 255], member)] for member in members]
    assert miou_distance(compare_masks([renamed])) == pytest.approx(value, abs=1e-12)


@given(masks, st.integers(2, 4))
def test_masks_that_are_the_same_do_not_differ(mask, members):
    assert miou_distance(compare_masks([[mask] * members])) == [0]
