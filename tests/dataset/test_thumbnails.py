"""Small pictures of samples: upright, of any format, and none of what cannot be read."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

from shortlist.dataset.thumbnails import thumbnails_of


@pytest.fixture
def scene() -> Image.Image:
    """Left half red, right half blue, twice as wide as high."""
    pixels = np.zeros((200, 400, 3), np.uint8)
    pixels[:, :200, 0] = pixels[:, 200:, 2] = 255
    return Image.fromarray(pixels)


@pytest.fixture
def dataset_of(make, tmp_path):
    def saved(**images):
        for name, image in images.items():
            kind = name.rsplit("_", 1)[1]
            options = {"quality": 95} if kind == "jpg" else {}
            exif = image.getexif()
            image.save(tmp_path / f"{name}.{kind}", exif=exif, **options)
        return make([fo.Sample(str(tmp_path / f"{name}.{name.rsplit('_', 1)[1]}")) for name in images])

    return saved


def near(pixel, color):
    return np.abs(pixel.astype(int) - color).max() < 12


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_they_are_small_and_rgb(dataset_of, scene, kind):
    dataset = dataset_of(**{f"a_{kind}": scene})
    (found,) = thumbnails_of(dataset, dataset.values("id"), side=40).values()

    assert found.shape == (20, 40, 3)
    assert found.dtype == np.uint8
    assert near(found[10, 5], (255, 0, 0))
    assert near(found[10, 35], (0, 0, 255))


def test_images_are_upright(dataset_of, scene):
    scene.getexif()[0x0112] = 6
    dataset = dataset_of(a_jpg=scene)
    (found,) = thumbnails_of(dataset, dataset.values("id"), side=40).values()

    # Turned clockwise: what was left is at the top.
    assert found.shape == (40, 20, 3)
    assert near(found[5, 10], (255, 0, 0))
    assert near(found[35, 10], (0, 0, 255))


def test_small_images_are_taken_as_they_are(dataset_of):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    dataset = dataset_of(a_png=Image.fromarray(pixels))

    np.testing.assert_array_equal(thumbnails_of(dataset, dataset.values("id"))[dataset.first().id], pixels)


def test_grey_and_16_bits_become_colours_of_8(dataset_of):
    grey = Image.fromarray(np.full((6, 9), 77, np.uint8))
    deep = Image.fromarray(np.full((6, 9), 257 * 200, np.uint16))
    dataset = dataset_of(a_png=grey, b_png=deep)
    first, second = thumbnails_of(dataset, dataset.values("id")).values()

    assert first.shape == second.shape == (6, 9, 3)
    assert (first == 77).all()
    assert (second == 200).all()


def test_very_long_images_keep_a_pixel(dataset_of):
    dataset = dataset_of(a_png=Image.new("RGB", (3000, 2)))

    assert thumbnails_of(dataset, dataset.values("id"), side=30)[dataset.first().id].shape == (1, 30, 3)


def test_they_follow_the_ids_and_come_once(dataset_of, scene):
    dataset = dataset_of(a_png=scene, b_png=scene, c_png=scene)
    first, second, third = dataset.values("id")

    assert list(thumbnails_of(dataset, [third, first, third])) == [third, first]
    # A view shows less than the dataset has.
    assert list(thumbnails_of(dataset[:1], [second])) == [second]


def test_what_is_no_image_and_what_is_not_there_is_left_out(make, tmp_path, dataset_of, scene):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no")
    dataset = dataset_of(a_png=scene)
    for name in ("broken.png", "missing.png"):
        dataset.add_sample(fo.Sample(str(tmp_path / name)))
    dataset.add_sample(fo.Sample("s3://bucket/far.png"))
    ids = dataset.values("id")

    found = thumbnails_of(dataset, [*ids, "0" * 24, "no id"])

    assert list(found) == ids[:1]
    assert thumbnails_of(dataset, []) == {}


def test_videos_are_left_out(make, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"moving")
    dataset = make([fo.Sample(str(tmp_path / "a.mp4"))])

    assert thumbnails_of(dataset, dataset.values("id")) == {}


def test_all_slices_of_groups_are_found(make, tmp_path, scene):
    scene.save(tmp_path / "a.png")
    dataset = make()
    dataset.add_group_field("group", default="left")
    group = fo.Group()
    samples = [fo.Sample(str(tmp_path / "a.png"), group=group.element(side)) for side in ("left", "right")]
    dataset.add_samples(samples, progress=False)
    ids = [sample.id for sample in samples]

    assert list(thumbnails_of(dataset, ids)) == ids
