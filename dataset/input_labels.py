"""Reading PREDICTIONS: how much of each class, how many objects, the probabilities of one label or of a committee."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Predictions
from ..core.selection.values import Amounts, AnyValues
from . import predictions
from .input_masks import pixel_shares
from .input_passes import read_committee
from .labels import LabelField, label_field
from .predictions import label_documents
from .rows import Once, Rows
from .samples import Samples, as_ids
from .sources import label_fields
from .tally import Tally


def read_predictions(
    given: Predictions, rows: Rows, progress: Progress = silent
) -> tuple[AnyValues, NDArray[np.bool_]]:
    """The values of a PREDICTIONS input.

    A sample without the label was not predicted and has no value; one whose label holds no objects has none of each class.

    Raises:
        ShortlistError: no such field, one of a type that cannot give what is asked for, or labels that cannot be read
    """
    given = given.model_copy(update={"task": which_task(given, rows.samples)})
    if given.name == "PASSES":
        return read_committee(given, rows, progress)
    field = label_field(rows.samples, str(given.task), where="input.task")
    if given.name == "PROBABILITIES":
        return _probabilities(field, rows, progress)
    if field.task == "segmentation":
        if given.name == "CATEGORY_COUNT":
            raise must_be(
                "input.task", "a label field with objects, which CATEGORY_COUNT counts", f"{field.path} (Segmentation)"
            )
        values, present = pixel_shares(field, rows, given.categories, progress)
    elif given.name == "CATEGORY_COUNT":
        return _count(field, _categories(given, field), rows, progress)
    elif not given.count and field.declared and _holds_vectors(field, rows):
        values, present = _summed(field, _categories(given, field), rows, progress)
    else:
        values, present = _counted(field, _categories(given, field), rows, progress)
    return values, _some(present, field)


def which_task(given: Predictions, samples: Samples) -> str:
    """The label field that an input means: given, or the only one that there is.

    Raises:
        ShortlistError: there is none, or several
    """
    if given.task is not None:
        return given.task
    found = label_fields(samples)
    if len(found) == 1:
        return found[0]
    if not found:
        raise ShortlistError("the input PREDICTIONS needs a label field. This dataset has none.")
    raise ShortlistError(
        f"the input PREDICTIONS must name its task, since there are several label fields: {listed(found)}."
    )


def _categories(given: Predictions, field: LabelField) -> list[str] | None:
    """The classes that count, all of them known."""
    for name in given.categories or ():
        if name not in field.classes:
            raise must_be(
                "input.categories",
                f"classes of {field.path!r} ({listed(field.classes)})",
                name,
                did_you_mean(name, field.classes),
            )
    return given.categories


def _some(present: NDArray[np.bool_], field: LabelField) -> NDArray[np.bool_]:
    if not present.any():
        raise ShortlistError(f"labels must be there for at least one sample. Got none in {field.path!r} instead.")
    return present


def _holds_vectors(field: LabelField, rows: Rows) -> bool:
    """Whether any label holds probabilities or logits, rather than a confidence at most."""
    names = ("logits", field.probabilities_attribute)
    given: dict[str, Any] = {"$nin": [None, []]}
    found = [{f"{field.document_path}.{name}": given} for name in names]
    if field.list_attribute is not None and field.task != "multilabel":
        found = [{field.objects_path: {"$elemMatch": {name: given}}} for name in names]
    stages: list[dict[str, Any]] = [{"$match": {"$or": found}}, {"$limit": 1}, {"$project": {"_id": True}}]
    return any(True for view in rows.views for _ in view._aggregate(frames_only=field.of_frames, post_pipeline=stages))


def _documents(field: LabelField, rows: Rows, project: dict[str, Any], progress: Progress) -> Any:
    """The documents that hold a field, of samples or of their frames, and the rows they belong to."""
    once = Once(len(rows))
    for view in rows.views:
        once.next_view()
        for batch in label_documents(view, field, project):
            places = rows.of(as_ids(document.get("_sample_id", document["_id"]) for document in batch))
            fresh = once.fresh(places, field.of_frames)
            kept = [document for document, one in zip(batch, fresh, strict=True) if one]
            yield places[fresh], kept
            progress(once.count, len(rows), f"reading {field.path}")


def _counted(
    field: LabelField, categories: list[str] | None, rows: Rows, progress: Progress
) -> tuple[Amounts, NDArray[np.bool_]]:
    """How many labels of each class every row holds. Only their names leave the database."""
    tally, present = Tally(len(rows), field.classes), np.zeros(len(rows), bool)
    project = {"there": f"${field.document_path}._cls", "labels": f"${field.objects_path}.label"}
    for places, batch in _documents(field, rows, project, progress):
        there = np.array([document.get("there") is not None for document in batch], bool)
        present[places[there]] = True
        found = [_list(document.get("labels")) for document in batch]
        lengths = [len(labels) for labels in found]
        tally.add(np.repeat(places, lengths), (label for labels in found for label in labels))
    return tally.amounts(categories), present


def _count(
    field: LabelField, categories: list[str] | None, rows: Rows, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How many objects every row holds, of all classes or of some; NaN where the label is missing."""
    counts, present = np.zeros(len(rows)), np.zeros(len(rows), bool)
    path = f"${field.objects_path}"
    project: dict[str, Any] = {"there": f"${field.document_path}._cls"}
    if categories is not None:
        project["labels"] = f"{path}.label"
    elif field.list_attribute is not None:
        project["number"] = {"$size": {"$ifNull": [path, []]}}
    wanted = set(categories or ())
    for places, batch in _documents(field, rows, project, progress):
        there = np.array([document.get("there") is not None for document in batch], bool)
        present[places[there]] = True
        if categories is not None:
            number = [sum(label in wanted for label in _list(document.get("labels"))) for document in batch]
        else:
            number = [document.get("number", 1) for document in batch]
        np.add.at(counts, places, np.where(there, number, 0))
    return np.where(present, counts, np.nan), _some(present, field)


