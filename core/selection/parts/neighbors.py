"""Nearest neighbours by blocked matrix products, without a dependency."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ...parallel import mapped
from ...progress import Progress, silent
from ...vectors import blocks, centred, mean_of
from ..engine.gains import Rows
from .cells import Cells, cells, halved
from .neighbor_lists import Found, NeighborLists, augmented, swapped, threshold

# Products held at a time: fewer rows a block starve the matrix product, more only cost memory (64 MB).
_PRODUCTS = 16_000_000
# A tile of so many rows by so many columns stays in the cache.
_TILE = 1024
# What is found is sorted out when it is this many times what is kept.
_SURPLUS = 8
# Cells are looked at for so many rows at a time; so many rows tell how many of their cells must be.
_CHUNK, _SAMPLE = 65_536, 512
_LABEL = "finding neighbours"


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
    columns = centred(np.asarray(points), centre)
    halves = np.einsum("ij,ij->i", columns, columns) / 2
    data, indices, counts = [], [], []
    for block in blocks(len(queries), len(points), _PRODUCTS):
        rows = centred(np.asarray(queries[block]), centre)
        products = rows @ columns.T
        products -= halves
        near = products >= threshold(products, n_neighbors)[:, None]
        flat = np.flatnonzero(near)
        row = flat // len(points)
        squares = np.einsum("ij,ij->i", rows, rows)
        data.append(np.maximum(squares[row] - 2 * products.ravel()[flat], 0))
        indices.append((flat - row * len(points)).astype(np.int32))
        counts.append(np.bincount(row, minlength=len(rows)))
        progress(block.stop, len(queries), _LABEL)
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(counts))]) if counts else np.zeros(1, np.int64)
    if not counts:
        return sparse.csr_array((len(queries), len(points)), dtype=np.float32)
    return sparse.csr_array((np.concatenate(data), np.concatenate(indices), indptr), shape=(len(queries), len(points)))


def nearest_neighbors(
    points: NDArray[np.floating], n_neighbors: int, *, recall: float = 1.0, progress: Progress = silent
) -> tuple[NDArray[np.float32], Rows]:
    """The nearest other points of every point.

    With a recall of 1 all pairs are compared, each once: rows that lie close together are compared first, so that nearly
    all of the rest fails at the first glance. With less, points are cut into cells and only the nearest cells of each are
    looked at, as many as a sample needs to find that share of its neighbours; where that is most of them, all pairs are
    compared after all. Beyond the copy of the points, memory grows with ``n * n_neighbors``.

    Args:
        points: (n, d) float
        n_neighbors: at least 1; cut at n - 1
        recall: in (0, 1], the share of the true neighbours to find
        progress: told the comparisons done

    Returns:
        (n, k) Euclidean distances, ascending, and (n, k) rows; infinity and -1 where fewer were found
    """
    k = min(n_neighbors, len(points) - 1)
    if k < 1:
        return np.zeros((len(points), 0), np.float32), np.zeros((len(points), 0), np.int64)
    points = centred(np.asarray(points), mean_of(points))
    found = None
    if recall < 1:
        parts = cells(points, _cell_size(len(points)), progress=progress)
        found = _near_cells(augmented(points, parts.order), parts, k, recall, progress)
        order = parts.order
    if found is None:
        order = halved(points, _TILE, progress)
        found = _all_pairs(augmented(points, order), k, progress)
    return _measured(points, order, found)


def _cell_size(n: int) -> int:
    """The mean size of a cell: as many cells as a cell has points, within what matrix products like."""
    return int(np.clip(n**0.5, 256, 1024))


def _all_pairs(points: NDArray[np.float32], k: int, progress: Progress) -> NDArray[np.int32]:
    """(n, k) the nearest neighbours, every pair of tiles looked at once, the nearest pairs first."""
    tiles = [slice(start, min(start + _TILE, len(points))) for start in range(0, len(points), _TILE)]
    lists, buffers = NeighborLists(len(points), k), threading.local()

    def look(pair: tuple[int, int]) -> list[Found | None]:
        first, second = (tiles[place] for place in pair)
        if not hasattr(buffers, "products"):
            buffers.products = np.empty((_TILE, _TILE), np.float32)
        right = swapped(points[second])
        products = buffers.products[: first.stop - first.start, : right.shape[1]]
        np.matmul(points[first], right, out=products)
        if first == second:
            np.fill_diagonal(products, -np.inf)
            return [lists.look(first, second.start, products)]
        return [lists.look(first, second.start, products), lists.look(second, first.start, products.T)]

    pairs, done = _pairs(points, tiles), 0
    with threadpool_limits(1, "blas"):
        while done < len(pairs):
            # As many again before limits are raised the next time: what they let through then stays even.
            batch = pairs[done : max(2 * done, len(tiles))]
            for found in mapped(look, batch):
                lists.add(found)
                done += 1
                if lists.count > _SURPLUS * k * len(points):
                    lists.settle()
                progress(done, len(pairs), _LABEL)
            lists.settle()
    return lists.table()


def _pairs(points: NDArray[np.float32], tiles: list[slice]) -> list[tuple[int, int]]:
    """All pairs of tiles: each with itself, then by how near their means are."""
    means = np.stack([points[tile, :-2].mean(axis=0) for tile in tiles])
    first, second = np.triu_indices(len(tiles), 1)
    gaps = np.concatenate([((means[i] - means[i + 1 :]) ** 2).sum(axis=1) for i in range(len(tiles))])
    order = np.argsort(gaps, kind="stable")
    own = [(tile, tile) for tile in range(len(tiles))]
    return own + list(zip(first[order].tolist(), second[order].tolist(), strict=True))


def _near_cells(
    points: NDArray[np.float32], parts: Cells, k: int, recall: float, progress: Progress
) -> NDArray[np.int32] | None:
    """(n, k) the nearest neighbours among the cells nearest to each point; None where those are most of them."""
    count = _cells_needed(points, parts, k, recall)
    if count > len(parts) // 3:
        return None
    owners, table = parts.owners, np.empty((len(points), k), np.int32)
    for start in range(0, len(points), _CHUNK):
        chunk = slice(start, min(start + _CHUNK, len(points)))
        rows, lists = points[chunk], NeighborLists(chunk.stop - start, k)
        near = np.concatenate(
            [parts.nearest(rows[block, :-2], owners[chunk][block], count) for block in blocks(len(rows), len(parts))]
        )
        look = partial(_look_into, lists, points, start, parts)
        # The own cell first, then a few more at a time: limits rise early, and most of the rest fails at a glance.
        with threadpool_limits(1, "blas"):
            for low, high in _doubling(count):
                for found in mapped(look, _by_cell(near[:, low:high], len(parts))):
                    lists.add(found)
                    progress(start + len(rows) * low // count, len(points), _LABEL)
                lists.settle()
        table[chunk] = lists.table()
        progress(chunk.stop, len(points), _LABEL)
    return table


def _look_into(
    lists: NeighborLists, points: NDArray[np.float32], start: int, parts: Cells, seekers: tuple[int, Rows]
) -> list[Found | None]:
    """What rows of a chunk that begins at ``start`` find in a cell."""
    cell, rows = seekers
    inside = slice(*parts.bounds[cell : cell + 2].tolist())
    right, found = swapped(points[inside]), []
    for block in blocks(len(rows), right.shape[1], 2 * _TILE * _TILE):
        products = points[start + rows[block]] @ right
        own = start + rows[block] - inside.start
        at_home = np.flatnonzero((own >= 0) & (own < right.shape[1]))
        products[at_home, own[at_home]] = -np.inf
        found.append(lists.look(rows[block], inside.start, products))
    return found


def _doubling(count: int) -> Iterator[tuple[int, int]]:
    """0 to 1, 1 to 3, 3 to 7 ... up to ``count``."""
    low, high = 0, 1
    while low < count:
        yield low, min(high, count)
        low, high = high, 2 * high + 1


def _by_cell(near: NDArray[np.int32], n_cells: int) -> Iterator[tuple[int, Rows]]:
    """The cells, each with the rows that want to look into it."""
    order = np.argsort(near.ravel(), kind="stable")
    bounds = np.searchsorted(near.ravel()[order], np.arange(n_cells + 1))
    rows = order // near.shape[1]
    return ((cell, rows[bounds[cell] : bounds[cell + 1]]) for cell in np.flatnonzero(np.diff(bounds)).tolist())


def _cells_needed(points: NDArray[np.float32], parts: Cells, k: int, recall: float) -> int:
    """In how many cells a sample must look to find its neighbours, on average."""
    owners = parts.owners
    sample = np.unique(np.linspace(0, len(points) - 1, min(_SAMPLE, len(points))).astype(np.int64))
    ranks = []
    for block in blocks(len(sample), len(points), _PRODUCTS // 4):
        rows = sample[block]
        products = points[rows] @ swapped(points)
        products[np.arange(len(rows)), rows] = -np.inf
        true = np.argpartition(products, len(points) - k, axis=1)[:, len(points) - k :]
        order = parts.nearest(points[rows, :-2], owners[rows], len(parts))
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(len(parts), dtype=np.int32)[None], axis=1)
        ranks.append(np.take_along_axis(rank, owners[true], axis=1).ravel())
    return int(np.quantile(np.concatenate(ranks), recall, method="higher")) + 1


def _measured(points: NDArray[np.float32], order: Rows, table: NDArray[np.int32]) -> tuple[NDArray[np.float32], Rows]:
    """Distances taken anew (a difference of large squares would leave rounding between near points) and rows, in order."""
    n, k = table.shape
    distances, rows = np.empty((n, k), np.float32), np.empty((n, k), np.int64)
    for block in blocks(n, k * points.shape[1]):
        near = np.where(table[block] >= 0, order[table[block]], -1)
        gaps = points[near] - points[order[block], None]
        found = np.sqrt(np.einsum("ijk,ijk->ij", gaps, gaps))
        found[near < 0] = np.inf
        ascending = np.argsort(found, axis=1, kind="stable")
        distances[order[block]] = np.take_along_axis(found, ascending, axis=1)
        rows[order[block]] = np.take_along_axis(near, ascending, axis=1)
    return distances, rows
