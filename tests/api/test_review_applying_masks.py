"""apply_review and undo_review on semantic masks: regions painted into new bytes or new files, the old ones untouched."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from shortlist import apply_review, give_verdict, undo_review
from shortlist.core.errors import Cancelled
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept

KEY = "review_1"
TARGETS = {0: "background", 1: "car", 2: "person", 255: "void"}
COLOURS = {"#000000": "background", "#800000": "car", "#008000": "person"}
ABOUT = {
    "label_field": "gt",
    "subject": "issues",
    "classes": ["background", "car", "person"],
    "parameters": {},
    "facts": {},
}


def silent(*_: object) -> None:
    """No bar."""


def mask(kind=np.uint8):
    """(6, 8) with a car of 2 by 3 pixels, and a void corner."""
    found = np.zeros((6, 8), kind)
    found[1:3, 2:5] = 1
    if np.iinfo(kind).max >= 255:
        found[5, 7] = 255
    return found


def region(given, suggested, rows=(1, 3), columns=(2, 5), kind="wrong_class"):
    (top, bottom), (left, right) = rows, columns
    box = [left / 8, top / 6, (right - left) / 8, (bottom - top) / 6]
    inside = np.ones((bottom - top, right - left), bool)
    inside[0, 0] = False
    return fo.Detection(label=suggested, bounding_box=box, mask=inside, issue=kind, quality=0.1, given=given)


def wanted(values, number, rows=(1, 3), columns=(2, 5)):
    found = values.copy()
    corner = found[rows[0], columns[0]].copy()
    found[rows[0] : rows[1], columns[0] : columns[1]] = number
    found[rows[0], columns[0]] = corner
    return found


def of_file(folder: Path, name: str, values: np.ndarray, mode: str | None = None) -> str:
    image = Image.fromarray(values, mode)
    if mode == "P":
        image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    image.save(folder / name)
    return str(folder / name)


@pytest.fixture
def masked(make):
    """A dataset of masks, each with suggested regions, and a review of all of these."""

    def made(masks, regions, targets=TARGETS, decisions=None):
        samples = [
            fo.Sample(f"/nowhere/{row}.png", gt=one, gt_suggestions=fo.Detections(detections=some))
            for row, (one, some) in enumerate(zip(masks, regions, strict=True))
        ]
        dataset = make(samples, mask_targets={"gt": targets})
        items = [
            Item(
                sample.id, one.issue, 0.1, suggestion=one.id, given=one.given, suggested=one.label,
                suggested_box=tuple(one.bounding_box),
            )
            for sample in dataset
            for one in sample.gt_suggestions.detections
        ]  # fmt: skip
        kept.write(dataset, KEY, items, **ABOUT)
        for number in range(1, len(items) + 1):
            decision, label = (decisions or {}).get(number, ("accept", None))
            give_verdict(dataset, KEY, number, decision, reviewer="ana", label=label)
        return dataset

    return made


def test_a_region_in_the_database_is_painted_and_the_old_bytes_come_back(masked, documents):
    kinds = [np.uint8, np.uint16, np.int32, np.int64]
    masks = [fo.Segmentation(mask=mask(kind), note="kept") for kind in kinds]
    dataset = masked(masks, [[region("car", "person")] for _ in kinds])
    before = documents(dataset, ["last_modified_at"])
    summary = apply_review(dataset, KEY, progress=silent)
    assert (summary.n_applied, summary.headline) == (4, "Changed 4 regions of 4 samples in 'gt'")
    for label, kind in zip(dataset.values("gt"), kinds, strict=True):
        assert (label.mask.dtype, label.mask.tolist(), label.note) == (kind, wanted(mask(kind), 2).tolist(), "kept")
    undo_review(dataset, KEY, progress=silent)
    assert documents(dataset, ["last_modified_at"]) == before


def test_several_regions_of_a_mask_and_another_class(masked):
    some = [
        region("car", "person"),
        region("background", "car", (4, 6), (0, 3), "missing"),
        region("background", "car"),
    ]
    dataset = masked([fo.Segmentation(mask=mask())], [some], decisions={2: ("relabel", "person")})
    summary = apply_review(dataset, KEY, progress=silent)
    expected = wanted(wanted(mask(), 2), 2, (4, 6), (0, 3))
    assert dataset.first().gt.mask.tolist() == expected.tolist()
    assert summary.left == {"the label was changed since it was reviewed": [3]}


def test_a_region_of_what_should_not_be_there_becomes_what_is_behind_it(masked):
    dataset = masked([fo.Segmentation(mask=mask())], [[region("car", "background", kind="spurious")]])
    assert apply_review(dataset, KEY, progress=silent).n_applied == 1
    assert dataset.first().gt.mask.tolist() == wanted(mask(), 0).tolist()


def test_a_region_that_was_found_on_a_coarser_grid_takes_the_pixels_of_its_class_only(masked):
    fine = np.zeros((60, 80), np.uint8)
    fine[10:30, 20:50] = 1
    fine[10:13, 20:50] = 2
    # Cells of ten pixels, of which those in the middle were looked at; the box is cells 2 to 5 by 1 to 3.
    found = region("car", "person")
    found.mask = np.ones((2, 3), bool)
    dataset = masked([fo.Segmentation(mask=fine)], [[found]])
    assert apply_review(dataset, KEY, progress=silent).n_applied == 1
    expected = np.where(fine == 1, 2, fine)
    assert dataset.first().gt.mask.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["grey", "16 bits", "palette", "colours"])
def test_a_file_is_written_beside_the_old_one_which_stays(masked, documents, tmp_path, kind):
    values, colours = mask(), np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]], np.uint8)
    values[values == 255] = 0
    if kind == "16 bits":
        path = of_file(tmp_path, "maße.png", values.astype(np.uint16))
    elif kind == "colours":
        path = of_file(tmp_path, "maße.png", colours[values])
    else:
        path = of_file(tmp_path, "maße.png", values, "P" if kind == "palette" else None)
    targets = COLOURS if kind in ("palette", "colours") else TARGETS
    old = Path(path).read_bytes()
    dataset = masked([fo.Segmentation(mask_path=path)], [[region("car", "person")]], targets)
    before = documents(dataset, ["last_modified_at"])
    assert apply_review(dataset, KEY, progress=silent).n_applied == 1
    sample = dataset.first()
    written = Path(sample.gt.mask_path)
    assert (written.parent, written.name) == (tmp_path, f"maße.review_1_edits_1.{sample.id}.png")
    assert Path(path).read_bytes() == old
    found, expected = np.array(Image.open(written)), wanted(values, 2)
    assert found.tolist() == (colours[expected] if kind == "colours" else expected).tolist()
    with Image.open(path) as one, Image.open(written) as other:
        assert (one.mode, one.getpalette()) == (other.mode, other.getpalette())
    read = fo.Segmentation(mask_path=str(written)).get_mask()
    assert read.tolist() == (colours[expected] if read.ndim == 3 else expected).tolist()
    summary = undo_review(dataset, KEY, progress=silent)
    assert summary.n_restored == 1
    assert documents(dataset, ["last_modified_at"]) == before
    assert [one.name for one in tmp_path.iterdir()] == ["maße.png"]


def test_what_cannot_be_painted_is_left_and_told(masked, tmp_path):
    gone = of_file(tmp_path, "gone.png", mask())
    unnamed = fo.Segmentation(mask=mask())
    dataset = masked(
        [fo.Segmentation(mask=mask()), fo.Segmentation(mask_path=gone), None, unnamed, unnamed.copy(), unnamed.copy()],
        [[region("car", "person")], [region("car", "person")], [region("car", "person")], [region("car", "truck")],
         [region("car", "person")], [region("car", "person")]],
    )  # fmt: skip
    Path(gone).unlink()
    first, scored, small = dataset.first(), dataset.skip(4).first(), dataset.skip(5).first()
    changed = mask()
    changed[2, 3] = 2
    first.gt.mask = changed
    scored.gt_suggestions = fo.Detections()
    small.gt.mask = np.zeros((3, 3), np.uint8)
    for sample in (first, scored, small):
        sample.save()
    summary = apply_review(dataset, KEY, progress=silent)
    assert summary.n_applied == 0
    assert {numbers[0]: reason for reason, numbers in summary.left.items()} == {
        1: "the label was changed since it was reviewed",
        2: "the mask cannot be read",
        3: "the label is gone",
        4: "the mask has no value for the class: name it in the dataset's mask targets",
        5: "the suggested region is no longer there: the labels were scored again since",
    }
    assert summary.left["the label was changed since it was reviewed"] == [1, 6]
    assert dataset.first().gt.mask.tolist() == changed.tolist()


def test_a_file_that_somebody_else_uses_since_stays(masked, tmp_path):
    dataset = masked([fo.Segmentation(mask_path=of_file(tmp_path, "a.png", mask()))], [[region("car", "person")]])
    apply_review(dataset, KEY, progress=silent)
    sample = dataset.first()
    replaced = fo.Segmentation(mask_path=sample.gt.mask_path)
    sample["gt"] = replaced
    sample.save()
    summary = undo_review(dataset, KEY, progress=silent)
    assert summary.n_restored == 0
    assert Path(dataset.first().gt.mask_path).is_file()


def test_cancelled_before_anything_is_written_there_are_no_files(masked, tmp_path):
    dataset = masked([fo.Segmentation(mask_path=of_file(tmp_path, "a.png", mask()))], [[region("car", "person")]])

    def cancelled(*_):
        raise Cancelled

    with pytest.raises(Cancelled):
        apply_review(dataset, KEY, progress=cancelled)
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]
    assert dataset.first().gt.mask_path.endswith("a.png")


def test_a_copy_has_files_of_its_own_which_go_with_it(masked, tmp_path):
    dataset = masked([fo.Segmentation(mask_path=of_file(tmp_path, "a.png", mask()))], [[region("car", "person")]])
    apply_review(dataset, KEY, output_field="fixed", progress=silent)
    sample = dataset.first()
    assert sample.gt.mask_path.endswith("a.png")
    assert np.array(Image.open(sample["fixed"].mask_path)).tolist() == wanted(mask(), 2).tolist()
    assert dataset.mask_targets["fixed"] == TARGETS
    undo_review(dataset, KEY, progress=silent)
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]
    assert dataset.get_field("fixed") is None
