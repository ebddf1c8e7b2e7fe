"""Scores of a batch of predictions: of every object, and of the samples that they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .aggregation import Aggregation, aggregate
from .base import Objects, Uncertainty
from .calibration import tempered


@dataclass(frozen=True)
class How:
    """How predictions are scored.

    Args:
        aggregation: how a sample's objects are combined; None where a sample is its one object, then a sample without one is
            unscoreable
        top_m: how many objects ``top_m`` combines
        min_confidence: objects less confident do not count for their sample; they have scores of their own all the same
        normalize: whether scores are divided by the greatest value that K classes allow
        temperature: what logits are divided by before scoring
        empty: the score of a sample without objects
    """

    aggregation: Aggregation | None = None
    top_m: int = 3
    min_confidence: float | None = None
    normalize: bool = False
    temperature: float = 1
    empty: float = 0

    def of(self, score: Uncertainty, probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
        """(m,) a score of objects with (m, K) probabilities that have their temperature."""
        values = score.compute(probabilities)
        return np.clip(values / score.greatest(probabilities.shape[1]), 0, 1) if self.normalize else values

    def combined(self, scores: NDArray[np.floating], offsets: NDArray[np.int64]) -> NDArray[np.floating]:
        """(n,) the scores of samples from (m,) those of their objects; see ``aggregate``."""
        assert self.aggregation is not None
        return aggregate(scores, offsets, self.aggregation, self.top_m, self.empty)


def apply(
    scores: Iterable[Uncertainty], objects: Objects, how: How
) -> tuple[dict[str, NDArray[np.floating]], dict[str, NDArray[np.floating]]]:
    """Computes scores.

    Args:
        scores: which
        objects: the predictions of n samples
        how: the way

    Returns:
        (m,) of the objects and (n,) of the samples, by name; NaN where unscoreable
    """
    of_objects: dict[str, NDArray[np.floating]] = {}
    of_samples: dict[str, NDArray[np.floating]] = {}
    objects = replace(objects, probabilities=tempered(objects.probabilities, how.temperature))
    keep = np.ones(len(objects.confidences), bool)
    if how.aggregation is not None and how.min_confidence is not None:
        with np.errstate(invalid="ignore"):
            keep = ~(objects.confidences < how.min_confidence)
    counted = objects if keep.all() else objects.subset(keep)
    for score in scores:
        if score.level == "sample":
            value = score.compute(counted)
        else:
            of_objects[score.name] = how.of(score, objects.probabilities)
            if how.aggregation is None:
                value = np.full(len(objects.present), np.nan)
                value[np.diff(objects.offsets) == 1] = of_objects[score.name]
            else:
                value = how.combined(of_objects[score.name][keep], counted.offsets)
        of_samples[score.name] = np.where(objects.present, value, np.nan)
    return of_objects, of_samples
