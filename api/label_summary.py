"""What ``score_label_quality`` returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import fiftyone as fo

from .summary import Summary, counted


@dataclass(frozen=True)
class ClassHealth:
    """How clean the labels of a class are.

    Args:
        name: the class
        n_labels: how many labels it has (of masks: how many pixels)
        n_issues: how many of them are issues
    """

    name: str
    n_labels: int
    n_issues: int

    @property
    def share(self) -> float:
        """The share of its labels that are issues."""
        return self.n_issues / self.n_labels if self.n_labels else 0.0


@dataclass(frozen=True)
class Confusion:
    """Labels of one class that should have another.

    Args:
        given: the class that they have
        suggested: the class that they should have
        count: how many
    """

    given: str
    suggested: str
    count: int


@dataclass(frozen=True)
class LabelQualitySummary(Summary):
    """What ``score_label_quality`` found and wrote.

    Args:
        label_field: the given labels
        predictions_field: the predictions that they were compared with
        method: how quality was scored
        n_samples: how many samples were read
        n_labels: how many labels were scored
        n_flagged: how many samples have an issue
        kinds: how many issues of each kind there are
        estimated_errors: the estimated share of wrong labels, where the method can tell
        mean: the mean quality of the samples that could be scored
        classes: the classes with issues, the worst first
        confusions: which classes are given for which, the most frequent first
        unscoreable: how many samples or labels have no quality, by reason
        warnings: why the result may mislead
        notes: what was done without
        path: the field with the quality of the samples
        run_key: the run record
        view: the saved view's name
        issues: the samples with issues, the worst first
    """

    label_field: str
    predictions_field: str
    method: str
    n_samples: int
    n_labels: int
    n_flagged: int
    kinds: dict[str, int]
    estimated_errors: float | None
    mean: float
    classes: list[ClassHealth]
    confusions: list[Confusion]
    unscoreable: dict[str, int]
    path: str
    run_key: str
    view: str
    issues: fo.DatasetView
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    _NAMED = 5

    @property
    def n_issues(self) -> int:
        """How many issues there are."""
        return sum(self.kinds.values())

    @property
    def headline(self) -> str:
        errors = counted(self.n_issues, "suspected error")
        return f"Found {errors} in {self.n_flagged} of {self.n_samples} samples of {self.label_field!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        for warning in self.warnings:
            yield "warning", warning
        for kind, count in self.kinds.items():
            yield kind.replace("_", " "), counted(count, "issue")
        if self.estimated_errors is not None:
            yield "estimated errors", f"{self.estimated_errors:.1%} of {self.n_labels} labels"
        for one in self.classes[: self._NAMED]:
            yield f"class {one.name}", f"{one.n_issues} of {one.n_labels} labels ({one.share:.1%})"
        for pair in self.confusions[: self._NAMED]:
            yield "confused", f"{pair.given} should be {pair.suggested}: {pair.count}"
        yield (
            self.path,
            f"mean {self.mean:.3f}, by {self.method}" if self.mean == self.mean else "no sample has a value",
        )
        for reason, count in self.unscoreable.items():
            yield "not scored", f"{count} {reason}"
        for note in self.notes:
            yield "note", note
        yield "kept as", f"saved view {self.view}, run {self.run_key}"
