"""Masks to class probabilities, a sample at a time."""

from __future__ import annotations

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
    heatmap, values = None, _class_values(samples, field)
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
def _nothing() -> Iterator[Planes]:
    raise Unreadable("masks without probabilities or a confidence map")
    yield


@contextmanager
def _approximated(label: dict[str, Any], confidence: dict[str, Any], values: dict[int, int]) -> Iterator[Planes]:
    """The planes of a mask and a Heatmap with the confidence of each pixel's class."""
    try:
        mask = fo.Segmentation(mask=decoded(label.get("mask")), mask_path=label.get("mask_path")).get_mask()
        found = fo.Heatmap(map=decoded(confidence.get("map")), map_path=confidence.get("map_path")).get_map()
    except Exception:
        raise Unreadable("masks or confidence maps that cannot be read") from None
    if mask is None or found is None:
        raise Unreadable("masks or confidence maps that cannot be read")
    low, high = confidence.get("range") or (0, _full(found, confidence))
    shares = (found.astype(np.float32) - low) / (high - low)
    outside = (shares < 0) | (shares > 1)
    if outside.any():
        got = float(found[outside].flat[0])
        raise must_be("confidence_map", f"between {low:g} and {high:g}, the range of the Heatmap", got)
    yield ConfidencePlanes(resized(_indices(mask, values), shares.shape), shares, len(values))


def _full(found: NDArray, confidence: dict[str, Any]) -> float:
    """What a Heatmap without a range takes for certain, as FiftyOne does."""
    if found.dtype.kind == "f":
        return 1
    return float(np.iinfo(found.dtype).max) if confidence.get("map_path") else 255


def _indices(mask: NDArray, values: dict[int, int]) -> NDArray[np.int32]:
    """(h, w) the class of each pixel of a mask of values or of RGB colours; -1 for a value that is no class."""
    if mask.ndim == 3:
        red, green, blue = (mask[..., channel].astype(np.int64) for channel in range(3))
        mask = (red << 16) + (green << 8) + blue
    found, places = np.unique(mask, return_inverse=True)
    indices = np.array([values.get(int(value), -1) for value in found], dtype=np.int32)
    return indices[places].reshape(mask.shape)


def class_indices(mask: NDArray, samples: Samples, field: LabelField, n_classes: int) -> NDArray[np.int32]:
    """(h, w) the class of each pixel of a mask that a field holds, -1 where it has none.

    Args:
        mask: (h, w) values or (h, w, 3) colours
        samples: where the field is
        field: the field, whose mask targets say which value is which class; without them a value is its class
        n_classes: K, how many classes there are
    """
    values = _class_values(samples, field) or {value: value for value in range(n_classes)}
    # Targets may name more than the model knows, such as what is to be ignored.
    return _indices(mask, {value: index for value, index in values.items() if index < n_classes})


def _class_values(samples: Samples, field: LabelField) -> dict[int, int]:
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
