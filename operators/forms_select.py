"""The form of a selection: what it begins with, its strategies and constraints, what it means in words, and saving it.

What a form begins with fills it by defaults. The App keeps what was typed and gives a default only to what it has not
shown yet, so each beginning has a part of the form of its own.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone.operators.types as types

from .. import api
from ..api import configs, selecting
from ..core.errors import ShortlistError, must_be
from ..core.schema import from_json, parse
from ..core.selection.config import SelectionConfig
from ..core.selection.presets import presets
from ..core.selection.words import in_words
from ..core.verbs import SelectSamples
from .counted import counted
from .forms import draw, draw_into, problem, read
from .forms_fields import Part

START, PASTED, SAVE, REPLACE = "start", "pasted_config", "save_config_as", "replace_config"
_COMPOSE, _PASTE, _SAVED, _EARLIER = "compose", "paste", "saved:", "selection:"
_BUDGET = {"n_samples", "proportion_samples"}
_MORE = {"seed", "selected_sequence_length", "sequence_of", "sequence_order"}
_FOLDED = "more"
_COUNTING = "The eligible candidates are being counted; the number comes with the next change."


@dataclass(frozen=True)
class Start:
    """What a form can begin with.

    Args:
        name: as the form holds it
        label: the words after "I want to"
        description: what it uses
        hint: what to know first
    """

    name: str
    label: str
    description: str = ""
    hint: str = ""

    @property
    def key(self) -> str:
        """Where the form holds the config."""
        if re.fullmatch(r"\w+", self.name):
            return f"config_{self.name}"
        return f"config_{zlib.crc32(self.name.encode()):08x}"

    @property
    def has_budget(self) -> bool:
        """Whether it says itself how many samples to pick."""
        return self.name.startswith((_SAVED, _EARLIER))


def starts(samples: Any) -> dict[str, Start]:
    """What a form of these samples can begin with, by name."""
    found = [
        *(Start(preset.name, preset.want, preset.use, preset.hint) for preset in presets().values()),
        Start(_COMPOSE, "compose it myself"),
        *(Start(f"{_SAVED}{name}", f"use the saved config {name!r}") for name in configs.config_names()),
        *(Start(f"{_EARLIER}{key}", f"do as in the selection {key!r}") for key in selecting.selection_keys(samples)),
        Start(_PASTE, "paste a config as JSON"),
    ]
    return {start.name: start for start in found}


def is_form(given: Mapping[str, Any]) -> bool:
    """Whether parameters come from a form, which scripts do not fill."""
    return START in given


def draw_form(inputs: types.Object, samples: Any, given: Mapping[str, Any]) -> None:
    """Draws the form of a selection.

    Args:
        inputs: the form
        samples: the dataset or view to select from
        given: what the form holds so far
    """
    if not is_form(given) and "config" in given:
        inputs.str("run_key", required=True)
        inputs.define_property("config", types.Object())
        return
    offered = starts(samples)
    start = _chosen(offered, samples, given)
    view = types.DropdownView(label="I want to", description=start.hint or None)
    for one in offered.values():
        view.add_choice(one.name, label=one.label, description=one.description)
    inputs.enum(START, list(offered), default=start.name, required=True, label="I want to", view=view)
    try:
        defaults = _defaults(start, samples)
    except ShortlistError as error:
        problem(inputs, str(error))
        return
    if not start.has_budget and start.name != _PASTE:
        draw_into(Part(inputs, samples, given).inside("config"), SelectionConfig, _BUDGET)
    wrong = _draw_meaning(start, inputs, samples, given)
    _draw_config(start, defaults, inputs, samples, given)
    draw(SelectSamples, inputs, samples, given, names={"run_key"})
    _draw_saving(inputs, given)
    if wrong is not None:
        # What is wrong is said where it is looked for, and next to the button that it disables.
        problem(inputs, wrong)


def submitted_form(samples: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call from a form.

    Raises:
        ShortlistError: what the form holds cannot be read, or what it began with is gone
    """
    offered = starts(samples)
    if given[START] not in offered:
        raise must_be("what a selection begins with", "there still", given[START], "Open the form again.")
    start = offered[given[START]]
    return {"run_key": given.get("run_key"), "config": _read(start, samples, given)}


