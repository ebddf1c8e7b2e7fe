"""The operators: a form and one call each."""

from .manage_selections import ManageSelections
from .score_uncertainty import ScoreUncertainty
from .select_samples import SelectSamples
from .visualize_embeddings import VisualizeEmbeddings

OPERATORS = [ScoreUncertainty, SelectSamples, ManageSelections, VisualizeEmbeddings]
