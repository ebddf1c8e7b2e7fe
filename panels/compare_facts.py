"""What the tab Compare shows of a comparison, as rows and sentences; knows no App."""

from __future__ import annotations

from ..core.analysis.comparison import Balance, Beside, Overlap, SelectionComparison
from ..core.errors import listed
from .numbers import DASH, fixed, percent

# Pairs that are told in words.
_PAIRS = 8


def notable(comparison: SelectionComparison) -> list[Overlap]:
    """The pairs to be told in words, those that share most first."""
    ordered = sorted(comparison.overlaps, key=lambda one: -(one.jaccard or 0))
    return ordered[:_PAIRS]


COLUMNS = {
    "name": "",
    "size": "Samples",
    "alone": "Only in it",
    "coverage": "Coverage",
    "diversity": "Diversity",
    "balance": "Balance",
}


def rows(comparison: SelectionComparison, balance: Balance | None) -> list[dict[str, str]]:
    """The table: a row a selection; distances beside those of random selections.

    Args:
        comparison: of 2 to 8 selections
        balance: of the label field that is shown
    """
    found = []
    for member in comparison.members:
        space, how = comparison.space, listed(member.strategies, 2) or member.kind
        coverage = DASH if space is None else _against(space.coverage, member.name, ("nearer", "farther"))
        diversity = DASH if space is None else _against(space.diversity, member.name, ("smaller", "larger"))
        found.append(
            {
                "name": f"{member.name}: {how}",
                "size": f"{member.size:,}",
                "alone": f"{member.alone:,}",
                "coverage": coverage,
                "diversity": diversity,
                "balance": fixed(None if balance is None else balance.members[member.name].entropy, 3),
            }
        )
    return found


def shown_first(comparison: SelectionComparison) -> int:
    """The number of the label field that most of them hold labels of."""
    held = [sum(one.total > 0 for one in balance.members.values()) for balance in comparison.balance]
    return held.index(max(held)) if held else 0


def _against(beside: Beside, name: str, words: tuple[str, str]) -> str:
    """By how much it differs from random selections; as random where most of these differ as much."""
    own, random, gain = beside.members[name].mean, beside.random.get(name), beside.gain(name)
    if own is None or random is None or gain is None:
        return DASH
    if random.mean.low <= own <= random.mean.high:
        return "as random"
    return f"{percent(abs(gain))} {words[0] if gain > 0 else words[1]}"


def balance_sentence(balance: Balance) -> str:
    """How evenly each holds the classes, in words."""
    known = {name: one.entropy for name, one in balance.members.items() if one.entropy is not None}
    if not known:
        return f"none of them holds labels of {balance.source}"
    if len(known) < len(balance.members):
        return f"only {listed(known)} {'holds' if len(known) == 1 else 'hold'} labels of {balance.source}"
    best = max(known, key=lambda name: known[name] or 0)
    missing = {name: len(balance.categories) - one.present for name, one in balance.members.items() if name in known}
    lacking = listed(
        f"{name} lacks {count} of {len(balance.categories)} classes" for name, count in missing.items() if count
    )
    return f"{best} is the most even one over the classes of {balance.source}{f'; {lacking}' if lacking else ''}"
