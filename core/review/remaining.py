"""How many errors remain: among what is suspected and not decided yet, and among what nothing suspects."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit, log_expit
from scipy.stats import hypergeom

from .items import Item
from .precision import LEVEL, Interval
from .verdicts import Outcome

#: how many decided items say enough to tell of the others
LEAST = 10
#: of how many coming items the errors are told
NEXT = 50
# Qualities nearer to 0 or 1 than this say no more than this.
_NEAREST = 0.01
# How finely qualities are told apart, in units of log odds.
_STEP = 0.2
# Draws that the posterior is weighed by, and how many of it are kept.
_DRAWS, _KEPT = 3000, 2000
_FREEDOM = 5
# How the top of the posterior is climbed: how many steps at most, the parts of a step that are tried, and when to stop.
_STEPS, _HALVES, _CLOSE = 100, 0.5 ** np.arange(20)[:, None], 1e-8
# What is believed before any verdict, as mean and standard deviation: the log odds of an error where quality says one half,
# their slope in the quality's own log odds (1 = quality is the probability that it claims to be), how this bends, and how
# far a kind is from the others.
_LEVEL, _SLOPE, _BEND, _KIND = (0.0, 1.5), (1.0, 0.7), (0.0, 0.1), (0.0, 1.0)


@dataclass(frozen=True)
class Remaining:
    """The errors that are expected among suspected items that are not decided.

    Args:
        n_items: how many items these are
        errors: how many errors they are expected to hold
        next_items: how many of the open ones come next
        next_errors: how many errors these are expected to hold
    """

    n_items: int
    errors: Interval
    next_items: int
    next_errors: Interval


@dataclass(frozen=True)
class Unsuspected:
    """The errors among labels that nothing suspects, of which some were drawn at random and looked at: the audit.

    Args:
        n_labels: how many such labels there are; None where that was not recorded
        n_audited: how many of them are decided
        n_wrong: how many of these were wrong
        share: the share of all of them that is wrong, in [0, 1]
        errors: how many wrong ones there are besides those that the audit found; None where their number is not known
    """

    n_labels: int | None
    n_audited: int
    n_wrong: int
    share: Interval
    errors: Interval | None


class _Cell(NamedTuple):
    """Items of which the same is expected: their kind, whether they have a quality, and its log odds in steps."""

    kind: str | None
    is_scored: bool
    step: int


def remaining(
    items: Sequence[Item], outcomes: Mapping[int, Outcome], *, next_items: int = NEXT, seed: int = 0
) -> Remaining | None:
    """The errors that are expected among the suspected items that are not decided.

    The probability of an error is learned from what is decided: a logistic function of the quality's log odds, with a level
    for each kind, begun from what quality claims to be (the probability that the label is right). So it is learned how far
    the qualities of this dataset and these kinds can be trusted, also where the likeliest errors were reviewed first. The
    interval holds both what is not known of that function and the chance of single labels. Where errors end abruptly among
    likelier labels than any that was reviewed, nobody can know it yet, and too many are expected.

    Args:
        items: all of the review, in order
        outcomes: what the verdicts on them come to, by number from 1; items of deleted samples are not among them
        next_items: of how many coming items to tell
        seed: of the draws from the posterior

    Returns:
        counts with intervals; None where fewer than ``LEAST`` items are decided

    Source: Bayesian logistic calibration (Platt 1999) with a Laplace approximation, made exact by importance resampling
    (Rubin 1988).
    """
    decided: Counter[_Cell] = Counter()
    wrong: Counter[_Cell] = Counter()
    lacking: Counter[_Cell] = Counter()
    coming: Counter[_Cell] = Counter()
    for number, item in enumerate(items, start=1):
        found = outcomes.get(number)
        if item.is_audit or found is None:
            continue
        cell = _cell(item)
        if found.state == "decided":
            decided[cell] += 1
            wrong[cell] += found.was_wrong
            continue
        lacking[cell] += 1
        if found.state == "open" and coming.total() < next_items:
            coming[cell] += 1
    if decided.total() < LEAST:
        return None
    cells = sorted({*decided, *lacking}, key=lambda cell: (cell.kind or "", cell.is_scored, cell.step))
    design, deviations, means = _design(cells)
    n, errors, left, first = (
        np.array([counts[cell] for cell in cells]) for counts in (decided, wrong, lacking, coming)
    )
    random = np.random.default_rng(seed)
    chances = expit(_posterior(design, errors, n, means, deviations, random) @ design.T)
    return Remaining(
        lacking.total(),
        _counts(random, chances, left),
        coming.total(),
        _counts(random, chances, first),
    )


def _cell(item: Item) -> _Cell:
    if item.quality is None or not math.isfinite(item.quality):
        return _Cell(item.kind, False, 0)
    chance = min(max(1 - item.quality, _NEAREST), 1 - _NEAREST)
    return _Cell(item.kind, True, round(math.log(chance / (1 - chance)) / _STEP))


def _design(cells: Sequence[_Cell]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What the log odds of an error depend on, and what is believed of how: (cells, d), (d,) deviations, (d,) means."""
    odds = np.array([cell.step * _STEP for cell in cells])
    scored = np.array([cell.is_scored for cell in cells], float)
    groups = list(dict.fromkeys((cell.kind, cell.is_scored) for cell in cells))
    columns = [(np.ones(len(cells)), _LEVEL), (odds, _SLOPE), (scored * odds**2, _BEND)]
    if len(groups) > 1:
        columns += [(np.array([(cell.kind, cell.is_scored) == one for cell in cells], float), _KIND) for one in groups]
    means, deviations = np.array([believed for _, believed in columns]).T
    return np.stack([column for column, _ in columns], axis=1), deviations, means


