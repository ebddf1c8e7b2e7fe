"""Whole sequences of consecutive frames instead of single ones: valued together, picked together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..errors import ShortlistError
from .engine.gains import Rows
from .select import Rule, Selection
from .strategy import Strategy
from .values import Amounts, AnyValues, ObjectVectors, Values, numbers


@dataclass(frozen=True)
class Sequences:
    """Rows in sequences.

    Args:
        members: (m,) rows, sequence after sequence, each in the order of its video
        offsets: (s + 1,) the rows of sequence i are ``members[offsets[i]:offsets[i + 1]]``; sequences are in the order of
            their first rows
        length: how many rows a sequence of candidates has; those of the datapool may be shorter
        candidates: (s,) bool, the sequences that may be picked
        preselected: (s,) bool, those of the datapool
        left_over: how many candidates are in no sequence, because too few are next to each other
    """

    members: Rows
    offsets: NDArray[np.int64]
    length: int
    candidates: NDArray[np.bool_]
    preselected: NDArray[np.bool_]
    left_over: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> NDArray[np.int64]:
        """(m,) the sequence of each member."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


def sequences(
    videos: NDArray[np.int64],
    order: NDArray[np.int64],
    length: int,
    candidates: NDArray[np.bool_],
    preselected: NDArray[np.bool_],
) -> Sequences:
    """Cuts videos into sequences of consecutive candidates.

    Every video is cut from its start, and anew after each frame that is no candidate, so that no sequence has a gap. What
    is too short for a sequence is left out. Frames of the datapool next to each other make sequences too, of any length up
    to the same, since they count whether they are many or few.

    Args:
        videos: (n,) the video of each row, -1 for none: such rows are in no sequence
        order: (n,) what orders the rows of a video, such as the rank of a frame number; ties go by row
        length: how many rows a sequence has, >= 1
        candidates: (n,) bool, rows that may be picked
        preselected: (n,) bool, rows that count as picked already

    >>> found = sequences(np.zeros(5, int), np.arange(5), 2, np.ones(5, bool), np.zeros(5, bool))
    >>> found.members.tolist(), found.left_over
    ([0, 1, 2, 3], 1)
    """
    known = np.flatnonzero(videos >= 0)
    rows = known[np.lexsort((known, order[known], videos[known]))]
    kind = np.where(preselected[rows], 2, candidates[rows].astype(np.int64))
    new = np.ones(len(rows), bool)
    new[1:] = (videos[rows][1:] != videos[rows][:-1]) | (kind[1:] != kind[:-1])
    stretch = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(rows)))
    place = np.arange(len(rows)) - starts[stretch]
    whole = place < sizes[stretch] // length * length
    keep = (kind == 2) | ((kind == 1) & whole)
    first = keep & (place % length == 0)
    chunk = np.cumsum(first)[keep] - 1
    members, heads = rows[keep], rows[first]
    # Ties are broken by the row, so sequences come in the order of their rows too.
    lowest = np.full(len(heads), np.iinfo(np.int64).max)
    np.minimum.at(lowest, chunk, members)
    rank = np.empty(len(heads), np.int64)
    rank[np.argsort(lowest, kind="stable")] = np.arange(len(heads))
    by_rank = np.argsort(rank[chunk], kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rank[chunk], minlength=len(heads)))]).astype(np.int64)
    taken = preselected[members[by_rank]][offsets[:-1]]
    left_over = int((candidates & ~preselected).sum() - (kind[keep] == 1).sum())
    return Sequences(members[by_rank], offsets, length, ~taken, taken, left_over)


def entry_of(found: Sequences, entry: Values) -> Values:
    """The values of a strategy for sequences: the mean of vectors and numbers, the sum of amounts, all objects together.

    A sequence has a value where all its rows have one.

    Raises:
        ShortlistError: probabilities of one label a sample, which a sequence does not have
    """
    if entry.strategy.takes in ("probabilities", "committee"):
        raise ShortlistError(f"{entry.label} is about single samples and cannot be used with selected_sequence_length.")
    beside = {
        name: value if name == "query" else _together(found, value, "mean") for name, value in entry.beside.items()
    }
    values = _together(found, entry.values, "mean")
    return Values(entry.label, _of_means(entry.strategy, found.length), values, _all(found, entry.present), beside)


