"""score_predicted_loss: how well it orders samples that it has not seen, beside plain entropy, and how fast.

``python -m bench.predicted_loss FOLDER`` adds real models' predictions: CIFAR-10 with noisy labels, embeddings of CIFAR-10,
and detections on COCO, from the folders `cifar10_noisy_labels`, `cifar10_embeddings` and `coco190`, as far as they are there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import shortlist
from shortlist.core.scores import Objects
from shortlist.core.scores.losses import (
    Boxes,
    Features,
    detection_errors,
    features_of_objects,
    features_of_predictions,
    log_loss,
)
from shortlist.core.scores.predicted_loss import PREDICTED_LOSS, fit
from shortlist.core.scores.probabilities import from_confidence
from shortlist.core.scores.reliability import TOP

from .common import PeakRss, Timing, aim, embeddings, table, timed

LABELED, DIMENSIONS, CLASSES = 10_000, 512, 10
COUNTS, REPEATS = (100, 200, 500, 2000), 3
LEAST, CONFIDENT = 0.05, 0.25

Set = tuple[str, Features, NDArray[np.floating]]


def run(size: int | None = None) -> None:
    """Runs the bench, end to end on 100 000 samples or on another number."""
    _quality(_digits())
    _speed(size or 100_000)


# Quality ----------------------------------------------------------------------------------------------------------------


def _quality(sets: Iterator[Set]) -> None:
    """Learns from some samples of each set, and orders all others."""
    rows = [line for one in sets for line in _lines(*one)]
    columns = (
        *("predictions", "labelled", "embeddings"),
        *("rank correlation", "said out of fold", "entropy"),
        *("loss found in the top fifth", "entropy", "at best"),
    )
    table(f"samples that were not learned from (COCO: out of fold); means of {REPEATS} draws", columns, rows)


def _lines(name: str, features: Features, losses: NDArray[np.floating]) -> Iterator[list[object]]:
    every = (
        [replace(features, embeddings=None)]
        if features.embeddings is None
        else [replace(features, embeddings=None), features]
    )
    for count in [count for count in COUNTS if count <= len(losses) / 2] or [len(losses)]:
        for seen in every:
            figures = [_held_out(seen, losses, count, seed) for seed in range(REPEATS)]
            yield [name, count, "yes" if seen.embeddings is not None else "no", *np.mean(figures, axis=0).tolist()]


def _held_out(features: Features, losses: NDArray[np.floating], count: int, seed: int) -> list[float]:
    """Rank correlations and shares of the loss on what was not learned from; out of fold where all was."""
    order = np.random.default_rng(seed).permutation(len(losses))
    learned, rest = order[:count], order[count:]
    model = fit(features.of(learned), losses[learned], seed=seed)
    if len(rest):
        found = PREDICTED_LOSS.compute(model, features.of(rest))
    else:
        found, rest = model.out_of_fold, learned
    true, plain = losses[rest], features.uncertainty[rest]
    shares = [_found(values, true) for values in (found, plain, true)]
    return [
        spearmanr(found, true)[0],
        model.reliability.spearman.value,
        spearmanr(plain, true)[0],
        *shares,
    ]


def _found(order: NDArray[np.floating], losses: NDArray[np.floating]) -> float:
    first = np.argsort(-order, kind="stable")[: round(TOP * len(order))]
    return float(losses[first].sum() / losses.sum())


def _digits() -> Iterator[Set]:
    """Handwritten digits: a model that has seen few of them, and one that has never seen two of the classes."""
    pixels, digit = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digit))
    pixels, digit = pixels[order] / 16, digit[order]
    yield _classified("digits, model of 60", pixels, digit, np.arange(60))
    seen = np.flatnonzero(~np.isin(digit, (3, 8)))[:500]
    yield _classified("digits, 2 classes never seen", pixels, digit, seen)


def _classified(name: str, vectors: NDArray, truths: NDArray, seen: NDArray) -> Set:
    """The predictions of a linear model for what it has not seen."""
    model = LogisticRegression(max_iter=500, C=10).fit(vectors[seen], truths[seen])
    rest = np.setdiff1d(np.arange(len(truths)), seen)
    probabilities = np.zeros((len(rest), 10))
    probabilities[:, model.classes_] = model.predict_proba(vectors[rest])
    features = replace(features_of_predictions(_single(probabilities)), embeddings=vectors[rest])
    return name, features, log_loss(probabilities, truths[rest])


def _single(probabilities: NDArray) -> Objects:
    n, best = len(probabilities), probabilities.argmax(axis=1)
    return Objects(np.arange(n + 1), np.ones(n, bool), probabilities, probabilities.max(axis=1), best)


def _real(folder: Path) -> Iterator[Set]:
    """Real models' predictions."""
    noisy = folder / "cifar10_noisy_labels" / "resnet50_cv_noise20.npz"
    if noisy.exists():
        held = np.load(noisy)
        probabilities = held["probabilities"].astype(np.float64)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        features = features_of_predictions(_single(probabilities))
        for name in ("true", "given"):
            losses = log_loss(probabilities, held[f"{name}_labels"].astype(np.int64))
            yield f"CIFAR-10, ResNet-50, {name} labels", features, losses
    vectors = folder / "cifar10_embeddings" / "mobilenetv1_pca128_10k.npz"
    if vectors.exists():
        held = np.load(vectors)
        order = np.random.default_rng(0).permutation(len(held["pool_labels"]))
        pool, truths = held["pool"][order], held["pool_labels"][order].astype(np.int64)
        yield _classified("CIFAR-10, linear of 300", pool, truths, np.arange(300))
        seen = np.flatnonzero(~np.isin(truths, (3, 8)))[:2000]
        yield _classified("CIFAR-10, 2 classes never seen", pool, truths, seen)
    if (folder / "coco190").exists():
        yield _coco(folder / "coco190")


