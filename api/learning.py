"""What there is to learn losses from: the labelled samples, what can be seen of their predictions, and what these cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed
from ..core.progress import Progress
from ..core.scores.losses import Features, detection_errors, features_of_objects, features_of_predictions, log_loss
from ..core.scores.predicted_loss import MINIMUM, too_few
from ..core.verbs import ScorePredictedLoss
from ..dataset import truth
from ..dataset.samples import Samples, as_ids


@dataclass(frozen=True)
class Lesson:
    """What there is to learn from, in the order of the samples' ids, on which nothing else depends then.

    Args:
        ids: (n,) sorted
        features: n rows
        losses: (n,)
        groups: (n,) int64, the same for samples that are kept together
        unknown: how many of their true classes the model does not know
        lacking: how many other samples have both a prediction and ground truth, by what they lack
    """

    ids: NDArray[np.bytes_]
    features: Features
    losses: NDArray[np.float64]
    groups: NDArray[np.int64]
    unknown: int
    lacking: Counter[str]

    def refuse_useless(self, pair: truth.Pair, given: ScorePredictedLoss) -> None:
        """Stops before samples from which nothing can be learned.

        Raises:
            ShortlistError: with what they lack
        """
        if len(self.ids) < MINIMUM:
            lacking = (f"{count} more have no {what}" for what, count in self.lacking.items() if count)
            raise too_few(len(self.ids), "; ".join(lacking))
        if self.unknown == len(self.ids):
            raise ShortlistError(
                f"ground_truth must have classes of the model ({listed(pair.predicted.classes)}). Got others on all "
                f"{self.unknown} labelled samples instead."
            )

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


def lesson(labeled: Samples, pair: truth.Pair, given: ScorePredictedLoss, progress: Progress) -> Lesson:
    """Reads the labelled samples that can be scored.

    Args:
        labeled: the samples that have ground truth
        pair: the predictions and the truth
        given: how losses are counted, and what the regressor looks at
        progress: told the samples read
    """
    ids, parts, losses, keys = [], [], [], []
    done, unknown, lacking = 0, 0, Counter[str]()
    total = len(labeled)
    for batch in truth.read(labeled, pair):
        features = features_of(batch, given)
        usable, readable = batch.labeled & features.known, ~np.isnan(features.uncertainty)
        lacking[f"vector in {given.embeddings!r}"] += int((batch.labeled & readable & ~features.known).sum())
        lacking["probabilities, logits or confidence"] += int((batch.labeled & ~readable).sum())
        done += len(batch.ids)
        progress(done, total, "reading labelled samples")
        if usable.any():
            ids.append(as_ids(batch.ids)[usable])
            parts.append(features.of(usable))
            losses.append(_losses(batch, given)[usable])
            keys += [key for key, counts in zip(batch.groups, usable, strict=True) if counts]
            unknown += 0 if pair.has_objects else int((batch.classes[usable] < 0).sum())
    every = np.concatenate([*ids, np.zeros(0, "S24")])
    order = np.argsort(every)
    features = Features.together(parts).of(order) if parts else _NOTHING
    cost = np.concatenate([*losses, np.zeros(0)])[order]
    return Lesson(every[order], features, cost, _numbered([keys[row] for row in order]), unknown, lacking)


_NOTHING = Features(np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0))


def _numbered(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """(n,) a number for each key, the same for equal ones; None is equal to nothing."""
    first: dict[Hashable, int] = {}
    return np.array([row if key is None else first.setdefault(key, row) for row, key in enumerate(keys)], np.int64)


def features_of(batch: truth.Batch, given: ScorePredictedLoss) -> Features:
    """What the regressor looks at of a batch of samples."""
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
