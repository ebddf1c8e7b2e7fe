"""Several pieces of work, told as one."""

from __future__ import annotations

from ..progress import Progress

_WHOLE = 1000


class Stages:
    """Pieces of work that follow each other, whose sizes are known beforehand.

    Args:
        progress: told thousandths of the whole
    """

    def __init__(self, progress: Progress):
        self._progress, self._total, self._begun, self._told = progress, 0.0, 0.0, 0

    def expect(self, size: float) -> None:
        """Counts work that will follow, in any unit."""
        self._total += size

    def next(self, size: float, name: str) -> Progress:
        """The progress of the next piece.

        Args:
            size: of the piece
            name: what is done in it
        """
        start, self._begun = self._begun, self._begun + size
        self._tell(start, name)

        def told(done: int, total: int, label: str = "") -> None:
            self._tell(start + size * done / max(1, total), name)

        return told

    def end(self, label: str) -> None:
        """Tells that everything is done, whatever the sizes were."""
        self._told = _WHOLE
        self._progress(_WHOLE, _WHOLE, label)

    def _tell(self, done: float, label: str) -> None:
        # Only the end is told as the end.
        self._told = max(self._told, min(_WHOLE - 1, int(_WHOLE * done / max(self._total, 1e-9))))
        self._progress(self._told, _WHOLE, label)
