"""Forms of many parameters: the first ones in sight, the rest folded away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import fiftyone.operators.types as types

from ..core.schema import Schema
from .forms import check, draw_into, submitted
from .forms_fields import Part

_FOLDED = "more"


def draw_folded(
    model: type[Schema],
    first: Collection[str],
    inputs: types.Object,
    samples: Any,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Draws the fields of a model, with what is wrong with what the form holds so far.

    Args:
        model: the parameters
        first: those in sight
        inputs: the form to draw into
        samples: the dataset or view that fills roles
        given: what the form holds so far
        defaults: what those in sight begin with; None for the model's own
    """
    part = Part(inputs, samples, given, defaults)
    draw_into(part, model, set(first))
    folded = types.ObjectView(label="More settings", collapsible=True, default_expanded=False)
    draw_into(part.inside(_FOLDED, view=folded, defaults={}), model, set(model.model_fields) - set(first))
    check(model, inputs, unfolded(given))


def submitted_folded(model: type[Schema], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call, from a form or from a script.

    Raises:
        ShortlistError: a text that is not what it should be
    """
    return submitted(model, unfolded(given))


def unfolded(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a form holds, with what is folded away beside the rest."""
    more = given.get(_FOLDED)
    shown = {name: value for name, value in given.items() if name != _FOLDED}
    return {**shown, **(more if isinstance(more, Mapping) else {})}
