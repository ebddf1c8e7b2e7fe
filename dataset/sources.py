"""What can fill a role of the schema in a dataset. Looks at names and schemas only: quick enough for a form."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

import fiftyone as fo

from ..core.errors import ShortlistError, listed, must_be
from ..core.schema import Offered, Only, Role
from ..core.selection.inputs import Embeddings
from .labels import LABEL_TYPES, every_field, is_prediction_field, label_path, prediction_fields
from .samples import FRAMES, Samples, dataset_of, every_sample, field_of, source_of
from .selections import selection_keys

NUMBERS = (fo.FloatField, fo.IntField, fo.BooleanField, fo.DateField, fo.DateTimeField)
# Seconds for which a form takes the tags for what they were.
_REMEMBERED = 10
_HIDDEN = {"created_at", "last_modified_at"}


def choices(role: Role, samples: Samples) -> list[str]:
    """What this dataset has for a role, the likeliest first."""
    return _FINDERS[role.name](samples)


def _predictions(samples: Samples) -> list[str]:
    # Patches and clips show one field of the samples behind them, which have the others too.
    source, of_frames = source_of(samples)
    shown = prediction_fields(samples)
    every = shown if of_frames else prediction_fields(source)
    # What Shortlist suggests is nobody's label yet.
    found = [path for path in every if not _is_ours(samples, path)]
    # Ground truth is a label field too; people mean the predictions.
    return sorted(
        found, key=lambda path: (path not in shown, _looks_true(path), "pred" not in path.lower(), found.index(path))
    )


def _is_ours(samples: Samples, path: str) -> bool:
    """Whether Shortlist made a field."""
    field = samples.get_field(path)
    return field is not None and "shortlist" in (field.info or {})


def _looks_true(path: str) -> bool:
    """Whether a field's name says that people labelled it."""
    return bool(set(re.split(r"[^a-z]+", path.lower())) & {"gt", "ground", "truth", "true", "labels", "annotations"})


def _labels(samples: Samples) -> list[str]:
    # The other way round: what does not look predicted is the likelier truth.
    return sorted(_predictions(samples), key=lambda path: (not _looks_true(path), "pred" in path.lower()))


def _heatmaps(samples: Samples) -> list[str]:
    return [
        path
        for path, field in every_field(samples).items()
        if isinstance(field, fo.EmbeddedDocumentField) and field.document_type is fo.Heatmap
    ]


def applies(only: Only, samples: Samples, given: Mapping[str, Any]) -> bool:
    """Whether a parameter matters for the label field that a form holds, or that it will offer first.

    Of several fields the first decides; while none is chosen, a parameter matters that does for any.
    """
    return any(only.matters(tasks, given) for tasks in _deciding_tasks(only, samples, given))


def offered(note: Offered, samples: Samples, given: Mapping[str, Any]) -> list[str]:
    """The choices for the label field that a form holds, or that it will offer first."""
    tasks = {task for some in _deciding_tasks(note, samples, given) for task in some}
    return list(dict.fromkeys(choice for task, some in note.choices.items() if task in tasks for choice in some))


def _deciding_tasks(only: Only, samples: Samples, given: Mapping[str, Any]) -> list[set[str]]:
    source, of_frames = source_of(samples)
    kinds = prediction_fields(source)
    paths = [label_path(path, of_frames) for path in _deciding(only, samples, given)]
    return [_tasks(kinds.get(path), path) for path in paths]


def _deciding(only: Only, samples: Samples, given: Mapping[str, Any]) -> list[str]:
    """The label fields that decide whether a parameter matters."""
    if chosen := given.get(only.of):
        return [chosen] if isinstance(chosen, str) else list(chosen)[:1]
    offered = choices(only.role, samples)
    return offered if only.several else offered[:1]


def _tasks(kind: type | None, path: str) -> set[str]:
    """What a label field is to ``Only``."""
    tasks = {str(LABEL_TYPES[kind].task)} if kind is not None else set()
    return tasks | {"frames"} if path.startswith(FRAMES) else tasks


def _embeddings(samples: Samples) -> list[str]:
    schema = samples.get_field_schema(flat=True)
    return [path for path, field in schema.items() if _is_vector(field) and not _inside_label(schema, path)]


def _is_vector(field: fo.Field) -> bool:
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


