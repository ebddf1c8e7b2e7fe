"""The verbs: read the dataset, compute, write the results. What operators, scripts and the command line all call."""

from .scoring import score_uncertainty
from .selecting import delete_selection, list_selections, load_selection, manage_selections, select_samples
from .visualizing import visualize_embeddings

__all__ = [
    "delete_selection",
    "list_selections",
    "load_selection",
    "manage_selections",
    "score_uncertainty",
    "select_samples",
    "visualize_embeddings",
]
