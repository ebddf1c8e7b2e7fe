"""Image metrics and flags, against values worked by hand and SciPy's and scikit-image's filters."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.color
import skimage.measure
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.core.scores import scores
from shortlist.core.scores.image_flags import OTHER_FLAGS, flags
from shortlist.core.scores.image_quality import ImageMetric, colored_share
from shortlist.core.scores.picture import ROW_HEIGHT, WORKING_SIDE, Picture, reduction

METRICS = scores(ImageMetric)
every_metric = pytest.mark.parametrize("name", METRICS)

GREY_BARS = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 4, axis=0)
CHECKERBOARD = np.array([[0, 255], [255, 0]], np.uint8)
RAMP = np.tile(np.arange(100, dtype=np.uint8) * 2, (60, 1))


def picture(pixels: np.ndarray, size_bytes: int = 100) -> Picture:
    return Picture(pixels, pixels.shape[1], pixels.shape[0], size_bytes)


def value(name: str, pixels: np.ndarray) -> float:
    return METRICS[name].compute(picture(pixels))


def scene(height: int = 120, width: int = 160, seed: int = 0) -> np.ndarray:
    """(h, w, 3) something like a photograph: detail at all scales, the less the finer."""
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for cells in (3, 6, 12, 24, 48, 96):
        image += (
            cv2.resize(rng.normal(size=(cells, cells, 3)), (width, height), interpolation=cv2.INTER_CUBIC) / cells**0.5
        )
    image = (image - image.min()) / (image.max() - image.min())
    return (image * 255).astype(np.uint8)


images = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 12), st.integers(1, 12)) | st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
)


class TestByHand:
    @pytest.mark.parametrize("level", [0, 1, 128, 255])
    def test_one_grey(self, level):
        found = {name: value(name, np.full((5, 7), level, np.uint8)) for name in METRICS}
        assert math.isnan(found.pop("focus"))
        assert found == {
            "brightness": pytest.approx(level / 255),
            "brightness_p5": pytest.approx(level / 255),
            "brightness_p99": pytest.approx(level / 255),
            "contrast": 0,
            "sharpness": 0,
            "saturation": 0,
            "entropy": 0,
            "snr": 0,
            "uniform_row_ratio": 1,
            "aspect_ratio": 7 / 5,
            "width": 7,
            "height": 5,
            "size_bytes": 100,
        }

    def test_black_and_white(self):
        assert value("brightness", CHECKERBOARD) == pytest.approx(0.5)
        assert value("contrast", CHECKERBOARD) == pytest.approx(0.5)
        assert value("entropy", CHECKERBOARD) == 1
        assert (value("brightness_p5", CHECKERBOARD), value("brightness_p99", CHECKERBOARD)) == (0, 1)
        # Mirrored at the border, all four neighbours of a black pixel are white: 4 x 255, and the same below zero.
        assert value("sharpness", CHECKERBOARD) == 1020**2

    def test_percentiles_are_of_pixels(self):
        levels = np.arange(100, dtype=np.uint8).reshape(10, 10)
        assert value("brightness_p5", levels) == pytest.approx(4 / 255)
        assert value("brightness_p99", levels) == pytest.approx(98 / 255)

    @pytest.mark.parametrize(
        ("bgr", "expected"), [((0, 0, 255), 1), ((0, 0, 0), 0), ((255, 255, 255), 0), ((100, 100, 200), 0.5)]
    )
    def test_saturation_of_one_colour(self, bgr, expected):
        assert value("saturation", np.full((3, 3, 3), bgr, np.uint8)) == pytest.approx(expected, abs=1 / 255)

    @pytest.mark.parametrize(("bgr", "luma"), [((255, 0, 0), 0.114), ((0, 255, 0), 0.587), ((0, 0, 255), 0.299)])
    def test_brightness_of_the_primary_colours_is_rec_601(self, bgr, luma):
        assert value("brightness", np.full((3, 3, 3), bgr, np.uint8)) == pytest.approx(luma, abs=1 / 255)

    def test_a_gentle_ramp_is_all_uniform_and_without_focus(self):
        assert value("uniform_row_ratio", RAMP) == 1
        assert value("focus", RAMP) < 0.01

    def test_rows_that_are_empty_are_counted(self):
        noise = np.random.default_rng(0).integers(0, 256, (22, 50), dtype=np.uint8)
        noise[10:] = 127
        # Rows 1 to 20 count. Row 10 has noise above it; rows 11 to 20 have not.
        assert value("uniform_row_ratio", noise) == 10 / 20

    @pytest.mark.parametrize("shape", [(1, 1), (2, 3), (2, 50), (50, 2)])
    def test_less_than_three_pixels_a_side_have_no_uniform_rows(self, shape):
        assert value("uniform_row_ratio", np.zeros(shape, np.uint8)) == 0

    def test_three_of_a_hundred_pixels_may_differ(self):
        image = np.zeros((3, 102), np.uint8)
        # A step of 5 makes its two sides differ by 15: two of a hundred pixels.
        image[:, 51:] = 5
        assert value("uniform_row_ratio", image) == 1
        image[:, 20] = 5
        # Three more columns.
        assert value("uniform_row_ratio", image) == 0


class TestBesideOthers:
    @given(hnp.arrays(np.uint8, st.tuples(st.integers(3, 20), st.integers(3, 20))))
    def test_sharpness_is_the_variance_of_scipy_s_laplacian(self, image):
        expected = scipy.ndimage.laplace(image.astype(np.int64), mode="mirror").var()
        assert value("sharpness", image) == pytest.approx(expected, abs=1e-6)

    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
    def test_entropy_is_scikit_image_s(self, image):
        assert value("entropy", image) == pytest.approx(skimage.measure.shannon_entropy(image), abs=1e-9)

    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
    def test_moments_and_percentiles_are_numpy_s(self, image):
        assert value("brightness", image) == pytest.approx(image.mean() / 255)
        assert value("contrast", image) == pytest.approx(image.std() / 255, abs=1e-9)
        for name, share in (("brightness_p5", 5), ("brightness_p99", 99)):
            expected = np.percentile(image, share, method="inverted_cdf") / 255
            assert value(name, image) == pytest.approx(expected)

    @given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
    def test_saturation_is_scikit_image_s(self, image):
        expected = skimage.color.rgb2hsv(image[:, :, ::-1])[:, :, 1].mean()
        assert value("saturation", image) == pytest.approx(expected, abs=1 / 255)

    def test_focus_is_that_of_scipy_s_filters(self):
        grey = scene()[:, :, 0]
        laplacian = scipy.ndimage.laplace(grey.astype(float), mode="mirror")
        gradient = sum(
            (scipy.ndimage.sobel(grey.astype(float), axis=axis, mode="mirror") ** 2).sum() for axis in (0, 1)
        )
        expected = ((laplacian**2).mean() - 5 / 3) / (gradient / grey.size - 2)
        assert value("focus", grey) == pytest.approx(expected)

    def test_snr_is_that_of_a_binomial_filter(self):
        grey = scene()[:, :, 0]
        kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
        smooth = scipy.ndimage.correlate(grey.astype(float), kernel, mode="mirror")
        expected = 10 * math.log10((smooth.var() + 1 / 12) / (((grey - smooth) ** 2).mean() + 1 / 12))
        # Ours rounds the smoothed image to whole levels.
        assert value("snr", grey) == pytest.approx(expected, abs=0.1)

    @given(hnp.arrays(np.uint8, st.tuples(st.integers(3, 12), st.integers(3, 12)), elements=st.integers(0, 12)))
    def test_uniform_rows_are_those_of_a_plain_loop(self, image):
        grey = image / 255
        uniform = []
        for row in range(1, image.shape[0] - 1):
            flat = [
                abs(9 * grey[row, col] - grey[row - 1 : row + 2, col - 1 : col + 2].sum()) < 4.5 / 255
                for col in range(1, image.shape[1] - 1)
            ]
            uniform.append(np.mean(flat) > 0.97)
        assert value("uniform_row_ratio", image) == pytest.approx(np.mean(uniform))

    @given(st.integers(0, 2**32), st.sampled_from([101, 250, 320]))
    def test_uniform_rows_of_wide_images_are_those_of_scipy_s_filter(self, seed, width):
        """What is flat in the middle may not be so at the sides, and the other way round."""
        rng = np.random.default_rng(seed)
        image = np.full((40, width), 100, np.uint8)
        for row in np.flatnonzero(rng.random(40) < 0.4):
            left, right = np.sort(rng.integers(0, width + 1, 2))
            image[row, left:right] = rng.integers(0, 256, right - left)
        kernel = np.full((3, 3), -1)
        kernel[1, 1] = 8
        edges = scipy.ndimage.correlate(image.astype(np.int64), kernel)[1:-1, 1:-1]
        expected = ((np.abs(edges) < 5).mean(axis=1) > 0.97).mean()
        assert value("uniform_row_ratio", image) == pytest.approx(expected)


class TestProperties:
    @every_metric
    @given(image=images)
    def test_the_range_is_as_declared(self, name, image):
        found = value(name, image)
        assert METRICS[name].low <= found <= METRICS[name].high or (name == "focus" and math.isnan(found))

    @every_metric
    @given(image=images)
    def test_mirroring_changes_nothing(self, name, image):
        flipped = np.ascontiguousarray(image[:, ::-1])
        np.testing.assert_allclose(value(name, flipped), value(name, image), rtol=1e-9, atol=1e-9)

    @every_metric
    @given(image=hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12))))
    def test_grey_stored_as_rgb_and_16_bits_are_the_same_image(self, name, image):
        expected = value(name, image)
        np.testing.assert_equal(value(name, np.dstack([image] * 3)), expected)
        np.testing.assert_equal(value(name, image.astype(np.uint16) * 257), expected)

    @every_metric
    def test_a_metric_leaves_the_pixels_alone(self, name):
        image = scene()
        value(name, image)
        np.testing.assert_array_equal(image, scene())

    @every_metric
    def test_a_metric_says_what_it_is_and_where_it_comes_from(self, name):
        metric = METRICS[name]
        assert name.isidentifier()
        assert len(metric.description.split()) > 3
        assert "Source:" in metric.compute.__doc__
        assert len(metric.source) > 9
        assert len(metric.high_means) > 5

    def test_blur_takes_focus_and_sharpness(self):
        image = scene()
        found = [
            (value("focus", blurred), value("sharpness", blurred))
            for sigma in (0.3, 0.5, 1, 2)
            if (blurred := cv2.GaussianBlur(image, (0, 0), sigma)) is not None
        ]
        assert found == sorted(found, reverse=True)

    def test_less_contrast_takes_sharpness_but_not_focus(self):
        image = scene()
        faint = (image // 2 + 64).astype(np.uint8)
        assert value("sharpness", faint) < value("sharpness", image) / 3
        assert value("focus", faint) == pytest.approx(value("focus", image), rel=0.15)

    def test_noise_takes_snr(self):
        image = scene()[:, :, 0]
        noisy = [
            np.clip(image + np.random.default_rng(0).normal(0, sigma, image.shape), 0, 255).astype(np.uint8)
            for sigma in (0, 5, 10, 20)
        ]
        found = [value("snr", one) for one in noisy]
        assert found == sorted(found, reverse=True)


class TestSizes:
    def test_resolution_does_not_count(self):
        whole = scene(1200, 1600)
        for width, height in ((800, 600), (640, 480), (400, 300)):
            smaller = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
            for name, tolerance in (("brightness", 0.01), ("contrast", 0.02), ("entropy", 0.02), ("saturation", 0.1)):
                assert value(name, smaller) == pytest.approx(value(name, whole), rel=tolerance), name
            assert value("focus", smaller) == pytest.approx(value("focus", whole), rel=0.25)

    def test_the_working_image_has_its_size(self):
        assert picture(scene(480, 640)).luma.shape == (120, WORKING_SIDE)
        assert picture(scene(640, 480)).luma.shape == (WORKING_SIDE, 120)
        assert picture(np.zeros((3, 5000), np.uint8)).luma.shape == (1, WORKING_SIDE)
        assert picture(scene(90, 70)).luma.shape == (90, 70)

    @pytest.mark.parametrize(("height", "expected"), [(400, 400), (401, 200), (640, 320), (1080, 270), (3000, 375)])
    def test_the_row_image_is_halved(self, height, expected):
        assert picture(np.zeros((height, 30), np.uint8)).rows.shape[0] == expected

    @given(st.integers(1, 20_000), st.integers(1, 20_000))
    def test_a_reduction_leaves_what_the_metrics_need_and_tells_turned_images(self, width, height):
        factor = reduction(width, height)
        assert factor in (1, 2, 4, 8)
        if factor > 1:
            assert max(width, height) / factor >= 2 * WORKING_SIDE
            assert min(width, height) // (factor // 2) > ROW_HEIGHT
            assert width == height or -(-width // factor) != -(-height // factor)
        assert reduction(height, width) == factor

    @pytest.mark.parametrize("factor", [2, 4])
    def test_a_reduced_picture_measures_as_the_whole_one(self, factor):
        whole = scene(480 * factor, 640 * factor)
        reduced = cv2.resize(whole, (640, 480), interpolation=cv2.INTER_AREA)
        small = Picture(reduced, 640 * factor, 480 * factor, 100)
        for name, metric in METRICS.items():
            assert metric.compute(small) == pytest.approx(value(name, whole), rel=0.03, abs=0.01), name


class TestFlags:
    def flagged(self, name: str, threshold: float, **values: list[float]) -> list[bool]:
        found = flags()[name].compute({key: np.array(one, float) for key, one in values.items()}, threshold)
        return found.tolist()

    @pytest.mark.parametrize(
        ("name", "key", "threshold", "values", "expected"),
        [
            ("dark", "brightness_p99", 0.3, [0.1, 0.3, 0.9, np.nan], [True, False, False, False]),
            ("bright", "brightness_p5", 0.9, [0.1, 0.9, 0.95, np.nan], [False, False, True, False]),
            ("blurry", "focus", 0.04, [0.01, 0.04, 0.2, np.nan], [True, False, False, False]),
            ("low_information", "entropy", 3, [0, 3, 7, np.nan], [True, False, False, False]),
            ("grey", "colored_share", 0, [0, 0.01, 0.02, np.nan], [True, True, False, False]),
        ],
    )
    def test_a_threshold_parts(self, name, key, threshold, values, expected):
        assert self.flagged(name, threshold, **{key: values}) == expected

    def test_a_size_is_odd_beside_the_others(self):
        found = self.flagged(
            "odd_size", 5, width=[640] * 8 + [200, 2000, np.nan], height=[480] * 8 + [150, 1500, np.nan]
        )
        assert found == [False] * 8 + [True, True, False]

    def test_twice_the_size_is_not_yet_odd(self):
        assert self.flagged("odd_size", 5, width=[640] * 8 + [1280], height=[480] * 8 + [960]) == [False] * 9

    def test_where_sizes_vary_a_lot_none_is_odd(self):
        sides = np.geomspace(100, 4000, 30).tolist()
        assert not any(self.flagged("odd_size", 5, width=sides, height=sides))

    def test_deviations_are_robust_ones(self):
        # Logarithms 0 to 8 about a median of 4: the median absolute deviation is 2, a robust deviation 2.97.
        sides = np.exp(np.arange(9.0)).tolist()
        assert self.flagged("odd_size", 1.34, width=sides, height=sides) == [True, *[False] * 7, True]
        assert not any(self.flagged("odd_size", 1.36, width=sides, height=sides))

    def test_turned_images_are_alike_and_panoramas_odd(self):
        found = self.flagged("odd_aspect", 5, width=[640, 480] * 4 + [2000, 300], height=[480, 640] * 4 + [300, 2000])
        assert found == [False] * 8 + [True, True]

    @pytest.mark.parametrize("name", ["odd_size", "odd_aspect"])
    def test_one_image_and_none_that_could_be_read_are_not_odd(self, name):
        assert self.flagged(name, 0, width=[640], height=[480]) == [False]
        assert self.flagged(name, 0, width=[np.nan], height=[np.nan]) == [False]
        assert self.flagged(name, 0, width=[], height=[]) == []

    def test_a_little_colour_is_not_grey(self):
        image = np.full((100, 100, 3), 128, np.uint8)
        assert colored_share(picture(image)) == 0
        image[:10, :10, 2] = 140
        assert colored_share(picture(image)) == pytest.approx(0.01)
        image[:, :, 2] = 131
        assert colored_share(picture(image)) == 0

    def test_every_flag_says_what_it_is_and_knows_its_values(self):
        from shortlist.core.verbs import ScoreImages

        for name, flag in flags().items():
            assert len(flag.description.split()) > 5, name
            assert flag.parameter is None or flag.parameter in ScoreImages.model_fields
            assert set(flag.needs) <= {*METRICS, "colored_share"}
        assert all(sentence.endswith(".") for sentence in OTHER_FLAGS.values())
