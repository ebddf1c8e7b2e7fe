"""Label quality of masks beside cleanlab: errors found, speed and memory.

``python -m bench quality_masks`` draws its own masks for speed and memory; with ``--data FOLDER``, which has `coco190` in it,
errors are put into the real masks (`voc21_masks`) and looked for with real probabilities of DeepLab
(`deeplabv3_logits33_u8.npz`), at their own resolution and enlarged to the image's, in whole numbers of one byte.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from shortlist.core.geometry import resized
from shortlist.core.quality.masks import (
    MaskFit,
    PixelIssues,
    mask_quality,
    mask_statistics,
    softmin,
    worst_region,
)
from shortlist.core.scores.planes import ArrayPlanes

from .common import aim, has, table

CLASSES, SIDE, COUNT, PEER_COUNT = 19, 512, 200, 10
SEEDS, SHARE, LEAST, STRENGTH = (101, 102, 103), 0.35, 0.004, (0.15, 0.45)
IGNORED = 255
#: as the issue names them, and others that the method was not made on
SETS = {
    "named": ("dropped", "renamed", "shifted", "eroded"),
    "named, whole mask": ("dropped", "renamed", "all shifted", "all eroded"),
    "others": ("swapped", "merged", "coarse", "half erased", "boxed", "invented"),
}
AIMS = {"all": 0.85, "dropped": 0.75}

Mask = NDArray[np.integer]
Score = Callable[[Sequence[Mask], Sequence[NDArray]], NDArray[np.floating]]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench; ``size`` is the number of masks in speed and memory."""
    _speed(size or COUNT)
    if data is None or not (data / "coco190").is_dir():
        print("  (real masks need --data FOLDER with coco190 in it: skipped)")
    else:
        _real(data / "coco190")


# Scores -----------------------------------------------------------------------------------------------------------------


