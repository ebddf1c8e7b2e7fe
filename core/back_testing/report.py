"""What a back-test found, as one document: what ``back_test`` returns and keeps.

The models here are the format. A key that is renamed, removed or given another meaning raises the first number of
``VERSION``, a key that is added the second. Accuracies, and differences of them, are shares of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import t

from ..schema import Schema
from .metrics import Metric

VERSION = "1.0"


class Estimate(Schema):
    """A number over the splits, with the 95 % interval of its mean."""

    mean: float = Field(description="The mean over the splits.")
    low: float = Field(
        description="Where the 95 % interval of the mean begins (Student's t over the splits, corrected for "
        "what they have in common)."
    )
    high: float = Field(description="Where it ends.")
    splits: list[float] = Field(description="The number in each split.")

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.floating], overlap: float) -> Estimate:
        """The estimate of at least two numbers.

        Splits of the same samples differ less from each other than from samples that are not labelled yet, so the variance of
        their mean is more than one over their number of theirs.

        Args:
            values: (s,) the number in each split
            overlap: how many samples a test set has for each of its pool

        Source: Nadeau & Bengio, Inference for the Generalization Error, 2003 (corrected resampled t).
        """
        found = np.asarray(values, np.float64)
        mean, half = float(found.mean()), 0.0
        if len(found) > 1:
            error = found.std(ddof=1) * np.sqrt(1 / len(found) + overlap)
            half = float(t.ppf(0.975, len(found) - 1) * error)
        return cls(mean=mean, low=mean - half, high=mean + half, splits=found.tolist())

    def points(self, signed: bool = True) -> str:
        """In points, such as ``+3.1 [2.2, 4.0]``."""
        sign = "+" if signed else ""
        return f"{100 * self.mean:{sign}.1f} [{100 * self.low:.1f}, {100 * self.high:.1f}]"


class Curve(Schema):
    """How a strategy did."""

    name: str = Field(description="What it is called.")
    kind: Literal["random", "strategy", "config", "selection"] = Field(
        description="Random picks, a strategy by name, a saved config, or the config of an earlier selection."
    )
    key: str = Field(description="The name that it was chosen by.")
    config: dict[str, Any] | None = Field(
        description="The selection config, without a number of samples; null for random picks, and where the dataset has no "
        "predictions that it could read."
    )
    starts_by: Literal["itself", "COVERAGE"] = Field(
        description="What picks the first labels: itself, or COVERAGE where it needs a model."
    )
    values: list[Estimate | None] = Field(
        description="The metric at each budget; null, as in the next, where it could not pick as much."
    )
    difference: list[Estimate | None] | None = Field(
        description="What it is above random picks in the same split, at each budget; null for random picks themselves."
    )
    mean: Estimate | None = Field(description="The mean over its budgets; null where it reached none.")
    mean_difference: Estimate | None = Field(
        description="What that is above random picks; null for random picks themselves."
    )
    labels_of_random: list[float | None] | None = Field(
        description="How many random labels teach as much as those of each budget; null where that is not on their curve."
    )
    saved: list[float | None] | None = Field(description="Which share of the labels that saves at each budget.")
    next_labels: Estimate | None = Field(
        description="What the next labels are expected to bring; null where there is no forecast."
    )
    verdict: str = Field(description="How it did, in words.")
    notes: list[str] = Field(description="What is not as it is in the dataset, and where its curve ends.")


class Forecast(Schema):
    """What the next labels are expected to bring."""

    labels: int = Field(description="How many labels there are.")
    next_labels: int = Field(description="How many more are asked about.")
    now: Estimate = Field(description="What the labels there are would teach, if they were random.")
    best: str = Field(description="The strategy whose next labels are expected to bring most.")
    asymptote: float = Field(description="a of the law a - b (n / unit)^-c of random picks, the mean over the splits.")
    factor: float = Field(description="b of the law of the mean curve, whose a, b and c these are.")
    exponent: float = Field(description="c of the law.")
    unit: float = Field(description="The unit of the law, in labels.")
    residual: float = Field(description="The root mean square by which the law misses the mean curve.")
    step: list[int] = Field(
        description="Of which step strategies were compared: how many random labels there were, and how many more were picked."
    )
    checked_at: int = Field(description="The last number of labels of the curve.")
    checked_error: float = Field(
        description="How far the law of the numbers before missed the last one: forecast less what it was."
    )
    reliable: bool = Field(description="Whether it should be believed.")
    sentence: str = Field(description="The forecast in words.")


class BackTestReport(Schema):
    """What a back-test found."""

    format: Literal["shortlist.back_test"] = Field("shortlist.back_test", description="What this document is.")
    version: str = Field(VERSION, description="The version of its keys.")
    created: str = Field("", description="When it was made (ISO 8601, UTC).")
    by: str = Field("", description="Who made it.")
    dataset: str = Field("", description="The dataset's name.")
    versions: dict[str, str] = Field(default_factory=dict, description="Of the packages that it was made with.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Those of `back_test`.")
    metric: Metric = Field(description="What is measured on the test sets.")
    classes: dict[str, int] = Field(description="How many labelled samples have each class, the most frequent first.")
    one_class: bool = Field(description="Whether a sample has one class; else it holds several, or none.")
    labels: int = Field(description="How many labelled samples there are.")
    used: int = Field(description="How many of them were replayed on.")
    pool: int = Field(description="How many of these could be picked in the smallest pool.")
    test: int = Field(description="How many the smallest test set holds.")
    seeds: list[int] = Field(description="The seed of each split.")
    budgets: list[int] = Field(description="After how many labels the metric was taken.")
    curves: list[Curve] = Field(description="Random picks first, then the others, the best on the mean first.")
    whole_pool: Estimate = Field(description="The metric with the labels of the whole pool.")
    forecast: Forecast | None = Field(
        description="What the next labels are expected to bring; null where that cannot be told."
    )
    warnings: list[str] = Field(description="Why it should be read with care.")
    notes: list[str] = Field(description="What was left out, and how it was done.")

    @property
    def random(self) -> Curve:
        """The curve of random picks."""
        return self.curves[0]

    @property
    def best(self) -> Curve | None:
        """The strategy with the best mean over the budgets that all of them reached."""
        return next((curve for curve in self.curves[1:] if curve.mean_difference is not None), None)
