"""What a selection leaves uncovered: the samples that would cover most of it, and what lies around them."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..parallel import mapped
from ..progress import Progress, silent
from ..vectors import blocks, centred, mean_of, nearest
from .sets import Rows

Floats = NDArray[np.float64]
# Candidates for centres, and how much their comparison with all items may cost.
_LEAST, _MOST, _WORK = 128, 8192, 50_000_000_000
# This share of them are the worst-covered items; the others are drawn, the farther the likelier.
_WORST = 0.25
# So many items and candidates are compared at a time, and so many candidates measured anew.
_ROWS, _TILE, _ANEW = 1024, 512, 32
# A centre that gains less than this share of the first one's gain is no region of its own.
_WORTH_NAMING = 0.01
_LABEL = "looking for what is uncovered"


@dataclass(frozen=True)
class Regions:
    """Parts of the items around centres.

    Args:
        centres: (r,) the item at each centre
        gains: (r,) by which share each centre lowers the mean distance of all items, after those before it
        owner: (m,) the region of each item, from 1, 0 for those that no centre is nearer to than what is there
    """

    centres: Rows
    gains: Floats
    owner: NDArray[np.int64]


def uncovered(
    vectors: NDArray[np.floating],
    distance: NDArray[np.floating],
    lots: NDArray[np.int64],
    count: int,
    progress: Progress = silent,
) -> Regions:
    """The centres that would lower the mean distance most, one after the other.

    Candidates are the worst-covered items and others drawn in proportion to their distance. Gains only fall as centres are
    added, so that those of a step before are bounds, and few are measured anew.

    Args:
        vectors: (m, d) float, of all items
        distance: (m,) finite, to the nearest one that is there
        lots: (m,) the places of the items in a random order
        count: how many at most
        progress: told the items compared, and as many again for the centres found

    Returns:
        the most gaining first

    Source: greedy k-median as in Cornuejols, Fisher & Nemhauser (1977), lazily as in Minoux (1978).
    """
    left = distance.astype(np.float64)
    m, total, owner = len(left), float(left.sum()), np.zeros(len(left), np.int64)
    centres: list[int] = []
    gains: list[float] = []
    if not total > 0 or not count:
        return Regions(np.zeros(0, np.int64), np.zeros(0), owner)
    items = _Items(vectors)
    candidates = _candidates(left, lots, vectors.shape[1])
    bounds = items.gains_of(candidates, left, lambda done, total, label="": progress(done, 2 * m, _LABEL))
    while len(centres) < count:
        best = _best(items, candidates, bounds, left)
        centre = candidates[best]
        # The gain itself is taken from exact distances.
        away = nearest(vectors, vectors[[centre]])[0]
        gain = float(np.maximum(left - away, 0).sum()) / total
        if gain <= 0 or (gains and gain < _WORTH_NAMING * gains[0]):
            break
        nearer = away < left
        left[nearer], owner[nearer] = away[nearer], len(centres) + 1
        centres.append(int(centre))
        gains.append(gain)
        progress(m + m * len(centres) // count, 2 * m, _LABEL)
    return Regions(np.array(centres, np.int64), np.array(gains), owner)


def _candidates(distance: Floats, lots: NDArray[np.int64], d: int) -> Rows:
    """Items that may be centres, in the order of their lots."""
    count = int(np.clip(_WORK // (len(distance) * max(d, 64)), _LEAST, _MOST))
    rows = np.flatnonzero(distance > 0)
    if len(rows) > count:
        order = rows[np.lexsort((lots[rows], -distance[rows]))]
        worst, rest = np.split(order, [int(count * _WORST)])
        # Efraimidis & Spirakis (2006): the largest of log(uniform) / weight are drawn in proportion to the weights.
        keys = np.log((lots[rest] + 0.5) / len(distance)) / distance[rest]
        rows = np.concatenate([worst, rest[np.argsort(-keys, kind="stable")[: count - len(worst)]]])
    return rows[np.argsort(lots[rows])]


def _best(items: _Items, candidates: Rows, bounds: Floats, left: Floats) -> int:
    """Which candidate gains most now; ``bounds`` are those of any step before and are made exact where it matters."""
    fresh = np.zeros(len(candidates), bool)
    while True:
        best = int(bounds.argmax())
        if fresh[best]:
            return best
        stale = np.flatnonzero(~fresh)
        anew = stale[np.argsort(-bounds[stale], kind="stable")[:_ANEW]]
        bounds[anew] = items.gains_of(candidates[anew], left)
        fresh[anew] = True


class _Items:
    """Items whose distances to candidates are needed again and again.

    Args:
        vectors: (m, d)
    """

    def __init__(self, vectors: NDArray[np.floating]):
        self.vectors, self.centre = vectors, mean_of(vectors)

    def gains_of(self, candidates: Rows, left: Floats, progress: Progress = silent) -> Floats:
        """(c,) by how much each candidate alone would lower the sum of the distances that are left.

        Args:
            candidates: (c,) rows
            left: (m,) the distances
            progress: told the items compared
        """
        points = self._wide(self.vectors[candidates], last=False)
        short, total = left.astype(np.float32), np.zeros(len(candidates))

        def look(block: slice) -> tuple[int, Floats]:
            # Items whose distance is zero have nothing to gain.
            rows = block.start + np.flatnonzero(short[block] > 0)
            own = self._wide(self.vectors[rows], last=True)
            return block.stop, _gained(own, points, short[rows, None])

        pieces = blocks(len(self.vectors), 1, _ROWS)
        with threadpool_limits(1, "blas") if len(self.vectors) > 4 * _ROWS else nullcontext():
            for done, gained in mapped(look, pieces):
                total += gained
                progress(done, len(self.vectors))
        return total

    def _wide(self, vectors: NDArray[np.floating], last: bool) -> NDArray[np.float32]:
        """(r, d + 2) such that the product of an item (last) with a point is minus half their squared distance."""
        wide = np.ones((len(vectors), vectors.shape[1] + 2), np.float32)
        wide[:, :-2] = centred(vectors, self.centre)
        squares = np.einsum("ij,ij->i", wide[:, :-2], wide[:, :-2])
        wide[:, -1 if last else -2] = squares / -2
        return wide


def _gained(items: NDArray[np.float32], points: NDArray[np.float32], short: NDArray[np.float32]) -> Floats:
    """(c,) how much nearer points are to items than what is there, summed over the items."""
    total = np.empty(len(points))
    for tile in blocks(len(points), 1, _TILE):
        gaps = items @ points[tile].T
        gaps *= -2
        np.maximum(gaps, 0, out=gaps)
        np.sqrt(gaps, out=gaps)
        np.subtract(short, gaps, out=gaps)
        np.maximum(gaps, 0, out=gaps)
        total[tile] = gaps.sum(axis=0)
    return total
