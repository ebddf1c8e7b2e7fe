"""The verbs: read the dataset, compute, write the results. What operators, scripts and the command line all call."""

from .analyzing import analyze_selection, delete_analysis, list_analyses, load_analysis
from .back_testing import back_test, delete_back_test, list_back_tests, load_back_test
from .comparing_selections import compare_selections
from .configs import delete_config, list_configs, load_config, save_config
from .disagreeing import score_disagreement
from .explaining import explain_selection
from .imaging import score_images
from .label_quality import score_label_quality
from .overviewing import overview
from .predicting import score_predicted_loss
from .previewing import preview
from .scoring import score_uncertainty
from .selecting import delete_selection, list_selections, load_selection, manage_selections, select_samples
from .visualizing import visualize_embeddings

__all__ = [
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
]
