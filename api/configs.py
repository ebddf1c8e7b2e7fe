"""Saving selection configs and finding them again; and what a dataset offers to begin a config with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import fiftyone as fo

from ..core.errors import must_be
from ..core.schema import BRAIN_RUN, EMBEDDINGS, PREDICTIONS, TAG, parse
from ..core.selection.config import SelectionConfig
from ..core.selection.presets import Has
from ..dataset import configs
from ..dataset.configs import SavedConfig
from ..dataset.samples import Samples, dataset_of
from ..dataset.selections import selection_keys
from ..dataset.sources import category_fields, choices, number_fields

# What people call the samples that are labelled, and the fields by which samples belong together; likeliest first.
LABELED = ("labeled", "labelled", "annotated", "train", "training")
_GROUPS = ("video", "sequence", "scene", "group", "clip", "patient", "camera", "site", "location", "day")


def save_config(name: str, config: Mapping[str, Any] | SelectionConfig, *, overwrite: bool = False) -> SavedConfig:
    """Saves a selection config under a name, for every dataset and everybody on the same database.

    Args:
        name: its name
        config: the config; see the reference
        overwrite: whether another config of the name is replaced

    Returns:
        what was saved

    Raises:
        ShortlistError: no config, no name, or the name of another config
    """
    given = parse(SelectionConfig, config, "config")
    refuse_taken(name, given, overwrite=overwrite)
    return configs.save(name, as_json(given))


def refuse_taken(name: str, config: SelectionConfig, *, overwrite: bool = False) -> None:
    """Stops before what is no name, or the name of another config.

    Raises:
        ShortlistError: the way out
    """
    configs.check_name(name)
    if not overwrite and is_taken(name, config):
        raise must_be(
            "the name of a config", "new", name, "Another config is saved under it. Choose another name, or replace it."
        )


def is_taken(name: str, config: SelectionConfig) -> bool:
    """Whether another config is saved under a name."""
    return name in configs.config_names() and load_config(name) != as_json(config)


def load_config(name: str) -> dict[str, Any]:
    """A saved selection config, as ``select_samples`` takes it.

    Raises:
        ShortlistError: no config of the name
    """
    return configs.saved_config(name).config


def list_configs() -> list[SavedConfig]:
    """The saved selection configs, in the order of their names."""
    return [configs.saved_config(name) for name in configs.config_names()]


def delete_config(name: str) -> None:
    """Deletes a saved selection config; selections that were made with it stay as they are.

    Raises:
        ShortlistError: no config of the name
    """
    configs.delete(name)


def config_names() -> list[str]:
    """The names of the saved selection configs."""
    return configs.config_names()


def as_json(config: SelectionConfig) -> dict[str, Any]:
    """A config as it is written by hand: what is as it is by default is left out."""
    return config.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


def has(samples: Samples) -> Has:
    """What a dataset has that presets use. Looks at names and schemas only."""
    dataset = dataset_of(samples)
    fields, tags = choices(EMBEDDINGS, samples), choices(TAG, samples)
    names = [*tags, *dataset.list_saved_views()]
    keys = selection_keys(dataset)
    known = [name for wanted in LABELED for name in names if name.lower() == wanted]
    numbers = number_fields(samples)
    return Has(
        embeddings={"type": "EMBEDDINGS", "field": fields[0]} if fields else _of_run(samples),
        predictions=next(iter(choices(PREDICTIONS, samples)), None),
        labeled=next(iter([*known, *reversed(keys)]), None),
        group=_group(category_fields(samples)),
        date=next((path for path in numbers if _is_date(samples, path)), None),
        number=next((path for path in numbers if not _is_date(samples, path)), None),
        tag=next((tag for tag in tags if tag.lower() not in (*LABELED, "unlabeled", "unlabelled")), None)
        or next(iter(tags), None),
    )


def _of_run(samples: Samples) -> dict[str, Any] | None:
    keys = choices(BRAIN_RUN, samples)
    return {"type": "EMBEDDINGS", "brain_key": keys[0]} if keys else None


def _group(fields: list[str]) -> str | None:
    """The field whose name says best that samples with one value belong together."""
    words = {path: set(re.split(r"[^a-z]+", path.lower())) for path in fields}
    by_name = (path for wanted in _GROUPS for path in fields if wanted in words[path])
    return next(by_name, next(iter(fields), None))


def _is_date(samples: Samples, path: str) -> bool:
    return isinstance(samples.get_field(path), (fo.DateField, fo.DateTimeField))
