"""The parameters of the verb that replays strategies on labels that are there already."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ..back_testing.metrics import Metric
from ..back_testing.named import Name
from ..schema import CONFIG, EMBEDDINGS, LABELS, NEW_BACK_TEST, SAMPLES, VALUE, Proposed, Schema


class BackTest(Schema):
    """Replays strategies on the samples that have labels, and shows which would have paid, beside random picks."""

    label_field: Annotated[str, LABELS] = Field(
        description="The labels that are there: one class a sample, or objects, by which a sample holds several classes."
    )
    run_key: Annotated[str | None, NEW_BACK_TEST] = Field(
        None, min_length=1, description="The name of the back-test; nothing given: a new one."
    )
    embeddings: Annotated[str | None, EMBEDDINGS, Proposed()] = Field(
        None,
        description="The vector field that strategies pick by and the model learns from. Nothing given: the only one there is. "
        "Best of a model that has not learned from these labels.",
    )
    labeled: Annotated[str | None, SAMPLES] = Field(
        None,
        description="A tag, saved view or selection of the samples whose labels count; nothing given: all that have one. "
        "Samples that were picked at random tell most.",
    )
    strategies: list[Name] | None = Field(
        None,
        description="The strategies to replay beside random picks, which always are; nothing given: those that pay most often.",
    )
    configs: Annotated[list[str] | None, CONFIG] = Field(
        None,
        description="Configs of your own to replay too, by the name of a saved config or of a selection. Scores and "
        "predictions in them are those of the model of the round.",
    )
    budgets: list[int] | None = Field(
        None,
        min_length=1,
        description="After how many labels the model is tested, such as 20, 50, 100; nothing given: about six numbers, up to "
        "most of the pool.",
    )
    batch_size: int | None = Field(None, ge=1, description="Instead of budgets: how many labels a round.")
    rounds: int | None = Field(
        None,
        ge=1,
        le=100,
        description="How many rounds; nothing given: six, or as many as the batch size allows up to 20.",
    )
    next_labels: int = Field(100, ge=1, description="How many more labels to forecast the gain of.")
    seeds: int = Field(5, ge=2, le=100, description="How many times the labelled samples are split into pool and test.")
    test_share: float = Field(0.3, ge=0.05, le=0.8, description="Which share of them is kept for the test.")
    metric: Metric | None = Field(
        None,
        description="What is measured on the test; nothing given: accuracy where a sample has one class, and else mean average "
        "precision, which is the only choice there.",
    )
    keep_together: Annotated[str | None, VALUE] = Field(
        None,
        description="A field, such as a video or a group of duplicates: samples with the same value are never split between "
        "pool and test, or a near copy would answer the test.",
    )
    max_samples: int = Field(
        10_000,
        ge=100,
        description="Replay on a random part of this many samples where more are labelled, to save time.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="The first of the seeds.")

    @model_validator(mode="after")
    def _budgets_given_once(self) -> BackTest:
        if self.budgets is None:
            return self
        if self.batch_size is not None or self.rounds is not None:
            raise ValueError("budgets must be given alone. Got batch_size or rounds beside them.")
        if min(self.budgets) < 2:
            raise ValueError(f"budgets must be at least 2. Got {min(self.budgets)} instead.")
        return self
