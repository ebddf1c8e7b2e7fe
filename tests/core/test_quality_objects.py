"""Label quality of objects: planted errors are found, whatever the unit, the order and the batches."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from shortlist.core.errors import ShortlistError
from shortlist.core.geometry import box_iou
from shortlist.core.quality import object_pairs
from shortlist.core.quality.object_additive import Additive, Curve, fit_additive
from shortlist.core.quality.object_pairs import box_pairs, contained, first_of, top_two
from shortlist.core.quality.object_planting import drawn
from shortlist.core.quality.objects import (
    KINDS,
    Batch,
    Fit,
    ObjectCalibration,
    Predicted,
    calibrate,
    key_of,
    score_objects,
)
from shortlist.core.scores.losses import Boxes

CLASSES, N = 6, 400


def offsets(counts):
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def together(samples, vectors=False, keyed=True):
    """A batch of samples: given boxes and classes, predicted boxes, classes and confidences."""

    def flat(place, *shape):
        return np.concatenate([np.zeros((0, *shape)), *(sample[place] for sample in samples)])

    classes, confidences = flat(3).astype(np.int64), flat(4)
    rest = ((1 - confidences) / (CLASSES - 1))[:, None]
    probabilities = np.where(np.arange(CLASSES) == classes[:, None], confidences[:, None], rest) if vectors else None
    return Batch(
        Boxes(offsets([len(sample[1]) for sample in samples]), flat(0, 4), flat(1).astype(np.int64)),
        Predicted(offsets([len(sample[3]) for sample in samples]), flat(2, 4), classes, confidences, probabilities),
        np.array([key_of(f"sample {row}") for row in range(len(samples))], np.uint64) if keyed else None,
    )


def scenes(n=N, seed=0):
    """Right labels, and what a good detector makes of them: most objects seen, some not, some that are not there."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(n):
        m, stray = rng.integers(1, 9), rng.poisson(1.0)
        sides = np.exp(rng.normal(-1.8, 0.5, (m + stray, 2))).clip(0.02, 0.8)
        boxes = np.c_[rng.random((m + stray, 2)) * (1 - sides), sides]
        classes = rng.integers(0, CLASSES, m + stray)
        found = boxes.copy()
        found[:, :2] += rng.normal(0, 0.04, (m + stray, 2)) * sides
        found[:, 2:] *= np.exp(rng.normal(0, 0.05, (m + stray, 2)))
        labels = np.where(rng.random(m + stray) < 0.95, classes, rng.integers(0, CLASSES, m + stray))
        confidences = np.r_[rng.beta(5, 2, m), rng.beta(1.5, 6, stray)]
        seen = rng.random(m + stray) < 0.92
        samples.append((boxes[:m], classes[:m], found[seen], labels[seen], confidences[seen]))
    return samples


def spoiled(samples, seed=1, share=0.3):
    """Some samples get one error each; returns them, what each has (an index of KINDS, 4: dropped, -1) and of which object."""
    rng = np.random.default_rng(seed)
    result, kinds, places = [], [], []
    for boxes, classes, *rest in samples:
        boxes, classes, kind, place = boxes.copy(), classes.copy(), -1, -1
        if rng.random() < share:
            kind, place = int(rng.integers(5)), int(rng.integers(len(classes)))
            if kind == 0:
                boxes = np.concatenate([boxes, np.r_[rng.random(2) * 0.7, 0.3, 0.3][None]])
                classes = np.append(classes, rng.integers(CLASSES))
                place = len(classes) - 1
            elif kind == 1:
                classes[place] = (classes[place] + rng.integers(1, CLASSES)) % CLASSES
            elif kind == 2:
                boxes[place, :2] += 0.35 * boxes[place, 2:] * rng.choice([-1, 1], 2)
            elif kind == 3:
                boxes = np.concatenate([boxes, boxes[place : place + 1] * 1.01])
                classes = np.append(classes, classes[place])
            else:
                boxes, classes = np.delete(boxes, place, 0), np.delete(classes, place)
        result.append((boxes, classes, *rest))
        kinds.append(kind)
        places.append(place)
    return result, np.array(kinds), np.array(places)


