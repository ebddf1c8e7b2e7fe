"""The verbs' parameters, one model a verb: their forms, checks, SDK arguments and reference come from here."""

from .scoring import ScoreDisagreement, ScoreImages, ScoreLabelQuality, ScorePredictedLoss, ScoreUncertainty
from .selecting import ExplainSelection, ManageSelections, SelectSamples, VisualizeEmbeddings

__all__ = [
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
