"""Groups of duplicates, against plain loops over all pairs."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import scipy.fft
from hypothesis import given
from hypothesis import strategies as st

from shortlist.core.errors import Cancelled
from shortlist.core.scores.duplicates import (
    fingerprint,
    groups_of_equals,
    groups_of_hashes,
    groups_of_vectors,
    perceptual_hashes,
    pixel_key,
    possibly_equal,
)
from shortlist.core.scores.picture import Picture


def picture(pixels: np.ndarray) -> Picture:
    return Picture(pixels, pixels.shape[1], pixels.shape[0], 1)


def scene(seed: int, height: int = 120, width: int = 160) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24):
        image += cv2.resize(rng.normal(size=(cells, cells, 3)), (width, height), interpolation=cv2.INTER_CUBIC) / cells
    return (255 * (image - image.min()) / (image.max() - image.min())).astype(np.uint8)


def bits(first: np.uint64, second: np.uint64) -> int:
    return int(first ^ second).bit_count()


def led(n: int, present: list[bool], close) -> list[int]:
    """The leader algorithm as it is told."""
    leaders = list(range(n))
    taken = [not one for one in present]
    for row in range(n):
        if taken[row]:
            continue
        for other in range(row, n):
            if not taken[other] and (other == row or close(row, other)):
                leaders[other], taken[other] = row, True
    return leaders


@st.composite
def clustered(draw) -> np.ndarray:
    """Hashes of which many are a few bits apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(0, 60))
    hashes = rng.integers(0, 2**64, max(1, n // 6), dtype=np.uint64)[rng.integers(0, max(1, n // 6), n)]
    for _ in range(draw(st.integers(0, 12))):
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, n).astype(np.uint64))
    return hashes


def perceptual_hash(one):
    return perceptual_hashes([one])[0]


class TestGroupsOfHashes:
    @given(clustered(), st.integers(0, 12), st.data())
    def test_they_are_those_of_a_loop_over_all_pairs(self, hashes, distance, data):
        present = data.draw(st.lists(st.booleans(), min_size=len(hashes), max_size=len(hashes)))
        expected = led(len(hashes), present, lambda a, b: bits(hashes[a], hashes[b]) <= distance)
        assert groups_of_hashes(hashes, np.array(present, bool), distance).tolist() == expected

    def test_distance_0_is_equality(self):
        hashes = np.array([5, 7, 5, 5, 7, 4], np.uint64)
        assert groups_of_hashes(hashes, np.ones(6, bool), 0).tolist() == [0, 1, 0, 0, 1, 5]

    def test_the_distance_itself_is_near_and_one_more_bit_is_not(self):
        hashes = np.array([0, 0b1111, 0b11111 << 30], np.uint64)
        assert groups_of_hashes(hashes, np.ones(3, bool), 4).tolist() == [0, 0, 2]

    def test_bits_all_over_the_hash_count(self):
        spread = sum(1 << place for place in (0, 13, 26, 39, 63))
        hashes = np.array([0, spread], np.uint64)
        assert groups_of_hashes(hashes, np.ones(2, bool), 5).tolist() == [0, 0]
        assert groups_of_hashes(hashes, np.ones(2, bool), 4).tolist() == [0, 1]

    def test_groups_do_not_chain(self):
        chain = np.array([(1 << length) - 1 for length in range(0, 40, 2)], np.uint64)
        leaders = groups_of_hashes(chain, np.ones(20, bool), 4)
        assert max(bits(chain[row], chain[leader]) for row, leader in enumerate(leaders)) == 4
        assert len(set(leaders.tolist())) == 7

    def test_more_than_a_block_of_pairs(self):
        hashes = np.zeros(3000, np.uint64)
        hashes[1500:] = np.uint64(0xFFFF)
        varied = hashes ^ (np.uint64(1) << (np.arange(3000) % 3 + 40).astype(np.uint64))
        leaders = groups_of_hashes(varied, np.ones(3000, bool), 2)
        assert leaders.tolist() == [0] * 1500 + [1500] * 1500

    def test_it_can_be_cancelled(self):
        def stop(*_):
            raise Cancelled

        with pytest.raises(Cancelled):
            groups_of_hashes(np.zeros(5, np.uint64), np.ones(5, bool), 4, stop)


class TestGroupsOfVectors:
    @given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 0.5))
    def test_they_are_those_of_a_loop_over_all_pairs(self, seed, n, distance):
        rng = np.random.default_rng(seed)
        vectors = rng.normal(size=(4, 3))[rng.integers(0, 4, n)] + 0.2 * rng.normal(size=(n, 3))
        present = rng.random(n) < 0.9
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        apart = 1 - unit @ unit.T
        if (np.abs(apart - distance) < 1e-5).any():
            return
        expected = led(n, present.tolist(), lambda a, b: apart[a, b] <= distance)
        assert groups_of_vectors(vectors, present, distance).tolist() == expected

    def test_length_does_not_count_and_zero_is_like_nothing(self):
        vectors = np.array([[1.0, 2], [10, 20], [0, 0], [0, 0], [-1, -2]])
        assert groups_of_vectors(vectors, np.ones(5, bool), 0.0).tolist() == [0, 0, 2, 3, 4]

    def test_more_rows_than_a_block(self):
        rng = np.random.default_rng(0)
        vectors = np.repeat(rng.normal(size=(1700, 16)), 2, axis=0)
        leaders = groups_of_vectors(vectors, np.ones(3400, bool), 1e-4)
        assert leaders.tolist() == np.repeat(np.arange(0, 3400, 2), 2).tolist()

    def test_none(self):
        assert groups_of_vectors(np.zeros((0, 3)), np.zeros(0, bool), 0.1).tolist() == []


