"""Draws a parameter model as an App form, and reads the form back. The ``forms`` files are the only ones that build inputs.

A model inside a model is a part of the form, an optional one behind a switch; one of several models is a choice of its type
and the chosen one's fields; a list of models is a row of chips, which are added and removed, and a part for each.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

import fiftyone.operators.types as types
from pydantic.fields import FieldInfo

from ..core.errors import ShortlistError
from ..core.schema import (
    Only,
    Role,
    Schema,
    When,
    choices_of,
    described,
    first_sentence,
    models_of,
    parse,
    role_of,
    tag_of,
)
from ..dataset import sources
from .forms_fields import Part, draw_field, problem, read_field, subject_of, title_of
from .forms_slots import held_slots, item_models, key_of, kind_of, kinds_of, offered_slots, slots_of

__all__ = ["Part", "check", "draw", "draw_into", "problem", "read", "submitted"]

_WITH = "with_"


def draw(
    model: type[Schema],
    inputs: types.Object,
    samples: Any,
    given: Mapping[str, Any],
    names: Container[str] | None = None,
) -> None:
    """Draws the fields of a model.

    Args:
        model: the parameters
        inputs: the form to draw into
        samples: the dataset or view that fills roles
        given: what the form holds so far
        names: those to draw; all by default
    """
    draw_into(Part(inputs, samples, given), model, names)


def draw_into(part: Part, model: type[Schema], names: Container[str] | None = None) -> None:
    """Draws the fields of a model into a part of a form.

    Args:
        part: the part
        model: the parameters
        names: those to draw; all by default
    """
    for name, field in model.asked(part.taker):
        if (names is None or name in names) and _matters(field, part.samples, part.held):
            _draw(model, name, field, part)


def read(
    model: type[Schema],
    given: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
    *,
    taker: type[Schema] | None = None,
    subject: str | None = None,
) -> dict[str, Any]:
    """The parameters that a form holds, as ``parse`` takes them; what was left empty is left out.

    Args:
        model: the parameters
        given: what the form holds
        defaults: what it began with, as JSON: what a form has not shown yet it does not send
        taker: see ``Part``
        subject: see ``Part``

    Raises:
        ShortlistError: a text that is not what it should be
    """
    begun = defaults or {}
    held = {**begun, **given}
    values = {}
    for name, field in model.asked(taker):
        if any(isinstance(note, When) and not note.matters(held) for note in field.metadata):
            continue
        if len(choices_of(field.annotation)) == 1:
            # What there is only one choice of is not asked.
            value: Any = choices_of(field.annotation)[0]
        elif item := item_models(field):
            value = _read_slots(name, item, given, begun.get(name))
        elif models_of(field.annotation):
            value = _read_nested(model, name, field, given, begun.get(name))
        else:
            value = read_field(name, field, held, subject or subject_of(held))
        if value not in (None, "", [], {}):
            values[name] = value
    return values


def submitted(model: type[Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call, from a form or from a script; names that neither knows are left for ``parse`` to refuse.

    Raises:
        ShortlistError: a text that is not what it should be
    """
    own = {f"{_WITH}{name}" for name in model.model_fields}
    foreign = {
        name: value
        for name, value in given.items()
        if name not in model.model_fields and name != "view_target" and name not in own
    }
    parameters = {**read(model, given), **foreign}
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


def _matters(field: FieldInfo, samples: Any, held: Mapping[str, Any]) -> bool:
    """Whether a field is to be drawn beside what the form holds."""
    return all(
        note.matters(held) if isinstance(note, When) else sources.applies(note, samples, held)
        for note in field.metadata
        if isinstance(note, (When, Only))
    )


def _draw(model: type[Schema], name: str, field: FieldInfo, part: Part) -> None:
    """Draws a field of any kind."""
    nested, item = models_of(field.annotation), item_models(field)
    if item:
        _draw_slots(name, field, item, part)
    elif not nested:
        if len(choices_of(field.annotation)) != 1:
            draw_field(name, field, part)
    elif not _is_optional(field):
        _draw_nested(model, name, field, part)
    elif any(_possible(one, part.samples, model.taker_of(name, part.held)) for one in nested):
        begun = bool((part.defaults or {}).get(name))
        view = types.SwitchView(label=title_of(name, field), description=field.description)
        part.inputs.bool(f"{_WITH}{name}", default=begun, label=title_of(name, field), view=view)
        if part.given.get(f"{_WITH}{name}", begun):
            _draw_nested(model, name, field, part)


def _draw_nested(model: type[Schema], name: str, field: FieldInfo, part: Part) -> None:
    """A model inside the model, or one of several: its type, and the chosen one's fields."""
    taker, fitting = model.taker_of(name, part.held), model.offered(name, models_of(field.annotation), part.held)
    inside = part.inside(name, taker=taker)
    if len(fitting) > 1:
        possible = [one for one in fitting if _possible(one, part.samples, taker)] or fitting
        begun = (inside.defaults or {}).get("type") or tag_of(possible[0])
        tags = list(dict.fromkeys([*map(tag_of, possible), begun]))
        view = types.DropdownView(label=title_of(name, field), description=field.description)
        for one in fitting:
            if tag_of(one) in tags:
                view.add_choice(tag_of(one), label=tag_of(one), description=first_sentence(one))
        inside.inputs.enum("type", tags, default=begun, required=True, label=title_of(name, field), view=view)
    draw_into(inside, _chosen(fitting, inside.held))


