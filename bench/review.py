"""Reviews: how often the intervals of what remains hold the truth, and how long deciding, applying and undoing take."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from scipy.special import expit, logit

import shortlist as sl
from shortlist.core.review.items import Item
from shortlist.core.review.remaining import remaining
from shortlist.core.review.verdicts import Outcome

from .common import aim, table

REVIEWS, KEY = 60, "review_1"
Truth = Callable[[np.random.Generator, NDArray[np.float64]], NDArray[np.float64]]


def _logistic(rng: np.random.Generator, quality: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(expit(rng.normal() + rng.normal(1, 0.5) * logit(1 - np.clip(quality, 0.01, 0.99))))


def _power(rng: np.random.Generator, quality: NDArray[np.float64]) -> NDArray[np.float64]:
    return (1 - quality) ** rng.uniform(0.5, 4)


def _flat(rng: np.random.Generator, quality: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full(len(quality), rng.uniform(0.05, 0.95))


def _step(rng: np.random.Generator, quality: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(quality < 0.15, 0.9, np.where(quality < 0.4, 0.5, 0.1))


#: how the share of errors may depend on the quality
TRUTHS: dict[str, Truth] = {
    "logistic": _logistic,
    "calibrated": lambda _, quality: 1 - quality,
    "power": _power,
    "flat": _flat,
    "step": _step,
}


def run(size: int | None = None) -> None:
    """Runs the bench; speeds at 10 000 items or as many as wanted."""
    _coverage()
    _speed(size or 10_000)


def _coverage() -> None:
    """How often the 95 % interval of the errors that remain holds them."""
    rows = []
    for name, truth in TRUTHS.items():
        for n, decided in ((300, 20), (300, 100), (2000, 200)):
            rng = np.random.default_rng(1)
            held = [_holds(rng, n, decided, truth) for _ in range(REVIEWS)]
            rows.append((name, f"{n}", f"{decided}", *(f"{share:.2f}" for share in np.mean(held, axis=0))))
    title = f"95 % intervals of the errors among what is not decided: how often of {REVIEWS} they hold the truth"
    table(title, ("errors", "items", "decided", "all that is left", "the next 50"), rows)


def _holds(rng: np.random.Generator, n: int, decided: int, truth: Truth) -> tuple[bool, bool]:
    quality = np.sort(rng.beta(1, 2, size=n))
    wrong = rng.random(n) < truth(rng, quality)
    items = [Item(str(row), kind="wrong_class", quality=float(one)) for row, one in enumerate(quality)]
    done = [Outcome("decided", "accept" if one else "keep") for one in wrong[:decided]]
    found = remaining(items, dict(enumerate([*done, *[Outcome("open")] * (n - decided)], start=1)))
    assert found is not None
    counts = int(wrong[decided:].sum()), int(wrong[decided : decided + found.next_items].sum())
    estimates = found.errors, found.next_errors
    first, second = (one.low <= count <= one.high for one, count in zip(estimates, counts, strict=True))
    return first, second


def _speed(n: int) -> None:
    """Deciding one item of many, and applying and undoing all that was decided."""
    dataset = _dataset(n)
    try:
        started = _seconds(lambda: sl.start_review(dataset, KEY, "gt", subject="labels"))
        sl.queue_of(dataset, KEY, "ana")
        shown = [_seconds(lambda: sl.next_to_review(dataset, KEY, "ana")) for _ in range(20)]
        given = [
            _seconds(lambda number=number: sl.give_verdict(dataset, KEY, number, "relabel", label="b", reviewer="ana"))
            for number in range(1, 301)
        ]
        state = [_seconds(lambda: sl.queue_of(dataset, KEY, "ana")) for _ in range(20)]
        told = _seconds(lambda: sl.review_progress(dataset, KEY))
        applied, undone = (_seconds(lambda verb=verb: verb(dataset, KEY)) for verb in (sl.apply_review, sl.undo_review))
    finally:
        dataset.delete()
    quick = 1e3 * median(state)
    rows: list[tuple[str, ...]] = [
        ("start_review", f"{started:.2f} s"),
        ("queue_of, median", f"{quick:.1f} ms", *aim(quick, high=30, unit=" ms")),
        ("next_to_review, median", f"{1e3 * median(shown):.1f} ms"),
        ("give_verdict, median", f"{1e3 * median(given):.1f} ms"),
        ("review_progress", f"{told:.2f} s"),
        ("apply_review, 300 decided", f"{applied:.2f} s"),
        ("undo_review of it", f"{undone:.2f} s"),
    ]
    lines = [(*row, "", "")[:4] for row in rows]
    table(f"a review of {n:,} labels on {n:,} samples, wall time", ("what", "time", "aim", "met"), lines)


def _dataset(n: int) -> fo.Dataset:
    """Samples with one box each, put in as the database holds them."""
    dataset = fo.Dataset()
    box = fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.2, 0.2])
    dataset.add_sample(fo.Sample("/nowhere/0.png", gt=fo.Detections(detections=[box])))
    document: dict[str, Any] = dataset._sample_collection.find_one()
    dataset.clear()
    rows = (
        {
            **document,
            "_id": ObjectId(),
            "filepath": f"/nowhere/{row}.png",
            "gt": {
                **document["gt"],
                "detections": [{**document["gt"]["detections"][0], "_id": ObjectId(), "label": name}],
            },
        }
        for row, name in enumerate("ab"[row == n - 1] for row in range(n))
    )
    dataset._sample_collection.insert_many(rows)
    return dataset


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
