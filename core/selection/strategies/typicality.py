"""TYPICALITY: prefer what has many others near it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...progress import Progress, silent
from ...vectors import blocks, checked, mean_of
from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale, StaticGains
from ..engine.limits import Limit, Only
from ..engine.run import Term
from ..parts.neighbors import nearest_neighbors
from ..parts.objects import last_resort, mean_over_objects, objects_of
from ..strategy import Pool, Strategy
from ..values import ObjectVectors, Takes

# Up to so many points all pairs are compared; beyond, this share of the true neighbours is found.
_EXACT, _RECALL = 50_000, 0.98
# Mean distances below this share of the pool's width are duplicates, and are not told apart.
_NEAREST = 1e-6


class Typicality(Strategy):
    """Picks what has its nearest neighbours closest, and so stands for many; outliers come last."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = (
        "Hacohen et al., Active Learning on a Budget: Opposite Strategies Suit High and Low Budgets, 2022"
    )
    gain_means: ClassVar[str] = "inverse of the mean distance to the nearest neighbours"
    of_objects: ClassVar[bool] = True
    everyday: ClassVar[bool] = True

    type: Literal["TYPICALITY"]
    num_nearest_neighbors: int = Field(
        20, ge=1, description="How many nearest neighbours count, the sample itself not among them; at most all others."
    )
    stopping_condition_minimum_typicality: float | None = Field(
        None,
        gt=0,
        description="Pass over every sample whose typicality is below this, or that has no objects to have one.",
    )

    def gains(self, values: Any, pool: Pool) -> Gains:
        return TypicalityGains(last_resort(self._typicality(values, pool), pool.eligible, self.strength))

    def rules(self, values: Any, pool: Pool) -> list[Limit | Term]:
        least = self.stopping_condition_minimum_typicality
        if least is None:
            return []
        with np.errstate(invalid="ignore"):
            return [Only(f"typicality of at least {least:g}", self._typicality(values, pool) >= least)]

    def words(self, source: str) -> str:
        return f"prefers what is {'typical' if self.strength > 0 else 'unusual'} in {source}"

    def _typicality(self, values: Any, pool: Pool) -> Floats:
        """(n,) the typicality of every row that may be picked, among them; NaN for the rest and for rows without objects."""
        key = (self.num_nearest_neighbors, len(pool.eligible))
        known = _latest.get(key, values, pool.eligible)
        if known is not None:
            return known
        found = np.full(len(values), np.nan)
        if isinstance(values, ObjectVectors):
            objects, owners = objects_of(values.offsets, pool.eligible)
            vectors = checked(values.vectors, "embeddings of objects")[objects]
            each = typicality(vectors, self.num_nearest_neighbors, progress=pool.progress)
            found[pool.eligible] = mean_over_objects(each, owners, len(pool.eligible))
        else:
            vectors = checked(values)
            chosen = vectors if len(pool.eligible) == len(vectors) else vectors[pool.eligible]
            found[pool.eligible] = typicality(chosen, self.num_nearest_neighbors, progress=pool.progress)
        _latest.keep(key, values, pool.eligible, found)
        return found


def typicality(vectors: NDArray[np.floating], n_neighbors: int = 20, *, progress: Progress = silent) -> Floats:
    """How close the nearest others are.

    Up to 50 000 vectors the neighbours are exact. Beyond, at least about 98 % of them are (measured on a sample of the
    vectors), and the mean distance is off by less; either way nothing is drawn at random.

    Args:
        vectors: (n, d) float
        n_neighbors: how many, cut at n - 1
        progress: told the comparisons done

    Returns:
        (n,) the inverse of the mean Euclidean distance to them, 0 for a single vector; at most a million times the inverse
        of the width of the data, which duplicates reach

    Source: Hacohen et al. 2022, equation 1

    >>> typicality(np.array([[0.0], [1.0], [3.0]]), 1).round(2).tolist()
    [1.0, 1.0, 0.5]
    """
    if len(vectors) < 2:
        return np.zeros(len(vectors))
    recall = 1.0 if len(vectors) <= _EXACT else _RECALL
    distances, _ = nearest_neighbors(vectors, n_neighbors, recall=recall, progress=progress)
    there = np.isfinite(distances)
    mean = np.where(there, distances, 0).sum(axis=1, dtype=np.float64) / np.maximum(there.sum(axis=1), 1)
    mean[~there.any(axis=1)] = distances[there].max()
    return 1 / np.maximum(mean, _NEAREST * _width(vectors))


def _width(vectors: NDArray[np.floating]) -> float:
    """The root mean square distance from the mean; of equal vectors their length, and 1 if that is 0 too."""
    centre = mean_of(vectors)
    squares = sum(float(np.square(vectors[block] - centre, dtype=np.float64).sum()) for block in blocks(*vectors.shape))
    return float(np.sqrt(squares / len(vectors))) or float(np.linalg.norm(centre)) or 1.0


class TypicalityGains(StaticGains):
    """Typicalities, which a mixture weighs by the mean distances that they are the inverse of.

    A handful of duplicates has a typicality without bound, and would be worth more than all that another strategy could
    say; their mean distance is 0, which is only so much less than that of others.
    """

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean distance of the pool to that of what is picked."""
        distances = StaticGains(-1 / np.maximum(self.upper, np.finfo(np.float64).tiny))
        found = distances.scale(solo, random, eligible)
        assert isinstance(found, Linear)
        return Inverse(found.chance, found.unit)


@dataclass(frozen=True)
class Inverse(Linear):
    """The worth of a number's inverse, negated: mean distances, given as typicalities."""

    def scaled(self, gain: Floats) -> Floats:
        return super().scaled(-1 / np.maximum(gain, np.finfo(np.float64).tiny))

    def needed(self, scaled: Floats) -> Floats:
        least = super().needed(scaled)
        with np.errstate(divide="ignore"):
            return np.where(least < 0, -1 / np.minimum(least, 0), np.inf)


class _Latest:
    """The last result, so that a run's gains and rules are computed once; it lives no longer than the values."""

    def __init__(self) -> None:
        self._kept: tuple[Any, weakref.ref, weakref.ref, Floats] | None = None

    def get(self, key: Any, values: Any, eligible: NDArray[np.int64]) -> Floats | None:
        """The result for just these objects, if it is the last one."""
        kept = self._kept
        if kept is None or kept[0] != key or kept[1]() is not values or kept[2]() is not eligible:
            return None
        return kept[3]

    def keep(self, key: Any, values: Any, eligible: NDArray[np.int64], result: Floats) -> None:
        """Remembers a result in place of the last one."""
        self._kept = (key, weakref.ref(values, self._forget), weakref.ref(eligible, self._forget), result)

    def _forget(self, _: weakref.ref) -> None:
        self._kept = None


_latest = _Latest()
