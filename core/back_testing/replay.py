"""Replaying contenders in rounds, over several splits: scores out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..progress import Progress, silent
from .contenders import RANDOM, START, Contender, Ended
from .metrics import Metric
from .states import State
from .tasks import Trial
from .truths import Floats

#: how many times random picks are drawn in a split, since they are what all others are compared with
DRAWS = 3


@dataclass(frozen=True)
class Scores:
    """What was measured.

    Args:
        budgets: (b,) labels
        curves: by contender, (s, b) of each split, NaN where it could not pick as much; random picks among them
        whole: (s,) with all labels of the pool
        overlap: how many rows a test set has for each of its pool, on average
        ended: by contender, why its curve ends before the last budget
        step: how many random labels there were before one step of picks, and how many were picked in it
        steps: by contender, (s,) what that step brought
    """

    budgets: list[int]
    curves: dict[str, Floats]
    whole: Floats
    overlap: float
    ended: dict[str, str] = field(default_factory=dict)
    step: tuple[int, int] = (0, 0)
    steps: dict[str, Floats] = field(default_factory=dict)


def replay(
    trials: Sequence[Trial],
    contenders: Sequence[Contender],
    budgets: Sequence[int],
    metric: Metric,
    step: tuple[int, int],
    progress: Progress = silent,
) -> Scores:
    """Replays contenders, and random picks, on every trial.

    Args:
        trials: one a split
        contenders: of distinct names
        budgets: (b,) ascending numbers of labels, at most those of the smallest pool
        metric: what is measured on the test sets
        step: a number of random labels, and how many are then picked by each contender, to see what one batch brings
        progress: told the rounds done

    Returns:
        the scores
    """
    names = [RANDOM.name, *(one.name for one in contenders)]
    size = len(trials)
    scores = Scores(
        list(budgets),
        {name: np.full((size, len(budgets)), np.nan) for name in names},
        np.zeros(size),
        float(np.mean([len(trial.test_truth) / len(trial.rows) for trial in trials])),
        step=step,
        steps={name: np.full(size, np.nan) for name in names},
    )
    rounds = _Rounds(progress, size * ((len(contenders) + 1) * (len(budgets) + DRAWS)))
    # Of products this small threads only wait for each other; the engine has its own for large ones.
    with threadpool_limits(1, "blas"):
        for place, trial in enumerate(trials):
            _replay(trial, place, contenders, metric, scores, rounds)
    return scores


def _replay(
    trial: Trial, place: int, contenders: Sequence[Contender], metric: Metric, scores: Scores, rounds: _Rounds
) -> None:
    """Fills in the scores of one trial."""
    empty, budgets = State.empty(trial), scores.budgets
    scores.whole[place] = empty.label(np.arange(len(trial.vectors))).score(metric)
    start = _Started(empty)
    random = [_curve(RANDOM, State.empty(trial.seeded(draw)), None, budgets, metric, rounds) for draw in range(DRAWS)]
    scores.curves[RANDOM.name][place] = np.mean(random, axis=0)
    for one in contenders:
        scores.curves[one.name][place] = _curve(one, empty, start, budgets, metric, rounds, scores.ended)
    for name, gained in _steps(trial, contenders, scores.step, metric, rounds).items():
        scores.steps[name][place] = gained


class _Rounds:
    """Counts rounds, and lets a round be cancelled while it works."""

    def __init__(self, progress: Progress, total: int):
        self._progress, self._total, self.done = progress, total, 0

    def within(self, done: int, total: int, label: str = "") -> None:
        """Progress of a part of a round."""
        self._progress(min(self.done, self._total), self._total, "replaying")

    def next(self) -> None:
        """A round is done."""
        self.done += 1
        self.within(0, 0)


class _Started:
    """The first picks by COVERAGE, made once for all that need them.

    Args:
        empty: nothing labelled yet
    """

    def __init__(self, empty: State):
        self._empty = empty
        self._states: dict[int, State] = {}

    def state(self, n: int, within: Progress) -> State:
        if n not in self._states:
            self._states[n] = self._empty.label(START.picks(self._empty, n, within))
        return self._states[n]


def _curve(
    one: Contender,
    state: State,
    start: _Started | None,
    budgets: Sequence[int],
    metric: Metric,
    rounds: _Rounds,
    ended: dict[str, str] | None = None,
) -> NDArray[np.float64]:
    """(b,) the scores of one contender on one trial."""
    found = np.full(len(budgets), np.nan)
    for place, budget in enumerate(budgets):
        try:
            if start is not None and not len(state.known) and one.needs_model:
                state = start.state(budget, rounds.within)
            else:
                state = state.label(one.picks(state, budget - len(state.known), rounds.within))
        except Ended as error:
            assert ended is not None
            ended.setdefault(one.name, f"ends before {budget} labels: {error}")
            break
        found[place] = state.score(metric)
        rounds.next()
    return found


def _steps(
    trial: Trial, contenders: Sequence[Contender], step: tuple[int, int], metric: Metric, rounds: _Rounds
) -> dict[str, float]:
    """What one batch brings after random labels, the mean over several draws of these."""
    before, n = step
    gained: dict[str, list[float]] = {name: [] for name in [RANDOM.name, *(one.name for one in contenders)]}
    for draw in range(DRAWS):
        own = trial.seeded(draw)
        state = State.empty(own)
        state = state.label(RANDOM.picks(state, before))
        level = state.score(metric)
        others = [State(own.seeded(other + 1), state.labeled) for other in range(DRAWS)]
        at_random = [other.label(RANDOM.picks(other, n)).score(metric) for other in others]
        gained[RANDOM.name].append(float(np.mean(at_random)) - level)
        rounds.next()
        for one in contenders:
            try:
                after = state.label(one.picks(state, n, rounds.within)).score(metric)
            except Ended:
                after = np.nan
            gained[one.name].append(after - level)
            rounds.next()
    return {name: float(np.mean(found)) for name, found in gained.items()}
