"""The verb score_predicted_loss."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.schema import parse
from ..core.scores.losses import Features, detection_errors, features_of_objects, features_of_predictions, log_loss
from ..core.scores.predicted_loss import PREDICTED_LOSS, LossModel, fit
from ..core.verbs import ScorePredictedLoss
from ..dataset import truth
from ..dataset.reservation import reserved
from ..dataset.results import ResultField, refuse_foreign
from ..dataset.samples import Samples, as_ids, dataset_of, every_sample, samples_of, uncollected
from ..dataset.score_fields import sample_path
from ..dataset.scores import ScoreWriter, commit
from ..dataset.selections import resolved
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
        **parameters: ``labeled``, ``embeddings``, ``min_confidence``, ``iou``, ``folds``, ``seed``,
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
    pair = truth.pair(samples, given.label_field, given.ground_truth, given.embeddings, given.probabilities_attribute)
    path = sample_path(given.label_field, PREDICTED_LOSS.name)
    refuse_foreign(dataset, [path])
    labeled = _labeled(dataset, given)
    with reserved(dataset, path), ScoreWriter(dataset, [path]) as writer, uncollected():
        lesson = _lesson(labeled, pair, given, progress)
        model = fit(lesson.features, lesson.losses, given.folds, given.seed, progress)
        tally, total = _Tally(path, pair, given, lesson), len(samples)
        for batch in truth.read(samples, pair, with_truth=False):
            features = _features(batch, given)
            lesson.check(features)
            expected = PREDICTED_LOSS.compute(model, features)
            rows = lesson.rows(as_ids(batch.ids))
            # What the regressor has learned from is not what it predicts: those get what was said of them unseen.
            expected[rows >= 0] = model.out_of_fold[rows[rows >= 0]]
            writer.add(batch.ids, [expected])
            tally.add(batch, features, expected)
            progress(tally.samples, total, f"predicting losses of {given.label_field}")
        commit(dataset, [_field(path, pair, given, model)], [writer])
    return tally.summary(model)


def _labeled(dataset: fo.Dataset, given: ScorePredictedLoss) -> Samples:
    """The samples to learn from: those named, or all of the dataset, as far as they have ground truth."""
    among = every_sample(dataset) if given.labeled is None else resolved(dataset, given.labeled, "labeled")
    return among.exists(given.ground_truth)


@dataclass(frozen=True)
class _Lesson:
    """What there is to learn from, in the order of the samples' ids, on which nothing else depends then.

    Args:
        ids: (n,) sorted
        features: n rows
        losses: (n,)
        unknown: how many of their true classes the model does not know
    """

    ids: NDArray[np.bytes_]
    features: Features
    losses: NDArray[np.float64]
    unknown: int

    def rows(self, ids: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """(m,) the row of each id, -1 for a sample that was not learned from."""
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def check(self, features: Features) -> None:
        """Stops before features that are not like those learned from, as where a dataset holds vectors of two models.

        Raises:
            ShortlistError: with the two lengths
        """
        for name, own, other in (
            ("probabilities", self.features.classes, features.classes),
            ("embeddings", self.features.embeddings, features.embeddings),
        ):
            if own is not None and other is not None and features.known.any() and own.shape[1] != other.shape[1]:
                raise ShortlistError(
                    f"{name} must have one length. Got {own.shape[1]} for labelled samples and {other.shape[1]} for others "
                    f"instead."
                )


def _lesson(labeled: Samples, pair: truth.Pair, given: ScorePredictedLoss, progress: Progress) -> _Lesson:
    """Reads the labelled samples that can be scored."""
    ids, parts, losses, unknown, done = [], [], [], 0, 0
    total = len(labeled)
    for batch in truth.read(labeled, pair):
        features = _features(batch, given)
        usable = batch.labeled & features.known
        done += len(batch.ids)
        progress(done, total, "reading labelled samples")
        if usable.any():
            ids.append(as_ids(batch.ids)[usable])
            parts.append(features.of(usable))
            losses.append(_losses(batch, given)[usable])
            unknown += 0 if pair.has_objects else int((batch.classes[usable] < 0).sum())
    if not ids:
        # The regressor says what is lacking.
        return _Lesson(np.zeros(0, "S24"), Features(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)), np.zeros(0), 0)
    every = np.concatenate(ids)
    order = np.argsort(every)
    return _Lesson(every[order], Features.together(parts).of(order), np.concatenate(losses)[order], unknown)


def _features(batch: truth.Batch, given: ScorePredictedLoss) -> Features:
    if batch.has_objects:
        features = features_of_objects(batch.objects, given.min_confidence)
    else:
        features = features_of_predictions(batch.objects)
    return replace(features, embeddings=batch.embeddings)


def _losses(batch: truth.Batch, given: ScorePredictedLoss) -> NDArray[np.float64]:
    """(n,) what each prediction of a batch cost; NaN where it cannot be told."""
    objects = batch.objects
    if batch.found is not None and batch.there is not None:
        with np.errstate(invalid="ignore"):
            counted = ~(objects.confidences < given.min_confidence)
        return detection_errors(batch.found.subset(counted), batch.there, given.iou)
    losses = np.full(len(batch.ids), np.nan)
    present = np.diff(objects.offsets) == 1
    losses[present] = log_loss(objects.probabilities, batch.classes[present])
    return losses


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

    def __init__(self, path: str, pair: truth.Pair, given: ScorePredictedLoss, lesson: _Lesson):
        self.path, self.pair, self.given, self.lesson = path, pair, given, lesson
        self.samples = self.scored = self.absent = self.unscoreable = self.without_vector = 0
        self.sum = 0.0

    def add(self, batch: truth.Batch, features: Features, expected: NDArray[np.floating]) -> None:
        known = ~np.isnan(expected)
        self.samples += len(known)
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
        )