def _posterior(
    design: NDArray[np.float64],
    errors: NDArray[np.integer],
    n: NDArray[np.integer],
    means: NDArray[np.float64],
    deviations: NDArray[np.float64],
    random: Generator,
) -> NDArray[np.float64]:
    """Draws of the coefficients, given what was decided: (draws, d)."""
    seen = n > 0
    cells, n, right = design[seen], n[seen], (n - errors)[seen]
    errors = errors[seen]

    def plausible(tried: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log of the posterior, but for a constant: (k, d) -> (k,)."""
        at = tried @ cells.T
        # Of right labels the log of the chance is that of wrong ones less the log odds.
        return log_expit(at) @ n - at @ right - 0.5 * (((tried - means) / deviations) ** 2).sum(axis=1)

    def curvature(at: NDArray[np.float64]) -> NDArray[np.float64]:
        chances = expit(cells @ at)
        return (cells.T * (n * chances * (1 - chances))) @ cells + np.diag(deviations**-2.0)

    best = means
    for _ in range(_STEPS):
        slope = cells.T @ (errors - n * expit(cells @ best)) - (best - means) / deviations**2
        step = np.linalg.solve(curvature(best), slope)
        if np.abs(step).max() < _CLOSE:
            break
        # Newton's step may overshoot; of its halves, the most plausible never goes astray.
        tried = best + step * _HALVES
        best = tried[plausible(tried).argmax()]
    root = np.linalg.cholesky(np.linalg.inv(curvature(best)))
    spread = np.sqrt(random.chisquare(_FREEDOM, _DRAWS) / _FREEDOM)[:, None]
    normal = random.normal(size=(_DRAWS, len(best))) / spread
    drawn = best + normal @ root.T
    proposed = -0.5 * (_FREEDOM + len(best)) * np.log1p((normal**2).sum(axis=1) / _FREEDOM)
    weights = plausible(drawn) - proposed
    weights = np.exp(weights - weights.max())
    return drawn[random.choice(_DRAWS, _KEPT, p=weights / weights.sum())]


def _counts(random: Generator, chances: NDArray[np.float64], n: NDArray[np.integer]) -> Interval:
    """How many errors so many labels of each cell hold, by draws of their chances: (draws, cells)."""
    there = n > 0
    held = random.binomial(n[there], chances[:, there]).sum(axis=1)
    low, high = np.quantile(held, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return Interval(float((chances @ n).mean()), float(low), float(high))


def unsuspected(items: Sequence[Item], outcomes: Mapping[int, Outcome], n_labels: int | None) -> Unsuspected | None:
    """The errors among labels that nothing suspects, from those of them that were drawn at random and decided.

    Args:
        items: all of the review, in order
        outcomes: what the verdicts on them come to, by number from 1
        n_labels: how many such labels there are, those of the audit among them; None where that is not known

    Returns:
        share and count with intervals; None where none of the audit is decided, or only some of it and group after group
    """
    audit = [(item, outcomes[n]) for n, item in enumerate(items, start=1) if item.is_audit and n in outcomes]
    decided = [one for _, one in audit if one.state == "decided"]
    # Group after group is no random part: then the audit tells only when it is through.
    is_random = len({item.group for item, _ in audit}) < 2 or all(one.state != "open" for _, one in audit)
    if not decided or not is_random:
        return None
    n, wrong = len(decided), sum(one.was_wrong for one in decided)
    # Where their number is not known, it is taken for so large that drawing some changes nothing.
    known = n_labels is not None
    total = max(n_labels, n) if n_labels is not None else 10**9
    low, high = wrong_in_all(wrong, n, total)
    expected = (total - n) * wrong / n
    return Unsuspected(
        max(n_labels, n) if n_labels is not None else None,
        n,
        wrong,
        Interval(wrong / n, low / total, high / total),
        Interval(expected, low - wrong, high - wrong) if known else None,
    )


def wrong_in_all(wrong: int, n: int, total: int) -> tuple[int, int]:
    """Between how many and how many of all are wrong, where some were drawn at random without putting back.

    The interval holds the truth at least 95 times of 100, whatever the truth is.

    Args:
        wrong: how many of those drawn are wrong
        n: how many were drawn, 1 to ``total``
        total: how many there are

    Returns:
        the least and the greatest number

    Source: Clopper & Pearson (1934), for the hypergeometric distribution: Buonaccorsi (1987), "A note on confidence intervals
    for proportions in finite populations".

    >>> wrong_in_all(0, 100, 1000)
    (0, 34)
    """
    tail = (1 - LEVEL) / 2
    least, most = wrong, total - n + wrong
    low = _first(least, most, lambda held: bool(hypergeom.sf(wrong - 1, total, held, n) > tail))
    high = _first(least, most + 1, lambda held: held > most or bool(hypergeom.cdf(wrong, total, held, n) <= tail)) - 1
    return low, high


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The first number of a range, ends included, from which on something holds; it does at the end."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
