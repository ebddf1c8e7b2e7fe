"""What an input gives: one value a row, of the kind that a strategy takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from ..errors import ShortlistError, must_be

if TYPE_CHECKING:
    from .strategy import Strategy

#: what the values of an input are: (n, d) vectors, (n,) numbers, ``Amounts`` of classes or categories, (n, K)
#: probabilities of one label a row, (n, T, K) probabilities by the T members of a committee
Takes = Literal["vectors", "numbers", "amounts", "probabilities", "committee"]


@dataclass(frozen=True)
class Amounts:
    """How much of each class or category every row holds.

    Args:
        names: (C,) the classes or categories
        matrix: (n, C) sparse float, >= 0: counts of objects, sums of their probabilities, or a 1 for a row's category; a row
            of zeros holds none
    """

    names: tuple[str, ...]
    matrix: sparse.csr_array

    def __len__(self) -> int:
        return int(self.matrix.shape[0])


@dataclass(frozen=True)
class ObjectVectors:
    """The vectors of every row's objects.

    Args:
        vectors: (m, d) float
        offsets: (n + 1,) the objects of row i are ``vectors[offsets[i]:offsets[i + 1]]``
    """

    vectors: NDArray[np.floating]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def owners(self) -> NDArray[np.int64]:
        """(m,) the row of each object."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))


#: the values of one input
AnyValues = NDArray | Amounts | ObjectVectors


def taken(values: AnyValues, rows: NDArray[np.integer]) -> AnyValues:
    """The values of some rows, in their order.

    Args:
        values: of n rows
        rows: (m,)
    """
    if isinstance(values, Amounts):
        return Amounts(values.names, sparse.csr_array(values.matrix[rows]))
    if isinstance(values, ObjectVectors):
        counts = np.diff(values.offsets)[rows]
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return ObjectVectors(
            values.vectors[np.repeat(values.offsets[:-1][rows], counts) + within], np.concatenate([[0], ends])
        )
    return values[rows]


@dataclass(frozen=True)
class Values:
    """What an input gave, one value a row.

    Args:
        label: the entry in a few words
        strategy: what makes of the values a gain or a filter
        values: as ``strategy.takes`` says; anything where ``present`` is False
        present: (n,) bool, which rows have a value
        beside: what else was read for the strategy: the values of its own inputs by parameter name, and under ``query`` the
            (q, d) vectors of a query set
    """

    label: str
    strategy: Strategy
    values: AnyValues
    present: NDArray[np.bool_]
    beside: Mapping[str, Any] = field(default_factory=dict)

    def usable(self) -> Values:
        """The same, with nothing that depends on what stands where no value is.

        Raises:
            ShortlistError: numbers that are said to be there and are NaN
        """
        if not isinstance(self.values, np.ndarray) or self.values.dtype.kind != "f":
            return self
        whole = bool(self.present.all())
        there = self.values if whole else self.values[self.present]
        if self.values.ndim == 1 and np.isnan(there).any():
            raise ShortlistError(
                f"{self.label}: values must be numbers where they are present. Got NaN {int(np.isnan(there).sum())} times "
                f"instead."
            )
        if whole or not len(there):
            return self
        values = self.values.copy()
        fill = there.mean(axis=0)
        values[~self.present] = fill if np.isfinite(fill).all() else 0
        return replace(self, values=values)


def numbers(values: AnyValues) -> NDArray[np.float64]:
    """(n,) numbers as floats.

    Raises:
        ShortlistError: infinite values, which no mixture can weigh
    """
    values = np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise must_be("values", "numbers", values.dtype.name)
    values = values.astype(np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        raise ShortlistError(
            f"values must be finite numbers. Got infinity {int(infinite.sum())} times instead "
            f"(first row: {int(np.flatnonzero(infinite)[0])})."
        )
    return values
