"""What the tab Selection shows of a report, as rows and sentences; knows no App."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..api.showing import Place
from ..core.analysis.report import Distribution, EmbeddingAnalysis, Interval, Numbers, RandomSpread, Report, Spread
from ..report.shares import aims
from .charts.style import NAMES
from .numbers import DASH, counted, digits_for, fixed, percent, span
from .page import plain

#: the columns of the table of sets
COLUMNS = {
    "set": "",
    "size": "Size",
    "coverage_mean": "Coverage",
    "coverage_p95": "95 %",
    "coverage_max": "max",
    "diversity_mean": "Diversity",
    "diversity_min": "min",
}
REGION_COLUMNS = {
    "region": "Region",
    "n_items": "Samples",
    "mean": "Mean distance",
    "max": "max",
    "gain": "Gain",
}
_SETS = ("selected", "datapool_and_selected", "datapool", "input")
_BESIDE = {"selected": "random", "datapool_and_selected": "datapool_and_random"}
_MEASURES = (
    ("coverage", "mean"),
    ("coverage", "p95"),
    ("coverage", "max"),
    ("diversity", "mean"),
    ("diversity", "min"),
)


def comparison_rows(analysis: EmbeddingAnalysis, draws: int) -> list[dict[str, str]]:
    """Coverage and diversity of each set, random selections beside theirs.

    Args:
        analysis: in one embedding space
        draws: how many random selections there were
    """
    digits = {kind: _digits(analysis, kind) for kind in ("coverage", "diversity")}
    rows = []
    for name in _SETS:
        if name not in analysis.sizes:
            continue
        rows.append(_set_row(analysis, name, digits))
        beside = _BESIDE.get(name)
        if beside is not None:
            rows += _random_rows(analysis, beside, draws, digits)
    return rows


def _digits(analysis: EmbeddingAnalysis, kind: str) -> int:
    """So many that the means can be told apart."""
    distances = getattr(analysis, kind)
    return digits_for([spread.mean for name, spread in distances.sets.items() if name != "input"])


def _set_row(analysis: EmbeddingAnalysis, name: str, digits: dict[str, int]) -> dict[str, str]:
    row = {"set": NAMES[name].capitalize(), "size": f"{analysis.sizes[name]:,}"}  # type: ignore[index]
    for kind, measure in _MEASURES:
        spread: Spread | None = getattr(analysis, kind).sets.get(name)
        row[f"{kind}_{measure}"] = fixed(getattr(spread, measure, None), digits[kind])
    return row


def _random_rows(analysis: EmbeddingAnalysis, name: str, draws: int, digits: dict[str, int]) -> list[dict[str, str]]:
    """The mean over the draws, and below it their interval."""

    def row(title: str, shown: Callable[[Interval, int], str]) -> dict[str, str]:
        cells = {"set": title, "size": ""}
        for kind, measure in _MEASURES:
            spread: RandomSpread | None = getattr(analysis, kind).random.get(name)
            cells[f"{kind}_{measure}"] = DASH if spread is None else shown(getattr(spread, measure), digits[kind])
        return cells

    found = next((one.random[name] for one in (analysis.coverage, analysis.diversity) if name in one.random), None)
    if found is None:
        return []
    mean = row(f"{NAMES[name].capitalize()} ({draws} draws)", lambda one, places: fixed(one.mean, places))
    return [mean, row("95 % of draws", lambda one, places: span(one.low, one.high, places))]


def region_rows(analysis: EmbeddingAnalysis) -> list[dict[str, str]]:
    """The uncovered regions, the worst first."""
    digits = digits_for([region.max_distance for region in analysis.regions])
    return [
        {
            "region": str(number),
            "n_items": f"{region.n_items:,}",
            "mean": fixed(region.mean_distance, digits),
            "max": fixed(region.max_distance, digits),
            "gain": percent(region.gain),
        }
        for number, region in enumerate(analysis.regions, 1)
    ]


def place_sentence(place: Place, datapool: bool) -> str:
    """Where a sample that a person chose stands, as Markdown.

    Args:
        place: where
        datapool: whether there is a datapool
    """
    facts = []
    if place.rank is not None:
        facts.append(f"picked at rank {place.rank}")
    elif place.distance == 0:
        facts.append("selected, or the same as what is")
    elif place.distance is not None:
        nearest = f" ({plain(place.nearest_name)})" if place.nearest_name else ""
        facts.append(
            f"{place.distance:.3g} from the nearest selected{' or datapool' if datapool else ''} sample{nearest}"
        )
    else:
        facts.append("not among the samples that were analyzed")
    if place.region is not None:
        facts.append(f"in uncovered region {place.region}")
    if place.duplicate_group is not None:
        facts.append(f"in group {place.duplicate_group} of near duplicates")
    return f"**{plain(place.name)}**: {', '.join(facts)}"


def balance_sentence(found: Distribution) -> str:
    """How balanced the selection is, beside random selections."""
    shares = found.sets.get("selected")
    if shares is None or not shares.total:
        return "The selection holds none of them."
    words = ("class", "classes") if found.kind == "classes" else ("category", "categories")
    parts = [f"{shares.present:,} of {counted(len(found.categories) + max(found.pooled - 1, 0), *words)}"]
    if shares.entropy is not None:
        beside = ""
        if found.random is not None:
            beside = f" (random {span(found.random.entropy.low, found.random.entropy.high, 2)})"
        parts.append(f"balance {shares.entropy:.2f}{beside}")
    distance, to = shares.distance_to_input, "candidates"
    if found.target is not None:
        aimed = aims(found)
        distance = found.sets[aimed].distance_to_target
        to = "target" if aimed == "selected" else "target with the datapool"
    if distance is not None:
        beside = ""
        if found.random is not None and found.target is None:
            low, high = found.random.distance_to_input.low, found.random.distance_to_input.high
            beside = f" (random {span(low * 100, high * 100, 0)} %)"
        parts.append(f"{percent(distance)} away from the {to}{beside}")
    return "; ".join(parts)


def number_sentence(found: Numbers) -> str:
    """The mean of the selection beside that of random selections."""
    spread = found.sets.get("selected")
    if spread is None or spread.mean is None:
        return "No selected sample has a value."
    digits = digits_for([spread.mean, spread.max])
    text = f"mean {fixed(spread.mean, digits)}"
    if found.random is not None:
        mean = found.random.mean
        text += f"; random {fixed(mean.mean, digits)}, 95 % {span(mean.low, mean.high, digits)}"
    return text


def spaces_of(report: Report) -> list[str]:
    """The embedding spaces of a report, as people choose between them."""
    return [f"{'objects' if one.level == 'objects' else 'samples'} in {one.source}" for one in report.embeddings]


def first(items: Sequence[Any], at: Any) -> int:
    """A number of an item that a person chose, or 0 where it is none."""
    try:
        number = int(at)
    except (TypeError, ValueError):
        return 0
    return number if 0 <= number < len(items) else 0
