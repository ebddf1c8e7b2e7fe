"""The verb export_annotations: work goes to annotators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import fiftyone as fo
from bson import ObjectId

from ...core.errors import ShortlistError, must_be
from ...core.progress import Progress
from ...core.review.returned import Version, matches
from ...core.schema import parse
from ...core.verbs import ExportAnnotations
from ...dataset import selections
from ...dataset.annotations import backends, files, handed, planning
from ...dataset.annotations.handed import FILE_TARGETS, Entry, HandOver
from ...dataset.annotations.pictures import KINDS, Drawn, Picture, Returned, of_list, pictures, shape_of
from ...dataset.reservation import reserved
from ...dataset.samples import Samples, dataset_of
from ..terminal import Bar
from .handed_over import HandedOver


@dataclass
class _Work:
    """What is handed over, and what cannot be.

    Args:
        given: the parameters
        dataset: where it comes from
        drawn: what annotators draw
        classes: the classes to choose from
        pictures: the samples with what annotators begin with
        labels: the ids of labels without a class or a place
        unread: path and reason of images that cannot be read
    """

    given: ExportAnnotations
    dataset: fo.Dataset
    drawn: Drawn
    classes: list[str]
    pictures: list[Picture]
    labels: list[str]
    unread: list[tuple[str, str]] = field(default_factory=list)


def export_annotations(
    samples: Samples,
    run_key: str,
    label_field: str,
    *,
    source: str | None = None,
    prelabels: str | None = None,
    label_type: str | None = None,
    target: str = "coco",
    export_dir: str | Path | None = None,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> HandedOver:
    """Hands samples to annotators: files for COCO, CVAT or Label Studio, or a FiftyOne annotation backend.

    Args:
        samples: a dataset or a view of images
        run_key: the name of the hand-over
        label_field: the field that annotations go to; it need not exist yet
        source: a selection, a review (its issues that were found wrong), a tag or a saved view; those given by default
        prelabels: the labels that annotators begin with where the field has none
        label_type: what annotators draw
        target: ``coco``, ``cvat_file``, ``labelstudio_file`` or a FiftyOne annotation backend
        export_dir: where files are written to
        classes: the classes to choose from; those there are by default
        progress: told the work done; a bar in the terminal by default

    Returns:
        what was handed over

    Raises:
        ShortlistError: bad input; nothing was written
    """
    parameters = {
        "run_key": run_key,
        "label_field": label_field,
        "source": source,
        "prelabels": prelabels,
        "label_type": label_type,
        "target": target,
        "export_dir": None if export_dir is None else str(export_dir),
        "classes": None if classes is None else list(classes),
    }
    given = parse(ExportAnnotations, {name: value for name, value in parameters.items() if value is not None})
    found = planning.samples_to_hand(samples, given.source)
    dataset = dataset_of(found)
    with Bar.unless(progress) as told, reserved(dataset, f"the hand-over {given.run_key}"):
        dataset.reload()
        work = _planned(found, given)
        hand_over = _to_files(work, told) if given.target in FILE_TARGETS else _to_backend(work)
        facts = {
            "classes": work.classes,
            "source": given.source,
            "by": selections.user(),
            "time": selections.now(),
            "versions": selections.versions(),
        }
        handed.save_new(dataset, replace(hand_over, facts=facts))
    entries = list(chain(*hand_over.entries.values()))
    n_own = sum(1 for one in entries if one.known_as == one.label)
    return HandedOver(
        given.run_key,
        given.target,
        given.label_field,
        work.drawn,
        hand_over.directory,
        len(hand_over.names),
        n_own,
        len(entries) - n_own,
        work.classes,
        len(work.labels),
        work.unread,
    )


def _planned(samples: Samples, given: ExportAnnotations) -> _Work:
    """Parameters to what is handed over.

    Raises:
        ShortlistError: what does not fit; nothing was written
    """
    dataset = dataset_of(samples)
    handed.refuse_taken(dataset, given.run_key)
    if given.run_key == given.label_field:
        raise must_be("run_key", "another name than the label field", given.run_key)
    files.refuse_unknown(given.target, fo.annotation_config.backends)
    kind = planning.kind_of(samples, given.label_field, given.prelabels, given.label_type)
    left_out: list[str] = []
    found = list(pictures(samples, given.label_field, kind, given.prelabels, left_out))
    drawn = planning.drawn_on(kind, given.label_type, found)
    used = {str(label.label) for picture in found for label in picture.labels}
    named = list(given.classes or planning.known_classes(samples, given.label_field, given.prelabels))
    # Tools drop labels of classes that they do not know.
    classes = [*dict.fromkeys(named), *sorted(used - {*named})]
    if not classes:
        raise ShortlistError("classes must be given: there are no labels to take them from.")
    return _Work(given, dataset, drawn, classes, found, left_out)


def _to_files(work: _Work, progress: Progress) -> HandOver:
    """Writes the files. What annotators are shown is what the file says when it is read again."""
    given = work.given
    if given.export_dir is None:
        raise ShortlistError(f"export_dir must be given to write files for {given.target!r}.")
    files.refuse_unfit(given.target, work.drawn, work.pictures)
    target = Path(given.export_dir).expanduser().absolute()
    about = {"run_key": given.run_key, "dataset": work.dataset.name, "label_field": given.label_field}
    with files.new_directory(target) as directory:
        copied = files.copied(work.pictures, directory / files.IMAGES, work.unread, len(work.pictures), progress)
        if not copied:
            raise must_be("the samples", "images that can be read", *work.unread[0])
        names = files.write(given.target, directory, copied, work.drawn, work.classes, about)
        written = files.read(given.target, directory / files.FORMATS[given.target].NAME, work.drawn)
    by_sample, _ = files.samples_by_name(written, names)
    return _hand_over(replace(work, pictures=copied), names, by_sample, str(target))


def _to_backend(work: _Work) -> HandOver:
    """Hands the labels to a backend. What annotators are shown is the field that it got."""
    given = work.given
    names = {picture.sample: picture.sample for picture in work.pictures}
    backends.send(work.dataset, given.run_key, work.pictures, work.drawn, work.classes, given.target)
    returned = list(backends.held(work.dataset, _hand_over(work, names, {}, None)))
    by_sample, _ = files.samples_by_name(returned, names)
    return _hand_over(work, names, by_sample, None)


def _hand_over(work: _Work, names: dict[str, str], shown: dict[str, Returned], directory: str | None) -> HandOver:
    """What is recorded: of each label what it was, and what annotators are shown."""
    entries = {picture.sample: _entries(picture, shown.get(picture.sample), work.drawn) for picture in work.pictures}
    given = work.given
    return HandOver(
        given.run_key,
        given.label_field,
        work.drawn,
        given.target,
        given.prelabels,
        directory,
        names,
        [picture.sample for picture in work.pictures if picture.is_empty],
        {sample: held for sample, held in entries.items() if held},
    )


def _entries(picture: Picture, shown: Returned | None, drawn: Drawn) -> list[Entry]:
    """The labels of a picture as annotators are shown them."""
    if shown is None:
        return []
    own = [(str(label.id), shape_of(label)) for label in picture.labels]
    pairs = matches(own, [(one.id, one.shape) for one in shown.annotations], of_list(KINDS[drawn]) is None)
    shapes = {label: shown.annotations[place].shape for place, label in pairs.items()}
    found = []
    for label in (name for name, _ in own if name in shapes):
        shape = shapes[label]
        if picture.is_own:
            found.append(Entry(label, label, shape, [Version(shape, picture.names[label])]))
        else:
            found.append(Entry(str(ObjectId()), label, shape, [Version(None, None)]))
    return found
