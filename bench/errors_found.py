"""How many of a detector's errors are found by reviewing what a score puts first, on a budget of images or of boxes.

``python -m bench errors_found --data FOLDER`` reads real predictions on COCO images from `FOLDER/coco190`: `instances.json`,
`yolox_nano.json` in COCO's format of results, and `yolox_nano_objectness_and_class_sigmoids_f16.npy`, a row a prediction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from shortlist.core.scores import Objects, Uncertainty, scores
from shortlist.core.scores.aggregation import Aggregation
from shortlist.core.scores.apply import How, apply
from shortlist.core.scores.losses import Boxes, detection_errors
from shortlist.core.scores.probabilities import from_confidence, normalized

from .common import table

LEAST, CONFIDENT, IOU = 0.05, 0.25, 0.5
SHARE, RESAMPLES, SEEDS = 0.2, 1000, 50
REFERENCE = "on 354 other COCO images: sum of entropies 47 %, max 32-34 %, mean 27 %, oracle 52 %"

Values = NDArray[np.floating]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench on the images of a folder, or on the first few of them."""
    if data is None or not (data / "coco190").is_dir():
        print("  (errors_found needs --data FOLDER with coco190 in it: skipped)")
        return
    found = read(data / "coco190", size)
    confident = found.objects.confidences >= CONFIDENT
    errors = detection_errors(found.predicted.subset(confident), found.labeled, IOU)
    every = np.diff(found.objects.offsets)
    drawn = np.bincount(found.objects.owners[confident], minlength=len(errors))
    budgets = {
        "images": Budget(np.ones(len(errors)), errors, is_share=True),
        f"boxes >= {LEAST:g}": Budget(np.maximum(every, 1.0), errors, is_share=False),
        f"boxes >= {CONFIDENT:g}": Budget(np.maximum(drawn, 1.0), errors, is_share=False),
    }
    print(
        f"\nerrors found: {len(errors)} images with {int(errors.sum())} errors, which are false positives at confidence >= "
        f"{CONFIDENT:g} and\nfalse negatives at IoU >= {IOU:g}; {every.sum()} boxes >= {LEAST:g}, {drawn.sum()} of them >= "
        f"{CONFIDENT:g}. An image costs its boxes, at least one.\nReference, images alone: {REFERENCE}."
    )
    orders = list(_orders(found, every))
    _print_found(budgets, orders)
    _print_differences(budgets, orders)


@dataclass(frozen=True)
class Found:
    """The predictions and the truth of n images, places in pixels.

    Args:
        objects: the predictions, with the model's class probabilities
        predicted: the places of the same
        labeled: the truth
    """

    objects: Objects
    predicted: Boxes
    labeled: Boxes


@dataclass(frozen=True)
class Order:
    """A way to put n images in order; nothing in ``values``: by their errors."""

    score: str
    aggregation: str
    probabilities: str
    values: Values | None


def read(folder: Path, size: int | None = None) -> Found:
    """The predictions and the truth of a folder's images, or of the first few."""
    truth = json.loads((folder / "instances.json").read_text())
    row_of = {one["id"]: row for row, one in enumerate(truth["images"][:size])}
    classes = {one["id"]: index for index, one in enumerate(truth["categories"])}
    results = json.loads((folder / "yolox_nano.json").read_text())
    vectors = np.load(folder / "yolox_nano_objectness_and_class_sigmoids_f16.npy").astype(np.float32)
    kept = [row for row, one in enumerate(results) if one["score"] >= LEAST and one["image_id"] in row_of]
    kept.sort(key=lambda row: row_of[results[row]["image_id"]])
    labels = [one for one in truth["annotations"] if one["image_id"] in row_of and not one["iscrowd"]]
    labels.sort(key=lambda one: row_of[one["image_id"]])
    predicted = _boxes([results[row] for row in kept], row_of, classes)
    of_classes = vectors[kept, :1] * vectors[kept, 1:]
    objects = Objects(
        predicted.offsets,
        np.ones(len(row_of), bool),
        normalized(of_classes / of_classes.sum(axis=1, keepdims=True)),
        np.array([results[row]["score"] for row in kept]),
        predicted.classes,
    )
    return Found(objects, predicted, _boxes(labels, row_of, classes))


def _boxes(found: Sequence[dict[str, Any]], row_of: dict[int, int], classes: dict[int, int]) -> Boxes:
    """Boxes that are in the order of their images."""
    counts = np.bincount([row_of[one["image_id"]] for one in found], minlength=len(row_of))
    return Boxes(
        np.concatenate([[0], np.cumsum(counts)]),
        np.array([one["bbox"] for one in found], np.float64).reshape(-1, 4),
        np.array([classes[one["category_id"]] for one in found], np.int64),
    )


