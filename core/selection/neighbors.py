"""Exact nearest neighbours by blocked matrix products, without a dependency."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..progress import Progress, silent
from ..vectors import blocks, mean_of

# Products held at a time: fewer rows a block starve the matrix product, more only cost memory (64 MB).
_PRODUCTS = 16_000_000


def neighbor_graph(
    queries: NDArray[np.floating],
    points: NDArray[np.floating],
    n_neighbors: int,
    *,
    progress: Progress = silent,
) -> sparse.csr_array:
    """The nearest points of every query, at least ``n_neighbors`` of them.

    A row holds a few more where that spares an exact cut: points are taken down to a threshold that at least
    ``n_neighbors`` are known to pass.

    Args:
        queries: (m, d) float
        points: (n, d) float
        n_neighbors: in [1, n]
        progress: told the queries done

    Returns:
        (m, n) sparse array of squared Euclidean distances, in no order within a row; zeros are stored
    """
    centre = mean_of(points)
    columns = np.asarray(points, dtype=np.float32) - centre
    halves = np.einsum("ij,ij->i", columns, columns) / 2
    data, indices, counts = [], [], []
    for block in blocks(len(queries), len(points), _PRODUCTS):
        rows = np.asarray(queries[block], dtype=np.float32) - centre
        products = rows @ columns.T
        products -= halves
        near = products >= _threshold(products, n_neighbors)[:, None]
        flat = np.flatnonzero(near)
        row = flat // len(points)
        squares = np.einsum("ij,ij->i", rows, rows)
        data.append(np.maximum(squares[row] - 2 * products.ravel()[flat], 0))
        indices.append((flat - row * len(points)).astype(np.int32))
        counts.append(np.bincount(row, minlength=len(rows)))
        progress(block.stop, len(queries), "finding neighbours")
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))]) if counts else np.zeros(1, np.int64)
    if not counts:
        return sparse.csr_array((len(queries), len(points)), dtype=np.float32)
    return sparse.csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=(len(queries), len(points)))


def _threshold(products: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    """(m,) a value that at least ``k`` of each row's products reach.

    The k-th greatest of the maxima of groups of columns is such a value, and the maxima of strided groups cost one
    vectorised pass where a partition of the row would cost twenty.
    """
    n = products.shape[1]
    if k >= n:
        return np.full(len(products), -np.inf, np.float32)
    n_groups = 8 * k
    depth = n // n_groups
    if depth < 2:
        return np.partition(products, n - k, axis=1)[:, n - k]
    grouped = products[:, : depth * n_groups].reshape(len(products), depth, n_groups).max(axis=1)
    return np.partition(grouped, n_groups - k, axis=1)[:, n_groups - k]
