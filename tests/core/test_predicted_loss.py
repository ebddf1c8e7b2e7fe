"""Predicted loss: the losses, what is looked at, and a regressor that is judged only on what it has not seen."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn import metrics
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from shortlist import ShortlistError
from shortlist.core.scores import Objects, Score, scores
from shortlist.core.scores.losses import (
    Boxes,
    Features,
    detection_errors,
    features_of_objects,
    features_of_predictions,
    log_loss,
)
from shortlist.core.scores.predicted_loss import MINIMUM, PREDICTED_LOSS, fit
from shortlist.core.scores.reliability import measured
from shortlist.core.scores.uncertainty import entropy, least_confidence, margin


def single(probabilities: np.ndarray) -> Objects:
    """One prediction a sample."""
    n = len(probabilities)
    best = probabilities.argmax(axis=1)
    return Objects(np.arange(n + 1), np.ones(n, bool), probabilities, probabilities[np.arange(n), best], best)


def several(lists: list[list[tuple[int, float]] | None], n_classes: int = 4) -> Objects:
    """Objects of samples, as pairs of a class and a confidence; NaN for an object without one, None for no label."""
    flat = [one for found in lists for one in found or []]
    confidences = np.array([confidence for _, confidence in flat], np.float64)
    classes = np.array([index for index, _ in flat], np.int64)
    probabilities = np.repeat((1 - confidences)[:, None] / (n_classes - 1), n_classes, axis=1)
    probabilities[np.arange(len(flat)), classes] = confidences
    offsets = np.concatenate([[0], np.cumsum([len(found or []) for found in lists])]).astype(np.int64)
    return Objects(offsets, np.array([found is not None for found in lists]), probabilities, confidences, classes)


def boxes(*samples: list[tuple[int, tuple[float, float, float, float]]]) -> Boxes:
    """Objects of samples, as pairs of a class and a box."""
    flat = [one for found in samples for one in found]
    offsets = np.concatenate([[0], np.cumsum([len(found) for found in samples])]).astype(np.int64)
    places = np.array([place for _, place in flat], np.float64).reshape(-1, 4)
    return Boxes(offsets, places, np.array([index for index, _ in flat], np.int64))


def noise(n: int, seed: int = 0, n_classes: int = 5) -> tuple[Features, np.ndarray]:
    """Predictions, and losses that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return features_of_predictions(single(rng.dirichlet(np.ones(n_classes), n))), rng.exponential(size=n)


# Losses ---------------------------------------------------------------------------------------------------------------


def test_the_log_loss_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities, truths = rng.dirichlet(np.full(6, 2.0), 50), rng.integers(6, size=50)
    expected = [
        metrics.log_loss([truth], row[None], labels=range(6)) for truth, row in zip(truths, probabilities, strict=True)
    ]
    np.testing.assert_allclose(log_loss(probabilities, truths), expected, rtol=1e-6)


def test_the_log_loss_is_capped_and_nan_stays_nan():
    probabilities = np.array([[1.0, 0.0], [1.0, 0.0], [np.nan, np.nan], [np.nan, np.nan]])
    losses = log_loss(probabilities, np.array([1, 0, 0, -1]))
    np.testing.assert_allclose(losses, [np.log(10_000), 0, np.nan, np.nan])


@settings(max_examples=50)
@given(st.integers(2, 8), st.integers(0, 10_000))
def test_the_log_loss_is_the_same_for_classes_in_another_order(n_classes, seed):
    rng = np.random.default_rng(seed)
    probabilities, truths = rng.dirichlet(np.ones(n_classes), 20), rng.integers(n_classes, size=20)
    order = rng.permutation(n_classes)
    moved = np.argsort(order)[truths]
    np.testing.assert_array_equal(log_loss(probabilities[:, order], moved), log_loss(probabilities, truths))


HERE, NEAR, AWAY = (0.1, 0.1, 0.4, 0.4), (0.1, 0.1, 0.4, 0.3), (0.6, 0.6, 0.3, 0.3)


