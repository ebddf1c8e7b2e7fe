"""A batch of samples with everything that is looked up more than once: overlaps, claims, counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError
from ..scores.losses import Boxes
from .object_batch import Batch, Predicted, samples_of
from .object_pairs import Pairs, TopTwo, box_pairs, contained, greatest, shape_pairs, top_two

AnyBoxes = TypeVar("AnyBoxes", bound=Boxes)


@dataclass(frozen=True)
class Tested:
    """Objects of which it is asked whether they are right labels.

    Args:
        boxes: of n samples
        replaces: (m,) int64, the given object in whose place each would stand, -1 where it would be one more
        with_predicted: their overlaps with the predicted objects
        with_given: their overlaps with the given objects, but those they replace
    """

    boxes: Boxes
    replaces: NDArray[np.int64]
    with_predicted: Pairs
    with_given: Pairs


@dataclass(frozen=True)
class Scene:
    """A batch with everything that is looked up more than once.

    Args:
        batch: the samples
        n_classes: K; objects without a class are of a class K of their own
    """

    batch: Batch
    n_classes: int

    @cached_property
    def given(self) -> Boxes:
        """The given objects."""
        return self._classed(self.batch.given)

    @cached_property
    def predicted(self) -> Predicted:
        """The predicted objects; confidences are numbers."""
        found = self._classed(self.batch.predicted)
        return replace(found, confidences=np.nan_to_num(np.asarray(found.confidences, np.float64), nan=1.0))

    def _classed(self, boxes: AnyBoxes) -> AnyBoxes:
        if boxes.classes.max(initial=-1) >= self.n_classes:
            raise ShortlistError(f"classes must be below {self.n_classes}. Got {boxes.classes.max()} instead.")
        classes = np.where(boxes.classes < 0, self.n_classes, boxes.classes)
        return replace(boxes, boxes_xywh=np.asarray(boxes.boxes_xywh, np.float64), classes=classes)

    @cached_property
    def real(self) -> Tested:
        """The given objects as they are."""
        own = np.arange(len(self.given.classes))
        if self.batch.overlap is None:
            among = box_pairs(self.given, self.given, owners=own)
        else:
            among = shape_pairs(self.given.offsets, self.given.offsets, ("given", "given"), self.batch.overlap)
            among = among.where(among.rows != among.columns)
        return Tested(self.given, own, self.overlaps, among)

    @cached_property
    def overlaps(self) -> Pairs:
        """Given with predicted objects."""
        if self.batch.overlap is None:
            return box_pairs(self.given, self.predicted)
        return shape_pairs(self.given.offsets, self.predicted.offsets, ("given", "predicted"), self.batch.overlap)

    @cached_property
    def claims(self) -> TopTwo:
        """Of every predicted object the overlap with the given objects of its class."""
        pairs = self.overlaps
        same = pairs.where(self.given.classes[pairs.rows] == self.predicted.classes[pairs.columns])
        return top_two(same.iou, same.columns, same.rows, len(self.predicted.classes))

    @cached_property
    def covers(self) -> TopTwo:
        """Of every predicted object the overlap with the given objects of any class."""
        pairs = self.overlaps
        return top_two(pairs.iou, pairs.columns, pairs.rows, len(self.predicted.classes))

    @cached_property
    def given_samples(self) -> NDArray[np.int64]:
        """(m,) the sample of every given object."""
        return samples_of(self.given)

    @cached_property
    def containment(self) -> tuple[TopTwo, TopTwo]:
        """Of every predicted object how much lies in a given one of its class, and how much of one lies in it."""
        pairs, other = contained(self.predicted, self.given)
        n = len(self.predicted.classes)
        inside, around = (top_two(values, pairs.rows, pairs.columns, n) for values in (pairs.iou, other))
        return inside, around

    @cached_property
    def better(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of every predicted object the overlap with more confident ones: of its class, and of any."""
        predicted, n = self.predicted, len(self.predicted.classes)
        pairs = box_pairs(predicted, predicted, owners=np.arange(n))
        pairs = pairs.where(predicted.confidences[pairs.columns] > predicted.confidences[pairs.rows])
        same = pairs.where(predicted.classes[pairs.rows] == predicted.classes[pairs.columns])
        return greatest(same.iou, same.rows, n), greatest(pairs.iou, pairs.rows, n)

    def count_of(self, samples: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(k,) how many given objects of a class a sample has."""
        keys, counts = self._counts
        return _looked_up(keys, counts, samples * (self.n_classes + 1) + classes)

    @cached_property
    def _counts(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        keys, counts = np.unique(self.given_samples * (self.n_classes + 1) + self.given.classes, return_counts=True)
        return keys, counts.astype(np.float64)

    def confidence_of(self, samples: NDArray[np.int64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(k,) the greatest confidence with which a class is predicted anywhere in a sample."""
        keys, values = self._confidences
        return _looked_up(keys, values, samples * (self.n_classes + 1) + classes)

    @cached_property
    def _confidences(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        predicted = self.predicted
        keys, places = np.unique(samples_of(predicted) * (self.n_classes + 1) + predicted.classes, return_inverse=True)
        return keys, greatest(predicted.confidences, places, len(keys))


def _looked_up(keys: NDArray[np.int64], values: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0.0)