def _draw_slots(name: str, field: FieldInfo, item: list[type[Schema]], part: Part) -> None:
    """A list of models: chips that are added and removed, and a part for each."""
    kinds, begun = kinds_of(item), slots_of(item, (part.defaults or {}).get(name))
    slots = held_slots(part.given.get(name), list(begun), kinds)
    facts = {"label": title_of(name, field), "description": field.description}
    view = types.AutocompleteView(allow_user_input=False, allow_duplicates=False, filter_selected_options=True, **facts)
    possible = [kind for kind in kinds if _possible_item(item, kinds[kind], part.samples)]
    for slot in offered_slots(slots, possible):
        view.add_choice(slot, label=slot, description=first_sentence(kinds[kind_of(slot)]))
    part.inputs.list(name, types.String(), default=list(begun), required=field.is_required(), view=view, **facts)
    for slot in slots:
        kind = kinds[kind_of(slot)]
        shown = types.ObjectView(label=slot, description=first_sentence(kind))
        begins = begun.get(slot) if part.defaults is not None else None
        _draw_item(item[0], kind, part.inside(name, key_of(name, slot), shown, defaults=begins))


def _draw_item(item: type[Schema], kind: type[Schema], part: Part) -> None:
    """An item of a list: of the kind itself, or with the kind in one of its fields."""
    if item.named_by is None:
        draw_into(part, kind)
        return
    known = _naming(item, kind, part)
    for name, field in described(item):
        if name != item.named_by:
            _draw(item, name, field, known)
    draw_into(part.inside(item.named_by, subject=part.about), kind)


def _naming(item: type[Schema], kind: type[Schema], part: Part) -> Part:
    """A part that knows the type of the field that names it."""
    return replace(part, given={**part.given, str(item.named_by): {"type": tag_of(kind)}})


def _read_nested(model: type[Schema], name: str, field: FieldInfo, given: Mapping[str, Any], begun: Any) -> Any:
    """The model that a form holds in a field; None where it is switched off."""
    if _is_optional(field) and not given.get(f"{_WITH}{name}", bool(begun)):
        return None
    fitting = model.offered(name, models_of(field.annotation), given)
    held = given.get(name)
    held, begun = (one if isinstance(one, Mapping) else {} for one in (held, begun))
    chosen = _chosen(fitting, {**begun, **held})
    values = read(chosen, held, begun, taker=model.taker_of(name, given))
    return {"type": tag_of(chosen), **values} if "type" in chosen.model_fields else values


def _read_slots(name: str, item: list[type[Schema]], given: Mapping[str, Any], begun: Any) -> list[dict[str, Any]]:
    kinds, begins = kinds_of(item), slots_of(item, begun)
    found = []
    for slot in held_slots(given.get(name), list(begins), kinds):
        held = given.get(key_of(name, slot))
        found.append(
            _read_item(item[0], kinds[kind_of(slot)], held if isinstance(held, Mapping) else {}, begins.get(slot))
        )
    return found


def _read_item(
    item: type[Schema], kind: type[Schema], held: Mapping[str, Any], begun: Mapping[str, Any] | None
) -> dict[str, Any]:
    begun = begun or {}
    if item.named_by is None:
        return {"type": tag_of(kind), **read(kind, held, begun)}
    known = {**held, item.named_by: {"type": tag_of(kind)}}
    values = {
        name: _read_nested(item, name, field, known, begun.get(name))
        for name, field in described(item)
        if name != item.named_by
    }
    own = held.get(item.named_by)
    about = subject_of({**begun, **held})
    rest = read(kind, own if isinstance(own, Mapping) else {}, begun.get(item.named_by), subject=about)
    return {**values, item.named_by: {"type": tag_of(kind), **rest}}


def _is_optional(field: FieldInfo) -> bool:
    return not field.is_required() and field.default is None


def _chosen(models: list[type[Schema]], held: Mapping[str, Any]) -> type[Schema]:
    """The model whose type a form holds, or the first that fits."""
    if "type" not in models[0].model_fields:
        return models[0]
    return next((model for model in models if tag_of(model) == held.get("type")), models[0])


def _possible_item(item: list[type[Schema]], kind: type[Schema], samples: Any) -> bool:
    """Whether a dataset has what an item of a kind needs."""
    if item[0].named_by is None:
        return _possible(kind, samples, None)
    given = {item[0].named_by: {"type": tag_of(kind)}}
    others = [(name, field) for name, field in described(item[0]) if name != item[0].named_by]
    return _possible(kind, samples, None) and all(
        any(_possible(one, samples, kind) for one in item[0].offered(name, models_of(field.annotation), given))
        for name, field in others
    )


def _possible(model: type[Schema], samples: Any, taker: type[Schema] | None) -> bool:
    """Whether a dataset has something to fill what a model needs: all roles that it must have, or any that it can."""
    some: list[Role] = []
    required: list[Role] = []
    for name, field in model.asked(taker):
        if (role := role_of(field)) is not None:
            (required if field.is_required() else some).append(role)
        elif field.is_required() and (nested := models_of(field.annotation)):
            fitting = model.offered(name, nested, {})
            if not any(_possible(one, samples, model.taker_of(name, {})) for one in fitting):
                return False
    has = {role.name: role.open or bool(sources.choices(role, samples)) for role in [*required, *some]}
    return all(has[role.name] for role in required) and (
        not some or any(has[role.name] for role in some if not role.open)
    )