@pytest.mark.parametrize(
    ("found", "there", "errors"),
    [
        ([], [], 0),
        ([(0, HERE)], [], 1),
        ([], [(0, HERE), (1, AWAY)], 2),
        ([(0, HERE)], [(0, HERE)], 0),
        # three quarters overlap: a match
        ([(0, NEAR)], [(0, HERE)], 0),
        # the right place and the wrong class is wrong and missed
        ([(1, HERE)], [(0, HERE)], 2),
        # one of two predictions of one object is wrong
        ([(0, HERE), (0, NEAR)], [(0, HERE)], 1),
        ([(0, HERE), (1, AWAY)], [(0, AWAY), (1, AWAY)], 2),
    ],
)
def test_wrong_and_missed_objects_are_counted(found, there, errors):
    assert detection_errors(boxes(found), boxes(there)).tolist() == [errors]


def test_the_overlap_of_a_match_can_be_chosen():
    found, there = boxes([(0, NEAR)]), boxes([(0, HERE)])
    assert [detection_errors(found, there, iou)[0] for iou in (0.5, 0.75, 0.8)] == [0, 0, 2]


def test_every_sample_has_errors_of_its_own():
    found = boxes([(0, HERE)], [], [(0, HERE), (0, AWAY)])
    there = boxes([], [(0, HERE)], [(0, AWAY)])
    assert detection_errors(found, there).tolist() == [1, 1, 1]


def test_predictions_that_do_not_count_are_left_out():
    found = boxes([(0, HERE), (0, AWAY)], [(0, AWAY)]).subset(np.array([True, False, False]))
    assert found.offsets.tolist() == [0, 1, 1]
    assert detection_errors(found, boxes([(0, HERE)], [])).tolist() == [0, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_errors_are_a_count_that_neither_order_nor_side_changes(seed):
    rng = np.random.default_rng(seed)
    sets = [
        [(int(rng.integers(2)), tuple(np.round(rng.uniform(0, 0.5, 4) + 0.05, 2))) for _ in range(rng.integers(5))]
        for _ in range(2)
    ]
    errors = detection_errors(boxes(sets[0]), boxes(sets[1]))[0]
    assert abs(len(sets[0]) - len(sets[1])) <= errors <= len(sets[0]) + len(sets[1])
    assert errors % 2 == (len(sets[0]) + len(sets[1])) % 2
    assert detection_errors(boxes(sets[1][::-1]), boxes(sets[0][::-1]))[0] == errors


# Features -------------------------------------------------------------------------------------------------------------


def test_features_of_a_prediction_are_its_sorted_probabilities_and_its_uncertainty():
    probabilities = np.array([[0.2, 0.7, 0.1]])
    features = features_of_predictions(single(probabilities))
    logarithms, unsure = features.summary[0, :11], features.summary[0, 11:]
    np.testing.assert_allclose(np.exp(logarithms[:3]), [0.7, 0.2, 0.1])
    np.testing.assert_allclose(np.exp(logarithms[3:]), [*[1e-4] * 7, 0.3])
    np.testing.assert_allclose(
        unsure, [score(probabilities)[0] for score in (entropy, margin, least_confidence)], rtol=1e-12
    )
    np.testing.assert_array_equal(features.classes, probabilities)
    assert features.uncertainty.tolist() == entropy(probabilities).tolist()


def test_the_summary_of_a_prediction_does_not_depend_on_which_class_is_which():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(12), 30)
    moved = features_of_predictions(single(probabilities[:, rng.permutation(12)]))
    np.testing.assert_allclose(moved.summary, features_of_predictions(single(probabilities)).summary, atol=1e-12)


