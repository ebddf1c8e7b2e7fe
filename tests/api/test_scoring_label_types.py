"""score_uncertainty on every label type: read from a real dataset, scored, and written back to samples and objects."""

from __future__ import annotations

import math

import cv2
import fiftyone as fo
import numpy as np
import pytest
import scipy.stats
from skactiveml.pool import uncertainty_scores

from shortlist import score_uncertainty
from shortlist.dataset.labels import LABEL_TYPES

LEAST, MARGIN, ENTROPY = NAMES = tuple(f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))
BOX = {"bounding_box": [0.1, 0.2, 0.3, 0.4]}
LACKING = "predictions that lack what a score needs (probabilities, logits or a confidence)"


def expected(probabilities: list[float]) -> dict[str, float]:
    """The definitions of Settles as modAL words them: one less the best, the gap of the best two, the entropy."""
    second, first = np.sort(probabilities)[-2:]
    entropy = scipy.stats.entropy(probabilities) / np.log(len(probabilities))
    return {LEAST: 1 - first, MARGIN: 1 - (first - second), ENTROPY: entropy}


def yes_no(probability: float) -> dict[str, float]:
    return expected([probability, 1 - probability])


def spread(confidence: float, n_classes: int) -> dict[str, float]:
    return expected([confidence, *[(1 - confidence) / (n_classes - 1)] * (n_classes - 1)])


def approx(scores: dict[str, float]) -> dict[str, float]:
    return pytest.approx(scores, abs=1e-6)


def over(objects: list[dict[str, float]], combined) -> dict[str, float]:
    """The scores of a sample from those of its objects."""
    return {name: combined([one[name] for one in objects]) for name in NAMES}


def made(make, *labels: fo.Label | None, **attributes) -> fo.Dataset:
    samples = [fo.Sample(f"/nowhere/{row}.png", predictions=label) for row, label in enumerate(labels)]
    return make(samples, **attributes)


def of_samples(dataset: fo.Dataset, path: str = "predictions") -> list[dict[str, float | None]]:
    columns = {name: dataset.values(f"{path}_{name}") for name in NAMES}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(dataset))]


def of_objects(label: fo.Label, attribute: str) -> list[dict[str, float | None]]:
    return [{name: one[name] for name in NAMES} for one in label[attribute]]


def own_scores(one: fo.Label) -> set[str]:
    return {name for name in NAMES if one.has_field(name) and one[name] is not None}


# One row a label type that holds a confidence an object: the type, its list, and one object.
LISTS = {
    fo.Detections: ("detections", lambda **more: fo.Detection(**BOX, **more)),
    fo.Polylines: ("polylines", lambda **more: fo.Polyline(points=[[(0.1, 0.1), (0.5, 0.2)]], **more)),
    fo.Keypoints: ("keypoints", lambda confidence=None, **more: keypoint(confidence, **more)),
    fo.TemporalDetections: ("detections", lambda **more: fo.TemporalDetection(support=[1, 5], **more)),
}
SINGLES = {
    fo.Classification: fo.Classification,
    fo.Detection: LISTS[fo.Detections][1],
    fo.Polyline: LISTS[fo.Polylines][1],
    fo.Keypoint: LISTS[fo.Keypoints][1],
    fo.TemporalDetection: LISTS[fo.TemporalDetections][1],
}
every_list = pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.__name__)
every_single = pytest.mark.parametrize("kind", SINGLES, ids=lambda kind: kind.__name__)


def keypoint(confidence: float | None, **more) -> fo.Keypoint:
    confidences = None if confidence is None else [confidence, confidence]
    return fo.Keypoint(points=[(0.1, 0.1), (0.2, 0.3)], confidence=confidences, **more)


def labels_of(kind: type, *lists: list[dict] | None) -> list[fo.Label | None]:
    attribute, one = LISTS[kind]
    return [None if found is None else kind(**{attribute: [one(**facts) for facts in found]}) for found in lists]


def test_every_label_type_is_tried_here_or_as_masks():
    assert {*LISTS, *SINGLES, fo.Classifications, fo.Segmentation} == set(LABEL_TYPES)


