"""What the verbs return: facts to use, and the same facts to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import fiftyone as fo

from ..core.analysis.coverage import Comparison
from ..dataset.selections import Record


class Summary:
    """What a verb did. ``headline`` and ``rows`` say it to people, in the terminal and in the App alike."""

    @property
    def headline(self) -> str:
        """What was done, in one sentence."""
        raise NotImplementedError

    def rows(self) -> Iterable[tuple[str, str]]:
        """The details: what, and how much."""
        raise NotImplementedError

    def __str__(self) -> str:
        rows = list(self.rows())
        width = max((len(what) for what, _ in rows), default=0)
        return "\n".join([self.headline, *(f"  {what:<{width}}  {value}" for what, value in rows)])


@dataclass(frozen=True)
class ScoreSummary(Summary):
    """What ``score_uncertainty`` wrote.

    Args:
        label_field: what was scored
        n_samples: how many samples were read
        n_objects: how many predictions they hold
        fields: the sample fields, with how many samples have a value and its mean
        unscoreable: how many samples have no value, by reason
        origins: how many predictions' probabilities came from where
    """

    label_field: str
    n_samples: int
    n_objects: int
    fields: dict[str, dict[str, float]]
    unscoreable: dict[str, int]
    origins: dict[str, int]

    @property
    def headline(self) -> str:
        return f"Scored {self.n_samples} samples ({self.n_objects} predictions) of {self.label_field!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        for name, facts in self.fields.items():
            yield name, f"mean {facts['mean']:.3f} over {facts['scored']:.0f} samples"
        for reason, count in self.unscoreable.items():
            yield "not scored", f"{count} samples: {reason}"
        yield "probabilities from", ", ".join(f"{name} ({count})" for name, count in self.origins.items()) or "nothing"


@dataclass(frozen=True)
class SelectionResult(Summary):
    """A selection.

    Args:
        run_key: its name
        view: its samples in order of rank
        n_samples: how many
        strategies: how many picks each strategy decided
        eligible: how many samples could have been picked
        left_out: how many candidates could not, by reason
        coverage: how well it covers the candidates beside random, where it was made with embeddings
        notes: what was computed on the way
    """

    run_key: str
    view: fo.DatasetView
    n_samples: int
    strategies: dict[str, int]
    eligible: int
    left_out: dict[str, int]
    coverage: Comparison | None
    notes: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The sample ids in order of rank."""
        return self.view.values("id")

    @property
    def headline(self) -> str:
        return f"Selected {self.n_samples} of {self.eligible} eligible samples as {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        if len(self.strategies) > 1:
            yield "decided by", ", ".join(f"{label} ({count})" for label, count in self.strategies.items())
        if self.coverage is not None:
            yield "coverage", self.coverage.sentence()
        for reason, count in self.left_out.items():
            yield "left out", f"{count} {reason}"
        for note in self.notes:
            yield "note", note
        yield "kept as", f"tag, saved view and field {self.run_key}"


@dataclass(frozen=True)
class ManagedSelections(Summary):
    """What ``manage_selections`` listed, loaded or deleted.

    Args:
        action: ``list``, ``load`` or ``delete``
        run_key: which selection was loaded or deleted
        records: the dataset's selections, oldest first
        view: the samples of the loaded selection in order of rank
    """

    action: str
    run_key: str | None
    records: list[Record]
    view: fo.DatasetView | None = None

    @property
    def headline(self) -> str:
        if self.action == "list":
            return f"{len(self.records)} selection(s)"
        return f"{self.action.capitalize()}{'d' if self.action.endswith('e') else 'ed'} {self.run_key!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        for record in self.records:
            strategies = ", ".join(record.facts.get("strategies", []))
            made = f"{record.created:%Y-%m-%d %H:%M} UTC by {record.facts.get('by', 'unknown')}"
            yield record.run_key, f"{record.n_samples} samples by {strategies}; {made}"


@dataclass(frozen=True)
class VisualizationSummary(Summary):
    """What ``visualize_embeddings`` made.

    Args:
        brain_key: the visualization
        method: the projection that was used
        n_samples: how many points it has
        embeddings: where the vectors are
        similarity_key: the similarity index, if one was asked for
        color_by: the field to colour the panel by
        left_out: how many samples have no vector
    """

    brain_key: str
    method: str
    n_samples: int
    embeddings: str
    similarity_key: str | None
    color_by: str | None
    left_out: int

    @property
    def headline(self) -> str:
        return f"Visualized {self.n_samples} samples by {self.method} of {self.embeddings!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        yield "visualization", self.brain_key
        if self.similarity_key:
            yield "similarity index", self.similarity_key
        if self.left_out:
            yield "left out", f"{self.left_out} samples without a vector"
