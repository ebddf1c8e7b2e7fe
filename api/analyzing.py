"""The verbs analyze_selection, load_analysis, list_analyses and delete_analysis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..core.analysis.embedding import Measured
from ..core.analysis.report import Report
from ..core.analysis.sets import Sets
from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.schema import parse
from ..core.verbs import AnalyzeSelection
from ..dataset import analyses
from ..dataset.analysis_fields import Covered
from ..dataset.analysis_names import names_for, reservation_of
from ..dataset.reservation import reserved
from ..dataset.samples import Samples, dataset_of, ids_of, samples_of
from ..dataset.sets import resolved
from ..dataset.thumbnails import thumbnails_of
from ..report.files import check_directory, pictured, written
from .analysis_plan import plan_of
from .analysis_summary import AnalysisResult, KeptAnalysis
from .analysis_work import Work
from .analyzed import Subject, flat, subject_of
from .terminal import Bar


def analyze_selection(
    samples: Samples, run_key: str, *, progress: Progress | None = None, **parameters: Any
) -> AnalysisResult:
    """Measures what a selection is worth, beside random selections of the same size, and keeps the report.

    A selection is compared with the samples that it was made from; a tag or a saved view with the samples given. The report
    is kept as a run, with a field that says how each sample is covered and saved views of the worst-covered samples and of
    near duplicates. What an earlier analysis of the same name left is replaced.

    Args:
        samples: a dataset or a view of its samples: what could have been selected
        run_key: a selection, a tag or a saved view
        progress: told the work done; a bar in the terminal by default
        **parameters: ``embeddings``, ``objects``, ``datapool``, ``label_fields``, ``fields``, ``random_draws``,
            ``export_dir``, ...; see the reference

    Returns:
        the report, the worst-covered samples, and what was written where

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(AnalyzeSelection, {"run_key": run_key, **parameters})
    samples = samples_of(samples)
    folder = None if given.export_dir is None else check_directory(given.export_dir, given.overwrite)
    with Bar.unless(progress) as told, reserved(dataset_of(samples), reservation_of(given.run_key)):
        return _analyze(samples, given, folder, told)


def load_analysis(samples: Samples, run_key: str) -> Report:
    """The report of an analysis.

    Raises:
        ShortlistError: there is none, or one that another version of Shortlist wrote
    """
    try:
        return Report.model_validate_json(analyses.load(dataset_of(samples), run_key))
    except ValidationError as error:
        raise ShortlistError(
            f"the analysis of {run_key!r} must be one that this version of Shortlist reads. Got another ({error.error_count()} "
            f"differences). Run analyze_selection again."
        ) from None


def list_analyses(samples: Samples) -> list[KeptAnalysis]:
    """The analyses of a dataset, oldest first, and whether what they are of has changed since."""
    dataset, found = dataset_of(samples), []
    for one in analyses.analyses(dataset):
        try:
            changed = analyses.fingerprint_of(ids_of(flat(resolved(dataset, one.name, "run_key")))) != one.fingerprint
        except ShortlistError:
            changed = True
        found.append(KeptAnalysis(one.name, one.kind, one.key, one.created, one.n_samples, changed))
    return found


def delete_analysis(samples: Samples, run_key: str) -> None:
    """Deletes an analysis: its field, saved views and run, and nothing else.

    Raises:
        ShortlistError: there is none
    """
    dataset = dataset_of(samples)
    analyses.analysis_of(dataset, run_key)
    with reserved(dataset, reservation_of(run_key)):
        analyses.delete(dataset, run_key)


def _analyze(samples: Samples, given: AnalyzeSelection, folder: Path | None, progress: Progress) -> AnalysisResult:
    """Names to arrays, arrays to a report, the report to the dataset and to files."""
    dataset = dataset_of(samples)
    dataset.reload()
    names = names_for(dataset, given.run_key)
    subject = subject_of(samples, given.run_key, given.datapool)
    plan = plan_of(given, subject.rows.samples, subject.config)
    work = Work(given, subject, plan, progress)
    measured = work.of_samples()
    of_objects = work.of_objects()
    distributions, numbers = work.distributions(), work.numbers()
    spaces = [one for one in (measured.analysis if measured else None, of_objects) if one is not None]
    report = work.report(spaces, distributions, numbers)
    covered = None if measured is None else _covered(subject, work.sets, measured)
    with _files(report, subject, given, folder, progress) as files:
        views = analyses.write(
            dataset,
            names,
            given.run_key,
            subject.kind,
            int(subject.selected.sum()),
            subject.fingerprint,
            report.model_dump_json(),
            covered,
            parameters=report.parameters,
        )
    view = dataset.load_saved_view(names.uncovered) if names.uncovered in views else None
    return AnalysisResult(report, view, names.key, views, files)


@contextmanager
def _files(
    report: Report, subject: Subject, given: AnalyzeSelection, folder: Path | None, progress: Progress
) -> Iterator[list[Path]]:
    """The report's files, with pictures of what it names; none where what is done with them there fails."""
    if folder is None:
        yield []
        return
    progress(0, 1, "writing the report")
    pictures = thumbnails_of(subject.rows.samples, pictured(report))
    with written(report, folder, thumbnails=pictures, overwrite=given.overwrite) as files:
        yield files


def _covered(subject: Subject, sets: Sets, measured: Measured) -> Covered:
    """How each sample of the input with a vector is covered."""
    rows = sets.input[measured.nearest[sets.input] >= 0]
    ids = subject.rows.ids
    return Covered(
        ids[rows],
        measured.distance[rows],
        ids[measured.nearest[rows]],
        measured.region[rows],
        measured.duplicate_group[rows],
    )
