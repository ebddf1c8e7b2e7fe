"""The selection config: LightlyOne's, extended. One model is the form, the check, the JSON and the record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from ..schema import SAMPLES, Schema
from .inputs import Input, inputs
from .strategy import Strategy, strategies

if TYPE_CHECKING:
    AnyInput = Input
    AnyStrategy = Strategy
else:
    AnyInput = Annotated[reduce(or_, inputs().values()), Field(discriminator="type")]
    AnyStrategy = Annotated[reduce(or_, strategies().values()), Field(discriminator="type")]


class Entry(Schema):
    """One strategy of the mixture and where its values come from."""

    model_config = ConfigDict(title="Strategy")

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
        if self.strategy.takes not in self.input.gives:
            fitting = [name for name, found in inputs().items() if self.strategy.takes in found.gives]
            raise ValueError(
                f"the input of {_type(self.strategy)} must give {self.strategy.takes}: one of {', '.join(fitting)}. "
                f"Got {_type(self.input)!r} instead."
            )
        return self

    @classmethod
    def offered(cls, name: str, models: list[type[Schema]], given: Mapping[str, Any]) -> list[type[Schema]]:
        """Only strategies that take what the chosen input gives."""
        chosen = inputs().get((given.get("input") or {}).get("type", ""))
        if name != "strategy" or chosen is None:
            return models
        return [model for model in models if issubclass(model, Strategy) and model.takes in chosen.gives]

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
    seed: int = Field(0, ge=0, description="The seed of everything random.")
    preselected: Annotated[str | None, SAMPLES] = Field(
        None,
        description="The datapool, what was picked or labelled earlier: a tag, a saved view or an earlier selection. "
        "It counts as already there, is never picked again and is not part of the number.",
    )
    candidates: Annotated[str | None, SAMPLES] = Field(
        None, description="Pick only from this tag, saved view or earlier selection."
    )

    @model_validator(mode="after")
    def _one_budget(self) -> SelectionConfig:
        if (self.n_samples is None) == (self.proportion_samples is None):
            got = "neither" if self.n_samples is None else "both"
            raise ValueError(f"exactly one of n_samples and proportion_samples must be given. Got {got} instead.")
        return self

    def budget(self, n_candidates: int) -> int:
        """How many samples to pick of ``n_candidates``."""
        if self.n_samples is not None:
            return self.n_samples
        assert self.proportion_samples is not None
        return min(n_candidates, max(1, round(self.proportion_samples * n_candidates)))


def _type(model: Input | Strategy) -> str:
    return str(getattr(model, "type", type(model).__name__))
