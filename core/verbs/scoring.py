"""The parameters of the verbs that score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from ..quality.confident_issues import Rule
from ..quality.methods import DEFAULT_RULE, METHODS
from ..quality.multilabel import Pooling
from ..schema import (
    EMBEDDINGS,
    HEATMAPS,
    LABELS,
    PREDICTIONS,
    SAMPLES,
    TOGETHER,
    Offered,
    Only,
    Schema,
)
from ..scores import scores
from ..scores.aggregation import Aggregation
from ..scores.disagreement import Disagreement
from ..scores.image_flags import FlagName
from ..scores.image_quality import ImageMetric
from ..scores.segmentation import Unit
from ..selection.inputs import ScoreName

if TYPE_CHECKING:
    DisagreementName = str
    ImageMetricName = str
    LabelQualityMethod = str
else:
    DisagreementName = Literal[tuple(scores(Disagreement))]
    ImageMetricName = Literal[tuple(scores(ImageMetric))]
    LabelQualityMethod = Literal[tuple(dict.fromkeys(name for names in METHODS.values() for name in names))]


def _probabilities(of: str, masks: bool = False) -> Any:
    """The parameter that names where probabilities are.

    Args:
        of: what has them
        masks: whether that may be a mask
    """
    files = " (of a mask: the name of its .npy or .npz file of shape (K, h, w))" if masks else ""
    return Field(
        "probabilities",
        pattern=r"^[^.$]+$",
        description=f"The attribute of each {of} that may hold its class probabilities{files}; else its logits are used, else "
        "its confidence.",
    )


class ScoreUncertainty(Schema):
    """Scores how unsure a model is of its predictions, and writes the scores as fields of samples and objects."""

    label_field: Annotated[str, PREDICTIONS] = Field(
        description="The field with the model's predictions, of samples or, with frames. before its name, of frames."
    )
    scores: list[ScoreName] | None = Field(
        None, min_length=1, description="Which scores to write; nothing given: all that apply to the field."
    )
    aggregation: Annotated[Aggregation | None, Only("multilabel", "objects", "segmentation")] = Field(
        None,
        description="How a sample's objects, classes or segments are combined. For a budget of images: sum, which finds the "
        "most errors an image reviewed. For a budget of objects: mean, which finds the most an object reviewed. max is the one "
        "worst object, top_m the mean of the few worst. Nothing given: max, and mean for segments.",
    )
    top_m: Annotated[int, Only("multilabel", "objects", "segmentation", when={"aggregation": "top_m"})] = Field(
        3, ge=1, title="Top m", description="How many of the most uncertain objects top_m takes the mean of."
    )
    min_confidence: Annotated[float | None, Only("multilabel", "objects")] = Field(
        None,
        ge=0,
        le=1,
        title="Minimum confidence",
        description="Objects less confident than this do not count for their sample.",
    )
    segmentation: Annotated[Unit, Only("segmentation")] = Field(
        "segment",
        description="What is scored of a mask: each connected segment of one class, or each pixel, or each pixel so that rare "
        "classes count as well (class_balanced).",
    )
    confidence_map: Annotated[str | None, HEATMAPS, Only("segmentation")] = Field(
        None,
        description="The Heatmap field with the confidence of each pixel's class, for masks without probabilities.",
    )
    frame_aggregation: Annotated[Literal["max", "mean"], Only("frames")] = Field(
        "max", description="How the frames of a video are combined to the score of the sample."
    )
    normalize: bool = Field(
        False, description="Divides least confidence by its greatest value, 1 - 1/K, so that all scores reach 1."
    )
    temperature: float | None = Field(
        None,
        ge=0.01,
        description="What logits are divided by before scoring: above 1 for a model that is too sure of itself.",
    )
    calibrate_on: Annotated[str | None, LABELS] = Field(
        None,
        description="Instead of a number: the field with true labels, on whose samples the temperature is fitted by log loss.",
    )
    probabilities_attribute: str = _probabilities("label", masks=True)

    @model_validator(mode="after")
    def _one_temperature(self) -> ScoreUncertainty:
        if self.temperature is not None and self.calibrate_on is not None:
            raise ValueError("temperature must be given as a number or be fitted by calibrate_on, not both.")
        return self


#: of the parameters of ``score_disagreement`` that depend on what is compared
_OF_FIELDS: dict[str, Any] = {"of": "label_fields", "several": True}


def _disagreements() -> str:
    """Which scores there are for what, in words."""
    kinds = {"classification": "Classification and passes", "detection": "Detections", "segmentation": "Segmentation"}
    return "; ".join(
        f"{kind}: {', '.join(name for name, score in scores(Disagreement).items() if task in score.tasks)}"
        for task, kind in kinds.items()
    )


class ScoreDisagreement(Schema):
    """Scores how far several predictions of the same samples differ, and writes the scores as fields of samples and objects."""

    label_fields: Annotated[list[str], PREDICTIONS] = Field(
        min_length=1,
        description="The fields to compare: two or more of one type (Classification, Detections or Segmentation), one a model; "
        "or the one field whose labels hold stochastic passes.",
    )
    scores: list[DisagreementName] | None = Field(
        None, min_length=1, description=f"Which scores to write; nothing given: all that apply ({_disagreements()})."
    )
    name: str = Field(
        "disagreement",
        pattern=r"^[^.$]+$",
        description="What the names of the result fields begin with, so that several comparisons can be kept.",
    )
    passes_attribute: str | None = Field(
        None,
        pattern=r"^[^.$]+$",
        description="The attribute of each label that holds the class probabilities of several stochastic passes, such as "
        "Monte Carlo dropout: a list of lists or an array, one row a pass; for masks a list of probability files.",
    )
    iou: Annotated[float, Only("objects", **_OF_FIELDS, when={"passes_attribute": None})] = Field(
        0.5,
        gt=0,
        le=1,
        title="Least IoU",
        description="How much two members' objects must overlap to be the same object: their instance masks where both have "
        "them, else their boxes.",
    )
    min_confidence: Annotated[float | None, Only("objects", **_OF_FIELDS)] = Field(
        None,
        ge=0,
        le=1,
        title="Minimum confidence",
        description="Objects less confident than this are not compared.",
    )
    aggregation: Annotated[Aggregation, Only("objects", **_OF_FIELDS, when={"passes_attribute": ...})] = Field(
        "max",
        description="How a sample's objects are combined where it is the passes of each object that are compared.",
    )
    top_m: Annotated[int, Only("objects", **_OF_FIELDS, when={"passes_attribute": ..., "aggregation": "top_m"})] = (
        Field(
            3,
            ge=1,
            title="Top m",
            description="How many of the objects whose passes differ most top_m takes the mean of.",
        )
    )
    frame_aggregation: Annotated[Literal["max", "mean"], Only("frames", **_OF_FIELDS)] = Field(
        "max", description="How the frames of a video are combined to the score of the sample."
    )
    probabilities_attribute: str = _probabilities("label")

    @model_validator(mode="after")
    def _members(self) -> ScoreDisagreement:
        fields = self.label_fields
        if len(set(fields)) < len(fields):
            twice = next(field for field in fields if fields.count(field) > 1)
            raise ValueError(f"label_fields must be different fields. Got {twice!r} twice instead.")
        if self.passes_attribute is None and len(fields) < 2:
            raise ValueError(
                f"label_fields must be at least two fields, or one with passes_attribute. Got only {fields[0]!r} instead."
            )
        if self.passes_attribute is not None and len(fields) > 1:
            raise ValueError(f"label_fields must be one field where passes_attribute is given. Got {fields} instead.")
        if not self.name.strip():
            raise ValueError(f"name must hold more than spaces. Got {self.name!r} instead.")
        if self.name.startswith("_"):
            raise ValueError(
                f"name must not begin with '_', which FiftyOne keeps to itself. Got {self.name!r} instead."
            )
        return self


class ScoreImages(Schema):
    """Measures image files (brightness, sharpness, size, ...) and flags likely problems and duplicates."""

    metrics: list[ImageMetricName] | None = Field(
        None, min_length=1, description="Which metrics to write; nothing given: all."
    )
    flags: list[FlagName] | None = Field(None, min_length=1, description="Which flags to decide; nothing given: all.")
    dark_below: float = Field(
        0.32, ge=0, le=1, description="An image is dark if 99 % of its pixels have less luma than this."
    )
    bright_above: float = Field(
        0.9, ge=0, le=1, description="An image is bright if 95 % of its pixels have more luma than this."
    )
    blurry_below: float = Field(0.04, ge=0, description="An image is blurry if its focus is below this.")
    low_information_below: float = Field(
        3.0, ge=0, le=8, description="An image has low information if its entropy is below this many bits."
    )
    odd_size_deviations: float = Field(
        5.0,
        ge=0,
        description="A size is odd this many robust standard deviations from the median, and twice as large or small.",
    )
    odd_aspect_deviations: float = Field(
        5.0,
        ge=0,
        description="A ratio of the sides is odd this many robust standard deviations from the median, and twice as large or "
        "small.",
    )
    near_duplicate_distance: int = Field(
        6,
        ge=0,
        le=12,
        description="Images are near duplicates if their perceptual hashes (64 bits) differ in no more bits than this.",
    )
    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None, description="The vector field to find near duplicates by, instead of perceptual hashes."
    )
    embedding_distance: float = Field(
        0.05, ge=0, le=2, description="With embeddings: the greatest cosine distance of near duplicates."
    )


class ScorePredictedLoss(Schema):
    """Learns from labelled samples how wrong a model's predictions are, and writes the loss to expect of every sample."""

    label_field: Annotated[str, PREDICTIONS] = Field(
        description="The field with the model's predictions (Classification or Detections)."
    )
    ground_truth: Annotated[str, LABELS] = Field(
        description="The field of the same type with the truth, which only some samples need to have."
    )
    labeled: Annotated[str | None, SAMPLES] = Field(
        None,
        description="A tag, a saved view or a selection of the labelled samples to learn from; nothing given: all samples of "
        "the dataset with ground truth. Leave out what the model itself was trained on: its losses there are too low.",
    )
    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None,
        description="A field with one vector a sample, from which the regressor can tell kinds of images that the model fails "
        "on; nothing given: only the predictions are looked at.",
    )
    keep_together: Annotated[str | None, TOGETHER] = Field(
        None,
        description="A field with the same value for samples that are much alike, such as their video, their patient or "
        "image_quality.duplicate_group: they are never dealt apart, which would make the regressor look better than it is. "
        "Nothing given: only the slices of a group are kept together.",
    )
    min_confidence: Annotated[float, Only("objects")] = Field(
        0.25,
        ge=0,
        le=1,
        title="Minimum confidence",
        description="From which confidence on an object counts as found, and as an error where there is none.",
    )
    iou: Annotated[float, Only("objects")] = Field(
        0.5,
        gt=0,
        le=1,
        title="Least IoU",
        description="How much a predicted box must overlap a true one of its class to have found it.",
    )
    folds: int = Field(
        5,
        ge=2,
        le=20,
        description="Into how many parts the labelled samples are dealt; each is predicted by a regressor that learned from "
        "the others.",
    )
    seed: int = Field(51, ge=0, description="The seed of the dealing, and of the resampling that gives the intervals.")
    probabilities_attribute: str = _probabilities("label")

    @model_validator(mode="after")
    def _two_fields(self) -> ScorePredictedLoss:
        if self.label_field == self.ground_truth:
            raise ValueError(f"ground_truth must be another field than label_field. Got {self.label_field!r} for both.")
        return self


