"""BALANCE: pick so that classes or categories come in wanted shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ...errors import did_you_mean, listed, must_be
from ...schema import When
from ..engine.gains import Gains
from ..parts.balance import BalanceGains, held_by
from ..strategy import Pool, Strategy
from ..values import Amounts, Takes

_TOLERANCE = 1e-6
# More shortages than these are counted instead of listed.
_MOST_SHORTAGES = 12
_OTHERS = "all other classes"


class Balance(Strategy):
    """Picks what holds the classes or categories that the picks so far have too little of, to come near a distribution.

    The datapool counts. Samples without objects are picked when no others are left.
    """

    takes: ClassVar[Takes] = "amounts"
    source: ClassVar[str] = (
        "LightlyOne, selection strategy BALANCE; quotas as in Tijdeman, The chairman assignment problem, 1980"
    )
    gain_means: ClassVar[str] = "how many objects its classes lag behind the target"
    everyday: ClassVar[bool] = True

    type: Literal["BALANCE"]
    target: Annotated[dict[str, float] | None, When("distribution", among=(None, "TARGET"))] = Field(
        None,
        min_length=1,
        description='The share that each class is to have, such as {"car": 0.5, "bicycle": 0.3}; what is left of 1 is for all '
        "other classes together.",
    )
    distribution: Literal["TARGET", "UNIFORM", "INPUT"] | None = Field(
        None,
        description="TARGET: as the target says; UNIFORM: every class of the pool alike; INPUT: as in the candidates. Nothing "
        "given: TARGET where there is a target, else UNIFORM.",
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> Balance:
        if self.target is None:
            if self.distribution == "TARGET":
                raise ValueError("target must be given where distribution is TARGET. Got none.")
            return self
        if self.distribution not in (None, "TARGET"):
            raise ValueError(
                f"distribution must be TARGET where a target is given. Got {self.distribution!r} with a target instead."
            )
        for name, share in self.target.items():
            if share < 0:
                raise ValueError(f"target[{name!r}] must be >= 0. Got {share:g} instead.")
        if sum(self.target.values()) > 1 + _TOLERANCE:
            raise ValueError(
                f"the shares of target must add up to at most 1. Got {sum(self.target.values()):g} instead."
            )
        return self

    def gains(self, values: Amounts, pool: Pool) -> Gains:
        asked = self._asked(values, pool)
        return BalanceGains(
            asked.amounts, asked.shares, pool.preselected, pool.eligible, pool.n, inverted=self.strength < 0
        )

    def supply(self, values: Amounts, pool: Pool) -> list[str]:
        if self.strength < 0 or not pool.n:
            return []
        asked = self._asked(values, pool)
        there, earlier = asked.held_by(pool.eligible), asked.held_by(pool.preselected)
        sizes = np.asarray(asked.amounts.sum(axis=1)).ravel()[pool.eligible]
        filled = sizes[sizes > 0]
        # How many objects the picks will hold is only known where every row holds one.
        total = earlier.sum() + (min(pool.n, len(filled)) * filled.mean() if len(filled) else 0.0)
        short = asked.shares * total - earlier - there
        over = earlier - asked.shares * total
        found = [
            asked.shortage(at, total, there, earlier) for at in np.argsort(-short, kind="stable") if short[at] >= 1
        ]
        found += [asked.surplus(at, total, earlier) for at in np.argsort(-over, kind="stable") if over[at] >= 1]
        if self.target is not None:
            found += [f"there is no {name!r} in the pool" for name in asked.unknown() if asked.share(name) * total < 1]
        rest = len(found) - _MOST_SHORTAGES
        return found if rest <= 0 else [*found[:_MOST_SHORTAGES], f"{rest} more classes cannot have their shares"]

    def words(self, source: str) -> str:
        verb = "balances" if self.strength > 0 else "unbalances"
        if self.target is not None:
            shares = [f"{100 * share:g} % {name}" for name, share in self.target.items()]
            return f"{verb} {source} to {listed(shares, 4)}"
        return f"{verb} {source} as in the candidates" if self.distribution == "INPUT" else f"{verb} {source}"

    def _asked(self, values: Amounts, pool: Pool) -> _Asked:
        """What is asked for, class by class."""
        matrix = values.matrix.tocsr().astype(np.float64, copy=False)
        if self.target is not None:
            return self._named(values.names, matrix)
        candidates = held_by(matrix, pool.eligible)
        if self.distribution == "INPUT":
            wanted = candidates
        else:
            wanted = (candidates + held_by(matrix, pool.preselected) > 0).astype(np.float64)
        return _Asked(list(values.names), wanted / max(wanted.sum(), 1e-300), matrix, values.names)

    def _named(self, names: tuple[str, ...], matrix: sparse.csr_array) -> _Asked:
        """The named classes, and all others as one."""
        assert self.target is not None
        known = [name for name in self.target if name in set(names)]
        if not known and names:
            got = next(iter(self.target))
            raise must_be("target", f"about classes that there are ({listed(names)})", got, did_you_mean(got, names))
        place = {name: at for at, name in enumerate(self.target)}
        column = np.array([place.get(name, len(place)) for name in names], np.int64)
        pooled = sparse.csr_array(
            (matrix.data.copy(), column[matrix.indices], matrix.indptr.copy()), shape=(matrix.shape[0], len(place) + 1)
        )
        pooled.sum_duplicates()
        shares = np.array([*self.target.values(), 0.0])
        rest = 1 - shares.sum()
        shares[-1] = rest if rest > _TOLERANCE else 0.0
        return _Asked([*self.target, _OTHERS], shares / shares.sum(), pooled, names)


@dataclass(frozen=True)
class _Asked:
    """Shares of classes.

    Args:
        names: (C,) the classes
        shares: (C,) their shares, which add up to 1 (to 0 where there are no classes)
        amounts: (n, C) how much of them each row holds
        known: the classes that there are
    """

    names: list[str]
    shares: NDArray[np.float64]
    amounts: sparse.csr_array
    known: tuple[str, ...]

    def held_by(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(C,) how much of each class the rows hold."""
        return held_by(self.amounts, rows)

    def unknown(self) -> list[str]:
        """The classes that are asked for by name and that there are not."""
        return [name for name in self.names if name not in self.known and name != _OTHERS]

    def share(self, name: str) -> float:
        """The share of a class."""
        return float(self.shares[self.names.index(name)])

    def shortage(self, at: int, total: float, there: NDArray[np.float64], earlier: NDArray[np.float64]) -> str:
        """A class of which there is less than its share."""
        asked = self._share_in_words(at, total)
        if not there[at] + earlier[at]:
            return f"{asked}, and there is no {self._named(at)} in the pool"
        more = f", {earlier[at]:g} of them in the datapool" if earlier[at] else ""
        return f"{asked}, and there are {there[at] + earlier[at]:g}{more}"

    def surplus(self, at: int, total: float, earlier: NDArray[np.float64]) -> str:
        """A class of which the datapool alone has more than its share."""
        return f"{self._share_in_words(at, total)}, and the datapool alone has {earlier[at]:g}"

    def _share_in_words(self, at: int, total: float) -> str:
        share = self.shares[at]
        # The name of the others is plural, that of a class is not.
        verb = "are" if at == len(self.names) - 1 and self.names[at] == _OTHERS else "is"
        return f"{self._named(at)} {verb} to have {100 * share:.3g} % (about {share * total:.0f} of {total:.0f})"

    def _named(self, at: int) -> str:
        return self.names[at] if self.names[at] == _OTHERS else repr(self.names[at])
