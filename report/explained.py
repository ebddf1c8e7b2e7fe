"""What a key of the report means, as a sentence for people: the models' own descriptions, less what only matters in JSON."""

from __future__ import annotations

from ..core.schema import Schema


def meaning(model: type[Schema], key: str) -> str:
    """The first sentence of a key's description, without what null stands for.

    >>> from ..core.analysis.report import Shares
    >>> meaning(Shares, "imbalance")
    'How often the most frequent category stands against the least frequent one.'
    """
    text = model.model_fields[key].description or ""
    return text.split("; null")[0].split(". ")[0].rstrip(".") + "."


def glossary(*words: tuple[str, type[Schema], str]) -> str:
    """``Word: what it means.`` of each, one after the other.

    Args:
        *words: a word on paper, and the model and key that it stands for
    """
    told = ((word, meaning(model, key)) for word, model, key in words)
    return " ".join(f"{word}: {sentence[0].lower()}{sentence[1:]}" for word, sentence in told)
