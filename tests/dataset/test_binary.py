"""Arrays as FiftyOne stores them, read back in place."""

from __future__ import annotations

import io
import zlib

import fiftyone.core.utils as fou
import numpy as np
import pytest

from shortlist.dataset.binary import decoded


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", "bool"])
@pytest.mark.parametrize("shape", [(7,), (2, 3), (0,), ()])
def test_an_array_comes_back_as_it_was(dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, size=shape).astype(dtype)
    found = decoded(fou.serialize_numpy_array(array))
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_arrays_of_one_shape_do_not_share_their_values():
    first, second = (decoded(fou.serialize_numpy_array(np.full(3, value))) for value in (1.0, 2.0))
    assert (first.tolist(), second.tolist()) == ([1.0] * 3, [2.0] * 3)


def test_columns_first():
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(decoded(fou.serialize_numpy_array(array)), array)


def test_lists_are_arrays_in_which_nothing_is_nan():
    np.testing.assert_array_equal(decoded([1, None, 0.5]), [1, np.nan, 0.5])


def test_nothing_is_nothing():
    assert decoded(None) is None


def test_pickled_objects_are_refused():
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        decoded(zlib.compress(buffer.getvalue()))
