"""score_uncertainty on semantic segmentation: probability files, arrays, logits, and masks with a confidence map."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import fiftyone as fo
import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats

from shortlist import ShortlistError, score_uncertainty, select_samples
from shortlist.core.errors import Cancelled
from shortlist.dataset import arrays

LEAST, MARGIN, ENTROPY = NAMES = tuple(f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
NOTHING = "masks without probabilities or a confidence map"


def patchy(seed: int = 0, n_classes: int = 4, height: int = 12, width: int = 16) -> np.ndarray:
    """(K, h, w) float32: coarse patches of classes, each pixel's probabilities its own."""
    rng = np.random.default_rng(seed)
    classes = np.kron(rng.integers(0, n_classes, (height // 3 + 1, width // 3 + 1)), np.ones((3, 3), int))
    logits = rng.normal(0, 0.5, (n_classes, height, width))
    logits += 3 * (classes[:height, :width] == np.arange(n_classes)[:, None, None])
    return scipy.special.softmax(logits, axis=0).astype(np.float32)


def rows_of(probabilities: np.ndarray, unit: str = "segment", predicted: np.ndarray | None = None) -> np.ndarray:
    """(m, K): the pixels, or the means over the connected regions of a class as scipy finds them."""
    if unit == "pixel":
        return probabilities.reshape(len(probabilities), -1).T
    classes = probabilities.argmax(axis=0) if predicted is None else predicted
    means = []
    for index in range(len(probabilities)):
        regions, count = scipy.ndimage.label(classes == index)
        means += [probabilities[:, regions == region].mean(axis=1) for region in range(1, count + 1)]
    return np.array(means)


def expected(rows: np.ndarray, combined=np.mean) -> dict[str, float]:
    """The scores of rows, combined."""
    ordered = -np.sort(-rows.astype(np.float64), axis=1)
    entropy = scipy.stats.entropy(rows.astype(np.float64), axis=1) / np.log(rows.shape[1])
    scores = {LEAST: 1 - ordered[:, 0], MARGIN: 1 - ordered[:, 0] + ordered[:, 1], ENTROPY: entropy}
    return {name: float(combined(values)) for name, values in scores.items()}


def approx(scores: dict[str, float], tolerance: float = 1e-5) -> dict[str, float]:
    return pytest.approx(scores, abs=tolerance)


def of(dataset: fo.Dataset, row: int = 0, path: str = "predictions") -> dict[str, float | None]:
    return {name: dataset.values(f"{path}_{name}")[row] for name in NAMES}


@pytest.fixture
def masked(make, tmp_path):
    """A dataset of masks, one an array or a text or a whole label; arrays are written to files."""

    def made(*stored, suffix: str = "npy", **attributes) -> fo.Dataset:
        samples = []
        for row, one in enumerate(stored):
            if isinstance(one, np.ndarray):
                path = tmp_path / f"{row}.{suffix}"
                np.save(path, one) if suffix == "npy" else np.savez_compressed(path, one)
                one = str(path)
            label = fo.Segmentation(probabilities=one) if isinstance(one, str) else one
            samples.append(fo.Sample(f"/nowhere/{row}.png", predictions=label))
        dataset = make(samples, **attributes)
        if dataset.get_field("predictions") is None:
            dataset.add_sample_field("predictions", fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
        return dataset

    return made


class TestProbabilities:
    @pytest.mark.parametrize("in_bands", [False, True])
    @pytest.mark.parametrize(
        ("dtype", "tolerance"), [("u1", 0.02), ("i1", 0.03), ("u2", 1e-3), ("f2", 2e-3), ("f4", 1e-5), ("f8", 1e-5)]
    )
    def test_files_of_every_type(self, masked, monkeypatch, dtype, tolerance, in_bands):
        if in_bands:
            monkeypatch.setattr(arrays, "_WHOLE", 0)
        probabilities = patchy()
        scale = np.iinfo(dtype).max if dtype[0] in "iu" else 1
        stored = np.rint(probabilities * scale) if scale > 1 else probabilities
        dataset = masked(stored.astype(dtype))
        summary = score_uncertainty(dataset, "predictions")
        assert of(dataset) == approx(expected(rows_of(probabilities)), tolerance)
        assert summary.origins == {"probabilities": 1}
        assert summary.n_objects == len(rows_of(probabilities))

    def test_archives(self, masked):
        dataset = masked(patchy(1), suffix="npz")
        score_uncertainty(dataset, "predictions")
        assert of(dataset) == approx(expected(rows_of(patchy(1))))

    def test_arrays_in_the_document(self, masked):
        dataset = masked(fo.Segmentation(probabilities=patchy()), fo.Segmentation(probabilities=patchy().tolist()))
        score_uncertainty(dataset, "predictions")
        assert of(dataset, 0) == approx(expected(rows_of(patchy())))
        assert of(dataset, 1) == approx(of(dataset, 0))

    def test_logits_in_files_and_in_the_document(self, masked, tmp_path):
        logits = np.random.default_rng(0).normal(0, 2, (3, 8, 9)).astype(np.float32)
        np.save(tmp_path / "logits.npy", logits)
        dataset = masked(fo.Segmentation(logits=str(tmp_path / "logits.npy")), fo.Segmentation(logits=logits))
        summary = score_uncertainty(dataset, "predictions")
        result = approx(expected(rows_of(scipy.special.softmax(logits, axis=0))))
        assert (of(dataset, 0), of(dataset, 1)) == (result, result)
        assert summary.origins == {"logits": 2}

    def test_another_attribute(self, masked, tmp_path):
        np.save(tmp_path / "softmax.npy", patchy())
        dataset = masked(fo.Segmentation(softmax=str(tmp_path / "softmax.npy"), probabilities="/nowhere.npy"))
        summary = score_uncertainty(dataset, "predictions", probabilities_attribute="softmax")
        assert of(dataset) == approx(expected(rows_of(patchy())))
        assert summary.origins == {"softmax": 1}

    @pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (64, 96)])
    @pytest.mark.parametrize("n_classes", [2, 19, 300])
    def test_any_resolution_and_number_of_classes(self, masked, shape, n_classes):
        probabilities = patchy(2, n_classes, *shape)
        dataset = masked(probabilities)
        score_uncertainty(dataset, "predictions")
        assert of(dataset) == approx(expected(rows_of(probabilities)))

    def test_each_mask_may_have_a_resolution_of_its_own(self, masked):
        dataset = masked(patchy(0, 3, 8, 8), patchy(0, 3, 8, 8).repeat(2, axis=1).repeat(2, axis=2))
        score_uncertainty(dataset, "predictions")
        assert of(dataset, 1) == approx(of(dataset, 0))

    @pytest.mark.parametrize("name", ["größe 預測", "two words", "a.b.c"])
    def test_files_of_any_name(self, masked, tmp_path, name):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"{name}.npy", patchy())
        dataset = masked(str(tmp_path / name / f"{name}.npy"))
        score_uncertainty(dataset, "predictions")
        assert of(dataset) == approx(expected(rows_of(patchy())))

    def test_many_masks_keep_their_samples(self, masked):
        probabilities = [patchy(seed, 3, 4 + seed, 9) for seed in range(30)]
        dataset = masked(*probabilities)
        score_uncertainty(dataset, "predictions")
        for row, one in enumerate(probabilities):
            assert of(dataset, row) == approx(expected(rows_of(one)))


class TestParameters:
    @pytest.mark.parametrize(
        ("aggregation", "combined"),
        [(None, np.mean), ("max", np.max), ("sum", np.sum), ("top_m", lambda values: np.sort(values)[-2:].mean())],
    )
    def test_segments_are_combined_by_the_mean_unless_asked(self, masked, aggregation, combined):
        dataset = masked(patchy())
        given = {} if aggregation is None else {"aggregation": aggregation, "top_m": 2}
        score_uncertainty(dataset, "predictions", **given)
        assert of(dataset) == approx(expected(rows_of(patchy()), combined), 1e-4)
        noted = dataset.get_field(f"predictions_{ENTROPY}").info["shortlist"]
        assert noted["parameters"]["aggregation"] == aggregation or noted["parameters"]["aggregation"] == "mean"
        assert noted["range"] == [0, None if aggregation == "sum" else 1]

    def test_pixels(self, masked):
        dataset = masked(patchy())
        summary = score_uncertainty(dataset, "predictions", segmentation="pixel", aggregation="max")
        assert of(dataset) == approx(expected(rows_of(patchy(), "pixel")))
        assert "mean over pixels" in dataset.get_field(f"predictions_{ENTROPY}").description
        assert summary.n_objects == 0

    def test_rare_classes_count_as_well(self, masked):
        dataset, rows = masked(patchy()), rows_of(patchy(), "pixel")
        score_uncertainty(dataset, "predictions", segmentation="class_balanced")
        share = np.bincount(rows.argmax(axis=1), minlength=4) / len(rows)
        weights = 1 / np.sqrt(share + 1e-3)[rows.argmax(axis=1)]
        assert of(dataset) == approx(expected(rows, lambda values: np.average(values, weights=weights)))

    @pytest.mark.parametrize("unit", ["segment", "pixel"])
    def test_a_temperature(self, masked, unit):
        dataset = masked(patchy())
        score_uncertainty(dataset, "predictions", temperature=2, segmentation=unit)
        roots = np.sqrt(patchy())
        warmer = roots / roots.sum(axis=0)
        assert of(dataset) == approx(expected(rows_of(warmer, unit, patchy().argmax(axis=0))), 1e-4)

    def test_normalized(self, masked):
        dataset = masked(np.full((5, 6, 6), 0.2))
        score_uncertainty(dataset, "predictions", normalize=True)
        assert of(dataset) == approx(dict.fromkeys(NAMES, 1))

    def test_only_some_scores(self, masked):
        dataset = masked(patchy())
        assert list(score_uncertainty(dataset, "predictions", scores=[MARGIN]).fields) == [f"predictions_{MARGIN}"]

    def test_scores_of_lists_of_objects_do_not_apply(self, masked, refused):
        dataset = masked(patchy())
        sentence = "scores must be scores that apply to 'predictions', which is no list of objects. "
        with refused(dataset, f"{sentence}Got 'object_frequency' instead."):
            score_uncertainty(dataset, "predictions", scores=["object_frequency"])

    def test_the_field_says_how(self, masked):
        dataset = masked(patchy())
        score_uncertainty(dataset, "predictions")
        field = dataset.get_field(f"predictions_{LEAST}")
        assert field.description == (
            "One minus the probability of the most probable class (mean over the sample's segments). "
            "High: the model is unsure."
        )
        assert field.info["shortlist"]["parameters"] == {
            "aggregation": "mean",
            "segmentation": "segment",
            "confidence_map": None,
            "normalize": False,
            "temperature": None,
            "probabilities_attribute": "probabilities",
        }

    def test_a_second_run_replaces_the_first(self, masked, tmp_path):
        dataset = masked(patchy(0), patchy(1))
        score_uncertainty(dataset, "predictions", segmentation="pixel")
        Path(tmp_path / "1.npy").unlink()
        score_uncertainty(dataset, "predictions")
        assert of(dataset, 0) == approx(expected(rows_of(patchy())))
        assert of(dataset, 1) == dict.fromkeys(NAMES)


class TestWhatCannotBeScored:
    def test_is_none_and_counted_by_reason(self, masked, tmp_path):
        np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
        (tmp_path / "short.npy").write_bytes(b"\x93NUMPY")
        files = [str(tmp_path / name) for name in ("missing.npy", "also missing.npz", "objects.npy", "short.npy")]
        dataset = masked(patchy(), *files, fo.Segmentation(mask=np.zeros((4, 4), np.uint8)), None)
        summary = score_uncertainty(dataset, "predictions")
        assert dataset.values(f"predictions_{LEAST}")[1:] == [None] * 6
        assert (summary.n_samples, summary.fields[f"predictions_{LEAST}"]["scored"]) == (7, 1)
        assert sorted(summary.unscoreable.values()) == [1, 1, 4]
        reasons = {reason.split(",")[0]: count for reason, count in summary.unscoreable.items()}
        assert reasons == {"no 'predictions'": 1, "files that cannot be read": 4, NOTHING: 1}
        assert files[0] in next(reason for reason in summary.unscoreable if reason.startswith("files"))

    def test_nothing_at_all_is_all_none(self, masked):
        dataset = masked(None, fo.Segmentation())
        assert score_uncertainty(dataset, "predictions").unscoreable == {"no 'predictions'": 1, NOTHING: 1}
        assert dataset.values(f"predictions_{LEAST}") == [None, None]

    def test_a_mask_without_a_single_number(self, masked):
        dataset = masked(np.full((3, 4, 4), np.nan, np.float32))
        reason = "predictions that lack what a score needs (probabilities, logits or a confidence)"
        assert score_uncertainty(dataset, "predictions").unscoreable == {reason: 1}


def workers() -> set[threading.Thread]:
    """The threads of pools; the database's client has others, which come and go."""
    return {one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")}


class TestRefusals:
    """One sentence that names the sample; nothing changes and no thread stays."""

    def where(self, dataset: fo.Dataset) -> str:
        return f"sample {dataset.last().id}, field 'predictions'"

    @pytest.mark.parametrize("shape", [(12, 16), (1, 12, 16), (2, 3, 4, 5)])
    def test_other_shapes(self, masked, refused, shape):
        dataset = masked(patchy(), np.zeros(shape, np.float32))
        sentence = (
            f"{self.where(dataset)}: the probabilities of a mask must be numbers of shape (K, height, width) with at least 2 "
            f"classes. Got 'float32 of shape {shape}' instead."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    @pytest.mark.parametrize("unit", ["segment", "pixel", "class_balanced"])
    @pytest.mark.parametrize("temperature", [None, 2.0])
    @pytest.mark.parametrize(
        "broken",
        [lambda p: p * 2, lambda p: p * 255, lambda p: np.ascontiguousarray(p.transpose(1, 2, 0)), lambda p: p - 0.25],
        ids=["doubled", "percent-like", "classes last", "shifted"],
    )
    def test_what_is_no_distribution(self, masked, snapshot, unit, temperature, broken):
        dataset = masked(patchy(), broken(patchy()))
        before = snapshot(dataset)
        with pytest.raises(ShortlistError) as caught:
            score_uncertainty(dataset, "predictions", segmentation=unit, temperature=temperature)
        assert str(caught.value).startswith(f"{self.where(dataset)}: probabilities must be numbers >= 0 that sum to 1.")
        assert snapshot(dataset) == before

    def test_mixed_numbers_of_classes(self, masked, refused):
        dataset = masked(patchy(0, 4), patchy(0, 5))
        sentence = (
            f"{self.where(dataset)} must be probabilities of 4 classes, as the others or the class list. Got 5 instead."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    def test_another_number_than_the_class_list_has(self, masked, refused):
        dataset = masked(patchy(0, 4), classes={"predictions": ["a", "b", "c"]})
        sentence = (
            f"{self.where(dataset)} must be probabilities of 3 classes, as the others or the class list. Got 4 instead."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    @pytest.mark.parametrize("stored", [0.5, True, {"a": 1}], ids=repr)
    def test_what_is_no_array(self, masked, snapshot, stored):
        dataset = masked(fo.Segmentation(probabilities=stored))
        before = snapshot(dataset)
        with pytest.raises(ShortlistError, match=r"^sample .*, field 'predictions': .* must be "):
            score_uncertainty(dataset, "predictions")
        assert snapshot(dataset) == before

    def test_an_archive_with_two_arrays(self, masked, refused, tmp_path):
        path = tmp_path / "two.npz"
        np.savez(path, a=patchy(), b=patchy())
        dataset = masked(str(path))
        sentence = f"{self.where(dataset)}: {path} must be an .npz file with one array. Got ['a.npy', 'b.npy'] instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    def test_a_field_of_the_user_s_own(self, masked, snapshot):
        dataset = masked(patchy())
        dataset.set_values(f"predictions_{MARGIN}", [3.0])
        before = snapshot(dataset)
        with pytest.raises(
            ShortlistError, match=f"^the result field 'predictions_{MARGIN}' must be new or Shortlist's own"
        ):
            score_uncertainty(dataset, "predictions")
        assert snapshot(dataset) == before

    @pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
    def test_stopped_in_the_middle_nothing_is_left_and_no_thread_goes_on(self, masked, snapshot, error):
        dataset = masked(*(patchy(seed) for seed in range(20)))
        before, threads, told = snapshot(dataset), workers(), []

        def stop(done: int, total: int, label: str = "") -> None:
            told.append((done, total))
            if done == 5:
                raise error

        with pytest.raises(type(error)):
            score_uncertainty(dataset, "predictions", progress=stop)
        assert told == [(done, 20) for done in range(1, 6)]
        assert workers() <= threads
        assert snapshot(dataset) == before
        assert score_uncertainty(dataset, "predictions").unscoreable == {}


TARGETS = {0: "background", 1: "road", 7: "car"}
MASK = np.array([[0, 0, 1, 1], [0, 255, 1, 7]], np.uint8)
CONFIDENCES = np.array([[0.9, 0.8, 0.6, 0.6], [0.7, 0.1, 0.6, 0.4]])


def by_hand(confidences: np.ndarray = CONFIDENCES) -> dict[str, float]:
    """The means of three segments: 0 with three pixels, 1 with three, 7 with one; what is 255 belongs to no class."""
    means = [confidences[value == MASK].mean() for value in TARGETS]
    return expected(np.array([[mean, (1 - mean) / 2, (1 - mean) / 2] for mean in means]))


class TestConfidenceMaps:
    """Masks with a Heatmap of the confidence of the predicted class."""

    @pytest.fixture
    def mapped(self, make):
        def made(label: fo.Segmentation | None, heatmap: fo.Heatmap | None, **attributes) -> fo.Dataset:
            attributes = attributes or {"default_mask_targets": TARGETS}
            dataset = make([fo.Sample("/nowhere/0.png", predictions=label, confidences=heatmap)], **attributes)
            for path, kind in (("predictions", fo.Segmentation), ("confidences", fo.Heatmap)):
                if dataset.get_field(path) is None:
                    dataset.add_sample_field(path, fo.EmbeddedDocumentField, embedded_doc_type=kind)
            return dataset

        return made

    def score(self, dataset: fo.Dataset, **parameters):
        return score_uncertainty(dataset, "predictions", confidence_map="confidences", **parameters)

    @pytest.mark.parametrize(
        "heatmap",
        [
            fo.Heatmap(map=CONFIDENCES),
            fo.Heatmap(map=CONFIDENCES.astype(np.float32)),
            fo.Heatmap(map=CONFIDENCES.astype(np.float16)),
            fo.Heatmap(map=np.rint(CONFIDENCES * 255).astype(np.uint8)),
            fo.Heatmap(map=CONFIDENCES * 100, range=[0, 100]),
            fo.Heatmap(map=CONFIDENCES * 2 - 1, range=[-1, 1]),
            fo.Heatmap(map=np.rint(CONFIDENCES * 100).astype(np.uint8), range=[0, 100]),
        ],
        ids=["float64", "float32", "float16", "uint8", "to 100", "-1 to 1", "whole to 100"],
    )
    def test_maps_of_every_type(self, mapped, heatmap):
        dataset = mapped(fo.Segmentation(mask=MASK), heatmap)
        summary = self.score(dataset)
        assert of(dataset) == approx(by_hand(), 0.005)
        assert summary.origins == {"confidence": 1}
        assert summary.n_objects == 3

    @pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 255), (np.uint16, 65_535)])
    def test_masks_and_maps_in_files(self, mapped, tmp_path, dtype, scale):
        cv2.imwrite(str(tmp_path / "map.png"), np.rint(CONFIDENCES * scale).astype(dtype))
        cv2.imwrite(str(tmp_path / "mask.png"), MASK)
        label = fo.Segmentation(mask_path=str(tmp_path / "mask.png"))
        dataset = mapped(label, fo.Heatmap(map_path=str(tmp_path / "map.png")))
        self.score(dataset)
        assert of(dataset) == approx(by_hand(), 0.005)

    def test_a_grey_map_that_was_saved_in_colour(self, mapped, tmp_path):
        grey = np.rint(CONFIDENCES * 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "map.png"), np.stack([grey] * 3, axis=-1))
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map_path=str(tmp_path / "map.png")))
        self.score(dataset)
        assert of(dataset) == approx(by_hand(), 0.005)

    def test_colours(self, mapped, tmp_path):
        colours = {"#000000": "background", "#8040ff": "road", "#ff0000": "car"}
        pixels = np.zeros((*MASK.shape, 3), np.uint8)
        pixels[MASK == 1], pixels[MASK == 7], pixels[MASK == 255] = (0x80, 0x40, 0xFF), (0xFF, 0, 0), (1, 2, 3)
        cv2.imwrite(str(tmp_path / "mask.png"), pixels[..., ::-1])
        for label in (fo.Segmentation(mask=pixels), fo.Segmentation(mask_path=str(tmp_path / "mask.png"))):
            dataset = mapped(label, fo.Heatmap(map=CONFIDENCES), mask_targets={"predictions": colours})
            self.score(dataset)
            assert of(dataset) == approx(by_hand())

    def test_the_dataset_s_classes_name_the_values_where_there_are_no_targets(self, mapped):
        compact = np.where(MASK == 7, 2, MASK)
        dataset = mapped(fo.Segmentation(mask=compact), fo.Heatmap(map=CONFIDENCES), default_classes=["a", "b", "c"])
        self.score(dataset)
        assert of(dataset) == approx(by_hand())

    def test_one_class_is_scored_against_the_rest(self, mapped):
        mask = fo.Segmentation(mask=np.zeros((2, 2), np.uint8))
        for declared in ({"default_classes": ["road"]}, {"default_mask_targets": {0: "road"}}):
            dataset = mapped(mask.copy(), fo.Heatmap(map=np.full((2, 2), 0.75)), **declared)
            self.score(dataset)
            assert of(dataset) == approx(expected(np.array([[0.75, 0.25]])))

    def test_a_mask_of_another_resolution(self, mapped):
        large = MASK.repeat(3, axis=0).repeat(2, axis=1)
        dataset = mapped(fo.Segmentation(mask=large), fo.Heatmap(map=CONFIDENCES))
        self.score(dataset)
        assert of(dataset) == approx(by_hand())
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES.repeat(3, axis=0).repeat(2, axis=1)))
        self.score(dataset)
        assert of(dataset) == approx(by_hand())

    def test_pixels_of_no_class_do_not_count(self, mapped):
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES))
        self.score(dataset, segmentation="pixel", scores=[LEAST])
        assert dataset.values(f"predictions_{LEAST}") == [pytest.approx(1 - CONFIDENCES[MASK != 255].mean(), abs=1e-5)]

    def test_probabilities_come_first(self, mapped):
        label = fo.Segmentation(mask=MASK, probabilities=patchy(0, 3))
        dataset = mapped(label, fo.Heatmap(map=CONFIDENCES))
        assert self.score(dataset).origins == {"probabilities": 1}
        assert of(dataset) == approx(expected(rows_of(patchy(0, 3))))

    @pytest.mark.parametrize(
        ("label", "heatmap"),
        [
            (fo.Segmentation(mask=MASK), None),
            (fo.Segmentation(), fo.Heatmap(map=CONFIDENCES)),
            (fo.Segmentation(mask=MASK), fo.Heatmap()),
            (fo.Segmentation(mask_path="/nowhere/mask.png"), fo.Heatmap(map=CONFIDENCES)),
            (fo.Segmentation(mask=MASK), fo.Heatmap(map_path="/nowhere/map.png")),
        ],
        ids=["no map", "no mask", "an empty map", "no mask file", "no map file"],
    )
    def test_what_is_missing_is_counted(self, mapped, label, heatmap):
        dataset = mapped(label.copy(), heatmap and heatmap.copy())
        summary = self.score(dataset)
        assert of(dataset) == dict.fromkeys(NAMES)
        assert list(summary.unscoreable.values()) == [1]
        assert next(iter(summary.unscoreable)).startswith("masks ")

    def test_a_sample_without_a_mask(self, mapped):
        dataset = mapped(None, fo.Heatmap(map=CONFIDENCES))
        assert self.score(dataset).unscoreable == {"no 'predictions'": 1}

    def test_values_outside_the_range_are_refused(self, mapped, refused):
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES * 100))
        where = f"sample {dataset.first().id}, field 'predictions'"
        sentence = f"{where}: confidence_map must be between 0 and 1, the range of the Heatmap. Got {90.0} instead."
        with refused(dataset, sentence):
            self.score(dataset)

    def test_it_needs_to_know_the_classes(self, mapped, refused):
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES), info={})
        sentence = (
            "confidence_map needs the classes of 'predictions'. Set dataset.mask_targets['predictions'] = "
            "{0: 'background', 1: ...}."
        )
        with refused(dataset, sentence):
            self.score(dataset)

    def test_it_must_be_a_heatmap(self, mapped, refused):
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES))
        with refused(dataset, "confidence_map must be a Heatmap field. Got 'filepath' instead."):
            score_uncertainty(dataset, "predictions", confidence_map="filepath")

    def test_it_must_be_there(self, mapped):
        dataset = mapped(fo.Segmentation(mask=MASK), fo.Heatmap(map=CONFIDENCES))
        with pytest.raises(ShortlistError, match=r"^confidence_map must be a field of "):
            score_uncertainty(dataset, "predictions", confidence_map="confidence")


