"""PREDICTIONS: what labels give a selection, worked out by hand."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest

from shortlist.core.errors import ShortlistError
from shortlist.core.selection.inputs import Predictions
from shortlist.core.selection.values import Amounts
from shortlist.dataset.inputs import read
from shortlist.dataset.rows import Rows
from shortlist.dataset.samples import ids_of

AMOUNTS = {"name": "CLASS_DISTRIBUTION"}
COUNT = {"name": "CATEGORY_COUNT"}


def rows_of(*views) -> Rows:
    return Rows(np.unique(np.concatenate([ids_of(view) for view in views])), views)


def given(dataset, *views, **parameters):
    """The values of an input and which rows have one, the rows in the order of the dataset."""
    source = Predictions(type="PREDICTIONS", **parameters)
    return read(source, source.given()[0], rows_of(*(views or (dataset,))), 0)


def table(amounts: Amounts) -> dict[str, list[float]]:
    dense = amounts.matrix.toarray()
    return {name: dense[:, column].round(6).tolist() for column, name in enumerate(amounts.names)}


def box(label: str | None, **more) -> fo.Detection:
    return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2], **more)


def boxes(*found: fo.Detection) -> fo.Detections:
    return fo.Detections(detections=list(found))


def one(name: str, label, **more) -> fo.Sample:
    return fo.Sample(f"/nowhere/{name}.png", **({} if label is None else {"p": label}), **more)


class TestCounts:
    """Labels without probabilities, ground truth among them, are counted."""

    @pytest.fixture
    def dataset(self, make):
        return make(
            [
                one("0", boxes(box("cat"), box("cat", confidence=0.3), box("dog.big"))),
                one("1", boxes()),
                one("2", None),
                one("3", boxes(box("ü x"), box(None))),
            ]
        )

    def test_of_classes(self, dataset):
        amounts, present = given(dataset, task="p", **AMOUNTS)
        assert table(amounts) == {"cat": [2, 0, 0, 0], "dog.big": [1, 0, 0, 0], "ü x": [0, 0, 0, 1]}
        # No objects are none of each class; no label is no prediction.
        assert present.tolist() == [True, True, False, True]

    def test_of_objects(self, dataset):
        counts, present = given(dataset, task="p", **COUNT)
        np.testing.assert_array_equal(counts, [3, 0, np.nan, 2])
        assert present.tolist() == [True, True, False, True]

    def test_of_some_classes(self, dataset):
        counts, _ = given(dataset, task="p", categories=["cat", "ü x"], **COUNT)
        np.testing.assert_array_equal(counts, [2, 0, np.nan, 1])
        amounts, _ = given(dataset, task="p", categories=["ü x", "cat"], **AMOUNTS)
        assert table(amounts) == {"ü x": [0, 0, 0, 1], "cat": [2, 0, 0, 0]}

    def test_declared_classes_come_first_and_count_though_nothing_has_them(self, dataset):
        dataset.default_classes = ["dog.big", "bus"]
        amounts, _ = given(dataset, task="p", **AMOUNTS)
        assert amounts.names == ("dog.big", "bus", "cat", "ü x")

    def test_the_only_label_field_need_not_be_named(self, dataset):
        assert table(given(dataset, **AMOUNTS)[0]) == table(given(dataset, task="p", **AMOUNTS)[0])

    def test_of_a_view_that_hides_objects(self, dataset):
        view = dataset.filter_labels("p", fo.ViewField("label") == "cat", only_matches=False)
        assert table(given(view, task="p", **AMOUNTS)[0])["cat"] == [2, 0, 0, 0]
        np.testing.assert_array_equal(given(view, task="p", **COUNT)[0], [2, 0, np.nan, 0])

    def test_samples_count_once_though_several_views_hold_them(self, dataset):
        twice = dataset.limit(2).concat(dataset.limit(2))
        amounts, _ = given(dataset, twice, dataset.limit(1), task="p", **AMOUNTS)
        assert table(amounts)["cat"] == [2, 0]

    @pytest.mark.parametrize(
        "label",
        [
            fo.Polylines(polylines=[fo.Polyline(label="cat", points=[[(0, 0), (1, 1)]])]),
            fo.Keypoints(keypoints=[fo.Keypoint(label="cat", points=[(0, 0)])]),
            fo.Classifications(classifications=[fo.Classification(label="cat")]),
            fo.Classification(label="cat"),
            fo.TemporalDetections(detections=[fo.TemporalDetection(label="cat", support=[1, 2])]),
        ],
        ids=lambda label: type(label).__name__,
    )
    def test_of_every_kind_of_label(self, make, label):
        dataset = make([one("0", label), one("1", None)])
        amounts, present = given(dataset, task="p", **AMOUNTS)
        assert (table(amounts), present.tolist()) == ({"cat": [1, 0]}, [True, False])
        np.testing.assert_array_equal(given(dataset, task="p", **COUNT)[0], [1, np.nan])


class TestProbabilities:
    """Where labels hold probabilities and the classes are known, these are summed."""

    def test_of_objects_are_summed(self, detected):
        amounts, present = given(detected, task="predictions", **AMOUNTS)
        e = np.exp([2.0, 1.0, 0.0]) / np.exp([2.0, 1.0, 0.0]).sum()
        by_hand = {
            0: [0.55, 1.2, 0.25],
            # An array, logits, a confidence of .4 for b whose rest is shared, and a label with nothing: one of its class.
            1: [0.1 + e[0] + 0.3, 0.1 + e[1] + 0.4 + 1, 0.8 + e[2] + 0.3],
            2: [0, 0, 0],
            4: [1, 0, 0],
        }
        for row, expected in by_hand.items():
            np.testing.assert_allclose(amounts.matrix.toarray()[row], expected, atol=1e-6)
        assert amounts.names == ("a", "b", "c")
        assert present.tolist() == [True, True, True, False, True, True, True, True]

    def test_count_counts_all_the_same(self, detected):
        amounts, _ = given(detected, task="predictions", count=True, **AMOUNTS)
        assert table(amounts)["a"] == [1, 1, 0, 0, 1, 1, 1, 0]

    def test_of_unknown_classes_are_counted(self, detected):
        detected.default_classes = []
        amounts, _ = given(detected, task="predictions", **AMOUNTS)
        assert table(amounts)["b"] == [1, 2, 0, 0, 0, 0, 0, 1]

    def test_of_one_label_a_sample(self, classified):
        amounts, _ = given(classified, task="predictions", **AMOUNTS)
        expected = np.array(classified.values("predictions.probabilities"))
        np.testing.assert_allclose(amounts.matrix.toarray(), expected, atol=1e-6)

    def test_of_several_labels_a_sample(self, make):
        logits = fo.Classifications(classifications=[fo.Classification(label="b")], logits=np.array([0.0, 2.0]))
        listed = fo.Classifications(classifications=[fo.Classification(label="a")])
        dataset = make([one("0", logits), one("1", listed)], classes={"p": ["a", "b"]})
        dataset.add_dynamic_sample_fields()
        amounts, _ = given(dataset, task="p", **AMOUNTS)
        np.testing.assert_allclose(amounts.matrix.toarray(), [[0.5, 1 / (1 + np.exp(-2))], [1, 0]], atol=1e-6)

    def test_as_vectors(self, classified):
        values, present = given(classified, task="predictions", name="PROBABILITIES")
        np.testing.assert_allclose(values, classified.values("predictions.probabilities"), atol=1e-6)
        assert present.all()

    def test_as_vectors_with_gaps(self, make):
        labels = [fo.Classification(label="a", logits=np.zeros(3)), fo.Classification(label="a"), None]
        dataset = make([one(str(row), label) for row, label in enumerate(labels)])
        values, present = given(dataset, task="p", name="PROBABILITIES")
        np.testing.assert_allclose(values[0], [1 / 3] * 3, atol=1e-6)
        assert present.tolist() == [True, False, False]

    def test_as_vectors_of_objects_there_are_none(self, detected):
        with pytest.raises(ShortlistError, match="must be a field with one label a sample, such as a Classification"):
            given(detected, task="predictions", name="PROBABILITIES")


class TestPasses:
    @pytest.fixture
    def models(self, make):
        chance = np.random.default_rng(2)

        def label():
            probabilities = chance.dirichlet(np.ones(3))
            return fo.Classification(label="abc"[int(probabilities.argmax())], probabilities=probabilities.tolist())

        samples = [fo.Sample(f"/nowhere/{row}.png", one=label(), two=label()) for row in range(4)]
        samples[2]["two"] = None
        return make(samples, default_classes=["a", "b", "c"])

    def test_of_several_fields(self, models):
        values, present = given(models, task="one", further_tasks=["two"], name="PASSES")
        assert values.shape == (4, 2, 3)
        np.testing.assert_allclose(values[1, 1], models.values("two.probabilities")[1], atol=1e-6)
        assert present.tolist() == [True, True, False, True]

    def test_of_an_attribute(self, make):
        passes = np.random.default_rng(3).dirichlet(np.ones(3), size=(5, 4))
        samples = [one(str(row), fo.Classification(label="a", mc=passes[row].tolist())) for row in range(5)]
        samples[1] = one("1", fo.Classification(label="a"))
        values, present = given(make(samples), task="p", passes_attribute="mc", name="PASSES")
        np.testing.assert_allclose(values[present], passes[[0, 2, 3, 4]], atol=1e-6)
        assert present.tolist() == [True, False, True, True, True]

    def test_that_differ_in_number(self, make):
        mc = np.full((3, 2), 0.5).tolist()
        dataset = make(
            [one("0", fo.Classification(label="a", mc=mc)), *(one("1", fo.Classification(label="a", mc=mc[:2])),) * 1]
        )
        values, present = given(dataset, task="p", passes_attribute="mc", name="PASSES")
        # Of the shorter one nobody knows what the third pass said.
        assert values.shape == (2, 3, 2)
        assert present.tolist() == [True, False]

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({}, "the input PASSES must be given either further_tasks, .* or the passes_attribute of one field"),
            ({"further_tasks": ["one"]}, "input.further_tasks must be other fields than the task and each other"),
            ({"further_tasks": ["tow"]}, r"input\.further_tasks\[0\] must be a field of .* Did you mean 'two'\?"),
            ({"passes_attribute": "mc"}, "passes_attribute must be an attribute of the labels in 'one'"),
        ],
    )
    def test_that_are_not_to_be_had(self, models, parameters, sentence):
        with pytest.raises(ShortlistError, match=sentence):
            given(models, task="one", name="PASSES", **parameters)


class TestMasks:
    @pytest.fixture
    def masks(self, make):
        first, second = np.zeros((4, 4), np.uint8), np.full((2, 2), 3, np.uint8)
        first[:2] = 1
        first[0, 0] = 255
        return make([one("0", fo.Segmentation(mask=first)), one("1", fo.Segmentation(mask=second)), one("2", None)])

    def test_classes_have_shares_of_the_pixels(self, masks):
        masks.mask_targets = {"p": {0: "sky", 1: "road", 3: "car"}}
        amounts, present = given(masks, task="p", **AMOUNTS)
        shares = {"sky": [8 / 15, 0, 0], "road": [7 / 15, 0, 0], "car": [0, 1, 0]}
        assert table(amounts) == {name: np.round(some, 6).tolist() for name, some in shares.items()}
        assert present.tolist() == [True, True, False]

    def test_values_are_names_where_nothing_is_declared(self, masks):
        assert table(given(masks, task="p", **AMOUNTS)[0])["3"] == [0, 1, 0]
        assert set(table(given(masks, task="p", categories=["1"], **AMOUNTS)[0])) == {"1"}

    def test_there_are_no_objects_to_count(self, masks):
        with pytest.raises(ShortlistError, match="must be a label field with objects, which CATEGORY_COUNT counts"):
            given(masks, task="p", **COUNT)

    def test_that_cannot_be_read(self, make):
        dataset = make([one("0", fo.Segmentation(mask_path="/nowhere/mask.png"))])
        with pytest.raises(ShortlistError, match="CLASS_DISTRIBUTION of 'p' needs masks"):
            given(dataset, task="p", **AMOUNTS)


class TestFrames:
    @pytest.fixture
    def videos(self, make):
        dataset = make()
        samples = [fo.Sample(f"/nowhere/{row}.mp4") for row in range(3)]
        for number in (1, 2, 3):
            samples[0].frames[number] = fo.Frame(p=boxes(box("cat"), box("dog")) if number < 3 else None)
            samples[1].frames[number] = fo.Frame(p=boxes(box("dog")) if number == 2 else boxes())
        dataset.add_samples(samples, progress=False)
        return dataset

    def test_are_added_up(self, videos):
        amounts, present = given(videos, task="frames.p", **AMOUNTS)
        assert table(amounts) == {"cat": [2, 0, 0], "dog": [2, 1, 0]}
        assert present.tolist() == [True, True, False]
        np.testing.assert_array_equal(given(videos, task="frames.p", **COUNT)[0], [4, 1, np.nan])

    def test_probabilities_are_added_up(self, videos):
        videos.default_classes = ["cat", "dog"]
        frame = videos.first().frames[1]
        frame.p.detections[0]["probabilities"] = [0.25, 0.75]
        frame.save()
        amounts, _ = given(videos, task="frames.p", **AMOUNTS)
        np.testing.assert_allclose(amounts.matrix.toarray(), [[1.25, 2.75], [0, 1], [0, 0]], atol=1e-6)


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"task": "predicions"}, r"input\.task must be a field of .* Did you mean 'predictions'\?"),
            (
                {"task": "weather"},
                r"input\.task must be a field of type Classification, .* Got 'weather', a StringField",
            ),
            (
                {"task": "predictions", "categories": ["d"]},
                r"input\.categories must be classes of 'predictions' \(a, b, c\)",
            ),
        ],
    )
    def test_what_is_not_there(self, untouched, parameters, sentence):
        with pytest.raises(ShortlistError, match=sentence):
            given(untouched, **parameters, **AMOUNTS)

    def test_several_fields_and_none_named(self, make):
        dataset = make([fo.Sample("/nowhere/0.png", gt=fo.Detections(), pred=fo.Detections())])
        with pytest.raises(ShortlistError, match="must name its task, since there are several label fields: pred, gt"):
            given(dataset, **AMOUNTS)

    def test_no_label_field(self, make):
        with pytest.raises(ShortlistError, match="the input PREDICTIONS needs a label field"):
            given(make([fo.Sample("/nowhere/0.png")]), **AMOUNTS)

    def test_labels_of_nothing(self, detected):
        detected.clear_sample_field("predictions")
        for name in (AMOUNTS, COUNT):
            with pytest.raises(ShortlistError, match="labels must be there for at least one sample"):
                given(detected, task="predictions", **name)
