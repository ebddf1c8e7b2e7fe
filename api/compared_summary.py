"""What ``compare_selections`` returns: facts to use, and the same facts to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import fiftyone as fo

from ..core.analysis.comparison import Beside, Overlap, SelectionComparison
from ..core.errors import listed
from ..dataset import memberships
from .summary import Summary


@dataclass(frozen=True)
class SelectionsCompared(Summary):
    """Several selections side by side.

    Args:
        comparison: what was found; ``comparison.model_dump()`` is its JSON
        dataset: the dataset
    """

    comparison: SelectionComparison
    dataset: fo.Dataset

    def only(self, name: str) -> fo.DatasetView:
        """The samples that no other of them has, in the selection's own order."""
        return memberships.only_in(self.dataset, name, [other for other in self.comparison.names if other != name])

    def shared(self, *names: str) -> fo.DatasetView:
        """The samples that all of some of them have, or all of all; in the order of the first."""
        return memberships.shared_by(self.dataset, names or self.comparison.names)

    @property
    def headline(self) -> str:
        names = listed(repr(name) for name in self.comparison.names)
        return f"Compared {names} on the {self.comparison.input} samples that they could hold"

    def rows(self) -> Iterator[tuple[str, str]]:
        """The details: what, and how much."""
        for member in self.comparison.members:
            by = f" by {', '.join(member.strategies)}" if member.strategies else ""
            yield member.name, f"{member.size} samples{by}; {member.alone} that no other has"
        for overlap in self.comparison.overlaps:
            yield f"{overlap.first} and {overlap.second}", overlap_sentence(overlap)
        if (space := self.comparison.space) is not None:
            where = f"the input's distance to the nearest one, in {space.source}"
            yield from _distances("coverage", space.coverage, where)
            yield from _distances("diversity", space.diversity, "the distance to the nearest other one")
        for balance in self.comparison.balance:
            for name, shares in balance.members.items():
                random = balance.random.get(name)
                beside = "" if random is None else f" (random {random.entropy.mean:.3f})"
                entropy = "no labels" if shares.entropy is None else f"{shares.entropy:.3f}{beside}"
                yield f"balance of {balance.source}", f"{name}: normalised entropy {entropy}"
        for note in self.comparison.notes:
            yield "note", note


def overlap_sentence(overlap: Overlap) -> str:
    """What two selections share, in words."""
    jaccard = "" if overlap.jaccard is None else f" (Jaccard {overlap.jaccard:.2f})"
    chance = {
        "more": f"more than chance, which gives {overlap.low} to {overlap.high}",
        "fewer": f"fewer than chance, which gives {overlap.low} to {overlap.high}",
        "as by chance": f"as by chance, which gives {overlap.low} to {overlap.high}",
    }[overlap.verdict]
    if overlap.expected == 0:
        chance = "since the one could not hold what the other has"
    ranks = "" if overlap.rank_agreement is None else f"; their ranks agree by {overlap.rank_agreement:.2f} (Spearman)"
    return f"{overlap.count} shared{jaccard}, {chance}{ranks}"


def _distances(what: str, beside: Beside, meaning: str) -> Iterable[tuple[str, str]]:
    """The mean distance of each, beside that of random selections."""
    for name, spread in beside.members.items():
        random = beside.random.get(name)
        mean = "none" if spread.mean is None else f"{spread.mean:.4g}"
        interval = "" if random is None else f" (random {random.mean.low:.4g} to {random.mean.high:.4g})"
        yield what, f"{name}: mean {mean}{interval}, {meaning}"