class TestListsOfObjects:
    @every_list
    @pytest.mark.parametrize(
        ("aggregation", "combined"),
        [
            ("max", max),
            ("mean", lambda values: sum(values) / len(values)),
            ("sum", sum),
            ("top_m", lambda values: sum(sorted(values)[-2:]) / 2),
        ],
    )
    def test_each_object_has_its_scores_and_the_sample_their_combination(self, make, kind, aggregation, combined):
        objects = [
            {"label": "a", "confidence": 0.9},
            {"label": "b", "confidence": 0.1, "probabilities": [0.1, 0.5, 0.4]},
            {"label": "c", "logits": np.log([0.2, 0.2, 0.6])},
        ]
        dataset = made(
            make, *labels_of(kind, objects, [{"label": "c", "confidence": 0.4}]), default_classes=list("abc")
        )
        summary = score_uncertainty(dataset, "predictions", aggregation=aggregation, top_m=2)
        each = [spread(0.9, 3), expected([0.1, 0.5, 0.4]), expected([0.2, 0.2, 0.6])]
        first, second = dataset
        found = of_objects(first.predictions, LISTS[kind][0])
        assert found == [approx(one) for one in each]
        assert of_objects(second.predictions, LISTS[kind][0]) == [approx(spread(0.4, 3))]
        whole = of_samples(dataset)
        assert whole[0] == approx(over(each, combined))
        if aggregation != "top_m":
            assert whole[1] == approx(spread(0.4, 3))
        assert summary.origins == {"confidence": 2, "probabilities": 1, "logits": 1}
        assert (summary.n_samples, summary.n_objects, summary.unscoreable) == (2, 4, {})

    @every_list
    def test_no_objects_are_zero_and_no_label_or_no_confidence_is_none(self, make, kind):
        lists = [{"label": "a", "confidence": 0.8}], [], None, [{"label": "b"}]
        dataset = made(make, *labels_of(kind, *lists))
        summary = score_uncertainty(dataset, "predictions")
        assert of_samples(dataset) == [
            approx(spread(0.8, 2)),
            dict.fromkeys(NAMES, 0),
            dict.fromkeys(NAMES),
            dict.fromkeys(NAMES),
        ]
        assert summary.unscoreable == {"no 'predictions'": 1, LACKING: 1}
        assert summary.origins == {"confidence": 1, "nothing": 1}
        assert own_scores(dataset.last().predictions[LISTS[kind][0]][0]) == set()

    @every_list
    def test_objects_below_the_confidence_do_not_count_but_have_scores(self, make, kind):
        lists = [{"label": "a", "confidence": 0.9}, {"label": "b", "confidence": 0.5}]
        dataset = made(make, *labels_of(kind, lists))
        score_uncertainty(dataset, "predictions", min_confidence=0.6)
        assert of_samples(dataset) == [approx(spread(0.9, 2))]
        assert of_objects(dataset.first().predictions, LISTS[kind][0])[1] == approx(spread(0.5, 2))

    @every_list
    def test_scores_of_the_list_as_a_whole(self, make, kind):
        lists = [{"label": label, "confidence": 0.5} for label in ("bicycle", "bicycle", "person")]
        dataset = made(make, *labels_of(kind, lists))
        score_uncertainty(dataset, "predictions")
        assert dataset.values("predictions_object_frequency") == [2.25]
        assert dataset.values("predictions_objectness_least_confidence") == [0.5]

    def test_objects_score_as_those_of_scikit_activeml(self, make):
        stored = np.random.default_rng(0).dirichlet(np.ones(6), 40)
        objects = [fo.Detection(label="a", probabilities=row.tolist(), **BOX) for row in stored]
        dataset = made(make, *(fo.Detections(detections=objects[start : start + 4]) for start in range(0, 40, 4)))
        score_uncertainty(dataset, "predictions")
        methods = {LEAST: "least_confident", MARGIN: "margin_sampling", ENTROPY: "entropy"}
        for name, method in methods.items():
            theirs = uncertainty_scores(stored, method=method) / (np.log(6) if method == "entropy" else 1)
            ours = np.concatenate(dataset.values(f"predictions.detections.{name}"))
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
            np.testing.assert_allclose(
                dataset.values(f"predictions_{name}"), theirs.reshape(10, 4).max(axis=1), atol=1e-5
            )


