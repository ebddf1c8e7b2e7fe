"""What is true of rows, one class each or which classes each holds, and a simple model that learns it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from ..scores import Objects
from .metrics import Metric

Floats = NDArray[np.floating]
Rows = NDArray[np.int64]
#: from (m, c) features to (m, C) probabilities
Predict = Callable[[NDArray[np.floating]], Floats]

_ITERATIONS = 300


@dataclass(frozen=True)
class Classes:
    """One class a row.

    Args:
        labels: (n,) int64, the class of each row
        names: (C,) the classes
    """

    labels: Rows
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, rows: Rows) -> Classes:
        """Of some rows."""
        return Classes(self.labels[rows], self.names)

    @property
    def presence(self) -> NDArray[np.bool_]:
        """(n, C) bool, which class a row has."""
        return np.arange(len(self.names)) == self.labels[:, None]

    def learned(self, features: NDArray[np.floating]) -> Predict:
        """A logistic regression of the classes on (n, c) features; a class that is not among them is not possible."""
        n_classes, known = len(self.names), np.unique(self.labels)
        if len(known) == 1:
            return lambda at: np.tile(np.eye(n_classes)[known[0]], (len(at), 1))
        model = LogisticRegression(max_iter=_ITERATIONS).fit(features, self.labels)

        def predict(at: NDArray[np.floating]) -> Floats:
            found = np.zeros((len(at), n_classes))
            found[:, model.classes_] = model.predict_proba(at)
            return found

        return predict

    def objects(self, probabilities: Floats) -> Objects:
        """Predictions as what is scored: one object a row."""
        n = len(probabilities)
        return Objects(
            np.arange(n + 1), np.ones(n, bool), probabilities, probabilities.max(axis=1), probabilities.argmax(axis=1)
        )

    def answers(self, probabilities: Floats) -> tuple[Floats, Rows]:
        """Predictions and truths as a temperature is fitted on them; of a class that it has not seen no model can know."""
        possible = probabilities[np.arange(len(self)), self.labels] > 0
        return probabilities[possible], self.labels[possible]

    def measured(self, metric: Metric, probabilities: Floats) -> float:
        """How well predictions do; a class counts where a row has it, and for F1 where one was predicted too.

        Returns:
            a share, in [0, 1]
        """
        guesses = probabilities.argmax(axis=1)
        if metric == "accuracy":
            return float((guesses == self.labels).mean())
        n_classes = len(self.names)
        right = np.bincount(self.labels[guesses == self.labels], minlength=n_classes)
        there, guessed = np.bincount(self.labels, minlength=n_classes), np.bincount(guesses, minlength=n_classes)
        if metric == "balanced_accuracy":
            return float((right[there > 0] / there[there > 0]).mean())
        some = (there + guessed) > 0
        return float((2 * right[some] / (there + guessed)[some]).mean())


@dataclass(frozen=True)
class Presence:
    """Which classes every row holds.

    Args:
        presence: (n, C) bool
        names: (C,) the classes
    """

    presence: NDArray[np.bool_]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.presence)

    def at(self, rows: Rows) -> Presence:
        """Of some rows."""
        return Presence(self.presence[rows], self.names)

    def learned(self, features: NDArray[np.floating]) -> Predict:
        """A logistic regression a class on (n, c) features, each against the rest.

        A class that all rows hold, or none, is as likely everywhere: Laplace's rule of succession.
        """
        counts = self.presence.sum(axis=0)
        share = (counts + 1) / (len(self) + 2)
        varying = np.flatnonzero((counts > 0) & (counts < len(self)))
        models = [LogisticRegression(max_iter=_ITERATIONS).fit(features, self.presence[:, c]) for c in varying]
        weights = np.array([model.coef_[0] for model in models]).reshape(len(models), features.shape[1])
        offsets = np.array([model.intercept_[0] for model in models])

        def predict(at: NDArray[np.floating]) -> Floats:
            found = np.tile(share, (len(at), 1))
            found[:, varying] = 1 / (1 + np.exp(-np.clip(at @ weights.T + offsets, -500, 500)))
            return found

        return predict

    def objects(self, probabilities: Floats) -> Objects:
        """Predictions as what is scored: a yes or no a class."""
        n, n_classes = probabilities.shape
        yes = probabilities.ravel()
        return Objects(
            np.arange(n + 1) * n_classes,
            np.ones(n, bool),
            np.stack([yes, 1 - yes], axis=1),
            yes,
            np.tile(np.arange(n_classes), n),
        )

    def answers(self, probabilities: Floats) -> tuple[Floats, Rows]:
        """Predictions and truths as a temperature is fitted on them: a yes or no a class."""
        return self.objects(probabilities).probabilities, (~self.presence).ravel().astype(np.int64)

    def measured(self, metric: Metric, probabilities: Floats) -> float:
        """The mean, over the classes that any row holds, of the average precision."""
        present = np.flatnonzero(self.presence.any(axis=0))
        found = [average_precision(self.presence[:, c], probabilities[:, c]) for c in present]
        return float(np.mean(found)) if found else 0.0


Truth = Classes | Presence


def average_precision(present: NDArray[np.bool_], scores: Floats) -> float:
    """The mean precision at the ranks of what is there; rows of one score share a rank.

    Args:
        present: (n,) bool, at least one
        scores: (n,) float, high = likely there

    Source: as ``sklearn.metrics.average_precision_score``, without its checks.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.1])).__round__(4)
    0.8333
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    hits = np.cumsum(present[order])[ends]
    return float((np.diff(hits, prepend=0) * hits / (ends + 1)).sum() / hits[-1])
