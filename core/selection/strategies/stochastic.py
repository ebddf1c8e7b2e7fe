"""STOCHASTIC: draw by value. Power sampling: high values are likelier, not certain."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import rankdata

from ...errors import must_be
from ..engine.gains import Floats, Gains, StaticGains
from ..strategy import Pool, Strategy
from ..values import Takes, numbers


class Stochastic(Strategy):
    """Picks at random, high values the likelier: what one model is unsure of together is not picked all at once."""

    takes: ClassVar[Takes] = "numbers"
    source: ClassVar[str] = (
        "Kirsch et al., Stochastic Batch Acquisition: A Simple Baseline for Deep Active Learning, 2023"
    )
    gain_means: ClassVar[str] = "logarithm of the value (or rank), plus chance"
    by_chance: ClassVar[bool] = True

    type: Literal["STOCHASTIC"]
    of: Literal["VALUE", "RANK"] = Field(
        "VALUE",
        description="VALUE: the chance is in proportion to a power of the value, which must be >= 0; RANK: to a power of one "
        "over the rank, for values whose size means little.",
    )
    power: float = Field(
        1.0, ge=0, le=100, description="The power: 0 is a random draw, a high one the highest values for certain."
    )

    def words(self, source: str) -> str:
        return f"draws at random, {'high' if self.strength > 0 else 'low'} {source} the likelier"

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        found = numbers(values)
        sign = 1.0 if self.strength > 0 else -1.0
        # A stream of its own: from the same numbers as RANDOM, what one draws early the other would draw late.
        chance = np.random.default_rng([pool.seed, 1]).gumbel(size=len(found))
        if self.of == "RANK":
            ranks = np.ones(len(found))
            ranks[pool.eligible] = rankdata(-sign * found[pool.eligible])
            return StaticGains(sign * (chance - self.power * np.log(ranks)))
        negative = found[pool.eligible] < 0
        if negative.any():
            least = float(found[pool.eligible].min())
            raise must_be("values", ">= 0 for chances in proportion to them", least, "`of` = RANK takes any numbers.")
        return StaticGains(sign * _favour(found, self.power, sign, chance, pool))


def _favour(values: Floats, power: float, sign: float, chance: Floats, pool: Pool) -> Floats:
    """(n,) ``sign * power * log(value)`` plus chance.

    To take the greatest ``x`` plus Gumbel noise, again and again, is to draw without replacement by chances in proportion to
    ``exp(x)``. Zeros are never drawn before others (or always, where low values are wanted), and among one another at random.
    """
    zero = values <= 0
    favour = chance + sign * power * np.log(np.where(zero, 1, values))
    others = favour[pool.eligible][~zero[pool.eligible]]
    if power and len(others):
        if sign > 0:
            favour[zero] = others.min() - 1 + chance[zero] - chance.max()
        else:
            favour[zero] = others.max() + 1 + chance[zero] - chance.min()
    return favour
