"""Label issues in the dataset: the fields, the saved view and the run that they are kept as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import numpy as np
from fiftyone.core.utils import to_slug
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from .labels import LabelField
from .results import ResultField, changing, refuse_foreign, refuse_undeclared, uninterrupted
from .samples import dataset_of, every_sample
from .score_fields import sample_path
from .scores import ScoreWriter, commit
from .selections import user

METHOD = "shortlist/label_quality"
QUALITY, ISSUE, SUGGESTION, SUGGESTIONS = "quality", "issue", "suggestion", "suggestions"
#: of a suggestion: the id of the label that it corrects; None where no label is there yet
GIVEN_ID = "given_id"

_QUALITY = "How likely the given {of} right, in [0, 1]. Low: likely wrong."
_ISSUE = "What is likely wrong with {of}; None where nothing is suspected."
_SUGGESTION = "The label that {of} should have, where another is suspected."


def view_name(field: LabelField) -> str:
    """The saved view of the samples with issues, the worst first."""
    return f"{field.path}_issues"


def run_key(field: LabelField) -> str:
    """The key of the run record, which must be an identifier."""
    key = re.sub(r"\W", "_", f"{field.path}_quality")
    return key if key.isidentifier() else f"_{key}"


def result_fields(field: LabelField, info: dict[str, Any]) -> list[ResultField]:
    """The fields that hold the label quality of a field: on the samples, on each object, and what may be missing."""

    def made(path: str, kind: type[fo.Field], sentence: str, *, index: bool = False, part: bool = False) -> ResultField:
        ranged = {"range": [0, 1], "high_means": "the given label is right"} if kind is fo.FloatField else {}
        return ResultField(path, kind, sentence, {**info, **ranged}, index=index, part=part)

    of = {"single": "label is", "segmentation": "mask is"}.get(field.task, "labels of the sample are")
    one = {"single": "the label", "segmentation": "the mask"}.get(field.task, "the labels of the sample (the worst)")
    found = [
        made(sample_path(field.path, QUALITY), fo.FloatField, _QUALITY.format(of=of), index=True),
        made(sample_path(field.path, ISSUE), fo.StringField, _ISSUE.format(of=one), index=True),
    ]
    if field.task == "single":
        found.append(
            made(sample_path(field.path, SUGGESTION), fo.StringField, _SUGGESTION.format(of="the sample"), index=True)
        )
        return found
    if field.list_attribute:
        parts = f"{field.objects_path}."
        found += [
            made(parts + QUALITY, fo.FloatField, _QUALITY.format(of="label is"), part=True),
            made(parts + ISSUE, fo.StringField, _ISSUE.format(of="the label"), part=True),
            made(parts + SUGGESTION, fo.StringField, _SUGGESTION.format(of="the object"), part=True),
        ]
    return found + _suggestion_fields(field, info)


def _suggestion_fields(field: LabelField, info: dict[str, Any]) -> list[ResultField]:
    """The labels that may be missing, or the regions of a mask that may be wrong, as objects to look at and to accept."""
    path, kind = (
        sample_path(field.path, SUGGESTIONS),
        fo.Classifications if field.task == "multilabel" else fo.Detections,
    )
    inside = f"{path}.{kind._LABEL_LIST_FIELD}."
    what = "Regions of the mask that are" if field.task == "segmentation" else "Labels that are"
    return [
        ResultField(path, fo.EmbeddedDocumentField, f"{what} suspected to be wrong or missing.", info, document=kind),
        ResultField(f"{inside}{QUALITY}", fo.FloatField, _QUALITY.format(of="mask or the lack of a label is"), info, part=True),
        ResultField(f"{inside}{ISSUE}", fo.StringField, "What is likely wrong here.", info, part=True),
        ResultField(f"{inside}given", fo.StringField, "The class that is given here now.", info, part=True),
        *(
            [ResultField(f"{inside}{GIVEN_ID}", fo.StringField, "The id of the label that it corrects.", info, part=True)]
            if field.task == "objects"
            else []
        ),
    ]  # fmt: skip


def refuse_taken(dataset: fo.Dataset, field: LabelField, fields: Sequence[ResultField]) -> None:
    """Stops before a field, an attribute, a saved view or a run that Shortlist did not make.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    refuse_foreign(dataset, [one.path for one in fields])
    refuse_undeclared(dataset, [one.path for one in fields])
    own, key = view_name(field), run_key(field)
    for name in dataset.list_saved_views():
        # FiftyOne takes names for the same that look alike in a URL, and would replace the view.
        is_ours = name == own and dataset.get_saved_view_info(name)["description"] == _said(field)
        if to_slug(name) == to_slug(own) and not is_ours:
            raise ShortlistError(
                f"the saved view {own!r} must be new or Shortlist's own. Got a view named {name!r} instead, which "
                f"FiftyOne takes for the same; nothing was written. Rename that view or the label field and run again."
            )
    if key in dataset.list_runs() and _run_of(dataset, key) != field.path:
        raise ShortlistError(
            f"the run {key!r} must be new or Shortlist's own. Got another run of that name instead; nothing was written. "
            f"Rename it with dataset.rename_run({key!r}, ...) and run again."
        )


