"""From the scores of a replay to what they say: intervals, what a strategy saves, verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .contenders import RANDOM, Contender
from .metrics import WORDS, Metric
from .replay import Scores
from .report import Curve, Estimate
from .truths import Floats

# Below this many splits an interval says little.
_FEW_SPLITS = 5
# A test set whose chance error is above this many points is small, and a class with fewer labels than this is rare.
_ERROR, _RARE = 0.03, 10


def curves_of(contenders: Sequence[Contender], scores: Scores, forecasts: dict[str, Estimate]) -> list[Curve]:
    """The curve of every contender: random picks first, then the best on the mean over budgets.

    What ended early is ranked by how it did beside random on the budgets that it reached.
    """
    made = [_curve(one, scores, forecasts.get(one.name)) for one in [RANDOM, *contenders]]

    def rank(curve: Curve) -> float:
        return np.inf if curve.mean_difference is None else -curve.mean_difference.mean

    return [made[0], *sorted(made[1:], key=rank)]


def _curve(one: Contender, scores: Scores, forecast: Estimate | None) -> Curve:
    own, random = scores.curves[one.name], scores.curves[RANDOM.name]
    reached = ~np.isnan(own).any(axis=0)
    differs = one.name != RANDOM.name
    mean = Estimate.of(own[:, reached].mean(axis=1), scores.overlap) if reached.any() else None
    above = Estimate.of((own - random)[:, reached].mean(axis=1), scores.overlap) if reached.any() and differs else None
    difference = _estimates(own - random, scores.overlap) if differs else None
    labels = labels_of_random(scores.budgets, random.mean(axis=0), own.mean(axis=0)) if differs else None
    saved = None
    if labels is not None:
        saved = [
            None if other is None else 1 - budget / other for budget, other in zip(scores.budgets, labels, strict=True)
        ]
    ended = [scores.ended[one.name]] if one.name in scores.ended else []
    found = Curve(
        name=one.name,
        kind=one.kind,
        key=one.key or one.name,
        config=dict(one.config) if one.config is not None else None,
        starts_by="COVERAGE" if one.needs_model else "itself",
        values=_estimates(own, scores.overlap),
        difference=difference,
        mean=mean,
        mean_difference=above,
        labels_of_random=labels,
        saved=saved,
        next_labels=forecast,
        verdict="",
        notes=[*one.notes, *ended],
    )
    return found.model_copy(update={"verdict": verdict(found, scores.budgets)})


def _estimates(values: Floats, overlap: float) -> list[Estimate | None]:
    """Of each column; None where a split has no value."""
    return [None if np.isnan(column).any() else Estimate.of(column, overlap) for column in values.T]


def labels_of_random(budgets: Sequence[int], random: Floats, values: Floats) -> list[float | None]:
    """How many random labels teach as much as each of some values.

    Between budgets the curve of random picks is a straight line over the logarithm of the labels. Where chance makes it
    fall, it counts as level.

    Args:
        budgets: (b,) labels
        random: (b,) what random picks of as many taught
        values: (b,) what other picks taught, NaN where unknown

    Returns:
        (b,) labels, None where a value is below or beyond the curve

    >>> labels_of_random([10, 100], np.array([0.5, 0.7]), np.array([0.6, 0.8]))[0].__round__(1)
    31.6
    """
    rising = np.maximum.accumulate(random)
    logs = np.log(np.asarray(budgets, np.float64))
    found: list[float | None] = []
    for value in values:
        if not rising[0] <= value <= rising[-1]:
            found.append(None)
            continue
        after = int(np.searchsorted(rising, value, side="left"))
        if after == 0:
            found.append(float(budgets[0]))
            continue
        share = (value - rising[after - 1]) / (rising[after] - rising[after - 1])
        found.append(float(np.exp(logs[after - 1] + share * (logs[after] - logs[after - 1]))))
    return found


def verdict(curve: Curve, budgets: Sequence[int]) -> str:
    """How a strategy did, in words."""
    if curve.difference is None:
        return "what all others are compared with"
    if curve.mean_difference is None:
        return "could not pick enough to be compared"
    above = curve.mean_difference
    told = [f"{above.points()} points {_than(above)} on average"]
    known = [(budget, one) for budget, one in zip(budgets, curve.difference, strict=True) if one is not None]
    at, most = max(known, key=lambda item: item[1].mean)
    if most.low > 0:
        told.append(f"pays most at {at} labels ({100 * most.mean:+.1f})")
    shown = [place for place, (_, one) in enumerate(known) if one.low > 0]
    if shown and shown[-1] + 1 < len(known):
        told.append(f"not shown to be above random from {known[shown[-1] + 1][0]} labels on")
    if saving := _saving(curve, budgets):
        told.append(saving)
    return "; ".join(told)


def _than(above: Estimate) -> str:
    if above.low > 0:
        return "over random"
    return "against random, which is better," if above.high < 0 else "against random, not shown to differ,"


def _saving(curve: Curve, budgets: Sequence[int]) -> str:
    """The greatest saving that is shown to be one."""
    if curve.saved is None or curve.difference is None or curve.labels_of_random is None:
        return ""
    sure = [
        (saved, budget, labels)
        for saved, budget, labels, one in zip(
            curve.saved, budgets, curve.labels_of_random, curve.difference, strict=True
        )
        if saved is not None and labels is not None and one is not None and one.low > 0
    ]
    if not sure:
        return ""
    saved, budget, labels = max(sure)
    return f"{budget} labels teach what {labels:.0f} random ones do (saves {saved:.0%})"


def warnings_of(scores: Scores, metric: Metric, test: int, classes: dict[str, int], one_class: bool) -> list[str]:
    """Why a back-test should be read with care.

    Args:
        scores: what was measured
        metric: what that is
        test: how many rows the smallest test set has
        classes: how many rows have each class
        one_class: whether a row has one class
    """
    found = []
    if len(scores.whole) < _FEW_SPLITS:
        found.append(f"{len(scores.whole)} splits are few: intervals are wide, and may miss. Give more seeds.")
    share = float(scores.whole.mean())
    error = 1.96 * float(np.sqrt(max(share * (1 - share), 0.01) / test))
    if error > _ERROR:
        found.append(
            f"the test sets are small ({test} samples): by chance alone a level is off by up to about {100 * error:.0f} "
            f"points; differences to random, which has the same test sets, are off by less."
        )
    rare = [name for name, count in classes.items() if count < _RARE]
    if rare:
        named = ", ".join(f"{name!r} ({classes[name]})" for name in rare[:5])
        more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
        found.append(f"few labels have these classes, so that little can be said of them: {named}{more}.")
    if one_class and metric == "accuracy" and classes and max(classes.values()) > 3 * np.median([*classes.values()]):
        found.append("classes are unequal: accuracy tells little of rare ones. Give the metric balanced_accuracy.")
    return found


def headline(curves: Sequence[Curve], metric: Metric) -> str:
    """The outcome in one sentence."""
    ranked = [curve for curve in curves[1:] if curve.mean_difference is not None]
    if not ranked:
        return "no strategy could be compared with random"
    best = ranked[0]
    assert best.mean_difference is not None
    if best.mean_difference.low <= 0:
        return f"no strategy is shown to be better than random ({best.name}: {best.mean_difference.points()} points)"
    return f"{best.name} is best: {best.mean_difference.points()} points of {WORDS[metric]} over random"
