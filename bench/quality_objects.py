"""Label quality of objects: what it finds of planted errors beside ObjectLab and the Brain's mistakenness, and how fast.

``python -m bench quality_objects`` measures speed on drawn boxes; with ``--data FOLDER``, which has `coco190` in it, errors are
planted into real labels (`instances.json`), scored against real predictions (`yolox_nano.json` and its class sigmoids).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from shortlist.core.quality.objectlab import objectlab
from shortlist.core.quality.objects import Batch, Predicted, calibrate, key_of, score_objects
from shortlist.core.scores.losses import Boxes

from .common import aim, has, least, table, timed

SEEDS, LEAST_CONFIDENCE, ROUNDS = 3, 0.05, 3
GOAL, KIND_GOAL, SPEED_GOAL = 0.75, 0.7, 30
KINDS = ("drop", "wrong class", "shift", "spurious", "duplicate")


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench; ``size`` is how many seeds errors are drawn with (3)."""
    if has("cleanlab"):
        _speed()
    if data is None or not (data / "coco190").is_dir():
        print("  (real labels need --data FOLDER with coco190 in it: skipped)")
    else:
        _real(data / "coco190", size or SEEDS)


# Images -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Image:
    """One image: labels, and predictions in the order of their classes. Boxes are (x, y, width, height) in pixels."""

    name: str
    size: NDArray[np.float64]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    found: NDArray[np.float64]
    found_classes: NDArray[np.int64]
    confidences: NDArray[np.float64]
    probabilities: NDArray[np.float32]


def _images(folder: Path) -> list[Image]:
    """What is labelled and what was predicted; crowds are no objects."""
    stored = json.loads((folder / "instances.json").read_text())
    index = {category["id"]: place for place, category in enumerate(stored["categories"])}
    sigmoids = np.load(folder / "yolox_nano_objectness_and_class_sigmoids_f16.npy").astype(np.float32)[:, 1:]
    labels: dict[int, list[tuple[list[float], int]]] = {image["id"]: [] for image in stored["images"]}
    found: dict[int, list[tuple[list[float], int, float, int]]] = {image["id"]: [] for image in stored["images"]}
    for one in stored["annotations"]:
        if not one["iscrowd"]:
            labels[one["image_id"]].append((one["bbox"], index[one["category_id"]]))
    for row, one in enumerate(json.loads((folder / "yolox_nano.json").read_text())):
        if one["score"] >= LEAST_CONFIDENCE:
            found[one["image_id"]].append((one["bbox"], index[one["category_id"]], one["score"], row))
    images = []
    for image in stored["images"]:
        given, predicted = labels[image["id"]], sorted(found[image["id"]], key=lambda one: one[1])
        images.append(
            Image(
                image["file_name"],
                np.array([image["width"], image["height"]], np.float64),
                np.array([box for box, _ in given], np.float64).reshape(-1, 4),
                np.array([label for _, label in given], np.int64),
                np.array([one[0] for one in predicted], np.float64).reshape(-1, 4),
                np.array([one[1] for one in predicted], np.int64),
                np.array([one[2] for one in predicted], np.float64),
                sigmoids[[one[3] for one in predicted]],
            )
        )
    return images


@dataclass(frozen=True)
class Errors:
    """How errors are planted: one in some of the images.

    Args:
        share: of the images that get one
        area: objects are drawn with their area to this power
        near: wrong classes are such as occur in the same images; else any
        shifts: how far boxes are moved or scaled, of their sides
        jitter: how far a duplicate is off
    """

    share: float = 0.5
    area: float = 0.5
    near: bool = False
    shifts: tuple[float, float] = (0.25, 0.5)
    jitter: float = 0.05


SETTINGS = {
    "half the images": Errors(),
    "any size alike": Errors(area=0),
    "by area": Errors(area=1),
    "a tenth of the images": Errors(share=0.1),
    "near classes, small shifts": Errors(near=True, shifts=(0.15, 0.35), jitter=0.15),
}


