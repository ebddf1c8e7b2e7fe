"""BATCHBALD: what a committee disagrees on, no two picks for the same reason."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import ShortlistError, must_be
from ..engine.gains import Gains
from ..parts.joint_entropy import JointGains
from ..strategy import Pool, Strategy
from ..values import Takes


class BatchBald(Strategy):
    """Picks samples whose labels together would tell most about which model of a committee is right.

    A committee of T models has at most log T nats to tell: what the first few dozen picks have told, further ones cannot, and
    then gains are 0. It is meant for batches of about ten; the time grows with samples times classes times labellings, so that
    of a million samples, or of many classes, only the promising ones should be candidates.
    """

    takes: ClassVar[Takes] = "committee"
    source: ClassVar[str] = (
        "Kirsch et al., BatchBALD: Efficient and Diverse Batch Acquisition for Deep Bayesian Active Learning, 2019"
    )
    gain_means: ClassVar[str] = "nats that its label would tell about the models, beside the labels of earlier picks"
    by_chance: ClassVar[bool] = True

    type: Literal["BATCHBALD"]
    n_labelings: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="How many ways to label the picks are weighed: all while there are no more, then as many drawn at random. "
        "More is more exact, and slower in proportion.",
    )
    datapool_learned: bool = Field(
        True,
        description="Whether the models have been trained on the datapool. If not, its labels are taken into account like "
        "those of earlier picks.",
    )

    def gains(self, values: NDArray, pool: Pool) -> Gains:
        passes = np.asarray(values)
        if passes.ndim != 3 or passes.shape[1] < 2 or not passes.shape[2]:
            raise must_be("passes", "class probabilities by two or more models, (n, T, K)", passes.shape)
        earlier = pool.preselected[:0] if self.datapool_learned else pool.preselected
        used = np.union1d(pool.eligible, earlier)
        sums = passes.sum(axis=2)[used]
        unusable = int((~(np.isfinite(sums) & (sums > 0)).all(axis=1)).sum())
        if unusable:
            raise ShortlistError(
                f"passes must be probabilities of each model, with a sum above 0. Got others in {unusable} of {len(used)} rows "
                f"instead."
            )
        return JointGains(passes, pool.eligible, self.n_labelings, pool.seed, earlier, pool.progress)

    def words(self, source: str) -> str:
        if self.strength < 0:
            return f"avoids what the models of {source} disagree on"
        return f"picks what the models of {source} disagree on, each for another reason"
