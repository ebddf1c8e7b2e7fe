"""Collecting how much of each class or category every row holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..core.selection.values import Amounts


class Tally:
    """Amounts by row and name, as they come.

    Args:
        size: how many rows there are
        names: those known from the start, in their order; further ones follow, sorted
    """

    def __init__(self, size: int, names: Sequence[str] = ()):
        self._size, self._known = size, len(names)
        self.index = {name: place for place, name in enumerate(names)}
        self._rows: list[NDArray[np.int64]] = []
        self._columns: list[NDArray[np.int64]] = []
        self._amounts: list[NDArray[np.float64]] = []

    def add(self, rows: NDArray[np.int64], names: Iterable[str]) -> None:
        """One more of a name for each row."""
        index = self.index
        columns = np.fromiter((index.setdefault(name, len(index)) for name in names), np.int64, len(rows))
        self.add_columns(rows, columns, np.ones(len(rows)))

    def add_columns(self, rows: NDArray[np.int64], columns: NDArray[np.int64], amounts: NDArray[np.float64]) -> None:
        """Amounts of names by their places in ``index``; several of one row and name add up."""
        self._rows.append(rows)
        self._columns.append(columns)
        self._amounts.append(amounts)

    def amounts(self, only: Sequence[str] | None = None) -> Amounts:
        """All of it, or of some names only."""
        later = sorted(list(self.index)[self._known :])
        names = [*list(self.index)[: self._known], *later]
        place = {name: column for column, name in enumerate(names)}
        order = np.array([place[name] for name in self.index], np.int64)
        rows, columns = _joined(self._rows, np.int64), _joined(self._columns, np.int64)
        matrix = sparse.coo_array(
            (_joined(self._amounts, np.float64), (rows, order[columns])), shape=(self._size, len(names))
        ).tocsr()
        matrix.sum_duplicates()
        if only is not None:
            names = list(dict.fromkeys(only))
            matrix = matrix[:, [place[name] for name in names]]
        return Amounts(tuple(names), sparse.csr_array(matrix))


def _joined(parts: list[NDArray], dtype: type) -> NDArray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
