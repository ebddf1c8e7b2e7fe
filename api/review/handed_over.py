"""What handing over and merging return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import fiftyone as fo

from ..summary import Summary

_NAMED = 5


@dataclass(frozen=True)
class HandedOver(Summary):
    """What was handed to annotators.

    Args:
        run_key: the name of the hand-over
        target: a file format or an annotation backend
        label_field: the field that annotations go to
        label_type: what annotators draw
        export_dir: where the files are; None of a backend
        n_samples: how many images
        n_labels: how many labels of the field annotators begin with
        n_prelabels: how many pre-labels they begin with
        classes: the classes to choose from
        n_labels_left_out: how many labels have no class or no place to show
        unread: path and reason of each image that could not be read
    """

    run_key: str
    target: str
    label_field: str
    label_type: str
    export_dir: str | None
    n_samples: int
    n_labels: int
    n_prelabels: int
    classes: list[str]
    n_labels_left_out: int
    unread: list[tuple[str, str]]

    @property
    def headline(self) -> str:
        return f"Handed {self.n_samples} images over to {self.target} as {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        yield "to draw", f"{self.label_type} for {self.label_field!r}, of {len(self.classes)} classes"
        yield "begin with", f"{self.n_labels} labels of the field, {self.n_prelabels} pre-labels"
        if self.export_dir is not None:
            yield "files", self.export_dir
        if self.n_labels_left_out:
            yield "not shown", f"{self.n_labels_left_out} labels without a class or a place; they stay as they are"
        for path, reason in self.unread[:_NAMED]:
            yield "left out", f"{path}: {reason}"
        if len(self.unread) > _NAMED:
            yield "left out", f"and {len(self.unread) - _NAMED} more images"
        yield "to merge", f"merge_annotations with run_key {self.run_key!r}"


@dataclass(frozen=True)
class MergedAnnotations(Summary):
    """What was merged.

    Args:
        run_key: the name of the hand-over
        label_field: the field that annotations went to
        n_returned: how many images came back
        n_samples: how many were handed over
        added: how many labels are new
        changed: how many got another class or place
        removed: how many went
        conflicts: what somebody else changed meanwhile, in words; it stays
        unknown: names of images that were not handed over, or came twice
        n_gone: how many samples were deleted meanwhile
        n_foreign: how many annotations are of another type than was asked for
        record: the name of the record of what the labels were; None where nothing changed
        view: the samples that came back
        n_resumed: how many samples an interrupted run had left to be written
    """

    run_key: str
    label_field: str
    n_returned: int
    n_samples: int
    added: int
    changed: int
    removed: int
    conflicts: list[str]
    unknown: list[str]
    n_gone: int
    n_foreign: int
    record: str | None
    view: fo.DatasetView
    n_resumed: int = 0

    @property
    def headline(self) -> str:
        done = f"{self.added} labels added, {self.changed} changed, {self.removed} removed"
        return f"Merged {self.run_key!r} into {self.label_field!r}: {done}"

    def rows(self) -> Iterable[tuple[str, str]]:
        yield "came back", f"{self.n_returned} of {self.n_samples} images"
        if self.n_gone:
            yield "deleted", f"{self.n_gone} samples are not in the dataset any more"
        for name, rows in (("conflict", self.conflicts), ("unknown image", self.unknown)):
            for row in rows[:_NAMED]:
                yield name, row
            if len(rows) > _NAMED:
                yield name, f"and {len(rows) - _NAMED} more"
        if self.n_foreign:
            yield "left out", f"{self.n_foreign} annotations of another type than was asked for"
        if self.n_resumed:
            yield "finished first", f"{self.n_resumed} samples that an interrupted run had left"
        if self.record is not None or self.n_resumed:
            yield "to undo", f"undo_review with run_key {self.run_key!r}"
            yield "note", "scores of label quality are of the labels before: run score_label_quality again"


@dataclass(frozen=True)
class DeletedHandOver(Summary):
    """What ``delete_hand_over`` deleted."""

    run_key: str

    @property
    def headline(self) -> str:
        return f"Deleted the hand-over {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        return ()
