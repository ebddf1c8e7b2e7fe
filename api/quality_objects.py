"""Label quality of objects: boxes, instance masks, polylines and keypoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import fiftyone as fo
import numpy as np

from ..core.geometry import box_iou
from ..core.quality.objects import KINDS, MISSING, Fit, ObjectQuality, score_objects
from ..dataset import label_issues
from ..dataset.given_objects import ObjectRows, object_rows
from ..dataset.scores import Column, ObjectScores
from .quality_lab import LabQuality, LabScores
from .quality_tally import Work

_Quality: TypeAlias = ObjectQuality | LabQuality
# Probabilities are calibrated: below this an object is more likely wrong than right.
_THRESHOLD = 0.5
# From which overlap on a prediction of the same class agrees with a label, and from which confidence on it is sure of it.
_SAME, _SURE = 0.5, 0.9
_BAD_LOCATION = "bad_location"


def score_objects_of(work: Work) -> dict[str, Any]:
    """Learns how detector and labels go together, then scores the objects of each sample."""
    pair, tally = work.pair, work.tally
    total = 2 * len(work.samples)
    problems: Counter[str] = Counter()
    if pair.holds == "classes":
        tally.notes.append(f"{pair.predicted.path!r} has no confidences: every prediction counts as certain")
    method: _Calibrated | LabScores = (_Calibrated if work.method == "default" else LabScores)(len(pair.classes))
    done, any_scoreable = 0, False
    for rows in object_rows(work.samples, pair, problems):
        method.add(rows)
        tally.add_absent(rows.is_given, rows.is_predicted)
        any_scoreable |= bool((rows.is_given & rows.is_predicted).any())
        done += len(rows.ids)
        work.progress(done, total, f"learning from {pair.predicted.path}")
    if not any_scoreable:
        tally.refuse_useless()
    method.finish()
    threshold = _THRESHOLD if work.given.threshold is None else work.given.threshold
    for rows in object_rows(work.samples, pair, Counter()):
        _write(work, rows, method.quality(rows), threshold)
        done += len(rows.ids)
        work.progress(done, total, f"scoring {pair.given.path}")
    tally.notes += [f"{count} {reason}" for reason, count in problems.items()]
    return {"threshold": threshold, **method.facts()}


class _Calibrated:
    """The default: what is calibrated on the dataset itself.

    Args:
        n_classes: K
    """

    def __init__(self, n_classes: int):
        self._fit = Fit(n_classes)

    def add(self, rows: ObjectRows) -> None:
        """Learns from some samples."""
        self._fit.add(rows.batch)

    def finish(self) -> None:
        """Ends the learning."""
        self._calibration = self._fit.finish()

    def quality(self, rows: ObjectRows) -> ObjectQuality:
        """Scores some samples."""
        return score_objects(rows.batch, self._calibration)

    def facts(self) -> dict[str, Any]:
        """What is recorded."""
        return {"calibration": self._calibration.to_json()}


@dataclass(frozen=True)
class _Issue:
    """One suspected error.

    Args:
        sample: the row of the sample
        kind: what is wrong
        quality: in [0, 1], low = likely wrong
        given: the row of the given object; None for one that is missing
        predicted: the row of the predicted object that shows the place, where one does
        suggested: the class that it should have; None for one that should not be there
    """

    sample: int
    kind: str
    quality: float
    given: int | None
    predicted: int | None
    suggested: str | None


def _suspects(work: Work, rows: ObjectRows, found: _Quality) -> Iterator[_Issue]:
    """All that may be wrong in a batch, however unlikely."""
    batch, classes = rows.batch, work.pair.classes
    owners = np.repeat(np.arange(len(rows.ids)), np.diff(batch.given.offsets))
    for row in np.flatnonzero(found.kinds >= 0).tolist():
        kind, place, suggested = KINDS[found.kinds[row]], int(found.suggested_boxes[row]), None
        if kind == "wrong_class" and found.suggested_classes[row] >= 0:
            suggested = classes[found.suggested_classes[row]]
        elif kind == _BAD_LOCATION:
            suggested = classes[batch.given.classes[row]]
        quality = float(found.objects[row])
        yield _Issue(int(owners[row]), kind, quality, row, place if place >= 0 else None, suggested)
    owners = np.searchsorted(batch.predicted.offsets, found.missing, side="right") - 1
    for row, score, sample in zip(found.missing.tolist(), found.missing_scores.tolist(), owners.tolist(), strict=True):
        yield _Issue(sample, MISSING, 1 - score, None, row, classes[batch.predicted.classes[row]])


def _issues(work: Work, rows: ObjectRows, found: _Quality, threshold: float) -> list[_Issue]:
    """The issues of a batch: what is more likely wrong than right, and the worst of a sample that is so as a whole."""
    kept: list[_Issue] = []
    worst: dict[int, _Issue] = {}
    for one in _suspects(work, rows, found):
        if one.quality < threshold:
            kept.append(one)
        elif found.samples[one.sample] < threshold:
            before = worst.get(one.sample)
            if before is None or one.quality < before.quality:
                worst[one.sample] = one
    flagged = {one.sample for one in kept}
    kept += [one for sample, one in worst.items() if sample not in flagged]
    # One prediction either shows where a label should be or lacks a label of its own, whichever is likelier.
    best: dict[int, float] = {}
    for one in kept:
        if one.predicted is not None:
            best[one.predicted] = min(best.get(one.predicted, 1.0), one.quality)
    return [one for one in kept if one.predicted is None or one.quality <= best[one.predicted]]


def _write(work: Work, rows: ObjectRows, found: _Quality, threshold: float) -> None:
    """Collects what was found in a batch."""
    tally, batch, classes = work.tally, rows.batch, work.pair.classes
    own, n = np.flatnonzero(rows.counted), len(rows.object_ids)
    quality = np.full(n, np.nan)
    quality[own] = found.objects
    kinds: list[str | None] = [None] * n
    suggestions: list[str | None] = [None] * n
    of_samples: list[str | None] = [None] * len(rows.ids)
    corrections: list[list[fo.Detection]] = [[] for _ in rows.ids]
    for one in sorted(_issues(work, rows, found, threshold), key=lambda one: one.quality):
        of_samples[one.sample] = of_samples[one.sample] or one.kind
        given = None if one.given is None else classes[batch.given.classes[one.given]]
        tally.add_issue(one.kind, given, one.suggested)
        if one.given is not None:
            kinds[own[one.given]], suggestions[own[one.given]] = one.kind, one.suggested
        if one.predicted is not None:
            box = batch.predicted.boxes_xywh[one.predicted]
            corrected = None if one.given is None else str(rows.object_ids[own[one.given]])
            found_here = label_issues.suggestion(one.suggested, box, one.kind, one.quality, given, given_id=corrected)
            corrections[one.sample].append(found_here)
    scoreable = rows.is_given & rows.is_predicted
    documents = [
        label_issues.detections(some) if known else None
        for some, known in zip(corrections, scoreable.tolist(), strict=True)
    ]
    columns: dict[str, Column] = {
        label_issues.QUALITY: quality,
        label_issues.ISSUE: kinds,
        label_issues.SUGGESTION: suggestions,
    }
    objects = ObjectScores(rows.object_ids, rows.offsets, columns)
    work.writer.add(rows.ids, [found.samples, of_samples, documents], [objects])
    tally.labels += int((~np.isnan(quality)).sum())
    tally.unscoreable["labels without a class, or of a crowd"] += n - len(own)
    tally.add_given(classes, batch.given.classes)
    tally.add_samples(found.samples, of_samples)
    _count_agreement(work, rows)


def _count_agreement(work: Work, rows: ObjectRows) -> None:
    """Counts how many labels have a prediction of their class at their place, and how sure it is."""
    given, predicted = rows.batch.given, rows.batch.predicted
    best = np.full(len(given.classes), -1.0)
    for sample in np.flatnonzero(np.diff(given.offsets) * np.diff(predicted.offsets)).tolist():
        mine = slice(given.offsets[sample], given.offsets[sample + 1])
        theirs = slice(predicted.offsets[sample], predicted.offsets[sample + 1])
        same = given.classes[mine][:, None] == predicted.classes[theirs]
        near = box_iou(given.boxes_xywh[mine], predicted.boxes_xywh[theirs]) >= _SAME
        best[mine] = np.where(same & near, np.nan_to_num(predicted.confidences[theirs]), -1).max(axis=1)
    work.tally.agreement.add(best >= 0, best >= _SURE)
