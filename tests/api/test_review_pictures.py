"""Pictures of items: the part of the image, the labels on it, and whether they are still what was asked about."""

from __future__ import annotations

import base64

import cv2
import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from shortlist import ShortlistError
from shortlist.api.review.editing import make_editable
from shortlist.api.review.picturing import look, picture_of
from shortlist.core.review.items import Item

BOX = (0.25, 0.5, 0.125, 0.25)


def pixels_of(picture):
    """(h, w, 3) RGB, what a browser shows."""
    data = base64.b64decode(picture.data.removeprefix("data:image/jpeg;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.fixture
def image(tmp_path):
    """800 by 400 pixels: red where the object is, blue around it, and green beyond 300 pixels from the left edge on."""
    pixels = np.zeros((400, 800, 3), np.uint8)
    pixels[:] = (0, 0, 255)
    pixels[:, 600:] = (0, 255, 0)
    pixels[200:300, 200:300] = (255, 0, 0)
    path = tmp_path / "ö b.png"
    Image.fromarray(pixels).save(path)
    return str(path)


@pytest.fixture
def labelled(make, image):
    def made(label, **more):
        return make([fo.Sample(image, gt=label, **more)])

    return made


def item_of(dataset, **about):
    label = dataset.first().gt
    members = getattr(label, label._LABEL_LIST_FIELD) if hasattr(label, "_LABEL_LIST_FIELD") else [label]
    return Item(dataset.first().id, label=members[0].id, **{"given": members[0].label, **about})


def test_shows_the_object_and_what_is_around_it(labelled):
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX))]))
    picture = picture_of(look(dataset, "gt", item_of(dataset, kind="spurious", box=BOX)))
    # 60 pixels more on each side of 100 by 100.
    assert picture.frame == (0.175, 0.35, 0.275, 0.55)
    assert (picture.width, picture.height, picture.is_part) == (220, 220, True)
    pixels = pixels_of(picture).astype(int)
    assert pixels.shape == (220, 220, 3)
    assert np.abs(pixels[110, 110] - (255, 0, 0)).max() < 12
    assert np.abs(pixels[20, 20] - (0, 0, 255)).max() < 12
    assert np.abs(pixels[..., 1]).max() < 90
    assert picture.given.box == BOX


def test_the_whole_image_is_made_small(labelled):
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX))]))
    picture = picture_of(look(dataset, "gt", item_of(dataset, box=BOX)), whole=True, side=100)
    assert (picture.frame, picture.width, picture.height) == ((0, 0, 1, 1), 800, 400)
    assert pixels_of(picture).shape == (50, 100, 3)


def test_large_jpeg_files_are_turned_upright_and_decoded_reduced(make, tmp_path):
    pixels = np.zeros((1600, 800, 3), np.uint8)
    pixels[:800] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(pixels).copy()).save(tmp_path / "a.jpg", exif=exif, quality=95)
    dataset = make([fo.Sample(str(tmp_path / "a.jpg"), gt=fo.Classification(label="x"))])
    picture = picture_of(look(dataset, "gt", item_of(dataset)), side=200)
    shown = pixels_of(picture)
    assert shown.shape == (200, 100, 3)
    assert (picture.width, picture.height) == (800, 1600)
    assert shown[20, 50, 0] > 240
    assert shown[180, 50, 0] < 15


def test_16_bit_grey_is_shown(make, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 60), 257 * 200, np.uint16))
    dataset = make([fo.Sample(str(tmp_path / "a.png"), gt=fo.Classification(label="x"))])
    assert np.abs(pixels_of(picture_of(look(dataset, "gt", item_of(dataset)))).astype(int) - 200).max() <= 2


def test_a_mask_is_outlined_where_it_is(labelled):
    mask = np.zeros((100, 100), bool)
    mask[25:75, 50:100] = True
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX), mask=mask)]))
    outline = look(dataset, "gt", item_of(dataset, box=BOX)).given.outlines[0]
    # Half of the box to its right, the middle half of its height.
    assert outline.min(axis=0) == pytest.approx([0.3125, 0.5625], abs=2e-3)
    assert outline.max(axis=0) == pytest.approx([0.375, 0.6875], abs=2e-3)


def test_a_mask_in_a_file_is_outlined_too(labelled, tmp_path):
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((10, 10), 255, np.uint8))
    label = fo.Detection(label="x", bounding_box=list(BOX), mask_path=str(tmp_path / "mask.png"))
    dataset = labelled(fo.Detections(detections=[label]))
    outline = look(dataset, "gt", item_of(dataset, box=BOX)).given.outlines[0]
    assert outline.max(axis=0) - outline.min(axis=0) == pytest.approx([0.125, 0.25], abs=0.03)


def test_a_ragged_mask_has_few_points(labelled):
    mask = np.random.default_rng(1).random((400, 400)) > 0.3
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX), mask=mask)]))
    outlines = look(dataset, "gt", item_of(dataset, box=BOX)).given.outlines
    assert 1 <= len(outlines) <= 24
    assert max(map(len, outlines)) <= 240