def test_features_of_objects_count_and_sum():
    objects = several([[(0, 0.9), (0, 0.3), (2, 0.1)], [], [(1, 0.5)]])
    features = features_of_objects(objects, min_confidence=0.3)
    counts = np.expm1(features.summary[:, :12])
    np.testing.assert_allclose(counts[:, 0], [3, 0, 1])
    np.testing.assert_allclose(counts[:, 1], [2, 0, 1])
    np.testing.assert_allclose(counts[:, 2], [2, 0, 1])
    np.testing.assert_allclose(counts[:, 3], [1.3, 0, 0.5])
    np.testing.assert_allclose(counts[:, 4:9], [[1, 1, 0, 0, 1], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0]], atol=1e-12)
    of_objects = entropy(objects.probabilities)
    np.testing.assert_allclose(features.uncertainty, [of_objects[:3].sum(), 0, of_objects[3]])
    np.testing.assert_allclose(np.expm1(features.classes), [[1.2, 0, 0.1, 0], [0, 0, 0, 0], [0, 0.5, 0, 0]])
    np.testing.assert_allclose(features.summary[:, -1], [0.9, 0, 0.5])


def test_what_is_unscoreable_is_nan_in_the_whole_row():
    lists = [[(0, 0.9)], None, [(0, np.nan)], [], [(1, np.nan), (1, 0.4)]]
    features = features_of_objects(several(lists), 0.25)
    assert features.known.tolist() == [True, False, False, True, True]
    assert np.isnan(features.summary).all(axis=1).tolist() == [False, True, True, False, False]
    np.testing.assert_allclose(np.expm1(features.summary[4, :2]), [1, 1])
    absent = Objects(
        np.array([0, 0, 1]), np.array([False, True]), np.array([[0.4, 0.6]]), np.array([0.6]), np.array([1])
    )
    assert features_of_predictions(absent).known.tolist() == [False, True]


def test_a_sample_without_a_vector_is_unscoreable_where_vectors_are_looked_at():
    features, _ = noise(3)
    vectors = np.array([[0.0, 1.0], [np.nan, np.nan], [1.0, 0.0]])
    assert features.known.tolist() == [True, True, True]
    assert replace(features, embeddings=vectors).known.tolist() == [True, False, True]


def test_rows_can_be_taken_and_put_together_again():
    features, _ = noise(6)
    features = replace(features, embeddings=np.arange(12.0).reshape(6, 2))
    again = Features.together([features.of(np.arange(6) < 2), features.of(np.array([2, 3, 4, 5]))])
    for name in ("summary", "classes", "uncertainty", "embeddings"):
        np.testing.assert_array_equal(getattr(again, name), getattr(features, name))


# The regressor --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    """A classifier that never saw the threes and eights, its predictions of other digits, the truth, and the pixels."""
    pixels, digit = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digit))
    pixels, digit = pixels[order] / 16, digit[order]
    seen = np.flatnonzero(~np.isin(digit, (3, 8)))[:500]
    classifier = LogisticRegression(max_iter=500, C=10).fit(pixels[seen], digit[seen])
    rest = np.setdiff1d(np.arange(len(digit)), seen)
    probabilities = np.zeros((len(rest), 10))
    probabilities[:, classifier.classes_] = classifier.predict_proba(pixels[rest])
    shuffled = np.random.default_rng(1).permutation(len(rest))
    rest, probabilities = rest[shuffled], probabilities[shuffled]
    features = features_of_predictions(single(probabilities))
    return replace(features, embeddings=pixels[rest]), log_loss(probabilities, digit[rest])


def test_it_is_a_score_that_the_registry_knows():
    assert scores(Score)["predicted_loss"] is PREDICTED_LOSS
    assert (PREDICTED_LOSS.low, PREDICTED_LOSS.high) == (0, np.inf)
    assert "Source:" in PREDICTED_LOSS.compute.__doc__


def test_losses_of_unseen_samples_are_found_better_than_by_entropy(digits):
    features, losses = digits
    model = fit(features.of(np.arange(400)), losses[:400])
    fresh = features.of(np.arange(400, len(losses)))
    predicted = PREDICTED_LOSS.compute(model, fresh)
    by_loss, by_entropy = (spearmanr(values, losses[400:])[0] for values in (predicted, fresh.uncertainty))
    assert by_loss > by_entropy
    # What was said out of fold holds for samples that are new altogether.
    assert abs(by_loss - model.reliability.spearman.value) < 0.03
    assert abs(by_entropy - model.reliability.spearman_uncertainty.value) < 0.03
    assert abs(predicted.mean() / losses[400:].mean() - 1) < 0.15
    fifth = np.argsort(-predicted)[: round(0.2 * len(predicted))]
    assert losses[400:][fifth].sum() / losses[400:].sum() > 0.5


