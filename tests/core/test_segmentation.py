"""Scores of masks, against regions found by scipy.ndimage and plain means, and what must not depend on how it is read."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shortlist.core.scores import Uncertainty, scores, segmentation
from shortlist.core.scores.apply import How
from shortlist.core.scores.planes import ArrayPlanes, ConfidencePlanes
from shortlist.core.scores.probabilities import BadRow
from shortlist.core.scores.segmentation import mask_scores, predicted_classes, regions_of, segments

CHOSEN = [score for score in scores(Uncertainty).values() if score.level == "object"]
LEAST, MARGIN, ENTROPY = (f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
UNITS = ["segment", "pixel", "class_balanced"]
CROSS = scipy.ndimage.generate_binary_structure(2, 1)


def of(probabilities: np.ndarray, unit: str = "segment", aggregation: str = "mean", **how) -> dict[str, float]:
    planes = ArrayPlanes(np.asarray(probabilities))
    return mask_scores(planes, CHOSEN, unit, How(aggregation, empty=np.nan, **how)).values


def patchy(seed: int, n_classes: int, height: int, width: int, noise: float = 0.5) -> np.ndarray:
    """(K, h, w) float32: coarse patches of classes, each pixel's probabilities its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, n_classes, (-(-height // 3), -(-width // 3)))
    classes = np.kron(coarse, np.ones((3, 3), int))[:height, :width]
    logits = rng.normal(0, 1, (n_classes, height, width)) * noise
    logits += 2 * (classes == np.arange(n_classes)[:, None, None])
    return scipy.special.softmax(logits, axis=0).astype(np.float32)


