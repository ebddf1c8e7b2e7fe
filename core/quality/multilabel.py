"""Label quality where a sample has any number of classes: each class against the rest, then the sample as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import must_be
from .channel import NOISE_CHANNEL, Channel, ChannelFit
from .classification import label_scores
from .confident_issues import Rule, find_issues

Pooling = Literal["softmin", "ema"]


def class_quality(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], score: str = "self_confidence"
) -> NDArray[np.floating]:
    """How likely it is right that a sample has, or has not, each class.

    Args:
        probabilities: (n, K) float in [0, 1], each class alone; NaN is unscoreable
        labels: (n, K) int, 1 where the sample has the class, 0 where it has not, -1 where that is unknown
        score: the name of a score of class labels, see :func:`~shortlist.core.quality.classification.label_scores`

    Returns:
        (n, K) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is none of -1, 0, 1

    Source: Thyagarajan et al., Identifying Incorrect Annotations in Multi-Label Classification Data, 2022, section 3.

    >>> class_quality(np.array([[0.9, 0.2]]), np.array([[1, 1]]))
    array([[0.9, 0.2]])
    """
    _check(probabilities, labels)
    if score == NOISE_CHANNEL.name:
        fit = ClassChannelsFit(probabilities.shape[1])
        fit.add(probabilities, labels)
        return fit.finish().quality(probabilities, labels)
    compute = label_scores()[score].compute
    columns = [compute(against_rest(p), given) for p, given in zip(probabilities.T, labels.T, strict=True)]
    return np.stack(columns, axis=1) if columns else np.zeros(probabilities.shape)


def softmin(quality: NDArray[np.floating], temperature: float = 0.1) -> NDArray[np.floating]:
    """The mean of each row, weighted so that its lowest values decide.

    ``sum softmax((1 - q) / T) q`` over those that are no NaN.

    Args:
        quality: (n, K) float in [0, 1], NaN where unscoreable
        temperature: > 0; the lower, the closer to the minimum

    Returns:
        (n,) float in [0, 1], NaN for a row without values

    Source: Thyagarajan et al., Identifying Incorrect Annotations in Multi-Label Classification Data, 2022, section 3.

    >>> softmin(np.array([[0.9, 0.2, np.nan]])).round(3)
    array([0.201])
    """
    if not temperature > 0:
        raise must_be("temperature", "above 0", temperature)
    known = ~np.isnan(quality)
    lowest = np.where(known, quality, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    lowest = np.where(np.isinf(lowest), 0, lowest)
    weights = np.where(known, np.exp((lowest - np.where(known, quality, 0)) / temperature), 0)
    total = weights.sum(axis=1)
    sums = np.einsum("ij,ij->i", weights, np.where(known, quality, 0))
    return np.where(total > 0, sums / np.where(total > 0, total, 1), np.nan)


def ema(quality: NDArray[np.floating], alpha: float = 0.8) -> NDArray[np.floating]:
    """The exponential moving average of each row from its highest value to its lowest.

    Args:
        quality: (n, K) float in [0, 1], NaN where unscoreable
        alpha: in [0, 1], the weight of the next lower value

    Returns:
        (n,) float in [0, 1], NaN for a row without values

    Source: Thyagarajan et al., Identifying Incorrect Annotations in Multi-Label Classification Data, 2022, section 3.

    >>> ema(np.array([[0.2, np.nan, 0.9]])).round(3)
    array([0.34])
    """
    if not 0 <= alpha <= 1:
        raise must_be("alpha", "in [0, 1]", alpha)
    # NaN sorts last, where the average stays as it is.
    ordered = -np.sort(-quality, axis=1)
    if not ordered.shape[1]:
        return np.full(len(ordered), np.nan)
    result = ordered[:, 0].copy()
    for column in ordered[:, 1:].T:
        result = np.where(np.isnan(column), result, alpha * column + (1 - alpha) * result)
    return result


def pooled(quality: NDArray[np.floating], pooling: Pooling = "softmin") -> NDArray[np.floating]:
    """The quality of samples from that of their classes.

    Args:
        quality: (n, K) float in [0, 1], NaN where unscoreable
        pooling: how

    Returns:
        (n,) float in [0, 1], NaN for a row without values
    """
    return softmin(quality) if pooling == "softmin" else ema(quality)


def class_issues(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], rule: Rule = "prune_by_noise_rate"
) -> NDArray[np.bool_]:
    """The classes that a sample wrongly has, or wrongly has not, by a rule of confident learning.

    Args:
        probabilities: (n, K) float in [0, 1], each class alone; NaN is no issue
        labels: (n, K) int, 1 where the sample has the class, 0 where it has not, -1 where that is unknown
        rule: see :func:`~shortlist.core.quality.confident_issues.find_issues`

    Returns:
        (n, K) bool

    Raises:
        ShortlistError: the sizes differ, or a label is none of -1, 0, 1

    Source: Thyagarajan et al., Identifying Incorrect Annotations in Multi-Label Classification Data, 2022, section 2.
    """
    _check(probabilities, labels)
    columns = [find_issues(against_rest(p), given, rule) for p, given in zip(probabilities.T, labels.T, strict=True)]
    return np.stack(columns, axis=1) if columns else np.zeros(probabilities.shape, bool)


@dataclass(frozen=True)
class ClassChannels:
    """How each class of a multi-label dataset is wrongly given or missed; scores any sample of its kind, alone.

    Args:
        channels: of each class, 1 for having it and 0 for not
    """

    channels: tuple[Channel, ...]

    def quality(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
        """How likely it is right that a sample has, or has not, each class.

        Args:
            probabilities: (n, K) float in [0, 1], each class alone; NaN is unscoreable
            labels: (n, K) int, 1 where the sample has the class, 0 where it has not, -1 where that is unknown

        Returns:
            (n, K) float in [0, 1], NaN where unscoreable

        Raises:
            ShortlistError: the sizes differ, or a label is none of -1, 0, 1
        """
        _check(probabilities, labels)
        if probabilities.shape[1] != len(self.channels):
            raise must_be(
                "probabilities", f"of {len(self.channels)} classes, as those learned from", probabilities.shape[1]
            )
        found = np.full(probabilities.shape, np.nan)
        for place, channel in enumerate(self.channels):
            found[:, place] = channel.quality(against_rest(probabilities[:, place]), labels[:, place])[0]
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """A plain form that :meth:`from_json` reads."""
        return [channel.to_json() for channel in self.channels]

    @classmethod
    def from_json(cls, stored: list[dict[str, Any]]) -> ClassChannels:
        """The channels that :meth:`to_json` wrote."""
        return cls(tuple(Channel.from_json(one) for one in stored))


class ClassChannelsFit:
    """Learns the channel of every class from batches, in one pass and in memory that does not grow with the rows.

    Args:
        n_classes: K
    """

    def __init__(self, n_classes: int):
        self._fits = [ChannelFit(2, parts=n_classes) for _ in range(n_classes)]

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Takes a batch into account, but for what is unknown or NaN.

        Args:
            probabilities: (n, K) float in [0, 1]
            labels: (n, K) int, 1, 0 or -1

        Raises:
            ShortlistError: the sizes differ, or a label is none of -1, 0, 1
        """
        _check(probabilities, labels)
        for fit, column, given in zip(self._fits, probabilities.T, labels.T, strict=True):
            fit.add(against_rest(column), given)

    def finish(self) -> ClassChannels:
        """The channels of all that was added."""
        # Odds of their own would spoil the comparison between classes, which pooling rests on.
        return ClassChannels(tuple(replace(fit.finish(), odds=1.0) for fit in self._fits))


def against_rest(column: NDArray[np.floating]) -> NDArray[np.floating]:
    """(n, 2) the probability that samples have not, and that they have, a class.

    Args:
        column: (n,) float in [0, 1]
    """
    return np.stack([1 - column, column], axis=1)


def _check(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
    if probabilities.ndim != 2 or labels.shape != probabilities.shape:
        raise must_be("labels", f"of shape {probabilities.shape}, as the probabilities", labels.shape)
    if labels.size and not (labels.min() >= -1 and labels.max() <= 1):
        wrong = labels[(labels < -1) | (labels > 1)]
        raise must_be("labels", "1 (has the class), 0 (has it not) or -1 (unknown)", int(wrong.flat[0]))
