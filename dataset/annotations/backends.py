"""FiftyOne's annotation backends: a field of ours goes to them and back, so that merging is ours, and can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.errors import ShortlistError, shown
from ..results import ResultField, Staging, changing, declare, mark_of, uninterrupted
from ..samples import documents, every_sample
from .handed import VERB, HandOver
from .pictures import KINDS, Annotation, Drawn, Picture, Returned, made_of, of_list, raw_labels, shape_of


def send(
    dataset: fo.Dataset, run_key: str, pictures: list[Picture], drawn: Drawn, classes: list[str], backend: str
) -> None:
    """Hands pictures to a backend with ``annotate``.

    What annotators begin with is a field of its own, named as the hand-over: the backend changes that one, and no label
    before it is merged.

    Raises:
        ShortlistError: the backend cannot be reached, or cannot do it; nothing is left behind
    """
    kind = KINDS[drawn]
    about = f"Shortlist hand-over {run_key}: what annotators begin with, and what came back last."
    field = ResultField(run_key, fo.EmbeddedDocumentField, about, {"verb": VERB}, document=kind)
    with Staging(dataset) as staging, uninterrupted():
        staging.add([{"_id": ObjectId(one.sample), run_key: _value(one, kind)} for one in pictures])
        declare(dataset, [field], "writing")
        staging.merge()
        declare(dataset, [field], "complete")
    word = "polygons" if drawn == "polylines" and _filled(pictures) else drawn
    view = every_sample(dataset).select([one.sample for one in pictures], ordered=True)
    try:
        view.annotate(run_key, label_field=run_key, label_type=word, classes=classes, attributes=False, backend=backend)
    except Exception as error:
        forget(dataset, run_key)
        reason = f"{type(error).__name__}: {shown(str(error), 300)}"
        raise ShortlistError(
            f"target must be an annotation backend that is set up and can be reached. Got {backend!r} instead, which says "
            f"{reason}; nothing was written. See FiftyOne's annotation config, or write files: coco, cvat_file, "
            f"labelstudio_file."
        ) from error


def _value(picture: Picture, kind: type[fo.Label]) -> dict[str, Any] | None:
    listed = of_list(kind)
    if listed is None:
        return picture.labels[0].to_dict() if picture.labels else None
    value: dict[str, Any] = kind(**{listed: picture.labels}).to_dict()
    return value


def _filled(pictures: Iterable[Picture]) -> bool:
    """Whether areas are drawn rather than lines: what most outlines are, and areas where there are none yet."""
    filled = [bool(label.filled or label.closed) for picture in pictures for label in picture.labels]
    return 2 * sum(filled) >= len(filled)


def receive(dataset: fo.Dataset, hand_over: HandOver) -> tuple[list[Returned], int]:
    """Loads what the annotators made so far with ``load_annotations``, and reads it.

    Returns:
        every sample that was handed over and is still there, and how many annotations are of another type than asked for

    Raises:
        ShortlistError: the backend cannot be reached, or holds nothing of it any more
    """
    key = hand_over.run_key
    if key not in dataset.list_annotation_runs() or mark_of(dataset, key) is None:
        raise ShortlistError(
            f"the hand-over {key!r} must have its annotation run and its field. Got a dataset without them instead: somebody "
            f"deleted them."
        )
    try:
        unexpected = dataset.load_annotations(key, unexpected="return", progress=False)
    except Exception as error:
        reason = f"{type(error).__name__}: {shown(str(error), 300)}"
        raise ShortlistError(f"the annotations must be loaded from {hand_over.target!r}. It says {reason}.") from error
    n_unexpected = sum(
        len(labels) if isinstance(labels, dict) else 1
        for by_type in (unexpected or {}).values()
        for annotations in by_type.values()
        for labels in annotations.values()
    )
    return list(held(dataset, hand_over)), n_unexpected


def held(dataset: fo.Dataset, hand_over: HandOver) -> Iterable[Returned]:
    """What the field of a hand-over holds now: what came back last."""
    kind, key = KINDS[hand_over.drawn], hand_over.run_key
    view = every_sample(dataset).select(list(hand_over.names.values()))
    for batch in documents(view, {key: 1, "metadata.width": 1, "metadata.height": 1}):
        for document in batch:
            metadata = document.get("metadata") or {}
            width, height = metadata.get("width"), metadata.get("height")
            size = (int(width), int(height)) if width and height else None
            made = [made_of(raw, kind) for raw in raw_labels(document.get(key), kind)]
            annotations = [Annotation(str(one.id), shape_of(one, size), one) for one in made if one is not None]
            yield Returned(str(document["_id"]), str(document["_id"]), annotations)


def forget(dataset: fo.Dataset, run_key: str) -> None:
    """Deletes the annotation run of a hand-over here, and its field; what the backend holds stays there."""
    with changing(dataset):
        if run_key in dataset.list_annotation_runs():
            dataset.delete_annotation_run(run_key)
        if mark_of(dataset, run_key) is not None:
            dataset.delete_sample_field(run_key)
