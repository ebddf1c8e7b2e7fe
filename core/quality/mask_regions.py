"""Where a mask and a model differ: connected regions of one given and one predicted class, and what can be seen of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mask_view import FLOOR, Parts, View, depths_of, parts_of

# Smaller regions are noise of the outlines; an image with more is no better understood.
_LEAST_SHARE, _MOST = 3e-4, 32

#: what is measured of a region, in this order
MEASURES = (
    "log area",
    "mean confidence",
    "greatest confidence",
    "log of the mean probability of the given class",
    "log of the greatest probability of the given class",
    "share of the given class in what is not predicted",
    "log of the mean log-odds",
    "mean depth",
    "greatest depth",
    "thickness",
    "thickness by area",
    "share of the predicted part",
    "share of the given part",
    "agreement of the predicted part",
    "agreement of the given part",
    "given is background",
    "predicted is background",
    "log area of the predicted part",
    "log area of the given part",
    "the predicted class is given somewhere",
    "the given class is predicted somewhere",
    "log ratio of the object's areas",
    "overlap of the object",
    "displacement by size",
    "offset of the outline",
    "displacement",
    "log of the other disagreement",
    "log of the doubt",
)


@dataclass(frozen=True)
class Disagreements:
    """The regions of one sample where given and predicted class differ, largest first.

    Args:
        given: (r,) int, the class that the mask has
        predicted: (r,) int, the class that the model has
        areas: (r,) int, cells
        measures: (r, MEASURES) float64
        labels: (h, w) int32, the region of each cell, -1 where there is none
    """

    given: NDArray[np.int64]
    predicted: NDArray[np.int64]
    areas: NDArray[np.int64]
    measures: NDArray[np.float64]
    labels: NDArray[np.int32]


def disagreements(view: View, given: NDArray[np.int32], background: int) -> Disagreements:
    """Where a mask differs from what is predicted.

    Args:
        view: what is predicted
        given: (h, w) the mask on the same grid, -1 where unknown
        background: the class that stands for no object
    """
    differs = (given != view.predicted) & (given >= 0) & (view.predicted >= 0)
    code = np.where(differs, given * len(view.probabilities) + view.predicted, -1)
    every = parts_of(code)
    n_known = max(1, int(np.count_nonzero(given >= 0)))
    order = np.argsort(-every.areas, kind="stable")[:_MOST]
    kept = order[every.areas[order] >= max(1, _LEAST_SHARE * n_known)]
    renumbered = np.full(len(every.areas), -1, np.int32)
    renumbered[kept] = np.arange(len(kept))
    labels = renumbered[every.labels]
    cells = np.flatnonzero(labels >= 0)
    # Region by region, so that sums and maxima are those of slices.
    cells = cells[np.argsort(labels.ravel()[cells], kind="stable")]
    starts = np.cumsum(every.areas[kept]) - every.areas[kept]
    firsts = cells[starts]
    pairs = given.ravel()[firsts].astype(np.int64), view.predicted.ravel()[firsts].astype(np.int64)
    seen = _Seen(view, given, code, background, cells, starts, firsts, every.areas[kept], differs)
    return Disagreements(*pairs, every.areas[kept], seen.measures(pairs), labels)


@dataclass(frozen=True)
class _Seen:
    """What the measures are taken from.

    Args:
        view: what is predicted
        given: (h, w) the mask
        code: (h, w) the pair of classes of each cell where they differ
        background: the class that stands for no object
        cells: (c,) the cells of the regions, region by region
        starts: (r,) where each region's begin
        firsts: (r,) a cell of each region
        areas: (r,) the size of each
        differs: (h, w) bool
    """

    view: View
    given: NDArray[np.int32]
    code: NDArray[np.int32]
    background: int
    cells: NDArray[np.int64]
    starts: NDArray[np.int64]
    firsts: NDArray[np.int64]
    areas: NDArray[np.int64]
    differs: NDArray[np.bool_]

    def measures(self, pairs: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.float64]:
        """(r, MEASURES) of all regions."""
        if not len(self.areas):
            return np.zeros((0, len(MEASURES)))
        theirs = parts_of(self.given)
        agree = (self.given == self.view.predicted).ravel()
        columns = [*self._evidence(), *self._places(pairs, theirs, agree), *self._objects(theirs, agree), *self._rest()]
        return np.stack(columns, axis=1).astype(np.float64)

    @property
    def n_known(self) -> int:
        return max(1, int(np.count_nonzero(self.given >= 0)))

    def mean(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """(r,) the means over the regions of (h, w) values."""
        return np.add.reduceat(values.ravel()[self.cells].astype(np.float64), self.starts) / self.areas

    def greatest(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """(r,) the greatest values of the regions."""
        return np.maximum.reduceat(values.ravel()[self.cells], self.starts)

    def _evidence(self) -> list[NDArray]:
        """How large, how sure, how far inside."""
        best, own = self.view.best, self.view.of(self.given)
        odds = np.log(np.maximum(best, FLOOR)) - np.log(np.maximum(own, FLOOR))
        thickness = self.greatest(depths_of(self.code))
        shares = self.areas / self.n_known
        return [
            np.log(shares),
            self.mean(best),
            self.greatest(best),
            np.log(self.mean(own) + FLOOR),
            np.log(self.greatest(own) + FLOOR),
            self.mean(own) / np.maximum(1 - self.mean(best), FLOOR),
            np.log(self.mean(odds) + 0.05),
            self.mean(self.view.depths),
            self.greatest(self.view.depths),
            thickness,
            thickness * np.hypot(*self.given.shape) / np.sqrt(self.areas),
        ]

    def _places(self, pairs: tuple[NDArray, NDArray], theirs: Parts, agree: NDArray[np.bool_]) -> list[NDArray]:
        """What of the predicted and of the given part the region is, and how these agree elsewhere."""
        ours = self.view.parts
        mine, other = ours.labels.ravel()[self.firsts], theirs.labels.ravel()[self.firsts]
        both = [np.bincount(parts.labels.ravel()[agree], minlength=len(parts.areas)) for parts in (ours, theirs)]
        (given, predicted), n_classes = pairs, len(self.view.probabilities)
        is_given = np.bincount(np.maximum(self.given, 0).ravel(), minlength=n_classes) > 0
        is_predicted = np.bincount(np.maximum(self.view.predicted, 0).ravel(), minlength=n_classes) > 0
        return [
            self.areas / ours.areas[mine],
            self.areas / theirs.areas[other],
            both[0][mine] / ours.areas[mine],
            both[1][other] / theirs.areas[other],
            given == self.background,
            predicted == self.background,
            np.log(ours.areas[mine] / self.n_known),
            np.log(theirs.areas[other] / self.n_known),
            is_given[predicted],
            is_predicted[given],
        ]

    def _objects(self, theirs: Parts, agree: NDArray[np.bool_]) -> list[NDArray]:
        """How the whole object that the region belongs to lies to its counterpart."""
        ours = self.view.parts
        mine, other = ours.labels.ravel()[self.firsts], theirs.labels.ravel()[self.firsts]
        links = _links(ours.labels.ravel()[agree], theirs.labels.ravel()[agree])
        shape = self.given.shape
        of_predicted = _counterparts(ours, theirs, links[0], links[1], agree, shape)
        of_given = _counterparts(theirs, ours, links[1], links[0], agree, shape)
        of_given[:, [0, 3]] *= -1
        # The object is the predicted part, or where nothing is predicted, the given one.
        is_given = self.view.predicted.ravel()[self.firsts] == self.background
        return list(np.where(is_given[:, None], of_given[other], of_predicted[mine]).T)

    def _rest(self) -> list[NDArray]:
        """How the image fares without the region."""
        others = (np.count_nonzero(self.differs) - self.areas) / self.n_known
        doubt = float(1 - np.nanmean(self.view.best))
        return [np.log(others + 0.003), np.full(len(self.areas), np.log(doubt + 0.003))]


def _links(mine: NDArray[np.int32], theirs: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct pairs of two columns."""
    base = int(theirs.max(initial=0)) + 1
    codes = mine.astype(np.int64) * base + theirs
    # Neighbours are mostly alike: a run counts once, and little is left to sort.
    codes = np.unique(codes[np.diff(codes, prepend=-1) != 0])
    return codes // base, codes % base


