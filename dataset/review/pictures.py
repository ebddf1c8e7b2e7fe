"""What an item looks like: the part of the image that it is about, and the labels there."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import fiftyone as fo
import numpy as np
from bson import ObjectId
from fiftyone.core.media import get_media_type
from numpy.typing import NDArray

from ...core.review.framing import WHOLE, frame_of, overlap
from ...core.review.items import Box, Item
from ..arrays import Unreadable
from ..binary import decoded as array_of
from ..images import decoded, read_bytes
from ..label_issues import SUGGESTIONS
from ..samples import FRAMES, value_at
from ..score_fields import sample_path

#: whether the label is what was reviewed, was changed since, is no longer there, or was added where one was missing
State = Literal["same", "changed", "gone", "added"]

# Points of an outline and outlines of a label that are drawn at most.
_POINTS, _OUTLINES = 240, 24
# Other labels of the sample that are drawn at most.
_OTHERS = 150
# Pixels of a mask's longer side when its outline is found.
_MASK_SIDE = 512
# How far two boxes may differ and be the same, and how much they must share to be of one object.
_SAME, _ONE_OBJECT = 1e-6, 0.5
_LISTS = ("detections", "polylines", "keypoints", "classifications")


@dataclass(frozen=True)
class Shape:
    """A label as it is drawn; all coordinates are relative to the image.

    Args:
        label: its class
        box: (x, y, width, height); None where it has none
        outlines: (n, 2) points of each part of its mask, polygon or line
        points: (n, 2) points that stand alone
        is_closed: whether the outlines enclose something
    """

    label: str | None
    box: Box | None = None
    outlines: tuple[NDArray[np.float64], ...] = ()
    points: NDArray[np.float64] | None = None
    is_closed: bool = True


@dataclass(frozen=True)
class Scene:
    """What the dataset holds now of what an item is about.

    Args:
        path: the image file
        skipped: why it is not looked at; None for an image
        state: whether the label is still what the item asks about
        given: the label that is there, or was when the review began
        suggested: the one that was suggested
        others: other labels of the field that have a place
        version: changes when any of this does
    """

    path: str
    skipped: str | None
    state: State
    given: Shape | None
    suggested: Shape | None
    others: tuple[Shape, ...]
    version: str


@dataclass(frozen=True)
class Crop:
    """A part of an image.

    Args:
        pixels: (h, w, 3) RGB
        frame: which part it is: (x, y, width, height), relative to the image
        width: of the whole image in pixels
        height: of the whole image in pixels
    """

    pixels: NDArray[np.uint8]
    frame: Box
    width: int
    height: int


def scene_of(dataset: fo.Dataset, label_field: str | None, item: Item) -> Scene | None:
    """What the dataset holds of what an item is about; None where the sample was deleted.

    Args:
        dataset: the dataset
        label_field: the labels of the review; None for samples as a whole
        item: the item
    """
    is_read = bool(label_field) and not str(label_field).startswith(FRAMES)
    suggestions = sample_path(label_field, SUGGESTIONS) if label_field and is_read else None
    project: dict[str, Any] = {"filepath": True, "_media_type": True}
    project |= {path: True for path in (label_field if is_read else None, suggestions) if path}
    document = dataset._sample_collection.find_one({"_id": ObjectId(item.sample)}, project)
    if document is None:
        return None
    labels = _labels(value_at(document, label_field)) if label_field and is_read else []
    suggested = _labels(value_at(document, suggestions)) if suggestions else []
    own = next((one for one in labels if str(one.get("_id")) == item.label), None)
    path = str(document.get("filepath") or "")
    return Scene(
        path,
        _skipped(path, document.get("_media_type") or get_media_type(path)),
        _state(item, own, labels),
        _given(item, own),
        _suggested(item, next((one for one in suggested if str(one.get("_id")) == item.suggestion), None)),
        tuple(shape for one in labels[:_OTHERS] if one is not own and (shape := _plain(one)).box),
        str(zlib.crc32(repr(sorted(document.items(), key=lambda part: part[0])).encode())),
    )


def crop_of(scene: Scene, *, whole: bool, side: int) -> Crop:
    """The part of the image that shows an item.

    Args:
        scene: the item's
        whole: all of the image, whatever the item is about
        side: most pixels of the longer side

    Raises:
        Unreadable: there is no image that can be read
    """
    if scene.skipped is not None:
        raise Unreadable(scene.skipped)
    frames: list[Box] = []

    def reduction(width: int, height: int) -> int:
        """No fewer pixels of the part than are shown."""
        frames.append(WHOLE if whole else frame_of(_places(scene), width, height))
        _, _, wide, high = frames[-1]
        longer = max(wide * width, high * height)
        return max(one for one in (1, 2, 4, 8) if one == 1 or longer >= side * one)

    picture = decoded(read_bytes(scene.path), reduction)
    frame = WHOLE if whole else frame_of(_places(scene), picture.width, picture.height)
    pixels = _part(picture.pixels, frame)
    factor = side / max(pixels.shape[:2])
    if factor < 1:
        size = max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if pixels.dtype != np.uint8:
        pixels = cv2.convertScaleAbs(pixels, alpha=1 / 257)
    colors = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if pixels.ndim == 2 else cv2.COLOR_BGR2RGB)
    return Crop(np.asarray(colors, np.uint8), frame, picture.width, picture.height)


def _part(pixels: NDArray, frame: Box) -> NDArray:
    """The pixels of a part of an image."""
    height, width = pixels.shape[:2]
    x, y, wide, high = frame
    left, top = int(x * width), int(y * height)
    right, bottom = max(round((x + wide) * width), left + 1), max(round((y + high) * height), top + 1)
    return pixels[top:bottom, left:right]


def _places(scene: Scene) -> list[Box]:
    """Where what an item is about is."""
    return [shape.box for shape in (scene.given, scene.suggested) if shape is not None and shape.box is not None]


def _labels(value: Any) -> list[dict[str, Any]]:
    """The labels of a field, in a list or alone."""
    if not isinstance(value, dict):
        return []
    for name in _LISTS:
        if isinstance(value.get(name), list):
            return [one for one in value[name] if isinstance(one, dict)]
    return [value]


def _skipped(path: str, media_type: str) -> str | None:
    """Why a file is no image to show."""
    if media_type != "image":
        return f"it is of media type {media_type}"
    return "its file is not on this machine" if "://" in path else None


def _state(item: Item, own: dict[str, Any] | None, labels: list[dict[str, Any]]) -> State:
    """Whether the label is what it was when the review began."""
    if item.label is None:
        place = item.suggested_box or item.box
        if item.kind != "missing" or place is None:
            return "same"
        boxes = [box for one in labels if (box := _box(one)) is not None]
        return "added" if any(overlap(place, box) >= _ONE_OBJECT for box in boxes) else "same"
    if own is None:
        return "gone"
    box = _box(own) if "bounding_box" in own else None
    moved = box is not None and item.box is not None and np.abs(np.subtract(box, item.box)).max() > _SAME
    return "changed" if moved or own.get("label") != item.given else "same"


def _given(item: Item, own: dict[str, Any] | None) -> Shape | None:
    """The given label as it is drawn."""
    if own is not None:
        return shape_of(own)
    if item.given is None and item.box is None:
        return None
    return Shape(item.given, item.box)


def _suggested(item: Item, found: dict[str, Any] | None) -> Shape | None:
    """The suggested label as it is drawn."""
    if found is not None:
        return shape_of(found)
    if item.suggested is None and item.suggested_box is None:
        return None
    return Shape(item.suggested, item.suggested_box)


def shape_of(label: dict[str, Any]) -> Shape:
    """A label as it is drawn.

    Args:
        label: as the database holds it
    """
    plain = _plain(label)
    if plain.box is not None and not plain.outlines and plain.points is None:
        return Shape(plain.label, plain.box, _outlines(label, plain.box))
    return plain


def _plain(label: dict[str, Any]) -> Shape:
    """A label without its mask, which takes long to read."""
    name, points = label.get("label"), label.get("points")
    if not isinstance(points, list) or not points:
        return Shape(name, _box(label))
    if label.get("_cls") == "Keypoint":
        alone = _finite(points)
        return Shape(name, _around([alone]), points=alone)
    lines = tuple(line for part in points[:_OUTLINES] if len(line := _finite(part)))
    closed = bool(label.get("closed") or label.get("filled"))
    return Shape(name, _around(lines), lines, is_closed=closed)


def _box(label: dict[str, Any]) -> Box | None:
    """The box of a label; None where it has none."""
    if isinstance(label.get("points"), list):
        return _plain(label).box
    box = label.get("bounding_box")
    if not isinstance(box, list) or len(box) != 4 or not np.isfinite(np.asarray(box, np.float64)).all():
        return None
    x, y, width, height = (float(side) for side in box)
    return x, y, width, height


def _finite(points: Any) -> NDArray[np.float64]:
    """(n, 2) the points that are visible."""
    try:
        found = np.array([[np.nan if side is None else side for side in point] for point in points], np.float64)
    except (TypeError, ValueError):
        return np.zeros((0, 2))
    return found[np.isfinite(found).all(axis=1)] if found.ndim == 2 and found.shape[1] == 2 else np.zeros((0, 2))


def _around(parts: Iterable[NDArray[np.float64]]) -> Box | None:
    """The box around points."""
    found = [part for part in parts if len(part)]
    if not found:
        return None
    every = np.concatenate(found)
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _outlines(label: dict[str, Any], box: Box) -> tuple[NDArray[np.float64], ...]:
    """The outlines of an instance mask, which fills its box; none where there is no mask that can be read."""
    mask = _mask_of(label)
    if mask is None:
        return ()
    height, width = mask.shape
    factor = min(1.0, _MASK_SIDE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    # Contours run through the centres of pixels; a margin keeps what touches the border closed.
    found, _ = cv2.findContours(cv2.copyMakeBorder(small, 1, 1, 1, 1, 0), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = sorted(found, key=cv2.contourArea, reverse=True)[:_OUTLINES]
    scale, start = np.array([box[2] / size[0], box[3] / size[1]]), np.array(box[:2])
    return tuple((_simple(one) - 0.5) * scale + start for one in largest)


def _simple(contour: NDArray) -> NDArray[np.float64]:
    """(n, 2) a contour of few points."""
    tolerance = 0.6
    points = cv2.approxPolyDP(contour, tolerance, True)
    while len(points) > _POINTS:
        tolerance *= 1.6
        points = cv2.approxPolyDP(contour, tolerance, True)
    return points.reshape(-1, 2).astype(np.float64)


def _mask_of(label: dict[str, Any]) -> NDArray[np.bool_] | None:
    """(h, w) the mask of a detection, in the document or in a file."""
    if label.get("mask") is None and not label.get("mask_path"):
        return None
    try:
        mask = fo.Detection(mask=array_of(label.get("mask")), mask_path=label.get("mask_path")).get_mask()
    except Exception:
        # Whatever a decoder raises.
        return None
    return mask != 0 if mask is not None and mask.ndim == 2 and mask.size else None
