"""Label quality of classes: what is found of wrong labels, beside cleanlab, and how fast.

``python -m bench quality_classification --data FOLDER``, which has `cifar10_noisy_labels` in it: a ResNet-50's out-of-sample
probabilities, given and true labels. The true labels are also made noisy in other ways. Without a folder only what is drawn
is measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from shortlist.core.quality.channel import fit_channel
from shortlist.core.quality.classification import label_scores
from shortlist.core.quality.confident import confident_joint
from shortlist.core.quality.confident_issues import find_issues
from shortlist.core.quality.health import in_sample

from .common import aim, has, least, peak_allocated, table, timed

ROWS, CLASSES, BATCH, ROUNDS = 1_000_000, 10, 5_000, 3
PEERS = ("self_confidence", "normalized_margin")
# The aim on real predictions; elsewhere, never to lose more than by chance to whichever of the two is better there.
REAL, SLACK = "CIFAR-10", (0.005, 0.015)
#: name: share of the labels that are made wrong, and how
NOISES = {
    "evenly 5 %": (0.05, "even"),
    "evenly 20 %": (0.2, "even"),
    "to the next class 30 %": (0.3, "next"),
    "few pairs 5 %": (0.05, "pairs"),
    "few pairs 20 %": (0.2, "pairs"),
    "classes differ 10 %": (0.1, "classes"),
}

Labelled = tuple[str, NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench; ``size`` is the number of rows whose speed is measured (a million)."""
    if not has("cleanlab"):
        return
    warnings.simplefilter("ignore")
    _found(data)
    _speed(size or ROWS)


# What is found ----------------------------------------------------------------------------------------------------------


def _found(data: Path | None) -> None:
    sets = list(_drawn())
    if data is None or not (data / "cifar10_noisy_labels").is_dir():
        print("  (real predictions need --data FOLDER with cifar10_noisy_labels in it: skipped)")
    else:
        sets = [*_cifar(data / "cifar10_noisy_labels"), *sets]
    quality, issues = [], []
    for name, probabilities, labels, true in sets:
        wrong = labels != true
        quality += _ranked(name, probabilities, labels, wrong)
        issues.append([name, f"{wrong.mean():.3f}", *_flagged(probabilities, labels, wrong)])
    columns = ("labels", "rows", "wrong", "method", "AUROC", "AUPRC", "aim", "met")
    table(
        "label quality of classes: how well wrong labels are ranked; aims from cleanlab's better of two",
        columns,
        quality,
    )
    columns = ("labels", "wrong", *(f"{who}, {what}" for who in _FLAGS for what in ("share", "F1")), "in-sample")
    table("label quality of classes: which labels are flagged", columns, issues)


def _ranked(name: str, probabilities, labels, wrong) -> Iterator[list[object]]:
    from cleanlab.rank import get_label_quality_scores

    methods: dict[str, NDArray[np.floating]] = {
        f"cleanlab {method}": get_label_quality_scores(labels, probabilities, method=method)
        for method in (*PEERS, "confidence_weighted_entropy")
    }
    methods |= {
        method: label_scores()[method].compute(probabilities, labels) for method in ("log_odds_margin", "noise_channel")
    }
    figures = {method: _figures(wrong, score) for method, score in methods.items()}
    best = [max(figures[f"cleanlab {peer}"][place] for peer in PEERS) for place in (0, 1)]
    for method, (auroc, auprc) in figures.items():
        words: tuple[str, str] = ("", "")
        if method == "noise_channel":
            lows = [value - slack for value, slack in zip(best, (0, 0) if name == REAL else SLACK, strict=True)]
            met = all(aim(value, low=low)[1] == "yes" for value, low in zip((auroc, auprc), lows, strict=True))
            words = f">= {lows[0]:.4f}, {lows[1]:.4f}", "yes" if met else "NO"
        yield [name, len(labels), f"{wrong.mean():.3f}", method, f"{auroc:.4f}", f"{auprc:.4f}", *words]


def _figures(wrong: NDArray[np.bool_], quality: NDArray[np.floating]) -> tuple[float, float]:
    return float(roc_auc_score(wrong, -quality)), float(average_precision_score(wrong, -quality))


_FLAGS: dict[str, Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.bool_]]] = {
    "noise_channel < .5": lambda p, y: label_scores()["noise_channel"].compute(p, y) < 0.5,
    "prune_by_noise_rate": find_issues,
    "confident_learning": lambda p, y: find_issues(p, y, "confident_learning"),
}


def _flagged(probabilities, labels, wrong) -> Iterator[str]:
    for rule in _FLAGS.values():
        flags = rule(probabilities, labels)
        yield f"{flags.mean():.3f}"
        yield f"{2 * (flags & wrong).sum() / max(1, flags.sum() + wrong.sum()):.3f}"
    yield "yes" if in_sample(probabilities, labels).likely else "no"


