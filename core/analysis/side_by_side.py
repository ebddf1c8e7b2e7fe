"""Coverage and diversity of several selections in one embedding space, each beside random ones of its size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, silent
from ..vectors import nearest
from .comparison import Beside, Space
from .report import Spread
from .sets import Rows, Sets
from .spread import edges_of, random_spread_of, spread_of

# How many distances are taken for each draw, and of how many items at least and at most.
_MOST_DISTANCES, _FEWEST_AND_MOST = 40_000_000, (2000, 20_000)
_LABEL = "comparing with random"


def sets_of(members: Mapping[str, Rows], input: Rows, datapool: Rows, draws: int, seed: int) -> dict[str, Sets]:
    """The sets of each selection, over one input and one datapool for all.

    Args:
        members: (k_i,) rows of each by name
        input: rows that any of them could have held; theirs are added
        datapool: rows that count as there for all; what any of them holds does not
        draws: how many random selections of the size of each
        seed: of the draws; those of one size are the same
    """
    every, there = _shared(members, input, datapool)
    return {name: Sets.of(every, rows, there, draws, seed) for name, rows in members.items()}


def _shared(members: Mapping[str, Rows], input: Rows, datapool: Rows) -> tuple[Rows, Rows]:
    """The input and the datapool of all of them; see ``sets_of``."""
    held = np.unique(np.concatenate([np.zeros(0, np.int64), *members.values()]))
    there = np.setdiff1d(datapool, held)
    return np.setdiff1d(np.union1d(input, held), there).astype(np.int64), there.astype(np.int64)


def in_space(
    vectors: NDArray[np.floating],
    present: NDArray[np.bool_],
    members: Mapping[str, Rows],
    input: Rows,
    datapool: Rows,
    *,
    source: str,
    draws: int = 20,
    seed: int = 51,
    progress: Progress = silent,
) -> Space:
    """Measures how well each selection covers one input, and how different its items are.

    Args:
        vectors: (n, d) float
        present: (n,) which rows have a vector; others have no part in anything
        members: as ``sets_of`` takes them, as are the next two
        input: rows
        datapool: rows
        source: where the vectors are from
        draws: how many random selections of the size of each
        seed: of the draws, and of the part of a large input that is measured on
        progress: told the selections done, random ones included

    Source: coverage is the mean of the distances whose maximum Sener & Savarese (2018) bound.
    """
    every, there = _shared(members, input, datapool)
    with_vector = {name: rows[present[rows]] for name, rows in members.items()}
    sets = sets_of(with_vector, every[present[every]], there[present[there]], draws, seed)
    one = next(iter(sets.values()))
    measured = _some(one.input, max(len(own.selected) for own in sets.values()) + len(one.datapool), seed)
    covered = vectors[measured]
    already = _distances(covered, vectors[one.datapool]) if len(one.datapool) else None
    tell = _steps(sets, progress)

    def both(rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The distances of the input to some rows, and of these rows to each other."""
        found = _distances(covered, vectors[rows])
        next(tell)
        return found if already is None else np.minimum(found, already), _apart(vectors, rows, seed)

    own = {name: both(of.selected) for name, of in sets.items()}
    # Those of one size are the same draws.
    by_size = {len(of.selected): of.random for of in sets.values()}
    random = {size: [both(rows) for rows in draws] for size, draws in by_size.items()}
    sizes = {name: len(of.selected) for name, of in sets.items()}
    coverage, diversity = (
        _beside(
            {name: pair[part] for name, pair in own.items()},
            {name: [pair[part] for pair in random[size]] for name, size in sizes.items()},
        )
        for part in (0, 1)
    )
    return Space(
        source=source,
        dimensions=vectors.shape[1],
        input=len(one.input),
        left_out=int((~present[every]).sum()),
        measured_on=len(measured),
        coverage=coverage,
        diversity=diversity,
    )


def _beside(own: Mapping[str, NDArray], random: Mapping[str, list[NDArray]]) -> Beside:
    """Numbers by name and those of random selections, over the same bins."""
    edges = edges_of([*own.values(), *(draw for draws in random.values() for draw in draws)])
    members: dict[str, Spread] = {name: spread_of(values, edges) for name, values in own.items()}
    drawn = {name: random_spread_of(draws, edges) for name, draws in random.items()}
    return Beside(
        edges=edges.tolist(), members=members, random={name: one for name, one in drawn.items() if one is not None}
    )


def _some(rows: Rows, against: int, seed: int) -> Rows:
    """Of many rows a random part: each is compared with so many others, again and again."""
    most = int(np.clip(_MOST_DISTANCES // max(against, 1), *_FEWEST_AND_MOST))
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _distances(queries: NDArray[np.floating], references: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,) to the nearest reference; infinity where there is none."""
    if not len(references):
        return np.full(len(queries), np.inf, np.float32)
    return nearest(queries, references)[0]


def _apart(vectors: NDArray[np.floating], rows: Rows, seed: int) -> NDArray[np.float32]:
    """The distance of rows to the nearest other one among them, of many a random part."""
    asked = _some(np.arange(len(rows)), len(rows), seed)
    if not len(asked):
        return np.zeros(0, np.float32)
    return nearest(vectors[rows[asked]], vectors[rows], own=asked)[0]


def _steps(sets: Mapping[str, Sets], progress: Progress) -> Iterator[None]:
    """Tells the selections done, one at every step."""
    by_size = {len(of.selected): len(of.random) for of in sets.values()}
    total = len(sets) + sum(by_size.values())
    for done in range(1, total + 1):
        progress(done, total, _LABEL)
        yield
