"""What predictions cost where the truth is known, and what can be seen of them where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import box_iou, matched
from .aggregation import aggregate
from .base import Objects
from .uncertainty import entropy, least_confidence, margin

#: probabilities below this cost no more: a model that is surely wrong loses 9.2 nats
LEAST_PROBABILITY = 1e-4
# How many of the sorted probabilities are looked at, and in how many bins confidences are counted.
_TOP, _BINS = 10, 5


@dataclass(frozen=True)
class Boxes:
    """Objects of a batch of n samples, as places.

    Args:
        offsets: (n + 1,) int64; the objects of sample i are the rows ``offsets[i]:offsets[i + 1]``
        boxes_xywh: (m, 4) float, top left corner, width and height, relative to the image
        classes: (m,) int64
    """

    offsets: NDArray[np.int64]
    boxes_xywh: NDArray[np.floating]
    classes: NDArray[np.int64]

    def subset(self, keep: NDArray[np.bool_]) -> Boxes:
        """The same samples with some of their objects.

        Args:
            keep: (m,) bool
        """
        kept = np.concatenate([[0], np.cumsum(keep)])[self.offsets]
        return Boxes(kept, self.boxes_xywh[keep], self.classes[keep])


@dataclass(frozen=True)
class Features:
    """What can be seen of n predictions without knowing the truth; NaN in every row that is unscoreable.

    Args:
        summary: (n, s) float, how sure the prediction is and how much it holds
        classes: (n, K) float, what was predicted
        uncertainty: (n,) float, the plain entropy, which a learned score must beat
        embeddings: (n, d) float, one vector a sample, if there are any; NaN rows where a sample has none
    """

    summary: NDArray[np.floating]
    classes: NDArray[np.floating]
    uncertainty: NDArray[np.floating]
    embeddings: NDArray[np.floating] | None = None

    def __len__(self) -> int:
        return len(self.summary)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) which rows can be scored."""
        known = ~np.isnan(self.uncertainty)
        return known if self.embeddings is None else known & ~np.isnan(self.embeddings[:, 0])

    def of(self, rows: NDArray) -> Features:
        """Some of the rows, by a mask or by their places."""
        embeddings = None if self.embeddings is None else self.embeddings[rows]
        return Features(self.summary[rows], self.classes[rows], self.uncertainty[rows], embeddings)

    @staticmethod
    def together(parts: Sequence[Features]) -> Features:
        """The rows of several, which must be of one width."""
        vectors = [part.embeddings for part in parts if part.embeddings is not None]
        return Features(
            np.concatenate([part.summary for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.uncertainty for part in parts]),
            np.concatenate(vectors) if vectors else None,
        )


def log_loss(probabilities: NDArray[np.floating], truths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log loss of every prediction, in nats.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows are unscoreable
        truths: (n,) int64, the true class; -1 for one that the model does not know, whose probability is 0

    Returns:
        (n,) float64 in [0, 9.21], NaN where unscoreable

    Source: Good, Rational Decisions, Journal of the Royal Statistical Society B, 1952.

    >>> log_loss(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, -1])).round(2)
    array([0.69, 9.21])
    """
    given = probabilities[np.arange(len(truths)), truths].astype(np.float64)
    given[truths < 0] *= 0
    return 0 - np.log(np.clip(given, LEAST_PROBABILITY, 1))


def detection_errors(predicted: Boxes, labeled: Boxes, iou: float = 0.5) -> NDArray[np.float64]:
    """How many predicted objects of a sample are not there, plus how many that are there were not predicted.

    Objects of one class are matched one to one, so that as many as possible have a partner with enough overlap.

    Args:
        predicted: what the model found in n samples
        labeled: what is there
        iou: the least overlap (intersection over union) of a match

    Returns:
        (n,) float64 >= 0: false positives + false negatives

    Source: Everingham et al., The Pascal Visual Object Classes Challenge, 2010, section 4.4 (a match: same class, IoU >= .5).
    """
    n = len(predicted.offsets) - 1
    errors = (np.diff(predicted.offsets) + np.diff(labeled.offsets)).astype(np.float64)
    for row in range(n):
        found = slice(predicted.offsets[row], predicted.offsets[row + 1])
        truth = slice(labeled.offsets[row], labeled.offsets[row + 1])
        if found.start == found.stop or truth.start == truth.stop:
            continue
        overlap = box_iou(predicted.boxes_xywh[found], labeled.boxes_xywh[truth])
        overlap[predicted.classes[found][:, None] != labeled.classes[truth]] = 0
        errors[row] -= 2 * len(matched(overlap, iou)[0])
    return errors


def features_of_predictions(objects: Objects) -> Features:
    """Features of samples that have one prediction each: sorted probabilities, entropy, margin, least confidence.

    Args:
        objects: the predictions of n samples

    Returns:
        n rows; unscoreable where a sample has no prediction or no probabilities
    """
    columns = objects.probabilities.shape[1]
    probabilities = np.full((len(objects.present), columns), np.nan, objects.probabilities.dtype)
    single = np.diff(objects.offsets) == 1
    probabilities[single] = objects.probabilities[objects.offsets[:-1][single]]
    unsure = [entropy(probabilities), margin(probabilities), least_confidence(probabilities)]
    top = np.full((len(probabilities), _TOP), 0.0)
    top[:, : min(columns, _TOP)] = -np.sort(-probabilities, axis=1)[:, :_TOP]
    # Logarithms tell a probability of .99 from one of .9999, which is a hundredth of the loss.
    logarithms = _logarithm(np.column_stack([top, unsure[2]]))
    return Features(np.column_stack([logarithms, *unsure]), probabilities, unsure[0])


def features_of_objects(objects: Objects, min_confidence: float) -> Features:
    """Features of samples that have a list of objects: counts, a histogram of confidences, sums, maxima and means of scores.

    Args:
        objects: the predictions of n samples; objects without probabilities do not count
        min_confidence: from which confidence on an object counts as found

    Returns:
        n rows; unscoreable where a sample has no label, or has objects of which none has probabilities
    """
    counts = np.diff(objects.offsets)
    known = objects.subset(~np.isnan(objects.probabilities).any(axis=1))
    n, owners, offsets = len(counts), known.owners, known.offsets
    best = known.probabilities.max(axis=1, initial=0)
    confidences = np.where(np.isnan(known.confidences), best, known.confidences)
    bins = np.minimum((confidences * _BINS).astype(np.int64), _BINS - 1)
    histogram = np.bincount(owners * _BINS + bins, minlength=n * _BINS).reshape(n, _BINS)
    of_class = np.bincount(
        owners * known.probabilities.shape[1] + np.maximum(known.classes, 0),
        weights=confidences,
        minlength=n * known.probabilities.shape[1],
    ).reshape(n, -1)
    found = np.bincount(owners[confidences >= min_confidence], minlength=n)
    scores = [score(known.probabilities) for score in (entropy, least_confidence, margin)]
    sums, means, maxima = ([aggregate(values, offsets, how) for values in scores] for how in ("sum", "mean", "max"))
    sizes = [np.diff(offsets), found, (of_class > 0).sum(axis=1), of_class.sum(axis=1), *histogram.T, *sums]
    summary = np.column_stack([*np.log1p(sizes), *means, *maxima, aggregate(confidences, offsets, "max")])
    unscoreable = ~objects.present | ((counts > 0) & (np.diff(offsets) == 0))
    summary[unscoreable] = np.nan
    return Features(summary, np.log1p(of_class), np.where(unscoreable, np.nan, sums[0]))


def _logarithm(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.log(np.clip(values, LEAST_PROBABILITY, 1))
