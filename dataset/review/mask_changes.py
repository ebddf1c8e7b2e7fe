"""What was decided on regions of masks, painted: into new bytes, or into a new file beside the one that was there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.utils as fou
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.geometry import resized
from ...core.review.acts import Decided
from ...core.review.items import Box
from ..binary import decoded
from ..label_issues import SUGGESTIONS
from ..labels import LabelField, mask_targets
from ..samples import value_at
from ..score_fields import sample_path
from ..segmentations import mask_of
from .edit_records import Change
from .label_changes import CHANGED, GONE, UNKNOWN, Carried, Left, carried
from .places import box_of
from .predicted import Predictions

# Bytes of a file's name that every file system takes.
_LONGEST_NAME = 255

NO_REGION = "the suggested region is no longer there: the labels were scored again since"
NO_VALUE = "the mask has no value for the class: name it in the dataset's mask targets"
UNREADABLE = "the mask cannot be read"


class MaskChanges:
    """Carries out what was decided on regions of semantic masks.

    Args:
        dataset: where they are
        field: the masks that were reviewed
        record: the name of the record of the changes, by which files are named
    """

    def __init__(self, dataset: fo.Dataset, field: LabelField, record: str):
        self._suggestions = f"{sample_path(field.path, SUGGESTIONS)}.detections"
        self._values = _values(dataset, field)
        self._record = record
        self._files: list[str] = []

    def projection(self) -> dict[str, Any]:
        """What must be read of a sample besides the field itself."""
        return {f"{self._suggestions}.{name}": True for name in ("_id", "bounding_box", "mask")}

    def of(self, document: Mapping[str, Any], value: Any, decided: Sequence[Decided]) -> Carried:
        """What becomes of the mask of a sample; see ``LabelChanges.of``."""
        known = mask_of(value) if isinstance(value, dict) else None
        if known is None:
            reason = UNREADABLE if isinstance(value, dict) else GONE
            return Carried(value, left={one.number: reason for one in decided})
        painted = np.zeros(known.shape, bool)
        new = known.astype(np.int64)

        def paint(held: Any, one: Decided) -> Any:
            area, number = self._region(document, known, one)
            if (painted & area).any():
                raise Left(CHANGED)
            new[area] = number
            painted[area] = True
            return held

        found = carried(value, decided, paint)
        if found.done:
            try:
                found.value = self._stored(str(document["_id"]), value, new, painted)
            except Left as left:
                found.left |= dict.fromkeys(found.done, str(left))
                found.done = {}
        return found

    def forget(self) -> None:
        """Removes the files that were written for changes that are not."""
        for path in self._files:
            Path(path).unlink(missing_ok=True)

    def _region(
        self, document: Mapping[str, Any], mask: NDArray[np.integer], one: Decided
    ) -> tuple[NDArray[np.bool_], int]:
        """The pixels of a region, and the value that they get.

        Returns:
            (h, w) bool, and the number
        """
        suggested = value_at(dict(document), self._suggestions) or []
        region = next((found for found in suggested if str(found.get("_id")) == one.item.suggestion), None)
        inside = None if region is None else decoded(region.get("mask"))
        box = None if region is None else box_of(region)
        if one.outcome.decision == "remove" or one.item.suggestion is None:
            raise Left(UNKNOWN)
        if inside is None or box is None:
            raise Left(NO_REGION)
        cells = _grid(inside, box)
        given = np.isin(mask, self._values.get(one.item.given, []))
        # What was reviewed is the pixels that the cells were read from; of the others those of the same class go along.
        if not resized(given, cells.shape)[cells].all():
            raise Left(CHANGED)
        if one.label not in self._values:
            raise Left(NO_VALUE)
        return resized(cells, mask.shape) & given, self._values[one.label][0]

    def _stored(
        self, sample: str, value: dict[str, Any], new: NDArray[np.int64], painted: NDArray[np.bool_]
    ) -> dict[str, Any]:
        """The label with the new mask, kept as the old one was."""
        # FiftyOne reads what is in the database where there is both.
        if value.get("mask") is not None:
            old = decoded(value["mask"])
            assert old is not None
            return {**value, "mask": fou.serialize_numpy_array(_painted(old, new, painted))}
        path = _beside(value["mask_path"], f"{self._record}.{sample}")
        _write_file(value["mask_path"], path, new, painted)
        self._files.append(path)
        return {**value, "mask_path": path}


def _grid(inside: NDArray[np.bool_], box: Box) -> NDArray[np.bool_]:
    """The cells of a region in the grid in which it was found, which may be coarser or finer than the mask.

    Args:
        inside: (h, w) bool, the cells in its box
        box: (x, y, width, height) relative to the image
    """
    left, top, width, height = box
    cells = np.zeros((round(inside.shape[0] / height), round(inside.shape[1] / width)), bool)
    row, column = round(top * cells.shape[0]), round(left * cells.shape[1])
    cells[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return cells


def _values(dataset: fo.Dataset, field: LabelField) -> dict[str | None, list[int]]:
    """The values of each class in the masks of a field, or its colours as numbers, the one to paint with first."""
    found: dict[str | None, list[int]] = {}
    for value, name in mask_targets(dataset, field.path).items():
        number = int(value.lstrip("#"), 16) if isinstance(value, str) else int(value)
        found.setdefault(name, []).append(number)
    if found:
        return found
    # Without targets a value is the class of the model; one without a name is called by its number.
    classes = Predictions(dataset, field).classes
    return {name: [place] for place, name in enumerate(classes or map(str, range(1 << 16)))}


def _painted(old: NDArray, new: NDArray[np.int64], painted: NDArray[np.bool_]) -> NDArray:
    """A mask with some pixels painted, of the type and the form that it had.

    Args:
        old: (h, w), or (h, w, c) of colours
        new: (h, w) the values, or the colours as numbers
        painted: (h, w) which pixels
    """
    result = old.copy()
    if old.ndim == 3:
        for channel, shift in enumerate((16, 8, 0)):
            result[..., channel][painted] = (new[painted] >> shift) & 255
        return result
    result[painted] = new[painted]
    if not np.array_equal(result[painted], new[painted]):
        raise Left(NO_VALUE)
    return result


def _beside(path: str, name: str) -> str:
    """A file beside another, named after it."""
    old = Path(path)
    new = f"{old.stem}.{name}.png"
    return str(old.with_name(new if len(new.encode()) <= _LONGEST_NAME else f"{name}.png"))


def _write_file(old: str, path: str, new: NDArray[np.int64], painted: NDArray[np.bool_]) -> None:
    """Writes a file with some pixels painted; one with a palette keeps it."""
    with Image.open(old) as image:
        if image.mode == "P":
            palette = np.array(image.getpalette("RGB")).reshape(-1, 3).astype(np.int64)
            colours = (palette[:, 0] << 16) + (palette[:, 1] << 8) + palette[:, 2]
            indices = np.array(image)
            places = {int(colour): place for place, colour in reversed(list(enumerate(colours.tolist())))}
            wanted = np.unique(new[painted])
            if all(int(colour) in places for colour in wanted):
                for colour in wanted.tolist():
                    indices[painted & (new == colour)] = places[colour]
                result = Image.fromarray(indices, "P")
                result.putpalette(palette.ravel().tolist())
                result.save(path, "PNG")
                return
    mask = fo.Segmentation(mask_path=old).get_mask()
    fo.Segmentation(mask=_painted(mask, new, painted)).export_mask(path)


def remove_file(record: str, change: Change) -> None:
    """Removes the file that a change wrote, if it wrote one; no other."""
    before, after = (
        (value or {}).get("mask_path") if isinstance(value, dict) else None for value in (change.before, change.after)
    )
    if after and after != before and f"{record}.{change.sample_id}.png" in os.path.basename(after):
        Path(after).unlink(missing_ok=True)
