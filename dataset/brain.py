"""Visualizations and similarity indexes through the FiftyOne Brain."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import fiftyone.zoo as foz
import numpy as np
from fiftyone.operators.store import ExecutionStore
from numpy.typing import NDArray

from ..core.errors import ShortlistError, must_be
from ..core.progress import Progress
from ..core.selection.inputs import Embeddings
from ..core.verbs import VisualizeEmbeddings
from .embeddings import which_embeddings
from .input_vectors import read_vectors
from .results import ResultField, declare, refuse_foreign
from .rows import Rows
from .samples import Samples, dataset_of, field_of, ids_of


@dataclass(frozen=True)
class Visualization:
    """What was made: by which method, of which field, of how many samples, and how many had no vector."""

    method: str
    embeddings: str
    n_samples: int
    left_out: int


def visualize(samples: Samples, given: VisualizeEmbeddings, progress: Progress) -> Visualization:
    """Computes a visualization, its embeddings first where a model is given, and a similarity index if asked.

    Raises:
        ShortlistError: no embeddings, a taken key, a missing package
    """
    steps = 2 + bool(given.similarity_key)
    _check_keys(samples, given)
    if given.color_by is not None:
        field_of(samples, given.color_by, "color_by")
    method = _method(given.method)
    progress(0, steps, "computing embeddings" if given.model else "reading embeddings")
    path = _embedded(samples, given) if given.model else _field(samples, given)
    usable = samples.exists(path)
    if len(usable) < 2:
        raise ShortlistError(
            f"embeddings must be there for at least two samples. Got {len(usable)} in {path!r} instead."
        )
    vectors, _ = read_vectors(Embeddings(type="EMBEDDINGS", field=path), Rows(np.sort(ids_of(usable)), [usable]))
    progress(1, steps, f"projecting by {method}")
    with _renewed(samples, given.brain_key) as key:
        fob.compute_visualization(
            usable,
            embeddings=path,
            method=method,
            brain_key=key,
            seed=given.seed,
            progress=False,
            verbose=False,
            **_limits(method, vectors),
        )
    if given.similarity_key:
        progress(2, steps, "computing the similarity index")
        with _renewed(samples, given.similarity_key) as key:
            fob.compute_similarity(usable, embeddings=path, brain_key=key, progress=False)
    progress(steps, steps, "done")
    return Visualization(method, path, len(usable), len(samples) - len(usable))


def _method(method: str) -> str:
    has_umap = importlib.util.find_spec("umap") is not None
    if method == "umap" and not has_umap:
        raise ShortlistError("method umap needs the package umap-learn: pip install umap-learn, or choose tsne or pca.")
    return ("umap" if has_umap else "pca") if method == "auto" else method


def _limits(method: str, vectors: NDArray[np.floating]) -> dict[str, Any]:
    """What t-SNE asks of the data, which its defaults take for granted."""
    if method != "tsne":
        return {}
    return {"pca_dims": min(50, *vectors.shape), "perplexity": min(30.0, (len(vectors) - 1) / 3)}


def _check_keys(samples: Samples, given: VisualizeEmbeddings) -> None:
    """Brain keys must be new; what was made here may be renewed."""
    dataset = dataset_of(samples)
    for name, kind in (("brain_key", "visualization"), ("similarity_key", "similarity")):
        key = getattr(given, name)
        if key is None:
            continue
        if not key.isidentifier():
            raise must_be(name, "letters, digits and underscores", key)
        ours = key in dataset.list_brain_runs(type=kind) and _made(dataset).has(key)
        if key in dataset.list_brain_runs() and not ours:
            raise must_be(
                name, "new", key, "There is a Brain run of that name. Choose another key, or delete it first."
            )
    if given.similarity_key == given.brain_key:
        raise must_be("similarity_key", "another key than brain_key", given.similarity_key)


def _made(dataset: fo.Dataset) -> ExecutionStore:
    """The Brain keys that were made here."""
    return ExecutionStore.create("shortlist:brain_keys", dataset_id=dataset._doc.id)


@contextmanager
def _renewed(samples: Samples, key: str) -> Iterator[str]:
    """A key to compute under; what was there before is replaced only when that has been done."""
    dataset = dataset_of(samples)
    fresh = f"{key}_in_the_making"
    try:
        if fresh in dataset.list_brain_runs():
            dataset.delete_brain_run(fresh)
        yield fresh
        if key in dataset.list_brain_runs():
            dataset.delete_brain_run(key)
        dataset.rename_brain_run(fresh, key)
        _made(dataset).set(key, True)
    except BaseException:
        if fresh in dataset.list_brain_runs():
            dataset.delete_brain_run(fresh)
        raise


def _field(samples: Samples, given: VisualizeEmbeddings) -> str:
    path, key = which_embeddings(Embeddings(type="EMBEDDINGS", field=given.embeddings), samples)
    if path is None:
        path = getattr(samples.get_brain_info(key).config, "embeddings_field", None)
    if path is None:
        raise must_be("embeddings", "a vector field, which the Brain can read", key)
    return path


def _embedded(samples: Samples, given: VisualizeEmbeddings) -> str:
    """Computes embeddings with a model of the zoo into a field of their own."""
    dataset = dataset_of(samples)
    assert given.model is not None
    path = given.embeddings or re.sub(r"\W+", "_", given.model, flags=re.ASCII)
    refuse_foreign(dataset, [path])
    try:
        model = foz.load_zoo_model(given.model)
    except ValueError as error:
        raise must_be("model", "a model of the FiftyOne zoo", given.model, str(error)) from None
    except ImportError as error:
        raise ShortlistError(f"model {given.model!r} needs a package that is not installed: {error}") from None
    info = {"verb": "visualize_embeddings", "parameters": {"model": given.model}}
    fields = [ResultField(path, fo.VectorField, f"Embeddings by {given.model}.", info)]
    declare(dataset, fields, "writing")
    samples.compute_embeddings(model, embeddings_field=path, progress=False)
    declare(dataset, fields, "complete")
    return path
