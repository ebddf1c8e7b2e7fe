"""The verbs apply_review and undo_review."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.errors import ShortlistError, did_you_mean, listed, must_be
from ...core.progress import Progress
from ...core.review.acts import Act, Decided
from ...core.review.verdicts import Outcome, outcome
from ...core.schema import parse
from ...core.verbs import ApplyReview, UndoReview
from ...dataset.labels import LabelField, label_field
from ...dataset.reservation import reserved
from ...dataset.review import copies, edit_records, edits, kept, undoing
from ...dataset.review.edits import Change
from ...dataset.review.label_changes import Carried, LabelChanges
from ...dataset.review.mask_changes import MaskChanges, remove_file
from ...dataset.review.verdicts import verdicts_of
from ...dataset.samples import Samples, home_of
from ..terminal import Bar
from .applied import AppliedReview, UndoneReview

# How many samples are read at a time; masks may be large.
_BATCH = 100
_DELETED = "the sample was deleted"
_MEANWHILE = "somebody changed the sample at the same moment: run again"


def apply_review(
    samples: Samples, run_key: str, *, output_field: str | None = None, progress: Progress | None = None
) -> AppliedReview:
    """Writes what was decided in a review to the labels, with a record of what they were.

    Only decided items are applied, each once, and only where the label still is what people saw. A run that was
    interrupted is finished by the next one, or undone by ``undo_review``.

    Args:
        samples: the dataset, or a view of it
        run_key: the review
        output_field: a new field that gets a copy of the labels with the changes; None: the labels themselves
        progress: told the samples written; a bar in the terminal by default

    Returns:
        what was changed, and what was not and why

    Raises:
        ShortlistError: bad input; nothing was written
        Cancelled: by ``progress``; it says whether something was written
    """
    given = parse(ApplyReview, {"run_key": run_key, "output_field": output_field})
    dataset = home_of(samples)
    with Bar.unless(progress) as told, reserved(dataset, f"the review {given.run_key}"):
        dataset.reload()
        return _Apply(dataset, given).run(told)


class _Apply:
    """One review on its way to the labels.

    Args:
        dataset: where it is
        given: the parameters
    """

    def __init__(self, dataset: fo.Dataset, given: ApplyReview):
        self.dataset, self.run_key = dataset, given.run_key
        self.review = kept.load(dataset, given.run_key)
        path = self.review.record.label_field
        if path is None:
            raise must_be(
                "run_key",
                "a review of labels",
                given.run_key,
                "It is about samples as a whole: there is nothing to write.",
            )
        self.field: LabelField = label_field(dataset, path)
        self.is_mask = self.field.task == "segmentation"
        self.path, self.output = given.output_field or self.field.document_path, given.output_field
        if self.output is not None:
            copies.refuse_taken(dataset, self.field.path, self.output, self.review.record)
        self.left: dict[str, list[int]] = defaultdict(list)
        self.done: dict[int, Act] = {}
        self.about: dict[str, Any] = {"review_id": self.review.record.review_id, "items": [], "meant": []}

    def run(self, progress: Progress) -> AppliedReview:
        """Finishes what was interrupted, then writes what is decided and not yet applied."""
        resumed = edits.finish_edits(self.dataset, self.run_key, progress)
        before = edit_records.applied_items(self.dataset, self.review, self.path)
        outcomes = self._outcomes(before)
        todo = {
            number: one
            for number, found in outcomes.items()
            if number not in before and (one := Decided(number, self.review.item(number), found)).act is not None
        }
        otherwise = [
            number
            for number, meant in before.items()
            if number in outcomes and meant != edit_records.meant(outcomes[number])
        ]
        edited = self._write(todo, progress)
        meanwhile = set(edited.changed_meanwhile)
        for number in [number for number in self.done if self.review.item(number).sample in meanwhile]:
            del self.done[number]
            self.left[_MEANWHILE].append(number)
        counts = Counter(found.state for found in outcomes.values())
        decisions = Counter(found.decision for found in outcomes.values())
        return AppliedReview(
            self.run_key,
            self.field.path,
            self.path,
            dict(Counter(self.done.values())),
            edited.n_changed,
            self.is_mask,
            n_right=decisions["keep"],
            n_edited=decisions["edited"],
            n_before=len(before),
            otherwise=sorted(otherwise),
            waiting={state: counts[state] for state in ("open", "disputed", "unsure") if counts[state]},
            left={reason: sorted(numbers) for reason, numbers in self.left.items()},
            n_resumed=sum(one.n_changed for one in resumed),
        )

    def _outcomes(self, before: Container[int]) -> dict[int, Outcome]:
        """What was decided on each item whose sample is still there; notes those of the others that were not applied."""
        found = {
            number: outcome(self.review.item(number), verdicts)
            for number, verdicts in verdicts_of(self.dataset, self.review).items()
        }
        gone = [
            number for number in range(1, len(self.review.items) + 1) if number not in before and number not in found
        ]
        if gone:
            self.left[_DELETED] += gone
        return found

    def _write(self, todo: dict[int, Decided], progress: Progress) -> edits.Edited:
        """Writes the changes, to a copy where one is asked for."""
        made = self.output is not None and copies.make(self.dataset, self.field.path, self.path, self.review.record)
        record = edits.next_record(self.dataset, self.run_key)
        changes: LabelChanges | MaskChanges = (
            MaskChanges(self.dataset, self.field, record) if self.is_mask else LabelChanges(self.dataset, self.field)
        )
        try:
            return edits.write_edits(
                self.dataset, self.run_key, self.path, self._changes(todo, changes, progress), self.about, progress
            )
        except BaseException:
            if record not in self.dataset.list_runs():
                # Nothing is on record, so nothing may stay.
                changes.forget()
                if made:
                    copies.delete(self.dataset, self.path)
            raise

    def _changes(
        self, todo: dict[int, Decided], changes: LabelChanges | MaskChanges, progress: Progress
    ) -> Iterator[Change]:
        """The changes of the samples, a few samples in memory at a time."""
        by_sample: dict[ObjectId, list[Decided]] = defaultdict(list)
        for one in todo.values():
            by_sample[ObjectId(one.item.sample)].append(one)
        project = {self.path: True, **changes.projection()}
        n_read = 0
        every = list(by_sample)
        for ids in (every[start : start + _BATCH] for start in range(0, len(every), _BATCH)):
            for document in self.dataset._sample_collection.find({"_id": {"$in": ids}}, project):
                decided = by_sample[document["_id"]]
                value = edits.value_of(document, self.path)
                found = changes.of(document, value, decided)
                self._note(found, decided)
                if found.done:
                    yield Change(document["_id"], value, found.value)
            n_read += len(ids)
            progress(n_read, len(every), f"reading {self.path}")

    def _note(self, found: Carried, decided: Iterable[Decided]) -> None:
        """Notes what becomes of the items of a sample."""
        self.done |= found.done
        for one in decided:
            if one.number in found.done:
                self.about["items"].append(one.number)
                self.about["meant"].append(edit_records.meant(one.outcome))
        for number, reason in found.left.items():
            self.left[reason].append(number)


def undo_review(samples: Samples, run_key: str, *, progress: Progress | None = None) -> UndoneReview:
    """Puts back the labels as they were before a review was applied, or before annotations were merged.

    Labels that nobody touched since get exactly what they were, byte for byte. What somebody edited since stays, and is told.
    Copies that the review made are deleted.

    Args:
        samples: the dataset, or a view of it
        run_key: the review that was applied, or the merge of annotations
        progress: told the samples put back; a bar in the terminal by default

    Returns:
        what is as before, and what stays

    Raises:
        ShortlistError: nothing was applied, or the field is gone
        Cancelled: by ``progress``; run again to go on
    """
    given = parse(UndoReview, {"run_key": run_key})
    dataset = home_of(samples)
    names = f"the review {given.run_key}", f"the hand-over {given.run_key}"
    with Bar.unless(progress) as told, reserved(dataset, names[0]), reserved(dataset, names[1]):
        dataset.reload()
        made = copies.copies_of(dataset, given.run_key)
        records = [one for one in edit_records.records_of(dataset, given.run_key) if edit_records.is_to_undo(one)]
        if not records and not made:
            raise _nothing_to_undo(dataset, given.run_key)
        for path in {one.field for one in records} - set(made):
            if dataset.get_field(path) is None:
                raise ShortlistError(
                    f"the field {path!r} must be there to be put back. Got a dataset without it instead. Give it its old name "
                    f"again."
                )
        for path in made:
            _delete_copy(dataset, path, [one for one in records if one.field == path])
        undone = undoing.undo_edits(
            dataset, given.run_key, told, on_restored=lambda record, change: remove_file(record.name, change)
        )
    return UndoneReview(given.run_key, undone, made)


def _delete_copy(dataset: fo.Dataset, path: str, records: list[edits.EditRecord]) -> None:
    """Deletes a copy, and the files of masks that were written for it."""
    for record in records:
        for chunk in edit_records.changes_of(dataset, record.name):
            for change in chunk:
                remove_file(record.name, change)
        # Marked before the copy goes: without it nothing could be put back.
        undoing.mark_undone(dataset, record)
    copies.delete(dataset, path)


def _nothing_to_undo(dataset: fo.Dataset, run_key: str) -> ShortlistError:
    """The error where there is nothing to take back, with what could be."""
    keys = edit_records.applied_keys(dataset)
    hint = did_you_mean(run_key, keys) or (f"It has {listed(keys)}." if keys else "It has none.")
    return must_be("run_key", "a review that was applied, or annotations that were merged", run_key, hint)
