"""score_uncertainty on masks: speed beside merely reading the same files, memory, and what the scores say of real masks.

``python -m bench masks`` makes its own files; with ``--data FOLDER``, which has `coco190` in it, real logits of DeepLab
(`deeplabv3_logits33_u8.npz`) are scored too, and compared with the true masks (`voc21_masks`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, get_args

import cv2
import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import spearmanr

import shortlist
from shortlist.core.geometry import resized
from shortlist.core.parallel import mapped
from shortlist.core.scores import Uncertainty, scores
from shortlist.core.scores.aggregation import Aggregation
from shortlist.core.scores.apply import How
from shortlist.core.scores.segmentation import Unit, mask_scores
from shortlist.dataset import segmentations
from shortlist.dataset.labels import label_field

from .common import Timing, aim, table, timed

FIELD = "predictions"
CLASSES, COUNT, SIDES, ROUNDS, GOAL = 19, 200, (512, 512), 3, 1.5
LARGE, LARGE_COUNT, MEGABYTES = (1024, 2048), 200, 300
DISTINCT = 4
OBJECT_SCORES = [score for score in scores(Uncertainty).values() if score.level == "object"]
IGNORED = 255

Write = Callable[[str, NDArray[np.float32]], None]


def run(size: int | None = None, data: Path | None = None) -> None:
    """Runs the bench; ``size`` is the number of masks in each part (200 of them, 200 large ones; with 1000 it takes long)."""
    _speed(size or COUNT)
    _memory(size or LARGE_COUNT)
    if data is None or not (data / "coco190").is_dir():
        print("  (real masks need --data FOLDER with coco190 in it: skipped)")
    else:
        _real(data / "coco190")


# Files ------------------------------------------------------------------------------------------------------------------


def smooth(shape: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """(K, h, w) probabilities as a model's coarse head gives them: a few dozen segments with soft edges."""
    rng = np.random.default_rng(seed)
    height, width = shape
    planes = []
    for _ in range(CLASSES):
        coarse = 4 * rng.standard_normal((height // 64, width // 64), dtype=np.float32)
        plane = cv2.resize(coarse, (width // 8, height // 8), interpolation=cv2.INTER_CUBIC)
        plane += rng.standard_normal(plane.shape, dtype=np.float32) / 4
        planes.append(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR))
    return softmax(np.stack(planes), axis=0)


def noise(shape: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """(K, h, w) probabilities at random: nearly every pixel is a segment."""
    logits = np.random.default_rng(seed).standard_normal((CLASSES, *shape), dtype=np.float32)
    return softmax(logits, axis=0)


WRITERS: dict[str, tuple[str, Write]] = {
    "float16": (".npy", lambda path, found: np.save(path, found.astype(np.float16))),
    "float32": (".npy", np.save),
    "uint8": (".npy", lambda path, found: np.save(path, np.rint(found * 255).astype(np.uint8))),
    "float16, compressed": (".npz", lambda path, found: np.savez_compressed(path, found.astype(np.float16))),
}


def _files(folder: Path, kind: str, count: int, draw: Callable[[int], NDArray[np.float32]]) -> list[str]:
    """Some files of a kind; only a few of them differ."""
    end, write = WRITERS[kind]
    paths = [str(folder / f"{row:05d}{end}") for row in range(count)]
    for row, path in enumerate(paths[:DISTINCT]):
        write(path, draw(row))
    for row, path in enumerate(paths[DISTINCT:]):
        Path(path).write_bytes(Path(paths[row % DISTINCT]).read_bytes())
    return paths


@contextmanager
def _dataset(paths: Sequence[str], attribute: str = "probabilities") -> Iterator[fo.Dataset]:
    """A dataset with a mask a file."""
    dataset = fo.Dataset(f"shortlist-bench-{ObjectId()}")
    try:
        # FiftyOne would bring samples that are still held up to date after each run.
        dataset.add_samples(
            (
                fo.Sample(f"/bench/{row:07d}.jpg", **{FIELD: fo.Segmentation(**{attribute: path})})
                for row, path in enumerate(paths)
            ),
            progress=False,
        )
        yield dataset
    finally:
        dataset.delete()


# Speed ------------------------------------------------------------------------------------------------------------------


def _speed(count: int) -> None:
    rows: list[list[object]] = []
    for kind in WRITERS:
        with tempfile.TemporaryDirectory(prefix="shortlist-bench-") as home:
            # Unpacking alone takes some fifty times as long as reading.
            n = max(1, count // 5) if "compressed" in kind else count
            paths = _files(Path(home), kind, n, partial(smooth, SIDES))
            with _dataset(paths) as dataset:
                shortlist.score_uncertainty(dataset[:4], FIELD, progress=_silent)
                for cache in ("warm", "cold") if hasattr(os, "posix_fadvise") else ("warm",):
                    rows += _compared(kind, cache, paths, dataset)
    columns = ("files", "page cache", "what", "count", "ms a file", "CPU ms", "MB/s", "ratio", "aim", "met")
    height, width = SIDES
    title = f"masks: files of {CLASSES} x {height} x {width}; medians of {ROUNDS} interleaved runs by the clock, "
    table(f"{title}{os.cpu_count()} cores; ratios to reading with all cores", columns, rows)


def _compared(kind: str, cache: str, paths: Sequence[str], dataset: fo.Dataset) -> Iterator[list[object]]:
    """Reading, the formulas and the whole verb in turns."""
    works: dict[str, Callable[[], object]] = {
        "np.load, one thread": partial(_read, paths, 1),
        "np.load, all cores": partial(_read, paths, None),
        "mask_scores, by segment": partial(_score, dataset, "segment"),
        "score_uncertainty, by segment": partial(shortlist.score_uncertainty, dataset, FIELD, progress=_silent),
    }
    if cache == "warm":
        works["mask_scores, by pixel"] = partial(_score, dataset, "pixel")
    timings: dict[str, list[Timing]] = {name: [] for name in works}
    _read(paths, None)
    for _ in range(ROUNDS):
        for name, work in works.items():
            if cache == "cold":
                _forget(paths)
            timings[name].append(timed(work)[1])
    floor = median(found.wall for found in timings["np.load, all cores"])
    megabytes = sum(map(os.path.getsize, paths)) / 1e6
    for name, found in timings.items():
        wall, cpu = median(one.wall for one in found), median(one.cpu for one in found)
        verdict = aim(wall / floor, high=GOAL) if "segment" in name else ("", "")
        speed = f"{1000 * wall / len(paths):.2f}", f"{1000 * cpu / len(paths):.2f}", f"{megabytes / wall:,.0f}"
        yield [kind, cache, name, len(paths), *speed, f"{wall / floor:.2f}", *verdict]


def _read(paths: Sequence[str], workers: int | None) -> None:
    for _ in mapped(_loaded, paths, workers):
        pass


def _loaded(path: str) -> NDArray:
    found = np.load(path)
    if isinstance(found, np.ndarray):
        return found
    with found:
        return np.asarray(found[found.files[0]])


def _score(dataset: fo.Dataset, unit: Unit) -> None:
    """What the verb does but for writing: documents, files, formulas."""
    how = How("mean", empty=np.nan)

    def scored(mask: segmentations.Mask) -> int:
        with mask.open() as planes:
            return mask_scores(planes, OBJECT_SCORES, unit, how).n_segments

    every = (mask for batch in segmentations.masks(dataset, label_field(dataset, FIELD), None) for mask in batch)
    for _ in mapped(scored, every):
        pass


def _forget(paths: Sequence[str]) -> None:
    """Takes files out of the page cache."""
    for path in paths:
        file = os.open(path, os.O_RDONLY)
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def _silent(done: int, total: int, label: str = "") -> None:
    """No bar in the tables."""


# Memory -----------------------------------------------------------------------------------------------------------------


def _memory(count: int) -> None:
    """How far the memory of a process of its own rises above that of the interpreter with FiftyOne and the dataset."""
    rows: list[list[object]] = []
    parts = [("smooth", kind, smooth, count) for kind in WRITERS]
    parts += [("noise", kind, noise, max(1, count // 10)) for kind in ("float16", "float32")]
    for what, kind, draw, n in parts:
        with tempfile.TemporaryDirectory(prefix="shortlist-bench-") as home:
            paths = _files(Path(home), kind, DISTINCT, partial(draw, LARGE))
            # Few files, many masks: a thousand would fill the disk.
            with _dataset([paths[row % DISTINCT] for row in range(n)]) as dataset:
                for unit in get_args(Unit)[:2]:
                    before, rise, seconds = _peak(dataset.name, unit)
                    met = aim(rise / 1e6, high=MEGABYTES, unit=" MB")
                    shown = f"{before / 1e6:.0f}", f"{rise / 1e6:.0f}", *met, f"{1000 * seconds / n:.0f}"
                    rows.append([what, kind, unit, n, *shown])
    columns = ("masks", "files", "scored", "count", "FiftyOne, MB", "rise, MB", "aim", "met", "ms a mask")
    height, width = LARGE
    table(f"masks: peak resident memory, {CLASSES} x {height} x {width}", columns, rows)


def _peak(name: str, unit: Unit) -> tuple[int, int, float]:
    """Resident bytes of a process with FiftyOne and the dataset, their rise while it scores it, and its seconds."""
    command = [sys.executable, "-c", _ALONE, name, unit]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    before, rise, seconds = found.stdout.split()[-3:]
    return int(before), int(rise), float(seconds)


# Shortlist is imported where the rise is watched.
_ALONE = f"""
import sys, time
import fiftyone as fo
import psutil
from bench.common import PeakRss
dataset = fo.load_dataset(sys.argv[1])
before, start = psutil.Process().memory_info().rss, time.perf_counter()
with PeakRss() as peak:
    import shortlist
    shortlist.score_uncertainty(dataset, {FIELD!r}, segmentation=sys.argv[2], progress=lambda *_: None)
print(before, peak.extra, time.perf_counter() - start)
"""


# Real masks -------------------------------------------------------------------------------------------------------------


def _real(folder: Path) -> None:
    """How well the scores of real masks order them by how wrong they are."""
    found = np.load(folder / "deeplabv3_logits33_u8.npz")
    stored = found["logits"].transpose(0, 3, 1, 2)
    logits = (float(found["scale"]) * (stored.astype(np.float32) - float(found["zero_point"]))).astype(np.float32)
    names = [f"{image:012d}.png" for image in found["image_ids"]]
    truths = [cv2.imread(str(folder / "voc21_masks" / name), cv2.IMREAD_UNCHANGED) for name in names]
    errors = np.array([_wrong(*pair) for pair in zip(logits.argmax(axis=1), truths, strict=True)])
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="shortlist-bench-") as home:
        for attribute, masks in {"probabilities": softmax(logits, axis=1).astype(np.float16), "logits": logits}.items():
            paths = [str(Path(home) / f"{attribute}-{row:03d}.npy") for row in range(len(masks))]
            for path, mask in zip(paths, masks, strict=True):
                np.save(path, mask)
            with _dataset(paths, attribute) as dataset:
                rows += _correlated(attribute, dataset, errors)
    title = (
        f"masks: rank correlation of scores with errors, {len(names)} masks of DeepLabv3; "
        f"share of wrong pixels {errors[:, 0].mean():.2f}, 1 - mean IoU {errors[:, 1].mean():.2f} on average"
    )
    short = [score.name.removeprefix("uncertainty_") for score in OBJECT_SCORES]
    columns = [f"{name}, {error}" for error in ("wrong pixels", "1 - mean IoU") for name in short]
    table(title, ("files", "scored", "aggregation", *columns), rows)


def _correlated(attribute: str, dataset: fo.Dataset, errors: NDArray[np.float64]) -> Iterator[list[object]]:
    """The Spearman correlation of every score with both kinds of errors, for every way of scoring."""
    ways: list[tuple[str, str | None]] = [("segment", aggregation) for aggregation in get_args(Aggregation)]
    for unit, aggregation in [*ways, ("pixel", None), ("class_balanced", None)]:
        given: dict[str, Any] = {"segmentation": unit, "aggregation": aggregation}
        shortlist.score_uncertainty(dataset, FIELD, progress=_silent, **given)
        columns = [dataset.values(f"{FIELD}_{score.name}") for score in OBJECT_SCORES]
        figures = [f"{spearmanr(column, error).statistic:.2f}" for error in errors.T for column in columns]
        yield [attribute, unit, aggregation or "", *figures]


def _wrong(predicted: NDArray[np.integer], truth: NDArray[np.integer]) -> tuple[float, float]:
    """The share of wrong pixels and 1 - mean IoU over the classes that either shows, at the size of the truth."""
    known = truth != IGNORED
    ours, theirs = resized(predicted, truth.shape)[known], truth[known].astype(np.int64)
    counts = np.bincount(ours * 256 + theirs, minlength=256 * 256).reshape(256, 256)
    both, either = np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1) - np.diag(counts)
    return float((ours != theirs).mean()), 1 - float((both[either > 0] / either[either > 0]).mean())