def ours(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> NDArray[np.floating]:
    """The default."""
    fit = MaskFit(probabilities[0].shape[0])
    for mask, values in zip(masks, probabilities, strict=True):
        fit.add(mask_statistics(mask, ArrayPlanes(values)))
    pairs = zip(masks, probabilities, strict=True)
    return np.array([mask_quality(mask, ArrayPlanes(values), fit).quality for mask, values in pairs])


def by_worst_region(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> NDArray[np.floating]:
    """Without a fit."""
    pairs = zip(masks, probabilities, strict=True)
    return np.array([worst_region(mask, ArrayPlanes(values)).quality for mask, values in pairs])


def by_softmin(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> NDArray[np.floating]:
    """Ours, equal to cleanlab's where it can be compared."""
    return np.array([softmin(mask, ArrayPlanes(values)) for mask, values in zip(masks, probabilities, strict=True)])


def by_pixel_issues(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> NDArray[np.floating]:
    """Ours, equal to cleanlab's where it can be compared."""
    issues = PixelIssues(probabilities[0].shape[0])
    for _ in range(PixelIssues.PASSES):
        for mask, values in zip(masks, probabilities, strict=True):
            issues.add(issues.gathered(mask, ArrayPlanes(values)))
        issues.advance()
    pairs = zip(masks, probabilities, strict=True)
    return np.array([issues.quality(mask, ArrayPlanes(values)) for mask, values in pairs])


def cleanlab(method: str, n_jobs: int | None = None) -> Score:
    """cleanlab on arrays of one shape; by default with as many processes as there are cores."""

    def scored(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> NDArray[np.floating]:
        from cleanlab.segmentation.rank import get_label_quality_scores

        options = {"n_jobs": n_jobs} if method == "num_pixel_issues" else {}
        labels, values = np.stack(masks), np.stack(probabilities)
        return get_label_quality_scores(labels, values, method=method, verbose=False, **options)[0]

    return scored


# Speed and memory -------------------------------------------------------------------------------------------------------


def _drawn(count: int) -> tuple[list[Mask], list[NDArray]]:
    """Masks with a few wrong boxes, and smooth probabilities; only a few of them differ, none is copied."""
    from .masks import smooth

    probabilities = [smooth((SIDE, SIDE), seed) for seed in range(4)]
    masks = []
    for seed, values in enumerate(probabilities):
        rng, mask = np.random.default_rng(seed), values.argmax(axis=0)
        for _ in range(6):
            top, left = rng.integers(0, SIDE - 100, 2)
            mask[top : top + 60, left : left + 80] = rng.integers(CLASSES)
        masks.append(mask)
    return [masks[row % 4] for row in range(count)], [probabilities[row % 4] for row in range(count)]


ALONE: dict[str, Score] = {
    "ours, default": ours,
    "ours, worst_region": by_worst_region,
    "ours, softmin": by_softmin,
    "ours, num_pixel_issues": by_pixel_issues,
    "cleanlab, softmin": cleanlab("softmin"),
    "cleanlab, num_pixel_issues, one process": cleanlab("num_pixel_issues", 1),
    "cleanlab, num_pixel_issues": cleanlab("num_pixel_issues"),
}


def alone(name: str, count: int) -> None:
    """Prints seconds by the clock and of CPU, and the rise of memory, of one score in a process of its own."""
    from .common import PeakRss, timed

    cv2.setNumThreads(1)
    masks, probabilities = _drawn(count)
    with PeakRss() as peak:
        # What is imported on first use is no matter of speed.
        ALONE[name](masks[:1], probabilities[:1])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _, took = timed(lambda: ALONE[name](masks, probabilities))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    children = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([took.wall, took.cpu + children, peak.extra]))


def _speed(count: int) -> None:
    peer_count = min(count, PEER_COUNT)
    found = {}
    for name in ALONE:
        if name.startswith("cleanlab") and not has("cleanlab"):
            continue
        n = peer_count if name.startswith("cleanlab") else count
        command = [sys.executable, "-c", f"from bench.quality_masks import alone; alone({name!r}, {n})"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[name] = (n, *json.loads(output.splitlines()[-1]))
    peer = found.get("cleanlab, num_pixel_issues")
    rows: list[list[object]] = []
    for name, (n, wall, cpu, extra) in found.items():
        is_ours = name.startswith("ours")
        ratio = peer[2] / peer[0] / (cpu / n) if peer else float("nan")
        megabytes = extra / 1e6
        scaled = "" if n == count else f"{megabytes * count / n:,.0f}"
        fast = aim(ratio, low=15) if is_ours and peer else ("", "")
        small = aim(megabytes, high=300, unit=" MB") if is_ours else ("", "")
        shown = f"{1000 * wall / n:.1f}", f"{1000 * cpu / n:.1f}", f"{ratio:.1f}", *fast
        rows.append([name, n, *shown, f"{megabytes:.0f}", scaled, *small])
    columns = ("score", "count", "ms", "CPU ms", "ratio", "aim", "met", "rise, MB", f"at {count}, MB", "aim", "met")
    table(
        f"masks of {SIDE} x {SIDE}, K = {CLASSES}, float32 in memory, one thread; ratio: CPU of cleanlab's num_pixel_issues, "
        f"as it is by default, by ours; cleanlab takes the set at once, so its memory is measured on {peer_count} and scaled",
        columns,
        rows,
    )


# Errors -----------------------------------------------------------------------------------------------------------------


def _objects(mask: Mask) -> list[tuple[int, NDArray[np.bool_]]]:
    """The connected objects that are not too small, and their classes."""
    found = []
    for index in np.setdiff1d(np.unique(mask), [0, IGNORED]):
        count, labels, sizes, _ = cv2.connectedComponentsWithStats((mask == index).astype(np.uint8))
        found += [(int(index), labels == part) for part in range(1, count) if sizes[part, 4] >= LEAST * mask.size]
    return found


def broken(mask: Mask, kind: str, n_classes: int, rng: np.random.Generator) -> Mask | None:
    """A mask with one error, or nothing where it has no object for it."""
    objects = _objects(mask)
    if not objects:
        return None
    own, area = objects[rng.integers(len(objects))]
    others = [one for one in objects if one[0] != own]
    found, side, strength = mask.copy(), np.sqrt(area.sum()), rng.uniform(*STRENGTH)
    angle, known = rng.uniform(0, 2 * np.pi), mask != IGNORED
    if kind == "dropped":
        found[area] = 0
    elif kind == "renamed":
        found[area] = rng.choice(np.setdiff1d(np.arange(1, n_classes), [own]))
    elif kind == "shifted":
        step = 1.5 * strength * side * np.array([np.sin(angle), np.cos(angle)])
        matrix = np.array([[1, 0, step[1]], [0, 1, step[0]]])
        moved = cv2.warpAffine(area.astype(np.uint8), matrix, area.shape[::-1], flags=cv2.INTER_NEAREST) > 0
        found[area] = 0
        found[moved & known] = own
    elif kind == "eroded":
        depth = cv2.distanceTransform(np.pad(area, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        found[area & (depth <= strength * side / 2)] = 0
    elif kind == "all shifted":
        far = rng.uniform(15, 50)
        found = np.roll(mask, (int(far * np.sin(angle)), int(far * np.cos(angle))), (0, 1))
    elif kind == "all eroded":
        size = 2 * int(rng.integers(5, 16)) + 1
        inside = cv2.erode(((mask > 0) & known).astype(np.uint8), np.ones((size, size), np.uint8)) > 0
        found[~inside & known] = 0
    elif kind == "coarse":
        outline = max(cv2.findContours(area.astype(np.uint8), 0, 2)[0], key=len)
        corners = np.sort(rng.choice(len(outline), min(len(outline), int(rng.integers(3, 6))), replace=False))
        drawn = cv2.fillPoly(np.zeros(mask.shape, np.uint8), [outline[corners]], 1) > 0
        found[area] = 0
        found[drawn & known] = own
    elif kind == "half erased":
        rows, columns = np.nonzero(area)
        along = columns * np.cos(angle) + rows * np.sin(angle)
        gone = along > np.quantile(along, rng.uniform(0.4, 0.7))
        found[rows[gone], columns[gone]] = 0
    elif kind == "boxed":
        rows, columns = np.nonzero(area)
        box = np.zeros_like(area)
        box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        found[box & known] = own
    elif kind == "invented":
        there = np.roll(area, (rng.integers(mask.shape[0]), rng.integers(mask.shape[1])), (0, 1)) & (mask == 0)
        found[there] = rng.integers(1, n_classes)
    elif others:
        other, beside = others[rng.integers(len(others))]
        found[beside] = own
        if kind == "swapped":
            found[area] = other
    return found if (found != mask).mean() > 1e-3 else None


def _errors(truths: Sequence[Mask], kinds: Sequence[str], n_classes: int, seed: int) -> tuple[list[Mask], NDArray]:
    """Masks of which some have an error, and the kind of each."""
    rng = np.random.default_rng(seed)
    masks, which = list(truths), np.full(len(truths), "", object)
    for row in rng.permutation(len(truths))[: int(SHARE * len(truths))]:
        kind = str(rng.choice(kinds))
        wrong = broken(truths[row], kind, n_classes, rng)
        if wrong is not None:
            masks[row], which[row] = wrong, kind
    ready = [np.where(mask == IGNORED, -1, mask.astype(np.int16)) for mask in masks]
    return ready, which


def _real(folder: Path) -> None:
    """AUROC and AUPRC of finding the wrong masks, by set of kinds and by kind, over seeds that were not developed on."""
    found = np.load(folder / "deeplabv3_logits33_u8.npz")
    logits = float(found["scale"]) * (found["logits"].astype(np.float32) - float(found["zero_point"]))
    names = [f"{image:012d}.png" for image in found["image_ids"]]
    truths = [cv2.imread(str(folder / "voc21_masks" / name), cv2.IMREAD_UNCHANGED) for name in names]
    coarse = [np.ascontiguousarray(values.transpose(2, 0, 1)) for values in softmax(logits, axis=-1)]
    files = {
        "33 x 33": [_whole(values) for values in coarse],
        "of the image": [_whole(_enlarged(values, mask.shape)) for values, mask in zip(coarse, truths, strict=True)],
    }
    if has("cleanlab"):
        print(
            f"\nsoftmin and num_pixel_issues at 33 x 33 differ from cleanlab's by at most {_differs(truths, coarse):.1e}"
        )
    rows: list[list[object]] = []
    for resolution, probabilities in files.items():
        for name, kinds in SETS.items():
            start = time.perf_counter()
            rows += _compared(resolution, name, kinds, truths, probabilities)
            print(f"  ({resolution}, {name}: {time.perf_counter() - start:.0f} s)", flush=True)
    columns = (
        "probabilities",
        "set",
        "errors",
        "count",
        *SCORES,
        "worst seed",
        "AUPRC",
        *list(SCORES)[1:],
        "aim",
        "met",
    )
    table(
        f"masks: AUROC of finding those with an error, {len(names)} masks, {SHARE:.0%} of them with one, "
        f"seeds {', '.join(map(str, SEEDS))}; then the AUPRC of the same scores",
        columns,
        rows,
    )


SCORES: dict[str, Score] = {
    "default": ours,
    "worst_region": by_worst_region,
    "softmin": by_softmin,
    "num_pixel_issues": by_pixel_issues,
}


def _whole(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def _enlarged(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.stack([cv2.resize(plane, shape[::-1], interpolation=cv2.INTER_LINEAR) for plane in values])


def _compared(
    resolution: str, name: str, kinds: Sequence[str], truths: Sequence[Mask], probabilities: Sequence[NDArray]
) -> list[list[object]]:
    """A row a kind and one for all, each the mean over seeds."""
    drawn = [_errors(truths, kinds, len(probabilities[0]), seed) for seed in SEEDS]
    scored = [{score: -work(masks, probabilities) for score, work in SCORES.items()} for masks, _ in drawn]
    rows: list[list[object]] = []
    for kind in (*kinds, "all"):
        areas, precisions = [], []
        for (_, which), values in zip(drawn, scored, strict=True):
            kept = (which == "") | (which == kind) | (kind == "all")
            wrong = which[kept] != ""
            if wrong.any():
                areas.append([roc_auc_score(wrong, one[kept]) for one in values.values()])
                precisions.append([average_precision_score(wrong, one[kept]) for one in values.values()])
        count = sum(int(((which == kind) | ((kind == "all") & (which != ""))).sum()) for _, which in drawn)
        area, precision = np.mean(areas, axis=0), np.mean(precisions, axis=0)
        met = aim(float(area[0]), low=AIMS[kind]) if kind in AIMS and name != "others" else ("", "")
        shown = [f"{value:.3f}" for value in area] + [f"{np.min(areas, axis=0)[0]:.3f}"]
        rows.append([resolution, name, kind, count, *shown, *(f"{value:.3f}" for value in precision), *met])
    return rows


def _differs(masks: Sequence[Mask], probabilities: Sequence[NDArray]) -> float:
    """How far our two parity scores are from cleanlab's at most, on masks of the size of their probabilities.

    cleanlab knows no ignored pixels, so here they are background, and no whole numbers, so here they are singles.
    """
    small = [
        resized(np.where(mask == IGNORED, 0, mask), values.shape[1:])
        for mask, values in zip(masks, probabilities, strict=True)
    ]
    pairs = ((by_softmin, "softmin"), (by_pixel_issues, "num_pixel_issues"))
    return max(
        float(np.abs(work(small, probabilities) - cleanlab(name, 1)(small, probabilities)).max())
        for work, name in pairs
    )
