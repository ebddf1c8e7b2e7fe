"""score_label_quality on Segmentation fields."""

from __future__ import annotations

import cv2
import fiftyone as fo
import numpy as np
import pytest

from shortlist import ShortlistError, score_label_quality
from shortlist.core.quality.masks import MaskFit, mask_quality, softmin
from shortlist.core.scores.planes import ArrayPlanes

TARGETS = {0: "background", 1: "car", 2: "person", 255: "void"}
SIDE, N = 40, 50
# By image: what is done to its label.
PLANTED = {4: "dropped", 17: "renamed", 31: "dropped", 42: "added"}


def silent(*_: object) -> None:
    """No bar."""


def true_mask(row: int) -> np.ndarray:
    """A car and a person as rectangles on a background, with a void corner in some."""
    chance = np.random.default_rng(row)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for value, top in ((1, 2), (2, 21)):
        y, x = top + chance.integers(3), chance.integers(2, 18)
        mask[y : y + chance.integers(9, 14), x : x + chance.integers(9, 18)] = value
    if row % 5 == 0:
        mask[-3:, -3:] = 255
    return mask


def probabilities(row: int) -> np.ndarray:
    """(K, h, w) of a model that is a little off along the outlines, and unsure of some blobs."""
    chance = np.random.default_rng(500 + row)
    classes = np.where(true_mask(row) == 255, 0, true_mask(row))
    shifted = np.roll(classes, tuple(chance.integers(-1, 2, 2)), (0, 1))
    planes = np.eye(3, dtype=np.float32)[shifted].transpose(2, 0, 1) * 0.9 + 0.033
    y, x = chance.integers(2, SIDE - 8, 2)
    planes[:, y : y + 5, x : x + 5] = (
        0.5 * planes[:, y : y + 5, x : x + 5] + 0.5 * chance.dirichlet(np.ones(3))[:, None, None]
    )
    planes = np.stack([cv2.blur(plane, (3, 3)) for plane in planes])
    return (planes / planes.sum(axis=0)).astype(np.float32)


def given_mask(row: int) -> np.ndarray:
    mask = true_mask(row)
    if PLANTED.get(row) == "dropped":
        mask[mask == 1] = 0
    if PLANTED.get(row) == "renamed":
        mask[mask == 1] = 2
    if PLANTED.get(row) == "added":
        mask[28:39, 28:39] = 1
    return mask


def samples() -> list[fo.Sample]:
    return [
        fo.Sample(
            f"/nowhere/{row:03d}.png",
            ground_truth=fo.Segmentation(mask=given_mask(row)),
            predictions=fo.Segmentation(probabilities=probabilities(row)),
        )
        for row in range(N)
    ]


def score(dataset, **parameters):
    return score_label_quality(dataset, "ground_truth", "predictions", progress=silent, **parameters)


@pytest.fixture
def noisy(make):
    return make(samples(), default_mask_targets=TARGETS)


@pytest.fixture(scope="module")
def scored(make_lasting):
    """Scored, for tests that change nothing."""
    dataset = make_lasting(samples(), default_mask_targets=TARGETS)
    return dataset, score(dataset)


def issues(dataset) -> dict[int, str]:
    """The kinds of the four worst samples by their rows."""
    worst = dataset.exists("ground_truth_issue").sort_by("ground_truth_quality").limit(4)
    return {int(one.filepath[-7:-4]): one.ground_truth_issue for one in worst}


KINDS = {4: "missing", 17: "wrong_class", 31: "missing", 42: "spurious"}