def _cifar(folder: Path) -> Iterator[Labelled]:
    """Real predictions with the labels that their model was trained on, with others of the same images, and few of them."""
    found = np.load(folder / "resnet50_cv_noise20.npz")
    probabilities = found["probabilities"].astype(np.float32)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    given, true = found["given_labels"].astype(np.int64), found["true_labels"].astype(np.int64)
    yield REAL, probabilities, given, true
    for n in (200, 1000):
        rows = np.random.default_rng(n).choice(len(true), n, replace=False)
        yield f"CIFAR-10, {n} of them", probabilities[rows], given[rows], true[rows]
    for seed, name in enumerate(NOISES):
        yield f"CIFAR-10, {name}", probabilities, noisy(true, CLASSES, name, seed), true


def _drawn() -> Iterator[Labelled]:
    """Models of different skill, calibrated, over-confident and timid, of two to fifty classes, some rare."""
    parts = [
        (2, 1.0, "evenly 20 %"),
        (2, 1.0, "classes differ 10 %"),
        (5, 2.0, "few pairs 20 %"),
        (50, 1.0, "evenly 20 %"),
    ]
    for seed, (n_classes, heat, name) in enumerate([*parts, (50, 0.5, "few pairs 20 %")]):
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.ones(n_classes))
        true = rng.choice(n_classes, 5000, p=weights / 2 + 0.5 / n_classes)
        logits = rng.standard_normal((5000, n_classes), np.float32)
        logits[np.arange(5000), true] += 2.5
        probabilities = np.exp(2.5 * heat * logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        kind = {0.5: "timid", 1.0: "calibrated", 2.0: "over-confident"}[heat]
        yield f"drawn, K={n_classes}, {kind}, {name}", probabilities, noisy(true, n_classes, name, seed), true


def noisy(true: NDArray[np.int64], n_classes: int, name: str, seed: int) -> NDArray[np.int64]:
    """True labels after a channel of a kind, drawn anew by the seed."""
    rate, kind = NOISES[name]
    rng = np.random.default_rng(100 + seed)
    others = 1 - np.eye(n_classes)
    if kind == "next":
        others = np.roll(np.eye(n_classes), 1, axis=1)
    if kind in ("pairs", "classes"):
        keep = min(2, n_classes - 1)
        order = np.argsort(-others * rng.random(others.shape), axis=1)[:, :keep]
        chosen = np.zeros_like(others)
        np.put_along_axis(chosen, order, rng.random(order.shape) + 0.1, axis=1)
        others = chosen
    rates = rng.uniform(0, 2 * rate, n_classes) if kind == "classes" else np.full(n_classes, rate)
    flip = rng.random(len(true)) < rates[true]
    cumulative = (others / others.sum(axis=1, keepdims=True)).cumsum(axis=1)
    drawn = (rng.random((len(true), 1)) > cumulative[true]).sum(axis=1)
    return np.where(flip, np.minimum(drawn, n_classes - 1), true)


# Speed ------------------------------------------------------------------------------------------------------------------


def _speed(n: int) -> None:
    from cleanlab.count import compute_confident_joint
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rng = np.random.default_rng(0)
    probabilities = rng.random((n, CLASSES), np.float32) ** 4
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.where(rng.random(n) < 0.2, rng.integers(0, CLASSES, n), probabilities.argmax(axis=1))
    batches = [slice(start, start + BATCH) for start in range(0, n, BATCH)]

    def channel() -> None:
        learned = fit_channel(((probabilities[rows], labels[rows]) for rows in batches), CLASSES)
        for rows in batches:
            learned.quality(probabilities[rows], labels[rows])

    def both(rule: str) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: find_issues(probabilities, labels, rule), lambda: find_label_issues(  # type: ignore[arg-type]
            labels, probabilities, filter_by=rule, n_jobs=1
        )

    def scored(name: str) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: label_scores()[name].compute(probabilities, labels), lambda: get_label_quality_scores(
            labels, probabilities, method=name
        )

    pairs = {name: scored(name) for name in (*PEERS, "confidence_weighted_entropy")}
    pairs["confident joint"] = (
        lambda: confident_joint(probabilities, labels),
        lambda: compute_confident_joint(labels, probabilities),
    )
    pairs |= {rule: both(rule) for rule in ("prune_by_noise_rate", "confident_learning")}
    pairs["noise_channel, learned and scored (cleanlab: prune_by_noise_rate)"] = (
        channel,
        pairs["prune_by_noise_rate"][1],
    )
    rows = []
    for name, works in pairs.items():
        ours, theirs = (least([timed(work)[1] for _ in range(ROUNDS)]).cpu for work in works)
        rows.append([name, f"{ours:.3f}", f"{theirs:.3f}", f"{theirs / ours:.2f}"])
    table(
        f"label quality of classes: CPU seconds, {n} rows of {CLASSES} classes",
        ("what", "ours", "cleanlab", "ratio"),
        rows,
    )
    print(f"noise_channel in batches of {BATCH}: at most {peak_allocated(channel) / 1e6:.0f} MB beside the rows")
