"""The verbs back_test, load_back_test, list_back_tests and delete_back_test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from ..core.back_testing import back_test as core
from ..core.back_testing.back_test import Plan
from ..core.back_testing.conclusions import headline
from ..core.back_testing.metrics import WORDS
from ..core.back_testing.report import BackTestReport
from ..core.back_testing.truths import Presence
from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.schema import parse
from ..core.verbs import BackTest
from ..dataset import back_tests, selections
from ..dataset.back_tests import KeptBackTest
from ..dataset.known_labels import KnownLabels, known_labels
from ..dataset.reservation import reserved
from ..dataset.samples import Samples, dataset_of, ids_of, samples_of
from .replaying import Replayed
from .summary import Summary
from .terminal import Bar

# Selections that hold less than this share of the labelled samples do not make them one.
_MATTERS = 0.1


@dataclass(frozen=True)
class BackTestResult(Summary):
    """What a back-test found.

    Args:
        run_key: its name
        report: the curves, what they say, and the forecast
    """

    run_key: str
    report: BackTestReport

    @property
    def headline(self) -> str:
        return f"Back-tested on {self.report.used} labelled samples: {headline(self.report.curves, self.report.metric)}"

    def rows(self) -> Iterable[tuple[str, str]]:
        report = self.report
        yield "labels", ", ".join(str(budget) for budget in report.budgets)
        for curve in report.curves:
            if curve.mean is not None:
                yield curve.name, f"{100 * curve.mean.mean:.1f} % {WORDS[report.metric]} on average; {curve.verdict}"
            for note in curve.notes:
                yield curve.name, note
        if report.forecast is not None:
            yield "forecast", report.forecast.sentence
        for warning in report.warnings:
            yield "warning", warning
        for note in report.notes:
            yield "note", note
        yield "kept as", f"run {self.run_key}"


def back_test(
    samples: Samples, label_field: str, *, progress: Progress | None = None, **parameters: Any
) -> BackTestResult:
    """Replays strategies on the samples that have labels, and shows which would have paid, beside random picks.

    The labelled samples are split into a pool and a test set, again and again. In rounds, each strategy picks from the pool
    as ``select_samples`` would, a logistic regression on the embeddings learns from what was picked, and is measured on the
    test set. What a strategy reads of predictions is what the model of the round says. Nothing but the run is written.

    Args:
        samples: a dataset or a view of its samples
        label_field: the labels
        progress: told the work done; a bar in the terminal by default
        **parameters: ``embeddings``, ``labeled``, ``strategies``, ``configs``, ``budgets``, ``seeds``, ``run_key``, ...; see
            the reference

    Returns:
        the curves, what they say, and what the next labels are expected to bring

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(BackTest, {"label_field": label_field, **parameters})
    samples = samples_of(samples)
    dataset = dataset_of(samples)
    run_key = given.run_key or back_tests.new_key(dataset)
    with Bar.unless(progress) as told, reserved(dataset, f"the back-test {run_key}"):
        return _back_test(samples, given, run_key, told)


def load_back_test(samples: Samples, run_key: str) -> BackTestReport:
    """What a back-test found.

    Raises:
        ShortlistError: there is none of that name, or one that another version of Shortlist wrote
    """
    try:
        return BackTestReport.model_validate_json(back_tests.load(dataset_of(samples), run_key))
    except ValidationError as error:
        raise ShortlistError(
            f"the back-test {run_key!r} must be one that this version of Shortlist reads. Got another ({error.error_count()} "
            f"differences). Run back_test again."
        ) from None


def list_back_tests(samples: Samples) -> list[KeptBackTest]:
    """The back-tests of a dataset, oldest first."""
    return back_tests.back_tests(dataset_of(samples))


def delete_back_test(samples: Samples, run_key: str) -> None:
    """Deletes a back-test, and nothing else.

    Raises:
        ShortlistError: there is none of that name
    """
    back_tests.delete(dataset_of(samples), run_key)


def _back_test(samples: Samples, given: BackTest, run_key: str, progress: Progress) -> BackTestResult:
    """Labels and vectors to curves, the curves to the dataset."""
    dataset = dataset_of(samples)
    dataset.reload()
    back_tests.refuse_taken(dataset, run_key)
    known = known_labels(samples, given.label_field, given.embeddings, given.labeled, given.keep_together, progress)
    try:
        core.check(known.task)
    except ShortlistError as error:
        raise ShortlistError(f"{error} {_lacking(known)}".rstrip()) from None
    task = core.measurable(known.task)
    contenders = Replayed(known, given.label_field, progress).contenders(given.strategies, given.configs)
    found = core.back_test(task, contenders, _plan(given), progress)
    report = found.model_copy(
        update={
            "created": selections.now(),
            "by": selections.user(),
            "dataset": dataset.name,
            "versions": selections.versions(),
            "parameters": given.model_dump(mode="json", exclude_none=True),
            "warnings": [*found.warnings, *_not_random(known)],
            "notes": [*found.notes, *_left_out(known)],
        }
    )
    record = {
        "label_field": given.label_field,
        "n_samples": report.used,
        "headline": headline(report.curves, report.metric),
    }
    back_tests.write(dataset, run_key, report.model_dump_json(), record)
    return BackTestResult(run_key, report)


def _plan(given: BackTest) -> Plan:
    return Plan(
        tuple(given.seed + place for place in range(given.seeds)),
        given.test_share,
        given.metric,
        None if given.budgets is None else tuple(given.budgets),
        given.batch_size,
        given.rounds,
        given.next_labels,
        given.max_samples,
    )


def _lacking(known: KnownLabels) -> str:
    return f"{known.without_vector} more have a label and no embedding." if known.without_vector else ""


def _left_out(known: KnownLabels) -> Iterator[str]:
    """What is not replayed on."""
    if known.without_vector:
        yield f"{known.without_vector} labelled samples have no embedding and are left out"
    if isinstance(known.task.truth, Presence):
        measured = core.measurable(known.task).truth.names
        rare = int((known.task.truth.presence.any(axis=0)).sum()) - len(measured)
        yield "a sample counts as holding a class if any of its labels has it; how many, and where, does not count"
        if rare:
            classes, are = ("class", "is") if rare == 1 else ("classes", "are")
            yield f"{rare} {classes} that fewer than 10 labelled samples hold {are} not measured"


def _not_random(known: KnownLabels) -> Iterator[str]:
    """Where the labelled samples are what strategies picked, not a random part of the data."""
    dataset = dataset_of(known.rows.samples)
    for key in selections.selection_keys(dataset):
        try:
            picked = ids_of(selections.view_of(dataset, key))
        except ShortlistError:
            continue
        share = float(np.isin(known.rows.ids, picked).mean())
        labels = selections.record_of(dataset, key).facts.get("strategies", [])
        if share >= _MATTERS and labels != ["random"] and labels != ["WEIGHTS of random"]:
            yield (
                f"{share:.0%} of the labelled samples are the selection {key!r}, not random ones: what it left out is "
                f"missing here too, so that strategies may seem to gain less or more than they would on the rest of the data."
            )
