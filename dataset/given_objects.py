"""Given and predicted objects of the same samples, read in step: boxes, instance masks, polylines and keypoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import cv2
import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import must_be
from ..core.geometry import Mask, object_iou
from ..core.keypoints import keypoint_similarity
from ..core.quality.objects import Batch, Overlap, Predicted, Side, key_of
from ..core.scores.losses import Boxes
from . import predictions
from .boxes import boxes_xywh
from .committee_objects import ObjectPlace, has_masks, instance_mask
from .given import Pair, check_same, of_objects, place_of, shared
from .labels import LabelField
from .predictions import label_documents
from .samples import Samples, value_at

# Samples a batch where objects have shapes, which are large.
_BATCH_OF_SHAPES, _BATCH = 50, 2000
# Pixels of the longer side that a polygon is drawn with, and pixels of an image and of the width of an open line.
_POLYGON, _IMAGE, _LINE = 128, 256, 5
_SIDES = ("width", "height")
# The share of a predicted object that lies in a crowd of its class for it to be one of them.
_OF_CROWD = 0.5


@dataclass(frozen=True)
class ObjectRows:
    """Some samples with their given and predicted objects.

    Args:
        ids: (n,)
        object_ids: (m,) of the given objects
        counted: (m,) bool, whether a given object takes part: it has a class and stands for no crowd
        offsets: (n + 1,) which given objects belong to which sample
        batch: the objects that take part, as the formulas take them
        is_given: (n,) bool, whether a sample has given labels
        is_predicted: (n,) bool, whether it has predictions
        sizes: (n, 2) float, width and height of the images in pixels, NaN where it is not known
    """

    ids: list[ObjectId]
    object_ids: list[ObjectId]
    counted: NDArray[np.bool_]
    offsets: NDArray[np.int64]
    batch: Batch
    is_given: NDArray[np.bool_]
    is_predicted: NDArray[np.bool_]
    sizes: NDArray[np.float64]


def object_rows(samples: Samples, pair: Pair, problems: Counter[str]) -> Iterator[ObjectRows]:
    """Streams the objects of a pair.

    Args:
        samples: the samples
        pair: what to read
        problems: counts the mask files that could not be read, by reason; of these objects the boxes count

    Raises:
        ShortlistError: as ``predictions.read``; objects without a place; samples or classes that came or went meanwhile
    """
    fields = (pair.given, pair.predicted)
    names = ("_id", "label", "iscrowd", "bounding_box", "mask", "mask_path", "points", "closed", "filled")
    project: dict[str, Any] = {f"{field.objects_path}.{name}": True for field in fields for name in names}
    project |= {f"{field.document_path}._cls": True for field in fields} | {f"metadata.{side}": True for side in _SIDES}
    project["filepath"] = True
    has_shapes = pair.given.kind is not fo.Detections or any(has_masks(samples, field) for field in fields)
    size = _BATCH_OF_SHAPES if has_shapes else _BATCH
    pages = (page for batch in label_documents(samples, pair.given, project, batch=size) for page in batch)
    for batch in predictions.read(samples, pair.predicted):
        classes = shared(pair, batch.objects.classes)
        probabilities = of_objects(pair, batch) if pair.holds == "probabilities" else None
        for start in range(0, len(batch.ids), size):
            part = _Part(batch, classes, probabilities, start, min(start + size, len(batch.ids)))
            found = list(islice(pages, len(part.ids)))
            check_same(part.ids, found)
            yield _rows(pair, part, found, problems)


@dataclass(frozen=True)
class _Part:
    """Some samples of a batch of predictions.

    Args:
        batch: the predictions
        classes: (m,) int64, their classes as those of the pair
        probabilities: (m, K) float, their probabilities on these, if they have any
        start: the first sample
        stop: the one after the last
    """

    batch: predictions.Batch
    classes: NDArray[np.int64]
    probabilities: NDArray[np.floating] | None
    start: int
    stop: int

    @property
    def ids(self) -> list[ObjectId]:
        return self.batch.ids[self.start : self.stop]

    @property
    def present(self) -> NDArray[np.bool_]:
        return self.batch.objects.present[self.start : self.stop]

    def predicted(self, kept: NDArray[np.bool_], shapes: _Shapes) -> Predicted:
        """The predictions that take part.

        Args:
            kept: (m,) bool, which of the samples' predictions these are
            shapes: where they are
        """
        rows = np.flatnonzero(kept) + self.batch.objects.offsets[self.start]
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        confidences = self.batch.objects.confidences[rows]
        return Predicted(shapes.offsets, shapes.boxes, self.classes[rows], confidences, probabilities)


def _rows(pair: Pair, part: _Part, found: list[dict], problems: Counter[str]) -> ObjectRows:
    """The objects of some samples."""
    labels = [value_at(document, pair.given.document_path) for document in found]
    given = [(label or {}).get(pair.given.list_attribute) or [] for label in labels]
    own = [value_at(document, pair.predicted.objects_path) or [] for document in found]
    counted = np.array([_is_counted(one) for members in given for one in members], bool)
    names = pair.names
    kept = [
        [_is_named(one) and not _is_of(crowds, one, names) for one in members]
        for members, crowds in zip(own, map(_crowds, given), strict=True)
    ]
    lists = [[one for one, is_kept in zip(*both, strict=True) if is_kept] for both in zip(own, kept, strict=True)]
    sides = {
        "given": _Shapes(pair.given, [[one for one in some if _is_counted(one)] for some in given], found, problems),
        "predicted": _Shapes(pair.predicted, lists, found, problems),
    }
    index = pair.index
    there = Boxes(
        sides["given"].offsets,
        sides["given"].boxes,
        np.array([place_of(index, one["label"]) for some in given for one in some if _is_counted(one)], np.int64),
    )
    is_given = np.array([bool(label) for label in labels])
    is_predicted = part.present
    return ObjectRows(
        part.ids,
        [one["_id"] for members in given for one in members],
        counted,
        _offsets(given),
        Batch(
            there,
            part.predicted(np.array([one for members in kept for one in members], bool), sides["predicted"]),
            # By their files, so that the same data gives the same scores in every dataset; ids differ.
            np.array([key_of(str(one.get("filepath") or one["_id"])) for one in found], np.uint64),
            is_given & is_predicted,
            _overlap(pair.given.kind, sides) if any(side.has_shapes for side in sides.values()) else None,
        ),
        is_given,
        is_predicted,
        np.array([[value_at(one, f"metadata.{side}") or np.nan for side in _SIDES] for one in found], np.float64),
    )


def _is_counted(one: dict[str, Any]) -> bool:
    return _is_named(one) and not one.get("iscrowd")


def _is_named(one: dict[str, Any]) -> bool:
    return one.get("label") is not None


def _crowds(members: list[dict]) -> list[dict]:
    """The labels of a sample that stand for a crowd, as far as they are boxes."""
    return [one for one in members if one.get("iscrowd") and isinstance(one.get("bounding_box"), list)]


def _is_of(crowds: list[dict], one: dict, names: dict[Any, str]) -> bool:
    """Whether a predicted object is one of a crowd, of which nobody labelled each: it lacks no label, and claims none.

    Args:
        crowds: of the sample
        one: the object
        names: the given name of each predicted class
    """
    if not crowds or not isinstance(one.get("bounding_box"), list):
        return False
    x, y, width, height = one["bounding_box"]
    for crowd in crowds:
        if crowd.get("label") == names.get(one.get("label")):
            left, top, across, down = crowd["bounding_box"]
            inside = min(x + width, left + across) - max(x, left), min(y + height, top + down) - max(y, top)
            if min(inside) > 0 and inside[0] * inside[1] >= _OF_CROWD * width * height:
                return True
    return False


class _Shapes:
    """Where the objects of one side are.

    Args:
        field: what holds them
        lists: (n,) the objects of each sample
        found: (n,) the documents
        problems: counts mask files that cannot be read
    """

    def __init__(self, field: LabelField, lists: list[list[dict]], found: list[dict], problems: Counter[str]):
        self.offsets = _offsets(lists)
        places = [ObjectPlace(document, field, problems) for document in found]
        read = _READERS[field.kind]
        read_shapes = [read(members, place) for members, place in zip(lists, places, strict=True)]
        self.boxes = np.concatenate([*(boxes for boxes, _ in read_shapes), np.zeros((0, 4))])
        self.shapes = [shapes for _, shapes in read_shapes]
        self.has_shapes = any(shape is not None for shapes in self.shapes for shape in shapes)

    def of(self, sample: int) -> tuple[NDArray[np.float64], Sequence[Any]]:
        """The boxes and shapes of a sample."""
        return self.boxes[self.offsets[sample] : self.offsets[sample + 1]], self.shapes[sample]


def _overlap(kind: type, sides: dict[str, _Shapes]) -> Overlap:
    """The overlap of all objects of one side of a sample with those of another."""

    def overlap(sample: int, first: Side, second: Side) -> NDArray[np.float64]:
        (boxes, shapes), (others, other_shapes) = sides[first].of(sample), sides[second].of(sample)
        if kind is fo.Keypoints:
            return keypoint_similarity(shapes, other_shapes)
        return object_iou(boxes, others, (shapes, other_shapes))

    return overlap


def _offsets(lists: list[list[dict]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(members) for members in lists], dtype=np.int64)])


def _of_detections(members: list[dict], place: ObjectPlace) -> tuple[NDArray[np.float64], list[Mask]]:
    boxes = boxes_xywh([one.get("bounding_box") for one in members], place)
    return boxes, [instance_mask(one, place) for one in members]


def _of_polylines(members: list[dict], place: ObjectPlace) -> tuple[NDArray[np.float64], list[Mask]]:
    """Polygons and lines, drawn: what is inside of one, or near the other."""
    drawn = [_drawn(one, place) for one in members]
    boxes = np.array([box for box, _ in drawn], np.float64).reshape(-1, 4)
    return boxes, [mask for _, mask in drawn]


def _drawn(one: dict, place: ObjectPlace) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """A polyline's box and its mask in it."""
    shapes = [_shown(_points(points, place)) for points in one.get("points") or []]
    shapes = [points for points in shapes if len(points)]
    if not shapes:
        raise must_be(f"{place}: points", "a list of lists of points (x, y)", one.get("points"))
    every = np.concatenate(shapes)
    is_area = bool(one.get("filled") or one.get("closed"))
    margin = 0 if is_area else _LINE / 2 / _IMAGE
    low, high = every.min(axis=0) - margin, every.max(axis=0) + margin
    sides = np.maximum(high - low, 1e-6)
    scale = _POLYGON / sides.max() if is_area else _IMAGE
    width, height = np.maximum(np.ceil(sides * scale), 1).astype(int)
    canvas = np.zeros((height, width), np.uint8)
    pixels = [((points - low) * scale).astype(np.int32).reshape(-1, 1, 2) for points in shapes]
    if is_area:
        cv2.fillPoly(canvas, pixels, (1,))
    else:
        cv2.polylines(canvas, pixels, False, (1,), _LINE)
    return np.concatenate([low, sides]), canvas > 0


