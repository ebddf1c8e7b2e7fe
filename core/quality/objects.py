"""Which labels of objects are wrong: spurious, of a wrong class, badly placed, duplicate; and which objects have no label.

Two passes over the samples, both by batch: ``Fit`` learns from the dataset itself how its detector and its labels go
together, then ``score_objects`` scores batch after batch with what was learned.

What a confidence is worth differs from detector to detector, and so does what an error looks like. So nothing is fixed
here: in the fit, errors of every kind are planted in thought into some of the dataset's own samples, and for every kind
the likelihood ratio is learned between planted errors and labels as they are. Every sample is scored by what the others say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from ..errors import ShortlistError
from .object_batch import Batch, Predicted, samples_of
from .object_calibration import MISSING, N_FOLDS, ObjectCalibration, Table, fold_of, learn
from .object_evidence import Evidence, candidate_evidence, object_evidence
from .object_pairs import HIT, Overlap, Side
from .object_planting import KINDS, candidates, dropped, key_of, planted
from .object_scene import Scene

__all__ = [
    "KINDS",
    "MISSING",
    "Batch",
    "Fit",
    "ObjectCalibration",
    "ObjectQuality",
    "Overlap",
    "Predicted",
    "Side",
    "calibrate",
    "key_of",
    "score_objects",
]

# The fit looks at samples with about so many labels, or so many times more predictions: more would say little more.
_ENOUGH, _PREDICTED = 2000, 6
# How likely something is wrong before anything is known: with a sample, with an object, and that a candidate is an object.
_PRIORS = {"sample": 0.2, "object": 0.1, MISSING: 0.1}
# Of the errors of samples the share of missing labels: objects are forgotten more often than anything else.
_FORGOTTEN = 3 / 11


class Fit:
    """Learns a calibration: ``add`` every batch, then ``finish``. Memory is bounded, and the order of samples does not matter.

    Args:
        n_classes: K
        seed: of the planted errors
        enough: samples with about so many labels are looked at, drawn by their keys
    """

    def __init__(self, n_classes: int, seed: int = 0, enough: int = _ENOUGH):
        self._n_classes, self._seed, self._enough = n_classes, seed, enough
        self._keys = np.zeros(0, np.uint64)
        self._sizes = np.zeros(0, np.int64)
        self._parts: dict[str, list[tuple[Evidence, NDArray[np.uint64]]]] = {}

    def add(self, batch: Batch) -> None:
        """Takes note of some samples, which must have keys."""
        if batch.keys is None:
            raise ShortlistError("keys must be given to learn from samples. Got None instead.")
        sizes = np.maximum(np.diff(batch.given.offsets), -(-np.diff(batch.predicted.offsets) // _PREDICTED))
        usable = np.ones(len(batch), bool) if batch.scoreable is None else batch.scoreable
        keys = batch.keys.astype(np.uint64)
        self._keys = np.concatenate([self._keys, keys[usable]])
        self._sizes = np.concatenate([self._sizes, sizes[usable]])
        last = self._prune()
        samples = np.flatnonzero(usable & (keys <= last))
        if len(samples):
            self._note(Scene(batch.of(samples), self._n_classes), keys[samples])

    def _prune(self) -> np.uint64:
        """Forgets what is beyond enough: the first samples by key count, whenever they came. Returns the last of these keys."""
        order = np.argsort(self._keys, kind="stable")
        total = np.cumsum(self._sizes[order])
        count = max(int(np.searchsorted(total, self._enough, side="right")), min(1, len(order)))
        self._keys, self._sizes = self._keys[order][:count], self._sizes[order][:count]
        last = self._keys[-1] if count else np.uint64(0)
        for name, parts in self._parts.items():
            kept = [(evidence, keys, keys <= last) for evidence, keys in parts]
            self._parts[name] = [
                (evidence, keys) if keep.all() else ({k: v[keep] for k, v in evidence.items()}, keys[keep])
                for evidence, keys, keep in kept
            ]
        return last

    def _note(self, scene: Scene, keys: NDArray[np.uint64]) -> None:
        given, found, predicted = scene.given_samples, samples_of(scene.predicted), scene.predicted
        real = object_evidence(scene, scene.real)
        known = ~np.isnan(real["size"])
        self._keep("given", real, keys[given], known)
        for kind, evidence in planted(scene, keys, self._seed).items():
            self._keep(kind, evidence, keys[given], known)
        free = candidates(scene)
        none = np.full(len(free), -1)
        self._keep("free", candidate_evidence(scene, free, scene.covers.first[free], none), keys[found[free]])
        without, lost = dropped(scene)
        self._keep("lost", without, keys[given[lost]])
        classes = predicted.classes.astype(np.float64)
        claims: Evidence = {
            "confidence": predicted.confidences.astype(np.float64),
            "class": classes,
            "claim": scene.claims.first,
        }
        self._keep("found", claims, keys[found])

    def _keep(
        self, name: str, evidence: Evidence, keys: NDArray[np.uint64], known: NDArray[np.bool_] | None = None
    ) -> None:
        if "size" in evidence:
            sized = ~np.isnan(evidence["size"])
            known = sized if known is None else known & sized
        if known is not None and not known.all():
            evidence, keys = {k: v[known] for k, v in evidence.items()}, keys[known]
        self._parts.setdefault(name, []).append((evidence, keys))

    def finish(self) -> ObjectCalibration:
        """What the samples say.

        Raises:
            ShortlistError: there were no samples to learn from
        """
        if not self._parts:
            raise ShortlistError(
                "a calibration must be learned from samples that have labels and predictions. Got none."
            )
        tables = {name: _table(parts) for name, parts in self._parts.items()}
        wrong = {kind: tables[kind] for kind in KINDS}
        # The matrices are small: threads would wait for each other longer than they work.
        with _pools().limit(limits=1, user_api="blas"):
            return learn(tables["given"], wrong, tables["free"], tables["lost"], tables["found"], self._n_classes)


@cache
def _pools() -> ThreadpoolController:
    """The thread pools of this process; finding them takes as long as a regression."""
    return ThreadpoolController()


def _table(parts: list[tuple[Evidence, NDArray[np.uint64]]]) -> Table:
    """The rows of all parts in the order of their keys."""
    keys = np.concatenate([keys for _, keys in parts])
    order = np.argsort(keys, kind="stable")
    columns = {name: np.concatenate([evidence[name] for evidence, _ in parts])[order] for name in parts[0][0]}
    return Table(columns, fold_of(keys[order], len(keys)))


def calibrate(batches: Iterable[Batch], n_classes: int, seed: int = 0) -> ObjectCalibration:
    """Learns from all batches; see ``Fit``."""
    fit = Fit(n_classes, seed)
    for batch in batches:
        fit.add(batch)
    return fit.finish()


@dataclass(frozen=True)
class ObjectQuality:
    """The quality of the labels of n samples with m given objects.

    Args:
        samples: (n,) float in [0, 1], low = wrong; NaN where unscoreable
        sample_kinds: (n,) int64, what is most likely wrong with the sample if something is: an index of ``KINDS``, 4 for a
            missing object; -1 where unscoreable
        sample_probabilities: (n, 5) float, of each of ``KINDS`` and of a missing object; NaN rows where unscoreable
        objects: (m,) float in [0, 1], low = wrong; NaN where unscoreable
        kinds: (m,) int64, what is most likely wrong with it if something is: an index of ``KINDS``; -1 where unscoreable
        probabilities: (m, 4) float, of each of ``KINDS``; NaN rows where unscoreable
        suggested_classes: (m,) int64, the class that it should have if its kind is wrong_class; else -1
        suggested_boxes: (m,) int64, the row of the predicted object that shows where it is if its kind is bad_location; else -1
        missing: (k,) int64, rows of the predicted objects that no label overlaps
        missing_scores: (k,) float in [0, 1], the probability that a label is missing there
    """

    samples: NDArray[np.float64]
    sample_kinds: NDArray[np.int64]
    sample_probabilities: NDArray[np.float64]
    objects: NDArray[np.float64]
    kinds: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    suggested_classes: NDArray[np.int64]
    suggested_boxes: NDArray[np.int64]
    missing: NDArray[np.int64]
    missing_scores: NDArray[np.float64]


def score_objects(batch: Batch, calibration: ObjectCalibration) -> ObjectQuality:
    """Scores the labels of a batch.

    Args:
        batch: the samples; those with keys are scored by what the samples of other folds say
        calibration: what was learned

    Returns:
        the quality of samples and objects, and where labels are missing
    """
    scene = Scene(batch, calibration.n_classes)
    scoreable = np.ones(len(batch), bool) if batch.scoreable is None else batch.scoreable
    folds = np.where(scoreable, fold_of(batch.keys, len(batch)), -1)
    evidence = object_evidence(scene, scene.real)
    ratios = np.full((len(scene.given.classes), len(KINDS)), np.nan)
    for rows, fold in _by_fold(folds[scene.given_samples]):
        ratios[rows] = calibration.folds[fold].ratios(_rows(evidence, rows))
    missing, missing_ratios = _missing(scene, calibration, folds)
    found = samples_of(scene.predicted)[missing]
    pooled = _pooled(scoreable, scene.given_samples, ratios + np.log(calibration.shares), found, missing_ratios)
    probabilities = _posterior(np.exp(ratios) * calibration.shares, _PRIORS["object"])
    kinds = _likeliest(probabilities)
    return ObjectQuality(
        samples=1 - pooled.sum(axis=1),
        sample_kinds=_likeliest(pooled),
        sample_probabilities=pooled,
        objects=1 - probabilities.sum(axis=1),
        kinds=kinds,
        probabilities=probabilities,
        suggested_classes=np.where(kinds == KINDS.index("wrong_class"), evidence["rival"].astype(np.int64), -1),
        suggested_boxes=np.where(kinds == KINDS.index("bad_location"), evidence["claimed"].astype(np.int64), -1),
        missing=missing,
        missing_scores=_posterior(np.exp(missing_ratios)[:, None], _PRIORS[MISSING])[:, 0],
    )


def _by_fold(folds: NDArray[np.int64]) -> Iterable[tuple[NDArray[np.int64], int]]:
    """The rows of each fold that has some."""
    for fold in range(N_FOLDS + 1):
        rows = np.flatnonzero(folds == fold)
        if len(rows):
            yield rows, fold


def _rows(evidence: Mapping[str, NDArray[np.float64]], rows: NDArray[np.int64]) -> Evidence:
    return {name: values[rows] for name, values in evidence.items()}


def _missing(
    scene: Scene, calibration: ObjectCalibration, folds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Predicted objects that may lack a label, of overlapping ones of a class the most confident, and their log ratios."""
    free = candidates(scene)
    evidence = candidate_evidence(scene, free, scene.covers.first[free], np.full(len(free), -1))
    ratios = np.full(len(free), np.nan)
    for rows, fold in _by_fold(folds[samples_of(scene.predicted)[free]]):
        ratios[rows] = calibration.folds[fold].missing_ratios(_rows(evidence, rows))
    kept = ~np.isnan(ratios) & (evidence["better_same"] < HIT)
    return free[kept], ratios[kept]


