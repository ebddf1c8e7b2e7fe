"""Confident learning: how given and true labels relate, which labels are issues, how many, and the health of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .classification import checked, own_and_best_other

# A threshold that no probability reaches, for classes that no label has; and how near counts as reached.
_NEVER, _LEAST, _NEAR = 2.0, 2e-6, 1e-6
_TINY = 1e-100
_BLOCK_VALUES = 200_000


class Thresholds:
    """Learns, batch by batch, how sure a model is on average of each class where the label has it.

    Args:
        n_classes: K
    """

    def __init__(self, n_classes: int):
        self._sums = np.zeros(n_classes)
        self._counts = np.zeros(n_classes, np.int64)

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Takes a batch into account; rows without a label or probabilities do not count.

        Args:
            probabilities: (n, K) float, rows sum to 1
            labels: (n,) int in [0, K), -1 where there is none

        Raises:
            ShortlistError: the sizes differ, or a label is outside of the classes
        """
        probabilities, labels = usable(probabilities, labels)
        own = probabilities[np.arange(len(labels)), labels]
        self._sums += np.bincount(labels, own, len(self._sums))
        self._counts += np.bincount(labels, minlength=len(self._sums))

    def finish(self) -> NDArray[np.float64]:
        """(K,) the mean probability of each class where it is given; 2, which none reaches, for a class never given."""
        means = np.where(self._counts > 0, self._sums / np.maximum(self._counts, 1), _NEVER)
        return np.maximum(means, _LEAST)


def confident_thresholds(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean probability of each class where it is the given one.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows do not count
        labels: (n,) int in [0, K), -1 where there is none

    Returns:
        (K,) float; 2, which no probability reaches, for a class that is never given

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, equation 2.

    >>> confident_thresholds(np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]]), np.array([0, 0, 1])).round(3)
    array([0.8, 0.8])
    """
    found = Thresholds(probabilities.shape[1])
    found.add(probabilities, labels)
    return found.finish()


def confident_classes(probabilities: NDArray[np.floating], thresholds: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class that a model is confident of, row by row.

    The one class whose threshold is reached; if several are, the most probable class.

    Args:
        probabilities: (n, K) float; NaN rows have none
        thresholds: (K,) float, see :func:`confident_thresholds`

    Returns:
        (n,) int in [0, K), -1 where no threshold is reached

    Source: Northcutt et al., Confident Learning, 2021, equation 1.
    """
    result = np.full(len(probabilities), -1)
    for block in _blocks(probabilities):
        rows = probabilities[block]
        reached = rows >= thresholds - _NEAR
        several = reached.sum(axis=1)
        found = np.where(several > 1, rows.argmax(axis=1), reached.argmax(axis=1))
        result[block] = np.where(several > 0, found, -1)
    return result


def confident_joint(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    thresholds: NDArray[np.float64] | None = None,
    *,
    calibrate: bool = True,
) -> NDArray[np.int64]:
    """How many samples of each given class are confidently of each class.

    Args:
        probabilities: (n, K) float, rows sum to 1; NaN rows do not count
        labels: (n,) int in [0, K), -1 where there is none
        thresholds: (K,) float; nothing given: those of these rows
        calibrate: scaled so that each row counts the labels of its class, see :func:`calibrated`

    Returns:
        (K, K) int, ``[given, true]``, at least one on the diagonal before calibration

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Northcutt et al., Confident Learning, 2021, equation 1.

    >>> rows = np.array([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.1, 0.9]])
    >>> confident_joint(rows, np.array([0, 0, 1, 1]))
    array([[2, 0],
           [1, 1]])
    """
    probabilities, labels = usable(probabilities, labels)
    n_classes = probabilities.shape[1]
    if thresholds is None:
        thresholds = confident_thresholds(probabilities, labels)
    joint = joint_counts(labels, confident_classes(probabilities, thresholds), n_classes)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    return calibrated(joint, np.bincount(labels, minlength=n_classes)) if calibrate else joint