class TestPlantedErrors:
    def test_are_found_by_kind(self, scored):
        dataset, summary = scored
        assert issues(dataset) == KINDS
        assert summary.kinds.items() >= {"missing": 2, "wrong_class": 1, "spurious": 1}.items()
        assert (summary.n_samples, summary.n_labels) == (N, N)
        assert summary.n_flagged == len(dataset.exists("ground_truth_issue")) < N / 2

    def test_are_shown_in_order_of_severity(self, scored):
        dataset, summary = scored
        view = dataset.load_saved_view("ground_truth_issues")
        quality = view.values("ground_truth_quality")
        assert quality == sorted(quality)
        assert view.values("id") == summary.issues.values("id")

    @pytest.mark.parametrize(
        ("row", "given", "suggested"),
        [(4, "background", "car"), (17, "person", "car"), (42, "car", "background")],
    )
    def test_come_as_regions_with_a_class_and_a_mask(self, scored, row, given, suggested):
        dataset, _ = scored
        found = dataset.skip(row).first()
        region, *_ = found.ground_truth_suggestions.detections
        assert (region.issue, region.given, region.label) == (KINDS[row], given, suggested)
        assert region.quality == pytest.approx(found.ground_truth_quality)
        changed = given_mask(row) != true_mask(row)
        x, y, width, height = (np.array(region.bounding_box) * SIDE).round().astype(int)
        assert region.mask.shape == (height, width)
        drawn = np.zeros((SIDE, SIDE), bool)
        drawn[y : y + height, x : x + width] = region.mask
        assert (drawn & changed).sum() / (drawn | changed).sum() > 0.7

    def test_classes_are_counted_by_mask(self, scored):
        _, summary = scored
        health = {one.name: (one.n_labels, one.n_issues) for one in summary.classes}
        having = sum((given_mask(row) == 1).any() for row in range(N))
        assert {name: n for name, (n, _) in health.items()} == {"background": N, "car": having, "person": N}
        assert health["background"][1] >= 2
        assert (summary.confusions[0].given, summary.confusions[0].suggested) == ("background", "car")

    def test_what_was_learned_is_kept(self, scored):
        dataset, summary = scored
        learned = MaskFit.from_json(dataset.load_run_results(summary.run_key, cache=False).calibration)
        assert (learned.n_classes, learned.n_samples) == (3, N)
        found = mask_quality(given_mask(31).astype(int), ArrayPlanes(probabilities(31)), learned, held_out=False)
        assert found.quality < 0.5

    def test_the_rest_has_no_suggestions(self, scored):
        dataset, _ = scored
        assert dataset.first().ground_truth_suggestions.detections == []
        assert dataset.get_field("ground_truth_suggestions").document_type is fo.Detections


class TestMethods:
    def test_softmin_is_its_formula(self, noisy):
        score(noisy, method="softmin")
        expected = []
        for row in range(N):
            mask = given_mask(row).astype(np.int64)
            mask[mask == 255] = -1
            expected.append(softmin(mask, ArrayPlanes(probabilities(row))))
        assert noisy.values("ground_truth_quality") == pytest.approx(expected, abs=1e-9)

    @pytest.mark.parametrize("method", ["worst_region", "num_pixel_issues"])
    def test_others_find_what_was_planted_too(self, noisy, method):
        summary = score(noisy, method=method)
        quality = np.array(noisy.values("ground_truth_quality"))
        assert set(np.argsort(quality)[:4].tolist()) == set(PLANTED)
        assert summary.method == method


