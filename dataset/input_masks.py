"""Reading the CLASS_DISTRIBUTION of semantic masks: each class's share of a sample's pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.progress import Progress, silent
from ..core.selection.values import Amounts
from .labels import LabelField, mask_targets
from .predictions import label_documents
from .rows import Once, Rows
from .samples import as_ids, dataset_of, value_at
from .segmentations import mask_of
from .tally import Tally

# Documents a batch: a document may hold whole masks.
_BATCH = 32
# What is commonly no class, where the dataset does not say.
_IGNORED = 255


def pixel_shares(
    field: LabelField, rows: Rows, categories: Sequence[str] | None = None, progress: Progress = silent
) -> tuple[Amounts, NDArray[np.bool_]]:
    """Each class's share of the pixels that have one, a number from 0 to 1 that sums to 1 over the classes.

    Classes are the names of the mask targets; what is none of them is not counted. Without targets a value is its own name,
    and 255 is no class. Of a video it is the mean over its frames.

    Args:
        field: the Segmentation field
        rows: the samples
        categories: the classes to keep
        progress: told the samples read

    Returns:
        the shares, and (n,) bool, which rows have a mask that can be read

    Raises:
        ShortlistError: no mask can be read, or a category that is no class
    """
    targets = mask_targets(dataset_of(rows.samples), field.path)
    names = {_number(value): str(name) for value, name in targets.items()}
    tally, n_masks, once = Tally(len(rows), list(dict.fromkeys(names.values()))), np.zeros(len(rows)), Once(len(rows))
    project = {f"{field.document_path}.{name}": True for name in ("_cls", "mask", "mask_path")}
    for view in rows.views:
        once.next_view()
        for batch in label_documents(view, field, project, batch=_BATCH):
            places = rows.of(as_ids(document.get("_sample_id", document["_id"]) for document in batch))
            fresh = once.fresh(places, field.of_frames)
            for document, place, keep in zip(batch, places, fresh, strict=True):
                label = value_at(document, field.document_path)
                mask = mask_of(label) if keep and label else None
                if mask is not None:
                    n_masks[place] += 1
                    _add(tally, int(place), mask, names)
            progress(once.count, len(rows), f"reading the masks of {field.path}")
    if not n_masks.any():
        raise ShortlistError(
            f"CLASS_DISTRIBUTION of {field.path!r} needs masks, in the label (mask) or in a file (mask_path). Got none that "
            f"can be read instead."
        )
    unknown = [name for name in categories or () if name not in tally.index]
    if unknown:
        hint = did_you_mean(unknown[0], tally.index)
        raise must_be("input.categories", f"classes of {field.path!r} ({listed(tally.index)})", unknown[0], hint)
    found = tally.amounts(categories)
    matrix = found.matrix.copy()
    matrix.data /= np.maximum(np.repeat(n_masks, np.diff(matrix.indptr)), 1)
    return Amounts(found.names, matrix), n_masks > 0


def _add(tally: Tally, place: int, mask: NDArray[np.integer], names: dict[int, str]) -> None:
    """Adds the shares of one mask's classes."""
    if mask.dtype == np.uint8:
        counts = np.bincount(mask.ravel(), minlength=256)
        values = np.flatnonzero(counts)
        counts = counts[values]
    else:
        values, counts = np.unique(mask, return_counts=True)
    known = [
        (names.get(int(value), "") if names else str(int(value)), int(count))
        for value, count in zip(values, counts, strict=True)
        if (int(value) in names if names else int(value) != _IGNORED)
    ]
    total = sum(count for _, count in known)
    columns = np.array([tally.index.setdefault(name, len(tally.index)) for name, _ in known], np.int64)
    shares = np.array([count / total for _, count in known], np.float64)
    tally.add_columns(np.full(len(known), place), columns, shares)


def _number(value: int | str) -> int:
    """A mask value as a number; a colour is one of its three bytes, as ``mask_of`` reads it."""
    return int(value.lstrip("#"), 16) if isinstance(value, str) else int(value)
