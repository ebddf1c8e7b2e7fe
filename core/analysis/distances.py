"""Diversity and coverage of sets, beside random draws: distances to the nearest other one, and to the nearest selected one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..vectors import blocks, nearest
from .parts import part_of, taken
from .report import Distances, RandomName, RandomSpread, SetName, Spread
from .sets import Rows, Sets
from .spread import edges_of, random_spread_of, spread_of
from .stages import Stages

Floats = NDArray[np.float32]
# So many products of numbers are made for one set at most: two seconds. Beyond, a random part stands for all.
WORK = 100_000_000_000
# And so many times as many for all draws of random selections.
_FOR_DRAWS = 4
# Fewer than these would not tell the tails, and vectors shorter than this cost as much.
_LEAST, _SHORTEST = 1000, 16
# Pairs that tell how far two items are apart.
_PAIRS = 50_000
# The sets that random ones stand beside.
_DRAWN = ("selected", "datapool_and_selected")


def affordable(n_references: int, d: int, work: int = WORK) -> int:
    """How many vectors of length d can be compared with references for the work that one set may cost."""
    return max(_LEAST, work // (max(1, n_references) * max(d, _SHORTEST)))


@dataclass(frozen=True)
class Covered:
    """How far items are from the nearest one that is there.

    Args:
        distance: (m,) infinite where there is none
        row: (m,) which one it is, -1 where there is none
    """

    distance: Floats
    row: Rows

    def and_by(self, other: Covered) -> Covered:
        """The nearer of two; that of this one where they are alike."""
        farther = other.distance < self.distance
        return Covered(
            np.where(farther, other.distance, self.distance), np.where(farther, other.row, self.row).astype(np.int64)
        )


class Space:
    """Sets in an embedding space.

    Args:
        vectors: (n, d) float; rows that are in no set may hold anything
        sets: which rows are in which set
        lots: (n,) of ``lots_of``
        stages: told what is being done
        work: products of numbers that one set may cost
    """

    def __init__(
        self, vectors: NDArray[np.floating], sets: Sets, lots: NDArray[np.int64], stages: Stages, work: int = WORK
    ):
        self.vectors, self.sets, self.lots, self.stages = vectors, sets, lots, stages
        self.work, self.d = work, vectors.shape[1]
        largest = max(len(sets.selected), len(sets.datapool), sum(map(len, sets.random)) // _FOR_DRAWS)
        #: how many items of the input are measured for each set
        self.n_measured = min(len(sets.input), affordable(largest, self.d, work))

    def cost(self) -> float:
        """The size of all stages."""
        sets = self.sets
        named = sum(len(rows) * self._n_apart(rows, name in _DRAWN) for name, rows in sets.named().items())
        drawn = sum(len(rows) * self._n_apart(rows, True) for draws in sets.drawn().values() for rows in draws)
        there = len(sets.input) * (len(sets.selected) + len(sets.datapool))
        return float(named + drawn + there + self.n_measured * sum(map(len, sets.random)))

    def measured_for(self, rows: Rows) -> Rows:
        """The items of the input that stand for all of it where a set covers it: of the set itself no more than its share.

        Left to chance, how many cover themselves would say more than how far the others are.
        """
        inside = np.isin(self.sets.input, rows, assume_unique=True)
        n_own = round(self.n_measured * int(inside.sum()) / max(1, len(inside)))
        own = part_of(self.sets.input[inside], n_own, self.lots)
        others = part_of(self.sets.input[~inside], self.n_measured - n_own, self.lots)
        return np.union1d(own, others)

    def covered_by(self, references: Rows, rows: Rows, label: str = "measuring coverage") -> Covered:
        """How far rows are from the nearest of the references; a reference covers itself."""
        told = self.stages.next(len(references) * len(rows), label)
        others = ~np.isin(rows, references, assume_unique=True)
        found = Covered(np.zeros(len(rows), np.float32), rows.copy())
        away, at = nearest(taken(self.vectors, rows[others]), taken(self.vectors, references), progress=told)
        found.distance[others], found.row[others] = away, references[at] if len(references) else at
        return found

    def apart(self, rows: Rows, drawn: bool) -> tuple[Rows, Floats]:
        """How far items of a set are from the nearest other one of it.

        Args:
            rows: of the set
            drawn: whether the set is a random selection, or one that is compared with these

        Returns:
            which items, of very many a part, and how far
        """
        part = part_of(rows, self._n_apart(rows, drawn), self.lots)
        told = self.stages.next(len(rows) * len(part), "measuring diversity")
        own = np.searchsorted(rows, part)
        return part, nearest(taken(self.vectors, part), taken(self.vectors, rows), own=own, progress=told)[0]

    def _n_apart(self, rows: Rows, drawn: bool) -> int:
        """How many items of a set are measured by ``apart``; as many of a selection as of the random ones beside it."""
        times = max(1, len(self.sets.random) / _FOR_DRAWS) if drawn else 1
        return min(len(rows), affordable(round(times * len(rows)), self.d, self.work))

    def typical(self) -> float:
        """The median distance between two random items of the input, 0 where there is one only."""
        rows = self.sets.input[np.argsort(self.lots[self.sets.input])]
        m = len(rows)
        if m < 2:
            return 0.0
        if m * (m - 1) // 2 <= _PAIRS:
            first, second = np.triu_indices(m, 1)
        else:
            rng = np.random.default_rng(0)
            first, second = rng.integers(0, m, _PAIRS), rng.integers(1, m, _PAIRS)
            second = (first + second) % m
        gaps = np.empty(len(first))
        for block in blocks(len(first), self.d):
            gap = self.vectors[rows[first[block]]].astype(np.float64) - self.vectors[rows[second[block]]]
            gaps[block] = np.linalg.norm(gap, axis=1)
        return float(np.median(gaps))


def diversity_of(space: Space) -> tuple[Distances, tuple[Rows, Floats]]:
    """The distance of every item of a set to the nearest other one of the set.

    Returns:
        by set; and those of the selected items: which of them, and how far

    Source: the embedding diversity of LightlyOne's report.
    """
    named: dict[SetName, tuple[Rows, Floats]] = {
        name: space.apart(rows, name in _DRAWN) for name, rows in space.sets.named().items()
    }
    drawn = {name: [space.apart(rows, True)[1] for rows in draws] for name, draws in space.sets.drawn().items()}
    return _distances({name: found for name, (_, found) in named.items()}, drawn), named["selected"]


def coverage_of(space: Space) -> tuple[Distances, Covered]:
    """The distance of items of the input to the nearest one of each set.

    The input itself is no such set: everything in it is at distance zero.

    Returns:
        by set; and how all items of the input are covered by what is selected or in the datapool

    Source: its mean is the embedding coverage of LightlyOne's report, its maximum what Sener & Savarese (2018) bound.
    """
    sets = space.sets

    def at(found: Covered, rows: Rows) -> Floats:
        return found.distance[np.searchsorted(sets.input, rows)]

    there, own = space.covered_by(sets.selected, sets.input), space.measured_for(sets.selected)
    named: dict[SetName, Floats] = {"selected": at(there, own)}
    by_chance = [space.measured_for(rows) for rows in sets.random]
    drawn: dict[RandomName, list[Floats]] = {
        "random": [
            space.covered_by(rows, measured, "measuring coverage by random selections").distance
            for rows, measured in zip(sets.random, by_chance, strict=True)
        ]
    }
    if len(sets.datapool):
        earlier = space.covered_by(sets.datapool, sets.input)
        there = there.and_by(earlier)
        named |= {"datapool": at(earlier, space.measured_for(sets.datapool)), "datapool_and_selected": at(there, own)}
        drawn["datapool_and_random"] = [
            np.minimum(distance, at(earlier, measured))
            for distance, measured in zip(drawn["random"], by_chance, strict=True)
        ]
    return _distances(named, drawn), there


def _distances(named: Mapping[SetName, Floats], drawn: Mapping[RandomName, list[Floats]]) -> Distances:
    """Distances by set as the report has them, with the same bins for all."""
    edges = edges_of([*named.values(), *(one for draws in drawn.values() for one in draws)])
    sets: dict[SetName, Spread] = {name: spread_of(found, edges) for name, found in named.items()}
    random: dict[RandomName, RandomSpread] = {
        name: spread for name, draws in drawn.items() if (spread := random_spread_of(draws, edges)) is not None
    }
    return Distances(edges=edges.tolist(), sets=sets, random=random)
