"""What the verbs return: facts to use, and the same facts to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import fiftyone as fo

from ..core.analysis.coverage import Comparison
from ..core.scores.calibration import Calibration
from ..core.scores.reliability import Estimate, Reliability
from ..dataset.selections import Record


def counted(n: int, what: str) -> str:
    """``1 label``, ``2 labels``."""
    return f"{n} {what}{'' if n == 1 else 's'}"


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
        n_frames: how many frames they have, where frames hold the label
        n_objects: how many predictions they hold
        fields: the sample fields, with how many samples have a value and its mean
        unscoreable: how many samples (or frames) have no value, by reason
        origins: how many predictions' probabilities came from where
        calibration: the temperature that was fitted, if one was asked for
    """

    label_field: str
    n_samples: int
    n_objects: int
    fields: dict[str, dict[str, float]]
    unscoreable: dict[str, int]
    origins: dict[str, int]
    n_frames: int | None = None
    calibration: Calibration | None = None

    @property
    def headline(self) -> str:
        frames = "" if self.n_frames is None else f"{self.n_frames} frames of "
        return f"Scored {frames}{self.n_samples} samples ({self.n_objects} predictions) of {self.label_field!r}"

    def rows(self) -> Iterable[tuple[str, str]]:
        if self.calibration is not None:
            fit = self.calibration
            yield (
                "temperature",
                f"{fit.temperature:.3g}, fitted on {fit.n_labeled} labelled predictions (log loss {fit.before:.3f} to "
                f"{fit.after:.3f})",
            )
        unit = "samples" if self.n_frames is None else "frames"
        for name, facts in self.fields.items():
            yield name, f"mean {facts['mean']:.3f} over {facts['scored']:.0f} {unit}"
        for reason, count in self.unscoreable.items():
            yield "not scored", f"{count} {unit}: {reason}"
        yield "probabilities from", ", ".join(f"{name} ({count})" for name, count in self.origins.items()) or "nothing"


@dataclass(frozen=True)
class ImageSummary(Summary):
    """What ``score_images`` found and wrote.

    Args:
        n_samples: how many images were looked at
        flags: how many images have each flag
        n_groups: how many groups of duplicates there are
        means: the mean of each metric over the images that could be read
        unreadable: path and reason of each file that could not be read
        skipped: how many samples hold no image file to read, by reason
        view: the saved view of the images with flags
        duplicates_view: the saved view of the groups of duplicates
    """

    n_samples: int
    flags: dict[str, int]
    n_groups: int
    means: dict[str, float]
    unreadable: list[tuple[str, str]]
    skipped: dict[str, int]
    view: str
    duplicates_view: str

    _NAMED = 5

    @property
    def headline(self) -> str:
        read = f"Measured {self.n_samples - len(self.unreadable)} images"
        return f"{read}; {len(self.unreadable)} could not be read" if self.unreadable else read

    def rows(self) -> Iterable[tuple[str, str]]:
        for name, count in self.flags.items():
            yield name, f"{count} {'image' if count == 1 else 'images'}"
        if self.n_groups:
            groups = f"{self.n_groups} {'group' if self.n_groups == 1 else 'groups'}"
            yield "duplicates", f"{groups}, saved view {self.duplicates_view}"
        for path, reason in self.unreadable[: self._NAMED]:
            yield "not read", f"{path}: {reason}"
        if len(self.unreadable) > self._NAMED:
            yield "not read", f"and {len(self.unreadable) - self._NAMED} more files"
        for reason, count in self.skipped.items():
            yield "skipped", f"{count} {'sample' if count == 1 else 'samples'} {reason}"
        for name, mean in self.means.items():
            yield name, f"mean {mean:.4g}" if mean == mean else "no image has a value"
        yield "kept as", f"field image_quality, saved view {self.view}"


