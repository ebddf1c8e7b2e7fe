"""Label quality of classes: hand-worked values, parity with cleanlab, and what the noise channel finds that others do not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, roc_auc_score

from shortlist.core.errors import ShortlistError
from shortlist.core.quality import channel_counts
from shortlist.core.quality.channel import Channel, ChannelFit, fit_channel, noise_channel
from shortlist.core.quality.channel_rates import channel_noise
from shortlist.core.quality.classification import (
    confidence_weighted_entropy,
    label_scores,
    log_odds_margin,
    normalized_margin,
    self_confidence,
)

SIMPLE = ["self_confidence", "normalized_margin", "confidence_weighted_entropy", "log_odds_margin"]
CLEANLAB = SIMPLE[:3]
every_score = pytest.mark.parametrize("name", [*SIMPLE, "noise_channel"])


@st.composite
def labelled(draw):
    """(n, K) rows that sum to one, one-hot rows among them, and a label a row."""
    shape = draw(st.tuples(st.integers(1, 8), st.integers(2, 6)))
    weights = draw(hnp.arrays(np.float64, shape, elements=st.floats(0, 1) | st.just(0.0)))
    weights[weights.sum(axis=1) < 1e-3, 0] = 1
    labels = draw(hnp.arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))
    return weights / weights.sum(axis=1, keepdims=True), labels


def drawn(seed: int, n: int, n_classes: int, sharpness: float = 1.0):
    """Random probabilities and labels that mostly follow them; every kind of row that is hard on a formula is there."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(n_classes, 1 / sharpness), n)
    true = np.array([rng.choice(n_classes, p=row) for row in probabilities])
    labels = np.where(rng.random(n) < 0.2, rng.integers(0, n_classes, n), true)
    return probabilities, labels


def noisy(seed: int, channel: np.ndarray, n: int = 4000, skill: float = 2.5):
    """A calibrated model of the true classes, and labels that passed a channel ``[true, given]``."""
    rng = np.random.default_rng(seed)
    n_classes = len(channel)
    true = rng.integers(0, n_classes, n)
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), true] += skill
    probabilities = np.exp(logits * skill)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(n_classes, p=channel[one]) for one in true])
    return probabilities, labels, true


def even(n_classes: int, rate: float) -> np.ndarray:
    channel = np.full((n_classes, n_classes), rate / (n_classes - 1))
    np.fill_diagonal(channel, 1 - rate)
    return channel


def next_class(n_classes: int, rate: float) -> np.ndarray:
    return (1 - rate) * np.eye(n_classes) + rate * np.roll(np.eye(n_classes), 1, axis=1)


def found(quality: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    return roc_auc_score(wrong, -quality), average_precision_score(wrong, -quality)


# Scores of a label alone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "row", "label", "expected"),
    [
        (self_confidence, [0.7, 0.2, 0.1], 1, 0.2),
        (normalized_margin, [0.7, 0.2, 0.1], 0, 0.75),
        (normalized_margin, [0.7, 0.2, 0.1], 2, 0.2),
        (log_odds_margin, [0.6, 0.2, 0.2], 0, 0.75),
        (log_odds_margin, [0.6, 0.2, 0.2], 1, 0.25),
        # e = 1 / .5 = 2; log(3) / 2
        (confidence_weighted_entropy, [0.5, 0.5], 0, 0.549306),
        # certain of the given class, certain of another: the limits
        (confidence_weighted_entropy, [1.0, 0.0], 0, 1.0),
        (confidence_weighted_entropy, [1.0, 0.0], 1, 0.0),
    ],
)
def test_values_worked_by_hand(formula, row, label, expected):
    assert formula(np.array([row]), np.array([label])) == pytest.approx([expected], abs=1e-6)


@pytest.mark.parametrize("name", CLEANLAB)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("sharpness", [0.5, 1, 5])
def test_the_three_scores_are_those_of_cleanlab(name, n_classes, sharpness):
    probabilities, labels = drawn(n_classes, 300, n_classes, sharpness)
    probabilities[:20] = np.eye(n_classes)[np.arange(20) % n_classes]
    probabilities[20:30] = 1 / n_classes
    ours = label_scores()[name].compute(probabilities, labels)
    theirs = get_label_quality_scores(labels, probabilities, method=name)
    exempt = np.zeros(len(labels), bool)
    if name == "confidence_weighted_entropy":
        own = probabilities[np.arange(len(labels)), labels]
        exempt = (own > 1 - 1e-6) | (own < 1e-6)
    np.testing.assert_allclose(ours[~exempt], theirs[~exempt], atol=1e-6)
    assert exempt.sum() < 100


