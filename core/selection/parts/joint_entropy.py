"""Gains of BatchBALD: what the members of a committee would tell about themselves by the labels of all picks together."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, silent
from ...vectors import blocks
from ..engine.gains import Floats, Gains, Linear, Picks, Rows, Scale

# A block of products of this many values stays in the second-level cache.
_VALUES = 250_000
# After so many it is asked whether to go on.
_LOOKED_AT = 200_000_000
# Gains are told apart to this many decimals (nats): single precision holds no more.
_DECIMALS = 6
_TINY = np.float32(1e-30)


@dataclass(frozen=True)
class Labelings:
    """Ways in which the picks may turn out to be labelled.

    Args:
        chances: (M,) of each labelling, summing to 1
        members: (M, T) float32, how likely each member is, given the labelling; rows sum to 1
        exact: whether they are all that there are, or drawn
    """

    chances: NDArray[np.float32]
    members: NDArray[np.float32]
    exact: bool

    @classmethod
    def none(cls, n_members: int) -> Labelings:
        """Of no picks at all: one, which tells nothing."""
        return cls(np.ones(1, np.float32), np.full((1, n_members), 1 / n_members, np.float32), True)

    def every(self, added: NDArray[np.float32]) -> Labelings:
        """All labellings with one more pick, whose probabilities by member are (T, K)."""
        joint = (self.chances[:, None, None] * self.members[:, None]) * added.T
        joint = joint.reshape(-1, len(added))
        chances = joint.sum(axis=1)
        joint, chances = joint[chances > 0], chances[chances > 0]
        return Labelings(chances / chances.sum(), joint / chances[:, None], True)

    def drawn(self, added: NDArray[np.float32], by: NDArray[np.int64], chance: NDArray[np.float64]) -> Labelings:
        """The same labellings with a label of one more pick each, drawn from a member.

        Args:
            added: (T, K) probabilities of the pick by member
            by: (M,) the member that draws
            chance: (M,) uniform in [0, 1)
        """
        cumulative = np.cumsum(added, axis=1, dtype=np.float64)
        labels = (cumulative[by] > (chance * cumulative[by, -1])[:, None]).argmax(axis=1)
        members = self.members * added[:, labels].T
        return Labelings(self.chances, members / members.sum(axis=1, keepdims=True), False)

    def entropies(self, passes: NDArray[np.floating]) -> NDArray[np.float64]:
        """(m,) nats, of the labels of m rows, given the labels of the picks; ``passes`` is (m, T, K)."""
        m, n_members, n_classes = passes.shape
        found = np.empty(m)
        for block in blocks(m, n_classes * len(self.chances), _VALUES):
            some = passes[block].astype(np.float32, copy=False).transpose(1, 0, 2).reshape(n_members, -1)
            joint = self.members @ some
            joint *= np.log(np.maximum(joint, _TINY))
            found[block] = -(self.chances @ joint).reshape(-1, n_classes).sum(axis=1, dtype=np.float64)
        return found


class JointGains(Gains):
    """How much more the labels of the picks would tell about which member is right, with one more row among them.

    That is the entropy of a row's label given those of the picks, less what each member is unsure of by itself. Given all
    labellings of the picks it is exact, and it only falls as picks are added (mutual information is submodular). There
    are ``K**picks`` labellings; beyond ``n_labelings`` as many are drawn from the members in turn, and gains are estimates
    that may rise by chance. Then the least estimate so far is taken for the gain, whichever rows were looked at when, so
    that old gains stay bounds.

    Args:
        passes: (n, T, K) float, class probabilities by member
        eligible: rows that may be picked, ascending
        n_labelings: how many labellings are kept
        seed: of those drawn
        earlier: rows that count as picked from the start
        progress: told the rows measured
    """

    def __init__(
        self,
        passes: NDArray[np.floating],
        eligible: Rows,
        n_labelings: int,
        seed: int,
        earlier: Rows,
        progress: Progress = silent,
    ):
        self.passes, self.n_labelings, self.seed, self.progress = passes, n_labelings, seed, progress
        self.own = np.zeros(len(passes))  # what each member is unsure of by itself, on average
        members = passes.shape[1]
        for block in blocks(len(eligible), members * passes.shape[2]):
            rows = eligible[block]
            some = passes[rows].astype(np.float32, copy=False)
            logs = np.log(np.maximum(some, _TINY))
            self.own[rows] = -np.einsum("itk,itk->i", some, logs, dtype=np.float64) / members
            progress(block.stop, len(eligible), "measuring disagreement")
        # Each member draws its share of the labellings.
        self.by = np.arange(n_labelings) % members
        drawn = np.full((n_labelings, members), 1 / members, np.float32)
        self._drawn = Labelings(np.full(n_labelings, 1 / n_labelings, np.float32), drawn, False)
        self._states = [Labelings.none(members)]
        for row in earlier:
            self._extend(int(row))
        self._first = self._states[-1], self._drawn
        self._start = np.zeros(len(passes))
        self._start[eligible] = self._estimate(self._states[-1], eligible)
        self._begin()

    def _begin(self) -> None:
        self.upper = self._start.copy()
        self._states, self._drawn = [self._first[0]], self._first[1]
        self._seen = np.zeros(len(self.upper), np.int32)  # how many picks a row's bound accounts for
        self._window = np.zeros(0, np.int64)

    def restart(self) -> JointGains:
        other = copy(self)
        other._begin()
        return other

    def scale(self, solo: Picks, random: Rows, eligible: Rows) -> Scale:
        """From the mean gain of a random pick to that of the solo run's."""
        walk = self.restart()
        gains = []
        for row in random:
            gains.append(float(walk._estimate(walk._states[-1], np.array([row]))[0]))
            walk._extend(int(row))
        chance = float(np.mean(gains))
        return Linear(chance, max(0.0, float(solo.gains[:, 0].mean()) - chance))

    def tighten(self, rows: Rows, floor: Floats) -> NDArray[np.bool_]:
        floor = np.asarray(floor)
        last = len(self._states) - 1
        stale = np.flatnonzero(self._seen[rows] < last)
        # The newest estimate first, since it is the lowest but for chance. All drawn ones that a row has missed count, and of
        # the exact ones the newest.
        for state in range(last, 0, -1):
            missed = stale[self._seen[rows[stale]] < state]
            if not len(missed):
                break
            found = self._estimate(self._states[state], rows[missed])
            self.upper[rows[missed]] = np.minimum(self.upper[rows[missed]], found)
            stale = stale[self.upper[rows[stale]] >= floor[stale]]
            if self._states[state].exact:
                break
        self._seen[rows[stale]] = last
        return (self._seen[rows] == last) & (self.upper[rows] >= floor)

    def pick(self, row: int) -> None:
        self._extend(row)
        if len(self._window):
            found = self._estimate(self._states[-1], self._window)
            self.upper[self._window] = np.minimum(self.upper[self._window], found)
            self._seen[self._window] = len(self._states) - 1

    def close(self) -> None:
        self._window = np.zeros(0, np.int64)

    def _extend(self, row: int) -> None:
        """The labellings with one more pick."""
        added = self.passes[row].astype(np.float32, copy=False)
        chance = np.random.default_rng([self.seed, row]).random(self.n_labelings)
        self._drawn = self._drawn.drawn(added, self.by, chance)
        newest = self._states[-1]
        room = newest.exact and len(newest.chances) * added.shape[1] <= self.n_labelings
        self._states.append(newest.every(added) if room else self._drawn)

    def _estimate(self, state: Labelings, rows: Rows) -> NDArray[np.float64]:
        """(m,) nats, the gains of rows beside the picks of a state."""
        found: NDArray[np.float64] = np.empty(len(rows))
        n_members, n_classes = self.passes.shape[1:]
        for block in blocks(len(rows), n_classes * max(len(state.chances), 100 * n_members), _LOOKED_AT):
            if block.start:
                self.progress(block.start, len(rows), "weighing labellings")
            found[block] = state.entropies(self.passes[rows[block]]) - self.own[rows[block]]
        return np.maximum(found, 0).round(_DECIMALS)
