"""Learning curves: accuracy of a logistic regression by the number of labels, for every strategy, beside scikit-activeml's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from shortlist.core.back_testing.metrics import Metric
from shortlist.core.back_testing.states import State
from shortlist.core.back_testing.tasks import Trial
from shortlist.core.selection.inputs import Predictions, Scores
from shortlist.core.selection.strategies.coverage import Coverage

from ._learners import Way, chance, ours, playing, start, theirs, trial
from .common import aim, table

SEEDS, DRAWS = 5, 5
BUDGETS = (10, 20, 50, 100, 200, 400)
COLD_AIMS = {10: 20.0, 20: 15.0, 50: 4.0}
CIFAR = Path("cifar10_embeddings/mobilenetv1_pca128_10k.npz")
POOL, LARGEST, RAREST = 3000, 900, 18
WEIGHT = Scores(type="SCORES", field="margin")
CLASSES = Predictions(type="PREDICTIONS", task="model")

Curves = dict[str, NDArray[np.float64]]
MakeTask = Callable[[int], Trial]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench on handwritten digits, and on CIFAR-10 embeddings where a folder of data is given.

    Args:
        size: seeds (splits), 5 by default; twice as many where one is quick
        data: a folder that holds ``cifar10_embeddings``
    """
    warnings.filterwarnings("ignore", module="sklearn")
    warnings.filterwarnings("ignore", module="skactiveml")
    seeds = size or SEEDS
    for name, make in _digits().items():
        _cold(name, make, 2 * seeds, list(theirs()) if name == "pixels" else [], aims=True)
    _rounds("digits, pixels", _digits()["pixels"], seeds, list(theirs()))
    if data is None:
        print("  (CIFAR-10 embeddings are measured with --data FOLDER)")
        return
    stored = dict(np.load(data / CIFAR))
    fast = [way for way in theirs() if not way.slow]
    _cold("cifar", lambda seed: _cifar(stored, seed), seeds, fast, aims=False)
    _rounds("cifar", lambda seed: _cifar(stored, seed), seeds, fast)
    _long_tail(stored, 2 * seeds)