SPOILED, WRONG, PLACES = spoiled(scenes())
BATCH = together(SPOILED)
CALIBRATION = calibrate([BATCH], CLASSES)
QUALITY = score_objects(BATCH, CALIBRATION)


def same(first, second, atol=0.0):
    for name in first.__dataclass_fields__:
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), atol=atol, rtol=0, err_msg=name)


# What is found ----------------------------------------------------------------------------------------------------------


def test_samples_with_errors_have_low_quality():
    assert roc_auc_score(WRONG >= 0, -QUALITY.samples) > 0.85


@pytest.mark.parametrize("kind", range(5), ids=[*KINDS, "missing"])
def test_every_kind_is_found(kind):
    kept = (kind == WRONG) | (WRONG < 0)
    assert roc_auc_score(WRONG[kept] >= 0, -QUALITY.samples[kept]) > 0.7


def test_wrong_objects_have_low_quality_the_right_kind_and_the_right_suggestion():
    rows = np.flatnonzero((WRONG >= 0) & (WRONG < 4))
    objects = BATCH.given.offsets[:-1][rows] + PLACES[rows]
    wrong = np.zeros(len(QUALITY.objects), bool)
    wrong[objects] = True
    assert roc_auc_score(wrong, -QUALITY.objects) > 0.9
    # Of two duplicates either may be the one too many.
    assert (QUALITY.kinds[objects] == WRONG[rows]).mean() > 0.7
    named = objects[(WRONG[rows] == 1) & (QUALITY.suggested_classes[objects] >= 0)]
    truth = np.concatenate([sample[1] for sample in scenes()])
    before = offsets([len(sample[1]) for sample in scenes()])[:-1]
    owners = np.repeat(np.arange(len(SPOILED)), np.diff(BATCH.given.offsets))[named]
    places = named - BATCH.given.offsets[:-1][owners] + before[owners]
    assert len(named) > 3
    assert (QUALITY.suggested_classes[named] == truth[places]).mean() > 0.8


def test_missing_objects_are_where_a_label_was_dropped():
    dropped = np.flatnonzero(WRONG == 4)
    owners = np.searchsorted(BATCH.predicted.offsets, QUALITY.missing, side="right") - 1
    best = np.array([QUALITY.missing_scores[owners == row].max(initial=0) for row in dropped])
    others = np.array([QUALITY.missing_scores[owners == row].max(initial=0) for row in np.flatnonzero(WRONG < 0)])
    assert np.median(best) > 2 * np.median(others)


def test_suggested_boxes_show_the_place_that_was_meant():
    moved = np.flatnonzero(WRONG == 2)
    objects = BATCH.given.offsets[:-1][moved] + PLACES[moved]
    objects = objects[QUALITY.suggested_boxes[objects] >= 0]
    assert len(objects) > 3
    owners = np.searchsorted(BATCH.given.offsets, objects, side="right") - 1
    assert (
        np.searchsorted(BATCH.predicted.offsets, QUALITY.suggested_boxes[objects], side="right") - 1 == owners
    ).all()


# What must not matter ---------------------------------------------------------------------------------------------------


def test_neither_the_order_of_samples_nor_the_batches_matter():
    order = np.random.default_rng(0).permutation(len(SPOILED))
    shuffled = replace(together([SPOILED[row] for row in order]), keys=BATCH.keys[order])
    parts = [shuffled.of(np.arange(low, low + 50)) for low in range(0, N, 50)]
    calibration = calibrate(parts, CLASSES)
    assert calibration.to_json() == CALIBRATION.to_json()
    found = np.concatenate([score_objects(part, calibration).samples for part in parts])
    np.testing.assert_array_equal(found, QUALITY.samples[order])


def test_a_fit_of_few_samples_out_of_many_is_the_same_in_any_order():
    def learned(order):
        fit = Fit(CLASSES, enough=500)
        for low in range(0, N, 40):
            fit.add(BATCH.of(np.sort(order[low : low + 40])))
        return fit.finish()

    one, other = (learned(order) for order in (np.arange(N), np.arange(N).reshape(-1, 40)[::-1].ravel()))
    assert one.to_json() == other.to_json()
    assert one.n_objects < CALIBRATION.n_objects


