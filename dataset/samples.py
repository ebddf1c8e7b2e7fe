"""The samples a verb works on: which collections it takes, their fields, and streaming their documents."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeAlias

import fiftyone as fo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be

#: anything that a verb takes: a dataset or a view of its samples
Samples: TypeAlias = "fo.Dataset | fo.DatasetView"

#: how the path of a field of frames begins
FRAMES = "frames."
_BATCH = 2000


def samples_of(collection: object) -> Samples:
    """The collection, if it is one of samples that are there.

    Raises:
        ShortlistError: not a dataset or view, a view of patches, clips or frames, or empty
    """
    collection = _there(collection)
    if (kind := generated_kind(collection)) is not None:
        raise ShortlistError(
            f"the samples must be a dataset or a view of its samples. Got a view of {kind} instead. Use the view that it "
            f"was made from."
        )
    return collection


def _there(collection: object) -> Samples:
    if not isinstance(collection, (fo.Dataset, fo.DatasetView)):
        raise must_be("the samples", "a FiftyOne dataset or view", type(collection).__name__)
    if not len(collection):
        raise ShortlistError(
            f"the samples must hold at least one. Got an empty {'dataset' if isinstance(collection, fo.Dataset) else 'view'} "
            f"instead."
        )
    # Of a view of dynamic groups FiftyOne streams the first of each only.
    return collection.flatten() if collection._is_dynamic_groups else collection


def origin_of(collection: object) -> tuple[Samples, bool]:
    """The samples whose labels a collection shows: its own, or those behind a view of patches, clips or frames.

    Args:
        collection: a dataset or a view of any kind

    Returns:
        the samples, and whether the view's own fields are fields of their frames

    Raises:
        ShortlistError: not a dataset or view, or empty
    """
    shown = _there(collection)
    source, of_frames = source_of(shown)
    if source is not shown:
        ids, every = shown.distinct("sample_id"), every_sample(dataset_of(source))
        return (every if len(ids) == len(every) else every.select(ids)), of_frames
    return shown, of_frames


def source_of(shown: Samples) -> tuple[Samples, bool]:
    """What a view of patches, clips or frames was made from, and whether its own fields are fields of frames there."""
    source, of_frames = shown, False
    while generated_kind(source) is not None:
        of_frames |= source._is_frames
        source = source._source_collection
    return source, of_frames


def every_sample(dataset: fo.Dataset) -> Samples:
    """All samples: of a grouped dataset those of every slice, which is not what the dataset itself iterates."""
    return dataset.select_group_slices(_allow_mixed=True) if dataset.media_type == "group" else dataset


def generated_kind(collection: Samples) -> str | None:
    """What a view holds that FiftyOne generated from samples; None where it holds the samples themselves."""
    if not collection._is_generated:
        return None
    return "patches" if collection._is_patches else "clips" if collection._is_clips else "frames"


def dataset_of(samples: Samples) -> fo.Dataset:
    """The dataset behind a view."""
    return samples._dataset if isinstance(samples, fo.DatasetView) else samples


def home_of(collection: object) -> fo.Dataset:
    """The dataset that keeps what is made of a collection: behind a view of patches, clips or frames too.

    Raises:
        ShortlistError: not a dataset or view
    """
    if not isinstance(collection, (fo.Dataset, fo.DatasetView)):
        raise must_be("the samples", "a FiftyOne dataset or view", type(collection).__name__)
    return dataset_of(source_of(collection)[0])


def field_of(samples: Samples, path: str, where: str, among: Sequence[str] = ()) -> fo.Field:
    """The field at a path.

    Args:
        samples: the samples
        path: the field's name, with dots into embedded documents
        where: the parameter that names it, for the error
        among: the fields that would do, for the error's hint

    Raises:
        ShortlistError: no such field
    """
    field = samples.get_field(path)
    if field is None:
        known = list(among) or list(samples.get_field_schema(flat=True))
        hint = did_you_mean(path, known) or (f"It has {listed(known)}." if known else "")
        raise ShortlistError(
            f"{where} must be a field of {dataset_of(samples).name!r}. Got {path!r} instead. {hint}".rstrip()
        )
    return field


def documents(samples: Samples, project: dict[str, Any], batch: int = _BATCH) -> Iterator[list[dict]]:
    """The raw documents of the samples in batches, with just the projected parts.

    Args:
        samples: the samples
        project: a MongoDB projection
        batch: how many a batch
    """
    pipeline = samples._pipeline(post_pipeline=[{"$project": {"_id": True, **project}}])
    # Without a batch size the driver decodes 16 MB of documents at a time, whatever they become in Python.
    cursor = dataset_of(samples)._sample_collection.aggregate(pipeline, allowDiskUse=True, batchSize=batch)
    yield from _ahead(_batches(cursor, batch))


def frame_documents(samples: Samples, project: dict[str, Any], batch: int = _BATCH) -> Iterator[list[dict]]:
    """The raw documents of the samples' frames in batches, each with its ``_sample_id``; see ``documents``."""
    project = {"_id": True, "_sample_id": True, **project}
    pipeline = samples._pipeline(frames_only=True, post_pipeline=[{"$project": project}])
    cursor = dataset_of(samples)._sample_collection.aggregate(pipeline, allowDiskUse=True, batchSize=batch)
    yield from _ahead(_batches(cursor, batch))


def _batches(cursor: Iterable[dict], size: int) -> Iterator[list[dict]]:
    """The documents of a cursor in lists of a size."""
    documents = iter(cursor)
    while held := list(islice(documents, size)):
        yield held


def _ahead(batches: Iterator[list[dict]]) -> Iterator[list[dict]]:
    """The same batches, each fetched from the database while the one before it is worked on."""
    with ThreadPoolExecutor(1) as fetcher:
        coming = fetcher.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = fetcher.submit(next, batches, None)
            yield batch


@contextmanager
def uncollected() -> Iterator[None]:
    """Pauses the search for reference cycles while documents stream by.

    Documents hold none and go when the last reference does; looking through FiftyOne's heap again and again would cost
    half of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def ids_of(samples: Samples) -> NDArray[np.bytes_]:
    """(n,) the sample ids, as 24 hexadecimal digits, in the view's order."""
    return as_ids(document["_id"] for batch in documents(samples, {}, 10_000) for document in batch)


def as_ids(object_ids: Iterable[ObjectId]) -> NDArray[np.bytes_]:
    """(n,) ids as fixed-width bytes, which sort as the ids do and take a third of the memory of strings."""
    return np.array([str(object_id).encode() for object_id in object_ids], dtype="S24")


def as_object_ids(ids: NDArray[np.bytes_]) -> list[ObjectId]:
    """The database's form of ids."""
    return [ObjectId(one.decode()) for one in ids]


def stored_path(path: str, samples: Samples) -> str:
    """Where raw documents hold a field: ids, such as those of groups, are called ``_id`` there."""
    if not isinstance(samples.get_field(path), fo.ObjectIdField):
        return path
    owner, dot, name = path.rpartition(".")
    return f"{owner}{dot}{'' if name.startswith('_') else '_'}{name}"


def value_at(document: dict, path: str) -> Any:
    """The value at a dotted path of a raw document, None where there is none."""
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