class TestKindsOfDetections:
    def scored(self, make, *objects: fo.Detection) -> list[dict[str, float | None]]:
        dataset = made(make, fo.Detections(detections=list(objects)), default_classes=["a", "b", "c"])
        score_uncertainty(dataset, "predictions")
        return of_objects(dataset.first().predictions, "detections")

    def test_instance_masks_in_the_document_stay_as_they_were(self, make):
        mask = np.random.default_rng(0).random((8, 6)) > 0.5
        dataset = made(make, fo.Detections(detections=[fo.Detection(label="a", confidence=0.7, mask=mask, **BOX)]))
        score_uncertainty(dataset, "predictions")
        (found,) = dataset.first().predictions.detections
        np.testing.assert_array_equal(found.mask, mask)
        assert found[LEAST] == pytest.approx(0.3, abs=1e-6)

    def test_instance_masks_in_files_need_not_be_there(self, make):
        one = fo.Detection(label="a", confidence=0.7, mask_path="/nowhere/mask.png", **BOX)
        assert self.scored(make, one) == [approx(spread(0.7, 3))]

    def test_oriented_and_three_dimensional_boxes(self, make):
        oriented = fo.Detection(label="a", confidence=0.6, rotation=0.7, **BOX)
        solid = fo.Detection(
            label="b", confidence=0.9, location=[1.0, 2, 3], dimensions=[1.0, 1, 2], rotation=[0.0, 0, 1]
        )
        assert self.scored(make, oriented, solid) == [approx(spread(0.6, 3)), approx(spread(0.9, 3))]


class TestOneLabelASample:
    @every_single
    def test_its_score_is_the_sample_s(self, make, kind):
        one = SINGLES[kind]
        labels = [one(label="a", confidence=0.7), one(label="b", probabilities=[0.2, 0.5, 0.3]), one(label="c"), None]
        dataset = made(make, *labels, default_classes=list("abc"))
        summary = score_uncertainty(dataset, "predictions")
        found = of_samples(dataset)
        assert found[:2] == [approx(spread(0.7, 3)), approx(expected([0.2, 0.5, 0.3]))]
        assert found[2:] == [dict.fromkeys(NAMES)] * 2
        assert summary.unscoreable == {"no 'predictions'": 1, LACKING: 1}
        assert set(summary.fields) == {f"predictions_{name}" for name in NAMES}
        assert not any(name in dataset.first().predictions.to_dict() for name in NAMES)


class TestKeypoints:
    @pytest.mark.parametrize(
        ("points", "confidences", "mean"),
        [
            ([(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)], [0.9, 0.6, 0.6], 0.7),
            ([(0.1, 0.1), (math.nan, math.nan), (0.3, 0.3)], [0.9, 0.0, 0.5], 0.7),
            ([(0.1, 0.1), (0.2, math.nan)], [0.8, 0.1], 0.8),
            ([(0.1, 0.1), (0.2, 0.2)], [0.8, math.nan], 0.8),
        ],
        ids=["all seen", "one hidden", "half hidden", "one without a confidence"],
    )
    def test_the_confidence_is_the_mean_over_the_points_that_are_visible(self, make, points, confidences, mean):
        label = fo.Keypoints(keypoints=[fo.Keypoint(label="a", points=points, confidence=confidences)])
        dataset = made(make, label, default_classes=["a", "b", "c", "d"])
        score_uncertainty(dataset, "predictions")
        assert of_samples(dataset) == [approx(spread(mean, 4))]
        assert dataset.values("predictions_objectness_least_confidence") == [pytest.approx(1 - mean)]

    @pytest.mark.parametrize("confidences", [None, [], [math.nan, math.nan]])
    def test_without_any_they_are_unscoreable(self, make, confidences):
        points = [(0.1, 0.1), (0.2, 0.2)]
        label = fo.Keypoints(keypoints=[fo.Keypoint(label="a", points=points, confidence=confidences)])
        dataset = made(make, label)
        assert score_uncertainty(dataset, "predictions").unscoreable == {LACKING: 1}

    def test_none_visible_is_unscoreable(self, make):
        one = fo.Keypoint(label="a", points=[(math.nan, math.nan)], confidence=[0.9])
        dataset = made(make, fo.Keypoints(keypoints=[one]))
        assert score_uncertainty(dataset, "predictions").unscoreable == {LACKING: 1}

    def test_each_point_s_confidence_must_be_between_0_and_1(self, make, refused):
        one = fo.Keypoint(label="a", points=[(0.1, 0.1), (0.2, 0.2)], confidence=[1.5, 0.25])
        dataset = made(make, fo.Keypoints(keypoints=[one]))
        where = f"sample {dataset.first().id}, field 'predictions'"
        with refused(dataset, f"{where}: confidence must be between 0 and 1. Got 1.5 instead."):
            score_uncertainty(dataset, "predictions")


