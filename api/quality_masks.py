"""Label quality of semantic segmentation masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.parallel import mapped
from ..core.quality.masks import (
    MaskFit,
    MaskQuality,
    PixelIssues,
    SuspectRegion,
    mask_quality,
    mask_statistics,
    softmin,
    worst_region,
)
from ..core.scores.segmentation import Planes
from ..dataset import label_issues
from ..dataset.arrays import Unreadable
from ..dataset.given_masks import MaskReader, MaskRow
from .quality_tally import Work

_Found = TypeVar("_Found")
# Below which quality a mask, or a region of it, is an issue; that of default is a probability.
_THRESHOLDS = {"default": 0.5, "worst_region": 0.95, "softmin": 0.1, "num_pixel_issues": 0.9}
# A mask of which the model says nearly every pixel.
_REPEATED = 0.99
_WRITTEN = 50


@dataclass(frozen=True)
class _Scored:
    """What is told of a mask.

    Args:
        found: its quality and regions
        classes: (c,) int, the classes that are given in it
    """

    found: MaskQuality
    classes: NDArray[np.integer]


def score_masks(work: Work) -> dict[str, Any]:
    """Learns what the model normally gets wrong, then scores each mask and the regions in it."""
    reader = MaskReader(work.samples, work.pair, work.given.class_names)
    if work.pair.holds != "probabilities":
        work.tally.notes.append(
            f"{work.pair.predicted.path!r} has masks of classes only, no probabilities: default and num_pixel_issues judge by "
            f"which classes are taken for which; softmin and worst_region only by how many pixels differ"
        )
    passes = _Passes(work, reader)
    threshold = work.given.threshold
    threshold = _THRESHOLDS[work.method] if threshold is None else threshold
    score, facts = _METHODS[work.method](passes, reader.background, threshold)
    pending: list[tuple[MaskRow, MaskQuality | None]] = []
    for row, scored, problem in passes.read(lambda given, planes: _Scored(score(given, planes), np.unique(given))):
        if problem is not None:
            work.tally.unscoreable[problem] += 1
        if scored is not None:
            _count(work, reader, scored, threshold)
        pending.append((row, None if scored is None else scored.found))
        if len(pending) == _WRITTEN:
            _write(work, reader, pending, threshold)
            pending = []
    _write(work, reader, pending, threshold)
    if reader.strange:
        work.tally.notes.append(
            f"{len(reader.strange)} masks of {work.pair.given.path!r} have values that are no class, such as "
            f"{next(iter(reader.strange.values()))}: these pixels do not count"
        )
    return {"threshold": threshold, **facts()}


class _Passes:
    """Reads the masks of all samples, as often as a method needs to.

    Args:
        work: the work
        reader: reads them
    """

    def __init__(self, work: Work, reader: MaskReader):
        self.work, self.reader = work, reader
        self._total, self._done = len(work.samples), 0

    def read(
        self, look: Callable[[NDArray[np.integer], Planes], _Found]
    ) -> Iterator[tuple[MaskRow, _Found | None, str | None]]:
        """Looks at every mask; where one of the two is not there or cannot be read, at nothing, with the reason."""

        def looked(row: MaskRow) -> tuple[MaskRow, _Found | None, str | None]:
            if not (row.is_given and row.is_predicted):
                return row, None, None
            try:
                with row.open() as (given, planes):
                    return row, look(given, planes), None
            except Unreadable as problem:
                return row, None, problem.reason

        label = f"comparing {self.work.pair.given.path} with {self.work.pair.predicted.path}"
        # How many passes there will be is not known; each begins where the one before it ended.
        self._total = max(self._total, self._done + len(self.work.samples))
        for found in mapped(looked, self.reader.rows()):
            yield found
            self._done += 1
            self.work.progress(self._done, self._total, label)

    def expect(self, more: int) -> None:
        """Says how many passes are still to come, for the progress."""
        self._total = self._done + more * len(self.work.samples)


_Score = Callable[[NDArray[np.integer], Planes], MaskQuality]
_Method = tuple[_Score, Callable[[], dict[str, Any]]]


def _by_fit(passes: _Passes, background: int, threshold: float) -> _Method:
    """What is wrong beyond what this model usually gets wrong on this dataset."""
    passes.expect(2)
    fit: MaskFit | None = None
    for _, found, _ in passes.read(lambda given, planes: (mask_statistics(given, planes, background), planes.shape[0])):
        if found is not None:
            fit = fit or MaskFit(found[1], background)
            fit.add(found[0])
            passes.work.tally.agreement.add(*_repeated(found[0].confusion))
    if fit is None:
        return _nothing, dict
    fitted = fit
    return (
        lambda given, planes: mask_quality(given, planes, fitted, threshold),
        lambda: {"calibration": fitted.to_json()},
    )


def _repeated(confusion: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a model says nearly every pixel as it is given."""
    same = float(confusion[confusion[:, 0] == confusion[:, 1], 2].sum())
    repeated = np.array([same >= _REPEATED])
    return repeated, repeated


