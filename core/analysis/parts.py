"""Random parts of rows that depend on which samples they are, and not on the order of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sets import Rows


def lots_of(ids: NDArray[np.bytes_], seed: int) -> NDArray[np.int64]:
    """(n,) the place of each row in a random order of them all.

    Args:
        ids: (n,) what rows are known by; rows of one id keep their order
        seed: of the draw

    >>> lots_of(np.array([b"a", b"b", b"c"]), 0).tolist(), lots_of(np.array([b"c", b"a", b"b"]), 0).tolist()
    ([2, 0, 1], [1, 2, 0])
    """
    lots = np.empty(len(ids), np.int64)
    lots[np.argsort(ids, kind="stable")] = np.random.default_rng(seed).permutation(len(ids))
    return lots


def part_of(rows: Rows, limit: int, lots: NDArray[np.int64]) -> Rows:
    """At most ``limit`` of some rows, those with the lowest lots.

    Args:
        rows: (m,)
        limit: how many, at least 1
        lots: (n,) of all rows

    Returns:
        (min(m, limit),) in the order of ``rows``
    """
    if len(rows) <= limit:
        return rows
    return rows[np.sort(np.argpartition(lots[rows], limit)[:limit])]


def taken(vectors: NDArray[np.floating], rows: Rows) -> NDArray[np.floating]:
    """(m, d) the vectors of rows, not copied where they are all.

    Args:
        vectors: (n, d)
        rows: (m,) ascending
    """
    return vectors if len(rows) == len(vectors) else vectors[rows]