def _run_of(dataset: fo.Dataset, key: str) -> str | None:
    """The label field that a run of ours is of; None for another run."""
    config = dataset.get_run_info(key).config
    return getattr(config, "label_field", None) if getattr(config, "method", None) == METHOD else None


def _said(field: LabelField) -> str:
    return f"Shortlist: suspected errors of {field.path!r}, the worst first"


def write(
    dataset: fo.Dataset,
    field: LabelField,
    fields: Sequence[ResultField],
    writer: ScoreWriter,
    parameters: dict[str, Any],
    facts: dict[str, Any],
    learned: Any,
) -> None:
    """Writes all that was collected in one step, then the saved view, and the record last.

    Args:
        dataset: where it goes
        field: the given labels
        fields: the fields of this run
        writer: what was collected
        parameters: of the verb, as JSON
        facts: what else to record
        learned: what the method learned from the dataset, as JSON; may be large
    """
    refuse_taken(dataset, field, fields)
    key = run_key(field)
    with uninterrupted():
        with changing(dataset):
            if key in dataset.list_runs():
                dataset.delete_run(key)
        commit(dataset, fields, [writer])
        record = dataset.init_run(
            method=METHOD,
            label_field=field.path,
            parameters=parameters,
            facts={**plain(facts), "by": user()},
        )
        with changing(dataset):
            dataset.save_view(view_name(field), issues_of(dataset, field), description=_said(field), overwrite=True)
            dataset.register_run(key, record)
            # Of many classes there is more than a record may hold.
            dataset.save_run_results(key, dataset.init_run_results(key, calibration=plain(learned)), cache=False)


def issues_of(dataset: fo.Dataset, field: LabelField) -> fo.DatasetView:
    """The samples with issues in order of severity."""
    by = [(sample_path(field.path, QUALITY), 1), ("_id", 1)]
    return every_sample(dataset_of(dataset)).exists(sample_path(field.path, ISSUE)).sort_by(by)


def plain(value: Any) -> Any:
    """What the database can keep of arrays and numbers: lists, and None for what is not finite."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value


def detections(found: Sequence[fo.Detection]) -> dict[str, Any]:
    """Suggestions as the database holds them."""
    return fo.Detections(detections=list(found)).to_dict()


def suggestion(
    label: str | None,
    box: NDArray[np.floating],
    issue: str,
    quality: float,
    given: str | None = None,
    mask: NDArray[np.bool_] | None = None,
    **more: Any,
) -> fo.Detection:
    """One suggested object.

    Args:
        label: the class that it should have
        box: (4,) relative to the image
        issue: the kind
        quality: in [0, 1], low = likely wrong as it is
        given: the class that is there now
        mask: (h, w) that fills the box
        **more: further attributes
    """
    place = [float(side) for side in box]
    facts = {"issue": issue, "quality": float(quality), "given": given, **more}
    return fo.Detection(label=label, bounding_box=place, mask=mask, **facts)
