"""What is replayed: mixtures of strategies, whose inputs are stored or are what the model of the round says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import Cancelled, ShortlistError, did_you_mean, must_be
from ..progress import Progress, silent
from ..selection.config import Entry, SelectionConfig
from ..selection.constraint import Constraint
from ..selection.inputs import Input, Predictions, Scores
from ..selection.select import Rule, select
from ..selection.strategies.coverage import Coverage
from ..selection.strategy import Strategy
from ..selection.values import AnyValues, Takes, Values, taken
from .states import State
from .truths import Presence, Rows, Truth

Kind = Literal["random", "strategy", "config", "selection"]
Read = tuple[AnyValues, NDArray[np.bool_]]


class Source(Protocol):
    """Where values come from in a replay."""

    @property
    def needs_model(self) -> bool:
        """Whether there must be labels to learn from first."""
        ...

    def of(self, state: State, takes: Takes) -> Read:
        """The values of the pool's rows, and (p,) bool, which rows have one."""
        ...


@dataclass(frozen=True)
class Stored:
    """Values that do not change, of all rows of the task."""

    values: AnyValues
    present: NDArray[np.bool_]
    needs_model = False

    def of(self, state: State, takes: Takes) -> Read:
        return taken(self.values, state.trial.rows), self.present[state.trial.rows]


@dataclass(frozen=True)
class Own:
    """The vectors of the task."""

    needs_model = False

    def of(self, state: State, takes: Takes) -> Read:
        return state.trial.vectors, np.ones(len(state.trial.vectors), bool)


@dataclass(frozen=True)
class Chance:
    """A random number, another one in every round."""

    needs_model = False

    def of(self, state: State, takes: Takes) -> Read:
        seed = [state.trial.seed, len(state.known), 1]
        return np.random.default_rng(seed).random(len(state.labeled)), np.ones(len(state.labeled), bool)


@dataclass(frozen=True)
class Learned:
    """What an input would give if the predictions of the round's model were stored."""

    given: Scores | Predictions
    needs_model = True

    def of(self, state: State, takes: Takes) -> Read:
        values = state.scored(self.given) if isinstance(self.given, Scores) else state.predicted(self.given, takes)
        return values, np.ones(len(state.labeled), bool)


#: the source of an input, where what the model of a round says is not meant
SourceOf = Callable[[Input, Takes], Source]


@dataclass(frozen=True)
class Played:
    """A strategy of a mixture with its sources; ``query`` holds the vectors of a query set."""

    label: str
    strategy: Strategy
    source: Source
    beside: Mapping[str, Source] = field(default_factory=dict)
    query: NDArray[np.floating] | None = None

    @property
    def sources(self) -> list[Source]:
        return [self.source, *self.beside.values()]

    def values(self, state: State) -> Values:
        """What the engine takes."""
        values, present = self.source.of(state, self.strategy.takes)
        beside: dict[str, object] = {}
        for name, source in self.beside.items():
            beside[name], there = source.of(state, self.strategy.beside[name])
            present = present & (there | state.labeled)
        if self.query is not None:
            beside["query"] = self.query
        return Values(self.label, self.strategy, values, present, beside)


@dataclass(frozen=True)
class Ruled:
    """A constraint with its source."""

    constraint: Constraint
    source: Source

    def rule(self, state: State) -> Rule:
        return Rule(self.constraint, *self.source.of(state, self.constraint.takes))


class Ended(ShortlistError):
    """A contender cannot pick as much as was asked for."""


