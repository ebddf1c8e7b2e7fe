"""The default score of a class label: how labels go wrong in this dataset, learned from it, then Bayes for every sample.

What given labels say about true ones is a channel, ``P(given | true)``. Among the samples that a model is surest of, the
model's own errors are few, so there the labels that disagree show the channel itself. How far the disagreement rises
when the model becomes less sure tells errors of the model from errors of the labels, and how much to believe of each rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ..errors import must_be
from ..scores.calibration import MINIMUM, tempered
from .channel_counts import Confusions, Sample
from .channel_rates import channel_noise
from .classification import LabelQuality, checked
from .confident import Thresholds, confident_classes, disagrees, usable

Batch = tuple[NDArray[np.floating], NDArray[np.integer]]

_BLOCK_VALUES = 200_000
_FLOOR = 1e-30
_TEMPERATURES = (0.25, 4.0)
_ODDS = (1e-3, 1e3)


@dataclass(frozen=True)
class Channel:
    """How labels go wrong in a dataset; scores any sample of its kind, alone.

    Args:
        noise: K columns of K, ``noise[given][true]`` = P(given | true); columns sum to one
        temperature: by which the model's logits are divided
        odds: by which the odds of the given label are multiplied, so that a quality below one half is an issue as often as
            confident learning counts issues
        n_labeled: how many labelled predictions it was learned from
    """

    noise: tuple[tuple[float, ...], ...]
    temperature: float
    odds: float
    n_labeled: int

    @property
    def n_classes(self) -> int:
        """K."""
        return len(self.noise)

    def posterior(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
        """The probability of every class to be the true one, given the prediction and the label.

        Args:
            probabilities: (n, K) float, rows sum to 1; NaN rows are unscoreable
            labels: (n,) int in [0, K), the given classes; -1 where there is none

        Returns:
            (n, K) float, rows sum to 1, NaN where unscoreable

        Raises:
            ShortlistError: the sizes differ, or a label is outside of the classes
        """
        labels = self._checked(probabilities, labels)
        noise = np.asarray(self.noise)
        found = np.full(probabilities.shape, np.nan)
        for block in _blocks(probabilities):
            found[block] = self._posterior(noise, probabilities[block], labels[block])
        return found

    def quality(
        self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The probability that given labels are right, and what they should be otherwise.

        Args:
            probabilities: (n, K) float, rows sum to 1; NaN rows are unscoreable
            labels: (n,) int in [0, K), the given classes; -1 where there is none

        Returns:
            (n,) float in [0, 1], NaN where unscoreable; and (n,) int, the most probable other class, -1 where unscoreable

        Raises:
            ShortlistError: the sizes differ, or a label is outside of the classes
        """
        labels = self._checked(probabilities, labels)
        noise = np.asarray(self.noise)
        quality = np.full(len(labels), np.nan)
        suggested = np.full(len(labels), -1)
        for block in _blocks(probabilities):
            rows = self._posterior(noise, probabilities[block], labels[block])
            every = np.arange(len(rows))
            quality[block] = rows[every, labels[block]]
            rows[every, labels[block]] = -1
            suggested[block] = np.where(np.isnan(quality[block]), -1, rows.argmax(axis=1))
        return np.clip(quality, 0, 1), suggested

    def to_json(self) -> dict:
        """A plain form that :meth:`from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict) -> Channel:
        """The channel that :meth:`to_json` wrote."""
        noise = tuple(tuple(float(value) for value in row) for row in stored["noise"])
        return cls(noise, float(stored["temperature"]), float(stored["odds"]), int(stored["n_labeled"]))

    def _checked(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.int64]:
        labels = checked(probabilities, labels)
        if probabilities.shape[1] != self.n_classes:
            raise must_be(
                "probabilities", f"of {self.n_classes} classes, as those learned from", probabilities.shape[1]
            )
        return labels

    def _posterior(
        self, noise: NDArray[np.float64], probabilities: NDArray[np.floating], labels: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        joint = _softened(probabilities, self.temperature) * noise[labels]
        joint[np.arange(len(labels)), labels] *= self.odds
        joint[labels < 0] = np.nan
        return joint / joint.sum(axis=1, keepdims=True)


class ChannelFit:
    """Learns the channel from batches, in one pass and in memory that does not grow with the rows.

    The order of the rows changes nothing.

    Args:
        n_classes: K >= 2
        parts: how many of its kind there are, to share the memory of one
    """

    def __init__(self, n_classes: int, parts: int = 1):
        if n_classes < 2:
            raise must_be("probabilities", "of at least two classes, to say which of them is right", n_classes)
        self._confusions = Confusions(n_classes, parts)
        self._thresholds = Thresholds(n_classes)
        self._sample = Sample(n_classes, parts)

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Takes a batch into account; rows without a label or probabilities do not count.

        Args:
            probabilities: (n, K) float, rows sum to 1
            labels: (n,) int in [0, K), -1 where there is none

        Raises:
            ShortlistError: the sizes differ, or a label is outside of the classes
        """
        probabilities, labels = usable(probabilities, labels)
        self._thresholds.add(probabilities, labels)
        self._confusions.add(probabilities, labels)
        self._sample.add(probabilities, labels)

    def finish(self) -> Channel:
        """The channel of all that was added."""
        noise = channel_noise(*self._confusions.bands())
        probabilities, labels = self._sample.rows()
        plain = Channel(tuple(map(tuple, noise.tolist())), _temperature(noise, probabilities, labels), 1.0, 0)
        confident = confident_classes(probabilities, self._thresholds.finish())
        issues = (confident >= 0) & (confident != labels) & disagrees(probabilities, labels)
        odds = _odds(plain.quality(probabilities, labels)[0], int(issues.sum()))
        return replace(plain, odds=odds, n_labeled=self._confusions.n_rows)


