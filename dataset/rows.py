"""The samples of a selection as rows, in the one order that breaks ties, and streaming what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress, silent
from .samples import Samples, as_ids, documents, value_at


class Rows:
    """The samples of a run in the one order that breaks ties: by id.

    Args:
        ids: (n,) distinct sample ids, sorted
        views: where their values are read, the candidates first
    """

    def __init__(self, ids: NDArray[np.bytes_], views: Sequence[Samples]):
        self.ids, self.views = ids, list(views)

    @property
    def samples(self) -> Samples:
        """The candidates, by which fields are looked up."""
        return self.views[0]

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, ids: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """(m,) the row of each id, -1 for one that is not among the rows."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def mask(self, ids: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        """(n,) which rows are among the ids."""
        marked = np.zeros(len(self.ids), bool)
        found = self.of(ids)
        marked[found[found >= 0]] = True
        return marked

    def documents(
        self, project: dict[str, Any], progress: Progress = silent, label: str = "reading"
    ) -> Iterator[tuple[NDArray[np.int64], list[dict[str, Any]]]]:
        """The raw documents of the rows, batch by batch, with the rows they belong to; each row once.

        Args:
            project: a MongoDB projection
            progress: told the rows read
            label: what the progress is of
        """
        once = Once(len(self))
        for view in self.views:
            for batch in documents(view, project):
                places = self.of(as_ids(document["_id"] for document in batch))
                fresh = once.fresh(places)
                yield places[fresh], [document for document, keep in zip(batch, fresh, strict=True) if keep]
                progress(once.count, len(self), label)

    def values_at(self, path: str, progress: Progress = silent) -> Iterator[tuple[NDArray[np.int64], list[Any]]]:
        """The raw values at a path, batch by batch, with the rows they belong to; each row once."""
        for places, found in self.documents({path: True}, progress, f"reading {path}"):
            yield places, [value_at(document, path) for document in found]


class Once:
    """Lets every row by once: the datapool may hold candidates too, and a view the same sample twice.

    Args:
        size: how many rows there are
    """

    def __init__(self, size: int):
        self._seen = np.zeros(size + 1, bool)
        # The last place stands for what is no row.
        self._seen[-1] = True
        self._last = -1
        self.count = 0

    def fresh(self, places: NDArray[np.int64], of_frames: bool = False) -> NDArray[np.bool_]:
        """(m,) bool, which of a batch have not been let by before.

        Args:
            places: (m,) rows, -1 for none
            of_frames: whether these are the owners of frames, of which a row may have many, one after the other
        """
        keep = ~self._seen[places]
        if of_frames:
            keep |= (places == self._last) & (places >= 0)
            self._last = int(places[-1]) if len(places) else self._last
        else:
            first = np.zeros(len(places), bool)
            first[np.unique(places, return_index=True)[1]] = True
            keep &= first
        self.count += len(np.unique(places[keep & ~self._seen[places]]))
        self._seen[places[keep]] = True
        return keep

    def next_view(self) -> None:
        """Frames of the last row do not go on in another view."""
        self._last = -1