@pytest.mark.parametrize("name", CLEANLAB)
def test_parity_holds_without_samples_of_a_class_and_with_few_rows(name):
    probabilities, labels = drawn(1, 5, 6)
    labels = np.minimum(labels, 3)
    theirs = get_label_quality_scores(labels, probabilities, method=name)
    np.testing.assert_allclose(label_scores()[name].compute(probabilities, labels), theirs, atol=1e-6)


def test_a_certain_and_right_prediction_is_where_cleanlab_errs():
    probabilities, labels = np.array([[1.0, 0.0], [0.6, 0.4]]), np.array([0, 0])
    theirs = get_label_quality_scores(labels, probabilities, method="confidence_weighted_entropy")
    ours = confidence_weighted_entropy(probabilities, labels)
    assert theirs[0] == 0
    assert ours[0] == 1
    assert ours[1] == pytest.approx(theirs[1], abs=1e-6)


def test_an_all_but_certain_and_wrong_prediction_is_where_cleanlab_errs():
    probabilities, labels = np.array([[1 - 1e-8, 1e-8]]), np.array([1])
    theirs = get_label_quality_scores(labels, probabilities, method="confidence_weighted_entropy")
    assert theirs[0] > 0.8
    assert confidence_weighted_entropy(probabilities, labels)[0] < 0.2


def test_a_label_with_no_probability_at_all_scores_as_cleanlab_where_the_others_share():
    probabilities, labels = np.array([[0.5, 0.5, 0.0]]), np.array([2])
    theirs = get_label_quality_scores(labels, probabilities, method="confidence_weighted_entropy")
    assert confidence_weighted_entropy(probabilities, labels) == pytest.approx(theirs, abs=1e-9)


@given(labelled())
def test_the_log_odds_margin_is_one_half_where_the_given_class_ties_with_the_best_other(pair):
    probabilities, labels = pair
    own = probabilities[np.arange(len(labels)), labels]
    others = np.where(np.eye(probabilities.shape[1], dtype=bool)[labels], -1, probabilities).max(axis=1)
    quality = log_odds_margin(probabilities, labels)
    np.testing.assert_array_equal(
        np.sign(np.round(quality - 0.5, 12)), np.sign(np.round((own - others) / (own + others), 12))
    )


@every_score
@given(pair=labelled())
def test_the_range_is_zero_to_one(name, pair):
    score = label_scores()[name]
    quality = score.compute(*pair)
    assert quality.shape == (len(pair[1]),)
    assert ((quality >= score.low) & (quality <= score.high)).all()


@every_score
@given(pair=labelled(), data=st.data())
def test_rows_without_a_label_or_probabilities_and_only_those_are_nan(name, pair, data):
    probabilities, labels = pair
    absent = data.draw(hnp.arrays(bool, len(labels)))
    unknown = data.draw(hnp.arrays(bool, len(labels)))
    probabilities[absent, 0] = np.nan
    labels = np.where(unknown, -1, labels)
    quality = label_scores()[name].compute(probabilities, labels)
    np.testing.assert_array_equal(np.isnan(quality), absent | unknown)


@pytest.mark.parametrize("name", SIMPLE)
@given(pair=labelled(), data=st.data())
def test_every_value_follows_its_row(name, pair, data):
    probabilities, labels = pair
    order = data.draw(st.permutations(range(len(labels))))
    compute = label_scores()[name].compute
    np.testing.assert_array_equal(compute(probabilities[order], labels[order]), compute(probabilities, labels)[order])


@every_score
def test_single_precision_scores_as_double(name):
    probabilities, labels = drawn(3, 500, 5)
    compute = label_scores()[name].compute
    single = compute(probabilities.astype(np.float32), labels)
    np.testing.assert_allclose(single, compute(probabilities, labels), atol=2e-4)


@every_score
def test_inputs_are_left_as_they_were_and_no_rows_give_no_values(name):
    probabilities, labels = drawn(4, 50, 3)
    before = probabilities.copy(), labels.copy()
    compute = label_scores()[name].compute
    compute(probabilities, labels)
    np.testing.assert_array_equal(probabilities, before[0])
    np.testing.assert_array_equal(labels, before[1])
    assert compute(np.zeros((0, 3)), np.zeros(0, np.int64)).shape == (0,)


@every_score
@pytest.mark.parametrize(
    ("labels", "words"), [([0, 3], "in \\[0, 3\\)"), ([0, -2], "-1"), ([0], "2 integers"), ([0.0, 1.0], "2 integers")]
)
def test_labels_that_do_not_fit_are_refused(name, labels, words):
    with pytest.raises(ShortlistError, match=words):
        label_scores()[name].compute(np.full((2, 3), 1 / 3), np.array(labels))


