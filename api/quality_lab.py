"""ObjectLab's scores of objects, over the whole dataset at once, as the default method's are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.quality.objectlab import ObjectLab, objectlab
from ..core.quality.objects import KINDS, Predicted
from ..core.scores.losses import Boxes
from ..dataset.given_objects import ObjectRows

_WRONG_CLASS, _BAD_LOCATION = KINDS.index("wrong_class"), KINDS.index("bad_location")


@dataclass(frozen=True)
class LabQuality:
    """What ObjectLab says of some samples, in the terms of ``ObjectQuality``."""

    samples: NDArray[np.float64]
    objects: NDArray[np.float64]
    kinds: NDArray[np.int64]
    suggested_classes: NDArray[np.int64]
    suggested_boxes: NDArray[np.int64]
    missing: NDArray[np.int64]
    missing_scores: NDArray[np.float64]


class LabScores:
    """Gathers the boxes of all samples, then hands out what ObjectLab says of each.

    Args:
        n_classes: not needed here
    """

    def __init__(self, n_classes: int):
        self._given: list[Boxes] = []
        self._predicted: list[Predicted] = []
        self._scores: ObjectLab | None = None
        self._at = np.zeros(3, np.int64)

    def add(self, rows: ObjectRows) -> None:
        """Takes note of some samples.

        Raises:
            ShortlistError: sizes of images or confidences that are not there
        """
        if np.isnan(rows.sizes[rows.is_given & rows.is_predicted]).any():
            raise ShortlistError(
                "the method objectlab needs the sizes of the images, since it measures distances in pixels. Compute them with "
                "dataset.compute_metadata()."
            )
        if np.isnan(rows.batch.predicted.confidences).any():
            raise ShortlistError(
                "the method objectlab needs a confidence for every prediction. Use the default method."
            )
        given, found = rows.batch.given, rows.batch.predicted
        pixels = np.nan_to_num(np.tile(rows.sizes, 2), nan=1.0)
        boxes, others = (one.boxes_xywh * np.repeat(pixels, np.diff(one.offsets), axis=0) for one in (given, found))
        self._given.append(Boxes(given.offsets, boxes, given.classes))
        self._predicted.append(Predicted(found.offsets, others, found.classes, found.confidences))

    def finish(self) -> None:
        """Scores all that was gathered."""
        given, found = self._given, self._predicted
        confidences = np.concatenate([one.confidences for one in found])
        predicted = Predicted(*_joined(found), confidences)
        self._scores = objectlab(Boxes(*_joined(given)), predicted)
        self._given, self._predicted = [], []

    def quality(self, rows: ObjectRows) -> LabQuality:
        """The scores of the next samples, in the order in which they were added."""
        assert self._scores is not None
        counts = np.array([len(rows.ids), len(rows.batch.given.classes), len(rows.batch.predicted.classes)])
        (n, m, k), (sample, own, other) = counts, self._at
        self._at = self._at + counts
        scores = self._scores
        of_samples = np.where(rows.is_given & rows.is_predicted, scores.samples[sample : sample + n], np.nan)
        badloc, swap = scores.badloc[own : own + m], scores.swap[own : own + m]
        overlooked = scores.overlooked[other : other + k]
        if len(of_samples) != n or len(badloc) != m or len(overlooked) != k:
            raise ShortlistError("the samples must stay the same while they are read. Some changed; run again.")
        scoreable = np.repeat(rows.is_predicted, np.diff(rows.batch.given.offsets))
        none = np.full(m, -1)
        missing = np.flatnonzero(
            ~np.isnan(overlooked) & np.repeat(rows.is_given, np.diff(rows.batch.predicted.offsets))
        )
        return LabQuality(
            samples=of_samples,
            objects=np.where(scoreable, np.minimum(badloc, swap), np.nan),
            kinds=np.where(scoreable, np.where(swap < badloc, _WRONG_CLASS, _BAD_LOCATION), -1),
            suggested_classes=none,
            suggested_boxes=none,
            missing=missing,
            missing_scores=1 - overlooked[missing],
        )

    def facts(self) -> dict[str, Any]:
        """What is recorded: nothing is learned."""
        return {}


def _joined(parts: list[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Offsets, boxes and classes of many batches as of one."""
    counts = np.concatenate([np.diff(one.offsets) for one in parts])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, np.concatenate([one.boxes_xywh for one in parts]), np.concatenate([one.classes for one in parts])
