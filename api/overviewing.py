"""The verb overview: where the work on a dataset stands, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import fiftyone as fo

from ..core.analysis.report import Report
from ..core.errors import listed
from ..core.next_steps import Step, next_steps
from ..core.rounds import Quality, Round, by_round
from ..core.standing import Analyzed, Labels, Reviewed, Selected, Standing
from ..dataset import analyses, inventory
from ..dataset import rounds as reading
from ..dataset.glance import glance
from ..dataset.review.standing import reviewed
from ..dataset.samples import Samples, dataset_of
from .configs import LABELED
from .summary import Summary


@dataclass(frozen=True)
class Overview(Summary):
    """Where the work on a dataset stands, and what to do next.

    Args:
        dataset: its name
        standing: what there is, what has been scored, selected and analyzed
        steps: what to do next, the most useful first
    """

    dataset: str
    standing: Standing
    steps: list[Step]

    @property
    def headline(self) -> str:
        found = self.standing
        return (
            f"{self.dataset!r}: {found.n_samples} samples, {len(found.scored)} scored label field(s), "
            f"{len(found.selections)} selection(s)"
        )

    def rows(self) -> Iterator[tuple[str, str]]:
        """The details: what, and how much."""
        yield from self._there()
        for scored in self.standing.scored:
            state = "" if scored.is_complete else " (interrupted)"
            yield scored.verb, f"{listed(scored.fields, 4)}{state}"
        for issues in self.standing.issues:
            kinds = listed(f"{count} {kind}" for kind, count in issues.kinds.items())
            yield "label issues", f"{issues.label_field}: {issues.n_flagged} of {issues.n_samples} samples ({kinds})"
        for selected in self.standing.selections:
            gain = "" if selected.gain is None else f"; {gain_in_words(selected.gain)}"
            yield (
                "selection",
                f"{selected.run_key}: {selected.n_samples} samples by {listed(selected.strategies)}{gain}",
            )
        for analysis in self.standing.analyses:
            yield "analysis", f"{analysis.name}{'' if analysis.is_current else ' (its samples have changed since)'}"
        for one in self.standing.rounds:
            yield "round", round_in_words(one)
        for review in self.standing.reviews:
            yield "review", review_in_words(review)
        for test in self.standing.back_tests:
            yield "back-test", f"{test.label_field}{f': {test.outcome}' if test.outcome else ''}"
        for number, step in enumerate(self.steps, start=1):
            yield f"next {number}", f"{step.label}: {step.why} {call_of(step)}".strip()

    def _there(self) -> Iterator[tuple[str, str]]:
        for labels in self.standing.labels:
            share = "" if labels.share in (None, 1.0) else f", on about {labels.share:.0%} of the samples"
            yield "predictions" if labels.is_predicted else "labels", f"{labels.path} ({labels.kind}{share})"
        for vectors in self.standing.embeddings:
            shown = f", shown by {vectors.visualization}" if vectors.visualization else ""
            yield "embeddings", f"{vectors.source}{shown}"


def gain_in_words(gain: float) -> str:
    """How much nearer the candidates are to a selection than to random ones.

    >>> gain_in_words(0.052)
    'candidates 5.2 % nearer than to random selections'
    """
    return f"candidates {abs(gain) * 100:.1f} % {'nearer' if gain >= 0 else 'farther'} than to random selections"


def round_in_words(one: Round) -> str:
    """What a round brought, in words.

    >>> round_in_words(Round("round_1", 20, "ground_truth", 8))
    'round_1: 8 of 20 samples have ground_truth'
    """
    name = one.run_key or "before the first"
    parts = []
    if one.n_labeled is not None:
        parts.append(f"{one.n_labeled:,} of {one.n_samples:,} samples have {one.label_field}")
    if one.distance is not None:
        parts.append(f"mean distance {one.distance:.4g}")
    parts += [f"{quality.name} {quality.value:.3f} ({quality.source})" for quality in one.qualities]
    return f"{name}: {'; '.join(parts) or f'{one.n_samples:,} samples'}"


def review_in_words(one: Reviewed) -> str:
    """How far a review is, in words.

    >>> review_in_words(Reviewed("review_1", "ground_truth", 50, 9, 1))
    'review_1 of ground_truth: 41 of 50 items decided; people disagree on 1 sample'
    """
    parts = [f"{one.n_items - one.n_open:,} of {one.n_items:,} items decided"]
    if one.n_disputed:
        parts.append(f"people disagree on {one.n_disputed:,} {'sample' if one.n_disputed == 1 else 'samples'}")
    if one.applied is not None:
        parts.append(f"applied {one.applied[:16].replace('T', ' ')} UTC")
    if one.has_changes:
        parts.append("decided changes are not applied" if one.applied is None else "more was decided since")
    return f"{one.run_key}{f' of {one.label_field}' if one.label_field else ''}: {'; '.join(parts)}"


def call_of(step: Step) -> str:
    """How a step is called from Python; empty where it is no verb of ours."""
    if step.operator is None:
        return ""
    given = ", ".join(f"{name}={value!r}" for name, value in step.params.items())
    return f"-> {step.operator}(dataset{f', {given}' if given else ''})"


def overview(
    samples: Samples, evaluations: Sequence[str] | None = None, *, evaluation_field: str | None = None
) -> Overview:
    """Says what has been scored, selected, analyzed and reviewed in a dataset, what each round brought, and what to do next.

    Instant whatever the size of the dataset: only its schema, its runs, the samples of selections and reviews and a few others
    are looked at. Writes nothing.

    Args:
        samples: a dataset, or a view of one
        evaluations: the evaluations (keys of FiftyOne's) that say how good the model was; each belongs to the newest round that
            was selected before it was made. Nothing given: all, of which those of one kind are taken
        evaluation_field: a field with a number or a truth value, such as whether a prediction is right, whose mean over the
            samples of each round is told

    Returns:
        what there is, and the next steps with their reasons

    Raises:
        ShortlistError: no such evaluation or field
    """
    dataset = dataset_of(samples)
    standing = _standing(dataset)
    standing = replace(standing, rounds=_rounds(dataset, standing, evaluations, evaluation_field))
    return Overview(dataset.name, standing, next_steps(standing))


def _rounds(
    dataset: fo.Dataset, standing: Standing, keys: Sequence[str] | None, field: str | None
) -> tuple[Round, ...]:
    """What each selection brought, and how good the model was before the first."""
    names, awaited = [one.run_key for one in standing.selections], standing.awaited
    made = reading.evaluations(dataset, [keys] if isinstance(keys, str) else keys) if names or keys else []
    labeled = reading.n_labeled(dataset, names, awaited.path) if awaited is not None else {}
    of_field = {} if field is None else reading.means(dataset, names, field)
    found = by_round([(one.run_key, one.created or "") for one in standing.selections], made)
    analyses = {one.name: one for one in standing.analyses}

    def qualities(name: str | None) -> tuple[Quality, ...]:
        measured = reading.quality_of(dataset, found[name]) if name in found else None
        return tuple(one for one in (measured, of_field.get(name or "")) if one is not None)

    before = qualities(None)
    return (
        *([Round(None, qualities=before)] if before else []),
        *(
            _round(one, awaited, labeled, analyses.get(one.run_key), qualities(one.run_key))
            for one in standing.selections
        ),
    )


def _round(
    one: Selected,
    awaited: Labels | None,
    labeled: Mapping[str, int],
    analysis: Analyzed | None,
    qualities: tuple[Quality, ...],
) -> Round:
    measured = analysis is not None and analysis.distance is not None
    return Round(
        one.run_key,
        one.n_samples,
        None if awaited is None else awaited.path,
        labeled.get(one.run_key),
        analysis.distance if analysis is not None and measured else one.distance,
        analysis.beside_random if analysis is not None and measured else one.gain,
        qualities,
    )


def _standing(dataset: fo.Dataset) -> Standing:
    fields = inventory.own_labels(dataset)
    seen = glance(dataset, fields)
    selections = inventory.selected(dataset)
    keys = {one.run_key for one in selections}
    return Standing(
        n_samples=len(dataset),
        media=str(dataset.media_type or "image"),
        labels=inventory.labels(fields, seen),
        labeled=_labeled(dataset, seen.tags),
        embeddings=inventory.vectors(dataset),
        scored=inventory.scored(dataset),
        issues=inventory.issues(dataset),
        selections=selections,
        analyses=tuple(
            _with_findings(dataset, one) if one.name in keys else one for one in inventory.analyzed(dataset)
        ),
        back_tests=inventory.back_tested(dataset),
        reviews=reviewed(dataset),
    )


def _labeled(dataset: fo.Dataset, tags: list[str]) -> str | None:
    """The tag or saved view of what is labelled, by its name."""
    names = [*tags, *dataset.list_saved_views()]
    return next((name for wanted in LABELED for name in names if name.lower() == wanted), None)


def _with_findings(dataset: fo.Dataset, analysis: Analyzed) -> Analyzed:
    """An analysis with what its report says of coverage and uncovered regions."""
    return replace(analysis, **_findings(dataset.name, analysis.name, analysis.created))


@lru_cache(maxsize=64)
def _findings(dataset: str, name: str, created: str | None) -> dict[str, Any]:
    """How many regions an analysis found uncovered, what the first would gain, and the coverage; a report is read once."""
    from ..report.verdict import compared

    report = Report.model_validate_json(analyses.load(fo.load_dataset(dataset), name))
    if report.of_samples is None:
        return {}
    found, whole = report.of_samples.regions, compared(report.of_samples.coverage)
    return {
        "n_regions": len(found),
        "gain": found[0].gain if found else None,
        "distance": None if whole is None else whole.value,
        "beside_random": None if whole is None or not whole.random.mean else 1 - whole.value / whole.random.mean,
    }
