"""Draws one field of a model as an input of a form, and reads its value back.

What a field looks like follows from the field: a choice is a dropdown, a bounded number a bounded input, a truth value a
switch, a list of texts chips, a role a choice of what this dataset has (or the sentence that says what is missing).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args, get_origin

import fiftyone.operators.types as types
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from ..core.schema import (
    EMBEDDINGS,
    EMPTY_FIELD,
    Offered,
    Proposed,
    Role,
    Schema,
    bounds_of,
    choices_of,
    only_of,
    role_of,
    without_none,
)
from ..dataset import sources
from .forms_text import as_text, numbers_of, pairs_of, plain_of

#: what an empty choice is called where one may be left out
_NONE = "(none)"
#: up to how many classes each have an input of their own
_CLASSES = 12
# Before a class where the App holds its number: it takes a name of digits for a place in a list.
_OF = "of "


@dataclass(frozen=True)
class Part:
    """A part of a form whose values are an object of their own.

    Args:
        inputs: what is drawn into
        samples: the dataset or view that fills roles
        given: what the form holds of it so far
        defaults: the values that it begins with, as JSON; None for the model's own
        taker: the model that takes what is filled in here, see ``Schema.asked``
        subject: the path of the field that the other parameters of this part are about, where there is one
    """

    inputs: types.Object
    samples: Any
    given: Mapping[str, Any]
    defaults: Mapping[str, Any] | None = None
    taker: type[Schema] | None = None
    subject: str | None = None

    @property
    def held(self) -> dict[str, Any]:
        """What the form holds here, or begins with."""
        return {**(self.defaults or {}), **self.given}

    @property
    def about(self) -> str | None:
        """The path of the field that the parameters of this part are about."""
        return self.subject or subject_of(self.held)

    def inside(self, name: str, key: str | None = None, view: types.View | None = None, **changes: Any) -> Part:
        """The part of this part that holds a field of several values.

        Args:
            name: of the field
            key: under which the form holds it; the name by default
            view: how it is shown
            **changes: what else is different inside
        """
        made = types.Object()
        self.inputs.define_property(key or name, made, view=view)
        held, begun = self.given.get(key or name), (self.defaults or {}).get(name)
        return replace(
            self,
            inputs=made,
            given=held if isinstance(held, Mapping) else {},
            **{
                "defaults": begun if isinstance(begun, Mapping) else None,
                "taker": None,
                "subject": None,
                **changes,
            },
        )


def subject_of(held: Mapping[str, Any]) -> str | None:
    """The path of the field that an input takes its values from, where that is one field."""
    source = held.get("input")
    if not isinstance(source, Mapping) or source.get("cross"):
        return None
    return source.get("task") or source.get("key") or None


def problem(inputs: types.Object, sentence: str) -> None:
    """Shows a sentence that keeps the form from being submitted."""
    shown = inputs.view("problem", types.Error(label=sentence))
    shown.invalid = True


def title_of(name: str, field: FieldInfo) -> str:
    """What a person reads as the name of a field."""
    return field.title or name.replace("_", " ").capitalize()


def draw_field(name: str, field: FieldInfo, part: Part) -> None:
    """Draws a field that holds one value, or a list or an object of plain ones."""
    kind = without_none(field.annotation)
    if role_of(field) is not None:
        _draw_role(name, field, part)
    elif choices_of(field.annotation):
        _draw_choice(name, field, part)
    elif get_origin(kind) is dict:
        _draw_pairs(name, field, part)
    elif kind in (bool, int, float):
        _draw_value(name, field, part)
    elif get_origin(kind) is list and get_args(kind)[0] is str:
        facts = _facts(name, field, part)
        part.inputs.list(
            name,
            types.String(),
            view=types.AutocompleteView(multiple=True, allow_duplicates=False, **_texts(facts)),
            **facts,
        )
    else:
        facts = _facts(name, field, part)
        facts["default"] = as_text(facts["default"]) if facts.get("default") is not None else None
        part.inputs.str(name, view=types.LazyFieldView(space=6, **_texts(facts)), **_without_none(facts))


def read_field(name: str, field: FieldInfo, given: Mapping[str, Any], subject: str | None = None) -> Any:
    """The value that a form holds for a field.

    Raises:
        ShortlistError: text that is not of the kind
    """
    value, kind = given.get(_key(name, field, given)), without_none(field.annotation)
    if get_origin(kind) is dict:
        each = given.get(_key_of_pairs(name, subject))
        if isinstance(each, Mapping):
            return {key.removeprefix(_OF): float(share) for key, share in each.items() if share is not None}
        return pairs_of(value, name, kind) if isinstance(value, str) else value
    if isinstance(value, str) and get_origin(kind) is list and get_args(kind)[0] in (int, float):
        numbers = numbers_of(value, name)
        if numbers is not None and get_args(kind)[0] is int:
            # A fraction is left for the model to refuse.
            return [int(one) if one.is_integer() else one for one in numbers]
        return numbers
    if isinstance(value, str) and get_args(kind) and not choices_of(field.annotation) and get_origin(kind) is not list:
        return plain_of(value)
    # The App sends whole numbers without a point.
    return float(value) if kind is float and type(value) is int else value


def _draw_value(name: str, field: FieldInfo, part: Part) -> None:
    """A truth value or a number."""
    facts, kind, bounds = _facts(name, field, part), without_none(field.annotation), bounds_of(field)
    if kind is bool:
        part.inputs.bool(name, view=types.SwitchView(**_texts(facts)), **facts)
        return
    limits = {"min": bounds.get("ge", bounds.get("gt")), "max": bounds.get("le", bounds.get("lt"))}
    draw = part.inputs.int if kind is int else part.inputs.float
    draw(name, **limits, view=types.FieldView(space=6, **_texts(facts)), **facts)


def _draw_choice(name: str, field: FieldInfo, part: Part) -> None:
    """A choice of all or of some, one or several."""
    note, facts = only_of(field), _facts(name, field, part)
    some = sources.offered(note, part.samples, part.given) if isinstance(note, Offered) else None
    _draw_choices(name, field, part, some or choices_of(field.annotation), facts)


def _draw_role(name: str, field: FieldInfo, part: Part) -> None:
    """A choice of what this dataset has; the one thing there is is chosen already."""
    role, facts = role_of(field), _facts(name, field, part)
    assert role is not None
    found, key = _found(role, part), _key(name, field, part.held)
    # What the form begins with is not among the vectors of another label field's objects.
    fresh = part.defaults is None or key != _key(name, field, part.defaults)
    if fresh and key != name:
        facts.pop("default", None)
    several = get_origin(without_none(field.annotation)) is list
    if several and isinstance(facts.get("default"), str):
        # A config that was saved may name one thing where several may be.
        facts["default"] = [facts["default"]]
    begun = facts.get("default")
    if begun and not role.open:
        found = list(dict.fromkeys([*found, *(begun if several else [begun])]))
    if not found and not role.open:
        if field.is_required():
            problem(part.inputs, role.lacking)
        return
    # Where an empty name has a meaning of its own, a proposal is only shown.
    proposed = role.suggested and role is not EMPTY_FIELD
    proposed |= field.is_required() or any(isinstance(note, Proposed) for note in field.metadata)
    if found and proposed and fresh and not several:
        facts["default"] = found[0]
    if role.suggested:
        such = {"placeholder": f"such as {found[0]}"} if found and "default" not in facts else {}
        part.inputs.str(name, view=types.LazyFieldView(**_texts(facts), **such), **facts)
    else:
        _draw_choices(key, field, part, found, facts, allow_user_input=role.open)


def _found(role: Role, part: Part) -> list[str]:
    """What there is for a role."""
    if role is EMBEDDINGS and part.held.get("task"):
        return sources.vectors_of_objects(part.samples, part.held["task"])
    return sources.choices(role, part.samples, getattr(part.taker, "takes", None))


def _key(name: str, field: FieldInfo, held: Mapping[str, Any]) -> str:
    """Where a form holds a field.

    The App keeps what was chosen before and refuses it where it is no longer offered, so the vectors of a label field's
    objects have a place of their own.
    """
    task = held.get("task") if role_of(field) is EMBEDDINGS else None
    return f"{name}_in_{_slug(task)}" if task else name


def _draw_choices(
    name: str, field: FieldInfo, part: Part, found: Sequence[str], facts: dict[str, Any], allow_user_input: bool = False
) -> None:
    several = get_origin(without_none(field.annotation)) is list
    if several or allow_user_input:
        view = types.AutocompleteView(
            multiple=several, allow_user_input=allow_user_input, allow_duplicates=False, **_texts(facts)
        )
    else:
        view = types.DropdownView(space=6, **_texts(facts))
        if not field.is_required() and field.default is None:
            # What was chosen could not be taken back otherwise.
            view.add_choice("", label=_NONE)
    for choice in found:
        view.add_choice(choice, label=choice)
    if several:
        part.inputs.list(name, types.String(), view=view, **facts)
    elif allow_user_input:
        part.inputs.str(name, view=view, **facts)
    else:
        part.inputs.enum(name, [choice.value for choice in view.choices], view=view, **facts)


def _draw_pairs(name: str, field: FieldInfo, part: Part) -> None:
    """An object of names: a number for each class where these are known and few, else one text."""
    facts = _facts(name, field, part)
    begun = facts.pop("default", None) or {}
    of_numbers = get_args(without_none(field.annotation))[1] is float
    classes = sources.classes_at(part.samples, part.about) if part.about and of_numbers else []
    classes = list(dict.fromkeys([*classes, *begun]))
    if 0 < len(classes) <= _CLASSES and not any(re.search(r"[.\[\]]", cls) for cls in classes):
        inside = part.inside(name, _key_of_pairs(name, part.about), types.ObjectView(**_texts(facts)))
        for cls in classes:
            view = types.FieldView(label=cls, space=3)
            inside.inputs.float(f"{_OF}{cls}", label=cls, default=begun.get(cls), min=0, view=view)
        return
    if of_numbers:
        known = f" Classes: {', '.join(classes[:30])}." if classes else ""
        facts["description"] += f" As text, such as car 0.1, person 0.5, or as JSON.{known}"
    if begun:
        facts["default"] = as_text(begun)
    part.inputs.str(name, view=types.LazyFieldView(**_texts(facts)), **facts)


def _key_of_pairs(name: str, subject: str | None) -> str:
    """Where a form holds the numbers of the classes of a field; those of another field must not be taken for them."""
    return f"{name}_of_{_slug(subject or '')}"


def _slug(path: str) -> str:
    """A path without what would be a path in the App."""
    return re.sub(r"\W", "_", path)


def _facts(name: str, field: FieldInfo, part: Part) -> dict[str, Any]:
    """Label, description, default and requirement of a field."""
    default = None if field.default is PydanticUndefined else field.default
    if part.defaults is not None:
        default = part.defaults.get(name, default)
    elif default is None and field.examples:
        default = field.examples[0]
    return {
        "label": title_of(name, field),
        "description": field.description,
        "required": field.is_required(),
        **({} if default is None else {"default": default}),
    }


def _without_none(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _texts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a view shows of a field's facts."""
    return {"label": facts["label"], "description": facts["description"]}
