"""A hand-over as the dataset keeps it: a run that knows which image is which sample, and what each label was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.core.runs as fors

from ...core.errors import did_you_mean, listed, must_be
from ...core.review.returned import Shape, Version
from ..names import is_kept, refuse_odd
from ..results import changing, mark_of
from .pictures import Drawn

METHOD = "shortlist/annotations"
VERB = "export_annotations"
#: the targets that are files; see ``files.FORMATS``
FILE_TARGETS = ("coco", "cvat_file", "labelstudio_file")


@dataclass
class Entry:
    """One label that was handed over, or that came back as a new one.

    Args:
        label: its id, in the field that annotations go to
        known_as: the id that annotators know it by: of the pre-label that it is made from, else its own
        shown: what annotators were shown
        versions: what it was, in the dataset and to annotators, at each exchange; the last is the latest
    """

    label: str
    known_as: str
    shown: Shape
    versions: list[Version]

    @property
    def latest(self) -> Shape:
        """What annotators last said of it."""
        return next((one.said for one in reversed(self.versions) if one.said is not None), self.shown)


@dataclass
class HandOver:
    """What was handed to annotators.

    Args:
        run_key: its name
        label_field: the field that annotations go to
        drawn: what annotators draw
        target: a file format or an annotation backend
        prelabels: the field of pre-labels
        directory: where files were written to; None of a backend
        names: the id of the sample of each image, by the image's name
        empty: the ids of the samples whose field held no label
        entries: the labels, by sample
        facts: what else is recorded
        created: when (UTC)
    """

    run_key: str
    label_field: str
    drawn: Drawn
    target: str
    prelabels: str | None
    directory: str | None
    names: dict[str, str]
    empty: list[str]
    entries: dict[str, list[Entry]]
    facts: dict[str, Any] = field(default_factory=dict)
    created: datetime | None = None


@dataclass(frozen=True)
class HandOverRecord:
    """What is recorded of a hand-over, quick to read.

    Args:
        run_key: its name
        created: when it was made (UTC)
        label_field: the field that annotations go to
        target: a file format or an annotation backend
        n_samples: how many samples it has
        facts: what else is recorded
    """

    run_key: str
    created: datetime
    label_field: str
    target: str
    n_samples: int
    facts: dict[str, Any]


def hand_over_keys(dataset: fo.Dataset) -> list[str]:
    """The names of the hand-overs of a dataset, oldest first."""
    return sorted(dataset.list_runs(method=METHOD), key=lambda key: dataset.get_run_info(key).timestamp)


def record_of(dataset: fo.Dataset, run_key: str) -> HandOverRecord:
    """What is recorded of a hand-over.

    Raises:
        ShortlistError: no such hand-over
    """
    keys = hand_over_keys(dataset)
    if run_key not in keys:
        hint = did_you_mean(run_key, keys) or (f"It has {listed(keys)}." if keys else "It has none yet.")
        raise must_be(
            "run_key", f"a hand-over of {dataset.name!r}", run_key, f"{hint} Make one with `export_annotations`."
        )
    info = dataset.get_run_info(run_key)
    held = info.config
    return HandOverRecord(run_key, info.timestamp, held.label_field, held.target, held.n_samples, dict(held.facts))


def load(dataset: fo.Dataset, run_key: str) -> HandOver:
    """A hand-over with its labels.

    Raises:
        ShortlistError: no such hand-over
    """
    record = record_of(dataset, run_key)
    config = dataset.get_run_info(run_key).config
    held = json.loads(dataset.load_run_results(run_key, cache=False, load_view=False).handed)
    entries = {sample: [_entry(*one) for one in listed_entries] for sample, listed_entries in held["entries"].items()}
    return HandOver(
        run_key,
        record.label_field,
        config.drawn,
        record.target,
        config.prelabels,
        config.directory,
        held["names"],
        held["empty"],
        entries,
        record.facts,
        record.created,
    )


def _entry(label: str, known_as: str, shown: list[Any], versions: list[list[Any]]) -> Entry:
    return Entry(label, known_as, _shape(shown), [Version(said and _shape(said), held) for said, held in versions])


def _shape(held: list[Any]) -> Shape:
    label, box, outlines, mask, size = held
    lines = tuple(tuple((x, y) for x, y in outline) for outline in outlines)
    return Shape(label, box and (box[0], box[1], box[2], box[3]), lines, mask, size and (size[0], size[1]))


def _packed(hand_over: HandOver) -> str:
    """What is looked up by sample and by label, as JSON in little space."""
    entries = {sample: [_unentry(one) for one in held] for sample, held in hand_over.entries.items()}
    return json.dumps({"names": hand_over.names, "empty": hand_over.empty, "entries": entries})


def _unentry(entry: Entry) -> list[Any]:
    versions = [[one.said and _row(one.said), one.held] for one in entry.versions]
    return [entry.label, entry.known_as, _row(entry.shown), versions]


def _row(shape: Shape) -> list[Any]:
    return list(asdict(shape).values())


def save_new(dataset: fo.Dataset, hand_over: HandOver) -> None:
    """Records a new hand-over."""
    config = dataset.init_run(
        method=METHOD,
        label_field=hand_over.label_field,
        drawn=hand_over.drawn,
        target=hand_over.target,
        prelabels=hand_over.prelabels,
        directory=hand_over.directory,
        n_samples=len(hand_over.names),
        facts=dict(hand_over.facts),
    )
    results = fors.RunResults(dataset, config, hand_over.run_key, handed=_packed(hand_over))
    with changing(dataset):
        dataset.register_run(hand_over.run_key, config, results=results, cache=False)


def save(dataset: fo.Dataset, hand_over: HandOver) -> None:
    """Records what the labels of a hand-over are now."""
    with changing(dataset):
        results = dataset.init_run_results(hand_over.run_key, handed=_packed(hand_over))
        dataset.save_run_results(hand_over.run_key, results, overwrite=True, cache=False)


def refuse_taken(dataset: fo.Dataset, run_key: str) -> None:
    """Stops before a name that cannot be used or would clash with what the dataset has.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    refuse_odd(run_key, "annotations_1", ", since it names a run")
    if run_key in hand_over_keys(dataset):
        raise must_be("run_key", "new", run_key, "There is a hand-over of that name. Choose another name.")
    if run_key in dataset.list_runs():
        raise must_be("run_key", "new", run_key, "There is another run of that name. Choose another name.")
    if run_key in dataset.list_annotation_runs():
        raise must_be("run_key", "new", run_key, "There is an annotation run of that name. Choose another name.")
    if is_kept(dataset, run_key):
        raise must_be("run_key", "another name than FiftyOne keeps for itself", run_key, "Choose another name.")
    mark = mark_of(dataset, run_key)
    if dataset.get_field(run_key) is not None and (mark or {}).get("verb") != VERB:
        raise must_be("run_key", "new", run_key, "There is a field of that name. Choose another name.")
