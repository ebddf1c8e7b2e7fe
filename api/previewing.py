"""preview: what a selection config would find, told by counting, before anything is read or picked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sparse

from ..core.errors import ShortlistError
from ..core.schema import parse
from ..core.selection.config import Entry, SelectionConfig
from ..core.selection.constraint import Constraint
from ..core.selection.constraints.budget import Budget
from ..core.selection.constraints.max_per_group import MaxPerGroup
from ..core.selection.inputs import Input, Metadata, Predictions, Scores
from ..core.selection.strategies.threshold import Threshold
from ..core.selection.strategies.top import Top
from ..core.selection.strategy import Pool
from ..core.selection.values import Amounts
from ..core.selection.words import in_words
from ..dataset import counting
from ..dataset.samples import Samples, dataset_of, every_sample, samples_of
from ..dataset.sets import condition_of

# Rows times classes up to which shortages of labels are looked for.
_MOST_VALUES = 4_000_000


@dataclass(frozen=True)
class Preview:
    """What a config would find.

    Args:
        words: what it means, in one sentence
        n_candidates: how many samples may be picked, before values and thresholds are looked at
        n_preselected: how many are in the datapool
        n_eligible: how many of the candidates have all values and lie within the thresholds
        exact: whether that number is right; otherwise it is the most that it can be
        n_samples: about how many will be picked
        notes: what is asked for and the candidates cannot give, and what is done first
    """

    words: str
    n_candidates: int
    n_preselected: int
    n_eligible: int
    exact: bool
    n_samples: int
    notes: list[str] = field(default_factory=list)

    @property
    def headline(self) -> str:
        """The numbers in one sentence."""
        eligible = f"{'' if self.exact else 'at most '}{self.n_eligible} of {self.n_candidates} candidates are eligible"
        already = f", {self.n_preselected} are in the datapool" if self.n_preselected else ""
        return f"{eligible}{already}"


def preview(samples: Samples, config: Mapping[str, Any] | SelectionConfig) -> Preview:
    """Counts what a selection could pick from and says what it lacks, without reading values or writing anything.

    Args:
        samples: a dataset or a view of its samples: the candidates
        config: the selection config

    Returns:
        the numbers, the config in words, and the shortages

    Raises:
        ShortlistError: bad input, as ``select_samples`` would say it, as far as names and types tell
    """
    given = parse(SelectionConfig, config, where="config")
    return _Previewed(samples_of(samples), given).preview()


class _Previewed:
    """A preview in the making."""

    def __init__(self, samples: Samples, config: SelectionConfig):
        self.samples, self.config = samples, config
        self.notes: list[str] = []
        self.exact = config.selected_sequence_length is None
        dataset = dataset_of(samples)
        held = [condition_of(dataset, name, "preselected") for name in config.preselected or ()]
        self.datapool: tuple[Samples, list[counting.Condition]] | None = None
        self.candidates: list[counting.Condition] = []
        if held:
            self.datapool = every_sample(dataset), [{"$or": held}]
            self.candidates.append({"$nor": held})
        if config.candidates is not None:
            self.candidates.append(condition_of(dataset, config.candidates, "candidates"))

    def preview(self) -> Preview:
        """All of it."""
        n_candidates = counting.number_of(self.samples, self.candidates)
        conditions = list(self.candidates)
        for place, entry in enumerate(self.config.strategies):
            if entry.strategy.strength:
                conditions += self._conditions(f"strategies[{place}]", entry)
        for place, constraint in enumerate(self.config.constraints):
            with _located(f"constraints[{place}]"):
                found, _ = counting.has_value(constraint.source, constraint.takes, self.samples)
                # What has no vector cannot be compared; what has no group or no costs breaks no rule on them.
                conditions += found if constraint.takes == "vectors" else []
        eligible = (
            counting.number_of(self.samples, conditions) if len(conditions) > len(self.candidates) else n_candidates
        )
        for entry in self.config.strategies:
            if isinstance(entry.strategy, Top) and entry.strategy.strength:
                asked = self.config.budget(n_candidates) or 0
                eligible = min(eligible, math.ceil(entry.strategy.times * asked))
        n = self._number(n_candidates, eligible, conditions)
        earlier = 0 if self.datapool is None else counting.number_of(*self.datapool)
        return Preview(in_words(self.config), n_candidates, earlier, eligible, self.exact, n, self.notes)

    def _conditions(self, where: str, entry: Entry) -> list[counting.Condition]:
        """What samples match that a strategy may pick."""
        with _located(where):
            found, exact = counting.has_value(entry.input, entry.strategy.takes, self.samples)
            for name, given in entry.beside.items():
                takes = entry.strategy.beside.get(name, given.given()[0])
                more, is_exact = counting.has_value(given, takes, self.samples)
                found, exact = [*found, *more], exact and is_exact
            if isinstance(entry.strategy, Threshold):
                more, is_exact = counting.passes(entry.input, entry.strategy, self.samples)
                found, exact = [*found, *more], exact and is_exact
            self.exact &= exact
            self._note_scores([entry.input, *entry.beside.values()])
        return found

    def _note_scores(self, given: list[Input]) -> None:
        for one in given:
            if isinstance(one, Scores) and one.task and not counting.is_scored(one, self.samples):
                self.notes.append(f"{one.label()} is computed first")

    def _number(self, n_candidates: int, eligible: int, conditions: list[counting.Condition]) -> int:
        """About how many picks there will be; notes what is lacking."""
        asked = self.config.budget(n_candidates)
        n = eligible if asked is None else asked
        if n > eligible and self.exact:
            self.notes.append(f"{n} samples are asked for, and {eligible} are eligible")
        n = min(n, eligible)
        if self.config.selected_sequence_length:
            n -= n % self.config.selected_sequence_length
        rooms = [self._room(constraint, n, conditions) for constraint in self.config.constraints if n]
        n = min([n, *(room for room in rooms if room is not None)])
        if asked is not None and n < min(asked, eligible) and self.config.selected_sequence_length is None:
            self.notes.append(f"the rules leave room for about {n} of the {asked} samples asked for")
        for place, entry in enumerate(self.config.strategies):
            if entry.strategy.strength and entry.strategy.takes == "amounts" and n:
                with _located(f"strategies[{place}]"):
                    self._supplied(entry.strategy, entry.input, n, conditions)
        return n

    def _room(self, constraint: Constraint, n: int, conditions: list[counting.Condition]) -> int | None:
        """About how many picks a constraint leaves room for, if it says."""
        if isinstance(constraint, Budget):
            mean = counting.mean_cost(constraint.input, self.samples, conditions)
            return None if not mean or mean < 0 else max(1, int(constraint.maximum / mean))
        if constraint.takes != "amounts":
            return None
        found = self._supplied(constraint, constraint.source, n, conditions)
        if not isinstance(constraint, MaxPerGroup) or found is None:
            return None
        amounts, pool = found
        groups = amounts.matrix[pool.eligible]
        held = np.asarray(amounts.matrix[pool.preselected].sum(axis=0)).ravel()
        there = np.asarray(groups.sum(axis=0)).ravel()
        room = np.minimum(there, np.maximum(constraint.maximum - held, 0)).sum()
        return int(room) + int((np.diff(groups.indptr) == 0).sum())

    def _supplied(
        self, asking: Any, given: Input, n: int, conditions: list[counting.Condition]
    ) -> tuple[Amounts, Pool] | None:
        """Notes what a strategy or constraint asks for and the candidates cannot give; None where counting cannot tell."""
        found = self._amounts(given, n, conditions)
        if found is not None:
            self.notes += asking.supply(*found)
        return found

    def _amounts(self, given: Input, n: int, conditions: list[counting.Condition]) -> tuple[Amounts, Pool] | None:
        """The classes or categories of the candidates and the datapool, a row a sample in any order.

        Of labels only the sums are counted, so that every row stands for the mean of its part.
        """
        parts: list[tuple[Samples, list[counting.Condition]]] = [(self.samples, conditions)]
        parts += [] if self.datapool is None else [self.datapool]
        if isinstance(given, Metadata):
            amounts, sizes = counting.categories(given, parts)
        elif isinstance(given, Predictions) and counting.can_count(given, self.samples):
            sizes = [counting.number_of(view, some) for view, some in parts]
            sums = [counting.label_counts(given, view, some) for view, some in parts]
            if sum(sizes) * len({name for part in sums for name in part}) > _MOST_VALUES:
                return None
            amounts = _means(sums, sizes)
        else:
            return None
        rows = np.arange(sum(sizes))
        return amounts, Pool(rows[: sizes[0]], rows[sizes[0] :], n, self.config.seed)


@contextmanager
def _located(where: str) -> Iterator[None]:
    """An error says which strategy or constraint it is in."""
    try:
        yield
    except ShortlistError as error:
        raise error.at(where) from None


def _means(sums: list[dict[str, float]], sizes: list[int]) -> Amounts:
    """So many rows of each part, all alike, that add up to its sums."""
    names = sorted({name for part in sums for name in part})
    means = [[part.get(name, 0.0) / max(size, 1) for name in names] for part, size in zip(sums, sizes, strict=True)]
    return Amounts(tuple(names), sparse.csr_array(np.repeat(np.array(means).reshape(len(sums), -1), sizes, axis=0)))
