"""Image quality in the dataset: which files to look at, and the field, index and saved view that results are kept as."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField as F
from fiftyone.core.media import get_media_type
from fiftyone.core.utils import to_slug

from ..core.errors import ShortlistError, must_be
from ..core.schema import EMBEDDINGS
from ..core.scores.image_flags import OTHER_FLAGS, flags
from ..core.scores.image_quality import ImageMetric
from ..core.scores.picture import COLOR_SIDE, ROW_HEIGHT, WORKING_SIDE
from .results import ResultField, Staging, changing, declare, mark_of, refuse_foreign, refuse_undeclared, uninterrupted
from .samples import Samples, dataset_of, documents, every_sample, field_of, value_at
from .sources import choices

FIELD = "image_quality"
PROBLEMS, DUPLICATES = "image_quality_problems", "image_quality_duplicates"
# What saved views of ours say of themselves, by which they are known.
_VIEWS = {
    PROBLEMS: "Shortlist: images with flags, those with most flags first",
    DUPLICATES: "Shortlist: groups of duplicates side by side, each led by the image to keep",
}
# What the descriptions of metrics speak of.
_SIZES = {
    "working image": f"The working image is in grey, its longer side {WORKING_SIDE} pixels.",
    "colour image": f"The colour image has a longer side of {COLOR_SIDE} pixels.",
    "row image": f"The row image is in grey and at most {ROW_HEIGHT} pixels high.",
}
_BATCH = 1000


@dataclass(frozen=True)
class File:
    """The media file of a sample.

    Args:
        sample_id: whose it is
        path: where it is
        skipped: why it is not looked at; None for a file that should be an image
    """

    sample_id: ObjectId
    path: str
    skipped: str | None


def files(samples: Samples) -> Iterator[File]:
    """The media files of the samples, of each sample once: views that join others may hold it again."""
    seen: set[ObjectId] = set()
    for batch in documents(samples, {"filepath": True, "_media_type": True}, _BATCH):
        for document in batch:
            if document["_id"] in seen:
                continue
            seen.add(document["_id"])
            path = str(document.get("filepath") or "")
            # Documents that were inserted past FiftyOne may lack the type.
            yield File(document["_id"], path, _skipped(path, document.get("_media_type") or get_media_type(path)))


def _skipped(path: str, media_type: str) -> str | None:
    """Why a sample's file is no image file to read."""
    if media_type != "image":
        return f"of media type {media_type}"
    return "with a file that is not on this machine" if "://" in path else None


def paths_of(samples: Samples, ids: Sequence[ObjectId]) -> Iterator[tuple[ObjectId, str]]:
    """The files of some samples."""
    collection = dataset_of(samples)._sample_collection
    for start in range(0, len(ids), _BATCH):
        for document in collection.find({"_id": {"$in": ids[start : start + _BATCH]}}, {"filepath": True}):
            yield document["_id"], document["filepath"]


