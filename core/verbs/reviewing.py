"""The parameters of the verbs that carry a review from suspected errors to corrected labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from ..review.items import Kind, Subject
from ..schema import (
    ANNOTATED,
    ANNOTATION_TARGET,
    APPLIED,
    EMPTY_FIELD,
    HAND_OVER,
    LABELS,
    NEW_HAND_OVER,
    NEW_REVIEW,
    REVIEW,
    SAMPLES,
    Schema,
)
from .deciding import person_name


class StartReview(Schema):
    """Starts a review: an ordered list of label issues, labels or samples, split among reviewers, to decide one by one."""

    run_key: Annotated[str, NEW_REVIEW] = Field(
        min_length=1, description="The name of the review: of its saved view and its field."
    )
    label_field: Annotated[str | None, LABELS] = Field(
        None, description="The labels to review; may be left out where samples are reviewed as a whole."
    )
    subject: Subject = Field(
        "issues",
        description="What an item is: an issue that `score_label_quality` found, each label that the view shows, or each "
        "sample.",
    )
    source: Annotated[str | None, SAMPLES] = Field(
        None, description="A selection, tag or saved view to take the samples of. Nothing given: those that it runs on."
    )
    kinds: list[Kind] | None = Field(None, min_length=1, description="Which kinds of issues; nothing given: all.")
    order: Literal["severity", "view"] = Field(
        "severity", description="The likeliest errors first, or the order of the view (of a selection: its rank)."
    )
    group_by: Literal["class", "kind"] | None = Field(
        None, description="Items of one class, or of one kind, come together; the group with the worst item first."
    )
    budget: int | None = Field(None, ge=1, description="How many items at most; nothing given: all.")
    audit: int = Field(
        0,
        ge=0,
        description="How many labels that are not suspected to add at random: they tell how many errors the scores miss.",
    )
    reviewers: list[str] | None = Field(
        None, min_length=1, description="Who reviews; nothing given: whoever opens the review."
    )
    split: Literal["queue", "round_robin", "groups"] = Field(
        "queue",
        description="Whoever is free takes the next item, or items are dealt out in turn, or whole groups are.",
    )
    overlap: float = Field(
        0.0, ge=0, le=1, description="The share of items that several people decide, to measure how far they agree."
    )
    opinions: int = Field(2, ge=2, le=9, description="How many people decide an item of the overlap.")
    seed: int = Field(51, ge=0, description="The seed of what is drawn at random: the audit and the overlap.")

    @field_validator("reviewers")
    @classmethod
    def _named(cls, reviewers: list[str] | None) -> list[str] | None:
        return reviewers and [person_name(one) for one in reviewers]

    @model_validator(mode="after")
    def _fits(self) -> StartReview:
        if self.subject != "samples" and not self.label_field:
            raise ValueError(f"label_field must be given to review {self.subject}.")
        if self.split != "queue" and not self.reviewers:
            raise ValueError(f"reviewers must be given to split by {self.split!r}.")
        if self.split == "groups" and not self.group_by:
            raise ValueError("group_by must be given to split by 'groups'.")
        if self.reviewers and len(set(self.reviewers)) < len(self.reviewers):
            raise ValueError("reviewers must be different ones.")
        if self.audit and self.subject != "issues":
            raise ValueError(f"audit must be 0 where {self.subject} are reviewed: what is not suspected, issues tell.")
        if self.budget is not None and self.audit >= self.budget:
            raise ValueError(f"audit must be smaller than the budget, {self.budget}, of which it is a part.")
        if self.overlap and self.reviewers and self.opinions > len(self.reviewers):
            raise ValueError(f"opinions must be at most the number of reviewers, {len(self.reviewers)}.")
        return self


class ManageReviews(Schema):
    """Lists, opens and deletes reviews."""

    action: Literal["list", "load", "delete"] = Field(
        "list",
        description="List all reviews, load one as the current view, or delete one: its saved views, field, verdicts and "
        "records. Labels stay as they are.",
    )
    run_key: Annotated[str | None, REVIEW] = Field(None, description="The review to load or delete.")

    @model_validator(mode="after")
    def _key_where_needed(self) -> ManageReviews:
        if self.action != "list" and not self.run_key:
            raise ValueError(f"run_key must be given to {self.action} a review.")
        return self


class ApplyReview(Schema):
    """Writes what was decided in a review to the labels, with a record of what they were."""

    run_key: Annotated[str, REVIEW] = Field(min_length=1, description="The review.")
    output_field: Annotated[str | None, EMPTY_FIELD] = Field(
        None,
        description="A new field that gets a copy of the labels with the changes; nothing given: the labels themselves.",
    )


class UndoReview(Schema):
    """Puts back the labels as they were before a review was applied, or before annotations were merged."""

    run_key: Annotated[str, APPLIED] = Field(
        min_length=1, description="The review that was applied, or the merge of annotations."
    )


class ReviewProgress(Schema):
    """Says how far a review is: who did what, how far people agree, how often issues were errors, and what remains."""

    run_key: Annotated[str, REVIEW] = Field(min_length=1, description="The review.")


class ExportAnnotations(Schema):
    """Hands samples to annotators: files for COCO, CVAT or Label Studio, or a FiftyOne annotation backend."""

    source: Annotated[str | None, SAMPLES] = Field(
        None,
        description="A selection, review, tag or saved view to take the samples of. Nothing given: those that it runs on.",
    )
    run_key: Annotated[str, NEW_HAND_OVER] = Field(
        min_length=1, description="The name of the hand-over, by which annotations are merged later."
    )
    label_field: Annotated[str, ANNOTATED] = Field(
        min_length=1, description="The field that annotations go to; it need not exist yet."
    )
    prelabels: Annotated[str | None, LABELS] = Field(
        None,
        description="The labels, such as predictions, that annotators begin with where the field has none yet; nothing given: "
        "only those of the field.",
    )
    label_type: Literal["classification", "classifications", "detections", "instances", "polylines"] | None = Field(
        None, description="What annotators draw; nothing given: what the field holds, or the pre-labels."
    )
    target: Annotated[str, ANNOTATION_TARGET] = Field(
        "coco",
        min_length=1,
        description="`coco`, `cvat_file` or `labelstudio_file` write files; anything else is a FiftyOne annotation backend, "
        "such as `cvat`, `labelbox` or `labelstudio`.",
    )
    export_dir: str | None = Field(
        None, min_length=1, description="The directory that files are written to, new or empty."
    )
    classes: list[str] | None = Field(
        None, min_length=1, description="The classes that annotators choose from; nothing given: those there are."
    )


class MergeAnnotations(Schema):
    """Merges what annotators made into the dataset, with a record of what the labels were."""

    run_key: Annotated[str, HAND_OVER] = Field(min_length=1, description="The name of the hand-over.")
    path: str | None = Field(
        None,
        min_length=1,
        description="The file that came back, or the directory or the archive with it; nothing given: the file that was "
        "written, or what the backend holds.",
    )
