"""What a selection holds more than once, or almost: pairs that are close, and the groups that they hang together in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..parallel import mapped
from ..progress import Progress, silent
from ..selection.parts.cells import halved
from ..selection.parts.neighbor_lists import augmented, swapped
from ..vectors import blocks, centred, mean_of
from .sets import Rows

_TILE = 512
# Single precision is off by about this share of the squares of two vectors.
_DOUBT = 4e-6


@dataclass(frozen=True)
class Close:
    """Which vectors are close to others.

    Args:
        group: (k,) the number of each one's group, 0 for those that are close to none
        n_pairs: how many pairs are close
    """

    group: NDArray[np.int64]
    n_pairs: int


def close_vectors(vectors: NDArray[np.floating], threshold: float, progress: Progress = silent) -> Close:
    """Pairs of vectors at most a threshold apart, counted, and the groups that they connect.

    Pairs are counted tile by tile and never kept, so that thousands of equal vectors cost no more than others.

    Args:
        vectors: (k, d) float, finite
        threshold: the greatest distance, >= 0
        progress: told the pairs of tiles

    Returns:
        groups are numbered from 1, in the order of their first rows
    """
    if len(vectors) < 2:
        return Close(np.zeros(len(vectors), np.int64), 0)
    distinct, first, weights = _distinct(vectors)
    labels, n_pairs = distinct, int((weights * (weights - 1) // 2).sum())
    if threshold > 0:
        found = _Connected(vectors[first], weights, threshold)
        found.look_at_all(progress)
        labels, n_pairs = found.labels()[distinct], n_pairs + found.n_pairs
    _, starts, label, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    number, many = np.zeros(len(starts), np.int64), np.flatnonzero(sizes > 1)
    number[many[np.argsort(starts[many])]] = np.arange(1, len(many) + 1)
    return Close(number[label], n_pairs)


def _distinct(vectors: NDArray[np.floating]) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """(k,) which of the different vectors each one is, where each of these is first, and how often it is there."""
    # A negative zero is a zero.
    held = np.ascontiguousarray(vectors + vectors.dtype.type(0))
    keys = held.view(np.dtype((np.void, held.dtype.itemsize * held.shape[1]))).ravel()
    _, first, distinct, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return distinct, first, counts


class _Connected:
    """Different vectors, and what is known to hang together.

    Args:
        vectors: (k, d)
        weights: (k,) how often each is there
        threshold: the greatest distance of a pair, > 0
    """

    def __init__(self, vectors: NDArray[np.floating], weights: NDArray[np.int64], threshold: float):
        self.threshold, self.n_pairs = threshold, 0
        around = centred(vectors, mean_of(vectors))
        # Rows that lie close together share a tile: many pairs of tiles are too far apart to be looked at.
        self.order = halved(around, _TILE)
        self.vectors, self.weights = vectors[self.order], weights[self.order].astype(np.float64)
        self.tiles = list(blocks(len(vectors), 1, _TILE))
        self.wide = augmented(around, self.order)
        self.greatest = [-2 * float(self.wide[tile, -2].min()) for tile in self.tiles]
        self.centres = np.stack([self.wide[tile, :-2].mean(axis=0) for tile in self.tiles])
        self.radii = np.array(
            [
                np.sqrt(_squares(self.wide[tile, :-2] - centre).max())
                for tile, centre in zip(self.tiles, self.centres, strict=True)
            ]
        )
        self._label = np.arange(len(vectors))
        self._links: list[NDArray[np.int64]] = []

    def labels(self) -> NDArray[np.int64]:
        """(k,) the component of each vector."""
        self._settle()
        labels = np.empty_like(self._label)
        labels[self.order] = self._label
        return labels

    def look_at_all(self, progress: Progress) -> None:
        """Looks at all pairs of tiles that may hold close pairs."""
        with threadpool_limits(1, "blas"):
            for place, n_pairs, links in mapped(self._look, self._within_reach()):
                self.n_pairs += n_pairs
                if links is not None:
                    self._links.append(links)
                if sum(links.shape[1] for links in self._links) > len(self._label):
                    self._settle()
                progress(place, len(self.tiles), "looking for near duplicates")
        progress(len(self.tiles), len(self.tiles), "looking for near duplicates")

    def _within_reach(self) -> Iterator[tuple[int, int]]:
        """The pairs of tiles that may hold close pairs, each tile with itself first."""
        for place, centre in enumerate(self.centres):
            gaps = np.linalg.norm(self.centres[place:] - centre, axis=1)
            reach = (self.radii[place:] + self.radii[place] + self.threshold) * (1 + 1e-4)
            yield from ((place, other) for other in (place + np.flatnonzero(gaps <= reach)).tolist())

    def _look(self, pair: tuple[int, int]) -> tuple[int, int, NDArray[np.int64] | None]:
        """The first tile of two, how many close pairs they have, and links that connect what was apart."""
        first, second = (self.tiles[place] for place in pair)
        limit = self.threshold**2
        products = self.wide[first] @ swapped(self.wide[second])
        if pair[0] == pair[1]:
            products[np.tri(len(products), dtype=bool)] = -np.inf
        # Seen from the mean of all, most tiles hold nothing close, and the others are looked at from nearby.
        rounding = _DOUBT * (sum(self.greatest[place] for place in pair) + limit)
        if products.max() < (limit + rounding) / -2:
            return pair[0], 0, None
        close = self._close(first, second)
        if pair[0] == pair[1]:
            close[np.tri(len(close), dtype=bool)] = False
        n_pairs = round(float(self.weights[first] @ (close @ self.weights[second])))
        close &= self._label[first, None] != self._label[second]
        return pair[0], n_pairs, _links(close, first.start, second.start) if close.any() else None

    def _close(self, first: slice, second: slice) -> NDArray[np.bool_]:
        """(r, s) which pairs of two tiles are close."""
        centre, limit = mean_of(self.vectors[first]), np.float32(self.threshold**2)
        rows, columns = (centred(self.vectors[tile], centre) for tile in (first, second))
        own, others = _squares(rows)[:, None], _squares(columns)
        gaps = own + others - 2 * (rows @ columns.T)
        doubtful = np.nonzero(np.abs(gaps - limit) <= _DOUBT * (own + others + limit))
        close = gaps <= limit
        close[doubtful] = self._measured(first.start + doubtful[0], second.start + doubtful[1]) <= self.threshold
        return close

    def _measured(self, first: Rows, second: Rows) -> NDArray[np.float64]:
        """(m,) the distances of pairs in double precision."""
        found = np.empty(len(first))
        for block in blocks(len(first), self.vectors.shape[1]):
            gap = self.vectors[first[block]].astype(np.float64) - self.vectors[second[block]]
            found[block] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
        return found

    def _settle(self) -> None:
        """Labels what is linked by now."""
        if self._links:
            first, second = self._label[np.concatenate(self._links, axis=1)]
            self._label = _components(first, second, len(self._label))[self._label]
            self._links.clear()


def _links(close: NDArray[np.bool_], first: int, second: int) -> NDArray[np.int64]:
    """(2, e) links enough to connect the rows (from ``first``) and columns (from ``second``) of close pairs."""
    rows, columns = np.nonzero(close)
    nodes = np.concatenate([first + np.arange(close.shape[0]), second + np.arange(close.shape[1])])
    label = _components(rows, len(close) + columns, len(nodes))
    leader = np.unique(label, return_index=True)[1][label]
    led = np.flatnonzero(leader != np.arange(len(nodes)))
    return np.stack([nodes[leader[led]], nodes[led]])


def _components(first: Rows, second: Rows, n: int) -> NDArray[np.int64]:
    """(n,) the component of each of n nodes in the graph of some edges."""
    graph = sparse.coo_array((np.ones(len(first), bool), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _squares(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("ij,ij->i", vectors, vectors))
