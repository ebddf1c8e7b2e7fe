"""The verb score_predicted_loss."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress
from ..core.schema import parse
from ..core.scores.losses import Features
from ..core.scores.predicted_loss import PREDICTED_LOSS, LossModel, fit
from ..core.verbs import ScorePredictedLoss
from ..dataset import truth
from ..dataset.reservation import reserved
from ..dataset.results import ResultField, refuse_foreign
from ..dataset.samples import Samples, as_ids, dataset_of, every_sample, samples_of, uncollected
from ..dataset.score_fields import sample_path
from ..dataset.scores import ScoreWriter, commit
from ..dataset.sets import resolved
from .learning import Lesson, features_of, lesson
from .summary import PredictedLossSummary
from .terminal import Bar


def score_predicted_loss(
    samples: Samples, label_field: str, ground_truth: str, *, progress: Progress | None = None, **parameters: Any
) -> PredictedLossSummary:
    """Learns from labelled samples what predictions cost, and writes the loss that is expected of every sample.

    Args:
        samples: a dataset or a view of its samples
        label_field: the field with the predictions (Classification or Detections)
        ground_truth: the field of the same type with the truth, for some of the dataset's samples
        progress: told the samples done; a bar in the terminal by default
        **parameters: ``labeled``, ``embeddings``, ``keep_together``, ``min_confidence``, ``iou``, ``folds``, ``seed``,
            ``probabilities_attribute``; see the reference

    Returns:
        what was written, and how far it can be trusted

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScorePredictedLoss, {"label_field": label_field, "ground_truth": ground_truth, **parameters})
    samples = samples_of(samples)
    with Bar.unless(progress) as told:
        return _scored(samples, given, told)


def _scored(samples: Samples, given: ScorePredictedLoss, progress: Progress) -> PredictedLossSummary:
    """Learns from the labelled samples, streams all others past the regressor, and merges what it says when complete."""
    dataset = dataset_of(samples)
    pair = truth.pair(
        samples,
        given.label_field,
        given.ground_truth,
        given.embeddings,
        given.probabilities_attribute,
        given.keep_together,
    )
    path = sample_path(given.label_field, PREDICTED_LOSS.name)
    refuse_foreign(dataset, [path])
    labeled = _labeled(dataset, given)
    with reserved(dataset, path), ScoreWriter(dataset, [path]) as writer, uncollected():
        learned = lesson(labeled, pair, given, progress)
        learned.refuse_useless(pair, given)
        model = fit(learned.features, learned.losses, given.folds, given.seed, progress, learned.groups)
        tally, total = _Tally(path, pair, given, learned), len(samples)
        for batch in truth.read(samples, pair, with_truth=False):
            features = features_of(batch, given)
            learned.check(features)
            expected = PREDICTED_LOSS.compute(model, features)
            rows = learned.rows(as_ids(batch.ids))
            # What the regressor has learned from is not what it predicts: those get what was said of them unseen.
            expected[rows >= 0] = model.out_of_fold[rows[rows >= 0]]
            writer.add(batch.ids, [expected])
            tally.add(batch, features, expected, rows >= 0)
            progress(tally.samples, total, f"predicting losses of {given.label_field}")
        commit(dataset, [_field(path, pair, given, model)], [writer])
    return tally.summary(model)


def _labeled(dataset: fo.Dataset, given: ScorePredictedLoss) -> Samples:
    """The samples to learn from: those named, or all of the dataset, as far as they have ground truth."""
    among = every_sample(dataset) if given.labeled is None else resolved(dataset, given.labeled, "labeled")
    return among.exists(given.ground_truth)


def _field(path: str, pair: truth.Pair, given: ScorePredictedLoss, model: LossModel) -> ResultField:
    unit = _UNITS[pair.has_objects]
    info = {
        "verb": "score_predicted_loss",
        "label_field": given.label_field,
        "range": [PREDICTED_LOSS.low, None],
        "high_means": PREDICTED_LOSS.high_means,
        "source": PREDICTED_LOSS.source,
        "unit": unit,
        "regressor": "ridge regression on the ranks of the losses, then a log-linear curve; labelled samples out of fold",
        "parameters": given.model_dump(mode="json", exclude={"label_field"}),
        **asdict(model.reliability),
    }
    spearman = model.reliability.spearman
    sentence = (
        f"{PREDICTED_LOSS.description} In {unit}. High: {PREDICTED_LOSS.high_means}. Rank correlation with the true loss, out "
        f"of fold: {spearman.value:.2f} ({spearman.low:.2f} to {spearman.high:.2f})."
    )
    return ResultField(path, fo.FloatField, sentence, info, index=True)


#: in what a loss is measured, by whether labels are lists of objects
_UNITS = {False: "nats of log loss", True: "wrong and missed objects"}


class _Tally:
    """Counts what was predicted."""

    def __init__(self, path: str, pair: truth.Pair, given: ScorePredictedLoss, lesson: Lesson):
        self.path, self.pair, self.given, self.lesson = path, pair, given, lesson
        self.samples = self.scored = self.absent = self.unscoreable = self.without_vector = self.learned = 0
        self.sum = 0.0

    def add(
        self, batch: truth.Batch, features: Features, expected: NDArray[np.floating], learned: NDArray[np.bool_]
    ) -> None:
        known = ~np.isnan(expected)
        self.samples += len(known)
        self.learned += int(learned.sum())
        self.scored += int(known.sum())
        self.sum += float(expected[known].sum())
        present, readable = batch.objects.present, ~np.isnan(features.uncertainty)
        self.absent += int((~known & ~present).sum())
        self.unscoreable += int((~known & present & ~readable).sum())
        self.without_vector += int((~known & present & readable).sum())

    def summary(self, model: LossModel) -> PredictedLossSummary:
        reasons = {
            f"no {self.given.label_field!r}": self.absent,
            "predictions without probabilities, logits or a confidence": self.unscoreable,
            f"no vector in {self.given.embeddings!r}": self.without_vector,
        }
        return PredictedLossSummary(
            self.given.label_field,
            self.path,
            self.samples,
            self.scored,
            self.sum / self.scored if self.scored else float("nan"),
            _UNITS[self.pair.has_objects],
            model.reliability,
            {reason: count for reason, count in reasons.items() if count},
            self.lesson.unknown,
            self.learned,
        )
