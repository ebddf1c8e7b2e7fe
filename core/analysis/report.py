"""What an analysis found, as one document: what ``analyze_selection`` returns, keeps and writes to ``report.json``.

The models here are the format. A key that is renamed, removed or given another meaning raises the first number of
``VERSION``, a key that is added the second.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..schema import Schema

VERSION = "1.0"

#: the sets that are there as they are, and those that are drawn several times
SetName = Literal["input", "selected", "datapool", "datapool_and_selected"]
RandomName = Literal["random", "datapool_and_random"]


class Interval(Schema):
    """A number over the random draws."""

    mean: float = Field(description="The mean over the draws.")
    low: float = Field(
        description="Where 95 % of further draws can be expected to begin: the 2.5th percentile of these draws (by Weibull's "
        "definition), the least of fewer than 39."
    )
    high: float = Field(description="Where they end: the 97.5th percentile, the greatest of fewer than 39.")
    draws: list[float] = Field(description="The number in each draw.")


class Spread(Schema):
    """How numbers of a set, or distances, are distributed."""

    count: int = Field(description="How many numbers there are.")
    mean: float | None = Field(description="Their mean; null, as the next five, where there are none.")
    std: float | None = Field(description="Their standard deviation (of the population).")
    min: float | None = Field(description="The least.")
    median: float | None = Field(description="The median.")
    p95: float | None = Field(description="The 95th percentile.")
    max: float | None = Field(description="The greatest.")
    histogram: list[int] = Field(
        description="How many are in each bin of the edges beside; the last bin holds its end."
    )


class RandomSpread(Schema):
    """How numbers are distributed in random selections of the same size."""

    count: int = Field(description="How many numbers a draw has (the least, where draws differ).")
    mean: Interval = Field(description="The mean of each draw.")
    std: Interval = Field(description="The standard deviation of each draw.")
    min: Interval = Field(description="The least of each draw.")
    median: Interval = Field(description="The median of each draw.")
    p95: Interval = Field(description="The 95th percentile of each draw.")
    max: Interval = Field(description="The greatest of each draw.")
    histogram: list[float] = Field(description="How many are in each bin, the mean over the draws.")


class Distances(Schema):
    """Distances in the embedding space, by set."""

    edges: list[float] = Field(
        description="The edges of the histograms' bins, one more than bins, the same for all sets."
    )
    sets: dict[SetName, Spread] = Field(description="Of each set that there is.")
    random: dict[RandomName, RandomSpread] = Field(description="Of random selections of the same size.")


class NearDuplicates(Schema):
    """What is in the selection more than once, or almost."""

    threshold: float = Field(description="At most so far apart are near duplicates: a tenth of the typical distance.")
    n_pairs: int = Field(description="How many pairs of the selection are that close.")
    n_items: int = Field(description="How many selected items have such a pair.")
    n_groups: int = Field(description="Into how many groups they hang together.")
    groups: list[list[str]] = Field(
        description="The sample ids of each group, the largest first; the first 100 groups."
    )


class Region(Schema):
    """A part of the input that the selection leaves uncovered."""

    sample_id: str = Field(description="The sample at its centre, which would cover most of it.")
    n_items: int = Field(
        description="How many items are nearer to the centre than to anything selected or in the datapool, and than to the "
        "other centres."
    )
    mean_distance: float = Field(description="Their mean distance to the nearest selected item.")
    max_distance: float = Field(description="The greatest of these distances.")
    gain: float = Field(
        description="By which share the centre would lower the mean coverage distance of the whole input, after the regions "
        "before it."
    )


class Scatter(Schema):
    """The items in two dimensions; of many, all that are selected (up to a limit) and a random part of the others."""

    method: str = Field(description="How the dimensions were made: that of the Brain run, or pca.")
    brain_key: str | None = Field(description="The Brain run with the visualization; null where there was none.")
    n_items: int = Field(description="How many items there are in all.")
    ids: list[str] = Field(description="The sample id of each point.")
    x: list[float] = Field(description="Its first coordinate.")
    y: list[float] = Field(description="Its second coordinate.")
    sets: list[Literal["input", "selected", "datapool"]] = Field(
        description="The set of each point; input stands for what is in neither of the others."
    )


class EmbeddingAnalysis(Schema):
    """Diversity and coverage in one embedding space."""

    level: Literal["samples", "objects"] = Field(description="Whose vectors they are.")
    source: str = Field(description="The field, Brain run or attribute of objects that holds the vectors.")
    dimensions: int = Field(description="The length of the vectors.")
    sizes: dict[SetName, int] = Field(description="How many items with a vector each set has.")
    left_out: int = Field(description="How many samples (of objects: samples without any) have no vector.")
    typical_distance: float = Field(description="The median distance between two random items of the input.")
    diversity: Distances = Field(
        description="The distance of every item of a set to the nearest other one of the set: large where all are different. "
        "Of a very large set a random part is measured; the count says how many."
    )
    coverage: Distances = Field(
        description="The distance of every item of the input to the nearest one of the set: small where everything has "
        "something similar in the set. The input, which covers itself, is not among these sets."
    )
    measured_on: int = Field(
        description="Of how many items of the input these are; of very large ones a random part, in which a set's own items "
        "have their share."
    )
    near_duplicates: NearDuplicates = Field(description="What the selection holds more than once, or almost.")
    regions: list[Region] = Field(description="What the selection leaves uncovered, the worst first.")
    scatter: Scatter | None = Field(description="The items in two dimensions.")


class Shares(Schema):
    """How a set is distributed over classes or categories."""

    total: float = Field(description="The sum of the counts.")
    counts: list[float] = Field(description="How much of each category the set holds.")
    present: int = Field(description="How many categories it holds any of.")
    entropy: float | None = Field(
        description="The entropy of the shares over its greatest value, the logarithm of the number of categories: 1 = all "
        "alike. null where the set holds none."
    )
    effective: float | None = Field(description="As how many equally frequent categories they are: exp of the entropy.")
    imbalance: float | None = Field(
        description="How often the most frequent category stands against the least frequent one; null where one is missing."
    )
    distance_to_input: float | None = Field(
        description="Total variation distance to the shares of the input: 0 = the same, 1 = nothing in common."
    )
    distance_to_uniform: float | None = Field(description="Total variation distance to equal shares.")
    distance_to_target: float | None = Field(description="Total variation distance to the target, where there is one.")


class RandomShares(Schema):
    """How random selections of the same size are distributed over classes or categories."""

    shares: list[Interval] = Field(description="The share of each category.")
    present: Interval = Field(description="How many categories a draw holds any of.")
    entropy: Interval = Field(description="The normalised entropy.")
    distance_to_input: Interval = Field(description="Total variation distance to the input.")
    distance_to_uniform: Interval = Field(description="Total variation distance to equal shares.")


class Distribution(Schema):
    """Classes of labels, or categories of metadata, by set."""

    source: str = Field(description="The field.")
    kind: Literal["classes", "categories"] = Field(description="Whether they are counted in labels or in samples.")
    categories: list[str] = Field(description="Their names, the most frequent of the input first.")
    pooled: int = Field(
        0,
        ge=0,
        description="Of very many: how many of the least frequent the last name, (others), stands for. The measures of a set "
        "count each of them.",
    )
    target: list[float] | None = Field(
        description="The shares that the selection was to have, with the datapool where there is one, if it was told; what "
        "they leave to all others together is split as in the input."
    )
    sets: dict[SetName, Shares] = Field(description="Of each set that there is.")
    random: RandomShares | None = Field(
        description="Of random selections of the same size; null where no draw holds any."
    )
    left_out: int = Field(description="How many samples have no value.")


class Numbers(Schema):
    """Scores, or other numbers of samples, by set."""

    source: str = Field(description="The field.")
    edges: list[float] = Field(
        description="The edges of the histograms' bins, one more than bins, the same for all sets."
    )
    sets: dict[SetName, Spread] = Field(description="Of each set that there is.")
    random: RandomSpread | None = Field(
        description="Of random selections of the same size; null where no draw holds any."
    )
    left_out: int = Field(description="How many samples have no value.")


class Analyzed(Schema):
    """What was analyzed."""

    name: str = Field(description="The selection, tag or saved view.")
    kind: Literal["selection", "tag", "view"] = Field(description="Which of these it is.")
    config: dict[str, Any] | None = Field(description="The config of a selection; null for others.")
    datapool: str | None = Field(description="The tag, view or selection that counts as there already.")


class Report(Schema):
    """What an analysis found."""

    format: Literal["shortlist.analysis"] = Field("shortlist.analysis", description="What this document is.")
    version: str = Field(VERSION, description="The version of its keys.")
    created: str = Field(description="When it was made (ISO 8601, UTC).")
    by: str = Field(description="Who made it.")
    dataset: str = Field(description="The dataset's name.")
    versions: dict[str, str] = Field(description="Of the packages that it was made with.")
    parameters: dict[str, Any] = Field(description="Those of `analyze_selection`.")
    analyzed: Analyzed = Field(description="What was analyzed.")
    sizes: dict[SetName, int] = Field(description="How many samples each set has; the input includes what is selected.")
    random_draws: int = Field(description="How many random selections of the same size were drawn from the input.")
    embeddings: list[EmbeddingAnalysis] = Field(description="One an embedding space: samples first, then objects.")
    distributions: list[Distribution] = Field(description="One a label field or field of categories.")
    numbers: list[Numbers] = Field(description="One a score or other number.")
    notes: list[str] = Field(description="What was left out, and why.")

    @property
    def of_samples(self) -> EmbeddingAnalysis | None:
        """The analysis of the samples' embeddings."""
        return next((one for one in self.embeddings if one.level == "samples"), None)
