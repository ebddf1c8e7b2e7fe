"""The operators: a form and one call each."""

from .analyze_selection import AnalyzeSelection
from .back_test import BackTest
from .explain_selection import ExplainSelection
from .manage_selections import ManageSelections
from .score_disagreement import ScoreDisagreement
from .score_images import ScoreImages
from .score_label_quality import ScoreLabelQuality
from .score_predicted_loss import ScorePredictedLoss
from .score_uncertainty import ScoreUncertainty
from .select_samples import SelectSamples
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
    VisualizeEmbeddings,
]