def plain_scores(probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """The three scores of (m, K) rows."""
    ordered = -np.sort(-probabilities.astype(np.float64), axis=1)
    entropy = scipy.stats.entropy(probabilities.astype(np.float64), axis=1) / np.log(probabilities.shape[1])
    return {LEAST: 1 - ordered[:, 0], MARGIN: 1 - (ordered[:, 0] - ordered[:, 1]), ENTROPY: entropy}


def plain_segments(probabilities: np.ndarray, predicted: np.ndarray | None = None) -> np.ndarray:
    """(s, K) the means over the regions of each class, by another library."""
    classes = probabilities.argmax(axis=0) if predicted is None else predicted
    means = []
    for index in range(len(probabilities)):
        regions, count = scipy.ndimage.label(classes == index, structure=CROSS)
        means += [probabilities[:, regions == region].mean(axis=1) for region in range(1, count + 1)]
    return np.array(means)


def plain_pixels(probabilities: np.ndarray, balanced: bool) -> dict[str, float]:
    rows = probabilities.reshape(len(probabilities), -1).T
    share = np.bincount(rows.argmax(axis=1), minlength=len(probabilities)) / len(rows)
    weights = 1 / np.sqrt(share + 1e-3)[rows.argmax(axis=1)] if balanced else np.ones(len(rows))
    return {name: float(np.average(values, weights=weights)) for name, values in plain_scores(rows).items()}


@st.composite
def masks(draw) -> np.ndarray:
    return patchy(
        draw(st.integers(0, 999)),
        draw(st.integers(2, 6)),
        draw(st.integers(1, 14)),
        draw(st.integers(1, 14)),
        draw(st.sampled_from([0.0, 0.5, 3.0])),
    )


class TestByHand:
    # Left half: class 0, probabilities .8 and .6 in turn: mean .7. Right column: class 1 with .9.
    MASK = np.array([[[0.8, 0.6, 0.1], [0.6, 0.8, 0.1]], [[0.2, 0.4, 0.9], [0.4, 0.2, 0.9]]], np.float32)

    def test_segments_are_scored_by_their_mean_probabilities(self):
        found = mask_scores(ArrayPlanes(self.MASK), CHOSEN, "segment", How("mean"))
        assert found.n_segments == 2
        assert found.values[LEAST] == pytest.approx((0.3 + 0.1) / 2)
        assert found.values[MARGIN] == pytest.approx((0.6 + 0.2) / 2)
        of_two = scipy.stats.entropy([[0.7, 0.1], [0.3, 0.9]], axis=0) / np.log(2)
        assert found.values[ENTROPY] == pytest.approx(of_two.mean(), abs=1e-6)

    @pytest.mark.parametrize(("aggregation", "expected"), [("max", 0.3), ("sum", 0.4), ("mean", 0.2), ("top_m", 0.3)])
    def test_segments_are_combined_as_asked(self, aggregation, expected):
        assert of(self.MASK, "segment", aggregation, top_m=1)[LEAST] == pytest.approx(expected)

    def test_pixels_count_each(self):
        assert of(self.MASK, "pixel")[LEAST] == pytest.approx((0.2 + 0.4 + 0.4 + 0.2 + 0.1 + 0.1) / 6)

    def test_class_balanced_pixels_count_by_how_rare_their_class_is(self):
        rare, common = (1 / np.sqrt(share + 1e-3) for share in (2 / 6, 4 / 6))
        expected = (common * 1.2 + rare * 0.2) / (common * 4 + rare * 2)
        assert of(self.MASK, "class_balanced")[LEAST] == pytest.approx(expected)

    @pytest.mark.parametrize("unit", UNITS)
    def test_normalized_least_confidence_is_divided_by_its_greatest(self, unit):
        assert of(self.MASK, unit, normalize=True)[LEAST] == pytest.approx(2 * of(self.MASK, unit)[LEAST])
        assert of(self.MASK, unit, normalize=True)[MARGIN] == pytest.approx(of(self.MASK, unit)[MARGIN])

    def test_the_temperature_is_each_pixel_s(self):
        # Half of the logit: .8 becomes 2/3; .9 becomes 3/4; .6 becomes 1 / (1 + sqrt(2/3)).
        low = 1 / (1 + np.sqrt(2 / 3))
        assert of(self.MASK, "pixel", temperature=2.0)[LEAST] == pytest.approx(
            (2 * (1 / 3) + 2 * (1 - low) + 2 * 0.25) / 6, abs=1e-6
        )
        left = 1 - (2 / 3 + low) / 2
        assert of(self.MASK, "segment", temperature=2.0)[LEAST] == pytest.approx((left + 0.25) / 2, abs=1e-6)

    def test_corners_do_not_connect(self):
        checker = np.indices((4, 4)).sum(axis=0) % 2
        probabilities = np.where(checker == np.arange(2)[:, None, None], 0.9, 0.1)
        assert mask_scores(ArrayPlanes(probabilities), CHOSEN, "segment", How("mean")).n_segments == 16

    def test_a_region_that_bends_is_one(self):
        horseshoe = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]])
        probabilities = np.where(horseshoe == np.arange(2)[:, None, None], 0.9, 0.1)
        assert mask_scores(ArrayPlanes(probabilities), CHOSEN, "segment", How("mean")).n_segments == 2