def test_embeddings_tell_where_the_model_fails_without_knowing(digits):
    features, losses = digits
    rows = np.arange(500)
    blind = fit(replace(features, embeddings=None).of(rows), losses[rows]).reliability
    seeing = fit(features.of(rows), losses[rows]).reliability
    assert seeing.spearman.value > blind.spearman.value
    assert seeing.found > blind.found > blind.found_uncertainty
    assert seeing.found < seeing.found_at_best


def test_what_it_reports_is_what_its_predictions_show(digits):
    features, losses = digits
    model = fit(features.of(np.arange(300)), losses[:300])
    measured = model.reliability
    assert measured.n_labeled == 300
    np.testing.assert_allclose(measured.spearman.value, spearmanr(model.out_of_fold, losses[:300])[0], atol=1e-9)
    expected = spearmanr(features.uncertainty[:300], losses[:300])[0]
    np.testing.assert_allclose(measured.spearman_uncertainty.value, expected, atol=1e-9)
    np.testing.assert_allclose(measured.gain.value, measured.spearman.value - expected, atol=1e-9)
    for estimate in (measured.spearman, measured.spearman_uncertainty, measured.gain):
        assert estimate.low < estimate.value < estimate.high
    # The interval of Bonett & Wright (2000), made another way, is about as wide.
    rho, half = measured.spearman.value, 1.96 * np.sqrt((1 + measured.spearman.value**2 / 2) / 297)
    width = np.tanh(np.arctanh(rho) + half) - np.tanh(np.arctanh(rho) - half)
    assert 0.5 < (measured.spearman.high - measured.spearman.low) / width < 2


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_learned_from_noise(seed):
    features, losses = noise(200, seed)
    measured = fit(features, losses, seed=seed).reliability
    assert measured.spearman.low < 0.05
    assert measured.spearman.value < 0.2


@pytest.fixture(scope="module")
def in_four_folds(digits):
    """Some of the digits, and what is learned from them in four folds."""
    features, losses = digits
    features, losses = features.of(np.arange(160)), losses[:160]
    return features, losses, fit(features, losses, folds=4, seed=9)


@pytest.mark.parametrize("fold", range(4))
def test_a_sample_is_never_predicted_by_what_has_seen_it(in_four_folds, fold):
    features, losses, before = in_four_folds
    _, held_out = list(KFold(4, shuffle=True, random_state=9).split(losses))[fold]
    changed = losses.copy()
    changed[held_out] = losses[held_out][::-1]
    after = fit(features, changed, folds=4, seed=9)
    # What these samples lost is not known to the regressor that predicts these ...
    np.testing.assert_array_equal(np.argsort(before.out_of_fold[held_out]), np.argsort(after.out_of_fold[held_out]))
    # ... but to the one for all.
    ranks = [np.argsort(PREDICTED_LOSS.compute(model, features)) for model in (before, after)]
    assert (ranks[0] != ranks[1]).any()


def test_those_of_one_group_are_never_dealt_apart(digits):
    features, losses = digits
    features, losses = features.of(np.arange(160)), losses[:160]
    groups = np.random.default_rng(0).integers(40, size=160)
    before = fit(features, losses, folds=4, seed=9, groups=groups)
    names = np.unique(groups)
    for _, dealt in KFold(4, shuffle=True, random_state=9).split(names):
        held_out = np.flatnonzero(np.isin(groups, names[dealt]))
        changed = losses.copy()
        changed[held_out] = losses[held_out][::-1]
        after = fit(features, changed, folds=4, seed=9, groups=groups)
        orders = [np.argsort(model.out_of_fold[held_out], kind="stable") for model in (before, after)]
        np.testing.assert_array_equal(*orders)


