"""Label quality of semantic segmentation masks: of each mask, and of the regions in it that look wrong.

Two passes over the samples, neither of which holds more than one sample a thread::

    fit = MaskFit(n_classes)
    for given, planes in samples:
        fit.add(mask_statistics(given, planes))
    for given, planes in samples:
        found = mask_quality(given, planes, fit)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..scores.segmentation import Planes
from .mask_fit import MaskFit, key_of, mask_statistics
from .mask_issues import PixelIssues
from .mask_pixels import issues_from_scores, pixel_scores, softmin
from .mask_regions import MEASURES, Disagreements, disagreements
from .mask_view import FLOOR, View, depths_of, view_of

__all__ = [
    "Kind",
    "MaskFit",
    "MaskMethod",
    "MaskQuality",
    "PixelIssues",
    "SuspectRegion",
    "issues_from_scores",
    "mask_quality",
    "mask_statistics",
    "pixel_scores",
    "softmin",
    "worst_region",
]

MaskMethod = Literal["default", "worst_region", "softmin", "num_pixel_issues"]
Kind = Literal["missing", "spurious", "wrong_class", "bad_location"]

# Outlines are never drawn alike: so far from one, in shares of the diagonal, a difference says nothing.
_BAND = 0.01
# A region that is less than this of its object is a matter of the outline.
_WHOLE = 0.5


@dataclass(frozen=True)
class SuspectRegion:
    """One connected region where a mask differs from what the model predicts.

    Args:
        quality: in [0, 1], low = likely wrong
        kind: ``missing``: an object that is not in the mask; ``spurious``: one that should not be there; ``wrong_class``;
            ``bad_location``: the outline of an object is off
        given: the class that the mask has there
        suggested: the class that it should have
        box: (4,) float64 ``(x, y, width, height)`` relative to the image
        mask: (h, w) bool, fills the box
        share: the region's share of the image
    """

    quality: float
    kind: Kind
    given: int
    suggested: int
    box: NDArray[np.float64]
    mask: NDArray[np.bool_]
    share: float


@dataclass(frozen=True)
class MaskQuality:
    """What a mask is worth.

    Args:
        quality: in [0, 1], low = likely wrong; NaN where there is no pixel with a label and probabilities
        regions: those of a quality below the one asked for, worst first
    """

    quality: float
    regions: list[SuspectRegion]


def mask_quality(
    given: NDArray[np.integer], planes: Planes, fit: MaskFit, below: float = 0.5, held_out: bool = True
) -> MaskQuality:
    """How likely a mask is right: that of its worst region, by what this model normally gets wrong on this dataset.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: its probabilities, of any resolution
        fit: of the dataset
        below: regions of a lower quality are told
        held_out: whether the sample was added to the fit, so that only what was fitted without it may judge it

    Returns:
        its quality and regions: at 0.5 the worst region is as much like that of a label error as like a usual mistake of
        the model; where the dataset is too small for a fit, those of ``worst_region``

    Raises:
        ShortlistError: no mask of classes below K, or probabilities that are no distribution
    """
    view = view_of(given, planes)
    found = disagreements(view, view.given, fit.background)
    log_odds = fit.log_odds(found, key_of(view) if held_out else None)
    if log_odds is None:
        return worst_region(given, planes, fit.background, below)
    return _told(view, found, 1 / (1 + np.exp(np.clip(log_odds, -500, 500))), fit.background, below)


def worst_region(given: NDArray[np.integer], planes: Planes, background: int = 0, below: float = 0.99) -> MaskQuality:
    """How likely a mask is right by the region of one given and one predicted class with the most evidence against it.

    The evidence is the log-odds of the predicted class to the given one, summed over the region without a thin band along
    the outlines, where two people would not draw the same either. The quality is ``exp(-evidence / pixels of the image)``.

    Args:
        given: (h, w) int, the class of each pixel, -1 where it is ignored
        planes: its probabilities, of any resolution
        background: the class that stands for no object
        below: regions of a lower quality are told

    Raises:
        ShortlistError: no mask of classes below K, or probabilities that are no distribution
    """
    view = view_of(given, planes)
    found = disagreements(view, view.given, background)
    odds = np.log(np.maximum(view.best, FLOOR)) - np.log(np.maximum(view.of(view.given), FLOOR))
    inside = (found.labels >= 0) & (np.minimum(depths_of(view.given), view.depths) > _BAND)
    evidence = np.bincount(found.labels[inside], weights=odds[inside], minlength=len(found.areas))
    n_known = max(1, int(np.count_nonzero(view.given >= 0)))
    return _told(view, found, np.exp(-evidence / n_known), background, below)


def _told(
    view: View, found: Disagreements, qualities: NDArray[np.float64], background: int, below: float
) -> MaskQuality:
    if not (view.given >= 0).any():
        return MaskQuality(float("nan"), [])
    order = np.argsort(qualities, kind="stable")
    regions = [_region(view, found, index, float(qualities[index]), background) for index in order]
    return MaskQuality(float(qualities.min(initial=1.0)), [one for one in regions if one.quality < below])


def _region(view: View, found: Disagreements, index: int, quality: float, background: int) -> SuspectRegion:
    """What there is to say of a region."""
    area = found.labels == index
    rows, columns = np.flatnonzero(area.any(axis=1)), np.flatnonzero(area.any(axis=0))
    top, left, bottom, right = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    height, width = area.shape
    given, predicted = int(found.given[index]), int(found.predicted[index])
    return SuspectRegion(
        quality,
        _kind(found, index, background),
        given,
        predicted,
        np.array([left / width, top / height, (right - left) / width, (bottom - top) / height]),
        area[top:bottom, left:right],
        float(found.areas[index] / area.size),
    )


def _kind(found: Disagreements, index: int, background: int) -> Kind:
    """By what stands for no object, and by whether the region is most of its object."""
    of_predicted, of_given = (
        found.measures[index, MEASURES.index(f"share of the {one} part")] >= _WHOLE for one in ("predicted", "given")
    )
    if found.given[index] == background:
        return "missing" if of_predicted else "bad_location"
    if found.predicted[index] == background:
        return "spurious" if of_given else "bad_location"
    return "wrong_class" if of_given or of_predicted else "bad_location"