def _brain_runs(samples: Samples) -> list[str]:
    return [key for key in samples.list_brain_runs() if _stores_embeddings(samples, key)]


def _stores_embeddings(samples: Samples, key: str) -> bool:
    config = samples.get_brain_info(key).config
    kind, field = getattr(config, "type", ""), getattr(config, "embeddings_field", None)
    # A visualization keeps its points, and its vectors only where they are in a field.
    has_vectors = kind == "similarity" or (kind == "visualization" and field is not None)
    return has_vectors and not getattr(config, "patches_field", None)


def number_fields(samples: Samples) -> list[str]:
    return [path for path, field in _plain_fields(samples) if isinstance(field, NUMBERS)]


def _plain_fields(samples: Samples) -> list[tuple[str, fo.Field]]:
    """Fields with one value a sample, in the order of the schema; technical ones left out."""
    schema = samples.get_field_schema(flat=True)
    return [
        (path, field)
        for path, field in schema.items()
        if path not in _HIDDEN and not inside_list(schema, path) and path.split(".")[-1] not in ("id", "_id", "_cls")
    ]


def _sample_sets(samples: Samples) -> list[str]:
    dataset = dataset_of(samples)
    tags = _tags(dataset.name, int(time.monotonic() // _REMEMBERED))
    return list(dict.fromkeys([*selection_keys(dataset), *dataset.list_saved_views(), *tags]))


@lru_cache(maxsize=64)
def _tags(dataset: str, _: int) -> list[str]:
    """The tags of a dataset, looked up once in a while: it takes a scan, and a form asks at every change."""
    return every_sample(fo.load_dataset(dataset)).distinct("tags")


def _new_selections(samples: Samples) -> list[str]:
    taken = {*_sample_sets(samples), *samples.get_field_schema()}
    return [next(name for number in count(1) if (name := f"round_{number}") not in taken)]


def _zoo_models(samples: Samples) -> list[str]:
    import fiftyone.zoo as foz

    return foz.list_zoo_models(tags=["embeddings", "torch"])


def _colors(samples: Samples) -> list[str]:
    keys = selection_keys(dataset_of(samples))
    shown = [path for path, field in _plain_fields(samples) if isinstance(field, (*NUMBERS, fo.StringField))]
    return list(dict.fromkeys([*(f"{key}.decided_by" for key in keys), *shown]))


_FINDERS: dict[str, Callable[[Samples], list[str]]] = {
    "predictions": _predictions,
    "labels": _labels,
    "heatmaps": _heatmaps,
    "embeddings": _embeddings,
    "brain_run": _brain_runs,
    "number": number_fields,
    "value": number_fields,
    "samples": _sample_sets,
    "selection": lambda samples: selection_keys(dataset_of(samples)),
    "new_selection": _new_selections,
    "zoo_model": _zoo_models,
    "color": _colors,
}


def which_embeddings(given: Embeddings, samples: Samples) -> tuple[str | None, str | None]:
    """The field or the Brain run that an EMBEDDINGS input means: given, or the only one there is."""
    fields, runs = _embeddings(samples), _brain_runs(samples)
    if given.field and given.brain_key:
        raise must_be("the input EMBEDDINGS", "given a field or a brain_key, not both", [given.field, given.brain_key])
    if given.brain_key:
        if given.brain_key not in runs:
            raise must_be(
                "input.brain_key", f"a Brain run with embeddings ({listed(runs) or 'there is none'})", given.brain_key
            )
        return None, given.brain_key
    if given.field:
        field = field_of(samples, given.field, "input.field", fields)
        if not _is_vector(field):
            raise must_be("input.field", "a field with one vector a sample", f"{given.field} ({type(field).__name__})")
        return given.field, None
    # Runs whose embeddings live in a field are that field once more.
    runs = [key for key in runs if not getattr(samples.get_brain_info(key).config, "embeddings_field", None)]
    if len(fields) + len(runs) == 1:
        return (fields[0], None) if fields else (None, runs[0])
    if not fields and not runs:
        from ..core.schema import EMBEDDINGS

        raise ShortlistError(f"the input EMBEDDINGS needs embeddings. {EMBEDDINGS.lacking}")
    raise ShortlistError(
        f"the input EMBEDDINGS must name its field or brain_key, since there are several: {listed([*fields, *runs])}."
    )
