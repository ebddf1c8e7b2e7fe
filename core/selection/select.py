"""From a mixture of strategies and their values to an ordered, explained selection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError, must_be
from ..progress import Progress, silent
from ..vectors import centred, mean_of, nearest
from .constraint import Constraint
from .engine.gains import Picks, Rows, StaticGains
from .engine.greedy import calibrated, greedy
from .engine.limits import Limit
from .engine.run import Term
from .strategy import Pool
from .values import AnyValues, Values


@dataclass(frozen=True)
class Rule:
    """A constraint with its values.

    Args:
        constraint: what makes of the values a rule
        values: as ``constraint.takes`` says
        present: (n,) bool, which rows have a value
    """

    constraint: Constraint
    values: AnyValues
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
        shortages: what was asked for and the pool cannot give, one sentence each
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
    shortages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mixture:
    """A selection about to run: who may be picked, by what, and within which rules.

    Args:
        entries: the strategies that count, usable
        eligible: rows that may be picked, ascending
        refused: (n,) bool, which candidates may not, by reason
        datapool: rows that count as picked, ascending
        n: the budget, at most the eligible rows
        terms: the strategies that rank, on the common scale
        labels: (s,) of the terms
        barriers: rules that are terms: worth minus infinity where they refuse
        limits: the other rules
        shortages: what is asked for and the pool cannot give, one sentence each
    """

    entries: list[Values]
    eligible: Rows
    refused: dict[str, NDArray[np.bool_]]
    datapool: Rows
    n: int
    terms: list[Term]
    labels: list[str]
    barriers: list[Term]
    limits: list[Limit]
    shortages: list[str]

    @property
    def left_out(self) -> dict[str, int]:
        """How many candidates may not be picked, by reason."""
        return {reason: int(rows.sum()) for reason, rows in self.refused.items()}


def select(
    entries: Sequence[Values],
    n_samples: int | None,
    *,
    rules: Sequence[Rule] = (),
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
        n_samples: the budget; None for as many as the rules leave room for
        rules: the constraints with their values
        candidates: (n,) bool, rows that may be picked; all by default
        preselected: (n,) bool, rows that count as picked already; none by default
        seed: of everything random
        progress: told the picks done

    Returns:
        the selection; shorter than the budget only where the rules allow no other row

    Raises:
        ShortlistError: a budget beyond the eligible rows, or values that a strategy cannot use
    """
    return run(
        prepare(
            entries,
            n_samples,
            rules=rules,
            candidates=candidates,
            preselected=preselected,
            seed=seed,
            progress=progress,
        ),
        progress,
    )


def run(mixture: Mixture, progress: Progress = silent) -> Selection:
    """Picks by a mixture, which is used up."""
    terms = mixture.terms
    picks = greedy([*terms, *mixture.barriers], mixture.eligible, mixture.n, progress, limits=mixture.limits)
    values = picks.values[:, : len(terms)]
    gains = _meaningful(picks, terms)
    # What a placeholder is worth decides nothing.
    deciding = np.where(np.isnan(gains), -np.inf, values).argmax(axis=1)
    neighbors, distances = _nearest_earlier(mixture.entries, picks.rows, mixture.datapool, progress)
    return Selection(
        picks.rows, mixture.labels, gains, values, deciding, neighbors, distances,
        len(mixture.eligible), mixture.left_out, mixture.shortages,
    )  # fmt: skip


