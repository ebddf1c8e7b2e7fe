"""What a selection config means, in one sentence."""

from __future__ import annotations

from .config import Entry, SelectionConfig

# From this strength on nothing else counts beside it, and its number says nothing to a person.
_ABOVE_ALL = 1e6


def in_words(config: SelectionConfig) -> str:
    """What a config picks, by what, and within which rules.

    Args:
        config: the config; a strategy of strength 0 is left out, as it is when the selection runs

    Returns:
        one sentence

    >>> config = {
    ...     "n_samples": 100,
    ...     "strategies": [
    ...         {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "DIVERSITY"}},
    ...         {"input": {"type": "SCORES", "field": "entropy"}, "strategy": {"type": "WEIGHTS", "strength": 0.5}},
    ...     ],
    ...     "constraints": [{"type": "MAX_PER_GROUP", "key": "video_name", "maximum": 5}],
    ... }
    >>> in_words(SelectionConfig.model_validate(config))
    'Picks 100 samples: spreads out in `clip`, prefers high `entropy` (strength 0.5), at most 5 per `video_name`.'
    """
    active = [entry for entry in config.strategies if entry.strategy.strength]
    ranked = [_said(entry) for entry in active if not entry.strategy.filters]
    kept = [entry.strategy.words(entry.input.words()) for entry in active if entry.strategy.filters]
    rules = [constraint.words() for constraint in config.constraints]
    how = [*(ranked or ["at random"]), *kept, *rules]
    return f"Picks {_amount(config)}: {', '.join(how)}{_beside(config)}."


def _said(entry: Entry) -> str:
    """A strategy that ranks, with how much it counts."""
    strength = abs(entry.strategy.strength)
    weight = "" if strength == 1 else " (above all else)" if strength >= _ABOVE_ALL else f" (strength {strength:g})"
    return entry.strategy.words(entry.input.words()) + weight


def _amount(config: SelectionConfig) -> str:
    """How many of what."""
    length = config.selected_sequence_length
    among = f" of `{config.candidates}`" if config.candidates else ""
    together = f" in sequences of {length}" if length is not None and length > 1 else ""
    if config.n_samples is not None:
        return f"{config.n_samples} sample{'' if config.n_samples == 1 else 's'}{among}{together}"
    if config.proportion_samples is not None:
        return f"{config.proportion_samples * 100:g} % of {among[4:] or 'the candidates'}{together}"
    return f"samples{among}{together}"


def _beside(config: SelectionConfig) -> str:
    """What counts as picked already."""
    names = " and ".join(f"`{name}`" for name in config.preselected or ())
    return f"; what is in {names} counts as picked already" if names else ""
