"""From a mixture of strategies and their values to an ordered, explained selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError, must_be
from ..progress import Progress, silent
from ..vectors import mean_of, nearest
from .engine import Term, calibrated, greedy
from .gains import Gains, Picks, Rows, StaticGains
from .strategy import Pool, Strategy


@dataclass(frozen=True)
class Values:
    """What an input gave, one value a row.

    Args:
        label: the entry in a few words
        strategy: what makes of the values a gain or a filter
        values: (n, d) vectors, (n,) numbers or (n,) categories; anything where ``present`` is False
        present: (n,) bool, which rows have a value
    """

    label: str
    strategy: Strategy
    values: NDArray
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """An ordered selection that says why.

    Args:
        rows: (n,) what was picked, in order
        labels: (s,) the strategies that ranked
        gains: (n, s) what each pick added for each strategy, in the strategy's own unit; NaN where nothing was there yet
            to measure it against
        values: (n, s) strength times the gain on the common scale (see ``engine``); with one strategy, its gain
        deciding: (n,) the column of the strategy that spoke most for the pick
        neighbors: (n,) the row of the nearest earlier pick or datapool item, -1 where there is none
        distances: (n,) how far that is (Euclidean, in the first vectors of the mixture), NaN where there is none
        eligible: how many rows could have been picked
        left_out: how many candidates could not, by reason
    """

    rows: Rows
    labels: list[str]
    gains: NDArray[np.floating]
    values: NDArray[np.floating]
    deciding: NDArray[np.int64]
    neighbors: Rows
    distances: NDArray[np.floating]
    eligible: int
    left_out: dict[str, int]


def select(
    entries: Sequence[Values],
    n_samples: int,
    *,
    candidates: NDArray[np.bool_] | None = None,
    preselected: NDArray[np.bool_] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Selection:
    """Picks ``n_samples`` rows by a mixture of strategies.

    Rows are in the order that breaks ties. With nothing that ranks (only thresholds, or strengths of 0), picks are
    random.

    Args:
        entries: the strategies with their values, (n,) rows each
        n_samples: the budget
        candidates: (n,) bool, rows that may be picked; all by default
        preselected: (n,) bool, rows that count as picked already; none by default
        seed: of everything random
        progress: told the picks done

    Returns:
        the selection

    Raises:
        ShortlistError: a budget beyond the eligible rows, or values that a strategy cannot use
    """
    size = len(entries[0].present)
    datapool = np.zeros(size, bool) if preselected is None else preselected
    pool = (np.ones(size, bool) if candidates is None else candidates) & ~datapool
    active = [_usable(entry) for entry in entries if entry.strategy.strength]
    eligible, left_out = _eligible(active, pool, seed)
    if n_samples > len(eligible):
        reasons = "".join(f", {count} {reason}" for reason, count in left_out.items())
        raise must_be(
            "n_samples",
            f"at most {len(eligible)}, the eligible candidates ({int(pool.sum())} in all{reasons})",
            n_samples,
        )
    terms, labels = [], []
    for entry in active:
        if not entry.strategy.filters:
            given = Pool(eligible, np.flatnonzero(datapool & entry.present), n_samples, seed, progress)
            terms.append(Term(_named(entry, given), entry.strategy.strength))
            labels.append(entry.label)
    if not terms:
        chance = np.random.default_rng(seed).random(size)
        terms, labels = [Term(StaticGains(chance))], ["random"]
    picks = greedy(calibrated(terms, eligible, n_samples, seed, progress), eligible, n_samples, progress)
    neighbors, distances = _nearest_earlier(active, picks.rows, datapool)
    return Selection(
        picks.rows, labels, _meaningful(picks, terms), picks.values, picks.values.argmax(axis=1), neighbors, distances,
        len(eligible), left_out,
    )  # fmt: skip


def _named(entry: Values, pool: Pool) -> Gains:
    """The gains of an entry; an error in its values says whose they are."""
    try:
        return entry.strategy.gains(entry.values, pool)
    except ShortlistError as error:
        raise error.at(entry.label) from None


def _eligible(entries: Sequence[Values], pool: NDArray[np.bool_], seed: int) -> tuple[Rows, dict[str, int]]:
    """The rows that may be picked, and how many may not, by reason."""
    left_out: dict[str, int] = {}
    everything = Pool(np.flatnonzero(pool), seed=seed)
    for entry in entries:
        missing = pool & ~entry.present
        if missing.any():
            _count(left_out, f"without a value for {entry.label}", missing)
        pool = pool & entry.present
        if entry.strategy.filters:
            kept = entry.strategy.keeps(entry.values, everything)
            _count(left_out, f"beyond the {entry.label}", pool & ~kept)
            pool = pool & kept
    return np.flatnonzero(pool), left_out


def _count(left_out: dict[str, int], reason: str, rows: NDArray[np.bool_]) -> None:
    left_out[reason] = left_out.get(reason, 0) + int(rows.sum())


def _usable(entry: Values) -> Values:
    """An entry in which nothing depends on what stands where no value is.

    Raises:
        ShortlistError: numbers that are said to be there and are NaN
    """
    if entry.values.dtype.kind != "f":
        return entry
    if entry.values.ndim == 1 and np.isnan(entry.values[entry.present]).any():
        count = int(np.isnan(entry.values[entry.present]).sum())
        raise ShortlistError(
            f"{entry.label}: values must be numbers where they are present. Got NaN {count} times instead."
        )
    if entry.present.all() or not entry.present.any():
        return entry
    values = entry.values.copy()
    fill = entry.values[entry.present].mean(axis=0)
    values[~entry.present] = fill if np.isfinite(fill).all() else 0
    return replace(entry, values=values)


def _meaningful(picks: Picks, terms: Sequence[Term]) -> NDArray[np.floating]:
    """The gains, less the placeholder that a first pick is given where there is nothing yet to be far from."""
    gains = np.array(picks.gains, dtype=np.float64)
    for column, term in enumerate(terms):
        if len(gains) and term.gains.first_is_free:
            gains[0, column] = np.nan
    return gains


def _nearest_earlier(
    entries: Sequence[Values], rows: Rows, datapool: NDArray[np.bool_]
) -> tuple[Rows, NDArray[np.floating]]:
    """The nearest earlier pick or datapool item of every pick, in the first vectors of the mixture."""
    entry = next((entry for entry in entries if entry.strategy.takes == "vectors"), None)
    if entry is None or not len(rows):
        return np.full(len(rows), -1), np.full(len(rows), np.nan)
    earlier = np.concatenate([np.flatnonzero(datapool & entry.present), rows])
    start = len(earlier) - len(rows)
    neighbors, distances = np.full(len(rows), -1), np.full(len(rows), np.nan)
    vectors = np.asarray(entry.values[rows], dtype=np.float32) - mean_of(entry.values[rows])
    # Blocks of picks: against all before the block at once, and within the block by one masked product.
    for first in range(0, len(rows), 256):
        block = slice(first, first + 256)
        if start + first:
            near, at = nearest(entry.values[rows[block]], entry.values[earlier[: start + first]])
            neighbors[block], distances[block] = earlier[at], near
        inside = _earlier_inside(vectors[block])
        gap = np.linalg.norm(vectors[block] - vectors[block][inside], axis=1)
        nearer = (inside >= 0) & ~(gap >= distances[block])
        neighbors[block][nearer], distances[block][nearer] = rows[block][inside[nearer]], gap[nearer]
    return neighbors, distances


def _earlier_inside(vectors: NDArray[np.float32]) -> Rows:
    """(m,) the nearest of the rows before each row, -1 for the first."""
    products = vectors @ vectors.T - np.einsum("ij,ij->i", vectors, vectors) / 2
    products[np.triu_indices(len(products))] = -np.inf
    inside = products.argmax(axis=1)
    inside[0] = -1
    return inside