def _methods() -> str:
    """Which methods there are for what, in words."""
    kinds = {"single": "Classes", "multilabel": "Multi-label", "objects": "Objects", "segmentation": "Masks"}
    return "; ".join(f"{kind}: {', '.join(METHODS[task])}" for task, kind in kinds.items())


#: of the parameters of ``score_label_quality`` that depend on what the labels are
_OF_LABELS: dict[str, Any] = {"of": "label_field", "role": LABELS}


class ScoreLabelQuality(Schema):
    """Finds labels that are likely wrong by comparing them with a model's predictions, and says what is wrong with each."""

    label_field: Annotated[str, LABELS] = Field(description="The field with the given labels, which are in question.")
    predictions_field: Annotated[str, PREDICTIONS] = Field(
        description="The field of the same type with the predictions of a model that was not trained on these samples, as by "
        "cross-validation: on its own training set a model repeats the errors."
    )
    method: Annotated[LabelQualityMethod | None, Offered(METHODS, **_OF_LABELS)] = Field(
        None, description=f"How quality is scored; nothing given: the first of the kind ({_methods()})."
    )
    find_issues: Annotated[Rule | None, Only("single", **_OF_LABELS)] = Field(
        None,
        description="By which rule of confident learning labels are issues; nothing given: where noise_channel finds them more "
        f"likely wrong than right, and {DEFAULT_RULE} for the other methods.",
    )
    pooling: Annotated[Pooling, Only("multilabel", **_OF_LABELS)] = Field(
        "softmin",
        description="How the classes of a sample are pooled: softmin, which the worst class decides, or an exponential moving "
        "average (ema).",
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Labels, objects and regions with a quality below this are issues; nothing given: the method's own rule, "
        "which is one half where quality is a probability.",
    )
    class_names: dict[str, str] | None = Field(
        None,
        description="Where the fields name classes differently: the given name of a predicted one, such as "
        '{"automobile": "car"}.',
    )
    probabilities_attribute: str = _probabilities("prediction", masks=True)

    @model_validator(mode="after")
    def _two_fields_and_one_rule(self) -> ScoreLabelQuality:
        if self.label_field == self.predictions_field:
            raise ValueError(
                f"predictions_field must be another field than label_field. Got {self.label_field!r} for both."
            )
        if self.threshold is not None and self.find_issues is not None:
            raise ValueError("issues must be found by threshold or by find_issues, not by both.")
        return self
