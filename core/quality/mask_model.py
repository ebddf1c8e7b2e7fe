"""A small regression that tells regions which label errors made from those that a model's usual mistakes make."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

# Of the regression, the inverse of its penalty: dozens of features, some hundred errors.
_STRENGTH = 0.03


@dataclass(frozen=True)
class Model:
    """The log-odds of regions being label errors, from a logistic regression on features and their squares.

    0 is as much like the worst region of a sample with an error as like that of a sample as it is.

    Args:
        low, high: (f,) what features are clipped to
        centre, spread: (f,) what they are standardized by
        weights: (2 f,) of the features and of their squares
        offset: the log-odds where all are 0
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: float

    def log_odds(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """(r,) of regions being errors."""
        return self._expanded(features) @ self.weights + self.offset

    def _expanded(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        plain = (np.clip(features, self.low, self.high) - self.centre) / self.spread
        return np.concatenate([plain, plain**2 - 1], axis=1)

    @classmethod
    def fitted(cls, ordinary: Grouped, mistaken: Grouped) -> Model:
        """Tells the regions of errors from ordinary ones; every error counts alike, and both kinds do."""
        features = np.concatenate([ordinary.features, mistaken.features])
        low, high = np.quantile(features, [0.01, 0.99], axis=0)
        clipped = np.clip(features, low, high)
        spread = clipped.std(axis=0)
        bare = cls(low, high, clipped.mean(axis=0), np.where(spread > 1e-9, spread, 1.0), np.zeros(0), 0.0)
        n_ordinary = len(ordinary.features)
        share = 1 / np.bincount(mistaken.groups)[mistaken.groups]
        balanced = np.concatenate([np.ones(n_ordinary), share * n_ordinary / share.sum()])
        weights, offset = _regression(
            bare._expanded(features), np.arange(len(features)) >= n_ordinary, balanced, _STRENGTH
        )
        found = replace(bare, weights=weights, offset=offset)
        scale, shift = _calibrated(*(group.greatest(found.log_odds(group.features)) for group in (ordinary, mistaken)))
        return replace(found, weights=scale * weights, offset=scale * offset + shift)


def _calibrated(ordinary: NDArray[np.float64], mistaken: NDArray[np.float64]) -> tuple[float, float]:
    """What makes a region's log-odds those of the sample having an error, were it the sample's worst region.

    Args:
        ordinary: (n,) the greatest log-odds of each sample as it is
        mistaken: (e,) the greatest log-odds that each error adds
    """
    values = np.concatenate([ordinary, mistaken])[:, None]
    is_error = np.arange(len(values)) >= len(ordinary)
    balanced = np.where(is_error, len(ordinary) / len(mistaken), 1.0)
    (scale,), shift = _regression(values, is_error, balanced, 1e3)
    # What is likelier an error stays so.
    return max(float(scale), 0.1), shift


def _regression(
    features: NDArray[np.float64], is_error: NDArray[np.bool_], weights: NDArray[np.float64], strength: float
) -> tuple[NDArray[np.float64], float]:
    """Weights and offset of a logistic regression; ``strength`` is the inverse of the penalty."""
    found = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8).fit(features, is_error, weights)
    return found.coef_[0], float(found.intercept_[0])


@dataclass(frozen=True)
class Grouped:
    """Regions, and the sample or error that each is of.

    Args:
        features: (r, f) float64
        groups: (r,) int
    """

    features: NDArray[np.float64]
    groups: NDArray[np.int64]

    def greatest(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The greatest value of each group that has a region."""
        found = np.full(int(self.groups.max()) + 1, -np.inf)
        np.maximum.at(found, self.groups, values)
        return found[np.isfinite(found)]
