"""The slots of a list of models in a form: each a kind with a number, so that what was typed in one stays its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from ..core.schema import Schema, models_of, tag_of, without_none


def item_models(field: FieldInfo) -> list[type[Schema]]:
    """The models of a list's items, if it is a list of models."""
    kind = without_none(field.annotation)
    return models_of(get_args(kind)[0]) if get_origin(kind) is list else []


def kinds_of(item: Sequence[type[Schema]]) -> dict[str, type[Schema]]:
    """What an item of a list can be, by type: one of several models, or a model named by one of its fields."""
    named_by = item[0].named_by
    models = item if named_by is None else models_of(item[0].model_fields[named_by].annotation)
    return {tag_of(model): model for model in models}


def kind_of(slot: str) -> str:
    """The type that a slot holds an item of."""
    return slot.split(" ")[0]


def key_of(name: str, slot: str) -> str:
    """Where a form holds a slot of a list."""
    return f"{name}_{slot.replace(' ', '_')}"


def slots_of(item: Sequence[type[Schema]], values: Any) -> dict[str, Mapping[str, Any]]:
    """The slots of the items of a list, as JSON."""
    named_by = item[0].named_by
    found: dict[str, Mapping[str, Any]] = {}
    for value in values or []:
        kind = (value if named_by is None else value[named_by])["type"]
        found[_free(kind, found)] = value
    return found


def held_slots(held: Any, begun: Sequence[str], kinds: Mapping[str, Any]) -> list[str]:
    """The slots that a form holds, or begins with."""
    return [slot for slot in (begun if held is None else held) if isinstance(slot, str) and kind_of(slot) in kinds]


def offered_slots(held: Sequence[str], possible: Sequence[str]) -> list[str]:
    """The slots that a form offers: those that it holds, and one more of every kind that is possible."""
    return [*dict.fromkeys([*(_free(kind, held) for kind in possible), *held])]


def _free(kind: str, taken: Any) -> str:
    """The first slot of a kind that is not taken."""
    number = 1
    while (slot := kind if number == 1 else f"{kind} {number}") in taken:
        number += 1
    return slot
