"""The members of a committee, read and compared batch by batch, whatever they predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.scores.aggregation import aggregate
from ..core.scores.disagreement import Disagreement
from ..core.scores.disagreement_masks import compare_masks, pixel_bald
from ..core.scores.disagreement_objects import compare
from ..core.scores.probabilities import BadRow
from ..core.scores.segmentation import predicted_classes
from ..core.verbs import ScoreDisagreement
from ..dataset.arrays import Unreadable
from ..dataset.committee import Committee, VoteBatch, read_votes
from ..dataset.committee_masks import SampleMasks, ignored_values, read_masks
from ..dataset.committee_objects import read_objects
from ..dataset.committee_passes import read_passes
from ..dataset.samples import Samples
from ..dataset.scores import ObjectScores


@dataclass(frozen=True)
class Compared:
    """The scores of a batch of samples or frames.

    Args:
        ids: (n,) of all of them
        owners: (n,) the samples that frames belong to
        members: (n,) how many of the members have a label
        values: (n,) a score, NaN where unscoreable
        of_objects: the scores of the objects, one a field whose objects are scored
    """

    ids: list[ObjectId]
    owners: list[ObjectId]
    members: NDArray[np.int64]
    values: dict[str, NDArray[np.floating]]
    of_objects: list[ObjectScores] = field(default_factory=list)


def compared(
    samples: Samples,
    given: ScoreDisagreement,
    members: Committee,
    chosen: list[Disagreement],
    problems: Counter[str],
) -> Iterator[Compared]:
    """Reads the members and compares them, batch by batch.

    Args:
        samples: the samples
        given: how
        members: the committee
        chosen: the scores
        problems: counts what could not be read, by reason

    Raises:
        ShortlistError: what is stored is not what it must be; with the sample where it was found first
    """
    if members.task == "detection":
        yield from _objects(samples, given, members, chosen, problems)
    elif members.task == "segmentation":
        ignored = ignored_values(samples, members)
        for sheets in read_masks(samples, members, problems):
            rows = [_mask(sheet, chosen, ignored) for sheet in sheets]
            values = {score.name: np.array([row[score.name] for row in rows]) for score in chosen}
            there = np.array([sheet.members for sheet in sheets], np.int64)
            yield Compared([sheet.id for sheet in sheets], [sheet.owner for sheet in sheets], there, values)
    elif members.passes:
        for batch in read_passes(samples, members):
            yield _passes(batch, given, members, chosen)
    else:
        needed = any(score.reads == "probabilities" for score in chosen)
        for batch in read_votes(samples, members, needed):
            values = {score.name: score.compute(batch.votes) for score in chosen}
            yield Compared(batch.ids, batch.owners, batch.members, values)


def _passes(batch: VoteBatch, given: ScoreDisagreement, members: Committee, chosen: list[Disagreement]) -> Compared:
    """The passes of each object, and of the samples that objects belong to."""
    of_objects = {score.name: score.compute(batch.votes) for score in chosen}
    counts = np.diff(batch.offsets)
    if not members.has_objects:
        values = {name: np.full(len(counts), np.nan) for name in of_objects}
        for name, found in of_objects.items():
            values[name][counts == 1] = found
        return Compared(batch.ids, batch.owners, batch.members, values)
    keep = np.ones(len(batch.confidences), bool)
    if given.min_confidence is not None:
        keep = ~(batch.confidences < given.min_confidence)
    owners = np.repeat(np.arange(len(counts)), counts)[keep]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(counts)))])
    values = {
        name: np.where(batch.members > 0, aggregate(found[keep], offsets, given.aggregation, given.top_m), np.nan)
        for name, found in of_objects.items()
    }
    renamed = {f"{given.name}_{name}": found for name, found in of_objects.items()}
    return Compared(
        batch.ids, batch.owners, batch.members, values, [ObjectScores(batch.object_ids, batch.offsets, renamed)]
    )


def _objects(
    samples: Samples,
    given: ScoreDisagreement,
    members: Committee,
    chosen: list[Disagreement],
    problems: Counter[str],
) -> Iterator[Compared]:
    """The objects of several fields, matched two fields at a time."""
    for batch in read_objects(samples, members, given.min_confidence, problems):
        matches, lonely = compare(batch.found, given.iou)
        of_objects = [
            ObjectScores(one.object_ids, one.offsets, {given.name: one.spread([values[place] for values in lonely])})
            for place, one in enumerate(batch.members)
        ]
        there = np.array([sum(one is not None for one in row) for row in batch.found], np.int64)
        values = {score.name: score.compute(matches) for score in chosen}
        yield Compared(batch.ids, batch.owners, there, values, of_objects)


def _mask(sheet: SampleMasks, chosen: list[Disagreement], ignored: tuple[int, ...]) -> dict[str, float]:
    """The scores of one sample's masks; where there are only probabilities, as of passes, it is the likeliest classes."""
    wanted = {score.reads for score in chosen}
    needs_masks = "masks" in wanted
    by_probabilities = needs_masks and not sheet.has_masks and any(one is not None for one in sheet.stored)
    masks = sheet.masks() if needs_masks and not by_probabilities else []
    differing = float("nan")
    try:
        if "probabilities" in wanted or by_probabilities:
            with sheet.planes() as planes:
                if "probabilities" in wanted:
                    differing = pixel_bald(planes)
                if by_probabilities:
                    masks = [predicted_classes(one) for one in planes]
    except Unreadable as error:
        sheet.note(str(error))
    except BadRow as error:
        raise ShortlistError(error.sentence).at(sheet.where) from None
    # The likeliest class of a pixel without probabilities is -1.
    overlaps = compare_masks([masks], (-1,) if by_probabilities else ignored)
    return {
        score.name: differing if score.reads == "probabilities" else float(score.compute(overlaps)[0])
        for score in chosen
    }