def fit_channel(batches: Iterable[Batch], n_classes: int) -> Channel:
    """The channel of the rows of all batches, each ``(probabilities (n, K), labels (n,))``."""
    fit = ChannelFit(n_classes)
    for probabilities, labels in batches:
        fit.add(probabilities, labels)
    return fit.finish()


def noise_channel(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.float64]:
    """The probability that the given label is right, from the prediction and from how labels go wrong in this dataset.

    ``p(given) P(given | true = given) / sum_k p(k) P(given | true = k)``: a label that is often given to what the model
    sees instead is believed less, one that is never given to it more. Where nothing of the kind shows, the order is that of
    the probability of the given class.

    Args:
        probabilities: (n, K) float with K >= 2, rows sum to 1, of a model that has not seen these labels; NaN rows are
            unscoreable
        labels: (n,) int in [0, K), the given classes; -1 where there is none

    Returns:
        (n,) float in [0, 1], NaN where unscoreable

    Raises:
        ShortlistError: the sizes differ, or a label is outside of the classes

    Source: Patrini et al., Making Deep Neural Networks Robust to Label Noise, 2017, section 4 (anchor points); Efron and
    Morris, Stein's Estimation Rule and Its Competitors, 1973 (shrinkage).
    """
    checked(probabilities, labels)
    return fit_channel([(probabilities, labels)], probabilities.shape[1]).quality(probabilities, labels)[0]


def _temperature(noise: NDArray[np.float64], probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """That under which the channel makes the given labels most likely: a model trained on errors is too timid for it."""
    if len(labels) < MINIMUM:
        return 1.0

    def loss(log_temperature: float) -> float:
        softened = _softened(probabilities, float(np.exp(log_temperature)))
        return -float(np.log(np.einsum("ij,ij->i", softened, noise[labels])).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x))


def _odds(quality: NDArray[np.float64], count: int) -> float:
    """What moves the edge between so many of the lowest and the others to one half."""
    if not 0 < count < len(quality):
        return 1.0
    edge = np.clip(np.partition(quality, (count - 1, count))[count - 1 : count + 1], 1e-12, 1 - 1e-12)
    return float(np.clip(np.exp(-np.log(edge / (1 - edge)).mean()), *_ODDS))


def _softened(probabilities: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Tempered probabilities without zeros."""
    rows = np.maximum(probabilities, _FLOOR, dtype=np.float64)
    return np.asarray(tempered(rows / rows.sum(axis=1, keepdims=True), temperature), np.float64)


def _blocks(probabilities: NDArray[np.floating]) -> list[slice]:
    size = max(1, _BLOCK_VALUES // max(1, probabilities.shape[1]))
    return [slice(start, start + size) for start in range(0, len(probabilities), size)]


NOISE_CHANNEL = LabelQuality(
    "noise_channel",
    0,
    1,
    "the given label is right",
    "Patrini et al., Making Deep Neural Networks Robust to Label Noise, 2017; Efron and Morris, 1973",
    noise_channel,
    fitted=True,
)
