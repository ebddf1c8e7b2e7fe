"""What is handed over: which samples, and what annotators draw on them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import fiftyone as fo

from ...core.errors import ShortlistError, listed, must_be
from ...core.review.verdicts import outcome
from ..labels import label_field as label_field_of
from ..names import is_kept
from ..review.kept import load, review_keys
from ..review.verdicts import verdicts_of
from ..samples import FRAMES, Samples, dataset_of, every_sample, field_of, origin_of
from ..sets import resolved
from .pictures import KINDS, Drawn, Picture

_KINDS = (fo.Classification, fo.Classifications, fo.Detections, fo.Polylines)


def samples_to_hand(collection: Samples, source: str | None) -> Samples:
    """The images to hand over, in order.

    Args:
        collection: a dataset or a view
        source: a review, of which those with an issue that was found wrong are taken, a selection, a tag or a saved view

    Raises:
        ShortlistError: there are none, or they are no images
    """
    samples, of_frames = origin_of(collection)
    dataset = dataset_of(samples)
    if of_frames:
        raise ShortlistError(
            "the samples must be images. Got frames of videos instead. Make them samples with to_frames()."
        )
    if source is not None:
        samples = (
            _found_wrong(dataset, source) if source in review_keys(dataset) else resolved(dataset, source, "source")
        )
    if samples.media_type == "group":
        samples = samples.select_group_slices(media_type="image")
    if samples.media_type != "image":
        raise must_be("the samples", "images", samples.media_type)
    if not len(samples):
        raise must_be("source", "one with samples in it", source)
    return samples


def _found_wrong(dataset: fo.Dataset, run_key: str) -> Samples:
    """The samples of a review with an issue that was found wrong, in the review's order.

    Raises:
        ShortlistError: there is none
    """
    review = load(dataset, run_key)
    verdicts = verdicts_of(dataset, review)
    wrong = [review.item(number) for number, given in verdicts.items() if outcome(review.item(number), given).was_wrong]
    if not wrong:
        raise ShortlistError(
            f"source must be a review with issues that were found wrong. Got {run_key!r} instead, of which none was yet. Its "
            f"other samples are in its saved view: dataset.load_saved_view({run_key!r})."
        )
    return every_sample(dataset).select(list(dict.fromkeys(item.sample for item in wrong)), ordered=True)


def kind_of(samples: Samples, label_field: str, prelabels: str | None, drawn: Drawn | None) -> type[fo.Label]:
    """The type of the labels to draw: of the field, else of the pre-labels, else as asked for.

    Raises:
        ShortlistError: they do not fit, cannot be handed over, or nothing says
    """
    dataset = dataset_of(samples)
    known = {"label_field": _kind(samples, label_field, "label_field") if dataset.get_field(label_field) else None}
    is_name = re.fullmatch(r"[A-Za-z]\w*", label_field) and not is_kept(dataset, label_field)
    if known["label_field"] is None and not is_name:
        raise must_be("label_field", "a field of the samples, or a name for a new one", label_field)
    if prelabels is not None:
        field_of(samples, prelabels, "prelabels")
        known["prelabels"] = _kind(samples, prelabels, "prelabels")
    kinds = {name: kind for name, kind in known.items() if kind is not None}
    if drawn is not None:
        kinds["label_type"] = KINDS[drawn]
    if not kinds:
        raise ShortlistError(
            f"label_type must be given: there is no field {label_field!r} yet, and there are no pre-labels to tell."
        )
    kind = next(iter(kinds.values()))
    if other := next((name for name, one in kinds.items() if one is not kind), None):
        first = next(iter(kinds))
        raise must_be(other, f"of the type of {first}, {kind.__name__}", kinds[other].__name__)
    return kind


def _kind(samples: Samples, path: str, where: str) -> type[fo.Label]:
    field = samples.get_field(path)
    kind = getattr(field, "document_type", None)
    if path.startswith(FRAMES) or kind not in _KINDS:
        got = getattr(kind, "__name__", type(field).__name__)
        raise must_be(where, f"a field of images of type {listed(one.__name__ for one in _KINDS)}", f"{path}, a {got}")
    assert isinstance(kind, type)
    return kind


def drawn_on(kind: type[fo.Label], asked: Drawn | None, pictures: Sequence[Picture]) -> Drawn:
    """What annotators draw.

    Raises:
        ShortlistError: boxes are asked for, and there are masks
    """
    if kind is not fo.Detections:
        return next(word for word, one in KINDS.items() if one is kind)
    masked = sum(1 for picture in pictures for label in picture.labels if label.mask is not None)
    if asked == "detections" and masked:
        raise must_be(
            "label_type", f"instances, since {masked} labels have a mask that would not follow its box", asked
        )
    return "instances" if masked or asked == "instances" else "detections"


def known_classes(samples: Samples, label_field: str, prelabels: str | None) -> list[str]:
    """The classes of the field, else of the pre-labels."""
    dataset = dataset_of(samples)
    for path in (label_field, prelabels):
        if path is not None and dataset.get_field(path) is not None:
            classes = label_field_of(samples, path).classes
            if classes:
                return [str(one) for one in classes]
    return [str(one) for one in dataset.default_classes]
