"""The parameters of the calls by which people decide the items of a review."""

from __future__ import annotations

from pydantic import Field, field_validator, model_validator

from ..review.verdicts import Decision
from ..schema import Schema

# Names and comments are kept in the samples, which hold 16 MB each.
_LONGEST_NAME, _LONGEST_COMMENT = 200, 10_000


def _stored(text: str | None, longest: int) -> str | None:
    """A text as it is kept.

    Raises:
        ValueError: the database cannot hold it
    """
    if text is None:
        return None
    if len(text) > longest:
        raise ValueError(f"must have at most {longest} characters. Got {len(text)} instead.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text in Unicode. Got half of a character instead.") from None
    return text.strip()


def person_name(text: str) -> str:
    """The name of a person as it is kept, without space around it.

    Raises:
        ValueError: it is empty, too long, or cannot be kept
    """
    name = _stored(text, _LONGEST_NAME)
    if not name:
        raise ValueError("must be the name of a person. Got an empty text instead.")
    return name


class Reviewer(Schema):
    """Says who reviews.

    Args:
        run_key: the review
        reviewer: who
    """

    run_key: str = Field(min_length=1, description="The review.")
    reviewer: str = Field(description="The name of the person.")

    @field_validator("reviewer")
    @classmethod
    def _named(cls, reviewer: str) -> str:
        return person_name(reviewer)


class NextToReview(Reviewer):
    """Asks for the item that a person should decide next."""

    after: int = Field(0, description="The number of the item that the person is at.")
    disputed: bool = Field(False, description="Whether to settle what people disagree on.")
    claim: bool = Field(True, description="Whether others are kept from the item for a while.")


class OneItem(Schema):
    """Asks for an item."""

    run_key: str = Field(min_length=1, description="The review.")
    item: int = Field(ge=1, description="The number of the item.")


class GiveVerdict(Reviewer):
    """Decides an item."""

    item: int = Field(ge=1, description="The number of the item.")
    decision: Decision = Field(description="What was decided.")
    label: str | None = Field(None, description="The class that was chosen, of `relabel`.")
    comment: str = Field("", description="What the person wants to say.")
    is_final: bool = Field(False, description="Whether it settles what others disagree on.")
    is_new_class: bool = Field(False, description="Whether the class may be one that no label has yet.")

    @field_validator("label", "comment")
    @classmethod
    def _text(cls, text: str | None) -> str | None:
        return _stored(text, _LONGEST_COMMENT)

    @model_validator(mode="after")
    def _label_where_needed(self) -> GiveVerdict:
        if self.decision == "relabel" and not self.label:
            raise ValueError("label must be given to relabel.")
        if self.decision != "relabel" and self.label is not None:
            raise ValueError(f"label must be left out of {self.decision!r}: only relabel takes one.")
        return self


class UndoVerdict(Reviewer):
    """Takes a person's verdict back."""

    item: int | None = Field(None, ge=1, description="The number of the item; nothing given: their last verdict.")
