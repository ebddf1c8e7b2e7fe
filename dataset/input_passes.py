"""Reading PASSES: the class probabilities of every sample's label by several models, or by stochastic passes of one."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Predictions
from .committee import Committee, VoteBatch, committee, read_votes
from .committee_passes import read_passes, refuse_no_passes
from .labels import label_field
from .rows import Rows
from .samples import Samples, as_ids


def read_committee(
    given: Predictions, rows: Rows, progress: Progress = silent
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """(n, T, K) the probabilities by every member, NaN where there are none, and (n,) bool, which rows have all.

    A sample that some member has not predicted has no value, nor has one with fewer passes than others: pass t must be the
    same model for all.

    Raises:
        ShortlistError: neither several fields nor an attribute with passes; fields of other types than Classification;
            nothing complete; as ``score_disagreement`` reads committees
    """
    members = _committee(given, rows.samples)
    found: NDArray[np.floating] | None = None
    done = 0
    for view in rows.views:
        for batch in _votes(view, members):
            places, votes = rows.of(as_ids(batch.owners)), batch.votes.probabilities
            places = np.repeat(places, np.diff(batch.offsets))
            known = (places >= 0) & ~np.isnan(votes).all(axis=(1, 2))
            done += len(batch.ids)
            progress(min(done, len(rows)), len(rows), f"reading {' and '.join(one.path for one in members.fields)}")
            if not known.any():
                continue
            votes = votes[known]
            if found is None:
                found = np.full((len(rows), *votes.shape[1:]), np.nan, np.float32)
            if found.shape[2] != votes.shape[2]:
                classes = f"of {found.shape[2]} classes for every sample, as first found"
                raise must_be(f"the passes of {members.fields[0].path!r}", classes, votes.shape[2])
            found, votes = _as_many(found, votes.shape[1]), _as_many(votes, found.shape[1])
            found[places[known]] = votes
    complete = np.zeros(len(rows), bool) if found is None else ~np.isnan(found).any(axis=(1, 2))
    if found is None or not complete.any():
        raise ShortlistError("PASSES must be there of all members for at least one sample. Got none instead.")
    return found, complete


def _as_many(passes: NDArray[np.floating], number: int) -> NDArray[np.floating]:
    """(n, T, K) with at least so many passes; what a sample lacks is NaN."""
    lacking = max(0, number - passes.shape[1])
    return np.pad(passes, ((0, 0), (0, lacking), (0, 0)), constant_values=np.nan) if lacking else passes


def _committee(given: Predictions, samples: Samples) -> Committee:
    """The members, each a field with one Classification a sample."""
    paths = [str(given.task), *(given.further_tasks or [])]
    if (given.passes_attribute is None) == (given.further_tasks is None):
        raise must_be(
            "the input PASSES",
            "given either further_tasks, the fields of the other models, or the passes_attribute of one field",
            {"task": given.task, "further_tasks": given.further_tasks, "passes_attribute": given.passes_attribute},
        )
    if len(set(paths)) < len(paths):
        raise must_be("input.further_tasks", "other fields than the task and each other", given.further_tasks)
    for place, path in enumerate(paths):
        where = "input.task" if not place else f"input.further_tasks[{place - 1}]"
        field = label_field(samples, path, where=where)
        if field.kind is not fo.Classification or field.of_frames:
            raise must_be(where, "a Classification field of samples, for PASSES", f"{path} ({field.kind.__name__})")
    members = committee(samples, paths, given.passes_attribute)
    if given.passes_attribute is not None:
        refuse_no_passes(samples, members.fields[0], given.passes_attribute)
    return members


def _votes(view: Samples, members: Committee) -> Iterator[VoteBatch]:
    return read_passes(view, members) if members.passes else read_votes(view, members, with_probabilities=True)
