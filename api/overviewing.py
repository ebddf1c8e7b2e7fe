"""The verb overview: where the work on a dataset stands, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import fiftyone as fo

from ..core.analysis.report import Report
from ..core.errors import listed
from ..core.next_steps import Step, next_steps
from ..core.standing import Analyzed, Standing
from ..dataset import analyses, inventory
from ..dataset.glance import glance
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
        for one in self.standing.selections:
            gain = "" if one.gain is None else f"; {gain_in_words(one.gain)}"
            yield "selection", f"{one.run_key}: {one.n_samples} samples by {listed(one.strategies)}{gain}"
        for analysis in self.standing.analyses:
            yield "analysis", f"{analysis.name}{'' if analysis.is_current else ' (its samples have changed since)'}"
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


def call_of(step: Step) -> str:
    """How a step is called from Python; empty where it is no verb of ours."""
    if step.operator is None:
        return ""
    given = ", ".join(f"{name}={value!r}" for name, value in step.params.items())
    return f"-> {step.operator}(dataset{f', {given}' if given else ''})"


def overview(samples: Samples) -> Overview:
    """Says what has been scored, selected and analyzed in a dataset, and what to do next.

    Instant whatever the size of the dataset: only its schema, its runs and a few samples are looked at. Writes nothing.

    Args:
        samples: a dataset, or a view of one

    Returns:
        what there is, and the next steps with their reasons
    """
    dataset = dataset_of(samples)
    standing = _standing(dataset)
    return Overview(dataset.name, standing, next_steps(standing))


def _standing(dataset: fo.Dataset) -> Standing:
    fields = inventory.own_labels(dataset)
    seen = glance(dataset, fields)
    selections = inventory.selected(dataset)
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
            _with_regions(dataset, one) if selections and one.name == selections[-1].run_key else one
            for one in inventory.analyzed(dataset)
        ),
        back_tests=inventory.back_tested(dataset),
    )


def _labeled(dataset: fo.Dataset, tags: list[str]) -> str | None:
    """The tag or saved view of what is labelled, by its name."""
    names = [*tags, *dataset.list_saved_views()]
    return next((name for wanted in LABELED for name in names if name.lower() == wanted), None)


def _with_regions(dataset: fo.Dataset, analysis: Analyzed) -> Analyzed:
    """An analysis with what its report says of uncovered regions."""
    count, gain = _regions(dataset.name, analysis.name, analysis.created)
    return replace(analysis, n_regions=count, gain=gain)


@lru_cache(maxsize=64)
def _regions(dataset: str, name: str, created: str | None) -> tuple[int, float | None]:
    """How many regions an analysis found uncovered and what the first would gain; a report is read once."""
    report = Report.model_validate_json(analyses.load(fo.load_dataset(dataset), name))
    found = report.of_samples.regions if report.of_samples is not None else []
    return len(found), found[0].gain if found else None
