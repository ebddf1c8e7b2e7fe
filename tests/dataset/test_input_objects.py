"""EMBEDDINGS of objects, and query sets: from attributes, Brain runs and other datasets."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist.core import schema
from shortlist.core.errors import ShortlistError
from shortlist.core.selection.config import Entry
from shortlist.core.selection.inputs import Embeddings
from shortlist.dataset.inputs import read, read_entry
from shortlist.dataset.rows import Rows
from shortlist.dataset.samples import ids_of
from shortlist.dataset.sources import choices, vectors_of_objects


def given(dataset, *views, **parameters):
    views = views or (dataset,)
    rows = Rows(np.unique(np.concatenate([ids_of(view) for view in views])), views)
    return read(Embeddings(type="EMBEDDINGS", **parameters), "vectors", rows, 0)


def of_rows(vectors) -> list[list[list[float]]]:
    parts = np.split(vectors.vectors, vectors.offsets[1:-1])
    return [part.round(4).tolist() for part in parts]


def box(**more) -> fo.Detection:
    return fo.Detection(label="a", bounding_box=[0.1, 0.1, 0.2, 0.2], **more)


@pytest.fixture
def objects(make):
    """Two objects, none at all, no label, one with and one without a vector, one without."""
    lists = [[box(emb=[1.0, 2.0]), box(emb=[3.0, 4.0])], [], None, [box(), box(emb=[5.0, 6.0])], [box()]]
    return make(
        [
            fo.Sample(f"/nowhere/{row}.png", p=None if found is None else fo.Detections(detections=found))
            for row, found in enumerate(lists)
        ]
    )


class TestAttributes:
    def test_the_vectors_of_every_sample(self, objects):
        vectors, present = given(objects, task="p", field="emb")
        assert of_rows(vectors) == [[[1, 2], [3, 4]], [], [], [[5, 6]], []]
        # No objects are present; no label, or nothing but objects without a vector, is not.
        assert present.tolist() == [True, True, False, True, False]

    def test_the_only_attribute_need_not_be_named(self, objects):
        vectors, _ = given(objects, task="p")
        assert of_rows(vectors) == of_rows(given(objects, task="p", field="emb")[0])
        assert vectors_of_objects(objects, "p") == ["emb"]

    def test_declared_vectors_as_the_zoo_stores_them(self, objects):
        objects.add_sample_field("p.detections.deep", fo.VectorField)
        objects.set_values("p.detections.deep", [[np.ones(3), np.zeros(3)], [], None, [None, np.ones(3)], [None]])
        assert vectors_of_objects(objects, "p") == ["deep", "emb"]
        vectors, _ = given(objects, task="p", field="p.detections.deep")
        assert of_rows(vectors)[0] == [[1, 1, 1], [0, 0, 0]]
        with pytest.raises(ShortlistError, match="since the objects of 'p' have several: deep, emb"):
            given(objects, task="p")

    def test_samples_count_once_though_several_views_hold_them(self, objects):
        vectors, _ = given(objects, objects, objects.limit(2), objects.limit(1).concat(objects.limit(1)), task="p")
        assert of_rows(vectors) == of_rows(given(objects, task="p")[0])

    def test_of_one_object_a_sample(self, make):
        dataset = make([fo.Sample("/nowhere/0.png", p=box(emb=[1.0, 2.0])), fo.Sample("/nowhere/1.png")])
        vectors, present = given(dataset, task="p")
        assert (of_rows(vectors), present.tolist()) == ([[[1, 2]], []], [True, False])

    def test_of_frames_belong_to_the_video(self, make):
        videos = [fo.Sample(f"/nowhere/{row}.mp4") for row in range(2)]
        for number in (1, 2):
            videos[1].frames[number] = fo.Frame(p=fo.Detections(detections=[box(emb=[float(number), 0.0])]))
        dataset = make(videos)
        vectors, present = given(dataset, task="frames.p")
        assert (of_rows(vectors), present.tolist()) == ([[], [[1, 0], [2, 0]]], [False, True])

    def test_many_batches_keep_the_order(self, make):
        """Objects stay with their samples, in their order, however they are read."""
        dataset = make([fo.Sample("/nowhere/0.png", p=fo.Detections(detections=[box(emb=[0.0, 0.0])]))])
        source = dataset._sample_collection.find_one()
        from bson import ObjectId

        made = []
        for row in range(1, 4500):
            found = [{**source["p"]["detections"][0], "emb": [float(row), float(place)]} for place in range(row % 3)]
            made.append({**source, "_id": ObjectId(), "p": {**source["p"], "detections": found}})
        dataset._sample_collection.insert_many(made)
        vectors, present = given(dataset.shuffle(seed=1), task="p")
        assert present.all()
        for row in (1, 2, 2500, 4499):
            assert of_rows(vectors)[row] == [[row, place] for place in range(row % 3)]


class TestBrainRuns:
    def test_of_patches(self, objects):
        embeddings = {one: np.array([[row, 1.0]] * 2) for row, one in enumerate(objects.values("id")) if row in (0, 3)}
        fob.compute_similarity(objects, patches_field="p", embeddings=embeddings, brain_key="crops", progress=False)
        vectors, present = given(objects, task="p", brain_key="crops")
        assert of_rows(vectors) == [[[0, 1], [0, 1]], [], [], [[3, 1], [3, 1]], []]
        assert present.tolist() == [True, True, False, True, False]
        assert choices(schema.BRAIN_RUN, objects) == ["crops"]

    def test_of_patches_are_none_of_samples(self, objects):
        embeddings = {one: np.ones((2, 2)) for one in objects.limit(1).values("id")}
        fob.compute_similarity(
            objects.limit(1), patches_field="p", embeddings=embeddings, brain_key="crops", progress=False
        )
        with pytest.raises(ShortlistError, match="It is of the objects in 'p': give that as task"):
            given(objects, brain_key="crops")

    def test_of_an_attribute(self, objects):
        objects.add_dynamic_sample_fields()
        view = objects.limit(1)
        fob.compute_similarity(view, patches_field="p", embeddings="emb", brain_key="crops", progress=False)
        vectors, _ = given(objects, task="p", brain_key="crops")
        assert of_rows(vectors)[0] == [[1, 2], [3, 4]]
        # And nothing need be named: the index is no second source.
        assert of_rows(given(objects, task="p")[0]) == of_rows(vectors)


class TestRefusals:
    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ({"task": "q"}, r"input\.task must be a field of .* Got 'q' instead"),
            (
                {"task": "p", "field": "em"},
                "input.field must be an attribute with one vector an object of 'p'. Got 'em' ins",
            ),
            ({"task": "p", "field": "emb", "brain_key": "x"}, "must be given a field or a brain_key, not both"),
            ({"task": "p", "brain_key": "x"}, r"a Brain run with embeddings of the objects in 'p' \(there is none\)"),
            (
                {"field": "p.detections.emb"},
                "give their label field as task and the attribute as field|must be a field of",
            ),
        ],
    )
    def test_what_is_not_there(self, objects, parameters, sentence):
        with pytest.raises(ShortlistError, match=sentence):
            given(objects, **parameters)

    def test_no_vectors(self, detected):
        with pytest.raises(
            ShortlistError, match=r"needs embeddings of objects\. Compute some with compute_patch_embeddings"
        ):
            given(detected, task="predictions")

    def test_of_mixed_sizes(self, make):
        found = fo.Detections(detections=[box(emb=[1.0, 2.0]), box(emb=[1.0, 2.0, 3.0])])
        dataset = make([fo.Sample("/nowhere/0.png", p=found)])
        with pytest.raises(ShortlistError, match=r"field 'p': emb must be a vector of one length, 2 as first found"):
            given(dataset, task="p", field="emb")

    def test_nan(self, make):
        found = fo.Detections(detections=[box(emb=[1.0, float("nan")])])
        dataset = make([fo.Sample("/nowhere/0.png", p=found)])
        with pytest.raises(ShortlistError, match=r"emb must be finite numbers\. Got NaN or infinity instead"):
            given(dataset, task="p", field="emb")


class TestQuerySets:
    @pytest.fixture
    def pool(self, make):
        return make(
            [fo.Sample(f"/nowhere/{row}.png", clip=[float(row), 1.0], tags=["a"] * (row < 2)) for row in range(6)]
        )

    @staticmethod
    def query(samples, **source) -> np.ndarray:
        entry = Entry.model_validate({"input": {"type": "EMBEDDINGS", **source}, "strategy": {"type": "SIMILARITY"}})
        rows = Rows(np.sort(ids_of(samples)), [samples])
        return read_entry(entry, rows, np.zeros(len(rows), bool), 0).beside["query"]

    def test_a_tag_of_this_dataset(self, pool):
        assert self.query(pool, tag_name="a").tolist() == [[0, 1], [1, 1]]
        assert self.query(pool.skip(3), tag_name="a").tolist() == [[0, 1], [1, 1]]

    def test_a_saved_view(self, pool):
        pool.save_view("last", pool.skip(5))
        assert self.query(pool, view="last").tolist() == [[5, 1]]

    @pytest.mark.parametrize("by", ["dataset", "dataset_id", "name as dataset_id"])
    def test_another_dataset(self, pool, make, by):
        other = make([fo.Sample("/nowhere/q.png", clip=[9.0, 9.0], tags=["wanted"])])
        where = {
            "dataset": {"dataset": other.name},
            "dataset_id": {"dataset_id": str(other._doc.id)},
            "name as dataset_id": {"dataset_id": other.name},
        }[by]
        assert self.query(pool, tag_name="wanted", **where).tolist() == [[9, 9]]

    def test_of_objects(self, objects):
        objects.limit(1).tag_samples("a")
        assert self.query(objects, task="p", tag_name="a").tolist() == [[1, 2], [3, 4]]

    def test_what_is_not_there(self, pool, make):
        other = make([fo.Sample("/nowhere/q.png", clip=[1.0, 2.0, 3.0], tags=["wide"])])
        without = make([fo.Sample("/nowhere/q.png", tags=["wanted"])])
        for source, sentence in [
            ({"tag_name": "b"}, r"input\.tag_name must be a tag of samples of .* Got 'b' instead\. It has a\."),
            ({"view": "b"}, r"input\.view must be a tag, a saved view or a selection of"),
            ({"tag_name": "a", "dataset": "no such"}, r"input\.dataset must be a dataset\. Got 'no such' instead"),
            ({"tag_name": "a", "dataset_id": "0" * 24}, r"input\.dataset_id must be the id or the name of a dataset"),
            ({"tag_name": "wide", "dataset": other.name}, "must have vectors of length 2, .* Got length 3 instead"),
            ({"tag_name": "wanted", "dataset": without.name}, r"the query set in .*: input\.field must be a field of"),
        ]:
            with pytest.raises(ShortlistError, match=sentence):
                self.query(pool, **source)
