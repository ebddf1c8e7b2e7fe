"""Label quality of classes: one label a sample."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.quality.channel import Channel, ChannelFit
from ..core.quality.confident_issues import Rule, find_issues
from ..core.quality.health import SURE, class_health
from ..core.quality.methods import CLASS_SCORES, DEFAULT_RULE
from ..dataset.given import Rows, rows
from .quality_tally import Work

#: the one kind of issue that a class label has
KIND = "wrong_class"
# A probability: below this a label is more likely wrong than right.
THRESHOLD = 0.5
LACKING = {
    "confidences": "no probabilities, only confidences: the other classes share the rest evenly",
    "classes": "no probabilities or confidences, only classes: labels are judged by how often each class is given for which",
}


def score_classes(work: Work) -> dict[str, Any]:
    """Learns how labels go wrong in the dataset, then scores each of them."""
    pair, tally = work.pair, work.tally
    if pair.holds in LACKING:
        tally.notes.append(f"{pair.predicted.path!r} has {LACKING[pair.holds]}")
    total, done = 2 * len(work.samples), 0
    fit = ChannelFit(len(pair.classes))
    with _Kept.when(_rule(work), len(pair.classes)) as kept:
        for batch in rows(work.samples, pair):
            fit.add(batch.probabilities, batch.labels)
            kept.add(batch)
            done += len(batch.ids)
            work.progress(done, total, f"learning from {pair.predicted.path}")
        learned, flags = fit.finish(), kept.issues()
    threshold = THRESHOLD if work.given.threshold is None else work.given.threshold
    joint = np.zeros((len(pair.classes),) * 2)
    for batch in rows(work.samples, pair):
        quality, suggested = _quality(work, learned, batch)
        _count_joint(joint, learned, batch)
        flagged = (quality < threshold if flags is None else flags.next(_usable(batch))) & (suggested >= 0)
        _write(work, batch, quality, suggested, flagged)
        done += len(batch.ids)
        work.progress(done, total, f"scoring {pair.given.path}")
    return {
        "calibration": learned.to_json(),
        "rule": threshold if flags is None else _rule(work),
        "estimated_errors": 1 - class_health(joint).overall if joint.any() else None,
        "noise": list(zip(pair.classes, class_health(joint).noise.tolist(), strict=True)),
    }


def _rule(work: Work) -> Rule | None:
    """The rule of confident learning that says what is an issue; None for a threshold."""
    given = work.given
    if given.find_issues is not None or given.threshold is not None:
        return given.find_issues
    return None if CLASS_SCORES[work.method].fitted else DEFAULT_RULE


def _quality(work: Work, learned: Channel, batch: Rows) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The quality of a batch by the method, and what the labels should be otherwise."""
    quality, suggested = learned.quality(batch.probabilities, batch.labels)
    score = CLASS_SCORES[work.method]
    if not score.fitted:
        quality = np.asarray(score.compute(batch.probabilities, batch.labels), np.float64)
    return quality, suggested


def _count_joint(joint: NDArray[np.float64], learned: Channel, batch: Rows) -> None:
    """Adds what the given labels of a batch probably are."""
    known = _usable(batch)
    posterior = learned.posterior(batch.probabilities[known], batch.labels[known])
    np.add.at(joint, batch.labels[known], posterior)


def _usable(batch: Rows) -> NDArray[np.bool_]:
    return (batch.labels >= 0) & ~np.isnan(batch.probabilities[:, 0])


def _write(
    work: Work,
    batch: Rows,
    quality: NDArray[np.float64],
    suggested: NDArray[np.int64],
    flagged: NDArray[np.bool_],
) -> None:
    """Collects what was found in a batch."""
    pair, tally = work.pair, work.tally
    issues: list[str | None] = [KIND if one else None for one in flagged.tolist()]
    names = [
        pair.classes[place] if one else None for place, one in zip(suggested.tolist(), flagged.tolist(), strict=True)
    ]
    work.writer.add(batch.ids, [quality, issues, names])
    known = ~np.isnan(quality)
    tally.labels += int(known.sum())
    tally.add_given(pair.classes, batch.labels[known])
    for row in np.flatnonzero(flagged).tolist():
        tally.add_issue(KIND, pair.classes[batch.labels[row]], names[row])
    tally.add_absent(batch.is_given, batch.is_predicted)
    tally.unscoreable["samples whose prediction has no probabilities, logits or confidence"] += int(
        (batch.is_given & batch.is_predicted & ~known).sum()
    )
    tally.add_samples(quality, issues)
    if pair.holds != "classes":
        sure = batch.probabilities[known].max(axis=1, initial=0) >= SURE
        tally.agreement.add((batch.predicted == batch.labels)[known], sure)


class _Kept:
    """All probabilities and labels, on disk, for rules that look at all of them at once; nothing where no rule is given.

    Args:
        rule: the rule
        n_classes: K
        file: where they are kept
    """

    def __init__(self, rule: Rule | None, n_classes: int, file: IO[bytes] | None):
        self.rule, self.n_classes, self._file = rule, n_classes, file
        self._labels: list[NDArray[np.int64]] = []

    @classmethod
    @contextmanager
    def when(cls, rule: Rule | None, n_classes: int) -> Iterator[_Kept]:
        """Keeps rows where there is a rule, until the context is left."""
        if rule is None:
            yield cls(rule, n_classes, None)
            return
        with tempfile.TemporaryFile() as file:
            yield cls(rule, n_classes, file)

    def add(self, batch: Rows) -> None:
        """Keeps the rows of a batch that have both."""
        if self._file is not None:
            known = _usable(batch)
            self._labels.append(batch.labels[known])
            self._file.write(np.ascontiguousarray(batch.probabilities[known], np.float32).tobytes())

    def issues(self) -> _Flags | None:
        """Which of the rows are issues."""
        if self._file is None or self.rule is None:
            return None
        self._file.flush()
        labels = np.concatenate([*self._labels, np.zeros(0, np.int64)])
        if not len(labels):
            return _Flags(np.zeros(0, bool))
        every = np.memmap(self._file, np.float32, "r", shape=(len(labels), self.n_classes))
        return _Flags(find_issues(every, labels, self.rule))


class _Flags:
    """Which rows are issues, handed out in the order in which they were read.

    Args:
        flags: (m,) bool, of the rows that have both
    """

    def __init__(self, flags: NDArray[np.bool_]):
        self._flags, self._at = flags, 0

    def next(self, usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Those of the next batch.

        Args:
            usable: (n,) bool, which rows have both
        """
        result = np.zeros(len(usable), bool)
        part = self._flags[self._at : self._at + int(usable.sum())]
        self._at += len(part)
        if len(part) < usable.sum():
            raise ShortlistError("the samples must stay the same while they are read. Some came or changed; run again.")
        result[usable] = part
        return result