def _orders(found: Found, n_boxes: NDArray[np.int64]) -> Iterator[Order]:
    """The orders to compare: the scores of the core, with every aggregation, and what they must beat."""
    yield Order("oracle", "", "", None)
    yield Order("random", "", "", np.zeros(len(n_boxes)))
    yield Order("number of boxes", "", "", n_boxes)
    objects = found.objects
    approximated = from_confidence(objects.confidences, objects.classes, objects.probabilities.shape[1])
    every = list(scores(Uncertainty).values())
    for name, values in apply([one for one in every if one.level == "sample"], objects, How("max"))[1].items():
        yield Order(name, "", "", values)
    chosen = [one for one in every if one.level == "object"]
    for kind, given in {"vectors": objects, "confidence": replace(objects, probabilities=approximated)}.items():
        for aggregation in get_args(Aggregation):
            for name, values in apply(chosen, given, How(aggregation))[1].items():
                yield Order(name, aggregation, kind, values)


@dataclass(frozen=True)
class Budget:
    """What can be reviewed: a fifth of what reviewing everything would cost.

    Args:
        costs: (n,) float, the cost of each image
        errors: (n,) float, what reviewing it finds
        is_share: whether what is found is a share of all errors, rather than errors by cost
    """

    costs: Values
    errors: Values
    is_share: bool

    def found(self, order: Order) -> tuple[float, Values]:
        """What is found, and (``RESAMPLES``,) what would be if other images of the kind had been drawn.

        All orders are compared on the same draws.
        """
        values = self.errors / self.costs if order.values is None else order.values
        n, rng = len(values), np.random.default_rng(0)
        draws = rng.integers(0, n, (RESAMPLES, n))
        same = self._found(values, np.tile(np.arange(n), (SEEDS, 1)), rng)
        return float(same.mean()), self._found(values, draws, rng)

    def _found(self, values: Values, rows: NDArray[np.int64], rng: np.random.Generator) -> Values:
        """(r,) what is found in each of (r, n) draws of images: equal values in random order, the last image in part."""
        ranks = np.unique(values, return_inverse=True)[1]
        order = np.argsort(-(ranks[rows] + rng.random(rows.shape)), axis=1)
        costs, errors = (np.take_along_axis(of[rows], order, axis=1) for of in (self.costs, self.errors))
        spent = np.cumsum(costs, axis=1)
        budget = SHARE * spent[:, -1:]
        parts = np.clip((budget - (spent - costs)) / costs, 0, 1)
        return (parts * errors).sum(axis=1) / (errors.sum(axis=1) if self.is_share else budget[:, 0])

    def shown(self, value: float) -> str:
        """A figure as people read it."""
        return f"{value:.1%}" if self.is_share else f"{value:.3f}"


def _print_found(budgets: dict[str, Budget], orders: Sequence[Order]) -> None:
    """What is found of each budget, with what 95 % of the draws lie between."""
    rows = []
    for order in orders:
        cells = []
        for budget in budgets.values():
            value, draws = budget.found(order)
            cells.append(f"{budget.shown(value)} ({_interval(budget, draws)})")
        rows.append([order.score, order.aggregation, order.probabilities, *cells])
    titles = [
        f"share of all errors in 20 % of the {name}" if budget.is_share else f"errors a box in 20 % of the {name}"
        for name, budget in budgets.items()
    ]
    table("errors found, with 95 % intervals", ("score", "aggregation", "probabilities", *titles), rows)


def _print_differences(budgets: dict[str, Budget], orders: Sequence[Order]) -> None:
    """How far the sum is ahead of the other aggregations on the same draws."""
    rows = []
    for order in orders:
        if not order.aggregation or order.aggregation == "sum":
            continue
        peer = replace(order, aggregation="sum", values=None)
        total = next(one for one in orders if replace(one, values=None) == peer)
        cells = []
        for budget in budgets.values():
            (ours, our_draws), (theirs, their_draws) = budget.found(total), budget.found(order)
            cells.append(f"{budget.shown(ours - theirs)} ({_interval(budget, our_draws - their_draws)})")
        rows.append([order.score, f"sum - {order.aggregation}", order.probabilities, *cells])
    table("the lead of the sum, with 95 % intervals", ("score", "lead", "probabilities", *budgets), rows)


def _interval(budget: Budget, draws: Values) -> str:
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{budget.shown(low)} to {budget.shown(high)}"
