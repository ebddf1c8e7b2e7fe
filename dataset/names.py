"""Names that runs and fields of ours can have, and those that they cannot."""

from __future__ import annotations

import re

import fiftyone as fo

from ..core.errors import must_be

# Samples with fields of these names cannot be copied, or are taken for frames.
_KEPT = ("frames", "self")


def is_plain(name: str) -> bool:
    """Whether a name can be that of a run, and of a field."""
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None


def plain(name: str) -> str:
    """What is left of a name of letters, digits and underscores; it may begin with a digit, or be empty."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")


def refuse_odd(run_key: str, otherwise: str, because: str = "") -> None:
    """Stops before a name that is not plain.

    Args:
        run_key: the name
        otherwise: what to propose where nothing can be made of it
        because: why it must be plain

    Raises:
        ShortlistError: with a name to try
    """
    if not is_plain(run_key):
        proposal = plain(run_key) if plain(run_key)[:1].isalpha() else otherwise
        says = f"a letter followed by letters, digits and underscores{because}"
        raise must_be("run_key", says, run_key, f"Try {proposal!r}.")


def is_kept(dataset: fo.Dataset, name: str) -> bool:
    """Whether FiftyOne keeps a name for itself, though it lets a field have it: samples could no longer be read or copied.

    Args:
        dataset: the dataset
        name: of a field that is not there yet
    """
    # Two underscores are what the database's mapper writes a dot as: it cannot load samples anew that have such a field.
    return (
        name in _KEPT
        or "__" in name
        or (name not in dataset.get_field_schema() and hasattr(dataset._sample_doc_cls, name))
    )
