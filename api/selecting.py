"""The verbs select_samples, list_selections, load_selection and delete_selection."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import numpy as np

from ..core.analysis.coverage import Comparison, compare_with_random
from ..core.errors import ShortlistError, listed
from ..core.progress import Progress
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..core.selection.constraints.budget import Budget
from ..core.selection.constraints.per_class import PerClass
from ..core.selection.select import Selection, prepare, run, vectors_of
from ..core.selection.strategy import Pool
from ..core.verbs import ManageSelections, SelectSamples
from ..dataset import selections
from ..dataset.reservation import reserved
from ..dataset.samples import Samples, dataset_of, samples_of
from .gathering import Material, gather, pool_of
from .summary import ManagedSelections, SelectionResult
from .terminal import Bar

logger = logging.getLogger(__name__)

# How many distances of candidates to picks are taken for each draw that a selection is compared with, and of how many
# candidates at least and at most.
_MOST_COMPARED, _FEWEST_AND_MOST_COVERED = 40_000_000, (2000, 20_000)


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
    material = gather(pool_of(samples, config), config, progress)
    picked = _picked(material, config, progress)
    coverage = _coverage(material, picked, config.seed, progress)
    selection, pool = material.of_samples(picked), material.pool
    notes = [*material.notes, *selection.shortages, *_limited(material, picked, config)]
    units = {entry.label(): entry.strategy.gain_means for entry in config.strategies}
    facts = {
        "versions": selections.versions(),
        "strategies": selection.labels,
        "constraints": [constraint.label() for constraint in config.constraints],
        "candidates": int(pool.candidates.sum()),
        "eligible": selection.eligible,
        "left_out": selection.left_out,
        "preselected": int(pool.preselected.sum()),
        "coverage": coverage.recorded() if coverage else None,
        "notes": notes,
        "time": selections.now(),
    }
    selections.write(
        dataset,
        given.run_key,
        pool.rows.ids,
        selection,
        made_from=samples,
        units=[units.get(label, "a random number") for label in selection.labels],
        config=config.model_dump(mode="json", exclude_none=True),
        facts=facts,
    )
    decided = Counter(selection.labels[column] for column in selection.deciding)
    return SelectionResult(
        given.run_key,
        selections.view_of(dataset, given.run_key),
        len(selection.rows),
        dict(decided),
        selection.eligible,
        selection.left_out,
        coverage,
        notes,
    )


def _picked(material: Material, config: SelectionConfig, progress: Progress) -> Selection:
    """The selection, in samples or in sequences as the material is.

    Raises:
        ShortlistError: nothing can be picked, though something was asked for
    """
    try:
        mixture = prepare(
            material.entries,
            material.n,
            rules=material.rules,
            candidates=material.candidates,
            preselected=material.preselected,
            seed=config.seed,
            progress=progress,
        )
        # Who asks for what the pool does not have may not want to wait for the rest.
        for shortage in mixture.shortages:
            logger.warning("%s", shortage)
        picked = run(mixture, progress)
    except ShortlistError as error:
        raise error if material.sequences is None else error.at("counted in sequences") from None
    if not len(picked.rows) and material.n != 0:
        reasons = listed(f"{count} {reason}" for reason, count in picked.left_out.items())
        rules = f"the rules ({listed(_rules(config))}) must allow at least one pick" if picked.eligible else (
            "at least one candidate must be eligible"
        )  # fmt: skip
        raise ShortlistError(
            f"{rules}. Got none of {int(material.candidates.sum())} candidates instead"
            f"{f' ({reasons})' if reasons else ''}; nothing was written."
        )
    return picked


def _rules(config: SelectionConfig) -> list[str]:
    """Everything that may keep a selection short of its number, in a few words each."""
    stopping = [
        f"{name} of {entry.label()}"
        for entry in config.strategies
        for name in type(entry.strategy).model_fields
        if name.startswith("stopping_condition") and getattr(entry.strategy, name) is not None
    ]
    return [*(constraint.label() for constraint in config.constraints), *stopping]


def _limited(material: Material, picked: Selection, config: SelectionConfig) -> list[str]:
    """What the rules made of the number: fewer picks than asked for, and how much of a budget is used."""
    notes = []
    if material.n is not None and len(picked.rows) < material.n:
        length = material.sequences.length if material.sequences else 1
        notes.append(
            f"picked {len(picked.rows) * length} of the {material.n * length} asked for: the rules "
            f"({listed(_rules(config))}) allow no more"
        )
    for rule in material.rules:
        if isinstance(rule.constraint, PerClass):
            pool = Pool(np.flatnonzero(material.candidates), np.flatnonzero(material.preselected & rule.present))
            notes += rule.constraint.unmet(rule.values, picked.rows, pool)
        if isinstance(rule.constraint, Budget):
            spent = float(np.nan_to_num(np.asarray(rule.values, np.float64)[picked.rows]).sum())
            free = int((material.candidates & ~rule.present).sum())
            unknown = f"; {free} candidates without a value cost nothing" if free else ""
            notes.append(
                f"the picks take {spent:g} of {rule.constraint.maximum:g} of {rule.constraint.input.label()}{unknown}"
            )
    return notes


def _coverage(material: Material, picked: Selection, seed: int, progress: Progress) -> Comparison | None:
    """How well the picks cover the candidates in the first vectors of the config, estimated on 2000 to 20 000 of them.

    Vectors of objects say nothing of how samples are covered.
    """
    entry = next((entry for entry in material.entries if vectors_of(entry) is not None), None)
    if entry is None or not len(picked.rows):
        return None
    vectors = vectors_of(entry)
    assert vectors is not None
    candidates = np.flatnonzero(material.candidates & entry.present)
    earlier = np.flatnonzero(material.preselected & entry.present)
    # Each is compared with all picks, again and again: of many picks fewer candidates must do.
    most = int(np.clip(_MOST_COMPARED // (len(picked.rows) + len(earlier)), *_FEWEST_AND_MOST_COVERED))
    covered = candidates
    if len(candidates) > most:
        covered = np.sort(np.random.default_rng(seed).choice(candidates, most, replace=False))
    return compare_with_random(
        vectors, picked.rows, preselected=earlier, pool=candidates, covered=covered, seed=seed, progress=progress
    )


def selection_keys(samples: Samples) -> list[str]:
    """The names of the selections of a dataset, oldest first."""
    return selections.selection_keys(dataset_of(samples))


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
    """Deletes a selection: its tag, saved view, field, record and analysis, and nothing else.

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
