"""Counting what ``score_label_quality`` finds, whatever the labels are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.quality.health import InSampleCheck
from ..core.verbs import ScoreLabelQuality
from ..dataset import label_issues
from ..dataset.given import Pair
from ..dataset.samples import Samples
from ..dataset.score_fields import sample_path
from ..dataset.scores import ScoreWriter
from .label_summary import ClassHealth, Confusion, LabelQualitySummary

# The pairs of classes that a record keeps.
_CONFUSIONS = 200
# How many labels of the usual share of issues each class is given before classes are compared.
_SHRINKAGE = 10


@dataclass
class Tally:
    """Counts of a run.

    Args:
        pair: what is compared
    """

    pair: Pair
    samples: int = 0
    labels: int = 0
    scored: int = 0
    flagged: int = 0
    total: float = 0.0
    agreement: InSampleCheck = field(default_factory=InSampleCheck)
    kinds: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    issues: Counter[str] = field(default_factory=Counter)
    confusions: Counter[tuple[str, str]] = field(default_factory=Counter)
    unscoreable: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_samples(self, quality: NDArray[np.floating], issues: Iterable[str | None]) -> None:
        """Counts the samples of a batch in."""
        known = ~np.isnan(quality)
        self.samples += len(quality)
        self.scored += int(known.sum())
        self.total += float(quality[known].sum())
        self.flagged += sum(1 for one in issues if one is not None)

    def add_absent(self, is_given: NDArray[np.bool_], is_predicted: NDArray[np.bool_]) -> None:
        """Counts what one of the two fields lacks."""
        given, predicted = self.pair.given.path, self.pair.predicted.path
        self.unscoreable[f"samples without {given!r}"] += int((~is_given).sum())
        self.unscoreable[f"samples without {predicted!r}"] += int((is_given & ~is_predicted).sum())

    def add_given(self, classes: list[str], labels: NDArray[np.integer]) -> None:
        """Counts the labels of each class in."""
        for place, count in enumerate(np.bincount(labels, minlength=len(classes)).tolist()):
            if count:
                self.given[classes[place]] += count

    def add_issue(self, kind: str, given: str | None, suggested: str | None) -> None:
        """Counts one issue in."""
        self.kinds[kind] += 1
        if given is not None:
            self.issues[given] += 1
            if suggested is not None and suggested != given:
                self.confusions[given, suggested] += 1

    def refuse_useless(self) -> None:
        """Stops where nothing could be scored.

        Raises:
            ShortlistError: with what the samples lack
        """
        if not self.scored:
            reasons = "; ".join(f"{count} {reason}" for reason, count in self.unscoreable.items() if count)
            raise ShortlistError(
                f"label_field and predictions_field must have labels of the same samples. Got none that can be scored instead"
                f"{f' ({reasons})' if reasons else ''}."
            )

    def facts(self) -> dict[str, Any]:
        """What is recorded; names are no keys, since the database refuses dots in them."""
        return {
            "n_samples": self.samples,
            "n_scored": self.scored,
            "n_labels": self.labels,
            "n_flagged": self.flagged,
            "kinds": dict(self.kinds),
            "classes": [
                {"name": one.name, "n_labels": one.n_labels, "n_issues": one.n_issues} for one in self.health()
            ],
            "confusions": [[*pair, count] for pair, count in self.confusions.most_common(_CONFUSIONS)],
            "unscoreable": [[reason, count] for reason, count in self.unscoreable.items() if count],
            "warnings": self.said(),
        }

    def health(self) -> list[ClassHealth]:
        """The classes, those with the greatest share of issues first."""
        every = [ClassHealth(name, count, self.issues[name]) for name, count in self.given.items()]
        overall = sum(self.issues.values()) / max(sum(self.given.values()), 1)

        def shrunk(one: ClassHealth) -> float:
            # One issue among two labels says less than ten among thirty.
            return (one.n_issues + _SHRINKAGE * overall) / (one.n_labels + _SHRINKAGE)

        return sorted(every, key=lambda one: (-shrunk(one), -one.n_issues, one.name))

    def said(self) -> list[str]:
        """Why the result may mislead."""
        found, path = self.agreement.finish(), self.pair.predicted.path
        in_sample = (
            f"{path!r} agrees with {found.agreement:.1%} of the labels and is all but certain of {found.sure:.1%}: if the "
            f"model was trained on them, it repeats their errors. Use predictions by cross-validation"
        )
        return [*self.pair.warnings, *self.warnings, *([in_sample] if found.likely else [])]

    def summary(self, method: str, dataset: fo.Dataset, estimated_errors: float | None) -> LabelQualitySummary:
        """What the verb returns."""
        own = self.pair.given
        return LabelQualitySummary(
            label_field=own.path,
            predictions_field=self.pair.predicted.path,
            method=method,
            n_samples=self.samples,
            n_labels=self.labels,
            n_flagged=self.flagged,
            kinds=dict(self.kinds.most_common()),
            estimated_errors=estimated_errors,
            mean=self.total / self.scored if self.scored else float("nan"),
            classes=[one for one in self.health() if one.n_issues],
            confusions=[Confusion(*pair, count) for pair, count in self.confusions.most_common(_CONFUSIONS)],
            unscoreable={reason: count for reason, count in self.unscoreable.items() if count},
            path=sample_path(own.path, label_issues.QUALITY),
            run_key=label_issues.run_key(own),
            view=label_issues.view_name(own),
            issues=label_issues.issues_of(dataset, own),
            warnings=self.said(),
            notes=self.notes,
        )


@dataclass(frozen=True)
class Work:
    """What a task's scoring works with.

    Args:
        samples: the samples
        pair: what is compared
        given: the parameters
        method: how quality is scored
        writer: collects the results
        tally: counts them
        progress: told the samples done
    """

    samples: Samples
    pair: Pair
    given: ScoreLabelQuality
    method: str
    writer: ScoreWriter
    tally: Tally
    progress: Progress