def _pooled(
    scoreable: NDArray[np.bool_],
    owners: NDArray[np.int64],
    ratios: NDArray[np.float64],
    found: NDArray[np.int64],
    missing_ratios: NDArray[np.float64],
) -> NDArray[np.float64]:
    """(n, 5) the probability of each of ``KINDS`` and of a missing label, for samples; NaN rows where unscoreable.

    ``ratios``: (m, 4) the log likelihood ratios of given objects, each with the share of its kind.

    The likelihood ratio of *one of n objects is wrong* is the mean of theirs, so that many objects alone are no sign of an
    error, while one sure error among many is.
    """
    n = len(scoreable)
    known = ~np.isnan(ratios).any(axis=1)
    counts = np.maximum(np.bincount(owners[known], minlength=n), 1)
    kinds = [np.bincount(owners[known], np.exp(column[known]), n) / counts for column in ratios.T]
    # One more candidate, of which nothing is known, stands for objects that the detector does not see.
    missing = (np.bincount(found, np.exp(missing_ratios), n) + 1) / (np.bincount(found, minlength=n) + 1)
    together = np.stack([*((1 - _FORGOTTEN) * one for one in kinds), _FORGOTTEN * missing], axis=1)
    return np.where(scoreable[:, None], _posterior(together, _PRIORS["sample"]), np.nan)


def _likeliest(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the column with the greatest probability, -1 for rows that are NaN."""
    return np.where(np.isnan(probabilities).any(axis=1), -1, np.nan_to_num(probabilities).argmax(axis=1))


def _posterior(ratios: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """(n, k) the probability of each of k alternatives with these likelihood ratios, if all together have this prior."""
    odds = ratios * prior / (1 - prior)
    return odds / (1 + odds.sum(axis=1, keepdims=True))
