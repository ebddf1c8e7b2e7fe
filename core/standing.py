"""Where the work on a dataset stands: what there is, what has been scored, selected and analyzed. Facts only, small ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rounds import Round


@dataclass(frozen=True)
class Labels:
    """A label field.

    Args:
        path: the field
        kind: the name of its type
        is_predicted: whether a model made them, rather than people
        share: about which share of the samples has them, in [0, 1]; None where that is not known
    """

    path: str
    kind: str
    is_predicted: bool
    share: float | None = None


@dataclass(frozen=True)
class Vectors:
    """Embeddings of samples.

    Args:
        source: the field, or the Brain run that stores them
        is_field: which of these it is
        visualization: the newest Brain run that shows them in two dimensions
    """

    source: str
    is_field: bool = True
    visualization: str | None = None

    @property
    def input(self) -> dict[str, Any]:
        """They as an input of a selection."""
        return {"type": "EMBEDDINGS", "field" if self.is_field else "brain_key": self.source}


@dataclass(frozen=True)
class Scored:
    """Score fields that one verb wrote of the same labels.

    Args:
        verb: the verb
        label_fields: what was scored; empty for images
        fields: the score fields
        parameters: of the verb, as recorded
        since: when the first of the fields was made (UTC, ISO 8601)
        is_complete: whether it was finished
    """

    verb: str
    label_fields: tuple[str, ...]
    fields: tuple[str, ...]
    parameters: Mapping[str, Any]
    since: str | None = None
    is_complete: bool = True


@dataclass(frozen=True)
class Issues:
    """Suspected label errors of a field.

    Args:
        label_field: the labels
        predictions_field: what they were compared with
        n_samples: how many samples were looked at
        n_flagged: how many have issues
        kinds: how many issues of each kind
        view: the saved view of these samples, the worst first
        created: when it was made (UTC, ISO 8601)
    """

    label_field: str
    predictions_field: str
    n_samples: int
    n_flagged: int
    kinds: Mapping[str, int]
    view: str
    created: str | None = None


@dataclass(frozen=True)
class Selected:
    """A selection.

    Args:
        run_key: its name
        n_samples: how many samples it holds
        strategies: what it was made by
        created: when it was made (UTC, ISO 8601)
        datapool: what it was made on top of, the names of sets of samples
        gain: by how much nearer the candidates are to it than to random selections, as a share; None where not measured
        distance: the mean distance of the candidates to it and its datapool; None where not measured
    """

    run_key: str
    n_samples: int
    strategies: tuple[str, ...] = ()
    created: str | None = None
    datapool: tuple[str, ...] = ()
    gain: float | None = None
    distance: float | None = None


@dataclass(frozen=True)
class Reviewed:
    """A review.

    Args:
        run_key: its name
        label_field: the labels that it is about; None for samples as a whole
        n_items: how many items it has, those of samples deleted meanwhile left out
        n_open: how many of them lack opinions
        n_disputed: on how many samples people disagree
        created: when it was started (UTC, ISO 8601)
        applied: when what was decided was written to the labels for the last time; None where it was not, or was undone
        has_changes: whether changes were decided since
    """

    run_key: str
    label_field: str | None
    n_items: int
    n_open: int
    n_disputed: int = 0
    created: str | None = None
    applied: str | None = None
    has_changes: bool = False


@dataclass(frozen=True)
class Analyzed:
    """An analysis of a selection, tag or view.

    Args:
        name: what was analyzed
        n_regions: how many regions it leaves uncovered
        gain: by which share the best sample of the first of them would lower the mean coverage distance
        is_current: whether the set is still what it was
        created: when it was made (UTC, ISO 8601)
        distance: the mean coverage distance; None where it was not measured
        beside_random: by how much smaller that is than of random selections, as a share
    """

    name: str
    n_regions: int = 0
    gain: float | None = None
    is_current: bool = True
    created: str | None = None
    distance: float | None = None
    beside_random: float | None = None


@dataclass(frozen=True)
class BackTested:
    """A back-test.

    Args:
        name: its key
        label_field: the labels that it learned from
        created: when it was made (UTC, ISO 8601)
        outcome: what it found, in a sentence
    """

    name: str
    label_field: str
    created: str | None = None
    outcome: str = ""


@dataclass(frozen=True)
class Standing:
    """Where the work on a dataset stands.

    Args:
        n_samples: how many samples there are
        media: their media type
        labels: the label fields
        labeled: what people call the labelled samples here: a tag or a saved view
        embeddings: the embeddings of samples, those in fields first
        scored: what has been scored
        issues: the suspected label errors
        selections: the selections, oldest first
        analyses: the analyses
        back_tests: the back-tests
        reviews: the reviews, oldest first
        rounds: what each selection brought, oldest first
    """

    n_samples: int
    media: str = "image"
    labels: tuple[Labels, ...] = ()
    labeled: str | None = None
    embeddings: tuple[Vectors, ...] = ()
    scored: tuple[Scored, ...] = ()
    issues: tuple[Issues, ...] = ()
    selections: tuple[Selected, ...] = ()
    analyses: tuple[Analyzed, ...] = ()
    back_tests: tuple[BackTested, ...] = ()
    reviews: tuple[Reviewed, ...] = ()
    rounds: tuple[Round, ...] = ()

    @property
    def predictions(self) -> list[Labels]:
        """The label fields that a model made."""
        return [labels for labels in self.labels if labels.is_predicted]

    @property
    def truths(self) -> list[Labels]:
        """The label fields that people made."""
        return [labels for labels in self.labels if not labels.is_predicted]

    @property
    def awaited(self) -> Labels | None:
        """The labels that rounds wait for: those that people made on some samples, else the first that they made."""
        found = [labels for labels in self.truths if not labels.path.startswith("frames.")]
        return min(found, key=lambda labels: labels.share is None or labels.share >= 1, default=None)

    def has_scored(self, verb: str, *label_fields: str) -> bool:
        """Whether a verb has finished scoring these label fields."""
        return any(
            one.verb == verb and one.is_complete and set(label_fields) <= set(one.label_fields) for one in self.scored
        )