def test_the_unit_of_boxes_does_not_matter():
    larger = replace(
        BATCH,
        given=replace(BATCH.given, boxes_xywh=BATCH.given.boxes_xywh * 512),
        predicted=replace(BATCH.predicted, boxes_xywh=BATCH.predicted.boxes_xywh * 512),
    )
    same(score_objects(larger, calibrate([larger], CLASSES)), QUALITY, atol=1e-9)


def test_monotone_changes_of_confidence_hardly_matter():
    sharper = replace(BATCH, predicted=replace(BATCH.predicted, confidences=BATCH.predicted.confidences**3))
    found = score_objects(sharper, calibrate([sharper], CLASSES)).samples
    assert np.corrcoef(np.argsort(np.argsort(found)), np.argsort(np.argsort(QUALITY.samples)))[0, 1] > 0.95


def test_many_objects_alone_are_no_sign_of_an_error():
    def beside(sample, times):
        step = np.array([2.0, 0, 0, 0])
        return tuple(
            np.concatenate([part + step * copy if part.ndim == 2 else part for copy in range(times)]) for part in sample
        )

    # The counts are part of what a miss is judged by; pooling alone is looked at here.
    from shortlist.core.quality.objects import _pooled

    ratios, missing = np.random.default_rng(0).normal(size=(5, 4)), np.zeros(3)
    once = _pooled(np.ones(1, bool), np.zeros(5, int), ratios, np.zeros(3, int), missing)
    often = _pooled(np.ones(1, bool), np.zeros(50, int), np.tile(ratios, (10, 1)), np.zeros(30, int), np.zeros(30))
    np.testing.assert_allclose(once, often, atol=1e-12)
    right = SPOILED[int(np.flatnonzero(WRONG < 0)[np.argmax(QUALITY.samples[WRONG < 0])])]
    scores = score_objects(together([right, beside(right, 4)], keyed=False), CALIBRATION).samples
    assert scores[1] > scores[0] - 0.05


def test_overlaps_given_by_a_function_are_those_of_the_boxes():
    sides = {"given": BATCH.given, "predicted": BATCH.predicted}

    def overlap(sample, first, second):
        parts = [sides[side].boxes_xywh[slice(*sides[side].offsets[sample : sample + 2])] for side in (first, second)]
        return box_iou(*parts)

    shapes = replace(BATCH, overlap=overlap)
    calibration = calibrate([shapes], CLASSES)
    same(score_objects(shapes, calibration), QUALITY, atol=1e-6)


def test_shapes_that_overlap_otherwise_than_their_boxes_are_scored():
    sides = {"given": BATCH.given, "predicted": BATCH.predicted}

    def overlap(sample, first, second):
        parts = [sides[side].boxes_xywh[slice(*sides[side].offsets[sample : sample + 2])] for side in (first, second)]
        return box_iou(*parts) ** 1.3

    shapes = replace(BATCH, overlap=overlap)
    found = score_objects(shapes, calibrate([shapes], CLASSES)).samples
    assert roc_auc_score(WRONG >= 0, -found) > 0.8


def test_class_probabilities_that_say_no_more_change_little():
    batch = together(SPOILED, vectors=True)
    found = score_objects(batch, calibrate([batch], CLASSES)).samples
    assert np.corrcoef(found, QUALITY.samples)[0, 1] > 0.95


def test_a_calibration_is_the_same_after_json():
    again = ObjectCalibration.from_json(json.loads(json.dumps(CALIBRATION.to_json())))
    assert again == CALIBRATION
    same(score_objects(BATCH, again), QUALITY)


def test_new_samples_are_scored_by_what_all_say():
    new = score_objects(together(SPOILED, keyed=False), CALIBRATION)
    assert roc_auc_score(WRONG >= 0, -new.samples) > 0.85
    assert not np.array_equal(new.samples, QUALITY.samples)


# What cannot be scored --------------------------------------------------------------------------------------------------


