"""Finding the files that add something: one file, one score or strategy, no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def modules_of(package: str) -> Iterator[ModuleType]:
    """Every module directly inside a package, in the order of their names."""
    found = importlib.import_module(package)
    for module in sorted(pkgutil.iter_modules(found.__path__), key=lambda module: module.name):
        yield importlib.import_module(f"{package}.{module.name}")


def subclasses_in(package: str, base: type[T]) -> list[type[T]]:
    """The concrete subclasses of ``base`` that the modules of a package define, in file order."""
    return [
        value
        for module in modules_of(package)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
    ]


def instances_in(package: str, kind: type[T]) -> list[T]:
    """The objects of a type that the modules of a package define at their top level, in file order."""
    found = {
        id(value): value for module in modules_of(package) for value in vars(module).values() if isinstance(value, kind)
    }
    return list(found.values())
