"""Image files of all formats, depths and states, against Pillow."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from shortlist.core.scores.picture import reduction
from shortlist.dataset import images
from shortlist.dataset.arrays import Unreadable
from shortlist.dataset.images import decoded, in_threads, read_bytes

WIDTH, HEIGHT = 640, 416


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    """Something smooth, as compression likes it, and unlike its own mirror images."""
    cells = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)
    return Image.fromarray(cv2.resize(cells, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bgr(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))[:, :, ::-1].astype(float)


def close(found: np.ndarray, expected: np.ndarray, tolerance: float = 0) -> bool:
    if found.ndim == 2 and expected.ndim == 3:
        found = np.dstack([found] * 3)
    return found.shape == expected.shape and np.abs(found - expected).max() <= tolerance


class TestFormats:
    @pytest.mark.parametrize(
        ("kind", "options", "tolerance"),
        [
            ("PNG", {}, 0),
            ("BMP", {}, 0),
            ("TIFF", {}, 0),
            ("TIFF", {"compression": "tiff_lzw"}, 0),
            ("WEBP", {"lossless": True}, 0),
            ("PPM", {}, 0),
            ("TGA", {}, 0),
            ("PCX", {}, 0),
            ("JPEG", {"quality": 95}, 8),
            ("JPEG", {"quality": 95, "progressive": True}, 8),
            ("JPEG", {"quality": 95, "subsampling": 0}, 8),
        ],
    )
    def test_colour(self, scene, kind, options, tolerance):
        found = decoded(encoded(scene, kind, **options))
        assert close(found.pixels, bgr(scene), tolerance)
        assert (found.width, found.height) == (WIDTH, HEIGHT)

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_a_palette(self, scene, kind):
        few = scene.quantize(64)
        assert close(decoded(encoded(few, kind)).pixels, bgr(few))

    @pytest.mark.parametrize(("mode", "tolerance"), [("L", 0), ("1", 0), ("LA", 0)])
    def test_grey(self, scene, mode, tolerance):
        grey = scene.convert(mode)
        assert close(decoded(encoded(grey, "PNG")).pixels, bgr(grey), tolerance)

    def test_grey_jpeg_has_one_channel_and_grey_stored_as_rgb_three_equal_ones(self, scene):
        grey = scene.convert("L")
        one, three = decoded(encoded(grey, "JPEG")).pixels, decoded(encoded(grey.convert("RGB"), "JPEG")).pixels
        assert one.ndim == 2
        assert three.ndim == 3
        assert close(three, np.dstack([one] * 3).astype(float))

    @pytest.mark.parametrize(("kind", "tolerance"), [("JPEG", 8), ("TIFF", 2)])
    def test_cmyk(self, scene, kind, tolerance):
        inks = scene.convert("CMYK")
        data = encoded(inks, kind, **({"quality": 95} if kind == "JPEG" else {}))
        assert close(decoded(data).pixels, bgr(inks), tolerance)

    @pytest.mark.parametrize("kind", [".png", ".tiff"])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_16_bits(self, kind, channels):
        deep = np.random.default_rng(0).integers(0, 2**16, (8, 9, channels), dtype=np.uint16).squeeze()
        found = decoded(cv2.imencode(kind, deep)[1].tobytes())
        assert found.pixels.dtype == np.uint16
        np.testing.assert_array_equal(found.pixels, deep)

    def test_floats_are_refused(self):
        data = encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
        with pytest.raises(Unreadable, match="no whole numbers of 8 or 16 bits"):
            decoded(data)


class TestAlpha:
    @pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize(("alpha", "expected"), [(255, (30, 20, 10)), (0, (255, 255, 255)), (51, (210, 208, 206))])
    def test_it_is_laid_on_white(self, kind, alpha, expected):
        options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
        found = decoded(encoded(Image.new("RGBA", (5, 4), (10, 20, 30, alpha)), kind, **options))
        assert found.pixels.shape == (4, 5, 3)
        assert np.abs(found.pixels - np.array(expected, float)).max() <= 1

    def test_it_is_laid_on_white_in_bands(self, monkeypatch):
        image = np.random.default_rng(0).integers(0, 256, (30, 7, 4), dtype=np.uint8)
        image[10:20, :, 3] = 255
        alpha = image[:, :, 3:].astype(float) / 255
        expected = image[:, :, :3] * alpha + 255 * (1 - alpha)
        monkeypatch.setattr(images, "_BAND", 70)
        found = decoded(cv2.imencode(".png", image)[1].tobytes()).pixels
        assert np.abs(found - expected).max() <= 1

    def test_16_bits(self):
        deep = np.full((2, 2, 4), 1000, np.uint16)
        deep[:, :, 3] = [[0, 65535], [0, 65535]]
        found = decoded(cv2.imencode(".png", deep)[1].tobytes()).pixels
        assert found[:, 0].tolist() == [[65535] * 3] * 2
        assert found[:, 1].tolist() == [[1000] * 3] * 2

    def test_a_transparent_colour_of_a_palette(self):
        image = Image.new("P", (4, 4), 1)
        image.putpalette([0, 0, 0, 10, 20, 30])
        image.putpixel((0, 0), 0)
        found = decoded(encoded(image, "PNG", transparency=1)).pixels
        assert found[0, 0].tolist() == [0, 0, 0]
        assert found[3, 3].tolist() == [255, 255, 255]


class TestRotation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
    def test_images_are_upright(self, scene, kind, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
        data = encoded(scene, kind, exif=exif, **options)
        expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        found = decoded(data)
        assert close(found.pixels, bgr(expected), 8 if kind == "JPEG" else 0)
        assert (found.width, found.height) == expected.size
        assert (found.width > found.height) == (orientation < 5)

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_reduced_ones_too(self, scene, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encoded(scene, "JPEG", exif=exif, quality=95)
        whole, found = decoded(data), decoded(data, reduction)
        assert (found.width, found.height) == (whole.width, whole.height)
        assert found.pixels.shape[:2] == (whole.height // 2, whole.width // 2)
        expected = cv2.resize(whole.pixels, found.pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(found.pixels - expected.astype(float)).mean() < 2

    @pytest.mark.parametrize(("width", "height"), [(1001, 1000), (1000, 1001), (803, 801)])
    @pytest.mark.parametrize("orientation", [1, 6])
    def test_nearly_square_ones_are_not_mistaken(self, width, height, orientation):
        exif = Image.Exif()
        exif[0x0112] = orientation
        found = decoded(encoded(Image.new("RGB", (width, height)), "JPEG", exif=exif), reduction)
        assert (found.width, found.height) == ((width, height) if orientation == 1 else (height, width))


class TestDamage:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM"])
    @pytest.mark.parametrize("share", [0.95, 0.5, 0.02])
    def test_a_file_that_is_cut_off(self, scene, kind, share):
        data = encoded(scene, kind)
        with pytest.raises(Unreadable):
            decoded(data[: int(len(data) * share)])

    def test_a_jpeg_whose_thumbnail_is_whole(self, scene):
        exif = Image.Exif()
        thumbnail = encoded(scene.resize((64, 48)), "JPEG")
        data = encoded(scene, "JPEG", exif=exif.tobytes() + thumbnail)
        assert decoded(data).width == WIDTH
        with pytest.raises(Unreadable, match=r"^cut off$"):
            decoded(data[: len(data) * 3 // 4])

    def test_bytes_after_the_end_do_no_harm(self, scene):
        for kind in ("JPEG", "PNG"):
            assert decoded(encoded(scene, kind) + b"\0" * 1000).width == WIDTH

    @pytest.mark.parametrize(
        "data",
        [
            b"no image at all, but text",
            b"\xff\xd8",
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xe0\x00\x10JFIF",
            b"\xff\xd8" + b"\xff" * 50,
            b"\xff\xd8\xff\xda\x00\x02\xff\xd9",
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\nIEND",
            b"GIF89a",
            b"BM" + b"\0" * 60,
            b"II*\0\x08\0\0\0",
            b"RIFF\0\0\0\0WEBPVP8 ",
        ],
    )
    def test_what_is_no_image(self, data):
        with pytest.raises(Unreadable):
            decoded(data)

    def test_random_damage_never_raises_anything_else(self, scene):
        rng = np.random.default_rng(0)
        for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"):
            data = np.frombuffer(encoded(scene.resize((64, 48)), kind), np.uint8)
            for _ in range(15):
                broken = data.copy()
                broken[rng.integers(0, len(data), 20)] = rng.integers(0, 256, 20)
                with contextlib.suppress(Unreadable):
                    assert decoded(broken.tobytes(), reduction).pixels.size > 0

    def test_a_decompression_bomb_is_not_unpacked(self, scene):
        png = bytearray(encoded(scene, "PNG"))
        png[16:24] = (60_000).to_bytes(4, "big") * 2
        png[29:33] = zlib.crc32(bytes(png[12:29])).to_bytes(4, "big")
        jpeg = bytearray(encoded(scene, "JPEG"))
        frame = jpeg.index(b"\xff\xc0")
        jpeg[frame + 5 : frame + 9] = (60_000).to_bytes(2, "big") * 2
        for data in (png, jpeg):
            with pytest.raises(Unreadable, match=r"^more than 178,956,970 pixels$"):
                decoded(bytes(data))

    def test_no_other_program_is_started_to_read_a_file(self, scene):
        with pytest.raises(Unreadable, match=r"^not an image$"):
            decoded(encoded(scene, "EPS"))

    def test_nothing_is_said_of_large_images(self, scene, monkeypatch, recwarn):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT - 1)
        assert [found.width for found in in_threads(decoded, [encoded(scene, "PNG")])] == [WIDTH]
        assert list(recwarn) == []

    def test_large_images_are_decoded_one_at_a_time(self, scene, monkeypatch):
        monkeypatch.setattr(images, "_LARGE", 100)
        active, most, lock = [], [], threading.Lock()
        decode = cv2.imdecode

        def slow(*arguments):
            with lock:
                active.append(1)
                most.append(len(active))
            time.sleep(0.02)
            with lock:
                active.pop()
            return decode(*arguments)

        monkeypatch.setattr(cv2, "imdecode", slow)
        data = encoded(scene, "JPEG")
        assert len(list(in_threads(decoded, [data] * 12))) == 12
        assert max(most) == 1


class TestReading:
    @pytest.mark.parametrize("name", ["plain.png", "with space.png", "ünï ćode 画像.png", "no_extension", "wrong.jpg"])
    def test_any_name(self, scene, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(encoded(scene, "PNG"))
        assert decoded(read_bytes(str(path))).width == WIDTH

    def test_what_cannot_be_opened(self, tmp_path):
        (tmp_path / "empty.png").touch()
        (tmp_path / "folder.png").mkdir()
        os.mkfifo(tmp_path / "pipe.png")
        for name, reason in (
            ("empty.png", "empty file"),
            ("folder.png", "not a file"),
            ("pipe.png", "not a file"),
            ("missing.png", "no such file"),
            ("nul\0.png", "cannot be opened (ValueError)"),
        ):
            with pytest.raises(Unreadable) as caught:
                read_bytes(f"{tmp_path}/{name}")
            assert str(caught.value) == reason

    def test_a_huge_file_is_not_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(images, "MAX_BYTES", 10 << 20)
        path = tmp_path / "huge.png"
        with path.open("wb") as file:
            file.truncate((10 << 20) + 1)
        with pytest.raises(Unreadable, match=r"^file of more than 10 MB$"):
            read_bytes(str(path))


class TestInThreads:
    def test_the_order_is_kept(self):
        assert list(in_threads(lambda one: one * 2, range(100))) == list(range(0, 200, 2))

    def test_only_a_few_are_taken_ahead(self):
        taken = []
        made = in_threads(lambda one: one, (taken.append(one) or one for one in range(10_000)))
        next(made)
        assert len(taken) < 100 * (os.cpu_count() or 1)
        made.close()

    def test_opencv_is_as_before_afterwards(self):
        before = cv2.getNumThreads()
        seen = list(in_threads(lambda _: cv2.getNumThreads(), range(3)))
        assert seen == [1, 1, 1]
        assert cv2.getNumThreads() == before
