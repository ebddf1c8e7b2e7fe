"""How sets are distributed over classes and categories, and how their numbers are, beside random selections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..selection.parts.balance import held_by
from ..selection.values import Amounts
from .report import Distribution, Interval, Numbers, RandomShares, SetName, Shares
from .sets import Sets
from .spread import edges_of, interval_of, random_spread_of, spread_of

#: the last category where not all are named
OTHERS = "(others)"
# How many are named of each kind; the rest is counted together.
_NAMED = {"classes": 1000, "categories": 50}

#: a share for each of some categories, or the distribution that a selection was to have
Target = Mapping[str, float] | Literal["UNIFORM", "INPUT"]
Floats = NDArray[np.float64]


def distribution_of(
    amounts: Amounts,
    sets: Sets,
    *,
    source: str,
    kind: Literal["classes", "categories"],
    target: Target | None = None,
    left_out: int = 0,
) -> Distribution:
    """How the sets are distributed over classes or categories.

    Categories that neither the input nor the datapool holds do not count, unless the target names them. Of very many only
    the most frequent are named; the measures count all of them.

    Args:
        amounts: (n, C) how much of each category every row holds
        sets: the sets of rows
        source: the field
        kind: of labels, or of samples
        target: what the selection was to have; what the shares leave of 1 is for all other categories together
        left_out: how many samples have no value
    """
    counted = {name: held_by(amounts.matrix, rows) for name, rows in sets.named().items()}
    order = _order(amounts.names, counted, target)
    names = [amounts.names[at] for at in order.tolist()]
    # What is asked for and not there is a category too.
    asked = [name for name in (target if isinstance(target, Mapping) else ()) if name not in set(amounts.names)]
    table = _Table([*names, *asked], _NAMED[kind], target, _placed(counted["input"], order, len(asked)))
    drawn = [_placed(held_by(amounts.matrix, rows), order, len(asked)) for rows in sets.random]
    return Distribution(
        source=source,
        kind=kind,
        categories=table.shown,
        pooled=table.pooled,
        target=None if table.wanted is None else table.together(table.wanted).tolist(),
        sets={name: table.shares_of(_placed(counts, order, len(asked))) for name, counts in counted.items()},
        random=table.random_shares_of(drawn),
        left_out=left_out,
    )


def numbers_of(values: NDArray[np.floating], sets: Sets, *, source: str, left_out: int = 0) -> Numbers:
    """How the numbers of the sets are distributed.

    Args:
        values: (n,) a number a row, NaN where there is none
        sets: the sets of rows
        source: the field
        left_out: how many samples have no value
    """
    groups = {name: values[rows] for name, rows in sets.named().items()}
    edges = edges_of(groups.values(), whole=True)
    return Numbers(
        source=source,
        edges=edges.tolist(),
        sets={name: spread_of(group, edges) for name, group in groups.items()},
        random=random_spread_of([values[rows] for rows in sets.random], edges),
        left_out=left_out,
    )


def entropy_of(counts: Floats) -> float | None:
    """The entropy of shares in nats; None where there is nothing.

    >>> entropy_of(np.array([2.0, 2.0, 0.0])) == np.log(2)
    np.True_
    """
    total = counts.sum()
    if total <= 0:
        return None
    shares = counts[counts > 0] / total
    return max(0.0, float(-(shares * np.log(shares)).sum()))


def total_variation(first: Floats, second: Floats) -> float:
    """Half the sum of the differences of two distributions: 0 = the same, 1 = nothing in common.

    >>> total_variation(np.array([0.5, 0.5, 0.0]), np.array([0.5, 0.25, 0.25]))
    0.25
    """
    return min(1.0, float(np.abs(first - second).sum() / 2))


def _order(names: Sequence[str], counted: Mapping[SetName, Floats], target: Target | None) -> NDArray[np.int64]:
    """The columns of the categories that count: the most frequent of the input first, ties by name."""
    held = counted["input"] + counted.get("datapool", 0.0)
    wanted = set(target) if isinstance(target, Mapping) else set()
    kept = [at for at, name in enumerate(names) if held[at] > 0 or name in wanted]
    return np.array(sorted(kept, key=lambda at: (-counted["input"][at], names[at])), np.int64)


def _placed(counts: Floats, order: NDArray[np.int64], missing: int) -> Floats:
    """Counts in the order of the categories, and none of those that are only asked for."""
    return np.concatenate([counts[order], np.zeros(missing)])


@dataclass(frozen=True)
class _Table:
    """The categories that sets are counted in.

    Args:
        names: (C,) all of them
        most: how many may be named; what the target names always is
        target: what the selection was to have
        input: (C,) how much of each the input holds
    """

    names: list[str]
    most: int
    target: Target | None
    input: Floats

    @property
    def n_named(self) -> int:
        """How many are named. For a single one more there is no need of a name for the rest."""
        most = max([self.most, *(at + 1 for at, named in enumerate(self._is_named()) if named)])
        return most if len(self.names) > most + 1 else len(self.names)

    @property
    def pooled(self) -> int:
        """How many are counted together."""
        return len(self.names) - self.n_named

    @property
    def shown(self) -> list[str]:
        """The names that are shown."""
        return [*self.names[: self.n_named], *([OTHERS] if self.pooled else [])]

    def together(self, counts: Floats) -> Floats:
        """Counts of what is shown."""
        rest = [counts[self.n_named :].sum()] if self.pooled else []
        return np.concatenate([counts[: self.n_named], rest])

    @property
    def wanted(self) -> Floats | None:
        """(C,) the shares that the selection was to have; what is for others together is split as in the input."""
        if self.target is None or not len(self.names):
            return None
        if self.target == "INPUT":
            return self.input / self.input.sum() if self.input.sum() > 0 else None
        if self.target == "UNIFORM":
            return np.full(len(self.names), 1 / len(self.names))
        named = self._is_named()
        shares = np.array([self.target.get(name, 0.0) for name in self.names])
        others = np.where(named, 0.0, self.input)
        rest = max(0.0, 1 - shares.sum())
        if others.sum() > 0:
            shares = shares + rest * others / others.sum()
        return shares / shares.sum() if shares.sum() > 0 else None

    def _is_named(self) -> NDArray[np.bool_]:
        """(C,) which categories the target has a share of their own for."""
        target = self.target if isinstance(self.target, Mapping) else {}
        return np.array([name in target for name in self.names], bool)

    def _distance_to_target(self, shares: Floats) -> float | None:
        """How far shares are from the target, which does not say how others are split."""
        wanted = self.wanted
        if wanted is None:
            return None
        if not isinstance(self.target, Mapping):
            return total_variation(shares, wanted)
        named = self._is_named()
        pooled = [np.append(one[named], one[~named].sum()) for one in (shares, wanted)]
        return total_variation(*pooled)

    def shares_of(self, counts: Floats) -> Shares:
        """How counts are distributed."""
        total, entropy, size = float(counts.sum()), entropy_of(counts), len(counts)
        none = Shares(
            total=total,
            counts=self.together(counts).tolist(),
            present=int((counts > 0).sum()),
            entropy=None,
            effective=None,
            imbalance=None,
            distance_to_input=None,
            distance_to_uniform=None,
            distance_to_target=None,
        )
        if entropy is None:
            return none
        shares, least = counts / total, float(counts.min())
        measured = {
            "entropy": self._normalized(entropy),
            "effective": float(np.exp(entropy)),
            "imbalance": float(counts.max()) / least if least > 0 else None,
            "distance_to_input": self._distance_to_input(shares),
            "distance_to_uniform": total_variation(shares, np.full(size, 1 / size)),
            "distance_to_target": self._distance_to_target(shares),
        }
        return none.model_copy(update=measured)

    def random_shares_of(self, drawn: Sequence[Floats]) -> RandomShares | None:
        """How random selections are distributed; those that hold none have no part in it."""
        held = [counts for counts in drawn if counts.sum() > 0]
        if not held:
            return None
        measured = [self.shares_of(counts) for counts in held]
        shown = np.stack([self.together(counts) / counts.sum() for counts in held])

        def over(name: str) -> Interval:
            return interval_of([getattr(one, name) for one in measured])

        return RandomShares(
            shares=[interval_of(column) for column in shown.T],
            present=over("present"),
            entropy=over("entropy"),
            distance_to_input=over("distance_to_input"),
            distance_to_uniform=over("distance_to_uniform"),
        )

    def _normalized(self, entropy: float) -> float:
        """An entropy over the greatest that it could be; of a single category there is none greater than its own."""
        return min(1.0, entropy / float(np.log(len(self.names)))) if len(self.names) > 1 else 1.0

    def _distance_to_input(self, shares: Floats) -> float | None:
        total = self.input.sum()
        return total_variation(shares, self.input / total) if total > 0 else None