def _digits() -> dict[str, MakeTask]:
    """Handwritten digits by representation; a seed splits them into two thirds to label and a third to test."""
    pixels, digits = load_digits(return_X_y=True)
    forms = {
        "pixels": pixels / 16,
        "pixels, standardised": StandardScaler().fit_transform(pixels),
        "PCA to 16 dimensions": PCA(16, random_state=0).fit_transform(pixels / 16),
    }

    def split(vectors: NDArray, seed: int) -> Trial:
        order = np.random.default_rng(seed).permutation(len(digits))
        known, test = np.sort(order[: 2 * len(order) // 3]), order[2 * len(order) // 3 :]
        vectors = vectors.astype(np.float32)
        return trial(vectors[known], digits[known], vectors[test], digits[test])

    return {name: lambda seed, form=form: split(form, seed) for name, form in forms.items()}  # type: ignore[misc]


def _cifar(stored: dict[str, NDArray], seed: int, counts: Sequence[int] | None = None) -> Trial:
    """A draw of the pool, as many of each class as ``counts`` says or any, and the test set."""
    rng, labels = np.random.default_rng(seed), stored["pool_labels"].astype(np.int64)
    if counts is None:
        rows = rng.choice(len(labels), POOL, replace=False)
    else:
        # Which class is rare is drawn too.
        order = rng.permutation(len(counts))
        rows = np.concatenate(
            [rng.permutation(np.flatnonzero(labels == c))[:n] for c, n in zip(order, counts, strict=True)]
        )
    rows = np.sort(rows)
    test = stored["test"].astype(np.float32), stored["test_labels"].astype(np.int64)
    return trial(stored["pool"][rows].astype(np.float32), labels[rows], *test)


def _cold(name: str, make: MakeTask, seeds: int, others: list[Way], aims: bool) -> None:
    """One batch of each budget from nothing."""
    curves: Curves = {"random": _from_nothing(make, chance, seeds, DRAWS)}
    for way in [*ours(), *others]:
        if way.cold:
            curves[way.name] = _from_nothing(make, way.picks, seeds)
    _show(f"cold start: {name}; test accuracy +- s.e., {seeds} splits", curves)
    if aims:
        lead = (curves["COVERAGE"] - curves["random"]).mean(axis=0)
        rows = [
            [k, f"{lead[BUDGETS.index(k)]:+.1f}", *aim(lead[BUDGETS.index(k)], low=least, unit=" points")]
            for k, least in COLD_AIMS.items()
        ]
        table(f"cold start: {name}; COVERAGE over random", ("labels", "points", "aim", "met"), rows)


def _from_nothing(make: MakeTask, picks: Callable, seeds: int, draws: int = 1) -> NDArray[np.float64]:
    """(seeds, budgets) accuracies, each the mean of some draws."""
    found = np.zeros((seeds, len(BUDGETS)))
    for seed in range(seeds):
        task = make(seed)
        for draw in range(draws):
            state = _state(task, seed + 1000 * draw)
            found[seed] += [100 * state.label(picks(state, budget)).score("accuracy") / draws for budget in BUDGETS]
    return found


def _state(task: Trial, seed: int) -> State:
    """Nothing is labelled yet."""
    return State.empty(replace(task, seed=seed))


def _rounds(name: str, make: MakeTask, seeds: int, others: list[Way]) -> None:
    """The labelled set grows, and the model learns anew, from budget to budget."""
    curves: Curves = {"random": _growing(make, Way("random", chance, True), seeds, DRAWS)}
    for way in [*ours(), *others]:
        curves[way.name] = _growing(make, way, seeds)
    title = (
        f"in rounds: {name}; test accuracy +- s.e., {seeds} splits; what cannot start from nothing starts by COVERAGE"
    )
    _show(title, curves)
    one, by_chance = curves["COVERAGE weighted"], curves["random"]
    lead = (one - by_chance).mean(axis=0) + _error(by_chance)
    means = {label: curve.mean(axis=1) for label, curve in curves.items()}
    best = max(means, key=lambda label: means[label].mean())
    behind = means[best].mean() - means["COVERAGE weighted"].mean()
    rows = [
        ["least lead over random - 1 s.e., of all budgets", f"{lead.min():+.1f}", *aim(lead.min(), low=0)],
        [f"behind the best on the mean ({best})", f"{behind:.2f}", *aim(behind, high=float(_error(means[best])))],
    ]
    table(f"in rounds: {name}; weighted COVERAGE", ("what", "points", "aim", "met"), rows)


def _growing(make: MakeTask, way: Way, seeds: int, draws: int = 1, metric: Metric = "accuracy") -> NDArray[np.float64]:
    """(seeds, budgets) accuracies, each the mean of some draws."""
    found = np.zeros((seeds, len(BUDGETS)))
    for seed in range(seeds):
        task = make(seed)
        for draw in range(draws):
            state, labels = _state(task, seed + 1000 * draw), 0
            for place, budget in enumerate(BUDGETS):
                picks = way.picks if labels or way.cold else start
                state, labels = state.label(picks(state, budget - labels)), budget
                found[seed, place] += 100 * state.score(metric) / draws
    return found


def _long_tail(stored: dict[str, NDArray], seeds: int) -> None:
    """Balanced accuracy where the classes are unequal, with and without the class weight."""
    counts = np.geomspace(LARGEST, RAREST, 10).round().astype(int)
    strategies = {
        "COVERAGE weighted": Coverage(type="COVERAGE", weight=WEIGHT),
        "COVERAGE weighted, class_weight": Coverage(type="COVERAGE", weight=WEIGHT, class_weight=CLASSES),
    }
    curves: Curves = {}
    for name, strategy in {"random": None, **strategies}.items():
        picks = chance if strategy is None else playing(strategy).picks
        way = Way(name, picks, strategy is None)
        curves[name] = _growing(lambda seed: _cifar(stored, seed, counts), way, seeds, metric="balanced_accuracy")
    _show(f"long tail ({LARGEST} to {RAREST} a class): cifar, in rounds; balanced accuracy, {seeds} draws", curves)
    plain, weighted = (curves[name][:, 1:].mean(axis=1) for name in strategies)
    gain = weighted - plain
    row = [f"{gain.mean():+.2f} +- {_error(gain):.2f}", *aim(float(gain.mean()), low=0.5, unit=" points")]
    table("long tail: class_weight over without, mean over budgets after the first", ("points", "aim", "met"), [row])


def _show(title: str, curves: Curves) -> None:
    """Curves, the best on the mean first."""
    ranked = sorted(curves.items(), key=lambda item: -item[1].mean())
    rows = []
    for name, curve in ranked:
        cells = [f"{mean:.1f} +- {error:.1f}" for mean, error in zip(curve.mean(axis=0), _error(curve), strict=True)]
        mean = curve.mean(axis=1)
        rows.append([name, *cells, f"{mean.mean():.2f} +- {_error(mean):.2f}"])
    table(title, ("labels by", *(str(budget) for budget in BUDGETS), "mean"), rows)


def _error(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The standard error of the mean over the first axis."""
    return values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1:])
