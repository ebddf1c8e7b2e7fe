"""How far the people of a review agree, on the items that several decided: shares and kappas."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from .verdicts import DEFINITE, WRONG, Verdict

# Landis & Koch (1977), "The measurement of observer agreement for categorical data": up to which kappa is called what.
_WORDS = (
    (0.0, "poor"),
    (0.2, "slight"),
    (0.4, "fair"),
    (0.6, "moderate"),
    (0.8, "substantial"),
    (1.0, "almost perfect"),
)


@dataclass(frozen=True)
class Pair:
    """How far two people agree.

    Args:
        first: the one
        second: the other
        n_items: how many items both decided
        share: of these, on how many they said the same, in [0, 1]
        kappa: Cohen's, in [-1, 1]; None where both always said one thing, of which nothing can be told
        kappa_on_error: the same of whether the label is wrong or right, whatever is to be done about it
    """

    first: str
    second: str
    n_items: int
    share: float
    kappa: float | None
    kappa_on_error: float | None


@dataclass(frozen=True)
class Agreement:
    """How far the people of a review agree; an opinion is a verdict that says what is true and settles nothing.

    Args:
        n_items: how many items have two opinions or more
        share: the mean share of their pairs of opinions that say the same, in [0, 1]
        share_on_error: the same of whether the label is wrong or right, whatever is to be done about it
        kappa: Fleiss', in [-1, 1]; None where all opinions are one, of which nothing can be told
        kappa_on_error: the same of whether the label is wrong or right
        pairs: each two people with items in common, most of these first
    """

    n_items: int
    share: float
    share_on_error: float
    kappa: float | None
    kappa_on_error: float | None
    pairs: tuple[Pair, ...] = ()

    @property
    def in_words(self) -> str:
        """What Landis & Koch call such a kappa; empty where there is none."""
        kappa = self.kappa
        return "" if kappa is None else next(word for least, word in _WORDS if kappa <= least + 1e-12)


def agreement(verdicts: Iterable[Sequence[Verdict]]) -> Agreement | None:
    """How far people agree.

    Verdicts that settle what others disagree on were given with the others in sight, and are left out; so is who was not
    sure or skipped.

    Args:
        verdicts: those on each item

    Returns:
        shares and kappas; None where no item has two opinions
    """
    several = [given for one in verdicts if len(given := _opinions(one)) > 1]
    if not several:
        return None
    meanings = [[verdict.meaning for verdict in given] for given in several]
    errors = [[verdict.decision in WRONG for verdict in given] for given in several]
    return Agreement(
        len(several), share(meanings), share(errors), fleiss_kappa(meanings), fleiss_kappa(errors), _pairs(several)
    )


def _opinions(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.decision in DEFINITE and not verdict.is_final]


def _pairs(several: Iterable[Sequence[Verdict]]) -> tuple[Pair, ...]:
    """Each two people with items in common, most of these first."""
    common: dict[tuple[str, str], list[tuple[Verdict, Verdict]]] = defaultdict(list)
    for given in several:
        for first, second in combinations(sorted(given, key=lambda verdict: verdict.reviewer), 2):
            common[first.reviewer, second.reviewer].append((first, second))
    found = []
    for names, both in common.items():
        same = sum(one.meaning == other.meaning for one, other in both) / len(both)
        kappa = cohen_kappa([one.meaning for one, _ in both], [other.meaning for _, other in both])
        on_error = cohen_kappa(
            [one.decision in WRONG for one, _ in both], [other.decision in WRONG for _, other in both]
        )
        found.append(Pair(*names, len(both), same, kappa, on_error))
    return tuple(sorted(found, key=lambda pair: (-pair.n_items, pair.first, pair.second)))


def share(opinions: Iterable[Sequence[Hashable]]) -> float:
    """The mean share of an item's pairs of opinions that are the same.

    Args:
        opinions: those on each item, two or more each

    Returns:
        in [0, 1]

    >>> share([["wrong", "wrong"], ["wrong", "right"]])
    0.5
    """
    shares = [
        sum(count * (count - 1) for count in Counter(given).values()) / (len(given) * (len(given) - 1))
        for given in opinions
    ]
    return sum(shares) / len(shares)


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """How far two people agree beyond chance.

    Args:
        first: what the one said of each item
        second: what the other said of it

    Returns:
        in [-1, 1]: 1 = always, 0 = as often as chance would; None where chance alone would always agree

    Source: Cohen (1960), "A coefficient of agreement for nominal scales".

    >>> cohen_kappa("aabb", "aaba")
    0.5
    """
    n = len(first)
    same = sum(one == other for one, other in zip(first, second, strict=True)) / n
    mine, theirs = Counter(first), Counter(second)
    return _beyond_chance(same, sum(count * theirs[what] for what, count in mine.items()) / n**2)


def fleiss_kappa(opinions: Sequence[Sequence[Hashable]]) -> float | None:
    """How far any number of people agree beyond chance.

    Items may have different numbers of opinions: each counts as one in the observed agreement, and each opinion as one in that
    of chance. With the same number everywhere it is Fleiss' own formula.

    Args:
        opinions: those on each item, two or more each

    Returns:
        in [-1, 1]: 1 = always, 0 = as often as chance would; None where chance alone would always agree

    Source: Fleiss (1971), "Measuring nominal scale agreement among many raters".

    >>> fleiss_kappa(["aa", "bb", "ab", "ab"])
    0.0
    """
    every = Counter(what for given in opinions for what in given)
    n = sum(every.values())
    return _beyond_chance(share(opinions), sum(count**2 for count in every.values()) / n**2)


def _beyond_chance(observed: float, by_chance: float) -> float | None:
    return None if by_chance >= 1 else (observed - by_chance) / (1 - by_chance)
