"""The files of a report: written whole, both of them, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.analysis.report import Report
from ..core.errors import ShortlistError, listed, must_be

JSON, PDF = "report.json", "report.pdf"


def check_directory(directory: str | Path, overwrite: bool) -> Path:
    """The folder to write a report to, if it can be; nothing is made yet.

    Args:
        directory: the folder, which need not be there; ``~`` is the user's own
        overwrite: whether reports that are there may be replaced

    Raises:
        ShortlistError: it is no folder of this machine, cannot be written to, or holds reports that may not be replaced
    """
    folder = _folder(directory)
    try:
        # A name that no system takes is said now, not after the work.
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(folder)
        taken = [name for name in (JSON, PDF) if os.path.lexists(folder / name)]
        blocked = [name for name in taken if (folder / name).is_dir()]
        there = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
        is_folder, may_write = there.is_dir(), os.access(there, os.W_OK | os.X_OK)
    except (OSError, ValueError) as error:
        raise _not_written(directory, error) from None
    if not is_folder:
        where = "it" if there == folder else repr(str(there))
        raise must_be("export_dir", "a folder", str(directory), f"Name another: {where} is a file.")
    if not may_write:
        raise must_be(
            "export_dir", "a folder that can be written", str(directory), f"{str(there)!r} is not open to you."
        )
    if blocked:
        raise must_be("export_dir", f"a folder without a folder {blocked[0]}", str(directory), "Name another.")
    if taken and not overwrite:
        raise must_be(
            "export_dir", f"a folder without {listed(taken)}", str(directory), "Set overwrite to replace what is there."
        )
    return folder


@contextmanager
def written(
    report: Report,
    directory: str | Path,
    *,
    thumbnails: Mapping[str, NDArray[np.uint8]] | None = None,
    overwrite: bool = False,
) -> Iterator[list[Path]]:
    """Writes ``report.json`` and ``report.pdf``; where what is done with them there fails, all is as it was before.

    Args:
        report: what the analysis found
        directory: the folder; it is made where it is missing
        thumbnails: (h, w, 3) RGB pictures by sample id, see ``pictured``
        overwrite: whether reports that are there are replaced

    Yields:
        the paths of the two files

    Raises:
        ShortlistError: see ``check_directory``; or the disk is full, or such. Then what was there is there unchanged
    """
    folder = check_directory(directory, overwrite)
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    with ExitStack() as undo:
        for parent in reversed(missing):
            undo.callback(_remove_empty, parent)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Beside the files, so that moving them there is one step.
            beside = undo.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix=".shortlist-"))
            _draw(report, Path(beside), thumbnails or {})
            # The PDF first: where a viewer holds it open, some systems refuse to replace it.
            for name in (PDF, JSON):
                undo.push(_moved(name, Path(beside), folder))
        except OSError as error:
            raise _not_written(directory, error) from error
        yield [folder / JSON, folder / PDF]


def write_report(report: Report, directory: str | Path, **more: Any) -> list[Path]:
    """Writes ``report.json`` and ``report.pdf``; see ``written``.

    Returns:
        the paths of the two files
    """
    with written(report, directory, **more) as files:
        return files


def _draw(report: Report, folder: Path, thumbnails: Mapping[str, NDArray[np.uint8]]) -> None:
    """Makes both files."""
    # Drawing costs half a second of imports that nobody else needs.
    from .pdf import write_pdf

    (folder / JSON).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    write_pdf(report, folder / PDF, thumbnails)


def pictured(report: Report) -> list[str]:
    """The sample ids of which ``report.pdf`` shows a thumbnail where it is given one."""
    from .uncovered import pictured as shown

    return list(dict.fromkeys(one for analysis in report.embeddings for one in shown(analysis)))


def _folder(directory: str | Path) -> Path:
    """The folder as a whole path."""
    if "://" in str(directory):
        raise must_be("export_dir", "a folder on this machine", str(directory))
    try:
        return Path(directory).expanduser().absolute()
    except RuntimeError:
        raise must_be("export_dir", "a folder", str(directory), "There is no such user.") from None


def _moved(name: str, made: Path, folder: Path) -> Callable[..., None]:
    """Puts a new file in the place of what is there.

    Args:
        name: of the file
        made: where it is
        folder: where it goes

    Returns:
        what to do where an error follows: all is as it was
    """
    before = made / f"before-{name}" if os.path.lexists(folder / name) else None
    if before is not None:
        shutil.copy2(folder / name, before, follow_symlinks=False)
    os.replace(made / name, folder / name)

    def undo(kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        if before is not None:
            os.replace(before, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)

    return undo


def _remove_empty(folder: Path) -> None:
    """Removes a folder that was made for the report, unless it holds something by now."""
    with suppress(OSError):
        folder.rmdir()


def _not_written(directory: str | Path, error: OSError | ValueError) -> ShortlistError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return must_be("export_dir", "a folder that can be written", str(directory), f"{reason}; no report was written.")