def test_unscoreable_samples_are_nan_and_change_nothing():
    scoreable = np.arange(N) % 10 > 0
    batch = replace(BATCH, scoreable=scoreable)
    calibration = calibrate([batch], CLASSES)
    found = score_objects(batch, calibration)
    alone = score_objects(
        BATCH.of(np.flatnonzero(scoreable)), calibrate([BATCH.of(np.flatnonzero(scoreable))], CLASSES)
    )
    np.testing.assert_array_equal(np.isnan(found.samples), ~scoreable)
    np.testing.assert_array_equal(found.samples[scoreable], alone.samples)
    owners = np.repeat(scoreable, np.diff(BATCH.given.offsets))
    assert (found.kinds[~owners] == -1).all()
    assert np.isnan(found.probabilities[~owners]).all()
    np.testing.assert_array_equal(found.objects[owners], alone.objects)


def test_a_box_that_is_none_is_unscoreable_and_the_rest_of_its_sample_is_not():
    boxes = BATCH.given.boxes_xywh.copy()
    boxes[3] = np.nan
    found = score_objects(replace(BATCH, given=replace(BATCH.given, boxes_xywh=boxes)), CALIBRATION)
    assert np.flatnonzero(np.isnan(found.objects)).tolist() == [3]
    assert np.isfinite(found.samples).all()


EMPTY = np.zeros((0, 4)), np.zeros(0, np.int64)
SQUARE = np.array([[0.1, 0.1, 0.4, 0.4]]), np.array([0])


@pytest.mark.parametrize(
    "samples",
    [
        [(*EMPTY, *EMPTY, np.zeros(0))],
        [(*SQUARE, *EMPTY, np.zeros(0))] * 3,
        [(*EMPTY, *SQUARE, np.ones(1))] * 3,
        [(*SQUARE, *SQUARE, np.ones(1))],
        [(*SQUARE, *SQUARE, np.full(1, np.nan))] * 30,
        [(np.zeros((1, 4)), np.zeros(1, np.int64), np.zeros((1, 4)), np.array([-1]), np.zeros(1))] * 30,
    ],
    ids=["nothing", "no predictions", "no labels", "one", "no confidences", "points without a class"],
)
def test_degenerate_datasets_are_scored(samples):
    batch = together(samples)
    found = score_objects(batch, calibrate([batch], CLASSES))
    assert ((found.samples >= 0) & (found.samples <= 1)).all()
    assert ((found.objects >= 0) & (found.objects <= 1)).all()


def test_one_class_is_enough():
    one = [(boxes, np.zeros_like(c), found, np.zeros_like(d), e) for boxes, c, found, d, e in SPOILED]
    batch = together(one)
    assert np.isfinite(score_objects(batch, calibrate([batch], 1)).samples).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda batch: replace(batch, keys=batch.keys[1:]), "keys must have 400 rows. Got 399 instead"),
        (lambda batch: replace(batch, scoreable=np.ones(3, bool)), "scoreable must have 400 rows"),
        (lambda batch: replace(batch, given=replace(batch.given, classes=np.zeros(2, int))), "classes of given must"),
        (lambda batch: calibrate([replace(batch, keys=None)], CLASSES), "keys must be given"),
        (lambda batch: calibrate([], CLASSES), "must be learned from samples"),
        (lambda batch: calibrate([batch], 2), "classes must be below 2"),
        (lambda batch: calibrate([replace(batch, overlap=lambda *_: np.zeros((1, 99)))], CLASSES), "must be of shape"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ShortlistError, match=message):
        change(BATCH)


# The parts --------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 200_000]))
def test_pairs_are_those_of_the_whole_matrix(seed, chunk):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 6, (2, 4))
    first, second = (Boxes(offsets(row), rng.random((row.sum(), 4)), rng.integers(0, 2, row.sum())) for row in counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_pairs, "_CHUNK", chunk)
        found, (inside, _) = box_pairs(first, second), contained(first, second)
    expected = box_iou(first.boxes_xywh, second.boxes_xywh)
    owners = [np.repeat(np.arange(4), row) for row in counts]
    expected[owners[0][:, None] != owners[1]] = 0
    rows, columns = np.nonzero(expected >= object_pairs.LOW)
    np.testing.assert_array_equal([found.rows, found.columns], [rows, columns])
    np.testing.assert_allclose(found.iou, expected[rows, columns], atol=1e-12)
    assert (first.classes[inside.rows] == second.classes[inside.columns]).all()
    assert (inside.iou <= 1 + 1e-12).all()


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.integers(0, 3), st.integers(0, 9)), max_size=12))
def test_the_two_greatest_are_those_of_a_sort(rows):
    values, items, owners = (np.array([row[place] for row in rows]) for place in range(3))
    found = top_two(values, items.astype(int), owners.astype(int), 4)
    for item in range(4):
        ranked = sorted((value for value, one, _ in rows if one == item), reverse=True)
        assert [found.first[item], found.second[item]] == [*ranked, 0.0, 0.0][:2]
    assert first_of(values, items.astype(int), 4).tolist() == [
        next((place for place, row in enumerate(rows) if row[1] == item and row[0] == found.first[item]), -1)
        for item in range(4)
    ]


