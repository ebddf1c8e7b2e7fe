"""Blocked distance work on vectors: checked once, centred as it goes, never copied whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .errors import ShortlistError
from .parallel import mapped
from .progress import Progress, silent

# A block of products of this many values stays in the last-level cache.
_BLOCK_VALUES = 2_000_000
# Beyond this the sum of squares leaves single precision.
_LARGEST = 1e17
# Columns that rows are ordered by.
_COLUMNS = 16
# So many queries and references are looked at together: their products stay in the cache of a core, or nearly.
_ROWS, _TILE = 1024, 512
# Products of pairs of numbers beyond which threads are worth their start, and after so many of them progress is told.
_WORTH_THREADS = 500_000_000
_TOLD_OF = 20_000_000_000


def checked(vectors: NDArray[np.floating], name: str = "embeddings") -> NDArray[np.floating]:
    """Vectors that distances can be computed of.

    Args:
        vectors: (n, d) float
        name: what they are, for the error

    Raises:
        ShortlistError: not a matrix with at least one column, or some rows hold NaN, infinity or numbers whose squares single
            precision cannot hold (how many, the first)
    """
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or (len(vectors) and not vectors.shape[1]):
        raise ShortlistError(
            f"{name} must be one vector a sample, (n, d). Got an array of shape {vectors.shape} instead."
        )
    # In half precision the limit itself would be infinite.
    limit = min(_LARGEST, float(np.finfo(vectors.dtype).max)) if vectors.dtype.kind == "f" else _LARGEST
    bad = np.concatenate(
        [~(np.abs(vectors[block]) <= limit).all(axis=1) for block in blocks(len(vectors), vectors.shape[1])]
        or [np.zeros(0, bool)]
    )
    if bad.any():
        first = ", ".join(str(row) for row in np.flatnonzero(bad)[:3])
        raise ShortlistError(
            f"{name} must be finite numbers up to {_LARGEST:g}. Got others in {int(bad.sum())} of {len(vectors)} vectors "
            f"(first rows: {first}) instead."
        )
    return vectors


def blocks(n_rows: int, n_columns: int, n_values: int = _BLOCK_VALUES) -> Iterator[slice]:
    """Slices over rows such that one block of ``n_columns`` wide rows holds about ``n_values``."""
    size = max(1, n_values // max(1, n_columns))
    return (slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size))


def own_order(vectors: NDArray[np.floating]) -> NDArray[np.int64]:
    """(n,) an order of rows that depends on what they hold alone, so that what is random need not depend on their order.

    It is that of their first columns, and of rows that are alike there that of a sum of all their bits.
    """
    vectors = np.asarray(vectors)
    keys = list(vectors[:, :_COLUMNS].T[::-1])
    if vectors.shape[1] > _COLUMNS:
        bits = np.dtype(f"u{vectors.dtype.itemsize}")
        factors = np.random.default_rng(0).integers(1, 2**63, vectors.shape[1], dtype=np.uint64)
        sums = np.empty(len(vectors), np.uint64)
        for block in blocks(*vectors.shape):
            # A negative zero is a zero.
            held = np.ascontiguousarray(vectors[block] + vectors.dtype.type(0)).view(bits).astype(np.uint64)
            # Of short numbers only the high bits differ, and a product passes on the low ones.
            sums[block] = (held ^ (held >> np.uint64(32))) @ factors
        keys.insert(0, sums)
    return np.lexsort(keys)


def mean_of(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The mean vector, summed in double precision.

    Distances do not depend on it, but single precision loses them where all vectors lie far off the origin.
    """
    if not len(vectors):
        return np.zeros(vectors.shape[1], np.float32)
    total = np.zeros(vectors.shape[1])
    for block in blocks(len(vectors), vectors.shape[1]):
        total += vectors[block].sum(axis=0, dtype=np.float64)
    return (total / len(vectors)).astype(np.float32)


def centred(vectors: NDArray[np.floating], centre: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy less the centre, in single precision only then: far off the origin that would round away what matters."""
    wide = np.float64 if vectors.dtype == np.float64 else np.float32
    return np.subtract(vectors, centre, dtype=wide).astype(np.float32, copy=False)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Vectors scaled to length one; a zero vector stays zero."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1)[:, None], dtype=np.float32)


def nearest(
    queries: NDArray[np.floating],
    references: NDArray[np.floating],
    *,
    own: NDArray[np.integer] | None = None,
    progress: Progress = silent,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The nearest reference of every query.

    Args:
        queries: (n, d) float
        references: (m, d) float, m >= 1
        own: (n,) the reference that is the query itself and does not count, -1 for none
        progress: told the queries done

    Returns:
        (n,) Euclidean distances and (n,) rows of ``references``; infinity and -1 where no reference counts
    """
    centre = mean_of(references)
    columns = _with_halves(centred(np.asarray(references), centre))
    distances = np.full(len(queries), np.inf, np.float32)
    indices = np.full(len(queries), -1, np.int64)

    def look(block: slice) -> int:
        rows = np.ones((block.stop - block.start, columns.shape[1]), np.float32)
        rows[:, :-1] = centred(np.asarray(queries[block]), centre)
        at = _nearest_of(rows, columns, None if own is None else own[block])
        # The products pick the nearest; the distance itself is taken anew, since the difference of large squares
        # would leave rounding where the true distance is zero.
        found = np.flatnonzero(at >= 0)
        gap = rows[found, :-1] - columns[at[found], :-1]
        distances[block][found] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        indices[block] = at
        return block.stop

    pieces = blocks(len(queries), 1, int(np.clip(_TOLD_OF // max(1, columns.size), 64, _ROWS)))
    threads = len(queries) * columns.size > _WORTH_THREADS
    with threadpool_limits(1, "blas") if threads else nullcontext():
        for done in mapped(look, pieces) if threads else map(look, pieces):
            progress(done, len(queries), "measuring distances")
    return distances, indices


def _with_halves(columns: NDArray[np.float32]) -> NDArray[np.float32]:
    """(m, d + 1) vectors with minus half their square: the product with a vector and a 1 is largest for the nearest."""
    wide = np.empty((len(columns), columns.shape[1] + 1), np.float32)
    wide[:, :-1] = columns
    wide[:, -1] = np.einsum("ij,ij->i", columns, columns) / -2
    return wide


def _nearest_of(
    rows: NDArray[np.float32], columns: NDArray[np.float32], own: NDArray[np.integer] | None
) -> NDArray[np.int64]:
    """(n,) the column that is nearest to each row, the first of those alike; -1 where none counts."""
    best = np.full(len(rows), -np.inf, np.float32)
    at = np.full(len(rows), -1, np.int64)
    every, buffer = np.arange(len(rows)), np.empty(len(rows) * min(_TILE, len(columns)), np.float32)
    for start in range(0, len(columns), _TILE):
        tile = columns[start : start + _TILE]
        products = np.matmul(rows, tile.T, out=buffer[: len(rows) * len(tile)].reshape(len(rows), len(tile)))
        if own is not None:
            local = own - start
            self_rows = np.flatnonzero((local >= 0) & (local < len(tile)))
            products[self_rows, local[self_rows]] = -np.inf
        top = products.argmax(axis=1)
        value = products[every, top]
        better = np.flatnonzero(value > best)
        best[better], at[better] = value[better], top[better] + start
    return at