def _of_keypoints(members: list[dict], place: ObjectPlace) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Keypoints, with the box around those that are visible."""
    boxes, skeletons = np.zeros((len(members), 4)), []
    for row, one in enumerate(members):
        skeleton = _points(one.get("points") or [], place)
        shown = _shown(skeleton)
        if not len(shown):
            raise must_be(f"{place}: points", "at least one point (x, y) that is visible", one.get("points"))
        low = shown.min(axis=0)
        # A single point has no area, but is there.
        boxes[row] = [*low, *np.maximum(shown.max(axis=0) - low, 1e-3)]
        skeletons.append(skeleton)
    return boxes, skeletons


def _points(raw: Any, place: ObjectPlace) -> NDArray[np.float64]:
    """(p, 2) points, NaN for one that is not visible."""
    try:
        points = np.array([[np.nan if side is None else side for side in point] for point in raw], np.float64)
        return points.reshape(len(raw), 2)
    except (TypeError, ValueError):
        raise must_be(f"{place}: points", "points (x, y) of numbers", raw) from None


def _shown(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points that are visible."""
    return points[np.isfinite(points).all(axis=1)]


_Reader: TypeAlias = Callable[[list[dict], ObjectPlace], tuple[NDArray[np.float64], Sequence[Any]]]
#: of each label type: the boxes of a sample's objects, and their shapes
_READERS: dict[type, _Reader] = {
    fo.Detections: _of_detections,
    fo.Polylines: _of_polylines,
    fo.Keypoints: _of_keypoints,
}
