"""Masks to class probabilities, a sample at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.geometry import resized
from ..core.scores.planes import ConfidencePlanes
from ..core.scores.probabilities import BadRow
from ..core.scores.segmentation import Planes
from .arrays import Unreadable, array_planes
from .binary import decoded
from .labels import LabelField, mask_targets
from .predictions import label_documents
from .samples import FRAMES, Samples, dataset_of, field_of, value_at

# Documents a batch: a document may hold whole masks.
_BATCH = 8


@dataclass(frozen=True)
class Mask:
    """A mask to be read when its turn comes.

    Args:
        id: of the sample or frame
        owner: the sample
        present: whether there is a label at all
        origin: where its probabilities come from
        open: a context with its planes, see ``_opened``
    """

    id: ObjectId
    owner: ObjectId
    present: bool
    origin: str
    open: Callable[[], Any]


def masks(samples: Samples, field: LabelField, confidence_map: str | None) -> Iterator[list[Mask]]:
    """Streams the masks of a Segmentation field in batches; none is read yet.

    Args:
        samples: the samples
        field: the Segmentation field
        confidence_map: the Heatmap field with the confidence of the predicted class, for masks without probabilities

    Raises:
        ShortlistError: no such Heatmap field, or it needs a class list that the dataset does not declare
    """
    attributes = ["_cls", "logits", field.probabilities_attribute]
    heatmap, values = None, class_values(samples, field)
    project: dict[str, Any] = {}
    if confidence_map is not None:
        attributes += ["mask", "mask_path"]
        heatmap = _heatmap_path(samples, field, confidence_map)
        project[heatmap] = True
        if not values:
            raise ShortlistError(
                f"confidence_map needs the classes of {field.path!r}. Set dataset.mask_targets[{field.path!r}] = "
                f"{{0: 'background', 1: ...}}."
            )
    project |= {f"{field.document_path}.{name}": True for name in attributes}
    for batch in label_documents(samples, field, project, batch=_BATCH):
        yield [_mask(document, field, heatmap, values) for document in batch]


def _mask(document: dict[str, Any], field: LabelField, heatmap: str | None, values: dict[int, int]) -> Mask:
    label = value_at(document, field.document_path)
    owner = document.get("_sample_id", document["_id"])
    for name in (field.probabilities_attribute, "logits"):
        stored = (label or {}).get(name)
        if stored is not None:
            open_array = lambda stored=stored, name=name: array_planes(stored, name == "logits")  # noqa: E731
            return Mask(document["_id"], owner, True, name, open_array)
    confidence = value_at(document, heatmap) if heatmap and label else None
    if confidence is not None:
        return Mask(document["_id"], owner, True, "confidence", lambda: _approximated(label, confidence, values))
    return Mask(document["_id"], owner, bool(label), "nothing", _nothing)


@contextmanager
def opened(mask: Mask, field: LabelField) -> Iterator[Planes]:
    """The planes of a mask.

    Raises:
        Unreadable: there is nothing that can be read
        ShortlistError: whatever is wrong with what was read, also inside the context, with where it is
    """
    place = field.where(mask.id)
    try:
        with mask.open() as planes:
            yield planes
    except BadRow as error:
        raise ShortlistError(error.sentence).at(place) from None
    except ShortlistError as error:
        raise error if str(error).startswith(place) else error.at(place) from None


def check_classes(mask: Mask, field: LabelField, found: int, expected: int | None) -> None:
    """Refuses a mask with probabilities of another number of classes than expected, if any is."""
    if expected not in (None, found):
        raise must_be(
            field.where(mask.id), f"probabilities of {expected} classes, as the others or the class list", found
        )


@contextmanager
def _nothing() -> Iterator[Planes]:
    raise Unreadable("masks without probabilities or a confidence map")
    yield


@contextmanager
def _approximated(label: dict[str, Any], confidence: dict[str, Any], values: dict[int, int]) -> Iterator[Planes]:
    """The planes of a mask and a Heatmap with the confidence of each pixel's class."""
    mask, shares = mask_of(label), _shares(confidence)
    if mask is None or shares is None:
        raise Unreadable("masks or confidence maps that cannot be read")
    yield ConfidencePlanes(resized(indices_of(mask, values), shares.shape), shares, len(values))


