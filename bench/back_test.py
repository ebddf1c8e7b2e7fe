"""Whether a back-test tells the truth: its ranking and its forecast beside what the next labels really bring."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.datasets import load_digits

from shortlist.core.back_testing.back_test import Plan, back_test
from shortlist.core.back_testing.contenders import RANDOM, Contender, Learned, Own, contender
from shortlist.core.back_testing.named import NAMED, first_names
from shortlist.core.back_testing.report import BackTestReport
from shortlist.core.back_testing.states import State
from shortlist.core.back_testing.tasks import Task, Trial, features_of
from shortlist.core.back_testing.truths import Classes
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.inputs import Embeddings

from .common import table, timed

CIFAR = Path("cifar10_embeddings/mobilenetv1_pca128_10k.npz")
SEEDS, NEXT, SPLITS, DRAWS = 5, 100, 5, 5
# How many labels there are, by data.
LABELS = {"digits": (150, 600), "cifar": (600,)}

#: vectors, labels and which rows test
Data = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench on handwritten digits, and on CIFAR-10 embeddings where a folder of data is given.

    Args:
        size: how many labelled subsets are drawn, 5 by default
        data: a folder that holds ``cifar10_embeddings``
    """
    warnings.filterwarnings("ignore", module="sklearn")
    draws: dict[str, Callable[[int], Data]] = {"digits": _digits}
    if data is not None:
        stored = dict(np.load(data / CIFAR))
        draws["cifar"] = lambda seed: _cifar(stored, seed)
    for name, draw in draws.items():
        for labels in LABELS[name]:
            _agreement(name, draw, labels, size or SEEDS)


def _digits(seed: int) -> Data:
    pixels, digits = load_digits(return_X_y=True)
    test = np.zeros(len(digits), bool)
    test[np.random.default_rng(seed).permutation(len(digits))[:600]] = True
    return (pixels / 16).astype(np.float32), digits.astype(np.int64), test


def _cifar(stored: dict[str, NDArray], seed: int) -> Data:
    pool = np.random.default_rng(seed).choice(len(stored["pool"]), 4000, replace=False)
    vectors = np.concatenate([stored["pool"][pool], stored["test"]]).astype(np.float32)
    labels = np.concatenate([stored["pool_labels"][pool], stored["test_labels"]]).astype(np.int64)
    return vectors, labels, np.arange(len(vectors)) >= len(pool)


def _agreement(name: str, draw: Callable[[int], Data], labels: int, seeds: int) -> None:
    """What the back-tests of labelled subsets say, and what the rest of the data says."""
    forecast: dict[str, list[float]] = {}
    real: dict[str, list[float]] = {}
    inside: dict[str, list[bool]] = {}
    leads: dict[str, list[float]] = {}
    ranks, levels, seconds = [], [], []
    for seed in range(seeds):
        vectors, classes, test = draw(seed)
        labeled = np.zeros(len(vectors), bool)
        labeled[np.random.default_rng(seed + 1).permutation(np.flatnonzero(~test))[:labels]] = True
        own = Task(vectors[labeled], _truth(classes[labeled], classes), np.arange(labels))
        contenders = [_contender(one, own) for one in first_names(True)]
        plan = Plan(tuple(range(SPLITS)), next_labels=NEXT)
        found, took = timed(lambda own=own, all_of=contenders, plan=plan: back_test(own, all_of, plan))
        seconds.append(took.cpu)
        level, brought = _reality(vectors, classes, test, labeled, contenders, seed)
        assert found.forecast is not None
        levels.append(100 * (found.forecast.now.mean - level))
        for curve in found.curves:
            assert curve.next_labels is not None
            forecast.setdefault(curve.name, []).append(curve.next_labels.mean)
            real.setdefault(curve.name, []).append(brought[curve.name])
            kept = curve.next_labels.low <= brought[curve.name] <= curve.next_labels.high
            inside.setdefault(curve.name, []).append(kept)
        ranks.append(_rank_agreement(found, brought))
        for curve in found.curves:
            if curve.mean_difference is not None:
                leads.setdefault(curve.name, []).append(curve.mean_difference.mean)
    rows = []
    for one in sorted(real, key=lambda key: -np.mean(real[key])):
        error = 100 * (np.array(forecast[one]) - np.array(real[one]))
        rows.append(
            [
                one,
                f"{100 * np.mean(real[one]):+.2f}",
                f"{100 * np.mean(forecast[one]):+.2f}",
                f"{error.mean():+.2f}",
                f"{np.abs(error).mean():.2f}",
                f"{sum(inside[one])} of {seeds}",
            ]
        )
    columns = ("strategy", "brought", "forecast", "bias", "mean error", "within the interval")
    table(f"{name}, {labels} labels and {NEXT} more: points, means over {seeds} labelled subsets", columns, rows)
    order = spearmanr([np.mean(forecast[one]) for one in real], [np.mean(real[one]) for one in real]).statistic
    print(
        f"  level at {labels} labels: forecast off by {np.mean(np.abs(levels)):.2f} points (bias {np.mean(levels):+.2f})"
    )
    print(f"  rank agreement of forecasts and reality: {order:.2f} of the means, {np.mean(ranks):.2f} within a subset")
    told = spearmanr([np.mean(leads[one]) for one in leads], [np.mean(real[one]) for one in leads]).statistic
    print(f"  rank agreement of the mean over budgets and reality: {told:.2f} of the means")
    print(f"  a back-test takes {np.mean(seconds):.1f} CPU seconds", flush=True)


def _truth(labels: NDArray[np.int64], every: NDArray[np.int64]) -> Classes:
    return Classes(labels, tuple(str(label) for label in range(int(every.max()) + 1)))


def _contender(name: str, task: Task) -> Contender:
    one = NAMED[name]  # type: ignore[index]
    config = one.config({"type": "EMBEDDINGS"}, "model")
    return contender(
        one.label,
        SelectionConfig.model_validate({"n_samples": 1, **config}),
        task.truth,
        lambda given, takes: Own() if isinstance(given, Embeddings) else Learned(given),  # type: ignore[arg-type]
        lambda entry: None,
    )


def _reality(
    vectors: NDArray[np.float32],
    classes: NDArray[np.int64],
    test: NDArray[np.bool_],
    labeled: NDArray[np.bool_],
    contenders: list[Contender],
    seed: int,
) -> tuple[float, dict[str, float]]:
    """How well the labels there are do, and what the next ones by each strategy really bring."""
    features, pool = features_of(vectors), np.flatnonzero(~test)
    own = Trial(
        vectors[pool],
        features[pool],
        _truth(classes[pool], classes),
        features[test],
        _truth(classes[test], classes),
        pool,
        seed,
    )
    state = State(own, labeled[pool])
    level = state.score("accuracy")
    others = [State(own.seeded(draw), state.labeled) for draw in range(DRAWS)]
    random = [other.label(RANDOM.picks(other, NEXT)).score("accuracy") for other in others]
    brought = {RANDOM.name: float(np.mean(random)) - level}
    for one in contenders:
        brought[one.name] = state.label(one.picks(state, NEXT)).score("accuracy") - level
    return level, brought


def _rank_agreement(found: BackTestReport, brought: dict[str, float]) -> float:
    """Spearman's rank correlation of forecast and real gains."""
    told = [curve.next_labels.mean for curve in found.curves if curve.next_labels is not None]
    return float(spearmanr(told, [brought[curve.name] for curve in found.curves]).statistic)
