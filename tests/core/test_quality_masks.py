"""Label quality of masks: parity with cleanlab, hand-worked regions, and what must not depend on how a mask is read."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.ndimage
from cleanlab.segmentation import rank
from hypothesis import given as for_all
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from shortlist.core.errors import ShortlistError
from shortlist.core.quality import mask_pixels
from shortlist.core.quality.mask_errors import errors
from shortlist.core.quality.mask_regions import MEASURES, disagreements
from shortlist.core.quality.mask_view import parts_of, view_of
from shortlist.core.quality.masks import (
    MaskFit,
    PixelIssues,
    issues_from_scores,
    mask_quality,
    mask_statistics,
    pixel_scores,
    softmin,
    worst_region,
)
from shortlist.core.scores.planes import ArrayPlanes
from shortlist.core.scores.probabilities import BadRow

CROSS = scipy.ndimage.generate_binary_structure(2, 1)


def random_set(seed: int, n_classes: int = 4, sides=(16, 32), n: int = 5, dtype=np.float32):
    """Labels (n, h, w) and probabilities (n, K, h, w) of a model that is mostly right."""
    rng = np.random.default_rng(seed)
    found = rng.dirichlet(np.full(n_classes, 0.3), (n, *sides)).transpose(0, 3, 1, 2).astype(dtype)
    drawn = rng.integers(0, n_classes, (n, *sides))
    return np.where(rng.random((n, *sides)) < 0.7, found.argmax(axis=1), drawn), found


def pixel_issues(labels, probabilities, downsample: int = 1) -> np.ndarray:
    issues, planes = PixelIssues(probabilities.shape[1], downsample), [ArrayPlanes(one) for one in probabilities]
    for _ in range(PixelIssues.PASSES):
        for pair in zip(labels, planes, strict=True):
            issues.add(issues.gathered(*pair))
        issues.advance()
    return np.array([issues.quality(*pair) for pair in zip(labels, planes, strict=True)])


def theirs(labels, probabilities, method: str, **options) -> np.ndarray:
    if method == "num_pixel_issues":
        options["n_jobs"] = 1
    return rank.get_label_quality_scores(labels, probabilities, method=method, verbose=False, **options)[0]


def degenerate(name: str):
    """Inputs at the edge of what there is."""
    labels, found = random_set(0)
    if name == "one-hot":
        found = (found.argmax(axis=1)[:, None] == np.arange(4)[:, None, None]).astype(np.float32)
    elif name == "a class that no pixel has":
        labels[labels == 2] = 0
    elif name == "one label":
        labels[:] = 1
    elif name == "every label the most probable":
        labels = found.argmax(axis=1)
    elif name == "one pixel":
        labels, found = labels[:, :1, :1], found[:, :, :1, :1]
    elif name == "one image":
        labels, found = labels[:1], found[:1]
    elif name == "two classes":
        labels, found = random_set(1, 2)
    return labels, found


DEGENERATE = ["one-hot", "a class that no pixel has", "one label", "every label the most probable", "one pixel"]
DEGENERATE += ["one image", "two classes"]


class TestParityWithCleanlab:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("temperature", [0.02, 0.1, 3.0])
    def test_softmin(self, seed, temperature):
        labels, found = random_set(seed, 2 + seed, dtype=[np.float32, np.float64][seed % 2])
        ours = [softmin(*pair, temperature) for pair in zip(labels, map(ArrayPlanes, found), strict=True)]
        np.testing.assert_allclose(ours, theirs(labels, found, "softmin", temperature=temperature), atol=1e-6)

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("downsample", [1, 2, 8, 16])
    def test_num_pixel_issues(self, seed, downsample):
        labels, found = random_set(seed, 2 + seed, dtype=[np.float32, np.float64][seed % 2])
        expected = theirs(labels, found, "num_pixel_issues", downsample=downsample)
        np.testing.assert_allclose(pixel_issues(labels, found, downsample), expected, atol=1e-6)

    @pytest.mark.parametrize("name", DEGENERATE)
    def test_degenerate_inputs(self, name):
        labels, found = degenerate(name)
        ours = [softmin(*pair) for pair in zip(labels, map(ArrayPlanes, found), strict=True)]
        np.testing.assert_allclose(ours, theirs(labels, found, "softmin"), atol=1e-6)
        np.testing.assert_allclose(pixel_issues(labels, found), theirs(labels, found, "num_pixel_issues"), atol=1e-6)

    def test_issues_from_scores_of_pixels(self):
        scores = np.random.default_rng(0).random((3, 4, 5))
        expected = rank.issues_from_scores(np.zeros(3), scores, 0.3)
        np.testing.assert_array_equal(issues_from_scores(np.zeros(3), scores, 0.3), expected)


class TestDeliberateDifferences:
    def test_images_below_the_threshold_and_no_more(self):
        scores = np.array([0.5, 0.05, 0.9, 0.01])
        np.testing.assert_array_equal(issues_from_scores(scores), [3, 1])
        np.testing.assert_array_equal(rank.issues_from_scores(scores), [3, 1, 0])
        assert len(issues_from_scores(np.array([0.5]))) == 0
        assert len(rank.issues_from_scores(np.array([0.5]))) == 1

    def test_pixels_that_tie_at_the_cut_share_what_is_left(self):
        # Nothing tells one pixel from another: 12 of 16 are confidently of class 0 and labelled otherwise, and as many flags
        # are dealt to 16 pixels alike, so 12 x 12 / 16 of those that are not of class 0 are flagged.
        probabilities = np.full((1, 2, 4, 4), 0.5)
        labels = np.array([[0] * 4, [1] * 4, [1] * 4, [1] * 4])[None]
        assert pixel_issues(labels, probabilities)[0] == pytest.approx(1 - 9 / 16)

    def test_ignored_pixels_do_not_count(self):
        labels, found = random_set(3)
        padded = np.pad(labels, ((0, 0), (0, 0), (0, 7)), constant_values=-1)
        wide = np.pad(found, ((0, 0), (0, 0), (0, 0), (0, 7)), mode="edge")
        np.testing.assert_allclose(pixel_issues(padded, wide), pixel_issues(labels, found))
        np.testing.assert_allclose(softmin(padded[0], ArrayPlanes(wide[0])), softmin(labels[0], ArrayPlanes(found[0])))

    def test_a_nan_is_no_issue(self):
        np.testing.assert_array_equal(issues_from_scores(np.array([np.nan, 0.0])), [1])
        np.testing.assert_array_equal(issues_from_scores(np.zeros(1), np.array([np.nan, 0.0])), [False, True])


class TestPixels:
    @for_all(st.integers(0, 99), st.floats(0.01, 5))
    def test_softmin_lies_between_the_worst_pixel_and_the_mean(self, seed, temperature):
        labels, found = random_set(seed, n=1)
        own, value = (
            pixel_scores(labels[0], ArrayPlanes(found[0])),
            softmin(labels[0], ArrayPlanes(found[0]), temperature),
        )
        assert own.min() - 1e-6 <= value <= own.mean() + 1e-6

    def test_a_low_temperature_does_not_run_out_of_numbers(self):
        found = random_set(0, n=1)[1]
        best = found[0].argmax(axis=0)
        assert softmin(best, ArrayPlanes(found[0]), 1e-4) == pytest.approx(found[0].max(axis=0).min(), abs=1e-3)

    @pytest.mark.parametrize("values", [40, 300])
    def test_bands_do_not_matter(self, monkeypatch, values):
        labels, found = random_set(2)
        before = (
            pixel_issues(labels, found, 4),
            [softmin(*pair) for pair in zip(labels, map(ArrayPlanes, found), strict=True)],
        )
        monkeypatch.setattr(mask_pixels, "_BAND_VALUES", values)
        after = (
            pixel_issues(labels, found, 4),
            [softmin(*pair) for pair in zip(labels, map(ArrayPlanes, found), strict=True)],
        )
        np.testing.assert_allclose(before[0], after[0])
        np.testing.assert_allclose(before[1], after[1])

    def test_the_order_of_the_samples_does_not_matter(self):
        labels, found = random_set(5)
        np.testing.assert_allclose(pixel_issues(labels, found), pixel_issues(labels[::-1], found[::-1])[::-1])

    def test_whole_numbers_are_shares(self):
        labels, found = random_set(1)
        whole = np.rint(found[0] * 65535).astype(np.uint16)
        assert softmin(labels[0], ArrayPlanes(whole)) == pytest.approx(
            softmin(labels[0], ArrayPlanes(found[0])), abs=1e-3
        )

    def test_a_finer_mask_is_thinned_out(self):
        labels, found = random_set(1)
        fine = labels[0].repeat(3, axis=0).repeat(3, axis=1)
        assert softmin(fine, ArrayPlanes(found[0])) == softmin(labels[0], ArrayPlanes(found[0]))

    def test_nothing_to_score_is_nan(self):
        planes = ArrayPlanes(np.full((2, 3, 3), 0.5))
        nothing = np.full((3, 3), -1)
        assert math.isnan(softmin(nothing, planes))
        assert math.isnan(pixel_issues(nothing[None], planes.values[None])[0])
        assert math.isnan(worst_region(nothing, planes).quality)
        assert math.isnan(mask_quality(nothing, planes, MaskFit(2)).quality)


class TestBadInput:
    PLANES = ArrayPlanes(np.full((2, 3, 3), 0.5))

    @pytest.mark.parametrize("mask", [np.full((3, 3), 2), np.full((3, 3), -2), np.zeros((3, 3)), np.zeros(3, int)])
    @pytest.mark.parametrize("score", [softmin, worst_region, mask_statistics])
    def test_no_mask_of_these_classes(self, mask, score):
        with pytest.raises(ShortlistError, match="a mask must be"):
            score(mask, self.PLANES)

    @pytest.mark.parametrize("values", [np.ones((2, 3, 3)), np.full((2, 3, 3), [[[1.5]], [[-0.5]]])])
    @pytest.mark.parametrize("score", [softmin, worst_region, mask_statistics])
    def test_no_distribution(self, values, score):
        with pytest.raises(BadRow, match="sum to 1"):
            score(np.zeros((3, 3), int), ArrayPlanes(values))

    def test_options_out_of_range(self):
        with pytest.raises(ShortlistError, match="threshold must be between 0 and 1"):
            issues_from_scores(np.zeros(1), threshold=1.5)
        with pytest.raises(ShortlistError, match="temperature must be greater than 0"):
            softmin(np.zeros((3, 3), int), self.PLANES, 0)
        with pytest.raises(ShortlistError, match="a divisor of the sides of the probabilities, 3 x 3"):
            PixelIssues(2, 2).gathered(np.zeros((3, 3), int), self.PLANES)


def scene(seed: int, n_classes: int = 4, side: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A mask of boxes on background 0, and a blurred, slightly noisy model of it."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), int)
    for _ in range(3):
        top, left = rng.integers(0, side - 20, 2)
        height, width = rng.integers(8, 20, 2)
        mask[top : top + height, left : left + width] = rng.integers(1, n_classes)
    planes = np.stack([scipy.ndimage.gaussian_filter((mask == index).astype(float), 2) for index in range(n_classes)])
    noise = scipy.ndimage.gaussian_filter(rng.normal(0, 1, planes.shape), (0, 4, 4)) * 0.8
    planes = np.maximum(planes + noise, 1e-3)
    return mask, (planes / planes.sum(axis=0)).astype(np.float32)


def sure(classes: np.ndarray, n_classes: int = 3, confidence: float = 0.9) -> ArrayPlanes:
    rest = (1 - confidence) / (n_classes - 1)
    return ArrayPlanes(np.where(classes == np.arange(n_classes)[:, None, None], confidence, rest))


class TestWorstRegion:
    def test_evidence_by_hand(self):
        # An object of 40 x 40 that the mask lacks; a cell counts where it is farther than 1 % of the diagonal from outlines.
        truth = np.zeros((100, 100), int)
        truth[20:60, 30:70] = 1
        found = worst_region(np.zeros_like(truth), sure(truth))
        # The cells at an outline are the outermost of the object; those whose depth is at most 1.41 are the next ring too.
        counted = 36 * 36
        assert found.quality == pytest.approx(math.exp(-counted * math.log(0.9 / 0.05) / 100**2), rel=1e-4)
        (region,) = found.regions
        assert (region.kind, region.given, region.suggested, region.share) == ("missing", 0, 1, 0.16)
        np.testing.assert_allclose(region.box, [0.3, 0.2, 0.4, 0.4])
        assert region.mask.shape == (40, 40)
        assert region.mask.all()

    def kinds(self, mask, truth) -> list[str]:
        return [region.kind for region in worst_region(mask, sure(truth), below=2).regions]

    def test_kinds(self):
        empty, one = np.zeros((60, 60), int), np.zeros((60, 60), int)
        one[10:40, 10:40] = 1
        half = one.copy()
        half[10:40, 26:40] = 0
        assert self.kinds(empty, one) == ["missing"]
        assert self.kinds(one, empty) == ["spurious"]
        assert self.kinds(2 * one, one) == ["wrong_class"]
        assert self.kinds(half, one) == ["bad_location"]
        assert self.kinds(one, half) == ["bad_location"]
        assert self.kinds(one, one) == []

    def test_outlines_say_nothing(self):
        truth = np.zeros((100, 100), int)
        truth[20:60, 30:70] = 1
        found = worst_region(np.roll(truth, 1, axis=1), sure(truth))
        assert found.quality == 1
        assert found.regions == []

    def test_the_worst_comes_first(self):
        truth = np.zeros((100, 100), int)
        truth[10:30, 10:30], truth[50:90, 50:90] = 1, 2
        found = worst_region(np.zeros_like(truth), sure(truth))
        assert [region.suggested for region in found.regions] == [2, 1]
        assert found.quality == found.regions[0].quality < found.regions[1].quality

    @for_all(st.integers(0, 50), st.sampled_from([1, 2]))
    def test_the_size_of_the_files_matters_little(self, seed, factor):
        mask, planes = scene(seed)
        fine = worst_region(mask.repeat(factor, axis=0).repeat(factor, axis=1), ArrayPlanes(planes))
        assert fine.quality == pytest.approx(worst_region(mask, ArrayPlanes(planes)).quality, abs=0.05)


class TestRegions:
    @for_all(st.integers(0, 200))
    def test_parts_are_those_of_another_library(self, seed):
        mask, _ = scene(seed)
        expected = sum(scipy.ndimage.label(mask == index, CROSS)[1] for index in range(4))
        parts = parts_of(mask)
        assert len(parts.areas) == expected
        assert parts.areas.sum() == mask.size

    @for_all(st.integers(0, 200), st.integers(0, 200))
    def test_measures_are_finite_and_fit_the_mask(self, seed, other):
        (mask, _), (_, planes) = scene(seed), scene(other)
        view = view_of(mask, ArrayPlanes(planes))
        found = disagreements(view, view.given, 0)
        assert found.measures.shape == (len(found.areas), len(MEASURES))
        assert np.isfinite(found.measures).all()
        for index, area in enumerate(found.areas):
            inside = found.labels == index
            assert inside.sum() == area
            assert set(view.given[inside]) == {found.given[index]}
            assert set(view.predicted[inside]) == {found.predicted[index]}

    @for_all(st.integers(0, 200))
    def test_errors_change_known_pixels_only_and_are_the_same_again(self, seed):
        mask, planes = scene(seed)
        mask[:, :5] = -1
        view = view_of(mask, ArrayPlanes(planes))
        first, second = (list(errors(view, 0, np.random.default_rng(seed), 12)) for _ in range(2))
        assert first
        for one, again in zip(first, second, strict=True):
            np.testing.assert_array_equal(one, again)
            assert (one != view.given).any()
            assert (one[:, :5] == -1).all()
            assert one.max() < 4


def broken(mask: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """An error in the largest object."""
    labels, count = scipy.ndimage.label(mask > 0, CROSS)
    area = labels == 1 + np.argmax([(labels == part).sum() for part in range(1, count + 1)])
    found = mask.copy()
    if kind == "dropped":
        found[area] = 0
    elif kind == "renamed":
        found[area] = mask[area] % 3 + 1
    else:
        found[area & ~scipy.ndimage.binary_erosion(area, iterations=4)] = 0
    return found


@pytest.fixture(scope="module")
def dataset() -> tuple[list, list, np.ndarray, MaskFit]:
    """Sixty scenes of which a third have an error, and their fit."""
    rng = np.random.default_rng(0)
    scenes = [scene(seed) for seed in range(60)]
    wrong = np.arange(60) % 3 == 0
    masks = [
        broken(mask, ("dropped", "renamed", "shrunk")[row // 3 % 3], rng) if wrong[row] else mask
        for row, (mask, _) in enumerate(scenes)
    ]
    planes = [ArrayPlanes(one) for _, one in scenes]
    fit = MaskFit(4)
    for pair in zip(masks, planes, strict=True):
        fit.add(mask_statistics(*pair))
    return masks, planes, wrong, fit


class TestDefault:
    def test_it_finds_what_is_wrong(self, dataset):
        masks, planes, wrong, fit = dataset
        found = [mask_quality(*pair, fit, below=2) for pair in zip(masks, planes, strict=True)]
        qualities = np.array([one.quality for one in found])
        assert ((qualities >= 0) & (qualities <= 1)).all()
        assert roc_auc_score(wrong, -qualities) > 0.95
        told = np.array([one.regions[0].kind for one in found])[wrong]
        assert (told[np.arange(20) % 3 == 0] == "missing").all()
        assert np.mean(told[np.arange(20) % 3 == 1] == "wrong_class") > 0.5

    def test_regions_below_a_quality_are_told_worst_first(self, dataset):
        masks, planes, _, fit = dataset
        for pair in zip(masks, planes, strict=True):
            every, below = (mask_quality(*pair, fit, below=limit).regions for limit in (2, 0.5))
            qualities = [region.quality for region in every]
            assert qualities == sorted(qualities)
            assert [region.quality for region in below] == [value for value in qualities if value < 0.5]

    def test_the_order_of_the_samples_does_not_matter(self, dataset):
        masks, planes, _, fit = dataset
        again = MaskFit(4)
        for pair in list(zip(masks, planes, strict=True))[::-1]:
            again.add(mask_statistics(*pair))
        for pair in list(zip(masks, planes, strict=True))[:9]:
            assert mask_quality(*pair, again).quality == pytest.approx(mask_quality(*pair, fit).quality, abs=1e-6)

    def test_a_stored_fit_scores_alike(self, dataset):
        masks, planes, _, fit = dataset
        stored = MaskFit.from_json(json.loads(json.dumps(fit.to_json())))
        for held_out in (True, False):
            for pair in list(zip(masks, planes, strict=True))[:6]:
                expected = mask_quality(*pair, fit, held_out=held_out).quality
                assert mask_quality(*pair, stored, held_out=held_out).quality == pytest.approx(expected, abs=1e-9)

    def test_a_sample_does_not_judge_itself(self, dataset):
        masks, planes, _, fit = dataset
        differing = [
            mask_quality(*pair, fit).quality != mask_quality(*pair, fit, held_out=False).quality
            for pair in zip(masks, planes, strict=True)
        ]
        assert np.mean(differing) > 0.5

    def test_too_few_samples_are_judged_by_their_worst_region(self):
        mask, planes = scene(0)
        fit, wrong = MaskFit(4), broken(mask, "dropped", np.random.default_rng(0))
        fit.add(mask_statistics(wrong, ArrayPlanes(planes)))
        assert mask_quality(wrong, ArrayPlanes(planes), fit).quality == worst_region(wrong, ArrayPlanes(planes)).quality

    def test_a_mask_as_predicted_is_right(self, dataset):
        _, planes, _, fit = dataset
        found = mask_quality(planes[0].values.argmax(axis=0), planes[0], fit, held_out=False)
        assert found.quality == 1
        assert found.regions == []
