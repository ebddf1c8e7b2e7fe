"""Learning what a prediction will cost from samples whose truth is known, for those whose truth is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.decomposition import PCA
from sklearn.linear_model import PoissonRegressor, RidgeCV
from sklearn.model_selection import KFold

from ..errors import ShortlistError
from ..progress import Progress, silent
from .base import Score
from .losses import Features
from .reliability import Reliability, measured

#: with half of this the learned order was worse than plain entropy for most models tried, with this for hardly any
MINIMUM = 100
# Wider blocks of features are reduced to this many principal components.
_COMPONENTS = 128
_LEAST_DEVIATION = 1e-9
_PENALTIES = np.logspace(-1, 4, 11)


@dataclass(frozen=True)
class LossModel:
    """A fitted regressor.

    Args:
        out_of_fold: (n,) float, the predicted loss of each labelled sample by a regressor that had not seen it
        reliability: how far it can be trusted
        ranker: orders samples by their loss
        link: turns the order into a loss
    """

    out_of_fold: NDArray[np.float64]
    reliability: Reliability
    ranker: _Ranker
    link: _Link


def fit(
    features: Features,
    losses: NDArray[np.floating],
    folds: int = 5,
    seed: int = 0,
    progress: Progress = silent,
    groups: NDArray[np.int64] | None = None,
) -> LossModel:
    """Learns to predict losses, and measures out of fold how well that went.

    A ridge regression learns the *rank* of the loss among the labelled samples, since a few huge losses would else outweigh the
    order of all others (the paper too compares losses and does not fit their values). Its penalty is chosen by leave-one-out
    within each fold. A log-linear curve with the right total turns ranks into losses again.

    Args:
        features: of n labelled samples, all of them scoreable; their order matters for nothing but rounding and the folds
        losses: (n,) float >= 0
        folds: into how many parts the samples are dealt
        seed: of the dealing and of the resampling for intervals
        progress: told the regressors fitted, one a fold and the one for all
        groups: (n,) int64, the group of each sample: those of one are never dealt apart, since near copies of what was learned
            from say nothing of what is new; nothing given: each is alone

    Returns:
        the regressor

    Raises:
        ShortlistError: too few labelled samples or groups, or all losses are the same

    Source: Yoo & Kweon, Learning Loss for Active Learning, 2019.
    """
    n = len(losses)
    if n < MINIMUM:
        raise too_few(n)
    if losses.min() == losses.max():
        raise ShortlistError(
            f"the losses of the labelled samples must differ. Got {losses[0]:.3g} for all {n} instead, which leaves nothing to "
            f"learn."
        )
    names, groups = np.unique(np.arange(n) if groups is None else groups, return_inverse=True)
    if len(names) < folds:
        raise ShortlistError(
            f"the labelled samples must be of at least {folds} groups, one for each of the folds. Got {len(names)} instead."
        )
    scores = np.empty(n)
    for done, (_, dealt) in enumerate(KFold(folds, shuffle=True, random_state=seed).split(names)):
        progress(done, folds + 1, "learning losses")
        held_out = np.isin(groups, dealt)
        ranker = _Ranker.fitted(features.of(~held_out), losses[~held_out], seed)
        scores[held_out] = ranker.rank(features.of(held_out))
    link = _Link.fitted(scores, losses)
    progress(folds, folds + 1, "learning losses")
    out_of_fold = link.loss(scores)
    reliability = measured(out_of_fold, features.uncertainty, losses, seed, groups)
    return LossModel(out_of_fold, reliability, _Ranker.fitted(features, losses, seed), link)


def too_few(n: int, lacking: str = "") -> ShortlistError:
    """What to say of so few labelled samples.

    Args:
        n: how many can be learned from
        lacking: why others cannot
    """
    why = f" ({lacking})" if lacking else ""
    return ShortlistError(
        f"predicting losses needs at least {MINIMUM} samples with both a prediction and ground truth. Got {n} instead{why}. "
        f"Label more, or sort by uncertainty."
    )


def predicted_loss(model: LossModel, features: Features) -> NDArray[np.float64]:
    """The loss that a regressor, learned on labelled samples, expects of a prediction.

    Args:
        model: the regressor, from ``fit``
        features: of m samples

    Returns:
        (m,) float >= 0 in the unit of the losses: nats, or a number of wrong and missed objects; NaN where unscoreable

    Source: Yoo & Kweon, Learning Loss for Active Learning, 2019.
    """
    known = features.known
    result = np.full(len(features), np.nan)
    if known.any():
        result[known] = model.link.loss(model.ranker.rank(features.of(known)))
    return result


@dataclass(frozen=True)
class _Block:
    """Features that are centred and scaled together, and reduced where they are many.

    Args:
        mean: (d,)
        axes: (d, c) principal axes; nothing where the features are few
        scale: () or (c,) what they are divided by
    """

    mean: NDArray[np.floating]
    axes: NDArray[np.floating] | None
    scale: NDArray[np.floating]

    @staticmethod
    def standard(values: NDArray[np.floating]) -> _Block:
        """Every column on a scale of its own."""
        deviation, mean = values.std(axis=0), values.mean(axis=0)
        # What differs by rounding alone must not be blown up to matter.
        return _Block(mean, None, np.where(deviation > _LEAST_DEVIATION * np.maximum(np.abs(mean), 1), deviation, 1))

    @staticmethod
    def joint(values: NDArray[np.floating], weight: float, seed: int) -> _Block:
        """All columns on one scale, so that together they vary as much as ``weight`` columns of variance one."""
        mean, axes = values.mean(axis=0), None
        if values.shape[1] > _COMPONENTS and (values != values[0]).any():
            axes = PCA(min(_COMPONENTS, len(values) - 1), random_state=seed).fit(values).components_.T
        total = float((_Block(mean, axes, np.array(1.0)).of(values) ** 2).sum() / len(values))
        return _Block(mean, axes, np.array(np.sqrt(total / weight) if total > 0 else 1.0))

    def of(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        centred = values - self.mean
        return (centred if self.axes is None else centred @ self.axes) / self.scale


@dataclass(frozen=True)
class _Ranker:
    """A linear order of samples, from blocks of features."""

    blocks: tuple[_Block, ...]
    weights: NDArray[np.float64]
    intercept: float

    @staticmethod
    def fitted(features: Features, losses: NDArray[np.floating], seed: int) -> _Ranker:
        summary, *others = _parts(features)
        weight = summary.shape[1]
        blocks = (_Block.standard(summary), *(_Block.joint(other, weight, seed) for other in others))
        # Ranks within the fold: their mean is one half in each, so folds are comparable.
        ranks = rankdata(losses) / (len(losses) + 1)
        regressor = RidgeCV(_PENALTIES).fit(_design(blocks, features), ranks)
        return _Ranker(blocks, regressor.coef_, float(regressor.intercept_))

    def rank(self, features: Features) -> NDArray[np.float64]:
        """(n,) about the rank, in (0, 1), of the loss among the labelled samples; higher loses more."""
        # What differs by rounding alone is a tie.
        return np.round(_design(self.blocks, features) @ self.weights + self.intercept, 12)


def _parts(features: Features) -> list[NDArray[np.floating]]:
    return [part for part in (features.summary, features.classes, features.embeddings) if part is not None]


def _design(blocks: tuple[_Block, ...], features: Features) -> NDArray[np.float64]:
    parts = [block.of(part) for block, part in zip(blocks, _parts(features), strict=True)]
    return np.concatenate(parts, axis=1, dtype=np.float64)


@dataclass(frozen=True)
class _Link:
    """From ranks to losses: ``exp(a + b rank)`` with b >= 0, which keeps the order.

    Args:
        offset: a
        slope: b
        low: the least rank that is told apart from those below it
        high: the greatest that is told apart from those above it
    """

    offset: float
    slope: float
    low: float
    high: float

    @staticmethod
    def fitted(scores: NDArray[np.float64], losses: NDArray[np.floating]) -> _Link:
        low, high = float(scores.min()), float(scores.max())
        span = high - low
        flat = _Link(float(np.log(losses.mean())), 0.0, low, high)
        if span == 0:
            return flat
        scaled = (scores - low) / span
        fitted = PoissonRegressor(alpha=0, max_iter=1000).fit(scaled[:, None], losses)
        slope = float(fitted.coef_[0]) / span
        if slope <= 0:
            # Nothing was learned: the mean is what can be said of all.
            return flat
        offset = float(fitted.intercept_) - slope * low
        # A sample far from all labelled ones is ranked beyond them, but its loss is not made up.
        return _Link(offset, slope, low - span / 2, high + span / 2)

    def loss(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(self.offset + self.slope * np.clip(scores, self.low, self.high))


PREDICTED_LOSS = Score(
    "predicted_loss",
    0,
    np.inf,
    "the prediction is likely to be wrong",
    "Yoo & Kweon, Learning Loss for Active Learning, 2019",
    predicted_loss,
)
