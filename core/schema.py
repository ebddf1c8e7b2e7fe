"""One schema, written once: the base of every parameter model, and reading input into it.

A model's fields carry type, bounds, default, one sentence of description and, where the dataset fills the
parameter, a role. Forms, validation, JSON, the SDK's arguments and the reference are all read from there.
"""

from __future__ import annotations

import json
import re
import types
import typing
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from .errors import ShortlistError, did_you_mean, listed, must_be


class Schema(BaseModel):
    """Base of all parameter models: typed strictly, closed to unknown names, unchanging once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def offered(cls, name: str, models: list[type[Schema]], given: Mapping[str, Any]) -> list[type[Schema]]:
        """The models that a form should offer for a field of several, given what it holds so far; all by default."""
        return models

    #: of a model that comes in lists: the field whose type says what an item is, if it is not the model's own type
    named_by: ClassVar[str | None] = None

    @classmethod
    def asked(cls, taker: type[Schema] | None = None) -> Iterator[tuple[str, FieldInfo]]:
        """The fields that a form asks for, in order; all by default.

        Args:
            taker: the model whose parameter this one is, where that says what matters
        """
        return described(cls)

    @classmethod
    def taker_of(cls, name: str, given: Mapping[str, Any]) -> type[Schema] | None:
        """The model that takes what the model in a field gives, see ``asked``."""
        return None


@dataclass(frozen=True)
class Role:
    """What in a dataset may fill a parameter; ``dataset.sources`` knows how to find it.

    Args:
        name: the word that ``dataset.sources`` looks up
        lacking: the sentence that a form shows when the dataset has nothing of the kind
        open: whether a value may be typed that the dataset does not have yet
        suggested: whether the value is always typed, and what is found is only a proposal
    """

    name: str
    lacking: str
    open: bool = False
    suggested: bool = False


PREDICTIONS = Role(
    "predictions",
    "This dataset has no prediction field. Add labels of a model with confidences, logits or probabilities first.",
)
LABELS = Role("labels", "This dataset has no label field.")
HEATMAPS = Role("heatmaps", "This dataset has no Heatmap field.")
EMBEDDINGS = Role(
    "embeddings",
    "This dataset has no embeddings. Compute some with `visualize_embeddings` and a model, or store one vector a "
    "sample in a field.",
)
BRAIN_RUN = Role("brain_run", "This dataset has no Brain run that stores embeddings.")
VISUALIZATION = Role("visualization", "This dataset has no visualization. Make one with `visualize_embeddings`.")
NUMBER = Role("number", "This dataset has no numeric field.")
VALUE = Role("value", "This dataset has no field with one plain value a sample.")
CATEGORY = Role("category", "This dataset has no field with texts, truth values or whole numbers.")
SAMPLES = Role("samples", "This dataset has no tags, saved views or selections yet.")
TAG = Role("tag", "This dataset has no tags yet.", open=True)
VIEW = Role("view", "This dataset has no saved views or selections yet.", open=True)
DATASET = Role("dataset", "There is no other dataset.", open=True)
SELECTION = Role("selection", "This dataset has no selections yet. Make one with `select_samples`.")
NEW_SELECTION = Role("new_selection", "", open=True, suggested=True)
NEW_BACK_TEST = Role("new_back_test", "", open=True, suggested=True)
REVIEW = Role("review", "This dataset has no reviews yet. Start one with `start_review`.")
NEW_REVIEW = Role("new_review", "", open=True, suggested=True)
NEW_HAND_OVER = Role("new_hand_over", "", open=True, suggested=True)
HAND_OVER = Role("hand_over", "Nothing of this dataset was handed to annotators yet. Do so with `export_annotations`.")
ANNOTATED = Role("labels", "", open=True)
ANNOTATION_TARGET = Role("annotation_target", "", open=True)
APPLIED = Role("applied", "No review of this dataset was applied yet, and no annotations were merged.")
EMPTY_FIELD = Role("empty_field", "", open=True, suggested=True)
CONFIG = Role("config", "There are no saved configs, and this dataset has no selections yet.")
ZOO_MODEL = Role("zoo_model", "No embedding model of the FiftyOne zoo is known.", open=True)
COLOR = Role("color", "This dataset has no field to colour by.", open=True)
# What can colour a panel has one plain value a sample, as this must.
TOGETHER = Role("color", "This dataset has no field with one plain value a sample.", open=True)


class Only:
    """Marks a parameter that matters only for some kinds of predictions; forms leave it out for others.

    Args:
        tasks: see ``dataset.labels``; ``frames`` stands for fields of frames
        of: the parameter that names the label field
        several: whether that parameter is a list of fields: the first decides, and with none chosen yet any field may
        role: of that parameter
        when: values that other parameters must have as well: None for one that must be empty, ``...`` for one that must not
    """

    def __init__(
        self,
        *tasks: str,
        of: str = "label_field",
        several: bool = False,
        role: Role = PREDICTIONS,
        when: Mapping[str, Any] | None = None,
    ):
        self.tasks, self.of, self.several, self.role, self.when = tasks, of, several, role, dict(when or {})

    def matters(self, kinds: Collection[str], given: Mapping[str, Any]) -> bool:
        """Whether the parameter matters.

        Args:
            kinds: the task of a label field, and ``frames`` where it is one of frames
            given: the other parameters
        """
        for name, wanted in self.when.items():
            # A text that was emptied in a form is sent as such.
            held = None if given.get(name) == "" else given.get(name)
            if held is None if wanted is ... else held != wanted:
                return False
        return bool({*kinds} & {*self.tasks})


class Offered(Only):
    """Marks a choice of which each kind of labels takes some only; forms offer these.

    Args:
        choices: those of each task
        **of: as ``Only`` takes it
    """

    def __init__(self, choices: Mapping[str, Sequence[str]], **of: Any):
        super().__init__(*choices, **of)
        self.choices = choices


class When:
    """Marks a parameter that matters only beside some values of another one; forms leave it out otherwise.

    Args:
        name: the other parameter
        given: whether the other one must have a value, or must be empty
        among: the values that the other one may have, None for empty
    """

    def __init__(self, name: str, *, given: bool | None = None, among: Collection[Any] | None = None):
        self.name, self.given, self.among = name, given, among

    def matters(self, given: Mapping[str, Any]) -> bool:
        """Whether the parameter matters beside these."""
        value = given.get(self.name)
        value = None if value in ("", []) else value
        if self.given is not None and (value is not None) != self.given:
            return False
        return self.among is None or value in self.among


class Proposed:
    """Marks a parameter with a role that may be empty, for which a form yet proposes the first thing there is."""


def only_of(field: FieldInfo) -> Only | None:
    """For which predictions a model field matters; None: for all."""
    return next((note for note in field.metadata if isinstance(note, Only)), None)


def foreign(model: type[Schema], kinds: Collection[str], given: Mapping[str, Any]) -> set[str]:
    """The parameters of a model that do not matter for a label field: they are in no form and in no record.

    Args:
        model: the parameters
        kinds: the task of the label field, and ``frames`` where it is one of frames
        given: the parameters as they are
    """
    notes = {name: only_of(field) for name, field in model.model_fields.items()}
    return {name for name, only in notes.items() if only is not None and not only.matters(kinds, given)}


def role_of(field: FieldInfo) -> Role | None:
    """The role of a model field, if the dataset fills it."""
    return next((note for note in field.metadata if isinstance(note, Role)), None)


def without_none(annotation: Any) -> Any:
    """The type behind ``X | None``."""
    if get_origin(annotation) in (typing.Union, types.UnionType):
        kept = [arm for arm in get_args(annotation) if arm is not type(None)]
        return kept[0] if len(kept) == 1 else annotation
    return annotation


def models_of(annotation: Any) -> list[type[Schema]]:
    """The models of a field that takes one model or one of several; empty for any other field."""
    annotation = without_none(annotation)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, Schema):
        return [annotation]
    arms = get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else ()
    return list(arms) if arms and all(isinstance(arm, type) and issubclass(arm, Schema) for arm in arms) else []


def choices_of(annotation: Any) -> tuple[str, ...]:
    """The choices of a ``Literal`` field, or of a list of such; empty for any other field."""
    annotation = without_none(annotation)
    if get_origin(annotation) is list:
        annotation = get_args(annotation)[0]
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def bounds_of(field: FieldInfo) -> dict[str, float]:
    """The declared bounds of a number field, among ``ge``, ``gt``, ``le`` and ``lt``."""
    return {
        key: getattr(note, key) for note in field.metadata for key in ("ge", "gt", "le", "lt") if hasattr(note, key)
    }


SchemaT = TypeVar("SchemaT", bound=Schema)


def parse(model: type[SchemaT], given: Mapping[str, Any] | SchemaT, where: str = "") -> SchemaT:
    """Reads what a person gave into a model.

    Args:
        model: the model to read into
        given: a mapping of JSON values, or a model instance of this or another copy of the code
        where: what the parameters belong to, for the error's first words

    Returns:
        the model

    Raises:
        ShortlistError: one sentence on the first thing that is wrong: where, must be, got, and the way out
    """
    given = _plain(given)
    if not isinstance(given, Mapping):
        raise must_be(where or model.__name__, "an object of named parameters", given)
    if (beyond := _beyond(given, where)) is not None:
        raise must_be(beyond[0], "an integer of at most 64 bits", beyond[1])
    try:
        return model.model_validate(dict(given))
    except ValidationError as failure:
        # An unknown name is often the misspelt one that seems to be missing: say that first.
        errors = sorted(failure.errors(), key=lambda error: error["type"] != "extra_forbidden")
        sentence = _sentence(model, errors[0], given, where)
        more = f" ({len(errors) - 1} more after it.)" if len(errors) > 1 else ""
        raise ShortlistError(sentence + more) from None


def from_json(text: str, name: str) -> Any:
    """What a text that a person gave for a parameter says.

    Raises:
        ShortlistError: it is no JSON
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise must_be(name, f"JSON (line {error.lineno}, column {error.colno}: {error.msg})", text) from None


