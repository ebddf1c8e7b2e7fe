"""The parameters of the verb that puts selections side by side."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..schema import EMBEDDINGS, LABELS, SAMPLES, Schema


class CompareSelections(Schema):
    """Puts selections side by side: what they share, and the coverage, diversity and balance of each."""

    run_keys: Annotated[list[str], SAMPLES] = Field(
        min_length=2, max_length=8, description="The selections to compare, or any tags or saved views."
    )
    embeddings: Annotated[str | None, EMBEDDINGS] = Field(
        None,
        description="The vector field to measure coverage and diversity in. Nothing given: that of the selections' configs, "
        "else the first that there is.",
    )
    label_fields: Annotated[list[str] | None, LABELS] = Field(
        None, description="The label fields whose classes are counted; nothing given: all but those of masks."
    )
    random_draws: int = Field(
        40, ge=2, le=1000, description="How many random selections of the size of each to compare with."
    )
    seed: int = Field(51, ge=0, description="The seed of the random selections.")

    @model_validator(mode="after")
    def _different(self) -> CompareSelections:
        twice = [key for key in self.run_keys if self.run_keys.count(key) > 1]
        if twice:
            raise ValueError(f"run_keys must be different ones. Got {twice[0]!r} twice instead.")
        return self
