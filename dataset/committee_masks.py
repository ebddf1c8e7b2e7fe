"""The masks of a committee's members and their class probabilities, to be read a sample at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.scores.segmentation import Planes
from .arrays import FilePlanes, Unreadable, array_planes
from .binary import decoded
from .committee import Committee
from .labels import LabelField, mask_targets
from .predictions import label_documents
from .samples import Samples, dataset_of, value_at

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
        members: how many of the members have a label
        labels: the members' labels, None where a member has none; empty where stochastic passes are compared
        stored: the members' probabilities as a document holds them, or the name of their file, and whether they are logits;
            None where a member has none
        seen: takes note of the values of the masks
        problems: counts what could not be read, by reason
    """

    id: ObjectId
    owner: ObjectId
    members: int
    labels: list[dict[str, Any] | None]
    stored: list[tuple[object, bool] | None]
    seen: _Seen
    problems: Counter[str]

    def masks(self) -> list[NDArray[np.integer] | None]:
        """The (h, w) masks of the members, None where there is none that can be read; colours become one number."""
        found = [self._mask(label) if label else None for label in self.labels]
        for mask in found:
            if mask is not None:
                self.seen.note(mask)
        return found

    def _mask(self, label: dict[str, Any]) -> NDArray[np.integer] | None:
        try:
            mask = fo.Segmentation(mask=decoded(label.get("mask")), mask_path=label.get("mask_path")).get_mask()
        except Exception:
            mask = None
        if mask is None or mask.ndim not in (2, 3) or mask.dtype.kind not in "biu" or not mask.size:
            self.note("masks that cannot be read")
            return None
        if mask.ndim == 3:
            red, green, blue = (mask[..., channel].astype(np.int64) for channel in range(3))
            return (red << 16) + (green << 8) + blue
        return mask.astype(np.uint8) if mask.dtype.kind == "b" else mask

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
                    # What is in memory stays there; only what is read in bands needs its file any longer.
                    if isinstance(planes, FilePlanes):
                        files.enter_context(opening.pop_all())
                found.append(planes)
            if len({planes.shape[0] for planes in found}) > 1:
                counts = [planes.shape[0] for planes in found]
                raise ShortlistError(
                    f"sample {self.owner}: the members' masks must have probabilities of the same classes. Got "
                    f"{counts} of them instead."
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
    """The mask values that say nothing of a pixel: 255, unless the dataset names it a class; of passes -1, for no class."""
    if committee.passes:
        return (-1,)
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
                f"sample {document['_id']}, field {committee.fields[0].path!r}: {committee.passes}",
                "a list of arrays or of names of files, one a pass",
                passes,
            )
        stored = [(one, False) for one in passes]
    owner, members = document.get("_sample_id", document["_id"]), sum(label is not None for label in labels)
    masks = labels if committee.passes is None else []
    return SampleMasks(document["_id"], owner, members, masks, stored, seen, problems)


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
