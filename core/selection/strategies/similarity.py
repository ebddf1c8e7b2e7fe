"""SIMILARITY: prefer what looks like some samples that are shown."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import ShortlistError, must_be
from ...vectors import checked, nearest
from ..engine.gains import Gains, StaticGains
from ..parts.objects import last_resort, max_over_objects, objects_of
from ..strategy import Pool, Strategy
from ..values import ObjectVectors, Takes


class Similarity(Strategy):
    """Picks what is nearest to any sample of a query set: more of what is shown there."""

    takes: ClassVar[Takes] = "vectors"
    source: ClassVar[str] = "LightlyOne, selection strategy SIMILARITY (search by the nearest example)"
    gain_means: ClassVar[str] = "distance to the nearest query sample, negated"
    of_objects: ClassVar[bool] = True
    queries: ClassVar[bool] = True
    everyday: ClassVar[bool] = True

    type: Literal["SIMILARITY"]

    def gains(self, values: Any, pool: Pool) -> Gains:
        """Minus the Euclidean distance to the nearest query sample.

        It is the distance that DIVERSITY and TYPICALITY measure in, and on vectors of length one it orders as the cosine
        does. A sample of objects is as close as its closest object.
        """
        query = checked(np.asarray(pool.beside["query"]), "query embeddings")
        vectors = values.vectors if isinstance(values, ObjectVectors) else values
        vectors = checked(vectors, "embeddings")
        if not len(query):
            raise ShortlistError("the query set must be at least one sample with embeddings. Got none instead.")
        if query.shape[1] != vectors.shape[1]:
            raise must_be(
                "the embeddings of the query set",
                f"of {vectors.shape[1]} dimensions, as those of the candidates are",
                query.shape[1],
            )
        closeness = np.full(len(values), np.nan)
        if isinstance(values, ObjectVectors):
            objects, owners = objects_of(values.offsets, pool.eligible)
            each = _closeness(vectors[objects], query, pool)
            closeness[pool.eligible] = max_over_objects(each, owners, len(pool.eligible))
        else:
            chosen = vectors if len(pool.eligible) == len(vectors) else vectors[pool.eligible]
            closeness[pool.eligible] = _closeness(chosen, query, pool)
        return StaticGains(last_resort(closeness, pool.eligible, self.strength))

    def words(self, source: str) -> str:
        return f"prefers what is {'near' if self.strength > 0 else 'far from'} the query samples in {source}"


def _closeness(vectors: NDArray[np.floating], query: NDArray[np.floating], pool: Pool) -> NDArray[np.float64]:
    return -nearest(vectors, query, progress=pool.progress)[0].astype(np.float64)