def _list(labels: Any) -> list[str]:
    """The names among what a projection of labels gave: a list, one name, or nothing."""
    found = labels if isinstance(labels, list) else [labels]
    return [label for label in found if label is not None]


def _summed(
    field: LabelField, categories: list[str] | None, rows: Rows, progress: Progress
) -> tuple[Amounts, NDArray[np.bool_]]:
    """The class probabilities of every row's labels, summed; a label without any counts as one of its class."""
    tally, present, once = Tally(len(rows), field.classes), np.zeros(len(rows), bool), Once(len(rows))
    for view in rows.views:
        once.next_view()
        for batch in predictions.read(view, field):
            places = rows.of(as_ids(batch.owners))
            fresh = once.fresh(places, field.of_frames)
            present[places[fresh & batch.objects.present]] = True
            owners = batch.objects.owners
            of_fresh = fresh[owners]
            _sum_batch(tally, places[owners[of_fresh]], batch.objects.subset(of_fresh), field)
            progress(once.count, len(rows), f"reading {field.path}")
    return tally.amounts(categories), present


def _sum_batch(tally: Tally, rows: NDArray[np.int64], objects: Any, field: LabelField) -> None:
    """Adds the labels of a batch: a column a class, or of multi-label vectors one yes a label."""
    if field.task == "multilabel":
        yes = objects.probabilities[:, 0].astype(np.float64)
        named = objects.classes >= 0
        tally.add_columns(rows[named], objects.classes[named], np.where(np.isnan(yes), 1.0, yes)[named])
        return
    n_classes = len(field.classes)
    probabilities = objects.probabilities[:, :n_classes].astype(np.float64)
    unknown = np.isnan(probabilities).any(axis=1)
    named = unknown & (objects.classes >= 0)
    tally.add_columns(rows[named], objects.classes[named], np.ones(int(named.sum())))
    of_rows, place = np.unique(rows[~unknown], return_inverse=True)
    if len(of_rows):
        members = sparse.csr_array(
            (np.ones(len(place)), (place, np.arange(len(place)))), shape=(len(of_rows), len(place))
        )
        sums = members @ probabilities[~unknown]
        at, column = np.nonzero(sums)
        tally.add_columns(of_rows[at], column.astype(np.int64), sums[at, column])


def _probabilities(field: LabelField, rows: Rows, progress: Progress) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """(n, K) the class probabilities of the one label of every row, NaN where there are none."""
    if field.task != "single" or field.of_frames:
        raise must_be(
            "input.task", "a field with one label a sample, such as a Classification, for PROBABILITIES",
            f"{field.path} ({field.kind.__name__})",
        )  # fmt: skip
    found: NDArray[np.floating] | None = None
    done = 0
    for view in rows.views:
        for batch in predictions.read(view, field):
            given = batch.objects.probabilities
            if found is None:
                found = np.full((len(rows), given.shape[1]), np.nan, given.dtype)
            places = rows.of(as_ids(batch.owners))[batch.objects.owners]
            if len(given):
                found = _wide_enough(found, given.shape[1], field)
                found[places[places >= 0]] = given[places >= 0]
            done += len(batch.ids)
            progress(min(done, len(rows)), len(rows), f"reading {field.path}")
    if found is None or np.isnan(found).all():
        raise ShortlistError(
            f"{field.path!r} must hold probabilities, logits or confidences for at least one sample. Got none instead."
        )
    return found, ~np.isnan(found).any(axis=1)


def _wide_enough(found: NDArray[np.floating], width: int, field: LabelField) -> NDArray[np.floating]:
    """The array for vectors of a length that nothing but gaps came before."""
    if found.shape[1] == width:
        return found
    if np.isnan(found).all():
        return np.full((len(found), width), np.nan, found.dtype)
    raise must_be(f"the probabilities of {field.path!r}", f"of {found.shape[1]} classes throughout", width)