@dataclass(frozen=True)
class PredictedLossSummary(Summary):
    """What ``score_predicted_loss`` wrote.

    Args:
        label_field: the predictions
        path: the field with the predicted losses
        n_samples: how many samples were read
        n_scored: how many have a predicted loss
        mean: the mean predicted loss
        unit: in what it is measured
        reliability: how far it can be trusted, measured on samples that the regressor had not seen
        unscoreable: how many samples have no predicted loss, by reason
        n_unknown: how many labelled samples have a class that the model does not know
        n_learned: how many of those with a predicted loss it was learned from
    """

    label_field: str
    path: str
    n_samples: int
    n_scored: int
    mean: float
    unit: str
    reliability: Reliability
    unscoreable: dict[str, int]
    n_unknown: int
    n_learned: int

    @property
    def headline(self) -> str:
        return f"Predicted the loss of {self.n_scored} samples from {self.reliability.n_labeled} labelled ones"

    @property
    def warnings(self) -> list[str]:
        """Why the predicted losses should not be trusted; nothing where they may be."""
        if self.reliability.spearman.low <= 0:
            return ["nothing was learned: the rank correlation is not shown to be above 0. Do not sort by this field"]
        if self.reliability.gain.high < 0:
            return ["worse than plain entropy, which needs no labels: use score_uncertainty instead"]
        if self.reliability.gain.low <= 0:
            return [
                "not shown to be better than plain entropy, which needs no labels: score_uncertainty may do as well"
            ]
        return []

    def rows(self) -> Iterable[tuple[str, str]]:
        measured = self.reliability
        yield self.path, f"mean {self.mean:.3f} {self.unit} over {self.n_scored} samples"
        yield "rank correlation", f"{_interval(measured.spearman)} of the predicted and the true loss, out of fold"
        yield "plain entropy", f"{_interval(measured.spearman_uncertainty)} on the same samples"
        yield "gain", _interval(measured.gain)
        yield (
            "of the loss in the top 20 %",
            f"{measured.found:.0%} by this field, {measured.found_uncertainty:.0%} by plain entropy, "
            f"{measured.found_at_best:.0%} at best",
        )
        for warning in self.warnings:
            yield "warning", warning
        for reason, count in self.unscoreable.items():
            yield "not scored", f"{count} samples: {reason}"
        if self.n_unknown:
            yield (
                "note",
                f"{self.n_unknown} labelled samples have a class that the model does not know: the highest loss",
            )
        if self.n_learned == self.n_scored:
            yield "note", "all of these samples are labelled: nothing is predicted for unlabelled ones"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} (95 % interval {estimate.low:.2f} to {estimate.high:.2f})"


@dataclass(frozen=True)
class DisagreementSummary(Summary):
    """What ``score_disagreement`` wrote.

    Args:
        label_fields: what was compared
        passes_attribute: the attribute with the stochastic passes, if these were compared
        n_samples: how many samples were read
        n_frames: how many frames they have, where frames hold the labels
        n_objects: how many objects got values of their own
        fields: the fields, with how many samples (or frames) have a value and its mean
        unscoreable: how many samples (or frames) have no value, by reason
        members: how many samples (or frames) have a label of how many members
        problems: how many masks or files could not be read, by reason
    """

    label_fields: list[str]
    passes_attribute: str | None
    n_samples: int
    n_objects: int
    fields: dict[str, dict[str, float]]
    unscoreable: dict[str, int]
    members: dict[int, int]
    problems: dict[str, int]
    n_frames: int | None = None

    @property
    def headline(self) -> str:
        names = ", ".join(repr(name) for name in self.label_fields)
        what = f"the passes {self.passes_attribute!r} of {names}" if self.passes_attribute else names
        frames = "" if self.n_frames is None else f"{self.n_frames} frames of "
        return f"Compared {what} on {frames}{self.n_samples} samples"

    def rows(self) -> Iterable[tuple[str, str]]:
        unit = "samples" if self.n_frames is None else "frames"
        for name, facts in self.fields.items():
            mean = f"mean {facts['mean']:.3f} over {facts['scored']:.0f} {unit}"
            yield name, mean if facts["scored"] else f"no {unit} could be scored"
        for reason, count in self.unscoreable.items():
            yield "not scored", f"{count} {unit}: {reason}"
        for reason, count in self.problems.items():
            yield "left out", f"{count} {reason}"
        if self.members and not self.passes_attribute:
            total = len(self.label_fields)
            yield "members", ", ".join(f"{there} of {total} on {count} {unit}" for there, count in self.members.items())
        if self.n_objects:
            yield "objects", f"{self.n_objects} with values of their own"


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
        notes: what was computed first, what was asked for and the candidates cannot give, and what rules made of the number
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
