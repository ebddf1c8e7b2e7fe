"""Label quality of multi-label classes: parity with cleanlab, pooling, unknown and missing values."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cleanlab.internal.multilabel_scorer import exponential_moving_average
from cleanlab.internal.multilabel_scorer import softmin as their_softmin
from cleanlab.multilabel_classification import get_label_quality_scores
from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.core.errors import ShortlistError
from shortlist.core.quality.confident_issues import find_issues
from shortlist.core.quality.multilabel import (
    ClassChannels,
    ClassChannelsFit,
    against_rest,
    class_issues,
    class_quality,
    ema,
    pooled,
    softmin,
)

SCORES = ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
RULES = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
POOLINGS = {
    "softmin": {"method": "softmin", "temperature": 0.1},
    "ema": {"method": "exponential_moving_average", "alpha": 0.8},
}


def drawn(seed: int, n: int = 200, n_classes: int = 5):
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(0.4, 0.8, (n, n_classes))
    labels = (rng.random((n, n_classes)) < probabilities).astype(int)
    return probabilities, np.where(rng.random(labels.shape) < 0.1, 1 - labels, labels)


def lists(labels):
    return [np.flatnonzero(row).tolist() for row in labels]


qualities = hnp.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(0, 1))


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(("seed", "n", "n_classes"), [(0, 200, 5), (1, 3, 2), (2, 40, 12)])
def test_the_quality_of_samples_is_that_of_cleanlab(score, pooling, seed, n, n_classes):
    probabilities, labels = drawn(seed, n, n_classes)
    labels[0] = [1, 0] * (n_classes // 2) + [0] * (n_classes % 2)
    theirs = get_label_quality_scores(lists(labels), probabilities, method=score, aggregator_kwargs=POOLINGS[pooling])
    np.testing.assert_allclose(pooled(class_quality(probabilities, labels, score), pooling), theirs, atol=1e-6)


@pytest.mark.parametrize("score", SCORES)
def test_the_quality_of_classes_is_that_of_cleanlab(score):
    probabilities, labels = drawn(3)
    # Nearer to 0 and 1 is where the entropy of cleanlab errs, see test_quality_classification.
    probabilities = probabilities.clip(1e-3, 1 - 1e-3)
    labels[:, 2] = 0
    theirs = get_label_quality_scores_per_class(lists(labels), probabilities, method=score)
    np.testing.assert_allclose(class_quality(probabilities, labels, score), theirs, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_the_issues_of_classes_are_those_of_cleanlab(rule):
    probabilities, labels = drawn(4)
    if rule != "predicted_neq_given":
        # A class that no sample has; cleanlab refuses that here.
        labels[:, 1] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = find_multilabel_issues_per_class(lists(labels), probabilities, filter_by=rule, n_jobs=1)
    np.testing.assert_array_equal(class_issues(probabilities, labels, rule), theirs)


@given(qualities)
def test_poolings_are_those_of_cleanlab(quality):
    np.testing.assert_allclose(softmin(quality), their_softmin(quality), atol=1e-9)
    np.testing.assert_allclose(ema(quality), exponential_moving_average(quality, alpha=0.8), atol=1e-9)


@pytest.mark.parametrize("pooling", POOLINGS)
@given(quality=qualities, data=st.data())
def test_a_missing_class_counts_as_if_it_were_not_there(pooling, quality, data):
    holes = data.draw(hnp.arrays(bool, quality.shape))
    result = pooled(np.where(holes, np.nan, quality), pooling)
    for row, (values, hole) in enumerate(zip(quality, holes, strict=True)):
        if hole.all():
            assert np.isnan(result[row])
        else:
            assert result[row] == pytest.approx(pooled(values[None, ~hole], pooling)[0])


@pytest.mark.parametrize("pooling", POOLINGS)
@given(quality=qualities, data=st.data())
def test_pooled_values_stay_between_the_lowest_and_the_highest_in_any_order_of_classes(pooling, quality, data):
    result = pooled(quality, pooling)
    assert (result >= quality.min(axis=1) - 1e-12).all()
    assert (result <= quality.max(axis=1) + 1e-12).all()
    order = data.draw(st.permutations(range(quality.shape[1])))
    np.testing.assert_allclose(pooled(quality[:, order], pooling), result, atol=1e-12)


def test_poolings_worked_by_hand():
    quality = np.array([[0.9, 0.2, 0.5]])
    # .9, then .8 * .5 + .2 * .9 = .58, then .8 * .2 + .2 * .58 = .276
    assert ema(quality) == pytest.approx([0.276])
    weights = np.exp([1.0, 8.0, 5.0])
    assert softmin(quality) == pytest.approx([(weights * quality[0]).sum() / weights.sum()])


def test_a_pooling_without_sense_is_refused():
    with pytest.raises(ShortlistError, match="above 0"):
        softmin(np.ones((1, 2)), 0)
    with pytest.raises(ShortlistError, match=r"in \[0, 1\]"):
        ema(np.ones((1, 2)), 1.5)


@pytest.mark.parametrize("score", [*SCORES, "log_odds_margin", "noise_channel"])
def test_unknown_and_missing_values_are_nan_where_they_are_and_nowhere_else(score):
    probabilities, labels = drawn(5, 60, 4)
    rng = np.random.default_rng(0)
    absent, unknown = rng.random(labels.shape) < 0.1, rng.random(labels.shape) < 0.1
    holes, partly = np.where(absent, np.nan, probabilities), np.where(unknown, -1, labels)
    quality = class_quality(holes, partly, score)
    np.testing.assert_array_equal(np.isnan(quality), absent | unknown)
    if score != "noise_channel":
        known = ~np.isnan(quality)
        np.testing.assert_allclose(quality[known], class_quality(probabilities, labels, score)[known])
    assert not class_issues(holes, partly)[absent | unknown].any()


def test_the_issues_of_a_class_are_those_of_that_class_against_the_rest():
    probabilities, labels = drawn(6)
    flags = class_issues(probabilities, labels, "both")
    for place in range(5):
        np.testing.assert_array_equal(
            flags[:, place], find_issues(against_rest(probabilities[:, place]), labels[:, place], "both")
        )


def test_the_channel_of_a_class_believes_the_label_less_that_is_often_forgotten():
    rng = np.random.default_rng(0)
    true = rng.random((3000, 2)) < 0.5
    probabilities = np.where(true, rng.beta(8, 2, true.shape), rng.beta(2, 8, true.shape))
    labels = (true & ~((rng.random(true.shape) < 0.3) & [True, False])).astype(int)
    fit = ClassChannelsFit(2)
    for rows in np.array_split(np.arange(3000), 5):
        fit.add(probabilities[rows], labels[rows])
    channels = fit.finish()
    same = channels.quality(np.full((1, 2), 0.6), np.zeros((1, 2), int))[0]
    assert same[0] < same[1]
    forgotten, kept = (np.array(one.noise) for one in channels.channels)
    assert forgotten[0, 1] == pytest.approx(0.3, abs=0.05)
    assert kept[0, 1] < 0.03
    again = ClassChannels.from_json(channels.to_json())
    np.testing.assert_array_equal(again.quality(probabilities, labels), channels.quality(probabilities, labels))
    np.testing.assert_allclose(
        class_quality(probabilities, labels, "noise_channel"), channels.quality(probabilities, labels)
    )


@pytest.mark.parametrize(("labels", "words"), [(np.full((2, 3), 2), "1 \\(has"), (np.zeros((2, 2), int), "shape")])
def test_labels_that_do_not_fit_are_refused(labels, words):
    for work in (class_quality, class_issues, ClassChannelsFit(3).add):
        with pytest.raises(ShortlistError, match=words):
            work(np.full((2, 3), 0.5), labels)


def test_no_rows_and_no_classes_give_no_values():
    assert class_quality(np.zeros((0, 3)), np.zeros((0, 3), int)).shape == (0, 3)
    assert class_issues(np.zeros((4, 0)), np.zeros((4, 0), int)).shape == (4, 0)
    for pooling in POOLINGS:
        assert np.isnan(pooled(np.zeros((4, 0)), pooling)).all()
