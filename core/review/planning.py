"""Which items a review has, in which order, and who decides each. Nothing here depends on the order of the dataset's samples.

What is drawn at random is drawn by a number that the seed and the item's own ids give: the same items with the same seed
are drawn in any order, in one go or in batches.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import islice
from typing import Literal

from .items import Item

Order = Literal["severity", "view"]
Grouping = Literal["class", "kind"]
Split = Literal["queue", "round_robin", "groups"]
#: the group of what is not suspected, and of what has no class
NOT_SUSPECTED, NO_CLASS = "not suspected", "no class"
# What one seed draws for different ends must not be the same.
_AUDIT, _PLACE, _OVERLAP = "audit", "place", "overlap"
_END = 2.0**64


def chance(seed: int, purpose: str, name: str) -> float:
    """The random number of a name, uniform in [0, 1).

    Args:
        seed: another seed gives other numbers
        purpose: and so does another purpose
        name: whose number it is

    >>> chance(51, "audit", "a") == chance(51, "audit", "a") != chance(52, "audit", "a")
    True
    """
    return int.from_bytes(blake2b(f"{seed}/{purpose}/{name}".encode(), digest_size=8).digest(), "big") / _END


class Drawn:
    """Some of many names, drawn at random as the names come by: those with the smallest random numbers.

    Args:
        n: how many to draw
        seed: the seed
    """

    def __init__(self, n: int, seed: int):
        self.n, self.seed, self.seen = n, seed, 0
        self._kept: list[tuple[float, str]] = []

    def add(self, names: Iterable[str]) -> None:
        """Takes more names into account, each of them once."""
        for name in names:
            self.seen += 1
            # The heap's first is the one that the next smaller number drives out.
            one = (-chance(self.seed, _AUDIT, name), name)
            if len(self._kept) < self.n:
                heapq.heappush(self._kept, one)
            elif self.n and one > self._kept[0]:
                heapq.heapreplace(self._kept, one)

    def names(self) -> set[str]:
        """Those that were drawn so far."""
        return {name for _, name in self._kept}


def severity(item: Item) -> tuple[bool, float, str]:
    """The key that sorts items by severity: the least likely label first, what was not scored last."""
    return item.quality is None, 0.0 if item.quality is None else item.quality, name_of(item)


def name_of(item: Item) -> str:
    """What tells an item from every other: its sample, label and suggestion.

    >>> name_of(Item("s1", label="l1"))
    's1/l1/'
    """
    return f"{item.sample}/{item.label or ''}/{item.suggestion or ''}"


def planned(
    found: Sequence[Item],
    audit: Sequence[Item] = (),
    *,
    order: Order = "severity",
    group_by: Grouping | None = None,
    budget: int | None = None,
    reviewers: Sequence[str] = (),
    split: Split = "queue",
    overlap: float = 0.0,
    opinions: int = 2,
    seed: int = 51,
) -> list[Item]:
    """The items of a review in order, each with who is to decide it.

    The budget takes the first items in order; then groups come together, that with the first item first. What was drawn for
    the audit counts towards the budget and stands at random places among the rest (of its group), so that nobody can tell
    it by its place and whoever stops early has seen some of it.

    Args:
        found: what is suspected, or what is reviewed whatever is suspected, in the order of the view
        audit: what was drawn from what is not suspected
        order: by severity, or as found
        group_by: what comes together
        budget: how many items at most, at least as many as the audit has; None: all
        reviewers: who reviews; nobody: whoever is free
        split: who decides what
        overlap: the share of items that several decide, in [0, 1]
        opinions: how many decide each of these, at most as many as there are reviewers if there are any
        seed: of what is drawn

    Returns:
        the items; a review's numbers are their places from 1
    """
    ordered = sorted(found, key=severity) if order == "severity" else list(found)
    if budget is not None:
        ordered = ordered[: max(budget - len(audit), 0)]
    drawn = [replace(item, is_audit=True) for item in audit]
    items = _mixed(ordered, drawn, seed) if group_by is None else _grouped(ordered, drawn, group_by, seed)
    shared = _shared(items, overlap, seed)
    wanted = [opinions if name_of(item) in shared else 1 for item in items]
    return _assigned(items, wanted, reviewers, split)


def _grouped(ordered: Sequence[Item], drawn: Sequence[Item], group_by: Grouping, seed: int) -> list[Item]:
    """The items with their groups, a group after the other."""
    groups: dict[str, tuple[list[Item], list[Item]]] = defaultdict(lambda: ([], []))
    for item in ordered:
        groups[_group(item, group_by)][0].append(item)
    for item in sorted(drawn, key=name_of):
        groups[_group(item, group_by)][1].append(item)
    return [
        replace(item, group=name)
        for name, (suspected, others) in groups.items()
        for item in _mixed(suspected, others, seed)
    ]


def _group(item: Item, group_by: Grouping) -> str:
    """What an item comes together with; of a missing label the class is the one suggested."""
    if group_by == "kind":
        return item.kind or NOT_SUSPECTED
    return item.given or item.suggested or NO_CLASS


def _mixed(ordered: Sequence[Item], drawn: Sequence[Item], seed: int) -> list[Item]:
    """The items in order with others at random places among them."""
    places: dict[int, list[Item]] = defaultdict(list)
    for item in sorted(drawn, key=lambda item: chance(seed, _PLACE, name_of(item))):
        places[math.floor(chance(seed, _PLACE, name_of(item)) * (len(ordered) + 1))].append(item)
    mixed: list[Item] = []
    for place in range(len(ordered) + 1):
        mixed += places.get(place, [])
        mixed += ordered[place : place + 1]
    return mixed


def _shared(items: Sequence[Item], overlap: float, seed: int) -> set[str]:
    """The names of the items that several decide."""
    # A share that a fraction cannot hold must not round one item up.
    n = math.ceil(overlap * len(items) - 1e-9)
    if n == 0:
        return set()
    return set(heapq.nsmallest(n, map(name_of, items), key=lambda name: chance(seed, _OVERLAP, name)))


def _assigned(items: Sequence[Item], wanted: Sequence[int], reviewers: Sequence[str], split: Split) -> list[Item]:
    """The items with who is to decide them, and how many."""
    if not reviewers or split == "queue":
        # Whoever is free: of those who review, where that was said.
        return [replace(item, reviewers=tuple(reviewers), opinions=n) for item, n in zip(items, wanted, strict=True)]
    if split == "groups":
        return _by_groups(items, wanted, reviewers)
    dealt, place = [], 0
    for item, n in zip(items, wanted, strict=True):
        # Those who come next decide together, so that over the items everybody gets as many as the others.
        chosen = (reviewers[(place + step) % len(reviewers)] for step in range(n))
        dealt.append(replace(item, reviewers=tuple(chosen), opinions=n))
        place += n
    return dealt


def _by_groups(items: Sequence[Item], wanted: Sequence[int], reviewers: Sequence[str]) -> list[Item]:
    """Whole groups to one reviewer each, the largest first to whoever has least; what several decide also to the others."""
    sizes: dict[str | None, int] = defaultdict(int)
    for item in items:
        sizes[item.group] += 1
    load = dict.fromkeys(reviewers, 0)
    owner = {}
    for group, size in sorted(sizes.items(), key=lambda one: (-one[1], str(one[0]))):
        owner[group] = _least(load, 1)[0]
        load[owner[group]] += size
    dealt = []
    for item, n in zip(items, wanted, strict=True):
        first = owner[item.group]
        others = _least({name: count for name, count in load.items() if name != first}, n - 1)
        for name in others:
            load[name] += 1
        dealt.append(replace(item, reviewers=(first, *others), opinions=n))
    return dealt


def _least(load: Mapping[str, int], n: int) -> list[str]:
    """Those who have least to do, the first named first."""
    return list(islice(sorted(load, key=load.__getitem__), n))
