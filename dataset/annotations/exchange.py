"""From what came back to the changes of the label field."""

from __future__ import annotations

from dataclasses import dataclass, field

import fiftyone as fo
from bson import ObjectId

from ...core.progress import Progress
from ..results import changing
from ..review.edits import MISSING, Change, value_of
from ..samples import value_at
from .handed import HandOver
from .merging import Merged, merged_field
from .pictures import KINDS, Returned, raw_labels

_BATCH = 500


@dataclass
class Changes:
    """What is to be written.

    Args:
        changes: of the label field, a sample each
        done: how many labels that adds, changes and removes
        conflicts: what stays since somebody else changed it, in words
        n_gone: how many samples were deleted meanwhile
    """

    changes: list[Change] = field(default_factory=list)
    done: Merged = field(default_factory=Merged)
    conflicts: list[str] = field(default_factory=list)
    n_gone: int = 0


def changes_of(dataset: fo.Dataset, hand_over: HandOver, returned: dict[str, Returned], progress: Progress) -> Changes:
    """The changes that merging makes; the labels of the hand-over are brought up to date.

    Args:
        dataset: where the samples are
        hand_over: what was handed over; its entries become what they are after the changes
        returned: what came back, by sample
        progress: told the samples compared
    """
    found, empty = Changes(), set(hand_over.empty)
    kind, path = KINDS[hand_over.drawn], hand_over.label_field
    project = {path: True} | ({hand_over.prelabels: True} if hand_over.prelabels else {})
    samples = list(returned)
    for start in range(0, len(samples), _BATCH):
        batch = samples[start : start + _BATCH]
        documents = dataset._sample_collection.find({"_id": {"$in": [ObjectId(one) for one in batch]}}, project)
        held = {str(document["_id"]): document for document in documents}
        found.n_gone += len(batch) - len(held)
        for sample, document in held.items():
            before = value_of(document, path)
            prelabels = value_at(document, hand_over.prelabels) if hand_over.prelabels else None
            after, entries, done = merged_field(
                None if before is MISSING else before,
                hand_over.drawn,
                hand_over.entries.get(sample, []),
                returned[sample].annotations,
                was_empty=sample in empty,
                prelabels={str(raw["_id"]): raw for raw in raw_labels(prelabels, kind)},
            )
            hand_over.entries[sample] = entries
            found.done += done
            found.conflicts += [f"sample {sample}: {one}" for one in done.conflicts]
            if after != (None if before is MISSING else before):
                found.changes.append(Change(ObjectId(sample), before, after))
        progress(start + len(batch), len(samples), "comparing")
    return found


def declared(dataset: fo.Dataset, hand_over: HandOver) -> None:
    """Makes sure of the field that annotations go to."""
    with changing(dataset):
        if dataset.get_field(hand_over.label_field) is None:
            kind = KINDS[hand_over.drawn]
            dataset.add_sample_field(hand_over.label_field, fo.EmbeddedDocumentField, embedded_doc_type=kind)
