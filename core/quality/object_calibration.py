"""What is learned from a dataset of how its detector and its labels go together, and how likely errors are by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from .object_additive import Additive, Curve, fit_additive
from .object_evidence import Evidence
from .object_pairs import HIT
from .object_planting import KINDS

N_FOLDS = 5
MISSING = "missing"
# What each question is answered from: names of ``Evidence`` and of ``_derived``.
_FEATURES: dict[str, tuple[str, ...]] = {
    "spurious": ("size", "own", "weak", "any", "soft", "same", "count", "crowd", "context", "recall", "surprise"),
    "wrong_class": (
        *("other", "ratio", "weighted_ratio", "soft", "own", "same", "context", "count", "rival_precision", "margin"),
        *("recall", "surprise"),
    ),
    "bad_location": ("iou", "confidence", "best_iou", "off", "own", "weak", "size", "crowd"),
    "duplicate": ("duplicate", "overlapped", "own", "shared", "size", "crowd"),
    MISSING: ("sure", "confidence", "cover", "cover_same", "better_same", "better", "size", "same", "inside", "around"),
    "recall": ("size", "recall", "same", "count", "crowd"),
}
# So many objects of the average outweigh a class's own.
_PRIOR_OBJECTS = 5.0
# The least and greatest probability of anything.
_EDGE = 0.01
# Of the labels as they are about so many are wrong; and the most that this may make of a ratio.
_WRONG, _MOST = 0.04, 20.0
# Shares of the kinds of errors: what is believed at first, in how many rounds they are found, and how far they count.
_START, _ROUNDS, _TRUST = 0.01, 30, 0.75


@dataclass(frozen=True)
class Learned:
    """What the samples of all folds but one say, or those of all.

    Args:
        class_recall: (K + 1,) the share of the labels of a class that some prediction of it shows
        class_precision: (K + 1,) how much more often predictions of a class are right than their confidence says
        precision: the probability that a predicted object is there, by its confidence
        models: by question the log likelihood ratio of an error
    """

    class_recall: tuple[float, ...]
    class_precision: tuple[float, ...]
    precision: Curve
    models: Mapping[str, Additive]

    def ratios(self, evidence: Evidence) -> NDArray[np.float64]:
        """(n, 4) the log likelihood ratios of each of ``KINDS`` for given objects; NaN where a box is none."""
        return self._answers(_derived(evidence, self), KINDS)

    def missing_ratios(self, evidence: Evidence) -> NDArray[np.float64]:
        """(n,) the log likelihood ratios of a missing label for predicted objects without one."""
        return self._answers(_derived_missing(evidence, self), (MISSING,))[:, 0]

    def _answers(self, evidence: Evidence, questions: Sequence[str]) -> NDArray[np.float64]:
        found = [_against_right(self.models[kind](chosen(evidence, kind))) for kind in questions]
        return np.where(np.isnan(evidence["size"]), np.nan, found).T

    def to_json(self) -> dict[str, Any]:
        """Numbers, strings, lists and dictionaries only."""
        curve = [list(self.precision.knots), list(self.precision.values)]
        models = {kind: model.to_json() for kind, model in self.models.items()}
        tables = {"class_recall": list(self.class_recall), "class_precision": list(self.class_precision)}
        return {**tables, "precision": curve, "models": models}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Learned:
        """What ``to_json`` wrote."""
        models = {kind: Additive.from_json(model) for kind, model in stored["models"].items()}
        knots, values = stored["precision"]
        curve = Curve(tuple(knots), tuple(values))
        return cls(tuple(stored["class_recall"]), tuple(stored["class_precision"]), curve, models)


@dataclass(frozen=True)
class ObjectCalibration:
    """What was learned from a dataset; small, and the same in JSON.

    Args:
        n_classes: K
        n_objects: how many given objects it was learned from
        n_predicted: how many predicted objects
        shares: of the errors of given objects the share of each of ``KINDS``; they sum to 1
        folds: what all samples but those of a fold say, for each fold; last what all say
    """

    n_classes: int
    n_objects: int
    n_predicted: int
    shares: tuple[float, ...]
    folds: tuple[Learned, ...]

    def to_json(self) -> dict[str, Any]:
        """Numbers, strings, lists and dictionaries only."""
        counts = {"n_classes": self.n_classes, "n_objects": self.n_objects, "n_predicted": self.n_predicted}
        return {**counts, "shares": list(self.shares), "folds": [one.to_json() for one in self.folds]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ObjectCalibration:
        """What ``to_json`` wrote."""
        folds = tuple(Learned.from_json(one) for one in stored["folds"])
        n_classes, n_objects, n_predicted = (int(stored[name]) for name in ("n_classes", "n_objects", "n_predicted"))
        return cls(n_classes, n_objects, n_predicted, tuple(stored["shares"]), folds)


def fold_of(keys: NDArray[np.uint64] | None, n: int) -> NDArray[np.int64]:
    """(n,) the place in ``ObjectCalibration.folds`` that samples are scored by."""
    return np.full(n, N_FOLDS) if keys is None else (keys.astype(np.uint64) % np.uint64(N_FOLDS)).astype(np.int64)


def _against_right(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log ratios of errors to right labels, from those to labels as they are, of which some are wrong."""
    left = np.maximum(1 - _WRONG * np.exp(ratio), 1 / _MOST)
    return ratio + np.log((1 - _WRONG) / left)


