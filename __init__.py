"""Shortlist: which images to label, fix and review next. A FiftyOne plugin and a Python package in one tree."""

_VERBS = (
    "analyze_selection",
    "back_test",
    "compare_selections",
    "delete_analysis",
    "delete_back_test",
    "delete_config",
    "delete_selection",
    "explain_selection",
    "list_analyses",
    "list_back_tests",
    "list_configs",
    "list_selections",
    "load_analysis",
    "load_back_test",
    "load_config",
    "load_selection",
    "manage_selections",
    "overview",
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
    from .panels.shortlist import PANELS

    for found in [*OPERATORS, *PANELS]:
        plugin.register(found)


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