def test_draws_are_even_independent_and_go_with_their_key():
    keys = np.arange(20_000, dtype=np.uint64)
    first, second = drawn(keys, 0), drawn(keys, 1)
    np.testing.assert_allclose(np.histogram(first, 10, (0, 1))[0] / 2000, 1, atol=0.1)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03
    np.testing.assert_array_equal(drawn(keys[::-1], 0), first[::-1])


def two_kinds(seed=0, n=600):
    """Rows of which the log likelihood ratio is known: x of one kind is drawn around 1, of the other around 0."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, n), rng.normal(1, 1, n), rng.integers(0, 5, n), rng.integers(0, 5, n)


def test_log_likelihood_ratios_are_learned():
    clean, wrong, *folds = two_kinds(n=5000)
    model = fit_additive([clean], [wrong], tuple(folds), 5)[-1]
    points = np.array([-1.0, 0, 0.5, 1, 2])
    # Of two normal distributions a standard deviation apart: x - 1/2.
    np.testing.assert_allclose(model([points]), points - 0.5, atol=0.3)


@pytest.mark.parametrize("alone", [0, 1])
def test_without_the_only_fold_of_a_kind_nothing_is_known(alone):
    clean, wrong, *folds = two_kinds()
    folds[alone][:] = 3
    found = fit_additive([clean], [wrong], tuple(folds), 5)
    points = np.linspace(-1.5, 2.5, 20)
    np.testing.assert_array_equal(found[3]([points]), 0)
    assert all(np.ptp(found[other]([points])) > 1 for other in (0, 1, 2, 4, 5))


def test_leaving_a_fold_out_is_near_to_never_having_seen_it():
    clean, wrong, first, second = two_kinds()
    without = fit_additive([clean], [wrong], (first, second), 5)[2]
    alone = fit_additive([clean[first != 2]], [wrong[second != 2]], (first[first != 2], second[second != 2]), 5)[-1]
    everything = fit_additive([clean], [wrong], (first, second), 5)[-1]
    points = np.linspace(-1.5, 2.5, 20)
    assert np.abs(without([points]) - alone([points])).max() < np.abs(everything([points]) - alone([points])).max()


def test_curves_bend_at_their_knots_and_keep_zero_apart():
    curve = Curve((1.0, 2.0), (0.0, 4.0), -1.0)
    assert curve(np.array([0.0, 0.5, 1.5, 9.0])).tolist() == [-1.0, 0.0, 2.0, 4.0]
    assert Additive.from_json(json.loads(json.dumps(Additive(0.5, (curve,)).to_json()))) == Additive(0.5, (curve,))


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_scores_stay_in_range_and_suggestions_within_their_sample(seed):
    samples, _, _ = spoiled(scenes(n=25, seed=seed), seed, 0.5)
    batch = together(samples, vectors=bool(seed % 2))
    found = score_objects(batch, calibrate([batch], CLASSES))
    for scores in (found.samples, found.objects, found.probabilities, found.missing_scores, found.sample_probabilities):
        assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_allclose(found.objects + found.probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(found.samples + found.sample_probabilities.sum(axis=1), 1)
    named = found.suggested_classes >= 0
    assert (found.kinds[named] == 1).all()
    assert (found.suggested_classes[named] != batch.given.classes[named]).all()
    owners = np.repeat(np.arange(25), np.diff(batch.given.offsets))
    boxed = found.suggested_boxes >= 0
    theirs = np.searchsorted(batch.predicted.offsets, found.suggested_boxes[boxed], side="right") - 1
    assert (theirs == owners[boxed]).all()
