"""The verb score_label_quality."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.errors import did_you_mean, must_be
from ..core.progress import Progress
from ..core.quality.methods import METHODS
from ..core.schema import foreign, parse
from ..core.verbs import ScoreLabelQuality
from ..dataset import given as labels
from ..dataset import label_issues
from ..dataset.given import Pair
from ..dataset.reservation import reserved
from ..dataset.samples import Samples, dataset_of, samples_of, uncollected
from ..dataset.score_fields import sample_path
from ..dataset.scores import ScoreWriter
from .label_summary import LabelQualitySummary
from .quality_classes import score_classes
from .quality_masks import score_masks
from .quality_multilabel import score_multilabel
from .quality_objects import score_objects_of
from .quality_tally import Tally, Work
from .terminal import Bar

#: what scores which labels; each collects its results and says what to record
_TASKS: dict[str, Callable[[Work], dict[str, Any]]] = {
    "single": score_classes,
    "multilabel": score_multilabel,
    "objects": score_objects_of,
    "segmentation": score_masks,
}


def score_label_quality(
    samples: Samples,
    label_field: str,
    predictions_field: str,
    *,
    progress: Progress | None = None,
    **parameters: Any,
) -> LabelQualitySummary:
    """Finds labels that are likely wrong, and writes the quality, what is wrong, and what each should be.

    Args:
        samples: a dataset or a view of its samples
        label_field: the field with the given labels
        predictions_field: the field of the same type with the predictions of a model that was not trained on these samples
        progress: told the samples done; a bar in the terminal by default
        **parameters: ``method``, ``find_issues``, ``pooling``, ``threshold``, ``class_names``, ``probabilities_attribute``; see
            the reference

    Returns:
        what was found and written

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScoreLabelQuality, {"label_field": label_field, "predictions_field": predictions_field, **parameters})
    samples = samples_of(samples)
    with Bar.unless(progress) as told:
        return _scored(samples, given, told)


def _scored(samples: Samples, given: ScoreLabelQuality, progress: Progress) -> LabelQualitySummary:
    """Streams labels and predictions through the method, and writes what it finds when complete."""
    dataset = dataset_of(samples)
    pair = labels.pair(
        samples, given.label_field, given.predictions_field, given.class_names, given.probabilities_attribute
    )
    field, method = pair.given, _method(given, pair)
    parameters = _recorded(given, pair, method)
    info = {"verb": "score_label_quality", "label_field": field.path, "parameters": parameters}
    fields = label_issues.result_fields(field, info)
    label_issues.refuse_taken(dataset, field, fields)
    paths = [one.path for one in fields if not one.part]
    inside = [field] if field.list_attribute else []
    tally = Tally(pair)
    with (
        reserved(dataset, sample_path(field.path, label_issues.QUALITY)),
        ScoreWriter(dataset, paths, inside) as writer,
        uncollected(),
    ):
        facts = _TASKS[field.task](Work(samples, pair, given, method, writer, tally, progress))
        tally.refuse_useless()
        learned = facts.pop("calibration", None)
        label_issues.write(dataset, field, fields, writer, parameters, {**tally.facts(), **facts}, learned)
    return tally.summary(method, dataset, facts.get("estimated_errors"))


def _method(given: ScoreLabelQuality, pair: Pair) -> str:
    """The method asked for, or the first of the task.

    Raises:
        ShortlistError: it is one of another task
    """
    fitting = METHODS[pair.given.task]
    if given.method is None:
        return fitting[0]
    if given.method not in fitting:
        what = f"one of {', '.join(fitting)}, which apply to {pair.given.path!r}, a {pair.given.kind.__name__}"
        raise must_be("method", what, given.method, did_you_mean(given.method, fitting))
    return given.method


def _recorded(given: ScoreLabelQuality, pair: Pair, method: str) -> dict[str, Any]:
    """The parameters that matter for the labels."""
    left_out = foreign(ScoreLabelQuality, {pair.given.task}, given.model_dump(mode="json"))
    recorded = given.model_dump(mode="json", exclude={"label_field", *left_out})
    # Names are no keys, since the database refuses dots in them.
    names = given.class_names and [list(pair) for pair in given.class_names.items()]
    return {**recorded, "method": method, "class_names": names}
