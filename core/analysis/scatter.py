"""The items of an embedding space in two dimensions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from ..vectors import blocks, centred, mean_of
from .parts import part_of, taken
from .report import Scatter
from .sets import Rows, Sets

LIMIT = 10_000
# The directions of very many vectors are those of so many of them.
_FITTED = 10_000
# Of longer vectors the directions are found by iteration.
_LONG = 256


def scatter_of(
    vectors: NDArray[np.floating],
    sets: Sets,
    ids: NDArray[np.bytes_],
    lots: NDArray[np.int64],
    *,
    positions: NDArray[np.floating] | None = None,
    method: str = "pca",
    brain_key: str | None = None,
    limit: int = LIMIT,
) -> Scatter:
    """Where items of the input and the datapool lie, with the set of each.

    Of more items than the limit, those that are selected take at most half of the points, and a random part of all others
    the rest.

    Args:
        vectors: (n, d) float; rows that are in no set may hold anything
        sets: which rows are in which set
        ids: (n,) the sample id of each row
        lots: (n,) of ``lots_of``
        positions: (n, 2) where rows lie, NaN where that is not known; nothing given: along the two directions in which the
            vectors differ most
        method: how the positions were made
        brain_key: the Brain run that they are from
        limit: how many points at most
    """
    items = np.union1d(sets.input, sets.datapool)
    if positions is not None:
        items = items[np.isfinite(positions[items]).all(axis=1)]
    else:
        method, brain_key = "pca", None
    shown = _shown(items, sets.selected, lots, limit)
    shown = shown[np.lexsort((lots[shown], ids[shown]))]
    points = _principal(vectors, items, shown, lots) if positions is None else positions[shown]
    return Scatter(
        method=method,
        brain_key=brain_key,
        n_items=len(items),
        ids=ids[shown].astype(str).tolist(),
        x=points[:, 0].astype(np.float64).tolist(),
        y=points[:, 1].astype(np.float64).tolist(),
        sets=np.select(
            [np.isin(shown, sets.selected), np.isin(shown, sets.datapool)], ["selected", "datapool"], "input"
        ).tolist(),
    )


def _shown(items: Rows, selected: Rows, lots: NDArray[np.int64], limit: int) -> Rows:
    """The items that become points."""
    picked = np.isin(items, selected)
    others = items[~picked]
    chosen = part_of(items[picked], max(limit // 2, limit - len(others)), lots)
    if len(chosen) >= limit:
        return chosen
    return np.concatenate([chosen, part_of(others, limit - len(chosen), lots)])


def _principal(vectors: NDArray[np.floating], items: Rows, shown: Rows, lots: NDArray[np.int64]) -> NDArray[np.float64]:
    """(p, 2) the shown items along the first two principal directions of all, each with its greatest part positive."""
    points = np.zeros((len(shown), 2))
    if not len(items):
        return points
    known = taken(vectors, part_of(items, _FITTED, lots))
    centre, d = mean_of(known), vectors.shape[1]
    covariance = np.zeros((d, d))
    for block in blocks(len(known), d):
        rows = centred(known[block], centre)
        covariance += rows.T @ rows
    axes = _axes(covariance)
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])] < 0, -1, 1)
    for block in blocks(len(shown), d):
        points[block, : axes.shape[1]] = centred(vectors[shown[block]], centre) @ axes
    return points


def _axes(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """(d, 2) the first two principal directions, or (1, 1)."""
    d = len(covariance)
    if d > _LONG and covariance.any():
        start = np.random.default_rng(0).standard_normal(d)
        values, axes = eigsh(covariance, k=2, v0=start, tol=1e-6)
        return np.asarray(axes[:, np.argsort(-values)])
    return np.asarray(eigh(covariance, subset_by_index=[max(0, d - 2), d - 1])[1][:, ::-1])
