"""Given and predicted objects of some samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError
from ..scores.losses import Boxes
from .object_pairs import Overlap


def samples_of(boxes: Boxes) -> NDArray[np.int64]:
    """(m,) the sample of every object."""
    return np.repeat(np.arange(len(boxes.offsets) - 1), np.diff(boxes.offsets))


@dataclass(frozen=True)
class Predicted(Boxes):
    """Predicted objects of a batch of n samples; see ``Boxes`` for offsets, boxes and classes.

    Args:
        confidences: (m,) float in [0, 1]; NaN where an object has none, which counts as 1
        probabilities: (m, K) float, class probabilities or sigmoids, NaN rows where there are none; nothing given: no object
            has any
    """

    confidences: NDArray[np.floating]
    probabilities: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class Batch:
    """Some samples: what is given and what was predicted.

    Args:
        given: the labels of n samples; boxes in any unit (relative to the image is best), classes in [0, K), -1 for none
        predicted: the predictions of the same samples
        keys: (n,) uint64, from ``key_of``: which samples are which, whatever their order; nothing given: they are no part of
            what was learned from
        scoreable: (n,) bool, whether a sample has both fields; nothing given: all have
        overlap: of masks, polygons or keypoints; nothing given: of the boxes

    Raises:
        ShortlistError: sizes that disagree
    """

    given: Boxes
    predicted: Predicted
    keys: NDArray[np.uint64] | None = None
    scoreable: NDArray[np.bool_] | None = None
    overlap: Overlap | None = None

    def __post_init__(self) -> None:
        n = len(self.given.offsets)
        sizes = {
            "offsets of predicted": (len(self.predicted.offsets), n),
            "confidences": (len(self.predicted.confidences), len(self.predicted.classes)),
            "keys": (n - 1 if self.keys is None else len(self.keys), n - 1),
            "scoreable": (n - 1 if self.scoreable is None else len(self.scoreable), n - 1),
        }
        for side, boxes in {"given": self.given, "predicted": self.predicted}.items():
            sizes[f"classes of {side}"] = (len(boxes.classes), int(boxes.offsets[-1]))
            sizes[f"boxes of {side}"] = (len(boxes.boxes_xywh), int(boxes.offsets[-1]))
        if self.predicted.probabilities is not None:
            sizes["probabilities"] = (len(self.predicted.probabilities), len(self.predicted.classes))
        for name, (got, expected) in sizes.items():
            if got != expected:
                raise ShortlistError(f"{name} must have {expected} rows. Got {got} instead.")

    def __len__(self) -> int:
        return len(self.given.offsets) - 1

    def of(self, samples: NDArray[np.int64]) -> Batch:
        """Some of the samples, in ascending order."""
        overlap = self.overlap
        given, predicted = (_rows_of(one.offsets, samples) for one in (self.given, self.predicted))
        found, there = self.given, self.predicted
        return Batch(
            Boxes(given[0], found.boxes_xywh[given[1]], found.classes[given[1]]),
            Predicted(
                predicted[0],
                there.boxes_xywh[predicted[1]],
                there.classes[predicted[1]],
                there.confidences[predicted[1]],
                None if there.probabilities is None else there.probabilities[predicted[1]],
            ),
            None if self.keys is None else self.keys[samples],
            None if self.scoreable is None else self.scoreable[samples],
            None if overlap is None else lambda sample, *sides: overlap(int(samples[sample]), *sides),
        )


def _rows_of(offsets: NDArray[np.int64], samples: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The offsets of some samples' objects, and the rows that these are."""
    counts = np.diff(offsets)[samples]
    ends = np.concatenate([[0], np.cumsum(counts)])
    return ends, np.arange(ends[-1]) + np.repeat(offsets[samples] - ends[:-1], counts)
