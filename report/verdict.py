"""What an analysis says about a selection, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..core.analysis.report import Distances, Distribution, EmbeddingAnalysis, Interval, NearDuplicates, Report
from .shares import ROUNDING, missing, shares_of, worst_class
from .text import counted, number, percent, shortened, span

# Label fields that the first page speaks of.
_FIELDS = 2


@dataclass(frozen=True)
class Compared:
    """A mean distance of the selection beside that of random selections of the same size.

    Args:
        value: that of the selection, with the datapool where there is one
        random: that of random selections, with the datapool where there is one
        with_datapool: whether there is one
    """

    value: float
    random: Interval
    with_datapool: bool

    @property
    def change(self) -> float | None:
        """By which share it is greater than the mean of the random draws; negative = less; None where that is 0."""
        return self.value / self.random.mean - 1 if self.random.mean > 0 else None

    @property
    def change_span(self) -> tuple[float, float] | None:
        """The 95 % interval of that change over the draws."""
        draws = np.asarray(self.random.draws)
        if not len(draws) or draws.min() <= 0:
            return None
        low, high = np.percentile(self.value / draws - 1, [2.5, 97.5], method="weibull")
        return float(low), float(high)

    @property
    def side(self) -> int:
        """-1 below the interval of the random draws, 1 above it, 0 within."""
        return side_of(self.value, self.random)


def side_of(value: float, random: Interval) -> int:
    """-1 below the 95 % interval of random draws, 1 above it, 0 within."""
    slack = ROUNDING * max(abs(random.low), abs(random.high))
    return -1 if value < random.low - slack else 1 if value > random.high + slack else 0


def compared(distances: Distances) -> Compared | None:
    """The mean distance of a selection beside random ones; with the datapool, since labels of it count too."""
    pairs = ("datapool_and_selected", "datapool_and_random"), ("selected", "random")
    for place, (name, drawn) in enumerate(pairs):
        spread = next((found for key, found in distances.sets.items() if key == name), None)
        random = next((found for key, found in distances.random.items() if key == drawn), None)
        if spread is not None and spread.mean is not None and random is not None:
            return Compared(spread.mean, random.mean, place == 0)
    return None


def main_of(report: Report) -> EmbeddingAnalysis | None:
    """The embedding space that the verdict is of: that of the samples, and of their objects where there is no other."""
    return report.of_samples or next(iter(report.embeddings), None)


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    n_input, n_selected = report.sizes.get("input", 0), report.sizes.get("selected", 0)
    if not n_selected:
        return "The selection is empty: there is nothing to measure."
    if n_selected == n_input:
        return "The selection is the whole input: every selection of its size is the same."
    analysis = main_of(report)
    if analysis is None:
        return f"Coverage and diversity were not measured{'; the notes say why' if report.notes else ''}."
    found = compared(analysis.coverage)
    if found is None:
        return "Coverage and diversity were not measured: nothing that was selected has an embedding."
    if found.change is None and not found.value:
        return f"No better than chance: all {analysis.level} of the input have a copy in this selection, and in random ones."
    if found.change is None:
        return (
            f"Worse than chance: all {analysis.level} of the input have a copy in random selections, but not all have one in "
            f"this selection."
        )
    if found.with_datapool:
        this = "beside the datapool, this selection"
        if not found.side:
            return f"No better than chance: {this} covers the input about as well as random ones do."
        if found.side < 0:
            return f"Better than chance: {this} comes {percent(-found.change)} nearer to the input than random ones do."
        return f"Worse than chance: {this} stays {percent(found.change)} farther from the input than random ones do."
    if not found.side:
        return "No better than chance: the input is about as near to random selections as to this one."
    if found.side < 0:
        return (
            f"Better than chance: the input is {percent(-found.change)} nearer to this selection than to random ones."
        )
    return f"Worse than chance: the input is {percent(found.change)} farther from this selection than from random ones."


def sentences(report: Report) -> Iterator[str]:
    """What stands behind the verdict, a sentence each."""
    analysis = main_of(report)
    if analysis is not None and report.sizes.get("selected", 0):
        yield from _distances(analysis)
        yield from _duplicates(analysis)
        yield from _regions(analysis)
    yield from _classes(report)


def _distances(analysis: EmbeddingAnalysis) -> Iterator[str]:
    found = compared(analysis.coverage)
    if found is not None:
        item = "a sample" if analysis.level == "samples" else "an object"
        yield (
            f"On average {item} of the input is {number(found.value)} away from its nearest selected"
            f"{' or datapool' if found.with_datapool else ''} one; with random selections of the same size "
            f"{number(found.random.mean)} (95 % of them: {span(found.random)})."
        )
    found = compared(analysis.diversity)
    if found is not None and found.change is not None:
        words = {-1: "closer together than", 0: "about as far apart as", 1: "farther apart than"}
        much = f"{percent(abs(found.change))} {words[found.side]}" if found.side else words[0]
        who = f"{'datapool and the ' if found.with_datapool else ''}selected {analysis.level}"
        yield (
            f"The {who} are {much} random ones: {number(found.value)} to the nearest other one, random "
            f"{number(found.random.mean)} ({span(found.random)})."
        )


def _duplicates(analysis: EmbeddingAnalysis) -> Iterator[str]:
    found = analysis.near_duplicates
    if not found.n_groups:
        yield f"No two selected {analysis.level} are near duplicates ({apart(found)})."
        return
    items, groups = counted(found.n_items, f"selected {analysis.level[:-1]}"), counted(found.n_groups, "group")
    yield (
        f"{items} form {groups} of near duplicates ({apart(found)}): "
        f"{number(found.n_items - found.n_groups)} could go at little loss."
    )


def apart(found: NearDuplicates) -> str:
    """How far near duplicates may be apart."""
    return f"at most {number(found.threshold)} apart" if found.threshold > 0 else "equal vectors"


def _regions(analysis: EmbeddingAnalysis) -> Iterator[str]:
    if analysis.regions:
        first = analysis.regions[0]
        yield (
            f"The worst-covered region holds {counted(first.n_items, analysis.level[:-1])}; adding its centre alone would "
            f"lower the mean coverage distance by {percent(first.gain)}."
        )


def _classes(report: Report) -> Iterator[str]:
    """Which classes fall short, of the first fields; all are in their own sections."""
    found = [one for one in report.distributions if one.kind == "classes" and shares_of(one, "selected").any()]
    for one in found[:_FIELDS]:
        source, worst = shortened(one.source, 60, 9), worst_class(one)
        if worst is None:
            fits = "its target" if one.target is not None else "what chance gives"
            yield f"No class of {source} falls short of {fits}."
        else:
            expected = "its target is" if worst.aimed else "in the input it is"
            yield (
                f"The class of {source} that falls most short is {shortened(worst.name, 60, 9)}: {percent(worst.share)} of "
                f"{worst.of}, {expected} {percent(worst.expected)}."
            )
        absent, _ = missing(one)
        if absent:
            verb = "is" if absent == 1 else "are"
            yield f"{counted(absent, 'class', 'classes')} of {source} {verb} not selected{_by_chance(one)}."


def _by_chance(found: Distribution) -> str:
    """How many classes random selections leave out."""
    if found.random is None:
        return ""
    return f"; random selections leave out {found.sets['input'].present - found.random.present.mean:.3g}"
