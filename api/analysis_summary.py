"""What ``analyze_selection`` returns, said to people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import fiftyone as fo

from ..core.analysis.report import Report
from .summary import Summary


@dataclass(frozen=True)
class AnalysisResult(Summary):
    """What a selection is worth.

    Args:
        report: all that was found
        view: the worst-covered samples, the worst first; None without embeddings, and where nothing is uncovered
        key: the run that it is kept as
        views: the saved views
        files: the report's files
    """

    report: Report
    view: fo.DatasetView | None
    key: str
    views: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def headline(self) -> str:
        # What speaks of reports can draw them too, which is much to import for who only computes.
        from ..report.verdict import headline

        return f"Analyzed {self.report.analyzed.name!r}. {headline(self.report)}"

    def rows(self) -> Iterable[tuple[str, str]]:
        from ..report.verdict import sentences

        sizes = self.report.sizes
        datapool = f", {sizes['datapool']} in the datapool" if "datapool" in sizes else ""
        yield "samples", f"{sizes['selected']} selected of {sizes['input']}{datapool}"
        for sentence in sentences(self.report):
            yield "finding", sentence
        for note in self.report.notes:
            yield "note", note
        views = f", saved view{'s' if len(self.views) > 1 else ''} {', '.join(self.views)}" if self.views else ""
        yield "kept as", f"run {self.key}{views}"
        for path in self.files:
            yield "written", str(path)


@dataclass(frozen=True)
class KeptAnalysis:
    """An analysis that a dataset keeps.

    Args:
        name: the selection, tag or saved view that was analyzed
        kind: which of these it is
        key: of its run, also the name of its field
        created: when it was made (UTC)
        n_samples: how many samples the selection held then
        changed: whether it holds others now, or is no longer there
    """

    name: str
    kind: str
    key: str
    created: datetime
    n_samples: int
    changed: bool
