"""Which pixels of a dataset confident learning flags, counted without holding the dataset."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import must_be
from ..scores.segmentation import Planes
from .mask_pixels import Band, bands_of, own_of
from .mask_view import checked

# Of the upper, then of the lower half of a float's bits: two passes find any order statistic exactly.
_BINS = 2**16


class PixelIssues:
    """Which pixels of a dataset confident learning flags, found in three passes over its samples, in any order.

    A pixel is confidently of a class if its probability is at least the mean that pixels with this label have. As many
    pixels are flagged as are confidently of another class, most probable one than their label: those whose labels have the
    least probabilities, without those whose label is the most probable class after all. ::

        issues = PixelIssues(n_classes)
        for _ in range(PixelIssues.PASSES):
            for given, planes in samples:
                issues.add(issues.gathered(given, planes))
            issues.advance()
        qualities = [issues.quality(given, planes) for given, planes in samples]

    Pixels that tie at the cut are flagged in part, each by the share that remains for them; cleanlab flags those that its
    sort happens to leave first.

    Args:
        n_classes: K
        downsample: sides of the blocks whose mean probabilities and mean label ids, rounded, are judged as one pixel

    Source: Northcutt et al., Confident Learning (2021); cleanlab.segmentation.filter.find_label_issues.
    """

    PASSES = 3

    def __init__(self, n_classes: int, downsample: int = 1):
        if downsample < 1:
            raise must_be("downsample", "at least 1", downsample)
        self.n_classes, self.downsample = n_classes, downsample
        #: (K,) the mean probability of each class's own pixels; before the second pass there is none
        self.thresholds: NDArray[np.float64] | None = None
        #: pixels flagged at most, and the probability of the last of them
        self.n_issues, self.cut = 0, -1.0
        #: of the pixels exactly at the cut, the share that is flagged
        self.share = 0.0
        self._pass, self._upper, self._below = 0, -1, 0
        self._histogram = np.zeros(_BINS)
        self._sums: NDArray[np.float64] | None = None

    def gathered(self, given: NDArray[np.integer], planes: Planes) -> NDArray[np.float64]:
        """What a sample adds to the pass under way; may be called from several threads.

        Raises:
            ShortlistError: no mask of classes below K, or sides that are no multiple of ``downsample``
            BadRow: probabilities that are no distribution
        """
        given = self._checked(given, planes)
        bands = self._bands(given, planes)
        found = np.zeros(2 * self.n_classes + _BINS if self._pass == 0 else 1 if self._pass == 1 else _BINS)
        for labels, probabilities in (self._small(*band) for band in bands):
            if self._pass == 1:
                found[0] += self._n_confident(labels, probabilities)
                continue
            own = own_of(labels, probabilities)
            bits = own[~np.isnan(own)].view(np.uint32)
            if self._pass == 0:
                found += np.concatenate([self._by_class(labels, own), np.bincount(bits >> 16, minlength=_BINS)])
            else:
                found += np.bincount(bits[bits >> 16 == self._upper] & 0xFFFF, minlength=_BINS)
        return found

    def add(self, gathered: NDArray[np.float64]) -> None:
        """Adds what was gathered of a sample."""
        self._sums = gathered if self._sums is None else self._sums + gathered

    def advance(self) -> None:
        """Ends a pass."""
        sums, self._sums, self._pass = self._sums, None, self._pass + 1
        if sums is None:
            return
        if self._pass == 1:
            totals, counts = sums[: 2 * self.n_classes].reshape(2, -1)
            # As cleanlab: a class without pixels has next to no threshold.
            self.thresholds = np.maximum(totals / np.maximum(counts, 1), 2e-6)
            self._histogram = sums[2 * self.n_classes :]
        elif self._pass == 2:
            self.n_issues = int(sums[0])
            self._upper = self._reached(self._histogram)
        elif self.n_issues:
            place = self._reached(sums)
            # The bits of a float that is not negative are in its order.
            self.cut = float(np.array([(self._upper << 16) | place], np.uint32).view(np.float32)[0])
            self.share = (self.n_issues - self._below) / float(sums[place])

    def _reached(self, counts: NDArray[np.float64]) -> int:
        """The bin with the last pixel that is flagged; those below it are counted."""
        reached = np.cumsum(counts) + self._below
        place = int(np.searchsorted(reached, self.n_issues))
        self._below = int(reached[place] - counts[place])
        return place

    def quality(self, given: NDArray[np.integer], planes: Planes) -> float:
        """1 - the share of a sample's pixels that are flagged; NaN where all are ignored.

        Raises:
            ShortlistError: as ``gathered``
            BadRow: as ``gathered``
        """
        given = self._checked(given, planes)
        flagged, n_known = 0.0, 0
        for labels, probabilities in self._bands(given, planes):
            n_known += int(np.count_nonzero((labels >= 0) & ~np.isnan(probabilities[0])))
            own = own_of(*self._small(labels, probabilities))
            weights = (own < np.float32(self.cut)) + self.share * (own == np.float32(self.cut))
            if weights.any():
                weights = weights.repeat(self.downsample, axis=0).repeat(self.downsample, axis=1)
                places = (weights > 0) & (labels >= 0) & ~np.isnan(probabilities[0])
                wrong = probabilities[:, places].argmax(axis=0) != labels[places]
                flagged += float(weights[places] @ wrong)
        return 1 - flagged / n_known if n_known else float("nan")

    def _checked(self, given: NDArray[np.integer], planes: Planes) -> NDArray[np.integer]:
        given = checked(given, planes)
        if any(side % self.downsample for side in given.shape):
            shape = " x ".join(map(str, given.shape))
            raise must_be("downsample", f"a divisor of the sides of the probabilities, {shape}", self.downsample)
        return given

    def _bands(self, given: NDArray[np.integer], planes: Planes) -> Iterator[Band]:
        return bands_of(given, planes, self.downsample, is_new=self._pass == 0)

    def _small(self, labels: NDArray[np.integer], probabilities: NDArray[np.float32]) -> Band:
        """The means of blocks: of label ids too, which is what cleanlab does."""
        size = self.downsample
        if size == 1:
            return labels, probabilities
        (height, width), n_classes = labels.shape, len(probabilities)
        blocks = labels.reshape(height // size, size, width // size, size)
        counts = np.count_nonzero(blocks >= 0, axis=(1, 3))
        means = np.round(np.where(blocks >= 0, blocks, 0).sum(axis=(1, 3)) / np.maximum(counts, 1))
        parts = probabilities.reshape(n_classes, height // size, size, width // size, size).mean(axis=(4, 2))
        parts /= parts.sum(axis=0)
        return np.where(counts > 0, means, -1).astype(np.int64), parts

    def _by_class(self, labels: NDArray[np.integer], own: NDArray[np.float32]) -> NDArray[np.float64]:
        """(2 K,) the sum of the probabilities of each label, then its pixels."""
        known = ~np.isnan(own)
        sums = np.bincount(labels[known], weights=own[known], minlength=self.n_classes)
        return np.concatenate([sums, np.bincount(labels[known], minlength=self.n_classes)])

    def _n_confident(self, labels: NDArray[np.integer], probabilities: NDArray[np.float32]) -> int:
        """How many pixels are confidently of another class than their label."""
        assert self.thresholds is not None
        best, classes = probabilities[0].copy(), np.zeros(labels.shape, np.int16)
        for index in range(1, self.n_classes):
            better = (probabilities[index] > best).view(np.int8)
            np.maximum(classes, better * np.int16(index), out=classes)
            np.maximum(best, probabilities[index], out=best)
        limits = (self.thresholds - 1e-6)[classes]
        return int(np.count_nonzero((classes != labels) & (labels >= 0) & (best >= limits)))