@given(st.lists(st.none() | st.integers(0, 4)))
def test_equals_are_led_by_the_first_of_them(keys):
    expected = [row if key is None else keys.index(key) for row, key in enumerate(keys)]
    assert groups_of_equals(keys).tolist() == expected


class TestHash:
    def test_it_is_the_signs_of_scipy_s_cosine_transform(self):
        image = scene(0, 96, 128)
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
        low = scipy.fft.dctn(small.astype(float), norm="ortho")[:8, :8].ravel()
        expected = sum(int(one > np.median(low)) << (63 - place) for place, one in enumerate(low))
        assert int(perceptual_hash(picture(image))) == expected

    @pytest.mark.parametrize("seed", range(5))
    def test_resized_recompressed_and_brighter_images_stay_near(self, seed):
        image = scene(seed, 480, 640)
        own = perceptual_hash(picture(image))
        jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
        for other in (
            jpeg,
            cv2.resize(image, (320, 240), interpolation=cv2.INTER_AREA),
            cv2.resize(image, (500, 375), interpolation=cv2.INTER_LINEAR),
            cv2.convertScaleAbs(image, alpha=0.8, beta=20),
        ):
            assert bits(own, perceptual_hash(picture(other))) <= 4

    def test_other_images_are_far(self):
        hashes = [perceptual_hash(picture(scene(seed))) for seed in range(20)]
        assert min(bits(a, b) for place, a in enumerate(hashes) for b in hashes[:place]) > 8

    @pytest.mark.parametrize("shape", [(1, 1), (2, 3), (50, 50, 3)])
    def test_an_image_of_one_colour_has_none(self, shape):
        assert perceptual_hash(picture(np.full(shape, 77, np.uint8))) is None

    def test_tiny_images_have_one(self):
        image = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
        assert perceptual_hash(picture(image)) is not None

    @pytest.mark.parametrize("shape", [(1, 500), (500, 1), (200, 1), (1, 7000)])
    def test_what_varies_in_one_direction_only_has_none(self, shape):
        """All but eight of the coefficients are zero, so that strips and stripes would all be alike."""
        noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        assert perceptual_hash(picture(noise)) is None
        stripes = np.repeat(noise[:, :200], 150, axis=1 if shape[1] == 1 else 0)
        assert perceptual_hash(picture(stripes)) is None

    def test_a_figure_that_is_its_own_mirror_image_has_one(self):
        image = np.full((120, 160), 255, np.uint8)
        cv2.circle(image, (80, 40), 25, 0, -1)
        assert perceptual_hash(picture(image)) is not None

    def test_faint_and_blurred_images_have_one(self):
        faint = cv2.GaussianBlur(scene(0) // 16 + 100, (0, 0), 8)
        assert perceptual_hash(picture(faint)) is not None


class TestPixelKey:
    def test_equal_pixels_and_only_those_have_it(self):
        image = scene(0)
        other = image.copy()
        other[0, 0, 0] ^= 1
        assert pixel_key(picture(image)) == pixel_key(picture(image.copy(order="F")))
        assert pixel_key(picture(image)) != pixel_key(picture(other))

    def test_grey_stored_as_rgb_is_grey(self):
        grey = scene(0)[:, :, 0]
        assert pixel_key(picture(grey)) == pixel_key(picture(np.dstack([grey] * 3)))

    def test_shape_and_depth_count(self):
        zeros = [np.zeros((2, 6), np.uint8), np.zeros((3, 4), np.uint8), np.zeros((2, 3), np.uint16)]
        assert len({pixel_key(picture(one)) for one in zeros}) == 3


class TestPossiblyEqual:
    """Of images decoded at one scale equal fingerprints tell; of a reduced and a whole one, size and near hashes."""

    def found(self, rows: list[tuple]) -> list[bool]:
        prints, sizes, reduced, hashes = (list(column) for column in zip(*rows, strict=True))
        hashed = [one is not None for one in hashes]
        return possibly_equal(
            np.array(prints),
            np.array(sizes),
            np.array(reduced),
            np.array([one or 0 for one in hashes], np.uint64),
            np.array(hashed),
        ).tolist()

    def test_equal_fingerprints_of_a_size(self):
        size, other = (640, 480), (480, 640)
        rows = [(1, size, True, 0), (1, size, True, 0), (1, other, True, 0), (2, size, True, 0)]
        assert self.found(rows) == [True, True, False, False]

    def test_near_hashes_where_scales_are_mixed(self):
        size = (640, 480)
        rows = [(1, size, True, 0b11), (2, size, False, 0b1), (3, size, True, 2**64 - 1), (4, (64, 48), False, 0)]
        assert self.found(rows) == [True, True, False, False]

    def test_flat_images_where_scales_are_mixed(self):
        size = (640, 480)
        assert self.found([(1, size, True, None), (2, size, False, None)]) == [True, True]

    def test_fingerprints_are_of_pixels(self):
        assert fingerprint(picture(scene(0))) == fingerprint(picture(scene(0)))
        assert fingerprint(picture(scene(0))) != fingerprint(picture(scene(1)))
