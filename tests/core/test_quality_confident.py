"""Confident learning: parity with cleanlab on random and degenerate inputs, and hand-worked cases."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cleanlab import count, dataset, filter
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.errors import ShortlistError
from shortlist.core.quality.confident import (
    Thresholds,
    calibrated,
    confident_classes,
    confident_joint,
    confident_thresholds,
    joint_counts,
    noise_matrices,
)
from shortlist.core.quality.confident_issues import count_issues, find_issues
from shortlist.core.quality.health import InSample, InSampleCheck, class_health, in_sample

RULES = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
COUNTS = ["off_diagonal", "off_diagonal_calibrated"]


def drawn(seed: int, n: int, n_classes: int, concentration: float = 0.5):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(n_classes, concentration), n)
    labels = np.array([rng.choice(n_classes, p=row) for row in probabilities])
    flip = rng.random(n) < 0.25
    return probabilities, np.where(flip, rng.integers(0, n_classes, n), labels)


def saturated():
    probabilities, labels = drawn(1, 120, 4)
    probabilities[::2] = np.eye(4)[probabilities[::2].argmax(axis=1)]
    return probabilities, labels


def tied():
    rng = np.random.default_rng(2)
    levels = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    return levels[rng.integers(0, 5, 150)], rng.integers(0, 3, 150)


def absent():
    probabilities, labels = drawn(3, 200, 6)
    return probabilities, np.where(labels == 2, 0, np.where(labels == 5, 1, labels))


def one_each():
    probabilities, _ = drawn(4, 5, 5)
    return probabilities, np.arange(5)


def rare():
    probabilities, labels = drawn(5, 300, 4)
    return probabilities, np.where((labels == 3) & (np.arange(300) > 40), 0, labels)


def none_confident():
    return np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.6, 0.4]]), np.array([0, 1, 0, 1])


INPUTS = {
    **{
        f"random, K={k}, n={n}": drawn(k + n, n, k, c)
        for k, n, c in [(2, 300, 0.5), (3, 50, 1), (10, 400, 0.3), (7, 9, 1)]
    },
    **{f.__name__: f() for f in (saturated, tied, absent, one_each, rare, none_confident)},
    "two rows": (np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])),
}
every_input = pytest.mark.parametrize(("probabilities", "labels"), INPUTS.values(), ids=INPUTS.keys())


@every_input
def test_thresholds_and_joints_are_those_of_cleanlab(probabilities, labels):
    np.testing.assert_allclose(
        confident_thresholds(probabilities, labels), count.get_confident_thresholds(labels, probabilities), atol=1e-9
    )
    for calibrate in (False, True):
        theirs = count.compute_confident_joint(labels, probabilities, calibrate=calibrate)
        np.testing.assert_array_equal(confident_joint(probabilities, labels, calibrate=calibrate), theirs)


@every_input
def test_prior_and_noise_matrices_are_those_of_cleanlab(probabilities, labels):
    joint = confident_joint(probabilities, labels)
    prior, noise, inverse = count.estimate_latent(joint, labels)
    ours = noise_matrices(joint, np.bincount(labels, minlength=len(joint)))
    np.testing.assert_allclose(ours.prior, prior, atol=1e-6)
    np.testing.assert_allclose(ours.noise, noise, atol=1e-6)
    np.testing.assert_allclose(ours.inverse, inverse, atol=1e-6)


@every_input
@pytest.mark.parametrize("rule", RULES)
def test_issues_are_those_of_cleanlab(probabilities, labels, rule):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = filter.find_label_issues(labels, probabilities, filter_by=rule, n_jobs=1)
    np.testing.assert_array_equal(find_issues(probabilities, labels, rule), theirs)


@pytest.mark.parametrize("rule", RULES[:3])
@pytest.mark.parametrize("at_least", [0, 5, 40])
def test_a_class_keeps_as_many_labels_as_cleanlab_leaves_it(rule, at_least):
    probabilities, labels = drawn(11, 200, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = filter.find_label_issues(
            labels, probabilities, filter_by=rule, min_examples_per_class=at_least, n_jobs=1
        )
    np.testing.assert_array_equal(find_issues(probabilities, labels, rule, at_least=at_least), theirs)


@every_input
@pytest.mark.parametrize("method", COUNTS)
def test_counts_are_those_of_cleanlab(probabilities, labels, method):
    theirs = count.num_label_issues(labels, probabilities, estimation_method=method)
    assert count_issues(probabilities, labels, method) == theirs


@every_input
def test_health_is_that_of_cleanlab(probabilities, labels):
    joint = confident_joint(probabilities, labels)
    ours = class_health(joint)
    theirs = dataset.rank_classes_by_label_quality(labels, probabilities).sort_values("Class Index")
    np.testing.assert_allclose(ours.noise, theirs["Label Noise"], atol=1e-6)
    np.testing.assert_allclose(ours.inverse_noise, theirs["Inverse Label Noise"], atol=1e-6)
    np.testing.assert_allclose(ours.quality, theirs["Label Quality Score"], atol=1e-6)
    np.testing.assert_array_equal(np.rint(ours.errors), theirs["Label Issues"])
    pairs = dataset.find_overlapping_classes(labels, probabilities, asymmetric=True)
    best = pairs["Joint Probability"].max()
    if best > 0:
        assert ours.most_confused(1)[0][2] / joint.sum() == pytest.approx(best)


def test_issues_worked_by_hand():
    # Means where given: class 0 .8 (of .9, .9, .6), class 1 .6 (of .9, .3). The last row is confidently 0, labelled 1.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.9, 0.1]])
    labels = np.array([0, 0, 0, 1, 1])
    np.testing.assert_allclose(confident_thresholds(probabilities, labels), [0.8, 0.5])
    np.testing.assert_array_equal(confident_joint(probabilities, labels, calibrate=False), [[2, 0], [1, 1]])
    np.testing.assert_array_equal(confident_joint(probabilities, labels), [[3, 0], [1, 1]])
    for rule in RULES:
        np.testing.assert_array_equal(find_issues(probabilities, labels, rule), [False] * 4 + [True])
    assert count_issues(probabilities, labels) == 1


@given(st.integers(0, 10_000))
def test_a_calibrated_joint_counts_the_labels_of_every_class(seed):
    rng = np.random.default_rng(seed)
    n_classes = int(rng.integers(2, 6))
    joint, counts = (
        rng.integers(0, 9, (n_classes, n_classes)) + np.eye(n_classes, dtype=int),
        rng.integers(0, 99, n_classes),
    )
    np.testing.assert_array_equal(calibrated(joint, counts).sum(axis=1), counts)


@pytest.mark.parametrize("rule", RULES)
def test_rows_without_a_label_or_probabilities_are_left_out(rule):
    probabilities, labels = drawn(7, 150, 4)
    rng = np.random.default_rng(0)
    absent_rows, unknown = rng.random(150) < 0.2, rng.random(150) < 0.2
    holes = np.where(absent_rows[:, None], np.nan, probabilities)
    known = ~absent_rows & ~unknown
    flags = find_issues(holes, np.where(unknown, -1, labels), rule)
    np.testing.assert_array_equal(flags[known], find_issues(probabilities[known], labels[known], rule))
    assert not flags[~known].any()
    assert flags.any()


def test_thresholds_and_joints_of_batches_add_up():
    probabilities, labels = drawn(8, 500, 5)
    found, parts = Thresholds(5), np.array_split(np.arange(500), 9)
    for rows in parts:
        found.add(probabilities[rows], labels[rows])
    thresholds = found.finish()
    np.testing.assert_allclose(thresholds, confident_thresholds(probabilities, labels))
    joint = sum(joint_counts(labels[rows], confident_classes(probabilities[rows], thresholds), 5) for rows in parts)
    whole = confident_joint(probabilities, labels, calibrate=False)
    np.testing.assert_array_equal(np.maximum(joint, np.eye(5, dtype=int)), whole)


@pytest.mark.parametrize("rule", RULES)
def test_no_rows_and_no_known_labels_have_no_issues(rule):
    assert find_issues(np.zeros((0, 3)), np.zeros(0, np.int64), rule).shape == (0,)
    assert not find_issues(np.full((4, 3), 1 / 3), np.full(4, -1), rule).any()


def test_one_given_class_is_no_error_as_it_is_in_cleanlab():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    with pytest.raises(ValueError, match="at least 2 classes"):
        filter.find_label_issues(np.ones(3, int), probabilities, n_jobs=1)
    np.testing.assert_array_equal(
        find_issues(probabilities, np.ones(3, int), "predicted_neq_given"), [True, True, False]
    )


def test_labels_outside_of_the_classes_are_refused():
    with pytest.raises(ShortlistError, match=r"in \[0, 2\)"):
        find_issues(np.full((2, 2), 0.5), np.array([0, 2]))


# Health -----------------------------------------------------------------------------------------------------------------


def test_health_worked_by_hand():
    health = class_health(np.array([[6, 2, 0], [1, 9, 0], [0, 0, 2]]))
    np.testing.assert_allclose(health.errors, [2, 1, 0])
    np.testing.assert_allclose(health.missed, [1, 2, 0])
    np.testing.assert_allclose(health.noise, [0.25, 0.1, 0])
    np.testing.assert_allclose(health.inverse_noise, [1 / 7, 2 / 11, 0])
    np.testing.assert_allclose(health.share_of_errors, [2 / 3, 1 / 3, 0])
    assert health.overall == pytest.approx(17 / 20)
    assert health.most_confused() == [(0, 1, 2.0), (1, 0, 1.0)]
    assert health.most_confused(1) == [(0, 1, 2.0)]


def test_nothing_at_all_is_healthy_enough_to_be_shown():
    health = class_health(np.zeros((3, 3)))
    assert np.isfinite(health.noise).all()
    assert health.most_confused() == []


def test_predictions_that_repeat_every_label_surely_look_in_sample():
    labels = np.arange(90) % 3
    learned = np.where(np.eye(3)[labels] > 0, 0.998, 0.001)
    assert in_sample(learned, labels).likely
    assert not in_sample(learned[:30], labels[:30]).likely, "too few to tell"
    assert not in_sample(np.where(learned > 0.5, 0.9, 0.05), labels).likely, "right but unsure"
    honest = np.where(np.arange(90) % 20 == 0, (labels + 1) % 3, labels)
    found = in_sample(learned, honest)
    assert not found.likely, "sure but not always right"
    assert found.agreement == pytest.approx(85 / 90)


def test_whether_predictions_look_in_sample_leaves_out_what_is_unknown():
    labels = np.arange(90) % 3
    learned = np.where(np.eye(3)[labels] > 0, 0.998, 0.001)
    learned[3] = np.nan
    assert in_sample(learned, np.where(np.arange(90) == 5, -1, labels)) == InSample(88, 1.0, 1.0)


def test_the_in_sample_check_adds_batches_up():
    rng = np.random.default_rng(0)
    agrees, sure = rng.random(90) < 0.9, rng.random(90) < 0.5
    check = InSampleCheck()
    for rows in np.array_split(np.arange(90), 7):
        check.add(agrees[rows], sure[rows])
    assert check.finish() == InSample(90, agrees.mean(), (agrees & sure).mean())
