"""Draws a parameter model as an App form, and reads the form back. The only file that builds inputs.

What a field looks like follows from the field: a choice is a dropdown, a bounded number a bounded input, a truth value a
switch, a role a choice of what this dataset has (or the sentence that says what is missing), a list of models numbered
slots, and a tagged union a choice of its models with the chosen one's fields below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import fiftyone.operators.types as types
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..core.errors import ShortlistError
from ..core.schema import (
    Offered,
    Schema,
    bounds_of,
    choices_of,
    described,
    first_sentence,
    from_json,
    models_of,
    only_of,
    parse,
    role_of,
    tag_of,
    without_none,
)
from ..dataset import sources

_MAX_SLOTS = 6
_COUNT = "how_many_"
_WAY = "way_of_"
_PASTED = "pasted_"
_COMPOSE, _PASTE = "Compose", "Paste JSON"


def draw(model: type[Schema], inputs: types.Object, samples: Any, given: Mapping[str, Any]) -> None:
    """Draws all fields of a model.

    Args:
        model: the parameters
        inputs: the form, or the part of it, to draw into
        samples: the dataset or view that fills roles
        given: what the form holds so far
    """
    for name, field in described(model):
        only = only_of(field)
        if only is not None and not sources.applies(only, samples, given):
            continue
        _draw_field(model, name, field, inputs, samples, given)


def read(model: type[Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a form holds, as ``parse`` takes them; what was left empty is left out.

    Raises:
        ShortlistError: pasted text that is no JSON
    """
    values = {}
    for name, field in described(model):
        value = _read_field(model, name, field, given)
        if value not in (None, "", []):
            values[name] = value
    return values