class TestIndependently:
    @given(masks())
    def test_segments_are_those_of_scipy_with_plain_means(self, probabilities):
        found = np.concatenate(list(segments(ArrayPlanes(probabilities))))
        expected = plain_segments(probabilities)
        assert found.shape == expected.shape
        # In no particular order, so seen from some directions, in each of which they are sorted.
        seen_from = np.random.default_rng(0).normal(size=(found.shape[1], 8))
        np.testing.assert_allclose(np.sort(found @ seen_from, 0), np.sort(expected @ seen_from, 0), atol=1e-4)

    @pytest.mark.parametrize(
        ("aggregation", "combined"),
        [
            ("mean", np.mean),
            ("max", np.max),
            ("sum", np.sum),
            ("top_m", lambda values: np.sort(values)[-3:].mean()),
        ],
    )
    @given(probabilities=masks())
    def test_scores_by_segment(self, aggregation, combined, probabilities):
        expected = {name: combined(values) for name, values in plain_scores(plain_segments(probabilities)).items()}
        assert of(probabilities, "segment", aggregation) == pytest.approx(expected, abs=1e-5, rel=1e-5)

    @pytest.mark.parametrize("unit", ["pixel", "class_balanced"])
    @given(probabilities=masks())
    def test_scores_by_pixel(self, unit, probabilities):
        expected = plain_pixels(probabilities, unit == "class_balanced")
        assert of(probabilities, unit) == pytest.approx(expected, abs=1e-5)

    @given(masks(), st.floats(0.2, 5))
    def test_scores_with_a_temperature(self, probabilities, temperature):
        powers = probabilities.astype(np.float64) ** (1 / temperature)
        warmer = powers / powers.sum(axis=0)
        assert of(probabilities, "pixel", temperature=temperature) == pytest.approx(
            plain_pixels(warmer, False), abs=1e-4
        )
        means = plain_segments(warmer, probabilities.argmax(axis=0))
        expected = {name: values.mean() for name, values in plain_scores(means).items()}
        assert of(probabilities, "segment", temperature=temperature) == pytest.approx(expected, abs=1e-4)

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize(
        ("n_classes", "height", "width", "noise"),
        [(2, 1, 1, 1), (3, 1, 40, 1), (3, 40, 1, 1), (2, 30, 50, 9), (300, 9, 11, 1), (19, 64, 48, 0.1)],
        ids=["one pixel", "one row", "one column", "noise", "300 classes", "19 classes"],
    )
    def test_shapes_at_the_edge(self, unit, n_classes, height, width, noise):
        probabilities = patchy(0, n_classes, height, width, noise)
        if unit == "segment":
            expected = {name: values.mean() for name, values in plain_scores(plain_segments(probabilities)).items()}
        else:
            expected = plain_pixels(probabilities, unit == "class_balanced")
        assert of(probabilities, unit) == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("n_classes", [2, 255, 256, 300])
    def test_the_predicted_class_is_the_first_most_probable(self, n_classes):
        rng = np.random.default_rng(0)
        values = rng.integers(0, 6, (n_classes, 7, 9)).astype(np.uint8)
        np.testing.assert_array_equal(predicted_classes(ArrayPlanes(values)), values.argmax(axis=0))


class TestRegions:
    CLASSES = hnp.arrays(np.int32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(-1, 2))

    def plain(self, classes: np.ndarray) -> list[tuple[int, int]]:
        """The first pixel and the size of every region, by another library; what is no class is left out."""
        found = []
        for value in range(3):
            regions, count = scipy.ndimage.label(classes == value, structure=CROSS)
            flat = regions.ravel()
            found += [(int(np.flatnonzero(flat == one)[0]), int((flat == one).sum())) for one in range(1, count + 1)]
        return sorted(found)

    @given(CLASSES)
    def test_they_are_those_of_scipy_in_the_order_of_their_first_pixels(self, classes):
        regions = regions_of(classes)
        firsts = regions.starts[np.unique(regions.owners, return_index=True)[1]]
        found = [(int(first), int(size)) for first, size in zip(firsts, regions.pixels, strict=True) if size]
        assert found == self.plain(classes)

    @given(CLASSES)
    def test_the_last_run_of_each_is_its_last(self, classes):
        regions = regions_of(classes)
        expected = [np.flatnonzero(regions.owners == one)[-1] for one in range(len(regions.pixels))]
        np.testing.assert_array_equal(regions.last, expected)

    def test_by_hand(self):
        # A ring of one class around a hole of none, and a pixel that touches only at a corner.
        classes = np.array([[1, 1, 1, 0], [1, -1, 1, 0], [1, 1, 1, 2], [2, 2, 0, 0]])
        assert regions_of(classes).pixels.tolist() == [8, 2, 0, 1, 2, 2]