def planted(images: Sequence[Image], errors: Errors, seed: int) -> tuple[list[Image], NDArray[np.int64]]:
    """The images, some with one error, and (n,) of which of ``KINDS`` it is, -1 where there is none."""
    rng = np.random.default_rng(seed)
    k = images[0].probabilities.shape[1]
    near = np.zeros((k, k))
    for image in images:
        there = np.unique(image.classes)
        near[np.ix_(there, there)] += 1
    sides = np.concatenate([image.boxes[:, 2:] / image.size for image in images])
    frequencies = np.bincount(np.concatenate([image.classes for image in images]), minlength=k).astype(float)
    kinds, result = np.full(len(images), -1), []
    for row, image in enumerate(images):
        if len(image.classes) and rng.random() < errors.share:
            kinds[row] = rng.integers(len(KINDS))
            areas = np.maximum(image.boxes[:, 2:].prod(axis=1), 1e-9) ** errors.area
            place = int(rng.choice(len(areas), p=areas / areas.sum()))
            boxes, classes = image.boxes.copy(), image.classes.copy()
            if kinds[row] == 0:
                boxes, classes = np.delete(boxes, place, axis=0), np.delete(classes, place)
            elif kinds[row] == 1:
                chances = near[classes[place]] + 0.01 if errors.near else np.ones(k)
                chances[classes[place]] = 0
                classes[place] = rng.choice(k, p=chances / chances.sum())
            elif kinds[row] == 2:
                boxes[place] = _shifted(boxes[place], errors.shifts, rng)
            else:
                new = _copied(boxes[place], errors.jitter, rng)
                label = classes[place]
                if kinds[row] == 3:
                    side = sides[rng.integers(len(sides))] * image.size
                    new = np.concatenate([rng.random(2) * np.maximum(image.size - side, 0), side])
                    label = rng.choice(k, p=frequencies / frequencies.sum())
                boxes, classes = np.concatenate([boxes, new[None]]), np.append(classes, label)
            image = replace(image, boxes=boxes, classes=classes)
        result.append(image)
    return result, kinds


def _shifted(box: NDArray[np.float64], shifts: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float64]:
    amounts = rng.uniform(*shifts, 2) * rng.choice([-1, 1], 2)
    if rng.random() < 2 / 3:
        return np.concatenate([box[:2] + amounts * box[2:], box[2:]])
    sides = box[2:] * np.exp(amounts)
    return np.concatenate([box[:2] + (box[2:] - sides) / 2, sides])


def _copied(box: NDArray[np.float64], jitter: float, rng: np.random.Generator) -> NDArray[np.float64]:
    amounts = rng.normal(0, jitter, 4)
    return np.concatenate([box[:2] + amounts[:2] * box[2:], box[2:] * np.exp(amounts[2:])])


# Scores, high = wrong ---------------------------------------------------------------------------------------------------


def batch_of(images: Sequence[Image], vectors: bool = True) -> Batch:
    """The images as arrays, boxes relative to the image."""

    def offsets(counts: list[int]) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    relative = [np.tile(image.size, 2) for image in images]
    given = np.concatenate([image.boxes / size for image, size in zip(images, relative, strict=True)])
    found = np.concatenate([image.found / size for image, size in zip(images, relative, strict=True)])
    return Batch(
        Boxes(offsets([len(image.classes) for image in images]), given, np.concatenate([i.classes for i in images])),
        Predicted(
            offsets([len(image.found_classes) for image in images]),
            found,
            np.concatenate([image.found_classes for image in images]),
            np.concatenate([image.confidences for image in images]),
            np.concatenate([image.probabilities for image in images]) if vectors else None,
        ),
        np.array([key_of(image.name) for image in images], np.uint64),
    )


def _ours(images: Sequence[Image], vectors: bool = True) -> NDArray[np.float64]:
    batch = batch_of(images, vectors)
    return 1 - score_objects(batch, calibrate([batch], images[0].probabilities.shape[1])).samples


def _cleanlab(images: Sequence[Image]) -> tuple[list[dict[str, Any]], list[NDArray]]:
    """Labels and predictions as cleanlab wants them."""
    labels, predictions = [], []
    for image in images:
        corners = [np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1) for b in (image.boxes, image.found)]
        labels.append({"bboxes": corners[0], "labels": image.classes})
        rows = np.concatenate([corners[1], image.confidences[:, None]], axis=1)
        each = np.empty(image.probabilities.shape[1], dtype=object)
        each[:] = [rows[image.found_classes == one] for one in range(len(each))]
        predictions.append(each)
    return labels, predictions


def _objectlab(labels: list[dict[str, Any]], predictions: list[NDArray]) -> NDArray[np.float64]:
    from cleanlab.object_detection.rank import get_label_quality_scores

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return 1 - get_label_quality_scores(labels, predictions, verbose=False)


@contextmanager
def _dataset(images: Sequence[Image]) -> Iterator[fo.Dataset]:
    """The images as samples."""

    def detections(
        image: Image, boxes: NDArray, classes: NDArray, confidences: Sequence[float | None]
    ) -> fo.Detections:
        rows = zip((boxes / np.tile(image.size, 2)).tolist(), classes.tolist(), confidences, strict=True)
        return fo.Detections(
            detections=[fo.Detection(label=f"c{c}", bounding_box=box, confidence=sure) for box, c, sure in rows]
        )

    dataset = fo.Dataset(f"shortlist-bench-{ObjectId()}")
    try:
        dataset.add_samples(
            (
                fo.Sample(
                    f"/bench/{image.name}",
                    given=detections(image, image.boxes, image.classes, [None] * len(image.classes)),
                    found=detections(image, image.found, image.found_classes, image.confidences.tolist()),
                )
                for image in images
            ),
            progress=False,
        )
        yield dataset
    finally:
        dataset.delete()