def _counterparts(
    parts: Parts,
    others: Parts,
    mine: NDArray[np.integer],
    theirs: NDArray[np.integer],
    agree: NDArray[np.bool_],
    shape: tuple[int, int],
) -> NDArray[np.float64]:
    """How each part lies to those of its class in the other mask that it meets.

    Returns:
        (s, 5): log ratio of the areas, intersection over union, displacement by size, offset of the outline and
        displacement in shares of the diagonal
    """
    n, diagonal = len(parts.areas), float(np.hypot(*shape))
    met = np.bincount(parts.labels.ravel()[agree], minlength=n)
    area = np.bincount(mine, weights=others.areas[theirs], minlength=n)
    size = np.maximum(np.sqrt(np.maximum(parts.areas, area)), 1)
    own = np.maximum(parts.areas, 1)
    apart = np.zeros(n)
    for axis in (0, 1):
        sums = np.bincount(mine, weights=others.centres[axis][theirs], minlength=n)
        apart += (parts.centres[axis] / own - sums / np.maximum(area, 1)) ** 2
    apart = np.sqrt(apart)
    alone = area == 0
    return np.stack(
        [
            np.where(alone, 3.0, np.log(own / np.maximum(area, 1))),
            met / np.maximum(parts.areas + area - met, 1),
            np.where(alone, 1.0, apart / size),
            (parts.areas - area) / (4 * size * diagonal),
            np.where(alone, 0.2, apart / diagonal),
        ],
        axis=1,
    )
