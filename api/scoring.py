"""The verb score_uncertainty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.parallel import mapped
from ..core.progress import Progress
from ..core.schema import foreign, parse
from ..core.scores import Uncertainty, scores
from ..core.scores.aggregation import Aggregation
from ..core.scores.apply import How, apply
from ..core.scores.calibration import Calibration, fit_temperature
from ..core.scores.segmentation import mask_scores
from ..core.verbs import ScoreUncertainty
from ..dataset import predictions, segmentations
from ..dataset.arrays import Unreadable
from ..dataset.labeled import labeled
from ..dataset.labels import LabelField, label_field, label_path
from ..dataset.reservation import reserved
from ..dataset.results import refuse_foreign, refuse_undeclared
from ..dataset.samples import Samples, as_object_ids, dataset_of, generated_kind, ids_of, origin_of, uncollected
from ..dataset.score_fields import frame_path, refuse_shared, sample_path, score_fields
from ..dataset.scores import FrameScores, ObjectScores, ScoreWriter, commit
from .summary import ScoreSummary
from .terminal import Bar


def score_uncertainty(
    samples: Samples, label_field: str, *, progress: Progress | None = None, **parameters: Any
) -> ScoreSummary:
    """Scores how unsure a model is of its predictions, and writes the scores as fields.

    Args:
        samples: a dataset or a view; of a view of patches, clips or frames the samples behind it are scored
        label_field: the field with the predictions, with ``frames.`` before its name for a field of frames
        progress: told the samples done; a bar in the terminal by default
        **parameters: ``scores``, ``aggregation``, ``min_confidence``, ``temperature`` ...; see the reference

    Returns:
        what was written

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScoreUncertainty, {"label_field": label_field, **parameters})
    origin, of_frames = origin_of(samples)
    with Bar.unless(progress) as told:
        made = score(origin, _of_origin(given, of_frames), told)
    if generated_kind(samples) is not None:
        # The view holds copies of what was scored.
        samples.reload()
    return made


def _of_origin(given: ScoreUncertainty, of_frames: bool) -> ScoreUncertainty:
    """The parameters with the paths of the samples that a view of frames was made from."""
    named = {name: getattr(given, name) for name in ("label_field", "calibrate_on", "confidence_map")}
    return given.model_copy(update={name: label_path(path, of_frames) for name, path in named.items() if path})


def score(samples: Samples, given: ScoreUncertainty, progress: Progress) -> ScoreSummary:
    """Streams the predictions through the formulas into the staging area, and merges them when complete."""
    dataset = dataset_of(samples)
    field = label_field(samples, given.label_field, given.probabilities_attribute)
    chosen = _applicable(given, field)
    calibration = _calibrated(samples, field, given)
    how = _how(given, field, calibration)
    fields = score_fields(field, chosen, _recorded(given, field, how))
    refuse_foreign(dataset, [result.path for result in fields])
    refuse_undeclared(dataset, [result.path for result in fields if result.part])
    refuse_shared(dataset, field, fields)
    names = [score.name for score in chosen]
    inside = [field] if field.list_attribute else []
    of_samples = [sample_path(field.path, name) for name in names]
    of_documents = [frame_path(field.path, name) for name in names] if field.of_frames else of_samples
    tally, of_frames = _Tally(field, calibration), FrameScores(names, given.frame_aggregation)
    total = samples.count("frames") if field.of_frames else len(samples)
    with (
        reserved(dataset, f"scores of {given.label_field}"),
        ScoreWriter(dataset, of_documents, inside, field.of_frames) as writer,
        ScoreWriter(dataset, of_samples) as sample_writer,
        uncollected(),
    ):
        read = _masks if field.task == "segmentation" else _labels
        for batch in read(samples, field, chosen, given, how):
            writer.add(batch.ids, [batch.scores[name] for name in names], batch.objects if inside else ())
            if field.of_frames:
                of_frames.add(batch.owners, batch.scores)
            tally.add(batch)
            progress(tally.documents, total, f"scoring {given.label_field}")
        if field.of_frames:
            for ids, columns in of_frames.batches(as_object_ids(ids_of(samples))):
                sample_writer.add(ids, columns)
        commit(dataset, fields, [writer, sample_writer] if field.of_frames else [writer])
    return tally.summary(len(of_frames) if field.of_frames else tally.documents)


@dataclass(frozen=True)
class _Scored:
    """A batch of samples or frames with their scores.

    Args:
        ids: (n,) of the samples or frames
        owners: (n,) of the samples
        present: (n,) whether there is a label at all
        scores: (n,) a score, NaN where unscoreable
        objects: the scores of their objects
        n_objects: how many objects, classes or segments were scored
        origins: how many objects' probabilities came from where
        problem: why it could not be read
    """

    ids: Sequence[ObjectId]
    owners: Sequence[ObjectId]
    present: NDArray[np.bool_]
    scores: dict[str, NDArray[np.floating]]
    objects: Sequence[ObjectScores]
    n_objects: int
    origins: Counter[str]
    problem: Unreadable | None = None


def _labels(
    samples: Samples, field: LabelField, chosen: list[Uncertainty], given: ScoreUncertainty, how: How
) -> Iterator[_Scored]:
    """The scores of labels, batch by batch."""
    for batch in predictions.read(samples, field):
        of_objects, of_documents = apply(chosen, batch.objects, how)
        objects = [ObjectScores(batch.object_ids, batch.objects.offsets, of_objects)]
        yield _Scored(
            batch.ids,
            batch.owners,
            batch.objects.present,
            of_documents,
            objects,
            len(batch.object_ids),
            batch.origins,
        )


