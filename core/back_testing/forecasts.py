"""What the next labels are expected to bring, by random picks and by strategies.

What random labels teach follows an inverse power law; it is fitted to the curve of random picks and carried on to the
number of labels that there are. What a strategy adds to that is seen in one step: some labels are random, one batch is
picked by the strategy, and what that gains over a random batch is carried on in proportion to the law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .contenders import RANDOM
from .metrics import WORDS, Metric
from .power_law import MINIMUM, PowerLaw, fit_power_law
from .replay import Scores
from .report import Estimate, Forecast

# A forecast that missed the last number, or a law that misses its own points, by more than this should not be believed.
_MISSED = 0.03
# What a step adds is carried on by this factor at most: beyond, the law at the step is nothing but noise.
_CARRIED = 3.0
# A batch of more than this share of what is left leaves little to choose.
_CHOICE = 0.2


def step_of(pool: int, labels: int, next_labels: int) -> tuple[int, int]:
    """Which step is replayed: half of the pool is random, and the batch is in proportion to what is asked.

    Args:
        pool: how many rows the smallest pool has
        labels: how many labels there are
        next_labels: how many more are asked about

    >>> step_of(840, 1200, 100)
    (420, 35)
    """
    before = max(2, pool // 2)
    return before, int(np.clip(round(before * next_labels / labels), 1, max(1, int((pool - before) * _CHOICE))))


def forecast(
    scores: Scores, pool: int, labels: int, next_labels: int, metric: Metric
) -> tuple[Forecast | None, dict[str, Estimate], list[str]]:
    """What the next labels are expected to bring.

    Args:
        scores: what was measured
        pool: how many rows the smallest pool has
        labels: how many labels there are
        next_labels: how many more are asked about
        metric: what was measured

    Returns:
        the forecast, None where the curve has too few points; what each contender is expected to bring; why there is none
    """
    at = np.array([*scores.budgets, pool], np.float64)
    curves = np.column_stack([scores.curves[RANDOM.name], scores.whole])
    kept = np.append(np.diff(at) > 0, True)
    at, curves = at[kept], curves[:, kept]
    if len(at) < MINIMUM + 1:
        return None, {}, [f"no forecast: it needs at least {MINIMUM} budgets below the whole pool."]
    law = fit_power_law(at, curves.mean(axis=0))
    # The bend of a single curve is mostly chance; they share that of their mean.
    laws = [fit_power_law(at, curve, exponent=law.exponent) for curve in curves]
    earlier = fit_power_law(at[:-1], curves.mean(axis=0)[:-1])
    missed = earlier.at(at[-1]) - float(curves[:, -1].mean())
    # How unsure the bend is shows in how much the gains of single curves differ, each with its own.
    free = [fit_power_law(at, curve) for curve in curves]
    gains = _gains(scores, law, free, labels, next_labels)
    residual = float(np.sqrt(np.mean([(law.at(n) - v) ** 2 for n, v in zip(at, curves.mean(axis=0), strict=True)])))
    reliable = abs(missed) <= _MISSED and residual <= _MISSED
    now = Estimate.of([one.at(labels) for one in laws], scores.overlap)
    best = max(gains, key=lambda name: gains[name].mean)
    found = Forecast(
        labels=labels,
        next_labels=next_labels,
        now=now,
        best=best,
        asymptote=law.asymptote,
        factor=law.factor,
        exponent=law.exponent,
        unit=law.unit,
        residual=residual,
        step=list(scores.step),
        checked_at=int(at[-1]),
        checked_error=missed,
        reliable=reliable,
        sentence=_sentence(now, gains, best, labels, next_labels, metric, missed, reliable, scores.overlap),
    )
    return found, gains, []


def _gains(
    scores: Scores, law: PowerLaw, laws: Sequence[PowerLaw], labels: int, next_labels: int
) -> dict[str, Estimate]:
    """What each contender's next labels are expected to bring, over the splits."""
    expected = law.at(labels + next_labels) - law.at(labels)
    random = np.array([one.at(labels + next_labels) - one.at(labels) for one in laws])
    random += expected - random.mean()
    before, n = scores.step
    there = law.at(before + n) - law.at(before)
    carried = (law.at(labels + next_labels) - law.at(labels)) / there if there > 0 else 0.0
    carried = float(np.clip(carried, 0, _CARRIED))
    found = {RANDOM.name: Estimate.of(random, scores.overlap)}
    for name, brought in scores.steps.items():
        if name != RANDOM.name and not np.isnan(brought).any():
            found[name] = Estimate.of(random + carried * (brought - scores.steps[RANDOM.name]), scores.overlap)
    return found


def _sentence(
    now: Estimate,
    gains: Mapping[str, Estimate],
    best: str,
    labels: int,
    next_labels: int,
    metric: Metric,
    missed: float,
    reliable: bool,
    overlap: float,
) -> str:
    told = f"{labels} random labels are expected to reach {100 * now.mean:.1f} % {WORDS[metric]}"
    told += f"; {next_labels} more at random {gains[RANDOM.name].points()} points"
    if best != RANDOM.name:
        told += f", picked by {best} {gains[best].points()}"
        more = np.subtract(gains[best].splits, gains[RANDOM.name].splits)
        # The best of several is so by chance too.
        told += "" if Estimate.of(more, overlap).low > 0 else ", which is not shown to be more"
    told += f". The last number was forecast from those before: off by {100 * abs(missed):.1f} points."
    return told if reliable else f"{told} That is too much to rely on the forecast."
