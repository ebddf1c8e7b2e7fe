"""Active learning on stored vectors: what picks next, of ours and of scikit-activeml, and the model in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from shortlist.core.scores.calibration import MINIMUM, fit_temperature, tempered
from shortlist.core.scores.uncertainty import ENTROPY, MARGIN
from shortlist.core.selection.inputs import Input, Predictions, Scores
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategy import Strategy, strategies
from shortlist.core.selection.values import Amounts, Values

from .common import has

MEMBERS = 10
NUMBERS = {"margin": MARGIN.compute, "entropy": ENTROPY.compute}
# What strategies need to be told; own inputs are filled in by what they take.
PARAMETERS: dict[str, dict[str, Any]] = {"BALANCE": {"distribution": "UNIFORM"}}


@dataclass(frozen=True)
class Task:
    """A pool to label and a test set."""

    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    test: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        return int(self.labels.max()) + 1


@dataclass
class State:
    """How far the labelling is: which rows have a label, and what a model learned from them."""

    task: Task
    seed: int
    labeled: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.labeled = np.zeros(len(self.task.vectors), bool)

    def label(self, rows: NDArray[np.int64]) -> State:
        """The state after further labels."""
        after = State(self.task, self.seed)
        after.labeled = self.labeled.copy()
        after.labeled[rows] = True
        return after

    @cached_property
    def known(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.labeled)

    def _learned(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities by a model of some labelled rows."""
        labels, found = self.task.labels[rows], np.zeros((len(vectors), self.task.n_classes))
        if len(set(labels)) == 1:
            found[:, labels[0]] = 1
            return found
        model = LogisticRegression(max_iter=300).fit(self.task.vectors[rows], labels)
        found[:, model.classes_] = model.predict_proba(vectors)
        return found

    def accuracy(self, balanced: bool = False) -> float:
        """On the test set, in points."""
        right = self._learned(self.known, self.task.test).argmax(axis=1) == self.task.test_labels
        if balanced:
            return 100 * float(np.mean([right[self.task.test_labels == c].mean() for c in set(self.task.test_labels)]))
        return 100 * float(right.mean())

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, K) of the pool, with the temperature that fits labels the model has not seen."""
        return tempered(self._learned(self.known, self.task.vectors), self._temperature)

    @cached_property
    def _temperature(self) -> float:
        if len(self.known) < MINIMUM:
            return 1.0
        part = np.random.default_rng(self.seed).permutation(len(self.known)) % 3
        unseen = np.zeros((len(self.known), self.task.n_classes))
        for fold in range(3):
            unseen[part == fold] = self._learned(self.known[part != fold], self.task.vectors[self.known[part == fold]])
        # Of a class that was in no other fold the model cannot know.
        truths = self.task.labels[self.known]
        possible = unseen[np.arange(len(truths)), truths] > 0
        if possible.sum() < MINIMUM:
            return 1.0
        return float(np.clip(fit_temperature(unseen[possible], truths[possible]).temperature, 0.1, 10))

    @cached_property
    def committee(self) -> NDArray[np.float64]:
        """(n, T, K) by models of labels drawn with replacement."""
        rng = np.random.default_rng(self.seed)
        draws = [rng.choice(self.known, len(self.known)) for _ in range(MEMBERS)]
        return np.stack([self._learned(draw, self.task.vectors) for draw in draws], axis=1)


@dataclass(frozen=True)
class Way:
    """A way to pick: what to call it, how to, and whether it can start from nothing."""

    name: str
    picks: Callable[[State, int], NDArray[np.int64]]
    cold: bool
    slow: bool = False


def chance(state: State, n: int) -> NDArray[np.int64]:
    """Random picks."""
    free = np.flatnonzero(~state.labeled)
    return np.random.default_rng([state.seed, len(state.known)]).choice(free, n, replace=False)


def ours() -> Iterator[Way]:
    """Every strategy of the registry that ranks and needs no query set, with each of what it can be given."""
    for name, model in strategies().items():
        if model.filters or model.queries:
            continue
        kinds = list(NUMBERS) if model.takes == "numbers" else [""]
        required = [own for own in model.beside if model.model_fields[own].is_required()]
        always = [own for own in model.beside if isinstance(model.model_fields[own].default, Input)]
        optional = ["weight"] if "weight" in model.beside and "weight" not in required else []
        for kind in kinds:
            for own in [[], optional] if optional else [[]]:
                yield from _way(name, model, kind, [*required, *always, *own])


def _way(name: str, model: type[Strategy], kind: str, own: list[str]) -> Iterator[Way]:
    inputs = {one: _input(model.beside[one]) for one in own}
    try:
        strategy = model(**{"type": name, **PARAMETERS.get(name, {}), **inputs})
    except ValidationError as error:
        print(f"  ({name} is left out: {error.errors()[0]['msg']})")
        return
    label = " ".join([name, kind, "weighted" if "weight" in own else ""]).strip()
    yield Way(
        label.replace("  ", " "),
        lambda state, n: pick(strategy, state, n, kind),
        model.takes == "vectors" and not own,
    )


def _input(takes: str) -> Input:
    if takes == "numbers":
        return Scores(type="SCORES", field="margin")
    name = "PROBABILITIES" if takes == "probabilities" else "CLASS_DISTRIBUTION"
    return Predictions(type="PREDICTIONS", task="model", name=name)


def pick(strategy: Strategy, state: State, n: int, kind: str = "") -> NDArray[np.int64]:
    """What a strategy of ours picks next.

    Args:
        strategy: the strategy, its own inputs named
        state: how far the labelling is
        n: how many
        kind: which number, for one that takes numbers
    """
    own = {one: _values(state, takes) for one, takes in strategy.beside.items() if getattr(strategy, one) is not None}
    values = Values(
        type(strategy).__name__, strategy, _values(state, strategy.takes, kind), ~np.isnan(state.labeled), own
    )
    return select([values], n, preselected=state.labeled, seed=state.seed).rows


def _values(state: State, takes: str, kind: str = "margin") -> Any:
    """What an input would give."""
    if takes == "vectors":
        return state.task.vectors
    if takes == "numbers":
        return NUMBERS[kind](state.probabilities)
    if takes == "amounts":
        names = tuple(str(label) for label in range(state.task.n_classes))
        return Amounts(names, sparse.csr_array(state.probabilities))
    return state.committee if takes == "committee" else state.probabilities


def start(state: State, n: int) -> NDArray[np.int64]:
    """The first picks of a way that cannot start from nothing."""
    return pick(Coverage(type="COVERAGE"), state, n)


def theirs() -> Iterator[Way]:
    """The strategies of scikit-activeml that work on stored vectors and a classifier."""
    if not has("skactiveml"):
        return
    from skactiveml import pool

    seeded: dict[str, Callable[[int], Any]] = {
        "CoreSet": lambda seed: pool.CoreSet(random_state=seed),
        "TypiClust": lambda seed: pool.TypiClust(random_state=seed, cluster_algo_dict={"n_init": 1}),
        "ProbCover": lambda seed: pool.ProbCover(random_state=seed, n_classes=10, cluster_algo_dict={"n_init": 1}),
        "MaxHerding": lambda seed: pool.MaxHerding(random_state=seed),
        "Badge": lambda seed: pool.Badge(random_state=seed),
        "Margin": lambda seed: pool.UncertaintySampling("margin_sampling", random_state=seed),
        "Entropy": lambda seed: pool.UncertaintySampling("entropy", random_state=seed),
        "Falcun": lambda seed: pool.Falcun(random_state=seed),
        "DropQuery": lambda seed: pool.DropQuery(random_state=seed, cluster_algo_dict={"n_init": 1}),
        "ContrastiveAL": lambda seed: pool.ContrastiveAL(random_state=seed),
    }
    unsupervised, slow = ("CoreSet", "TypiClust", "ProbCover", "MaxHerding"), ("TypiClust", "ProbCover", "MaxHerding")
    for name, make in seeded.items():
        yield Way(f"activeml {name}", _their_picks(make, name not in unsupervised), name in unsupervised, name in slow)


def _their_picks(make: Callable[[int], Any], supervised: bool) -> Callable[[State, int], NDArray[np.int64]]:
    from skactiveml.classifier import SklearnClassifier

    def picks(state: State, n: int) -> NDArray[np.int64]:
        labels = np.where(state.labeled, state.task.labels, np.nan)
        more = {}
        if supervised:
            classes = np.arange(state.task.n_classes)
            more["clf"] = SklearnClassifier(LogisticRegression(max_iter=300), classes=classes, random_state=state.seed)
        return make(state.seed).query(X=state.task.vectors, y=labels, batch_size=int(n), **more)

    return picks
