"""Active learning on stored vectors: what picks next, of ours and of scikit-activeml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from shortlist.core.back_testing.contenders import RANDOM, START, Contender, Learned, Own, Played
from shortlist.core.back_testing.states import State
from shortlist.core.back_testing.tasks import Trial
from shortlist.core.back_testing.truths import Classes
from shortlist.core.selection.inputs import Input, Predictions, Scores
from shortlist.core.selection.strategy import Strategy, strategies

from .common import has

NUMBERS = ("margin", "entropy")
# What strategies need to be told; own inputs are filled in by what they take.
PARAMETERS: dict[str, dict[str, Any]] = {"BALANCE": {"distribution": "UNIFORM"}}


def trial(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], test: NDArray[np.float32], test_labels: NDArray[np.int64]
) -> Trial:
    """A pool to label and a test set; the model sees the vectors as they are."""
    names = tuple(str(label) for label in range(int(labels.max()) + 1))
    known, held_out = Classes(labels, names), Classes(test_labels, names)
    return Trial(vectors, vectors, known, test, held_out, np.arange(len(vectors)), 0)


@dataclass(frozen=True)
class Way:
    """A way to pick: what to call it, how to, and whether it can start from nothing."""

    name: str
    picks: Callable[[State, int], NDArray[np.int64]]
    cold: bool
    slow: bool = False


def chance(state: State, n: int) -> NDArray[np.int64]:
    """Random picks."""
    return RANDOM.picks(state, n)


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
    label = " ".join(word for word in (name, kind, "weighted" if "weight" in own else "") if word)
    yield Way(label, playing(strategy, kind).picks, model.takes == "vectors" and not own)


def _input(takes: str, kind: str = "margin") -> Input:
    if takes == "numbers":
        return Scores(type="SCORES", task="model", score=f"uncertainty_{kind}")
    names = {"probabilities": "PROBABILITIES", "committee": "PASSES"}
    return Predictions(type="PREDICTIONS", task="model", name=names.get(takes, "CLASS_DISTRIBUTION"))


def playing(strategy: Strategy, kind: str = "") -> Contender:
    """A strategy of ours with the model's predictions for what it reads besides vectors.

    Args:
        strategy: the strategy, its own inputs named
        kind: which number, for one that takes numbers
    """
    beside = {
        one: Learned(_input(takes)) for one, takes in strategy.beside.items() if getattr(strategy, one) is not None
    }
    source = Own() if strategy.takes == "vectors" else Learned(_input(strategy.takes, kind or "margin"))
    name = type(strategy).__name__
    return Contender(name, (Played(name, strategy, source, beside),))


def start(state: State, n: int) -> NDArray[np.int64]:
    """The first picks of a way that cannot start from nothing."""
    return START.picks(state, n)


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
        labels = np.where(state.labeled, state.trial.truth.labels, np.nan)
        more = {}
        if supervised:
            classes = np.arange(len(state.trial.truth.names))
            more["clf"] = SklearnClassifier(
                LogisticRegression(max_iter=300), classes=classes, random_state=state.trial.seed
            )
        return make(state.trial.seed).query(X=state.trial.vectors, y=labels, batch_size=int(n), **more)

    return picks
