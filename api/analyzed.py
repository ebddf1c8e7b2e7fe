"""What is analyzed: a selection, a tag or a saved view, with what it was chosen from and what was there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.schema import parse
from ..core.selection.config import SelectionConfig
from ..dataset import selections
from ..dataset.analyses import fingerprint_of
from ..dataset.rows import Rows
from ..dataset.samples import Samples, dataset_of, ids_of
from ..dataset.sets import resolved


@dataclass(frozen=True)
class Subject:
    """What is analyzed.

    Args:
        name: the selection, tag or saved view
        kind: which of these it is
        rows: the samples of all sets
        input: (n,) bool, what could be selected; what is selected included
        selected: (n,) bool
        datapool: (n,) bool, what counts as there already
        datapool_name: the tag, view or selection that it is, or several
        fingerprint: of all that is selected, by which a change is seen
        record: of a selection
        config: of a selection
        notes: what is no longer as it was, and what was left out
    """

    name: str
    kind: Literal["selection", "tag", "view"]
    rows: Rows
    input: NDArray[np.bool_]
    selected: NDArray[np.bool_]
    datapool: NDArray[np.bool_]
    datapool_name: str | None
    fingerprint: str
    record: selections.Record | None
    config: SelectionConfig | None
    notes: list[str]


def subject_of(samples: Samples, name: str, datapool: str | None = None, where: str = "run_key") -> Subject:
    """The sets that an analysis compares.

    A selection is compared with what it was made from, as that is now, less what was added since; a tag or a saved view with
    the samples given.

    Args:
        samples: a dataset or a view of its samples
        name: a selection, a tag or a saved view
        datapool: what counts as there already; nothing given: the preselected samples of the selection's config
        where: the parameter that names it, for errors

    Raises:
        ShortlistError: none has the name, a view of patches, or no samples
    """
    dataset = dataset_of(samples)
    found = _Found(dataset, flat(resolved(dataset, name, where)), name, where)
    picks = ids_of(found.view)
    if not len(picks):
        what = f"{where} must name" if found.record is None else f"the selection {name!r} must have"
        raise ShortlistError(f"{what} at least one sample. Got {name!r}, which holds none, instead.")
    fingerprint = fingerprint_of(picks)
    origin = flat(found.origin(samples))
    own = ids_of(origin)
    picks = found.of_the_slice(picks, samples)
    earlier = found.earlier(datapool)
    held_by = {name: (view, ids_of(view)) for name, view in earlier.items()}
    there = np.unique(np.concatenate([np.zeros(0, "S24"), *(ids for _, ids in held_by.values())]))
    own = found.less_what_came_after(own, picks)
    input = found.among_candidates(own)
    views = _views([(origin, own), (found.view, picks), *held_by.values()])
    rows = Rows(np.unique(np.concatenate([own, picks, there])), views)
    selected, held = rows.mask(picks), rows.mask(there)
    held &= ~selected
    candidates = (rows.mask(input) & ~held) | selected
    if not (candidates & ~selected).any():
        found.notes.append(
            "everything that could be selected is selected, so random selections are the same: give a wider view of samples"
        )
    return Subject(
        name,
        found.kind,
        rows,
        candidates,
        selected,
        held,
        ", ".join(earlier) or None,
        fingerprint,
        found.record,
        found.config,
        found.notes,
    )


def flat(samples: Samples) -> Samples:
    """Samples themselves, where a view shows them in groups made by a field."""
    return samples.flatten() if samples._is_dynamic_groups else samples


def _views(parts: list[tuple[Samples, NDArray[np.bytes_]]]) -> list[Samples]:
    """The views that are needed to read all samples: none whose samples others have."""
    kept: list[Samples] = []
    known = np.zeros(0, "S24")
    for view, ids in parts:
        if not kept or not np.isin(ids, known).all():
            kept.append(view)
            known = np.union1d(known, ids)
    return kept


class _Found:
    """A selection, a tag or a saved view, and what it says of itself.

    Args:
        dataset: where it is
        view: its samples
        name: its name
        where: the parameter that names it
    """

    def __init__(self, dataset: fo.Dataset, view: Samples, name: str, where: str):
        self.dataset, self.view, self.name, self.where = dataset, view, name, where
        self.notes: list[str] = []
        self.record = selections.record_of(dataset, name) if name in selections.selection_keys(dataset) else None
        self.config = parse(SelectionConfig, self.record.config) if self.record is not None else None

    @property
    def kind(self) -> Literal["selection", "tag", "view"]:
        """Which of these it is; see ``resolved``."""
        if self.record is not None:
            return "selection"
        return "view" if self.dataset.has_saved_view(self.name) else "tag"

    def origin(self, samples: Samples) -> Samples:
        """What it was chosen from: the view that is kept with a selection, else the samples given."""
        if self.record is None:
            return samples
        if self.record.facts.get("view_is_kept", False):
            return selections.candidates_of(self.dataset, self.name)
        self.notes.append("the view that the selection was made from was not kept: the samples given stand for it")
        return samples

    def of_the_slice(self, picks: NDArray[np.bytes_], samples: Samples) -> NDArray[np.bytes_]:
        """What is selected; of a tag or view of a grouped dataset what is in the slice of the samples given.

        Raises:
            ShortlistError: nothing is
        """
        if self.record is not None:
            if len(picks) < self.record.n_samples:
                self.notes.append(
                    f"{self.record.n_samples - len(picks)} of {self.record.n_samples} picks were deleted since"
                )
            return picks
        if samples.media_type != "group":
            return picks
        inside = picks[np.isin(picks, ids_of(self.dataset.select_group_slices(samples.group_slice)))]
        if not len(inside):
            raise must_be(
                self.where, f"a tag or view of samples of the slice {samples.group_slice!r}", self.name,
                "Give a view of the slice that it is of.",
            )  # fmt: skip
        if len(inside) < len(picks):
            self.notes.append(
                f"{len(picks) - len(inside)} samples of other slices than {samples.group_slice!r} are left out"
            )
        return inside

    def earlier(self, datapool: str | None) -> dict[str, Samples]:
        """What counts as there already, by name: what is asked for, or as far as it is still there, what the config says.

        Raises:
            ShortlistError: no set of samples has the name that is asked for
        """
        if datapool is not None:
            return {datapool: flat(resolved(self.dataset, datapool, "datapool"))}
        names = (self.config.preselected if self.config is not None else None) or []
        without = "it" if len(names) > 1 else "a datapool"
        found = {name: self._still_there("preselected", name, f"analyzed without {without}") for name in names}
        return {name: view for name, view in found.items() if view is not None}

    def among_candidates(self, own: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
        """Of what it was chosen from, what the config lets be chosen."""
        name = self.config.candidates if self.config is not None else None
        instead = "all samples of the view that it was made from count as candidates"
        among = None if name is None else self._still_there("candidates", name, instead)
        return own if among is None else own[np.isin(own, ids_of(among))]

    def _still_there(self, where: str, name: str, instead: str) -> Samples | None:
        """A set of samples that the config names, if it is still there."""
        try:
            return flat(resolved(self.dataset, name, where))
        except ShortlistError:
            self.notes.append(f"{where} {name!r} of the selection's config is no longer there: {instead}")
            return None

    def less_what_came_after(self, own: NDArray[np.bytes_], picks: NDArray[np.bytes_]) -> NDArray[np.bytes_]:
        """The samples that were there when a selection was made.

        Samples that were imported anew are all younger than the selection, which tells nothing.
        """
        if self.record is None or selections.came_after(picks, self.record).any():
            return own
        later = selections.came_after(own, self.record)
        if later.any():
            self.notes.append(f"{int(later.sum())} samples came after the selection was made and do not count")
        return own[~later]