def rule_of(found: Sequences, rule: Rule) -> Rule:
    """The values of a constraint for sequences: as for strategies, but numbers are added up, as costs are."""
    values = _together(found, rule.values, "sum")
    return replace(rule, values=values, present=_all(found, rule.present))


def expanded(found: Sequences, selection: Selection) -> Selection:
    """A selection of sequences as one of their rows: in order, each with what its sequence was picked for.

    Numbers of candidates are counted in rows again, and a nearest sequence is named by its first row.
    """
    picked = selection.rows
    which = np.repeat(np.arange(len(picked)), np.diff(found.offsets)[picked])
    starts = found.offsets[:-1]
    place = np.arange(len(which)) - np.searchsorted(which, which)
    near = selection.neighbors[which]
    left_out = {reason: count * found.length for reason, count in selection.left_out.items()}
    if found.left_over:
        left_out[f"in no whole sequence of {found.length}"] = found.left_over
    return replace(
        selection,
        rows=found.members[starts[picked[which]] + place],
        gains=selection.gains[which],
        values=selection.values[which],
        deciding=selection.deciding[which],
        neighbors=np.where(near >= 0, found.members[starts[np.maximum(near, 0)]], -1) if len(found) else near,
        distances=selection.distances[which],
        eligible=selection.eligible * found.length,
        left_out=left_out,
    )


def ranks(keys: Sequence[Any]) -> NDArray[np.int64]:
    """(n,) the rank of each key among the distinct ones, sorted; -1 for None.

    >>> ranks(["b", None, "a", "b"]).tolist()
    [1, -1, 0, 1]
    """
    place = {key: rank for rank, key in enumerate(sorted({key for key in keys if key is not None}))}
    return np.array([-1 if key is None else place[key] for key in keys], np.int64)


def _all(found: Sequences, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(s,) bool, whether all rows of a sequence have a value."""
    lacking = np.bincount(found.owners, weights=~present[found.members], minlength=len(found))
    return lacking == 0


def _of_means(strategy: Strategy, length: int) -> Strategy:
    """The strategy for means over sequences: a limit on the sum of all values is one on a smaller sum of means."""
    most = getattr(strategy, "stopping_condition_max_sum", None)
    return strategy if most is None else strategy.model_copy(update={"stopping_condition_max_sum": most / length})


def _together(found: Sequences, values: AnyValues, how: Literal["mean", "sum"]) -> AnyValues:
    """The values of the rows of every sequence as one."""
    if isinstance(values, ObjectVectors):
        return _concatenated(found, values)
    if isinstance(values, Amounts):
        members = _members(found, len(values), np.dtype(np.float64))
        return Amounts(values.names, sparse.csr_array(members @ values.matrix))
    if values.ndim == 1:
        given = numbers(values)[found.members]
        # Where numbers are added up, what has none adds nothing.
        given = np.nan_to_num(given) if how == "sum" else given
        totals = np.add.reduceat(given, found.offsets[:-1]) if len(found) else np.zeros(0)
        return totals if how == "sum" else totals / np.diff(found.offsets)
    members = _members(found, len(values), values.dtype)
    return np.asarray((members @ values) / np.diff(found.offsets)[:, None].astype(values.dtype))


def _members(found: Sequences, size: int, dtype: np.dtype) -> sparse.csr_array:
    """(s, n) sparse, a 1 for every row of a sequence."""
    ones = np.ones(len(found.members), dtype)
    return sparse.csr_array((ones, found.members, found.offsets), shape=(len(found), size))


def _concatenated(found: Sequences, values: ObjectVectors) -> ObjectVectors:
    """All objects of a sequence's rows, row after row."""
    counts = np.diff(values.offsets)[found.members]
    starts = values.offsets[:-1][found.members]
    within = np.arange(int(counts.sum())) - np.repeat(np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    totals = np.bincount(found.owners, weights=counts, minlength=len(found)).astype(np.int64)
    return ObjectVectors(values.vectors[np.repeat(starts, counts) + within], np.concatenate([[0], np.cumsum(totals)]))