def chosen(evidence: Evidence, question: str) -> list[NDArray[np.float64]]:
    """What a question is answered from."""
    return [evidence[name] for name in _FEATURES[question]]


def _log_odds(share: NDArray[np.floating]) -> NDArray[np.float64]:
    return logit(np.clip(share, _EDGE, 1 - _EDGE))


def _derived(evidence: Evidence, learned: Learned) -> Evidence:
    """The evidence of given objects with what follows from it and from what was learned."""
    rival = evidence["rival"].astype(np.int64)
    found = {
        **evidence,
        "recall": np.array(learned.class_recall)[evidence["class"].astype(np.int64)],
        "rival_precision": np.where(rival >= 0, np.array(learned.class_precision)[rival], 0),
        "off": evidence["confidence"] * (1 - evidence["iou"]) * (evidence["own"] <= evidence["confidence"]),
        "margin": _log_odds(evidence["other"]) - _log_odds(evidence["own"]),
    }
    # How surprising it is that no prediction shows an object of this size and class.
    recall = (
        expit(learned.models["recall"](chosen(found, "recall"))) if "recall" in learned.models else np.zeros(len(rival))
    )
    found["surprise"] = np.where(evidence["shared"] > 0, 0, -np.log(1 - np.clip(recall, _EDGE, 1 - _EDGE)))
    return found


def _derived_missing(evidence: Evidence, learned: Learned) -> Evidence:
    """The evidence of predicted objects with how often such predictions are right."""
    offset = np.array(learned.class_precision)[evidence["class"].astype(np.int64)]
    return {**evidence, "sure": offset + _log_odds(evidence["confidence"])}


@dataclass(frozen=True)
class Table:
    """Evidence of many objects, and the fold of each.

    Args:
        evidence: by name (n,) arrays
        folds: (n,) int64 in [0, N_FOLDS)
    """

    evidence: Evidence
    folds: NDArray[np.int64]


def learn(
    given: Table, wrong: Mapping[str, Table], free: Table, lost: Table, found: Table, n_classes: int
) -> ObjectCalibration:
    """Learns from given objects and planted errors.

    Args:
        given: the given objects
        wrong: by kind the planted errors
        free: the predicted objects that overlap no given one
        lost: those that would, were a given object not given
        found: all predicted objects, with ``confidence``, ``class`` and ``claim`` (its overlap with a given one of its class)
        n_classes: K

    Returns:
        what was learned, without each fold and from all
    """
    bases = [_tables(given, found, fold, n_classes) for fold in range(N_FOLDS + 1)]
    # What a row's own label says must not be what it is judged by: each gets the tables without its fold.
    crossed = _crossed(given, bases, _derived)
    shown = crossed.evidence["own"] > 0
    recall = _fitted(_where(crossed, ~shown), _where(crossed, shown), "recall")
    bases = [replace(base, models={"recall": model}) for base, model in zip(bases, recall, strict=True)]
    models = {"recall": recall}
    clean = _crossed(given, bases, _derived)
    for kind in KINDS:
        models[kind] = _fitted(clean, _crossed(wrong[kind], bases, _derived), kind)
    unlabeled, unlabeled_lost = (_crossed(table, bases, _derived_missing) for table in (free, lost))
    models[MISSING] = _fitted(unlabeled, unlabeled_lost, MISSING)
    folds = [
        replace(base, models={kind: fits[place] for kind, fits in models.items()}) for place, base in enumerate(bases)
    ]
    shares = _shares(given, folds)
    return ObjectCalibration(n_classes, len(given.folds), len(found.folds), shares, tuple(folds))


