"""DIVERSITY: spread out. Exact farthest-first traversal (k-center greedy)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ...vectors import checked
from ..engine.gains import Gains
from ..engine.limits import Barrier, Limit
from ..engine.run import Term
from ..parts.apart import ApartGains
from ..parts.distances import DistanceGains
from ..parts.objects import ObjectDistanceGains, objects_of
from ..strategy import Pool, Strategy
from ..values import ObjectVectors, Takes


class Diversity(Strategy):
    """Picks what is farthest from everything picked so far, so that no two picks look alike; it also finds outliers."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = "Gonzalez 1985; Sener & Savarese, Active Learning for CNNs: A Core-Set Approach, 2018"
    gain_means: ClassVar[str] = "distance to the nearest earlier pick"
    of_objects: ClassVar[bool] = True
    everyday: ClassVar[bool] = True

    type: Literal["DIVERSITY"]
    stopping_condition_minimum_distance: float | None = Field(
        None,
        gt=0,
        description="Pass over every sample that is nearer than this to an earlier pick or to the datapool; with objects, "
        "every sample all of whose objects are.",
    )

    def gains(self, values: Any, pool: Pool) -> Gains:
        """Distances to the nearest pick; a sample of objects is as far as its farthest one.

        On object embeddings the farthest object covers all objects better than the mean of a sample's objects does,
        which prefers samples with few objects: with 150 of 3000 images of 4 objects each, the mean distance of an object to
        the nearest picked one is 0.94 against 1.02 (random images: 0.95), and the greatest 1.17 against 1.24 (1.22).
        """
        if isinstance(values, ObjectVectors):
            checked(values.vectors, "embeddings of objects")
            inner = DistanceGains(values.vectors, *_objects(values, pool))
            return ObjectDistanceGains(inner, values.offsets, no_objects_first=self.strength < 0)
        return DistanceGains(checked(values), pool.preselected, pool.eligible)

    def rules(self, values: Any, pool: Pool) -> list[Limit | Term]:
        distance = self.stopping_condition_minimum_distance
        return [] if distance is None else [barrier(values, distance, pool)]

    def words(self, source: str) -> str:
        return f"spreads out in {source}" if self.strength > 0 else f"keeps close together in {source}"


def barrier(values: Any, distance: float, pool: Pool) -> Term:
    """The rule that no pick is nearer than a distance to an earlier one or to the datapool.

    Of samples of objects, none all of whose objects are that near; one without objects breaks no rule.
    """
    of_objects = isinstance(values, ObjectVectors)
    vectors = checked(values.vectors) if of_objects else _known(values, pool)
    preselected, eligible = _objects(values, pool) if of_objects else (pool.preselected, pool.eligible)
    found = ApartGains(vectors, preselected, eligible, distance)
    # The first pick is near nothing, whatever the distance.
    free = found.far if found.first_is_free else np.inf
    gains = ObjectDistanceGains(found, values.offsets, no_objects_first=True) if of_objects else found
    return Term(gains, scale=Barrier(min(distance, free)))


def _known(vectors: np.ndarray, pool: Pool) -> np.ndarray:
    """The vectors, where rows that take no part may hold anything."""
    idle = np.ones(len(vectors), bool)
    idle[pool.eligible] = idle[pool.preselected] = False
    if not np.isfinite(vectors[idle]).all():
        vectors = np.where(idle[:, None], 0, vectors)
    return checked(vectors)


def _objects(values: ObjectVectors, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
    """The objects of the datapool, and of the rows that may be picked."""
    return objects_of(values.offsets, pool.preselected)[0], objects_of(values.offsets, pool.eligible)[0]
