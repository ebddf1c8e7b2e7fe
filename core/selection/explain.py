"""Why was this one not picked? A selection is run through again, and the rows asked about are watched beside the winners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ShortlistError, must_be
from ..progress import Progress, silent
from ..vectors import blocks, nearest
from .engine.gains import Floats, Rows
from .engine.limits import Barrier
from .engine.run import Term
from .reasons import Reason, against
from .select import Mixture, Selection, vectors_of

# So many picks are watched at a time beside the rows asked about.
_PICKS = 256
# Where all rows stand at the end is told while rows times picks stay below this many.
_STANDINGS = 200_000_000
_STANDING_ROWS = 4096
# A row may seem worth this share more than the winner by rounding; beyond it the values are not those of the run.
_ROUNDING = 1e-3


def why_not(
    mixture: Mixture,
    picks: Selection | Rows,
    rows: Rows | Sequence[int],
    *,
    progress: Progress = silent,
) -> list[Reason]:
    """Why each of some rows was picked or not.

    Every strategy is run through once more with the picks as they were made, and the rows asked about are kept exact beside
    them: the costs are those of so many rows, not of the pool.

    Args:
        mixture: of ``prepare`` with the arguments that the selection was made with; it is used up
        picks: the selection, or its rows in order
        rows: (m,) the rows asked about, any of the pool
        progress: told the picks gone through

    Returns:
        one reason for each of ``rows``, in their order

    Raises:
        ShortlistError: rows beyond the pool, or picks that are not those of the mixture
    """
    picked = np.asarray(picks.rows if isinstance(picks, Selection) else picks, np.int64)
    asked, size = np.asarray(rows, np.int64), len(mixture.entries[0].present)
    beyond = asked[(asked < 0) | (asked >= size)]
    if len(beyond):
        raise must_be("rows", f"among the {size} of the pool", int(beyond[0]))
    if len(np.unique(picked)) < len(picked) or not np.isin(picked, mixture.eligible).all():
        raise ShortlistError(
            "picks must be different rows that may be picked. The values have changed since the selection."
        )
    taking_part = np.setdiff1d(np.intersect1d(asked, mixture.eligible), picked)
    reasons = {int(row): Reason(int(row), "picked", mixture.labels, rank=rank) for rank, row in enumerate(picked, 1)}
    reasons |= _Contest(mixture, picked, taking_part).reasons(progress)
    for row in set(asked.tolist()) - reasons.keys():
        reasons[row] = Reason(row, "not eligible", mixture.labels, why=_ineligible(mixture, row))
    return [reasons[row] for row in asked.tolist()]


def _ineligible(mixture: Mixture, row: int) -> str:
    """Why a row may not be picked, in the words of ``Selection.left_out``."""
    if row in mixture.datapool:
        return "in the datapool"
    return next((why for why, rows in mixture.refused.items() if rows[row]), "not among the candidates")


class _Contest:
    """A selection run through again beside the rows asked about.

    Args:
        mixture: before its first pick
        picks: (n,) in order
        asked: (m,) ascending, eligible and not picked
    """

    def __init__(self, mixture: Mixture, picks: Rows, asked: Rows):
        self.mixture, self.picks, self.asked = mixture, picks, asked
        self.terms, self.all = mixture.terms, [*mixture.terms, *mixture.barriers]
        self.names = [_name(term) for term in mixture.barriers] + [limit.name for limit in mixture.limits]
        m, s = len(asked), len(self.terms)
        self.short = np.full(m, np.inf)
        self.closest = np.zeros(m, np.int64)
        # At the closest rank: what the row and the winner were worth, and what they would have added.
        self.there = np.full((m, 4, s), np.nan)
        self.since, self.rule, self.missed = (np.zeros(m, np.int64) for _ in range(3))

    def reasons(self, progress: Progress) -> dict[int, Reason]:
        """One for each row asked about."""
        if not len(self.asked):
            return {}
        for start in range(0, len(self.picks), _PICKS):
            block = self.picks[start : start + _PICKS]
            self._open(np.union1d(self.asked, block))
            for rank, row in enumerate(block.tolist(), start + 1):
                self._watch(rank, row)
                for term in self.all:
                    term.gains.pick(row)
                for limit in self.mixture.limits:
                    limit.pick(row)
                progress(rank, len(self.picks), "explaining")
            for term in self.all:
                term.gains.close()
        if len(self.picks) < self.mixture.n:
            # Where picks ran out, what is left was refused once more.
            self._open(self.asked)
            self._refuse(len(self.picks) + 1, np.zeros(len(self.asked), bool))
            for term in self.all:
                term.gains.close()
        return self._told(*self._standing(progress))

    def _open(self, window: Rows) -> None:
        self.window, self.own = window, np.searchsorted(window, self.asked)
        for term in self.all:
            term.gains.tighten(window, np.full(len(window), -np.inf))
            term.gains.open(window)

    def _watch(self, rank: int, row: int) -> None:
        """Compares the rows with the winner of a rank, just before it is picked."""
        gains = [term.gains.current() for term in self.terms]
        values = np.stack([_worth(term, gain) for term, gain in zip(self.terms, gains, strict=True)])
        total, winner = values.sum(axis=0), int(np.searchsorted(self.window, row))
        short = total[winner] - total[self.own]
        refused = self._refuse(rank, (short < 0) | ((short == 0) & (self.asked < row)))
        self._check(rank, short[~refused], float(total[winner]))
        short = np.where(refused, np.inf, np.maximum(short, 0))
        free = rank == 1 and len(self.picks) > 1 and any(term.gains.first_is_free for term in self.terms)
        nearer = np.flatnonzero(short < self.short) if not free else np.zeros(0, np.int64)
        if not len(nearer):
            return
        natural = np.stack([term.gains.natural(gain) for term, gain in zip(self.terms, gains, strict=True)])
        natural[[rank == 1 and term.gains.first_is_free for term in self.terms]] = np.nan
        mine = self.own[nearer]
        self.short[nearer], self.closest[nearer] = short[nearer], rank
        self.there[nearer, 0], self.there[nearer, 1] = values[:, mine].T, values[:, winner]
        self.there[nearer, 2], self.there[nearer, 3] = natural[:, mine].T, natural[:, winner]

    def _refuse(self, rank: int, would: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(m,) bool, which rows a rule refuses at a rank; ``would`` says which would have been picked there."""
        refusing = [term.value(term.gains.current()[self.own]) == -np.inf for term in self.mixture.barriers]
        refusing += [~limit.allows(self.asked) for limit in self.mixture.limits]
        if not refusing:
            return np.zeros(len(self.asked), bool)
        refused, first = np.any(refusing, axis=0), np.argmax(refusing, axis=0)
        settled = self.missed > 0
        begins = refused & (self.since == 0) & ~settled
        self.since[begins], self.rule[begins] = rank, first[begins]
        self.since[~refused & ~settled] = 0
        self.missed[refused & would & ~settled] = rank
        return refused

    def _check(self, rank: int, short: Floats, total: float) -> None:
        """A row worth more than the winner means that the values are not those of the run."""
        scale = max(abs(total), 1.0 if self.terms[0].scale else 0.0)
        if len(short) and short.min() < -_ROUNDING * scale:
            raise ShortlistError(
                f"picks must be those that the values lead to. Got another as number {rank}, where a sample asked about is "
                f"worth more ({against(total - float(short.min()), total)}): the values have changed since the selection."
            )

    def _standing(self, progress: Progress) -> tuple[Floats, list[int | None]]:
        """(m, s) what the rows are worth as the next pick, and how many others come before them."""
        asked = self.asked
        values = self._values(asked)
        rest = np.setdiff1d(self.mixture.eligible, self.picks)
        if len(rest) * len(self.picks) > _STANDINGS:
            return values.T, [None] * len(asked)
        mine = values.sum(axis=0)
        rest = rest[self._allowed(rest)]
        # Bounds tell apart most of those that come after; of values that rise they are none.
        if all(term.strength > 0 or term.gains.static for term in self.terms):
            bounds = sum(_worth(term, term.gains.bound(rest)) for term in self.terms)
            rest = rest[bounds >= mine.min()]
        ahead = np.zeros(len(asked), np.int64)
        for block in blocks(len(rest), 1, _STANDING_ROWS):
            rows = rest[block]
            total = self._values(rows).sum(axis=0)
            total[self._barred(rows)] = -np.inf
            ahead += ((total > mine[:, None]) | ((total == mine[:, None]) & (rows < asked[:, None]))).sum(axis=1)
            progress(block.stop, len(rest), "comparing with the rest")
        return values.T, list(ahead.tolist())

    def _values(self, rows: Rows) -> Floats:
        """(s, m) what rows are worth after all picks."""
        for term in self.terms:
            term.gains.tighten(rows, np.full(len(rows), -np.inf))
        return np.stack([_worth(term, term.gains.bound(rows)) for term in self.terms])

    def _barred(self, rows: Rows) -> NDArray[np.bool_]:
        """(m,) bool, which rows a barrier refuses after all picks."""
        barred = np.zeros(len(rows), bool)
        for term in self.mixture.barriers:
            term.gains.tighten(rows, np.full(len(rows), -np.inf))
            barred |= term.value(term.gains.bound(rows)) == -np.inf
        return barred

    def _allowed(self, rows: Rows) -> NDArray[np.bool_]:
        """(m,) bool, which rows no limit refuses after all picks."""
        allowed = np.ones(len(rows), bool)
        for limit in self.mixture.limits:
            allowed &= limit.allows(rows)
        return allowed

    def _told(self, after: Floats, ahead: list[int | None]) -> dict[int, Reason]:
        """The reasons, put together."""
        near, distance = self._nearest()
        found = {}
        for place, row in enumerate(self.asked.tolist()):
            reason = Reason(row, "outbid", self.mixture.labels, next_values=after[place])
            if near[place] >= 0:
                reason = replace(reason, neighbor=int(near[place]), distance=float(distance[place]))
            if self.closest[place]:
                rank, (values, winners, gains, winner_gains) = int(self.closest[place]), self.there[place]
                reason = replace(
                    reason, closest=rank, winner=int(self.picks[rank - 1]), values=values, winner_values=winners, gains=gains,
                    winner_gains=winner_gains, against=int((winners - values).argmax()),
                )  # fmt: skip
            if self.since[place]:
                why, missed = self.names[self.rule[place]], int(self.missed[place]) or None
                reason = replace(reason, outcome="refused", why=why, since=int(self.since[place]), missed=missed)
            else:
                reason = replace(reason, ahead=ahead[place])
            found[row] = reason
        return found

    def _nearest(self) -> tuple[Rows, Floats]:
        """(m,) the nearest pick or datapool item and its distance, -1 where there is none."""
        vectors = next(
            ((found, entry) for entry in self.mixture.entries if (found := vectors_of(entry)) is not None), None
        )
        if vectors is None:
            return np.full(len(self.asked), -1), np.full(len(self.asked), np.nan)
        found, entry = vectors
        earlier = np.concatenate([self.picks, self.mixture.datapool[entry.present[self.mixture.datapool]]])
        if not len(earlier):
            return np.full(len(self.asked), -1), np.full(len(self.asked), np.nan)
        distances, at = nearest(found[self.asked], found[earlier])
        return earlier[at], distances


def _worth(term: Term, internal: Floats) -> Floats:
    """What gains are worth as ``Picks.values`` has it: without a scale, the gain in its own unit."""
    if term.scale is not None:
        return term.value(internal)
    return np.sign(term.strength) * term.gains.natural(internal)


def _name(barrier: Term) -> str:
    """A barrier in a few words."""
    if isinstance(barrier.scale, Barrier):
        return f"at least {barrier.scale.radius:g} from every pick"
    return "a rule of a strategy"