@every_score
def test_every_score_says_what_it_is_and_where_it_comes_from(name):
    score = label_scores()[name]
    assert score.description
    assert score.source
    assert "Source:" in (score.compute.__doc__ or "")
    assert (score.low, score.high) == (0, 1)


# The noise channel ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_errors_of_one_kind_are_found_better_than_by_any_score_of_a_label_alone(seed):
    probabilities, labels, true = noisy(seed, next_class(6, 0.25), skill=1.6)
    wrong = labels != true
    ours = found(noise_channel(probabilities, labels), wrong)
    for name in SIMPLE:
        theirs = found(label_scores()[name].compute(probabilities, labels), wrong)
        assert ours[0] > theirs[0]
        assert ours[1] > theirs[1] + 0.01


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("n_classes", [2, 8])
def test_errors_without_a_pattern_are_found_as_well_as_by_the_best_of_them(seed, n_classes):
    probabilities, labels, true = noisy(seed, even(n_classes, 0.15), skill=1.2)
    wrong = labels != true
    best = np.max([found(label_scores()[name].compute(probabilities, labels), wrong) for name in SIMPLE], axis=0)
    ours = found(noise_channel(probabilities, labels), wrong)
    assert ours[0] > best[0] - 0.005
    assert ours[1] > best[1] - 0.02


def test_the_channel_is_close_to_the_one_that_labels_passed():
    channel = next_class(5, 0.2)
    probabilities, labels, _ = noisy(3, channel, n=8000)
    estimate = np.array(fit_channel([(probabilities, labels)], 5).noise)
    np.testing.assert_allclose(estimate.sum(axis=0), 1)
    np.testing.assert_allclose(estimate.T, channel, atol=0.05)


def test_labels_without_errors_give_a_channel_without_errors():
    probabilities, labels, _ = noisy(0, np.eye(4), skill=3)
    channel = fit_channel([(probabilities, labels)], 4)
    assert np.diag(channel.noise).min() > 0.99
    assert (channel.quality(probabilities, labels)[0] < 0.5).mean() < 0.01


def test_the_suggestion_is_the_true_class_of_nearly_all_errors():
    probabilities, labels, true = noisy(0, next_class(5, 0.2))
    channel = fit_channel([(probabilities, labels)], 5)
    suggested = channel.quality(probabilities, labels)[1]
    wrong = labels != true
    assert (suggested != labels).all()
    assert (suggested == true)[wrong].mean() > 0.9


def test_quality_and_suggestion_are_read_off_the_posterior():
    probabilities, labels, _ = noisy(0, even(4, 0.1), n=200)
    channel = fit_channel([(probabilities, labels)], 4)
    labels[7] = -1
    posterior = channel.posterior(probabilities, labels)
    quality, suggested = channel.quality(probabilities, labels)
    known = labels >= 0
    np.testing.assert_allclose(posterior[known].sum(axis=1), 1)
    np.testing.assert_allclose(quality[known], posterior[known, labels[known]])
    posterior[known, labels[known]] = -1
    np.testing.assert_array_equal(suggested[known], posterior[known].argmax(axis=1))
    assert np.isnan(quality[7])
    assert suggested[7] == -1


def test_the_posterior_is_that_of_bayes_worked_by_hand():
    # P(true 0) .6 * P(1 | 0) .25 = .15 and .4 * P(1 | 1) .9 = .36: .36 / .51
    channel = Channel(((0.75, 0.1), (0.25, 0.9)), 1.0, 1.0, 100)
    assert channel.quality(np.array([[0.6, 0.4]]), np.array([1]))[0] == pytest.approx([0.36 / 0.51])


@pytest.mark.parametrize("batch", [1, 37, 1000])
def test_batches_and_their_order_change_nothing(batch):
    probabilities, labels, _ = noisy(5, next_class(4, 0.2), n=1000)
    whole = fit_channel([(probabilities, labels)], 4)
    order = np.random.default_rng(0).permutation(1000)
    parts = [order[start : start + batch] for start in range(0, 1000, batch)]
    assert fit_channel([(probabilities[rows], labels[rows]) for rows in parts], 4) == whole
    assert whole.n_labeled == 1000


