"""Label fields: which types there are, and what is needed to read one. A label type is a row of ``LABEL_TYPES``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import fiftyone as fo

from ..core.errors import ShortlistError, listed, must_be
from .samples import FRAMES, Samples, dataset_of, every_sample, field_of

Task = Literal["single", "multilabel", "objects", "segmentation"]


@dataclass(frozen=True)
class LabelType:
    """How labels of a type hold predictions.

    Args:
        task: ``single``: the label is the sample's one prediction; ``multilabel``: a list with a yes or no a class;
            ``objects``: a list of objects; ``segmentation``: a class a pixel
        list_attribute: the attribute with the list
    """

    task: Task
    list_attribute: str | None = None


#: label types that can be scored
LABEL_TYPES: dict[type, LabelType] = {
    fo.Classification: LabelType("single"),
    fo.Classifications: LabelType("multilabel", "classifications"),
    fo.Detection: LabelType("single"),
    fo.Detections: LabelType("objects", "detections"),
    fo.Polyline: LabelType("single"),
    fo.Polylines: LabelType("objects", "polylines"),
    fo.Keypoint: LabelType("single"),
    fo.Keypoints: LabelType("objects", "keypoints"),
    fo.TemporalDetection: LabelType("single"),
    fo.TemporalDetections: LabelType("objects", "detections"),
    fo.Segmentation: LabelType("segmentation"),
}


@dataclass(frozen=True)
class LabelField:
    """A label field and what is needed to read its predictions.

    Args:
        path: the field's path; begins with ``frames.`` where it is one of frames
        kind: the label type
        classes: the class list
        declared: whether the dataset declares the class list, so that labels and vectors must fit it
        probabilities_attribute: the attribute that may hold whole probability vectors
    """

    path: str
    kind: type
    classes: list[str]
    declared: bool
    probabilities_attribute: str

    @property
    def task(self) -> Task:
        """What kind of predictions it holds."""
        return LABEL_TYPES[self.kind].task

    @property
    def list_attribute(self) -> str | None:
        """The attribute with the list of objects; None where the label is no list."""
        return LABEL_TYPES[self.kind].list_attribute

    @property
    def n_mask_classes(self) -> int | None:
        """How many classes the probabilities of its masks must have; None where the dataset does not say."""
        return max(len(self.classes), 2) if self.declared else None

    @property
    def of_frames(self) -> bool:
        """Whether frames hold it, rather than samples."""
        return self.path.startswith(FRAMES)

    @property
    def document_path(self) -> str:
        """The path of the label in the sample's or the frame's document."""
        return self.path.removeprefix(FRAMES)

    @property
    def objects_path(self) -> str:
        """The path, in the document, of the object or of the list of objects."""
        return f"{self.document_path}.{self.list_attribute}" if self.list_attribute else self.document_path

    def where(self, document: object) -> str:
        """Where the label of a sample or frame is, for an error.

        Args:
            document: the id of the sample or frame
        """
        return f"{'frame' if self.of_frames else 'sample'} {document}, field {self.path!r}"


def label_path(path: str, of_frames: bool) -> str:
    """The path of a field that a view of frames shows as its own."""
    return f"{FRAMES}{path}" if of_frames and not path.startswith(FRAMES) else path


def is_prediction_field(field: fo.Field) -> bool:
    """Whether a field holds labels of a type that can be scored."""
    return isinstance(field, fo.EmbeddedDocumentField) and field.document_type in LABEL_TYPES


def every_field(samples: Samples) -> dict[str, fo.Field]:
    """All fields of samples and of frames by path."""
    schema = dict(samples.get_field_schema(flat=True))
    if samples._contains_videos():
        schema |= {f"{FRAMES}{path}": field for path, field in samples.get_frame_field_schema(flat=True).items()}
    return schema


def prediction_fields(samples: Samples) -> dict[str, type]:
    """The label types of all fields that can be scored, of samples and of frames, by path."""
    return {path: field.document_type for path, field in every_field(samples).items() if is_prediction_field(field)}


def label_field(
    samples: Samples, path: str, probabilities_attribute: str = "probabilities", where: str = "label_field"
) -> LabelField:
    """What is at ``path``.

    Args:
        samples: the samples
        path: the field
        probabilities_attribute: the attribute that may hold whole probability vectors
        where: the parameter that names the field, for the error

    Raises:
        ShortlistError: no such field, or one of another type
    """
    among = list(prediction_fields(samples))
    field = field_of(samples, path, where, among)
    if not is_prediction_field(field):
        kinds = listed(kind.__name__ for kind in LABEL_TYPES)
        got = getattr(field, "document_type", type(field)).__name__
        hint = f"This dataset has {listed(among)}." if among else ""
        raise ShortlistError(
            f"{where} must be a field of type {kinds}. Got {path!r}, a {got}, instead. {hint}".rstrip()
        )
    frames = FRAMES if path.startswith(FRAMES) else ""
    if isinstance(samples.get_field(frames + path.removeprefix(FRAMES).split(".")[0]), fo.ListField):
        raise must_be(where, "a field with one label a sample, not one inside a list", path)
    classes, declared = _classes(dataset_of(samples), path, field.document_type)
    return LabelField(path, field.document_type, classes, declared, probabilities_attribute)


def _classes(dataset: fo.Dataset, path: str, kind: type) -> tuple[list[str], bool]:
    """The class list of a field, and whether the dataset declares it: else the distinct labels of all samples."""
    if classes := dataset.classes.get(path):
        return list(classes), True
    if LABEL_TYPES[kind].task == "segmentation":
        # Targets may name what is no class, and the default classes are those of boxes as often as not.
        targets = mask_targets(dataset, path)
        return list(targets.values()) or list(dataset.default_classes), False
    if dataset.default_classes:
        return list(dataset.default_classes), True
    objects = ".".join(part for part in (path, LABEL_TYPES[kind].list_attribute, "label") if part)
    return sorted(label for label in every_sample(dataset).distinct(objects) if label is not None), False


def mask_targets(dataset: fo.Dataset, path: str) -> dict[int | str, str]:
    """The names of a mask's values, or of its colours, in order; empty where the dataset does not declare them."""
    targets = dataset.mask_targets.get(path) or dataset.default_mask_targets or {}
    return dict(sorted(targets.items()))