class TestProperties:
    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("normalize", [False, True])
    @given(probabilities=masks())
    def test_the_range_is_zero_to_one(self, unit, normalize, probabilities):
        values = of(probabilities, unit, normalize=normalize, temperature=1.5 if normalize else 1)
        assert all(0 <= value <= 1 for value in values.values())

    @pytest.mark.parametrize("unit", UNITS)
    @given(probabilities=masks(), data=st.data())
    def test_the_order_of_the_classes_changes_nothing(self, unit, probabilities, data):
        order = data.draw(st.permutations(range(len(probabilities))))
        assert of(probabilities[order], unit) == pytest.approx(of(probabilities, unit), abs=1e-5)

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("turned", [lambda x: x[:, ::-1], lambda x: x[:, :, ::-1], lambda x: x.transpose(0, 2, 1)])
    @given(probabilities=masks())
    def test_turning_the_image_changes_nothing(self, unit, turned, probabilities):
        assert of(turned(probabilities), unit) == pytest.approx(of(probabilities, unit), abs=1e-5)

    @pytest.mark.parametrize("unit", UNITS)
    @given(probabilities=masks())
    def test_twice_the_resolution_changes_nothing(self, unit, probabilities):
        doubled = probabilities.repeat(2, axis=1).repeat(2, axis=2)
        assert of(doubled, unit) == pytest.approx(of(probabilities, unit), abs=1e-5)

    @pytest.mark.parametrize("unit", UNITS)
    @given(probabilities=masks(), size=st.sampled_from([1, 20, 100, 333]))
    def test_the_size_of_the_bands_changes_nothing(self, unit, probabilities, size):
        whole = of(probabilities, unit)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segmentation, "_BAND_VALUES", size)
            assert of(probabilities, unit) == pytest.approx(whole, abs=1e-6)

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("n_classes", [2, 19])
    def test_certain_pixels_score_zero(self, unit, n_classes):
        certain = np.eye(n_classes)[np.random.default_rng(0).integers(0, n_classes, (12, 9))].transpose(2, 0, 1)
        assert of(certain, unit) == {LEAST: 0, MARGIN: 0, ENTROPY: 0}

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("n_classes", [2, 19, 300])
    def test_uniform_pixels_score_one(self, unit, n_classes):
        uniform = np.full((n_classes, 6, 5), 1 / n_classes)
        expected = {LEAST: 1 - 1 / n_classes, MARGIN: 1, ENTROPY: 1}
        assert of(uniform, unit) == pytest.approx(expected, abs=1e-5)
        assert of(uniform, unit, normalize=True)[LEAST] == pytest.approx(1, abs=1e-5)

    @pytest.mark.parametrize("unit", UNITS)
    def test_a_great_temperature_makes_everything_uncertain(self, unit):
        values = of(patchy(0, 5, 12, 9), unit, temperature=1e5)
        assert values == pytest.approx({LEAST: 0.8, MARGIN: 1, ENTROPY: 1}, abs=1e-3)

    def test_the_input_is_left_as_it_was(self):
        probabilities = patchy(0, 4, 9, 9)
        before = probabilities.copy()
        for unit in UNITS:
            of(probabilities, unit, temperature=2.0)
        np.testing.assert_array_equal(probabilities, before)


class TestWhatIsNoDistribution:
    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("temperature", [1, 2.0])
    @pytest.mark.parametrize("factor", [2.0, 0.5, 255.0])
    def test_sums_off_one_are_refused_with_any_temperature(self, unit, temperature, factor):
        with pytest.raises(BadRow, match="sum to 1"):
            of(patchy(0, 4, 9, 9) * factor, unit, temperature=temperature)

    @pytest.mark.parametrize("unit", UNITS)
    def test_planes_that_are_the_last_axis_are_refused(self, unit):
        with pytest.raises(BadRow, match="sum to 1"):
            of(np.ascontiguousarray(patchy(0, 4, 24, 30).transpose(1, 2, 0)), unit)

    @pytest.mark.parametrize("unit", UNITS)
    def test_negative_values_are_refused(self, unit):
        mask = np.stack([np.full((3, 3), 1.4), np.full((3, 3), -0.4)])
        with pytest.raises(BadRow, match="numbers >= 0"):
            of(mask, unit)

    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_a_pixel_with_some_classes_missing_or_infinite_is_refused(self, unit, value):
        mask = patchy(0, 3, 6, 6)
        mask[1, 2, 3] = value
        with pytest.raises(BadRow, match="sum to 1"):
            of(mask, unit)

    @pytest.mark.parametrize("unit", UNITS)
    def test_rounding_is_no_error(self, unit):
        mask = patchy(0, 4, 9, 9)
        assert of(mask * 1.005, unit) == pytest.approx(of(mask, unit), abs=1e-4)


class TestPixelsWithoutProbabilities:
    @pytest.mark.parametrize("unit", UNITS)
    def test_they_belong_to_nothing_and_the_rest_is_scored(self, unit):
        mask = np.empty((2, 4, 6), np.float32)
        mask[0], mask[1] = 0.8, 0.2
        mask[:, 1:3, 2:4] = np.nan
        assert of(mask, unit)[LEAST] == pytest.approx(0.2)

    @pytest.mark.parametrize("unit", UNITS)
    def test_a_mask_of_nothing_else_is_unscoreable(self, unit):
        assert np.isnan(list(of(np.full((3, 4, 5), np.nan, np.float32), unit).values())).all()