def _shares(given: Table, folds: Sequence[Learned]) -> tuple[float, ...]:
    """How the errors of given objects divide into kinds: the likeliest mixture, drawn towards all kinds alike.

    Source: Dempster, Laird & Rubin, Maximum Likelihood from Incomplete Data via the EM Algorithm, 1977.
    """
    rows = [np.flatnonzero(given.folds == fold) for fold in range(N_FOLDS)]
    parts = [folds[fold].ratios({k: v[some] for k, v in given.evidence.items()}) for fold, some in enumerate(rows)]
    ratios = np.exp(np.concatenate(parts))
    found = np.full(len(KINDS), _START)
    for _ in range(_ROUNDS if len(ratios) else 0):
        wrong = found * ratios
        found = (wrong / (1 - found.sum() + wrong.sum(axis=1, keepdims=True))).mean(axis=0)
    together = max(float(found.sum()), 1e-9)
    return tuple((_TRUST * found / together + (1 - _TRUST) / len(KINDS)).tolist())


def _fitted(clean: Table, wrong: Table, question: str) -> list[Additive]:
    sides = chosen(clean.evidence, question), chosen(wrong.evidence, question)
    return fit_additive(*sides, (clean.folds, wrong.folds), N_FOLDS)


def _where(table: Table, keep: NDArray[np.bool_]) -> Table:
    return Table({name: values[keep] for name, values in table.evidence.items()}, table.folds[keep])


def _crossed(table: Table, bases: Sequence[Learned], derive: Callable[[Evidence, Learned], Evidence]) -> Table:
    """A table with what is derived from each row's other folds, in the order of the folds."""
    order = np.argsort(table.folds, kind="stable")
    cuts = np.searchsorted(table.folds[order], np.arange(N_FOLDS + 1))
    parts = []
    for fold, (low, high) in enumerate(pairwise(cuts.tolist())):
        rows = order[low:high]
        parts.append(derive({name: values[rows] for name, values in table.evidence.items()}, bases[fold]))
    return Table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, table.folds[order])


def _tables(given: Table, found: Table, left_out: int, n_classes: int) -> Learned:
    """What is said of classes and confidences by the folds but one."""
    rows = given.folds != left_out
    classes, shown = given.evidence["class"][rows].astype(np.int64), given.evidence["own"][rows] > 0
    mean = (shown.sum() + 1) / (len(shown) + 2)
    counts = np.bincount(classes, minlength=n_classes + 1)
    recall = (np.bincount(classes, shown, n_classes + 1) + _PRIOR_OBJECTS * mean) / (counts + _PRIOR_OBJECTS)
    rows = found.folds != left_out
    confidence, right = found.evidence["confidence"][rows], found.evidence["claim"][rows] >= HIT
    curve = _isotonic(confidence, right)
    expected, classes = curve(confidence), found.evidence["class"][rows].astype(np.int64)
    excess = np.bincount(classes, right - expected, n_classes + 1)
    # A Newton step from the common curve towards the class's own, in log odds; two objects' worth of doubt.
    spread = np.bincount(classes, expected * (1 - expected), n_classes + 1) + 2
    return Learned(tuple(recall.tolist()), tuple((excess / spread).tolist()), curve, {})


def _isotonic(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Curve:
    """The probability to be right by confidence: never falling, otherwise free."""
    if not len(confidence):
        return Curve((0.0,), (0.5,))
    fit = IsotonicRegression(y_min=0.0, y_max=1.0).fit(confidence, right)
    return Curve(tuple(fit.X_thresholds_.tolist()), tuple(fit.y_thresholds_.tolist()))
