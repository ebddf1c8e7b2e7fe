"""Reading EMBEDDINGS of samples: from a field, from a Brain run, and those of a query set."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.core.odm as foo
import numpy as np
from bson import ObjectId
from numpy.typing import NDArray

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.progress import Progress, silent
from ..core.selection.inputs import Embeddings
from ..core.selection.values import ObjectVectors
from .binary import decoded
from .embeddings import which_embeddings, which_object_embeddings
from .input_objects import read_object_vectors
from .rows import Rows
from .samples import Samples, dataset_of, ids_of
from .sets import resolved, tagged

#: vectors of samples, or of their objects
AnyVectors = NDArray[np.floating] | ObjectVectors


def read_embeddings(given: Embeddings, rows: Rows, progress: Progress = silent) -> tuple[AnyVectors, NDArray[np.bool_]]:
    """The vectors of an EMBEDDINGS input: of samples, or with a task of their objects.

    Raises:
        ShortlistError: what is missing or of the wrong type, and how to get it
    """
    if given.task is not None:
        return read_object_vectors(given, rows, progress)
    return read_vectors(given, rows, progress)


def read_vectors(
    given: Embeddings, rows: Rows, progress: Progress = silent
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """(n, d) the vectors of samples, zeros where there is none, and (n,) bool, which have one.

    Raises:
        ShortlistError: no embeddings, several to choose from, vectors of several lengths, or with NaN or infinity
    """
    path, key = which_embeddings(given, rows.samples)
    if key is not None:
        config = rows.samples.get_brain_info(key).config
        path = getattr(config, "embeddings_field", None)
        if path is None:
            return _of_brain_run(key, rows)
    assert path is not None
    vectors: NDArray[np.floating] | None = None
    present = np.zeros(len(rows), bool)
    for places, found in rows.values_at(path, progress):
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


def _of_brain_run(key: str, rows: Rows) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
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


def query_view(given: Embeddings, samples: Samples) -> Samples:
    """The samples of a query set: a tag, a saved view or a selection of this or of another dataset.

    Raises:
        ShortlistError: no such dataset, tag or view, or it holds no samples
    """
    dataset = _dataset(given, dataset_of(samples))
    if given.tag_name is not None:
        return tagged(dataset, given.tag_name, "input.tag_name")
    view = resolved(dataset, str(given.view), "input.view")
    if not len(view):
        raise must_be("input.view", "a view of at least one sample", given.view)
    return view


def read_query(given: Embeddings, rows: Rows, width: int, progress: Progress = silent) -> NDArray[np.floating]:
    """(q, d) the vectors of a query set, read from where the input's own are.

    Args:
        given: the input, which names a query set
        rows: the samples of the run
        width: d, of the run's own vectors
        progress: told the samples read

    Raises:
        ShortlistError: no such dataset, tag or view; no vectors there, or of another length
    """
    view = query_view(given, rows.samples)
    which = which_object_embeddings if given.task is not None else which_embeddings
    path, key = which(given, rows.samples)
    source = Embeddings(type="EMBEDDINGS", task=given.task, field=path, brain_key=key)
    name = dataset_of(view).name
    try:
        found, present = read_embeddings(source, Rows(np.unique(ids_of(view)), [view]), progress)
    except ShortlistError as error:
        raise error.at(f"the query set in {name!r}") from None
    vectors = found.vectors if isinstance(found, ObjectVectors) else found[present]
    if vectors.shape[1] != width:
        raise ShortlistError(
            f"the query set in {name!r} must have vectors of length {width}, as the samples to pick from. Got length "
            f"{vectors.shape[1]} instead."
        )
    return vectors


def _dataset(given: Embeddings, own: fo.Dataset) -> fo.Dataset:
    """The dataset of the query set: this one, or another by its name or id."""
    name, where = given.dataset or given.dataset_id, "input.dataset" if given.dataset else "input.dataset_id"
    if name is None or name in (own.name, str(own._doc.id)):
        return own
    if not fo.dataset_exists(name) and given.dataset_id is not None and ObjectId.is_valid(name):
        document = foo.get_db_conn().datasets.find_one({"_id": ObjectId(name)}, {"name": True})
        name = document["name"] if document is not None else name
    if not fo.dataset_exists(name):
        known = fo.list_datasets()
        hint = did_you_mean(name, known) or f"There are {listed(known)}."
        raise must_be(where, "a dataset" if given.dataset else "the id or the name of a dataset", name, hint)
    return fo.load_dataset(name)
