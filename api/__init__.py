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
from .review.applying import apply_review, undo_review
from .review.deciding import give_verdict, next_to_review, queue_of, to_review, undo_verdict
from .review.handing_over import export_annotations
from .review.merging_back import delete_hand_over, list_hand_overs, merge_annotations
from .review.progress import review_progress
from .review.starting import delete_review, list_reviews, load_review, manage_reviews, start_review
from .scoring import score_uncertainty
from .selecting import delete_selection, list_selections, load_selection, manage_selections, select_samples
from .visualizing import visualize_embeddings

__all__ = [
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
]
