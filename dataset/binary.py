"""Numbers as FiftyOne stores them: arrays as compressed ``.npy`` bytes, or lists."""

from __future__ import annotations

import ast
import struct
import zlib
from functools import lru_cache
from typing import Any

import fiftyone.core.utils as fou
import numpy as np
from numpy.typing import NDArray

_MAGIC_1_0 = b"\x93NUMPY\x01\x00"


def decoded(value: Any) -> NDArray | None:
    """The array behind a raw value of the database; None for no value.

    Reading the header once a shape and the numbers in place is several times faster than ``numpy.load``, which stays the
    way for everything unusual. Pickled arrays are refused by both.
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return np.array([np.nan if item is None else item for item in value], dtype=np.float64)
    raw = zlib.decompress(value)
    if not raw.startswith(_MAGIC_1_0):
        return fou.deserialize_numpy_array(value)
    (length,) = struct.unpack_from("<H", raw, 8)
    dtype, fortran, shape = _header(raw[10 : 10 + length])
    if dtype is None or fortran:
        return fou.deserialize_numpy_array(value)
    return np.frombuffer(raw, dtype, offset=10 + length).reshape(shape)


def numbers(value: object) -> NDArray | None:
    """The array of numbers behind a raw value; None where it is none."""
    try:
        array = decoded(value)
    except (TypeError, ValueError, zlib.error):
        return None
    return array if array is not None and array.dtype.kind in "biuf" else None


@lru_cache(maxsize=256)
def _header(header: bytes) -> tuple[np.dtype | None, bool, tuple[int, ...]]:
    """A parsed ``.npy`` header; no dtype where it holds objects."""
    fields = ast.literal_eval(header.decode("latin1"))
    dtype = np.dtype(fields["descr"])
    return (None if dtype.hasobject else dtype), fields["fortran_order"], fields["shape"]
