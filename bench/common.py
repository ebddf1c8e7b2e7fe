"""What the benches share: timing, memory, tables and synthetic embeddings."""

from __future__ import annotations

import importlib.util
import platform
import resource
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

PACKAGES = ("shortlist", "fiftyone", "pymongo", "numpy", "scipy", "scikit-learn", "lightly-mundig")


@dataclass(frozen=True)
class Timing:
    """Seconds: of this process's CPU, of the clock, and of another process's CPU that worked for it."""

    cpu: float
    wall: float
    other: float = 0.0

    @property
    def all_cpu(self) -> float:
        """CPU seconds of both processes."""
        return self.cpu + self.other

    def times(self, factor: float) -> Timing:
        """The timing of as much work times a factor."""
        return Timing(self.cpu * factor, self.wall * factor, self.other * factor)


def timed(work: Callable[[], Any], other: psutil.Process | None = None) -> tuple[Any, Timing]:
    """Runs work once.

    Args:
        work: what to time
        other: a process whose CPU time counts too, such as the database's

    Returns:
        what work returned, and how long it took
    """
    before, start = _cpu(), time.perf_counter()
    other_before = _cpu_of(other)
    result = work()
    return result, Timing(_cpu() - before, time.perf_counter() - start, _cpu_of(other) - other_before)


def least(timings: Sequence[Timing]) -> Timing:
    """The least of each kind of seconds: what is above it is other people's noise."""
    return Timing(min(t.cpu for t in timings), min(t.wall for t in timings), min(t.other for t in timings))


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cpu_of(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return times.user + times.system


def peak_allocated(work: Callable[[], Any]) -> int:
    """Bytes that Python and NumPy held at most during work, beyond what they held before."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


class PeakRss(threading.Thread):
    """Watches this process's resident memory while the context is open; ``extra`` is its rise in bytes."""

    def __init__(self, every: float = 0.005):
        super().__init__(daemon=True)
        self._process, self._every, self._done = psutil.Process(), every, threading.Event()
        self.extra = 0

    def __enter__(self) -> PeakRss:
        self._before = self._process.memory_info().rss
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.wait(self._every):
            self.extra = max(self.extra, self._process.memory_info().rss - self._before)


def embeddings(n: int, d: int, seed: int = 0) -> NDArray[np.float32]:
    """Embeddings as datasets have them: a long tail of clusters, each a cloud of few directions, and some odd rows.

    How odd a row is varies without a gap, so that the picks of DIVERSITY are no set that stands apart from the start.

    Args:
        n: rows
        d: dimensions
        seed: of the draw

    Returns:
        (n, d) float32, away from the origin
    """
    rng = np.random.default_rng(seed)
    n_clusters, rank = max(2, round(n**0.5 / 2)), min(8, d)
    sizes = 1 / np.arange(1, n_clusters + 1)
    owner = rng.choice(n_clusters, size=n, p=sizes / sizes.sum())
    centres = rng.standard_normal((n_clusters, d), dtype=np.float32)
    axes = rng.standard_normal((n_clusters, rank, d), dtype=np.float32) / np.float32(rank**0.5)
    vectors = rng.standard_normal((n, d), dtype=np.float32)
    vectors *= np.float32(0.3) * np.exp(np.float32(0.25) * rng.standard_normal((n, 1), dtype=np.float32))
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(n_clusters + 1))
    for cluster in range(n_clusters):
        rows = order[bounds[cluster] : bounds[cluster + 1]]
        vectors[rows] += centres[cluster] + rng.standard_normal((len(rows), rank), dtype=np.float32) @ axes[cluster]
    return vectors + np.float32(0.5)


def has(package: str) -> bool:
    """Whether an optional peer is installed; says so if it is not."""
    found = importlib.util.find_spec(package) is not None
    if not found:
        print(f"  ({package} is not installed: skipped)")
    return found


def aim(value: float, low: float | None = None, high: float | None = None, unit: str = "") -> tuple[str, str]:
    """The aim in words and whether a value meets it."""
    met = (low is None or value >= low) and (high is None or value <= high)
    words = f">= {low:g}{unit}" if low is not None else f"<= {high:g}{unit}"
    return words, "yes" if met else "NO"


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows under a title, columns as wide as they need."""
    cells = [list(columns), *[[_shown(value) for value in row] for row in rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    print(f"\n{title}\n{lines[0]}\n{'  '.join('-' * width for width in widths)}")
    print("\n".join(lines[1:]), flush=True)


def _shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def header() -> None:
    """Prints what the figures depend on: machine, versions, threads, load."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} absent")
    print(f"Python {platform.python_version()} on {platform.machine()}, {psutil.cpu_count()} cores; {', '.join(found)}")
    print(f"BLAS: {_blas()}; load average {psutil.getloadavg()[0]:.2f}; CPU = user + system seconds of this process")


def _blas() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown (threadpoolctl is not installed)"
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    kinds = sorted({(pool["internal_api"], str(pool.get("architecture")), pool["num_threads"]) for pool in pools})
    return ", ".join(f"{api} {kernel}, {threads} thread(s)" for api, kernel, threads in kinds)