class TestLogits:
    @pytest.mark.parametrize("unit", UNITS)
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_they_go_through_softmax(self, unit, dtype):
        logits = np.random.default_rng(0).normal(0, 2, (4, 9, 8)).astype(dtype)
        found = mask_scores(ArrayPlanes(logits, are_logits=True), CHOSEN, unit, How("mean")).values
        expected = of(scipy.special.softmax(logits.astype(np.float64), axis=0), unit)
        assert found == pytest.approx(expected, abs=1e-5)

    @pytest.mark.parametrize("unit", UNITS)
    def test_they_must_be_finite(self, unit):
        logits = np.zeros((3, 4, 4), np.float32)
        logits[1, 2, 2] = np.inf
        with pytest.raises(BadRow, match="logits must be finite"):
            mask_scores(ArrayPlanes(logits, are_logits=True), CHOSEN, unit, How("mean"))


class TestConfidences:
    PREDICTED = np.array([[0, 0, 2], [0, -1, 2]])
    CONFIDENCES = np.array([[0.9, 0.7, 0.5], [0.8, 0.6, np.nan]])

    def test_the_other_classes_share_the_rest(self):
        planes = ConfidencePlanes(self.PREDICTED, self.CONFIDENCES, 3)
        assert planes.shape == (3, 2, 3)
        rows = planes.rows(0, 2)
        np.testing.assert_allclose(rows[:, 0, 0], [0.9, 0.05, 0.05], rtol=1e-6)
        np.testing.assert_allclose(rows[:, 0, 2], [0.25, 0.25, 0.5], rtol=1e-6)

    def test_pixels_without_a_class_or_a_confidence_do_not_count(self):
        planes = ConfidencePlanes(self.PREDICTED, self.CONFIDENCES, 3)
        found = mask_scores(planes, CHOSEN, "segment", How("mean"))
        # Class 0: mean .8; class 2: the one pixel with .5.
        assert found.n_segments == 2
        assert found.values[LEAST] == pytest.approx((0.2 + 0.5) / 2)
        assert found.values[MARGIN] == pytest.approx(((1 - 0.7) + (1 - 0.25)) / 2)
        by_pixel = mask_scores(planes, CHOSEN, "pixel", How("mean")).values
        assert by_pixel[LEAST] == pytest.approx((0.1 + 0.3 + 0.2 + 0.5) / 4)

    def test_one_class_is_scored_against_the_rest(self):
        planes = ConfidencePlanes(np.zeros((2, 2), int), np.full((2, 2), 0.9), 1)
        assert mask_scores(planes, CHOSEN, "pixel", How("mean")).values[MARGIN] == pytest.approx(0.2)

    @pytest.mark.parametrize("unit", UNITS)
    def test_nothing_known_is_unscoreable(self, unit):
        planes = ConfidencePlanes(np.full((3, 3), -1), np.full((3, 3), 0.5), 4)
        found = mask_scores(planes, CHOSEN, unit, How("mean", empty=np.nan))
        assert np.isnan(list(found.values.values())).all()
        assert found.n_segments == 0

    @pytest.mark.parametrize("unit", UNITS)
    @given(
        seed=st.integers(0, 99),
        size=st.sampled_from([1, 7, 1000]),
        n_classes=st.integers(2, 5),
        height=st.integers(1, 9),
    )
    def test_they_score_as_the_probabilities_that_they_stand_for(self, unit, seed, size, n_classes, height):
        rng = np.random.default_rng(seed)
        predicted, confidences = rng.integers(0, n_classes, (height, 7)), rng.uniform(0.6, 1, (height, 7))
        spread = np.repeat((1 - confidences)[None] / (n_classes - 1), n_classes, axis=0)
        np.put_along_axis(spread, predicted[None], confidences[None], axis=0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segmentation, "_BAND_VALUES", size)
            planes = ConfidencePlanes(predicted, confidences, n_classes)
            found = mask_scores(planes, CHOSEN, unit, How("mean")).values
        assert found == pytest.approx(of(spread, unit), abs=1e-5)
