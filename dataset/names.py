"""Names that a dataset's fields cannot have."""

from __future__ import annotations

import fiftyone as fo

# Samples with fields of these names cannot be copied, or are taken for frames.
_KEPT = ("frames", "self")


def is_kept(dataset: fo.Dataset, name: str) -> bool:
    """Whether FiftyOne keeps a name for itself, though it lets a field have it: samples could no longer be read or copied.

    Args:
        dataset: the dataset
        name: of a field that is not there yet
    """
    # Two underscores are what the database's mapper writes a dot as: it cannot load samples anew that have such a field.
    return (
        name in _KEPT
        or "__" in name
        or (name not in dataset.get_field_schema() and hasattr(dataset._sample_doc_cls, name))
    )