def submitted(model: type[Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call, from a form or from a script; names that neither knows are left for ``parse`` to refuse.

    Raises:
        ShortlistError: pasted text that is no JSON
    """
    own = (_COUNT, _WAY, _PASTED)
    is_form = any(name.startswith(own) for name in given) or not any(
        models_of(field.annotation) for field in model.model_fields.values()
    )
    foreign = {
        name: value
        for name, value in given.items()
        if name not in model.model_fields and name != "view_target" and not name.startswith(own)
    }
    parameters = {**(read(model, given) if is_form else given), **foreign}
    return {name: value for name, value in parameters.items() if value is not None}


def check(model: type[Schema], inputs: types.Object, given: Mapping[str, Any]) -> None:
    """Shows what is wrong with what the form holds so far, once there is something in all that must be given."""
    required = [name for name, field in described(model) if field.is_required() and not models_of(field.annotation)]
    if any(given.get(name) in (None, "") for name in required):
        return
    try:
        parse(model, read(model, given))
    except ShortlistError as error:
        problem(inputs, str(error))


def problem(inputs: types.Object, sentence: str) -> None:
    """Shows a sentence that keeps the form from being submitted."""
    shown = inputs.view("problem", types.Error(label=sentence))
    shown.invalid = True


def _draw_field(
    model: type[Schema], name: str, field: FieldInfo, inputs: types.Object, samples: Any, given: Mapping[str, Any]
) -> None:
    nested = model.offered(name, models_of(field.annotation), given)
    item = _item_models(field)
    if item:
        _draw_slots(name, field, item[0], inputs, samples, given)
    elif len(models_of(field.annotation)) > 1:
        _draw_union(name, field, nested, inputs, samples, given)
    elif nested:
        _draw_model(name, field, nested[0], inputs, samples, given)
    elif role_of(field) is not None:
        _draw_role(name, field, inputs, samples)
    else:
        note = only_of(field)
        some = sources.offered(note, samples, given) if isinstance(note, Offered) else None
        _draw_plain(name, field, inputs, some)


def _draw_plain(name: str, field: FieldInfo, inputs: types.Object, some: list[str] | None = None) -> None:
    """A choice, of all or of some, a truth value, a number or a text."""
    facts: dict[str, Any] = _facts(name, field)
    kind, choices, bounds = without_none(field.annotation), some or choices_of(field.annotation), bounds_of(field)
    limits = {"min": bounds.get("ge", bounds.get("gt")), "max": bounds.get("le", bounds.get("lt"))}
    if choices and get_origin(kind) is list:
        view = types.AutocompleteView(multiple=True, allow_user_input=False, **_texts(facts))
        for choice in choices:
            view.add_choice(choice, label=choice)
        inputs.list(name, types.String(), view=view, **facts)
    elif choices:
        view = types.DropdownView(**_texts(facts))
        for choice in choices:
            view.add_choice(choice, label=choice)
        inputs.enum(name, choices, view=view, **facts)
    elif kind is bool:
        inputs.bool(name, view=types.SwitchView(**_texts(facts)), **facts)
    elif kind is int:
        inputs.int(name, **limits, **facts)
    elif kind is float:
        inputs.float(name, **limits, **facts)
    else:
        inputs.str(name, view=types.LazyFieldView(**_texts(facts)), **facts)


def _draw_role(name: str, field: FieldInfo, inputs: types.Object, samples: Any) -> None:
    """A choice of what this dataset has; the one thing there is is chosen already."""
    role, facts = role_of(field), _facts(name, field)
    assert role is not None
    found = sources.choices(role, samples)
    if not found and not role.open:
        if field.is_required():
            problem(inputs, role.lacking)
        return
    if role.suggested and found:
        inputs.str(name, view=types.LazyFieldView(**_texts(facts)), **{**facts, "default": found[0]})
        return
    if get_origin(without_none(field.annotation)) is list:
        several = types.AutocompleteView(multiple=True, allow_user_input=False, **_texts(facts))
        for choice in found:
            several.add_choice(choice, label=choice)
        inputs.list(name, types.String(), view=several, **facts)
        return
    if field.is_required() and found:
        facts["default"] = found[0]
    kind = types.AutocompleteView if role.open else types.DropdownView
    view = kind(**_texts(facts))
    for choice in found:
        view.add_choice(choice, label=choice)
    if role.open:
        inputs.str(name, view=view, **facts)
    else:
        inputs.enum(name, found, view=view, **facts)


def _draw_model(
    name: str, field: FieldInfo, model: type[Schema], inputs: types.Object, samples: Any, given: Mapping[str, Any]
) -> None:
    """A model inside the model: composed field by field, or pasted as JSON; what a script gave is left to ``parse``."""
    if _is_json(model, given.get(name)):
        _part(name, inputs)
        return
    ways = types.TabsView()
    for way in (_COMPOSE, _PASTE):
        ways.add_choice(way, label=way)
    inputs.enum(f"{_WAY}{name}", (_COMPOSE, _PASTE), default=_COMPOSE, required=True, view=ways)
    if given.get(f"{_WAY}{name}") == _PASTE:
        inputs.str(
            f"{_PASTED}{name}",
            required=True,
            label=f"{_title(name, field)} as JSON",
            description=field.description,
            view=types.LazyFieldView(),
        )
        return
    inside = _part(name, inputs)
    draw(model, inside, samples, given.get(name) or {})


def _draw_slots(
    name: str, field: FieldInfo, model: type[Schema], inputs: types.Object, samples: Any, given: Mapping[str, Any]
) -> None:
    """A list of models as numbered slots."""
    count = types.DropdownView()
    for number in range(1, _MAX_SLOTS + 1):
        count.add_choice(number, label=str(number))
    inputs.enum(
        f"{_COUNT}{name}",
        list(range(1, _MAX_SLOTS + 1)),
        default=1,
        required=True,
        label=f"How many {name.replace('_', ' ')}",
        description=field.description,
        view=count,
    )
    for slot in range(1, _slots(name, given) + 1):
        inputs.view(
            f"header_{name}_{slot}",
            types.Header(label=f"{model.model_config.get('title') or model.__name__} {slot}", divider=True),
        )
        inside = _part(f"{name}_{slot}", inputs)
        draw(model, inside, samples, given.get(f"{name}_{slot}") or {})


def _draw_union(
    name: str,
    field: FieldInfo,
    models: list[type[Schema]],
    inputs: types.Object,
    samples: Any,
    given: Mapping[str, Any],
) -> None:
    """One of several models: its type, and the chosen one's fields."""
    inside = _part(name, inputs)
    view = types.DropdownView(label=_title(name, field), description=field.description)
    for model in models:
        view.add_choice(tag_of(model), label=tag_of(model), description=first_sentence(model))
    chosen = _chosen(field, models, given.get(name) or {})
    tags = [tag_of(model) for model in models]
    inside.enum(_type_key(field, models), tags, default=tags[0], required=True, label=_title(name, field), view=view)
    draw(chosen, inside, samples, given.get(name) or {})


def _read_field(model: type[Schema], name: str, field: FieldInfo, given: Mapping[str, Any]) -> Any:
    """The value that a form holds for a field."""
    nested, item = model.offered(name, models_of(field.annotation), given), _item_models(field)
    if item:
        return [read(item[0], given.get(f"{name}_{slot}") or {}) for slot in range(1, _slots(name, given) + 1)]
    if len(models_of(field.annotation)) > 1:
        held = given.get(name) or {}
        chosen = _chosen(field, nested, held)
        return {"type": tag_of(chosen), **read(chosen, held)}
    if nested:
        if given.get(f"{_WAY}{name}") == _PASTE:
            return from_json(given.get(f"{_PASTED}{name}") or "", name)
        held = given.get(name) or {}
        return held if _is_json(nested[0], held) else read(nested[0], held)
    value = given.get(name)
    if get_origin(without_none(field.annotation)) is dict and isinstance(value, str):
        return from_json(value, name) if value else None
    # The App sends whole numbers without a point.
    return float(value) if without_none(field.annotation) is float and type(value) is int else value


def _part(name: str, inputs: types.Object) -> types.Object:
    """A part of the form whose values are an object of their own."""
    inside = types.Object()
    inputs.define_property(name, inside)
    return inside


def _facts(name: str, field: FieldInfo) -> dict[str, Any]:
    """Label, description, default and requirement of a field."""
    default = None if field.default is PydanticUndefined else field.default
    if default is None and field.examples:
        default = field.examples[0]
    return {
        "label": _title(name, field),
        "description": field.description,
        "required": field.is_required(),
        **({} if default is None else {"default": default}),
    }


def _texts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a view shows of a field's facts."""
    return {"label": facts["label"], "description": facts["description"]}


def _title(name: str, field: FieldInfo) -> str:
    return field.title or name.replace("_", " ").capitalize()


def _slots(name: str, given: Mapping[str, Any]) -> int:
    count = given.get(f"{_COUNT}{name}")
    return min(max(int(count), 1), _MAX_SLOTS) if isinstance(count, (int, float)) else 1


def _item_models(field: FieldInfo) -> list[type[Schema]]:
    """The models of a list's items, if it is a list of models."""
    kind = without_none(field.annotation)
    return models_of(get_args(kind)[0]) if get_origin(kind) is list else []


def _is_json(model: type[Schema], held: Any) -> bool:
    """Whether a model's values are as ``parse`` takes them, which scripts send, and not in a form's slots."""
    return isinstance(held, Mapping) and any(_item_models(field) and name in held for name, field in described(model))


def _type_key(field: FieldInfo, models: list[type[Schema]]) -> str:
    """Where a form holds the type of a union.

    The App keeps what was chosen before and refuses it when it is no longer offered, so every other offer has a place of
    its own.
    """
    if len(models) == len(models_of(field.annotation)):
        return "type"
    return "_".join(["type", *(tag_of(model).lower() for model in models)])


def _chosen(field: FieldInfo, models: list[type[Schema]], held: Mapping[str, Any]) -> type[Schema]:
    """The model whose type the form holds, or the first that is offered."""
    tag = held.get(_type_key(field, models))
    return next((model for model in models if tag_of(model) == tag), models[0])
