"""ObjectLab beside cleanlab's own, on random and degenerate inputs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cleanlab.object_detection.rank import (
    compute_badloc_box_scores,
    compute_overlooked_box_scores,
    compute_swap_box_scores,
    get_label_quality_scores,
)

from shortlist.core.quality.object_batch import Predicted
from shortlist.core.quality.objectlab import objectlab
from shortlist.core.scores.losses import Boxes

CLASSES = 4


def drawn(seed, n=30, scale=400.0, most=8):
    """Labels, and predictions that lie near them or anywhere: many sure, many not."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(n):
        m, k = rng.integers(0, most, 2)
        given = np.c_[rng.random((m, 2)), 0.05 + 0.3 * rng.random((m, 2))] * scale
        stray = np.c_[rng.random((k, 2)), 0.05 + 0.3 * rng.random((k, 2))] * scale
        near = given + rng.normal(0, 0.02, given.shape) * scale
        near[:, 2:] = np.abs(near[:, 2:])
        classes = rng.integers(0, CLASSES, m)
        found = np.where(rng.random(m) < 0.8, classes, rng.integers(0, CLASSES, m))
        twice = rng.random(m) < 0.1
        samples.append(
            (
                np.concatenate([given, given[twice]]),
                np.concatenate([classes, rng.integers(0, CLASSES, twice.sum())]),
                np.concatenate([near, stray]),
                np.concatenate([found, rng.integers(0, CLASSES, k)]),
                rng.choice([0.2, 0.5, 0.6, 0.949, 0.95, 0.97, 1.0], m + k),
            )
        )
    return samples


def ours(samples):
    def flat(place, *shape):
        return np.concatenate([np.zeros((0, *shape)), *(sample[place] for sample in samples)])

    def offsets(place):
        return np.concatenate([[0], np.cumsum([len(sample[place]) for sample in samples])]).astype(np.int64)

    # By class, as cleanlab has them, so that scores compare one by one.
    given = Boxes(offsets(1), flat(0, 4), flat(1).astype(np.int64))
    return objectlab(given, Predicted(offsets(3), flat(2, 4), flat(3).astype(np.int64), flat(4)))


def by_class(samples):
    order = [np.argsort(sample[3], kind="stable") for sample in samples]
    return [(*sample[:2], *(part[rows] for part in sample[2:])) for sample, rows in zip(samples, order, strict=True)]


def theirs(samples):
    def corners(boxes):
        return np.c_[boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]

    labels = [{"bboxes": corners(sample[0]), "labels": sample[1]} for sample in samples]
    predictions = []
    for sample in samples:
        rows = np.c_[corners(sample[2]), sample[4]]
        each = np.empty(CLASSES, dtype=object)
        each[:] = [rows[sample[3] == one] for one in range(CLASSES)]
        predictions.append(each)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        boxes = [
            np.concatenate([np.zeros(0), *score(labels=labels, predictions=predictions)])
            for score in (compute_overlooked_box_scores, compute_badloc_box_scores, compute_swap_box_scores)
        ]
        return get_label_quality_scores(labels, predictions, verbose=False), *boxes


def assert_same(samples):
    samples = by_class(samples)
    found, expected = ours(samples), theirs(samples)
    for mine, other in zip((found.samples, found.overlooked, found.badloc, found.swap), expected, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [1.0, 40.0, 640.0], ids=["relative", "small", "pixels"])
def test_scores_are_those_of_cleanlab(seed, scale):
    assert_same(drawn(seed, scale=scale))


NONE = np.zeros((0, 4)), np.zeros(0, np.int64)
ONE = np.array([[10.0, 10, 20, 20]]), np.array([1])


@pytest.mark.parametrize(
    "samples",
    [
        [(*NONE, *NONE, np.zeros(0))],
        [(*ONE, *NONE, np.zeros(0))],
        [(*NONE, *ONE, np.ones(1))],
        [(*ONE, *ONE, np.ones(1))],
        # Boxes that only touch, and one without an area.
        [(*ONE, np.array([[30.0, 10, 20, 20]]), np.array([1]), np.ones(1))],
        [(np.array([[10.0, 10, 0, 0]]), np.array([1]), *ONE, np.ones(1))],
        [(*ONE, np.array([[10.0, 10, 0, 20]]), np.array([2]), np.ones(1))],
        # So far away that the similarity underflows to 0.
        [(*ONE, np.array([[1e6, 1e6, 5, 5]]), np.array([1]), np.ones(1))],
        # The same box twice, with two classes and with one.
        [(np.repeat(ONE[0], 2, axis=0), np.array([1, 2]), *ONE, np.ones(1))],
        [(np.repeat(ONE[0], 2, axis=0), np.array([1, 1]), *ONE, np.ones(1))],
        [(*NONE, *NONE, np.zeros(0)), (*ONE, *ONE, np.full(1, 0.96)), (*NONE, *ONE, np.full(1, 0.5))],
    ],
    ids=[
        "nothing",
        "unseen",
        "overlooked",
        "right",
        "touching",
        "point",
        "line",
        "far",
        "two classes",
        "twice",
        "mixed",
    ],
)
def test_degenerate_samples_score_as_in_cleanlab(samples):
    assert_same(samples)


def test_what_cleanlab_cannot_score_is_no_error_here():
    with pytest.raises(IndexError):
        theirs([])
    assert len(ours([]).samples) == 0


def test_scores_depend_on_the_unit_as_those_of_cleanlab_do():
    large, small = (by_class(drawn(7, scale=scale)) for scale in (640.0, 1.0))
    assert np.abs(ours(large).samples - ours(small).samples).max() > 0.01
    assert np.abs(theirs(large)[0] - theirs(small)[0]).max() > 0.01
