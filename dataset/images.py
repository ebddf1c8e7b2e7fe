"""Image files to arrays: any format, depth and rotation, reduced where that is enough, and never more than memory allows.

What cannot be read raises ``Unreadable`` with the reason in a few words. Only regular files are opened.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..core.parallel import mapped
from ..core.scores.picture import Picture
from .arrays import Unreadable

#: most pixels of an image that is decoded; Pillow takes more for a decompression bomb too
MAX_PIXELS = 178_956_970
#: most bytes of a file that is read
MAX_BYTES = 1 << 30
# Images of more pixels are decoded one at a time, so that memory holds one of them and not one a thread.
_LARGE = 1 << 25
_one_large = threading.Lock()
# Pixels of an image that are laid on white at a time.
_BAND = 1 << 20

_REDUCED = {
    1: (cv2.IMREAD_COLOR, cv2.IMREAD_GRAYSCALE),
    2: (cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_GRAYSCALE_2),
    4: (cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_GRAYSCALE_4),
    8: (cv2.IMREAD_REDUCED_COLOR_8, cv2.IMREAD_REDUCED_GRAYSCALE_8),
}
_ORIENTATION = 0x0112
_TIFF = (b"II*\0", b"MM\0*")
# How to put an image upright, by its EXIF orientation: transposed first or not, then flipped (OpenCV's codes) or not.
_UPRIGHT = {2: (False, 1), 3: (False, -1), 4: (False, 0), 5: (True, None), 6: (True, 1), 7: (True, -1), 8: (True, 0)}

_TOO_MANY = f"more than {MAX_PIXELS:,} pixels"
_DAMAGED = "damaged or in a format that is not read"
_PIXELS = "pixels that are no whole numbers of 8 or 16 bits"
# Files a task: starting one costs as much as reading a small file.
_FILES = 8

Given = TypeVar("Given")
Made = TypeVar("Made")


def read_bytes(path: str) -> bytes:
    """The content of a file.

    Raises:
        Unreadable: there is no such file, it is no regular file, it is empty, too large or not allowed to be read
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("not a file")
        if not status.st_size:
            raise Unreadable("empty file")
        if status.st_size > MAX_BYTES:
            raise Unreadable(f"file of more than {MAX_BYTES >> 20} MB")
        with open(path, "rb", buffering=0) as file:
            # Told the size, it asks the system once; a read may still give less than what is there.
            return file.read(status.st_size) + file.read()
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"cannot be opened ({type(error).__name__})") from None


def decoded(data: bytes, reduction: Callable[[int, int], int] | None = None) -> Picture:
    """An image as it is shown: upright, transparent parts on white.

    JPEG files are decoded at a reduced scale; other formats have none.

    Args:
        data: the content of the file
        reduction: gives the scale, 1, 2, 4 or 8, from width and height; nothing given: the whole image

    Returns:
        (h, w) or (h, w, 3) BGR, uint8 or uint16

    Raises:
        Unreadable: it is no image, is cut off, has too many pixels or pixels of another type
    """
    try:
        return _jpeg(data, reduction) if data.startswith(b"\xff\xd8") else _other(data)
    except cv2.error:
        raise Unreadable(_DAMAGED) from None
    except MemoryError:
        raise Unreadable("too large for this machine's memory") from None


