"""Given labels and the predictions of a model for the same samples: which classes they share, and reading them in step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from . import predictions
from .labels import LabelField, label_field, prediction_fields
from .predictions import label_documents
from .samples import FRAMES, Samples, value_at

#: what predictions say of their classes, the most telling first
Holds = Literal["probabilities", "confidences", "classes"]
# Label types whose objects have no place in the image.
_WITHOUT_PLACE = (fo.TemporalDetection, fo.TemporalDetections)


@dataclass(frozen=True)
class Pair:
    """A field of given labels, and one with a model's predictions of the same samples.

    Args:
        given: the labels
        predicted: the predictions
        classes: the classes by the names of the given labels; those that the model knows come first
        columns: (K,) int64, which of ``classes`` each class of the model is
        holds: what the predictions say of their classes
        warnings: what is odd about the two
    """

    given: LabelField
    predicted: LabelField
    classes: list[str]
    columns: NDArray[np.int64]
    holds: Holds
    warnings: tuple[str, ...] = ()

    @property
    def index(self) -> dict[Any, int]:
        """The place of each class among ``classes``."""
        return {name: place for place, name in enumerate(self.classes)}

    @property
    def names(self) -> dict[Any, str]:
        """What each class of the model is among ``classes``."""
        pairs = zip(self.predicted.classes, self.columns.tolist(), strict=True)
        return {name: self.classes[place] for name, place in pairs}

    def on_classes(self, probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
        """(m, len(classes)) from (m, K): the model's probabilities on the shared classes."""
        n_model = probabilities.shape[1]
        columns = self.columns[:n_model]
        if len(self.classes) == n_model and (columns == np.arange(n_model)).all():
            return probabilities
        result = np.zeros((len(probabilities), len(self.classes)), probabilities.dtype)
        for own, shared in enumerate(columns.tolist()):
            result[:, shared] += probabilities[:, own]
        return result


@dataclass(frozen=True)
class Rows:
    """Some samples with one given label each at most.

    Args:
        ids: (n,)
        labels: (n,) int64, the given class, -1 where there is none
        predicted: (n,) int64, the predicted class, -1 where there is none
        probabilities: (n, K) float, NaN rows where the prediction cannot be scored
        is_given: (n,) bool, whether there is a given label
        is_predicted: (n,) bool, whether there is a prediction
    """

    ids: list[ObjectId]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.floating]
    is_given: NDArray[np.bool_]
    is_predicted: NDArray[np.bool_]


def pair(
    samples: Samples,
    given_path: str,
    predicted_path: str,
    class_names: Mapping[str, str] | None,
    probabilities_attribute: str,
) -> Pair:
    """What is at the paths.

    Raises:
        ShortlistError: no such field, fields that cannot be compared, swapped fields, or classes that differ
    """
    given = label_field(samples, given_path, probabilities_attribute)
    predicted = label_field(samples, predicted_path, probabilities_attribute, "predictions_field")
    _refuse_unlike(samples, given, predicted)
    holds = _holds(samples, predicted)
    if holds == "classes":
        _refuse_swapped(samples, given, predicted)
    if given.task == "segmentation":
        return Pair(given, predicted, predicted.classes, np.arange(len(predicted.classes)), holds)
    return _on_shared_classes(samples, given, predicted, holds, class_names or {})


def _refuse_unlike(samples: Samples, given: LabelField, predicted: LabelField) -> None:
    """Stops before fields that cannot be compared."""
    if given.kind in _WITHOUT_PLACE:
        raise must_be("label_field", "labels of images", f"{given.path} ({given.kind.__name__})")
    if given.of_frames or predicted.of_frames:
        path = given.path if given.of_frames else predicted.path
        raise must_be(
            "label_field and predictions_field",
            "fields of samples, not of frames",
            path,
            "Make a dataset of the frames with dataset.to_frames().clone() and run on that.",
        )
    alike = [
        path
        for path, kind in prediction_fields(samples).items()
        if kind is given.kind and path != given.path and not path.startswith(FRAMES)
    ]
    if predicted.kind is not given.kind:
        hint = f"This dataset has {listed(alike)}." if alike else "This dataset has no other field of that type."
        kind = f"a {given.kind.__name__} field like {given.path!r}"
        raise must_be("predictions_field", kind, f"{predicted.path} ({predicted.kind.__name__})", hint)


def _has(samples: Samples, field: LabelField, names: tuple[str, ...]) -> bool:
    """Whether any label of a field has one of some attributes."""
    stored: dict[str, Any] = {"$nin": [None, []]}
    matches: list[dict[str, Any]] = []
    if field.list_attribute:
        # Of a list that is empty a path inside it would match.
        matches += [{field.objects_path: {"$elemMatch": {name: stored}}} for name in names]
    if field.task != "objects":
        matches += [{f"{field.document_path}.{name}": stored} for name in names]
    return any(
        next(iter(samples._aggregate(post_pipeline=[{"$match": match}, {"$limit": 1}])), None) is not None
        for match in matches
    )


def _holds(samples: Samples, field: LabelField) -> Holds:
    if _has(samples, field, (field.probabilities_attribute, "logits")):
        return "probabilities"
    return "confidences" if _has(samples, field, ("confidence",)) else "classes"


