"""score_images beside merely decoding the same files at the same scale with all cores.

``python -m bench images`` makes its own images; a folder of JPEG files can be measured by ``python -m bench.images FOLDER``.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from statistics import median

import cv2
import fiftyone as fo
import numpy as np

import shortlist
from shortlist.core.scores import image_flags
from shortlist.core.scores.picture import reduction

from .common import aim, header, table

ROUNDS, GOAL = 5, 0.7
_AT_LEAST = 2000
SIZES = {(640, 480): 4000, (1920, 1080): 800}
_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def run(size: int | None = None) -> None:
    """Runs the bench on images of two sizes; ``size`` is the number of the small ones."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="shortlist-bench-") as home:
        for (width, height), count in SIZES.items():
            count = count if size is None else max(1, size * count // SIZES[640, 480])
            folder = Path(home) / f"{width}x{height}"
            folder.mkdir()
            rows += _compared(f"{width} x {height}", _made(folder, count, width, height))
    _shown(rows)


def _shown(rows: Sequence[Sequence[object]]) -> None:
    columns = ("images", "what", "images/s", "kB an image", "ratio", "aim", "met")
    table(f"images: medians of {ROUNDS} interleaved runs by the clock, {os.cpu_count()} cores", columns, rows)


def _made(folder: Path, count: int, width: int, height: int) -> list[str]:
    """JPEG files (quality 90) with detail at all scales, as photographs have, each another part of one large image."""
    rng = np.random.default_rng(0)
    canvas = np.zeros((2 * height, 2 * width, 3), np.float32)
    for octave in range(2, 12):
        cells = rng.normal(size=(2**octave, 2**octave, 3)).astype(np.float32)
        canvas += cv2.resize(cells, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC) / 2 ** (0.55 * octave)
    canvas = cv2.normalize(canvas, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
    places = rng.integers(0, (width, height), (count, 2)).tolist()
    mirrored = rng.integers(-1, 3, count).tolist()

    def write(row: int) -> str:
        left, top = places[row]
        part = canvas[top : top + height, left : left + width]
        part = part if mirrored[row] == 2 else cv2.flip(part, mirrored[row])
        path = str(folder / f"{row:06d}.jpg")
        cv2.imwrite(path, part, [cv2.IMWRITE_JPEG_QUALITY, 90])
        return path

    with ThreadPoolExecutor() as pool:
        return list(pool.map(write, range(count)))


def _compared(name: str, paths: Sequence[str], flags: list[str] | None = None) -> list[list[object]]:
    """Decoding, and the whole verb with its reads and writes of the database, in turns."""
    dataset = fo.Dataset()
    try:
        dataset.add_samples([fo.Sample(path) for path in paths], progress=False)
        shortlist.score_images(dataset[:20], flags=flags, progress=_silent)
        floors, ours = [], []
        _decode(paths)
        for _ in range(ROUNDS):
            floors.append(_seconds(lambda: _decode(paths)))
            ours.append(_seconds(lambda: shortlist.score_images(dataset, flags=flags, progress=_silent)))
    finally:
        dataset.delete()
    floor, mine = len(paths) / median(floors), len(paths) / median(ours)
    size = f"{sum(map(os.path.getsize, paths)) / len(paths) / 1000:.0f}"
    return [
        [name, "cv2.imread, reduced", f"{floor:,.0f}", size, "", "", ""],
        [
            name,
            "score_images",
            f"{mine:,.0f}",
            size,
            f"{mine / floor:.2f}",
            *aim(mine / floor, low=GOAL, unit=" of it"),
        ],
    ]


def _decode(paths: Sequence[str]) -> None:
    """Reads the files at the scale that ``score_images`` reads them at, with all cores, and looks at nothing."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda path: cv2.imread(path, _scale(path)) is None, paths):
            pass
    cv2.setNumThreads(threads)


@cache
def _scale(path: str) -> int:
    """How ``score_images`` reads a file, found before the clock runs."""
    height, width = cv2.imread(path).shape[:2]
    return _FLAGS[reduction(width, height)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _silent(done: int, total: int, label: str = "") -> None:
    """No bar in the tables."""


if __name__ == "__main__":
    header()
    found = sorted(str(path) for path in Path(sys.argv[1]).glob("*.jp*g"))
    # Few files are taken several times, or what a run takes whatever their number would count most; duplicates then tell
    # nothing, and finding them would decode every file twice.
    _shown(_compared(sys.argv[1], found * -(-_AT_LEAST // len(found)), [*image_flags.flags(), "unreadable"]))
