"""The sets that an analysis compares, as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .report import RandomName, SetName

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Sets:
    """Which rows belong to which set.

    Args:
        input: (m,) sorted rows that could be selected, those selected included
        selected: (k,) sorted rows, all of them in the input
        datapool: (l,) sorted rows that count as there already, none of them selected
        random: of each draw, (k,) sorted rows drawn from the input
    """

    input: Rows
    selected: Rows
    datapool: Rows
    random: tuple[Rows, ...]

    @classmethod
    def of(cls, input: Rows, selected: Rows, datapool: Rows, draws: int, seed: int) -> Sets:
        """The sets with random selections of the same size.

        Args:
            input: rows that could be selected; what is selected is added, what is in the datapool taken out
            selected: rows
            datapool: rows; what is selected does not count as there already
            draws: how many random selections
            seed: of the draws
        """
        selected = np.unique(selected)
        datapool = np.setdiff1d(datapool, selected)
        input = np.union1d(np.setdiff1d(input, datapool), selected).astype(np.int64)
        rng = np.random.default_rng(seed)
        drawn = (np.sort(rng.choice(input, len(selected), replace=False)) for _ in range(draws))
        return cls(input, selected.astype(np.int64), datapool.astype(np.int64), tuple(drawn))

    def named(self) -> Mapping[SetName, Rows]:
        """The sets by name, those that there are; (rows sorted)."""
        found: dict[SetName, Rows] = {"input": self.input, "selected": self.selected}
        if len(self.datapool):
            found["datapool"] = self.datapool
            found["datapool_and_selected"] = np.union1d(self.datapool, self.selected)
        return found

    def drawn(self) -> Mapping[RandomName, list[Rows]]:
        """The random selections, alone and with the datapool."""
        found: dict[RandomName, list[Rows]] = {"random": list(self.random)}
        if len(self.datapool):
            found["datapool_and_random"] = [np.union1d(self.datapool, rows) for rows in self.random]
        return found

    def only(self, present: NDArray[np.bool_]) -> Sets:
        """The same sets without rows that have no value; rows keep their numbers."""
        return self._each(lambda rows: rows[present[rows]])

    def of_objects(self, offsets: NDArray[np.int64]) -> Sets:
        """The sets of the rows' objects: a random selection of samples is one of all their objects.

        Args:
            offsets: (n + 1,) the objects of row i are ``offsets[i]`` to ``offsets[i + 1]``
        """

        def objects(rows: Rows) -> Rows:
            spans = [np.arange(offsets[row], offsets[row + 1]) for row in rows]
            return np.concatenate(spans).astype(np.int64) if spans else np.zeros(0, np.int64)

        return self._each(objects)

    def _each(self, changed: Callable[[Rows], Rows]) -> Sets:
        return Sets(
            changed(self.input), changed(self.selected), changed(self.datapool), tuple(map(changed, self.random))
        )
