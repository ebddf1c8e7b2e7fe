"""Label quality where a sample may have any number of classes."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.quality.health import SURE
from ..core.quality.methods import CLASS_SCORES
from ..core.quality.multilabel import ClassChannelsFit, class_quality, pooled
from ..dataset import label_issues
from ..dataset.given_multilabel import ClassRows, class_rows, left_out_of
from ..dataset.scores import Column, ObjectScores
from .quality_classes import THRESHOLD
from .quality_tally import Work

#: a class that a sample has and should not have, and one that it has not and should have
SPURIOUS, MISSING = "spurious", "missing"


def score_multilabel(work: Work) -> dict[str, Any]:
    """Learns how each class is wrongly given or missed, then scores every class of every sample."""
    pair, tally = work.pair, work.tally
    left_out = left_out_of(work.samples, pair)
    if pair.holds != "probabilities":
        what = "only classes" if pair.holds == "classes" else "only confidences of some classes"
        tally.notes.append(
            f"{pair.predicted.path!r} may have {what}: one that it leaves out counts as of probability {left_out:.3g}"
        )
    total, done = 2 * len(work.samples), 0
    fit = ClassChannelsFit(len(pair.classes))
    for rows in class_rows(work.samples, pair, left_out):
        fit.add(rows.probabilities, rows.labels)
        done += len(rows.ids)
        work.progress(done, total, f"learning from {pair.predicted.path}")
    learned = fit.finish()
    threshold = THRESHOLD if work.given.threshold is None else work.given.threshold
    fitted, expected, n = CLASS_SCORES[work.method].fitted, 0.0, 0
    for rows in class_rows(work.samples, pair, left_out):
        quality = learned.quality(rows.probabilities, rows.labels)
        expected += float(np.nansum(1 - quality))
        n += int((~np.isnan(quality)).sum())
        if not fitted:
            quality = np.asarray(class_quality(rows.probabilities, rows.labels, work.method), np.float64)
        _write(work, rows, quality, threshold)
        done += len(rows.ids)
        work.progress(done, total, f"scoring {pair.given.path}")
    return {
        "calibration": learned.to_json(),
        "threshold": threshold,
        "estimated_errors": expected / n if n else None,
    }


def _write(work: Work, rows: ClassRows, quality: NDArray[np.float64], threshold: float) -> None:
    """Collects what was found in a batch."""
    tally, classes = work.tally, work.pair.classes
    of_samples = pooled(quality, work.given.pooling)
    wrong = quality < threshold
    own = np.full(len(rows.object_ids), np.nan)
    named = np.flatnonzero(rows.classes >= 0)
    owners = np.repeat(np.arange(len(rows.ids)), np.diff(rows.offsets))
    own[named] = quality[owners[named], rows.classes[named]]
    kinds = [SPURIOUS if one else None for one in (own < threshold).tolist()]
    worst: list[str | None] = [None] * len(rows.ids)
    missing: list[list[fo.Classification]] = [[] for _ in rows.ids]
    places = np.argwhere(wrong)
    for row, place in places[np.argsort(-quality[wrong], kind="stable")].tolist():
        worst[row] = SPURIOUS if rows.labels[row, place] == 1 else MISSING
        tally.add_issue(worst[row], classes[place] if worst[row] == SPURIOUS else None, None)
        if worst[row] == MISSING:
            found = fo.Classification(
                label=classes[place], issue=MISSING, quality=float(quality[row, place]), given=None
            )
            missing[row].insert(0, found)
    known = rows.is_given & rows.is_predicted & ~np.isnan(of_samples)
    documents = [
        fo.Classifications(classifications=some).to_dict() if scored else None
        for some, scored in zip(missing, known.tolist(), strict=True)
    ]
    columns: dict[str, Column] = {
        label_issues.QUALITY: own,
        label_issues.ISSUE: kinds,
        label_issues.SUGGESTION: [None] * len(rows.object_ids),
    }
    objects = ObjectScores(rows.object_ids, rows.offsets, columns)
    work.writer.add(rows.ids, [of_samples, worst, documents], [objects])
    _count(work, rows, quality, of_samples, worst)


def _count(
    work: Work,
    rows: ClassRows,
    quality: NDArray[np.float64],
    of_samples: NDArray[np.floating],
    worst: list[str | None],
) -> None:
    """Counts what was found in a batch."""
    tally, known = work.tally, ~np.isnan(quality)
    tally.labels += int(known.sum())
    tally.add_given(work.pair.classes, rows.classes[rows.classes >= 0])
    tally.unscoreable["labels without a class"] += int((rows.classes < 0).sum())
    tally.add_absent(rows.is_given, rows.is_predicted)
    tally.unscoreable["samples whose prediction has no probabilities, logits or confidence"] += int(
        (rows.is_given & rows.is_predicted & np.isnan(of_samples)).sum()
    )
    tally.add_samples(np.asarray(of_samples, np.float64), worst)
    if work.pair.holds != "classes":
        own = np.where(rows.labels == 1, rows.probabilities, 1 - rows.probabilities)[known]
        tally.agreement.add(own > 0.5, own >= SURE)