def disagrees(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether another class is more probable than the given one, by more than rounding.

    Args:
        probabilities: (n, K) float; NaN rows do not disagree
        labels: (n,) int in [0, K), -1 where there is none, which does not disagree

    Returns:
        (n,) bool
    """
    own, other = own_and_best_other(probabilities, labels)
    with np.errstate(invalid="ignore"):
        return other > own + probabilities.dtype.type(_NEAR)


def joint_counts(labels: NDArray[np.integer], true: NDArray[np.integer], n_classes: int) -> NDArray[np.int64]:
    """How often each pair of given and confident class comes; counts of batches add up.

    Args:
        labels: (n,) int in [0, K), -1 where there is none
        true: (n,) int in [0, K), -1 where the model is confident of none
        n_classes: K

    Returns:
        (K, K) int, ``[given, true]``
    """
    both = (labels >= 0) & (true >= 0)
    return np.bincount(labels[both] * n_classes + true[both], minlength=n_classes**2).reshape(n_classes, n_classes)


def calibrated(joint: NDArray[np.integer], counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """A confident joint whose rows count all the labels of their class, in whole numbers.

    Args:
        joint: (K, K) int, ``[given, true]``
        counts: (K,) int, how many labels each class has

    Returns:
        (K, K) int

    Source: Northcutt et al., Confident Learning, 2021, equation 3.

    >>> calibrated(np.array([[3, 1], [0, 2]]), np.array([8, 3]))
    array([[6, 2],
           [0, 3]])
    """
    shares = (joint.T / np.maximum(joint.sum(axis=1), _TINY) * counts).T
    shares = shares / np.maximum(shares.sum(), _TINY) * counts.sum()
    return np.stack([_whole(row) for row in shares])


@dataclass(frozen=True)
class Noise:
    """What a joint of given and true labels says of each.

    Args:
        prior: (K,) float, P(true)
        noise: (K, K) float, ``[given, true]`` = P(given | true); columns sum to one
        inverse: (K, K) float, ``[true, given]`` = P(true | given); columns sum to one
    """

    prior: NDArray[np.float64]
    noise: NDArray[np.float64]
    inverse: NDArray[np.float64]


def noise_matrices(joint: NDArray[np.integer], counts: NDArray[np.integer]) -> Noise:
    """The prior, the noise and the inverse noise of a confident joint.

    Args:
        joint: (K, K), ``[given, true]``
        counts: (K,) int, how many labels each class has

    Source: Northcutt et al., Confident Learning, 2021, section 3.1.
    """
    noise = joint / np.maximum(joint.sum(axis=0), _TINY)
    inverse = joint.T / np.maximum(joint.sum(axis=1), _TINY)
    share = counts / max(int(counts.sum()), 1)
    prior = np.clip(inverse.diagonal() / np.maximum(noise.diagonal(), _TINY) * share, _NEAR, 1)
    return Noise(prior / prior.sum(), _rates(noise), _rates(inverse))


def _rates(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns that sum to one, no rate off the diagonal being quite one."""
    clipped = np.clip(matrix, 0, 0.9999)
    np.fill_diagonal(clipped, matrix.diagonal())
    return clipped / np.maximum(clipped.sum(axis=0), _TINY)


def _whole(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers with the same rounded sum, changed where rounding took or gave the most."""
    found = values.round()
    while (missing := int(values.sum().round() - found.sum())) != 0:
        order = np.argsort(values - found)
        places = order[: min(-missing, len(values))] if missing < 0 else order[::-1][: min(missing, len(values))]
        found[places] += np.sign(missing)
    return found.astype(np.int64)


def usable(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer]
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """The rows that have both a label and probabilities.

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes
    """
    labels = checked(probabilities, labels)
    keep = (labels >= 0) & ~np.isnan(probabilities).any(axis=1)
    return (probabilities, labels) if keep.all() else (probabilities[keep], labels[keep])


def _blocks(probabilities: NDArray[np.floating]) -> list[slice]:
    size = max(1, _BLOCK_VALUES // max(1, probabilities.shape[1]))
    return [slice(start, start + size) for start in range(0, len(probabilities), size)]
