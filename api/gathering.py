"""What a selection is made from: who may be picked, and by which values. Shared by the verbs that select and explain."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..core.selection.inputs import Input, Scores
from ..core.selection.select import Rule, Selection
from ..core.selection.sequences import Sequences, entry_of, expanded, rule_of
from ..core.selection.values import Values
from ..core.verbs import ScoreUncertainty
from ..dataset import inputs
from ..dataset.input_fields import scores_path, unscored
from ..dataset.results import mark_of
from ..dataset.rows import Rows
from ..dataset.samples import Samples, dataset_of, ids_of
from ..dataset.sets import resolved
from ..dataset.video_order import read_sequences
from .scoring import score


@dataclass(frozen=True)
class Pool:
    """The samples of a run and which of them may be picked or count as picked.

    Args:
        rows: all of them
        candidates: (n,) bool, those that may be picked
        preselected: (n,) bool, the datapool
    """

    rows: Rows
    candidates: NDArray[np.bool_]
    preselected: NDArray[np.bool_]


@dataclass(frozen=True)
class Material:
    """Everything that ``select`` takes, in single samples or in sequences of them.

    Args:
        pool: the samples
        entries: the strategies with their values
        rules: the constraints with theirs
        n: how many to pick; None for as many as a BUDGET leaves room for
        candidates: (n,) bool, what may be picked
        preselected: (n,) bool, what counts as picked
        sequences: the samples of each sequence; None where samples are picked one by one
        notes: what was done on the way
    """

    pool: Pool
    entries: list[Values]
    rules: list[Rule]
    n: int | None
    candidates: NDArray[np.bool_]
    preselected: NDArray[np.bool_]
    sequences: Sequences | None = None
    notes: list[str] = field(default_factory=list)

    def of_samples(self, selection: Selection) -> Selection:
        """A selection as one of samples."""
        return selection if self.sequences is None else expanded(self.sequences, selection)


def pool_of(samples: Samples, config: SelectionConfig) -> Pool:
    """The samples of a run: the candidates, and the datapool wherever it is.

    Raises:
        ShortlistError: no such tag, view or selection
    """
    dataset = dataset_of(samples)
    views = [samples]
    views += [resolved(dataset, name, "preselected") for name in config.preselected or ()]
    earlier = np.unique(np.concatenate([np.zeros(0, "S24"), *map(ids_of, views[1:])]))
    own = ids_of(samples)
    rows = Rows(np.unique(np.concatenate([own, earlier])), views)
    preselected, candidates = rows.mask(earlier), rows.mask(own)
    if config.candidates is not None:
        candidates &= rows.mask(ids_of(resolved(dataset, config.candidates, "candidates")))
    return Pool(rows, candidates & ~preselected, preselected)


def gather(pool: Pool, config: SelectionConfig, progress: Progress, computing: bool = True) -> Material:
    """Reads the values of all strategies and constraints.

    Args:
        pool: the samples
        config: the selection config
        progress: told the samples read
        computing: whether scores are computed that samples lack

    Raises:
        ShortlistError: what is missing or of the wrong type, with the strategy or constraint that needs it
    """
    n = config.budget(int(pool.candidates.sum()))
    _check_budget(n, pool)
    entries: dict[int, Values] = {}
    rules: dict[int, Rule] = {}
    notes: list[str] = []

    def entry(place: int) -> None:
        one = config.strategies[place]
        entries[place] = inputs.read_entry(one, pool.rows, pool.preselected, config.seed, progress)

    def rule(place: int) -> None:
        one = config.constraints[place]
        with inputs.named("input." if "input" in type(one).model_fields else ""):
            values, present = inputs.read(one.source, one.takes, pool.rows, config.seed, progress)
        rules[place] = Rule(one, values, present)

    jobs: list[_Job] = []
    for place, one in enumerate(config.strategies):
        jobs.append(_Job(f"strategies[{place}]", place, entry, _tasks_scored([one.input, *one.beside.values()])))
    for place, constraint in enumerate(config.constraints):
        jobs.append(_Job(f"constraints[{place}]", place, rule, _tasks_scored([constraint.source])))
    # What is scored first comes last, so that bad input stops the run before anything is scored.
    for job in sorted(jobs, key=lambda job: bool(job.scores)):
        try:
            if computing:
                notes += [note for given in job.scores for note in _scored(given, pool.rows.samples, progress)]
            job.read(job.place)
        except ShortlistError as error:
            raise error.at(job.where) from None
    material = Material(
        pool,
        [entries[place] for place in range(len(entries))],
        [rules[place] for place in range(len(rules))],
        n,
        pool.candidates,
        pool.preselected,
        notes=notes,
    )
    return material if config.selected_sequence_length is None else _in_sequences(material, config, progress)


@dataclass(frozen=True)
class _Job:
    """Something to read: where in the config it is, and the scores that it needs."""

    where: str
    place: int
    read: Callable[[int], None]
    scores: list[Scores]


def _tasks_scored(given: Iterable[Input]) -> list[Scores]:
    """The scores of tasks among some inputs, which may have to be computed."""
    return [one for one in given if isinstance(one, Scores) and one.task is not None]


def _check_budget(n_samples: int | None, pool: Pool) -> None:
    available = int(pool.candidates.sum())
    if n_samples is not None and n_samples > available:
        earlier = int(pool.preselected.sum())
        already = f" ({earlier} more are preselected)" if earlier else ""
        raise must_be("n_samples", f"at most {available}, the number of candidates{already}", n_samples)


def _scored(given: Scores, samples: Samples, progress: Progress) -> list[str]:
    """Computes a score where the config names it and samples lack it, as it was computed for the others; says so."""
    lacking = unscored(given, samples)
    if lacking is None:
        return []
    earlier = mark_of(dataset_of(samples), scores_path(given, samples)) or {}
    parameters = {**earlier.get("parameters", {}), "label_field": given.task, "scores": [given.score]}
    made = score(lacking, parse(ScoreUncertainty, parameters, where="input"), progress)
    return [f"computed {given.label()} of {made.n_samples} samples first"]


def _in_sequences(given: Material, config: SelectionConfig, progress: Progress) -> Material:
    """The same, in sequences of consecutive samples; the number to pick is counted in samples."""
    found = read_sequences(config, given.pool.rows, given.candidates, given.preselected, progress)
    n, notes = given.n, list(given.notes)
    if n is not None:
        most = int(found.candidates.sum()) * found.length
        if n and not found.length <= n <= most:
            raise must_be(
                "n_samples",
                f"from {found.length} to {most}, the candidates in whole sequences of {found.length}",
                n,
            )
        if n % found.length:
            notes.append(f"picked {n - n % found.length} of {n} samples, which are whole sequences of {found.length}")
        n //= found.length
    return Material(
        given.pool,
        [entry_of(found, entry) for entry in given.entries],
        [rule_of(found, rule) for rule in given.rules],
        n,
        found.candidates,
        found.preselected,
        found,
        notes,
    )
