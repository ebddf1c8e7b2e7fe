"""Several predictions of the same samples, read in step: the members of a committee, batch by batch.

The members are label fields of one type, or the stochastic passes that one field stores in an attribute of its labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed, must_be
from ..core.scores.disagreement import Task, Votes
from . import predictions
from .labels import LABEL_TYPES, LabelField, label_field
from .samples import Samples

#: label types whose fields can be members of a committee, and what they are compared in
TASKS: dict[type, Task] = {
    fo.Classification: "classification",
    fo.Detections: "detection",
    fo.Segmentation: "segmentation",
}


@dataclass(frozen=True)
class Committee:
    """The members, and what is needed to compare them.

    Args:
        fields: the label fields
        task: what is compared; the stochastic passes of a label or an object are classifications
        classes: the classes of all members, in the order of ``Votes.classes``
        passes: the attribute with the stochastic passes, if it is these that are compared
    """

    fields: tuple[LabelField, ...]
    task: Task
    classes: list[str]
    passes: str | None = None

    @property
    def of_frames(self) -> bool:
        """Whether frames hold the fields, rather than samples."""
        return self.fields[0].of_frames

    @property
    def has_objects(self) -> bool:
        """Whether labels are lists of objects, which get values of their own."""
        return self.fields[0].list_attribute is not None


def committee(
    samples: Samples, paths: Sequence[str], passes: str | None = None, probabilities_attribute: str = "probabilities"
) -> Committee:
    """The committee of some label fields, or of one field's stochastic passes.

    Raises:
        ShortlistError: no such field, one of a type that cannot be compared, or fields that cannot be compared with each other
    """
    fields = [
        label_field(samples, path, passes or probabilities_attribute, f"label_fields[{place}]")
        for place, path in enumerate(paths)
    ]
    first = fields[0]
    # Passes are of one field, so there is no matching of its objects with others.
    allowed = [
        kind for kind in LABEL_TYPES if kind in TASKS or (passes and LABEL_TYPES[kind].task in ("single", "objects"))
    ]
    for place, field in enumerate(fields):
        if field.kind not in allowed:
            names = listed(kind.__name__ for kind in allowed)
            raise must_be(f"label_fields[{place}]", f"a field of type {names}", f"{field.path} ({field.kind.__name__})")
        if (field.kind, field.of_frames) != (first.kind, first.of_frames):
            raise must_be(
                "label_fields",
                "of one type, and all of samples or all of frames",
                [f"{one.path} ({one.kind.__name__})" for one in fields],
            )
    # Declared lists come first, so that their vectors need no new order.
    ordered = sorted(fields, key=lambda field: not field.declared)
    classes = list(dict.fromkeys(name for field in ordered for name in field.classes))
    shared = tuple(field if field.declared else replace(field, classes=classes) for field in fields)
    is_mask = first.kind is fo.Segmentation
    return Committee(shared, "classification" if passes and not is_mask else TASKS[first.kind], classes, passes)


@dataclass(frozen=True)
class VoteBatch:
    """What the members say of the labels, or of the objects, of some samples or frames.

    Args:
        ids: (n,) of all samples or frames of the batch
        owners: (n,) the samples that frames belong to; the same as ``ids`` where samples hold the labels
        members: (n,) how many of the members have a label
        object_ids: (m,) of the objects; empty where several fields are compared
        offsets: (n + 1,) which rows of the votes belong to which sample
        confidences: (m,) of the objects, NaN where there is none
        votes: of m things
    """

    ids: list[ObjectId]
    owners: list[ObjectId]
    members: NDArray[np.int64]
    object_ids: list[ObjectId]
    offsets: NDArray[np.int64]
    confidences: NDArray[np.float64]
    votes: Votes


def read_votes(samples: Samples, committee: Committee, with_probabilities: bool) -> Iterator[VoteBatch]:
    """Streams what several classification fields say.

    Args:
        samples: the samples
        committee: the members
        with_probabilities: whether they are needed, and so must be comparable

    Raises:
        ShortlistError: as ``predictions.read``; probabilities that cannot be compared
    """
    order = _Order(committee)
    streams = [predictions.read(samples, field) for field in committee.fields]
    for read in zip_longest(*streams):
        batches = [batch for batch in read if batch is not None]
        ids, n = batches[0].ids, len(batches[0].ids)
        if len(batches) < len(read) or any(batch.ids != ids for batch in batches):
            raise ShortlistError("the samples must stay the same while they are read. Some came or went; run again.")
        there = np.stack([batch.objects.present for batch in batches], axis=1)
        classes = np.full(there.shape, -1)
        for member, batch in enumerate(batches):
            classes[there[:, member], member] = order.places(member)[batch.objects.classes]
        probabilities = np.full((*there.shape, 0), np.nan)
        if with_probabilities:
            given = [order.in_order(member, batch) for member, batch in enumerate(batches)]
            probabilities = np.full((*there.shape, max(order.width, 1)), np.nan, np.float32)
            for member, of_member in enumerate(given):
                if len(of_member):
                    probabilities[there[:, member], member] = of_member
        votes = Votes(classes, probabilities, max(len(committee.classes), probabilities.shape[2]))
        yield VoteBatch(ids, batches[0].owners, there.sum(axis=1), [], np.arange(n + 1), np.full(n, np.nan), votes)


class _Order:
    """Brings the members' class lists into one order.

    Vectors follow the classes that the dataset declares. Where it declares none, vectors of one length are taken to be in
    the same order, which is then unknown, so nothing else can be compared with them.
    """

    def __init__(self, committee: Committee):
        self.committee = committee
        self.width = 0
        self._index = {name: place for place, name in enumerate(committee.classes)}
        self._unknown: LabelField | None = None
        self._known: LabelField | None = None

    def places(self, member: int) -> NDArray[np.int64]:
        """Where a member's classes are in the committee's list; last of all -1, for no class."""
        return np.array([*(self._index[name] for name in self.committee.fields[member].classes), -1])

    def in_order(self, member: int, batch: predictions.Batch) -> NDArray[np.floating]:
        """A member's probabilities in the order of the committee's classes."""
        field, given = self.committee.fields[member], batch.objects.probabilities
        vectors = batch.origins[field.probabilities_attribute] + batch.origins["logits"]
        if vectors and not field.declared:
            self._unknown = field
        if field.declared or batch.origins["confidence"]:
            self._known = field
        if self._unknown and self._known:
            raise ShortlistError(
                f"the classes that the vectors of {self._unknown.path!r} follow must be declared to compare them with the "
                f"probabilities of {self._known.path!r}. Got none instead. Set dataset.default_classes, or ask for scores of "
                f"votes only."
            )
        if field.declared and field.classes != self.committee.classes:
            given = self._widened(member, given)
        if len(given):
            if self.width not in (0, given.shape[1]):
                raise ShortlistError(
                    f"label_fields must have probabilities of the same classes. Got vectors of {self.width} and, in "
                    f"{field.path!r}, of {given.shape[1]} instead."
                )
            self.width = given.shape[1]
        return given

    def _widened(self, member: int, given: NDArray[np.floating]) -> NDArray[np.floating]:
        """Probabilities of a member's classes as those of all; a class that it does not know has none."""
        places, size = self.places(member)[:-1], max(len(self.committee.classes), 2)
        wide = np.zeros((len(given), size), given.dtype)
        if len(places) == 1:
            # The second column of a list of one class is all others.
            wide[:] = given[:, 1:] / (size - 1)
        wide[:, places] = given[:, : len(places)]
        return wide
