"""The masks of a committee's members and their class probabilities, to be read a sample at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.scores.segmentation import Planes
from .arrays import FilePlanes, Unreadable, array_planes
from .committee import Committee
from .labels import LabelField, mask_targets
from .predictions import label_documents
from .samples import Samples, dataset_of, value_at
from .segmentations import mask_of

# The value that says nothing of a pixel, where the dataset does not name it a class.
_IGNORED = 255
# Documents a batch: a document may hold whole masks.
_BATCH = 8


@dataclass(frozen=True)
class SampleMasks:
    """What the members say of the pixels of one sample or frame; nothing is read yet.

    Args:
        id: of the sample or frame
        owner: the sample
        fields: the members' fields
        members: how many of the members have a label
        labels: the members' labels, None where a member has none; empty where stochastic passes are compared
        stored: the members' probabilities as a document holds them, or the name of their file, and whether they are logits;
            None where a member has none
        seen: takes note of the values of the masks
        problems: counts what could not be read, by reason
    """

    id: ObjectId
    owner: ObjectId
    fields: tuple[LabelField, ...]
    members: int
    labels: list[dict[str, Any] | None]
    stored: list[tuple[object, bool] | None]
    seen: _Seen
    problems: Counter[str]

    @property
    def where(self) -> str:
        """Where the masks are, for an error."""
        names = ", ".join(repr(field.path) for field in self.fields)
        return f"{self._holder}, masks of {names}"

    @property
    def _holder(self) -> str:
        return f"{'frame' if self.fields[0].of_frames else 'sample'} {self.id}"

    @property
    def has_masks(self) -> bool:
        """Whether some label holds a mask, or names its file."""
        return any(label and _has_mask(label) for label in self.labels)

    def masks(self) -> list[NDArray[np.integer] | None]:
        """The (h, w) masks of the members, None where there is none that can be read; colours become one number."""
        found = [self._mask(label) if label else None for label in self.labels]
        for mask in found:
            if mask is not None:
                self.seen.note(mask)
        return found

    def _mask(self, label: dict[str, Any]) -> NDArray[np.integer] | None:
        mask = mask_of(label)
        if mask is None:
            held = label.get("mask_path") or f"that of {self._holder}"
            self.note(f"masks that cannot be read, such as {held}" if _has_mask(label) else "labels without a mask")
        return mask

    @contextmanager
    def planes(self) -> Iterator[list[Planes]]:
        """The probabilities of the members that have some.

        Raises:
            ShortlistError: members with probabilities of different numbers of classes
        """
        with ExitStack() as files:
            found: list[Planes] = []
            for one in self.stored:
                if one is None:
                    continue
                with ExitStack() as opening:
                    try:
                        planes = opening.enter_context(array_planes(*one))
                    except Unreadable as error:
                        self.note(str(error))
                        continue
                    except ShortlistError as error:
                        raise error.at(self.where) from None
                    # What is in memory stays there; only what is read in bands needs its file any longer.
                    if isinstance(planes, FilePlanes):
                        files.enter_context(opening.pop_all())
                found.append(planes)
            if len({planes.shape[0] for planes in found}) > 1:
                counts = [planes.shape[0] for planes in found]
                raise ShortlistError(
                    f"{self.where}: probabilities must be of the same classes. Got {counts} of them instead."
                )
            yield found

    def note(self, reason: str) -> None:
        """Counts something that cannot be read; of the reasons that differ by an example only the first is kept."""
        kind = reason.split(", such as")[0]
        self.problems[next((known for known in self.problems if known.startswith(kind)), reason)] += 1


class _Seen:
    """Notes which values masks hold, as far as it takes to tell a class 255 from an ignored pixel."""

    def __init__(self) -> None:
        self.ignored = self.others = False

    def note(self, mask: NDArray[np.integer]) -> None:
        if not self.others:
            self.ignored |= bool((mask == _IGNORED).any())
            self.others |= bool(((mask != 0) & (mask != _IGNORED)).any())


def ignored_values(samples: Samples, committee: Committee) -> tuple[int, ...]:
    """The mask values that say nothing of a pixel: 255, unless the dataset names it a class."""
    targets = [mask_targets(dataset_of(samples), field.path) for field in committee.fields]
    is_rgb = any(isinstance(value, str) for one in targets for value in one)
    return () if is_rgb or any(_IGNORED in one for one in targets) else (_IGNORED,)


def read_masks(samples: Samples, committee: Committee, problems: Counter[str]) -> Iterator[list[SampleMasks]]:
    """Streams the masks of several segmentation fields in batches; none is read yet.

    Args:
        samples: the samples
        committee: the members
        problems: counts the masks and files that could not be read, by reason

    Raises:
        ShortlistError: all masks hold nothing but 0 and 255, and the dataset does not say what 255 is
    """
    seen = _Seen()
    names = ("_cls", "mask", "mask_path", "logits")
    project = {
        f"{field.document_path}.{name}": True
        for field in committee.fields
        for name in (*names, field.probabilities_attribute)
    }
    for batch in label_documents(samples, committee.fields[0], project, batch=_BATCH):
        yield [_sample(document, committee, seen, problems) for document in batch]
    if seen.ignored and not seen.others and _is_undeclared(samples, committee):
        path = committee.fields[0].path
        raise ShortlistError(
            f"the masks of {path!r} hold nothing but 0 and 255, and 255 counts as no class where the dataset does not name it. "
            f"Set dataset.mask_targets[{path!r}] = {{255: 'object'}} if it is one, or {{0: 'background'}} if it is none."
        )


def _sample(document: dict[str, Any], committee: Committee, seen: _Seen, problems: Counter[str]) -> SampleMasks:
    labels = [value_at(document, field.document_path) or None for field in committee.fields]
    if committee.passes is None:
        stored = [_stored(label, field) for label, field in zip(labels, committee.fields, strict=True)]
    else:
        passes = (labels[0] or {}).get(committee.passes) or []
        if not isinstance(passes, list):
            raise must_be(
                f"{committee.fields[0].where(document['_id'])}: {committee.passes}",
                "a list of arrays or of names of files, one a pass",
                passes,
            )
        stored = [(one, False) for one in passes]
    owner, members = document.get("_sample_id", document["_id"]), sum(label is not None for label in labels)
    masks = labels if committee.passes is None else []
    return SampleMasks(document["_id"], owner, committee.fields, members, masks, stored, seen, problems)


def _has_mask(label: dict[str, Any]) -> bool:
    return label.get("mask") is not None or bool(label.get("mask_path"))


def _stored(label: dict[str, Any] | None, field: LabelField) -> tuple[object, bool] | None:
    """The probabilities of a label, else its logits."""
    for name in (field.probabilities_attribute, "logits"):
        if label and label.get(name) is not None:
            return label[name], name == "logits"
    return None


def _is_undeclared(samples: Samples, committee: Committee) -> bool:
    return not any(mask_targets(dataset_of(samples), field.path) for field in committee.fields)


def have_probabilities(samples: Samples, committee: Committee) -> bool:
    """Whether some label of at least two members holds probabilities or logits."""
    return sum(_has_probabilities(samples, field) for field in committee.fields) >= 2


def _has_probabilities(samples: Samples, field: LabelField) -> bool:
    given = [{f"{field.document_path}.{name}": {"$ne": None}} for name in (field.probabilities_attribute, "logits")]
    found = [{"$match": {"$or": given}}, {"$limit": 1}]
    return next(iter(samples._aggregate(frames_only=field.of_frames, post_pipeline=found)), None) is not None