def test_groups_of_one_are_as_no_groups(digits):
    features, losses = digits
    features, losses = features.of(np.arange(150)), losses[:150]
    first, second = fit(features, losses), fit(features, losses, groups=np.arange(150) * 3 + 7)
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)
    assert first.reliability == second.reliability


def test_the_interval_of_copies_is_that_of_what_they_are_copies_of():
    """Six copies of each sample say as much as one: drawn whole the interval is as wide, drawn apart it is far too narrow."""
    rng = np.random.default_rng(3)
    scores, losses = rng.normal(size=120), rng.exponential(size=120)
    scores += losses / 2
    once = measured(scores, scores, losses, 0).spearman
    copies, groups = [np.repeat(values, 6) for values in (scores, scores, losses)], np.repeat(np.arange(120), 6)
    together, apart = measured(*copies, 0, groups).spearman, measured(*copies, 0).spearman
    np.testing.assert_allclose(together.value, once.value, atol=0.01)
    widths = [one.high - one.low for one in (once, together, apart)]
    assert abs(widths[1] / widths[0] - 1) < 0.1
    assert widths[2] < 0.6 * widths[0]


def test_of_samples_that_tie_for_the_last_places_the_mean_counts():
    losses = np.array([4.0, 0, 0, 0, 0, 0, 0, 0, 0, 6])
    order = np.array([1.0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    found = measured(order, np.zeros(10), losses, 0)
    # First the 4; then one of nine that hold 6 together. With nothing to go by: two tenths.
    np.testing.assert_allclose(
        [found.found, found.found_uncertainty, found.found_at_best], [(4 + 6 / 9) / 10, 0.2, 1.0]
    )
    reversed_ = measured(order[::-1], np.zeros(10), losses[::-1], 0)
    np.testing.assert_allclose(reversed_.found, found.found)


def test_a_column_that_differs_by_rounding_alone_decides_nothing():
    features, losses = noise(200)
    summary = features.summary.copy()
    summary[:, 3] = 0.1 + np.where(np.arange(200) % 2, 1e-17, 0)
    summary[:, 4] = -9.210340371976182
    model = fit(replace(features, summary=summary), losses)
    moved = summary.copy()
    moved[0, 3:5] += 1e-12
    rows = [PREDICTED_LOSS.compute(model, replace(features, summary=one))[0] for one in (summary, moved)]
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-6)


def test_constant_vectors_of_many_dimensions_change_nothing(recwarn):
    features, losses = noise(150)
    plain = fit(features, losses)
    constant = fit(replace(features, embeddings=np.full((150, 300), 0.1, np.float32)), losses)
    np.testing.assert_allclose(constant.out_of_fold, plain.out_of_fold, rtol=1e-6)
    assert not recwarn.list


def test_too_few_groups_for_the_folds():
    features, losses = noise(150)
    with pytest.raises(ShortlistError, match=r"^the labelled samples must be of at least 5 groups.* Got 4 instead\.$"):
        fit(features, losses, groups=np.arange(150) % 4)


def test_the_intervals_hold_the_truth_about_as_often_as_they_say():
    held = 0
    for seed in range(20):
        features, losses = noise(150, 100 + seed)
        measured = fit(features, losses, seed=seed).reliability
        held += measured.spearman_uncertainty.low <= 0 <= measured.spearman_uncertainty.high
    assert held >= 17


def test_the_same_seed_gives_the_same_and_another_deals_anew(digits):
    features, losses = digits
    features, losses = features.of(np.arange(200)), losses[:200]
    first, second, other = (fit(features, losses, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.out_of_fold, second.out_of_fold)
    assert first.reliability == second.reliability
    np.testing.assert_array_equal(PREDICTED_LOSS.compute(first, features), PREDICTED_LOSS.compute(second, features))
    assert (first.out_of_fold != other.out_of_fold).any()
    # The regressor for all others has seen all: it does not depend on the dealing, but for the unit of its losses.
    ranks = (np.argsort(PREDICTED_LOSS.compute(model, features)) for model in (first, other))
    np.testing.assert_array_equal(*ranks)


def test_predictions_do_not_depend_on_the_batch_or_the_order(digits):
    features, losses = digits
    model = fit(features.of(np.arange(200)), losses[:200])
    every = PREDICTED_LOSS.compute(model, features)
    order = np.random.default_rng(0).permutation(len(losses))
    np.testing.assert_allclose(PREDICTED_LOSS.compute(model, features.of(order)), every[order], rtol=1e-9)
    parts = [PREDICTED_LOSS.compute(model, features.of(rows)) for rows in np.array_split(np.arange(len(losses)), 7)]
    np.testing.assert_allclose(np.concatenate(parts), every, rtol=1e-9)


def test_predicted_losses_are_positive_and_finite_however_odd_the_sample(digits):
    features, losses = digits
    model = fit(features.of(np.arange(200)), losses[:200])
    odd = features.of(np.arange(5))
    odd = replace(odd, embeddings=odd.embeddings * np.array([[1], [1e3], [-1e3], [1e6], [-1e6]]))
    predicted = PREDICTED_LOSS.compute(model, odd)
    assert (predicted > 0).all()
    assert np.isfinite(predicted).all()


def test_unscoreable_samples_have_no_predicted_loss(digits):
    features, losses = digits
    model = fit(features.of(np.arange(200)), losses[:200])
    some = features.of(np.arange(3))
    some = replace(some, embeddings=np.where([[False], [True], [False]], np.nan, some.embeddings))
    assert np.isnan(PREDICTED_LOSS.compute(model, some)).tolist() == [False, True, False]
    assert np.isnan(PREDICTED_LOSS.compute(model, some.of(np.array([1])))).tolist() == [True]


def test_wide_embeddings_are_reduced_within_the_fold():
    rng = np.random.default_rng(0)
    features, _ = noise(150)
    direction = rng.normal(size=(1, 400))
    losses = rng.exponential(size=150)
    vectors = np.log(losses)[:, None] * direction + 0.1 * rng.normal(size=(150, 400))
    measured = fit(replace(features, embeddings=vectors.astype(np.float32)), losses).reliability
    assert measured.spearman.value > 0.9
    assert measured.gain.low > 0


def test_columns_that_never_vary_do_no_harm():
    features, losses = noise(120)
    flat = replace(features, embeddings=np.ones((120, 3)), classes=np.zeros((120, 2)))
    assert np.isfinite(PREDICTED_LOSS.compute(fit(flat, losses), flat)).all()


def test_where_nothing_was_learned_every_loss_is_the_mean():
    features, losses = noise(150, 1)
    same = Features(np.ones((150, 3)), np.ones((150, 2)), np.ones(150))
    model = fit(same, losses)
    np.testing.assert_allclose(PREDICTED_LOSS.compute(model, same), losses.mean(), rtol=1e-9)
    assert model.reliability.spearman_uncertainty.value == 0
    assert len(features) == 150


def test_too_few_labelled_samples_are_refused():
    features, losses = noise(MINIMUM)
    fit(features, losses)
    sentence = "predicting losses needs at least 100 samples with both a prediction and ground truth. Got 99 instead. "
    sentence += "Label more, or sort by uncertainty."
    with pytest.raises(ShortlistError, match=f"^{re.escape(sentence)}$"):
        fit(features.of(np.arange(MINIMUM - 1)), losses[: MINIMUM - 1])


def test_losses_that_are_all_the_same_are_refused():
    features, _ = noise(MINIMUM)
    sentence = (
        "the losses of the labelled samples must differ. Got 2 for all 100 instead, which leaves nothing to learn."
    )
    with pytest.raises(ShortlistError, match=f"^{re.escape(sentence)}$"):
        fit(features, np.full(MINIMUM, 2.0))


def test_it_tells_how_far_it_is():
    features, losses = noise(MINIMUM)
    told = []
    fit(features, losses, folds=3, progress=lambda *step: told.append(step))
    assert told == [(done, 4, "learning losses") for done in range(4)]
