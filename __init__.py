"""Shortlist: which images to label, fix and review next. A FiftyOne plugin and a Python package in one tree."""

_VERBS = (
    "analyze_selection",
    "apply_review",
    "back_test",
    "compare_selections",
    "delete_analysis",
    "delete_back_test",
    "delete_config",
    "delete_hand_over",
    "delete_review",
    "delete_selection",
    "explain_selection",
    "export_annotations",
    "give_verdict",
    "list_analyses",
    "list_back_tests",
    "list_configs",
    "list_hand_overs",
    "list_reviews",
    "list_selections",
    "load_analysis",
    "load_back_test",
    "load_config",
    "load_review",
    "load_selection",
    "manage_reviews",
    "manage_selections",
    "merge_annotations",
    "next_to_review",
    "overview",
    "preview",
    "queue_of",
    "review_progress",
    "save_config",
    "score_disagreement",
    "score_images",
    "score_label_quality",
    "score_predicted_loss",
    "score_uncertainty",
    "select_samples",
    "start_review",
    "to_review",
    "undo_review",
    "undo_verdict",
    "visualize_embeddings",
)


def register(plugin):
    """Called by FiftyOne when it loads the plugin."""
    from .operators import OPERATORS
    from .panels.registry import PANELS

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
