"""What the noise channel is learned from, gathered batch by batch in bounded memory, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Log odds of the most probable class, in steps fine enough to rank by and few enough to count in.
_STEPS, _FURTHEST = 64, 16
_BINS = 2 * _STEPS * _FURTHEST + 1
# Compacting costs a sort; what waits for it stays below this many or below what is there already.
_WAITING = 200_000
#: the share of a class's predictions that count as its surest, and of those that count as the next
BAND = 0.25
_SAMPLE_VALUES = 500_000
_SAMPLE_ROWS = 5_000


class Confusions:
    """Counts of predicted class, given class and how sure the prediction was.

    Args:
        n_classes: K
        parts: how many of its kind share the memory of one
    """

    def __init__(self, n_classes: int, parts: int = 1):
        self._n_classes = n_classes
        self._patience = _WAITING // parts
        self._keys = np.zeros(0, np.int64)
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[NDArray[np.int64]] = []
        self._n_waiting = 0
        self.n_rows = 0

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Counts rows that all have probabilities and a label.

        Args:
            probabilities: (n, K) float
            labels: (n,) int in [0, K)
        """
        if not len(labels):
            return
        predicted = probabilities.argmax(axis=1)
        best = np.clip(probabilities[np.arange(len(labels)), predicted].astype(np.float64), 1e-7, 1 - 1e-7)
        sure = np.clip(np.log(best / (1 - best)), -_FURTHEST, _FURTHEST)
        bins = np.rint((sure + _FURTHEST) * _STEPS).astype(np.int64)
        self._waiting.append((predicted * self._n_classes + labels) * _BINS + bins)
        self._n_waiting += len(labels)
        self.n_rows += len(labels)
        if self._n_waiting > max(self._patience, len(self._keys)):
            self._compact()

    def bands(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How often each label was given to the surest predictions of each class, and to the next.

        Returns:
            (K, K) and (K, K) float, ``[given, predicted]``; rows at the edge of a band count in part
        """
        self._compact()
        pair, bins = np.divmod(self._keys, _BINS)
        predicted, given = np.divmod(pair, self._n_classes)
        # The surest first, class by class.
        place = predicted * _BINS + (_BINS - 1 - bins)
        places, where = np.unique(place, return_inverse=True)
        sizes = np.bincount(where, self._counts)
        owner = places // _BINS
        totals = np.bincount(owner, sizes, self._n_classes)
        before = np.cumsum(sizes) - sizes - (np.cumsum(totals) - totals)[owner]
        found = []
        for band in range(2):
            low, high = BAND * band * totals[owner], BAND * (band + 1) * totals[owner]
            share = np.clip(np.minimum(before + sizes, high) - np.maximum(before, low), 0, None) / sizes
            pairs = given * self._n_classes + predicted
            flat = np.bincount(pairs, self._counts * share[where], minlength=self._n_classes**2).astype(np.float64)
            found.append(flat.reshape(self._n_classes, self._n_classes))
        return found[0], found[1]

    def _compact(self) -> None:
        if not self._waiting:
            return
        fresh = np.concatenate(self._waiting)
        keys, where = np.unique(np.concatenate([self._keys, fresh]), return_inverse=True)
        counts = np.concatenate([self._counts, np.ones(len(fresh), np.int64)])
        self._counts = np.bincount(where, counts, len(keys)).astype(np.int64)
        self._keys, self._waiting, self._n_waiting = keys, [], 0


class Sample:
    """Some of the rows, chosen by what is in them, so that the order in which they come changes nothing.

    Args:
        n_classes: K
        parts: how many of its kind share the memory of one
    """

    def __init__(self, n_classes: int, parts: int = 1):
        self._size = max(_SAMPLE_ROWS, _SAMPLE_VALUES // (n_classes * parts))
        mixers = np.random.default_rng(0).integers(1, 2**62, n_classes + 1, dtype=np.uint64)
        self._mixers = 2 * mixers + np.uint64(1)
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.int64]]] = []
        self._n_rows = 0
        self._edge = np.uint64(2**64 - 1)

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> None:
        """Chooses among rows that all have probabilities and a label.

        Args:
            probabilities: (n, K) float
            labels: (n,) int in [0, K)
        """
        rows = np.ascontiguousarray(probabilities, np.float32)
        marks = self._marks(rows, labels)
        keep = marks <= self._edge
        if not keep.any():
            return
        self._parts.append((marks[keep], rows[keep], labels[keep]))
        self._n_rows += int(keep.sum())
        if self._n_rows > 2 * self._size:
            self._compact()

    def rows(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(m, K) probabilities and (m,) labels, in an order of their own."""
        if not self._parts:
            return np.zeros((0, len(self._mixers) - 1), np.float32), np.zeros(0, np.int64)
        self._compact()
        return self._parts[0][1:]

    def _compact(self) -> None:
        marks, rows, labels = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.argsort(marks, kind="stable")[: self._size]
        self._parts = [(marks[order], rows[order], labels[order])]
        self._n_rows = len(order)
        if len(order) == self._size:
            self._edge = marks[order[-1]]

    def _marks(self, rows: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A number a row that looks drawn, the same for equal rows."""
        bits = rows.view(np.uint32).astype(np.uint64)
        marks = (bits * self._mixers[:-1]).sum(axis=1, dtype=np.uint64) + labels.astype(np.uint64) * self._mixers[-1]
        marks ^= marks >> np.uint64(31)
        marks *= np.uint64(0xBF58476D1CE4E5B9)
        return marks ^ (marks >> np.uint64(29))
