"""The verbs' parameters, one model a verb: their forms, checks, SDK arguments and reference come from here."""

from .analyzing import AnalyzeSelection
from .back_testing import BackTest
from .comparing import CompareSelections
from .scoring import ScoreDisagreement, ScoreImages, ScoreLabelQuality, ScorePredictedLoss, ScoreUncertainty
from .selecting import ExplainSelection, ManageSelections, SelectSamples, VisualizeEmbeddings

__all__ = [
    "AnalyzeSelection",
    "BackTest",
    "CompareSelections",
    "ExplainSelection",
    "ManageSelections",
    "ScoreDisagreement",
    "ScoreImages",
    "ScoreLabelQuality",
    "ScorePredictedLoss",
    "ScoreUncertainty",
    "SelectSamples",
    "VisualizeEmbeddings",
]
