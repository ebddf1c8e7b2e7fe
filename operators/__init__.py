"""The operators: a form and one call each."""

from .analyze_selection import AnalyzeSelection
from .apply_review import ApplyReview
from .back_test import BackTest
from .explain_selection import ExplainSelection
from .export_annotations import ExportAnnotations
from .manage_reviews import ManageReviews
from .manage_selections import ManageSelections
from .merge_annotations import MergeAnnotations
from .review_progress import ReviewProgress
from .score_disagreement import ScoreDisagreement
from .score_images import ScoreImages
from .score_label_quality import ScoreLabelQuality
from .score_predicted_loss import ScorePredictedLoss
from .score_uncertainty import ScoreUncertainty
from .select_samples import SelectSamples
from .start_review import StartReview
from .undo_review import UndoReview
from .visualize_embeddings import VisualizeEmbeddings

OPERATORS = [
    ScoreUncertainty,
    ScoreDisagreement,
    ScoreImages,
    ScorePredictedLoss,
    ScoreLabelQuality,
    SelectSamples,
    ExplainSelection,
    AnalyzeSelection,
    BackTest,
    ManageSelections,
    StartReview,
    ReviewProgress,
    ApplyReview,
    UndoReview,
    ManageReviews,
    ExportAnnotations,
    MergeAnnotations,
    VisualizeEmbeddings,
]
