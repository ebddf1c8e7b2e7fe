"""Shortlist: which images to label, fix and review next. A FiftyOne plugin and a Python package in one tree."""

_VERBS = (
    "delete_config",
    "delete_selection",
    "explain_selection",
    "list_configs",
    "list_selections",
    "load_config",
    "load_selection",
    "manage_selections",
    "preview",
    "save_config",
    "score_disagreement",
    "score_images",
    "score_label_quality",
    "score_predicted_loss",
    "score_uncertainty",
    "select_samples",
    "visualize_embeddings",
)


def register(plugin):
    """Called by FiftyOne when it loads the plugin."""
    from .operators import OPERATORS

    for operator in OPERATORS:
        plugin.register(operator)


def __getattr__(name):
    if name in _VERBS:
        from . import api

        return getattr(api, name)
    if name == "ShortlistError":
        from .core.errors import ShortlistError

        return ShortlistError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*_VERBS, "ShortlistError", "register"])