def classes(*confidences: float | None, **more) -> fo.Classifications:
    """One classification a class, named a, b, c, ..."""
    named = [fo.Classification(label=chr(97 + row), confidence=one) for row, one in enumerate(confidences)]
    return fo.Classifications(classifications=named, **more)


class TestMultiLabel:
    def test_each_class_is_a_yes_or_no_of_its_own(self, make):
        dataset = made(make, classes(0.9, 0.5, 0.2))
        summary = score_uncertainty(dataset, "predictions")
        found = of_objects(dataset.first().predictions, "classifications")
        assert found == [approx(yes_no(0.9)), approx(yes_no(0.5)), approx(yes_no(0.2))]
        # By hand: at one half all is open; .9 is .1 away, with a margin of .8.
        assert found[0][LEAST] == pytest.approx(0.1, abs=1e-6)
        assert found[0][MARGIN] == pytest.approx(0.2, abs=1e-6)
        assert found[0][ENTROPY] == pytest.approx(-(0.9 * math.log2(0.9) + 0.1 * math.log2(0.1)), abs=1e-6)
        assert of_samples(dataset) == [approx({LEAST: 0.5, MARGIN: 1, ENTROPY: 1})]
        assert set(summary.fields) == {f"predictions_{name}" for name in NAMES}
        assert summary.n_objects == 3

    @pytest.mark.parametrize(("aggregation", "value"), [("max", 0.5), ("mean", 0.8 / 3), ("sum", 0.8), ("top_m", 0.35)])
    def test_classes_are_combined_as_asked(self, make, aggregation, value):
        dataset = made(make, classes(0.9, 0.5, 0.2))
        score_uncertainty(dataset, "predictions", scores=[LEAST], aggregation=aggregation, top_m=2)
        assert dataset.values(f"predictions_{LEAST}") == [pytest.approx(value, abs=1e-6)]

    @pytest.mark.parametrize(
        "stored",
        [
            {"probabilities": [0.9, 0.5, 0.2]},
            {"probabilities": np.array([0.9, 0.5, 0.2])},
            {"logits": np.log([0.9 / 0.1, 1, 0.2 / 0.8])},
        ],
        ids=["a list of sigmoids", "an array of sigmoids", "logits"],
    )
    def test_a_vector_of_the_label_tells_all_classes(self, make, stored):
        named = [fo.Classification(label="c", confidence=0.99)]
        label = fo.Classifications(classifications=named, **stored)
        dataset = made(make, label, default_classes=["a", "b", "c"])
        summary = score_uncertainty(dataset, "predictions", aggregation="mean")
        each = [yes_no(0.9), yes_no(0.5), yes_no(0.2)]
        assert of_samples(dataset) == [approx(over(each, np.mean))]
        # The class that is a label has its own score, from the vector.
        assert of_objects(dataset.first().predictions, "classifications") == [approx(yes_no(0.2))]
        assert summary.origins == {next(iter(stored)): 3}
        assert summary.n_objects == 3

    def test_sigmoids_need_not_sum_to_one(self, make):
        dataset = made(make, fo.Classifications(classifications=[], probabilities=[0.9, 0.8, 0.9]))
        score_uncertainty(dataset, "predictions", scores=[LEAST])
        assert dataset.values(f"predictions_{LEAST}") == [pytest.approx(0.2, abs=1e-6)]

    def test_a_vector_before_logits_before_the_listed_classes(self, make):
        labels = (
            classes(0.6, probabilities=[0.1, 0.1], logits=np.zeros(2)),
            classes(0.6, logits=np.zeros(2)),
            classes(0.6),
        )
        dataset = made(make, *labels, default_classes=["a", "b"])
        summary = score_uncertainty(dataset, "predictions", scores=[LEAST])
        assert dataset.values(f"predictions_{LEAST}") == pytest.approx([0.1, 0.5, 0.4], abs=1e-6)
        assert summary.origins == {"probabilities": 2, "logits": 2, "confidence": 1}

    def test_samples_without_a_known_class_are_none(self, make):
        dataset = made(make, classes(0.9), classes(), None, classes(None), classes(None, 0.4))
        summary = score_uncertainty(dataset, "predictions", scores=[LEAST])
        assert dataset.values(f"predictions_{LEAST}") == [pytest.approx(0.1), None, None, None, pytest.approx(0.4)]
        assert summary.unscoreable == {"no 'predictions'": 1, LACKING: 2}
        assert own_scores(dataset.last().predictions.classifications[0]) == set()

    def test_one_class_is_enough(self, make):
        dataset = made(make, fo.Classifications(classifications=[], probabilities=[0.5]), default_classes=["only"])
        score_uncertainty(dataset, "predictions")
        assert of_samples(dataset) == [approx({LEAST: 0.5, MARGIN: 1, ENTROPY: 1})]

    @pytest.mark.parametrize("value", [1.5, -0.1, math.nan])
    def test_what_is_no_probability_is_refused(self, make, refused, value):
        dataset = made(make, fo.Classifications(classifications=[], probabilities=[0.5, value]))
        where = f"sample {dataset.first().id}, field 'predictions'"
        sentence = f"{where}: probabilities must be between 0 and 1 for every class. Got [0.5, {value}] instead."
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    def test_logits_must_be_finite(self, make, refused):
        dataset = made(make, fo.Classifications(classifications=[], logits=np.array([0.5, np.inf])))
        where = f"sample {dataset.first().id}, field 'predictions'"
        with refused(dataset, f"{where}: logits must be finite numbers. Got [0.5, inf] instead."):
            score_uncertainty(dataset, "predictions")

    def test_vectors_must_fit_the_classes(self, make, refused):
        dataset = made(make, classes(0.5, probabilities=[0.5, 0.5]), default_classes=["a", "b", "c"])
        where = f"sample {dataset.first().id}, field 'predictions'"
        sentence = (
            f"{where}: probabilities must be a vector of 3 values, one for each of the 3 classes that the dataset declares. "
            f"Got shape (2,) instead."
        )
        with refused(dataset, sentence):
            score_uncertainty(dataset, "predictions")

    def test_without_a_declared_class_list_no_label_gets_the_score_of_another_class(self, make):
        # Which column is the dog's is not known: the labels that occur are not the model's list.
        label = fo.Classifications(classifications=[fo.Classification(label="dog")], probabilities=[0.01, 0.5, 0.99])
        dataset = made(make, label)
        score_uncertainty(dataset, "predictions", scores=[LEAST])
        assert dataset.values(f"predictions_{LEAST}") == [0.5]
        assert own_scores(dataset.first().predictions.classifications[0]) == set()


