"""What can fill a role of the schema in a dataset. Looks at names and schemas only: quick enough for a form."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

import fiftyone as fo

from ..core.schema import Offered, Only, Role
from ..core.selection.values import Takes
from .annotations.handed import FILE_TARGETS, hand_over_keys
from .back_tests import new_key
from .configs import config_names
from .embeddings import every_brain_run, inside_list, object_vectors, vector_fields
from .labels import LABEL_TYPES, every_field, label_field, label_path, prediction_fields
from .review.edit_records import applied_keys
from .review.kept import review_keys
from .samples import FRAMES, Samples, dataset_of, every_sample, source_of
from .selections import selection_keys
from .visualization_points import visualizations

NUMBERS = (fo.FloatField, fo.IntField, fo.BooleanField, fo.DateField, fo.DateTimeField)
# Fractions can be categories too where there are few, which a schema does not say.
CATEGORIES = (fo.StringField, fo.BooleanField, fo.IntField, fo.DateField, fo.DateTimeField, fo.ObjectIdField)
# Seconds for which a form takes the tags for what they were.
_REMEMBERED = 10
# Samples that a form may scan for their classes.
_SCANNED = 100_000
_HIDDEN = {"created_at", "last_modified_at"}


def choices(role: Role, samples: Samples, takes: Takes | None = None) -> list[str]:
    """What this dataset has for a role, the likeliest first.

    Args:
        role: the role
        samples: the dataset or view
        takes: what the strategy that will use a plain value takes, if that is known: numbers, or amounts of categories
    """
    if role.name == "value" and takes is not None:
        return number_fields(samples) if takes == "numbers" else category_fields(samples)
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
        found, key=lambda path: (path not in shown, looks_true(path), "pred" not in path.lower(), found.index(path))
    )


def label_fields(samples: Samples) -> list[str]:
    """Fields of labels that can be read, of samples and of frames, the likeliest predictions first."""
    return _predictions(samples)


def _is_ours(samples: Samples, path: str) -> bool:
    """Whether Shortlist made a field; a copy of labels that a review corrected is as good as theirs."""
    field = samples.get_field(path)
    mark = ((field.info if field is not None else None) or {}).get("shortlist")
    return mark is not None and mark.get("verb") != "apply_review"


def looks_true(path: str) -> bool:
    """Whether a field's name says that people labelled it."""
    return bool(set(re.split(r"[^a-z]+", path.lower())) & {"gt", "ground", "truth", "true", "labels", "annotations"})


def _labels(samples: Samples) -> list[str]:
    # The other way round: what does not look predicted is the likelier truth.
    return sorted(_predictions(samples), key=lambda path: (not looks_true(path), "pred" in path.lower()))


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


def vectors_of_objects(samples: Samples, task: str) -> list[str]:
    """The attributes of a label field's objects that hold vectors."""
    return object_vectors(samples, label_field(samples, task))


def number_fields(samples: Samples) -> list[str]:
    """Fields with one number, date or truth value a sample, the likeliest first."""
    found = [path for path, field in _plain_fields(samples) if isinstance(field, NUMBERS)]
    return sorted(found, key=lambda path: _is_beside(samples, path))


def category_fields(samples: Samples) -> list[str]:
    """Fields whose values can be categories: those of texts first, then truth values, then lists, numbers and dates."""
    plain = [(path, field) for path, field in _plain_fields(samples) if path != "filepath"]
    found = [(path, field) for path, field in plain if isinstance(item_of(field), CATEGORIES)]
    kinds = (fo.StringField, fo.BooleanField, fo.ListField, fo.Field)
    by_kind = sorted(found, key=lambda item: [isinstance(item[1], kind) for kind in kinds].index(True))
    return sorted((path for path, _ in by_kind), key=lambda path: _is_beside(samples, path))


