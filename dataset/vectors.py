"""Vectors that labels hold, with where they are if they are not what they must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.scores.probabilities import BadRow
from .binary import numbers
from .labels import LabelField


@dataclass(frozen=True)
class Place:
    """Says where in the dataset an object of a batch is.

    Args:
        field: the label field
        batch: (n,) the documents
        offsets: (n + 1,) which objects belong to which document
    """

    field: LabelField
    batch: list[dict]
    offsets: NDArray[np.int64]

    def of(self, row: int) -> str:
        """Where an object is."""
        return self.of_sample(int(np.searchsorted(self.offsets, row, side="right")) - 1)

    def of_sample(self, row: int) -> str:
        """Where a label is."""
        return self.field.where(self.batch[row]["_id"])


def stacked(
    given: dict[int, object], name: str, width: int | None, place: Place
) -> tuple[NDArray[np.floating], int | None]:
    """The vectors of some objects as a matrix.

    Args:
        given: the raw values by the row of the object
        name: the attribute that holds them
        width: the length that they must have; None: that of the first
        place: says where they are

    Returns:
        (k, width) numbers, and the width if it is known by now

    Raises:
        ShortlistError: what is no vector, or of another length, with where it is
    """
    vectors = []
    for row, value in given.items():
        vector, width = checked(value, name, width, partial(place.of, row), place.field, least=2)
        vectors.append(vector)
    return (np.stack(vectors) if vectors else np.zeros((0, width or 2))), width


def checked(
    value: object, name: str, width: int | None, where: Callable[[], str], field: LabelField, least: int = 1
) -> tuple[NDArray, int]:
    """A vector of the one length that all of a field's have, and of at least some, and its length; see ``stacked``."""
    vector = numbers(value)
    if vector is None:
        raise must_be(f"{where()}: {name}", "a list or an array of numbers", value)
    if vector.ndim != 1 or len(vector) < least or len(vector) != (width or len(vector)):
        expected = f"a vector of {width} values" if width and width >= least else f"a vector of at least {least} values"
        why = f", one for each of the {width} classes that the dataset declares" if field.declared else ""
        raise ShortlistError(f"{where()}: {name} must be {expected}{why}. Got shape {vector.shape} instead.")
    return vector, len(vector)


@contextmanager
def located(place: Place, rows: list[int]) -> Iterator[None]:
    """Says in which sample the first wrong row of a matrix is."""
    try:
        yield
    except BadRow as error:
        raise ShortlistError(f"{place.of(rows[error.row])}: {error.sentence}") from None