@dataclass(frozen=True)
class Contender:
    """A mixture that is replayed; one without strategies picks at random.

    Args:
        name: what it is called
        entries: its strategies
        rules: its constraints
        config: the selection config that it is, as JSON, where there is one to use
        kind: whether it was chosen by the name of a strategy, a saved config or an earlier selection
        key: that name
        notes: what is not as it is in the dataset
    """

    name: str
    entries: tuple[Played, ...]
    rules: tuple[Ruled, ...] = ()
    config: Mapping[str, object] | None = None
    kind: Kind = "strategy"
    key: str = ""
    notes: tuple[str, ...] = ()

    @property
    def needs_model(self) -> bool:
        """Whether it cannot start from nothing."""
        sources = [source for entry in self.entries for source in entry.sources]
        return any(source.needs_model for source in [*sources, *(rule.source for rule in self.rules)])

    def picks(self, state: State, n: int, progress: Progress = silent) -> Rows:
        """What it picks next.

        Raises:
            Ended: too little is left that it can pick
        """
        if not self.entries:
            free = np.flatnonzero(~state.labeled)
            return np.random.default_rng([state.trial.seed, len(state.known)]).choice(free, n, replace=False)
        entries = [entry.values(state) for entry in self.entries]
        rules = [rule.rule(state) for rule in self.rules]
        seed = (state.trial.seed + len(state.known)) % 2**32
        try:
            found = select(entries, n, rules=rules, preselected=state.labeled, seed=seed, progress=progress)
        except Cancelled:
            raise
        except ShortlistError as error:
            raise Ended(str(error)) from None
        if len(found.rows) < n:
            raise Ended(f"its rules allow {len(found.rows)} of the {n} labels of a round")
        return found.rows


RANDOM = Contender("RANDOM", (), kind="random")
#: what picks first for those that need a model
START = Contender("COVERAGE", (Played("COVERAGE", Coverage(type="COVERAGE"), Own()),))


def contender(
    name: str, config: SelectionConfig, truth: Truth, source_of: SourceOf, query_of: Callable[[Entry], object]
) -> Contender:
    """A selection config as it is replayed.

    Args:
        name: what it is called
        config: the config; its numbers of samples do not count, and what it says of candidates and datapool neither
        truth: of the rows that it is replayed on
        source_of: the source of each input
        query_of: the (q, d) vectors of an entry's query set, or None

    Raises:
        ShortlistError: what cannot be replayed, and why
    """
    if config.selected_sequence_length is not None:
        raise ShortlistError(
            "selected_sequence_length cannot be replayed, since a back-test picks single samples. Leave it out of the config."
        )

    def source(given: Input, takes: Takes, where: str) -> Source:
        found = source_of(given, takes)
        if isinstance(found, Learned):
            try:
                _check(found.given, takes, truth)
            except ShortlistError as error:
                raise error.at(where) from None
        return found

    entries, rules = [], []
    for place, entry in enumerate(config.strategies):
        where = f"strategies[{place}]"
        beside = {
            own: source(given, entry.strategy.beside.get(own, given.given()[0]), where)
            for own, given in entry.beside.items()
        }
        query = query_of(entry)
        entries.append(
            Played(
                entry.label(), entry.strategy, source(entry.input, entry.strategy.takes, where), beside,
                None if query is None else np.asarray(query),
            )
        )  # fmt: skip
    for place, constraint in enumerate(config.constraints):
        rules.append(Ruled(constraint, source(constraint.source, constraint.takes, f"constraints[{place}]")))
    return Contender(name, tuple(entries), tuple(rules))


def _check(given: Scores | Predictions, takes: Takes, truth: Truth) -> None:
    """Stops before what the model of a round cannot say.

    Raises:
        ShortlistError: which strategies need another kind of labels, or unknown classes
    """
    if takes in ("probabilities", "committee") and isinstance(truth, Presence):
        raise ShortlistError(
            f"a strategy that takes {'PROBABILITIES' if takes == 'probabilities' else 'PASSES'} can be replayed on labels of "
            f"one class a sample only. Got several classes a sample instead."
        )
    if isinstance(given, Predictions):
        for name in given.categories or ():
            if name not in truth.names:
                raise must_be("categories", "classes of the labels", name, did_you_mean(name, truth.names))