def _chosen(offered: Mapping[str, Start], samples: Any, given: Mapping[str, Any]) -> Start:
    """What the form begins with: as chosen, or what fits the dataset best."""
    if given.get(START) in offered:
        return offered[given[START]]
    has = configs.has(samples)
    if has.embeddings is None:
        return offered[_COMPOSE]
    return offered["next_batch" if has.predictions and has.labeled else "first_batch"]


def _defaults(start: Start, samples: Any) -> dict[str, Any]:
    """The config that a form begins with.

    Raises:
        ShortlistError: what the dataset lacks for it
    """
    if start.name.startswith(_SAVED):
        return configs.load_config(start.name.removeprefix(_SAVED))
    if start.name.startswith(_EARLIER):
        key = start.name.removeprefix(_EARLIER)
        return next(one.config for one in selecting.list_selections(samples) if one.run_key == key)
    has = configs.has(samples)
    if start.name == _COMPOSE:
        return presets()["first_batch" if has.embeddings else "chance"].config(has)
    if start.name == _PASTE:
        return {}
    preset = presets()[start.name]
    if lacking := preset.lacking(has):
        raise ShortlistError(" ".join(lacking))
    return preset.config(has)


def _draw_config(
    start: Start, defaults: dict[str, Any], inputs: types.Object, samples: Any, given: Mapping[str, Any]
) -> None:
    if start.name == _PASTE:
        text = SelectSamples.model_fields["config"].description
        view = types.LazyFieldView(label="Config as JSON", description=text)
        # What the form was opened with is shown only as a default.
        begun = {"default": given[PASTED]} if given.get(PASTED) else {}
        inputs.str(PASTED, required=True, label="Config as JSON", description=text, view=view, **begun)
        return
    part = Part(inputs, samples, given, {start.key: defaults}).inside(start.key)
    if start.has_budget:
        draw_into(part, SelectionConfig, _BUDGET)
    draw_into(part, SelectionConfig, set(SelectionConfig.model_fields) - _BUDGET - _MORE)
    folded = types.ObjectView(label="More settings", collapsible=True, default_expanded=False)
    draw_into(part.inside(_FOLDED, view=folded, defaults=defaults), SelectionConfig, _MORE)


def _read(start: Start, samples: Any, given: Mapping[str, Any]) -> Any:
    """The config that a form holds."""
    if start.name == _PASTE:
        return from_json(given.get(PASTED) or "", "config")
    held = dict(given.get(start.key) or {})
    held |= held.pop(_FOLDED, None) or {}
    if not start.has_budget:
        held |= {name: value for name, value in (given.get("config") or {}).items() if name in _BUDGET}
    return read(SelectionConfig, held, _defaults(start, samples))


def _draw_meaning(start: Start, inputs: types.Object, samples: Any, given: Mapping[str, Any]) -> str | None:
    """What the config means and how much there is to pick from; or what is wrong with it, which is returned too."""
    # Before the App has sent the form's own defaults, a number of samples seems to be missing.
    if not is_form(given) or (start.name == _PASTE and not given.get(PASTED)):
        return None
    try:
        config = parse(SelectionConfig, _read(start, samples, given), "config")
        name, replace = saving(given)
        if name is not None:
            configs.refuse_taken(name, config, overwrite=replace)
        found = counted(samples, config, api.preview)
    except ShortlistError as error:
        inputs.view("wrong", types.Error(label=str(error)))
        return str(error)
    count = _sentence(found.headline) if found else _COUNTING
    inputs.view("meaning", types.Notice(label=in_words(config), description=count))
    if found and found.notes:
        inputs.view("notes", types.Warning(label="; ".join(found.notes)))
    return None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def saving(given: Mapping[str, Any]) -> tuple[str | None, bool]:
    """Under which name a form asks to save its config, and whether it may replace another one."""
    return (given.get(SAVE) or None, bool(given.get(REPLACE))) if is_form(given) else (None, False)


def _draw_saving(inputs: types.Object, given: Mapping[str, Any]) -> None:
    what = "Save this config as"
    text = "A name to find the config by another time, on this or another dataset; nothing given: it is not saved."
    inputs.str(SAVE, label=what, description=text, view=types.LazyFieldView(label=what, description=text))
    name, _ = saving(given)
    if name in configs.config_names():
        what = f"Replace what is saved as {name!r}"
        inputs.bool(REPLACE, default=False, label=what, view=types.SwitchView(label=what))
