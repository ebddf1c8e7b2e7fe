"""Back-tests in the dataset: a custom run each, with the report as its results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import fiftyone as fo
import fiftyone.core.runs as fors

from ..core.errors import did_you_mean, listed, must_be
from .names import refuse_odd
from .results import changing, uninterrupted

METHOD = "shortlist/back_test"


@dataclass(frozen=True)
class KeptBackTest:
    """What is recorded of a back-test.

    Args:
        run_key: its name
        created: when it was made (UTC)
        label_field: the labels that it was made on
        n_samples: how many samples it was made on
        headline: what came out, in a sentence
    """

    run_key: str
    created: datetime
    label_field: str
    n_samples: int
    headline: str


def back_test_keys(dataset: fo.Dataset) -> list[str]:
    """The names of the back-tests of a dataset."""
    return list(dataset.list_runs(method=METHOD, finished=True))


def back_tests(dataset: fo.Dataset) -> list[KeptBackTest]:
    """What is recorded of the dataset's back-tests, oldest first. Quick: no report is read."""
    found = []
    for key in back_test_keys(dataset):
        info = dataset.get_run_info(key)
        held = info.config
        found.append(KeptBackTest(key, info.timestamp, held.label_field, held.n_samples, held.headline))
    return sorted(found, key=lambda one: one.created)


def new_key(dataset: fo.Dataset) -> str:
    """A name that no run has."""
    taken = dataset.list_runs()
    return next(name for number in count(1) if (name := f"back_test_{number}") not in taken)


def refuse_taken(dataset: fo.Dataset, run_key: str) -> None:
    """Stops before a name that cannot be used.

    Raises:
        ShortlistError: the way out
    """
    refuse_odd(run_key, new_key(dataset))
    # What was killed before it was complete is no back-test, and may be made again.
    if run_key in back_test_keys(dataset) or run_key in set(dataset.list_runs()) - set(
        dataset.list_runs(method=METHOD)
    ):
        raise must_be("run_key", "new", run_key, "There is a run of that name. Choose another, or delete it first.")


def load(dataset: fo.Dataset, run_key: str) -> str:
    """The report of a back-test as JSON.

    Raises:
        ShortlistError: there is none
    """
    _refuse_unknown(dataset, run_key)
    return str(dataset.load_run_results(run_key, cache=False, load_view=False).report)


def write(dataset: fo.Dataset, run_key: str, report: str, record: dict[str, Any]) -> None:
    """Keeps a back-test; it counts as one when its report is there.

    Args:
        dataset: where it goes
        run_key: its name, checked by ``refuse_taken``
        report: as JSON
        record: what lists of back-tests show
    """
    with uninterrupted(), changing(dataset):
        if run_key in dataset.list_runs():
            dataset.delete_run(run_key)
        config = dataset.init_run(method=METHOD, finished=False, **record)
        results = fors.RunResults(dataset, config, run_key, report=report)
        dataset.register_run(run_key, config, results=results, cache=False)
        config.finished = True
        dataset.update_run_config(run_key, config)


def delete(dataset: fo.Dataset, run_key: str) -> None:
    """Deletes a back-test, and nothing else.

    Raises:
        ShortlistError: there is none
    """
    _refuse_unknown(dataset, run_key)
    with changing(dataset):
        dataset.delete_run(run_key)


def _refuse_unknown(dataset: fo.Dataset, run_key: str) -> None:
    known = back_test_keys(dataset)
    if run_key not in known:
        hint = did_you_mean(run_key, known) or (f"It has {listed(known)}." if known else "It has none yet.")
        raise must_be("run_key", f"a back-test of {dataset.name!r}", run_key, f"{hint} Make one with `back_test`.")