def _plain(given: Any) -> Any:
    """The JSON values behind what a script may hold: models of any copy of the code, NumPy numbers, tuples."""
    if isinstance(given, BaseModel):
        return given.model_dump(mode="json", exclude_none=True)
    if isinstance(given, Mapping):
        return {str(name): _plain(value) for name, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [_plain(value) for value in given]
    return given.item() if isinstance(given, np.generic) else given


def _beyond(given: Any, path: str) -> tuple[str, int] | None:
    """Where an integer is that no database can record, and which."""
    if isinstance(given, int):
        return None if -(2**63) <= given < 2**63 else (path, given)
    inside: Iterator[tuple[str, Any]] = iter(())
    if isinstance(given, Mapping):
        inside = ((f"{path}.{name}" if path else str(name), value) for name, value in given.items())
    elif isinstance(given, list):
        inside = ((f"{path}[{place}]", value) for place, value in enumerate(given))
    return next((found for name, value in inside if (found := _beyond(value, name)) is not None), None)


def _sentence(model: type[Schema], error: Any, given: Any, where: str) -> str:
    """One pydantic error in the one voice."""
    path, parents = _path(error["loc"], given)
    name = ".".join(part for part in (where, path) if part)
    got, context, kind = error["input"], error.get("ctx", {}), error["type"]
    if kind == "extra_forbidden":
        names = list(_model_at(model, error["loc"][:-1]).model_fields)
        hint = did_you_mean(str(error["loc"][-1]), names)
        owner = ".".join(part for part in (where, parents) if part) or "the parameters"
        return f"{name} is not known. {owner} can have {listed(names)}. {hint}".rstrip()
    if kind == "missing":
        return f"{name} must be given."
    if kind == "value_error":
        message = str(context["error"])
        return f"{name}: {message}" if name else message
    if kind == "union_tag_invalid":
        tags = [tag.strip("' ") for tag in context["expected_tags"].split(",")]
        return str(
            must_be(
                f"{name}.type", f"one of {listed(tags, len(tags))}", context["tag"], did_you_mean(context["tag"], tags)
            )
        )
    if kind == "union_tag_not_found":
        return f"{name}.type must be given."
    requirement = _requirement(kind, context, error["msg"])
    hint = ""
    if kind == "literal_error":
        hint = did_you_mean(str(got), re.findall(r"'([^']*)'", context["expected"]))
    return str(must_be(name or "the parameters", requirement, got, hint))


def _requirement(kind: str, context: Mapping[str, Any], message: str) -> str:
    """What a value must be, by pydantic's word for what is wrong with it."""
    simple = {
        "int_type": "an integer",
        "int_from_float": "an integer",
        "float_type": "a number",
        "finite_number": "a finite number",
        "bool_type": "true or false",
        "string_type": "a text",
        "list_type": "a list",
        "dict_type": "an object of named values",
        "model_type": "an object of named parameters",
        "model_attributes_type": "an object of named parameters",
        "too_short": f"a list of at least {context.get('min_length')}",
        "string_pattern_mismatch": "a name without dots and dollar signs",
        "string_too_short": f"a text of at least {context.get('min_length')} character(s)",
    }
    comparisons = {
        "greater_than_equal": ">= ge",
        "greater_than": "> gt",
        "less_than_equal": "<= le",
        "less_than": "< lt",
    }
    if kind == "literal_error":
        return "one of " + context["expected"].replace("'", "").replace(" or ", ", ")
    if kind in comparisons:
        sign, key = comparisons[kind].split()
        return f"{sign} {context[key]}"
    return simple.get(kind, message[0].lower() + message[1:])


def _path(loc: tuple, given: Any) -> tuple[str, str]:
    """``strategies[1].strategy.type`` and its parent, from pydantic's location less the union tags it inserts."""
    names: list[str] = []
    node = given
    for part in loc:
        if isinstance(part, int):
            names[-1:] = [f"{names[-1]}[{part}]" if names else f"[{part}]"]
            node = node[part] if isinstance(node, list) and part < len(node) else None
            continue
        is_tag = isinstance(node, Mapping) and part not in node and node.get("type") == part
        if is_tag:
            continue
        node = node.get(part) if isinstance(node, Mapping) else None
        names.append(str(part))
    return ".".join(names), ".".join(names[:-1])


def _model_at(model: type[Schema], loc: tuple) -> type[Schema]:
    """The model that a location points into, following lists and tagged unions."""
    current: list[type[Schema]] = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        tagged = (
            [arm for arm in current if part in choices_of(arm.model_fields["type"].annotation)]
            if all("type" in arm.model_fields for arm in current)
            else []
        )
        if tagged:
            current = tagged
        elif part in current[0].model_fields:
            annotation = without_none(current[0].model_fields[part].annotation)
            inner = get_args(annotation)[0] if get_origin(annotation) is list else annotation
            current = models_of(inner) or current
    return current[0]


def described(model: type[Schema]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model that a person fills, in order, without the ``type`` that names the model itself."""
    return ((name, field) for name, field in model.model_fields.items() if len(choices_of(field.annotation)) != 1)


def tag_of(model: type[Schema]) -> str:
    """The ``type`` that names a model of a tagged union."""
    return choices_of(model.model_fields["type"].annotation)[0]


def first_sentence(thing: object) -> str:
    """The first sentence of a docstring."""
    text = " ".join((getattr(thing, "__doc__", None) or "").split("\n\n")[0].split())
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
