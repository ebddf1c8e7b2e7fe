"""The selection config: LightlyOne's, extended. One model is the form, the check, the JSON and the record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, field_validator, model_validator

from ..schema import CATEGORY, SAMPLES, VALUE, Schema, When
from .constraint import Constraint, constraints
from .constraints.budget import Budget
from .inputs import Embeddings, Input, inputs
from .strategy import Strategy, strategies

if TYPE_CHECKING:
    AnyInput = Input
    AnyStrategy = Strategy
    AnyConstraint = Constraint
else:
    AnyInput = Annotated[reduce(or_, inputs().values()), Field(discriminator="type")]
    AnyStrategy = Annotated[reduce(or_, strategies().values()), Field(discriminator="type")]
    AnyConstraint = Annotated[reduce(or_, constraints().values()), Field(discriminator="type")]


class Entry(Schema):
    """One strategy of the mixture and where its values come from."""

    model_config = ConfigDict(title="Strategy")
    named_by: ClassVar[str | None] = "strategy"

    input: AnyInput = Field(description="Where the strategy's values come from.")
    strategy: AnyStrategy = Field(description="What makes a sample worth picking next.")

    @model_validator(mode="before")
    @classmethod
    def _accept_strength_beside(cls, given: Any) -> Any:
        """LightlyOne's examples write ``strength`` inside the strategy or beside it; both are read."""
        if not isinstance(given, Mapping) or "strength" not in given:
            return given
        strategy = given.get("strategy")
        if not isinstance(strategy, Mapping):
            return given
        if strategy.get("strength", given["strength"]) != given["strength"]:
            raise ValueError(
                f"strength must be given once, inside the strategy. Got {strategy['strength']!r} inside and "
                f"{given['strength']!r} beside it instead."
            )
        rest = {key: value for key, value in given.items() if key != "strength"}
        return {**rest, "strategy": {**strategy, "strength": given["strength"]}}

    @model_validator(mode="after")
    def _values_fit(self) -> Entry:
        if self.strategy.takes not in self.input.given():
            fitting = [name for name, found in inputs().items() if self.strategy.takes in found.gives]
            raise ValueError(
                f"the input of {_type(self.strategy)} must give {self.strategy.takes}: one of {', '.join(fitting)}. "
                f"Got {_type(self.input)!r}, which gives {' and '.join(self.input.given())}, instead."
            )
        if isinstance(self.input, Embeddings):
            self._vectors_fit(self.input)
        return self

    def _vectors_fit(self, given: Embeddings) -> None:
        name = _type(self.strategy)
        if given.task is not None and not self.strategy.of_objects:
            able = ", ".join(name for name, found in strategies().items() if found.of_objects)
            raise ValueError(f"the embeddings of objects can be used by {able}. Got {name!r} instead.")
        if self.strategy.queries and not given.has_query:
            raise ValueError(
                f"the input of {name} must name a query set: tag_name or view, and the dataset if another."
            )
        if given.has_query and not self.strategy.queries:
            able = ", ".join(name for name, found in strategies().items() if found.queries)
            raise ValueError(f"a query set (tag_name or view) can be used by {able}. Got {name!r} instead.")

    @classmethod
    def offered(cls, name: str, models: list[type[Schema]], given: Mapping[str, Any]) -> list[type[Schema]]:
        """Only inputs that give what the chosen strategy takes."""
        chosen = cls.taker_of(name, given)
        if chosen is None:
            return models
        return [model for model in models if issubclass(model, Input) and chosen.takes in model.gives]

    @classmethod
    def taker_of(cls, name: str, given: Mapping[str, Any]) -> type[Strategy] | None:
        return strategies().get((given.get("strategy") or {}).get("type", "")) if name == "input" else None

    @property
    def beside(self) -> dict[str, Input]:
        """The strategy's own inputs by parameter name, such as the weight of COVERAGE."""
        found = {name: getattr(self.strategy, name) for name in type(self.strategy).model_fields}
        return {name: value for name, value in found.items() if isinstance(value, Input)}

    def label(self) -> str:
        """The entry in a few words, such as ``DIVERSITY of clip``."""
        return f"{_type(self.strategy)} of {self.input.label()}"


class SelectionConfig(Schema):
    """Which samples to pick, and why."""

    n_samples: int | None = Field(
        None, ge=0, title="Number of samples", examples=[100], description="How many samples to pick."
    )
    proportion_samples: float | None = Field(
        None,
        gt=0,
        le=1,
        title="Share of the samples",
        description="Instead of a number: the share of the candidates to pick.",
    )
    strategies: list[Entry] = Field(
        min_length=1, description="What makes a sample worth picking; their order does not matter."
    )
    constraints: list[AnyConstraint] = Field(
        default_factory=list,
        description="Rules that picks must keep, whatever they are worth; a sample that breaks one is passed over.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="The seed of everything random.")
    preselected: Annotated[list[str] | None, SAMPLES] = Field(
        None,
        description="The datapool, what was picked or labelled earlier: tags, saved views or earlier selections, or the name "
        "of one. It counts as already there, is never picked again and is not part of the number.",
    )
    candidates: Annotated[str | None, SAMPLES] = Field(
        None, description="Pick only from this tag, saved view or earlier selection."
    )
    selected_sequence_length: int | None = Field(
        None,
        ge=1,
        description="For the frames of videos stored as samples: pick whole sequences of this many consecutive ones, which "
        "are valued together; the number of samples is counted in frames.",
    )
    sequence_of: Annotated[str | None, CATEGORY, When("selected_sequence_length", given=True)] = Field(
        None, description="For sequences: the path of the field that names a sample's video; nothing given: its folder."
    )
    sequence_order: Annotated[str | None, VALUE, When("selected_sequence_length", given=True)] = Field(
        None,
        description="For sequences: the path of the field that orders the samples of a video, such as a frame number or a "
        "time; nothing given: the file path.",
    )

    @field_validator("preselected", mode="before")
    @classmethod
    def _accept_one_name(cls, given: Any) -> Any:
        """LightlyOne's configs name one tag; a set that is named twice counts once."""
        if isinstance(given, str):
            return [given]
        is_names = isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)
        return (list(dict.fromkeys(given)) or None) if is_names else given

    @model_validator(mode="after")
    def _one_budget(self) -> SelectionConfig:
        if self.n_samples is None and self.proportion_samples is None:
            if any(isinstance(constraint, Budget) for constraint in self.constraints):
                return self
            raise ValueError(
                "exactly one of n_samples and proportion_samples must be given, or a BUDGET among the constraints. Got neither "
                "instead."
            )
        if self.n_samples is not None and self.proportion_samples is not None:
            raise ValueError("exactly one of n_samples and proportion_samples must be given. Got both instead.")
        return self

    @model_validator(mode="after")
    def _length_of_sequences(self) -> SelectionConfig:
        if self.selected_sequence_length is None and (self.sequence_of or self.sequence_order):
            raise ValueError("selected_sequence_length must be given with sequence_of and sequence_order. Got none.")
        return self

    def budget(self, n_candidates: int) -> int | None:
        """How many samples to pick of ``n_candidates``; None where only a BUDGET says."""
        if self.n_samples is not None:
            return self.n_samples
        if self.proportion_samples is None:
            return None
        return min(n_candidates, max(1, round(self.proportion_samples * n_candidates)))


def _type(model: Input | Strategy | Constraint) -> str:
    return str(getattr(model, "type", type(model).__name__))
