"""What a score is: a name, what it reads, its range and direction, and the formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..schema import first_sentence


@dataclass(frozen=True)
class Objects:
    """The predictions of a batch of samples, object by object.

    A classification is one object a sample. A sample whose label is missing has ``present`` False; a sample with an
    empty list of objects is present and has none.

    Args:
        offsets: (n + 1,) int64; the objects of sample i are the rows ``offsets[i]:offsets[i + 1]``
        present: (n,) bool, whether sample i has the label at all
        probabilities: (m, K) float, NaN rows where the object is unscoreable
        confidences: (m,) float in [0, 1], NaN where the object has none
        classes: (m,) int64, the predicted class as an index of the class list, -1 where it has none
    """

    offsets: NDArray[np.int64]
    present: NDArray[np.bool_]
    probabilities: NDArray[np.floating]
    confidences: NDArray[np.floating]
    classes: NDArray[np.int64]

    @property
    def owners(self) -> NDArray[np.int64]:
        """(m,) the sample of every object."""
        return np.repeat(np.arange(len(self.present)), np.diff(self.offsets))

    def subset(self, keep: NDArray[np.bool_]) -> Objects:
        """The same samples with some of their objects.

        Args:
            keep: (m,) bool
        """
        counts = np.bincount(self.owners[keep], minlength=len(self.present))
        return Objects(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            present=self.present,
            probabilities=self.probabilities[keep],
            confidences=self.confidences[keep],
            classes=self.classes[keep],
        )


@dataclass(frozen=True)
class Score:
    """One score, as a file of this package declares it. Each family is a subclass that says what its formulas read.

    Args:
        name: the field name's last part, direction in the name
        low: the least value it can have
        high: the greatest value, or infinity
        high_means: what a high value says
        source: where the formula comes from
        compute: the formula
    """

    name: str
    low: float
    high: float
    high_means: str
    source: str
    compute: Callable[..., NDArray[np.floating]]

    @property
    def description(self) -> str:
        """One sentence for forms, fields and the reference, from the formula's docstring."""
        return first_sentence(self.compute)


def _one(n_classes: int) -> float:
    return 1.0


@dataclass(frozen=True, kw_only=True)
class Uncertainty(Score):
    """A score of how unsure a model is.

    Args:
        level: ``object``: ``compute(probabilities (m, K)) -> (m,)``, then aggregated over a sample's objects;
            ``sample``: ``compute(Objects) -> (n,)``, for fields that hold lists of objects
        greatest: the greatest value that K classes allow, which a normalized score is divided by
    """

    level: Literal["object", "sample"]
    greatest: Callable[[int], float] = _one
