"""Given masks and predicted ones of the same samples, read in step, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.scores.planes import ConfidencePlanes
from ..core.scores.segmentation import Planes
from .arrays import Unreadable
from .given import Pair
from .labels import mask_targets
from .predictions import label_documents
from .samples import Samples, dataset_of, value_at
from .segmentations import Mask, check_classes, class_values, indices_of, mask_of, masks, opened

_BATCH = 8
# Names of mask values that stand for no class.
_IGNORED = {"void", "ignore", "ignored", "unlabeled", "unlabelled", "unknown"}
_IGNORED_VALUE = 255
_BACKGROUND = {"background", "__background__", "_background_", "bg"}


@dataclass(frozen=True)
class MaskRow:
    """A sample with a given and a predicted mask, to be read when its turn comes.

    Args:
        id: of the sample
        is_given: whether there is a given label
        is_predicted: whether there is a prediction
        open: a context with the given classes and the planes, see ``MaskReader``
    """

    id: ObjectId
    is_given: bool
    is_predicted: bool
    open: Callable[[], Any]


class MaskReader:
    """Reads the masks of a pair.

    Args:
        samples: the samples
        pair: what to read
        class_names: the given name of a predicted class, where they differ

    Raises:
        ShortlistError: masks without probabilities whose classes the dataset does not name, given classes that the model does
            not know, or one name for several of its classes
    """

    def __init__(self, samples: Samples, pair: Pair, class_names: Mapping[str, str] | None):
        self.samples = samples
        dataset = dataset_of(samples)
        self.names = [(class_names or {}).get(name, name) for name in pair.predicted.classes]
        self.pair = replace(pair, classes=self.names)
        for name in class_names or {}:
            if name not in pair.predicted.classes:
                hint = did_you_mean(name, pair.predicted.classes) or f"It has {listed(pair.predicted.classes)}."
                raise must_be("class_names", f"a mapping of the classes of {pair.predicted.path!r}", name, hint)
        if len(set(self.names)) < len(set(pair.predicted.classes)):
            several = sorted(name for name in set(self.names) if self.names.count(name) > 1)
            raise ShortlistError(
                f"class_names must give each class of the masks in {pair.predicted.path!r} a name of its own. Got "
                f"{listed(map(repr, several))} for several instead."
            )
        if pair.holds != "probabilities" and not self.names:
            raise ShortlistError(
                f"predictions_field must have probabilities, or a dataset that names its classes. Set "
                f"dataset.mask_targets[{pair.predicted.path!r}] = {{0: 'background', 1: ...}}."
            )
        self.own_values = class_values(samples, pair.predicted)
        #: samples whose given mask has a value that is no class, and not one that is to be ignored; with one such value
        self.strange: dict[ObjectId, int] = {}
        self._ignored = {_IGNORED_VALUE}
        self._first: dict[str, int] = {}
        self.values = self._given_values(mask_targets(dataset, pair.given.path))

    def _given_values(self, targets: Mapping[Any, str]) -> dict[int, int] | None:
        """The class of each value of the given masks; None where a value is its class."""
        if not targets:
            return None
        numbers = {
            int(value.lstrip("#"), 16) if isinstance(value, str) else int(value): targets[value] for value in targets
        }
        if not self.names:
            return {number: place for place, number in enumerate(numbers)}
        void = {number for number, name in numbers.items() if number == _IGNORED_VALUE or str(name).lower() in _IGNORED}
        self._ignored |= void
        numbers = {number: name for number, name in numbers.items() if name in self.names or number not in void}
        unknown = [name for name in numbers.values() if name not in self.names]
        if unknown:
            given, predicted = self.pair.given.path, self.pair.predicted.path
            left = [name for name in self.names if name not in numbers.values()]
            raise ShortlistError(
                f"label_field must have the classes of {predicted!r}. Got {listed(map(repr, unknown))} in the mask targets of "
                f"{given!r} instead. Only the model knows {listed(left) or 'no other'}. If the two fields name the same things "
                f"differently, map the model's names with class_names={{predicted: given}}."
            )
        return {number: self.names.index(name) for number, name in numbers.items()}

    @property
    def background(self) -> int:
        """The class that stands for no object: the one of that name, else the first."""
        return next((place for place, name in enumerate(self.names) if str(name).lower() in _BACKGROUND), 0)

    def name(self, place: int) -> str:
        """The name of a class."""
        return self.names[place] if place < len(self.names) else str(place)

    def rows(self) -> Iterator[MaskRow]:
        """Streams the samples; no mask is read before its row is opened."""
        given, predicted = self.pair.given, self.pair.predicted
        attributes = ("mask", "mask_path")
        project: dict[str, Any] = {f"{one.document_path}._cls": True for one in (given, predicted)}
        project |= {f"{given.document_path}.{name}": True for name in attributes}
        if self.pair.holds != "probabilities":
            project |= {f"{predicted.document_path}.{name}": True for name in attributes}
        pages = (page for batch in label_documents(self.samples, given, project, batch=_BATCH) for page in batch)
        found = (mask for batch in masks(self.samples, predicted, None) for mask in batch)
        for mask, page in zip(found, pages, strict=True):
            if mask.id != page["_id"]:
                raise ShortlistError(
                    "the samples must stay the same while they are read. Some came or went; run again."
                )
            yield self._row(mask, page)

    def _row(self, mask: Mask, page: dict[str, Any]) -> MaskRow:
        label, own = (value_at(page, one.document_path) for one in (self.pair.given, self.pair.predicted))
        return MaskRow(mask.id, bool(label), mask.present, lambda: self._open(mask, label or {}, own or {}))

    @contextmanager
    def _open(
        self, mask: Mask, label: dict[str, Any], own: dict[str, Any]
    ) -> Iterator[tuple[NDArray[np.integer], Planes]]:
        """The given classes (h, w), -1 where there is none, and the planes, which may be of another size.

        Raises:
            Unreadable: one of the two cannot be read
            ShortlistError: what is wrong with what was read, with where it is
        """
        given = mask_of(label)
        if given is None:
            raise Unreadable("given masks that cannot be read")
        with self._planes(mask, own) as planes:
            n_classes = planes.shape[0]
            expected = self.pair.predicted.n_mask_classes or self._first.setdefault("n_classes", n_classes)
            check_classes(mask, self.pair.predicted, n_classes, expected)
            values = self.values or {value: value for value in range(n_classes)}
            # Targets may name more than the model knows, such as what is to be ignored.
            classes = indices_of(given, {value: place for value, place in values.items() if place < n_classes})
            self._note_strange(mask.id, given[classes < 0], values)
            yield classes, planes

    def _note_strange(self, sample: ObjectId, left_out: NDArray[np.integer], values: Mapping[int, int]) -> None:
        """Notes that a mask has values of which nobody said what they are."""
        known = self._ignored.union(values)
        found = next((int(value) for value in np.unique(left_out) if int(value) not in known), None)
        if found is not None:
            self.strange[sample] = found

    @contextmanager
    def _planes(self, mask: Mask, own: dict[str, Any]) -> Iterator[Planes]:
        if self.pair.holds == "probabilities":
            with opened(mask, self.pair.predicted) as planes:
                yield planes
            return
        predicted = mask_of(own)
        if predicted is None:
            raise Unreadable("predicted masks that cannot be read")
        classes = indices_of(predicted, self.own_values)
        yield ConfidencePlanes(classes, np.ones(classes.shape, np.float32), len(self.names))