def test_polygons_lines_and_keypoints_are_drawn(labelled):
    points = [[(0.25, 0.5), (0.375, 0.5), (0.375, 0.75)]]
    dataset = labelled(fo.Polylines(polylines=[fo.Polyline(label="x", points=points, closed=True)]))
    scene = look(dataset, "gt", item_of(dataset))
    assert scene.given.box == BOX
    assert scene.given.is_closed
    assert scene.given.outlines[0].tolist() == [list(point) for point in points[0]]
    dataset = labelled(
        fo.Keypoints(keypoints=[fo.Keypoint(label="x", points=[(0.25, 0.5), (float("nan"), 0.1), (0.375, 0.75)])])
    )
    scene = look(dataset, "gt", item_of(dataset))
    assert scene.given.box == BOX
    assert scene.given.points.tolist() == [[0.25, 0.5], [0.375, 0.75]]


def test_what_was_suggested_is_shown_beside_the_given_label(labelled):
    suggested = fo.Detection(label="y", bounding_box=[0.25, 0.5, 0.25, 0.25])
    dataset = labelled(
        fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX))]),
        gt_suggestions=fo.Detections(detections=[suggested]),
    )
    item = item_of(
        dataset,
        kind="bad_location",
        box=BOX,
        suggestion=suggested.id,
        suggested="x",
        suggested_box=(0.0, 0.0, 0.5, 0.5),
    )
    scene = look(dataset, "gt", item)
    assert (scene.suggested.label, scene.suggested.box) == ("y", (0.25, 0.5, 0.25, 0.25))
    # The issues were found anew meanwhile: what the item was made of is shown.
    dataset.delete_sample_field("gt_suggestions")
    scene = look(dataset, "gt", item)
    assert (scene.suggested.label, scene.suggested.box) == ("x", (0.0, 0.0, 0.5, 0.5))


def test_other_labels_of_the_sample_are_there_to_compare(labelled):
    members = [fo.Detection(label=name, bounding_box=list(BOX)) for name in "xyz"]
    dataset = labelled(fo.Detections(detections=members))
    assert [one.label for one in look(dataset, "gt", item_of(dataset, box=BOX)).others] == ["y", "z"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda label: None, "same"),
        (lambda label: setattr(label, "confidence", 0.5), "same"),
        (lambda label: setattr(label, "label", "y"), "changed"),
        (lambda label: setattr(label, "bounding_box", [0.25, 0.5, 0.125, 0.26]), "changed"),
        (lambda label: setattr(label, "id", "0" * 24), "gone"),
    ],
)
def test_tells_whether_the_label_is_what_was_asked_about(labelled, change, expected):
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX))]))
    item = item_of(dataset, kind="spurious", box=BOX)
    before = look(dataset, "gt", item).version
    sample = dataset.first()
    change(sample.gt.detections[0])
    sample.save()
    scene = look(dataset, "gt", item)
    assert scene.state == expected
    assert (scene.version == before) == (sample.gt.detections[0].confidence is None and expected == "same")


def test_tells_that_a_missing_label_was_added(labelled):
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=[0.7, 0.1, 0.1, 0.1])]))
    item = Item(dataset.first().id, "missing", suggested="x", suggested_box=BOX)
    assert look(dataset, "gt", item).state == "same"
    sample = dataset.first()
    sample.gt.detections.append(fo.Detection(label="x", bounding_box=[0.24, 0.5, 0.125, 0.25]))
    sample.save()
    assert look(dataset, "gt", item).state == "added"


def test_what_is_no_image_says_so(make, tmp_path):
    (tmp_path / "b.png").write_bytes(b"no image")
    dataset = make([fo.Sample("/nowhere/a.png"), fo.Sample(str(tmp_path / "b.png"))])
    problems = [picture_of(look(dataset, None, Item(sample.id))) for sample in dataset]
    assert [one.data for one in problems] == [None, None]
    assert [one.problem for one in problems] == ["no such file", "not an image"]
    videos = make([fo.Sample("/nowhere/a.mp4")])
    assert "video" in picture_of(look(videos, None, Item(videos.first().id))).problem
    videos._sample_collection.update_one({}, {"$set": {"filepath": "s3://bucket/a.png", "_media_type": "image"}})
    assert "not on this machine" in picture_of(look(videos, None, Item(videos.first().id))).problem


def test_a_deleted_sample_has_no_picture(labelled):
    dataset = labelled(fo.Classification(label="x"))
    item = item_of(dataset)
    dataset.delete_samples([item.sample])
    assert look(dataset, "gt", item) is None


@pytest.mark.parametrize("value", [None, fo.Detections(), fo.Detections(detections=[fo.Detection(label="x")])])
def test_labels_without_a_place_are_no_problem(labelled, value):
    dataset = labelled(value)
    scene = look(dataset, "gt", Item(dataset.first().id, "spurious", label="0" * 24, given="x"))
    assert scene.state == "gone"
    assert picture_of(scene).frame == (0, 0, 1, 1)


def test_a_field_is_made_editable_once_and_its_schema_is_kept(labelled):
    dataset = labelled(fo.Detections(detections=[fo.Detection(label="x", bounding_box=list(BOX))]))
    assert make_editable(dataset, "gt")
    schema = dataset.label_schemas
    assert dataset.active_label_schemas == ["gt"]
    assert schema["gt"]["classes"] == ["x"]
    assert not make_editable(dataset, "gt")
    dataset.deactivate_label_schemas(["gt"])
    assert make_editable(dataset, "gt")
    assert dataset.label_schemas == schema


def test_what_the_app_cannot_edit_is_said(labelled):
    dataset = labelled(fo.Segmentation(mask=np.zeros((4, 4), np.uint8)))
    with pytest.raises(ShortlistError, match=r"Got Segmentation instead\.$"):
        make_editable(dataset, "gt")
