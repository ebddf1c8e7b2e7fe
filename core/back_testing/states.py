"""How far a labelling is: which rows of a trial have a label, and what a model learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..scores import Uncertainty, scores
from ..scores.apply import How, apply
from ..scores.calibration import MINIMUM, fit_temperature, tempered
from ..selection.inputs import Predictions, Scores
from ..selection.values import Amounts, AnyValues, Takes
from .metrics import Metric
from .tasks import Trial
from .truths import Floats, Predict, Presence, Rows

_MEMBERS = 10
_FOLDS = 3
_TEMPERATURES = (0.1, 10.0)


@dataclass(frozen=True)
class State:
    """A pool of which some rows are labelled.

    Args:
        trial: the pool and the test set
        labeled: (p,) bool
    """

    trial: Trial
    labeled: NDArray[np.bool_]

    @classmethod
    def empty(cls, trial: Trial) -> State:
        """Nothing is labelled yet."""
        return cls(trial, np.zeros(len(trial.vectors), bool))

    def label(self, rows: Rows) -> State:
        """The state after further labels."""
        after = self.labeled.copy()
        after[rows] = True
        return State(self.trial, after)

    @cached_property
    def known(self) -> Rows:
        """The labelled rows, ascending."""
        return np.flatnonzero(self.labeled)

    def _learned(self, rows: Rows) -> Predict:
        return self.trial.truth.at(rows).learned(self.trial.features[rows])

    @cached_property
    def _model(self) -> Predict:
        return self._learned(self.known)

    def score(self, metric: Metric) -> float:
        """How well the model does on the test set, in [0, 1]."""
        return self.trial.test_truth.measured(metric, self._model(self.trial.test))

    @cached_property
    def temperature(self) -> float:
        """What fits labels that the model has not seen; 1 where there are too few."""
        if len(self.known) < MINIMUM:
            return 1.0
        part = np.random.default_rng(self.trial.seed).permutation(len(self.known)) % _FOLDS
        # A row that may hold any class answers for every class, so that few rows are enough.
        several = isinstance(self.trial.truth, Presence)
        tried = self.known[part < (1 if several else _FOLDS)]
        unseen = np.zeros((len(self.known), len(self.trial.truth.names)))
        for fold in range(1 if several else _FOLDS):
            held_out = part == fold
            unseen[held_out] = self._learned(self.known[~held_out])(self.trial.features[self.known[held_out]])
        probabilities, truths = self.trial.truth.at(tried).answers(unseen[np.isin(self.known, tried)])
        if len(truths) < MINIMUM:
            return 1.0
        return float(np.clip(fit_temperature(probabilities, truths).temperature, *_TEMPERATURES))

    @cached_property
    def probabilities(self) -> Floats:
        """(p, C) of the pool by the model, with the temperature."""
        found, truth = self._model(self.trial.features), self.trial.truth
        if isinstance(truth, Presence):
            return tempered(truth.objects(found).probabilities, self.temperature)[:, 0].reshape(found.shape)
        return tempered(found, self.temperature)

    @cached_property
    def committee(self) -> Floats:
        """(p, T, C) by models of labels drawn with replacement."""
        rng = np.random.default_rng(self.trial.seed)
        draws = [rng.choice(self.known, len(self.known)) for _ in range(_MEMBERS)]
        return np.stack([self._learned(draw)(self.trial.features) for draw in draws], axis=1)

    def predicted(self, given: Predictions, takes: Takes) -> AnyValues:
        """What a PREDICTIONS input gives where the model's predictions are stored."""
        if takes == "committee":
            return self.committee
        if takes == "probabilities":
            return self.probabilities
        names = self.trial.truth.names
        counted = np.isin(names, given.categories) if given.categories else np.ones(len(names), bool)
        amounts = self.probabilities
        if given.count:
            amounts = self._certain
        if takes == "numbers":
            return np.asarray(amounts[:, counted].sum(axis=1))
        kept = tuple(name for name, one in zip(names, counted, strict=True) if one)
        return Amounts(kept, sparse.csr_array(amounts[:, counted]))

    @property
    def _certain(self) -> Floats:
        """(p, C) a 1 for every class that is predicted."""
        found = self.probabilities
        if isinstance(self.trial.truth, Presence):
            return (found >= 0.5).astype(np.float64)
        return np.eye(found.shape[1])[found.argmax(axis=1)]

    def scored(self, given: Scores) -> Floats:
        """(p,) the uncertainty score that a SCORES input names, of the model's predictions; of several classes the mean."""
        score = scores(Uncertainty)[given.score or "uncertainty_margin"]
        objects = self.trial.truth.objects(self.probabilities)
        if isinstance(self.trial.truth, Presence) and score.level == "sample":
            # Of all classes these would count, only what is predicted to be there is an object.
            objects = objects.subset(objects.confidences >= 0.5)
        several = isinstance(self.trial.truth, Presence)
        found = apply([score], objects, How("mean" if several else None))[1][score.name]
        return np.asarray(found, np.float64)
