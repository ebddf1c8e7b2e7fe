"""An analysis as pages to print: the verdict first, then what stands behind it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from numpy.typing import NDArray

from ..core.analysis.report import Report
from .closing import put_closing
from .distributions import put_distributions, put_numbers
from .embedding import put_embedding
from .paper import ROOM, Paper
from .summary import put_summary, when
from .text import clean, families, shortened
from .uncovered import put_uncovered

# Matplotlib reads settings while it draws, and they are the whole program's: one report at a time sets and restores them.
_one = threading.Lock()
# Of a point cloud that is drawn as a picture.
_DPI = 220


def write_pdf(report: Report, path: Path, thumbnails: Mapping[str, NDArray[np.uint8]]) -> None:
    """Draws a report and writes it.

    Args:
        report: what the analysis found
        path: the file
        thumbnails: (h, w, 3) RGB pictures by sample id; where one is missing a frame says so
    """
    with _one, matplotlib.rc_context(_settings()):
        figures = laid_out(report, thumbnails).numbered()
        with PdfPages(path, metadata=_metadata(report)) as pages:
            for figure in figures:
                pages.savefig(figure, dpi=_DPI)


def laid_out(report: Report, thumbnails: Mapping[str, NDArray[np.uint8]]) -> Paper:
    """The pages of a report; call it with the settings of ``write_pdf``."""
    footer = f"{report.dataset} · {report.analyzed.name} · {when(report)}"
    paper = Paper(shortened(footer, ROOM - 20, 7))
    put_summary(paper, report)
    for analysis in report.embeddings:
        put_embedding(paper, analysis)
        put_uncovered(paper, analysis, thumbnails)
    put_distributions(paper, report.distributions)
    put_numbers(paper, report.numbers)
    put_closing(paper, report)
    return paper


def _settings() -> Any:
    """Matplotlib's own settings, whatever the user's are, and ours: fonts in the file as text, no text read as formulas."""
    plain: dict[str, Any] = {
        str(name): value
        for name, value in matplotlib.rcParamsDefault.items()
        if "backend" not in name and name != "interactive"
    }
    return {
        **plain,
        "pdf.fonttype": 42,
        "text.parse_math": False,
        "text.usetex": False,
        "font.family": families(),
        "axes.unicode_minus": True,
    }


def _metadata(report: Report) -> dict[str, Any]:
    """What viewers say of the file; the same report gives the same bytes."""
    try:
        created = datetime.fromisoformat(report.created)
    except ValueError:
        created = None
    return {
        "Title": clean(f"{report.analyzed.name} · {report.dataset}"),
        "Author": clean(report.by),
        "Subject": "What a selection is worth",
        "Creator": f"Shortlist {report.versions.get('shortlist', '')}".strip(),
        "CreationDate": created,
    }
