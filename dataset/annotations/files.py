"""Files for annotators: images under names that no tool confuses, the annotations in a tool's format, and a manifest."""

from __future__ import annotations

import json
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.errors import ShortlistError, did_you_mean, listed, must_be
from ...core.progress import Progress
from . import files_coco, files_cvat, files_labelstudio
from .pictures import Drawn, Picture, Returned

#: the formats that are written as files, by the name of the target
FORMATS: dict[str, ModuleType] = {
    "coco": files_coco,
    "cvat_file": files_cvat,
    "labelstudio_file": files_labelstudio,
}
#: where the images are, beside the annotations
IMAGES = "data"
_MANIFEST = "manifest.json"


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """A directory to write into that has its name once it is complete, and is gone when something fails.

    Raises:
        ShortlistError: there is something at the path
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise must_be("export_dir", "a new or an empty directory", str(path), "Choose another, or empty it.")
    writing = path.parent / f".{path.name}.{ObjectId()}"
    try:
        writing.mkdir(parents=True)
    except OSError as error:
        reason = error.strerror
        raise must_be("export_dir", f"a directory that can be written ({reason})", str(path)) from None
    try:
        yield writing
        if path.exists():
            path.rmdir()
        writing.rename(path)
    finally:
        shutil.rmtree(writing, ignore_errors=True)


def copied(
    pictures: Iterable[Picture], directory: Path, unread: list[tuple[str, str]], total: int, progress: Progress
) -> list[Picture]:
    """The pictures with copies of their images, each under a name of its own, and with their sizes.

    Args:
        pictures: what is handed over
        directory: gets the images
        unread: gets path and reason of each image that cannot be read; it is left out
        total: how many pictures there are
        progress: told the images copied
    """
    directory.mkdir()
    taken: set[str] = set()
    found = []
    for done, picture in enumerate(pictures, start=1):
        source = Path(picture.path)
        try:
            size = picture.size or _size_of(picture.path)
            target = directory / _own_name(source, taken)
            shutil.copyfile(source, target)
        except (OSError, ValueError) as error:
            unread.append((picture.path, str(error)))
        else:
            found.append(replace(picture, path=str(target), size=size))
        progress(done, total, "copying images")
    return found


def _size_of(path: str) -> tuple[int, int]:
    metadata = fo.ImageMetadata.build_for(path)
    if not metadata.width or not metadata.height:
        raise ValueError("no image of a known kind")
    return metadata.width, metadata.height


def _own_name(path: Path, taken: set[str]) -> str:
    """The name of a file, numbered where another has it: also in a file system that takes A for a."""
    name, number = path.name, 1
    while name.casefold() in taken:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    taken.add(name.casefold())
    return name


def write(
    target: str, directory: Path, pictures: list[Picture], drawn: Drawn, classes: list[str], about: dict[str, Any]
) -> dict[str, str]:
    """Writes the annotations in a format beside the images, and a manifest that says which image is which sample.

    Returns:
        the id of the sample of each image, by the image's name
    """
    FORMATS[target].write(directory, pictures, drawn, classes, about)
    names = {Path(picture.path).name: picture.sample for picture in pictures}
    labels = {
        Path(picture.path).name: [{"id": str(label.id), "class": label.label} for label in picture.labels]
        for picture in pictures
    }
    manifest = {**about, "classes": classes, "images": names, "labels": labels}
    (directory / _MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    return names


def read(target: str, path: Path, drawn: Drawn, where: str = "path") -> list[Returned]:
    """Reads annotations in a format: a file, or a directory or an archive that holds one.

    Raises:
        ShortlistError: no such file, or not in that format
    """
    form = FORMATS[target]
    if not path.exists():
        raise must_be(where, f"the file with the annotations ({form.NAME})", str(path), "There is no such file.")
    with TemporaryDirectory() as unpacked:
        file = _one_of(path, form, Path(unpacked), where)
        try:
            found: list[Returned] = form.read(file, drawn)
        except ShortlistError as error:
            raise error.at(where) from None
        except Exception as error:
            # Whatever a file of another kind makes FiftyOne's reader raise, the person must look at the file.
            reason = f"{type(error).__name__}: {error}"
            raise must_be(where, f"annotations as {form.FORMAT} writes them ({reason})", path.name) from None
    return found


def _one_of(path: Path, form: ModuleType, unpacked: Path, where: str) -> Path:
    """The file with the annotations: the path, or the only one that it can be inside."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if name.endswith(form.SUFFIX)]
            for name in inside:
                archive.extract(name, unpacked)
        path = unpacked
    if not path.is_dir():
        return path
    inside_files = [one for one in sorted(path.rglob(f"*{form.SUFFIX}")) if one.name != _MANIFEST]
    named = [one for one in inside_files if one.name == form.NAME] or inside_files
    if len(named) != 1:
        names = listed([one.name for one in named]) or "nothing"
        raise must_be(where, f"one file that ends in {form.SUFFIX}", names, "Give the path of the one to merge.")
    return named[0]


def samples_by_name(returned: list[Returned], names: dict[str, str]) -> tuple[dict[str, Returned], list[str]]:
    """What came back by the id of the sample, and the names of images that were not handed over.

    Tools put folders before a name and other endings behind it, and some write é as e with an accent after it.
    """
    samples = set(names.values())
    by_name = {_composed(name): sample for name, sample in names.items()}
    stems: dict[str, list[str]] = {}
    for name, owner in by_name.items():
        stems.setdefault(Path(name).stem, []).append(owner)
    found: dict[str, Returned] = {}
    unknown = []
    for one in returned:
        whole = _composed(one.name)
        bare = whole.replace("\\", "/").rpartition("/")[2]
        of_stem = stems.get(Path(bare).stem, [])
        named = by_name.get(whole) or by_name.get(bare) or (of_stem[0] if len(of_stem) == 1 else None)
        sample = one.sample if one.sample in samples else named
        if sample is None or sample in found:
            unknown.append(one.name)
        else:
            found[sample] = one
    return found, unknown


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def refuse_unfit(target: str, drawn: Drawn, pictures: Iterable[Picture]) -> None:
    """Stops where a format cannot hold what is to be drawn.

    Raises:
        ShortlistError: what it is, and which format can
    """
    form = FORMATS[target]
    if drawn not in form.HOLDS:
        able = [name for name, other in FORMATS.items() if drawn in other.HOLDS]
        hint = f"{listed(able)} can." if able else "No file format can."
        raise must_be("target", f"a format that holds {drawn}", target, hint)
    for picture in pictures:
        for label in picture.labels:
            if (reason := form.unfit(label)) is not None:
                raise ShortlistError(
                    f"target must be a format that holds all labels. Got {target!r}, which holds no {reason}, instead: "
                    f"label {label.id} of sample {picture.sample}."
                )


def refuse_unknown(target: str, backends: Iterable[str]) -> None:
    """Stops before a target that is neither a format nor a backend.

    Raises:
        ShortlistError: what there is
    """
    known = [*FORMATS, *backends]
    if target not in known:
        raise must_be("target", f"one of {listed(known)}", target, did_you_mean(target, known))
