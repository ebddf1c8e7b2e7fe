"""Progress as a bar in the terminal."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from tqdm.auto import tqdm

from ..core.progress import Progress


class Bar(AbstractContextManager):
    """A progress bar that shows itself when work has taken a second, one a label."""

    _DELAY = 1.0

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._label = ""
        self._since = time.monotonic()

    @classmethod
    def unless(cls, progress: Progress | None) -> AbstractContextManager[Progress]:
        """The given progress, or a bar."""
        return cls() if progress is None else nullcontext(progress)

    def __call__(self, done: int, total: int, label: str = "") -> None:
        if label != self._label:
            self._close()
            self._label, self._since = label, time.monotonic()
        if self._bar is None:
            if time.monotonic() - self._since < self._DELAY:
                return
            self._bar = tqdm(total=total, desc=label, leave=False)
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
