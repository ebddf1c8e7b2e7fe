"""What labels are worth class by class, and whether the predictions may be trusted to say so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EPSILON = 1e-6
# Where a model repeats nearly all labels, nearly always surely, it has probably been shown them.
_AGREEMENT, _SURE_SHARE, _ENOUGH = 0.99, 0.9, 50
#: from which probability on a prediction is all but certain
SURE = 0.99


@dataclass(frozen=True)
class ClassHealth:
    """Of every class, how far its labels can be trusted.

    Args:
        errors: (K,) float, how many labels of the class should be another
        missed: (K,) float, how many labels of other classes should be this one
        noise: (K,) float, the share of the class's labels that should be another, P(true is not k | given k)
        inverse_noise: (K,) float, the share of what is truly of the class that has another label
        quality: (K,) float, 1 - noise
        share_of_errors: (K,) float, the class's part of all errors; sums to one where there are any
        overall: the share of all labels that are right
        joint: (K, K) float, ``[given, true]`` how many labels are of each pair
    """

    errors: NDArray[np.float64]
    missed: NDArray[np.float64]
    noise: NDArray[np.float64]
    inverse_noise: NDArray[np.float64]
    quality: NDArray[np.float64]
    share_of_errors: NDArray[np.float64]
    overall: float
    joint: NDArray[np.float64]

    def most_confused(self, top: int = 10) -> list[tuple[int, int, float]]:
        """The pairs of given and true class with most errors: ``(given, true, count)``, none without any.

        Args:
            top: at most so many
        """
        counts = self.joint.copy()
        np.fill_diagonal(counts, 0)
        order = np.argsort(-counts, axis=None, kind="stable")[:top]
        given, true = np.unravel_index(order, counts.shape)
        pairs = zip(given.tolist(), true.tolist(), counts[given, true].tolist(), strict=True)
        return [pair for pair in pairs if pair[2] > 0]


def class_health(joint: NDArray[np.number]) -> ClassHealth:
    """The health of each class by a joint of given and true classes.

    Args:
        joint: (K, K) counts, ``[given, true]``: a calibrated confident joint, or the posteriors of the true class summed by
            given class

    Source: Northcutt et al., Pervasive Label Errors, 2021.

    >>> health = class_health(np.array([[8, 2], [0, 10]]))
    >>> health.noise.round(3), health.inverse_noise.round(3), health.overall
    (array([0.2, 0. ]), array([0.   , 0.167]), 0.9)
    """
    counts = np.asarray(joint).astype(np.float64)
    total = max(float(counts.sum()), 1e-12)
    given, true, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    errors, missed = given - right, true - right
    noise = errors / total / np.maximum(given / total, _EPSILON)
    inverse = missed / total / np.maximum(true / total, _EPSILON)
    share = errors / max(float(errors.sum()), 1e-12)
    return ClassHealth(errors, missed, noise, inverse, 1 - noise, share, float(right.sum() / total), counts)


@dataclass(frozen=True)
class InSample:
    """Whether predictions look as if the model had been trained on the labels that they are to judge.

    Args:
        n_labeled: how many labelled predictions were looked at
        agreement: the share of them whose most probable class is the given one
        sure: the share of them whose given class is all but certain
    """

    n_labeled: int
    agreement: float
    sure: float

    @property
    def likely(self) -> bool:
        """Nearly all labels are repeated, nearly always surely: errors among them cannot be seen."""
        return self.n_labeled >= _ENOUGH and self.agreement >= _AGREEMENT and self.sure >= _SURE_SHARE


class InSampleCheck:
    """Counts batch by batch how far predictions repeat given labels."""

    def __init__(self) -> None:
        self._n = self._same = self._sure = 0

    def add(self, agrees: NDArray[np.bool_], sure: NDArray[np.bool_]) -> None:
        """Takes a batch of labelled predictions into account.

        Args:
            agrees: (n,) bool, whether the given class is the most probable one
            sure: (n,) bool, whether the prediction is all but certain
        """
        self._n += len(agrees)
        self._same += int(agrees.sum())
        self._sure += int((agrees & sure).sum())

    def finish(self) -> InSample:
        """What was found."""
        n = max(self._n, 1)
        return InSample(self._n, self._same / n, self._sure / n)


def in_sample(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> InSample:
    """Whether predictions look in-sample.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows do not count
        labels: (n,) int in [0, K), -1 where there is none

    >>> in_sample(np.tile([[0.999, 0.001]], (60, 1)), np.zeros(60, int)).likely
    True
    """
    known = (labels >= 0) & ~np.isnan(probabilities).any(axis=1)
    rows, given = probabilities[known], labels[known]
    own = rows[np.arange(len(rows)), given]
    found = InSampleCheck()
    found.add(own >= rows.max(axis=1, initial=0), own >= SURE)
    return found.finish()
