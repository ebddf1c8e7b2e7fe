"""What a model normally gets wrong on a dataset, so that a label error can be told from its usual mistakes.

Two kinds of regions where mask and model differ are gathered: those that the dataset has, nearly all of them the model's
mistakes, and those that errors made on purpose add. A logistic regression tells the one from the other. Nothing in it
belongs to a certain model, and no sample is scored by what was fitted on it: samples fall into folds by their content.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scores.segmentation import Planes
from .mask_errors import errors
from .mask_model import Grouped, Model
from .mask_regions import MEASURES, Disagreements, disagreements
from .mask_view import View, view_of

FOLDS = 5
#: samples whose regions are kept: thousands of regions say what there is to say, more would only fill the memory
MOST_SAMPLES = 2000
# Fewer regions of either kind, or fewer samples, say too little.
_LEAST_REGIONS, _LEAST_SAMPLES = 30, 10
# Errors made in each sample.
_DRAWS = 8


@dataclass(frozen=True)
class MaskStatistics:
    """What one sample adds to a fit: some hundred numbers.

    Args:
        key: of its content; says its fold
        confusion: (c, 3) the pairs of given and predicted class that it has, and their shares of its pixels
        ordinary: (r, MEASURES + 2) its regions; the last two columns are the given and the predicted class
        mistaken: (v, MEASURES + 2) those that errors made on purpose add
        errors: (v,) int, the error that each of them is of
    """

    key: int
    confusion: NDArray[np.float64]
    ordinary: NDArray[np.float64]
    mistaken: NDArray[np.float64]
    errors: NDArray[np.int64]


def key_of(view: View) -> int:
    """The same number for the same mask and prediction, whatever their place in the dataset."""
    return zlib.crc32(view.predicted.tobytes(), zlib.crc32(view.given.tobytes()))


def mask_statistics(given: NDArray[np.integer], planes: Planes, background: int = 0) -> MaskStatistics:
    """What one sample adds to a ``MaskFit``; may be called from several threads.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: its probabilities, of any resolution
        background: the class that stands for no object

    Raises:
        ShortlistError: no mask of classes below K, or probabilities that are no distribution
    """
    view = view_of(given, planes)
    key = key_of(view)
    found = disagreements(view, view.given, background)
    parts = [np.zeros((0, len(MEASURES) + 2))]
    for wrong in errors(view, background, np.random.default_rng(key), _DRAWS):
        parts.append(_added(view, wrong, disagreements(view, wrong, background)))
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return MaskStatistics(key, _confusion(view), _rows(found), np.concatenate(parts), owners)


def _rows(found: Disagreements) -> NDArray[np.float64]:
    return np.column_stack([found.measures, found.given, found.predicted])


def _added(view: View, wrong: NDArray[np.int32], found: Disagreements) -> NDArray[np.float64]:
    """The regions that an error made: those most of which it changed."""
    inside = found.labels >= 0
    changed = np.bincount(found.labels[inside], weights=(wrong != view.given)[inside], minlength=len(found.areas))
    return _rows(found)[changed > found.areas / 2]


def _confusion(view: View) -> NDArray[np.float64]:
    n_classes = len(view.probabilities)
    known = (view.given >= 0) & (view.predicted >= 0)
    pairs, counts = np.unique(view.given[known] * n_classes + view.predicted[known], return_counts=True)
    return np.stack([pairs // n_classes, pairs % n_classes, counts / max(1, counts.sum())], axis=1)


@dataclass
class MaskFit:
    """What a model normally gets wrong on a dataset; samples are added in any order, then regions are scored.

    Args:
        n_classes: K
        background: the class that stands for no object
    """

    n_classes: int
    background: int = 0
    n_samples: int = 0
    _folds: NDArray[np.float64] = field(init=False, repr=False)
    _kept: dict[int, MaskStatistics] = field(default_factory=dict, repr=False)
    _models: dict[int, Model | None] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._folds = np.zeros((FOLDS, self.n_classes, self.n_classes))

    def add(self, statistics: MaskStatistics) -> None:
        """Adds a sample."""
        self.n_samples += 1
        given, predicted = statistics.confusion[:, :2].astype(np.int64).T
        self._folds[statistics.key % FOLDS, given, predicted] += statistics.confusion[:, 2]
        self._kept[statistics.key] = statistics
        if len(self._kept) > MOST_SAMPLES:
            # The same ones whatever the order of the samples.
            del self._kept[max(self._kept)]
        self._models.clear()

    def log_odds(self, found: Disagreements, key: int | None) -> NDArray[np.float64] | None:
        """The log-odds of regions being label errors.

        Args:
            found: regions of a sample
            key: that of the sample if it was added to the fit, so that it is scored by the other folds

        Returns:
            (r,) float64; None where the dataset says too little
        """
        fold = FOLDS if key is None else key % FOLDS
        if fold not in self._models:
            self._models[fold] = self._model(fold)
        model = self._models[fold]
        return None if model is None else model.log_odds(self._features(_rows(found), fold))

    def _model(self, fold: int) -> Model | None:
        used = [
            self._kept[key] for key in sorted(self._kept, key=lambda key: (key % FOLDS, key)) if key % FOLDS != fold
        ]
        if len(used) < _LEAST_SAMPLES:
            return None
        # Each sample by the rates of the folds that it is not in, as it will be when it is scored.
        groups = [[one for one in used if one.key % FOLDS == own] for own in range(FOLDS) if own != fold]
        ordinary, mistaken = (
            np.concatenate(
                [
                    self._features(np.concatenate([getattr(one, kind) for one in group]), group[0].key % FOLDS, fold)
                    for group in groups
                    if group
                ]
            )
            for kind in ("ordinary", "mistaken")
        )
        if min(len(ordinary), len(mistaken)) < _LEAST_REGIONS:
            return None
        samples = np.repeat(np.arange(len(used)), [len(one.ordinary) for one in used])
        errors_of = np.concatenate([one.errors + index * (_DRAWS + 1) for index, one in enumerate(used)])
        drawn = np.unique(errors_of, return_inverse=True)[1]
        return Model.fitted(Grouped(ordinary, samples), Grouped(mistaken, drawn))

    def _features(self, rows: NDArray[np.float64], *without: int) -> NDArray[np.float64]:
        """(r, MEASURES + 4) the measures, and how often the dataset has such a pair of classes and each of them wrong."""
        totals = self._folds[[fold for fold in range(FOLDS) if fold not in without]].sum(axis=0)
        measures, given, predicted = rows[:, :-2], rows[:, -2].astype(np.int64), rows[:, -1].astype(np.int64)
        by_given, by_predicted, right = totals.sum(axis=1), totals.sum(axis=0), np.diag(totals)
        pair = totals[given, predicted] + 1e-4
        rates = [
            pair / (by_predicted[predicted] + 1e-3),
            pair / (by_given[given] + 1e-3),
            (by_predicted[predicted] - right[predicted] + 1e-3) / (by_predicted[predicted] + 2e-3),
            (by_given[given] - right[given] + 1e-3) / (by_given[given] + 2e-3),
        ]
        return np.column_stack([measures, *np.log(rates)])

    def to_json(self) -> dict[str, Any]:
        """The fit as JSON has it, without the samples: more can not be added to what is read from it."""
        for fold in range(FOLDS + 1):
            if fold not in self._models:
                self._models[fold] = self._model(fold)
        confusion = {
            f"{fold},{given},{predicted}": float(self._folds[fold, given, predicted])
            for fold, given, predicted in np.argwhere(self._folds)
        }
        models = [
            None if model is None else {name: np.asarray(value).tolist() for name, value in vars(model).items()}
            for model in (self._models[fold] for fold in range(FOLDS + 1))
        ]
        sizes = {"n_classes": self.n_classes, "background": self.background, "n_samples": self.n_samples}
        return {**sizes, "confusion": confusion, "models": models}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> MaskFit:
        """The fit that ``to_json`` gave."""
        fit = cls(stored["n_classes"], stored["background"], stored["n_samples"])
        for place, share in stored["confusion"].items():
            fit._folds[tuple(map(int, place.split(",")))] = share
        for fold, model in enumerate(stored["models"]):
            arrays = model and {name: np.array(value) for name, value in model.items() if name != "offset"}
            fit._models[fold] = None if model is None else Model(**arrays, offset=model["offset"])
        return fit
