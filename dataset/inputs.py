"""Reading the values of an input, for the samples of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShortlistError, listed, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Embeddings, Input, Metadata, Random, Scores
from .binary import decoded
from .image_quality import FIELD
from .results import is_complete
from .samples import FRAMES, Samples, as_ids, dataset_of, documents, field_of, value_at
from .score_fields import sample_path
from .sources import NUMBERS, inside_list, number_fields, which_embeddings


class Rows:
    """The samples of a run in the one order that breaks ties: by id.

    Args:
        ids: (n,) distinct sample ids, sorted
        views: where their values are read, the candidates first
    """

    def __init__(self, ids: NDArray[np.bytes_], views: Sequence[Samples]):
        self.ids, self.views = ids, list(views)

    @property
    def samples(self) -> Samples:
        """The candidates, by which fields are looked up."""
        return self.views[0]

    def __len__(self) -> int:
        return len(self.ids)

    def of(self, ids: NDArray[np.bytes_]) -> NDArray[np.int64]:
        """(m,) the row of each id, -1 for one that is not among the rows."""
        places = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[places] == ids, places, -1)

    def mask(self, ids: NDArray[np.bytes_]) -> NDArray[np.bool_]:
        """(n,) which rows are among the ids."""
        marked = np.zeros(len(self.ids), bool)
        found = self.of(ids)
        marked[found[found >= 0]] = True
        return marked


def read(given: Input, rows: Rows, seed: int, progress: Progress = silent) -> tuple[NDArray, NDArray[np.bool_]]:
    """The values of an input.

    Args:
        given: the input
        rows: the samples
        seed: the selection's, for random values without one of their own
        progress: told the samples read

    Returns:
        (n,) numbers or (n, d) vectors, and (n,) bool, which rows have a value

    Raises:
        ShortlistError: what is missing or of the wrong type, and how to get it
    """
    if isinstance(given, Random):
        chance = np.random.default_rng(seed if given.random_seed is None else given.random_seed)
        return chance.random(len(rows)), np.ones(len(rows), bool)
    if isinstance(given, Embeddings):
        return _read_vectors(given, rows, progress)
    if isinstance(given, Scores):
        return _read_numbers(scores_path(given, rows.samples), "input.field", rows, None, progress)
    if isinstance(given, Metadata):
        key = _of_lightly(given.key, rows.samples)
        return _read_numbers(key, "input.key", rows, given.default_value, progress)
    raise NotImplementedError(type(given))


#: LightlyOne's names for what ``score_images`` measures
_LIGHTLY = {
    "lightly.sharpness": "sharpness",
    "lightly.uniformRowRatio": "uniform_row_ratio",
    "lightly.luminance": "brightness",
    "lightly.snr": "snr",
    "lightly.sizeInBytes": "size_bytes",
}


def _of_lightly(key: str, samples: Samples) -> str:
    """The field that a key means: its own name, or for a key of LightlyOne's what ``score_images`` measured.

    Raises:
        ShortlistError: it means an image metric that was not measured yet
    """
    if key not in _LIGHTLY or samples.get_field(key) is not None:
        return key
    path = f"{FIELD}.{_LIGHTLY[key]}"
    if not is_complete(dataset_of(samples), FIELD) or samples.get_field(path) is None:
        raise must_be(
            "input.key",
            f"a field of {dataset_of(samples).name!r}",
            key,
            f"It means {path!r} here, which is not there yet: run `score_images` first.",
        )
    return path


def scores_path(given: Scores, samples: Samples) -> str:
    """The field that a SCORES input means.

    Raises:
        ShortlistError: not exactly one of a field, and a task with a score
    """
    if given.field and not (given.task or given.score):
        return given.field
    if given.task and given.score and not given.field:
        return sample_path(given.task, given.score)
    raise must_be(
        "the input SCORES",
        "given either a field, or a task (label field) and a score",
        {name: value for name, value in given.model_dump().items() if value is not None and name != "type"},
        f"Number fields here: {listed(number_fields(samples))}.",
    )


def unscored(given: Scores, samples: Samples) -> Samples | None:
    """The samples whose score must be computed first: all, those that have predictions and no score yet, or none."""
    path = scores_path(given, samples)
    if given.task is None:
        return None
    if not is_complete(dataset_of(samples), path):
        return samples
    # What frames hold cannot be asked of the samples themselves.
    labeled = samples if given.task.startswith(FRAMES) else samples.exists(given.task)
    lacking = labeled.exists(path, False)
    return lacking if len(lacking) else None


def _read_numbers(
    path: str, where: str, rows: Rows, default: object, progress: Progress
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    samples = rows.samples
    field = field_of(samples, path, where, number_fields(samples))
    if not isinstance(field, NUMBERS) or inside_list(samples.get_field_schema(flat=True), path):
        raise must_be(
            where, "a field with one number, date or truth value a sample", f"{path} ({type(field).__name__})"
        )
    values = np.full(len(rows), np.nan)
    for places, found in _values_at(path, rows, progress):
        values[places] = [np.nan if value is None else _number(value) for value in found]
    if default is not None:
        values[np.isnan(values)] = float(default)  # type: ignore[arg-type]
    present = ~np.isnan(values)
    if not present.any():
        raise ShortlistError(f"{where}: no sample has a value in {path!r}.")
    return values, present


def _number(value: object) -> float:
    if isinstance(value, datetime):
        # The database gives times in UTC without saying so.
        return value.replace(tzinfo=UTC).timestamp()
    return float(value)  # type: ignore[arg-type]


def _read_vectors(given: Embeddings, rows: Rows, progress: Progress) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    path, key = which_embeddings(given, rows.samples)
    if key is not None:
        config = rows.samples.get_brain_info(key).config
        path = getattr(config, "embeddings_field", None)
        if path is None:
            return _vectors_of_brain_run(key, rows)
    assert path is not None
    vectors: NDArray[np.floating] | None = None
    present = np.zeros(len(rows), bool)
    for places, found in _values_at(path, rows, progress):
        for place, value in zip(places, found, strict=True):
            vector = decoded(value)
            if vector is None:
                continue
            if vectors is None:
                width = len(vector) if vector.ndim == 1 else 0
                vectors = np.zeros((len(rows), width), np.float32)
            if vector.shape != vectors.shape[1:] or not len(vector):
                raise ShortlistError(
                    f"embeddings in {path!r} must be vectors of one length, {vectors.shape[1]} as first found. Got shape "
                    f"{vector.shape} for sample {rows.ids[place].decode()} instead."
                )
            vectors[place], present[place] = vector, True
    return _complete(vectors, present, repr(path), rows)


def _vectors_of_brain_run(key: str, rows: Rows) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    results = dataset_of(rows.samples).load_brain_results(key)
    embeddings = getattr(results, "embeddings", None)
    sample_ids = getattr(results, "sample_ids", None)
    if embeddings is None and hasattr(results, "get_embeddings"):
        embeddings, sample_ids, _ = results.get_embeddings()
    if embeddings is None or sample_ids is None:
        raise must_be("input.brain_key", "a Brain run that stores its embeddings", key)
    places = rows.of(np.array(sample_ids, dtype="S24"))
    vectors = np.zeros((len(rows), np.shape(embeddings)[1]), np.float32)
    present = np.zeros(len(rows), bool)
    found = places >= 0
    vectors[places[found]], present[places[found]] = np.asarray(embeddings)[found], True
    return _complete(vectors, present, f"the Brain run {key!r}", rows)


def _complete(
    vectors: NDArray[np.floating] | None, present: NDArray[np.bool_], name: str, rows: Rows
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Vectors that are there and finite."""
    if vectors is None or not present.any():
        raise ShortlistError(f"embeddings must be there for at least one sample. Got none in {name} instead.")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        first = ", ".join(rows.ids[row].decode() for row in bad[:3])
        raise ShortlistError(
            f"embeddings must be finite numbers. Got NaN or infinity in {name} for {len(bad)} sample(s) instead: {first}."
        )
    return vectors, present


def _values_at(path: str, rows: Rows, progress: Progress) -> Iterator[tuple[NDArray[np.int64], list[object]]]:
    """The raw values at a path, batch by batch, with the rows they belong to."""
    done = 0
    for view in rows.views:
        for batch in documents(view, {path: True}):
            places = rows.of(as_ids(document["_id"] for document in batch))
            known = places >= 0
            yield places[known], [value_at(document, path) for document, keep in zip(batch, known, strict=True) if keep]
            done += len(batch)
            progress(min(done, len(rows)), len(rows), f"reading {path}")
