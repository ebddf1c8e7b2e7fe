"""score_uncertainty beside the loop that a user would write, and beside a raw read and write of the same bytes."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import fiftyone as fo
import fiftyone.core.odm as foo
import numpy as np
import psutil
from bson import ObjectId
from numpy.typing import NDArray
from scipy.special import softmax

import shortlist
from shortlist.dataset import scores
from shortlist.dataset.results import Staging

from .common import PeakRss, Timing, aim, least, table, timed

FIELD = "predictions"
LOOP, CLASSES, OBJECTS, DISTINCT = 1000, 80, 10, 4096
_NAMES = ("least_confidence", "margin", "entropy")
KINDS = ("classification, 10 classes", "classification, 1000 classes", f"detections, {OBJECTS} boxes")


def run(size: int | None = None) -> None:
    """Runs the bench on 100 000 samples, or on another number."""
    n, rows = size or 100_000, []
    memory = []
    for kind in KINDS:
        dataset, built = timed(partial(build, kind, n))
        try:
            rows += _speed(kind, dataset)
            memory.append(_memory(kind, dataset))
        finally:
            dataset.delete()
        print(f"  ({kind}: {n:,} samples made in {built.wall:.0f} s)", flush=True)
    columns = ("predictions", "what", "samples/s", "CPU s", "mongod CPU s", "wall s", "ratio", "aim", "met")
    table(f"scoring: {n:,} samples, least of two interleaved runs; ratios by the clock", columns, rows)
    table("scoring: peak extra resident memory, MB", ("predictions", f"{n // 5:,}", f"{n:,}", "aim", "met"), memory)


def build(kind: str, n: int) -> fo.Dataset:
    """A dataset of predictions, made by inserting raw documents like one that FiftyOne wrote."""
    dataset = fo.Dataset(f"shortlist-bench-{ObjectId()}")
    rng = np.random.default_rng(0)
    labels = [_label(kind, rng) for _ in range(min(n, DISTINCT))]
    dataset.add_sample(fo.Sample("/bench/template.jpg", **{FIELD: labels[0]}))
    collection = dataset._sample_collection
    template = collection.find_one()
    dataset.clear()
    raw = [label.to_dict() for label in labels]
    for start in range(0, n, 2000):
        collection.insert_many(
            [_document(template, raw[row % len(raw)], row) for row in range(start, min(start + 2000, n))]
        )
    dataset.reload()
    return dataset


def _label(kind: str, rng: np.random.Generator) -> fo.Label:
    if kind.startswith("classification"):
        n_classes = int(kind.split()[1])
        logits = (rng.standard_normal(n_classes) * 3).astype(np.float32)
        best = int(logits.argmax())
        return fo.Classification(label=f"class {best}", confidence=float(softmax(logits)[best]), logits=logits)
    return fo.Detections(
        detections=[
            fo.Detection(
                label=f"class {rng.integers(CLASSES)}",
                bounding_box=(rng.random(4) / 2).tolist(),
                confidence=float(rng.uniform(0.05, 1)),
            )
            for _ in range(OBJECTS)
        ]
    )


def _document(template: dict, label: dict, row: int) -> dict:
    """A sample document like the template, with a label that has ids of its own."""
    if "detections" in label:
        label = {**label, "detections": [{**one, "_id": ObjectId()} for one in label["detections"]]}
    else:
        label = {**label, "_id": ObjectId()}
    return {**template, "_id": ObjectId(), "filepath": f"/bench/{row:07d}.jpg", FIELD: label}


def _speed(kind: str, dataset: fo.Dataset) -> list[list]:
    """Ours, the floor and the loop in turns."""
    n = len(dataset)
    database = psutil.Process(foo.get_db_conn().command("serverStatus")["pid"])
    shortlist.score_uncertainty(dataset[:100], FIELD, progress=_silent)
    ours: list[Timing] = []
    floors: list[Timing] = []
    loops: list[Timing] = []
    for _ in range(2):
        _reset(dataset)
        record = _Record()
        ours.append(timed(partial(_score, dataset, record), database)[1])
        _reset(dataset)
        floors.append(timed(partial(_floor, dataset, record), database)[1])
        _reset(dataset)
        loops.append(timed(partial(_loop, dataset), database)[1].times(n / min(n, LOOP)))
    mine, floor, loop = least(ours), least(floors), least(loops)

    def line(what: str, timing: Timing, ratio: float | None = None, *verdict: str) -> list:
        seconds = [f"{timing.cpu:.2f}", f"{timing.other:.2f}", f"{timing.wall:.2f}"]
        shown = "-" if ratio is None else f"{ratio:.2f}"
        return [kind, what, f"{n / timing.wall:,.0f}", *seconds, shown, *(verdict or ("-", "-"))]

    share, faster = floor.wall / mine.wall, loop.wall / mine.wall
    return [
        line("score_uncertainty", mine),
        line(f"the user's loop (est from {min(n, LOOP):,})", loop, faster, *aim(faster, low=15, unit="x")),
        line("floor: raw read + write", floor, share, *aim(share, low=0.5, unit=" of it")),
    ]


class _Record:
    """What a run read and wrote, for the floor to repeat."""

    def __init__(self) -> None:
        self.project: dict[str, Any] = {}
        self.batches: list[list[dict]] = []
        self.update: dict | None = None


def _score(dataset: fo.Dataset, record: _Record) -> None:
    """The verb, with what it writes noted on the way (a list append a batch)."""

    class Noted(Staging):
        def add(self, documents: list[dict[str, Any]]) -> None:
            record.batches.append(documents)
            super().add(documents)

        def merge(self, update: dict[str, Any] | None = None) -> None:
            record.update = update
            super().merge(update)

    scores.Staging = Noted
    try:
        shortlist.score_uncertainty(dataset, FIELD, progress=_silent)
    finally:
        scores.Staging = Staging


def _floor(dataset: fo.Dataset, record: _Record) -> None:
    """Reads the same parts of the documents without looking at them, and writes the same results, made before."""
    part = f"{FIELD}.detections" if dataset.get_field(FIELD).document_type is fo.Detections else FIELD
    names = ("_id", "label", "confidence", "logits", "probabilities")
    project = {"_id": True, f"{FIELD}._cls": True, **{f"{part}.{name}": True for name in names}}
    for _ in dataset._sample_collection.find({}, project):
        pass
    with Staging(dataset) as staging:
        for batch in record.batches:
            staging.add(batch)
        staging.merge(record.update)


def _loop(dataset: fo.Dataset) -> None:
    """What a user writes without Shortlist, on some samples."""
    for sample in dataset[:LOOP].iter_samples(autosave=True):
        label = sample[FIELD]
        if isinstance(label, fo.Classification):
            least_confidence, margin, entropy = _formulas(softmax(label.logits[None], axis=1))
            sample["loop_least_confidence"] = float(least_confidence[0])
            sample["loop_margin"] = float(margin[0])
            sample["loop_entropy"] = float(entropy[0])
            continue
        confidences = np.array([one.confidence for one in label.detections])
        rest = (1 - confidences) / (CLASSES - 1)
        spread = np.repeat(rest[:, None], CLASSES, axis=1)
        spread[:, 0] = confidences
        least_confidence, margin, entropy = _formulas(spread)
        for row, one in enumerate(label.detections):
            one["loop_least_confidence"] = float(least_confidence[row])
            one["loop_margin"] = float(margin[row])
            one["loop_entropy"] = float(entropy[row])
        sample["loop_least_confidence"] = float(least_confidence.max())
        sample["loop_margin"] = float(margin.max())
        sample["loop_entropy"] = float(entropy.max())
        sample["loop_objectness_least_confidence"] = float(1 - confidences.mean())
        sample["loop_object_frequency"] = 0.75 * len({one.label for one in label.detections}) + 0.25 * len(
            label.detections
        )


def _formulas(probabilities: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """(m,) least confidence, margin and entropy of (m, K) probabilities, as a user would write them."""
    ordered = np.sort(probabilities, axis=1)
    entropy = -np.sum(probabilities * np.log(np.maximum(probabilities, 1e-30)), axis=1) / np.log(probabilities.shape[1])
    return 1 - ordered[:, -1], 1 - (ordered[:, -1] - ordered[:, -2]), entropy


def _reset(dataset: fo.Dataset) -> None:
    """Takes all results away, so that every run finds the dataset as new; the floor and the loop declare no fields."""
    own = dataset.get_field_schema(flat=True)
    paths = [name for name in own if name.startswith((f"{FIELD}_", "loop_")) or ".uncertainty_" in name]
    for path in set(paths) & set(dataset.list_indexes()):
        dataset.drop_index(path)
    dataset.delete_sample_fields(paths)
    part = f"{FIELD}.detections.$[]" if dataset.get_field(FIELD).document_type is fo.Detections else FIELD
    inside = [f"{part}.{prefix}_{name}" for prefix in ("loop", "uncertainty") for name in _NAMES]
    names = [*_NAMES, *(f"uncertainty_{name}" for name in _NAMES), "objectness_least_confidence", "object_frequency"]
    beside = [f"{prefix}_{name}" for prefix in ("loop", FIELD) for name in names]
    dataset._sample_collection.update_many({}, {"$unset": dict.fromkeys([*inside, *beside], "")})
    dataset.reload()


def _memory(kind: str, dataset: fo.Dataset) -> list:
    """Peak extra memory on a fifth of the samples and on all, each in a process of its own."""
    n = len(dataset)
    small, large = (_peak(dataset.name, count) for count in (n // 5, n))
    # Five times the samples may not take half as much again: what grows is what the database driver holds.
    return [kind, f"{small / 1e6:.0f}", f"{large / 1e6:.0f}", *aim(large / max(small, 1), high=1.5, unit=" times")]


def _peak(name: str, count: int) -> int:
    command = [sys.executable, "-m", "bench.scoring", name, str(count)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(found.stdout.split()[-1])


def _measure_peak(name: str, count: int) -> None:
    """Prints the peak extra memory of scoring some samples; run by ``_peak``."""
    dataset = fo.load_dataset(name)
    shortlist.score_uncertainty(dataset[:100], FIELD, progress=_silent)
    view = dataset[:count]
    with PeakRss() as peak:
        shortlist.score_uncertainty(view, FIELD, progress=_silent)
    print(peak.extra)


def _silent(done: int, total: int, label: str = "") -> None:
    """No bar in the tables."""


if __name__ == "__main__":
    _measure_peak(sys.argv[1], int(sys.argv[2]))
