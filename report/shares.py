"""Shares of classes and categories: which fall short, which are missing, which changed most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.analysis.report import Distribution, SetName

#: numbers that differ by less than this share are equal but for rounding
ROUNDING = 1e-9


def shares_of(found: Distribution, name: str) -> NDArray[np.float64]:
    """(K,) the share of each category in a set; 0 where the set holds none at all."""
    counts = np.zeros(len(found.categories))
    for key, shares in found.sets.items():
        if key == name and shares.total > 0:
            counts = np.asarray(shares.counts, float) / shares.total
    return counts


def n_named(found: Distribution) -> int:
    """How many categories have a name of their own; the last one of very many stands for all others."""
    return len(found.categories) - (found.pooled > 0)


def missing(found: Distribution) -> tuple[int, list[str]]:
    """What the input has and the selection has none of: how many categories, and those with a name, the most frequent first."""
    given, selected = found.sets.get("input"), found.sets.get("selected")
    if given is None or selected is None or not selected.total:
        return 0, []
    # What is selected is part of the input.
    rows = [row for row in range(n_named(found)) if given.counts[row] > 0 and not selected.counts[row]]
    return given.present - selected.present, [found.categories[row] for row in rows]


def most_changed(found: Distribution, most: int) -> list[int]:
    """The categories whose share in the selection differs most from that in the input, in the distribution's order.

    Args:
        found: a distribution
        most: how many at most; what the last one stands for together is not among them
    """
    change = np.abs(shares_of(found, "selected") - shares_of(found, "input"))[: n_named(found)]
    return sorted(np.argsort(-change, kind="stable")[:most].tolist())


@dataclass(frozen=True)
class Rarer:
    """A class that the selection holds less of than it should.

    Args:
        name: of the class
        source: the field
        share: of it in the selection
        expected: of it in the input, or the target
        aimed: whether what is expected is a target
        with_datapool: whether the share is that of the selection with the datapool
    """

    name: str
    source: str
    share: float
    expected: float
    aimed: bool
    with_datapool: bool = False

    @property
    def of(self) -> str:
        """What the share is of."""
        return "the labels that are selected or in the datapool" if self.with_datapool else "the selected labels"


def aims(found: Distribution) -> SetName:
    """The set that a target is for: the selection, with the datapool where there is one, which BALANCE counts too."""
    return "datapool_and_selected" if "datapool_and_selected" in found.sets else "selected"


def worst_class(found: Distribution) -> Rarer | None:
    """The class that falls most short: of the target (see ``aims``), or else of what chance would give.

    Args:
        found: a distribution

    Returns:
        of the classes below their target, the one farthest below; without a target, of those with a share below the 95 %
        interval of random selections, the one with the least part of its share in the input; None where there is none
    """
    named = n_named(found)
    selected, given = shares_of(found, "selected")[:named], shares_of(found, "input")[:named]
    if not selected.any():
        return None
    if found.target is not None:
        name = aims(found)
        reached, wanted = shares_of(found, name)[:named], np.asarray(found.target)[:named]
        row = int((wanted - reached).argmax())
        # By less than one label a class is not short of a target.
        if (wanted - reached)[row] * found.sets[name].total < 1:
            return None
        share, expected = float(reached[row]), float(wanted[row])
        return Rarer(found.categories[row], found.source, share, expected, True, name != "selected")
    if found.random is None:
        return None
    low = np.array([one.low for one in found.random.shares])[:named]
    rows = np.flatnonzero((selected < low * (1 - ROUNDING)) & (given > 0))
    if not len(rows):
        return None
    row = min(rows.tolist(), key=lambda one: (selected[one] / given[one], -given[one]))
    return Rarer(found.categories[row], found.source, float(selected[row]), float(given[row]), False)
