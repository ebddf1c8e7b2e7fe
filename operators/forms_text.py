"""Values that people type as text in a form: names with numbers, lists of numbers, and whatever a number may be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

from ..core.errors import must_be
from ..core.schema import from_json

# What a name must not hold to be told from the number behind it and from the next name.
_SIGNS = r"[,;:={}\n]"


def as_text(value: Any) -> str:
    """A default as a person would type it."""
    if isinstance(value, Mapping):
        simple = all(type(one) in (int, float) and not re.search(_SIGNS, str(name)) for name, one in value.items())
        return ", ".join(f"{name} {one:g}" for name, one in value.items()) if simple else json.dumps(dict(value))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def pairs_of(text: str, name: str, kind: Any) -> Any:
    """What a text such as ``car 0.1, person 0.5`` says."""
    if not text.strip():
        return None
    if text.lstrip().startswith("{") or get_args(kind)[1] is not float:
        return from_json(text, name)
    found = [
        re.fullmatch(r"\s*(.+?)[\s:=]+([-+.\deE]+)\s*", pair) for pair in re.split(r"[,;\n]", text) if pair.strip()
    ]
    try:
        return {pair[1]: float(pair[2]) for pair in found}  # type: ignore[index]
    except (TypeError, ValueError):
        raise must_be(name, "names and numbers such as 'car 0.1, person 0.5', or JSON", text) from None


def numbers_of(text: str, name: str) -> list[float] | None:
    """What a text such as ``0.2, 0.8`` says."""
    found = [part for part in re.split(r"[\s,;\[\]]+", text) if part]
    try:
        return [float(part) for part in found] or None
    except ValueError:
        raise must_be(name, "numbers such as 0.2, 0.8", text) from None


def plain_of(text: str) -> Any:
    """A number or a truth value where a text looks like one."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return float(value) if type(value) is int else value if isinstance(value, (float, bool)) else text
