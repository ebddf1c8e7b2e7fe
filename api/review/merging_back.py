"""The verb merge_annotations: what annotators made comes back; and what was handed over, listed and deleted."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo

from ...core.errors import must_be
from ...core.progress import Progress
from ...core.schema import parse
from ...core.verbs import MergeAnnotations
from ...dataset.annotations import backends, files, handed
from ...dataset.annotations.exchange import changes_of, declared
from ...dataset.annotations.handed import FILE_TARGETS, HandOver, HandOverRecord
from ...dataset.annotations.pictures import Returned
from ...dataset.reservation import reserved
from ...dataset.results import changing
from ...dataset.review.edits import finish_edits, write_edits
from ...dataset.samples import Samples, every_sample, home_of
from ..terminal import Bar
from .handed_over import DeletedHandOver, MergedAnnotations


def merge_annotations(
    samples: Samples, run_key: str, path: str | Path | None = None, *, progress: Progress | None = None
) -> MergedAnnotations:
    """Merges what annotators made into the dataset, with a record of what the labels were; ``undo_review`` takes it back.

    Only what annotators changed is written. What somebody else changed meanwhile stays, and is reported. It can be run again:
    what is merged already is not merged twice.

    Args:
        samples: the dataset, or a view of it
        run_key: the name of the hand-over
        path: the file that came back, or the directory or the archive with it; by default the file that was written
        progress: told the work done; a bar in the terminal by default

    Returns:
        what was merged

    Raises:
        ShortlistError: bad input; nothing was written
    """
    parameters = {"run_key": run_key} | ({} if path is None else {"path": str(path)})
    given = parse(MergeAnnotations, parameters)
    dataset = home_of(samples)
    with Bar.unless(progress) as told, reserved(dataset, f"the hand-over {given.run_key}"):
        dataset.reload()
        hand_over = handed.load(dataset, given.run_key)
        returned, n_foreign = _returned(dataset, hand_over, given.path)
        by_sample, unknown = files.samples_by_name(returned, hand_over.names)
        if returned and not by_sample:
            hint = "Is it the file of another hand-over?"
            raise must_be("path", f"annotations of images of {given.run_key!r}", unknown[0], hint)
        resumed = finish_edits(dataset, given.run_key, told)
        merged = changes_of(dataset, hand_over, by_sample, told)
        # Before the labels: what a killed run wrote is then known to the next one.
        handed.save(dataset, hand_over)
        edited = None
        if merged.changes:
            declared(dataset, hand_over)
            about = {"kind": "merge", "target": hand_over.target, "returned": len(by_sample)}
            edited = write_edits(dataset, given.run_key, hand_over.label_field, merged.changes, about, told)
    conflicts = merged.conflicts
    if edited is not None:
        conflicts += [f"sample {one} was changed while it was merged; merge again" for one in edited.changed_meanwhile]
    return MergedAnnotations(
        given.run_key,
        hand_over.label_field,
        len(by_sample),
        len(hand_over.names),
        merged.done.added,
        merged.done.changed,
        merged.done.removed,
        conflicts,
        unknown,
        merged.n_gone,
        n_foreign,
        None if edited is None else edited.record,
        every_sample(dataset).select(list(by_sample), ordered=True),
        sum(one.n_changed for one in resumed),
    )


def _returned(dataset: fo.Dataset, hand_over: HandOver, path: str | None) -> tuple[list[Returned], int]:
    """What came back, from a file or from the backend, and how much of it is of another type."""
    if hand_over.directory is None:
        if path is not None:
            raise must_be("path", f"left out, since {hand_over.target!r} is asked itself", path)
        return backends.receive(dataset, hand_over)
    written = Path(hand_over.directory) / files.FORMATS[hand_over.target].NAME
    file = written if path is None else Path(path).expanduser()
    return files.read(hand_over.target, file, hand_over.drawn), 0


def list_hand_overs(samples: Samples) -> list[HandOverRecord]:
    """The hand-overs of a dataset, oldest first, with what is recorded of them."""
    dataset = home_of(samples)
    # Others may have made or deleted some.
    dataset.reload()
    return [handed.record_of(dataset, key) for key in handed.hand_over_keys(dataset)]


def delete_hand_over(samples: Samples, run_key: str) -> DeletedHandOver:
    """Deletes the record of a hand-over, so that nothing more of it can be merged. Labels and files stay as they are.

    Raises:
        ShortlistError: no such hand-over
    """
    dataset = home_of(samples)
    with reserved(dataset, f"the hand-over {run_key}"):
        dataset.reload()
        record = handed.record_of(dataset, run_key)
        if record.target not in FILE_TARGETS:
            backends.forget(dataset, run_key)
        with changing(dataset):
            dataset.delete_run(run_key)
    return DeletedHandOver(run_key)
