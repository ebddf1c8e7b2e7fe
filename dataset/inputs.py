"""Reading the values of a selection's inputs, for the samples of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError
from ..core.progress import Progress, silent
from ..core.selection.config import Entry
from ..core.selection.inputs import Embeddings, Input, Metadata, Predictions, Random, Scores
from ..core.selection.values import AnyValues, ObjectVectors, Takes, Values
from .input_fields import metadata_path, read_categories, read_numbers, scores_path
from .input_labels import read_predictions
from .input_vectors import read_embeddings, read_query
from .rows import Rows
from .samples import uncollected


def read(
    given: Input, takes: Takes, rows: Rows, seed: int, progress: Progress = silent
) -> tuple[AnyValues, NDArray[np.bool_]]:
    """The values of an input.

    Args:
        given: the input
        takes: the kind of values that is wanted, one that the input can give
        rows: the samples
        seed: the selection's, for random values without one of their own
        progress: told the samples read

    Returns:
        the values, and (n,) bool, which rows have one

    Raises:
        ShortlistError: what is missing or of the wrong type, and how to get it
    """
    if isinstance(given, Random):
        chance = np.random.default_rng(seed if given.random_seed is None else given.random_seed)
        return chance.random(len(rows)), np.ones(len(rows), bool)
    with uncollected():
        return _read(given, takes, rows, progress)


def _read(given: Input, takes: Takes, rows: Rows, progress: Progress) -> tuple[AnyValues, NDArray[np.bool_]]:
    """What the database holds of an input, see ``read``."""
    if isinstance(given, Embeddings):
        return read_embeddings(given, rows, progress)
    if isinstance(given, Scores):
        return read_numbers(scores_path(given, rows.samples), "input.field", rows, None, progress)
    if isinstance(given, Predictions):
        return read_predictions(given, rows, progress)
    if isinstance(given, Metadata) and takes == "amounts":
        return read_categories(given, rows, progress)
    if isinstance(given, Metadata):
        path = metadata_path(given.key, rows.samples)
        return read_numbers(path, "input.key", rows, given.default_value, progress)
    raise NotImplementedError(type(given))


def read_entry(
    entry: Entry, rows: Rows, preselected: NDArray[np.bool_], seed: int, progress: Progress = silent
) -> Values:
    """The values of a strategy, with those of its own inputs and the vectors of its query set.

    A candidate without a value of any of these has none. What is in the datapool needs only the first: it counts as there
    whatever else is not known of it.

    Args:
        entry: the strategy and its input
        rows: the samples
        preselected: (n,) bool, the datapool
        seed: the selection's
        progress: told the samples read

    Raises:
        ShortlistError: what is missing or of the wrong type, and how to get it
    """
    values, present = read(entry.input, entry.strategy.takes, rows, seed, progress)
    beside: dict[str, Any] = {}
    for name, given in entry.beside.items():
        with named(f"strategy.{name}."):
            takes = entry.strategy.beside.get(name, given.given()[0])
            beside[name], there = read(given, takes, rows, seed, progress)
        present = present & (there | preselected)
    if isinstance(entry.input, Embeddings) and entry.input.has_query:
        vectors = values.vectors if isinstance(values, ObjectVectors) else values
        assert isinstance(vectors, np.ndarray)
        beside["query"] = read_query(entry.input, rows, vectors.shape[1], progress)
    return Values(entry.label(), entry.strategy, values, present, beside)


@contextmanager
def named(owner: str) -> Iterator[None]:
    """Errors in an input that is not called ``input`` say what it is called.

    Args:
        owner: what stands before the names of its parameters
    """
    try:
        yield
    except ShortlistError as error:
        sentence = str(error)
        if not sentence.startswith("input."):
            raise
        raise ShortlistError(f"{owner}{sentence.removeprefix('input.')}") from None
