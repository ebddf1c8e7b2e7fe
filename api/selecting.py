"""The verbs select_samples, list_selections, load_selection and delete_selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.analysis.coverage import Comparison, compare_with_random
from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..core.selection.inputs import Scores
from ..core.selection.select import Selection, Values, select
from ..core.verbs import ManageSelections, ScoreUncertainty, SelectSamples
from ..dataset import inputs, selections
from ..dataset.reservation import reserved
from ..dataset.results import mark_of
from ..dataset.samples import Samples, dataset_of, ids_of, samples_of
from .scoring import score
from .summary import ManagedSelections, SelectionResult
from .terminal import Bar


def select_samples(
    samples: Samples,
    config: Mapping[str, Any] | SelectionConfig,
    run_key: str,
    *,
    progress: Progress | None = None,
) -> SelectionResult:
    """Selects the samples to label or review next, and keeps them as a tag, a saved view and a recorded run.

    Args:
        samples: a dataset or a view of its samples: the candidates
        config: the selection config; see the reference
        run_key: the name of the selection
        progress: told the work done; a bar in the terminal by default

    Returns:
        the selection

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(SelectSamples, {"run_key": run_key, "config": config})
    samples = samples_of(samples)
    with Bar.unless(progress) as told, reserved(dataset_of(samples), f"the selection {run_key}"):
        return _select(samples, given, told)


def _select(samples: Samples, given: SelectSamples, progress: Progress) -> SelectionResult:
    """Config to values, values to picks, picks to the dataset."""
    config, dataset = given.config, dataset_of(samples)
    dataset.reload()
    selections.refuse_taken(dataset, given.run_key)
    pool = _pool(samples, config)
    n_samples = config.budget(int(pool.candidates.sum()))
    _check_budget(n_samples, pool)
    values, notes = _values(config, pool, progress)
    selection = select(
        values,
        n_samples,
        candidates=pool.candidates,
        preselected=pool.preselected,
        seed=config.seed,
        progress=progress,
    )
    coverage = _coverage(values, pool, selection, config.seed, progress)
    units = {entry.label(): entry.strategy.gain_means for entry in config.strategies}
    facts = {
        "versions": _versions(),
        "strategies": selection.labels,
        "eligible": selection.eligible,
        "left_out": selection.left_out,
        "preselected": int(pool.preselected.sum()),
        "coverage": coverage.recorded() if coverage else None,
        "time": selections.now(),
    }
    selections.write(
        dataset,
        given.run_key,
        pool.rows.ids,
        selection,
        units=[units.get(label, "a random number") for label in selection.labels],
        config=config.model_dump(mode="json", exclude_none=True),
        facts=facts,
    )
    decided = Counter(selection.labels[column] for column in selection.deciding)
    return SelectionResult(
        given.run_key,
        selections.view_of(dataset, given.run_key),
        n_samples,
        dict(decided),
        selection.eligible,
        selection.left_out,
        coverage,
        notes,
    )


@dataclass(frozen=True)
class _Pool:
    """The samples of a run and which of them may be picked or count as picked."""

    rows: inputs.Rows
    candidates: NDArray[np.bool_]
    preselected: NDArray[np.bool_]


def _pool(samples: Samples, config: SelectionConfig) -> _Pool:
    dataset = dataset_of(samples)
    views = [samples]
    earlier = np.zeros(0, "S24")
    if config.preselected is not None:
        views.append(selections.resolved(dataset, config.preselected, "preselected"))
        earlier = ids_of(views[-1])
    own = ids_of(samples)
    rows = inputs.Rows(np.unique(np.concatenate([own, earlier])), views)
    preselected, candidates = rows.mask(earlier), rows.mask(own)
    if config.candidates is not None:
        candidates &= rows.mask(ids_of(selections.resolved(dataset, config.candidates, "candidates")))
    return _Pool(rows, candidates & ~preselected, preselected)


def _check_budget(n_samples: int, pool: _Pool) -> None:
    available = int(pool.candidates.sum())
    if n_samples > available:
        earlier = int(pool.preselected.sum())
        already = f" ({earlier} more are preselected)" if earlier else ""
        raise must_be("n_samples", f"at most {available}, the number of candidates{already}", n_samples)