def _jpeg(data: bytes, reduction: Callable[[int, int], int] | None) -> Picture:
    """A JPEG image; OpenCV puts it upright."""
    width, height, channels = _jpeg_header(data)
    scale = reduction(width, height) if reduction else 1
    with _room(width, height):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[scale][channels == 1])
    if pixels is None:
        return _by_pillow(data, _header(data)[2])
    upright = pixels.shape[:2] == (-(-height // scale), -(-width // scale))
    return Picture(pixels, *((width, height) if upright else (height, width)), len(data))


def _jpeg_header(data: bytes) -> tuple[int, int, int]:
    """Width, height and number of channels as stored.

    Raises:
        Unreadable: there is no header, or no end
    """
    place, size = 2, None
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker == 0xDA:
            # Compressed data never holds an end marker of its own; a thumbnail in the header may, and lies before.
            if size is None:
                break
            if data.rfind(b"\xff\xd9", place) < 0:
                raise Unreadable("cut off")
            return size
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and place + 10 <= len(data):
            size = (
                int.from_bytes(data[place + 7 : place + 9], "big"),
                int.from_bytes(data[place + 5 : place + 7], "big"),
                data[place + 9],
            )
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    raise Unreadable("cut off" if size or place >= len(data) - 4 else "not an image")


def _other(data: bytes) -> Picture:
    """An image of any other format."""
    if data.startswith(b"\x89PNG") and data.rfind(b"IEND") < 0:
        raise Unreadable("cut off")
    width, height, orientation = _header(data)
    with _room(width, height):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        # OpenCV multiplies the colours of 8-bit TIFF by their alpha, which would be done twice.
        covered = pixels is not None and data[:4] in _TIFF and pixels.dtype == np.uint8 and pixels.shape[2:] == (4,)
        if pixels is None or covered:
            return _by_pillow(data, orientation)
        return _shown(pixels, orientation, len(data))


def _header(data: bytes) -> tuple[int, int, int]:
    """Width, height and EXIF orientation as stored; nothing is decoded.

    Raises:
        Unreadable: it is no image, or of more pixels than are read
    """
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            # Without this, asking some formats for EXIF decodes the whole image; TIFF is put upright by its decoders.
            orientation = image.getexif().get(_ORIENTATION, 1) if "exif" in image.info else 1
            return *image.size, orientation
    except Image.DecompressionBombError:
        raise Unreadable(_TOO_MANY) from None
    except Exception:
        # Pillow's readers raise errors of many kinds on what is no image.
        raise Unreadable("not an image") from None


def _by_pillow(data: bytes, orientation: int = 1) -> Picture:
    """An image that OpenCV has no decoder for."""
    try:
        with Image.open(io.BytesIO(data), formats=_formats()) as image:
            if image.mode.startswith("I;16"):
                return _shown(np.asarray(image).astype(np.uint16), orientation, len(data))
            if image.mode in ("I", "F"):
                raise Unreadable(_PIXELS)
            has_alpha = image.has_transparency_data
            mode = "RGBA" if has_alpha else "L" if image.mode in ("1", "L") else "RGB"
            pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    except Unreadable:
        raise
    except Exception:
        raise Unreadable(_DAMAGED) from None
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA if has_alpha else cv2.COLOR_RGB2BGR)
    return _shown(pixels, orientation, len(data))


@cache
def _formats() -> list[str]:
    """The formats that Pillow may read: without those for which it would start another program, as Ghostscript."""
    Image.init()
    return [name for name in Image.ID if name not in ("EPS", "WMF")]


def _shown(pixels: NDArray, orientation: int, size_bytes: int) -> Picture:
    """Decoded pixels as they are shown."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise Unreadable(_PIXELS)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = _on_white(pixels)
    transposed, flip = _UPRIGHT.get(orientation, (False, None))
    if transposed:
        pixels = cv2.transpose(pixels)
    if flip is not None:
        pixels = cv2.flip(pixels, flip)
    return Picture(pixels, pixels.shape[1], pixels.shape[0], size_bytes)


def _on_white(pixels: NDArray) -> NDArray:
    """(h, w, 4) pixels laid on white, as a page shows them, by their alpha."""
    opaque = float(np.iinfo(pixels.dtype).max)
    laid = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    # In bands of rows: what is made on the way would take several times the image's memory.
    step = max(1, _BAND // pixels.shape[1])
    for low in range(0, len(pixels), step):
        band = pixels[low : low + step]
        colors, alpha = cv2.cvtColor(band, cv2.COLOR_BGRA2BGR), cv2.extractChannel(band, 3)
        if cv2.minMaxLoc(alpha)[0] < opaque:
            covers = cv2.merge([alpha, alpha, alpha])
            colors = cv2.add(cv2.multiply(colors, covers, scale=1 / opaque), cv2.bitwise_not(covers))
        laid[low : low + step] = colors
    return laid


def _room(width: int, height: int) -> AbstractContextManager[object]:
    """Room in memory for an image: any number of small ones at a time, and one large one.

    Raises:
        Unreadable: it has too many pixels
    """
    if width * height > MAX_PIXELS:
        raise Unreadable(_TOO_MANY)
    return _one_large if width * height > _LARGE else nullcontext()


@contextmanager
def _opencv_in_threads() -> Iterator[None]:
    """OpenCV works with one thread a call, since the calls come from many; files that are odd are reported by us alone."""
    logging = cv2.utils.logging
    threads, level = cv2.getNumThreads(), logging.getLogLevel()
    cv2.setNumThreads(1)
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    finally:
        cv2.setNumThreads(threads)
        logging.setLogLevel(level)


def in_threads(work: Callable[[Given], Made], given: Iterable[Given]) -> Generator[Made, None, None]:
    """The results of work on image files, in their order, made by all cores; only a few files a core are taken ahead.

    Close it to stop early: then the files at hand are finished, and no others.

    Args:
        work: done to each
        given: what to work on
    """
    return in_lots(lambda lot: [work(one) for one in lot], given)


def in_lots(work: Callable[[Sequence[Given]], Iterable[Made]], given: Iterable[Given]) -> Generator[Made, None, None]:
    """As ``in_threads``, by work that is done to a few at a time.

    Args:
        work: gives a result for each, in their order
        given: what to work on
    """
    items = iter(given)
    lots = iter(lambda: list(islice(items, _FILES)), [])
    results: Any = mapped(lambda lot: list(work(lot)), lots)
    with _opencv_in_threads(), closing(results):
        for made in results:
            yield from made