def _is_beside(samples: Samples, path: str) -> bool:
    """Whether a field is about the image file or part of a label, which samples are rarely picked by."""
    parent = samples.get_field(path.split(".")[0])
    is_label = isinstance(parent, fo.EmbeddedDocumentField) and issubclass(parent.document_type, fo.Label)
    return is_label or path.startswith("metadata.")


def _values(samples: Samples) -> list[str]:
    """Every field with a plain value, or a list of such, those of numbers first."""
    return list(dict.fromkeys([*number_fields(samples), *category_fields(samples)]))


def classes_at(samples: Samples, path: str) -> list[str]:
    """The classes of a label field or the categories of a field of texts, as far as a form may look for them.

    Those that the dataset declares, else those that there are, unless there are too many samples to look.
    """
    dataset = dataset_of(samples)
    declared = dataset.classes.get(path) or (dataset.default_classes if path in _predictions(samples) else [])
    return list(declared) or _distinct(dataset.name, path, int(time.monotonic() // _REMEMBERED))


@lru_cache(maxsize=64)
def _distinct(dataset: str, path: str, _: int) -> list[str]:
    samples = every_sample(fo.load_dataset(dataset))
    field = samples.get_field(path)
    kind = LABEL_TYPES.get(field.document_type) if isinstance(field, fo.EmbeddedDocumentField) else None
    if kind is not None:
        path = ".".join(part for part in (path, kind.list_attribute, "label") if part)
    leaf = samples.get_field(path)
    if leaf is None or not isinstance(item_of(leaf), fo.StringField) or len(samples) > _SCANNED:
        return []
    return [value for value in samples.distinct(path) if value is not None]


def item_of(field: fo.Field) -> fo.Field:
    """What a list field holds; of any other field itself."""
    return field.field if isinstance(field, fo.ListField) else field


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


def _new_reviews(samples: Samples) -> list[str]:
    taken = {*_sample_sets(samples), *samples.get_field_schema(), *dataset_of(samples).list_runs()}
    return [next(name for number in count(1) if (name := f"review_{number}") not in taken)]


def _new_hand_overs(samples: Samples) -> list[str]:
    taken = {*_sample_sets(samples), *samples.get_field_schema(), *dataset_of(samples).list_runs()}
    return [next(name for number in count(1) if (name := f"annotations_{number}") not in taken)]


def _empty_fields(samples: Samples) -> list[str]:
    """A name for a copy of the labels."""
    labels, taken = _labels(samples)[:1], samples.get_field_schema(flat=True)
    stems = [f"{path.rpartition('.')[2]}_reviewed" for path in labels]
    return [
        next(name for number in count(1) if (name := stem if number == 1 else f"{stem}_{number}") not in taken)
        for stem in stems
    ]


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
    "embeddings": vector_fields,
    "brain_run": every_brain_run,
    "visualization": visualizations,
    "number": number_fields,
    "value": _values,
    "category": category_fields,
    "samples": _sample_sets,
    "tag": lambda samples: _tags(dataset_of(samples).name, int(time.monotonic() // _REMEMBERED)),
    "view": lambda samples: [*selection_keys(dataset_of(samples)), *dataset_of(samples).list_saved_views()],
    "dataset": lambda samples: [name for name in fo.list_datasets() if name != dataset_of(samples).name],
    "selection": lambda samples: selection_keys(dataset_of(samples)),
    "new_selection": _new_selections,
    "review": lambda samples: review_keys(dataset_of(samples))[::-1],
    "new_review": _new_reviews,
    "hand_over": lambda samples: hand_over_keys(dataset_of(samples))[::-1],
    "new_hand_over": _new_hand_overs,
    "annotation_target": lambda samples: [*FILE_TARGETS, *fo.annotation_config.backends],
    "applied": lambda samples: applied_keys(dataset_of(samples))[::-1],
    "empty_field": _empty_fields,
    "new_back_test": lambda samples: [new_key(dataset_of(samples))],
    "config": lambda samples: [*config_names(), *selection_keys(dataset_of(samples))],
    "zoo_model": _zoo_models,
    "color": _colors,
}
