"""Turns arrays and reports into Plotly figures, as JSON; knows no App."""

from .compare import balance_plot, beside_plot
from .confusion import confusion_plot
from .curves import curves_plot
from .distributions import shares_plot
from .histograms import distances_plot, numbers_plot
from .item import item_plot
from .overlap import overlap_plot
from .scatter import scatter_plot

__all__ = [
    "balance_plot",
    "beside_plot",
    "confusion_plot",
    "curves_plot",
    "distances_plot",
    "item_plot",
    "numbers_plot",
    "overlap_plot",
    "scatter_plot",
    "shares_plot",
]