def _mistakenness(images: Sequence[Image]) -> NDArray[np.float64]:
    with _dataset(images) as dataset:
        fob.compute_mistakenness(dataset, "found", label_field="given", copy_missing=False, progress=False)
        return np.array(dataset.values("mistakenness"), np.float64)


# Quality ----------------------------------------------------------------------------------------------------------------


def _real(folder: Path, seeds: int) -> None:
    images = _images(folder)
    methods: dict[str, Callable[[Sequence[Image]], NDArray[np.float64]]] = {"default": _ours}
    methods["default, no class vectors"] = partial(_ours, vectors=False)
    if has("cleanlab"):
        methods["ObjectLab (cleanlab)"] = lambda found: _objectlab(*_cleanlab(found))
    methods["mistakenness (Brain)"] = _mistakenness
    rows: list[list[object]] = []
    for name, errors in SETTINGS.items():
        sets = [planted(images, errors, seed) for seed in range(seeds)]
        for method, score in methods.items():
            figures = np.array([_figures(score(found), kinds) for found, kinds in sets])
            means = np.nanmean(figures, axis=0)
            met = aim(float(means[0]), low=GOAL) if method == "default" else ("", "")
            shown = [f"{value:.3f}" for value in means]
            rows.append(
                [name, method, f"{shown[0]} ({figures[:, 0].min():.2f}-{figures[:, 0].max():.2f})", *met, *shown[1:]]
            )
    columns = ("errors", "method", "AUROC (seeds)", "aim", "met", "AUPRC", *(f"AUROC, {kind}" for kind in KINDS))
    labels = sum(len(image.classes) for image in images)
    title = f"label quality of objects: {len(images)} images, {labels} labels, one planted error in some images, {seeds} seeds"
    table(
        f"{title}; a kind: images with it against clean ones by the score of the image (aim {KIND_GOAL})", columns, rows
    )


def _figures(scores: NDArray[np.float64], kinds: NDArray[np.int64]) -> list[float]:
    """AUROC and AUPRC of finding images with errors, and the AUROC of each kind."""
    wrong = kinds >= 0
    each = []
    for kind in range(len(KINDS)):
        kept = (kinds == kind) | ~wrong
        each.append(roc_auc_score(wrong[kept], scores[kept]) if (kinds == kind).any() else np.nan)
    return [roc_auc_score(wrong, scores), average_precision_score(wrong, scores), *each]


# Speed ------------------------------------------------------------------------------------------------------------------


def _drawn(n: int, m: int, k: int = 10) -> list[Image]:
    """Images with m labels and as many predictions near them."""
    rng = np.random.default_rng(0)
    images = []
    for row in range(n):
        boxes = np.concatenate([rng.random((m, 2)) * 500, 10 + rng.random((m, 2)) * 100], axis=1)
        classes, sure = np.sort(rng.integers(0, k, m)), rng.random(m)
        found = boxes + rng.normal(0, 3, boxes.shape)
        shape = np.array([640.0, 640.0])
        images.append(Image(f"{row}", shape, boxes, classes, found, classes, sure, np.zeros((m, k), np.float32)))
    return images


def _speed() -> None:
    rows: list[list[object]] = []
    for n, m, part in ((1000, 10, 1.0), (1000, 100, 0.05)):
        images = _drawn(n, m)
        labels, predictions = _cleanlab(images[: round(n * part)])
        peer = timed(lambda given=labels, found=predictions: _objectlab(given, found))[1].times(1 / part)
        batch = batch_of(images, vectors=False)
        calibration = calibrate([batch], 10)
        works: dict[str, Callable[[], object]] = {
            "objectlab": partial(objectlab, batch.given, batch.predicted),
            "default, scoring": partial(score_objects, batch, calibration),
            "default, learning": partial(calibrate, [batch], 10),
        }
        said = "" if part == 1 else f" (from {part:.0%})"
        rows.append([f"{n} x {m}", f"ObjectLab (cleanlab){said}", f"{peer.cpu:.3f}", "1", "", ""])
        for name, work in works.items():
            spent = least([timed(work)[1] for _ in range(ROUNDS)])
            met = aim(peer.cpu / spent.cpu, low=SPEED_GOAL) if name != "default, learning" else ("", "")
            rows.append([f"{n} x {m}", name, f"{spent.cpu:.3f}", f"{peer.cpu / spent.cpu:.0f}", *met])
    table(
        "label quality of objects: speed, images x labels",
        ("size", "what", "CPU s", "times faster", "aim", "met"),
        rows,
    )
