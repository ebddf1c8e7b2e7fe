"""The verbs' parameters, one model a verb: their forms, checks, SDK arguments and reference come from here."""

from .analyzing import AnalyzeSelection
from .back_testing import BackTest
from .comparing import CompareSelections
from .reviewing import (
    ApplyReview,
    ExportAnnotations,
    ManageReviews,
    MergeAnnotations,
    ReviewProgress,
    StartReview,
    UndoReview,
)
from .scoring import ScoreDisagreement, ScoreImages, ScoreLabelQuality, ScorePredictedLoss, ScoreUncertainty
from .selecting import ExplainSelection, ManageSelections, SelectSamples, VisualizeEmbeddings

__all__ = [
    "AnalyzeSelection",
    "ApplyReview",
    "BackTest",
    "CompareSelections",
    "ExplainSelection",
    "ExportAnnotations",
    "ManageReviews",
    "ManageSelections",
    "MergeAnnotations",
    "ReviewProgress",
    "ScoreDisagreement",
    "ScoreImages",
    "ScoreLabelQuality",
    "ScorePredictedLoss",
    "ScoreUncertainty",
    "SelectSamples",
    "StartReview",
    "UndoReview",
    "VisualizeEmbeddings",
]