def _coco(folder: Path) -> Set:
    """YOLOX-nano on COCO images; an error is a false positive of at least .25 or a missed object."""
    truth = json.loads((folder / "instances.json").read_text())
    place = {one["id"]: row for row, one in enumerate(truth["categories"])}
    found = [one for one in json.loads((folder / "yolox_nano.json").read_text()) if one["score"] >= LEAST]
    labels = [one for one in truth["annotations"] if not one.get("iscrowd")]
    images = [one["id"] for one in truth["images"]]
    predicted, scores = _boxes(found, images, place)
    confidences = np.array([one["score"] for one in scores])
    objects = Objects(
        predicted.offsets,
        np.ones(len(images), bool),
        from_confidence(confidences, predicted.classes, len(place)).astype(np.float64),
        confidences,
        predicted.classes,
    )
    errors = detection_errors(predicted.subset(confidences >= CONFIDENT), _boxes(labels, images, place)[0])
    return "COCO, YOLOX-nano, 190 images", features_of_objects(objects, CONFIDENT), errors


def _boxes(found: list[dict], images: list[int], place: dict[int, int]) -> tuple[Boxes, list[dict]]:
    """Boxes image by image, and what they were made of in the same order."""
    ordered = sorted(found, key=lambda one: images.index(one["image_id"]))
    counts = np.bincount([images.index(one["image_id"]) for one in ordered], minlength=len(images))
    boxes = np.array([one["bbox"] for one in ordered], np.float64).reshape(-1, 4)
    classes = np.array([place[one["category_id"]] for one in ordered], np.int64)
    return Boxes(np.concatenate([[0], np.cumsum(counts)]), boxes, classes), ordered


# Speed ------------------------------------------------------------------------------------------------------------------


def _speed(n: int) -> None:
    """The regressor alone, and the verb on a dataset, with its memory on a fifth of the samples and on all."""
    labeled = min(LABELED, n // 2)
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(CLASSES), labeled).astype(np.float32)
    features = replace(features_of_predictions(_single(probabilities)), embeddings=embeddings(labeled, DIMENSIONS))
    losses = log_loss(probabilities, rng.integers(CLASSES, size=labeled))
    model, fitting = timed(partial(fit, features, losses))
    predicting = timed(partial(PREDICTED_LOSS.compute, model, features))[1]
    dataset, built = timed(partial(_build, n, labeled))
    try:
        print(f"  ({n:,} samples made in {built.wall:.0f} s)", flush=True)
        verb = partial(
            shortlist.score_predicted_loss,
            label_field="predictions",
            ground_truth="truth",
            embeddings="vector",
            progress=_silent,
        )
        verb(dataset[:100])
        peaks = []
        for count in (n // 5, n):
            with PeakRss() as peak:
                _, whole = timed(partial(verb, dataset[:count]))
            peaks.append(peak.extra / 1e6)
    finally:
        dataset.delete()
    lines: list[tuple[str, int, Timing, tuple[str, str]]] = [
        ("fit (5 folds, all, intervals)", labeled, fitting, aim(fitting.wall, high=20, unit=" s")),
        ("predict", labeled, predicting, ("-", "-")),
        ("score_predicted_loss", n, whole, ("-", "-")),
    ]
    table(
        f"speed: {labeled:,} labelled samples, {DIMENSIONS} dimensions, {CLASSES} classes",
        ("what", "samples", "wall s", "CPU s", "aim", "met"),
        [[what, f"{count:,}", f"{took.wall:.1f}", f"{took.cpu:.1f}", *met] for what, count, took, met in lines],
    )
    grown = peaks[1] - peaks[0]
    table(
        "peak extra resident memory, MB; what was learned from is held, what is predicted is streamed",
        (f"{n // 5:,}", f"{n:,}", "more", "aim", "met"),
        [[f"{peaks[0]:.0f}", f"{peaks[1]:.0f}", f"{grown:.0f}", *aim(grown, high=100, unit=" MB")]],
    )


def _build(n: int, labeled: int) -> fo.Dataset:
    """Classifications with vectors, made by inserting raw documents like one that FiftyOne wrote."""
    dataset = fo.Dataset(f"shortlist-bench-{ObjectId()}")
    rng = np.random.default_rng(1)
    names = [f"class {place}" for place in range(CLASSES)]
    dataset.classes = {"predictions": names}
    vectors = embeddings(2000, DIMENSIONS)

    def sample(row: int) -> fo.Sample:
        probabilities = rng.dirichlet(np.ones(CLASSES))
        label = fo.Classification(label=names[int(probabilities.argmax())], confidence=float(probabilities.max()))
        label["probabilities"] = probabilities.tolist()
        truth = fo.Classification(label=names[int(rng.integers(CLASSES))])
        return fo.Sample(f"/bench/{row}.jpg", predictions=label, truth=truth, vector=vectors[row])

    dataset.add_samples([sample(row) for row in range(len(vectors))], progress=False)
    templates = list(dataset._sample_collection.find())
    dataset.clear()
    for start in range(0, n, 2000):
        documents = []
        for row in range(start, min(start + 2000, n)):
            template = templates[row % len(templates)]
            truth = template["truth"] if row < labeled else None
            documents.append({**template, "_id": ObjectId(), "filepath": f"/bench/{row}.jpg", "truth": truth})
        dataset._sample_collection.insert_many(documents)
    dataset.reload()
    return dataset


def _silent(done: int, total: int, label: str = "") -> None:
    """No bar in the tables."""


if __name__ == "__main__":
    _quality(_digits())
    _quality(_real(Path(sys.argv[1])))