def prepare(
    entries: Sequence[Values],
    n_samples: int | None,
    *,
    rules: Sequence[Rule] = (),
    candidates: NDArray[np.bool_] | None = None,
    preselected: NDArray[np.bool_] | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Mixture:
    """Everything of ``select`` that comes before the first pick; see there."""
    size = len(entries[0].present)
    datapool = np.zeros(size, bool) if preselected is None else preselected
    pool = (np.ones(size, bool) if candidates is None else candidates) & ~datapool
    active = [entry.usable() for entry in entries if entry.strategy.strength]
    eligible, refused = _eligible(active, rules, pool, n_samples, seed)
    if n_samples is not None and n_samples > len(eligible):
        reasons = "".join(f", {int(rows.sum())} {reason}" for reason, rows in refused.items())
        raise must_be(
            "n_samples",
            f"at most {len(eligible)}, the eligible candidates ({int(pool.sum())} in all{reasons})",
            n_samples,
        )
    n = len(eligible) if n_samples is None else n_samples
    earlier = np.flatnonzero(datapool)
    ranked = [entry for entry in active if not entry.strategy.filters]
    everyone = Pool(eligible, earlier, n, seed, progress)
    # Where only rules limit the number of picks, scales are taken at about as many as they leave room for.
    room = [rule.constraint.budget(rule.values, everyone) for rule in rules]
    expected = min([n, *(count for count in room if count is not None)])
    terms, labels = [], []
    made: list[Limit | Term] = []
    shortages: list[str] = []
    for entry in ranked:
        given = Pool(eligible, np.flatnonzero(datapool & entry.present), expected, seed, progress, entry.beside)
        with _about(entry.label):
            terms.append(Term(entry.strategy.gains(entry.values, given), entry.strategy.strength))
            made += entry.strategy.rules(entry.values, given)
            shortages += entry.strategy.supply(entry.values, given)
        labels.append(entry.label)
    if not terms:
        chance = np.random.default_rng(seed).random(size)
        terms, labels = [Term(StaticGains(chance))], ["random"]
    for rule in rules:
        within = Pool(eligible, np.flatnonzero(datapool & rule.present), n, seed, progress)
        with _about(rule.constraint.label()):
            made.append(rule.constraint.rule(rule.values, within))
            shortages += rule.constraint.supply(rule.values, within)
    return Mixture(
        active,
        eligible,
        refused,
        earlier,
        n,
        calibrated(terms, eligible, expected, seed, progress),
        labels,
        [rule for rule in made if isinstance(rule, Term)],
        [rule for rule in made if isinstance(rule, Limit)],
        shortages,
    )


@contextmanager
def _about(label: str) -> Iterator[None]:
    """An error in values says whose they are."""
    try:
        yield
    except ShortlistError as error:
        raise error.at(label) from None


def _eligible(
    entries: Sequence[Values], rules: Sequence[Rule], pool: NDArray[np.bool_], n_samples: int | None, seed: int
) -> tuple[Rows, dict[str, NDArray[np.bool_]]]:
    """The rows that may be picked, and which others may not, by reason."""
    refused: dict[str, NDArray[np.bool_]] = {}
    filters = [entry for entry in entries if entry.strategy.filters]
    for entry in entries:
        _refuse(refused, f"without a value for {entry.label}", pool & ~entry.present)
        pool = pool & entry.present
    for rule in rules:
        # What has no vector cannot be compared; what has no group or no costs breaks no rule on them.
        if rule.constraint.takes == "vectors":
            _refuse(refused, f"without a value for {rule.constraint.label()}", pool & ~rule.present)
            pool = pool & rule.present
    for among in (False, True):
        before = Pool(np.flatnonzero(pool), n=n_samples or 0, seed=seed)
        for entry in filters:
            if entry.strategy.compares is not among:
                continue
            if among and n_samples is None:
                raise must_be(entry.label, "used with n_samples or proportion_samples, which it multiplies", None)
            with _about(entry.label):
                kept = entry.strategy.keeps(entry.values, before)
            _refuse(refused, f"beyond the {entry.label}", pool & ~kept)
            pool = pool & kept
    return np.flatnonzero(pool), refused


def _refuse(refused: dict[str, NDArray[np.bool_]], reason: str, rows: NDArray[np.bool_]) -> None:
    if rows.any():
        refused[reason] = refused[reason] | rows if reason in refused else rows


def _meaningful(picks: Picks, terms: Sequence[Term]) -> NDArray[np.floating]:
    """The gains, less the placeholder that a first pick is given where there is nothing yet to be far from."""
    gains = np.array(picks.gains[:, : len(terms)], dtype=np.float64)
    for column, term in enumerate(terms):
        if len(gains) and term.gains.first_is_free:
            gains[0, column] = np.nan
    return gains


def vectors_of(entry: Values) -> NDArray[np.floating] | None:
    """(n, d) the vectors of an entry's rows; None where it has none, or those of objects."""
    return entry.values if entry.strategy.takes == "vectors" and isinstance(entry.values, np.ndarray) else None


def _nearest_earlier(
    entries: Sequence[Values], rows: Rows, datapool: Rows, progress: Progress
) -> tuple[Rows, NDArray[np.floating]]:
    """The nearest earlier pick or datapool item of every pick, in the first vectors of the mixture."""
    entry = next((entry for entry in entries if vectors_of(entry) is not None), None)
    if entry is None or not len(rows):
        return np.full(len(rows), -1), np.full(len(rows), np.nan)
    values = vectors_of(entry)
    assert values is not None
    earlier = np.concatenate([datapool[entry.present[datapool]], rows])
    start = len(earlier) - len(rows)
    neighbors, distances = np.full(len(rows), -1), np.full(len(rows), np.nan)
    vectors = centred(values[rows], mean_of(values[rows]))
    # Blocks of picks: against all before the block at once, and within the block by one masked product.
    for first in range(0, len(rows), 256):
        block = slice(first, first + 256)
        if first:
            progress(first, len(rows), "comparing the picks")
        if start + first:
            near, at = nearest(values[rows[block]], values[earlier[: start + first]])
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
