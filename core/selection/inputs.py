"""The inputs: where a strategy's values come from. Reading them is the dataset room's work."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ..schema import BRAIN_RUN, EMBEDDINGS, NUMBER, PREDICTIONS, VALUE, Schema, tag_of
from ..scores import Uncertainty, scores
from .strategy import Takes

if TYPE_CHECKING:
    ScoreName = str
else:
    ScoreName = Literal[tuple(scores(Uncertainty))]


class Input(Schema):
    """Base of the inputs."""

    #: the kinds of values that it can give, see ``Strategy.takes``
    gives: ClassVar[tuple[Takes, ...]]

    def label(self) -> str:
        """The input in two or three words, for results and charts."""
        raise NotImplementedError


class Embeddings(Input):
    """One vector a sample, from a vector field or from a Brain run that stored its embeddings."""

    gives: ClassVar[tuple[Takes, ...]] = ("vectors",)

    type: Literal["EMBEDDINGS"]
    field: Annotated[str | None, EMBEDDINGS] = Field(
        None, description="The vector field. Nothing given here and below: the only embeddings that the dataset has."
    )
    brain_key: Annotated[str | None, BRAIN_RUN] = Field(
        None, description="Instead of a field: the Brain run (similarity or visualization) that stores the vectors."
    )

    def label(self) -> str:
        return self.field or self.brain_key or "embeddings"


class Scores(Input):
    """An uncertainty score of a label field, computed first where it is missing, or any number field."""

    gives: ClassVar[tuple[Takes, ...]] = ("numbers",)

    type: Literal["SCORES"]
    task: Annotated[str | None, PREDICTIONS] = Field(None, description="The label field that was or will be scored.")
    score: ScoreName | None = Field(None, description="Which score of the task.")
    field: Annotated[str | None, NUMBER] = Field(
        None, description="Instead of task and score: the number field that holds the values."
    )

    def label(self) -> str:
        return self.field or f"{self.task}_{self.score}"


class Metadata(Input):
    """Any number, date or truth value of the samples, such as metadata.width, captured_at or predictions.confidence.

    Dates count in seconds since 1970 (UTC).
    """

    gives: ClassVar[tuple[Takes, ...]] = ("numbers",)

    type: Literal["METADATA"]
    key: Annotated[str, VALUE] = Field(description="The path of the field.")
    default_value: float | None = Field(
        None, description="What a sample without a value counts as; nothing given: such samples are left out."
    )

    def label(self) -> str:
        return self.key


class Random(Input):
    """A random number for every sample, the same for the same seed and samples."""

    gives: ClassVar[tuple[Takes, ...]] = ("numbers",)

    type: Literal["RANDOM"]
    random_seed: int | None = Field(None, ge=0, description="The seed; nothing given: the seed of the selection.")

    def label(self) -> str:
        return "random"


@cache
def inputs() -> dict[str, type[Input]]:
    """Every input by type."""
    return {tag_of(found): found for found in (Embeddings, Scores, Metadata, Random)}
