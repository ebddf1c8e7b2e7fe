"""The verb score_uncertainty."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import must_be
from ..core.progress import Progress
from ..core.schema import parse
from ..core.scores import Uncertainty, scores
from ..core.scores.apply import apply
from ..core.verbs import ScoreUncertainty
from ..dataset import labels
from ..dataset.reservation import reserved
from ..dataset.results import Staging, refuse_foreign, refuse_undeclared
from ..dataset.samples import Samples, dataset_of, samples_of, uncollected
from ..dataset.scores import ScoreWriter, score_fields, score_path
from .summary import ScoreSummary
from .terminal import Bar


def score_uncertainty(
    samples: Samples, label_field: str, *, progress: Progress | None = None, **parameters: Any
) -> ScoreSummary:
    """Scores how unsure a model is of its predictions, and writes the scores as fields.

    Args:
        samples: a dataset or a view of its samples
        label_field: the field with the predictions (Classification or Detections)
        progress: told the samples done; a bar in the terminal by default
        **parameters: ``scores``, ``aggregation``, ``min_confidence``, ``probabilities_attribute``; see the reference

    Returns:
        what was written

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScoreUncertainty, {"label_field": label_field, **parameters})
    samples = samples_of(samples)
    with Bar.unless(progress) as told:
        return score(samples, given, told)


def score(samples: Samples, given: ScoreUncertainty, progress: Progress) -> ScoreSummary:
    """Streams the predictions through the formulas into the staging area, and merges them when complete."""
    dataset = dataset_of(samples)
    field = labels.label_field(samples, given.label_field, given.probabilities_attribute)
    chosen = _applicable(given, field)
    fields = score_fields(field, chosen, _recorded(given))
    refuse_foreign(dataset, [result.path for result in fields])
    refuse_undeclared(dataset, [result.path for result in fields if result.part])
    tally, total = _Tally(), len(samples)
    with reserved(dataset, f"scores of {given.label_field}"), Staging(dataset) as staging, uncollected():
        writer = ScoreWriter(dataset, field, chosen, fields, staging)
        for batch in labels.read(samples, field):
            aggregation = given.aggregation if field.list_attribute else None
            of_objects, of_samples = apply(chosen, batch.objects, aggregation, given.min_confidence)
            writer.add(batch.sample_ids, batch.object_ids, batch.objects.offsets, of_samples, of_objects)
            tally.add(batch, of_samples)
            progress(tally.samples, total, f"scoring {given.label_field}")
        writer.commit()
    return tally.summary(given.label_field)


def _applicable(given: ScoreUncertainty, field: labels.LabelField) -> list[Uncertainty]:
    """The scores asked for, or all that apply to the field."""
    fitting = [score for score in scores(Uncertainty).values() if score.level == "object" or field.list_attribute]
    if given.scores is None:
        return fitting
    for name in given.scores:
        if name not in [score.name for score in fitting]:
            raise must_be(
                "scores", f"scores of one prediction a sample, since {field.path!r} is no list of objects", name
            )
    return [score for score in fitting if score.name in given.scores]


class _Tally:
    """Counts what was scored."""

    def __init__(self) -> None:
        self.samples = self.objects = self.absent = 0
        self.origins: Counter[str] = Counter()
        self.scored: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.unscoreable = 0

    def add(self, batch: labels.Batch, of_samples: dict[str, NDArray[np.floating]]) -> None:
        self.samples += len(batch.sample_ids)
        self.objects += len(batch.object_ids)
        self.absent += int((~batch.objects.present).sum())
        self.origins.update(batch.origins)
        missing = np.zeros(len(batch.sample_ids), bool)
        for name, values in of_samples.items():
            known = ~np.isnan(values)
            self.scored[name] += int(known.sum())
            self.sums[name] += float(values[known].sum())  # type: ignore[assignment]
            missing |= ~known
        self.unscoreable += int((missing & batch.objects.present).sum())

    def summary(self, label_field: str) -> ScoreSummary:
        reasons = {
            f"no {label_field!r}": self.absent,
            "predictions that lack what a score needs (probabilities, logits or a confidence)": self.unscoreable,
        }
        return ScoreSummary(
            label_field,
            self.samples,
            self.objects,
            {
                score_path(label_field, name): {
                    "scored": count,
                    "mean": self.sums[name] / count if count else float("nan"),
                }
                for name, count in self.scored.items()
            },
            {reason: count for reason, count in reasons.items() if count},
            {name: count for name, count in self.origins.items() if count},
        )


def _recorded(given: ScoreUncertainty) -> dict[str, Any]:
    return given.model_dump(mode="json", exclude={"label_field", "scores"})
