"""calibrate_on: the temperature that true labels of the dataset ask for, for every kind of label."""

from __future__ import annotations

import math

import fiftyone as fo
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax

from shortlist import ShortlistError, score_uncertainty, select_samples

LEAST, MARGIN, ENTROPY = (f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
CLASSES = ["a", "b", "c"]


def drawn(n: int, temperature: float, n_classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model that is that many times too sure, and the true classes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, n_classes))
    truths = (softmax(logits, axis=1).cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits * temperature, truths


def best(logits: np.ndarray, truths: np.ndarray) -> float:
    """The temperature with the least log loss, by a search of our own."""

    def loss(temperature: float) -> float:
        return -log_softmax(logits / temperature, axis=1)[np.arange(len(truths)), truths].mean()

    return minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-6}).x


def fitted(
    dataset: fo.Dataset, n_labeled: int, temperature: float, tolerance: float = 1e-2, path: str = "predictions", **more
):
    """Scores with a fitted temperature, and checks that it is the expected one, is told and is recorded."""
    summary = score_uncertainty(dataset, path, calibrate_on=path.replace("predictions", "truth"), **more)
    assert summary.calibration is not None
    assert summary.calibration.n_labeled == n_labeled
    assert summary.calibration.temperature == pytest.approx(temperature, rel=tolerance)
    assert summary.calibration.after <= summary.calibration.before + 1e-9
    assert f"fitted on {n_labeled} labelled predictions" in str(summary)
    noted = dataset.get_field(f"predictions_{LEAST}").info["shortlist"]["parameters"]
    assert noted["temperature"] == summary.calibration.temperature
    assert "calibrate_on" not in noted
    return summary


@pytest.fixture
def classified(make):
    """Eighty classifications with probabilities, sixty of them with a true label."""
    logits, truths = drawn(80, 2.5)
    samples = []
    for row, (one, truth) in enumerate(zip(logits, truths, strict=True)):
        label = fo.Classification(label=CLASSES[one.argmax()], probabilities=softmax(one).tolist())
        sample = fo.Sample(f"/nowhere/{row}.png", predictions=label, row=row)
        if row < 60:
            sample["truth"] = fo.Classification(label=CLASSES[truth])
        samples.append(sample)
    dataset = make(samples, default_classes=CLASSES)
    return dataset, best(logits[:60], truths[:60])


class TestClassifications:
    def test_the_temperature_is_the_best_on_the_labelled_and_used_on_all(self, classified):
        dataset, temperature = classified
        summary = fitted(dataset, 60, temperature)
        stored = np.array(dataset.values("predictions.probabilities"))
        warmer = softmax(np.log(stored) / summary.calibration.temperature, axis=1)
        np.testing.assert_allclose(dataset.values(f"predictions_{LEAST}"), 1 - warmer.max(axis=1), atol=1e-5)

    def test_logits_as_well(self, make):
        logits, truths = drawn(50, 0.5)
        samples = [
            fo.Sample(
                f"/nowhere/{row}.png",
                predictions=fo.Classification(label="a", logits=one),
                truth=fo.Classification(label=CLASSES[truth]),
            )
            for row, (one, truth) in enumerate(zip(logits, truths, strict=True))
        ]
        fitted(make(samples, default_classes=CLASSES), 50, best(logits, truths))

    def test_confidences_as_well(self, make):
        confidences, right = np.linspace(0.75, 0.95, 40), np.arange(40) % 4 != 0
        samples = [
            fo.Sample(
                f"/nowhere/{row}.png",
                predictions=fo.Classification(label="a", confidence=float(confidence)),
                truth=fo.Classification(label="a" if right[row] else "b"),
            )
            for row, confidence in enumerate(confidences)
        ]
        logits = np.log(np.stack([confidences, *[(1 - confidences) / 2] * 2], axis=1))
        fitted(make(samples, default_classes=CLASSES), 40, best(logits, np.where(right, 0, 1)))

    def test_only_the_view_s_samples_count(self, classified):
        dataset, _ = classified
        summary = score_uncertainty(dataset.match(fo.ViewField("row") < 30), "predictions", calibrate_on="truth")
        assert summary.calibration.n_labeled == 30

    def test_more_samples_than_a_batch(self, classified, monkeypatch):
        from shortlist.dataset import samples

        dataset, temperature = classified
        monkeypatch.setattr(samples.documents, "__defaults__", (7,))
        fitted(dataset, 60, temperature)

    def test_true_labels_that_are_no_class_of_the_model_do_not_count(self, classified):
        dataset, _ = classified
        dataset.default_classes = [*CLASSES]
        dataset.set_values("truth.label", ["unheard of"] * 5 + dataset.values("truth.label")[5:])
        assert score_uncertainty(dataset, "predictions", calibrate_on="truth").calibration.n_labeled == 55

    def test_the_fields_themselves_are_unchanged(self, classified, documents):
        dataset, _ = classified
        ours = ["last_modified_at", *(f"predictions_{name}" for name in (LEAST, MARGIN, ENTROPY))]
        before = documents(dataset, ours)
        score_uncertainty(dataset, "predictions", calibrate_on="truth")
        assert documents(dataset, ours) == before

    def test_new_samples_of_a_selection_are_scored_with_the_fitted_temperature(self, classified):
        dataset, _ = classified
        summary = score_uncertainty(dataset, "predictions", calibrate_on="truth")
        new = fo.Classification(label="a", probabilities=[0.8, 0.1, 0.1])
        dataset.add_sample(fo.Sample("/nowhere/new.png", predictions=new, row=80))
        source = {"type": "SCORES", "task": "predictions", "score": LEAST}
        config = {"n_samples": 2, "strategies": [{"input": source, "strategy": {"type": "WEIGHTS"}}]}
        select_samples(dataset, config, "round_1")
        expected = 1 - softmax(np.log([0.8, 0.1, 0.1]) / summary.calibration.temperature).max()
        assert dataset.values(f"predictions_{LEAST}")[-1] == pytest.approx(expected, abs=1e-5)

    def test_vectors_whose_order_of_classes_is_not_declared_are_not_guessed_at(self, classified):
        dataset, _ = classified
        # Nothing says which column is which class, and what occurs is not the list: a, which is the first column, never does.
        dataset.default_classes = []
        dataset.set_values("predictions.label", ["b"] * len(dataset))
        with pytest.raises(ShortlistError, match="class"):
            score_uncertainty(dataset, "predictions", calibrate_on="truth")

    def test_more_labels_than_the_vectors_have_places(self, make):
        labels = [fo.Classification(label="abc"[row % 3], probabilities=[0.5, 0.5]) for row in range(30)]
        samples = [
            fo.Sample(f"/nowhere/{row}.png", predictions=one, truth=one.copy()) for row, one in enumerate(labels)
        ]
        with pytest.raises(ShortlistError, match="class"):
            score_uncertainty(make(samples), "predictions", calibrate_on="truth")