def refuse_taken(dataset: fo.Dataset) -> None:
    """Stops before a field or a saved view that Shortlist did not make.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    schema = dataset.get_field_schema(flat=True)
    technical = (f"{FIELD}.id", f"{FIELD}._id", f"{FIELD}._cls")
    refuse_foreign(
        dataset, [FIELD, *(path for path in schema if path.startswith(f"{FIELD}.") and path not in technical)]
    )
    refuse_undeclared(dataset, [FIELD])
    for name in dataset.list_saved_views():
        # FiftyOne takes names for the same that look alike in a URL, and would replace the view.
        own = next((own for own in _VIEWS if to_slug(name) == to_slug(own)), None)
        if own is not None and not _is_ours(dataset, name):
            raise ShortlistError(
                f"the saved view {own!r} must be new or Shortlist's own. Got a view of yours named {name!r} instead; "
                f"nothing was written. Rename it and run again."
            )


def refuse_no_vectors(samples: Samples, path: str) -> None:
    """Stops before a field that holds no embeddings.

    Raises:
        ShortlistError: what it is, and which there are
    """
    found = choices(EMBEDDINGS, samples)
    field = field_of(samples, path, "embeddings", found)
    if path not in found:
        raise must_be("embeddings", "a field with one vector a sample", f"{path} ({type(field).__name__})")


def _is_ours(dataset: fo.Dataset, name: str) -> bool:
    return name in _VIEWS and dataset.get_saved_view_info(name)["description"] == _VIEWS[name]


def fields(metrics: Iterable[ImageMetric], flagged: Sequence[str], parameters: dict[str, Any]) -> list[ResultField]:
    """The fields of a run: the document, a number a metric, the flags and the duplicates."""
    info = {"verb": "score_images", "parameters": parameters}
    found = [ResultField(FIELD, fo.EmbeddedDocumentField, "What Shortlist measured of the image file.", info)]

    def part(name: str, kind: type[fo.Field], sentence: str, index: bool = True) -> ResultField:
        return ResultField(f"{FIELD}.{name}", kind, sentence, info, index=index, part=True)

    said = {**{name: flag.description for name, flag in flags().items()}, **OTHER_FLAGS}
    found += [
        part("flags", fo.ListField, " ".join(["What is likely wrong:", *(f"{one}: {said[one]}" for one in flagged)])),
        part("n_flags", fo.IntField, "How many flags the image has."),
    ]
    if "exact_duplicate" in flagged or "near_duplicate" in flagged:
        found += [
            part("duplicate_group", fo.IntField, "Images with the same number are duplicates of each other."),
            part(
                "duplicate_of", fo.StringField, "The id of the group's first sample: the largest, then oldest.", False
            ),
        ]
    for metric in metrics:
        facts: dict[str, Any] = {"range": [metric.low, None if metric.high == float("inf") else metric.high]}
        facts |= {"verb": "score_images", "high_means": metric.high_means, "source": metric.source}
        kind = fo.IntField if metric.whole else fo.FloatField
        sizes = [size for image, size in _SIZES.items() if image in metric.description]
        sentence = " ".join([metric.description, f"High: {metric.high_means}.", *sizes])
        found.append(ResultField(f"{FIELD}.{metric.name}", kind, sentence, facts, metric.index, part=True))
    return found


def next_group(samples: Samples, ids: Collection[ObjectId]) -> int:
    """The number of the first new duplicate group: after those of samples that only an earlier run looked at.

    Args:
        samples: of this run
        ids: theirs
    """
    dataset, path = dataset_of(samples), f"{FIELD}.duplicate_group"
    everything = every_sample(dataset)
    if dataset.get_field(path) is None or len(ids) >= len(everything):
        return 1
    numbers = (
        value_at(document, path) or 0
        for batch in documents(everything, {path: True})
        for document in batch
        if document["_id"] not in ids
    )
    return max(numbers, default=0) + 1


def write(dataset: fo.Dataset, staging: Staging, declared: Sequence[ResultField]) -> None:
    """Writes what was staged in one step, then takes away what only an earlier run wrote, and saves the views.

    Args:
        dataset: where it goes
        staging: one document a sample: its id and its ``image_quality``
        declared: the fields of this run
    """
    refuse_taken(dataset)
    with uninterrupted():
        path = f"{FIELD}.flags"
        if dataset.get_field(path) is None:
            declare(dataset, declared[:1], "writing")
            # A list of texts, by which the App's sidebar filters.
            dataset.add_sample_field(path, fo.ListField, subfield=fo.StringField, info={"shortlist": declared[0].info})
        declare(dataset, declared, "writing")
        staging.merge()
        with changing(dataset):
            _drop_stale(dataset, [field.path for field in declared])
        declare(dataset, declared, "complete")
        with changing(dataset):
            _save_views(dataset)


def _drop_stale(dataset: fo.Dataset, current: Sequence[str]) -> None:
    """Deletes the parts of an earlier run that no sample has a value of any more."""
    parts = [path for path in dataset.get_field_schema(flat=True) if path.startswith(f"{FIELD}.")]
    for path in parts:
        if path in current or mark_of(dataset, path) is None:
            continue
        if dataset._sample_collection.find_one({path: {"$ne": None}}, {"_id": True}) is None:
            if path in dataset.list_indexes():
                dataset.drop_index(path)
            dataset.delete_sample_field(path)


def _save_views(dataset: fo.Dataset) -> None:
    """Keeps a view of the images with flags, and of the duplicates where there is a field of them."""
    samples, flags, group = every_sample(dataset), f"{FIELD}.n_flags", f"{FIELD}.duplicate_group"
    views = {PROBLEMS: samples.match(F(flags) > 0).sort_by([(flags, -1), ("_id", 1)])}
    if dataset.get_field(group) is not None:
        # The first of a group is a duplicate of none, and none comes before any id.
        views[DUPLICATES] = samples.match(F(group) > 0).sort_by([(group, 1), (f"{FIELD}.duplicate_of", 1), ("_id", 1)])
    elif dataset.has_saved_view(DUPLICATES):
        dataset.delete_saved_view(DUPLICATES)
    for name, view in views.items():
        dataset.save_view(name, view, description=_VIEWS[name], overwrite=True)
