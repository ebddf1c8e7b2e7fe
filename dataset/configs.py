"""Saved selection configs, by name.

They live in FiftyOne's execution store, outside of any dataset: a config is of use for every dataset with fields of the
same names, it outlives the dataset it was made on, and everybody who works on the same database has it. The config is
kept as text, since the names of classes in it may hold dots and dollar signs, which a database takes for paths.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fiftyone.operators.store import ExecutionStore

from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from .selections import user

_STORE = "shortlist:configs"
_LONGEST = 100


@dataclass(frozen=True)
class SavedConfig:
    """A saved selection config.

    Args:
        name: its name
        config: the config as JSON
        saved: when it was saved (UTC)
        by: who saved it
    """

    name: str
    config: dict[str, Any]
    saved: datetime
    by: str


def config_names() -> list[str]:
    """The names of the saved configs, in alphabetical order."""
    return sorted(_store().list_keys(), key=str.casefold)


def saved_config(name: str) -> SavedConfig:
    """A saved config.

    Raises:
        ShortlistError: there is none of the name
    """
    held = _store().get(name)
    if held is None:
        raise _unknown(name)
    saved = datetime.fromisoformat(held["saved"])
    return SavedConfig(name, json.loads(held["config"]), saved, held["by"])


def check_name(name: str) -> None:
    """Stops before a name that a person could not read or find again.

    Raises:
        ShortlistError: what is wrong with it
    """
    if not isinstance(name, str) or not name or name != name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise must_be("the name of a config", f"1 to {_LONGEST} printable characters without spaces around them", name)


def save(name: str, config: Mapping[str, Any]) -> SavedConfig:
    """Saves a config, over what may be saved under the name.

    Raises:
        ShortlistError: no name
    """
    check_name(name)
    made = SavedConfig(name, dict(config), datetime.now(UTC).replace(microsecond=0), user())
    _store().set(name, {"config": json.dumps(made.config), "saved": made.saved.isoformat(), "by": made.by})
    return made


def delete(name: str) -> None:
    """Deletes a saved config.

    Raises:
        ShortlistError: there is none of the name
    """
    if not _store().delete(name):
        raise _unknown(name)


def _unknown(name: str) -> ShortlistError:
    names = config_names()
    hint = did_you_mean(name, names) or (f"There are {listed(names)}." if names else "There are none yet.")
    return must_be("the name of a config", "that of a saved one", name, hint)


def _store() -> ExecutionStore:
    return ExecutionStore.create(_STORE)
