"""The verb explain_selection: why these samples were picked, or why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..core.selection.explain import why_not
from ..core.selection.reasons import Reason
from ..core.selection.select import prepare
from ..core.verbs import ExplainSelection
from ..dataset import selections
from ..dataset.rows import Rows
from ..dataset.samples import Samples, dataset_of, ids_of, samples_of
from .gathering import Material, Pool, gather, pool_of
from .summary import Summary
from .terminal import Bar

# How many samples may be asked about at once.
_MOST = 1000

Outcome = Literal["picked", "in the datapool", "no candidate", "not eligible", "refused", "outbid"]


@dataclass(frozen=True)
class Explained:
    """Why one sample was picked or not.

    Args:
        sample_id: the sample
        name: the name of its file
        outcome: in a word or two
        sentence: the reason in plain words
        rank: at which it was picked
        reason: the numbers, where the sample took part in the run; its rows are those of ``Explanation.ids``
    """

    sample_id: str
    name: str
    outcome: Outcome
    sentence: str
    rank: int | None = None
    reason: Reason | None = None


@dataclass(frozen=True)
class Explanation(Summary):
    """Why samples were picked in a selection, or why not.

    Args:
        run_key: the selection
        samples: one for each sample asked about, in the order of the view
        ids: the sample that each row of the reasons stands for; of a sequence its first
        notes: what is no longer as it was when the selection was made
    """

    run_key: str
    samples: list[Explained]
    ids: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def headline(self) -> str:
        picked = sum(one.outcome == "picked" for one in self.samples)
        return f"{picked} of {len(self.samples)} samples asked about were picked in {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        for one in self.samples:
            yield one.name, one.sentence
        for note in self.notes:
            yield "note", note


def explain_selection(samples: Samples, run_key: str, *, progress: Progress | None = None) -> Explanation:
    """Says why samples were picked in a selection, or why not.

    The selection is prepared again as it was recorded, from the view that it was made from, and run through with the picks
    that it made. Nothing is written.

    Args:
        samples: the samples asked about, at most 1000
        run_key: the selection
        progress: told the work done; a bar in the terminal by default

    Returns:
        a reason for each sample

    Raises:
        ShortlistError: no such selection, too many samples, or a dataset that has changed so much that the picks cannot be
            made again
    """
    given = parse(ExplainSelection, {"run_key": run_key})
    samples = samples_of(samples)
    if len(samples) > _MOST:
        raise must_be("the samples", f"at most {_MOST} to be explained at once", len(samples))
    with Bar.unless(progress) as told:
        return _explained(samples, given.run_key, told)


def _explained(samples: Samples, run_key: str, progress: Progress) -> Explanation:
    dataset = dataset_of(samples)
    record = selections.record_of(dataset, run_key)
    config = parse(SelectionConfig, record.config)
    picks = ids_of(selections.view_of(dataset, run_key))
    pool, notes = _as_it_was(dataset, record, config, picks)
    asked = _Asked(samples, pool, picks, record)
    rows = asked.taking_part()
    reasons: dict[int, Reason] = {}
    material: Material | None = None
    if len(rows) and not asked.all_picked:
        material = gather(pool, config, progress, computing=False)
        found = _reasons(material, config, pool.rows.of(picks), rows, progress)
        reasons = dict(zip(rows.tolist(), found, strict=True))
    return Explanation(run_key, asked.explained(reasons), _ids(pool, material), notes)


def _as_it_was(
    dataset: fo.Dataset, record: selections.Record, config: SelectionConfig, picks: NDArray[np.bytes_]
) -> tuple[Pool, list[str]]:
    """The pool of the run, as far as it can be had again, and what is known to have changed.

    Whatever became of the picks since, such as that they are labelled and in the datapool by now, they were candidates.
    """
    if len(picks) != record.n_samples:
        raise ShortlistError(
            f"the selection {record.run_key!r} must have its {record.n_samples} picks. Got {len(picks)} instead; the others "
            f"were deleted."
        )
    now = pool_of(selections.candidates_of(dataset, record.run_key), config)
    views = [*now.rows.views, selections.view_of(dataset, record.run_key)]
    rows = Rows(np.unique(np.concatenate([now.rows.ids, picks])), views)
    picked, there = rows.mask(picks), rows.mask(now.rows.ids)
    candidates, preselected = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
    candidates[there], preselected[there] = now.candidates, now.preselected
    pool = Pool(rows, (candidates & ~selections.came_after(rows.ids, record)) | picked, preselected & ~picked)
    counts = {
        "candidates": int(pool.candidates.sum()),
        "preselected": int(pool.preselected.sum()),
    }
    names = {"candidates": "candidates", "preselected": "samples in the datapool"}
    notes = [
        f"there are {count} {names[name]} now, and were {record.facts[name]} when the selection was made"
        for name, count in counts.items()
        if record.facts.get(name, count) != count
    ]
    return pool, notes


class _Asked:
    """The samples asked about.

    Args:
        samples: a view of them
        pool: of the run
        picks: the ids that it picked, in order
        record: of the run
    """

    def __init__(self, samples: Samples, pool: Pool, picks: NDArray[np.bytes_], record: selections.Record):
        self.ids, self.names = ids_of(samples), [path.rsplit("/", 1)[-1] for path in samples.values("filepath")]
        self.pool, self.record, self.length = pool, record, record.config.get("selected_sequence_length")
        self.decided = dict(zip(*samples.values(["id", f"{record.run_key}.decided_by"]), strict=True))
        self.ranks = {one: rank for rank, one in enumerate(picks.tolist(), start=1)}
        self.places = pool.rows.of(self.ids)

    def taking_part(self) -> NDArray[np.int64]:
        """The rows that were candidates."""
        known = np.unique(self.places[self.places >= 0])
        return known[self.pool.candidates[known]]

    @property
    def all_picked(self) -> bool:
        """Whether nothing has to be run through again."""
        return all(one in self.ranks for one in self.ids.tolist())

    def explained(self, reasons: dict[int, Reason]) -> list[Explained]:
        """All of them, in the order of the view."""
        return [
            self._explained(one, name, int(place), reasons)
            for one, name, place in zip(self.ids.tolist(), self.names, self.places, strict=True)
        ]

    def _explained(self, one: bytes, name: str, place: int, reasons: dict[int, Reason]) -> Explained:
        reason, rank = reasons.get(place), self.ranks.get(one)
        if rank is not None:
            sentence = f"It was picked, as number {rank}; {self.decided[one.decode()]} spoke most for it."
            return Explained(one.decode(), name, "picked", sentence, rank, reason)
        if reason is not None:
            sentence = f"{f'Of its sequence of {self.length}: ' if self.length else ''}{reason.sentence()}"
            return Explained(one.decode(), name, reason.outcome, sentence, None, reason)
        if place >= 0 and self.pool.preselected[place]:
            return Explained(
                one.decode(), name, "in the datapool", "It is in the datapool, which is never picked again."
            )
        if selections.came_after(np.array([one]), self.record)[0]:
            return Explained(one.decode(), name, "no candidate", "It came after the selection was made.")
        chosen = self.record.config.get("candidates")
        where = f"the view that the selection was made from{f' and {chosen!r}' if chosen else ''}"
        return Explained(one.decode(), name, "no candidate", f"It is not in {where}.")


def _reasons(
    material: Material, config: SelectionConfig, picks: NDArray[np.int64], rows: NDArray[np.int64], progress: Progress
) -> list[Reason]:
    """The reasons of some rows; those of a sequence are the reasons of its samples."""
    mixture = prepare(
        material.entries,
        material.n,
        rules=material.rules,
        candidates=material.candidates,
        preselected=material.preselected,
        seed=config.seed,
        progress=progress,
    )
    found = material.sequences
    if found is None:
        return why_not(mixture, picks, rows, progress=progress)
    owner = np.full(len(material.pool.rows), -1)
    owner[found.members] = found.owners
    units = owner[rows]
    asked = np.unique(units[units >= 0])
    whole = why_not(mixture, owner[picks[:: found.length]], asked, progress=progress)
    by_unit = dict(zip(asked.tolist(), whole, strict=True))
    lacking = Reason(-1, "not eligible", why=f"in no whole sequence of {found.length}")
    return [by_unit[unit] if unit >= 0 else replace(lacking, row=unit) for unit in units.tolist()]


def _ids(pool: Pool, material: Material | None) -> list[str]:
    """The sample of each row of the reasons."""
    if material is None or material.sequences is None:
        return [one.decode() for one in pool.rows.ids]
    return [one.decode() for one in pool.rows.ids[material.sequences.members[material.sequences.offsets[:-1]]]]
