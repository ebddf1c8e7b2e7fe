"""The verbs: read the dataset, compute, write the results. What operators, scripts and the command line all call."""

from .disagreeing import score_disagreement
from .imaging import score_images
from .label_quality import score_label_quality
from .predicting import score_predicted_loss
from .scoring import score_uncertainty
from .selecting import delete_selection, list_selections, load_selection, manage_selections, select_samples
from .visualizing import visualize_embeddings

__all__ = [
    "delete_selection",
    "list_selections",
    "load_selection",
    "manage_selections",
    "score_disagreement",
    "score_images",
    "score_label_quality",
    "score_predicted_loss",
    "score_uncertainty",
    "select_samples",
    "visualize_embeddings",
]