def mask_of(label: dict[str, Any]) -> NDArray[np.integer] | None:
    """(h, w) the mask of a Segmentation as the database holds it, in the document or in a file; colours become one number.

    None where there is none that can be read.
    """
    path = label.get("mask_path")
    if path and not os.path.isfile(path):
        return None
    try:
        mask = fo.Segmentation(mask=decoded(label.get("mask")), mask_path=path).get_mask()
    except Exception:
        # Whatever a decoder raises.
        return None
    if mask is not None and mask.dtype.kind == "f" and (mask == np.rint(mask)).all():
        mask = mask.astype(np.int32)
    if mask is None or mask.ndim not in (2, 3) or mask.dtype.kind not in "biu" or not mask.size:
        return None
    if mask.ndim == 3:
        red, green, blue = (mask[..., channel].astype(np.int64) for channel in range(3))
        return (red << 16) + (green << 8) + blue
    return mask.astype(np.uint8) if mask.dtype.kind == "b" else mask


def _shares(confidence: dict[str, Any]) -> NDArray[np.float32] | None:
    """(h, w) a Heatmap as shares of its range; None where it cannot be read."""
    try:
        found = fo.Heatmap(map=decoded(confidence.get("map")), map_path=confidence.get("map_path")).get_map()
    except Exception:
        return None
    if found is not None and found.ndim == 3 and (found == found[..., :1]).all():
        # A grey map that was saved in colour.
        found = found[..., 0]
    if found is None or found.ndim != 2 or not found.size:
        return None
    low, high = confidence.get("range") or (0, _full(found, confidence))
    if not low < high:
        raise must_be("confidence_map", "a Heatmap with a range from low to high", [low, high])
    shares = (found.astype(np.float32) - low) / (high - low)
    outside = (shares < 0) | (shares > 1)
    if outside.any():
        got = float(found[outside].flat[0])
        raise must_be("confidence_map", f"between {low:g} and {high:g}, the range of the Heatmap", got)
    return shares


def _full(found: NDArray, confidence: dict[str, Any]) -> float:
    """What a Heatmap without a range takes for certain, as FiftyOne does."""
    if found.dtype.kind == "f":
        return 1
    return float(np.iinfo(found.dtype).max) if confidence.get("map_path") else 255


def indices_of(mask: NDArray, values: dict[int, int]) -> NDArray[np.int32]:
    """(h, w) the class of each pixel of a mask; -1 for a value that is no class."""
    found, places = np.unique(mask, return_inverse=True)
    indices = np.array([values.get(int(value), -1) for value in found], dtype=np.int32)
    return indices[places].reshape(mask.shape)


def class_indices(mask: NDArray, samples: Samples, field: LabelField, n_classes: int) -> NDArray[np.int32]:
    """(h, w) the class of each pixel of a mask that a field holds, -1 where it has none.

    Args:
        mask: (h, w) values or colours, see ``mask_of``
        samples: where the field is
        field: the field, whose mask targets say which value is which class; without them a value is its class
        n_classes: K, how many classes there are
    """
    values = class_values(samples, field) or {value: value for value in range(n_classes)}
    # Targets may name more than the model knows, such as what is to be ignored.
    return indices_of(mask, {value: index for value, index in values.items() if index < n_classes})


def class_values(samples: Samples, field: LabelField) -> dict[int, int]:
    """The class index of each mask value, or of each colour; empty where the dataset declares neither."""
    targets = mask_targets(dataset_of(samples), field.path)
    if targets:
        numbers = [int(value.lstrip("#"), 16) if isinstance(value, str) else int(value) for value in targets]
        return {number: index for index, number in enumerate(numbers)}
    return {value: value for value in range(len(field.classes))}


def _heatmap_path(samples: Samples, field: LabelField, path: str) -> str:
    """The path of a Heatmap field in the documents that hold the masks."""
    found = field_of(samples, path, "confidence_map")
    if not (isinstance(found, fo.EmbeddedDocumentField) and found.document_type is fo.Heatmap):
        raise must_be("confidence_map", "a Heatmap field", path)
    if path.startswith(FRAMES) != field.of_frames:
        raise must_be("confidence_map", f"a field of the same documents as {field.path!r}", path)
    return path.removeprefix(FRAMES)
