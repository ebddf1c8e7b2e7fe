"""The back-test as a whole: labelled rows and contenders in, what they say out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import ShortlistError, must_be
from ..progress import Progress, silent
from .conclusions import curves_of, warnings_of
from .contenders import Contender
from .forecasts import forecast, step_of
from .metrics import Metric
from .replay import DRAWS, replay
from .report import BackTestReport, Estimate
from .tasks import MINIMUM, Task, Trial, default_budgets, sampled, trials
from .truths import Classes, Presence, Rows

# Classes that fewer rows hold are not measured, where a row can hold several.
_ENOUGH = 10
_COUNT = 6
_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Plan:
    """How to replay.

    Args:
        seeds: one a split
        test_share: which share of the rows is for testing
        metric: what is measured; nothing given: accuracy, or mean average precision where rows hold several classes
        budgets: after how many labels; nothing given: as the next two say
        batch_size: labels a round
        rounds: how many
        next_labels: how many more labels to forecast
        most: rows to replay on at most
    """

    seeds: tuple[int, ...]
    test_share: float = 0.3
    metric: Metric | None = None
    budgets: tuple[int, ...] | None = None
    batch_size: int | None = None
    rounds: int | None = None
    next_labels: int = 100
    most: int = 10_000


def check(task: Task) -> None:
    """Stops before rows that say nothing of strategies.

    Raises:
        ShortlistError: too few, or all of one class
    """
    if len(task) < MINIMUM:
        raise ShortlistError(
            f"a back-test needs at least {MINIMUM} labelled samples with an embedding. Got {len(task)} instead."
        )
    counts = task.truth.presence.sum(axis=0)
    if isinstance(task.truth, Classes) and (counts > 0).sum() < 2:
        raise ShortlistError(
            f"a back-test needs labels of at least two classes. Got {task.truth.names[int(counts.argmax())]!r} for all "
            f"{len(task)} samples instead."
        )
    if isinstance(task.truth, Presence) and not ((counts >= _ENOUGH) & (counts <= len(task) - _ENOUGH)).any():
        raise ShortlistError(
            f"a back-test needs a class that at least {_ENOUGH} labelled samples hold and {_ENOUGH} do not. Got none among "
            f"{len(task)} samples instead."
        )


def measurable(task: Task) -> Task:
    """The same with the classes that can be measured: of one class a row all, else those that enough rows hold."""
    counts = task.truth.presence.sum(axis=0)
    if isinstance(task.truth, Classes):
        return task
    kept = np.flatnonzero(counts >= _ENOUGH)
    return Task(
        task.vectors, Presence(task.truth.presence[:, kept], tuple(task.truth.names[c] for c in kept)), task.groups
    )


def metric_of(task: Task, plan: Plan) -> Metric:
    """What is measured.

    Raises:
        ShortlistError: a metric of other labels
    """
    one_class = isinstance(task.truth, Classes)
    if plan.metric is None:
        return "accuracy" if one_class else "mean_average_precision"
    if (plan.metric == "mean_average_precision") is one_class:
        fitting = "accuracy, balanced_accuracy or macro_f1" if one_class else "mean_average_precision"
        several = "one class" if one_class else "several classes"
        raise must_be("metric", f"{fitting}, since a sample has {several}", plan.metric)
    return plan.metric


def back_test(task: Task, contenders: Sequence[Contender], plan: Plan, progress: Progress = silent) -> BackTestReport:
    """Replays contenders and says what came out.

    The rows are split into a pool and a test set, once a seed. In rounds, each contender picks from the pool by the engine, a
    logistic regression learns from all it has picked, and is measured on the test set. What needs a model starts by COVERAGE.

    Args:
        task: labelled rows, ``check``-ed; their order does not matter
        contenders: of distinct names
        plan: how
        progress: told the rounds done

    Returns:
        what was found; who made it and from which dataset is left to be filled in

    Raises:
        ShortlistError: budgets beyond the pool, or what a contender cannot use
    """
    metric, total = metric_of(task, plan), len(task)
    rows = sampled(task, plan.most, plan.seeds[0])
    chosen = Task(task.vectors[rows], task.truth.at(rows), task.groups[rows])
    splits = [_of_task(one, rows) for one in trials(chosen, plan.seeds, plan.test_share)]
    pool = min(len(one.rows) for one in splits)
    test = min(len(one.test_truth) for one in splits)
    budgets = budgets_of(plan, pool, len(task.truth.names))
    scores = replay(splits, contenders, budgets, metric, step_of(pool, total, plan.next_labels), progress)
    expected, gains, notes = forecast(scores, pool, total, plan.next_labels, metric)
    counts = task.truth.presence.sum(axis=0)
    classes = {task.truth.names[c]: int(counts[c]) for c in np.argsort(-counts, kind="stable") if counts[c]}
    one_class = isinstance(task.truth, Classes)
    return BackTestReport(
        metric=metric,
        classes=classes,
        one_class=one_class,
        labels=total,
        used=len(rows),
        pool=pool,
        test=test,
        seeds=list(plan.seeds),
        budgets=budgets,
        curves=curves_of(contenders, scores, gains),
        whole_pool=Estimate.of(scores.whole, scores.overlap),
        forecast=expected,
        warnings=warnings_of(scores, metric, test, classes, one_class),
        notes=[*_notes(contenders, total, len(rows)), *notes],
    )


def _of_task(trial: Trial, rows: Rows) -> Trial:
    """A trial whose rows are those of the whole task."""
    return Trial(trial.vectors, trial.features, trial.truth, trial.test, trial.test_truth, rows[trial.rows], trial.seed)


def budgets_of(plan: Plan, pool: int, n_classes: int) -> list[int]:
    """After how many labels the metric is taken.

    Raises:
        ShortlistError: more labels than the pool has
    """
    if plan.budgets is not None:
        found = sorted(set(plan.budgets))
        if found[-1] > pool:
            raise must_be("budgets", f"at most {pool}, the samples that are left to pick from", found[-1])
        return found
    if plan.batch_size is not None:
        rounds = plan.rounds or min(_MOST_ROUNDS, max(1, pool // plan.batch_size))
        if rounds * plan.batch_size > pool:
            raise must_be(
                "batch_size times rounds",
                f"at most {pool}, the samples that are left to pick from",
                rounds * plan.batch_size,
            )
        return [plan.batch_size * (place + 1) for place in range(rounds)]
    return default_budgets(pool, n_classes, plan.rounds or _COUNT)


def _notes(contenders: Sequence[Contender], total: int, used: int) -> list[str]:
    found = [f"random picks are the mean of {DRAWS} draws a split"]
    late = [one.name for one in contenders if one.needs_model]
    if late:
        found.append(
            f"the first labels of {', '.join(late)} are picked by COVERAGE, since nothing can be predicted yet"
        )
    if used < total:
        found.append(f"replayed on a random {used} of the {total} labelled samples")
    return found