def test_order_changes_nothing_where_only_some_of_the_rows_are_kept(monkeypatch):
    monkeypatch.setattr(channel_counts, "_SAMPLE_VALUES", 400)
    monkeypatch.setattr(channel_counts, "_SAMPLE_ROWS", 100)
    monkeypatch.setattr(channel_counts, "_WAITING", 50)
    probabilities, labels, _ = noisy(5, next_class(4, 0.2), n=1000)
    parts = np.array_split(np.random.default_rng(0).permutation(1000), 30)
    shuffled = fit_channel([(probabilities[rows], labels[rows]) for rows in parts], 4)
    assert shuffled == fit_channel([(probabilities, labels)], 4)


def test_a_stored_channel_scores_new_samples_alike():
    probabilities, labels, _ = noisy(1, next_class(4, 0.2), n=500)
    channel = fit_channel([(probabilities, labels)], 4)
    again = Channel.from_json(json.loads(json.dumps(channel.to_json())))
    assert again == channel
    one = channel.quality(probabilities[:1], labels[:1])[0]
    assert one == pytest.approx(channel.quality(probabilities, labels)[0][:1])


def test_the_memory_that_learning_holds_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.setattr(channel_counts, "_SAMPLE_VALUES", 30_000)
    monkeypatch.setattr(channel_counts, "_WAITING", 5_000)
    fit, rng, sizes = ChannelFit(3), np.random.default_rng(0), []
    for _ in range(60):
        fit.add(rng.dirichlet(np.ones(3), 5_000).astype(np.float32), rng.integers(0, 3, 5_000))
        rows = sum(len(part[1]) for part in fit._sample._parts)
        sizes.append(rows + len(fit._confusions._keys) + fit._confusions._n_waiting)
    # At most twice the sample of ten thousand rows, every combination of two classes and a step, and what waits.
    assert max(sizes) <= 25_000 + 9 * 2049 + 10_000
    assert max(sizes[40:]) < 1.2 * max(sizes[10:30])


def test_what_cannot_be_learned_from_still_scores_in_the_order_of_the_given_class():
    probabilities = np.array([[0.9, 0.05, 0.05], [0.2, 0.7, 0.1]])
    for quality in (
        fit_channel([], 3).quality(probabilities, np.array([0, 0]))[0],
        noise_channel(probabilities, np.array([0, 0])),
    ):
        assert 1 > quality[0] > quality[1] > 0


def test_classes_that_are_never_given_or_never_predicted_do_no_harm():
    probabilities, labels, _ = noisy(0, even(3, 0.1), n=400)
    wide = np.concatenate([probabilities * 0.98, np.full((400, 2), 0.01)], axis=1)
    quality = noise_channel(wide, labels)
    assert np.isfinite(quality).all()
    assert np.corrcoef(quality, noise_channel(probabilities, labels))[0, 1] > 0.95


def test_saturated_and_equal_rows_give_finite_qualities():
    probabilities = np.eye(3)[np.arange(60) % 3]
    labels = np.where(np.arange(60) < 6, 0, np.arange(60) % 3)
    quality = noise_channel(probabilities, labels)
    agrees = probabilities.argmax(axis=1) == labels
    assert np.isfinite(quality).all()
    assert quality[agrees].min() > 0.5 > quality[~agrees].max()


def test_one_class_alone_is_refused():
    with pytest.raises(ShortlistError, match="at least two classes"):
        noise_channel(np.ones((3, 1)), np.zeros(3, np.int64))


def test_predictions_of_other_classes_than_learned_are_refused():
    channel = fit_channel([], 3)
    with pytest.raises(ShortlistError, match="of 3 classes"):
        channel.quality(np.full((2, 4), 0.25), np.zeros(2, np.int64))


def test_rates_are_drawn_to_each_other_where_few_samples_show_them():
    few = np.array([[4.0, 1.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
    drawn_few, drawn_many = channel_noise(few, few), channel_noise(1000 * few, 1000 * few)
    np.testing.assert_allclose(drawn_few.sum(axis=0), 1)
    # With thousands the class in the middle is believed to err one time in four, with a handful the classes err alike.
    assert 1 - drawn_many[1, 1] == pytest.approx(0.25, abs=0.03)
    assert np.ptp(np.diag(drawn_few)) < np.ptp(np.diag(drawn_many))


def test_disagreement_that_rises_where_the_model_is_less_sure_is_laid_to_the_model():
    surest = np.array([[900.0, 0.0], [100.0, 1000.0]])
    flat, rising = surest, np.array([[500.0, 0.0], [500.0, 1000.0]])
    assert channel_noise(surest, flat)[1, 0] == pytest.approx(0.1, abs=0.02)
    assert channel_noise(surest, rising)[1, 0] < 0.08
