"""What a comparison of several selections found, as one document: what ``compare_selections`` returns.

As in ``report``, the models are the format, and ``VERSION`` counts its changes.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..schema import Schema
from .overlap import Verdict
from .report import RandomShares, RandomSpread, Shares, Spread

VERSION = "1.0"


class Member(Schema):
    """One of the selections that are compared."""

    name: str = Field(description="The selection, tag or saved view.")
    kind: Literal["selection", "tag", "view"] = Field(description="Which of these it is.")
    created: str | None = Field(description="When a selection was made (ISO 8601, UTC); null for others.")
    strategies: list[str] = Field(description="What a selection was made by; empty for others.")
    datapool: str | None = Field(description="What a selection was made on top of: its preselected samples.")
    size: int = Field(description="How many samples it holds.")
    input: int = Field(description="How many samples it could have held.")
    alone: int = Field(description="How many of its samples no other of the compared ones has.")


class Overlap(Schema):
    """What two of them have in common."""

    first: str = Field(description="The name of the one.")
    second: str = Field(description="The name of the other.")
    count: int = Field(description="How many samples they share.")
    jaccard: float | None = Field(
        description="Shared samples over samples in either: 1 = the same; null where both are empty."
    )
    share_of_smaller: float | None = Field(
        description="Shared samples over those of the smaller one; null where one is empty."
    )
    both_could: int = Field(description="How many samples either could have held, which is where chance works.")
    expected: float = Field(description="How many two random selections of these sizes would share there.")
    low: int = Field(description="Where the 95 % interval of what chance gives begins.")
    high: int = Field(description="Where it ends.")
    verdict: Verdict = Field(description="Whether they share more or fewer than that interval holds.")
    rank_agreement: float | None = Field(
        description="Spearman's correlation of the ranks of what they share: 1 = in the same order; null where one has no "
        "ranks or they share fewer than three."
    )


class Beside(Schema):
    """Distances in the embedding space of each of them, beside random selections of its size."""

    edges: list[float] = Field(description="The edges of the histograms' bins, the same for all.")
    members: dict[str, Spread] = Field(description="Of each of them, by name.")
    random: dict[str, RandomSpread] = Field(description="Of random selections of the same size, by name.")

    def gain(self, name: str) -> float | None:
        """By which share its mean is below that of random selections, negative = above; None where there are none."""
        own, random = self.members.get(name), self.random.get(name)
        if own is None or own.mean is None or random is None or random.mean.mean <= 0:
            return None
        return 1 - own.mean / random.mean.mean


class Space(Schema):
    """Coverage and diversity of each of them in one embedding space."""

    source: str = Field(description="The field or Brain run that holds the vectors.")
    dimensions: int = Field(description="The length of the vectors.")
    input: int = Field(description="How many samples with a vector any of them could have held.")
    left_out: int = Field(description="How many such samples have no vector.")
    measured_on: int = Field(description="Of how many samples of the input the distances are; a random part of many.")
    coverage: Beside = Field(
        description="The distance of every sample of the input to the nearest one of the selection (or of the datapool, where "
        "all have the same): small where everything has something similar in it."
    )
    diversity: Beside = Field(
        description="The distance of every sample of the selection to the nearest other one of it: large where all "
        "are different."
    )


class Balance(Schema):
    """How each of them is distributed over the classes of a label field."""

    source: str = Field(description="The label field.")
    categories: list[str] = Field(description="The classes, the most frequent of the input first.")
    input: Shares = Field(description="Of all samples that any of them could have held.")
    members: dict[str, Shares] = Field(description="Of each of them, by name.")
    random: dict[str, RandomShares | None] = Field(
        description="Of random selections of the same size; null where no draw holds any label."
    )
    left_out: int = Field(description="How many samples of the input have no label.")


class SelectionComparison(Schema):
    """Several selections side by side."""

    format: Literal["shortlist.comparison"] = Field("shortlist.comparison", description="What this document is.")
    version: str = Field(VERSION, description="The version of its keys.")
    created: str = Field(description="When it was made (ISO 8601, UTC).")
    dataset: str = Field(description="The dataset's name.")
    parameters: dict[str, Any] = Field(description="Those of `compare_selections`.")
    members: list[Member] = Field(description="What is compared, in the order asked for.")
    input: int = Field(description="How many samples any of them could have held.")
    datapool: str | None = Field(
        description="What counts as there already for all of them; null where they do not share one."
    )
    overlaps: list[Overlap] = Field(description="One a pair.")
    space: Space | None = Field(description="Coverage and diversity; null where there are no embeddings.")
    balance: list[Balance] = Field(description="One a label field.")
    notes: list[str] = Field(description="What was left out, and what to know to read it right.")

    @property
    def names(self) -> list[str]:
        """Of what is compared."""
        return [member.name for member in self.members]

    def overlap(self, first: str, second: str) -> Overlap | None:
        """That of a pair, in either order."""
        return next((one for one in self.overlaps if {one.first, one.second} == {first, second}), None)
