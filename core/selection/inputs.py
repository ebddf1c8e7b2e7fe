"""The inputs: where a strategy's values come from. Reading them is the dataset room's work."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from ..schema import (
    BRAIN_RUN,
    CATEGORY,
    DATASET,
    EMBEDDINGS,
    NUMBER,
    PREDICTIONS,
    TAG,
    VALUE,
    VIEW,
    Proposed,
    Schema,
    When,
    described,
    tag_of,
)
from ..scores import Uncertainty, scores
from .values import Takes

if TYPE_CHECKING:
    ScoreName = str
else:
    ScoreName = Literal[tuple(scores(Uncertainty))]


class For:
    """Marks a parameter of an input that matters to some strategies only; forms leave it out for others.

    Args:
        *takes: the kinds of values that the strategy must take; any by default
        of_objects: whether it must value samples over the vectors of their objects
        queries: whether it must compare with a query set
    """

    def __init__(self, *takes: Takes, of_objects: bool = False, queries: bool = False):
        self.takes, self.of_objects, self.queries = takes, of_objects, queries

    def matters(self, taker: Any) -> bool:
        """Whether the parameter matters to a strategy or constraint (its class)."""
        return (
            (not self.takes or getattr(taker, "takes", None) in self.takes)
            and (not self.of_objects or getattr(taker, "of_objects", False))
            and (not self.queries or getattr(taker, "queries", False))
        )


class Input(Schema):
    """Base of the inputs."""

    #: the kinds of values that it can give
    gives: ClassVar[tuple[Takes, ...]]

    @classmethod
    def asked(cls, taker: builtins.type[Schema] | None = None) -> Iterator[tuple[str, FieldInfo]]:
        for name, field in described(cls):
            notes = [note for note in field.metadata if isinstance(note, For)]
            if not notes or any(note.matters(taker) for note in notes):
                yield name, cls.narrowed(name, field, taker)

    @classmethod
    def narrowed(cls, name: str, field: FieldInfo, taker: builtins.type[Schema] | None) -> FieldInfo:
        """A field as it is asked for a strategy or constraint; as it is by default."""
        return field

    def given(self) -> tuple[Takes, ...]:
        """The kinds of values that it gives as it is filled in."""
        return self.gives

    def label(self) -> str:
        """The input in two or three words, for results and charts."""
        raise NotImplementedError

    def words(self) -> str:
        """The input within a sentence."""
        return f"`{self.label()}`"


class Embeddings(Input):
    """Vectors from a field or from a Brain run that stored its embeddings: one a sample, or one an object."""

    gives: ClassVar[tuple[Takes, ...]] = ("vectors",)

    type: Literal["EMBEDDINGS"]
    field: Annotated[str | None, EMBEDDINGS, Proposed()] = Field(
        None,
        description="The vector field; with a task, the attribute of its objects that holds their vectors. Nothing given here "
        "and below: the only embeddings that there are.",
    )
    brain_key: Annotated[str | None, BRAIN_RUN, When("field", given=False)] = Field(
        None, description="Instead of a field: the Brain run (similarity or visualization) that stores the vectors."
    )
    task: Annotated[str | None, PREDICTIONS, For(of_objects=True)] = Field(
        None,
        description="For the embeddings of objects: the label field that holds the objects. Nothing given: embeddings of whole "
        "samples.",
    )
    dataset: Annotated[str | None, DATASET, For(queries=True)] = Field(
        None,
        min_length=1,
        description="For SIMILARITY: the name of the dataset that holds the query samples. Nothing given: this one.",
    )
    dataset_id: Annotated[str | None, For(queries=True), When("dataset_id", given=True)] = Field(
        None, min_length=1, description="For SIMILARITY: the dataset of the query samples by its id (or name) instead."
    )
    tag_name: Annotated[str | None, TAG, For(queries=True), When("view", given=False)] = Field(
        None, min_length=1, description="For SIMILARITY: the tag of the query samples, which picks are to resemble."
    )
    view: Annotated[str | None, VIEW, For(queries=True), When("tag_name", given=False)] = Field(
        None,
        min_length=1,
        description="For SIMILARITY: the saved view or selection of the query samples, instead of a tag.",
    )

    @model_validator(mode="after")
    def _one_query(self) -> Embeddings:
        if self.dataset is not None and self.dataset_id is not None:
            raise ValueError("the query set must be in one dataset. Got both dataset and dataset_id.")
        if self.tag_name is not None and self.view is not None:
            raise ValueError("the query set must be one tag or one view. Got both tag_name and view.")
        if (self.dataset or self.dataset_id) and not (self.tag_name or self.view):
            raise ValueError("the query set must be named by tag_name or view. Got only its dataset.")
        return self

    @property
    def has_query(self) -> bool:
        """Whether a query set is named."""
        return bool(self.tag_name or self.view)

    def label(self) -> str:
        own = self.field or self.brain_key
        if self.task is not None:
            return f"{self.task}.{own}" if own else f"{self.task} objects"
        return own or "embeddings"


class Scores(Input):
    """An uncertainty score of a label field, computed first where it is missing, or any number field."""

    gives: ClassVar[tuple[Takes, ...]] = ("numbers",)

    type: Literal["SCORES"]
    task: Annotated[str | None, PREDICTIONS, Proposed(), When("field", given=False)] = Field(
        None, description="The label field that was or will be scored."
    )
    score: Annotated[ScoreName | None, When("field", given=False)] = Field(
        None, examples=["uncertainty_margin"], description="Which score of the task."
    )
    field: Annotated[str | None, NUMBER] = Field(
        None, description="Instead of task and score: the number field that holds the values."
    )

    def label(self) -> str:
        return self.field or f"{self.task}_{self.score}"


#: what each name of a PREDICTIONS input gives
_NAMES: dict[str, Takes] = {
    "CLASS_DISTRIBUTION": "amounts",
    "CATEGORY_COUNT": "numbers",
    "PROBABILITIES": "probabilities",
    "PASSES": "committee",
}


class Predictions(Input):
    """What a label field holds: how much of each class, how many objects, or the probabilities of its classes."""

    gives: ClassVar[tuple[Takes, ...]] = ("amounts", "numbers", "probabilities", "committee")

    type: Literal["PREDICTIONS"]
    task: Annotated[str | None, PREDICTIONS, Proposed()] = Field(
        None, description="The label field, predicted or ground truth. Nothing given: the only one that there is."
    )
    name: Literal["CLASS_DISTRIBUTION", "CATEGORY_COUNT", "PROBABILITIES", "PASSES"] = Field(
        "CLASS_DISTRIBUTION",
        description="CLASS_DISTRIBUTION sums the class probabilities of a sample's objects (or counts them where they have "
        "none), for BALANCE; CATEGORY_COUNT is the number of objects, for WEIGHTS and THRESHOLD; PROBABILITIES are those of "
        "one label a sample, for BADGE; PASSES are those by several models or stochastic passes, for BATCHBALD.",
    )
    categories: Annotated[list[str] | None, For("amounts", "numbers")] = Field(
        None,
        min_length=1,
        description="The classes that count. Nothing given: all.",
    )
    count: Annotated[bool, For("amounts")] = Field(
        False, description="Whether CLASS_DISTRIBUTION counts labels, although they have probabilities."
    )
    further_tasks: Annotated[list[str] | None, PREDICTIONS, For("committee")] = Field(
        None, min_length=1, description="For PASSES: the label fields of the other models."
    )
    passes_attribute: Annotated[str | None, For("committee")] = Field(
        None,
        min_length=1,
        description="For PASSES of one field: the attribute of its labels that holds the probabilities of every pass, (T, K).",
    )

    @classmethod
    def narrowed(cls, name: str, field: FieldInfo, taker: builtins.type[Schema] | None) -> FieldInfo:
        fitting = [word for word, kind in _NAMES.items() if kind == getattr(taker, "takes", None)]
        if name != "name" or not fitting:
            return field
        found = copy(field)
        found.annotation, found.default = Literal[tuple(fitting)], fitting[0]  # type: ignore[assignment]
        return found

    def given(self) -> tuple[Takes, ...]:
        return (_NAMES[self.name],)

    def label(self) -> str:
        task = self.task or "predictions"
        return f"{task} count" if self.name == "CATEGORY_COUNT" else task

    def words(self) -> str:
        classes = f" of {', '.join(self.categories)}" if self.categories else ""
        if self.name == "CATEGORY_COUNT":
            return f"the number of objects{classes} in `{self.task or 'predictions'}`"
        if self.name == "PASSES":
            return " and ".join(f"`{task}`" for task in (self.task or "predictions", *(self.further_tasks or ())))
        return f"the classes{classes} of `{self.task or 'predictions'}`"


class Metadata(Input):
    """Any number, date, truth value or text of the samples, such as metadata.width, captured_at or weather.description.

    Dates count in seconds since 1970 (UTC) where numbers are wanted, and by the day where categories are.
    """

    gives: ClassVar[tuple[Takes, ...]] = ("numbers", "amounts")

    type: Literal["METADATA"]
    key: Annotated[str, VALUE] = Field(description="The path of the field.")
    cross: Annotated[list[str] | None, CATEGORY, For("amounts")] = Field(
        None,
        min_length=1,
        description="For BALANCE: further fields, so that combinations are balanced, such as weather with time of day; a "
        "category is then written 'sunny, night'.",
    )
    default_value: float | str | bool | None = Field(
        None, description="What a sample without a value counts as; nothing given: such samples are left out."
    )

    def label(self) -> str:
        return " x ".join([self.key, *(self.cross or [])])


class Random(Input):
    """A random number for every sample, the same for the same seed and samples."""

    gives: ClassVar[tuple[Takes, ...]] = ("numbers",)

    type: Literal["RANDOM"]
    random_seed: int | None = Field(
        None, ge=0, lt=2**32, description="The seed; nothing given: the seed of the selection."
    )

    def label(self) -> str:
        return "random"

    def words(self) -> str:
        return "random numbers"


@cache
def inputs() -> dict[str, type[Input]]:
    """Every input by type."""
    return {tag_of(found): found for found in (Embeddings, Scores, Predictions, Metadata, Random)}
