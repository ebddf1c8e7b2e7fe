"""A sum of curves, one a feature, that tells two kinds of rows apart: small, and the same in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

# Places a curve bends at, how far it is held to zero, Newton steps at most, and a step after which the next is nothing.
_KNOTS, _RIDGE, _STEPS, _CLOSE = 4, 3.0, 12, 0.1
#: log likelihood ratios are kept within this: finite data never says more
LIMIT = 8.0


@dataclass(frozen=True)
class Curve:
    """A piecewise linear function of one feature, constant beyond its ends.

    Args:
        knots: where it bends, ascending
        values: what it is there
        at_zero: what it is where the feature is 0; None: the same as elsewhere
    """

    knots: tuple[float, ...]
    values: tuple[float, ...]
    at_zero: float | None = None

    def __call__(self, feature: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) the value of each row."""
        found = np.interp(feature, self.knots, self.values)
        return found if self.at_zero is None else np.where(feature == 0, self.at_zero, found)


@dataclass(frozen=True)
class Additive:
    """The log likelihood ratio of two kinds of rows, as a sum of curves.

    Args:
        intercept: what every row has
        curves: one a feature
    """

    intercept: float
    curves: tuple[Curve, ...]

    def __call__(self, features: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        """(n,) from one (n,) array a feature, in [-LIMIT, LIMIT]."""
        total = np.full(len(features[0]), self.intercept)
        for curve, feature in zip(self.curves, features, strict=True):
            total += curve(feature)
        return np.clip(total, -LIMIT, LIMIT)

    def to_json(self) -> list[Any]:
        """Numbers and lists only."""
        return [self.intercept, *([list(c.knots), list(c.values), c.at_zero] for c in self.curves)]

    @classmethod
    def from_json(cls, stored: Sequence[Any]) -> Additive:
        """What ``to_json`` wrote."""
        curves = tuple(Curve(tuple(knots), tuple(values), zero) for knots, values, zero in stored[1:])
        return cls(float(stored[0]), curves)


@dataclass(frozen=True)
class _Shape:
    """Where the curve of one feature can bend; ``zero``: whether 0 is a place of its own."""

    knots: NDArray[np.float64]
    zero: bool

    @classmethod
    def of(cls, feature: NDArray[np.floating]) -> _Shape:
        zero = bool(len(feature)) and feature.min() >= 0 and float((feature == 0).mean()) > 0.05
        spread = feature[feature > 0] if zero else feature
        if len(spread) <= 4 * _KNOTS:
            return cls(np.zeros(1), zero)
        # About a thousand of the rows say well enough where a curve may bend.
        some = np.sort(spread[:: 1 + len(spread) // 1000])
        return cls(np.unique(some[np.linspace(0, len(some) - 1, _KNOTS).astype(np.int64)]), zero)

    @property
    def width(self) -> int:
        return len(self.knots) - 1 + self.zero

    def columns(self, feature: NDArray[np.floating]) -> NDArray[np.float64]:
        """(width, n): a ramp between every two knots, so that the ridge draws neighbours together; then whether it is 0."""
        low, rise = self.knots[:-1, None], np.diff(self.knots)[:, None]
        ramps = np.clip((feature - low) / rise, 0, 1)
        if not self.zero:
            return ramps
        none = feature == 0
        ramps[:, none] = 0
        return np.concatenate([ramps, none[None]])

    def curve(self, weights: NDArray[np.float64]) -> Curve:
        ramps = weights[: len(self.knots) - 1]
        values = tuple(np.concatenate([[0], np.cumsum(ramps)]).tolist())
        return Curve(tuple(self.knots.tolist()), values, float(weights[-1]) if self.zero else None)


def fit_additive(
    clean: Sequence[NDArray[np.floating]],
    wrong: Sequence[NDArray[np.floating]],
    folds: tuple[NDArray[np.int64], NDArray[np.int64]],
    n_folds: int,
) -> list[Additive]:
    """Curves that tell wrong rows from clean ones, by a ridge logistic regression in which both kinds count the same.

    Args:
        clean: one (n,) array a feature
        wrong: one (m,) array a feature
        folds: (n,) and (m,) int64 in [0, n_folds), the fold of each row
        n_folds: how many folds

    Returns:
        for every fold what the rows of all others say, by one Newton step from the fit of all rows; and last that fit.
        Where one kind has no rows, in all folds or in all others, that is nothing: a ratio of 1

    Source: Hastie & Tibshirani, Generalized Additive Models, 1986; Pregibon, Logistic Regression Diagnostics, 1981 (the step).
    """
    features = [np.concatenate(pair) for pair in zip(clean, wrong, strict=True)]
    shapes = [_Shape.of(feature) for feature in features]
    n, m = len(clean[0]), len(wrong[0])
    nothing = Additive(0.0, tuple(Curve((0.0,), (0.0,)) for _ in shapes))
    if min(n, m) == 0:
        return [nothing] * (n_folds + 1)
    columns = (shape.columns(one) for shape, one in zip(shapes, features, strict=True))
    # Half the precision is twice as fast, and far beyond what the ridge leaves to be said.
    rows = np.concatenate([np.ones((1, n + m)), *columns]).astype(np.float32)
    truth = np.repeat(np.array([0, 1], np.float32), [n, m])
    # Each kind weighs as much as the rarer one has rows.
    weights = np.repeat(np.array([min(n, m) / n, min(n, m) / m], np.float32), [n, m])
    owners = np.concatenate(folds)
    order = np.argsort(owners, kind="stable")
    cuts = np.searchsorted(owners[order], np.arange(n_folds + 1))
    found = _regression(rows[:, order], truth[order], weights[order], cuts)
    # The step away from rows that are all there are would end anywhere.
    alone = [any((side == fold).all() for side in folds) for fold in range(n_folds)]
    return [nothing if lone else _named(beta, shapes) for beta, lone in zip(found, [*alone, False], strict=True)]


def _named(beta: NDArray[np.float64], shapes: Sequence[_Shape]) -> Additive:
    cuts = np.cumsum([1, *(shape.width for shape in shapes)])
    parts = zip(shapes, pairwise(cuts), strict=True)
    return Additive(float(beta[0]), tuple(shape.curve(beta[low:high]) for shape, (low, high) in parts))


def _regression(
    rows: NDArray[np.float32], truth: NDArray[np.float32], weights: NDArray[np.float32], cuts: NDArray[np.int64]
) -> list[NDArray[np.float64]]:
    """The coefficients without each fold, and last those of all rows; the rows of a fold lie between two cuts."""
    beta = np.zeros(len(rows))
    ridge = np.full(len(rows), _RIDGE)
    ridge[0] = 1e-6
    for _ in range(_STEPS):
        parts = [
            _derivatives(rows[:, low:high], truth[low:high], weights[low:high], beta) for low, high in pairwise(cuts)
        ]
        slope, bend = sum(part[0] for part in parts) - ridge * beta, sum(part[1] for part in parts) + np.diag(ridge)
        step = _solved(bend, slope)
        beta = beta + step
        if np.abs(step).max() < _CLOSE:
            break
    return [*(beta - _solved(bend - part[1], part[0]) for part in parts), beta]


def _derivatives(
    rows: NDArray[np.float32], truth: NDArray[np.float32], weights: NDArray[np.float32], beta: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The gradient of the log likelihood and minus its second derivative."""
    found = expit(beta.astype(np.float32) @ rows)
    slope, bend = rows @ (weights * (truth - found)), (rows * (weights * found * (1 - found))) @ rows.T
    return slope.astype(np.float64), bend.astype(np.float64)


def _solved(matrix: NDArray[np.float64], vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return cho_solve(cho_factor(matrix, check_finite=False), vector, check_finite=False)
