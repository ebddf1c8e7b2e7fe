"""Finding the duplicates among measured images: the second look at files that it takes, and the flags that follow."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress
from ..core.scores.duplicates import groups_of_equals, groups_of_hashes, groups_of_vectors, pixel_key, possibly_equal
from ..core.selection.inputs import Embeddings
from ..core.verbs import ScoreImages
from ..dataset import image_quality, images
from ..dataset.arrays import Unreadable
from ..dataset.input_vectors import read_vectors
from ..dataset.rows import Rows
from ..dataset.samples import Samples, as_ids
from .measuring import Table


@dataclass(frozen=True)
class Duplicates:
    """The duplicates among n images.

    Args:
        leaders: (n,) the row of the first of each one's group; its own where it is alone
        groups: (n,) the number of each one's group from 1; 0 where it is alone
        flags: (n,) which are exact or near duplicates of their leader, where it was asked for
    """

    leaders: NDArray[np.int64]
    groups: NDArray[np.int64]
    flags: dict[str, NDArray[np.bool_]]


def find(samples: Samples, table: Table, given: ScoreImages, flags: Sequence[str], progress: Progress) -> Duplicates:
    """Groups of duplicates, each led by its largest, then oldest image.

    Args:
        samples: the samples
        table: what was measured of them
        given: the distances
        flags: which were asked for
        progress: told how far it is
    """
    n = len(table.ids)
    alone = np.arange(n)
    if not {"exact_duplicate", "near_duplicate"} & set(flags):
        return Duplicates(alone, np.zeros(n, np.int64), {})
    pixels = np.nan_to_num(table.values["width"] * table.values["height"])
    order = np.lexsort([as_ids(table.ids), -pixels])
    exact = _exact(samples, table, order, progress) if "exact_duplicate" in flags else alone
    near = _near(samples, table, exact == alone, order, given, progress) if "near_duplicate" in flags else alone
    # Equal images go where the first of them goes.
    leaders = near[exact]
    marked = {"exact_duplicate": exact != alone, "near_duplicate": (leaders != alone) & (exact == alone)}
    return Duplicates(leaders, _numbered(leaders, order), {name: marked[name] for name in marked if name in flags})


def _numbered(leaders: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) a number from 1 for each group of several, in the order of their leaders; 0 for what is alone."""
    n = len(leaders)
    leads = np.bincount(leaders, minlength=n) > 1
    numbers = np.zeros(n, np.int64)
    numbers[order[leads[order]]] = np.arange(1, leads.sum() + 1)
    return numbers[leaders]


def _ordered(groups: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Leaders by row, from leaders by place in the order."""
    leaders = np.empty(len(order), np.int64)
    leaders[order] = order[groups]
    return leaders


def _exact(samples: Samples, table: Table, order: NDArray[np.int64], progress: Progress) -> NDArray[np.int64]:
    """Groups of equal pixels. Only images that may have a twin are decoded whole."""
    rows = np.flatnonzero(table.read)
    sizes = np.column_stack([table.values["width"], table.values["height"]])[rows].astype(np.int64)
    prints, reduced = table.fingerprints[rows], table.reduced[rows]
    rows = rows[possibly_equal(prints, sizes, reduced, table.hashes[rows], table.hashed[rows])]
    places = {table.ids[row]: int(row) for row in rows}
    keys: list[bytes | None] = [None] * len(table.ids)
    files = image_quality.paths_of(samples, list(places))
    with closing(images.in_threads(lambda one: (one[0], _key(one[1])), files)) as found:
        for done, (sample_id, key) in enumerate(found, start=1):
            keys[places[sample_id]] = key
            progress(done, len(places), "comparing images")
    return _ordered(groups_of_equals([keys[row] for row in order]), order)


def _key(path: str) -> bytes | None:
    """What equal images have in common; None for one that cannot be read any more."""
    try:
        return pixel_key(images.decoded(images.read_bytes(path)))
    except Unreadable:
        return None


def _near(
    samples: Samples,
    table: Table,
    firsts: NDArray[np.bool_],
    order: NDArray[np.int64],
    given: ScoreImages,
    progress: Progress,
) -> NDArray[np.int64]:
    """Groups of nearly equal images, by perceptual hashes or by embeddings, without the copies of equal ones."""
    if given.embeddings is None:
        present = (table.hashed & firsts)[order]
        return _ordered(groups_of_hashes(table.hashes[order], present, given.near_duplicate_distance, progress), order)
    ids = as_ids(table.ids)
    by_id = np.argsort(ids)
    rows = Rows(ids[by_id], [samples])
    vectors, present = read_vectors(Embeddings(type="EMBEDDINGS", field=given.embeddings), rows, progress)
    places = np.argsort(by_id)[order]
    groups = groups_of_vectors(
        vectors[places], present[places] & (table.read & firsts)[order], given.embedding_distance, progress
    )
    return _ordered(groups, order)