class TestSelecting:
    """A selection scores what is new as the earlier run did."""

    def selected(self, dataset: fo.Dataset, key: str):
        source = {"type": "SCORES", "task": "predictions", "score": ENTROPY}
        strategy = {"input": source, "strategy": {"type": "WEIGHTS"}}
        return select_samples(dataset, {"n_samples": 2, "strategies": [strategy]}, key)

    def test_new_masks_are_scored_as_the_others_were(self, masked, tmp_path):
        dataset = masked(patchy(0), patchy(1))
        score_uncertainty(dataset, "predictions", segmentation="pixel", temperature=3.0, normalize=True)
        np.save(tmp_path / "new.npy", patchy(2))
        label = fo.Segmentation(probabilities=str(tmp_path / "new.npy"))
        dataset.add_sample(fo.Sample("/nowhere/new.png", predictions=label))
        self.selected(dataset, "round_1")
        roots = patchy(2) ** (1 / 3)
        warmer = roots / roots.sum(axis=0)
        found = dataset.values(f"predictions_{ENTROPY}")[2]
        assert found == pytest.approx(expected(rows_of(warmer, "pixel"))[ENTROPY], abs=1e-4)

    def test_masks_that_were_never_scored_are_scored_by_default(self, masked):
        dataset = masked(patchy(0), patchy(1), patchy(2))
        result = self.selected(dataset, "round_1")
        values = [expected(rows_of(patchy(seed)))[ENTROPY] for seed in range(3)]
        assert dataset.values(f"predictions_{ENTROPY}") == pytest.approx(values, abs=1e-5)
        assert result.ids == [dataset.values("id")[row] for row in np.argsort(values)[::-1][:2]]
