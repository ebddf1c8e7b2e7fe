"""Which embeddings a dataset has: vector fields, Brain runs, and vectors that objects hold. Names only; nothing is read."""

from __future__ import annotations

from typing import Any

import fiftyone as fo

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.schema import EMBEDDINGS
from ..core.selection.inputs import Embeddings
from .binary import numbers
from .labels import LabelField, is_prediction_field, label_field
from .samples import Samples, field_of, value_at

# What objects hold besides embeddings that is a list of numbers.
_NO_EMBEDDINGS = {"bounding_box", "confidence", "logits", "mask", "points", "probabilities", "support", "tags"}


def vector_fields(samples: Samples) -> list[str]:
    """Fields with one vector a sample."""
    schema = samples.get_field_schema(flat=True)
    return [path for path, field in schema.items() if is_vector(field) and not _inside_label(schema, path)]


def is_vector(field: fo.Field) -> bool:
    """Whether a field holds vectors or lists of numbers."""
    is_list_of_floats = isinstance(field, fo.ListField) and isinstance(field.field, fo.FloatField)
    return isinstance(field, fo.VectorField) or is_list_of_floats


def _parents(schema: dict[str, fo.Field], path: str) -> list[fo.Field | None]:
    parts = path.split(".")
    return [schema.get(".".join(parts[:depth])) for depth in range(1, len(parts))]


def inside_list(schema: dict[str, fo.Field], path: str) -> bool:
    """Whether a sample has many values at a path."""
    return any(isinstance(parent, fo.ListField) for parent in _parents(schema, path))


def _inside_label(schema: dict[str, fo.Field], path: str) -> bool:
    """Whether a path is part of a prediction: its logits are vectors, but no embeddings."""
    return inside_list(schema, path) or any(map(is_prediction_field, _parents(schema, path)))


def brain_runs(samples: Samples, task: str | None = None) -> list[str]:
    """Brain runs that store embeddings: of samples, or of the objects of a label field.

    Args:
        samples: the samples
        task: the label field; None for embeddings of samples
    """
    found = []
    for key in samples.list_brain_runs():
        config = samples.get_brain_info(key).config
        kind, field = getattr(config, "type", ""), getattr(config, "embeddings_field", None)
        # A visualization keeps its points, and its vectors only where they are in a field.
        has_vectors = kind == "similarity" or (kind == "visualization" and field is not None)
        if has_vectors and (getattr(config, "patches_field", None) or None) == task:
            found.append(key)
    return found


def every_brain_run(samples: Samples) -> list[str]:
    """Brain runs that store embeddings, those of samples first."""
    config = {key: samples.get_brain_info(key).config for key in samples.list_brain_runs()}
    fields = dict.fromkeys(getattr(one, "patches_field", None) for one in config.values())
    return list(dict.fromkeys(key for task in [None, *fields] for key in brain_runs(samples, task)))


def which_embeddings(given: Embeddings, samples: Samples) -> tuple[str | None, str | None]:
    """The field or the Brain run that an EMBEDDINGS input means: given, or the only one there is.

    Raises:
        ShortlistError: there is none, or several
    """
    fields, runs = vector_fields(samples), brain_runs(samples)
    _refuse_both(given)
    if given.brain_key:
        patches = next((task for task in _patches(samples, given.brain_key)), None)
        hint = f"It is of the objects in {patches!r}: give that as task." if patches else ""
        _check_run(given.brain_key, runs, "a Brain run with embeddings", hint)
        return None, given.brain_key
    if given.field:
        field = field_of(samples, given.field, "input.field", fields)
        if not is_vector(field):
            raise must_be("input.field", "a field with one vector a sample", f"{given.field} ({type(field).__name__})")
        if inside_list(samples.get_field_schema(flat=True), given.field):
            raise must_be(
                "input.field", "a field with one vector a sample", given.field,
                "For the vectors of objects give their label field as task and the attribute as field.",
            )  # fmt: skip
        return given.field, None
    # Runs whose embeddings live in a field are that field once more.
    runs = [key for key in runs if not getattr(samples.get_brain_info(key).config, "embeddings_field", None)]
    if not fields and not runs:
        raise ShortlistError(f"the input EMBEDDINGS needs embeddings. {EMBEDDINGS.lacking}")
    return _the_only(fields, runs, "since there are several")


