"""The rounds of a dataset: what each selection brought, in labels, in coverage and in quality of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Quality:
    """How good the model was in a round.

    Args:
        name: what was measured, such as accuracy or mAP
        value: how much
        source: the evaluation that says so, or the field whose mean over the round's samples it is
    """

    name: str
    value: float
    source: str


@dataclass(frozen=True)
class Round:
    """What a selection brought.

    Args:
        run_key: its name; None for the time before the first
        n_samples: how many samples it holds
        label_field: the labels that were to arrive
        n_labeled: how many of its samples have them; None where there is no such field
        distance: the mean distance of the candidates to what was selected until then, of the newest that was measured;
            small = well covered
        gain: by how much nearer that is than to random selections, as a share
        qualities: how good the model was after it
    """

    run_key: str | None
    n_samples: int = 0
    label_field: str | None = None
    n_labeled: int | None = None
    distance: float | None = None
    gain: float | None = None
    qualities: tuple[Quality, ...] = ()

    @property
    def lacks_labels(self) -> bool:
        """Whether some of its samples are known to have no labels yet."""
        return self.n_labeled is not None and self.n_labeled < self.n_samples


@dataclass(frozen=True)
class Evaluated:
    """An evaluation of a model.

    Args:
        key: its name
        series: what is evaluated in the same way, such as detection beside one ground truth
        created: when it was made (UTC, ISO 8601)
    """

    key: str
    series: tuple[str, ...]
    created: str


def by_round(begun: Sequence[tuple[str, str]], evaluations: Iterable[Evaluated]) -> dict[str | None, Evaluated]:
    """The evaluation that tells of each round: the newest that was made after the round was selected and before the next.

    Of evaluations of different things those are taken of which there are most, the newest first among as many.

    Args:
        begun: the rounds with when they were selected (UTC, ISO 8601), oldest first
        evaluations: in any order

    Returns:
        by round, None for the time before the first; without the rounds that have none

    >>> found = by_round([("a", "2024-02"), ("b", "2024-04")], [Evaluated("x", (), "2024-03"), Evaluated("y", (), "2024-01")])
    >>> {name: one.key for name, one in found.items()}
    {None: 'y', 'a': 'x'}
    """
    every = sorted(evaluations, key=lambda one: (one.created, one.key))
    if not every:
        return {}
    counts = Counter(one.series for one in every)
    main = max(reversed(every), key=lambda one: counts[one.series]).series
    names: list[str | None] = [None, *(name for name, _ in begun)]
    ends = ["", *(when for _, when in begun), "\N{REPLACEMENT CHARACTER}"]
    found = {}
    for name, (start, end) in zip(names, pairwise(ends), strict=True):
        within = [one for one in every if one.series == main and start <= one.created < end]
        if within:
            found[name] = within[-1]
    return found


def change(rounds: Sequence[Round]) -> tuple[Quality, Quality] | None:
    """The first and the last quality of the same name; None where there are not two."""
    found: dict[str, list[Quality]] = {}
    for one in rounds:
        for quality in one.qualities:
            found.setdefault(quality.name, []).append(quality)
    longest: list[Quality] = max(found.values(), key=len, default=[])
    return (longest[0], longest[-1]) if len(longest) > 1 else None