def test_multi_label_probabilities_are_fitted_class_by_class(make):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 1.5, (40, 3))
    truths = rng.random((40, 3)) < expit(logits)
    samples = []
    for row in range(40):
        given = [fo.Classification(label=CLASSES[index]) for index in np.flatnonzero(truths[row])]
        label = fo.Classifications(classifications=[], logits=logits[row] * 2)
        truth = fo.Classifications(classifications=given)
        samples.append(fo.Sample(f"/nowhere/{row}.png", predictions=label, truth=truth))
    pairs = np.stack([2 * logits.ravel(), np.zeros(120)], axis=1)
    dataset = make(samples, default_classes=CLASSES)
    summary = fitted(dataset, 120, best(pairs, np.where(truths.ravel(), 0, 1)))
    yes = expit(2 * logits / summary.calibration.temperature)
    expected = np.minimum(yes, 1 - yes).max(axis=1)
    np.testing.assert_allclose(dataset.values(f"predictions_{LEAST}"), expected, atol=1e-5)


class TestDetections:
    def box(self, x: float, **more) -> fo.Detection:
        return fo.Detection(bounding_box=[x, 0.1, 0.2, 0.2], **more)

    def test_boxes_learn_from_the_true_boxes_that_they_overlap_by_half(self, make):
        logits, truths = drawn(60, 3.0, seed=4)
        samples = []
        for row in range(0, 60, 2):
            predicted = [
                self.box(0.1, label="a", probabilities=softmax(logits[row]).tolist()),
                # Off by a tenth of its width: an overlap of .82.
                self.box(0.52, label="a", probabilities=softmax(logits[row + 1]).tolist()),
                # Off by half of its width, an overlap of a third, and one over nothing.
                self.box(0.8, label="b", probabilities=[1.0, 0.0, 0.0]),
                self.box(0.3, label="b", probabilities=[1.0, 0.0, 0.0]),
            ]
            true = [self.box(0.5, label=CLASSES[truths[row + 1]]), self.box(0.1, label=CLASSES[truths[row]])]
            true += [self.box(0.9, label="c"), self.box(0.1, label="unheard of")] if row % 4 else []
            label, truth = fo.Detections(detections=predicted), fo.Detections(detections=true[:3])
            samples.append(fo.Sample(f"/nowhere/{row}.png", predictions=label, truth=truth))
        samples.append(fo.Sample("/nowhere/empty.png", predictions=fo.Detections(), truth=fo.Detections()))
        samples.append(fo.Sample("/nowhere/new.png", predictions=fo.Detections(detections=[self.box(0.1, label="a")])))
        fitted(make(samples, default_classes=CLASSES), 60, best(logits, truths))

    @pytest.mark.parametrize("kind", ["Polylines", "Keypoints"])
    def test_other_lists_are_refused(self, make, refused, kind):
        label = {"Polylines": fo.Polylines(), "Keypoints": fo.Keypoints()}[kind]
        dataset = make([fo.Sample("/nowhere/0.png", predictions=label, truth=label.copy())])
        sentence = (
            f"calibrate_on can be given for boxes only among lists of objects. 'predictions' is a {kind}; give the temperature "
            f"as a number."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions", calibrate_on="truth")


class TestMasks:
    @pytest.fixture
    def masked(self, make, tmp_path):
        """Three masks of 10 x 12 pixels with true ones, and one without."""

        def made(values: dict[int, int] | None = None, ignored: int = 0, scale: int = 1, **attributes):
            logits, truths = drawn(360, 2.0, seed=2)
            kept = np.ones(360, bool)
            samples = []
            for row in range(3):
                part = slice(row * 120, (row + 1) * 120)
                planes = softmax(logits[part], axis=1).T.reshape(3, 10, 12).astype(np.float32)
                np.save(tmp_path / f"{row}.npy", planes)
                mask = truths[part].reshape(10, 12).astype(np.uint8)
                mask = np.vectorize(values.__getitem__)(mask).astype(np.uint8) if values else mask
                mask.ravel()[:ignored], kept[part.start : part.start + ignored] = 255, False
                truth = fo.Segmentation(mask=mask.repeat(scale, axis=0).repeat(scale, axis=1))
                label = fo.Segmentation(probabilities=str(tmp_path / f"{row}.npy"))
                samples.append(fo.Sample(f"/nowhere/{row}.png", predictions=label, truth=truth))
            label = fo.Segmentation(probabilities=str(tmp_path / "0.npy"))
            samples.append(fo.Sample("/nowhere/new.png", predictions=label))
            return make(samples, **attributes), best(logits[kept], truths[kept]), int(kept.sum())

        return made

    def test_pixels_learn_from_true_masks(self, masked):
        dataset, temperature, n_labeled = masked()
        fitted(dataset, n_labeled, temperature)

    @pytest.mark.parametrize("unit", ["segment", "pixel"])
    def test_every_mask_is_scored_with_it(self, masked, unit):
        dataset, temperature, n_labeled = masked()
        fitted(dataset, n_labeled, temperature, segmentation=unit)
        assert None not in dataset.values(f"predictions_{LEAST}")

    def test_what_is_ignored_does_not_count(self, masked):
        dataset, temperature, n_labeled = masked(ignored=30)
        assert n_labeled == 270
        fitted(dataset, n_labeled, temperature)

    def test_true_masks_of_another_resolution(self, masked):
        dataset, temperature, n_labeled = masked(scale=3)
        fitted(dataset, n_labeled, temperature)

    def test_values_mean_the_classes_that_the_targets_name(self, masked):
        targets = {7: "a", 11: "b", 26: "c"}
        dataset, temperature, n_labeled = masked(dict(enumerate(targets)), mask_targets={"truth": targets})
        fitted(dataset, n_labeled, temperature)

    def test_a_name_for_what_is_ignored_is_no_class_of_the_model(self, masked):
        targets = {0: "a", 1: "b", 2: "c", 255: "ignore"}
        dataset, temperature, n_labeled = masked(ignored=20, default_mask_targets=targets)
        fitted(dataset, n_labeled, temperature)

    def test_files_that_cannot_be_read_are_left_out(self, masked, tmp_path):
        dataset, _, _ = masked()
        (tmp_path / "1.npy").unlink()
        assert score_uncertainty(dataset, "predictions", calibrate_on="truth").calibration.n_labeled == 240

    def test_a_bad_file_is_named_by_its_sample(self, masked, tmp_path, snapshot):
        dataset, _, _ = masked()
        np.save(tmp_path / "1.npy", np.ones((3, 10, 12), np.float32))
        before, where = snapshot(dataset), f"sample {dataset.values('id')[1]}, field 'predictions'"
        with pytest.raises(ShortlistError) as caught:
            score_uncertainty(dataset, "predictions", calibrate_on="truth")
        assert str(caught.value).startswith(f"{where}: probabilities must be numbers >= 0 that sum to 1.")
        assert snapshot(dataset) == before

    def test_mixed_numbers_of_classes_are_refused(self, masked, tmp_path):
        dataset, _, _ = masked()
        np.save(tmp_path / "1.npy", np.full((2, 10, 12), 0.5))
        with pytest.raises(ShortlistError, match="must be probabilities of 3 classes"):
            score_uncertainty(dataset, "predictions", calibrate_on="truth")


@pytest.mark.parametrize("kind", ["Classification", "Detections"])
def test_frames_learn_from_the_truth_of_frames(make, kind):
    logits, truths = drawn(40, 2.0, seed=7)
    samples = []
    for video in range(2):
        sample = fo.Sample(f"/nowhere/{video}.mp4")
        for number in range(1, 23):
            row = video * 20 + number - 1
            if number > 20:
                # Frames that lack the one or the other.
                label = fo.Classification(label="a", probabilities=[0.5, 0.3, 0.2])
                sample.frames[number] = fo.Frame() if kind == "Detections" else fo.Frame(predictions=label)
                continue
            label, truth = (
                {"label": "a", "probabilities": softmax(logits[row]).tolist()},
                {"label": CLASSES[truths[row]]},
            )
            if kind == "Detections":
                pair = [
                    fo.Detections(detections=[fo.Detection(bounding_box=[0.1, 0.1, 0.5, 0.5], **one)])
                    for one in (label, truth)
                ]
            else:
                pair = [fo.Classification(**one) for one in (label, truth)]
            sample.frames[number] = fo.Frame(predictions=pair[0], truth=pair[1])
        samples.append(sample)
    fitted(make(samples, default_classes=CLASSES), 40, best(logits, truths), path="frames.predictions")


class TestRefusals:
    def test_too_few(self, classified, refused):
        dataset, _ = classified
        sentence = (
            "calibrate_on: a temperature needs at least 20 predictions with a true label. Got 7 instead. Label more, or give "
            "the temperature as a number."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset.limit(7), "predictions", calibrate_on="truth")

    def test_none_at_all(self, classified, refused):
        dataset, _ = classified
        sentence = "calibrate_on must be a field with true labels of at least one sample. Got 'truth' instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset.skip(60), "predictions", calibrate_on="truth")

    def test_the_predictions_themselves(self, classified, refused):
        dataset, _ = classified
        with refused(dataset, "calibrate_on must be another field than label_field. Got 'predictions' instead."):
            score_uncertainty(dataset, "predictions", calibrate_on="predictions")

    def test_no_such_field(self, classified, refused):
        dataset, _ = classified
        sentence = f"calibrate_on must be a field of {dataset.name!r}. Got 'truht' instead. Did you mean 'truth'?"
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions", calibrate_on="truht")

    def test_a_field_of_another_kind(self, classified, refused):
        dataset, _ = classified
        dataset.set_values("boxes", [fo.Detections()] * len(dataset))
        sentence = "calibrate_on must be a field like 'predictions', a Classification. Got 'boxes' instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions", calibrate_on="boxes")

    def test_a_field_of_no_labels(self, classified):
        dataset, _ = classified
        with pytest.raises(ShortlistError, match=r"^calibrate_on must be a field of type "):
            score_uncertainty(dataset, "predictions", calibrate_on="row")

    def test_frames_and_samples_do_not_mix(self, make, refused):
        sample = fo.Sample("/nowhere/0.mp4", truth=fo.Classification(label="a"))
        sample.frames[1] = fo.Frame(predictions=fo.Classification(label="a", confidence=0.5))
        dataset = make([sample])
        sentence = "calibrate_on must be a field like 'frames.predictions', a Classification. Got 'truth' instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset, "frames.predictions", calibrate_on="truth")


def test_a_fitted_temperature_makes_calibrated_scores(make):
    """What the model says it gets wrong is, with the temperature, how often it is wrong."""
    logits, truths = drawn(3000, 3.0, seed=11)
    dataset = make([fo.Sample(f"/nowhere/{row}.png") for row in range(3000)], default_classes=CLASSES)
    for path, labels in (
        ("predictions", [fo.Classification(label="a", logits=one) for one in logits]),
        ("truth", [fo.Classification(label=CLASSES[one]) for one in truths]),
    ):
        dataset.add_sample_field(path, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
        dataset.set_values(path, labels)
    wrong = float((logits.argmax(axis=1) != truths).mean())
    score_uncertainty(dataset, "predictions")
    before = np.mean(dataset.values(f"predictions_{LEAST}"))
    score_uncertainty(dataset, "predictions", calibrate_on="truth")
    after = np.mean(dataset.values(f"predictions_{LEAST}"))
    assert abs(after - wrong) < 0.02 < abs(before - wrong)
    assert not math.isclose(before, after, abs_tol=0.05)