class TestParameters:
    def test_a_temperature_is_that_of_every_origin(self, make):
        labels = [
            fo.Classification(label="a", probabilities=[0.8, 0.2]),
            fo.Classification(label="a", logits=np.array([2.0, 0.0])),
            fo.Classification(label="a", confidence=0.9),
        ]
        dataset = made(make, *labels, default_classes=["a", "b"])
        score_uncertainty(dataset, "predictions", temperature=2.0)
        one = math.exp(1) / (math.exp(1) + 1)
        assert of_samples(dataset) == [approx(yes_no(2 / 3)), approx(yes_no(one)), approx(yes_no(0.75))]

    def test_a_temperature_of_a_yes_or_no_is_that_of_its_logit(self, make):
        dataset = made(make, fo.Classifications(classifications=[], logits=np.array([4.0])))
        score_uncertainty(dataset, "predictions", temperature=2)
        assert of_samples(dataset) == [approx(yes_no(1 / (1 + math.exp(-2))))]

    def test_a_temperature_of_one_is_none(self, classified, documents):
        score_uncertainty(classified, "predictions")
        before = documents(classified, ["last_modified_at"])
        score_uncertainty(classified, "predictions", temperature=1.0)
        assert documents(classified, ["last_modified_at"]) == before

    @pytest.mark.parametrize("n_classes", [2, 3, 300])
    def test_normalized_least_confidence_reaches_one(self, make, n_classes):
        uniform, certain = np.full(n_classes, 1 / n_classes), np.eye(n_classes)[0]
        dataset = made(make, *(fo.Classification(label="a", probabilities=one) for one in (uniform, certain)))
        score_uncertainty(dataset, "predictions")
        assert dataset.values(f"predictions_{LEAST}") == pytest.approx([1 - 1 / n_classes, 0], abs=1e-6)
        score_uncertainty(dataset, "predictions", normalize=True)
        assert dataset.values(f"predictions_{LEAST}") == pytest.approx([1, 0], abs=1e-6)
        assert of_samples(dataset)[0] == approx({LEAST: 1, MARGIN: 1, ENTROPY: 1})

    def test_a_second_run_with_other_parameters_replaces_the_first(self, make):
        dataset = made(make, classes(0.9, 0.5), default_classes=["a", "b"])
        score_uncertainty(dataset, "predictions")
        score_uncertainty(dataset, "predictions", aggregation="sum", temperature=2.0, min_confidence=0.6)
        assert of_samples(dataset) == [approx(yes_no(0.75))]
        noted = dataset.get_field(f"predictions_{ENTROPY}").info["shortlist"]
        assert noted["parameters"] == {
            "aggregation": "sum",
            "min_confidence": 0.6,
            "normalize": False,
            "temperature": 2.0,
            "probabilities_attribute": "probabilities",
        }
        assert noted["range"] == [0, None]

    def test_both_a_temperature_and_where_to_fit_it_are_refused(self, classified, refused):
        sentence = "temperature must be given as a number or be fitted by calibrate_on, not both."
        with refused(classified, sentence):
            score_uncertainty(classified, "predictions", temperature=2.0, calibrate_on="truth")

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"top_m": 0}, "top_m must be >= 1. Got 0 instead."),
            ({"temperature": 0}, "temperature must be >= 0.01. Got 0 instead."),
            ({"temperature": -2.0}, "temperature must be >= 0.01. Got -2.0 instead."),
            ({"frame_aggregation": "sum"}, "frame_aggregation must be one of max, mean. Got 'sum' instead."),
            ({"segmentation": "pixels"}, "segmentation must be one of segment, pixel, class_balanced. Got 'pixels'"),
        ],
    )
    def test_what_parameters_must_be(self, untouched, parameters, sentence):
        from shortlist import ShortlistError

        with pytest.raises(ShortlistError) as caught:
            score_uncertainty(untouched, "predictions", **parameters)
        assert str(caught.value).startswith(sentence)