class TestWhatThereIs:
    def test_masks_of_classes_only_are_used_and_said(self, make):
        rows = samples()
        for row, one in enumerate(rows):
            one.predictions = fo.Segmentation(mask=probabilities(row).argmax(axis=0).astype(np.uint8))
        dataset = make(rows, default_mask_targets=TARGETS)
        summary = score(dataset)
        assert any("masks of classes only" in note for note in summary.notes)
        quality = np.array(dataset.values("ground_truth_quality"))
        assert set(np.argsort(quality)[:4].tolist()) == set(PLANTED)

    def test_masks_and_probabilities_may_be_of_two_sizes(self, make):
        rows = samples()
        for row, one in enumerate(rows):
            one.ground_truth = fo.Segmentation(mask=given_mask(row).repeat(2, axis=0).repeat(2, axis=1))
        dataset = make(rows, default_mask_targets=TARGETS)
        score(dataset)
        assert issues(dataset) == KINDS

    def test_what_is_not_there_or_cannot_be_read_is_counted(self, make, tmp_path):
        (tmp_path / "broken.npy").write_bytes(b"nothing of the kind")
        rows = samples()
        rows[0].ground_truth = None
        rows[1].predictions = None
        rows[2].predictions = fo.Segmentation(probabilities=str(tmp_path / "broken.npy"))
        rows[3].ground_truth = fo.Segmentation(mask_path=str(tmp_path / "gone.png"))
        rows[5].ground_truth = fo.Segmentation(mask=np.full((SIDE, SIDE), 255, np.uint8))
        dataset = make(rows, default_mask_targets=TARGETS)
        summary = score(dataset)
        assert summary.unscoreable.pop("samples without 'ground_truth'") == 1
        assert summary.unscoreable.pop("samples without 'predictions'") == 1
        assert summary.unscoreable.pop("masks without a pixel that has both a class and probabilities") == 1
        assert summary.unscoreable.pop("given masks that cannot be read") == 1
        assert list(summary.unscoreable.values()) == [1]
        assert [dataset.values("ground_truth_quality")[row] for row in (0, 1, 2, 3, 5)] == [None] * 5
        assert dataset.values("ground_truth_suggestions")[:4] == [None] * 4
        assert issues(dataset) == KINDS

    def test_the_values_of_two_masks_may_differ_where_the_names_say_so(self, make):
        rows = samples()
        for row, one in enumerate(rows):
            values = np.select([given_mask(row) == value for value in (1, 2, 255)], [60, 70, 255], 0)
            one.ground_truth = fo.Segmentation(mask=values.astype(np.uint8))
        targets = {0: "background", 60: "car", 70: "person"}
        dataset = make(
            rows, mask_targets={"ground_truth": targets, "predictions": {0: "background", 1: "car", 2: "person"}}
        )
        score(dataset)
        assert issues(dataset) == KINDS

    def test_names_that_differ_are_refused_and_can_be_mapped(self, make, refused):
        targets = {0: "background", 1: "auto", 2: "person", 255: "void"}
        dataset = make(
            samples(), mask_targets={"ground_truth": targets, "predictions": {0: "background", 1: "car", 2: "person"}}
        )
        with refused(
            dataset,
            "label_field must have the classes of 'predictions'. Got 'auto' in the mask targets of 'ground_truth' instead. "
            "Only the model knows car. If the two fields name the same things differently, map the model's names with "
            "class_names={predicted: given}.",
        ):
            score(dataset)
        score(dataset, class_names={"car": "auto"})
        assert issues(dataset) == KINDS

    def test_one_name_for_several_classes_is_refused(self, make, refused):
        dataset = make(
            samples()[:6],
            mask_targets={
                "ground_truth": {0: "background", 1: "thing"},
                "predictions": {0: "background", 1: "car", 2: "person"},
            },
        )
        with refused(
            dataset,
            "class_names must give each class of the masks in 'predictions' a name of its own. Got 'thing' for several "
            "instead.",
        ):
            score(dataset, class_names={"car": "thing", "person": "thing"})

    @pytest.mark.parametrize("method", ["default", "num_pixel_issues"])
    def test_probabilities_of_another_number_of_classes_are_refused(self, make, snapshot, method):
        rows = samples()[:6]
        rows[4].predictions["probabilities"] = np.full((4, SIDE, SIDE), 0.25, np.float32)
        dataset = make(rows, default_mask_targets=TARGETS)
        before = snapshot(dataset)
        with pytest.raises(ShortlistError, match=r"must be probabilities of 3 classes, as the others .* Got 4 instead"):
            score(dataset, method=method)
        assert snapshot(dataset) == before

    def test_values_that_are_no_class_are_said(self, make):
        rows = samples()[:6]
        colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
        rows[1].ground_truth.mask = colours[given_mask(1)]
        rows[2].ground_truth.mask[:4, :4] = 77
        summary = score(make(rows, default_mask_targets=TARGETS))
        note = next(one for one in summary.notes if "no class" in one)
        assert note.startswith("2 masks of 'ground_truth' have values that are no class, such as ")
        assert note.endswith(": these pixels do not count")

    def test_void_is_no_such_value(self, scored):
        assert scored[1].notes == []

    def test_probabilities_that_are_none_are_refused(self, make, refused):
        rows = samples()[:6]
        rows[2].predictions["probabilities"] = np.full((3, SIDE, SIDE), 0.7, np.float32)
        dataset = make(rows, default_mask_targets=TARGETS)
        with refused(
            dataset,
            f"sample {rows[2].id}, field 'predictions': probabilities must be numbers >= 0 that sum to 1. Got a sum of 2.1 "
            f"instead.",
        ):
            score(dataset, method="softmin")


def test_a_second_run_replaces_the_first(noisy, documents):
    score(noisy, threshold=0.999)
    many = noisy.count("ground_truth_suggestions.detections")
    score(noisy)
    assert 4 <= noisy.count("ground_truth_suggestions.detections") < many
    assert issues(noisy) == KINDS
    assert noisy.list_runs() == ["ground_truth_quality"]
    ours = [f"ground_truth_{name}" for name in ("quality", "issue", "suggestions")]
    assert all(value is not None for value in documents(noisy, without=ours).values())