def _values(config: SelectionConfig, pool: _Pool, progress: Progress) -> tuple[list[Values], list[str]]:
    """The values of every strategy, and notes on the scores that were computed for it."""

    found: dict[int, Values] = {}
    notes: list[str] = []
    # Scores come last, so that bad input stops the run before anything is scored.
    for place, entry in sorted(enumerate(config.strategies), key=lambda item: isinstance(item[1].input, Scores)):
        try:
            if isinstance(entry.input, Scores):
                notes += _scored(entry.input, pool.rows.samples, progress)
            values, present = inputs.read(entry.input, pool.rows, config.seed, progress)
        except ShortlistError as error:
            raise error.at(f"strategies[{place}]") from None
        found[place] = Values(entry.label(), entry.strategy, values, present)
    return [found[place] for place in range(len(config.strategies))], notes


def _scored(given: Scores, samples: Samples, progress: Progress) -> list[str]:
    """Computes a score where the config names it and samples lack it, as it was computed for the others; says so."""
    lacking = inputs.unscored(given, samples)
    if lacking is None:
        return []
    earlier = mark_of(dataset_of(samples), inputs.scores_path(given, samples)) or {}
    parameters = {**earlier.get("parameters", {}), "label_field": given.task, "scores": [given.score]}
    made = score(lacking, parse(ScoreUncertainty, parameters, where="input"), progress)
    return [f"computed {given.label()} of {made.n_samples} samples first"]


def _coverage(
    values: list[Values], pool: _Pool, selection: Selection, seed: int, progress: Progress
) -> Comparison | None:
    """How well the picks cover the candidates in the first vectors of the config, estimated on at most 20 000 of them."""
    entry = next((entry for entry in values if entry.strategy.takes == "vectors"), None)
    if entry is None or not len(selection.rows):
        return None
    candidates = np.flatnonzero(pool.candidates & entry.present)
    if len(candidates) > 20_000:
        candidates = np.sort(np.random.default_rng(seed).choice(candidates, 20_000, replace=False))
    earlier = np.flatnonzero(pool.preselected & entry.present)
    return compare_with_random(
        entry.values, selection.rows, preselected=earlier, pool=candidates, seed=seed, progress=progress
    )


def list_selections(samples: Samples) -> list[selections.Record]:
    """The selections of a dataset, oldest first, with what is recorded of them."""
    dataset = dataset_of(samples)
    return [selections.record_of(dataset, key) for key in selections.selection_keys(dataset)]


def load_selection(samples: Samples, run_key: str) -> fo.DatasetView:
    """The samples of a selection in order of rank.

    Raises:
        ShortlistError: no such selection
    """
    given = parse(ManageSelections, {"action": "load", "run_key": run_key})
    selections.record_of(dataset_of(samples), str(given.run_key))
    return selections.view_of(dataset_of(samples), str(given.run_key))


def delete_selection(samples: Samples, run_key: str) -> None:
    """Deletes a selection: its tag, saved view, field and record, and nothing else.

    Raises:
        ShortlistError: no such selection
    """
    given = parse(ManageSelections, {"action": "delete", "run_key": run_key})
    dataset = dataset_of(samples)
    with reserved(dataset, f"the selection {given.run_key}"):
        selections.delete(dataset, str(given.run_key))


def manage_selections(samples: Samples, action: str = "list", run_key: str | None = None) -> ManagedSelections:
    """Lists, loads or deletes selections; what the operator of that name calls.

    Args:
        samples: a dataset, or a view of one
        action: ``list``, ``load`` or ``delete``
        run_key: the selection to load or delete

    Raises:
        ShortlistError: no such action or selection
    """
    given = parse(ManageSelections, {"action": action, "run_key": run_key})
    view = None
    if given.action == "load":
        view = load_selection(samples, str(run_key))
    elif given.action == "delete":
        delete_selection(samples, str(run_key))
    return ManagedSelections(given.action, run_key, list_selections(samples), view)


def _versions() -> dict[str, str]:
    found = {"fiftyone": fo.__version__, "numpy": np.__version__}
    try:
        found["shortlist"] = version("shortlist")
    except PackageNotFoundError:
        found["shortlist"] = "in a plugins directory"
    return found