def _masks(
    samples: Samples, field: LabelField, chosen: list[Uncertainty], given: ScoreUncertainty, how: How
) -> Iterator[_Scored]:
    """The scores of masks, each read and scored by itself, several at a time."""
    names = [score.name for score in chosen]
    n_classes = field.n_mask_classes

    def scored(mask: segmentations.Mask) -> tuple[segmentations.Mask, int, int, dict[str, float], Unreadable | None]:
        try:
            with segmentations.opened(mask, field) as planes:
                found = mask_scores(planes, chosen, given.segmentation, how)
                return mask, planes.shape[0], found.n_segments, found.values, None
        except Unreadable as problem:
            return mask, 0, 0, dict.fromkeys(names, np.nan), problem

    every = (mask for batch in segmentations.masks(samples, field, given.confidence_map) for mask in batch)
    for mask, width, n_segments, values, problem in mapped(scored, every):
        if problem is None:
            segmentations.check_classes(mask, field, width, n_classes)
            n_classes = width
        yield _Scored(
            [mask.id],
            [mask.owner],
            np.array([mask.present]),
            {name: np.array([values[name]]) for name in names},
            (),
            n_segments,
            Counter({mask.origin: 1} if problem is None else {}),
            problem if mask.present else None,
        )


def _applicable(given: ScoreUncertainty, field: LabelField) -> list[Uncertainty]:
    """The scores asked for, or all that apply to the field."""
    of_lists = field.task == "objects"
    fitting = [score for score in scores(Uncertainty).values() if score.level == "object" or of_lists]
    if given.scores is None:
        return fitting
    for name in given.scores:
        if name not in [score.name for score in fitting]:
            raise must_be("scores", f"scores that apply to {field.path!r}, which is no list of objects", name)
    return [score for score in fitting if score.name in given.scores]


def _calibrated(samples: Samples, field: LabelField, given: ScoreUncertainty) -> Calibration | None:
    """The temperature that is fitted on true labels, if one is asked for."""
    if given.calibrate_on is None:
        return None
    truth = label_field(samples, given.calibrate_on, given.probabilities_attribute, "calibrate_on")
    pairs = list(labeled(samples, field, truth, given.confidence_map))
    if not pairs:
        raise must_be("calibrate_on", "a field with true labels of at least one sample", given.calibrate_on)
    try:
        return fit_temperature(*(np.concatenate(parts) for parts in zip(*pairs, strict=True)))
    except ShortlistError as error:
        raise error.at("calibrate_on") from None


def _how(given: ScoreUncertainty, field: LabelField, calibration: Calibration | None) -> How:
    """The way of scoring that suits a field."""
    default: Aggregation = "mean" if field.task == "segmentation" else "max"
    return How(
        aggregation=None if field.task == "single" else given.aggregation or default,
        top_m=given.top_m,
        min_confidence=given.min_confidence,
        normalize=given.normalize,
        temperature=calibration.temperature if calibration else given.temperature or 1,
        empty=0 if field.task == "objects" else np.nan,
    )


def _recorded(given: ScoreUncertainty, field: LabelField, how: How) -> dict[str, Any]:
    """What later samples must be scored with to compare: the temperature that was fitted, not where."""
    resolved = {"aggregation": how.aggregation, "temperature": None if how.temperature == 1 else how.temperature}
    held = {**given.model_dump(mode="json", exclude={"label_field", "scores", "calibrate_on"}), **resolved}
    left_out = foreign(ScoreUncertainty, {field.task, *(["frames"] if field.of_frames else [])}, held)
    return {name: value for name, value in held.items() if name not in left_out}


class _Tally:
    """Counts what was scored."""

    def __init__(self, field: LabelField, calibration: Calibration | None) -> None:
        self.field, self.calibration = field, calibration
        self.documents = self.objects = self.absent = 0
        self.origins: Counter[str] = Counter()
        self.scored: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.problems: Counter[str] = Counter()
        self.examples: dict[str, str] = {}

    def add(self, batch: _Scored) -> None:
        self.documents += len(batch.ids)
        self.objects += batch.n_objects
        self.absent += int((~batch.present).sum())
        self.origins.update(batch.origins)
        missing = np.zeros(len(batch.ids), bool)
        for name, values in batch.scores.items():
            known = ~np.isnan(values)
            self.scored[name] += int(known.sum())
            self.sums[name] += float(values[known].sum())  # type: ignore[assignment]
            missing |= ~known
        reason = "predictions that lack what a score needs (probabilities, logits or a confidence)"
        if batch.problem is not None:
            reason = batch.problem.reason
            self.examples.setdefault(reason, str(batch.problem))
        self.problems[reason] += int((missing & batch.present).sum())

    def summary(self, n_samples: int) -> ScoreSummary:
        problems = {self.examples.get(reason, reason): count for reason, count in self.problems.items()}
        reasons = {f"no {self.field.path!r}": self.absent, **problems}
        fields = {
            (frame_path if self.field.of_frames else sample_path)(self.field.path, name): {
                "scored": count,
                "mean": self.sums[name] / count if count else float("nan"),
            }
            for name, count in self.scored.items()
        }
        return ScoreSummary(
            self.field.path,
            n_samples,
            self.objects,
            fields,
            {reason: count for reason, count in reasons.items() if count},
            {name: count for name, count in self.origins.items() if count},
            self.documents if self.field.of_frames else None,
            self.calibration,
        )