def which_object_embeddings(given: Embeddings, samples: Samples) -> tuple[str | None, str | None]:
    """The attribute of objects or the Brain run that an EMBEDDINGS input with a task means: given, or the only one.

    Raises:
        ShortlistError: the task has no objects, or there are no vectors, or several to choose from
    """
    field = object_field(given, samples)
    attributes, runs = object_vectors(samples, field), brain_runs(samples, field.path)
    _refuse_both(given)
    if given.brain_key:
        _check_run(given.brain_key, runs, f"a Brain run with embeddings of the objects in {field.path!r}")
        return None, given.brain_key
    if given.field:
        name = given.field.removeprefix(f"{field.objects_path}.")
        if name not in attributes:
            hint = did_you_mean(name, attributes) or (
                f"They have {listed(attributes)}." if attributes else _lacking(field)
            )
            raise must_be("input.field", f"an attribute with one vector an object of {field.path!r}", given.field, hint)
        return name, None
    runs = [key for key in runs if not getattr(samples.get_brain_info(key).config, "embeddings_field", None)]
    if not attributes and not runs:
        raise ShortlistError(f"the input EMBEDDINGS of {field.path!r} needs embeddings of objects. {_lacking(field)}")
    return _the_only(attributes, runs, f"since the objects of {field.path!r} have several")


def object_field(given: Embeddings, samples: Samples) -> LabelField:
    """The label field whose objects have the vectors.

    Raises:
        ShortlistError: no such field, or one without objects
    """
    field = label_field(samples, str(given.task), where="input.task")
    if field.task == "segmentation":
        raise must_be("input.task", "a label field with objects", f"{field.path} ({field.kind.__name__})")
    return field


def object_vectors(samples: Samples, field: LabelField) -> list[str]:
    """The attributes of a label field's objects that hold vectors, whether the dataset declares them or not."""
    schema = samples.get_frame_field_schema(flat=True) if field.of_frames else samples.get_field_schema(flat=True)
    start = f"{field.objects_path}."
    under = {path.removeprefix(start): one for path, one in (schema or {}).items() if path.startswith(start)}
    declared = [name for name, one in under.items() if "." not in name and is_vector(one)]
    found = [name for name, value in _some_object(samples, field).items() if _looks_like_vector(name, value)]
    return [name for name in dict.fromkeys([*declared, *found]) if name not in _NO_EMBEDDINGS]


def _some_object(samples: Samples, field: LabelField) -> dict[str, Any]:
    """All attributes of the objects of some sample that has any."""
    path = field.objects_path
    stages: list[dict[str, Any]] = [
        {"$match": {path: {"$nin": [None, []]}}}, {"$limit": 1}, {"$project": {path: True}}
    ]  # fmt: skip
    document = next(iter(samples._aggregate(frames_only=field.of_frames, post_pipeline=stages)), None)
    if document is None:
        return {}
    found = value_at(document, path)
    return {name: value for one in (found if isinstance(found, list) else [found]) for name, value in one.items()}


def _looks_like_vector(name: str, value: Any) -> bool:
    if name.startswith("_") or not isinstance(value, (bytes, list)):
        return False
    if isinstance(value, list) and not all(type(one) is float for one in value):
        return False
    array = numbers(value)
    return array is not None and array.ndim == 1 and len(array) > 1


def _lacking(field: LabelField) -> str:
    return (
        f"Compute some with compute_patch_embeddings(model, {field.path!r}, embeddings_field=...), or store one vector an "
        f"object in an attribute."
    )


def _refuse_both(given: Embeddings) -> None:
    if given.field and given.brain_key:
        raise must_be("the input EMBEDDINGS", "given a field or a brain_key, not both", [given.field, given.brain_key])


def _check_run(key: str, runs: list[str], requirement: str, hint: str = "") -> None:
    if key not in runs:
        raise must_be("input.brain_key", f"{requirement} ({listed(runs) or 'there is none'})", key, hint)


def _patches(samples: Samples, key: str) -> list[str]:
    """The label field of whose objects a Brain run is, if it is of objects."""
    if key not in samples.list_brain_runs():
        return []
    task = getattr(samples.get_brain_info(key).config, "patches_field", None)
    return [task] if task else []


def _the_only(fields: list[str], runs: list[str], since: str) -> tuple[str | None, str | None]:
    if len(fields) + len(runs) == 1:
        return (fields[0], None) if fields else (None, runs[0])
    raise ShortlistError(f"the input EMBEDDINGS must name its field or brain_key, {since}: {listed([*fields, *runs])}.")