class TestFieldsInOddPlaces:
    @pytest.mark.parametrize("name", ["größe", "my labels", "預測"])
    @pytest.mark.parametrize("kind", [fo.Classifications, fo.Polylines], ids=lambda kind: kind.__name__)
    def test_inside_an_embedded_document_of_any_name(self, make, kind, name):
        label = (
            classes(0.9, 0.5) if kind is fo.Classifications else labels_of(kind, [{"label": "a", "confidence": 0.9}])[0]
        )
        inside = fo.DynamicEmbeddedDocument(**{name: label, "other": 1})
        dataset = make(
            [fo.Sample("/nowhere/0.png", model=inside), fo.Sample("/nowhere/1.png")], default_classes=["a", "b"]
        )
        dataset.add_dynamic_sample_fields()
        score_uncertainty(dataset, f"model.{name}")
        score = dataset.values(f"model.{name}_{LEAST}")
        assert score == [pytest.approx(0.5 if kind is fo.Classifications else 0.1, abs=1e-6), None]
        assert dataset.first().model.other == 1
        assert dataset.last().model is None

    def test_a_view_that_filters_objects_scores_those_it_shows(self, make):
        from fiftyone import ViewField as F

        objects = [{"label": "a", "confidence": 0.5}, {"label": "b", "confidence": 0.9}]
        dataset = made(make, *labels_of(fo.Polylines, objects), default_classes=["a", "b"])
        view = dataset.filter_labels("predictions", F("label") == "b")
        assert score_uncertainty(view, "predictions").n_objects == 1
        assert of_samples(dataset) == [approx(yes_no(0.9))]
        first, second = dataset.first().predictions.polylines
        assert own_scores(first) == set()
        assert own_scores(second) == set(NAMES)


def test_masks_of_instances_do_not_slow_down_or_break_what_is_read(make, tmp_path):
    cv2.imwrite(str(tmp_path / "mask.png"), np.full((4, 4), 255, np.uint8))
    one = fo.Detection(label="a", confidence=0.75, mask_path=str(tmp_path / "mask.png"), **BOX)
    dataset = made(make, fo.Detections(detections=[one]), default_classes=["a", "b"])
    score_uncertainty(dataset, "predictions")
    (found,) = dataset.first().predictions.detections
    assert found.mask_path == str(tmp_path / "mask.png")
    assert {name: found[name] for name in NAMES} == approx(yes_no(0.75))
