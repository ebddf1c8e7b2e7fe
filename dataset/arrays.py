"""Arrays in ``.npy`` and ``.npz`` files, read without pickle and with little memory."""

from __future__ import annotations

import io
import os
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.scores.planes import ArrayPlanes
from ..core.scores.segmentation import Planes
from .binary import numbers

# Bytes of a file that is read at once; larger ones are read in bands.
_WHOLE = 32 * 2**20
# Bytes of whole arrays that may be in memory at a time, unless one alone is more.
_IN_MEMORY = 128 * 2**20


class Unreadable(Exception):
    """What cannot be scored.

    Args:
        reason: why, for the count of such
        example: a file of the kind
    """

    def __init__(self, reason: str, example: str = ""):
        self.reason, self.example = reason, example
        super().__init__(f"{reason}, such as {example}" if example else reason)


@contextmanager
def array_planes(stored: object, are_logits: bool) -> Iterator[Planes]:
    """The class probabilities of a mask.

    Args:
        stored: an array as a document holds it, or the name of a ``.npy`` or ``.npz`` file, of shape (K, h, w)
        are_logits: whether softmax makes them probabilities

    Raises:
        Unreadable: the file is not there or is no array
        ShortlistError: the array has another shape
    """
    if not isinstance(stored, str):
        array = numbers(stored)
        if array is None:
            raise must_be(
                "the probabilities of a mask", "an array of numbers or the name of a .npy or .npz file", stored
            )
        yield ArrayPlanes(_three_dimensional(array), are_logits)
        return
    with ExitStack() as held:
        with _unreadable(stored):
            planes = _opened(stored, are_logits, held)
        yield planes


def _opened(path: str, are_logits: bool, held: ExitStack) -> ArrayPlanes:
    """The planes of a file, and what they need for as long as they are used."""
    if zipfile.is_zipfile(path):
        file = held.enter_context(_member(path))
        held.enter_context(_IN_FLIGHT.room(_header(file).nbytes))
    else:
        file = held.enter_context(open(path, "rb"))  # noqa: SIM115
        header = _header(file)
        if header.nbytes > _WHOLE and not header.fortran:
            return FilePlanes(file, header, are_logits)
    file.seek(0)
    return ArrayPlanes(_three_dimensional(np.lib.format.read_array(file, allow_pickle=False)), are_logits)


@contextmanager
def _unreadable(path: str) -> Iterator[None]:
    """Says of whatever goes wrong inside that the file cannot be read; an encrypted archive is a ``RuntimeError``."""
    try:
        yield
    except ShortlistError:
        raise
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise Unreadable("files that cannot be read", path) from None


@dataclass(frozen=True)
class _Header:
    """What a ``.npy`` file says of its array, and where the numbers begin."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    offset: int

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def _header(file: Any) -> _Header:
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(np.lib.format.read_magic(file))
    if read is None:
        raise ValueError("an unusual version of the format")
    shape, fortran, dtype = read(file)
    if dtype.hasobject:
        raise ValueError("no array of numbers")
    return _Header(shape, fortran, dtype, file.tell())


@contextmanager
def _member(path: str) -> Iterator[Any]:
    """The one array of an ``.npz`` file."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise must_be(f"{path}", "an .npz file with one array", names)
        with archive.open(names[0]) as file:
            yield file


class FilePlanes(ArrayPlanes):
    """Probabilities, or logits, in a ``.npy`` file that is too large to be held: the rows are read when asked for.

    Args:
        file: the open file
        header: what it says of its array
        are_logits: whether softmax makes them probabilities
    """

    def __init__(self, file: io.BufferedReader, header: _Header, are_logits: bool = False):
        super().__init__(_three_dimensional(np.broadcast_to(np.zeros((), header.dtype), header.shape)), are_logits)
        if os.fstat(file.fileno()).st_size < header.offset + header.nbytes:
            raise EOFError
        self._file, self._header = file, header

    def raw(self, start: int, stop: int) -> NDArray:
        """(K, stop - start, w) of the stored numbers."""
        n_classes, height, width = self.shape
        band = np.empty((n_classes, stop - start, width), self._header.dtype)
        with _unreadable(self._file.name):
            for index in range(n_classes):
                self._file.seek(self._header.offset + (index * height + start) * width * band.itemsize)
                if self._file.readinto(memoryview(band[index]).cast("B")) != band[index].nbytes:
                    raise EOFError
        return band


def _three_dimensional(array: NDArray) -> NDArray:
    if array.ndim != 3 or array.dtype.kind not in "uif" or array.shape[0] < 2 or not array.size:
        raise must_be(
            "the probabilities of a mask",
            "numbers of shape (K, height, width) with at least 2 classes",
            f"{array.dtype} of shape {array.shape}",
        )
    return array


class _Room:
    """Lets whole arrays into memory as long as there is room, and one in any case."""

    def __init__(self, size: int):
        self._size, self._held, self._count = size, 0, 0
        self._changed = threading.Condition()

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._count or self._held + size <= self._size)
            self._held, self._count = self._held + size, self._count + 1
        try:
            yield
        finally:
            with self._changed:
                self._held, self._count = self._held - size, self._count - 1
                self._changed.notify_all()


_IN_FLIGHT = _Room(_IN_MEMORY)
