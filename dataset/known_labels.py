"""Samples whose labels are known, as rows: what is true of them, their vectors, and which belong together."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.back_testing.tasks import Task
from ..core.back_testing.truths import Classes, Presence, Truth
from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.selection.inputs import Embeddings, Predictions
from ..core.selection.values import Amounts
from .embeddings import which_embeddings
from .input_labels import read_predictions
from .input_vectors import read_vectors
from .labels import LabelField, label_field
from .rows import Rows
from .samples import Samples, dataset_of, ids_of, value_at
from .sets import resolved
from .truth import kept_together


@dataclass(frozen=True)
class KnownLabels:
    """Labelled samples that can be learned from.

    Args:
        rows: the samples
        task: their vectors and labels
        embeddings: where the vectors are
        without_vector: how many labelled samples have none
    """

    rows: Rows
    task: Task
    embeddings: Embeddings
    without_vector: int


def known_labels(
    samples: Samples,
    path: str,
    embeddings: str | None,
    labeled: str | None,
    keep_together: str | None,
    progress: Progress,
) -> KnownLabels:
    """Reads the labelled samples.

    Args:
        samples: among these
        path: the label field
        embeddings: the vector field; nothing given: the only one
        labeled: of which tag, view or selection they must be
        keep_together: the field by which samples belong together
        progress: told the samples read

    Raises:
        ShortlistError: no such field, nothing labelled, no vectors, or vectors that cannot be used
    """
    field, group = label_field(samples, path), kept_together(samples, keep_together)
    source = _embeddings(embeddings, samples)
    # Of frames, samples without any have none.
    view = samples if field.of_frames else samples.exists(field.path)
    every = Rows(_ids(view, labeled), [view])
    if not len(every):
        raise _nothing(field, labeled)
    truth, known = _truth(field, every, progress)
    if not known.any():
        raise _nothing(field, labeled)
    vectors, present = read_vectors(source, every, progress)
    kept = np.flatnonzero(known & present)
    rows = Rows(every.ids[kept], [view])
    groups = np.arange(len(kept)) if group is None else _groups(rows, group, progress)
    task = Task(vectors[kept], truth.at(kept), groups)
    return KnownLabels(rows, task, source, int((known & ~present).sum()))


def _embeddings(path: str | None, samples: Samples) -> Embeddings:
    """The one input that is meant.

    Raises:
        ShortlistError: there is none of that name, none at all, or several
    """
    try:
        field, key = which_embeddings(Embeddings(type="EMBEDDINGS", field=path), samples)
    except ShortlistError as error:
        sentence = str(error).replace("input.field", "embeddings").replace("the input EMBEDDINGS", "embeddings")
        raise ShortlistError(sentence.replace("must name its field or brain_key", "must be named")) from None
    return Embeddings(type="EMBEDDINGS", field=field, brain_key=key)


def _ids(view: Samples, labeled: str | None) -> NDArray[np.bytes_]:
    """(n,) the distinct ids of the samples, of those in ``labeled`` only where that is given."""
    own = np.unique(ids_of(view))
    if labeled is None:
        return own
    return np.intersect1d(own, ids_of(resolved(dataset_of(view), labeled, "labeled")))


def _nothing(field: LabelField, labeled: str | None) -> ShortlistError:
    among = f" in {labeled!r}" if labeled else ""
    return ShortlistError(f"a back-test needs samples with a label in {field.path!r}. Got none{among} instead.")


def _truth(field: LabelField, rows: Rows, progress: Progress) -> tuple[Truth, NDArray[np.bool_]]:
    """What is true of every row, and (n,) bool, of which it is known."""
    given = Predictions(type="PREDICTIONS", task=field.path, count=True)
    found, present = read_predictions(given, rows, progress)
    assert isinstance(found, Amounts)
    held = np.asarray((found.matrix > 0).todense(), dtype=bool)
    if field.task != "single" or field.of_frames:
        return Presence(held, found.names), present
    # A label document without a label says nothing.
    return Classes(held.argmax(axis=1), found.names), present & held.any(axis=1)


def _groups(rows: Rows, path: str, progress: Progress) -> NDArray[np.int64]:
    """(n,) a number for each value of a field, the same for equal ones; a sample without one is alone."""
    numbers: dict[Hashable, int] = {}
    found = -1 - np.arange(len(rows))
    for places, documents in rows.documents({path: True}, progress, f"reading {path}"):
        for place, document in zip(places, documents, strict=True):
            value = value_at(document, path)
            if value is not None:
                found[place] = numbers.setdefault(value, len(numbers))
    return found


def same_kind(dataset: fo.Dataset, path: str, other: str) -> bool:
    """Whether two label fields hold labels of one type."""
    return label_field(dataset, path).kind is label_field(dataset, other).kind