def _nothing(given: NDArray[np.integer], planes: Planes) -> MaskQuality:
    return MaskQuality(float("nan"), [])


def _by_region(passes: _Passes, background: int, threshold: float) -> _Method:
    """The region with the most evidence against it."""
    return lambda given, planes: worst_region(given, planes, background, threshold), dict


def _by_softmin(passes: _Passes, background: int, threshold: float) -> _Method:
    """The probabilities of the given classes, the least counting most."""

    def score(given: NDArray[np.integer], planes: Planes) -> MaskQuality:
        return _with_regions(softmin(given, planes), given, planes, background, threshold)

    return score, dict


def _by_pixels(passes: _Passes, background: int, threshold: float) -> _Method:
    """The share of pixels that confident learning takes for issues."""
    passes.expect(PixelIssues.PASSES + 1)
    issues: PixelIssues | None = None
    for _ in range(PixelIssues.PASSES):
        # The classes are known when the first mask is open.
        for _, found, _ in passes.read(partial(_gathered, issues)):
            if found is not None:
                issues = issues or PixelIssues(found[1])
                issues.add(found[0])
        if issues is None:
            return _nothing, dict
        issues.advance()
    assert issues is not None
    counted = issues

    def score(given: NDArray[np.integer], planes: Planes) -> MaskQuality:
        return _with_regions(counted.quality(given, planes), given, planes, background, threshold)

    return score, dict


def _gathered(
    issues: PixelIssues | None, given: NDArray[np.integer], planes: Planes
) -> tuple[NDArray[np.float64], int]:
    """What a mask adds to the pass under way, and how many classes it has."""
    n_classes = planes.shape[0]
    return (issues or PixelIssues(n_classes)).gathered(given, planes), n_classes


def _with_regions(
    quality: float, given: NDArray[np.integer], planes: Planes, background: int, threshold: float
) -> MaskQuality:
    """A quality of the mask as a whole, with the regions that speak most against it where it is an issue."""
    if not quality < threshold:
        return MaskQuality(quality, [])
    return MaskQuality(quality, worst_region(given, planes, background).regions)


_METHODS: dict[str, Callable[[_Passes, int, float], _Method]] = {
    "default": _by_fit,
    "worst_region": _by_region,
    "softmin": _by_softmin,
    "num_pixel_issues": _by_pixels,
}


def _kind(found: MaskQuality | None, threshold: float) -> str | None:
    """What is wrong with a mask; None where nothing is."""
    if found is None or not found.quality < threshold:
        return None
    return found.regions[0].kind if found.regions else "wrong_class"


def _count(work: Work, reader: MaskReader, scored: _Scored, threshold: float) -> None:
    """Counts what was found in a mask."""
    tally, found = work.tally, scored.found
    if np.isnan(found.quality):
        tally.unscoreable["masks without a pixel that has both a class and probabilities"] += 1
        return
    tally.labels += 1
    tally.given.update(reader.name(place) for place in scored.classes.tolist() if place >= 0)
    kind = _kind(found, threshold)
    if kind is None:
        return
    # Classes are counted a mask, as their labels are.
    tally.issues.update({reader.name(region.given) for region in found.regions})
    tally.kinds.update(str(region.kind) for region in found.regions)
    tally.kinds[kind] += not found.regions
    tally.confusions.update((reader.name(one.given), reader.name(one.suggested)) for one in found.regions)


def _write(work: Work, reader: MaskReader, pending: list[tuple[MaskRow, MaskQuality | None]], threshold: float) -> None:
    """Collects what was found in some masks."""
    if not pending:
        return
    ids = [row.id for row, _ in pending]
    quality = np.array([np.nan if found is None else found.quality for _, found in pending])
    kinds = [_kind(found, threshold) for _, found in pending]
    suggestions = [
        None
        if found is None or np.isnan(found.quality)
        else label_issues.detections([_region(reader, one) for one in found.regions] if kind else [])
        for (_, found), kind in zip(pending, kinds, strict=True)
    ]
    work.writer.add(ids, [quality, kinds, suggestions])
    is_given = np.array([row.is_given for row, _ in pending])
    work.tally.add_absent(is_given, np.array([row.is_predicted for row, _ in pending]))
    work.tally.add_samples(quality, kinds)


def _region(reader: MaskReader, one: SuspectRegion) -> Any:
    """A region as an object to look at."""
    label, given = reader.name(one.suggested), reader.name(one.given)
    return label_issues.suggestion(label, one.box, one.kind, one.quality, given, one.mask)