def _refuse_swapped(samples: Samples, given: LabelField, predicted: LabelField) -> None:
    """Stops where the given labels say how sure somebody is and the predictions do not."""
    if _holds(samples, given) != "classes":
        raise must_be(
            "predictions_field",
            "the field with a model's predictions, which have confidences, logits or probabilities",
            predicted.path,
            f"Those of label_field, {given.path!r}, have them: the two seem to be swapped.",
        )


def _on_shared_classes(
    samples: Samples, given: LabelField, predicted: LabelField, holds: Holds, class_names: Mapping[str, str]
) -> Pair:
    """The pair with the classes that both name.

    Raises:
        ShortlistError: a mapping of unknown classes, given labels that the model has no class for, or vectors of no known class
    """
    if holds == "probabilities" and not predicted.declared:
        raise ShortlistError(
            f"dataset.classes[{predicted.path!r}] must list the model's classes in the order of its probabilities, since which "
            f"label is likely wrong depends on which is whose. Got no class list instead."
        )
    if not predicted.classes:
        raise must_be("predictions_field", "a field with predictions of some class", predicted.path)
    for name in class_names:
        if name not in predicted.classes:
            hint = did_you_mean(name, predicted.classes) or f"It has {listed(predicted.classes)}."
            raise must_be("class_names", f"a mapping of the classes of {predicted.path!r}", name, hint)
    mapped = [class_names.get(name, name) for name in predicted.classes]
    classes = list(dict.fromkeys(mapped))
    index = {name: place for place, name in enumerate(classes)}
    own = ".".join((given.objects_path, "label"))
    labels = [name for name in samples.distinct(own) if name is not None]
    unknown = sorted(name for name in labels if name not in index)
    if unknown and (predicted.declared or len(unknown) == len(labels)):
        raise _other_classes(given, predicted, unknown, [name for name in classes if name not in labels])
    warnings: tuple[str, ...] = ()
    if unknown:
        warnings = (f"{predicted.path!r} never has {listed(unknown)}: such labels look wrong wherever they are",)
    columns = np.array([index[name] for name in mapped], np.int64)
    return Pair(given, predicted, classes + unknown, columns, holds, warnings)


def _other_classes(given: LabelField, predicted: LabelField, unknown: list[str], left: list[str]) -> ShortlistError:
    """Labels outside of the classes: which, and how they may be mapped."""
    close = {name: hint for name in unknown for hint in [did_you_mean(name, left)] if hint}
    hint = f" {next(iter(close.values()))}" if len(unknown) == 1 and close else ""
    only = f" Only the model knows {listed(left)}." if left else ""
    return ShortlistError(
        f"label_field must hold classes of {predicted.path!r}. Got {listed(map(repr, unknown))} in {given.path!r} instead."
        f"{hint}{only} If the two fields name the same things differently, map the model's names with "
        f"class_names={{predicted: given}}; else mend the labels or leave them out of the view."
    )


def rows(samples: Samples, given: Pair) -> Iterator[Rows]:
    """Streams labels and predictions of a pair whose samples have one label each.

    Raises:
        ShortlistError: as ``predictions.read``; samples or classes that came or went meanwhile
    """
    index = given.index
    beside = label_documents(samples, given.given, {f"{given.given.document_path}.label": True})
    for batch, found in zip(predictions.read(samples, given.predicted), beside, strict=True):
        check_same(batch.ids, found)
        there = batch.objects.present
        classes = np.full(len(there), -1)
        classes[there] = shared(given, batch.objects.classes)
        probabilities = np.full((len(there), len(given.classes)), np.nan, np.float32)
        probabilities[there] = of_objects(given, batch)
        names = [(value_at(document, given.given.document_path) or {}).get("label") for document in found]
        labels = np.array([-1 if name is None else place_of(index, name) for name in names], np.int64)
        yield Rows(batch.ids, labels, classes, probabilities, labels >= 0, there)


def place_of(index: Mapping[Any, int], name: Any) -> int:
    """The place of a given label among the classes.

    Raises:
        ShortlistError: there was no such label when the classes were looked up
    """
    if name not in index:
        raise ShortlistError(f"the labels must stay the same while they are read. {name!r} has come; run again.")
    return index[name]


def shared(given: Pair, classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """(m,) the model's classes as those of the pair."""
    if not len(given.columns):
        return np.full(len(classes), -1)
    return np.where(classes >= 0, given.columns[classes], -1)


def of_objects(given: Pair, batch: predictions.Batch) -> NDArray[np.floating]:
    """(m, len(classes)) the probabilities of predictions; where none of them says how sure it is, all on the one class."""
    objects = batch.objects
    probabilities = given.on_classes(objects.probabilities[:, : max(len(given.columns), 1)])
    if given.holds == "classes":
        classes = shared(given, objects.classes)
        known = classes >= 0
        probabilities = np.full(probabilities.shape, np.nan, np.float32)
        probabilities[known] = np.eye(len(given.classes), dtype=np.float32)[classes[known]]
    return probabilities


def check_same(ids: list[ObjectId], documents: list[dict]) -> None:
    """Stops where two readings of the same samples are not of the same samples.

    Raises:
        ShortlistError: some came or went
    """
    if ids != [document["_id"] for document in documents]:
        raise ShortlistError("the samples must stay the same while they are read. Some came or went; run again.")
