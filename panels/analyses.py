"""What has been selected and analyzed in a dataset, as the panel's tabs ask for it."""

from __future__ import annotations

import fiftyone.operators as foo

from ..api.analysis_summary import KeptAnalysis
from ..api.analyzing import list_analyses, load_analysis
from ..api.selecting import list_selections
from ..core.analysis.report import Report
from .cache import kept, runs_key

# Seconds for which a selection is taken to be what it was when it was compared with its analysis.
_SAME_FOR = 30


def analyses_of(ctx: foo.ExecutionContext) -> list[KeptAnalysis]:
    """What is recorded of the analyses, the newest first."""
    # Whether a set has changed takes reading its ids.
    key = ("analyses", ctx.dataset.name, runs_key(ctx))
    return kept(key, lambda: list(reversed(list_analyses(ctx.dataset))), _SAME_FOR)


def report_of(ctx: foo.ExecutionContext, analysis: KeptAnalysis) -> Report:
    """The report of an analysis; read once, since it may hold thousands of points."""
    key = ("report", ctx.dataset.name, analysis.name, analysis.created)
    return kept(key, lambda: load_analysis(ctx.dataset, analysis.name))


def options_of(ctx: foo.ExecutionContext) -> dict[str, str]:
    """What can be looked at, as people read it: what was analyzed, the newest first, then selections that were not."""
    options = {one.name: f"{one.name} ({one.kind}, {one.n_samples:,} samples)" for one in analyses_of(ctx)}
    key = ("selections", ctx.dataset.name, runs_key(ctx))
    for name in kept(key, lambda: [one.run_key for one in list_selections(ctx.dataset)][::-1], _SAME_FOR):
        options.setdefault(name, f"{name} (selection, not analyzed yet)")
    return options
